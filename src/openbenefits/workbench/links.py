"""Addresses of pages that other areas of the workbench have; a page that is not there is no link."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from django.urls import NoReverseMatch

from openbenefits.workbench.pages import address

Row = Mapping[str, Any]


def found(name: str, **parts: Any) -> str | None:
    """Answer the address of a page by its name; None where there is none."""
    try:
        return address(name, **parts)
    except NoReverseMatch:
        return None


def with_query(where: str | None, **query: Any) -> str | None:
    """Add what is asked of a page to its address; what is None or empty is left away."""
    if where is None:
        return None
    told = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{where}?{urlencode(told)}" if told else where


def person(client: str, employee_number: str | None) -> str | None:
    """Answer the address of a participant's page."""
    return found("person", client=client, number=employee_number) if employee_number else None


def event(client: str, row: Row) -> str | None:
    """Answer the address of an event's page; that of its participant where it has none."""
    parts = {"schedule": row["schedule"], "record": row["benefit_record"], "event": row["event_number"]}
    if None in parts.values() or not row["employee_number"]:
        return person(client, row["employee_number"])
    return found("event", client=client, number=row["employee_number"], **parts)


def to_person(client: str) -> Callable[[Row], str | None]:
    """Answer what leads from a row to its participant."""
    return lambda row: person(client, row.get("employee_number"))


def events(client: str, **query: Any) -> str:
    """Answer the address of a client's list of events, as a count asks for it."""
    return with_query(address("events", client=client), **query) or ""


def work(client: str, **filters: Any) -> str:
    """Answer the address of a client's work list, filtered by columns."""
    told = {f"work.f_{name}": value for name, value in filters.items()}
    return with_query(address("work", client=client), **told) or ""
