"""Who a page is about, and who asks."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode

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


def with_query(href: str, **said: Any) -> str:
    """Add to an address what a page is asked."""
    return f"{href}?{urlencode({name: value for name, value in said.items() if value})}"


def somebody(client: Any, number: str) -> Person:
    """Find whom a page is about, or answer that there is nobody."""
    try:
        return person_of(client.pk, number)
    except UnknownPerson as unknown:
        raise Http404(str(unknown)) from unknown


def some_event(person: Person, schedule: str, record: int, event: int) -> EventPlace:
    """Find the event a page is about, or answer that there is none."""
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


def day_of(request: Any, name: str) -> tuple[date | None, str | None]:
    """Read a day that a page is asked for; a second answer says what is wrong with it."""
    text = request.GET.get(name, "").strip()
    if not text:
        return None, None
    try:
        return date.fromisoformat(text), None
    except ValueError:
        return None, f"expected a day like 2026-03-31, found {len(text)} characters that are none; correct it"
