"""Playing a story: each step through the use case that a screen, a file or a run would call."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import UNSET

from openbenefits.core.codes import Level, PersonType, ProcessStatus
from openbenefits.enrollment.continuing import take_in
from openbenefits.enrollment.elections import enter_one
from openbenefits.enrollment.evidence import decide_proof
from openbenefits.repair.proposals import run_repairs
from openbenefits.reports.issuing import issue_confirmations, issue_enrollment_statements
from openbenefits.runs.passive import run_passive_events
from openbenefits.runs.services import RunOrder, RunResult, run
from openbenefits.runs.windows import run_window_ends
from openbenefits.scenarios import cast as casting
from openbenefits.scenarios import ordering, paying
from openbenefits.scenarios import story as shape
from openbenefits.scenarios.cast import Cast, StoryMistake, job_columns, stated_columns
from openbenefits.scenarios.databases import BY, CLIENT_ID, Setup, apply_setup
from openbenefits.scenarios.frames import EVENTS, Row, load_names, rows_of
from openbenefits.workforce import services as workforce
from openbenefits.workforce.models import Dependent, Person

ENTERABLE = {
    str(status)
    for status in (
        *(ProcessStatus.PR, ProcessStatus.NT, ProcessStatus.ET),
        *(ProcessStatus.EE, ProcessStatus.RE, ProcessStatus.FE),
    )
}
MORNING = time(8, tzinfo=UTC)


class ElectionRefused(ValueError):
    """An election that was not even taken; the message says why."""


@dataclass(kw_only=True)
class Play:
    """A story being played in the database at hand."""

    connection: Any
    story: shape.Story
    setup: Setup
    cast: Cast
    last_run: RunResult | None = None

    @property
    def floor(self) -> date:
        return shape.first_day(self.story)


def begin(connection: Any, story: shape.Story, setup: Setup) -> Play:
    """Bring in the people who are there when the story begins, with what they have.

    Errors: StoryMistake, LookupError, workforce.FactRefused.
    """
    cast = Cast(story=story, names=load_names(connection))
    play = Play(connection=connection, story=story, setup=setup, cast=cast)
    now = datetime.combine(min(play.floor, story.steps[0].on), MORNING) - timedelta(days=1)
    for name, person in story.people.items():
        if person.hired is not None:
            casting.hire(cast, name, person.hired, shape.JobPart(), now=now)
    casting.bring_along(connection, cast, now=now)
    return play


def play_step(play: Play, number: int) -> None:
    """Play one step, at eight on its morning; steps of one day follow each other by a minute.

    Errors: StoryMistake, ElectionRefused, LookupError, workforce.FactRefused, SetupRefused, ChangeRefused.
    """
    step = play.story.steps[number]
    act = shape.act_of(step)
    play.last_run = None
    if act is not None:
        now = datetime.combine(step.on, MORNING) + timedelta(minutes=number)
        _PLAYERS[act[0]](play, act[1], step.on, now)


# --- facts ----------------------------------------------------------------------------------------------


def _hire(play: Play, part: shape.HirePart, on: date, now: datetime) -> None:
    name = play.cast.name_of(part.person)
    casting.hire(play.cast, name, part.effective or on, part.job, now=now)


def _change_job(play: Play, part: shape.JobChangePart, on: date, now: datetime) -> None:
    changes = job_columns(part.job)
    number = changes.pop("job_number", None)
    workforce.change_job(
        CLIENT_ID,
        play.cast.person(part.person),
        on=part.effective or on,
        action=part.action,
        reason=part.reason,
        changes=changes,
        job_number=number,
        made_by=BY,
        now=now,
    )


def _rehire(play: Play, part: shape.RehirePart, on: date, now: datetime) -> None:
    change = shape.JobChangePart(person=part.person, effective=part.effective, action="REH", job=part.job)
    _change_job(play, change, on, now)


def _terminate(play: Play, part: shape.TerminatePart, on: date, now: datetime) -> None:
    del on
    workforce.terminate(
        CLIENT_ID,
        play.cast.person(part.person),
        last_day_employed=part.last_day,
        action=part.action,
        reason=part.reason,
        job_number=part.number,
        made_by=BY,
        now=now,
    )


def _move(play: Play, part: shape.MovePart, on: date, now: datetime) -> None:
    state = {} if part.state is UNSET else {"state": part.state}
    address = {"postal_code": part.zip} | state
    person_id = play.cast.person(part.person)
    workforce.move(CLIENT_ID, person_id, on=part.effective or on, address=address, made_by=BY, now=now)


def _marry(play: Play, part: shape.MarryPart, on: date, now: datetime) -> None:
    person, since = play.cast.name_of(part.person), part.effective or on
    kind = str(PersonType.SPOUSE)
    casting.add_dependent(play.cast, person, part.spouse, since, part, now=now, person_type=kind)
    _report(play, part.person, part.event_class, since, on, now)


def _birth(play: Play, part: shape.BirthPart, on: date, now: datetime) -> None:
    person, born = play.cast.name_of(part.person), part.effective or on
    facts = {"person_type": str(PersonType.CHILD), "birth_on": born}
    casting.add_dependent(play.cast, person, part.child, born, part, now=now, **facts)
    _report(play, part.person, part.event_class, born, on, now)


def _divorce(play: Play, part: shape.DivorcePart, on: date, now: datetime) -> None:
    since = part.effective or on
    _change_dependent_columns(play, part.spouse, since, {"is_former": True}, now)
    _report(play, part.person, part.event_class, since, on, now)


def _add_dependent(play: Play, part: shape.AddDependentPart, on: date, now: datetime) -> None:
    person = play.cast.name_of(part.person)
    casting.add_dependent(play.cast, person, part.dependent, part.effective or on, part, now=now)


def _change_dependent(play: Play, part: shape.ChangeDependentPart, on: date, now: datetime) -> None:
    columns = stated_columns(part, casting.DEPENDENT_COLUMNS)
    _change_dependent_columns(play, part.dependent, part.effective or on, columns, now)


def _change_dependent_columns(
    play: Play, name: str, since: date, columns: dict[str, Any], now: datetime
) -> None:
    workforce.change_dependent(
        CLIENT_ID, play.cast.dependent(name), on=since, changes=columns, made_by=BY, now=now
    )


def _life_event(play: Play, part: shape.LifeEventPart, on: date, now: datetime) -> None:
    _report(play, part.person, part.event_class, part.effective or on, on, now)


def _report(
    play: Play, person: str | None, event_class: str, happened: date, reported: date, now: datetime
) -> None:
    workforce.report_life_event(
        CLIENT_ID,
        play.cast.person(person),
        event_class=event_class,
        on=happened,
        reported_on=reported,
        made_by=BY,
        now=now,
    )


def _correct_job(play: Play, part: shape.CorrectJobPart, on: date, now: datetime) -> None:
    del on
    changes = job_columns(part.job)
    if part.move_to is not None:
        changes["valid_from"] = part.move_to
    if part.last_day is not None:
        changes |= {"last_day_employed": part.last_day, "valid_from": part.last_day + timedelta(days=1)}
    person_id = play.cast.person(part.person)
    workforce.correct_job(CLIENT_ID, person_id, on=part.dated, changes=changes, made_by=BY, now=now)


def _correct_person(play: Play, part: shape.CorrectPersonPart, on: date, now: datetime) -> None:
    changes = stated_columns(part, casting.PERSON_COLUMNS)
    person_id = play.cast.person(part.person)
    workforce.correct_person(CLIENT_ID, person_id, on=on, changes=changes, made_by=BY, now=now)


def _delete_job(play: Play, part: shape.DeleteJobPart, on: date, now: datetime) -> None:
    del on
    person_id = play.cast.person(part.person)
    workforce.delete_job_row(CLIENT_ID, person_id, on=part.dated, made_by=BY, now=now)


# --- elections and evidence -----------------------------------------------------------------------------


def _elect(play: Play, part: shape.ElectPart, on: date, now: datetime) -> None:
    event = _event_to_elect(play, part)
    for plan_type, choice in part.choices.items():
        result = enter_one(
            play.connection,
            CLIENT_ID,
            person_id=play.cast.person(part.person),
            benefit_record=event["benefit_record"],
            schedule_id=event["schedule_id"],
            event_number=event["event_number"],
            plan_type=plan_type,
            option_code=choice.option,
            coverage_cents=casting.cents(choice.amount),
            pledge_cents=casting.cents(choice.pledge),
            percent_thousandths=casting.thousandths(choice.percent),
            dependents=_numbers(play, choice.dependents),
            funds=choice.funds or None,
            after_tax_thousandths=casting.thousandths(choice.after_tax),
            hours_hundredths=casting.cents(choice.hours),
            files_separately=choice.files_separately,
            beneficiaries=_shares(play, choice.beneficiaries),
            contingent_beneficiaries=_shares(play, choice.contingent_beneficiaries),
            waive_reason=choice.waive_reason,
            waiver_proof=choice.waiver_proof,
            waiver_proof_on=choice.waiver_proof_on,
            credit_rollover=choice.credit_rollover,
            received_on=on,
            elector=play.cast.name_of(part.person),
            source="administrator",
            now=now,
        )
        if result.bad_row_count:
            row = result.bad_rows.row(0, named=True)
            raise ElectionRefused(
                f"plan type {plan_type}, {row['column']}: expected {row['expected']}, found {row['found']}"
            )


def _shares(play: Play, shares: Mapping[str, Decimal]) -> dict[int, int]:
    """Number the beneficiaries named, with hundredths of a percent."""
    return {
        number: casting.cents(share) or 0
        for number, share in zip(_numbers(play, list(shares)), shares.values(), strict=True)
    }


def _event_to_elect(play: Play, part: shape.ElectPart) -> Row:
    """Find the event that takes elections: the open one, or the one of the class named."""
    keys = {"client": CLIENT_ID, "person": play.cast.person(part.person)}
    events = [row for row in rows_of(play.connection, EVENTS, keys) if row["process_status"] in ENTERABLE]
    if part.event_class is not None:
        events = [row for row in events if play.cast.names.code(row["event_class_id"]) == part.event_class]
    opened = [row for row in events if row["event_status"] == "O"]
    if not events:
        what = f"an event of class {part.event_class}" if part.event_class else "an event"
        raise StoryMistake(f"expected {what} that takes elections, found none")
    found: Row = (opened or events)[-1]
    return found


def _numbers(play: Play, names: list[str]) -> list[int]:
    keys = [play.cast.dependent(name) for name in names]
    numbers = dict(Dependent.objects.filter(pk__in=keys).values_list("pk", "number"))
    return [numbers[key] for key in keys]


def _decide_proof(play: Play, part: shape.ProofPart, on: date, now: datetime) -> None:
    decide_proof(
        play.connection,
        client_id=CLIENT_ID,
        person_id=play.cast.person(part.person),
        plan_type=part.plan_type,
        valid_from=part.effective or on,
        approved_cents=casting.cents(part.approved) or 0,
        decided_by=BY,
        now=now,
    )


def _continue_coverage(play: Play, part: shape.ContinuePart, on: date, now: datetime) -> None:
    person = Person.objects.get(pk=play.cast.person(part.person))
    row = {
        "employee_number": person.employee_number,
        "dependent": _numbers(play, [part.dependent])[0] if part.dependent else "",
        "plan_type": part.plan_type,
        "begins_on": part.effective or on,
        "elected_on": on,
        "paid_through": part.paid_through or "",
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "continued.csv"
        path.write_text(",".join(row) + "\n" + ",".join(map(str, row.values())) + "\n")
        result = take_in(play.connection, CLIENT_ID, path, now=now, made_by=BY)
    for bad in result.bad_rows.iter_rows(named=True):
        raise ElectionRefused(f"{bad['column']}: expected {bad['expected']}, found {bad['found']}")


# --- runs -----------------------------------------------------------------------------------------------


def _run(play: Play, part: shape.RunPart, on: date, now: datetime) -> None:
    order = RunOrder(
        client_id=CLIENT_ID,
        schedule_id=_schedule(play, part.schedule),
        as_of=part.as_of or on,
        through=Level(part.through),
        is_finalizing=part.finalize,
        people=None if part.people is None else [play.cast.person(name) for name in part.people],
        started_by=BY,
        floor=play.floor,
    )
    play.last_run = run(play.connection, order, now=now)


def _schedule(play: Play, code: str) -> int:
    schedules = play.cast.names.schedules
    if code not in schedules:
        raise StoryMistake(f"expected one of the schedules ({', '.join(sorted(schedules))}), found `{code}`")
    return schedules[code]


def _passive_events(play: Play, part: shape.PassiveEventsPart, on: date, now: datetime) -> None:
    as_of = part.as_of or on
    play.last_run = run_passive_events(play.connection, CLIENT_ID, as_of=as_of, now=now, started_by=BY)


def _window_ends(play: Play, part: shape.WindowEndsPart, on: date, now: datetime) -> None:
    as_of = part.as_of or on
    play.last_run = run_window_ends(play.connection, CLIENT_ID, as_of=as_of, now=now, started_by=BY)


def _repairs(play: Play, part: shape.RepairsPart, on: date, now: datetime) -> None:
    as_of = part.as_of or on
    play.last_run = run_repairs(play.connection, CLIENT_ID, as_of=as_of, now=now, started_by=BY)


def _operate(play: Play, part: shape.OperatePart, on: date, now: datetime) -> None:
    ordering.operate(play.connection, play.cast, part, on, now)


def _enter_activity(play: Play, part: shape.EnterActivityPart, on: date, now: datetime) -> None:
    ordering.enter(play.connection, play.cast, part, on, now)


def _statement(play: Play, part: shape.StatementPart, on: date, now: datetime) -> None:
    issue = issue_enrollment_statements if part.kind == "enrollment" else issue_confirmations
    with tempfile.TemporaryDirectory() as folder:
        issue(play.connection, _schedule(play, part.schedule), folder=Path(folder), on=on, now=now)


def _change_setup(play: Play, part: shape.SetupChangePart, on: date, now: datetime) -> None:
    del on
    play.setup = play.setup.with_changes(part.values)
    apply_setup(play.setup, now=now)
    play.cast.names = load_names(play.connection)


Player = Callable[[Play, Any, date, datetime], None]


def _paid(act: Callable[[Any, Cast, Any, date, datetime], None]) -> Player:
    """Play something payroll does."""
    return lambda play, part, on, now: act(play.connection, play.cast, part, on, now)


_PLAYERS: dict[str, Player] = {
    "hire": _hire,
    "rehire": _rehire,
    "change_job": _change_job,
    "terminate": _terminate,
    "move": _move,
    "marry": _marry,
    "birth": _birth,
    "divorce": _divorce,
    "add_dependent": _add_dependent,
    "change_dependent": _change_dependent,
    "life_event": _life_event,
    "correct_job": _correct_job,
    "correct_person": _correct_person,
    "delete_job": _delete_job,
    "elect": _elect,
    "decide_proof": _decide_proof,
    "continue_coverage": _continue_coverage,
    "run": _run,
    "passive_events": _passive_events,
    "window_ends": _window_ends,
    "repairs": _repairs,
    "operate": _operate,
    "enter_activity": _enter_activity,
    "statement": _statement,
    "change_setup": _change_setup,
    "on_leave": _paid(paying.on_leave),
    "lapse_unpaid": _paid(paying.end_unpaid),
    "take_pays": _paid(paying.take_pays),
    "correct_pays": _paid(paying.correct_pays),
}
