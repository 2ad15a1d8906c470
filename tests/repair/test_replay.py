"""What repair promises: decided again without a change is the same; withdrawn is as if it had never been."""

from datetime import date, datetime, timedelta

import polars as pl
import pytest
from tests.runs.conftest import Employer

from openbenefits.core.codes import Level
from openbenefits.events.rules import EVENT_KEY
from openbenefits.repair.rules import WITHDRAW
from openbenefits.repair.services import RepairOrder, RepairRefused, rehearse, repair
from openbenefits.runs.services import run
from openbenefits.workforce.services import report_life_event

from .worlds import LATER, YEAR_END, events_of, held

WEDDING = date(2026, 1, 17)


def order(employer, events, kind, to_on=None) -> RepairOrder:
    targets = events.select(*EVENT_KEY, kind=pl.lit(kind), to_on=pl.lit(to_on, pl.Date))
    return RepairOrder(
        client_id=employer.client_id,
        targets=targets,
        as_of=date(2026, 2, 1),
        begin=date(2026, 1, 1),
        through=YEAR_END,
        reason="a test",
        author="test",
    )


def test_to_decide_everything_again_changes_nothing(fresh_database, enrolled):
    before = held(fresh_database, enrolled)
    assert before.height
    events = events_of(fresh_database, enrolled)
    done = repair(fresh_database, order(enrolled, events, "again"), now=LATER)
    assert done.coverage.is_empty()
    assert done.deductions.is_empty()
    assert done.events.is_empty()
    assert held(fresh_database, enrolled).equals(before)
    again = events_of(fresh_database, enrolled)
    assert (again["steps"] > events["steps"]).all()
    assert again["process_indicator"].unique().to_list() == ["N"]


def married(connection, employer, person_id: int, now: datetime) -> None:
    report_life_event(
        employer.client_id,
        person_id,
        event_class="MAR",
        on=WEDDING,
        reported_on=WEDDING,
        made_by="test",
        now=now,
    )
    maintenance = employer.order(
        schedule_id=employer.event_maintenance,
        as_of=date(2026, 2, 1),
        through=Level.ELECTIONS,
        people=[person_id],
    )
    run(connection, maintenance, now=now)
    run(
        connection,
        Employer.order(
            employer,
            schedule_id=employer.event_maintenance,
            as_of=date(2026, 2, 1),
            through=Level.ELECTIONS,
            people=[person_id],
            is_finalizing=True,
        ),
        now=now,
    )


def test_what_is_withdrawn_has_never_been(fresh_database, enrolled):
    before = held(fresh_database, enrolled)
    someone = before.filter(plan_type="10", kind="E")["person_id"]
    person_id = (someone if someone.len() else before["person_id"])[0]
    married(fresh_database, enrolled, person_id, LATER)
    wedding = events_of(fresh_database, enrolled, event_on=WEDDING)
    assert wedding["process_status"].to_list() == ["FE"]
    done = repair(fresh_database, order(enrolled, wedding, WITHDRAW), now=LATER + timedelta(days=1))
    assert held(fresh_database, enrolled).equals(before)
    assert events_of(fresh_database, enrolled, event_on=WEDDING)["event_status"].to_list() == ["V"]
    assert done.events["event_status_after"].to_list() == ["V"]


def test_a_rehearsal_writes_nothing(fresh_database, enrolled, contents):
    before = contents(fresh_database)
    events = events_of(fresh_database, enrolled)
    told = rehearse(fresh_database, order(enrolled, events, WITHDRAW), now=LATER)
    assert told.run_id is None
    assert told.coverage.height
    assert set(told.coverage["side"]) <= {"before", "after"}
    assert told.deductions.filter(pl.col("before") != pl.col("after")).height
    after = contents(fresh_database)
    assert all(rows.equals(after[table]) for table, rows in before.items())


def test_a_repair_needs_a_reason_and_known_events(fresh_database, enrolled):
    events = events_of(fresh_database, enrolled).head(1)
    given = order(enrolled, events, "again")
    for wrong in ({"reason": " "}, {"author": ""}, {"client_id": enrolled.client_id + 1}):
        with pytest.raises(RepairRefused):
            repair(fresh_database, RepairOrder(**(vars(given) | wrong)), now=LATER)
    unknown = given.targets.with_columns(event_number=pl.lit(99, pl.Int32))
    with pytest.raises(RepairRefused, match="do not exist"):
        repair(fresh_database, RepairOrder(**(vars(given) | {"targets": unknown})), now=LATER)
