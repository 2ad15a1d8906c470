"""Random columns from a seed: the same seed gives the same columns, whatever their length costs."""

import random
from array import array
from collections.abc import Mapping, Sequence

import polars as pl

STEPS = 2**32


class Draws:
    """A stream of random columns. Each draw takes the next ones; a label starts a stream of its own."""

    def __init__(self, seed: int, label: str) -> None:
        self._random = random.Random(f"{seed}/{label}")  # noqa: S311 - sample data, not secrets

    def uniform(self, count: int) -> pl.Series:
        """Draw numbers from 0 up to, not including, 1."""
        return pl.Series(array("I", self._random.randbytes(4 * count)), dtype=pl.Float64) / STEPS

    def bell(self, count: int) -> pl.Series:
        """Draw numbers around 0 with deviation 1, none beyond 3.5."""
        parts = [self.uniform(count) for _ in range(4)]
        return (parts[0] + parts[1] + parts[2] + parts[3] - 2) * 3**0.5

    def whole(self, count: int, low: int, high: int) -> pl.Series:
        """Draw whole numbers from low through high."""
        return (self.uniform(count) * (high - low + 1)).floor().cast(pl.Int64) + low

    def choice(self, count: int, values: Sequence[str]) -> pl.Series:
        """Draw values, each as likely as any other."""
        return pl.Series(values, dtype=pl.String).gather(self.whole(count, 0, len(values) - 1))

    def weighted(self, count: int, weights: Mapping[str, float]) -> pl.Series:
        """Draw values as likely as their weights say."""
        edges = pl.Series(list(weights.values()), dtype=pl.Float64).cum_sum()
        position = edges.search_sorted(self.uniform(count) * edges[-1], side="right")
        return pl.Series(list(weights), dtype=pl.String).gather(position)

    def happens(self, count: int, share: float) -> pl.Series:
        """Draw yes or no, yes in a share of the rows."""
        return self.uniform(count) < share
