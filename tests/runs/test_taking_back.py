"""A run taken back is as if it had never been, and run again it is the same run; what has left the house stays."""

from datetime import date, timedelta

import polars as pl
import pytest
from django.db import IntegrityError, transaction

from openbenefits.core.codes import Level
from openbenefits.enrollment.models import Coverage, CreditUse
from openbenefits.events.models import Event, EventStep
from openbenefits.payroll.models import Taken
from openbenefits.payroll.services import owed
from openbenefits.programs.sections.operation import SecondPersonPart
from openbenefits.runs import limits
from openbenefits.runs.acts import ActRefused
from openbenefits.runs.models import Run, RunAct
from openbenefits.runs.services import run
from openbenefits.runs.taking_back import Released, deltas, take_back
from openbenefits.store.bulk import copy_out

from .conftest import NOW
from .test_limits import leave

LATER = NOW + timedelta(days=150)
WHY = {"reason": "the wrong day", "author": "boss", "now": LATER}
QUERIES = {
    "events": """SELECT person_id, benefit_record, schedule_id, event_number, event_class_id, event_on, event_status,
        process_status, process_indicator, program_id, preparation > 0 AS is_prepared, window_ends_on, is_finalized,
        is_multi_activity, is_out_of_sequence, is_eligibility_changed, finalize_requested
        FROM events_event WHERE process_indicator <> 'T'""",
    "timeline": """SELECT person_id, benefit_record, plan_type, slot, begins_on, kind, option_id, coverage_cents,
        pledge_cents, deduction_begins_on, rule, schedule_id, event_number
        FROM enrollment_coverage WHERE superseded_by_run IS NULL""",
    "members": """SELECT d.person_id, d.plan_type, d.begins_on, d.dependent_id FROM enrollment_coveragedependent d
        JOIN enrollment_coverage c USING (client_id, person_id, benefit_record, plan_type, slot, begins_on, version)
        WHERE c.superseded_by_run IS NULL""",
    "messages": """SELECT person_id, schedule_id, event_number, code, plan_type, expected, found
        FROM events_message WHERE is_current""",
    "options": """SELECT o.person_id, o.schedule_id, o.event_number, o.option_id, o.is_default,
        o.pay_before_tax_cents FROM enrollment_eventoption o JOIN events_event e
        USING (client_id, person_id, benefit_record, schedule_id, event_number, preparation)""",
    "activity": """SELECT person_id, event_on, source, bas_action, change_id, schedule_id, event_number
        FROM events_activity""",
    "feed": "SELECT id, consumed_by_run IS NULL AS is_unread FROM workforce_factchange",
}


def state(connection, employer):
    found = {}
    for name, query in QUERIES.items():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM ({query}) AS q LIMIT 0")
            names = [column.name for column in cursor.description]
        rows = copy_out(connection, query, dict.fromkeys(names, pl.String))
        found[name] = rows.sort(names)
    lines = owed(connection, employer.client_id, begin=date(2026, 1, 1), through=date(2026, 6, 30))
    found["owed"] = lines.select(sorted(set(lines.columns) - {"schedule_id", "event_number"})).sort(pl.all())
    return found


def assert_same(found, expected):
    for name, rows in expected.items():
        assert found[name].equals(rows), name


@pytest.fixture
def employer(fresh_database, make_employer):
    return make_employer(fresh_database)


STORIES = {
    "prepared for the first time": ((), {"through": Level.OPTIONS}),
    "finalised at once": ((), {"is_finalizing": True, "through": Level.ELECTIONS}),
    "finalised after it was prepared": (
        ({"through": Level.OPTIONS},),
        {"is_finalizing": True, "through": Level.ELECTIONS},
    ),
    "the same run again": (({"through": Level.OPTIONS},), {"through": Level.OPTIONS}),
    "scheduled only": ((), {"through": Level.SCHEDULE}),
}


@pytest.mark.parametrize("story", STORIES)
def test_taken_back_is_never_run_and_run_again_is_run_once(fresh_database, employer, story):
    earlier, last = STORIES[story]
    for changes in earlier:
        run(fresh_database, employer.order(**changes), now=NOW)
    before = state(fresh_database, employer)
    once = run(fresh_database, employer.order(**last), now=NOW)
    after = state(fresh_database, employer)
    steps = EventStep.objects.count()
    points = Coverage.objects.count()
    done = take_back(fresh_database, once.run_id, **WHY)
    assert_same(state(fresh_database, employer), before)
    assert done.events + done.made == EventStep.objects.count() - steps
    assert Coverage.objects.count() >= points, "nothing is erased"
    again = run(fresh_database, employer.order(**last), now=LATER)
    assert_same(state(fresh_database, employer), after)
    assert again.outcomes.equals(once.outcomes)
    take_back(fresh_database, again.run_id, **WHY)
    assert_same(state(fresh_database, employer), before)


@pytest.fixture
def enrolled(fresh_database, make_employer):
    return make_employer(fresh_database, is_faulty=False, people=60, is_enrolled=True)


def maintain(connection, employer, **changes):
    given = {"schedule_id": employer.event_maintenance, "as_of": date(2026, 3, 2), "through": Level.ELECTIONS}
    return run(connection, employer.order(**(given | changes)), now=LATER)


