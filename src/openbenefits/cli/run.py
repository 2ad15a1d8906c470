"""`openbenefits run`: processing, by name, by calendar, or on demand."""

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import polars as pl
import typer

from openbenefits.cli import rehearsal
from openbenefits.cli.clock import now
from openbenefits.cli.database import find_client, find_people, find_schedule, open_database
from openbenefits.cli.faults import EXIT_REFUSED, Refused
from openbenefits.cli.options import AsOf, By, ClientCode, From, On, Through, Workers, parse_day
from openbenefits.cli.screen import console, progress, say, table_of
from openbenefits.core.codes import Level

if TYPE_CHECKING:
    from openbenefits.runs.models import Run
    from openbenefits.runs.services import RunOrder, RunResult

app = typer.Typer(
    no_args_is_help=True,
    help="Run, rehearse and resume the processing of a client's schedules.",
    epilog="Example: openbenefits run control oe-prepare --client harbor --as-of 2025-11-03",
)

CALENDAR_DAYS = 31

AnySchedule = Annotated[
    str | None,
    typer.Option(
        "--schedule",
        "-s",
        metavar="CODE",
        help="The schedule, by its code; left out, all of the client.",
        show_default=False,
    ),
]
ThroughLevel = Annotated[Level, typer.Option("--through", help="The level to stop after.")]
Finalize = Annotated[bool, typer.Option("--finalize", help="Apply defaults to whoever has not answered.")]
People = Annotated[
    list[str] | None,
    typer.Option(
        "--person", metavar="NUMBER", help="Only this employee; may be repeated.", show_default=False
    ),
]
PeopleFile = Annotated[
    Path | None,
    typer.Option(
        "--people",
        exists=True,
        dir_okay=False,
        help="A list of employee numbers, one a line.",
        show_default=False,
    ),
]
Trial = Annotated[bool, typer.Option("--trial", help="Write nothing; show what would change.")]
Accept = Annotated[
    list[str] | None,
    typer.Option(
        "--accept",
        metavar="CODE",
        help="A code of an audit that may stand for this run; may be repeated.",
        show_default=False,
    ),
]
Reason = Annotated[str, typer.Option("--reason", help="Why it may stand; kept with the run.")]
SHOWN = ("code", "name", "does", "when")


app.command()(rehearsal.rehearse)
app.command()(rehearsal.rehearsals)
app.command(name="rehearsal")(rehearsal.show_rehearsal)
app.command()(rehearsal.commit)


@app.command(name="list")
def list_controls(client: ClientCode) -> None:
    """List a client's run controls, with when each ran last and what came of it."""
    connection = open_database()
    from openbenefits.runs.controls import controls

    rows = controls(connection, find_client(client).pk)
    last = pl.format("run {} as of {}, {}", "last_run", "last_as_of", "last_state")
    shown = _described(rows).with_columns(last_result=pl.when(pl.col("last_run").is_not_null()).then(last))
    console.print(table_of(shown.select(*SHOWN, "last_result"), title=f"Run controls of {client}"))


@app.command()
def calendar(client: ClientCode, begin: From, through: Through = None) -> None:
    """Show which run control falls on which day."""
    connection = open_database()
    from openbenefits.runs.controls import run_calendar

    last = through or begin + timedelta(days=CALENDAR_DAYS)
    rows = run_calendar(connection, find_client(client).pk, begin, last)
    days = (last - begin).days + 1
    nightly = rows.group_by("code", maintain_order=True).len().filter(len=days)["code"]
    if nightly.len():
        say(f"Every day: {', '.join(nightly)}")
    others = rows.filter(~pl.col("code").is_in(nightly.implode()))
    by_day = others.group_by("on", maintain_order=True).agg(
        controls=pl.col("code").str.join(", "), meaning=pl.col("name").str.join("; ")
    )
    console.print(table_of(by_day, title=f"Runs of {client} from {begin} through {last}"))


@app.command()
def due(
    client: ClientCode,
    on: On,
    is_executing: Annotated[bool, typer.Option("--execute", help="Run them, in their order.")] = False,
    by: By = "administrator",
) -> None:
    """Show the run controls that are due on a day and have not run yet; run them if told so."""
    connection = open_database()
    from openbenefits.runs import controls

    client_id = find_client(client).pk
    rows = controls.due(connection, client_id, on)
    if rows.is_empty():
        say(f"Nothing is due at {client} on {on}.")
        return
    console.print(table_of(_described(rows).select(SHOWN), title=f"Due at {client} on {on}"))
    for code in rows["code"] if is_executing else ():
        _execute(connection, client_id, code, as_of=on, by=by)


