"""Pay calendars as people plan them: a year of a pay group, checks moved, what takes deductions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from openbenefits.core import days, pays
from openbenefits.programs.bundle import ClientBundle
from openbenefits.programs.loaded import LoadedBundle
from openbenefits.programs.rows.calendars import calendar_of
from openbenefits.programs.sections.calendars import HolidayCalendarPart, OffCyclePart, PayGroupPart
from openbenefits.programs.sections.codes import DeductionCodePart

DAYS_OF_MONTH = 30


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """The pays of a group that end, or are paid, in a year.

    Shapes: `pays` as core.pays.generate, with `due_on`, the day of the check before it is moved.
    taken: by deduction code, the pays of the year that take it, and of how many; None where the calendar does
           not hold the whole year, so that nobody can count.
    """

    group: PayGroupPart
    year: int
    pays: pl.DataFrame
    holidays: Mapping[date, str]
    off_cycle: Sequence[OffCyclePart]
    taken: Mapping[str, tuple[int, int] | None]
    taken_in: Mapping[date, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Ending:
    """A calendar that ends soon: through which day, and how many whole months are left."""

    group: PayGroupPart
    months_left: int


def calendar_year(client: LoadedBundle, peo: LoadedBundle | None, code: str, year: int) -> Calendar | None:
    """Answer a year of a pay group's calendar; None for a group there is not."""
    parts = client.parts
    groups = parts.pay_groups if isinstance(parts, ClientBundle) else []
    group = next((one for one in groups if one.code == code), None)
    if group is None:
        return None
    known = [*parts.holiday_calendars, *(peo.parts.holiday_calendars if peo else ())]
    whole = with_due(group, known)
    named = next((one for one in known if one.code == group.holidays), None)
    codes = {one.code: one for one in (*(peo.parts.deduction_codes if peo else ()), *parts.deduction_codes)}
    taken, taken_in = _deductions(whole, list(codes.values()), year)
    is_of_year = (pl.col("ends_on").dt.year() == year) | (pl.col("check_on").dt.year() == year)
    return Calendar(
        group=group,
        year=year,
        pays=whole.filter(is_of_year),
        holidays={one.day: one.name for one in named.days if one.day.year == year} if named else {},
        off_cycle=[one for one in group.off_cycle if one.check_on.year == year],
        taken=taken,
        taken_in=taken_in,
    )


def with_due(group: PayGroupPart, known: Sequence[HolidayCalendarPart]) -> pl.DataFrame:
    """Make the whole calendar of a group, with the day of each check before it is moved (`due_on`)."""
    lag = group.check_lag_days
    return calendar_of(group, known).with_columns(due_on=days.add_days(pl.col("ends_on"), lag))


def calendars_ending(client: LoadedBundle, as_of: date) -> list[Ending]:
    """List the active pay groups whose calendar ends within the months the group wants to be warned."""
    parts = client.parts
    groups = parts.pay_groups if isinstance(parts, ClientBundle) else []
    found = [Ending(group=one, months_left=months_left(one.calendar_through, as_of)) for one in groups]
    return [one for one in found if one.group.active and one.months_left < one.group.warn_months]


def months_left(through: date, as_of: date) -> int:
    """Count the whole months from a day through another; less than none is below 0.

    >>> months_left(date(2026, 12, 31), date(2026, 10, 1)), months_left(date(2026, 12, 30), date(2026, 10, 1))
    (3, 2)
    """
    end = date.fromordinal(through.toordinal() + 1)
    return (end.year - as_of.year) * 12 + end.month - as_of.month - (end.day < as_of.day)


def _deductions(
    whole: pl.DataFrame, codes: Sequence[DeductionCodePart], year: int
) -> tuple[dict[str, tuple[int, int] | None], dict[date, list[str]]]:
    """Say which pays of a year take each deduction code."""
    taken: dict[str, tuple[int, int] | None] = {}
    taken_in: dict[date, list[str]] = {}
    for code in codes:
        mask = sum(1 << (period - 1) for period in code.periods_of_month)
        flagged = pays.flagged_periods(whole, mask).filter(pl.col("ends_on").dt.year() == year)
        counts = flagged["flags_in_year"].drop_nulls()
        taken[code.code] = (int(counts[0]), flagged.height) if counts.len() else None
        is_taken = pl.col("period_of_month").is_in(list(code.periods_of_month))
        for day in whole.filter(is_taken & (pl.col("ends_on").dt.year() == year))["ends_on"]:
            taken_in.setdefault(day, []).append(code.code)
    return taken, taken_in
