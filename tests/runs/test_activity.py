"""Activity end to end: what triggers, what an administrator does about it, what the terms of a class hold back."""

from datetime import date, timedelta

import polars as pl
import pytest
from django.db import IntegrityError, connection, transaction

from openbenefits.core.codes import Level
from openbenefits.events import activity
from openbenefits.events.activity import ActivityPlace, ActivityRefused
from openbenefits.events.models import Activity, ActivityAct, Event, EventStep, Message
from openbenefits.programs import frames as set_up
from openbenefits.programs.models import Bundle, EventClass, Schedule
from openbenefits.runs.services import run
from openbenefits.workforce import services as workforce
from openbenefits.workforce.models import JobFact, Person
from openbenefits.workforce.recording import (
    ADDRESSES,
    JOBS,
    PERSONS,
    FactFrames,
    known_versions,
    latest_versions,
    record_facts,
)

from .conftest import NOW

DAY = date(2026, 3, 2)
WHO = {"made_by": "test", "now": NOW}
SAID = {"reason": "seen in the office", "author": "ann", "now": NOW}


@pytest.fixture
def employer(fresh_database, kept, make_employer):
    def build():
        made = make_employer(fresh_database, code="quill", people=4, is_faulty=False)
        maintain(fresh_database, made)
        return made

    return kept(fresh_database, "activity", build)


@pytest.fixture
def person(employer):
    return Person.objects.filter(client_id=employer.client_id).order_by("id").first().pk


def maintain(database, employer, *, now=NOW, **changes):
    given = {
        "schedule_id": employer.event_maintenance,
        "as_of": date(2026, 3, 10),
        "through": Level.ELECTIONS,
    }
    return run(database, employer.order(**given | changes), now=now)


def married(employer, person, *, reported=DAY, on=DAY):
    return workforce.report_life_event(
        employer.client_id, person, event_class="MAR", on=on, reported_on=reported, **WHO
    )


def events_of(person, **wanted):
    return list(Event.objects.filter(person_id=person, event_on=DAY, **wanted).order_by("event_number"))


def place(employer, person, **changes):
    given = {"client_id": employer.client_id, "person_id": person, "event_on": DAY, "bas_action": "MAR"}
    return ActivityPlace(**given | changes)


# --- triggers ---------------------------------------------------------------------------------------------


def change_job(employer, person, **changes):
    workforce.change_job(employer.client_id, person, on=DAY, action="DTA", changes=changes, **WHO)


def change_person(employer, person, **changes):
    workforce.change_person(employer.client_id, person, on=DAY, changes=changes, **WHO)


@pytest.mark.parametrize(
    ("act", "changes", "source"),
    [
        (change_job, {"location": "BOS"}, "TJ"),
        (change_job, {"union_code": "U7"}, "TL"),
        (change_job, {"is_for_eligibility": False}, "MJ"),
        (change_person, {"marital_status": "widowed"}, "BP"),
        (change_person, {"is_medicare_entitled": True}, "BP"),
    ],
)
def test_a_change_of_facts_is_one_event_of_its_source(fresh_database, employer, person, act, changes, source):
    act(employer, person, **changes)
    maintain(fresh_database, employer)
    assert [event.source for event in events_of(person)] == [source]


def test_smoking_is_activity_on_both_sides_of_the_change(fresh_database, employer, person):
    change_person(employer, person, is_smoker=True)
    workforce.change_person(
        employer.client_id, person, on=DAY + timedelta(days=1), changes={"email": "a@b.c"}, **WHO
    )
    workforce.change_person(
        employer.client_id, person, on=DAY + timedelta(days=2), changes={"is_smoker": False}, **WHO
    )
    maintain(fresh_database, employer)
    found = Activity.objects.filter(person_id=person, source="BP").order_by("event_on")
    assert [row.event_on for row in found][-1] == DAY + timedelta(days=2)
    assert DAY + timedelta(days=1) not in [row.event_on for row in found]


@pytest.mark.parametrize("changes", [{"first_name": "Bo"}, {"email": "a@b.c"}])
def test_a_person_row_that_changes_nothing_that_counts_is_no_activity(
    fresh_database, employer, person, changes
):
    change_person(employer, person, **changes)
    maintain(fresh_database, employer)
    assert events_of(person) == []


@pytest.mark.parametrize(
    ("changes", "is_flagged"),
    [
        ({"birth_on": date(1977, 7, 7)}, True),
        ({"service_on": date(2007, 7, 7)}, True),
        ({"email": "a@b.c"}, False),
    ],
)
def test_another_birth_or_service_date_flags_events_and_makes_none(
    fresh_database, employer, person, changes, is_flagged
):
    workforce.change_job(employer.client_id, person, on=DAY, action="PAY", changes={}, **WHO)
    maintain(fresh_database, employer)
    change_person(employer, person, **changes)
    maintain(fresh_database, employer)
    assert [event.is_eligibility_changed for event in events_of(person)] == [is_flagged]


