"""Changes that need a person become tasks; a task closes once its record reads back as it is to be."""

from collections.abc import Iterable
from datetime import datetime

from openbenefits.casework.services import Subject, TaskOrder, close_for, open_tasks
from openbenefits.platform.elements import ELEMENTS
from openbenefits.platform.models import OutboundChange

AUTHOR = "payroll platform"
KIND = "outbound change"
NEEDS_A_PERSON = ("failed", "different", "held")
SETTLED = ("equal", "cancelled")


def follow(client_id: int, since: datetime, *, now: datetime) -> int:
    """Open a task for each record whose latest change went wrong since a moment; close those of settled ones.

    Answers how many tasks there are to be for these. Two runs over the same changes open each task once.
    """
    rows = OutboundChange.objects.filter(client_id=client_id).order_by("element", "key", "-pk")
    latest = [one for one in rows.distinct("element", "key") if one.ended_at is None or one.ended_at >= since]
    for one in latest:
        if one.state in SETTLED:
            close_for(
                _subject(one), "it reads back as it is to be", now=now, client_id=client_id, is_done=True
            )
    return _open(client_id, [one for one in latest if one.state in NEEDS_A_PERSON], now)


def _open(client_id: int, changes: Iterable[OutboundChange], now: datetime) -> int:
    orders = [
        TaskOrder(
            client_id=client_id,
            subject=f"Payroll platform: {ELEMENTS[one.element].title} {one.key} is {one.state}",
            body=one.told,
            person_id=one.person_id,
            about=_subject(one),
            cause=f"{KIND} {one.pk} {one.state}",
        )
        for one in changes
    ]
    if orders:
        open_tasks(AUTHOR, orders, now=now)
    return len(orders)


def _subject(change: OutboundChange) -> Subject:
    return Subject(kind=KIND, key=f"{change.element}|{change.key}")
