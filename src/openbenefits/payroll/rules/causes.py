"""Why a line differs from that of the pay before: dated, in a word, without an event (rulings §5.2)."""

from datetime import date

import polars as pl

from openbenefits.core.codes import AmountKind
from openbenefits.core.columns import with_taken
from openbenefits.payroll.rules.takings import OWNER, PAY
from openbenefits.programs.rulebook import Rulebook

BEGINS, ENDS, RATE, PAY_RISE, AGE = "begins", "ends", "rate", "pay", "age"
ADDRESS, COVERAGE, SAME = "address", "coverage changed", ""
DECIDED = "price decided"

_CONTENT = ("option_id", "requested_coverage_cents", "pledge_cents", "covered")
_COMPARED = (
    *(
        "ends_on",
        "following_on",
        "content",
        "rates_since",
        "owed_cents",
        "year_cents",
        "year_employer_cents",
    ),
    *(
        "stated_thousandths",
        "coverage_cents",
        "priced_annual_pay_cents",
        "priced_age",
        "priced_family_ages",
        "priced_place",
        "decided_edge",
    ),
)
_LINE = ["series", "kind", "is_after_tax_part"]


def with_content(points: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """Add `content` to points: one number that differs when what was chosen does."""
    key = [*OWNER, "plan_type", "slot", "begins_on"]
    covered = members.group_by(key).agg(covered=pl.col("dependent_id").hash().bitwise_xor())
    found = points.join(covered, on=key, how="left", maintain_order="left")
    return found.with_columns(content=pl.struct(_CONTENT).hash())


def with_causes(
    lines: pl.DataFrame, pays: pl.DataFrame, points: pl.DataFrame, rulebook: Rulebook, first: date
) -> pl.DataFrame:
    """Add `cause` to each line, and a line of 0 in the first pay that no longer takes a deduction.

    Shapes:  lines as `with_year` and the amounts leave them; pays has owner, case and the columns of a pay.
             `first` is the first day looked at: what began before it does not begin.
    Source:  rulings §5.2; a difference within a split's own rounding is no change (§5.1).
    """
    rows = _with_rates_since(with_taken(lines, points, "point", "content"), rulebook)
    rows = rows.sort(*_LINE, "ends_on")
    before = [pl.col(name).shift(1).over(_LINE).alias(f"before_{name}") for name in _COMPARED]
    rows = rows.with_columns(*before, after_ends_on=pl.col("ends_on").shift(-1).over(_LINE))
    rows = rows.with_columns(cause=_cause(first))
    ended = _endings(rows, pays)
    return pl.concat([rows.select(ended.columns), ended]).join(
        points.select("point", *OWNER, "slot", plan_type="plan_type", option_id="option_id"), on="point"
    )


def _cause(first: date) -> pl.Expr:
    is_new = pl.col("before_ends_on").is_null()
    began_earlier = (pl.col("point_deduction_begins_on") < first).fill_null(value=False)
    is_resumed = (pl.col("before_following_on") < pl.col("ends_on")).fill_null(value=False)
    is_percent = (pl.col("amount_kind") == str(AmountKind.PERCENT)) & (pl.col("kind") == "deduction")
    amounts = [_differs(name) for name in ("year_cents", "year_employer_cents", "coverage_cents")]
    is_changed = pl.any_horizontal(*amounts) | (is_percent.fill_null(value=False) & _differs("owed_cents"))
    return (
        pl.when(is_new)
        .then(pl.when(began_earlier).then(pl.lit(SAME)).otherwise(pl.lit(BEGINS)))
        .when(is_resumed)
        .then(pl.lit(BEGINS))
        .when(_differs("content") | _differs("stated_thousandths"))
        .then(pl.lit(COVERAGE))
        .when(~is_changed)
        .then(pl.lit(SAME))
        .when(_differs("decided_edge"))
        .then(pl.lit(DECIDED))
        .when(_differs("rates_since"))
        .then(pl.lit(RATE))
        .when(_differs("priced_annual_pay_cents"))
        .then(pl.lit(PAY_RISE))
        .when(_differs("priced_age") | _differs("priced_family_ages"))
        .then(pl.lit(AGE))
        .when(_differs("priced_place"))
        .then(pl.lit(ADDRESS))
        .otherwise(pl.lit(COVERAGE))
    )


def _differs(name: str) -> pl.Expr:
    return pl.col(name).ne_missing(pl.col(f"before_{name}"))


def _with_rates_since(lines: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add rates_since: the last day on which a rate, formula or contribution of the option began."""
    asked = lines.select(option_id="point_option_id", price_on="price_on").unique().sort("price_on")
    found = asked.join_asof(
        _option_changes(rulebook).sort("price_on"),
        on="price_on",
        by="option_id",
        strategy="backward",
        coalesce=True,
        check_sortedness=False,
    )
    found = found.rename({"option_id": "point_option_id"})
    return lines.join(found, on=["point_option_id", "price_on"], how="left", maintain_order="left")


def _option_changes(rulebook: Rulebook) -> pl.DataFrame:
    """List the days on which a row that prices an option begins."""
    options = rulebook.options.select("option_row", "option_id", "formula_id", "premium_formula_id")
    costs = options.join(rulebook.costs, on="option_row")
    days = [
        costs.join(rulebook.rate_tables.select("rate_table_id", "valid_from"), on="rate_table_id"),
        costs.join(rulebook.contributions.select("contribution_id", "valid_from"), on="contribution_id"),
        options.join(rulebook.formulas.select("formula_id", "valid_from"), on="formula_id"),
        options.join(
            rulebook.formulas.select("valid_from", premium_formula_id="formula_id"), on="premium_formula_id"
        ),
    ]
    listed = pl.concat([rows.select("option_id", rates_since="valid_from") for rows in days]).unique()
    return listed.with_columns(price_on="rates_since")


def _endings(rows: pl.DataFrame, pays: pl.DataFrame) -> pl.DataFrame:
    """Make a line of 0 for the first flagged pay that a deduction or credit is no longer taken in."""
    last = rows.filter(
        pl.col("following_on").is_not_null()
        & (pl.col("after_ends_on").is_null() | (pl.col("following_on") < pl.col("after_ends_on")))
    )
    kept = last.select(*("point", "owner", "kind", "tax_class", "deduction_code_id"), ends_on="following_on")
    nothing = pl.lit(0, pl.Int64)
    return kept.join(pays.select("owner", *PAY), on=["owner", "ends_on"]).select(
        *("point", "kind", "tax_class", "deduction_code_id", *PAY),
        owed_cents=nothing,
        employer_cents=nothing,
        coverage_cents=pl.lit(None, pl.Int64),
        cause=pl.lit(ENDS),
        fault=pl.lit(None, pl.String),
    )
