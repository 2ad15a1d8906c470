"""What is written to the platform: planned, sent, answered, read back; each a row, each step kept.

The row says `sent` before anything is sent, in a transaction of its own. Whatever happens then (no answer, a
killed worker), what is `sent` is read back before anything else is tried, and not before the platform had
time to finish. So a change is there once, or a person is told.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import transaction

from openbenefits.platform.client.faults import (
    Busy,
    Hidden,
    NotGranted,
    NotReached,
    NotThere,
    PlatformFault,
    Refused,
    Stale,
    Unsure,
)
from openbenefits.platform.client.session import Session
from openbenefits.platform.connecting import external_ids
from openbenefits.platform.elements import ELEMENTS, Element, NotReady, Place, Wanted, differing
from openbenefits.platform.models import OutboundChange, OutboundStep

Clock = Callable[[], datetime]
MOST_ATTEMPTS = 5
MOST_WORDS = 500
SETTLES = timedelta(minutes=2)
"""So long after a lost answer the platform may still be at it: it is read back no earlier."""
AGAIN = timedelta(minutes=5)
"""So long after the platform was busy or not reached."""
LONGEST = timedelta(days=1)
"""So long at most, whatever wait it asks for."""
ODD = (LookupError, TypeError, AttributeError, ValueError)
"""What reading a record raises that is built otherwise than documented."""


class State(StrEnum):
    """How far an outbound change has come."""

    PLANNED = "planned"
    HELD = "held"  # something must be right first; `told` says what
    SENT = "sent"  # nobody knows whether it is there
    ANSWERED = "answered"  # taken; not read back yet
    EQUAL = "equal"  # read back as it was to be
    DIFFERENT = "different"  # read back otherwise; a person decides
    FAILED = "failed"  # refused, or tried too often; a person decides
    REPLACED = "replaced"  # another one of the same record was planned before it was sent
    CANCELLED = "cancelled"


OPEN = (State.PLANNED, State.HELD, State.SENT, State.ANSWERED)
ENDED = tuple(state for state in State if state not in OPEN)


class ChangeRefused(ValueError):
    """A change that cannot be planned, or altered: what was expected, what was found, what to do."""


@dataclass(frozen=True, kw_only=True)
class ChangeOrder:
    """A record that is to be something there.

    key: which record of the element it is. wanted: its fields, in the platform's words.
    cause: why, so that it can be found again: an audit and its row, an export.
    """

    client_id: int
    element: str
    key: str
    wanted: Mapping[str, Any]
    cause: str
    reason: str
    person_id: int | None = None
    held: str = ""  # what must be right first


def plan(order: ChangeOrder, *, author: str, now: datetime) -> OutboundChange:
    """Plan a change; the same again while it is open is one, another takes the place of what was not sent.

    Errors: ChangeRefused for an element there is not, without a reason, or while one is on its way.
    """
    _refuse_nonsense(order)
    with transaction.atomic():
        standing = OutboundChange.objects.select_for_update().filter(
            client_id=order.client_id, element=order.element, key=order.key, state__in=OPEN
        )
        found = standing.first()
        if found is not None and found.wanted == dict(order.wanted):
            if found.state == State.HELD and not order.held:
                _move(found, State.PLANNED, "what held it is right now", now, next_at=now)
            return found
        if found is not None and found.state not in (State.PLANNED, State.HELD):
            raise ChangeRefused(
                f"expected a record that nothing is on its way to, found change {found.pk} sent and not read"
                " back; wait for it"
            )
        if found is not None:
            _move(found, State.REPLACED, "another change of the same record took its place", now)
        state = State.HELD if order.held else State.PLANNED
        made = OutboundChange.objects.create(
            client_id=order.client_id,
            person_id=order.person_id,
            element=order.element,
            key=order.key,
            wanted=dict(order.wanted),
            cause=order.cause,
            reason=order.reason,
            author=author,
            planned_at=now,
            next_at=now,
        )
        _move(made, state, order.held, now)
    return made


def _refuse_nonsense(order: ChangeOrder) -> None:
    if order.element not in ELEMENTS:
        raise ChangeRefused(f"expected one of {', '.join(ELEMENTS)}, found '{order.element}'")
    if not order.reason.strip():
        raise ChangeRefused("a change needs a reason: expected words, found none; state it")
    if ELEMENTS[order.element].of_person and order.person_id is None:
        raise ChangeRefused(f"expected the person the {order.element} is of, found nobody; name him")


def cancel(change: OutboundChange, *, told: str, now: datetime) -> None:
    """Give a change up that was not sent.

    Errors: ChangeRefused for one that was.
    """
    with transaction.atomic():
        found = OutboundChange.objects.select_for_update().get(pk=change.pk)
        if found.state not in (State.PLANNED, State.HELD):
            raise ChangeRefused(f"expected a change that was not sent, found it {found.state}; too late")
        _move(found, State.CANCELLED, told, now)


def again(change: OutboundChange, *, author: str, reason: str, now: datetime) -> OutboundChange:
    """Plan once more what failed or was read back otherwise; it is read back before it is written."""
    if change.state not in (State.FAILED, State.DIFFERENT, State.CANCELLED, State.HELD):
        raise ChangeRefused(f"expected a change that ended badly, found it {change.state}; nothing to repeat")
    order = ChangeOrder(
        client_id=change.client_id,
        element=change.element,
        key=change.key,
        wanted=change.wanted,
        cause=change.cause,
        reason=reason,
        person_id=change.person_id,
    )
    return plan(order, author=author, now=now)


def as_planned(change: OutboundChange) -> Wanted:
    """Answer what a change says."""
    wanted: Wanted = change.wanted
    return wanted


# --- sending ------------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Sending:
    """What is needed to send, and what came of it: how many changes ended in which state."""

    session: Session
    client: str  # there
    clock: Clock
    stops: Mapping[str, str] = field(default_factory=dict)  # by element: why it may not be sent
    settles: timedelta = SETTLES
    again: timedelta = AGAIN
    came: dict[str, int] = field(default_factory=dict)
    fill: Callable[[OutboundChange], Wanted] = as_planned  # what is not kept with a change is filled in
    read_back: Callable[[OutboundChange, Wanted], None] = lambda *_: None  # told what reads back as wanted
    say: Callable[[int, int], None] | None = None


def due(client_id: int, now: datetime) -> list[OutboundChange]:
    """List what may be sent or read back now, in the order in which it was planned."""
    states = (State.PLANNED, State.SENT, State.ANSWERED)
    rows = OutboundChange.objects.filter(client_id=client_id, state__in=states, next_at__lte=now)
    return list(rows.order_by("pk"))


def send_due(client_id: int, sending: Sending) -> dict[str, int]:
    """Send what is due of a client, one after another; answer how many ended in which state.

    One sender at a time: the caller sees to it. A fault of one change never keeps the others.
    """
    people = external_ids(client_id)
    waiting = due(client_id, sending.clock())
    for number, change in enumerate(waiting):
        if sending.say is not None:
            sending.say(number, len(waiting))
        _advance(change, people, sending)
        sending.came[change.state] = sending.came.get(change.state, 0) + 1
    return sending.came


def _advance(change: OutboundChange, people: Mapping[int, str], sending: Sending) -> None:
    """Take one change as far as it goes."""
    element = ELEMENTS[change.element]
    now = sending.clock()
    if element.name in sending.stops and change.state == State.PLANNED:
        _move(change, State.HELD, sending.stops[element.name], now)
        return
    if element.of_person and change.person_id not in people:
        _move(change, State.HELD, "expected somebody known there, found no number of his; say who he is", now)
        return
    place = Place(
        session=sending.session,
        client=sending.client,
        employee=people[change.person_id] if element.of_person and change.person_id else "",
    )
    try:
        wanted = sending.fill(change)
        if not _is_settled(change, element, wanted, place, sending):
            _write(change, element, wanted, place, sending)
    except NotReady as fault:
        _move(change, State.HELD, str(fault), sending.clock())
    except Unsure as fault:
        _wait(change, State.SENT, fault, sending.clock() + sending.settles, sending)
    except (Busy, NotReached, Stale) as fault:
        asked = timedelta(seconds=(isinstance(fault, Busy) and fault.wait) or 0)
        until = sending.clock() + max(sending.again, min(asked, LONGEST))
        _wait(change, State(change.state), fault, until, sending)
    except PlatformFault as fault:
        is_sent = change.state in (State.SENT, State.ANSWERED)
        told = f"sent, and could not be read back: {fault}" if is_sent else str(fault)
        _move(change, State.FAILED, told, sending.clock())


def _is_settled(
    change: OutboundChange, element: Element, wanted: Wanted, place: Place, sending: Sending
) -> bool:
    """Read what is there: what is as wanted ends, what was answered and is otherwise ends, too."""
    try:
        there = element.find(place, wanted)
        names = differing(wanted, there)
    except (PlatformFault, NotReady):
        raise
    except ODD as fault:
        raise NotReached(f"found a record of another shape ({type(fault).__name__})") from None
    now = sending.clock()
    if not names:
        sending.read_back(change, there or {})
        told = "" if change.attempts else "it was there already"
        _move(change, State.EQUAL, told, now, read_back_at=now, differs=[])
        return True
    was_answered = change.state == State.ANSWERED
    is_there_otherwise = element.creates and there is not None and change.attempts > 0
    if was_answered or is_there_otherwise:
        told = "read back otherwise: " + ", ".join(names)
        _move(change, State.DIFFERENT, told, now, read_back_at=now, differs=names)
        return True
    if change.attempts >= MOST_ATTEMPTS:
        _move(change, State.FAILED, f"not there after {change.attempts} attempts", now)
        return True
    return False


def _write(change: OutboundChange, element: Element, wanted: Wanted, place: Place, sending: Sending) -> None:
    now = sending.clock()
    _move(
        change, State.SENT, "", now, sent_at=now, attempts=change.attempts + 1, next_at=now + sending.settles
    )
    try:
        element.write(place, wanted)
    except (Busy, NotReached, Stale):
        _move(change, State.PLANNED, "not taken", sending.clock())
        raise
    except (Refused, NotGranted, NotThere, Hidden) as fault:
        _move(change, State.FAILED, str(fault), sending.clock())
        return
    except (PlatformFault, NotReady):
        raise
    except ODD as fault:
        raise Unsure(f"an answer of another shape ({type(fault).__name__})") from None
    now = sending.clock()
    _move(change, State.ANSWERED, "", now, answered_at=now)
    _is_settled(change, element, wanted, place, sending)


def _wait(change: OutboundChange, state: State, fault: Exception, until: datetime, sending: Sending) -> None:
    if state == State.PLANNED and change.attempts >= MOST_ATTEMPTS:
        _move(change, State.FAILED, str(fault), sending.clock())
        return
    _move(change, state, str(fault), sending.clock(), next_at=until)


def _move(change: OutboundChange, state: State, told: str, now: datetime, **fields: Any) -> None:
    """Write down how far a change has come, with its step, at once."""
    change.state, change.told = str(state), told[:MOST_WORDS]
    for name, value in fields.items():
        setattr(change, name, value)
    names = ["state", "told", *fields]
    if state in ENDED:
        change.ended_at = now
        names.append("ended_at")
    with transaction.atomic():
        change.save(update_fields=names)
        OutboundStep.objects.create(
            client_id=change.client_id,
            person_id=change.person_id,
            change_id=change.pk,
            state=change.state,
            at=now,
            told=change.told,
        )
