"""Who a page is about, and who asks."""

from collections.abc import Mapping
from typing import Any

from django.db import connection
from django.http import Http404
from django.urls import register_converter

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import Access, note
from openbenefits.events.windows import EventPlace
from openbenefits.repair.permissions import Permit, Wish
from openbenefits.review.demand import Asked
from openbenefits.review.person import UnknownEvent, UnknownPerson, person_of, place_of
from openbenefits.workbench.pages import address
from openbenefits.workforce.models import Person

SLASH, TILDE = "~2F", "~7E"
NUL = "\x00"
MOST_RECORD, MOST_NUMBER = 2**15 - 1, 2**31 - 1
"""The largest benefit record, and the largest number of an event, that there may be."""


class Number:
    """An employee number as part of an address, whatever characters it has."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        """Read the number out of an address."""
        return value.replace(SLASH, "/").replace(TILDE, "~")

    def to_url(self, value: str) -> str:
        """Write the number as part of an address."""
        return str(value).replace("~", TILDE).replace("/", SLASH)


register_converter(Number, "number")


def person_href(client: str, number: str) -> str:
    """Answer the address of somebody's page."""
    return address("person", client=client, number=number)


def event_href(client: str, event: Mapping[str, Any], name: str = "event", **more: Any) -> str:
    """Answer the address of a page about an event that names its employee, schedule, record and number."""
    told = {
        "client": client,
        "number": event["employee_number"],
        "schedule": event["schedule"],
        "record": event["benefit_record"],
        "event": event["event_number"],
    }
    return address(name, **(told | more))


def somebody(client: Any, number: str) -> Person:
    """Find whom a page is about, or answer that there is nobody."""
    if NUL in number:
        raise Http404
    try:
        return person_of(client.pk, number)
    except UnknownPerson as unknown:
        raise Http404(str(unknown)) from unknown


def some_event(person: Person, schedule: str, record: int, event: int) -> EventPlace:
    """Find the event a page is about, or answer that there is none."""
    if record > MOST_RECORD or event > MOST_NUMBER:
        raise Http404
    try:
        return place_of(connection, person, schedule, record, event)
    except UnknownEvent as unknown:
        raise Http404(str(unknown)) from unknown


def author_of(request: Any) -> str:
    """Answer the name that history keeps of who acts."""
    return str(request.user.get_username())


def asked_by(request: Any) -> Asked:
    """Say who asks for a process on demand, as of today."""
    return Asked(as_of=clock.today(), now=clock.now(), author=author_of(request))


def permit_of(access: Access) -> Permit:
    """Answer what asks for the permission before anything is repaired, rehearsals included."""

    def permit(wish: Wish) -> None:
        access.require(Permission.REPAIR, wish.client_id)

    return permit


def noted(request: Any, kind: str, what: str, person: Person, *, reason: str = "") -> None:
    """Write down that somebody saw a page about a person, or did something with them."""
    note(
        request.access,
        kind,
        what,
        client_id=person.client_id,
        person_id=person.pk,
        reason=reason,
        now=clock.now(),
    )
