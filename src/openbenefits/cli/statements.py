"""`openbenefits statements`: letters to employees as PDF."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from openbenefits.cli.clock import now
from openbenefits.cli.database import find_client, find_schedule, open_database
from openbenefits.cli.hindsight import copy
from openbenefits.cli.options import By, ClientCode, On, Output, Schedule
from openbenefits.cli.screen import progress, say

app = typer.Typer(
    no_args_is_help=True,
    help="Write enrolment and confirmation statements as PDF.",
    epilog="Example: openbenefits statements enrollment --client harbor --schedule OE26",
)

app.command()(copy)

PerPerson = Annotated[bool, typer.Option("--per-person", help="One file for each person.")]
Paper = Annotated[str, typer.Option(help="us-letter or a4.")]
DEFAULT_FOLDER = Path("statements")


@app.command()
def enrollment(
    client: ClientCode,
    schedule: Schedule,
    on: On,
    folder: Output = DEFAULT_FOLDER,
    per_person: PerPerson = False,
    paper: Paper = "us-letter",
    by: By = "administrator",
) -> None:
    """Tell people what they may choose and what it costs; whoever is told stands at NT."""
    connection = open_database()
    from openbenefits.reports.services import issue_enrollment_statements

    _issue(connection, issue_enrollment_statements, client, schedule, on, folder, per_person, paper, by)


@app.command()
def confirmation(
    client: ClientCode,
    schedule: Schedule,
    on: On,
    folder: Output = DEFAULT_FOLDER,
    per_person: PerPerson = False,
    paper: Paper = "us-letter",
    by: By = "administrator",
) -> None:
    """Confirm to people what they have and what is deducted."""
    connection = open_database()
    from openbenefits.reports.services import issue_confirmations

    _issue(connection, issue_confirmations, client, schedule, on, folder, per_person, paper, by)


@app.command()
def deliver(
    client: ClientCode,
    schedule: Schedule,
    on: On,
    kind: Annotated[str, typer.Option(help="enrollment or confirmation.")] = "enrollment",
    paper: Paper = "us-letter",
    by: By = "administrator",
) -> None:
    """Make the statements due, each on the way its person chose: portal, e-mail, or a print batch."""
    connection = open_database()
    from openbenefits.delivery.services import send_mails
    from openbenefits.reports.services import issue_confirmations, issue_enrollment_statements

    issues = {"enrollment": issue_enrollment_statements, "confirmation": issue_confirmations}
    if kind not in issues:
        raise typer.BadParameter(f"expected {' or '.join(issues)}, found {kind}", param_hint="--kind")
    _refuse_paper(paper)
    found = find_client(client)
    schedule_id = find_schedule(connection, client, schedule)
    with progress("Writing statements") as told:
        done = issues[kind](connection, schedule_id, on=on, now=now(), actor=by, progress=told, paper=paper)
    mails = send_mails(connection, found.pk, author=by, now=now())
    say(
        f"{done.issued:,} statements; {mails['sent']:,} mails sent, {mails['failed']:,} failed. "
        "What is to be printed waits for `openbenefits letters batch`.",
        style="green",
    )


def _issue(
    connection: Any,
    issue: Callable[..., Any],
    client: str,
    schedule: str,
    on: date,
    folder: Path,
    per_person: bool,
    paper: str,
    by: str,
) -> None:
    """Issue statements and say where they are."""
    _refuse_paper(paper)
    find_client(client)
    schedule_id = find_schedule(connection, client, schedule)
    with progress("Writing statements") as told:
        result = issue(
            connection,
            schedule_id,
            folder=folder,
            on=on,
            now=now(),
            actor=by,
            per_person=per_person,
            progress=told,
            paper=paper,
        )
    busy = f"; {result.busy} people were busy and are left for the next call" if result.busy else ""
    say(f"{result.issued:,} statements in {len(result.files)} files{busy}: {folder}", style="green")
    if result.not_printed:
        say(f"{result.not_printed:,} events were left out: their event class prints no such letter (yet).")


def _refuse_paper(paper: str) -> None:
    from openbenefits.reports.printing import PAPERS

    if paper not in PAPERS:
        message = f"expected {' or '.join(PAPERS)}, found {paper}"
        raise typer.BadParameter(message, param_hint="--paper")
