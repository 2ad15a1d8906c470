"""`openbenefits event`: what somebody decides about one event of one person: eligibility, window."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import polars as pl
import typer

from openbenefits.cli import activity
from openbenefits.cli.answers import about_an_event
from openbenefits.cli.clock import now
from openbenefits.cli.database import find_client, find_people, find_schedule, open_database
from openbenefits.cli.deciding import decided
from openbenefits.cli.options import (
    AsOf,
    By,
    ClientCode,
    Number,
    Person,
    Program,
    Record,
    Schedule,
    TypedOption,
    parse_day,
    parts_of,
)
from openbenefits.cli.screen import console, say, table_of

if TYPE_CHECKING:
    from openbenefits.events.windows import EventPlace

app = typer.Typer(
    no_args_is_help=True,
    help="Decide about one event of one person, let its window end later, and see what was decided or waits.",
    epilog="Example: openbenefits event overrides --client harbor --person H000024 --schedule OE26",
)

app.add_typer(activity.app, name="activity")

Until = Annotated[
    Any,
    typer.Option(
        "--until", parser=parse_day, metavar="YYYY-MM-DD", help="The new last day.", show_default=False
    ),
]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with the event.", show_default=False)]


@app.command()
def override(
    client: ClientCode,
    schedule: Schedule,
    person: Person,
    program: Program,
    decision: Annotated[
        str,
        typer.Option("--decision", metavar="WORD", help="eligible, ineligible, or withdrawn."),
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept with the decision.")],
    option: TypedOption = None,
    event: Number = 0,
    benefit_record: Record = 0,
    by: By = "administrator",
) -> None:
    """Decide that a program or an option is eligible, or is not, for this event, whatever the rules say."""
    connection = open_database()
    from openbenefits.enrollment.overrides import override_eligibility

    found = find_client(client)
    result = override_eligibility(
        connection,
        client_id=found.pk,
        person_id=find_people(found, [person])[0],
        benefit_record=benefit_record,
        schedule_id=find_schedule(connection, client, schedule),
        event_number=event,
        program=program,
        option=parts_of(option, "TYPE/CODE"),
        is_eligible=decided(decision),
        author=by,
        reason=reason,
        now=now(),
    )
    if not result.is_new:
        say("Decided so already; nothing was written.")
        return
    again = "The event goes back to be prepared again." if result.is_prepared_again else ""
    say(f"Decision {result.version} of the event: {option or program} {decision}. {again}".strip())
    say("It counts from the next run of the schedule on.")


@app.command()
def overrides(
    client: ClientCode, schedule: Schedule, person: Person, event: Number = 0, benefit_record: Record = 0
) -> None:
    """List everything that was ever decided for an event, by whom and why."""
    connection = open_database()
    from openbenefits.enrollment.overrides import WORDS, overrides_of
    from openbenefits.programs.frames import load_setup

    found = find_client(client)
    key = {"client_id": found.pk, "person_id": find_people(found, [person])[0]}
    key |= {"benefit_record": benefit_record, "schedule_id": find_schedule(connection, client, schedule)}
    rows = overrides_of(connection, key | {"event_number": event})
    if not rows:
        say("Nothing was decided for this event: the rules decide.")
        return
    tables = load_setup(connection, [found.pk])
    programs = dict(tables["program"].select("program_id", "code").iter_rows())
    names = tables["option"].select("option_id", pl.format("{}/{}", "plan_type", "code"))
    options = dict(names.iter_rows())
    listed = [
        {
            "number": row["version"],
            "program": programs.get(row["program_id"], "?"),
            "option": options.get(row["option_id"], ""),
            "decision": WORDS[row["is_eligible"]],
            "by": row["author"],
            "reason": row["reason"],
            "at": row["made_at"],
        }
        for row in rows
    ]
    console.print(table_of(pl.DataFrame(listed), title=f"Decided for event {event} of {schedule}"))


@app.command(name="extend-window")
@about_an_event
def extend_window(
    connection: Any, place: "EventPlace", until: Until, reason: Reason, by: By = "administrator"
) -> None:
    """Move the last day of a window that still runs to a later one."""
    from openbenefits.events.windows import extend_window as extend

    act = extend(connection, place, until=until, reason=reason, author=by, now=now())
    say(f"The window ended on {act.ended_on} and now ends on {act.ends_on}.")


@app.command(name="reopen-window")
@about_an_event
def reopen_window(
    connection: Any, place: "EventPlace", until: Until, reason: Reason, by: By = "administrator"
) -> None:
    """Give a window that has ended a new last day."""
    from openbenefits.events.windows import reopen_window as reopen

    act = reopen(connection, place, until=until, reason=reason, author=by, now=now())
    say(f"The window had ended on {act.ended_on} and is open again until {act.ends_on}.")


@app.command(name="windows")
def windows(client: ClientCode, as_of: AsOf) -> None:
    """List the open events whose window has ended and that wait for somebody."""
    connection = open_database()
    from openbenefits.runs.windows import held_events

    rows = held_events(connection, [find_client(client).pk], as_of)
    console.print(table_of(_named(rows), title=f"Ended windows of {client} as of {as_of}"))


def _named(rows: pl.DataFrame) -> pl.DataFrame:
    """Show people by number, schedules by code, and what was done to the window."""
    return rows.select(
        *("employee_number", "benefit_record", "schedule", "event_number", "event_class", "event_on"),
        *("process_status", "window_ends_on", "days_past", "why"),
    )


@app.command()
def held(
    client: ClientCode,
    as_of: AsOf,
    csv: Annotated[Path | None, typer.Option(dir_okay=False, help="Write all rows to this file.")] = None,
) -> None:
    """List the events that wait: held by whom, since when, why, and what they hold back."""
    connection = open_database()
    from openbenefits.reports.files import write_csv
    from openbenefits.reports.waiting import counted, waiting_events

    rows = waiting_events(connection, find_client(client).pk, as_of=as_of)
    if rows.is_empty():
        say(f"No event of {client} waits.")
        return
    console.print(table_of(counted(rows), title=f"Events of {client} that wait as of {as_of}"))
    console.print(table_of(rows, title="Those that hold back most come first"))
    for path in write_csv(csv, {"Held": rows}) if csv else ():
        say(f"Written: {path}")
