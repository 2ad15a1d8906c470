"""Operations of people: what they change is shown, done, and undone; a schedule as a whole; who may."""

import shutil
from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from openbenefits.core.codes import Level
from openbenefits.events.models import Event
from openbenefits.events.rules import EVENT_KEY
from openbenefits.payroll.services import owed
from openbenefits.programs import services as setup
from openbenefits.programs.models import Schedule
from openbenefits.repair import kinds
from openbenefits.repair.models import RepairAct
from openbenefits.repair.operations import operate, undo
from openbenefits.repair.permissions import NotPermitted, Wish
from openbenefits.repair.schedules import ScheduleOrder, reprocess
from openbenefits.repair.services import RepairOrder, RepairRefused
from openbenefits.runs.models import Run
from openbenefits.runs.services import run
from openbenefits.sample import SAMPLE_FOLDER
from openbenefits.workforce import services as workforce
from openbenefits.workforce.models import JobFact

from .worlds import LATER, YEAR_END, events_of, held

AS_OF = date(2026, 4, 20)
BEGIN = date(2026, 1, 1)
LAST_DAY = date(2026, 3, 15)


@pytest.fixture
def employer(fresh_database, make_employer):
    return make_employer(fresh_database, is_faulty=False, people=20, is_enrolled=True)


@pytest.fixture
def person_id(fresh_database, employer) -> int:
    covered = held(fresh_database, employer).filter(pl.col("kind").is_in(["E", "D"]), plan_type="10")
    return covered["person_id"].min()


def maintain(connection, employer, *, finalize: bool = True) -> None:
    order = employer.order(
        schedule_id=employer.event_maintenance,
        as_of=AS_OF,
        through=Level.ELECTIONS,
        is_finalizing=finalize,
    )
    run(connection, order, now=LATER)


def order_of(employer, events, kind, **more) -> RepairOrder:
    columns = {"to_on": pl.Date, "to_record": pl.Int16}
    given = {name: pl.lit(more.get(name), dtype) for name, dtype in columns.items()}
    return RepairOrder(
        client_id=employer.client_id,
        targets=events.select(*EVENT_KEY, kind=pl.lit(kind, pl.String), **given),
        as_of=AS_OF,
        begin=BEGIN,
        through=YEAR_END,
        reason="a test",
        author="tester",
    )


def owing(connection, employer) -> pl.DataFrame:
    lines = owed(connection, employer.client_id, begin=BEGIN, through=YEAR_END).drop("cause")
    return lines.sort("person_id", "plan_type", "kind", "ends_on", "tax_class")


def resigned(connection, employer, person_id) -> pl.DataFrame:
    """Let somebody resign; answer the event."""
    workforce.terminate(employer.client_id, person_id, last_day_employed=LAST_DAY, made_by="test", now=LATER)
    maintain(connection, employer)
    return events_of(connection, employer, person_id=person_id, schedule_id=employer.event_maintenance)


def test_a_void_event_is_shown_done_and_undone(fresh_database, employer, person_id):
    before, owed_before = held(fresh_database, employer), owing(fresh_database, employer)
    event = resigned(fresh_database, employer, person_id)
    ended, owed_ended = held(fresh_database, employer), owing(fresh_database, employer)
    order = order_of(employer, event, kinds.WITHDRAW)

    told = operate(fresh_database, order, now=LATER, is_rehearsal=True)
    assert held(fresh_database, employer).equals(ended)
    assert RepairAct.objects.count() == 0
    assert told.consequences.run_id is None
    assert set(told.consequences.coverage["person_id"]) == {person_id}
    lines = told.consequences.deductions
    assert lines["after"].sum() > lines["before"].sum()
    assert told.losses.filter(side="before", verdict="qualifies", dependent_id=0).height
    assert told.losses.filter(side="after").is_empty()

    done = operate(fresh_database, order, now=LATER)
    assert done.consequences.coverage.equals(told.consequences.coverage)
    assert done.losses.equals(told.losses)
    assert held(fresh_database, employer).equals(before)
    assert owing(fresh_database, employer).equals(owed_before)

    back = undo(fresh_database, order, now=LATER)
    assert held(fresh_database, employer).equals(ended)
    assert owing(fresh_database, employer).equals(owed_ended)
    assert back.losses.filter(side="after").height == told.losses.height
    acts = RepairAct.objects.order_by("number").values_list("kind", "undoes", "reason", "author")
    assert list(acts) == [("withdraw", None, "a test", "tester"), ("reinstate", 1, "a test", "tester")]
    with pytest.raises(RepairRefused, match="nothing was done with them"):
        undo(fresh_database, order, now=LATER)


