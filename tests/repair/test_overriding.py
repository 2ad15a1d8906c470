"""A decision about eligibility of a final event: shown, done, undone; and what finalising and its guard do."""

import shutil
from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from openbenefits.core.codes import Level
from openbenefits.enrollment.models import EligibilityOverride
from openbenefits.events.models import Event
from openbenefits.events.rules import EVENT_KEY
from openbenefits.programs import services as setup
from openbenefits.programs.models import Program, Schedule
from openbenefits.repair import kinds
from openbenefits.repair.operations import operate
from openbenefits.repair.overriding import OverrideOrder, override, undo_override
from openbenefits.repair.permissions import NotPermitted
from openbenefits.repair.services import RepairOrder, RepairRefused
from openbenefits.runs.services import run
from openbenefits.sample import SAMPLE_FOLDER
from openbenefits.workforce import services as workforce
from openbenefits.workforce.models import Person

from .worlds import LATER, YEAR_END, events_of, held

AS_OF = date(2026, 4, 20)


@pytest.fixture
def employer(fresh_database, make_employer):
    return make_employer(fresh_database, is_faulty=False, people=20, is_enrolled=True)


@pytest.fixture
def person_id(fresh_database, employer) -> int:
    covered = held(fresh_database, employer).filter(pl.col("kind").is_in(["E", "D"]), plan_type="10")
    return covered["person_id"].min()


def decided(employer, person_id, *, is_eligible) -> OverrideOrder:
    event = Event.objects.get(person_id=person_id, schedule_id=employer.open_enrollment)
    program = Program.objects.filter(program_id=event.program_id).first()
    return OverrideOrder(
        event={name: getattr(event, name) for name in EVENT_KEY},
        program=program.code,
        option=None,
        is_eligible=is_eligible,
        as_of=AS_OF,
        begin=date(2026, 1, 1),
        through=YEAR_END,
        reason="a test",
        author="tester",
    )


def test_a_final_event_is_decided_again_with_what_a_person_decided(fresh_database, employer, person_id):
    before = held(fresh_database, employer)
    order = decided(employer, person_id, is_eligible=False)
    told = override(fresh_database, order, now=LATER, is_rehearsal=True)
    assert held(fresh_database, employer).equals(before)
    assert not EligibilityOverride.objects.exists()
    assert set(told.consequences.coverage["side"]) == {"before"}

    def nobody(wish) -> None:
        raise NotPermitted(f"{wish.operations}")

    with pytest.raises(NotPermitted, match="override"):
        override(fresh_database, order, now=LATER, permit=nobody)
    done = override(fresh_database, order, now=LATER)
    assert done.consequences.coverage.equals(told.consequences.coverage)
    event = Event.objects.get(person_id=person_id, schedule_id=employer.open_enrollment)
    assert event.process_status == "FA"
    assert held(fresh_database, employer).filter(person_id=person_id).is_empty()

    undo_override(fresh_database, replace(order, is_eligible=None), now=LATER)
    assert held(fresh_database, employer).equals(before)
    made = EligibilityOverride.objects.order_by("version").values_list("is_eligible", flat=True)
    assert list(made) == [False, None]
    with pytest.raises(RepairRefused, match="expected a decision about"):
        undo_override(fresh_database, order, now=LATER)


def test_the_command_line_decides_and_shows_what_follows(fresh_database, employer, person_id, cli):
    order = decided(employer, person_id, is_eligible=False)
    person = Person.objects.get(pk=person_id).employee_number
    code = Schedule.objects.filter(schedule_id=employer.open_enrollment).first().code
    said = ("--client", "harbor", "--schedule", code, "--person", person, "--program", order.program,
            "--reason", "a test", "--as-of", AS_OF)  # fmt: skip
    before = held(fresh_database, employer)
    tried = cli("repair", "override", *said, "--decision", "ineligible")
    assert "Nothing was written" in tried.output
    assert held(fresh_database, employer).equals(before)
    done = cli("repair", "override", *said, "--decision", "ineligible", "--apply")
    assert done.exit_code == 0, done.output
    assert not held(fresh_database, employer).equals(before)
    back = cli("repair", "override", *said, "--decision", "undo", "--apply")
    assert back.exit_code == 0, back.output
    assert held(fresh_database, employer).equals(before)
    assert cli("repair", "override", *said, "--decision", "perhaps").exit_code == 2


