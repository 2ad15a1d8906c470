"""Finding people by name or number, and by where their events stand: a page at a time, by an index."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from openbenefits.review.events import events_of_client
from openbenefits.review.frames import load_message_counts
from openbenefits.store.bulk import copy_out

PAGE = 50
LAST = "\U0010ffff"
"""Comes after every character of a name."""

FOUND = {
    "person_id": pl.Int64(),
    "employee_number": pl.String(),
    "first_name": pl.String(),
    "last_name": pl.String(),
}
PEOPLE = (
    *("person_id", "employee_number", "name", "benefit_record", "schedule", "event_number"),
    *("event_class", "event_on", "program", "status_name", "held_by", "messages"),
)


@dataclass(frozen=True, kw_only=True)
class Search:
    """Whom to look for, at one client.

    text:       the beginning of a last name, of both names in any order, or of a number; '' = everybody.
    program_id, status: of an event that lives. with_messages: only who has a current message.
    after:      the person the page before ended with.
    """

    client_id: int
    text: str = ""
    program_id: int | None = None
    status: str | None = None
    with_messages: bool = False
    after: int | None = None


@dataclass(frozen=True, kw_only=True)
class Found:
    """A page of people (as PEOPLE, in order of their names), and whether more follow."""

    people: pl.DataFrame
    has_more: bool


QUERY = """
SELECT f.person_id, p.employee_number, f.first_name, f.last_name
FROM workforce_personfact AS f JOIN workforce_person AS p ON p.client_id = f.client_id AND p.id = f.person_id
WHERE f.client_id = %(client)s AND NOT f.is_deleted {conditions}
  AND NOT EXISTS (
    SELECT FROM workforce_personfact AS l WHERE l.client_id = f.client_id AND l.person_id = f.person_id
      AND l.valid_from = f.valid_from AND l.version > f.version)
  AND NOT EXISTS (
    SELECT FROM workforce_personfact AS l WHERE l.client_id = f.client_id AND l.person_id = f.person_id
      AND l.valid_from > f.valid_from AND NOT l.is_deleted AND NOT EXISTS (
        SELECT FROM workforce_personfact AS m WHERE m.client_id = l.client_id AND m.person_id = l.person_id
          AND m.valid_from = l.valid_from AND m.version > l.version))
ORDER BY f.name_key USING ~<~, f.person_id LIMIT %(limit)s
"""
_IN_RANGE = """{column} ~>=~ workforce_search_key(%({name})s)
  AND {column} ~<~ (workforce_search_key(%({name})s) || %(last)s)"""
_NAMED = _IN_RANGE.format(column="f.name_key", name="text")
_TURNED = _IN_RANGE.format(column="f.name_key", name="turned")
_NUMBERED = _IN_RANGE.format(column="p.number_key", name="text")
_AFTER = """f.name_key ~>=~ %(after_key)s
  AND (f.name_key ~>~ %(after_key)s OR f.person_id > %(after)s)"""
_AT = """EXISTS (SELECT FROM events_event AS e
    WHERE e.client_id = f.client_id AND e.person_id = f.person_id AND e.event_status IN ('O', 'C')
      AND (%(status)s::text IS NULL OR e.process_status = %(status)s)
      AND (%(program)s::int IS NULL OR e.program_id = %(program)s))"""
_TOLD = """f.person_id IN (SELECT m.person_id FROM events_message AS m
    WHERE m.client_id = %(client)s AND m.is_current)"""
KEY_QUERY = """
SELECT name_key FROM workforce_personfact
WHERE client_id = %(client)s AND person_id = %(person)s AND NOT is_deleted
ORDER BY valid_from DESC, version DESC LIMIT 1
"""


def find_people(connection: Any, search: Search, *, as_of: date, most: int = PAGE) -> Found:
    """Find a page of people (of `most`), by the name last known, with the last event of each and its status.

    Shapes: PEOPLE; `messages` counts those that are current. Who has no event has nulls.
    """
    rows = _found(connection, search, most)
    page = rows.head(most)
    last = _last_events(connection, search.client_id, page, as_of)
    counts = load_message_counts(connection, search.client_id, page["person_id"].to_list())
    people = page.join(last, on="person_id", how="left", maintain_order="left").join(
        counts, on="person_id", how="left", maintain_order="left"
    )
    named = people.with_columns(
        name=pl.concat_str("last_name", "first_name", separator=", "),
        messages=pl.col("messages").fill_null(0),
    )
    return Found(people=named.select(PEOPLE), has_more=rows.height > most)


def _found(connection: Any, search: Search, most: int) -> pl.DataFrame:
    """One more than a page; a text with a digit is a number, and so is one that nobody is called."""
    looked = (_NUMBERED,) if any(letter.isdigit() for letter in search.text) else (_names(search), _NUMBERED)
    if not search.text.strip():
        looked = ("",)
    for condition in looked:
        rows = copy_out(connection, *_asked(connection, search, condition, most))
        if rows.height:
            return rows
    return pl.DataFrame(schema=FOUND)


def _names(search: Search) -> str:
    return f"({_NAMED} OR {_TURNED})" if _turned(search.text) else _NAMED


def _turned(text: str) -> str:
    """Put the first name behind the last.

    >>> _turned("Ana Maria Roe"), _turned("Roe")
    ('Roe Ana Maria', '')
    """
    first, _, last = text.strip().rpartition(" ")
    return f"{last} {first}" if first else ""


def _asked(
    connection: Any, search: Search, condition: str, most: int
) -> tuple[str, Mapping[str, Any], Mapping[str, Any]]:
    parts = [condition] if condition else []
    key = _key_of(connection, search) if search.after is not None else None
    if key is not None:
        parts.append(_AFTER)
    if search.status is not None or search.program_id is not None:
        parts.append(_AT)
    if search.with_messages:
        parts.append(_TOLD)
    asked = {
        "client": search.client_id,
        "text": search.text,
        "turned": _turned(search.text),
        "last": LAST,
        "after": search.after,
        "after_key": key,
        "status": search.status,
        "program": search.program_id,
        "limit": most + 1,
    }
    return QUERY.format(conditions="".join(f"\n  AND {part}" for part in parts)), FOUND, asked


def _key_of(connection: Any, search: Search) -> str | None:
    asked = {"client": search.client_id, "person": search.after}
    rows = copy_out(connection, KEY_QUERY, {"name_key": pl.String()}, asked)
    return rows["name_key"][0] if rows.height else None


def _last_events(connection: Any, client_id: int, people: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The last event of each, those void left out."""
    events = events_of_client(connection, client_id, as_of=as_of, person_ids=people["person_id"].to_list())
    living = events.filter(pl.col("event_status") != "V").sort("event_on", "priority", "event_number")
    last = living.unique("person_id", keep="last", maintain_order=True)
    return last.select("person_id", *(name for name in PEOPLE[3:] if name != "messages"))