def second_job(person):
    """Give somebody the same job once more, in a benefit record of its own."""
    names = [field.column for field in JobFact._meta.concrete_fields if field.column]
    other = {"job_number": "1", "benefit_record": "1", "is_primary": "false"}
    values = ", ".join(other.get(name, name) for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO workforce_jobfact ({', '.join(names)}) SELECT {values} FROM workforce_jobfact"
            " WHERE person_id = %s",
            [person],
        )


def set_class(code, **changes):
    """Change the set-up of an event class in place, and forget what was compiled of it."""
    EventClass.objects.filter(code=code).update(**changes)
    set_up._kept.clear()


def test_a_job_row_of_one_benefit_record_is_copied_to_the_others(fresh_database, employer, person):
    second_job(person)
    set_class("MSC", is_copied_to_other_records=True)
    change_job(employer, person, location="BOS")
    maintain(fresh_database, employer)
    found = Event.objects.filter(person_id=person, event_on=DAY).order_by("benefit_record")
    assert [(event.benefit_record, event.source) for event in found] == [(0, "TJ"), (1, "EX")]
    maintain(fresh_database, employer)
    assert found.count() == 2


def test_a_job_row_is_not_copied_where_no_class_says_so(fresh_database, employer, person):
    second_job(person)
    change_job(employer, person, location="BOS")
    maintain(fresh_database, employer)
    found = Event.objects.filter(person_id=person, event_on=DAY)
    assert [(event.benefit_record, event.source) for event in found] == [(0, "TJ")]


@pytest.mark.parametrize("changes", [{"union_code": "U7"}, {"is_for_eligibility": False}])
def test_the_event_of_a_deleted_job_row_is_disconnected_whatever_its_source(
    fresh_database, employer, person, changes
):
    change_job(employer, person, **changes)
    maintain(fresh_database, employer, through=Level.SCHEDULE)
    workforce.delete_job_row(employer.client_id, person, on=DAY, **WHO)
    maintain(fresh_database, employer)
    assert [event.event_status for event in events_of(person)] == ["D"]


def moves(employer, person):
    address = {"state": "MA", "postal_code": "01201", "country": "USA"}
    workforce.move(employer.client_id, person, on=DAY, address=address, **WHO)


def withdraw(employer, person, kind, table):
    """Delete the rows of a day, as an import that is taken back does."""
    known = latest_versions(table, known_versions(table, employer.client_id, pl.Series([person])))
    rows = known.filter(valid_from=DAY).with_columns(is_deleted=pl.lit(value=True))
    frames = FactFrames(**{kind: rows.select(*table.columns, "is_deleted")})
    record_facts(employer.client_id, frames, kind="entry", label="withdrawn", **WHO)


@pytest.mark.parametrize(
    ("kind", "table", "act"),
    [
        ("jobs", JOBS, lambda *who: change_job(*who, location="BOS")),
        ("addresses", ADDRESSES, moves),
        ("persons", PERSONS, lambda *who: change_person(*who, marital_status="widowed")),
    ],
)
def test_a_fact_that_came_and_went_is_no_event(fresh_database, employer, person, kind, table, act):
    act(employer, person)
    withdraw(employer, person, kind, table)
    maintain(fresh_database, employer)
    assert events_of(person) == []
    act(employer, person)
    default = EventClass.objects.filter(code="MSC")
    default.update(use="S")  # nothing is a class for the change: it waits (BA1007)
    set_up._kept.clear()
    maintain(fresh_database, employer)
    withdraw(employer, person, kind, table)
    default.update(use="D")
    set_up._kept.clear()
    maintain(fresh_database, employer)
    assert events_of(person) == [], "activity that waited follows its fact"


# --- review -----------------------------------------------------------------------------------------------


def test_what_is_entered_by_hand_waits_is_listed_and_becomes_an_event(fresh_database, employer, person):
    activity.enter_activity(fresh_database, place(employer, person), **SAID)
    waiting = activity.waiting_activity(fresh_database, employer.client_id)
    assert waiting.select("person_id", "event_on", "source", "event_class", "why_held").rows() == [
        (person, DAY, "ME", "MAR", None)
    ]
    maintain(fresh_database, employer)
    assert [event.source for event in events_of(person)] == ["ME"]
    assert activity.waiting_activity(fresh_database, employer.client_id).is_empty()
    assert ActivityAct.objects.get(person_id=person).reason == "seen in the office"


