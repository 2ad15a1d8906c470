"""Legal amounts asked for one at a time: what a limit is in a year, and what is said where nobody knows.

The amount of a year is the row of that year. A year without a row is unknown: an error to a person, never the
year before. A set-up that wants to go on says so itself, by a row for that year with its own source, or by a
plan type that allows the last known amount.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl


class LimitUnknown(LookupError):
    """No such limit, or none known for that year; the message names the years that are."""


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A legal amount of a year. Units: cents, or hundredths of a percent."""

    code: str
    year: int
    amount: int
    unit: str
    basis: str
    source: str

    @property
    def text(self) -> str:
        """Write the amount.

        >>> Limit(code="a", year=2026, amount=996, unit="percent", basis="", source="").text
        '9.96 %'
        >>> Limit(code="a", year=2026, amount=340000, unit="dollars", basis="", source="").text
        '$3,400.00'
        """
        number = f"{self.amount // 100:,}.{self.amount % 100:02d}"
        return f"{number} %" if self.unit == "percent" else f"${number}"


def limit_of(
    limits: pl.DataFrame, code: str, year_or_day: int | date, *, is_last_known_enough: bool = False
) -> Limit:
    """Answer a limit of a year (or of the year a day lies in).

    Shapes:  limits as LoadedBundle.limits.
    Missing: with `is_last_known_enough`, the latest earlier year stands in; else it is an error.
    Errors:  LimitUnknown.

    >>> known = pl.DataFrame({"code": ["fsa"], "year": [2026], "limit_cents": [340000], "unit": ["dollars"],
    ...                       "basis": ["plan year"], "source": ["Rev. Proc. 2025-32"]})
    >>> limit_of(known, "fsa", 2026).text
    '$3,400.00'
    >>> limit_of(known, "fsa", date(2027, 3, 1))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    openbenefits.programs.legal.LimitUnknown: fsa: expected an amount for 2027, found none; the last known ...
    """
    year = year_or_day.year if isinstance(year_or_day, date) else year_or_day
    rows = limits.filter(code=code).sort("year")
    known = rows.filter(pl.col("year") <= year if is_last_known_enough else pl.col("year") == year)
    if known.is_empty():
        raise LimitUnknown(_unknown(limits, code, year, rows["year"].to_list()))
    row = known.row(-1, named=True)
    return Limit(
        code=code,
        year=row["year"],
        amount=row["limit_cents"],
        unit=row["unit"],
        basis=row["basis"],
        source=row["source"],
    )


def _unknown(limits: pl.DataFrame, code: str, year: int, years: list[int]) -> str:
    if not years:
        known = ", ".join(sorted(limits["code"].unique())) or "none"
        return f"expected one of the limits {known}, found {code}. Correct the code."
    where = f"the last known year is {years[-1]}" if year > years[-1] else f"the first is {years[0]}"
    if years[0] < year < years[-1]:
        where = f"known are {', '.join(map(str, years))}"
    return (
        f"{code}: expected an amount for {year}, found none; {where}. Add the row for {year} with its source."
    )
