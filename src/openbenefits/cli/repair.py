"""`openbenefits repair`: what the product proposes to put right, what that would change, and doing it."""

from typing import TYPE_CHECKING, Annotated, Any

import polars as pl
import typer

from openbenefits.cli import deciding, pricing, transferring
from openbenefits.cli.clock import now
from openbenefits.cli.consequences import show, tell, tell_file
from openbenefits.cli.database import find_client, find_people, find_schedule, open_database
from openbenefits.cli.options import AsOf, By, ClientCode, File, Number, Person, Record, Schedule, parse_day
from openbenefits.cli.repair_options import Apply, Files, Reason
from openbenefits.cli.screen import console, progress, say, table_of

if TYPE_CHECKING:
    from openbenefits.repair.services import RepairOrder

app = typer.Typer(
    no_args_is_help=True,
    help="See what should be put right after facts changed, and what that changes; do it, or keep it.",
    epilog="Example: openbenefits repair due --client harbor --as-of 2026-04-20",
)

To = Annotated[
    Any,
    typer.Option("--to", parser=parse_day, metavar="YYYY-MM-DD", help="The new day.", show_default=False),
]
ToRecord = Annotated[
    int | None, typer.Option("--to-record", help="The new benefit record.", show_default=False)
]
Do = Annotated[
    str,
    typer.Option(
        "--do",
        metavar="WORD",
        help="again, withdraw, redate, reinstate, assign, prepare, elect, reenter, normal, finalize, open,"
        " close, disconnect, reconnect, move; or undo the last.",
    ),
]


@app.command()
def proposals(client: ClientCode) -> None:
    """List the repairs the product proposes: which event, what to do with it, and why."""
    connection = open_database()
    from openbenefits.repair.proposals import find_proposals
    from openbenefits.reports.repairs import named_proposals

    found = find_client(client)
    rows = find_proposals(connection, found.pk)
    if rows.is_empty():
        say("Nothing to repair: every event was decided from the facts as they are.")
        return
    console.print(
        table_of(named_proposals(connection, found.pk, rows), title=f"Repairs proposed for {client}")
    )


@app.command()
def due(
    client: ClientCode,
    as_of: AsOf,
    by: By = "administrator",
    files: Files = None,
    is_rehearsal: Annotated[bool, typer.Option("--rehearse", help="Show it; write nothing.")] = False,
) -> None:
    """Carry out every proposed repair nobody need decide on, and say why the others wait.

    A person decides where medical coverage would end on a past day, and where somebody would have to choose
    again.
    """
    connection = open_database()
    from openbenefits.repair.proposals import due_order, rehearse_due, repair_due
    from openbenefits.reports.repairs import named_proposals

    found = find_client(client)
    work = rehearse_due if is_rehearsal else repair_due
    done = work(connection, due_order(found.pk, as_of, by), now=now())
    if done.proposals.is_empty():
        say("Nothing to repair.")
        return
    rows = named_proposals(connection, found.pk, done.proposals)
    console.print(table_of(rows, title=f"Repairs of {client} as of {as_of}"))
    if done.consequences is not None:
        show(connection, found.pk, done.consequences, files)
    if is_rehearsal:
        say("Nothing was written. Leave --rehearse out to do it.")


@app.command()
def event(
    client: ClientCode,
    schedule: Schedule,
    person: Person,
    do: Do,
    reason: Reason,
    as_of: AsOf,
    number: Number = 0,
    benefit_record: Record = 0,
    to: To = None,
    to_record: ToRecord = None,
    by: By = "administrator",
    files: Files = None,
    apply: Apply = False,
) -> None:
    """Do one thing with one event, or undo the last; what changes is shown first."""
    connection = open_database()
    from openbenefits.repair.bulk import UNDO, WORDS
    from openbenefits.repair.operations import operate, undo

    if do not in WORDS:
        raise typer.BadParameter(f"expected {', '.join(WORDS)}, found {do}", param_hint="--do")
    place = _place(connection, client, schedule, person, benefit_record, number)
    targets = place.with_columns(
        kind=pl.lit(do), to_on=pl.lit(to, pl.Date), to_record=pl.lit(to_record, pl.Int16)
    )
    order = _order(find_client(client).pk, targets, as_of, reason, by)
    work = undo if do == UNDO else operate
    told = work(connection, order, now=now(), is_rehearsal=not apply)
    tell(connection, order.client_id, told, files, is_done=apply)


