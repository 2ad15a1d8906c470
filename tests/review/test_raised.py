"""Messages that no table expects, raised by real runs."""

from datetime import date, timedelta

import pytest
from tests.runs.conftest import NOW

from openbenefits.core.codes import Level
from openbenefits.enrollment.elections import enter_one
from openbenefits.enrollment.models import Coverage, EventOption, EventPlan
from openbenefits.events.models import Event, Message
from openbenefits.programs.models import Option
from openbenefits.runs.services import run
from openbenefits.workforce import services as workforce

LATER = NOW + timedelta(days=5)
BEFORE = date(2025, 1, 1)


def cover(employer, person_id, option_id, begins_on=BEFORE):
    """Write medical coverage as a take-over would."""
    Coverage.objects.create(
        client_id=employer.client_id,
        person_id=person_id,
        benefit_record=0,
        plan_type="10",
        begins_on=begins_on,
        version=1,
        kind="E",
        basis="eligible",
        option_id=option_id,
        deduction_begins_on=begins_on,
        rule="taken over",
        made_at=LATER,
    )


def said(code):
    return list(Message.objects.filter(code=code, is_current=True).values_list("person_id", "found"))


@pytest.fixture
def elected(fresh_database, make_employer):
    """Somebody without coverage whose medical election waits to be settled: employer, person, two options."""
    employer = make_employer(fresh_database, is_faulty=False, people=40)
    run(fresh_database, employer.order(), now=NOW)
    event = Event.objects.filter(process_status="PR").order_by("person_id").first()
    place = {"person_id": event.person_id, "benefit_record": 0, "schedule_id": event.schedule_id}
    options = EventOption.objects.filter(plan_type="10", is_electable=True, person_id=event.person_id)
    first, second = options.order_by("option_id").values_list("option_id", flat=True)[:2]
    code = Option.objects.filter(option_id=first).values_list("code", flat=True).first()
    entered = enter_one(
        fresh_database,
        employer.client_id,
        **place,
        event_number=0,
        plan_type="10",
        option_code=code,
        received_on=date(2025, 11, 4),
        elector="test",
        source="administrator",
        now=LATER,
    )
    assert entered.entered == 1, entered.bad_rows
    return employer, event.person_id, first, second


def settle(connection, employer):
    run(connection, employer.order(through=Level.ELECTIONS, as_of=date(2025, 11, 5)), now=LATER)


@pytest.mark.parametrize("is_changed", [True, False])
def test_ba1325_coverage_in_force_changed_since_the_event_was_prepared(fresh_database, elected, is_changed):
    employer, person_id, _, second = elected
    if is_changed:
        cover(employer, person_id, second)
    settle(fresh_database, employer)
    told = [(person_id, "one in force now, and none then")] if is_changed else []
    assert said("BA1325") == told


def test_ba1325_another_option_and_none(fresh_database, elected):
    employer, person_id, first, second = elected
    Event.objects.filter(person_id=person_id).update(process_status="ET")
    plan = EventOption.objects.filter(person_id=person_id).values_list("preparation", flat=True).first()
    stored = EventPlan.objects.filter(person_id=person_id, plan_type="10", preparation=plan)
    assert stored.update(current_option_id=first) == 1
    cover(employer, person_id, second)
    settle(fresh_database, employer)
    assert said("BA1325") == [(person_id, "another in force now")]


def test_ba1210_the_present_option_is_not_in_the_program(fresh_database, make_employer):
    employer = make_employer(fresh_database, is_faulty=False, people=40)
    run(fresh_database, employer.order(through=Level.SCHEDULE), now=NOW)
    person_id = Event.objects.order_by("person_id").values_list("person_id", flat=True).first()
    cover(employer, person_id, 999_999)
    run(fresh_database, employer.order(), now=NOW)
    assert said("BA1210") == [(person_id, "not there")]


def test_ba1332_all_coverage_would_end(fresh_database, make_employer):
    employer = make_employer(fresh_database, is_faulty=False, people=40, is_enrolled=True)
    person_id = Coverage.objects.filter(kind__in=["E", "D"]).order_by("person_id").first().person_id
    last_day = date(2026, 3, 13)
    workforce.terminate(employer.client_id, person_id, last_day_employed=last_day, made_by="test", now=LATER)
    order = {"schedule_id": employer.event_maintenance, "as_of": date(2026, 3, 14)}
    run(fresh_database, employer.order(**order, through=Level.ELECTIONS), now=LATER)
    assert [person for person, _ in said("BA1332")] == [person_id]
