"""`openbenefits cobra`: the duties that follow from lost coverage, what people decide, and notices sent."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import polars as pl
import typer

from openbenefits.cli.clock import now
from openbenefits.cli.database import find_client, find_people, open_database
from openbenefits.cli.faults import Refused
from openbenefits.cli.options import AsOf, By, ClientCode, File, On, Person, parse_day
from openbenefits.cli.screen import console, say, table_of
from openbenefits.core.codes import CobraCause

if TYPE_CHECKING:
    from openbenefits.compliance.cobra.services import Act, Loss

app = typer.Typer(
    no_args_is_help=True,
    help="Keep the duties of continuation coverage: record them after a run, decide, and say what was sent.",
    epilog="Example: openbenefits cobra record --client harbor   ·   openbenefits report COBRA -c harbor",
)

NOTHING = "none"
Dependent = Annotated[int, typer.Option("--dependent", help="The dependent's number; 0 is the employee.")]
Cover = Annotated[
    str, typer.Option("--cover", metavar="KIND", help="As the report names it: medical, dental, vision …")
]
LostOn = Annotated[
    date,
    typer.Option("--lost-on", parser=parse_day, metavar="YYYY-MM-DD", help="The first day without it."),
]
Reason = Annotated[str, typer.Option("--reason", help="Why, or how; it is kept.", show_default=False)]


@app.command()
def record(client: ClientCode, as_of: AsOf) -> None:
    """Compare what follows from coverage as it is with the duties recorded, and record what differs.

    Run it after each run and repair, as often as you like: without a change nothing is written. A duty whose
    loss was taken back is withdrawn, or asks for a correcting notice where one was sent.
    """
    connection = open_database()
    from openbenefits.compliance.cobra.services import record_duties

    written = record_duties(connection, find_client(client).pk, as_of=as_of, now=now())
    if written.is_empty():
        say("Nothing to record: the duties are those of coverage as it is.")
        return
    counted = written.group_by("state", "cause", "cover").agg(
        people=pl.col("person_id").n_unique(), duties=pl.len(), first_due=pl.col("election_notice_by").min()
    )
    title = f"Duties of {client} recorded as of {as_of}"
    console.print(table_of(counted.sort("state", "cause", "cover"), title=title))


@app.command()
def elected(
    file: File,
    client: ClientCode,
    by: By = "administrator",
    is_preview: Annotated[
        bool, typer.Option("--preview", help="Say what would be taken; write nothing.")
    ] = False,
) -> None:
    """Take in who elected continuation, and through which day it is paid; the same file again is nothing.

    Columns: employee_number, plan_type, begins_on; where asked for benefit_record, dependent (its number),
    elected_on, paid_through, withdrawn.
    """
    connection = open_database()
    from openbenefits.enrollment.continuing import take_in

    client_id = find_client(client).pk
    result = take_in(connection, client_id, file, now=now(), made_by=by, is_preview=is_preview)
    bad = result.bad_rows["row"].n_unique()
    verb = "would be taken" if is_preview else "taken"
    say(
        f"{file.name}: {result.rows_read:,} rows; {result.taken:,} {verb},"
        f" {result.unchanged:,} known already, {bad or 'no'} bad rows"
    )
    if result.unknown_headings:
        say(f"Columns left out, as nothing is known by these names: {', '.join(result.unknown_headings)}")
    if bad:
        console.print(table_of(result.bad_rows, title="Bad rows, left out"))


@app.command()
def decide(
    client: ClientCode,
    person: Person,
    cover: Cover,
    lost_on: LostOn,
    cause: Annotated[
        str,
        typer.Option("--cause", metavar="CAUSE", help=f"Why it qualifies, or {NOTHING}: it does not."),
    ],
    reason: Reason,
    on: On,
    dependent: Dependent = 0,
    by: By = "administrator",
) -> None:
    """Decide about a loss the rules leave open, such as a termination for gross misconduct."""
    connection = open_database()
    from openbenefits.compliance.cobra import services

    causes = [str(one) for one in CobraCause if one is not CobraCause.MISCONDUCT]
    if cause not in (*causes, NOTHING):
        expected = ", ".join((*causes, NOTHING))
        raise typer.BadParameter(f"expected one of {expected}, found {cause}", param_hint="--cause")
    named = None if cause == NOTHING else CobraCause(cause)
    loss, act = _loss(client, person, dependent, cover, lost_on), _act(on, reason, by)
    services.decide(connection, loss, act, cause=named, now=now())
    say("Decided. `openbenefits cobra record` brings the duties up to date.")


@app.command()
def notice(
    client: ClientCode,
    person: Person,
    cover: Cover,
    lost_on: LostOn,
    reason: Reason,
    on: On,
    dependent: Dependent = 0,
    by: By = "administrator",
) -> None:
    """Record that the notice a duty asks for was sent: the election notice, or the one that corrects it."""
    connection = open_database()
    from openbenefits.compliance.cobra.services import record_notice

    loss, act = _loss(client, person, dependent, cover, lost_on), _act(on, reason, by)
    kind = record_notice(connection, loss, act, now=now())
    sent = "The election notice" if kind == "noticed" else "The correcting notice"
    say(f"{sent} is recorded as sent on {on}.")


def _act(on: date, reason: str, by: str) -> "Act":
    from openbenefits.compliance.cobra.services import Act

    return Act(on=on, reason=reason, author=by)


def _loss(client: str, person: str, dependent: int, cover: str, lost_on: Any) -> "Loss":
    """Name a loss by the numbers people know."""
    from openbenefits.compliance.cobra.services import Loss
    from openbenefits.workforce.models import Dependent as Known

    found = find_client(client)
    person_id = find_people(found, [person])[0]
    dependent_id = 0
    if dependent:
        theirs = Known.objects.filter(client=found, person_id=person_id, number=dependent)
        known = theirs.values_list("id", flat=True).first()
        if known is None:
            raise Refused(f"the employee has no dependent number {dependent}. Correct --dependent.")
        dependent_id = known
    return Loss(
        client_id=found.pk, person_id=person_id, dependent_id=dependent_id, cover=cover, lost_on=lost_on
    )
