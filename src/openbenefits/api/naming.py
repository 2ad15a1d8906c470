"""Who and what an address names, and whether the key may: of another client it is as if it were not there."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from django.db import connection
from django.utils import timezone

from openbenefits.accounts import clock
from openbenefits.accounts.models import User
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import EVERY_CLIENT, Access, note
from openbenefits.api.problems import not_found
from openbenefits.events.models import Event
from openbenefits.events.windows import EventPlace
from openbenefits.programs.frames import load_codes
from openbenefits.workforce.models import Client, Person

PEO = "peo"
"""The address of what is the PEO's own, for keys of the PEO: no client's code."""
SCHEDULES = "see /api/v1/clients/{client}/schedules"


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A request about one client, by a key that may what it asks."""

    client: Client
    access: Access
    now: datetime
    author: str

    @property
    def client_id(self) -> int:
        return int(self.client.pk)

    @property
    def is_of_peo(self) -> bool:
        """Tell whether it is about what is the PEO's own, of several clients."""
        return self.client_id == EVERY_CLIENT

    @property
    def today(self) -> date:
        return clock.today()

    @cached_property
    def schedules(self) -> dict[int, str]:
        """The codes of the client's schedules, by id."""
        rows = load_codes(connection, self.client_id, "schedule")
        return dict(rows.select("id", "code").iter_rows())

    def may(self, permission: Permission) -> bool:
        return self.access.may(permission, self.client_id)

    def schedule(self, code: str) -> int:
        """Find a schedule by its code."""
        found = [number for number, known in self.schedules.items() if known == code]
        if not found:
            raise not_found("the code of a schedule", SCHEDULES)
        return found[0]

    def person(self, person_id: int) -> Person:
        """Find a participant."""
        found = Person.objects.filter(client_id=self.client_id, pk=person_id).first()
        if found is None:
            raise not_found("a person", "correct the id; /people?employee_number= finds it")
        return found

    def people(self, numbers: list[str]) -> list[int]:
        """Find participants by employee number."""
        rows = Person.objects.filter(client_id=self.client_id, employee_number__in=numbers)
        found = dict(rows.values_list("employee_number", "id"))
        if lacking := [number for number in numbers if number not in found]:
            raise not_found("employees of these numbers", f"{len(lacking)} of {len(numbers)} are not known")
        return [found[number] for number in numbers]

    def event(self, event_id: str) -> Event:
        """Find an event."""
        found = Event.objects.filter(**place_of(self.client_id, event_id).key()).first()
        if found is None:
            raise not_found("an event", "correct the id; /events lists them")
        return found

    def place(self, event_id: str) -> EventPlace:
        """Find an event, and answer its place."""
        self.event(event_id)
        return place_of(self.client_id, event_id)

    def saw(self, what: str, person_id: int | None = None) -> None:
        """Write down that somebody was looked at."""
        note(self.access, "saw", f"api {what}", client_id=self.client_id, person_id=person_id, now=self.now)

    def did(self, what: str, person_id: int | None = None, reason: str = "") -> None:
        """Write down what was done."""
        note(
            self.access,
            "did",
            f"api {what}",
            client_id=self.client_id,
            person_id=person_id,
            reason=reason,
            now=self.now,
        )


def at(request: Any, client: str, permission: Permission) -> Desk:
    """Find the client of a request, and ask whether the key may.

    Errors: Problem 404, the same for a client that is not the key's; NotAllowed.
    """
    found = Client.objects.filter(code=client).first()
    access: Access = request.access
    known = found is not None and (found.pk in access.permissions or 0 in access.permissions)
    if found is None or not known:
        raise not_found("a client", "correct its code; /api/v1/clients lists those of the key")
    request.refused_of = found.pk
    access.require(permission, found.pk)
    return Desk(client=found, access=access, now=request.now, author=author_of(request))


def at_or_peo(request: Any, client: str, permission: Permission) -> Desk:
    """Find the client of a request, or the PEO itself (`peo`, for keys of every client), as `at` does."""
    access: Access = request.access
    if client != PEO or EVERY_CLIENT not in access.permissions:
        return at(request, client, permission)
    request.refused_of = EVERY_CLIENT
    access.require(permission, EVERY_CLIENT)
    itself = Client(pk=EVERY_CLIENT, code=PEO)
    return Desk(client=itself, access=access, now=request.now, author=author_of(request))


def author_of(request: Any) -> str:
    """Name the key in histories: by the name of its user, as the database holds everybody to."""
    if not hasattr(request, "author"):
        users = User.objects.filter(pk=request.access.user_id)
        request.author = users.values_list("username", flat=True).get()
    author: str = request.author
    return author


def place_of(client_id: int, event_id: str) -> EventPlace:
    """Read the id of an event."""
    person, record, schedule, number = (int(part) for part in event_id.split("-"))
    return EventPlace(
        client_id=client_id,
        person_id=person,
        benefit_record=record,
        schedule_id=schedule,
        event_number=number,
    )


def id_of(row: Any) -> str:
    """Write the id of an event, of anything that has its key."""
    return f"{row.person_id}-{row.benefit_record}-{row.schedule_id}-{row.event_number}"


def end_of(day: date | None) -> datetime | None:
    """Answer the last moment of a day."""
    if day is None:
        return None
    return datetime.combine(day + timedelta(days=1), time(), timezone.get_current_timezone()) - timedelta(
        microseconds=1
    )
