"""The named SQL, and the census of a client in the product: who is at work, covered by what, with whom."""

from datetime import date
from typing import Any

import polars as pl

from openbenefits.core.days import day_after
from openbenefits.core.plan_types import PROGRAM
from openbenefits.enrollment.frames import COVERED as COVERED_KINDS
from openbenefits.enrollment.frames import in_force, load_coverage, points_about
from openbenefits.matching.book import book_of_today
from openbenefits.matching.candidates import SELF_ONLY, TIERED
from openbenefits.matching.people import COVERED, DEPENDENTS, EXCUSED, PEOPLE, Census
from openbenefits.matching.rules.prices import Book
from openbenefits.programs.frames import PEO, load_codes, load_rulebook, load_setup
from openbenefits.store.bulk import copy_out
from openbenefits.workforce.frames import ACTIVE_STATUSES, as_of, dependents_as_of

PEOPLE_OF_CLIENT = """
SELECT client_id, id AS person_id, employee_number FROM workforce_person
WHERE client_id = %s ORDER BY id
"""
PEOPLE_COLUMNS = {"client_id": pl.Int32(), "person_id": pl.Int64(), "employee_number": pl.String()}


def load_census(connection: Any, client_id: int, on: date) -> tuple[Census, pl.DataFrame]:
    """Load who is at work on a day, and what each is covered by.

    Also answers what that is, as HELD: for prices of today.
    """
    people = copy_out(connection, PEOPLE_OF_CLIENT, PEOPLE_COLUMNS, [client_id])
    cases = people.with_row_index("case").select(
        pl.col("case").cast(pl.Int32),
        "client_id",
        "person_id",
        benefit_record=pl.lit(0, pl.Int16),
        as_of=pl.lit(on),
    )
    facts = as_of(connection, cases).hstack(people.select("employee_number"))
    at_work = facts.filter(pl.col("job_status").is_in(ACTIVE_STATUSES))
    at_work = at_work.with_row_index("person").with_columns(pl.col("person").cast(pl.Int32))
    setup = load_setup(connection, [client_id])
    held = _held(connection, client_id, at_work, setup, on)
    numbers = at_work.select("case", "person")
    dependents = dependents_as_of(connection, cases).join(numbers, on="case", maintain_order="left")
    census = Census(
        people=_people(at_work, setup["pay_group"].filter(client_id=client_id), held),
        covered=held.filter("is_covered").select(COVERED.keys()),
        excused=pl.DataFrame(schema=EXCUSED),
        dependents=dependents.select(pl.col(name).cast(kind) for name, kind in DEPENDENTS.items()),
        prepared=tuple(held["category"].unique().sort()),
    )
    return census, held


HELD = {**COVERED, "is_covered": pl.Boolean(), "option_id": pl.Int32(), "plan_title": pl.String()}
"""What each person holds in a category, with the option it is."""


def _people(at_work: pl.DataFrame, pay_groups: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    groups = pay_groups.select(pay_group="code", pay_frequency="frequency").unique("pay_group")
    rows = at_work.join(groups, on="pay_group", how="left", maintain_order="left")
    rows = rows.with_columns(
        number="employee_number",
        benefit_class="benefit_group",
        zip=pl.col("postal_code").str.slice(0, 5).cast(pl.Int32, strict=False),
        is_participant=pl.when(not held.is_empty()).then(
            pl.col("person").is_in(held["person"].unique().implode())
        ),
    )
    return rows.select(pl.col(name).cast(kind) for name, kind in PEOPLE.items())


def _held(
    connection: Any, client_id: int, at_work: pl.DataFrame, setup: dict[str, pl.DataFrame], on: date
) -> pl.DataFrame:
    """What is in force in the evening of the day, in every plan type."""
    keys = at_work.select(
        case="person",
        client_id="client_id",
        person_id="person_id",
        benefit_record=pl.lit(0, pl.Int16),
        event_on=day_after(pl.lit(on)),
    )
    points = points_about(keys, load_coverage(connection, keys))
    points = in_force(points, points.clear()).filter(pl.col("plan_type") != PROGRAM, ~pl.col("is_future"))
    options = _latest(setup["option"], "option_id", on)
    plans = _latest(setup["plan"], "plan_id", on)
    codes = setup["coverage_code"].select("coverage_code_id", tier=tier_of_code())
    rows = points.join(
        options.select("option_id", "plan_id", "coverage_code_id", "geography_id"), on="option_id", how="left"
    )
    rows = rows.join(
        plans.select("plan_id", plan="code", plan_title="name", carrier="carrier"), on="plan_id", how="left"
    )
    rows = rows.join(codes, on="coverage_code_id", how="left")
    networks = load_codes(connection, PEO, "geography").select(network="code", geography_id="id")
    rows = rows.join(networks, on="geography_id", how="left")
    named = load_codes(connection, client_id, "option")
    rows = rows.join(named.select(option="code", option_id="id"), on="option_id", how="left")
    is_tiered = pl.col("plan_type").is_in(TIERED)
    rows = rows.with_columns(
        tier=pl.when(is_tiered).then("tier").otherwise(pl.lit(SELF_ONLY)),
        option=pl.when(~is_tiered).then("option"),
    )
    return rows.select(
        "tier",
        "plan",
        "option",
        "carrier",
        "option_id",
        "plan_title",
        "network",
        person="case",
        category="plan_type",
        is_covered=pl.col("kind").is_in(COVERED_KINDS) & pl.col("tier").is_not_null(),
    ).select(pl.col(name).cast(kind) for name, kind in HELD.items())


def _latest(rows: pl.DataFrame, key: str, on: date) -> pl.DataFrame:
    held = rows.filter(pl.col("valid_from") <= on).sort("valid_from")
    return held.unique(key, keep="last")


def tier_of_code() -> pl.Expr:
    """The tier of a coverage code, by whom it covers at most."""
    has_adult = (pl.col("spouse_max") > 0) | (pl.col("partner_max") > 0) | (pl.col("same_sex_spouse_max") > 0)
    children = pl.col("child_max")
    return (
        pl.when(has_adult & (children > 0))
        .then(pl.lit("EF"))
        .when(has_adult)
        .then(pl.lit("ES"))
        .when(children > 1)
        .then(pl.lit("EK"))
        .when(children == 1)
        .then(pl.lit("EC"))
        .otherwise(pl.lit("EE"))
    )


def load_book(connection: Any, client_id: int, on: date) -> Book:
    """Load the client's own set-up, by which what is held today is priced."""
    groups = load_setup(connection, [client_id])["pay_group"].filter("is_active", client_id=client_id)
    return book_of_today(load_rulebook(connection, [client_id]), client_id, groups, on)
