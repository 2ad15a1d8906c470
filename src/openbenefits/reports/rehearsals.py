"""Rehearsals in words: people and dollars by client and plan, then person by person."""

from typing import Any

import polars as pl

from openbenefits.core import money
from openbenefits.payroll.frames import load_employee_numbers
from openbenefits.programs.frames import load_setup
from openbenefits.reports.names import plan_type_name
from openbenefits.reports.repairs import KINDS
from openbenefits.reports.rules import money_text
from openbenefits.runs.committing import Commit
from openbenefits.runs.differences import total
from openbenefits.runs.rehearsals import Rehearsal
from openbenefits.workforce.models import Client

BY_PLAN, BY_PERSON, OUTCOMES = "By client and plan", "By person", "What becomes of everybody"


def rehearsal_tables(connection: Any, rehearsal: Rehearsal) -> dict[str, pl.DataFrame]:
    """Lay a rehearsal out as tables by title: outcomes, people and dollars by plan, every difference."""
    codes = dict(Client.objects.values_list("pk", "code"))
    client = pl.col("client_id").replace_strict(codes, default=None, return_dtype=pl.String)
    outcomes = rehearsal.people.group_by("client_id", "outcome", "to_status").agg(people=pl.len())
    return {
        OUTCOMES: outcomes.sort("client_id", "outcome", "to_status", nulls_last=True).select(
            client.alias("client"), "outcome", status="to_status", people="people"
        ),
        BY_PLAN: _by_plan(rehearsal.differences, client),
        BY_PERSON: _by_person(connection, rehearsal.differences, client),
    }


def _by_plan(differences: pl.DataFrame, client: pl.Expr) -> pl.DataFrame:
    """Count people, and sum the year, by client and plan type; a sum with an unknown part is unknown."""
    changed = pl.col("from_on").is_not_null()
    has_dollars = pl.col("pay_ends_on").is_not_null()
    of_year = {
        name: pl.when(has_dollars).then(name).otherwise(0)
        for name in (
            *("year_cents_before", "year_cents_after"),
            *("employer_year_cents_before", "employer_year_cents_after"),
        )
    }
    rows = (
        differences.with_columns(**of_year)
        .group_by("client_id", "plan_type")
        .agg(
            people=pl.struct("person_id", "benefit_record").n_unique(),
            coverage_differs=changed.sum(),
            deduction_differs=has_dollars.sum(),
            **{name: total(name) for name in of_year},
        )
    )
    return rows.sort("client_id", "plan_type").select(
        client.alias("client"),
        plan_type_name().alias("plan"),
        *("people", "coverage_differs", "deduction_differs"),
        year_before=money_text(pl.col("year_cents_before")),
        year_after=money_text(pl.col("year_cents_after")),
        difference=money_text(money.subtract(pl.col("year_cents_after"), pl.col("year_cents_before"))),
        employer_difference=money_text(
            money.subtract(pl.col("employer_year_cents_after"), pl.col("employer_year_cents_before"))
        ),
    )


def _by_person(connection: Any, differences: pl.DataFrame, client: pl.Expr) -> pl.DataFrame:
    clients = differences["client_id"].unique().sort().to_list()
    numbers = [load_employee_numbers(connection, number) for number in clients]
    setup = load_setup(connection, clients)
    options = setup["option"].select("option_id", option="code").unique("option_id")
    schedules = setup["schedule"].select("schedule_id", schedule="code").unique("schedule_id")
    rows = differences.join(schedules, on="schedule_id", how="left", maintain_order="left")
    for side in ("before", "after"):
        named = options.rename({"option_id": f"option_id_{side}", "option": f"option_{side}"})
        rows = rows.join(named, on=f"option_id_{side}", how="left", maintain_order="left")
    if numbers:
        rows = rows.join(pl.concat(numbers), on="person_id", how="left", maintain_order="left")
    else:
        rows = rows.with_columns(employee_number=pl.lit(None, pl.String))
    return rows.select(
        client.alias("client"),
        *("employee_number", "benefit_record", "schedule"),
        event="event_number",
        plan=plan_type_name(),
        from_day="from_on",
        before=_held("before"),
        after=_held("after"),
        first_pay="pay_ends_on",
        pay_before=money_text(pl.col("pay_cents_before")),
        pay_after=money_text(pl.col("pay_cents_after")),
        year_before=money_text(pl.col("year_cents_before")),
        year_after=money_text(pl.col("year_cents_after")),
    ).sort("client", "employee_number", "benefit_record", "plan")


def differences_table(connection: Any, differences: pl.DataFrame) -> pl.DataFrame:
    """Lay differences out person by person."""
    codes = dict(Client.objects.values_list("pk", "code"))
    client = pl.col("client_id").replace_strict(codes, default=None, return_dtype=pl.String)
    return _by_person(connection, differences, client)


def _held(side: str) -> pl.Expr:
    """What is held, in a few words: how, which option, how much, how many dependents."""
    amount = money_text(pl.coalesce(f"coverage_cents_{side}", f"pledge_cents_{side}"))
    members = pl.col(f"members_{side}").str.split(" ").list.len()
    dependents = pl.when(members > 0).then(pl.format("{} dependents", members))
    kind = pl.col(f"kind_{side}").replace_strict(KINDS, default=None, return_dtype=pl.String)
    parts = [kind, pl.col(f"option_{side}"), pl.when(amount != "").then(amount), dependents]
    return pl.concat_str(parts, separator=", ", ignore_nulls=True)


def _numbered(connection: Any, done: Commit) -> pl.DataFrame:
    numbers = load_employee_numbers(connection, done.client_id)
    return done.differing.join(numbers, on="person_id", how="left", maintain_order="left")


def commit_tables(connection: Any, commits: list[Commit]) -> dict[str, pl.DataFrame]:
    """Lay out what became of each client of a rehearsal, and who was not as rehearsed."""
    codes = dict(Client.objects.values_list("pk", "code"))
    heads = [
        {
            "client": codes.get(one.client_id),
            "state": one.state,
            "run": one.run_id,
            "people": one.people,
            "not_as_rehearsed": one.differing.height,
            "other_result": one.differing["is_result_different"].sum(),
            "why": one.why,
        }
        for one in commits
    ]
    schema = {
        "client": pl.String,
        "state": pl.String,
        "run": pl.Int64,
        "people": pl.Int64,
        "not_as_rehearsed": pl.Int64,
        "other_result": pl.Int64,
        "why": pl.String,
    }
    rows = [
        one.differing.join(
            load_employee_numbers(connection, one.client_id), on="person_id", how="left"
        ).select(
            pl.lit(codes.get(one.client_id)).alias("client"),
            *("employee_number", "benefit_record", "how"),
            other_result="is_result_different",
            year=money_text(pl.col("cents")),
        )
        for one in commits
    ]
    return {"Clients": pl.DataFrame(heads, schema=schema), "Not as rehearsed": pl.concat(rows)}
