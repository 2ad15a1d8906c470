"""Age-outs: which covered dependents pass a limit of age, when, and what their plan covers afterwards."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from openbenefits.enrollment.frames import load_coverage, load_covered_dependents
from openbenefits.enrollment.rules.ages import FACTS, age_outs
from openbenefits.programs.frames import load_rulebook
from openbenefits.reports.frames import load_clients
from openbenefits.reports.names import plan_type_name
from openbenefits.reports.rules import sorted_name
from openbenefits.store.bulk import copy_out
from openbenefits.workforce.frames import load_dependents, names_as_of

PEOPLE_QUERY = """
SELECT DISTINCT d.client_id, d.person_id, p.employee_number
FROM enrollment_coveragedependent AS d
JOIN workforce_person AS p ON p.client_id = d.client_id AND p.id = d.person_id
WHERE d.client_id = ANY(%(clients)s)
"""
PEOPLE = {"client_id": pl.Int32(), "person_id": pl.Int64(), "employee_number": pl.String()}
LISTED = {
    "client": pl.String,
    "employee_number": pl.String,
    "name": pl.String,
    "benefit_record": pl.Int16,
    "dependent": pl.Int16,
    "dependent_name": pl.String,
    "person_type": pl.String,
    "born": pl.Date,
    "plan": pl.String,
    "option_code": pl.String,
    "dependent_rule": pl.String,
    "limit": pl.Int16,
    "limit_of": pl.String,
    "last_covered_on": pl.Date,
    "coverage_code": pl.String,
    "coverage_code_after": pl.String,
    "state": pl.String,
}
DUE, SETTLED = "to do", "in the timeline"


def load_age_outs(
    connection: Any, client_ids: Sequence[int] | None, *, as_of: date, through: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """List the dependents whose last covered day by a limit of age lies from `as_of` through `through`, and
    those still covered on `as_of` although they had passed it before.

    Shapes:  two frames as LISTED. state: whether the timeline already ends the coverage by then.
    Missing: a child without a birth date never counts: listed as past the limit, without a last day.
    """
    clients = load_clients(connection)
    if client_ids is not None:
        clients = clients.filter(pl.col("client_id").is_in(list(client_ids)))
    numbers = clients["client_id"].to_list()
    people = copy_out(connection, PEOPLE_QUERY, PEOPLE, {"clients": numbers})
    if people.is_empty():
        return pl.DataFrame(schema=LISTED), pl.DataFrame(schema=LISTED)
    facts = load_dependents(connection, people, FACTS)
    found = age_outs(
        load_coverage(connection, people),
        load_covered_dependents(connection, people),
        facts,
        load_rulebook(connection, numbers),
        as_of=as_of,
        through=through,
    )
    named = _named(connection, found, people.join(clients, on="client_id"), as_of)
    is_past = pl.col("out_on") <= as_of
    return tuple(_listed(named.filter(side)) for side in (~is_past, is_past))  # type: ignore[return-value]


# --- names ------------------------------------------------------------------------------------------------


def _named(connection: Any, found: pl.DataFrame, people: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Add who it is about, as reports name people."""
    cases = people.filter(pl.col("person_id").is_in(found["person_id"].implode())).select(
        pl.int_range(pl.len(), dtype=pl.Int32).alias("case"),
        *people.columns,
        pl.lit(as_of).alias("as_of"),
    )
    names = names_as_of(connection, cases).select("case", name=sorted_name())
    known = cases.join(names, on="case", how="left").select(
        "client_id", "person_id", "client", "employee_number", "name"
    )
    return found.join(known, on=["client_id", "person_id"], how="left", maintain_order="left")


def _listed(rows: pl.DataFrame) -> pl.DataFrame:
    by_student = pl.col("is_student") & (pl.col("student_age_limit") != pl.col("age_limit"))
    return (
        rows.with_columns(
            dependent_name=sorted_name(),
            plan=plan_type_name(),
            limit_of=pl.when(by_student).then(pl.lit("students")).otherwise(pl.lit("everybody")),
            state=pl.when("is_settled").then(pl.lit(SETTLED)).otherwise(pl.lit(DUE)),
        )
        .rename({"number": "dependent", "birth_on": "born"})
        .sort(
            "last_covered_on", "client", "name", "employee_number", "plan_type", "dependent", nulls_last=True
        )
        .select(pl.col(name).cast(kind) for name, kind in LISTED.items())
    )
