"""Until when children who are enrolled there may be covered, by the dependent rules of our plans."""

from typing import Any

import polars as pl

from openbenefits.eligibility.dependents import last_day_of_age
from openbenefits.platform.here import Here, offered

CHILD = {
    "employee": pl.String,
    "plan": pl.String,
    "dependent": pl.String,
    "born": pl.Date,
    "ends_on": pl.Date,
    "is_student": pl.Boolean,
    "is_disabled": pl.Boolean,
}


def age_limits(here: Here) -> pl.DataFrame:
    """List the limit of age of each plan offered, by its dependent rule; the latest where several differ.

    Missing: a plan whose rule names no limit, or that has no rule, is not listed.
    """
    types = here.current("plan_type_row", ["program_id", "plan_type"]).select(
        "program_id", "plan_type", "dependent_rule_id"
    )
    rules = here.current("dependent_rule", "dependent_rule_id").select(
        *("dependent_rule_id", "age_limit", "student_age_limit", "is_disabled_exempt"),
        *("last_day", "plan_year_begins"),
    )
    found = offered(here).join(types, on=["program_id", "plan_type"]).join(rules, on="dependent_rule_id")
    latest = found.sort("age_limit", nulls_last=True).unique("plan", keep="last", maintain_order=True)
    return latest.drop_nulls("age_limit").select("plan", *rules.columns[1:])


def last_days(here: Here, children: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Say of each child until when he may be covered: rows as the element `dependent` of a look.

    Missing: who is exempt as disabled, or is in a plan without a limit, has no last day.
    """
    rows = pl.DataFrame(children, schema=CHILD, orient="row")
    limited = rows.join(age_limits(here), on="plan", how="left").with_columns(
        birth_on=pl.col("born"),
        limit=pl.when("is_student").then("student_age_limit").otherwise("age_limit"),
    )
    is_exempt = pl.col("is_disabled") & pl.col("is_disabled_exempt").fill_null(value=True)
    has_limit = pl.col("limit").is_not_null() & ~is_exempt
    found = limited.with_columns(last_on=pl.when(has_limit).then(last_day_of_age()))
    return found.select("employee", "plan", "dependent", "ends_on", "last_on").to_dicts()
