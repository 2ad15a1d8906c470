"""Coverage that was taken over is moved, ended or voided; the events after it are decided again; and undone."""

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest
from tests.runs.conftest import put_enrolled

from openbenefits.core.codes import Level
from openbenefits.enrollment import models
from openbenefits.events.activity import ActivityPlace, enter_activity
from openbenefits.payroll.services import owed
from openbenefits.programs.models import Option
from openbenefits.repair.models import TakeOverAct
from openbenefits.repair.operations import operate
from openbenefits.repair.services import RepairRefused
from openbenefits.repair.taken_over import TakenOver, operate_on_taken_over
from openbenefits.runs.services import run
from openbenefits.store.bulk import copy_in, schema_of
from openbenefits.store.trials import given_up

from .test_operations import AS_OF, BEGIN, order_of
from .worlds import LATER, YEAR_END, events_of, held

SINCE, LATER_ON, LAST = date(2025, 7, 1), date(2025, 8, 1), date(2025, 10, 1)


@pytest.fixture
def there(fresh_database, kept, tmp_path):
    def build():
        employer = put_enrolled(tmp_path, people=6)
        return employer, _took_over(fresh_database, employer)

    return kept(fresh_database, "taken over", build)


@pytest.fixture
def employer(there):
    return there[0]


@pytest.fixture
def person_id(there) -> int:
    return there[1]


def _took_over(fresh_database, employer) -> int:
    """Somebody with medical coverage by open enrolment, and the same taken over for the year before."""
    covered = held(fresh_database, employer).filter(pl.col("kind").is_in(["E", "D"]), plan_type="10")
    person = covered["person_id"].min()
    point = models.Coverage.objects.filter(person_id=person, plan_type="10", superseded_by_run=None).get()
    row = {name: getattr(point, name) for name in schema_of(models.Coverage)}
    row |= dict.fromkeys(("schedule_id", "event_number", "run_id"))
    row |= {"begins_on": SINCE, "deduction_begins_on": SINCE, "version": 1, "rule": "take-over", "kind": "E"}
    copy_in(fresh_database, "enrollment_coverage", pl.DataFrame([row], schema=schema_of(models.Coverage)))
    again(fresh_database, employer, person)
    return person


def again(connection, employer, person) -> None:
    events = events_of(connection, employer, person_id=person)
    operate(connection, order_of(employer, events, "again"), now=LATER)


def order(employer, person, do, to_on=None, **more) -> TakenOver:
    named = {"client_id": employer.client_id, "person_id": person, "plan_type": "10", "begins_on": SINCE}
    span = {"as_of": AS_OF, "begin": BEGIN, "through": YEAR_END}
    said = {"reason": "the old system was wrong", "author": "tester"}
    return TakenOver(**(named | span | said | {"do": do, "to_on": to_on} | more))


def timeline(connection, employer, person):
    """What holds, apart from how often it was written."""
    rows = held(connection, employer).filter(person_id=person)
    return rows.drop("version", "run_id", strict=False).sort("plan_type", "begins_on")


def medical(connection, employer, person):
    rows = timeline(connection, employer, person).filter(plan_type="10")
    return rows.select("begins_on", "kind").rows()


def do(connection, employer, person, word, to_on=None, **more):
    return operate_on_taken_over(connection, order(employer, person, word, to_on), now=LATER, **more)


def test_voided_it_has_never_been_and_undone_it_is_as_before(fresh_database, employer, person_id):
    before = timeline(fresh_database, employer, person_id)
    assert (SINCE, "E") in medical(fresh_database, employer, person_id)
    told = do(fresh_database, employer, person_id, "void", is_rehearsal=True)
    assert told.consequences.run_id is None
    assert timeline(fresh_database, employer, person_id).equals(before)
    assert not TakeOverAct.objects.exists()
    told = do(fresh_database, employer, person_id, "void")
    assert told.consequences.coverage.filter(pl.col("begins_on") == SINCE)["side"].to_list() == ["before"]
    assert all(begins_on != SINCE for begins_on, _ in medical(fresh_database, employer, person_id))
    do(fresh_database, employer, person_id, "undo")
    assert timeline(fresh_database, employer, person_id).equals(before)
    with pytest.raises(RepairRefused, match="undo"):
        do(fresh_database, employer, person_id, "undo")
    assert [act.kind for act in TakeOverAct.objects.order_by("number")] == ["void", "undo"]