@pytest.mark.parametrize(
    ("changes", "said", "expected"),
    [
        ({"bas_action": "XYZ"}, {}, "expected a class of the set-up, found XYZ"),
        ({"bas_action": "HIR"}, {}, "may be entered by hand, found HIR"),
        ({"event_on": date(1970, 1, 1)}, {}, "expected a day on or after 2025-06-01"),
        ({"benefit_record": 3}, {}, "expected a job of benefit record 3"),
        ({"person_id": -1}, {}, "the person is not known"),
        ({}, {"reason": " "}, "expected a reason, found none"),
        ({}, {"author": ""}, "expected an author, found none"),
    ],
)
def test_what_may_not_be_entered_is_refused_and_leaves_nothing(
    fresh_database, employer, person, changes, said, expected
):
    Bundle.objects.filter(client_id=employer.client_id).update(starts_on=date(2025, 6, 1))
    with pytest.raises(ActivityRefused, match=expected):
        activity.enter_activity(fresh_database, place(employer, person, **changes), **SAID | said)
    assert not ActivityAct.objects.exists()
    assert activity.waiting_activity(fresh_database, employer.client_id).is_empty()


def test_the_first_day_of_administration_may_be_entered(fresh_database, employer, person):
    Bundle.objects.filter(client_id=employer.client_id).update(starts_on=DAY)
    activity.enter_activity(fresh_database, place(employer, person), **SAID)
    with pytest.raises(ActivityRefused, match="starts, found 2026-03-01"):
        activity.enter_activity(
            fresh_database, place(employer, person, event_on=DAY - timedelta(days=1)), **SAID
        )


def test_nothing_is_entered_before_the_first_job(fresh_database, employer):
    hired = workforce.hire(
        employer.client_id, employee_number="NEW", first_name="N", last_name="E", on=DAY, job={}, **WHO
    ).person_id
    early = place(employer, hired, event_on=DAY - timedelta(days=1))
    with pytest.raises(ActivityRefused, match="expected a job"):
        activity.enter_activity(fresh_database, early, **SAID)
    activity.enter_activity(fresh_database, place(employer, hired), **SAID)


def test_the_same_is_not_entered_twice_nor_again_once_it_is_an_event(fresh_database, employer, person):
    activity.enter_activity(fresh_database, place(employer, person), **SAID)
    with pytest.raises(ActivityRefused, match="the same waiting already"):
        activity.enter_activity(fresh_database, place(employer, person), **SAID)
    maintain(fresh_database, employer)
    for act in (activity.enter_activity, activity.delete_activity, activity.admit_activity):
        with pytest.raises(ActivityRefused, match="found event 1 made of it"):
            act(fresh_database, place(employer, person), **SAID)


def test_what_is_deleted_becomes_no_event_until_it_is_entered_again(fresh_database, employer, person):
    activity.enter_activity(fresh_database, place(employer, person), **SAID)
    activity.delete_activity(fresh_database, place(employer, person), **SAID)
    assert activity.waiting_activity(fresh_database, employer.client_id).is_empty()
    with pytest.raises(ActivityRefused, match="found none"):
        activity.delete_activity(fresh_database, place(employer, person), **SAID)
    maintain(fresh_database, employer)
    assert events_of(person) == []
    activity.enter_activity(fresh_database, place(employer, person), **SAID)
    maintain(fresh_database, employer)
    assert len(events_of(person)) == 1
    acts = activity.acts_of(fresh_database, place(employer, person))
    assert [(act.number, act.kind) for act in acts] == [(1, "enter"), (2, "delete"), (3, "enter")]


def test_acts_are_never_changed(fresh_database, employer, person):
    activity.enter_activity(fresh_database, place(employer, person), **SAID)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        ActivityAct.objects.update(reason="another")


# --- the terms of a class ---------------------------------------------------------------------------------


def set_terms(**changes):
    given = {"days_to_notify": 31, "is_proof_required": False, "creates_event": True}
    set_class("MAR", **given | changes)


@pytest.mark.parametrize(("days_late", "is_held"), [(0, False), (1, True)])
def test_a_report_after_the_last_day_is_held_and_names_it(
    fresh_database, employer, person, days_late, is_held
):
    set_terms()
    married(employer, person, reported=DAY + timedelta(days=31 + days_late))
    maintain(fresh_database, employer)
    assert (events_of(person) == []) is is_held
    why = activity.waiting_activity(fresh_database, employer.client_id)["why_held"].to_list()
    assert why == (["reported 2026-04-03, the last day was 2026-04-02"] if is_held else [])


def outcome_of(result):
    return dict(result.outcomes.select("outcome", "people").rows())


def test_a_run_says_what_it_left_lying(fresh_database, employer, person):
    set_terms(creates_event=False)
    assert "waits for an administrator" not in outcome_of(maintain(fresh_database, employer))
    married(employer, person)
    assert outcome_of(maintain(fresh_database, employer))["waits for an administrator"] == 1


