"""What happened at the platform: a subscription, read on from our own mark, so that a crash reads it again.

A notice by webhook is only a hint to read. Events may come twice and out of order: what they name is read
anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from openbenefits.platform.client.faults import NotReached
from openbenefits.platform.client.session import Session, listed
from openbenefits.platform.client.values import text

AT_ONCE = 500
MOST_READS = 10_000


@dataclass(frozen=True, kw_only=True)
class Happening:
    """Something that changed there: which kind of record, of whom, what happened to it."""

    number: str
    schema: str
    kind: str
    action: str  # insert, update, delete, or whatever else it says
    clients: tuple[str, ...]
    about: str  # usually an employee
    fields: tuple[str, ...]
    at: str


def subscribe(session: Session, tag: str, classes: Sequence[tuple[str, str]], webhook: str = "") -> str:
    """Subscribe to kinds of record under a tag of ours; the one of that tag is used again."""
    for one in session.rows("getAllSubscriptions", userStringId=tag):
        if text(one.get("userStringId")) == tag:
            return text(one["subscriptionId"])
    first, *others = classes
    answer = session.call(
        "createSubscription",
        schemaName=first[0],
        className=first[1],
        userStringId=tag,
        description="openbenefits",
        webhookUrls=webhook,
    )
    found = answer.get("subscription") or answer
    number = text(found.get("subscriptionId"))
    if not number:
        raise NotReached("createSubscription: expected the number of a subscription, found none")
    for schema, name in others:
        session.call("appendFilter", subscriptionId=number, schemaName=schema, className=name)
    return number


def since(session: Session, subscription: str, replay: str) -> tuple[list[Happening], str]:
    """Read what happened since a mark; answer it with the mark to go on from.

    Reading goes on until nothing more comes: a page with less than was asked for may be a part (206), or have
    others behind it. What comes twice is told once.
    """
    found: dict[str, Happening] = {}
    mark = replay
    for _ in range(MOST_READS):
        answer = session.call(
            "getEvents", subscriptionId=subscription, replayId=mark or "0", numberOfEvents=AT_ONCE
        )
        part = listed(answer, "events")
        found |= {one.number: one for one in map(_read, part)}
        after = text(answer.get("nextEvent")) or mark
        is_more = bool(answer.get("isPartial")) or bool(part)
        if after == mark or not is_more:
            return list(found.values()), after
        mark = after
    raise NotReached("getEvents: expected the events to end, and they do not")


def _read(event: Any) -> Happening:
    if not isinstance(event, dict):
        raise NotReached("getEvents: expected events, found something else")
    clients = event.get("clientId") or []
    return Happening(
        number=text(event.get("eventId")),
        schema=text(event.get("schemaName")),
        kind=text(event.get("className")),
        action=_action(text(event.get("action"))),
        clients=tuple(map(text, clients if isinstance(clients, list) else [clients])),
        about=text(event.get("objectId")),
        fields=tuple(map(text, event.get("modifiedAttribute") or ())),
        at=text(event.get("eventTimestamp")),
    )


def _action(said: str) -> str:
    """Its words are not published: they are matched by how they begin."""
    word = said.casefold()
    for beginnings, action in ((("add", "ins", "cre"), "insert"), (("del", "rem"), "delete")):
        if word.startswith(beginnings):
            return action
    return "update" if word.startswith(("cha", "upd", "mod")) else word


def moment(value: str) -> datetime | None:
    """Read when something happened; none if it is not said."""
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None
