"""`openbenefits review`: where events stand and why, on screen, as CSV, as a workbook, as JSON."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from openbenefits.cli import demand
from openbenefits.cli.answers import about_an_event, answers_tables
from openbenefits.cli.clock import now
from openbenefits.cli.database import find_client, find_people, open_database
from openbenefits.cli.options import AsOf, By, ClientCode, On, Person, parse_day
from openbenefits.cli.screen import say
from openbenefits.core.codes import Control

if TYPE_CHECKING:
    import polars as pl

    from openbenefits.events.windows import EventPlace

app = typer.Typer(
    no_args_is_help=True,
    help="See where events stand, what holds them, what is to be done, and why.",
    epilog="Example: openbenefits review work --client harbor --xlsx work.xlsx",
)

app.add_typer(demand.app, name="demand")


@app.command(name="schedules")
@answers_tables(apart=("client", "schedule"))
def schedules(
    client: Annotated[
        list[str] | None,
        typer.Option("--client", "-c", metavar="CODE", help="A client; may be repeated; all unless told."),
    ] = None,
) -> "Mapping[str, pl.DataFrame]":
    """Count people and events of each schedule at every status, with flags and how much is done."""
    connection = open_database()
    from openbenefits.review.services import schedule_summary
    from openbenefits.workforce.models import Client

    clients = [find_client(code).pk for code in client or ()] or list(
        Client.objects.values_list("id", flat=True)
    )
    return schedule_summary(connection, clients)


@app.command(name="person")
@answers_tables()
def person_(client: ClientCode, person: Person, as_of: AsOf) -> "Mapping[str, pl.DataFrame]":
    """Show all events of a person: where they stand, what holds them, and every step they took."""
    connection = open_database()
    from openbenefits.review.services import event_summary

    found = find_client(client)
    return event_summary(connection, found.pk, find_people(found, [person])[0], as_of=as_of)


@app.command(name="flagged")
@answers_tables()
def flagged_(client: ClientCode, as_of: AsOf) -> "Mapping[str, pl.DataFrame]":
    """List the events that are out of sequence, rest on changed facts, or are disconnected."""
    connection = open_database()
    from openbenefits.review.services import flagged

    return {"Flagged items": flagged(connection, find_client(client).pk, as_of=as_of)}


@app.command(name="work")
@answers_tables()
def work(
    client: ClientCode,
    as_of: AsOf,
    with_final: Annotated[
        bool, typer.Option("--with-final", help="Also what was said of events that are final by now.")
    ] = False,
) -> "Mapping[str, pl.DataFrame]":
    """List what is to be done: one entry for each cause, however many people it is about."""
    connection = open_database()
    from openbenefits.review.services import work_list

    return work_list(connection, find_client(client).pk, as_of=as_of, with_final=with_final)


@app.command(name="workflows")
@answers_tables()
def workflows(
    client: ClientCode,
    as_of: AsOf,
    since: Annotated[
        date | None,
        typer.Option(
            "--since", parser=parse_day, metavar="YYYY-MM-DD", help="Dates and leaves from this day on only."
        ),
    ] = None,
) -> "Mapping[str, pl.DataFrame]":
    """List dependents enrolled, late answers, terminations, changed birth and service dates, leaves."""
    connection = open_database()
    from openbenefits.review.services import workflow_lists

    return workflow_lists(connection, find_client(client).pk, as_of=as_of, since=since)


@app.command(name="controls")
@answers_tables()
@about_an_event
def controls(connection: Any, place: "EventPlace", on: On) -> "Mapping[str, pl.DataFrame]":
    """Show what steers the processing of an event, what of it may be changed now, and what was."""
    from openbenefits.review.services import event_controls

    return event_controls(connection, place, on=on)


@app.command(name="change")
@about_an_event
def change(
    connection: Any,
    place: "EventPlace",
    control: Annotated[Control, typer.Argument(help="What to change.")],
    value: Annotated[
        str, typer.Argument(metavar="VALUE", help="yes, no; a day or none; both … none, or class.")
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept.", show_default=False)],
    by: By = "administrator",
) -> None:
    """Change one processing control of an event, with a reason."""
    from openbenefits.review.services import change_control

    act = change_control(connection, place, control, value, reason=reason, author=by, now=now())
    say(f"{act.control} was {act.was or 'none'} and is now {act.became or 'none'}.")


@app.command(name="event")
@answers_tables()
@about_an_event
def event_(
    connection: Any,
    place: "EventPlace",
    plan_type: Annotated[
        str | None, typer.Option("--plan-type", metavar="CODE", help="Only this plan type.")
    ] = None,
) -> "Mapping[str, pl.DataFrame]":
    """Show an event from its participant down to options and costs, with dependents and investments."""
    from openbenefits.review.services import drill_down

    return drill_down(connection, place, plan_type=plan_type)


@app.command(name="eligibility")
@answers_tables()
@about_an_event
def eligibility(
    connection: Any,
    place: "EventPlace",
    with_unused: Annotated[
        bool, typer.Option("--all-fields", help="Also the fields no rule looks at (NE).")
    ] = False,
) -> "Mapping[str, pl.DataFrame]":
    """Show how eligibility was decided: a header for each program and option, a line for each field."""
    from openbenefits.review.services import eligibility_debugging

    return eligibility_debugging(connection, place, with_unused=with_unused)


@app.command(name="passive")
@answers_tables()
def passive(client: ClientCode) -> "Mapping[str, pl.DataFrame]":
    """List which days of passive events were processed when, and whom each run triggered."""
    connection = open_database()
    from openbenefits.review.services import passive_events

    return passive_events(connection, find_client(client).pk)
