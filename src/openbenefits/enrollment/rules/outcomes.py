"""What would hold in each plan type of an event: the election, else the default, else what is in force."""

import polars as pl

from openbenefits.core.codes import PERSON_KINDS, OptionType
from openbenefits.core.columns import with_taken
from openbenefits.core.plan_types import HSA, is_spending_account
from openbenefits.enrollment.rules.elected import Checking
from openbenefits.enrollment.rules.plans import COVERED
from openbenefits.programs.rulebook import Rulebook

MEDICAL = "10"
ELECTED, DEFAULTED, KEPT, STANDING = "elected", "defaulted", "kept", "standing"

_OPTION = ("plan_id", *(f"{kind}_max" for kind in PERSON_KINDS))
_REQUIRED = ("required_plan_type", "required_plan_id", "required_percent_thousandths", "is_same_dependents")

OUTCOME = (
    *("case", "plan_type", "how", "option_id", "coverage_cents", "pledge_cents"),
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
        *("option_id", "option_row", "pledge_cents"),
        coverage_cents="offered_coverage_cents",
    )
    plans = checking.prepared.plans.filter(matters)
    unelected = plans.join(rows.select(key), on=key, how="anti")
    touched = unelected.filter(pl.col("default_reason") != "untouched")
    others = _standing(checking, pl.concat([rows.select(key), touched.select(key)]))
    known = pl.concat([elected, _defaulted(checking, touched)], how="diagonal_relaxed")
    known = with_taken(known, checking.rulebook.options, "option_row", *_OPTION, *_REQUIRED)
    latest = checking.rulebook.options.unique("option_id", keep="last", maintain_order=True)
    others = others.join(latest.select("option_id", *_OPTION, *_REQUIRED), on="option_id", how="left")
    return pl.concat([known.select(OUTCOME), others.select(OUTCOME)], how="vertical_relaxed")


def looked_at(rulebook: Rulebook) -> list[str]:
    """Name the plan types whose outcome some check looks at: where none does, nothing is to be found out."""
    own = rulebook.plan_rows.select("plan_row", "plan_type")
    linked = rulebook.options.select("plan_row", "required_plan_type").drop_nulls().join(own, on="plan_row")
    grouped = rulebook.plans.filter(pl.col("coverage_group_id").is_not_null())
    named = [
        linked["plan_type"],
        linked["required_plan_type"],
        grouped["plan_type"],
        rulebook.excluded_coverage["excluded_plan_type"],
    ]
    kinds = set(own["plan_type"].unique())
    found = {kind for column in named for kind in column.unique()}
    if HSA in kinds:
        found |= {HSA, MEDICAL}
    if rulebook.programs["maximum_pledge_cents"].null_count() < rulebook.programs.height:
        found |= {kind for kind in kinds if is_spending_account(kind)}
    return sorted(found)


def _defaulted(checking: Checking, touched: pl.DataFrame) -> pl.DataFrame:
    """The options that defaults give, without waivers."""
    options = checking.prepared.options.filter(option_type=str(OptionType.OPTION)).select(
        "plan", "option_row", "coverage_cents", default_option_id="option_id"
    )
    rows = touched.join(options, on=["plan", "default_option_id"])
    is_kept = pl.col("default_reason") == "current"
    return rows.select(
        *("case", "plan_type", "option_row", "coverage_cents"),
        how=pl.when(is_kept).then(pl.lit(KEPT)).otherwise(pl.lit(DEFAULTED)),
        option_id="default_option_id",
        pledge_cents=pl.when(is_kept).then("current_pledge_cents"),
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
            *("case", "plan_type", "option_id", "coverage_cents", "pledge_cents"),
            how=pl.lit(STANDING),
        )
    )


__all__ = ["DEFAULTED", "ELECTED", "HSA", "KEPT", "MEDICAL", "OUTCOME", "STANDING", "looked_at", "outcomes"]
