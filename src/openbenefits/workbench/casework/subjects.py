"""Where the record that caused a ticket is: an area names the kinds it has pages for.

Keys are those of channels (`workflow.record_kinds`) and of the API.
"""

from collections.abc import Callable

from openbenefits.programs.models import SetupKey
from openbenefits.workbench import links
from openbenefits.workforce.models import Person

Where = Callable[[str, str], str | None]
"""Answers the address of a record from its client's code and its natural key; None where it has none."""
PLACES: dict[str, Where] = {}
MOST = 10**18


def register(kind: str, where: Where) -> None:
    """Say where records of a kind are shown."""
    PLACES[kind] = where


def place_of(client: str | None, kind: str, key: str) -> str | None:
    """Answer the address of the record that caused a ticket; None where no page shows it."""
    if not kind or kind not in PLACES:
        return None
    return PLACES[kind](client or "", key)


def _number(key: str) -> int | None:
    return int(key) if key.isdecimal() and int(key) < MOST else None


def _person(client: str, key: str) -> str | None:
    found = Person.objects.filter(pk=_number(key), client__code=client).first()
    return links.person(client, found.employee_number) if found else None


def _event(client: str, key: str) -> str | None:
    """Find the page of an event: its key is person, benefit record, schedule and number."""
    parts = [_number(one) for one in key.split("-")]
    if len(parts) != 4 or None in parts:
        return None
    person_id, record, schedule_id, event = parts
    person = Person.objects.filter(pk=person_id, client__code=client).first()
    schedule = SetupKey.objects.filter(pk=schedule_id).values_list("code", flat=True).first()
    if person is None or schedule is None:
        return None
    number = person.employee_number
    return links.found("event", client=client, number=number, schedule=schedule, record=record, event=event)


def _run(client: str, key: str) -> str | None:
    return None if (number := _number(key)) is None else links.found("run", client=client, number=number)


def _request(_client: str, key: str) -> str | None:
    return None if (number := _number(key)) is None else links.found("request", number=number)


def _ticket(_client: str, key: str) -> str | None:
    return None if (number := _number(key)) is None else links.found("ticket", number=number)


register("person", _person)
register("event", _event)
register("run", _run)
register("request", _request)
register("task", _ticket)
register("case", _ticket)
register("client", lambda client, _key: links.found("client", client=client))
register("open enrolment", lambda client, _key: links.found("schedules", client=client))
register("work", lambda client, key: links.found("entry", client=client, code=key))
