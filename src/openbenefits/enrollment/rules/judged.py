"""Whether dependents named for a plan type count on the day its coverage begins (docs/rules.md §3)."""

import polars as pl

from openbenefits.core.columns import with_taken
from openbenefits.eligibility.dependents import DEPENDENT_RULE, why_not_member
from openbenefits.programs.rulebook import Rulebook
from openbenefits.rating.rules.offers import version_on


def judged_members(
    rows: pl.DataFrame, chosen: pl.DataFrame, members: pl.DataFrame, rulebook: Rulebook
) -> pl.DataFrame:
    """Judge the dependents named for plan types on the day coverage begins: adds person_type and why_not.

    Shapes: rows has case, plan_type, dependent_rule_id, price_on.
    """
    named = rows.select("case", "plan_type", "dependent_rule_id", "price_on").join(
        chosen, on=["case", "plan_type"]
    )
    named = named.join(members, on=["case", "dependent_id"], how="left", maintain_order="left")
    rules = rulebook.dependent_rules.with_row_index("position")
    ruled = version_on(named, rules, "dependent_rule_id", "position")
    ruled = with_taken(ruled, rules, "position", *DEPENDENT_RULE)
    unknown = pl.col("person_type").is_null()
    why = (
        pl.when(unknown)
        .then(pl.lit("relationship"))
        .when("is_former")
        .then(pl.lit("former"))
        .otherwise(why_not_member(ruled))
    )
    return ruled.with_columns(why_not=why)
