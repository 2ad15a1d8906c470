"""Tasks and cases about an entry of the work list end with it: its cause is put right."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from openbenefits.casework.models import IS_OPEN, Ticket
from openbenefits.casework.services import Subject, close_for
from openbenefits.review.work import work_list

ENTRY = "work"
"""The kind of record that an entry is for tickets; its key is the code of its message."""
GONE = "the work list has no such entry any more"


def close_gone(connection: Any, *, as_of: date, now: datetime, without: Collection[int] = ()) -> int:
    """Close the tickets about entries that are gone, at every client that has any; answer how many.

    without: clients left for another time.
    """
    about = Ticket.objects.filter(IS_OPEN, about_kind=ENTRY).order_by("client_id", "about_key")
    about = about.exclude(client_id__in=without)
    asked: dict[int, list[str]] = {}
    for client_id, code in about.values_list("client_id", "about_key").distinct():
        asked.setdefault(client_id, []).append(code)
    closed = 0
    for client_id, codes in asked.items():
        there = set(work_list(connection, client_id, as_of=as_of)["Work"]["code"])
        for code in codes:
            if code not in there:
                entry = Subject(kind=ENTRY, key=code)
                closed += close_for(entry, GONE, now=now, client_id=client_id, is_done=True)
    return closed
