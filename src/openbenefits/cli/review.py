"""`openbenefits review`: where events stand and why, on screen, as CSV, as a workbook, as JSON."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openbenefits.cli import demand
from openbenefits.cli.clock import now
from openbenefits.cli.database import find_client, find_people, open_database
from openbenefits.cli.options import AsOf, By, ClientCode, On, Schedule, parse_day
from openbenefits.cli.screen import console, say
from openbenefits.core.codes import Control

if TYPE_CHECKING:
    import polars as pl

app = typer.Typer(
    no_args_is_help=True,
    help="See where events stand, what holds them, what is to be done, and why.",
    epilog="Example: openbenefits review work --client harbor --xlsx work.xlsx",
)

app.add_typer(demand.app, name="demand")

Person = Annotated[str, typer.Option("--person", metavar="NUMBER", help="The employee's number.")]
Number = Annotated[int, typer.Option("--event", help="Its number; 0 for open enrolment.")]
Record = Annotated[int, typer.Option("--benefit-record")]
Rows = Annotated[int, typer.Option("--rows", min=1, help="How many rows of each table to show here.")]
Csv = Annotated[
    Path | None, typer.Option("--csv", dir_okay=False, help="Write all rows, a file for each table.")
]
Xlsx = Annotated[
    Path | None, typer.Option("--xlsx", dir_okay=False, help="Write a workbook, a sheet for each table.")
]
Json = Annotated[Path | None, typer.Option("--json", dir_okay=False, help="Write all tables as JSON.")]
SHOWN = 20


def show(
    sheets: "Mapping[str, pl.DataFrame]",
    *,
    rows: int = SHOWN,
    csv: Path | None = None,
    xlsx: Path | None = None,
    json: Path | None = None,
    apart: tuple[str, ...] = (),
) -> None:
    """Print the tables, the first one last so that it is read last, and write the files asked for.

    On screen a table with the columns `apart` is taken apart by them.
    """
    from openbenefits.reports import files
    from openbenefits.reports.tables import laid_out

    first, *others = sheets.items()
    for name, frame in (*others, first):
        if frame.is_empty():
            say(f"{name}: none.")
        else:
            shown = frame.drop(
                column for column in frame.columns if frame[column].null_count() == frame.height
            )
            for part in _taken_apart(shown, apart):
                console.print(laid_out(part, title=name, rows=rows, width=console.width))
    writers = ((csv, files.write_csv), (xlsx, files.write_xlsx), (json, files.write_json))
    for path, write in writers:
        for written in write(path, sheets) if path else ():
            say(f"Written: {written}")


def _taken_apart(frame: "pl.DataFrame", apart: tuple[str, ...]) -> "list[pl.DataFrame]":
    """Take a table apart by columns, if there are several rows for each value."""
    by = [column for column in apart if column in frame.columns]
    if not by or frame.select(by).is_unique().all():
        return [frame]
    return frame.partition_by(by, maintain_order=True)


@app.command(name="schedules")
def schedules(
    client: Annotated[
        list[str] | None,
        typer.Option("--client", "-c", metavar="CODE", help="A client; may be repeated; all unless told."),
    ] = None,
    rows: Rows = SHOWN,
    csv: Csv = None,
    xlsx: Xlsx = None,
    json: Json = None,
) -> None:
    """Count people and events of each schedule at every status, with flags and how much is done."""
    connection = open_database()
    from openbenefits.review.services import schedule_summary
    from openbenefits.workforce.models import Client

    clients = [find_client(code).pk for code in client or ()] or list(
        Client.objects.values_list("id", flat=True)
    )
    summed = schedule_summary(connection, clients)
    show(summed, rows=rows, csv=csv, xlsx=xlsx, json=json, apart=("client", "schedule"))


@app.command(name="person")
def person_(
    client: ClientCode,
    person: Person,
    as_of: AsOf,
    rows: Rows = SHOWN,
    csv: Csv = None,
    xlsx: Xlsx = None,
    json: Json = None,
) -> None:
    """Show all events of a person: where they stand, what holds them, and every step they took."""
    connection = open_database()
    from openbenefits.review.services import event_summary

    found = find_client(client)
    sheets = event_summary(connection, found.pk, find_people(found, [person])[0], as_of=as_of)
    show(sheets, rows=rows, csv=csv, xlsx=xlsx, json=json)


@app.command(name="flagged")
def flagged_(
    client: ClientCode,
    as_of: AsOf,
    rows: Rows = SHOWN,
    csv: Csv = None,
    xlsx: Xlsx = None,
    json: Json = None,
) -> None:
    """List the events that are out of sequence, rest on changed facts, or are disconnected."""
    connection = open_database()
    from openbenefits.review.services import flagged

    rows_found = flagged(connection, find_client(client).pk, as_of=as_of)
    show({"Flagged items": rows_found}, rows=rows, csv=csv, xlsx=xlsx, json=json)


@app.command(name="work")
def work(
    client: ClientCode,
    as_of: AsOf,
    with_final: Annotated[
        bool, typer.Option("--with-final", help="Also what was said of events that are final by now.")
    ] = False,
    rows: Rows = SHOWN,
    csv: Csv = None,
    xlsx: Xlsx = None,
    json: Json = None,
) -> None:
    """List what is to be done: one entry for each cause, however many people it is about."""
    connection = open_database()
    from openbenefits.review.services import work_list

    sheets = work_list(connection, find_client(client).pk, as_of=as_of, with_final=with_final)
    show(sheets, rows=rows, csv=csv, xlsx=xlsx, json=json)


@app.command(name="workflows")
def workflows(
    client: ClientCode,
    as_of: AsOf,
    since: Annotated[
        date | None,
        typer.Option(
            "--since", parser=parse_day, metavar="YYYY-MM-DD", help="Dates and leaves from this day on only."
        ),
    ] = None,
    rows: Rows = SHOWN,
    csv: Csv = None,
    xlsx: Xlsx = None,
    json: Json = None,
) -> None:
    """List dependents enrolled, late answers, terminations, changed birth and service dates, leaves."""
    connection = open_database()
    from openbenefits.review.services import workflow_lists

    sheets = workflow_lists(connection, find_client(client).pk, as_of=as_of, since=since)
    show(sheets, rows=rows, csv=csv, xlsx=xlsx, json=json)


@app.command(name="controls")
def controls(
    client: ClientCode,
    schedule: Schedule,
    person: Person,
    on: On,
    event: Number = 0,
    benefit_record: Record = 0,
    csv: Csv = None,
    xlsx: Xlsx = None,
    json: Json = None,
) -> None:
    """Show what steers the processing of an event, what of it may be changed now, and what was."""
    connection = open_database()
    from openbenefits.review.services import event_controls

    place = demand.place_of(connection, client, schedule, person, benefit_record, event)
    show(event_controls(connection, place, on=on), csv=csv, xlsx=xlsx, json=json)


@app.command(name="change")
def change(
    control: Annotated[Control, typer.Argument(help="What to change.")],
    value: Annotated[
        str, typer.Argument(metavar="VALUE", help="yes, no; a day or none; both … none, or class.")
    ],
    client: ClientCode,
    schedule: Schedule,
    person: Person,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept.", show_default=False)],
    event: Number = 0,
    benefit_record: Record = 0,
    by: By = "administrator",
) -> None:
    """Change one processing control of an event, with a reason."""
    connection = open_database()
    from openbenefits.review.services import change_control

    place = demand.place_of(connection, client, schedule, person, benefit_record, event)
    act = change_control(connection, place, control, value, reason=reason, author=by, now=now())
    say(f"{act.control} was {act.was or 'none'} and is now {act.became or 'none'}.")


@app.command(name="event")
def event_(
    client: ClientCode,
    schedule: Schedule,
    person: Person,
    event: Number = 0,
    benefit_record: Record = 0,
    plan_type: Annotated[
        str | None, typer.Option("--plan-type", metavar="CODE", help="Only this plan type.")
    ] = None,
    rows: Rows = SHOWN,
    csv: Csv = None,
    xlsx: Xlsx = None,
    json: Json = None,
) -> None:
    """Show an event from its participant down to options and costs, with dependents and investments."""
    connection = open_database()
    from openbenefits.review.services import drill_down

    place = demand.place_of(connection, client, schedule, person, benefit_record, event)
    show(drill_down(connection, place, plan_type=plan_type), rows=rows, csv=csv, xlsx=xlsx, json=json)


@app.command(name="eligibility")
def eligibility(
    client: ClientCode,
    schedule: Schedule,
    person: Person,
    event: Number = 0,
    benefit_record: Record = 0,
    with_unused: Annotated[
        bool, typer.Option("--all-fields", help="Also the fields no rule looks at (NE).")
    ] = False,
    rows: Rows = SHOWN,
    csv: Csv = None,
    xlsx: Xlsx = None,
    json: Json = None,
) -> None:
    """Show how eligibility was decided: a header for each program and option, a line for each field."""
    connection = open_database()
    from openbenefits.review.services import eligibility_debugging

    place = demand.place_of(connection, client, schedule, person, benefit_record, event)
    sheets = eligibility_debugging(connection, place, with_unused=with_unused)
    show(sheets, rows=rows, csv=csv, xlsx=xlsx, json=json)


@app.command(name="passive")
def passive(
    client: ClientCode, rows: Rows = SHOWN, csv: Csv = None, xlsx: Xlsx = None, json: Json = None
) -> None:
    """List which days of passive events were processed when, and whom each run triggered."""
    connection = open_database()
    from openbenefits.review.services import passive_events

    show(passive_events(connection, find_client(client).pk), rows=rows, csv=csv, xlsx=xlsx, json=json)
