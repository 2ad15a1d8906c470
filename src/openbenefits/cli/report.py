"""`openbenefits report CODE`: the reports of benefits administration, on screen, as CSV, as XLSX."""

from pathlib import Path
from typing import Annotated, Any

import typer

from openbenefits.cli.clock import today
from openbenefits.cli.database import find_client, open_database
from openbenefits.cli.options import CountedTo, NotifiedBefore, Through
from openbenefits.cli.screen import console, say

REPORT_EPILOG = "Example: openbenefits report BAS003 --schedule harbor/OE26 --xlsx errors.xlsx"


def report(
    code: Annotated[
        str | None, typer.Argument(metavar="[CODE]", help="The report; without it, the list of reports.")
    ] = None,
    client: Annotated[
        str | None, typer.Option("--client", "-c", metavar="CODE", help="Only this client's schedules.")
    ] = None,
    schedule: Annotated[
        list[str] | None,
        typer.Option("--schedule", "-s", metavar="CODE", help="A schedule, or CLIENT/CODE; may be repeated."),
    ] = None,
    program: Annotated[str | None, typer.Option(metavar="CODE", help="Only this benefit program.")] = None,
    department: Annotated[str | None, typer.Option(help="A department; * and ? are wildcards.")] = None,
    status: Annotated[
        list[str] | None, typer.Option(metavar="XX", help="A process status; may be repeated.")
    ] = None,
    as_of: CountedTo = None,
    through: Through = None,
    notified_before: NotifiedBefore = None,
    errors_only: Annotated[bool, typer.Option("--errors-only", help="Leave warnings out.")] = False,
    rows: Annotated[int, typer.Option(min=1, help="How many rows to show here.")] = 20,
    csv: Annotated[Path | None, typer.Option(dir_okay=False, help="Write all rows to this file.")] = None,
    xlsx: Annotated[Path | None, typer.Option(dir_okay=False, help="Write a workbook.")] = None,
) -> None:
    """Make a report, or list the reports there are."""
    connection = open_database()
    from openbenefits.reports import services

    if code is None:
        for kind in services.REPORTS.values():
            say(f"{kind.code}  {kind.title}")
        return
    selection = services.Selection(
        schedule_ids=_schedule_ids(connection, client, schedule or []),
        department=department,
        program=program,
        statuses=tuple(status or ()),
        as_of=as_of or (today() if through or code.upper() in services.COUNTING_TO_TODAY else None),
        client=client,
        through=through,
        notified_before=notified_before,
        errors_only=errors_only,
    )
    made = services.make_report(connection, code, selection)
    for table in services.report_tables(made, rows=rows):
        console.print(table)
    for path in services.save_report(made, csv=csv, xlsx=xlsx):
        say(f"Written: {path}")


def _schedule_ids(connection: Any, client: str | None, codes: list[str]) -> tuple[int, ...] | None:
    """Find the schedules named; of a client named, all or those of the codes."""
    from openbenefits.reports.names import load_schedules
    from openbenefits.reports.services import find_schedules

    if client is None:
        return find_schedules(connection, codes)
    find_client(client)
    theirs = load_schedules(connection).filter(client=client)["schedule"]
    return find_schedules(connection, [f"{client}/{code}" for code in codes or theirs])
