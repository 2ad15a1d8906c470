"""Business time: which days and hours the house works, and what so many of them after a moment are.

Holidays are the federal ones of the United States, and those of a state where the house keeps them
(source: the library `holidays`, which names the law of each).
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays

MOST_DAYS = 3_660
"""How far business days are counted: ten years."""
HOUR = 3600


class CalendarRefused(ValueError):
    """Hours or days that cannot be: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """When the house works.

    weekdays: of the week, Monday is 1. state: whose holidays are kept beside the federal ones, '' for none.
    closed, worked: days beside: closed though no holiday, and worked on though one.
    """

    zone: str = "America/New_York"
    opens: time = time(8)
    closes: time = time(17)
    weekdays: frozenset[int] = frozenset({1, 2, 3, 4, 5})
    state: str = ""
    closed: frozenset[date] = field(default_factory=frozenset)
    worked: frozenset[date] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        """Refuse hours without an end, weeks without a day, zones and states there are not."""
        if self.opens >= self.closes or not self.weekdays or not self.weekdays <= set(range(1, 8)):
            raise CalendarRefused(
                "expected hours that end after they begin and at least one weekday (1 to 7), found others; "
                "correct the business hours"
            )
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError):
            words = f"expected a time zone like America/New_York, found '{self.zone}'; correct it"
            raise CalendarRefused(words) from None
        if self.state and not _is_state(self.state):
            raise CalendarRefused(f"expected the two letters of a state, found '{self.state}'; correct them")


@cache
def _is_state(code: str) -> bool:
    """Ask the library which states it knows, rather than wait for what it raises of one it does not."""
    return code in holidays.list_supported_countries()["US"]


@cache
def _holidays(state: str, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("US", subdiv=state or None, years=year))


def holidays_of(calendar: Calendar, year: int) -> dict[date, str]:
    """Answer the holidays of a year that the house keeps, with their names."""
    found = holidays.country_holidays("US", subdiv=calendar.state or None, years=year)
    return {day: name for day, name in sorted(found.items()) if day not in calendar.worked}


def is_business_day(day: date, calendar: Calendar) -> bool:
    """Tell whether the house works on a day."""
    if day in calendar.closed:
        return False
    if day in calendar.worked:
        return True
    return day.isoweekday() in calendar.weekdays and day not in _holidays(calendar.state, day.year)


def due_on(start: date, n: int, *, business: bool = True, calendar: Calendar | None = None) -> date:
    """Answer the day n days after a day; before it where n is negative.

    In business days the start itself is not counted; 0 is the start, or the next business day after it.

    Errors: CalendarRefused for more than ten years.

    >>> due_on(date(2026, 7, 2), 1)  # a Thursday; on Friday the 3rd the house keeps Independence Day
    datetime.date(2026, 7, 6)
    """
    if not business:
        return start + timedelta(days=n)
    kept = calendar or Calendar()
    step = timedelta(days=-1 if n < 0 else 1)
    day, left = start, abs(n)
    for _ in range(MOST_DAYS):
        if left == 0 and (n != 0 or is_business_day(day, kept)):
            return day
        day += step
        if left and is_business_day(day, kept):
            left -= 1
    raise CalendarRefused(
        f"expected business days within ten years, found {n}; take fewer, or open more days"
    )


def add_business_hours(
    start: datetime, hours: Decimal | int | float, calendar: Calendar | None = None
) -> datetime:
    """Answer the moment at which so many business hours have passed since another.

    A moment outside business hours counts from the next opening. Hours are those of the clock on the wall: a
    day on which it is set forward or back is as long as any other.

    Errors: CalendarRefused for a moment without zone, negative hours, and more than ten years.
    """
    if start.tzinfo is None or hours < 0:
        raise CalendarRefused("expected a moment with its zone and hours from 0, found others; correct them")
    kept = calendar or Calendar()
    local = start.astimezone(ZoneInfo(kept.zone))
    day, clock = local.date(), local.time()
    left = timedelta(seconds=round(Decimal(str(hours)) * HOUR))
    for _ in range(MOST_DAYS):
        if is_business_day(day, kept) and clock < kept.closes:
            begun = datetime.combine(day, max(clock, kept.opens))  # on the wall
            rest = datetime.combine(day, kept.closes) - begun
            if left <= rest:
                return (begun + left).replace(tzinfo=ZoneInfo(kept.zone)).astimezone(UTC)
            left -= rest
        day, clock = day + timedelta(days=1), time()
    raise CalendarRefused(f"expected hours within ten years, found {hours}; take fewer")


def business_seconds(begin: datetime, end: datetime, calendar: Calendar | None = None) -> int:
    """Answer how many seconds of business time lie between two moments; 0 if the second is not later.

    Hours are those of the clock on the wall, as in `add_business_hours`.

    Errors: CalendarRefused for a moment without zone, and for more than ten years.
    """
    if begin.tzinfo is None or end.tzinfo is None:
        raise CalendarRefused("expected moments with their zones, found others; correct them")
    kept = calendar or Calendar()
    first, last = (one.astimezone(ZoneInfo(kept.zone)).replace(tzinfo=None) for one in (begin, end))
    days = (last.date() - first.date()).days
    if days > MOST_DAYS:
        raise CalendarRefused(f"expected moments within ten years, found {days} days between; correct them")
    found = timedelta()
    for number in range(days + 1):
        day = first.date() + timedelta(days=number)
        if is_business_day(day, kept):
            opens, closes = (datetime.combine(day, clock) for clock in (kept.opens, kept.closes))
            found += max(timedelta(), min(last, closes) - max(first, opens))
    return int(found.total_seconds())