@app.command(name="file")
def operate_file(
    file: File,
    client: ClientCode,
    as_of: AsOf,
    by: By = "administrator",
    files: Files = None,
    apply: Apply = False,
) -> None:
    """Do what a file says, a row per event; each bad row is named with its cure, and the good ones are done.

    Columns: employee_number, schedule, operation, reason; where asked for benefit_record, event_number,
    to_day, to_record.
    """
    connection = open_database()
    from openbenefits.repair.bulk import operate_file as operate

    given = _order(find_client(client).pk, pl.DataFrame(), as_of, "a file of operations", by)
    with progress(f"Working on {file.name}") as told:
        result = operate(connection, given, file, now=now(), is_rehearsal=not apply, progress=told)
    tell_file(connection, given.client_id, file, result, files, is_done=apply)


@app.command(name="schedule")
def schedule_(
    client: ClientCode,
    schedule: Schedule,
    reason: Reason,
    as_of: AsOf,
    do: Annotated[str, typer.Option("--do", metavar="WORD", help="assign, prepare, elect, or again.")],
    by: By = "administrator",
    files: Files = None,
    apply: Apply = False,
) -> None:
    """Do one thing with all events of a schedule that allow it; what changes is shown first."""
    connection = open_database()
    from openbenefits.repair.proposals import due_order
    from openbenefits.repair.schedules import TO_LEVEL, ScheduleOrder, reprocess

    if do not in TO_LEVEL.values():
        raise typer.BadParameter(f"expected {', '.join(TO_LEVEL.values())}, found {do}", param_hint="--do")
    found = find_client(client)
    pays = due_order(found.pk, as_of, by)
    given = ScheduleOrder(
        client_id=found.pk,
        schedule_id=find_schedule(connection, client, schedule),
        kind=do,
        as_of=as_of,
        begin=pays.begin,
        through=pays.through,
        reason=reason,
        author=by,
    )
    told = reprocess(connection, given, now=now(), is_rehearsal=not apply)
    if told is None:
        say(f"No event of {schedule} allows it.")
        return
    if told.left.height:
        counted = told.left.group_by("expected", "found", "cure").agg(events=pl.len()).sort("found")
        console.print(table_of(counted, title="Left as they are"))
    tell(connection, found.pk, told, files, is_done=apply)


@app.command()
def history(client: ClientCode, person: Person) -> None:
    """List what was done with the events of somebody after the fact, by whom, and why."""
    connection = open_database()
    from openbenefits.reports.repairs import named_acts

    found = find_client(client)
    rows = named_acts(connection, found.pk, find_people(found, [person])[0])
    if rows.is_empty():
        say("Nothing was done with their events.")
        return
    console.print(table_of(rows, title=f"What was done with the events of {person}"))


@app.command()
def keep(
    client: ClientCode,
    schedule: Schedule,
    person: Person,
    reason: Reason,
    number: Number = 0,
    benefit_record: Record = 0,
    by: By = "administrator",
) -> None:
    """Keep an event as it is: it is proposed no longer, and the reason stays in its history."""
    connection = open_database()
    from openbenefits.repair.proposals import dismiss

    place = _place(connection, client, schedule, person, benefit_record, number)
    dismiss(connection, place, reason=reason, author=by, now=now())
    say("Kept as it is.")


def _place(
    connection: Any, client: str, schedule: str, person: str, benefit_record: int, number: int
) -> pl.DataFrame:
    """Answer the key of an event as a frame of one row."""
    found = find_client(client)
    row = {
        "client_id": found.pk,
        "person_id": find_people(found, [person])[0],
        "benefit_record": benefit_record,
        "schedule_id": find_schedule(connection, client, schedule),
        "event_number": number,
    }
    kinds = {"person_id": pl.Int64, "benefit_record": pl.Int16}
    return pl.DataFrame([row], schema={name: kinds.get(name, pl.Int32) for name in row})


def _order(client_id: int, targets: pl.DataFrame, as_of: Any, reason: str, by: str) -> "RepairOrder":
    from openbenefits.repair.proposals import due_order
    from openbenefits.repair.services import RepairOrder

    pays = due_order(client_id, as_of, by)
    return RepairOrder(
        client_id=client_id,
        targets=targets,
        as_of=as_of,
        begin=pays.begin,
        through=pays.through,
        reason=reason,
        author=by,
    )


for command in (
    deciding.override,
    deciding.taken_over,
    deciding.merge,
    deciding.unmerge,
    pricing.price,
    pricing.prices,
):
    app.command()(command)
app.command(name="price-file")(pricing.price_file)
app.command()(transferring.transfer)
app.command(name="undo-transfer")(transferring.undo_transfer)