@app.command()
def control(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The run control.")],
    client: ClientCode,
    as_of: AsOf,
    is_trial: Trial = False,
    accept: Accept = None,
    reason: Reason = "",
    workers: Workers = None,
    person: People = None,
    people_file: PeopleFile = None,
    adds_people: Annotated[
        bool,
        typer.Option("--add", help="Open a period for the people listed, whatever their company and group."),
    ] = False,
    by: By = "administrator",
) -> None:
    """Carry out a run control: open enrolment, nightly events, ends of windows, birthdays."""
    connection = open_database()
    found = find_client(client)
    numbers = [*(person or ()), *_listed(people_file)]
    if adds_people and not numbers:
        raise Refused("expected people to add, found none; name them with --person or --people")
    _execute(
        connection,
        found.pk,
        code,
        as_of=as_of,
        by=by,
        is_trial=is_trial,
        accepted=_accepted(accept, reason),
        workers=workers,
        people=find_people(found, numbers) if numbers else None,
        adds_people=adds_people,
    )


def _listed(file: Path | None) -> list[str]:
    """Read a list of employee numbers, one a line; blank lines say nothing."""
    if file is None:
        return []
    return [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


@app.command()
def start(
    client: ClientCode,
    as_of: AsOf,
    schedule: AnySchedule = None,
    through: ThroughLevel = Level.ELECTIONS,
    is_finalizing: Finalize = False,
    person: People = None,
    accept: Accept = None,
    reason: Reason = "",
    workers: Workers = None,
    by: By = "administrator",
) -> None:
    """Run a schedule, or all that is due of a client, on demand, through a level."""
    connection = open_database()
    from openbenefits.runs import services

    order = _order(
        connection, client, schedule, as_of, through, is_finalizing, person, by, _accepted(accept, reason)
    )
    with progress(f"Running {schedule or client}") as told:
        result = services.run(connection, order, now=now(), workers=workers, progress=told)
    print_result(connection, result)


@app.command()
def trial(
    client: ClientCode,
    as_of: AsOf,
    schedule: AnySchedule = None,
    through: ThroughLevel = Level.ELECTIONS,
    is_finalizing: Finalize = False,
    person: People = None,
    accept: Accept = None,
    reason: Reason = "",
    workers: Workers = None,
    by: By = "administrator",
) -> None:
    """Rehearse a run: everything is computed, nothing is written, what would change is shown."""
    connection = open_database()
    from openbenefits.runs import services

    order = _order(
        connection, client, schedule, as_of, through, is_finalizing, person, by, _accepted(accept, reason)
    )
    with progress(f"Rehearsing {schedule or client}") as told:
        result = services.trial(connection, order, now=now(), workers=workers, progress=told)
    print_result(connection, result)


@app.command()
def resume(
    run: Annotated[int, typer.Argument(help="The number of a run that was stopped.")],
    workers: Workers = None,
) -> None:
    """Go on with a run that was stopped: only what its ledger lacks is processed."""
    connection = open_database()
    from openbenefits.runs import services

    _refuse_unknown_run(run)
    with progress(f"Resuming run {run}") as told:
        result = services.resume_run(connection, run, now=now(), workers=workers, progress=told)
    print_result(connection, result)


@app.command()
def held(
    client: Annotated[
        str | None, typer.Option("--client", "-c", metavar="CODE", help="Only this client's.")
    ] = None,
) -> None:
    """List the runs that a limit holds until a person has looked at them."""
    open_database()
    from openbenefits.runs.acts import held_runs
    from openbenefits.workforce.models import Client

    rows = held_runs(find_client(client).pk if client else None)
    if rows.is_empty():
        say("No run is held.")
        return
    codes = dict(Client.objects.values_list("pk", "code"))
    shown = rows.select(
        "run",
        client=pl.col("client_id").replace_strict(codes, return_dtype=pl.String),
        as_of="as_of",
        since=pl.col("since").dt.strftime("%Y-%m-%d %H:%M"),
        by="by",
        people="people",
        why="why",
    )
    console.print(table_of(shown, title="Runs held: nothing of them is published"))


@app.command(name="release")
def release_run(
    run: Annotated[int, typer.Argument(help="The number of a run that is held.")],
    reason: Annotated[str, typer.Option("--reason", help="Why it may be published; kept with the run.")],
    by: By = "administrator",
) -> None:
    """Publish a run that a limit holds, as it was looked at; if there is more by now, it is held again."""
    connection = open_database()
    from openbenefits.runs import services
    from openbenefits.runs.acts import ActRefused, release
    from openbenefits.runs.models import Run

    _refuse_unknown_run(run)
    try:
        release(connection, run, reason=reason, author=by, now=now())
    except ActRefused as fault:
        raise Refused(str(fault)) from fault
    with progress(f"Publishing run {run}") as told:
        result = services.resume_run(connection, run, now=now(), progress=told)
    print_result(connection, result)
    if Run.objects.get(pk=run).state != "done":
        raise typer.Exit(EXIT_REFUSED)


@app.command(name="take-back")
def take_back_run(
    run: Annotated[int, typer.Argument(help="The number of a run that is done.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept with the run.")],
    by: By = "administrator",
) -> None:
    """Take a run back, as if it had never been; once payroll or people know of it, show the deltas."""
    connection = open_database()
    from openbenefits.reports.rehearsals import differences_table
    from openbenefits.runs.acts import ActRefused
    from openbenefits.runs.models import Run
    from openbenefits.runs.taking_back import Released, deltas, take_back

    _refuse_unknown_run(run)
    if Run.objects.get(pk=run).kind == "repair":
        _take_back_repair(connection, run, reason, by)
        return
    try:
        done = take_back(connection, run, reason=reason, author=by, now=now())
    except Released as fault:
        year = Run.objects.get(pk=run).as_of.year
        rows = deltas(connection, run, begin=date(year, 1, 1), through=date(year + 1, 12, 31), now=now())
        shown = differences_table(connection, rows)
        console.print(table_of(shown, title=f"What would differ without run {run}: nothing was written"))
        raise Refused(str(fault)) from fault
    except ActRefused as fault:
        raise Refused(str(fault)) from fault
    say(
        f"Run {run} is taken back: {done.events:,} events stand where they stood, {done.made:,} are void,"
        f" {done.people:,} people have the coverage they had before.",
        style="green",
    )


def _take_back_repair(connection: Any, run: int, reason: str, by: str) -> None:
    """Undo every operation of a repair, and show what that changed."""
    from openbenefits.cli.consequences import tell
    from openbenefits.repair.taking_back import take_back_repair
    from openbenefits.runs.models import Run

    started = Run.objects.get(pk=run)
    year = started.as_of.year
    told = take_back_repair(
        connection,
        run,
        reason=reason,
        author=by,
        begin=date(year - 1, 1, 1),
        through=date(year, 12, 31),
        now=now(),
    )
    tell(connection, int(started.bundle_client or 0), told, None, is_done=True)


def _refuse_unknown_run(run: int) -> None:
    """Refuse a number that is no run's.

    Errors: Refused.
    """
    from openbenefits.runs.models import Run

    if not Run.objects.filter(pk=run).exists():
        last = Run.objects.order_by("-id").values_list("id", flat=True).first()
        message = f"no run {run}; the last one is {last or 'none yet'}. Correct the number."
        raise Refused(message)


@app.command()
def passive(
    client: ClientCode,
    as_of: AsOf,
    begin: Annotated[
        Any,
        typer.Option(
            "--from",
            parser=parse_day,
            metavar="YYYY-MM-DD",
            help="The first day; left out, the day after the last such run.",
            show_default=False,
        ),
    ] = None,
    event: Annotated[
        str | None, typer.Option("--event", metavar="CODE", help="Only this one.", show_default=False)
    ] = None,
    process: Annotated[
        str | None,
        typer.Option(
            "--process", metavar="SCHEDULE", help="Process it at once with this schedule.", show_default=False
        ),
    ] = None,
    by: By = "administrator",
) -> None:
    """Trigger what ages and lengths of service bring about from a day through another."""
    connection = open_database()
    from openbenefits.runs.passive import run_passive_events

    result = run_passive_events(
        connection,
        find_client(client).pk,
        as_of=as_of,
        now=now(),
        started_by=by,
        begin=begin,
        code=event,
        process_with=find_schedule(connection, client, process) if process else None,
    )
    print_result(connection, result)


@app.command(name="passive-history")
def passive_history(client: ClientCode) -> None:
    """List which days of passive events were processed when, and how much they triggered."""
    open_database()
    from openbenefits.runs.passive import passive_history as history

    console.print(table_of(history(find_client(client).pk), title=f"Passive events of {client}"))


def print_result(connection: Any, result: "RunResult") -> None:
    """Show what became of everybody in scope, where they stand, and in a trial what would change."""
    named = result.outcomes.rename({"to_status": "status"})
    title = "Trial: nothing was written" if result.is_trial else f"Run {result.run_id}: {result.state}"
    console.print(table_of(named, title=f"{title}; {result.people:,} in scope"))
    if result.is_trial:
        counted = result.changes.group_by("plan_type", "kind").len("changes").sort("plan_type", "kind")
        console.print(table_of(counted, title="Coverage that would change"))
        return
    from openbenefits.reports.services import status_counts
    from openbenefits.reports.tables import status_table
    from openbenefits.runs.models import Run

    started = Run.objects.get(pk=result.run_id)
    for sentence in started.options.get("held", {}).get("why", ()) if started.state == "held" else ():
        say(f"Held for a person: {sentence}.", style="yellow")
    if started.state == "held":
        say(f"Nothing was published. Look at it, then `openbenefits run release {started.pk} --reason TEXT`.")
    if started.kind == "process":
        counts = status_counts(connection, _schedules(connection, started), run_id=result.run_id)
        console.print(status_table(counts))


def _schedules(connection: Any, started: "Run") -> list[int]:
    """Name the schedule of a run, or all of its client."""
    from openbenefits.programs.frames import load_setup

    if started.schedule_id is not None:
        return [started.schedule_id]
    rows = load_setup(connection, [started.bundle_client])["schedule"]
    return rows.filter(client_id=started.bundle_client)["schedule_id"].to_list()


def _accepted(codes: list[str] | None, reason: str) -> dict[str, str]:
    """Pair the codes accepted with the reason.

    Errors: Refused for codes without a reason, or the reverse.
    """
    if bool(codes) != bool(reason.strip()):
        raise Refused("expected --accept CODE together with --reason TEXT, found one alone. Give both.")
    return dict.fromkeys(codes or (), reason)


def _execute(
    connection: Any,
    client_id: int,
    code: str,
    *,
    as_of: date,
    by: str,
    is_trial: bool = False,
    accepted: dict[str, str] | None = None,
    workers: int | None = None,
    people: list[int] | None = None,
    adds_people: bool = False,
) -> None:
    from openbenefits.repair.night import KINDS
    from openbenefits.runs import controls

    with progress(f"Running {code}") as told:
        result = controls.execute(
            connection,
            client_id,
            code,
            as_of=as_of,
            now=now(),
            started_by=by,
            progress=told,
            is_trial=is_trial,
            accepted=accepted,
            workers=workers,
            people=people,
            adds_people=adds_people,
            more_kinds=KINDS,
        )
    say(f"{code} as of {as_of}")
    print_result(connection, result)


def _order(
    connection: Any,
    client: str,
    schedule: str | None,
    as_of: date,
    through: Level,
    is_finalizing: bool,
    person: list[str] | None,
    by: str,
    accepted: dict[str, str],
) -> "RunOrder":
    from openbenefits.runs.services import RunOrder

    found = find_client(client)
    return RunOrder(
        client_id=found.pk,
        schedule_id=find_schedule(connection, client, schedule) if schedule else None,
        as_of=as_of,
        through=through,
        is_finalizing=is_finalizing,
        people=find_people(found, person) if person else None,
        started_by=by,
        accepted=accepted,
    )


def _described(rows: pl.DataFrame) -> pl.DataFrame:
    """Say of each run control in words what it does, and when."""
    finalises = pl.when("is_finalizing").then(pl.lit(", finalises")).otherwise(pl.lit(""))
    through = pl.format("through {}{}", "through_level", finalises)
    day = pl.when(pl.col("runs_on").is_null()).then(pl.lit(""))
    once = day.when(pl.col("repeats") == "monthly").then(pl.format(", day {}", pl.col("runs_on").dt.day()))
    return rows.with_columns(
        does=pl.when(pl.col("kind") == "process").then(through).otherwise("kind"),
        when=pl.col("repeats").str.replace("_", " ") + once.otherwise(pl.format(", {}", "runs_on")),
    )
