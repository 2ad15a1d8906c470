"""Listings of which a page alone is made: what hangs on events is dear, and a page shows few of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import polars as pl

Make = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True, kw_only=True)
class Deferred:
    """A listing of rows that hang on events, made of as many events as are wanted.

    events: an event frame in the order of the listing; `lines` says how many rows each of them makes.
    make:   answers the rows of some of the events, in their order: of all of them the whole listing.
    """

    events: pl.DataFrame
    make: Make

    @cached_property
    def whole(self) -> pl.DataFrame:
        """The whole listing."""
        return self.make(self.events)

    @cached_property
    def schema(self) -> pl.Schema:
        """The columns of the listing."""
        return self.make(self.events.clear()).schema

    @cached_property
    def height(self) -> int:
        """How many rows the whole listing has."""
        return int(self.events["lines"].sum())

    def slice(self, start: int, length: int) -> pl.DataFrame:
        """Make some rows on end, of no other events than those they hang on."""
        through = pl.col("lines").cum_sum()
        before = through - pl.col("lines")
        numbered = self.events.with_columns(before=before)
        wanted = numbered.filter((through > start) & (before < start + length))
        if wanted.is_empty():
            return self.make(self.events.clear())
        return self.make(wanted.drop("before")).slice(start - wanted["before"][0], length)

    def of_events(self, condition: pl.Expr) -> "Deferred":
        """Answer the listing of those events alone."""
        return replace(self, events=self.events.filter(condition))

    def then(self, change: Make) -> "Deferred":
        """Answer the listing with its rows changed, and none added, dropped or moved."""
        return replace(self, make=lambda events: change(self.make(events)))


Listing = pl.DataFrame | Deferred


def whole(rows: Listing) -> pl.DataFrame:
    """Make a listing as a whole, however it is given."""
    return rows.whole if isinstance(rows, Deferred) else rows
