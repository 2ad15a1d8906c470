"""`openbenefits clients`: what is done with a client as a whole."""

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
    help="A client as a whole: all its records handed over in an open format, and taken in.",
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
) -> None:
    """Write all records of a client: a CSV for each table, files, set-up, and what each column means."""
    connection = open_database()
    from openbenefits.workflow.handing_over import hand_over as written

    made = written(connection, find_client(client), folder, version=__version__, now=now(), with_ssn=with_ssn)
    say(f"{made.rows:,} rows of {made.tables} tables, {made.files} files: {made.folder}", style="green")
    say("It holds personal data. Hand it over sealed, and delete it afterwards.")


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
    """A client as a whole: all its records handed over in an open format, and taken in."""
