"""What schedules and run controls say of a period: who is captured, who is added, what a snapshot may do."""

from datetime import date

import pytest

from openbenefits.core.codes import EventClassUse, Level
from openbenefits.events.models import Event, Message
from openbenefits.programs import frames
from openbenefits.programs.models import EventClass, Schedule
from openbenefits.runs.services import run
from openbenefits.workforce.models import JobFact, Person

from .conftest import NOW

SNAPSHOT = 9_001


@pytest.fixture
def employer(fresh_database, make_employer):
    return make_employer(fresh_database, is_faulty=False)


@pytest.fixture
def change_schedule(monkeypatch):
    """Answer a function that changes a schedule in force."""

    def change(schedule_id, **fields):
        Schedule.objects.filter(schedule_id=schedule_id).update(**fields)
        monkeypatch.setattr(frames, "_kept", type(frames._kept)())

    return change


@pytest.mark.parametrize("captures_new", [True, False])
def test_who_comes_after_the_first_run_is_captured_where_the_order_says_so(
    fresh_database, employer, captures_new
):
    people = sorted(Person.objects.values_list("pk", flat=True))
    order = {"captures_new": captures_new}
    run(fresh_database, employer.order(people=people[:50], **order), now=NOW)
    first = set(Event.objects.values_list("person_id", flat=True))
    assert first == set(people[:50]), "the first run opens the period in any case"
    run(fresh_database, employer.order(**order), now=NOW)
    assert set(Event.objects.values_list("person_id", flat=True)) == (set(people) if captures_new else first)


@pytest.mark.parametrize("adds_people", [True, False])
def test_people_listed_are_added_to_a_schedule_that_is_not_about_them(
    fresh_database, employer, change_schedule, adds_people
):
    other = JobFact.objects.values_list("company", flat=True).distinct().order_by("company")
    change_schedule(employer.open_enrollment, company=other[0])
    outside = JobFact.objects.exclude(company=other[0]).values_list("person_id", flat=True)[0]
    run(fresh_database, employer.order(people=[outside], adds_people=adds_people), now=NOW)
    assert Event.objects.filter(person_id=outside).exists() is adds_people
    run(fresh_database, employer.order(), now=NOW)
    added = Event.objects.exclude(person_id__in=JobFact.objects.filter(company=other[0]).values("person_id"))
    assert added.count() == int(adds_people)


def snapshot_of(employer, change_schedule, **fields):
    """Let the open enrolment be a snapshot that offers what it offers."""
    schedule = Schedule.objects.get(schedule_id=employer.open_enrollment, client_id=employer.client_id)
    EventClass.objects.filter(event_class_id=schedule.event_class_id).update(use=EventClassUse.SNAPSHOT)
    change_schedule(employer.open_enrollment, kind="S", **fields)


@pytest.mark.parametrize("is_allowed", [True, False])
def test_a_snapshot_is_finalised_only_where_its_schedule_allows(
    fresh_database, employer, change_schedule, is_allowed
):
    snapshot_of(employer, change_schedule, is_finalize_allowed=is_allowed)
    order = employer.order(is_finalizing=True, through=Level.ELECTIONS, as_of=date(2026, 1, 2))
    run(fresh_database, order, now=NOW)
    found = set(Event.objects.values_list("process_status", flat=True))
    assert ("PR" in found) is not is_allowed


@pytest.mark.parametrize("is_validated", [True, False])
def test_a_snapshot_names_coverage_no_longer_offered_where_its_schedule_asks(
    fresh_database, employer, change_schedule, is_validated
):
    run(fresh_database, employer.order(is_finalizing=True, through=Level.ELECTIONS), now=NOW)
    snapshot = Schedule.objects.get(schedule_id=employer.open_enrollment, client_id=employer.client_id)
    snapshot.pk, snapshot.schedule_id, snapshot.code = None, SNAPSHOT, "SNAP"
    snapshot.window_begins_on = snapshot.window_ends_on = None
    snapshot.save(force_insert=True)
    change_schedule(
        SNAPSHOT,
        kind="S",
        event_class_id=EventClass.objects.filter(use=EventClassUse.SNAPSHOT).values_list(
            "event_class_id", flat=True
        )[0],
        is_current_validated=is_validated,
        period_begins_on=date(2026, 6, 1),
    )
    with fresh_database.cursor() as cursor:
        cursor.execute(
            "UPDATE enrollment_coverage SET option_id = -1 WHERE plan_type = '10' AND kind IN ('E', 'D')"
        )
    run(fresh_database, employer.order(schedule_id=SNAPSHOT, as_of=date(2026, 6, 2)), now=NOW)
    named = Message.objects.filter(code="BA1216", is_current=True)
    assert named.exists() is is_validated
    assert set(named.values_list("plan_type", flat=True)) == ({"10"} if is_validated else set())
