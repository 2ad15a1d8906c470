"""`openbenefits timeline`, `options`, `statements copy`: as of one day, as known on another."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from openbenefits.cli.clock import end_of
from openbenefits.cli.database import find_client, find_people, find_schedule, open_database
from openbenefits.cli.options import AsOf, ClientCode, KnownOn, Person, Schedule
from openbenefits.cli.screen import console, say

TIMELINE_EPILOG = "Example: openbenefits timeline --client harbor --person H000024 --as-of 2026-04-20"
OPTIONS_EPILOG = "Example: openbenefits options --client harbor --person H000024 --known-on 2025-11-20"
Csv = Annotated[Path | None, typer.Option("--csv", dir_okay=False, help="Write the lines to this file.")]


def timeline(
    client: ClientCode, person: Person, as_of: AsOf, known_on: KnownOn = None, csv: Csv = None
) -> None:
    """Show what a person had on a day, and what that day rests on: eligible, run-out, leave, override."""
    connection = open_database()
    from openbenefits.reports.hindsight import held_on

    found = find_client(client)
    people = find_people(found, [person])
    rows = held_on(connection, found.pk, people, as_of=as_of, known_at=_moment(known_on))
    _show(rows, f"What {person} had on {as_of}{_known(known_on)}", "Coverage", csv)


def options(
    client: ClientCode, person: Person, as_of: AsOf, known_on: KnownOn = None, csv: Csv = None
) -> None:
    """Show the options of a person's last event by a day, as prepared."""
    connection = open_database()
    from openbenefits.reports.hindsight import offered_on

    found = find_client(client)
    person_id = find_people(found, [person])[0]
    rows = offered_on(connection, found.pk, person_id, as_of=as_of, known_at=_moment(known_on))
    _show(rows, f"What {person} was offered by {as_of}{_known(known_on)}", "Options", csv)


def copy(
    client: ClientCode,
    schedule: Schedule,
    person: Person,
    known_on: KnownOn,
    file: Annotated[Path, typer.Option("--file", dir_okay=False, help="The PDF to write.")],
    kind: Annotated[str, typer.Option("--kind", help="enrollment or confirmation.")] = "enrollment",
) -> None:
    """Print a statement as it read on a day; nothing is changed."""
    if known_on is None:
        raise typer.BadParameter("name the day", param_hint="--known-on")
    connection = open_database()
    from openbenefits.reports.hindsight import print_then
    from openbenefits.reports.issuing import KINDS

    if kind not in KINDS:
        raise typer.BadParameter(f"expected {' or '.join(KINDS)}, found {kind}", param_hint="--kind")
    found = find_client(client)
    schedule_id = find_schedule(connection, client, schedule)
    people = find_people(found, [person])
    known_at = end_of(known_on)
    path = print_then(connection, schedule_id, kind=kind, person_ids=people, known_at=known_at, path=file)
    say(f"Written: {path}" if path else f"{person} had no such statement on {known_on}.")


BESIDES = (
    *("employee_number", "benefit_record", "coverage_cents", "pledge_cents", "dependents", "event"),
    *("plan_type", "is_current", "coverage_begins_on", "pay_credit_cents", "annual_employer_cents"),
)
"""What only the file holds: a screen has no room for it."""


def _show(rows: Any, title: str, sheet: str, csv: Path | None) -> None:
    from openbenefits.reports import files
    from openbenefits.reports.tables import preview_table

    if rows.is_empty():
        say("Nothing was known then.")
        return
    shown = rows.drop(BESIDES, strict=False)
    console.print(preview_table(shown, title=title, rows=rows.height))
    for path in files.write_csv(csv, {sheet: rows}) if csv else ():
        say(f"Written: {path}")


def _moment(known_on: date | None) -> Any:
    return None if known_on is None else end_of(known_on)


def _known(known_on: date | None) -> str:
    return "" if known_on is None else f", as known on {known_on}"
