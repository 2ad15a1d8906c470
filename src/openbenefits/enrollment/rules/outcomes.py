"""What would hold in each plan type of an event: the election, else the default, else what is in force."""

import polars as pl

from openbenefits.core.codes import PERSON_KINDS, OptionType
from openbenefits.core.columns import with_taken
from openbenefits.core.plan_types import HSA, SPENDING_ACCOUNTS, is_one_of
from openbenefits.enrollment.rules.elected import Checking
from openbenefits.enrollment.rules.plans import COVERED
from openbenefits.programs.rulebook import Rulebook

MEDICAL = "10"
KEEPING = ("current", "reinstated", "retiered")
"""The reasons of defaults that keep what was held, with its amounts, funds, and dependents who remain."""
ELECTED, DEFAULTED, KEPT, STANDING = "elected", "defaulted", "kept", "standing"

_OPTION = ("plan_id", "is_hsa", *(f"{kind}_max" for kind in PERSON_KINDS))
_REQUIRED = ("required_plan_type", "required_plan_id", "required_percent_thousandths", "is_same_dependents")

OUTCOME = (
    *("case", "plan_type", "how", "option_id", "coverage_cents", "pledge_cents"),
    *("percent_thousandths", "employer_cents"),
    *_OPTION,
    *_REQUIRED,
)


def outcomes(checking: Checking, rows: pl.DataFrame | None = None) -> pl.DataFrame:
    """Say what would cover each case, plan type by plan type; a plan type with no row covers nobody.

    Shapes:  OUTCOME; `how` is elected, defaulted (anew), kept (the current option, by default) or standing
             (in force, and the event leaves it alone). `rows`, the elections that count, are all by default.
    Only plan types that some check looks at are listed (`looked_at`).
    Source:  docs/rules.md §11.1.
    """
    matters = pl.col("plan_type").is_in(looked_at(checking.rulebook))
    rows = (checking.rows if rows is None else rows).filter(matters)
    key = ["case", "plan_type"]
    elected = rows.filter(option_type="O").select(
        *key,
        pl.lit(ELECTED).alias("how"),
        *("option_id", "option_row", "pledge_cents", "percent_thousandths", "employer_cents"),
        coverage_cents="offered_coverage_cents",
    )
    plans = checking.prepared.plans.filter(matters)
    unelected = plans.join(rows.select(key), on=key, how="anti")
    touched = unelected.filter(pl.col("default_reason") != "untouched")
    others = _standing(checking, pl.concat([rows.select(key), touched.select(key)]))
    known = pl.concat([elected, _defaulted(checking, touched)], how="diagonal_relaxed")
    known = with_taken(known, checking.rulebook.options, "option_row", *_OPTION, *_REQUIRED)
    options = checking.rulebook.options
    latest = checking.rulebook.derived.answer("latest options", lambda: _latest(options))
    others = others.join(latest, on="option_id", how="left")
    found = pl.concat([known.select(OUTCOME), others.select(OUTCOME)], how="vertical_relaxed")
    return found.with_columns(pl.col("is_hsa").fill_null(pl.col("plan_type") == HSA))


def _latest(options: pl.DataFrame) -> pl.DataFrame:
    """What each option is, and needs, as last set up."""
    latest = options.unique("option_id", keep="last", maintain_order=True)
    return latest.select("option_id", *_OPTION, *_REQUIRED)


def looked_at(rulebook: Rulebook) -> list[str]:
    """Name the plan types whose outcome some check looks at: where none does, nothing is to be found out."""
    found: list[str] = rulebook.derived.answer("plan types looked at", lambda: _looked_at(rulebook))
    return found


def _looked_at(rulebook: Rulebook) -> list[str]:
    own = rulebook.plan_rows.select("plan_row", "plan_type", "is_hsa")
    linked = rulebook.options.select("plan_row", "required_plan_type").drop_nulls().join(own, on="plan_row")
    grouped = rulebook.plans.filter(pl.col("coverage_group_id").is_not_null())
    named = [
        linked["plan_type"],
        linked["required_plan_type"],
        grouped["plan_type"],
        rulebook.excluded_coverage["excluded_plan_type"],
    ]
    named.append(sharing_rows(rulebook)["plan_type"])
    found = {kind for column in named for kind in column.unique()}
    accounts = own.filter("is_hsa")["plan_type"].unique()
    if not accounts.is_empty():
        found |= {*accounts, MEDICAL}
    if rulebook.programs["maximum_pledge_cents"].null_count() < rulebook.programs.height:
        found |= set(own.filter(is_one_of(SPENDING_ACCOUNTS))["plan_type"].unique())
    return sorted(found)


def sharing_rows(rulebook: Rulebook) -> pl.DataFrame:
    """The plan types of a program that share a legal limit: plan_row, program_row, plan_type, annual_limit,
    amount_kind.
    """
    found: pl.DataFrame = rulebook.derived.answer("shared limits", lambda: _sharing_rows(rulebook))
    return found


def _sharing_rows(rulebook: Rulebook) -> pl.DataFrame:
    limited = rulebook.plan_rows.filter(pl.col("annual_limit").is_not_null()).select(
        "plan_row", "program_row", "plan_type", "annual_limit", "amount_kind"
    )
    return limited.filter(pl.len().over("program_row", "annual_limit") > 1)


def _defaulted(checking: Checking, touched: pl.DataFrame) -> pl.DataFrame:
    """The options that defaults give, without waivers."""
    options = checking.prepared.options.filter("is_default", option_type=str(OptionType.OPTION)).select(
        "plan",
        "option_row",
        "coverage_cents",
        employer_cents="annual_credit_cents",
    )
    rows = touched.join(options, on="plan")
    is_kept = pl.col("default_reason").is_in(KEEPING)
    return rows.select(
        *("case", "plan_type", "option_row", "coverage_cents", "employer_cents"),
        how=pl.when(is_kept).then(pl.lit(KEPT)).otherwise(pl.lit(DEFAULTED)),
        option_id="default_option_id",
        pledge_cents=pl.when(is_kept).then("current_pledge_cents"),
        percent_thousandths=pl.when(is_kept).then("current_percent_thousandths"),
    )


def _standing(checking: Checking, decided: pl.DataFrame) -> pl.DataFrame:
    """What is in force in plan types the event leaves alone."""
    held = checking.situation.in_force.filter(
        pl.col("plan_type").is_in(looked_at(checking.rulebook))
        & (pl.col("slot") == 0)
        & pl.col("kind").is_in(COVERED)
        & ~pl.col("is_future")
    )
    among = checking.prepared.cases.select("case")
    return (
        held.join(among, on="case", how="semi")
        .join(decided, on=["case", "plan_type"], how="anti")
        .select(
            *("case", "plan_type", "option_id", "coverage_cents", "pledge_cents", "percent_thousandths"),
            how=pl.lit(STANDING),
            employer_cents=pl.lit(0, pl.Int64),  # of what is left alone only what the person puts in counts
        )
    )


__all__ = [
    "DEFAULTED",
    "ELECTED",
    "KEEPING",
    "KEPT",
    "MEDICAL",
    "OUTCOME",
    "STANDING",
    "looked_at",
    "outcomes",
    "sharing_rows",
]