def test_moved_to_another_day_it_owes_from_that_day(fresh_database, employer, person_id):
    before = timeline(fresh_database, employer, person_id)

    def first_owed():
        lines = owed(
            fresh_database, employer.client_id, begin=date(2025, 6, 1), through=LAST, person_ids=[person_id]
        )
        return lines.filter(plan_type="10", kind="deduction")["ends_on"].min()

    early = first_owed()
    do(fresh_database, employer, person_id, "redate", LATER_ON)
    assert (LATER_ON, "E") in medical(fresh_database, employer, person_id)
    assert (SINCE, "E") not in medical(fresh_database, employer, person_id)
    assert early is None or early < first_owed()
    do(fresh_database, employer, person_id, "undo")
    assert timeline(fresh_database, employer, person_id).equals(before)


def test_ended_it_is_not_what_open_enrolment_kept(fresh_database, employer, person_id):
    before = timeline(fresh_database, employer, person_id)
    do(fresh_database, employer, person_id, "end", LAST)
    rows = medical(fresh_database, employer, person_id)
    assert rows[:2] == [(SINCE, "E"), (LAST, "T")]
    do(fresh_database, employer, person_id, "undo")
    assert timeline(fresh_database, employer, person_id).equals(before)


KNOWN_SINCE = LATER + timedelta(days=1)
"""When coverage became known that open enrolment knew nothing of."""


def account_taken_over(connection, employer, person) -> None:
    """An account, taken over after open enrolment was final, which had posted nothing about it."""
    account = Option.objects.filter(client_id=employer.client_id, plan_type="60").exclude(option_type="W")[0]
    models.Coverage.objects.filter(person_id=person, plan_type="60").delete()
    point = models.Coverage.objects.filter(person_id=person, superseded_by_run=None, plan_type="10").first()
    row = {name: getattr(point, name) for name in schema_of(models.Coverage)}
    row |= dict.fromkeys(("schedule_id", "event_number", "run_id", "coverage_cents"))
    row |= {"begins_on": SINCE, "deduction_begins_on": SINCE, "version": 1, "rule": "take-over", "kind": "E"}
    row |= {"plan_type": "60", "option_id": account.option_id, "pledge_cents": 1200_00}
    row |= {"made_at": KNOWN_SINCE}
    copy_in(connection, "enrollment_coverage", pl.DataFrame([row], schema=schema_of(models.Coverage)))


def wedding(connection, employer, person, now=KNOWN_SINCE) -> None:
    """An event from before open enrolment, decided with what holds then."""
    place = ActivityPlace(
        client_id=employer.client_id, person_id=person, event_on=LAST, bas_action="MSC", source="ME"
    )
    enter_activity(connection, place, reason="by hand", author="us", now=now)
    found = employer.order(
        schedule_id=employer.event_maintenance,
        as_of=AS_OF,
        through=Level.ELECTIONS,
        is_finalizing=True,
    )
    run(connection, found, now=now + timedelta(days=1))


def standings(connection, employer, person):
    """Where events stand, without when they came there."""
    columns = ["event_number", "event_on", "event_status", "process_status", "is_finalized", "program_id"]
    flags = ["is_out_of_sequence", "is_eligibility_changed", "process_indicator"]
    return events_of(connection, employer, person_id=person).select(columns + flags).rows()


