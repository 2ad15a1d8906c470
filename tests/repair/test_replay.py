"""What repair promises: decided again without a change is the same; withdrawn is as if it had never been."""

from datetime import date, datetime, timedelta

import polars as pl
import pytest
from tests.runs.conftest import NOW, Employer

from openbenefits.core.codes import Level
from openbenefits.enrollment.elections import enter_one
from openbenefits.events.models import EventStep, Message
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


OFFERED = """
    SELECT o.person_id, p.code FROM enrollment_eventoption AS o JOIN programs_option AS p USING (option_id)
    JOIN programs_coveragecode AS c USING (coverage_code_id)
    WHERE o.is_electable AND NOT o.is_default AND o.plan_type = '10' AND o.pay_before_tax_cents > 0
      AND c.code = '1' ORDER BY 1, 2 LIMIT 1
"""


def elect_medical(connection, employer) -> int:
    """Let somebody elect medical coverage of their own in open enrolment; answer who."""
    with connection.cursor() as cursor:
        cursor.execute(OFFERED)
        person_id, option_code = cursor.fetchone()
    entered = enter_one(
        connection,
        employer.client_id,
        person_id=person_id,
        benefit_record=0,
        schedule_id=employer.open_enrollment,
        event_number=0,
        plan_type="10",
        option_code=option_code,
        received_on=date(2025, 11, 10),
        elector="test",
        source="administrator",
        now=NOW,
    )
    assert entered.entered == 1, entered.bad_rows
    return person_id


@pytest.mark.parametrize(("cheaper_by", "status"), [(0, "FE"), (1, "RE")])
def test_a_choice_stands_at_the_same_price_and_goes_back_when_it_costs_more(
    fresh_database, make_employer, cheaper_by, status
):
    employer = make_employer(fresh_database, is_faulty=False, people=60)
    run(fresh_database, employer.order(through=Level.OPTIONS), now=NOW)
    person_id = elect_medical(fresh_database, employer)
    run(fresh_database, employer.order(is_finalizing=True, through=Level.ELECTIONS), now=NOW)
    before = held(fresh_database, employer)
    chosen = before.filter(person_id=person_id, plan_type="10")
    assert chosen["kind"].to_list() == ["E"]
    with fresh_database.cursor() as cursor:
        cursor.execute(
            "UPDATE enrollment_menuoption SET pay_before_tax_cents = pay_before_tax_cents - %s WHERE menu_id IN"
            " (SELECT menu_id FROM enrollment_eventplan WHERE person_id = %s) AND option_id = %s",
            [cheaper_by, person_id, chosen["option_id"][0]],
        )
    events = events_of(fresh_database, employer, person_id=person_id)
    repair(fresh_database, order(employer, events, "again"), now=LATER)
    after = events_of(fresh_database, employer, person_id=person_id)
    assert after["process_status"].to_list() == [status]
    if status == "FE":
        assert held(fresh_database, employer).equals(before)
        return
    assert held(fresh_database, employer).filter(person_id=person_id).is_empty()
    said = Message.objects.filter(person_id=person_id, is_current=True).values_list("code", flat=True)
    assert "BA1342" in said
    steps = EventStep.objects.filter(person_id=person_id).order_by("step").values_list("to_status", flat=True)
    assert list(steps)[-3:] == ["AS", "PR", "RE"]
