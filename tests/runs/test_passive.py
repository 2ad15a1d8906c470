"""Passive events: who reaches an age or a length of service, on which days, and what is kept of it."""

from datetime import date, timedelta

import pytest

from openbenefits.events.models import Activity, Event
from openbenefits.programs.models import Bundle
from openbenefits.runs.passive import passive_history, run_passive_events
from openbenefits.workforce import services as workforce

from .conftest import NOW

DAY = date(2026, 3, 2)  # 65 on this day
WHO = {"made_by": "test", "now": NOW}


@pytest.fixture
def employer(fresh_database, make_employer):
    return make_employer(fresh_database, code="harbor", people=4, is_faulty=False)


@pytest.fixture
def person(employer):
    return workforce.hire(
        employer.client_id, employee_number="NEW", first_name="N", last_name="E", on=date(2025, 11, 3),
        job={"company": "HMC", "annual_pay_cents": 1}, person={"birth_on": date(1961, 3, 2), "service_on": date(2025, 3, 4)},
        **WHO,
    ).person_id  # fmt: skip


def passive(connection, employer, *, as_of, **changes):
    return run_passive_events(
        connection, employer.client_id, as_of=as_of, now=NOW, started_by="test", **changes
    )


def found(person):
    rows = Activity.objects.filter(person_id=person).order_by("event_on")
    return [(row.source, row.event_on) for row in rows]


BIRTH, SERVICE = ("PB", DAY), ("PS", DAY + timedelta(days=2))


@pytest.mark.parametrize(
    ("begin", "through", "expected"),
    [
        (DAY - timedelta(days=9), DAY - timedelta(days=1), []),
        (DAY - timedelta(days=9), DAY, [BIRTH]),
        (DAY, DAY, [BIRTH]),
        (DAY + timedelta(days=1), DAY + timedelta(days=1), []),
        (DAY, DAY + timedelta(days=2), [BIRTH]),
    ],
)
def test_a_day_counts_from_the_first_through_the_last(
    fresh_database, employer, person, begin, through, expected
):
    passive(fresh_database, employer, as_of=through, begin=begin, code="AGE65")
    assert found(person) == expected


def test_one_passive_event_or_all(fresh_database, employer, person):
    through = DAY + timedelta(days=2)
    passive(fresh_database, employer, as_of=through, begin=DAY, code="SERVICE1")
    assert found(person) == [SERVICE]
    passive(fresh_database, employer, as_of=through, begin=DAY)
    assert found(person) == [BIRTH, SERVICE]
    with pytest.raises(LookupError, match="no passive event 'AGE66'; there are: AGE65"):
        passive(fresh_database, employer, as_of=through, code="AGE66")
    with pytest.raises(ValueError, match="expected days from 2026-03-05 on"):
        passive(fresh_database, employer, as_of=through, begin=DAY + timedelta(days=3))


@pytest.mark.parametrize(("last_day", "triggers"), [(DAY, True), (DAY - timedelta(days=1), False)])
def test_the_job_of_the_day_itself_counts(fresh_database, employer, person, last_day, triggers):
    workforce.terminate(employer.client_id, person, last_day_employed=last_day, **WHO)
    passive(fresh_database, employer, as_of=DAY + timedelta(days=30), begin=DAY, code="AGE65")
    assert (found(person) == [BIRTH]) is triggers


@pytest.mark.parametrize(("starts_on", "triggers"), [(DAY, True), (DAY + timedelta(days=1), False)])
def test_nothing_triggers_before_the_start(fresh_database, employer, person, starts_on, triggers):
    Bundle.objects.filter(client_id=employer.client_id).update(starts_on=starts_on)
    passive(fresh_database, employer, as_of=DAY + timedelta(days=1), begin=DAY, code="AGE65")
    assert (found(person) == [BIRTH]) is triggers


@pytest.mark.parametrize("is_processed", [False, True])
def test_it_triggers_only_or_is_processed_at_once(fresh_database, employer, person, is_processed):
    with_schedule = employer.event_maintenance if is_processed else None
    passive(fresh_database, employer, as_of=DAY, begin=DAY, code="AGE65", process_with=with_schedule)
    events = Event.objects.filter(person_id=person, event_on=DAY)
    assert [event.source for event in events] == (["PB"] if is_processed else [])
    others = Event.objects.exclude(person_id=person)
    assert not others.exists()


def test_the_next_run_begins_after_the_last_about_the_same_and_history_is_kept(
    fresh_database, employer, person
):
    day = [DAY + timedelta(days=number) for number in range(9)]
    passive(fresh_database, employer, as_of=day[0], begin=DAY)
    passive(fresh_database, employer, as_of=day[4], code="AGE70")
    passive(fresh_database, employer, as_of=day[5])  # AGE70 alone went further
    passive(fresh_database, employer, as_of=day[8], code="AGE70")
    history = passive_history(employer.client_id).select("event", "begins_on", "through").rows()
    assert history == [
        ("AGE70", day[6], day[8]),
        (None, day[1], day[5]),
        ("AGE70", day[1], day[4]),
        (None, day[0], day[0]),
    ]
    assert passive_history(employer.client_id)["triggered"].to_list()[3] >= 1
    assert found(person) == [BIRTH, SERVICE]
    passive(fresh_database, employer, as_of=day[5], begin=DAY)  # again: nothing new
    assert passive_history(employer.client_id)["triggered"].to_list()[0] == 0