@pytest.mark.parametrize("is_decided_between", [False, True])
@pytest.mark.parametrize(
    ("word", "to_on", "left"),
    [
        ("end", date(2026, 2, 15), [(SINCE, "E"), (date(2026, 2, 15), "T")]),
        ("redate", LATER_ON, [(LATER_ON, "E")]),
        ("void", None, []),
    ],
)
def test_undone_it_leaves_nothing_of_an_event_decided_before_the_coverage_came(
    fresh_database, employer, person_id, word, to_on, left, is_decided_between
):
    """Open enrolment was decided while nothing was known of the account: it stands, also where an event from
    before it has seen the account, and is decided again."""
    account_taken_over(fresh_database, employer, person_id)
    if is_decided_between:
        wedding(fresh_database, employer, person_id)
    before = timeline(fresh_database, employer, person_id)
    stood = standings(fresh_database, employer, person_id)
    assert len(stood) == 1 + is_decided_between

    def operated(word, to_on=None):
        asked = replace(order(employer, person_id, word, to_on), plan_type="60")
        operate_on_taken_over(fresh_database, asked, now=LATER + timedelta(days=9))

    operated(word, to_on)
    rows = timeline(fresh_database, employer, person_id).filter(plan_type="60")
    assert rows.select("begins_on", "kind").rows() == left
    operated("undo")
    assert timeline(fresh_database, employer, person_id).equals(before)
    assert standings(fresh_database, employer, person_id) == stood


def test_what_was_decided_while_it_was_void_is_as_if_it_had_never_been_void(
    fresh_database, employer, person_id
):
    """An event that came between is decided with the account once that is back; open enrolment still stands."""
    account_taken_over(fresh_database, employer, person_id)
    meanwhile = LATER + timedelta(days=20)
    with given_up():
        wedding(fresh_database, employer, person_id, meanwhile)
        never_void = timeline(fresh_database, employer, person_id)
        stood = standings(fresh_database, employer, person_id)

    def operated(word, days):
        asked = replace(order(employer, person_id, word), plan_type="60")
        operate_on_taken_over(fresh_database, asked, now=LATER + timedelta(days=days))

    operated("void", 9)
    wedding(fresh_database, employer, person_id, meanwhile)
    assert not timeline(fresh_database, employer, person_id).equals(never_void)
    operated("undo", 30)
    assert timeline(fresh_database, employer, person_id).equals(never_void)
    assert standings(fresh_database, employer, person_id) == stood


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"begins_on": LATER_ON}, "2025-07-01"),
        ({"plan_type": "99"}, "none"),
        ({"do": "redate", "to_on": None}, "expected a day"),
        ({"do": "redate", "to_on": SINCE}, "other than"),
        ({"do": "end", "to_on": SINCE}, "other than"),
        ({"do": "end", "to_on": date(2025, 6, 30)}, "after 2025-07-01"),
        ({"to_on": LAST}, "expected no day"),
        ({"do": "erase"}, "redate, end, void, undo"),
        ({"reason": " "}, "reason"),
        ({"author": ""}, "author"),
    ],
)
def test_what_cannot_be_is_refused_and_writes_nothing(fresh_database, employer, person_id, changes, said):
    before = timeline(fresh_database, employer, person_id)
    asked = replace(order(employer, person_id, "void"), **changes)
    with pytest.raises(RepairRefused, match=said):
        operate_on_taken_over(fresh_database, asked, now=LATER)
    assert timeline(fresh_database, employer, person_id).equals(before)


def test_an_operation_on_coverage_of_an_event_is_refused(fresh_database, employer, person_id):
    own = timeline(fresh_database, employer, person_id).filter(plan_type="20")
    if own.is_empty():
        pytest.fail("the sample gives everybody basic life")
    asked = replace(order(employer, person_id, "void"), plan_type="20", begins_on=own["begins_on"][0])
    with pytest.raises(RepairRefused, match="none"):
        operate_on_taken_over(fresh_database, asked, now=LATER)
