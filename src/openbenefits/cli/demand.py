"""`openbenefits review demand`: one event of one person, processed at once."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from openbenefits.cli.answers import about_an_event
from openbenefits.cli.clock import now
from openbenefits.cli.database import find_client, find_people, find_schedule, open_database
from openbenefits.cli.faults import Refused
from openbenefits.cli.options import AsOf, By, ClientCode, Output, Person, Record, Schedule, parse_day
from openbenefits.cli.screen import console, say, table_of

if TYPE_CHECKING:
    from openbenefits.events.windows import EventPlace
    from openbenefits.review.services import Asked, Done

app = typer.Typer(
    no_args_is_help=True,
    help="Process one event of one person at once: prepare, issue, validate, finalise, decide again.",
    epilog="Example: openbenefits review demand actions --client harbor --person H000024 --schedule OE26",
)

Accept = Annotated[
    list[str] | None,
    typer.Option("--accept", metavar="CODE", help="A code of an audit that may stand; may be repeated."),
]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept.", show_default=False)]


def _asked(as_of: Any, by: str, accept: list[str] | None, reason: str) -> "Asked":
    from openbenefits.review.services import Asked

    if bool(accept) != bool(reason.strip()):
        raise Refused("expected --accept CODE together with --reason TEXT, found one alone. Give both.")
    return Asked(as_of=as_of, now=now(), author=by, accepted=dict.fromkeys(accept or (), reason))


def _tell(done: "Done") -> None:
    said = f"; messages: {', '.join(done.messages)}" if done.messages else ""
    say(f"Event {done.place.event_number} stands at {done.process_status}, {done.event_status}{said}.")
    say(f"Run {done.run_id}. `openbenefits explain` says why.")


@app.command(name="actions")
@about_an_event
def list_actions(connection: Any, place: "EventPlace") -> None:
    """List what may be done about an event now, and of the rest why not."""
    from openbenefits.review.services import actions_of

    console.print(table_of(actions_of(connection, place), title=f"Event {place.event_number}"))


@app.command(name="activity")
def activity(
    client: ClientCode,
    schedule: Schedule,
    person: Person,
    on: Annotated[
        Any, typer.Option("--on", parser=parse_day, metavar="YYYY-MM-DD", help="The day of the activity.")
    ],
    as_of: AsOf,
    stated: Annotated[
        str, typer.Option("--stated", metavar="CODE", help="As `event activity list` shows it.")
    ] = "",
    source: Annotated[
        str, typer.Option("--source", metavar="CODE", help="As the list shows it: ME, TJ, TP …")
    ] = "ME",
    sequence: Annotated[int, typer.Option("--sequence", help="As the list shows it.")] = 0,
    benefit_record: Record = 0,
    accept: Accept = None,
    reason: Annotated[str, typer.Option("--reason", help="Why codes may stand; kept with the run.")] = "",
    by: By = "administrator",
) -> None:
    """Make an event of one activity, and prepare it at once; what was in process is put back."""
    connection = open_database()
    from openbenefits.events.activity import ActivityPlace
    from openbenefits.review.services import prepare_activity

    found = find_client(client)
    picked = ActivityPlace(
        client_id=found.pk,
        person_id=find_people(found, [person])[0],
        event_on=on,
        bas_action=stated,
        source=source,
        benefit_record=benefit_record,
        sequence=sequence,
    )
    schedule_id = find_schedule(connection, client, schedule)
    _tell(prepare_activity(connection, picked, schedule_id, _asked(as_of, by, accept, reason)))


def _about_event(name: str, sentence: str, work: Callable[[Any, "EventPlace", "Asked"], "Done"]) -> None:
    """Add a command about one event that answers where it stands then."""

    @about_an_event
    def command(
        connection: Any,
        place: "EventPlace",
        as_of: AsOf,
        accept: Accept = None,
        reason: Annotated[str, typer.Option("--reason", help="Why codes may stand; kept with the run.")] = "",
        by: By = "administrator",
    ) -> None:
        _tell(work(connection, place, _asked(as_of, by, accept, reason)))

    app.command(name=name, help=sentence)(command)


def _prepare(connection: Any, place: "EventPlace", asked: "Asked") -> "Done":
    from openbenefits.review.services import prepare_event

    return prepare_event(connection, place, asked)


def _validate(connection: Any, place: "EventPlace", asked: "Asked") -> "Done":
    from openbenefits.review.services import settle_event

    return settle_event(connection, place, asked, with_defaults=False)


def _finalise(connection: Any, place: "EventPlace", asked: "Asked") -> "Done":
    from openbenefits.review.services import settle_event

    return settle_event(connection, place, asked, with_defaults=True)


_about_event("prepare", "Prepare an event now, whatever its day; what was in process is put back.", _prepare)
_about_event("validate", "Check the elections of an event and load them.", _validate)
_about_event("finalise", "Check and load, with defaults for what is open or invalid.", _finalise)


@app.command(name="statement")
@about_an_event
def statement(
    connection: Any,
    place: "EventPlace",
    as_of: AsOf,
    folder: Output = Path("statements"),
    by: By = "administrator",
) -> None:
    """Issue the enrolment statement of an event, or print it again."""
    from openbenefits.review.services import issue_statement

    say(f"Written: {issue_statement(connection, place, _asked(as_of, by, None, ''), folder=folder)}")


@app.command(name="reprocess")
@about_an_event
def reprocess(
    connection: Any,
    place: "EventPlace",
    reason: Reason,
    as_of: AsOf,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without this nothing is written.")] = False,
    by: By = "administrator",
) -> None:
    """Decide an event again; what changes in events, coverage and deductions is shown first."""
    from openbenefits.reports.repairs import named_consequences
    from openbenefits.review.services import reprocess_event

    asked = _asked(as_of, by, None, "")
    told = reprocess_event(connection, place, asked, reason=reason, is_rehearsal=not apply)
    for title, rows in named_consequences(connection, place.client_id, told).items():
        console.print(table_of(rows, title=title)) if rows.height else say(f"{title}: none.")
    if not apply:
        say("Nothing was written. Say --apply to do it.")