def test_events_of_facts_are_taken_back_with_what_they_ended(fresh_database, enrolled):
    leave(enrolled.client_id, 5)
    before = state(fresh_database, enrolled)
    once = maintain(fresh_database, enrolled)
    after = state(fresh_database, enrolled)
    assert not after["timeline"].equals(before["timeline"])
    told = deltas(fresh_database, once.run_id, begin=date(2026, 1, 1), through=date(2026, 12, 31), now=LATER)
    assert told["person_id"].n_unique() == 5
    assert_same(state(fresh_database, enrolled), after)
    take_back(fresh_database, once.run_id, **WHY)
    assert_same(state(fresh_database, enrolled), before)
    again = maintain(fresh_database, enrolled)
    assert_same(state(fresh_database, enrolled), after)
    take_back(fresh_database, again.run_id, **WHY)
    assert_same(state(fresh_database, enrolled), before)


def test_what_was_built_on_a_run_goes_first(fresh_database, enrolled):
    first = Run.objects.get()
    leave(enrolled.client_id, 2)
    second = maintain(fresh_database, enrolled)
    with pytest.raises(ActRefused, match=f"found the runs {second.run_id}"):
        take_back(fresh_database, first.pk, **WHY)
    take_back(fresh_database, second.run_id, **WHY)
    take_back(fresh_database, first.pk, **WHY)
    assert not Coverage.objects.filter(superseded_by_run=None).exists()
    for number in (first.pk, second.run_id):
        with pytest.raises(ActRefused, match="found taken back"):
            take_back(fresh_database, number, **WHY)


def test_events_somebody_has_worked_on_since_are_not_taken_back(fresh_database, employer):
    prepared = run(fresh_database, employer.order(), now=NOW)
    event = Event.objects.filter(process_status="PR").first()
    place = ("client_id", "person_id", "benefit_record", "schedule_id", "event_number")
    EventStep.objects.create(
        **{name: getattr(event, name) for name in place},
        step=event.steps + 1,
        actor="test",
        from_status="PR",
        to_status="NT",
        event_status="O",
        cause="statement issued",
        moved_at=NOW,
    )
    with pytest.raises(ActRefused, match="1 events and 0 change points"):
        take_back(fresh_database, prepared.run_id, **WHY)


def test_what_payroll_has_taken_stays_and_deltas_are_proposed(fresh_database, enrolled):
    first = Run.objects.get()
    point = Coverage.objects.filter(kind__in=["E", "D"], superseded_by_run=None).first()
    Taken.objects.create(
        client_id=enrolled.client_id,
        person_id=point.person_id,
        benefit_record=point.benefit_record,
        plan_type=point.plan_type,
        kind="deduction",
        tax_class="B",
        pay_group_id=1,
        ends_on=date(2026, 1, 9),
        version=1,
        pay_number=1,
        taken_cents=1,
        change_id=1,
        known_since=LATER,
    )
    before = state(fresh_database, enrolled)
    with pytest.raises(Released, match="pay of 2026-01-09"):
        take_back(fresh_database, first.pk, **WHY)
    told = deltas(fresh_database, first.pk, begin=date(2026, 1, 1), through=date(2026, 12, 31), now=LATER)
    assert told.filter(pl.col("year_cents_after") != 0).is_empty()
    assert told["year_cents_before"].drop_nulls().sum() > 0
    assert_same(state(fresh_database, enrolled), before)
    Taken.objects.all().delete()
    told_people = Event.objects.filter(process_status="FE").first()
    Event.objects.filter(pk=told_people.pk).update(confirm_notified_on=date(2025, 12, 1))
    with pytest.raises(Released, match="1 people were told"):
        take_back(fresh_database, first.pk, **WHY)


def test_a_taking_back_has_a_reason_and_where_wanted_a_second_person(fresh_database, employer, monkeypatch):
    prepared = run(fresh_database, employer.order(), now=NOW)
    with pytest.raises(ActRefused, match="reason and an author"):
        take_back(fresh_database, prepared.run_id, reason=" ", author="boss", now=LATER)

    class SetUp:
        run_limits = ()
        second_person = SecondPersonPart(take_back=True)

    monkeypatch.setattr(limits, "_set_up", lambda connection, client_id: SetUp)
    with pytest.raises(ActRefused, match="another person"):
        take_back(fresh_database, prepared.run_id, reason="mine", author="test", now=LATER)
    take_back(fresh_database, prepared.run_id, **WHY)
    assert RunAct.objects.get().needs_second


def test_only_the_taking_back_itself_may_lead_events_back(fresh_database, employer):
    run(fresh_database, employer.order(), now=NOW)
    with pytest.raises(IntegrityError, match="illegal move"), transaction.atomic():
        Event.objects.filter(process_status="PR").update(process_status=None)


def test_credits_are_used_as_before(fresh_database, make_employer):
    employer = make_employer(fresh_database, code="beacon", is_faulty=False)
    before = CreditUse.objects.count()
    done = run(fresh_database, employer.order(is_finalizing=True, through=Level.ELECTIONS), now=NOW)
    take_back(fresh_database, done.run_id, **WHY)
    latest = {}
    for use in CreditUse.objects.order_by("version"):
        latest[(use.person_id, use.benefit_record, use.schedule_id, use.event_number)] = use
    assert all(use.is_taken_back and use.used_cents is None for use in latest.values())
    assert len(latest) > before == 0