def test_a_schedule_without_new_events_says_so_and_leaves_facts_unread(fresh_database, employer, person):
    closed = "BA1006: The schedule takes no new events"
    Schedule.objects.filter(schedule_id=employer.event_maintenance).update(is_closed_to_new_events=True)
    set_up._kept.clear()
    assert closed not in outcome_of(maintain(fresh_database, employer))
    change_job(employer, person, location="BOS")
    assert outcome_of(maintain(fresh_database, employer))[closed] == 1
    assert events_of(person) == []
    Schedule.objects.filter(schedule_id=employer.event_maintenance).update(is_closed_to_new_events=False)
    set_up._kept.clear()
    maintain(fresh_database, employer)
    assert len(events_of(person)) == 1


def test_what_is_held_becomes_an_event_once_it_is_admitted(fresh_database, employer, person):
    set_terms(creates_event=False)
    married(employer, person)
    maintain(fresh_database, employer)
    assert events_of(person) == []
    activity.admit_activity(fresh_database, place(employer, person), **SAID)
    with pytest.raises(ActivityRefused, match="the next run takes anyway"):
        activity.admit_activity(fresh_database, place(employer, person), **SAID)
    maintain(fresh_database, employer)
    assert [event.source for event in events_of(person)] == ["ME"]


def test_terms_do_not_hold_what_an_administrator_enters(fresh_database, employer, person):
    set_terms(creates_event=False, days_to_notify=0)
    activity.enter_activity(fresh_database, place(employer, person), **SAID)
    maintain(fresh_database, employer)
    assert len(events_of(person)) == 1


def test_a_held_report_follows_its_life_event(fresh_database, employer, person):
    set_terms()
    married(employer, person, reported=DAY + timedelta(days=40))
    maintain(fresh_database, employer)
    married(employer, person, reported=DAY + timedelta(days=5))  # corrected
    maintain(fresh_database, employer)
    assert len(events_of(person)) == 1


# --- proof ------------------------------------------------------------------------------------------------


def messages_of(person):
    return set(Message.objects.filter(person_id=person, is_current=True).values_list("code", flat=True))


@pytest.mark.parametrize("is_required", [False, True])
def test_nothing_is_final_before_the_proof(fresh_database, employer, person, is_required):
    set_terms(is_proof_required=is_required)
    married(employer, person)
    maintain(fresh_database, employer, is_finalizing=True, people=[person])
    assert [event.process_status for event in events_of(person)] == (["PR"] if is_required else ["FE"])
    assert ("BA1008" in messages_of(person)) is is_required
    if not is_required:
        return
    activity.prove_activity(fresh_database, place(employer, person), **SAID)
    assert "BA1008" not in messages_of(person)
    step = EventStep.objects.filter(person_id=person, actor="ann").get()
    assert step.cause == "proof recorded: seen in the office"
    maintain(fresh_database, employer, is_finalizing=True, people=[person])
    assert [event.process_status for event in events_of(person)] == ["FE"]
    with pytest.raises(ActivityRefused, match="recorded already"):
        activity.prove_activity(fresh_database, place(employer, person), **SAID)


def test_a_run_that_changes_nothing_keeps_the_message(fresh_database, employer, person):
    set_terms(is_proof_required=True)
    married(employer, person)
    for _ in range(2):
        maintain(fresh_database, employer)
        assert "BA1008" in messages_of(person)


def test_proof_seen_before_the_event_counts(fresh_database, employer, person):
    set_terms(is_proof_required=True, creates_event=False)
    married(employer, person)
    maintain(fresh_database, employer)
    activity.prove_activity(fresh_database, place(employer, person), **SAID)
    assert activity.waiting_activity(fresh_database, employer.client_id).height == 1  # still to be admitted
    activity.admit_activity(fresh_database, place(employer, person), **SAID)
    maintain(fresh_database, employer, is_finalizing=True, people=[person])
    assert [event.process_status for event in events_of(person)] == ["FE"]


def test_only_a_reported_life_event_has_a_proof(fresh_database, employer, person):
    activity.enter_activity(fresh_database, place(employer, person), **SAID)
    for asked in (place(employer, person), place(employer, person, bas_action="BIR")):
        with pytest.raises(ActivityRefused, match="expected a reported life event"):
            activity.prove_activity(fresh_database, asked, **SAID)


def test_what_only_ends_coverage_waits_for_no_proof(fresh_database, employer, person):
    set_terms(is_proof_required=True)
    set_class("MAR", only_ends_coverage=True)
    married(employer, person)
    maintain(fresh_database, employer, is_finalizing=True, people=[person])
    assert "BA1008" not in messages_of(person)
    assert [event.process_status for event in events_of(person)] == ["FE"]