def test_an_event_moved_to_another_day_and_back(fresh_database, employer, person_id):
    workforce.change_job(
        employer.client_id,
        person_id,
        on=date(2026, 3, 5),
        action="DTA",
        changes={"weekly_hours_hundredths": 500, "full_part_time": "P"},
        made_by="test",
        now=LATER,
    )
    maintain(fresh_database, employer)
    event = events_of(fresh_database, employer, person_id=person_id, schedule_id=employer.event_maintenance)
    ended = held(fresh_database, employer)
    order = order_of(employer, event, kinds.REDATE, to_on=date(2026, 4, 11))
    operate(fresh_database, order, now=LATER)
    assert Event.objects.get(person_id=person_id, schedule_id=employer.event_maintenance).event_on == date(
        2026, 4, 11
    )
    assert not held(fresh_database, employer).equals(ended)
    undo(fresh_database, order, now=LATER)
    assert held(fresh_database, employer).equals(ended)


def second_job(employer, person_id) -> None:
    """A second job of the same person, of a benefit record of its own, as good as the first."""
    job = JobFact.objects.filter(person_id=person_id).order_by("valid_from", "version").values().last()
    columns = {name: job[name] for name in job if name not in ("version", "change_id", "known_since")}
    second = columns | {"job_number": 1, "benefit_record": 1}
    frame = workforce._one(workforce.JOBS, {k: v for k, v in second.items() if k != "client_id"})
    frames = workforce.FactFrames(jobs=frame)
    workforce.record_facts(
        employer.client_id, frames, kind="entry", label="second job", made_by="test", now=LATER
    )


def test_an_event_goes_to_another_benefit_record_and_back(fresh_database, employer, person_id):
    workforce.report_life_event(
        employer.client_id,
        person_id,
        event_class="MAR",
        on=date(2026, 3, 5),
        reported_on=date(2026, 3, 6),
        made_by="test",
        now=LATER,
    )
    maintain(fresh_database, employer)
    second_job(employer, person_id)
    before = held(fresh_database, employer)
    event = events_of(fresh_database, employer, person_id=person_id, schedule_id=employer.event_maintenance)
    with pytest.raises(RepairRefused, match="another benefit record"):
        operate(fresh_database, order_of(employer, event, kinds.MOVE), now=LATER)
    with pytest.raises(RepairRefused, match="a job of the benefit record"):
        operate(fresh_database, order_of(employer, event, kinds.MOVE, to_record=7), now=LATER)
    order = order_of(employer, event, kinds.MOVE, to_record=1)
    operate(fresh_database, order, now=LATER)
    known = Event.objects.filter(person_id=person_id, schedule_id=employer.event_maintenance)
    there = known.get(benefit_record=1)
    assert (there.event_on, there.process_status, there.event_number) == (date(2026, 3, 5), "FE", 1)
    assert known.get(benefit_record=0).event_status == "V"
    undo(fresh_database, order, now=LATER)
    assert known.get(benefit_record=0).event_status == "C"
    assert known.get(benefit_record=1).event_status == "V"
    assert held(fresh_database, employer).equals(before)


