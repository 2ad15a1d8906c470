"""`openbenefits clients`: what is done with a client as a whole."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from openbenefits import __version__
from openbenefits.cli.clock import now
from openbenefits.cli.database import find_client, open_database
from openbenefits.cli.options import By, ClientCode
from openbenefits.cli.screen import say

app = typer.Typer(
    no_args_is_help=True,
    help="A client as a whole: everybody leaves on one day, its records handed over, and taken in.",
    epilog="Examples:  openbenefits clients hand-over --client harbor records   ·   openbenefits clients"
    " take-in records",
)


@app.command("hand-over")
def hand_over(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="A new folder.")],
    client: ClientCode,
    with_ssn: Annotated[
        bool, typer.Option("--with-ssn", help="With social security numbers, readable.")
    ] = False,
    by: By = "administrator",
) -> None:
    """Write all records of a client: a CSV for each table, files, set-up, and what each column means."""
    connection = open_database()
    from openbenefits.workflow.handing_over import hand_over as written

    made = written(
        connection,
        find_client(client),
        folder,
        version=__version__,
        now=now(),
        by=by,
        with_ssn=with_ssn,
    )
    say(f"{made.rows:,} rows of {made.tables} tables, {made.files} files: {made.folder}", style="green")
    say("It holds personal data. Hand it over sealed, and delete it afterwards.")


@app.command("end")
def end(
    client: ClientCode,
    last_day: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day employed.")],
    apply: Annotated[bool, typer.Option("--apply", help="Do it; else it is only said.")] = False,
    by: By = "administrator",
) -> None:
    """End everybody's employment on one day: coverage ends by its rules with the next run.

    No channel looks at it person by person: the playbook of the client's termination sees it through.
    """
    connection = open_database()
    from openbenefits.core.pipelines import Pipeline
    from openbenefits.store.arriving import arriving
    from openbenefits.workforce import leaving

    found, day = find_client(client), last_day.date()
    change, said = None, leaving.leaving(found.pk, last_day_employed=day)
    if apply:
        with arriving(connection, Pipeline.SILENT):
            change, said = leaving.end_everybody(found.pk, last_day_employed=day, made_by=by, now=now())
    people = said.ending["person_id"].n_unique()
    say(f"{said.ending.height:,} jobs of {people:,} people {'end' if change else 'would end'} on {day}.")
    if said.later.height:
        named = ", ".join(said.later["employee_number"].head(20))
        say(f"{said.later.height:,} have job rows after that day and are left as they are: {named}")
    if change is not None:
        say(f"Change {change.pk}; `openbenefits census take-back {change.pk}` undoes it.", style="green")


@app.command("take-in")
def take_in(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="What was handed over.")],
    by: By = "administrator",
) -> None:
    """Take in a client that another openbenefits handed over, into a house without clients."""
    connection = open_database()
    from openbenefits.workflow.taking_in import take_in as taken

    made = taken(connection, folder, made_by=by)
    say(f"{made.rows:,} rows of {made.tables} tables: {made.client.code}, {made.client.name}", style="green")
    say(f"What the other house did among itself stays in the folder: {len(made.left)} tables.")


@app.callback()
def clients() -> None:
    """A client as a whole: everybody leaves on one day, its records handed over, and taken in."""
