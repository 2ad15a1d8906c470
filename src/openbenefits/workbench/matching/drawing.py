"""Pictures of packages drawn on the server: points of two measures, with the same in words."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from openbenefits.core.money import dollars

WIDTH, HEIGHT, EDGE = 640, 320, 36
NAMED = 8
"""So many points bear their rank; more would hide one another."""
LEAST = 2
"""Fewer points are no picture."""


@dataclass(frozen=True)
class Point:
    """A package as a point: where, its rank, how it stands, and what it says."""

    x: int
    y: int
    label: str
    tone: str
    title: str

    @property
    def mark(self) -> int:
        """Where the rank stands."""
        return self.y + 5


@dataclass(frozen=True)
class Scatter:
    """Points of two amounts, with what the ends of both axes are."""

    caption: str | Promise
    points: Sequence[Point]
    low_x: str
    high_x: str
    low_y: str
    high_y: str
    width: int = WIDTH
    height: int = HEIGHT
    edge: int = EDGE
    inner_width: int = WIDTH - 2 * EDGE
    inner_height: int = HEIGHT - 2 * EDGE
    right: int = WIDTH - EDGE
    below: int = HEIGHT - 12
    above: int = EDGE - 12


TONES = {"ranked": "plain", "refused": "bad", "today": "waiting"}


def scatter(rows: pl.DataFrame, x: str, y: str, *, caption: str | Promise) -> Scatter | None:
    """Draw packages by two amounts of cents, the first last, so that it is seen; None of fewer than two."""
    known = rows.drop_nulls([x, y]).sort("rank", descending=True, nulls_last=False)
    if known.height < LEAST:
        return None
    spans = [(int(str(known[name].min())), int(str(known[name].max()))) for name in (x, y)]
    points = [
        Point(
            x=EDGE + _at(row[x], *spans[0], WIDTH - 2 * EDGE),
            y=HEIGHT - EDGE - _at(row[y], *spans[1], HEIGHT - 2 * EDGE),
            label=str(row["rank"]) if row["rank"] and row["rank"] <= NAMED else "",
            tone="good" if row["rank"] == 1 else TONES[row["standing"]],
            title=_("%(code)s: client %(x)s, margin %(y)s")
            % {"code": row["code"], "x": dollars(row[x]), "y": dollars(row[y])},
        )
        for row in known.iter_rows(named=True)
    ]
    (low_x, high_x), (low_y, high_y) = [(dollars(low), dollars(high)) for low, high in spans]
    return Scatter(caption, points, low_x, high_x, low_y, high_y)


def _at(value: int, low: int, high: int, length: int) -> int:
    return length // 2 if low == high else (value - low) * length // (high - low)
