"""General credits and deductions from real events to what is owed; and the day of an event in a price."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from tests.programs.factories import DATED

from openbenefits.payroll.frames import load_given
from openbenefits.payroll.services import owed
from openbenefits.programs.models import Schedule
from openbenefits.runs.services import RunOrder, run

from .worlds import BEGIN, THROUGH, World

HIRED = date(2026, 1, 5)
OLDER = {**DATED, "code": "OLDER", "name": "40 and older", "criteria": [{"field": "age_years", "min": 40}]}
FEE = {"code": "FEE", "name": "Fee", "deduction_code": "FSA", "rate_table": "fee"}
FEES = [FEE, FEE | {"code": "DUES", "name": "Dues", "eligibility": "OLDER"}]
RATES = {**DATED, "code": "fee", "keys": [], "rates": [{"rate": 26}]}


def charging(section):
    section[0]["deductions"] = FEES
    section[0]["credits"] = [{"rate_table": "credit", "earnings_code": "FLX", "eligibility": "OLDER"}]


@pytest.fixture
def charged(fresh_database, tmp_path):
    """Two people hired on 5 January: one of 45 years, one of 30."""
    world = World(
        fresh_database,
        tmp_path,
        {"rate_tables": lambda s: s.append(RATES)},
        programs=charging,
        eligibility_rules=lambda s: s.append(OLDER),
    )
    world.older = world.hire("0001", on=HIRED)
    world.younger = world.hire("0002", on=HIRED, born=date(1996, 1, 1))
    return world


def process(world, **changes):
    schedule = Schedule.objects.get(client_id=world.client_id, code="EM").schedule_id
    given = {"client_id": world.client_id, "schedule_id": schedule, "as_of": HIRED, "floor": BEGIN}
    now = datetime(2026, 1, 6, tzinfo=UTC)
    run(world.connection, RunOrder(**given, is_finalizing=True, **changes), now=now)


def general(world):
    found = owed(world.connection, world.client_id, begin=BEGIN, through=THROUGH).filter(plan_type="01")
    totals = found.group_by("person_id", "kind", "option").agg(
        pl.col("owed_cents").sum(), pays=(pl.col("owed_cents") > 0).sum(), faults=pl.col("fault").count()
    )
    return {row[:3]: row[3:] for row in totals.iter_rows()}


def test_nobody_knows_before_an_event_is_settled(charged):
    people = pl.DataFrame({"client_id": [charged.client_id], "person_id": [charged.older]})
    assert load_given(charged.connection, people).is_empty()
    charged.cover(charged.older, "20", "LIFE", HIRED, coverage_cents=5_000_000)
    found = general(charged)
    assert found[charged.older, "deduction", "FEE"] == (25 * 1_200, 25, 0)
    assert found[charged.older, "deduction", "DUES"] == (0, 0, 25)
    assert found[charged.older, "credit", "CREDIT-1"] == (0, 0, 25)


def test_a_settled_event_says_who_has_them(charged):
    process(charged)
    people = pl.DataFrame(
        {"client_id": [charged.client_id] * 2, "person_id": [charged.older, charged.younger]},
        schema={"client_id": pl.Int32, "person_id": pl.Int64},
    )
    given = load_given(charged.connection, people)
    options = {name: charged.key("option", f"MAIN/01/{name}") for name in ("FEE", "DUES", "CREDIT-1")}
    assert set(given.select("person_id", "option_id").iter_rows()) == {
        *((charged.older, option) for option in options.values()),
        (charged.younger, options["FEE"]),
    }
    assert set(given["from_on"]) == {HIRED}
    found = general(charged)
    assert set(found) == {
        (charged.older, "deduction", "FEE"),
        (charged.older, "deduction", "DUES"),
        (charged.older, "credit", "CREDIT-1"),
        (charged.younger, "deduction", "FEE"),
    }
    # medical holds from 4 February, after 30 days: 23 of 26 pays of 12.00 end from then on
    assert found[charged.older, "deduction", "DUES"] == (23 * 1_200, 23, 0)
    assert {faults for _, _, faults in found.values()} == {0}


def test_a_locked_out_person_owes_nothing(charged):
    process(charged, people=[charged.older])
    assert {person for person, _, _ in general(charged)} == {charged.older}


# --- the day of the event in a price ------------------------------------------------------------------------


BY_AGE = {**DATED, "code": "aged", "keys": ["age"],
          "rates": [{"age_from": 0, "rate": 39}, {"age_from": 46, "rate": 46}]}  # fmt: skip
RULE = {**DATED, "code": "EVENT", "age_as_of": "event_date"}


def aged(section):
    life = next(one for one in section[0]["plan_types"] if one["plan_type"] == "20")
    life["options"][0] |= {"deduction_code": "FSA", "coverage_amount": 50000, "formula": None}
    life["options"][0]["costs"] = [{"rate_table": "aged", "calculation_rule": "EVENT"}]


def test_a_price_of_the_event_day_stays_that_of_the_event(fresh_database, tmp_path):
    """Born 17 May 1980: 45 on the day of the event, 46 when the coverage taken over begins."""
    world = World(
        fresh_database,
        tmp_path,
        {"rate_tables": lambda s: s.append(BY_AGE), "calculation_rules": [RULE]},
        programs=aged,
        formulas=[],
        contributions=lambda s: s.pop(),
        event_rules=lambda s: s[1]["classes"][0].update(
            default="current_else_lowest", waiting_days=140, coverage_begins="event_date"
        ),
    )
    by_event, taken_over = world.hire("0001", on=HIRED), world.hire("0002", on=HIRED)
    process(world, people=[by_event])
    begins = date(2026, 5, 25)  # 5 January and 140 days
    world.cover(taken_over, "20", "LIFE", begins, coverage_cents=5_000_000)
    lines = owed(world.connection, world.client_id, begin=begins, through=THROUGH).filter(plan_type="20")
    years = lines.group_by("person_id").agg(pl.col("owed_cents").sum(), pl.len()).sort("person_id").rows()
    assert [count for _, _, count in years] == [15, 15]
    # the last 15 of 26 pays at 39 and at 46 a month: 468.00 and 552.00 a year, less what eleven pays take
    assert [cents for _, cents, _ in years] == [46_800 - 19_800, 55_200 - 23_354]
