"""Processing on demand: one person, one event, at once (event-processing §15).

Everything goes through the run, the statements and the repair that are there for everybody; on demand only
says whose event, and which comes first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core.codes import Level, ProcessStatus
from openbenefits.events.activity import ActivityPlace
from openbenefits.events.frames import load_events
from openbenefits.events.models import Activity, Event, Message
from openbenefits.events.rules import EVENT_KEY
from openbenefits.events.services import request_finalize
from openbenefits.events.windows import EventPlace
from openbenefits.repair.proposals import due_order
from openbenefits.repair.rules import AGAIN
from openbenefits.repair.services import Consequences, RepairOrder, rehearse, repair
from openbenefits.reports.services import issue_enrollment_statements, reprint
from openbenefits.review.rules import actions
from openbenefits.runs.services import RunOrder, run
from openbenefits.workforce.recording import lock_people


class DemandRefused(ValueError):
    """What cannot be done about an event where it stands: what was expected, what found, what to do."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Who asks, for which day, and which codes of audits may stand, each with its reason."""

    as_of: date
    now: datetime
    author: str
    accepted: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Done:
    """What came of it: the event's place, where it stands now, the run, the codes of its messages."""

    place: EventPlace
    process_status: str | None
    event_status: str
    run_id: int
    messages: tuple[str, ...]


ACTIONS = {
    "action": pl.String(),
    "is_enabled": pl.Boolean(),
    "meaning": pl.String(),
    "command": pl.String(),
    "why_not": pl.String(),
}


def actions_of(connection: Any, place: EventPlace) -> pl.DataFrame:
    """List what may be done about an event now, and of the rest why not; as ACTIONS.

    Errors: DemandRefused if there is no such event.
    """
    event = _event(connection, place)
    rows = []
    for action, meaning in actions.MEANING.items():
        why_not = actions.refusal(action, event.event_status, event.process_status)
        rows.append((action, why_not is None, meaning, actions.COMMANDS[action], why_not))
    return pl.DataFrame(rows, schema=ACTIONS, orient="row")


def prepare_event(connection: Any, place: EventPlace, asked: Asked) -> Done:
    """Prepare an event now, whatever its day and place; what was in process is put back.

    Errors: DemandRefused where it is prepared already, or final; gate.RunHeld.
    """
    _refuse(connection, place, actions.PREPARE)
    return _run(connection, place, asked, through=Level.OPTIONS)


def prepare_activity(connection: Any, activity: ActivityPlace, schedule_id: int, asked: Asked) -> Done:
    """Make an event of the activity somebody picked, and prepare it; what was in process is put back.

    New facts of the person are read first, so that what was saved a moment ago can be picked.

    Errors: DemandRefused where no such activity waits, or it is held; gate.RunHeld.
    """
    order = _order(activity.client_id, activity.person_id, schedule_id, asked)
    run(connection, order(through=Level.SCHEDULE), now=asked.now)
    known = Activity.objects.using(connection.alias).filter(**activity.key()).first()
    if known is None:
        waiting = Activity.objects.using(connection.alias).filter(
            client_id=activity.client_id, person_id=activity.person_id, event_number__isnull=True
        )
        raise DemandRefused(
            f"expected activity {activity.source} {activity.bas_action} of {activity.event_on}, found none;"
            f" {waiting.count()} others wait. `openbenefits event activity list` names them"
        )
    if known.event_number is None:
        raise DemandRefused(
            "expected activity that becomes an event, found one that is held; admit it with"
            " `openbenefits event activity admit`"
        )
    place = EventPlace(
        client_id=activity.client_id,
        person_id=activity.person_id,
        benefit_record=activity.benefit_record,
        schedule_id=known.schedule_id or schedule_id,
        event_number=known.event_number,
    )
    return prepare_event(connection, place, asked)


