"""Connections to platforms: kept sealed, opened by the worker alone; which client there one of ours is."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from openbenefits.platform.client.paging import Reading
from openbenefits.platform.client.session import Credentials, Patience, Session
from openbenefits.platform.models import Connection, Link, PersonLink
from openbenefits.store.secrets import open_file, seal_file
from openbenefits.workforce.models import Person

LOCAL = ("127.0.0.1", "localhost", "::1")


class LinkRefused(ValueError):
    """A connection or link that cannot be: what was expected, what was found, what to change."""


class NotLinked(LookupError):
    """A client of ours that is no client of any platform."""


@dataclass(frozen=True, kw_only=True)
class ConnectionOrder:
    """A platform, and as whom one comes in there. client_id 0: for every client."""

    client_id: int
    code: str
    base_url: str
    peo_id: str = field(repr=False)
    username: str = field(repr=False)
    password: str = field(repr=False)
    reading: Reading = Reading.RECORDS


@dataclass(frozen=True, kw_only=True)
class Known:
    """A client of ours at its platform."""

    link: Link
    connection: Connection

    @property
    def reading(self) -> Reading:
        return Reading(self.connection.reading)


def connect(order: ConnectionOrder, *, author: str, now: datetime) -> Connection:
    """Keep a connection, or state one anew; nothing is asked of the platform.

    Errors: LinkRefused for an address that is not https (but on this machine).
    """
    parts = urlsplit(order.base_url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOCAL):
        raise LinkRefused("expected an address that begins with https://, found another; correct it")
    if not (order.code.strip() and order.peo_id and order.username and order.password):
        raise LinkRefused("expected a code, PEO number, user and password, found a blank; fill it in")
    secret = {"peo_id": order.peo_id, "username": order.username, "password": order.password}
    stated = {
        "client_id": order.client_id,
        "base_url": order.base_url.rstrip("/"),
        "sealed": seal_file(msgspec.json.encode(secret)),
        "reading": order.reading.value,
        "made_by": author,
        "made_at": now,
        "ended_at": None,
    }
    found, _ = Connection.objects.update_or_create(code=order.code.strip(), defaults=stated)
    return found


def link(client_id: int, connection: Connection, external_id: str, *, author: str, now: datetime) -> Link:
    """Say which client of a platform a client of ours is.

    Errors: LinkRefused where another client of ours is that one, or the connection is another client's.
    """
    if connection.client_id not in (0, client_id):
        raise LinkRefused("expected a connection of this client or of the PEO, found another client's")
    taken = Link.objects.filter(connection_id=connection.pk, external_id=external_id)
    if taken.exclude(client_id=client_id).exists():
        raise LinkRefused("expected a client there that is nobody else's here, found one; correct the number")
    stated = {
        "connection_id": connection.pk,
        "external_id": external_id,
        "made_by": author,
        "made_at": now,
    }
    return Link.objects.update_or_create(client_id=client_id, defaults=stated)[0]


def linked(client_id: int) -> Link:
    """Find what a client of ours is there, without the connection, which no face of one client sees.

    Errors: NotLinked.
    """
    found = Link.objects.filter(client_id=client_id).first()
    if found is None:
        raise NotLinked(
            "expected a link to a payroll platform, found none; state one with `openbenefits platform link`"
        )
    return found


def known(client_id: int) -> Known:
    """Find what a client of ours is there, and how one comes in.

    Errors: NotLinked.
    """
    found = linked(client_id)
    connection = Connection.objects.filter(pk=found.connection_id, ended_at__isnull=True).first()
    if connection is None:
        raise NotLinked("expected a connection that is in use, found it ended; link the client to another")
    return Known(link=found, connection=connection)


@contextmanager
def session_of(connection: Connection, patience: Patience | None = None) -> Iterator[Session]:
    """Open a session as the service user of a connection; only a worker or a command does."""
    said = msgspec.json.decode(open_file(bytes(connection.sealed)))
    with Session(Credentials(base_url=connection.base_url, **said), patience) as session:
        yield session


# --- who is who ---------------------------------------------------------------------------------------------


def link_people(client_id: int, numbers: dict[str, str], *, author: str, now: datetime) -> dict[str, int]:
    """Find who employees there are here: by what was said, else by equal numbers; answer those known.

    numbers: by the number there, the employee number of ours it states (blank: its own number). Who matches
    nobody, or somebody who is another one already, stays unmatched: it is never guessed.
    """
    said = dict(PersonLink.objects.filter(client_id=client_id).values_list("external_id", "person_id"))
    waiting = {there: ours or there for there, ours in numbers.items() if there not in said}
    people = Person.objects.filter(client_id=client_id, employee_number__in=set(waiting.values()))
    by_number = dict(people.values_list("employee_number", "id"))
    taken = set(said.values())
    found: dict[str, int] = {}
    for there, ours in sorted(waiting.items()):
        person_id = by_number.get(ours)
        if person_id is not None and person_id not in taken:
            found[there] = person_id
            taken.add(person_id)
    PersonLink.objects.bulk_create(
        [
            PersonLink(
                client_id=client_id,
                person_id=person_id,
                external_id=there,
                how="number",
                made_by=author,
                made_at=now,
            )
            for there, person_id in found.items()
        ],
        batch_size=5_000,
    )
    return {there: one for there, one in {**said, **found}.items() if there in numbers}


def say_who(client_id: int, person_id: int, external_id: str, *, author: str, now: datetime) -> None:
    """Say which employee there somebody is; what was said before of either no longer holds.

    Errors: LinkRefused for somebody who is not of this client.
    """
    if not Person.objects.filter(client_id=client_id, pk=person_id).exists():
        raise LinkRefused("expected a person of this client, found another; correct the number")
    both: Any = PersonLink.objects.filter(client_id=client_id)
    both.filter(person_id=person_id).delete()
    both.filter(external_id=external_id).delete()
    PersonLink.objects.create(
        client_id=client_id,
        person_id=person_id,
        external_id=external_id,
        how="said",
        made_by=author,
        made_at=now,
    )


def external_ids(client_id: int) -> dict[int, str]:
    """Answer the numbers there, by person."""
    return dict(PersonLink.objects.filter(client_id=client_id).values_list("person_id", "external_id"))
