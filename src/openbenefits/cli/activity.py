"""`openbenefits event activity`: what waits to become an event, and what an administrator does about it."""

from typing import TYPE_CHECKING, Annotated, Any

import polars as pl
import typer

from openbenefits.cli.clock import now
from openbenefits.cli.database import find_client, find_people, open_database
from openbenefits.cli.options import By, ClientCode, Person, Record, parse_day
from openbenefits.cli.screen import console, say, table_of

if TYPE_CHECKING:
    from openbenefits.events.activity import ActivityPlace

app = typer.Typer(
    no_args_is_help=True,
    help="See what waits to become an event; enter, delete or admit it; record the proof of a life event.",
    epilog="Example: openbenefits event activity list --client harbor",
)

Class = Annotated[str, typer.Option("--event-class", metavar="CODE", help="Its event class, such as MAR.")]
On = Annotated[Any, typer.Option("--on", parser=parse_day, metavar="YYYY-MM-DD", help="The day it happened.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept.", show_default=False)]
Source = Annotated[str, typer.Option("--source", metavar="CODE", help="As the list shows it: ME, TJ, TP …")]
Stated = Annotated[
    str, typer.Option("--stated", metavar="CODE", help="As the list shows it; blank for none.")
]
Sequence = Annotated[int, typer.Option("--sequence", help="As the list shows it.")]


@app.command(name="list")
def list_(client: ClientCode) -> None:
    """List what has not become an event yet, and why, if the next run does not take it."""
    connection = open_database()
    from openbenefits.events.activity import waiting_activity
    from openbenefits.workforce.models import Person as People

    found = find_client(client)
    rows = waiting_activity(connection, found.pk)
    if rows.is_empty():
        say("Nothing waits to become an event.")
        return
    known = People.objects.filter(client_id=found.pk).values_list("id", "employee_number")
    numbers = dict(known.filter(id__in=rows["person_id"].unique().to_list()))
    shown = rows.select(
        employee=pl.col("person_id").replace_strict(numbers, return_dtype=pl.String),
        record="benefit_record",
        on="event_on",
        source="source",
        stated="bas_action",
        sequence="sequence",
        event_class="event_class",
        reported="reported_on",
        last_day="last_day",
        held_because="why_held",
    )
    console.print(table_of(shown, title=f"Waiting activity of {client}"))


@app.command(name="enter")
def enter(
    client: ClientCode,
    person: Person,
    event_class: Class,
    on: On,
    reason: Reason,
    benefit_record: Record = 0,
    by: By = "administrator",
) -> None:
    """Enter an activity by hand; the next run of event maintenance makes an event of it."""
    connection = open_database()
    from openbenefits.events.activity import enter_activity

    place = _place(client, person, on, event_class, benefit_record)
    enter_activity(connection, place, reason=reason, author=by, now=now())
    say(f"Entered {event_class} on {on}. The next run of event maintenance makes an event of it.")


@app.command(name="delete")
def delete(
    client: ClientCode,
    person: Person,
    on: On,
    reason: Reason,
    stated: Stated = "",
    source: Source = "ME",
    sequence: Sequence = 0,
    benefit_record: Record = 0,
    by: By = "administrator",
) -> None:
    """Take an activity out before it becomes an event."""
    connection = open_database()
    from openbenefits.events.activity import delete_activity

    place = _place(client, person, on, stated, benefit_record, source, sequence)
    delete_activity(connection, place, reason=reason, author=by, now=now())
    say(f"Deleted the activity of {on}. It becomes no event.")


@app.command(name="admit")
def admit(
    client: ClientCode,
    person: Person,
    event_class: Class,
    on: On,
    reason: Reason,
    benefit_record: Record = 0,
    by: By = "administrator",
) -> None:
    """Let a report of a life event that is held become an event all the same."""
    connection = open_database()
    from openbenefits.events.activity import admit_activity

    place = _place(client, person, on, event_class, benefit_record)
    admit_activity(connection, place, reason=reason, author=by, now=now())
    say(f"Admitted {event_class} on {on}. The next run of event maintenance makes an event of it.")


@app.command(name="prove")
def prove(
    client: ClientCode,
    person: Person,
    event_class: Class,
    on: On,
    reason: Annotated[str, typer.Option("--seen", help="Which proof was seen.", show_default=False)],
    benefit_record: Record = 0,
    by: By = "administrator",
) -> None:
    """Record that the proof of a reported life event was seen."""
    connection = open_database()
    from openbenefits.events.activity import prove_activity

    place = _place(client, person, on, event_class, benefit_record)
    prove_activity(connection, place, reason=reason, author=by, now=now())
    say(f"Recorded the proof of {event_class} on {on}. The next run lets its event go on.")


def _place(
    client: str,
    person: str,
    on: Any,
    stated: str,
    benefit_record: int,
    source: str = "ME",
    sequence: int = 0,
) -> "ActivityPlace":
    from openbenefits.events.activity import ActivityPlace

    found = find_client(client)
    return ActivityPlace(
        client_id=found.pk,
        person_id=find_people(found, [person])[0],
        event_on=on,
        bas_action=stated,
        source=source,
        benefit_record=benefit_record,
        sequence=sequence,
    )
