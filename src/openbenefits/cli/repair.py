"""`openbenefits repair`: what the product proposes to put right, what that would change, and doing it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import polars as pl
import typer

from openbenefits.cli.clock import now
from openbenefits.cli.database import find_client, find_people, find_schedule, open_database
from openbenefits.cli.options import AsOf, By, ClientCode, Schedule, parse_day
from openbenefits.cli.screen import console, say, table_of

if TYPE_CHECKING:
    from openbenefits.repair.services import Consequences

app = typer.Typer(
    no_args_is_help=True,
    help="See what should be put right after facts changed, and what that changes; do it, or keep it.",
    epilog="Example: openbenefits repair due --client harbor --as-of 2026-04-20",
)

Person = Annotated[str, typer.Option("--person", metavar="NUMBER", help="The employee's number.")]
Number = Annotated[int, typer.Option("--event", help="Its number; 0 for open enrolment.")]
Record = Annotated[int, typer.Option("--benefit-record")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with the event.", show_default=False)]
To = Annotated[
    Any,
    typer.Option("--to", parser=parse_day, metavar="YYYY-MM-DD", help="The new day.", show_default=False),
]
Apply = Annotated[bool, typer.Option("--apply", help="Do it; without this nothing is written.")]
Files = Annotated[
    Path | None,
    typer.Option(
        "--files", file_okay=False, help="Write every changed row there, as CSV.", show_default=False
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
        _show(connection, found.pk, done.consequences, files)
    if is_rehearsal:
        say("Nothing was written. Leave --rehearse out to do it.")


@app.command()
def event(
    client: ClientCode,
    schedule: Schedule,
    person: Person,
    do: Annotated[str, typer.Option("--do", metavar="WORD", help="again, withdraw, or redate.")],
    reason: Reason,
    as_of: AsOf,
    number: Number = 0,
    benefit_record: Record = 0,
    to: To = None,
    by: By = "administrator",
    files: Files = None,
    apply: Apply = False,
) -> None:
    """Decide one event again, withdraw it, or move it to another day; what changes is shown first."""
    connection = open_database()
    from openbenefits.repair.proposals import due_order
    from openbenefits.repair.rules import AGAIN, REDATE, WITHDRAW
    from openbenefits.repair.services import RepairOrder, rehearse, repair

    if do not in (AGAIN, REDATE, WITHDRAW):
        raise typer.BadParameter(f"expected again, withdraw or redate, found {do}", param_hint="--do")
    if (do == REDATE) != (to is not None):
        raise typer.BadParameter("redate needs a new day, and only redate takes one", param_hint="--to")
    found = find_client(client)
    place = _place(connection, client, schedule, person, benefit_record, number)
    order = due_order(found.pk, as_of, by)
    targets = place.with_columns(kind=pl.lit(do), to_on=pl.lit(to, pl.Date))
    told = (repair if apply else rehearse)(
        connection,
        RepairOrder(
            client_id=found.pk,
            targets=targets,
            as_of=as_of,
            begin=order.begin,
            through=order.through,
            reason=reason,
            author=by,
        ),
        now=now(),
    )
    _show(connection, found.pk, told, files)
    if not apply:
        say("Nothing was written. Say --apply to do it.")


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


def _show(connection: Any, client_id: int, told: "Consequences", files: Path | None) -> None:
    """Show what changes: where events stand, coverage, deductions."""
    from openbenefits.reports.repairs import named_consequences

    tables = named_consequences(connection, client_id, told)
    for title, rows in tables.items():
        if rows.height:
            console.print(table_of(rows, title=title))
        else:
            say(f"{title}: none.")
    if files is not None:
        files.mkdir(parents=True, exist_ok=True)
        for title, rows in tables.items():
            rows.write_csv(files / f"{title.lower().replace(' ', '-')}.csv")
        say(f"Written to {files}.")
