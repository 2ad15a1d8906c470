"""What a sheet changes: new, changed and gone rates, with the smallest and largest change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from openbenefits.programs.ratesheets.reading import KEYS

Keys = tuple[Any, ...]

SCHEMA: dict[str, Any] = {
    "age_from": pl.Int16,
    "area": pl.String,
    "coverage_code": pl.String,
    "smoker": pl.Boolean,
    "sex": pl.String,
    "old_micros": pl.Int64,
    "new_micros": pl.Int64,
    "change": pl.String,
    "percent_hundredths": pl.Int64,
}


@dataclass(frozen=True, kw_only=True)
class Changes:
    """The rates before and after, side by side. Units: micro-dollars; changes in hundredths of a percent."""

    rows: pl.DataFrame

    def count(self, change: str) -> int:
        """Count the rates that are new, changed, gone or same."""
        return self.rows.filter(change=change).height

    @property
    def smallest(self) -> int | None:
        """The smallest change of a rate that was there before; a fall is below 0."""
        return self.rows.filter(change="changed")["percent_hundredths"].min()  # type: ignore[return-value]

    @property
    def largest(self) -> int | None:
        """The largest change of a rate that was there before."""
        return self.rows.filter(change="changed")["percent_hundredths"].max()  # type: ignore[return-value]


def compare(old: Mapping[Keys, int], new: Sequence[tuple[Keys, int]]) -> Changes:
    """Put the rates of a sheet beside those in force."""
    after = dict(new)
    rows = [
        (*keys, old.get(keys), after.get(keys), *_change(old.get(keys), after.get(keys)))
        for keys in dict.fromkeys([*after, *old])
    ]
    return Changes(rows=pl.DataFrame(rows, schema=SCHEMA, orient="row").sort(KEYS, nulls_last=False))


def _change(old: int | None, new: int | None) -> tuple[str, int | None]:
    if old is None:
        return "new", None
    if new is None:
        return "gone", None
    if old == new:
        return "same", 0
    if not old:
        return "changed", None
    halves = 20_000 * (abs(new - old)) + old
    size = halves // (2 * old)
    return "changed", size if new > old else -size
