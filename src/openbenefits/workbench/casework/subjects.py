"""Where the record that caused a ticket is: an area names the kinds it has pages for."""

from collections.abc import Callable

from openbenefits.workbench import links

Where = Callable[[str, str], str | None]
"""Answers the address of a record from the code of its client and its natural key; None where it has none."""
PLACES: dict[str, Where] = {}


def register(kind: str, where: Where) -> None:
    """Say where records of a kind are shown."""
    PLACES[kind] = where


def place_of(client: str | None, kind: str, key: str) -> str | None:
    """Answer the address of the record that caused a ticket; None where no page shows it."""
    if not kind or kind not in PLACES:
        return None
    return PLACES[kind](client or "", key)


def _event(client: str, key: str) -> str | None:
    parts = key.split("/")  # employee number, schedule, benefit record, event number
    if len(parts) != 4 or not (parts[2].isdecimal() and parts[3].isdecimal()):
        return None
    return links.found(
        "event", client=client, number=parts[0], schedule=parts[1], record=int(parts[2]), event=int(parts[3])
    )


def _run(client: str, key: str) -> str | None:
    return links.found("run", client=client, number=int(key)) if key.isdecimal() else None


def _request(_client: str, key: str) -> str | None:
    return links.found("request", number=int(key)) if key.isdecimal() else None


register("person", lambda client, key: links.person(client, key))
register("event", _event)
register("run", _run)
register("request", _request)
register("client", lambda client, _key: links.found("client", client=client))
register("work", lambda client, key: links.found("entry", client=client, code=key))
