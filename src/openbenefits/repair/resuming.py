"""How much of an annual pledge goes on after a leave, as an operation: what it changes, done at once.

The choice is a fact of the leave (`payroll.leaves`). Where the pledge is back already, the event that gave it
back is decided again; else the choice counts when it is.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

import polars as pl
from django.db import transaction

from openbenefits.core.codes import Resumption
from openbenefits.events.rules import EVENT_KEY
from openbenefits.payroll import leaves
from openbenefits.payroll.leaves import Leave
from openbenefits.repair import kinds
from openbenefits.repair.operations import Told, told_of
from openbenefits.repair.permissions import everybody_may
from openbenefits.repair.services import RepairOrder


@dataclass(frozen=True, kw_only=True)
class ResumeOrder:
    """Who goes on with how much of what ended during a leave.

    consent: how and when the person said so.
    on:      the day of the choice.
    """

    leave: Leave
    resumption: Resumption
    on: date
    consent: str
    author: str


def resume(connection: Any, order: ResumeOrder, *, now: datetime) -> Told | None:
    """Record the choice and answer what it changes; None where nothing is back yet, or that was said before.

    Deductions are compared over the calendar year of the return. The other choice undoes this one.

    Errors: as `payroll.leaves.resume`, and as `repair.services.repair`.
    """
    said: dict[str, Any] = {"on": order.on, "consent": order.consent, "author": order.author, "now": now}
    with transaction.atomic():
        if not leaves.resume(connection, order.leave, order.resumption, **said):
            return None
        back = leaves.lapsed(connection, order.leave, on=order.on).drop_nulls("event_number")
        if back.is_empty():
            return None
        return told_of(connection, _again(order, back), now=now, permit=everybody_may)


def _again(order: ResumeOrder, back: pl.DataFrame) -> RepairOrder:
    """Order the events that gave pledges back to be decided again."""
    returned = cast("date", back["begins_on"].min())
    return RepairOrder(
        client_id=order.leave.client_id,
        targets=back.select(EVENT_KEY).unique().with_columns(kind=pl.lit(kinds.AGAIN)),
        as_of=order.on,
        begin=returned,
        through=date(returned.year, 12, 31),
        reason=order.consent,
        author=order.author,
    )


__all__ = ["ResumeOrder", "resume"]
