"""When a ticket is escalated, and what that does to it: rows of set-up, the closest one counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol, TypeVar

from openbenefits.casework.rules.calendar import HOUR, Calendar, add_business_hours

LEVELS = (1, 2)


class Fitting(Protocol):
    """A row for a category, type and priority; '' fits every one."""

    @property
    def category(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def priority(self) -> str: ...


Row = TypeVar("Row", bound=Fitting)


@dataclass(frozen=True, kw_only=True)
class Hours:
    """Business hours until each level; None: that level is never reached."""

    category: str
    kind: str
    priority: str
    level_1: Decimal | None
    level_2: Decimal | None


@dataclass(frozen=True, kw_only=True)
class Step:
    """What reaching a level does; '' leaves things as they are."""

    category: str
    kind: str
    priority: str
    level: int
    next_priority: str = ""
    next_role: str = ""
    sends_mail: bool = True
    recipient: str = ""
    recipient_role: str = ""


def closest(rows: Sequence[Row], category: str, kind: str, priority: str) -> Row | None:
    """Answer the row that fits most closely: its type counts most, then its priority, then its category."""
    fitting = [
        row
        for row in rows
        if row.category in ("", category) and row.kind in ("", kind) and row.priority in ("", priority)
    ]
    return max(
        fitting, key=lambda row: [bool(row.kind), bool(row.priority), bool(row.category)], default=None
    )


def levels_at(
    hours: Hours | None, opened_at: datetime, calendar: Calendar, stood_seconds: int = 0
) -> tuple[datetime | None, ...]:
    """Answer the moments of both levels, counted in business time from when the ticket was opened.

    stood_seconds: the business time for which its clock stood still.
    """
    counted = (None, None) if hours is None else (hours.level_1, hours.level_2)
    stood = Decimal(stood_seconds) / HOUR
    return tuple(
        None if one is None else add_business_hours(opened_at, one + stood, calendar) for one in counted
    )


def level_reached(level_1_at: datetime | None, level_2_at: datetime | None, now: datetime) -> int:
    """Answer the highest level that has been reached by a moment; 0 is none."""
    if level_2_at is not None and level_2_at <= now:
        return 2
    return 1 if level_1_at is not None and level_1_at <= now else 0


def steps_due(escalated: int, reached: int) -> tuple[int, ...]:
    """Answer the levels to be carried out, in order: each once, and none that was."""
    return tuple(level for level in LEVELS if escalated < level <= reached)