@pytest.mark.parametrize("kind", [kinds.ASSIGN, kinds.PREPARE, kinds.REENTER, kinds.DISCONNECT])
def test_what_is_undone_has_never_been(fresh_database, employer, person_id, kind):
    before, owed_before = held(fresh_database, employer), owing(fresh_database, employer)
    event = events_of(fresh_database, employer, person_id=person_id, event_number=0)
    order = order_of(employer, event, kind)
    operate(fresh_database, order, now=LATER)
    undo(fresh_database, order, now=LATER)
    assert held(fresh_database, employer).equals(before)
    assert owing(fresh_database, employer).equals(owed_before)
    after = events_of(fresh_database, employer, person_id=person_id, event_number=0)
    columns = ["event_on", "process_status", "event_status", "is_finalized", "process_indicator"]
    assert after.select(columns).equals(event.select(columns))


def test_what_waits_to_be_decided_again_is_not_reopened_and_waits_again_after_undoing(
    fresh_database, employer, person_id
):
    """The enrolment is assigned again and waits; the event after it, which may not pass, waits behind it."""
    workforce.report_life_event(
        employer.client_id,
        person_id,
        event_class="MAR",
        on=date(2026, 2, 1),
        reported_on=date(2026, 2, 1),
        made_by="test",
        now=LATER,
    )
    maintain(fresh_database, employer)
    both = events_of(fresh_database, employer, person_id=person_id)
    enrolment, later = (both.filter(pl.col("event_number") == number) for number in (0, 1))
    operate(fresh_database, order_of(employer, enrolment, kinds.ASSIGN), now=LATER)
    waiting = events_of(fresh_database, employer, person_id=person_id).sort("event_number")
    assert waiting["process_status"].to_list() == ["PR", "FE"]
    assert waiting["process_indicator"].to_list() == ["N", "L"]
    for kind in (kinds.REENTER, kinds.ELECT):
        with pytest.raises(RepairRefused, match="waits behind an earlier event"):
            operate(fresh_database, order_of(employer, later, kind), now=LATER)
    for kind in (kinds.WITHDRAW, kinds.ASSIGN, kinds.DISCONNECT):
        order = order_of(employer, later, kind)
        operate(fresh_database, order, now=LATER)
        undo(fresh_database, order, now=LATER)
        again = events_of(fresh_database, employer, person_id=person_id).sort("event_number")
        same = ["process_status", "event_status", "process_indicator", "is_finalized"]
        assert again.select(same).equals(waiting.select(same)), kind


@pytest.mark.parametrize("kind", [kinds.AGAIN, kinds.ELECT])
def test_what_orders_nothing_cannot_be_undone(fresh_database, employer, person_id, kind):
    event = events_of(fresh_database, employer, person_id=person_id, event_number=0)
    order = order_of(employer, event, kind)
    operate(fresh_database, order, now=LATER)
    with pytest.raises(RepairRefused, match="expected an operation that ordered something"):
        undo(fresh_database, order, now=LATER)


def test_the_event_status_is_moved_by_hand(fresh_database, employer, person_id):
    workforce.report_life_event(
        employer.client_id,
        person_id,
        event_class="MAR",
        on=date(2026, 3, 5),
        reported_on=date(2026, 3, 6),
        made_by="test",
        now=LATER,
    )
    maintain(fresh_database, employer, finalize=False)
    event = events_of(fresh_database, employer, person_id=person_id, schedule_id=employer.event_maintenance)
    known = Event.objects.filter(person_id=person_id, schedule_id=employer.event_maintenance)
    assert known.get().event_status == "O"
    with pytest.raises(RepairRefused, match="an event that is closed, found open"):
        operate(fresh_database, order_of(employer, event, kinds.OPENED), now=LATER)
    order = order_of(employer, event, kinds.CLOSE)
    operate(fresh_database, order, now=LATER)
    assert known.get().event_status == "C"
    undo(fresh_database, order, now=LATER)
    assert known.get().event_status == "O"


