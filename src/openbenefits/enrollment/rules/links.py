"""Coverage that needs other coverage, and coverage that rules other out (docs/rules.md §11.3, §11.6).

What is required, or excluded, is looked for among the elections of the same event, else its defaults, else
what is in force (`outcomes`).
"""

import polars as pl

from openbenefits.core import money
from openbenefits.core.codes import PERSON_KINDS
from openbenefits.enrollment.rules.elected import Checking
from openbenefits.enrollment.rules.members import members_of
from openbenefits.enrollment.rules.messages import message_rows, no_messages
from openbenefits.enrollment.rules.outcomes import MEDICAL
from openbenefits.rating.rules.offers import holds

WHOLE = 100 * 1_000
"""100 % in thousandths of a percent."""

_CODES = {"type": "BA1311", "plan": "BA1312", "amount": "BA1313", "dependents": "BA1314"}


def link_messages(checking: Checking, held: pl.DataFrame) -> list[pl.DataFrame]:
    """Name the elections whose required coverage is not there, is of another plan, or is too small."""
    if not has_links(checking):
        return []
    elected = held.filter(how="elected").join(
        checking.enrolling().select("case", "plan_type"), on=["case", "plan_type"], how="semi"
    )
    judged = unmet(checking, elected, held)
    plan = checking.rulebook.plans.select(required_plan_id="plan_id", required_plan="code").unique(
        "required_plan_id"
    )
    named = judged.join(plan, on="required_plan_id", how="left", maintain_order="left")
    return [_link_message(named.filter(unmet=why), why) for why in _CODES]


def has_links(checking: Checking) -> bool:
    """Tell whether any option needs other coverage."""
    return checking.rulebook.options["required_plan_type"].null_count() < checking.rulebook.options.height


