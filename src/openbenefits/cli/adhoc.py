"""`openbenefits adhoc`: reports people put together themselves, run with all a command line may see."""

import json
from pathlib import Path
from typing import Annotated

import typer

from openbenefits.cli.clock import now, today
from openbenefits.cli.database import find_client, open_database
from openbenefits.cli.options import ClientCode
from openbenefits.cli.screen import console, say, table_of

app = typer.Typer(
    no_args_is_help=True,
    help="Reports put together from declared subjects: list, run, send those that are due.",
    epilog="Example: openbenefits adhoc run renewal-elections --client harbor --xlsx who.xlsx",
)


@app.command("list")
def list_reports(client: ClientCode) -> None:
    """List the reports that come with the product, and those that are kept at a client."""
    open_database()
    from openbenefits.adhoc.models import SavedReport
    from openbenefits.adhoc.shipped import SHIPPED

    for one in SHIPPED.values():
        say(f"{one.key}  {one.name}")
    kept = SavedReport.objects.filter(client_id__in=[find_client(client).pk, 0], is_removed=False)
    for row in kept.order_by("name", "pk"):
        say(f"{row.pk}  {row.name} ({row.author})")


@app.command()
def subjects() -> None:
    """List what a report may be about, and the fields of each."""
    open_database()
    from openbenefits.adhoc.subjects import SUBJECTS

    for subject in SUBJECTS.values():
        say(f"{subject.name}: {subject.says}")
        say("  " + ", ".join(subject.fields))


@app.command()
def run(
    report: Annotated[
        str, typer.Argument(help="The key of a report, its number, or a JSON file that holds a query.")
    ],
    client: ClientCode,
    rows: Annotated[int, typer.Option(min=1, help="How many rows to show here.")] = 20,
    csv: Annotated[Path | None, typer.Option(dir_okay=False, help="Write all rows to this file.")] = None,
    xlsx: Annotated[Path | None, typer.Option(dir_okay=False, help="Write a workbook.")] = None,
) -> None:
    """Run a report about a client."""
    connection = open_database()
    from openbenefits.accounts.roles import Permission
    from openbenefits.accounts.services import EVERY_CLIENT, Access
    from openbenefits.adhoc.models import SavedReport
    from openbenefits.adhoc.query import read_query
    from openbenefits.adhoc.running import as_shown, run_whole
    from openbenefits.adhoc.saved import ReportMissing
    from openbenefits.adhoc.shipped import SHIPPED
    from openbenefits.reports.files import write_csv, write_xlsx

    found = find_client(client)
    if report in SHIPPED:
        query = SHIPPED[report].query
    elif report.endswith(".json"):
        query = read_query(json.loads(Path(report).read_text(encoding="utf-8")))
    else:
        kept = SavedReport.objects.filter(pk=report).first() if report.isdecimal() else None
        if kept is None:
            raise ReportMissing(
                f"expected a report, found none called {report}; see `openbenefits adhoc list`"
            )
        query = read_query(kept.query)
    owner = Access(user_id=0, permissions={EVERY_CLIENT: frozenset(Permission)})
    shown = as_shown(run_whole(connection, query, owner, as_of=today(), client_id=found.pk))
    console.print(table_of(shown.head(rows), title=f"{report}: {shown.height:,} rows"))
    for path, write in ((csv, write_csv), (xlsx, write_xlsx)):
        for written in write(path, {"Report": shown}) if path else ():
            say(f"Written: {written}")


@app.command()
def due() -> None:
    """Send the reports that are due today to those who ordered them."""
    connection = open_database()
    from openbenefits.adhoc.scheduling import send_due

    for one in send_due(connection, today=today(), now=now()):
        say(f"report {one.schedule_id}: {one.fate} {one.told}".rstrip())