def settle_event(connection: Any, place: EventPlace, asked: Asked, *, with_defaults: bool) -> Done:
    """Check the elections of an event and load them; `with_defaults` for what is open or invalid.

    Only this event is finalised: later ones of the person are prepared at most.

    Errors: DemandRefused by its status; gate.RunHeld.
    """
    _refuse(connection, place, actions.FINALISE if with_defaults else actions.VALIDATE)
    if with_defaults:
        with transaction.atomic(using=connection.alias):
            lock_people(place.client_id, pl.Series([place.person_id], dtype=pl.Int64))
            request_finalize(connection, _frame(connection, place))
    return _run(connection, place, asked, through=Level.ELECTIONS)


def reprocess_event(
    connection: Any, place: EventPlace, asked: Asked, *, reason: str, is_rehearsal: bool
) -> Consequences:
    """Decide an event again, with the later final ones of its benefit record, or show what that would change.

    Errors: DemandRefused by its status; repair.RepairRefused.
    """
    _refuse(connection, place, actions.REPROCESS)
    known = _frame(connection, place)
    days = due_order(place.client_id, asked.as_of, asked.author)
    order = RepairOrder(
        client_id=place.client_id,
        targets=known.select(*EVENT_KEY, kind=pl.lit(AGAIN), to_on=pl.lit(None, pl.Date)),
        as_of=asked.as_of,
        begin=days.begin,
        through=days.through,
        reason=reason,
        author=asked.author,
    )
    return (rehearse if is_rehearsal else repair)(connection, order, now=asked.now)


def issue_statement(connection: Any, place: EventPlace, asked: Asked, *, folder: Path) -> Path:
    """Issue the enrolment statement of an event (PR becomes NT), or print it again (NT).

    Errors: DemandRefused by its status, or where the event prints no such letter yet.
    """
    event = _refuse(connection, place, actions.STATEMENT)
    if event.process_status == ProcessStatus.NT:
        again = reprint(
            connection,
            place.schedule_id,
            kind="enrollment",
            person_ids=[place.person_id],
            name=f"{place.person_id}-{place.event_number}",
            folder=folder,
        )
        if again is not None:
            return again
    issued = issue_enrollment_statements(
        connection,
        place.schedule_id,
        folder=folder,
        on=asked.now.date(),
        now=asked.now,
        actor=asked.author,
        person_ids=[place.person_id],
    )
    if not issued.files:
        raise DemandRefused(
            "expected an event that prints an enrolment statement today, found none: its class or"
            " its own `forms` leave it out, it is too early, or not open; see `openbenefits review controls`"
        )
    return issued.files[0]


# --- shared -------------------------------------------------------------------------------------------------


def _refuse(connection: Any, place: EventPlace, action: str) -> Event:
    event = _event(connection, place)
    why_not = actions.refusal(action, event.event_status, event.process_status)
    if why_not is not None:
        raise DemandRefused(why_not)
    return event


def _event(connection: Any, place: EventPlace) -> Event:
    found: Event | None = Event.objects.using(connection.alias).filter(**place.key()).first()
    if found is None:
        raise DemandRefused(
            "expected an event of this person, benefit record, schedule and number, found none; correct them"
        )
    return found


def _frame(connection: Any, place: EventPlace) -> pl.DataFrame:
    key = pl.DataFrame([{"client_id": place.client_id, "person_id": place.person_id}])
    return load_events(connection, key).filter(**place.key())


def _order(client_id: int, person_id: int, schedule_id: int, asked: Asked) -> Any:
    """Answer a function that makes the order of a run about one person."""

    def make(**more: Any) -> RunOrder:
        return RunOrder(
            client_id=client_id,
            schedule_id=schedule_id,
            as_of=asked.as_of,
            people=[person_id],
            started_by=asked.author,
            accepted=asked.accepted,
            **more,
        )

    return make


def _run(connection: Any, place: EventPlace, asked: Asked, *, through: Level) -> Done:
    order = _order(place.client_id, place.person_id, place.schedule_id, asked)
    done = run(connection, order(through=through, event_number=place.event_number), now=asked.now, workers=1)
    event = _event(connection, place)
    said = Message.objects.using(connection.alias).filter(**place.key(), is_current=True)
    codes = said.order_by("code").values_list("code", flat=True).distinct()
    return Done(
        place=place,
        process_status=event.process_status,
        event_status=event.event_status,
        run_id=done.run_id,
        messages=tuple(codes),
    )
