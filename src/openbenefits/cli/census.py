"""`openbenefits census`: people, jobs, homes and families from a file."""

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import polars as pl
import typer

from openbenefits.cli.clock import now
from openbenefits.cli.database import find_client, open_database
from openbenefits.cli.faults import EXIT_REFUSED, Refused
from openbenefits.cli.options import AsOf, By, ClientCode, File, On
from openbenefits.cli.screen import console, say, table_of

if TYPE_CHECKING:
    from openbenefits.workforce.census import CensusPreview

app = typer.Typer(
    no_args_is_help=True,
    help="Preview, import and take back a census (CSV or XLSX); audit the data.",
    epilog="Example: openbenefits census preview census.xlsx --client harbor",
)

BASE_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
DOLLARS = re.compile(r"\$?(\d{1,3}(?:,\d{3})*|\d{1,9})(?:\.(\d{1,2}))?")
Mapping = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="YAML that says which heading is which column."),
]
BadShare = Annotated[float, typer.Option(min=0, max=1, help="Refuse the file above this share of bad rows.")]

Silent = Annotated[bool, typer.Option("--silent", help="Start no channel by it, as for a take-over.")]


@app.command()
def preview(
    file: File, client: ClientCode, as_of: AsOf, mapping: Mapping = None, max_bad_share: BadShare = 0.25
) -> None:
    """Show what a census would change, and name its bad rows; nothing is written."""
    open_database()
    print_preview(_preview(file, client, as_of, mapping, max_bad_share))


@app.command(name="apply")
def apply_census(
    file: File,
    client: ClientCode,
    as_of: AsOf,
    mapping: Mapping = None,
    max_bad_share: BadShare = 0.25,
    by: By = "administrator",
    silent: Silent = False,
) -> None:
    """Import a census: all good rows, as one change that can be taken back."""
    connection = open_database()
    from django.db import transaction

    from openbenefits.core.pipelines import Pipeline
    from openbenefits.store.arriving import arriving
    from openbenefits.workforce import census

    found = _preview(file, client, as_of, mapping, max_bad_share)
    print_preview(found)
    with transaction.atomic(), arriving(connection, Pipeline.SILENT if silent else Pipeline.IMPORT):
        change = census.apply(found, made_by=by, now=now())
    say(
        f"Imported as change {change.pk}; `openbenefits census take-back {change.pk}` undoes it.",
        style="green",
    )


_OTHERS = {
    "taken": ("what payroll took", "payroll take-back"),
    "elections": ("elections entered", "elect take-back"),
    "takeover": ("coverage taken over", "elect take-back"),
}


@app.command(name="take-back")
def take_back(
    change: Annotated[int, typer.Argument(help="The number the import was given.")], by: By = "administrator"
) -> None:
    """Undo one import as a whole; what somebody edited since stays, and is listed."""
    open_database()
    from openbenefits.workforce.models import ChangeSet
    from openbenefits.workforce.undo import take_back as undo

    if not ChangeSet.objects.filter(pk=change).exists():
        message = f"no change {change}; expected the number `openbenefits census apply` printed"
        raise Refused(message)
    kind = ChangeSet.objects.get(pk=change).kind
    if kind in _OTHERS:
        what, command = _OTHERS[kind]
        raise Refused(f"change {change} is of {what}; `openbenefits {command} {change}` undoes it")
    result = undo(change, made_by=by, now=now())
    say(f"Change {change}: {result.restored} facts restored, {result.withdrawn} withdrawn", style="green")
    if result.conflicts.height:
        console.print(table_of(result.conflicts, title="Edited since, left as they are"))


@app.command(name="base")
def set_base(
    client: ClientCode,
    person: Annotated[str, typer.Option("--person", metavar="NUMBER", help="The employee's number.")],
    base_type: Annotated[str, typer.Option("--type", metavar="CODE", help="The type of the base.")],
    amount: Annotated[
        str,
        typer.Option("--amount", metavar="DOLLARS", help="Dollars of a year; `unknown` ends what is known."),
    ],
    on: On,
    record: Annotated[int, typer.Option("--record", min=0, help="The benefit record.")] = 0,
    by: By = "administrator",
) -> None:
    """State the benefits base of one person from a day on; it can be taken back like a census."""
    open_database()
    from openbenefits.workforce.services import record_benefit_base

    done = record_benefit_base(
        find_client(client).pk,
        _person_of(client, person),
        on=on,
        base_type=_type(base_type),
        annual_pay_cents=_cents(amount),
        benefit_record=record,
        made_by=by,
        now=now(),
    )
    change = done.change.pk
    say(f"Change {change}; `openbenefits census take-back {change}` undoes it.", style="green")


def _person_of(client: str, number: str) -> int:
    from openbenefits.workforce.models import Person

    found = Person.objects.filter(client=find_client(client), employee_number=number).first()
    if found is None:
        message = f"no employee {number} of {client}; expected a number of the census"
        raise Refused(message)
    return found.pk


def _type(text: str) -> str:
    if not BASE_TYPE.fullmatch(text):
        message = f"expected a code of at most 40 letters, digits, dots and dashes, found {text}"
        raise typer.BadParameter(message, param_hint="--type")
    return text


def _cents(text: str) -> int | None:
    """Read dollars; a base that is `unknown` has none from its day on."""
    if text == "unknown":
        return None
    found = DOLLARS.fullmatch(text)
    if found is None:
        message = f"expected dollars with at most two decimals, or `unknown`, found {text}"
        raise typer.BadParameter(message, param_hint="--amount")
    return int(found[1].replace(",", "")) * 100 + int((found[2] or "0").ljust(2, "0"))


@app.command()
def audit(client: ClientCode, as_of: AsOf) -> None:
    """List what is implausible or missing in a client's data, before anything is processed."""
    connection = open_database()
    from openbenefits.workforce.audit import audit_data

    found = audit_data(connection, [find_client(client).pk], as_of)
    print_audit(found)
    if found.height:
        raise typer.Exit(EXIT_REFUSED)


def print_preview(found: "CensusPreview") -> None:
    """Print the counts of a preview, its bad rows and what was not recognised."""
    counts = ", ".join(f"{number:,} {word}" for word, number in found.people.items())
    bad = found.bad_row_count
    say(f"{found.file.name}: {found.rows_read:,} rows; employees: {counts}; bad rows: {bad or 'none'}")
    if found.unknown_columns:
        say(f"Columns left out, as nothing is known by these names: {', '.join(found.unknown_columns)}")
    for frame, title in (
        (found.field_counts, "What changes for people already known"),
        (found.bad_rows, "Bad rows, left out"),
        (found.warnings, "Taken, but look at them"),
        (found.asked.select("row", "reason"), "Same person or not? Not written until decided"),
    ):
        if frame.height:
            console.print(table_of(frame, title=title))


def print_audit(found: pl.DataFrame) -> None:
    """Print the findings of a data audit, counted: nobody is named."""
    kinds = ("code", "expected", "found", "cure")
    counted = found.group_by(kinds).agg(people=pl.len()).sort("code").select("code", "people", *kinds[1:])
    if counted.is_empty():
        say("Nothing implausible, nothing missing.", style="green")
    else:
        console.print(table_of(counted, title="Data audit"))


def _preview(
    file: Path, client: str, as_of: date, mapping: Path | None, max_bad_share: float
) -> "CensusPreview":
    from openbenefits.workforce import census

    found = find_client(client)
    with console.status(f"Reading {file.name} …"):
        return census.preview(found.pk, file, as_of=as_of, mapping=mapping, max_bad_share=max_bad_share)
