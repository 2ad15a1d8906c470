"""What a worker does with the platform: looks at it, sends, takes in; one at a time for each client."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from openbenefits.platform import families
from openbenefits.platform.client.faults import NotThere
from openbenefits.platform.client.happenings import Happening, since, subscribe
from openbenefits.platform.client.session import Patience, Session
from openbenefits.platform.client.values import text
from openbenefits.platform.connecting import known, session_of
from openbenefits.platform.hints import address_of
from openbenefits.platform.inbound import collect, take_in
from openbenefits.platform.looking import Asked, look, read_vouchers
from openbenefits.platform.models import Link, Look
from openbenefits.platform.outbound import AGAIN, SETTLES, Clock, Sending, due, send_due
from openbenefits.platform.owner import stops
from openbenefits.platform.pays import PaysTaken, take_pays
from openbenefits.platform.unsettled import follow
from openbenefits.store.catalogue import psycopg_connection

LOCK = 0x7A11
PAYS_BACK = timedelta(days=45)
"""How far back the pays of a look go, unless asked otherwise."""
Say = Callable[[int, int], None]


class Busy(ValueError):
    """Somebody else exchanges with the platform for this client just now."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """An exchange about one client: by whom, as of which day, with how much patience."""

    connection: Any
    client_id: int
    author: str
    today: date
    clock: Clock
    say: Say | None = None
    patience: Patience | None = None
    settles: timedelta = SETTLES
    again: timedelta = AGAIN


@contextmanager
def alone(connection: Any, client_id: int) -> Iterator[None]:
    """Hold the lock of a client's exchange for this session.

    Errors: Busy.
    """
    session = psycopg_connection(connection)
    held = session.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK, client_id]).fetchone()
    if not held or not held[0]:
        raise Busy("expected nobody else exchanging with the platform for this client, found one; wait")
    try:
        yield
    finally:
        session.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK, client_id])


def look_at(work: Work, begin: date | None = None, through: date | None = None) -> Look:
    """Look at everything of a client there, with the pays of a span of checks.

    Errors: NotLinked, Busy, those of `client.faults`.
    """
    found = known(work.client_id)
    asked = Asked(
        known=found,
        pays_from=begin or work.today - PAYS_BACK,
        pays_through=through or work.today,
        author=work.author,
        now=work.clock(),
        say=work.say,
    )
    with alone(work.connection, work.client_id), session_of(found.connection, work.patience) as session:
        return look(work.connection, session, asked)


def send(work: Work, *, despite: str = "") -> dict[str, int]:
    """Send what is due of a client, and read it back; answer how many changes came to which state.

    Who corrects deductions is asked of the platform itself before (rulings §5.4); a contradiction holds every
    correction. despite: why deductions that do not agree keep nothing from being sent.

    Errors: NotLinked, Busy, those of `client.faults`.
    """
    found = known(work.client_id)
    if not due(work.client_id, work.clock()):
        return {}
    with alone(work.connection, work.client_id), session_of(found.connection, work.patience) as session:
        client = found.link.external_id
        sending = Sending(
            session=session,
            client=client,
            clock=work.clock,
            stops=stops(work.connection, session, work.client_id, client, work.today, despite),
            settles=work.settles,
            again=work.again,
            fill=families.filled(work.connection, work.today),
            read_back=families.read_back(work.connection, work.today),
            say=work.say,
        )
        begun = work.clock()
        came = send_due(work.client_id, sending)
    follow(work.client_id, begun, now=work.clock())
    return came


SURELY_KEPT = timedelta(days=3)
"""For how long events are taken to be kept there; for how long they are is not published."""
SUBSCRIBED = (("Employee", "Person"), ("Employee", "Client"), ("Employee", "Compensation"))


def sync(work: Work, *, is_whole: bool = False) -> Mapping[str, int]:
    """Take in what changed there since the last time: events from our mark, employees read anew, facts made.

    The mark moves only after the facts are made, so that a crash reads the same once more. is_whole:
    everybody is read, whatever the events say. The first time everybody is, and where events may be missing:
    the subscription is gone there, or nobody has read for longer than events are surely kept.

    Errors: NotLinked, Busy, those of `client.faults`.
    """
    found = known(work.client_id)
    link, client = found.link, found.link.external_id
    with alone(work.connection, work.client_id), session_of(found.connection, work.patience) as session:
        is_first = not link.subscription
        if is_first:
            link.subscription = subscribe(session, f"openbenefits {client}", SUBSCRIBED)
        told, mark, is_lost = _events(session, link, work.clock())
        ids = {one.about for one in told if client in one.clients and one.about}
        if is_first or is_whole or is_lost:
            ids |= {text(one) for one in session.rows("getEmployeeList", clientId=client)}
        now = work.clock()
        queued = collect(session, work.client_id, client, sorted(ids), now=now)
    taken = take_in(work.client_id, as_of=work.today, author=work.author, now=now)
    link.replay, link.synced_at = mark, now
    link.save(update_fields=["subscription", "replay", "synced_at"])
    return {"events": len(told), "employees": len(ids), "queued": queued, **taken.states}


def _events(session: Session, link: Link, now: datetime) -> tuple[list[Happening], str, bool]:
    """Read events from our mark; answer them, the mark to go on from, and whether some may be missing."""
    is_late = link.synced_at is not None and now - link.synced_at > SURELY_KEPT
    try:
        return *since(session, link.subscription, link.replay), is_late
    except NotThere:
        link.subscription = subscribe(session, f"openbenefits {link.external_id}", SUBSCRIBED)
        return *since(session, link.subscription, ""), True


def listen(work: Work) -> str:
    """Have the platform tell of changes to a client at an address of ours; answer that address.

    A subscription cannot be given an address afterwards: the one there is ends, another takes its place, and
    the next sync goes on from our mark.

    Errors: NotLinked, Busy, those of `client.faults`; Refused where the platform cannot reach the address.
    """
    found = known(work.client_id)
    link, tag = found.link, f"openbenefits {found.link.external_id}"
    address = address_of(link)
    with alone(work.connection, work.client_id), session_of(found.connection, work.patience) as session:
        if link.subscription:
            session.call("cancelSubscription", subscriptionId=link.subscription)
        link.subscription = ""
        link.save(update_fields=["subscription"])
        link.subscription = subscribe(session, tag, SUBSCRIBED, address)
        link.save(update_fields=["subscription"])
    return address


def take_vouchers(work: Work, begin: date, through: date) -> PaysTaken:
    """Take what the posted pays of a span of checks took into the ledger.

    Errors: NotLinked, Busy, those of `client.faults`; FileRefused.
    """
    found = known(work.client_id)
    with alone(work.connection, work.client_id), session_of(found.connection, work.patience) as session:
        return take_pays(
            work.connection,
            session,
            found,
            begin=begin,
            through=through,
            author=work.author,
            now=work.clock(),
        )


def vouchers_of(work: Work, begin: date, through: date) -> list[Any]:
    """Read the vouchers that hold of a span of checks, as they are there; nothing is taken in.

    Errors: NotLinked, Busy, those of `client.faults`.
    """
    found = known(work.client_id)
    with alone(work.connection, work.client_id), session_of(found.connection, work.patience) as session:
        return read_vouchers(session, found, begin, through)


def fixed(moment: datetime) -> Clock:
    """Answer a clock that stands."""
    return lambda: moment
