"""Pictures of days, drawn on the server: spans and marks on one scale, said in words beside them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.functional import Promise

from openbenefits.workbench.charts import Tone

FULL = 100
LEAST = 0.6  # percent; what is there is seen
MOST_TICKS = 5
EDGE = 85  # percent; a name that begins beyond it would be cut off


@dataclass(frozen=True)
class Span:
    """Some days of a row: what it says, its first and last day (None: no end is known)."""

    text: str
    begins_on: date
    ends_on: date | None = None
    tone: Tone = "plain"


@dataclass(frozen=True)
class Row:
    """A row of a picture: its label, its spans, and a mark for a single day (begins_on = ends_on)."""

    label: str | Promise
    spans: Sequence[Span]
    href: str | None = None


@dataclass(frozen=True)
class DrawnSpan:
    """A span with its place, in percent of the picture."""

    span: Span
    x: str
    width: str


@dataclass(frozen=True)
class DrawnRow:
    """A row with its spans in place."""

    row: Row
    spans: Sequence[DrawnSpan]


@dataclass(frozen=True)
class Tick:
    """A day named below the picture; one near its right edge is named to the left of its place."""

    text: str
    x: str
    anchor: str


@dataclass(frozen=True)
class Days:
    """Rows on one scale of days."""

    caption: str | Promise
    rows: Sequence[DrawnRow]
    ticks: Sequence[Tick]
    today: str


def days(rows: Sequence[Row], *, caption: str | Promise, begin: date, through: date, today: date) -> Days:
    """Draw rows from one day through another; what lies outside is cut off there."""
    length = max((through - begin).days + 1, 1)

    def place(day: date) -> float:
        return min(max(FULL * (day - begin).days / length, 0), FULL)

    drawn = [DrawnRow(row, [_drawn(span, place, through) for span in row.spans]) for row in rows]
    ticks = [
        Tick(text, _percent(place(day)), "end" if place(day) > EDGE else "start")
        for day, text in _ticks(begin, through)
    ]
    return Days(caption, drawn, ticks, _percent(place(today)))


def _drawn(span: Span, place: Callable[[date], float], through: date) -> DrawnSpan:
    last = span.ends_on or through
    left = place(span.begins_on)
    width = max(place(last + timedelta(days=1)) - left, LEAST)
    return DrawnSpan(span, _percent(min(left, FULL - LEAST)), _percent(width))


def _percent(value: float) -> str:
    return f"{value:.2f}%"


def _ticks(begin: date, through: date) -> list[tuple[date, str]]:
    """The first days of months, so few that they stand apart."""
    months = [
        date(year, month, 1)
        for year in range(begin.year, through.year + 1)
        for month in range(1, 13)
        if begin <= date(year, month, 1) <= through
    ]
    for step in (1, 3, 6, 12, 24, 60):
        kept = [day for day in months if (day.year * 12 + day.month - 1) % step == 0]
        if len(kept) <= MOST_TICKS:
            return [(day, f"{day:%Y}" if step >= 12 else f"{day:%Y-%m}") for day in kept]
    return []