def test_whoever_may_not_is_refused_before_anything_is_done(fresh_database, employer, person_id):
    asked: list[Wish] = []

    def nobody(wish: Wish) -> None:
        asked.append(wish)
        raise NotPermitted("ask the manager")

    event = events_of(fresh_database, employer, person_id=person_id, event_number=0)
    order = order_of(employer, event, kinds.WITHDRAW)
    before = held(fresh_database, employer)
    for is_rehearsal in (True, False):
        with pytest.raises(NotPermitted):
            operate(fresh_database, order, now=LATER, permit=nobody, is_rehearsal=is_rehearsal)
    assert held(fresh_database, employer).equals(before)
    told = Wish(
        author="tester", client_id=employer.client_id, operations=("withdraw",), person_ids=(person_id,)
    )
    assert asked == [told, told]
    with pytest.raises(RepairRefused, match="reason"):
        operate(fresh_database, replace(order, reason=" "), now=LATER)


@pytest.mark.parametrize(
    ("kind", "statuses"),
    [(kinds.ASSIGN, {"PR", "FA"}), (kinds.PREPARE, {"PR", "FA"}), (kinds.AGAIN, {"FE", "FA"})],
)
def test_a_whole_schedule_is_reprocessed_rehearsed_first(fresh_database, employer, kind, statuses, contents):
    given = ScheduleOrder(
        client_id=employer.client_id,
        schedule_id=employer.open_enrollment,
        kind=kind,
        as_of=AS_OF,
        begin=BEGIN,
        through=YEAR_END,
        reason="a test",
        author="tester",
    )
    before = contents(fresh_database)
    told = reprocess(fresh_database, given, now=LATER, is_rehearsal=True)
    after = contents(fresh_database)
    assert all(rows.equals(after[table]) for table, rows in before.items())
    done = reprocess(fresh_database, given, now=LATER)
    assert done.consequences.coverage.equals(told.consequences.coverage)
    found = events_of(fresh_database, employer, schedule_id=employer.open_enrollment)
    assert set(found["process_status"]) == statuses
    assert held(fresh_database, employer).is_empty() == (kind != kinds.AGAIN)
    if kind == kinds.PREPARE:  # without a program there is none to keep: named, and left
        left = found.filter(process_status="FA").height
        assert (done.left.height, set(done.left["column"])) == (left, {"operation"})


@pytest.mark.parametrize(
    ("level", "statuses"),
    [
        ("program", {"PR", "FA"}),
        ("options", {"PR", "FA"}),
        ("elections", {"FE", "FA"}),
        ("final", {"FE", "FA"}),
    ],
)
def test_a_run_control_reprocesses_a_schedule_to_a_level(
    fresh_database, employer, cli, tmp_path, contents, level, statuses
):
    bundle = tmp_path / "harbor-again"
    shutil.copytree(SAMPLE_FOLDER / "clients" / "harbor", bundle)
    schedules = bundle / "schedules.yaml"
    code = Schedule.objects.filter(schedule_id=employer.open_enrollment).first().code
    again = f"- {{code: again, name: Again, kind: reprocess, schedule: {code}, through: {level}}}"
    schedules.write_text(schedules.read_text().replace("run_controls:\n", f"run_controls:\n{again}\n"))
    assert setup.apply(bundle, client_id=employer.client_id, applied_by="test", now=LATER).release
    before = contents(fresh_database)
    tried = cli("run", "control", "again", "--client", "harbor", "--as-of", AS_OF, "--trial")
    assert tried.exit_code == 0, tried.output
    assert "nothing was written" in tried.output
    after = contents(fresh_database)
    assert all(rows.equals(after[table]) for table, rows in before.items())
    done = cli("run", "control", "again", "--client", "harbor", "--as-of", AS_OF)
    assert done.exit_code == 0, done.output
    assert ("reprocessed" in done.output) == (level in ("program", "options"))
    found = events_of(fresh_database, employer, schedule_id=employer.open_enrollment)
    assert set(found["process_status"]) == statuses
    assert Run.objects.filter(run_control="again", kind="repair").count() == 1


def test_what_cannot_be_tried_is_not_run_either(fresh_database, employer, cli):
    tried = cli("run", "control", "repairs", "--client", "harbor", "--as-of", AS_OF, "--trial")
    assert tried.exit_code == 1
    assert "cannot be tried" in tried.output
    assert not Run.objects.filter(kind="repairs").exists()
