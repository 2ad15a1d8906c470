"""`openbenefits audit`: what must be right before anything is processed: set-up and data of a client."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer

from openbenefits.cli.database import find_client, open_database
from openbenefits.cli.faults import EXIT_REFUSED
from openbenefits.cli.options import AsOf, ClientCode, Through
from openbenefits.cli.screen import console, count_findings, print_findings, progress, say, table_of

AUDIT_EPILOG = "Example: openbenefits audit --client harbor --as-of 2025-11-03 --xlsx audit.xlsx"
SETUP_COLUMNS = ("severity", "code", "where", "expected", "found", "cure")


def audit(
    client: ClientCode,
    as_of: AsOf,
    through: Through = None,
    csv: Annotated[Path | None, typer.Option(dir_okay=False, help="Write the lists as CSV files.")] = None,
    html: Annotated[Path | None, typer.Option(dir_okay=False, help="Write a page to read or print.")] = None,
    xlsx: Annotated[Path | None, typer.Option(dir_okay=False, help="Write a workbook.")] = None,
) -> None:
    """Audit the set-up in force and the people of a client; say whether a run would start.

    With --through, what is covered on a day ahead and may not be is listed too, from its first day.
    """
    connection = open_database()
    from openbenefits.cli.census import print_audit
    from openbenefits.programs.services import audit_in_force
    from openbenefits.reports.files import write_csv, write_html, write_xlsx
    from openbenefits.runs.audit import audit_people
    from openbenefits.runs.gate import obstacles
    from openbenefits.runs.set_up_against_data import warnings_of
    from openbenefits.workforce.models import Person

    found = find_client(client)
    setup = audit_in_force(found.pk)
    print_findings(setup)
    say(f"Set-up of {client}: {count_findings(setup)}")
    with progress("Looking at everybody") as told:
        people = audit_people(connection, [found.pk], as_of, progress=told)
    print_audit(people)
    warnings = warnings_of(connection, [found.pk], as_of).select(SETUP_COLUMNS)
    for warning in warnings.iter_rows(named=True):
        say("warning: {where}: expected {expected}, found {found}. {cure}".format(**warning))
    numbers = dict(Person.objects.filter(client=found).values_list("id", "employee_number"))
    rows = [tuple(str(getattr(one, name)) for name in SETUP_COLUMNS) for one in setup]
    sheets = {
        "people": people.select(
            "code",
            pl.col("person_id").replace_strict(numbers, return_dtype=pl.String).alias("employee"),
            *("expected", "found", "cure"),
        ),
        "set-up": pl.concat(
            [pl.DataFrame(rows, dict.fromkeys(SETUP_COLUMNS, pl.String), orient="row"), warnings]
        ),
    }
    if through is not None:
        sheets["ahead"] = _ahead(connection, found.pk, as_of, through, numbers)
    for path, write in ((csv, write_csv), (html, write_html), (xlsx, write_xlsx)):
        for written in write(path, sheets) if path else ():
            say(f"Written: {written}")
    held = obstacles(connection, found.pk, as_of)
    if held:
        say(f"A run would not start: {', '.join(one.code for one in held)}.", style="red")
        raise typer.Exit(EXIT_REFUSED)
    say("A run would start.", style="green")


def _ahead(
    connection: Any, client_id: int, as_of: date, through: date, numbers: dict[int, str]
) -> pl.DataFrame:
    """Print the tasks ahead, counted by what to do, and answer them one by one."""
    from openbenefits.runs.ahead import coverage_ahead

    with progress("Looking ahead"):
        tasks = coverage_ahead(connection, [client_id], as_of=as_of, through=through)
    if tasks.is_empty():
        say(f"Nobody is covered through {through} who may not be.", style="green")
    else:
        kinds = ("code", "owner", "expected", "found", "cure")
        counted = tasks.group_by(kinds).agg(
            people=pl.col("person_id").n_unique(), first_on=pl.col("first_on").min()
        )
        shown = counted.sort("code").select("code", "people", "first_on", "owner", "found", "cure")
        console.print(table_of(shown, title=f"Covered through {through}, and may not be"))
    employee = pl.col("person_id").replace_strict(numbers, return_dtype=pl.String).alias("employee")
    return tasks.select(employee, pl.exclude("client_id", "person_id"))
