"""`openbenefits payroll`: what is owed per pay period, and the register payroll reads."""

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import polars as pl
import typer
from rich.table import Table

from openbenefits.cli import leaves, ledger
from openbenefits.cli.database import find_client, find_people, open_database
from openbenefits.cli.options import ClientCode, From, Through
from openbenefits.cli.run import People
from openbenefits.cli.screen import console, dollars, say, table_of

app = typer.Typer(
    no_args_is_help=True,
    help="Show what each pay owes; take what it took; put differences right, and say why they are there.",
    epilog="Example: openbenefits payroll owed --client harbor --from 2026-01-01 --person H000024",
)

SPAN = timedelta(days=31)
LINE = (
    "employee_number",
    "check_on",
    "plan_type",
    "option",
    "tax_class",
    "owed_cents",
    "employer_cents",
    "cause",
)


@app.command()
def owed(client: ClientCode, begin: From, through: Through = None, person: People = None) -> None:
    """Show what is owed in the pays that end in a span, by plan type or, for people named, line by line."""
    rows = _owed(client, begin, through, person)
    if person:
        console.print(owed_table(rows.select(LINE), title=f"Owed at {client}"))
    else:
        console.print(owed_table(_totals(rows), title=f"Owed at {client}, pays ending from {begin}"))
    unknown = rows["fault"].drop_nulls()
    if unknown.len():
        say(
            f"{unknown.len():,} amounts cannot be found; the register names each with its fault.",
            style="yellow",
        )


@app.command()
def register(
    client: ClientCode,
    begin: From,
    through: Through = None,
    file: Annotated[Path, typer.Option("--file", dir_okay=False, help="The file to write.")] = Path(
        "register.csv"
    ),
    available: Annotated[
        Path | None,
        typer.Option("--available", exists=True, dir_okay=False, help="What pays have left for benefits."),
    ] = None,
    despite: ledger.Despite = "",
) -> None:
    """Write the deductions and credits of a span as the CSV payroll reads, with what each pay can take."""
    connection = open_database()
    from openbenefits.payroll.register import nothing_said, read_available, register_of
    from openbenefits.payroll.retro import refuse_mismatches
    from openbenefits.payroll.services import write_register

    client_id, last = find_client(client).pk, through or begin + SPAN
    refuse_mismatches(connection, client_id, last, despite)
    said = read_available(connection, client_id, available) if available else nothing_said()
    if said.bad_rows.height:
        console.print(table_of(said.bad_rows, title="Bad rows: such pays are taken as having enough"))
    rows = register_of(connection, client_id, begin=begin, through=last, available=said)
    count = write_register(rows, file)
    short = rows.filter(rows["untaken"] == "low pay").height
    say(f"{count:,} lines: {file}" + (f"; {short:,} not taken whole" if short else ""), style="green")


def owed_table(rows: pl.DataFrame, *, title: str) -> Table:
    """Lay out lines of `payroll.services.owed`, amounts in dollars."""
    amounts = [name for name in rows.columns if name.endswith("_cents")]
    texts = {name: pl.Series([dollars(cents) for cents in rows[name]], dtype=pl.String) for name in amounts}
    shown = rows.with_columns(**texts).rename({name: name.removesuffix("_cents") for name in amounts})
    table = table_of(shown, title=title)
    for column, name in zip(table.columns, rows.columns, strict=True):
        column.justify = "right" if name in amounts else column.justify
    return table


def _totals(rows: pl.DataFrame) -> pl.DataFrame:
    """Add up by pay day and plan type, apart from what cannot be found."""
    known = rows.filter(pl.col("owed_cents").is_not_null())
    return (
        known.group_by("check_on", "kind", "plan_type")
        .agg(people=pl.col("person_id").n_unique(), total_cents=pl.col("owed_cents").sum())
        .sort("check_on", "kind", "plan_type")
    )


def _owed(client: str, begin: date, through: date | None, person: list[str] | None) -> pl.DataFrame:
    connection = open_database()
    from openbenefits.payroll.services import owed as lines

    found = find_client(client)
    people = find_people(found, person) if person else None
    with console.status("Computing what is owed …"):
        return lines(connection, found.pk, begin=begin, through=through or begin + SPAN, person_ids=people)


for _name, _command in (ledger.COMMANDS | leaves.COMMANDS).items():
    app.command(name=_name)(_command)
