"""Carrying out what an administrator orders in a story."""

from datetime import date, datetime
from typing import Any

import polars as pl

from openbenefits.events.activity import ActivityPlace, enter_activity
from openbenefits.events.frames import load_events
from openbenefits.events.rules import EVENT_KEY
from openbenefits.repair.services import RepairOrder, repair
from openbenefits.scenarios.cast import Cast, StoryMistake
from openbenefits.scenarios.databases import BY, CLIENT_ID
from openbenefits.scenarios.frames import EVENTS, Row, rows_of
from openbenefits.scenarios.orders import EnterActivityPart, OperatePart

REASON = "the story says so"


def operate(connection: Any, cast: Cast, part: OperatePart, on: date, now: datetime) -> None:
    """Carry an operation out on one event (docs/rules.md §19).

    Errors: StoryMistake where there is no such event; repair.RepairRefused.
    """
    person_id = cast.person(part.person)
    event = _event_of(connection, cast, part, person_id)
    people = pl.DataFrame(
        [(CLIENT_ID, person_id)], schema={"client_id": pl.Int32, "person_id": pl.Int64}, orient="row"
    )
    found = load_events(connection, people).filter(
        schedule_id=event["schedule_id"], event_number=event["event_number"]
    )
    asked = {
        "kind": pl.lit(part.kind),
        "to_on": pl.lit(part.to, pl.Date),
        "to_record": pl.lit(None, pl.Int16),
    }
    order = RepairOrder(
        client_id=CLIENT_ID,
        targets=found.select(*EVENT_KEY, **asked),
        as_of=on,
        begin=on,
        through=on,
        reason=REASON,
        author=BY,
    )
    repair(connection, order, now=now)


def _event_of(connection: Any, cast: Cast, part: OperatePart, person_id: int) -> Row:
    rows = rows_of(connection, EVENTS, {"client": CLIENT_ID, "person": person_id})
    if part.event_class is not None:
        rows = [row for row in rows if cast.names.code(row["event_class_id"]) == part.event_class]
    if part.dated is not None:
        rows = [row for row in rows if row["event_on"] == part.dated]
    if not rows:
        raise StoryMistake("expected an event of that class and day, found none")
    return max(rows, key=lambda row: (row["status_at"], row["event_on"]))


def enter(connection: Any, cast: Cast, part: EnterActivityPart, on: date, now: datetime) -> None:
    """Enter activity by hand (docs/rules.md §15.6).

    Errors: events.activity.ActivityRefused.
    """
    place = ActivityPlace(
        client_id=CLIENT_ID,
        person_id=cast.person(part.person),
        event_on=part.effective or on,
        bas_action=part.event_class,
    )
    enter_activity(connection, place, reason=REASON, author=BY, now=now)
