"""`openbenefits run rehearse`, `rehearsals`, `commit`: a run over everybody before it is one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import polars as pl
import typer

from openbenefits.cli.clock import now
from openbenefits.cli.database import find_client, find_schedule, open_database
from openbenefits.cli.elect import scaled
from openbenefits.cli.faults import EXIT_REFUSED, Refused
from openbenefits.cli.options import AsOf, By
from openbenefits.cli.screen import console, progress, say, table_of
from openbenefits.core.codes import Level

if TYPE_CHECKING:
    from openbenefits.runs.rehearsals import Rehearsal

Clients = Annotated[
    list[str] | None,
    typer.Option("--client", "-c", metavar="CODE", help="A client; may be repeated. Left out, all of them."),
]
Csv = Annotated[Path | None, typer.Option(dir_okay=False, help="Write all rows, a file for each table.")]
Xlsx = Annotated[Path | None, typer.Option(dir_okay=False, help="Write a workbook.")]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The rehearsal.")]


def rehearse(
    as_of: AsOf,
    client: Clients = None,
    schedule: Annotated[
        str | None,
        typer.Option("--schedule", "-s", metavar="CODE", help="The schedule; left out, all of a client."),
    ] = None,
    through: Annotated[Level, typer.Option(help="The level to stop after.")] = Level.ELECTIONS,
    is_finalizing: Annotated[
        bool, typer.Option("--finalize", help="Apply defaults to whoever has not answered.")
    ] = False,
    accept: Annotated[
        list[str] | None,
        typer.Option("--accept", metavar="CODE", help="A code of an audit that may stand; may be repeated."),
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why it may stand.")] = "",
    csv: Csv = None,
    xlsx: Xlsx = None,
    workers: Annotated[int | None, typer.Option(min=1, metavar="N", help="Partitions at once.")] = None,
    by: By = "administrator",
) -> None:
    """Rehearse a run over everybody: who moves, in coverage and dollars, and how long the run would take."""
    connection = open_database()
    from openbenefits.runs import rehearsals
    from openbenefits.runs.orders import RunOrder

    if bool(accept) != bool(reason.strip()):
        raise Refused("expected --accept CODE together with --reason TEXT, found one alone. Give both.")
    orders = [
        RunOrder(
            client_id=find_client(code).pk,
            schedule_id=find_schedule(connection, code, schedule) if schedule else None,
            as_of=as_of,
            through=through,
            is_finalizing=is_finalizing,
            started_by=by,
            accepted=dict.fromkeys(accept or (), reason),
        )
        for code in client or _all_clients()
    ]
    with progress("Rehearsing") as told:
        found = rehearsals.rehearse(connection, orders, now=now(), made_by=by, workers=workers, progress=told)
    _show(connection, found, csv, xlsx)


def rehearsals() -> None:
    """List the rehearsals kept, the last first."""
    connection = open_database()
    from openbenefits.runs.rehearsals import list_rehearsals
    from openbenefits.workforce.models import Client

    rows = list_rehearsals(connection)
    if rows.is_empty():
        say("No rehearsal is kept.")
        return
    codes = dict(Client.objects.values_list("pk", "code"))
    names = [", ".join(codes.get(client, "?") for client in clients) for clients in rows["clients"]]
    shown = rows.select(
        "number",
        made_at=pl.col("made_at").dt.strftime("%Y-%m-%d %H:%M"),
        by="made_by",
        as_of="as_of",
        clients=pl.Series(names, dtype=pl.String),
    )
    console.print(table_of(shown, title="Rehearsals"))


def show_rehearsal(number: Number, csv: Csv = None, xlsx: Xlsx = None) -> None:
    """Show a rehearsal that is kept: by client and plan, and person by person."""
    connection = open_database()
    _show(connection, _loaded(connection, number), csv, xlsx)


def commit(
    number: Number,
    client: Clients = None,
    most_people: Annotated[
        int, typer.Option("--most-people", min=0, help="So many people of a client may have another result.")
    ] = 0,
    most_dollars: Annotated[
        str,
        typer.Option("--most-dollars", metavar="DOLLARS", help="So many dollars of the year may differ."),
    ] = "0",
    csv: Csv = None,
    by: By = "administrator",
) -> None:
    """Carry a rehearsal out, client by client: exactly what was rehearsed; who has changed since is listed.

    A client of which more differs than allowed is left out as a whole, and listed.
    """
    connection = open_database()
    from openbenefits.reports.files import write_csv
    from openbenefits.reports.rehearsals import commit_tables
    from openbenefits.runs import committing
    from openbenefits.runs.acts import ActRefused

    found = _loaded(connection, number)
    tolerance = committing.Tolerance(people=most_people, cents=scaled(most_dollars, 2, "--most-dollars"))
    clients = [find_client(code).pk for code in client] if client else None
    try:
        with progress(f"Committing rehearsal {number}") as told:
            done = committing.commit(
                connection,
                found,
                now=now(),
                author=by,
                tolerance=tolerance,
                clients=clients,
                progress=told,
            )
    except (ActRefused, LookupError) as fault:
        raise Refused(str(fault)) from fault
    tables = commit_tables(connection, done)
    for title, rows in tables.items():
        if rows.height:
            console.print(table_of(rows, title=title))
    for path in write_csv(csv, tables) if csv else ():
        say(f"Written: {path}")
    if any(one.state == committing.LEFT_OUT for one in done):
        raise typer.Exit(EXIT_REFUSED)


def _show(connection: Any, found: "Rehearsal", csv: Path | None, xlsx: Path | None) -> None:
    from openbenefits.reports.files import write_csv, write_xlsx
    from openbenefits.reports.rehearsals import BY_PERSON, rehearsal_tables

    tables = rehearsal_tables(connection, found)
    for title, rows in tables.items():
        if title != BY_PERSON and rows.height:
            console.print(table_of(rows, title=title))
    say(
        f"Rehearsal {found.number}: nothing was written; {found.people.height:,} in scope,"
        f" {tables[BY_PERSON].height:,} plans of people differ. It took {found.seconds:,.1f} s; the run takes"
        f" about {found.run_seconds:,.1f} s. `openbenefits run commit {found.number}` carries it out."
    )
    paths = [*(write_csv(csv, tables) if csv else ()), *(write_xlsx(xlsx, tables) if xlsx else ())]
    for path in paths:
        say(f"Written: {path}")


def _loaded(connection: Any, number: int) -> "Rehearsal":
    from openbenefits.runs.rehearsals import NoRehearsal, load_rehearsal

    try:
        return load_rehearsal(connection, number)
    except NoRehearsal as fault:
        raise Refused(str(fault)) from fault


def _all_clients() -> list[str]:
    """Name the clients with set-up in force."""
    from openbenefits.programs.models import Bundle
    from openbenefits.workforce.models import Client

    held = Bundle.objects.exclude(release=None).values_list("client_id", flat=True)
    return list(Client.objects.filter(pk__in=list(held)).order_by("code").values_list("code", flat=True))
