"""Days relative to another: `today`, `today + 30 days`, `ends_on - 2 months`, `2026-01-01`."""

import re
from dataclasses import dataclass
from datetime import date

import polars as pl

TODAY = "today"
RELATIVE = re.compile(
    r"^\s*(?P<base>\d{4}-\d\d-\d\d|[a-z_][a-z0-9_.]*)"
    r"(?:\s*(?P<sign>[+-])\s*(?P<count>\d{1,4})\s*(?P<unit>day|month|year)s?)?\s*$"
)
UNITS = {"day": "d", "month": "mo", "year": "y"}


class DayRefused(ValueError):
    """What says no day: what was expected, what was found."""


@dataclass(frozen=True)
class RelativeDay:
    """A day so far from today, from a field, or from a day of the calendar."""

    base: str  # today, the name of a field, or a day
    count: int = 0
    unit: str = "day"

    @property
    def field(self) -> str:
        """The field it counts from; empty where it counts from none."""
        return "" if self.base == TODAY or self.base[0].isdigit() else self.base

    def on_columns(self) -> pl.Expr:
        """Answer the day, from the columns of a record; the last of a month where it has no such day."""
        base = pl.lit(date.fromisoformat(self.base)) if self.base[0].isdigit() else pl.col(self.base)
        return base.dt.offset_by(f"{self.count}{UNITS[self.unit]}") if self.count else base


def read_day(text: str) -> RelativeDay:
    """Read a relative day.

    Errors: DayRefused.
    """
    match = RELATIVE.match(text)
    if match is None:
        raise DayRefused(
            f"expected a day as 'today', 'today + 30 days', 'ends_on - 2 months' or 2026-01-01, "
            f"found '{text}'"
        )
    if match["base"][0].isdigit():
        try:
            date.fromisoformat(match["base"])
        except ValueError:
            raise DayRefused(f"expected a day of the calendar, found '{match['base']}'") from None
    count = int(match["count"] or 0) * (-1 if match["sign"] == "-" else 1)
    return RelativeDay(match["base"], count, match["unit"] or "day")