# --- finalising, and the guard of full terminations -----------------------------------------------------------


@pytest.mark.parametrize("is_guarded", [True, False])
def test_a_guarded_full_termination_waits_for_a_person(
    fresh_database, employer, person_id, tmp_path, is_guarded
):
    peo = tmp_path / "peo-guarded"
    shutil.copytree(SAMPLE_FOLDER / "peo", peo)
    codes = next(file for file in peo.glob("*.yaml") if "code: TER" in file.read_text())
    if is_guarded:
        text = codes.read_text()
        codes.write_text(text.replace("{code: TER,", "{code: TER, guard_full_termination: true,"))
        assert setup.apply(peo, client_id=0, applied_by="test", now=LATER).release
    workforce.terminate(
        employer.client_id, person_id, last_day_employed=date(2026, 3, 15), made_by="test", now=LATER
    )
    order = employer.order(
        schedule_id=employer.event_maintenance,
        as_of=AS_OF,
        through=Level.ELECTIONS,
        people=[person_id],
    )
    before = held(fresh_database, employer)
    run(fresh_database, order, now=LATER)
    event = events_of(fresh_database, employer, person_id=person_id, schedule_id=employer.event_maintenance)
    expected = ("PR", "O") if is_guarded else ("FE", "C")
    assert event.select("process_status", "event_status").row(0) == expected
    assert held(fresh_database, employer).equals(before) == is_guarded
    if is_guarded:  # somebody acknowledges it
        targets = event.select(*EVENT_KEY, kind=pl.lit(kinds.FINALIZE))
        given = RepairOrder(
            client_id=employer.client_id,
            targets=targets,
            as_of=AS_OF,
            begin=AS_OF,
            through=AS_OF,
            reason="acknowledged",
            author="tester",
        )
        operate(fresh_database, given, now=LATER)
        ended = events_of(
            fresh_database, employer, person_id=person_id, schedule_id=employer.event_maintenance
        )
        assert ended["process_status"].to_list() == ["FE"]
        assert not held(fresh_database, employer).equals(before)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"weekly_hours_hundredths": None, "full_part_time": None}, "AE"),
        ({"annual_pay_cents": None, "pay_group": "NOWHERE"}, "PE"),
    ],
)
def test_what_is_in_error_is_never_finalised_by_force_and_is_listed(
    fresh_database, employer, person_id, changes, status
):
    workforce.change_job(
        employer.client_id,
        person_id,
        on=date(2026, 3, 5),
        action="DTA",
        changes=changes,
        made_by="test",
        now=LATER,
    )
    order = employer.order(
        schedule_id=employer.event_maintenance,
        as_of=AS_OF,
        through=Level.ELECTIONS,
        people=[person_id],
        is_finalizing=True,
    )
    result = run(fresh_database, order, now=LATER)
    assert result.outcomes.select("outcome", "to_status").row(0) == ("not finalised", status)
    event = events_of(fresh_database, employer, person_id=person_id, schedule_id=employer.event_maintenance)
    given = RepairOrder(
        client_id=employer.client_id,
        targets=event.select(*EVENT_KEY, kind=pl.lit(kinds.FINALIZE)),
        as_of=AS_OF,
        begin=AS_OF,
        through=AS_OF,
        reason="a test",
        author="tester",
    )
    with pytest.raises(RepairRefused, match="correct the facts or the set-up"):
        operate(fresh_database, given, now=LATER)
