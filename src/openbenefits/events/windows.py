"""The window of one event, let end later by somebody, with a reason (docs/rules.md §14.4, rulings §1.5).

An act is written once and never changed; the event's history gets a step. Nothing shortens a window.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core.codes import PROCESS_STATUS_NAMES, EventStatus, WindowActKind
from openbenefits.events import models, rules
from openbenefits.events.services import record_steps
from openbenefits.store.locks import lock_rows

_GONE = {
    str(EventStatus.VOID): "void",
    str(EventStatus.DISCONNECTED): "disconnected from the fact that caused it",
}
_PAST = {WindowActKind.EXTEND: "extended", WindowActKind.REOPEN: "reopened"}


class WindowRefused(ValueError):
    """A window that cannot be changed so: what was expected, what was found, what to do."""


@dataclass(frozen=True, kw_only=True)
class EventPlace:
    """Which event: its participant, benefit record, schedule and number."""

    client_id: int
    person_id: int
    benefit_record: int
    schedule_id: int
    event_number: int

    def key(self) -> dict[str, int]:
        """Answer the columns that identify it."""
        return {name: getattr(self, name) for name in rules.EVENT_KEY}


def extend_window(
    connection: Any, place: EventPlace, *, until: date, reason: str, author: str, now: datetime
) -> models.WindowAct:
    """Move the last day of a window that still runs to a later one.

    Errors: WindowRefused for an event that is final, void, disconnected or without a window, a window that
            has ended, a last day that is not later, no reason, no author, people a run is working on.
    """
    return _act(connection, place, WindowActKind.EXTEND, until, reason, author, now)


def reopen_window(
    connection: Any, place: EventPlace, *, until: date, reason: str, author: str, now: datetime
) -> models.WindowAct:
    """Give a window that has ended a new last day, not before the day of the act.

    Errors: WindowRefused as for `extend_window`; for a window that still runs too.
    """
    return _act(connection, place, WindowActKind.REOPEN, until, reason, author, now)


def acts_of(place: EventPlace) -> list[models.WindowAct]:
    """List what was done to the window of an event, in order."""
    return list(models.WindowAct.objects.filter(**place.key()).order_by("number"))


def _act(
    connection: Any,
    place: EventPlace,
    kind: WindowActKind,
    until: date,
    reason: str,
    author: str,
    now: datetime,
) -> models.WindowAct:
    _refuse_unsaid(reason, author)
    with transaction.atomic(using=connection.alias):
        _lock(connection, place)
        event = models.Event.objects.using(connection.alias).filter(**place.key()).first()
        ended_on = _ended_on(event)
        refuse_date(kind, ended_on, until, now.date())
        number = models.WindowAct.objects.using(connection.alias).filter(**place.key()).count() + 1
        act = models.WindowAct.objects.using(connection.alias).create(
            **place.key(),
            number=number,
            kind=str(kind),
            ended_on=ended_on,
            ends_on=until,
            reason=reason.strip(),
            author=author.strip(),
            acted_at=now,
        )
        _write(connection, place, event, act)
    return act


def _refuse_unsaid(reason: str, author: str) -> None:
    for what, text in (("reason", reason), ("author", author)):
        if not text.strip():
            message = f"expected a {what}, found none: say why and who lets the window end later"
            raise WindowRefused(message)


def _lock(connection: Any, place: EventPlace) -> None:
    keys = pl.DataFrame({"id": [place.person_id]}, schema={"id": pl.Int64})
    locked, _ = lock_rows(connection, "workforce_person", keys)
    if locked.is_empty():
        message = "somebody else is working on this person, or the person is not known; try again later"
        raise WindowRefused(message)


def _ended_on(event: models.Event | None) -> date:
    """Answer the last day of the window of an event that may still get a longer one."""
    if event is None:
        message = (
            "expected an event of this person, benefit record, schedule and number, found none; correct them"
        )
        raise WindowRefused(message)
    if event.event_status in _GONE:
        found = _GONE[event.event_status]
        message = f"expected an event that lives, found one that is {found}; nothing can be elected in it"
        raise WindowRefused(message)
    if event.process_status in rules.FINAL:
        name = PROCESS_STATUS_NAMES[event.process_status]
        message = (
            f"expected an event that is not final, found {event.process_status} ({name}); its window stays as"
            " it is. Reopen the event for re-entry first"
        )
        raise WindowRefused(message)
    if event.window_ends_on is None:
        message = (
            "expected an event with a window, found one whose window has not begun; it begins when the event"
            " is prepared, or with the notice where its class counts from that"
        )
        raise WindowRefused(message)
    return event.window_ends_on


def refuse_date(kind: WindowActKind, ended_on: date, until: date, on: date) -> None:
    """Refuse a new last day of a window, as of the day of the act.

    Errors: WindowRefused for a window that has (not) ended, and for a day that is not later or has passed.
    """
    has_ended = ended_on < on
    if kind is WindowActKind.EXTEND and has_ended:
        message = f"expected a window that still runs, found one that ended on {ended_on}; reopen it instead"
        raise WindowRefused(message)
    if kind is WindowActKind.REOPEN and not has_ended:
        message = f"expected a window that has ended, found one that runs until {ended_on}; extend it instead"
        raise WindowRefused(message)
    if until <= ended_on:
        message = f"expected a last day after {ended_on}, found {until}; a window is never shortened"
        raise WindowRefused(message)
    if until < on:
        message = f"expected a last day not before {on}, found {until}; nobody could elect in that window"
        raise WindowRefused(message)


def _write(connection: Any, place: EventPlace, event: Any, act: models.WindowAct) -> None:
    """Move the event's last day, take back an order to finalise it, and append a step to its history."""
    events = models.Event.objects.using(connection.alias).filter(**place.key())
    events.update(window_ends_on=act.ends_on, finalize_requested=False, steps=event.steps + 1)
    step = {
        **place.key(),
        "step": event.steps + 1,
        "from_status": event.process_status,
        "to_status": event.process_status,
        "event_status": event.event_status,
        "cause": f"window {_PAST[WindowActKind(act.kind)]} until {act.ends_on}: {act.reason}",
    }
    schema = {"from_status": pl.String, "to_status": pl.String}
    steps = pl.DataFrame([step], schema_overrides=schema)
    record_steps(connection, steps, run_id=None, actor=act.author, now=act.acted_at)