def unmet(checking: Checking, rows: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Say of outcomes what is wrong with the coverage they need: adds `unmet` and drops what is met.

    unmet: type (nothing there), plan (another plan), amount (covers too little), dependents (somebody is
    not covered there). Missing: a coverage amount that is unknown is too small.
    """
    needing = rows.filter(pl.col("required_plan_type").is_not_null())
    there = held.select(
        "case",
        required_plan_type="plan_type",
        there_plan_id="plan_id",
        there_cents="coverage_cents",
        is_there=pl.lit(value=True),
    )
    found = needing.join(there, on=["case", "required_plan_type"], how="left", maintain_order="left")
    found = found.with_columns(
        most_cents=money.multiply_divide_half_up(
            pl.col("there_cents"), pl.col("required_percent_thousandths").cast(pl.Int64), WHOLE
        )
    )
    found = _with_missing_dependents(checking, found, held)
    wrong_plan = pl.col("required_plan_id").is_not_null() & pl.col("required_plan_id").ne_missing(
        pl.col("there_plan_id")
    )
    above = pl.col("required_percent_thousandths").is_not_null() & (
        pl.col("coverage_cents") > pl.col("most_cents")
    ).fill_null(value=True)
    why = (
        pl.when(pl.col("is_there").is_null())
        .then(pl.lit("type"))
        .when(wrong_plan)
        .then(pl.lit("plan"))
        .when(above)
        .then(pl.lit("amount"))
        .when(pl.col("uncovered") > 0)
        .then(pl.lit("dependents"))
    )
    return found.with_columns(unmet=why).filter(pl.col("unmet").is_not_null())


def _with_missing_dependents(checking: Checking, rows: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Count the dependents covered here and not there, where the option asks for that."""
    asking = rows.filter("is_same_dependents")
    if asking.is_empty():
        return rows.with_columns(uncovered=pl.lit(0, pl.UInt32))
    covered = members_of(checking, held)
    here = asking.select("case", "plan_type", "required_plan_type").join(covered, on=["case", "plan_type"])
    there = covered.rename({"plan_type": "required_plan_type"})
    apart = here.join(there, on=["case", "required_plan_type", "dependent_id"], how="anti")
    counted = apart.group_by("case", "plan_type").agg(uncovered=pl.len())
    return rows.join(counted, on=["case", "plan_type"], how="left", maintain_order="left").with_columns(
        pl.col("uncovered").fill_null(0)
    )


def _link_message(rows: pl.DataFrame, why: str) -> pl.DataFrame:
    needed = pl.format("coverage in plan type {}", "required_plan_type")
    plan = pl.format("plan {} of plan type {}", "required_plan", "required_plan_type")
    expected = {
        "type": needed,
        "plan": plan,
        "amount": pl.format(
            "at most {} cents, the percentage allowed of plan type {}",
            pl.col("most_cents").cast(pl.String).fill_null("an unknown number of"),
            "required_plan_type",
        ),
        "dependents": pl.format("nobody who is not covered in plan type {}", "required_plan_type"),
    }
    found = {
        "type": pl.lit("none"),
        "plan": pl.lit("another plan"),
        "amount": pl.format("{} cents", pl.col("coverage_cents").cast(pl.String).fill_null("unknown")),
        "dependents": pl.format("{} not covered there", "uncovered"),
    }
    return message_rows(rows, _CODES[why], expected[why], found[why])


# --- maxima over several plans --------------------------------------------------------------------------


def group_messages(checking: Checking, held: pl.DataFrame) -> list[pl.DataFrame]:
    """Name the elections that take the plans of a coverage group above its maximum together."""
    groups = checking.rulebook.coverage_groups
    if groups.is_empty():
        return []
    members = _with_plan(checking, held, "coverage_group_id").drop_nulls("coverage_group_id")
    summed = members.group_by("case", "coverage_group_id").agg(together=money.total(pl.col("coverage_cents")))
    rows = _with_plan(checking, checking.enrolling(), "coverage_group_id").join(
        summed, on=["case", "coverage_group_id"]
    )
    rows = rows.join(groups, on="coverage_group_id").filter(
        (pl.col("valid_from") <= pl.col("price_on")) & (pl.col("price_on") < pl.col("valid_to"))
    )
    over = rows.filter(pl.col("together") > pl.col("maximum_cents"))
    return [
        message_rows(
            over,
            "BA1315",
            pl.format("at most {} cents over the plans of group {}", "maximum_cents", "code"),
            pl.format("{} cents together", "together"),
        )
    ]


def _with_plan(checking: Checking, rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Add what the version of the plan says that holds on the event date; null where none does."""
    days = checking.situation.cases.select("case", named_on="event_on")
    placed = rows.join(days, on="case", how="left", maintain_order="left")
    pairs = placed.select("plan_id", "named_on").drop_nulls().unique()
    found = pairs.join(checking.rulebook.plans, on="plan_id").filter(holds("named_on"))
    key = ["plan_id", "named_on"]
    versions = found.select(*key, column)
    return placed.join(versions, on=key, how="left", maintain_order="left").drop("named_on")


# --- health savings accounts ----------------------------------------------------------------------------


def hsa_messages(checking: Checking, held: pl.DataFrame) -> list[pl.DataFrame]:
    """An HSA needs an HSA-eligible medical plan; a plan type may rule other coverage out."""
    wanting = checking.enrolling().filter("is_hsa")
    unfit = without_hsa_plan(checking, wanting, held)
    return [
        message_rows(unfit, "BA1319", pl.lit("an HSA-eligible medical plan"), pl.lit("another, or none")),
        _excluded_messages(checking, held),
    ]


def without_hsa_plan(checking: Checking, rows: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Keep the rows of cases whose medical coverage is not that of an HSA-eligible plan."""
    if rows.is_empty():
        return rows
    medical = _with_plan(checking, held.filter(plan_type=MEDICAL), "is_hsa_eligible").filter(
        "is_hsa_eligible"
    )
    return rows.join(medical, on="case", how="anti")


def unfit_accounts(checking: Checking, held: pl.DataFrame) -> pl.DataFrame:
    """Name the HSAs, not elected, that would go on beside medical coverage that is not HSA-eligible."""
    accounts = held.filter(pl.col("is_hsa") & (pl.col("how") != "elected"))
    return without_hsa_plan(checking, accounts, held).with_columns(required_plan_type=pl.lit(MEDICAL))


def _excluded_messages(checking: Checking, held: pl.DataFrame) -> pl.DataFrame:
    excluded = checking.rulebook.excluded_coverage
    if excluded.is_empty():
        return no_messages()
    pairs = checking.enrolling().select("case", "plan_type", "plan_row").join(excluded, on="plan_row")
    there = held.select("case", excluded_plan_type="plan_type", there_plan_id="plan_id")
    met = pairs.join(there, on=["case", "excluded_plan_type"]).filter(
        pl.col("excluded_plan_id").is_null() | (pl.col("excluded_plan_id") == pl.col("there_plan_id"))
    )
    return message_rows(
        met.unique(["case", "plan_type", "excluded_plan_type"], maintain_order=True),
        "BA1319",
        pl.format("no such coverage in plan type {}", "excluded_plan_type"),
        pl.lit("it would be in force"),
    )


def covers_others() -> pl.Expr:
    """Whether the coverage code of an outcome covers anybody beside the employee."""
    return pl.any_horizontal(pl.col(f"{kind}_max").fill_null(0) > 0 for kind in PERSON_KINDS)


__all__ = ["MEDICAL", "covers_others", "group_messages", "hsa_messages", "link_messages", "unmet"]
