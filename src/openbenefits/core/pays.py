"""Pay calendars: the pay periods of a pay group, and finding a period by a day.

A period is counted in the month and the year in which it *ends*, since a deduction is
owed in the periods that end within its clock (rulings §2.4). Checks may fall in another
month or year.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Final, Literal, TypeVar

import polars as pl

from openbenefits.core import days

__all__ = [
    "PERIODS_PER_YEAR",
    "PayFrequency",
    "flagged_periods",
    "generate",
    "next_period",
    "on_bank_days",
    "period_containing",
]

PayFrequency = Literal["W", "B", "S", "M"]
"""How often a pay group is paid: weekly, biweekly, semimonthly, monthly."""

PERIODS_PER_YEAR: Final[Mapping[str, int]] = MappingProxyType(
    {"A": 1, "B": 26, "D": 260, "M": 12, "Q": 4, "S": 24, "W": 52}
)
"""By how much each frequency of a *rate* is annualised (program-setup §4.4). D may be set
to 365. Not the number of pays in a year, which may be 27 or 53: see `generate`."""

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)

_LAST_WEEKDAY: Final = 5
_DAYS_IN_PERIOD: Final[Mapping[str, int]] = {"W": 7, "B": 14}
_FLAG_BIT: Final = {1: 1, 2: 2, 3: 4, 4: 8, 5: 16}

_begins_on, _ends_on = pl.col("begins_on"), pl.col("ends_on")
_found_begin, _found_end = pl.col("_found_begin"), pl.col("_found_end")


def generate(frequency: PayFrequency, first_begin: date, through: date, check_lag_days: int) -> pl.DataFrame:
    """List the pay periods that begin from one day through another.

    Columns: pay_no (Int32, from 1), begins_on, ends_on, check_on (Date); then, by the
             month and calendar year of the end date, period_of_month (1..5),
             period_of_year and periods_in_year (Int16). These three do not depend on
             where the list begins: a calendar that starts in June says "period 12 of 26".
    Units:   check_on is ends_on plus the lag in calendar days; it may be negative (paid
             before the period ends) and knows no holidays.
    Errors:  ValueError for a monthly calendar that does not begin on the 1st, or a
             semimonthly one that begins on neither the 1st nor the 16th.

    >>> pays = generate("B", date(2026, 1, 5), date(2026, 1, 31), check_lag_days=5)
    >>> pays.select("pay_no", "ends_on", "period_of_month", "periods_in_year").rows()
    [(1, datetime.date(2026, 1, 18), 2, 26), (2, datetime.date(2026, 2, 1), 1, 26)]
    """
    match frequency:
        case "W" | "B":
            length = _DAYS_IN_PERIOD[frequency]
            periods = _periods_of_days(length, first_begin, through)
            counts = _counts_of_days(length)
        case "S":
            periods = _half_months(first_begin, through)
            counts = _counts_of_months(2)
        case "M":
            periods = _months(first_begin, through)
            counts = _counts_of_months(1)
    return periods.select(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias("pay_no"),
        _begins_on,
        _ends_on,
        days.add_days(_ends_on, check_lag_days).alias("check_on"),
        **{name: count.cast(pl.Int16) for name, count in counts.items()},
    )


def on_bank_days(
    periods: pl.DataFrame, holidays: Sequence[date], rule: Literal["before", "after", "none"]
) -> pl.DataFrame:
    """Move checks off weekends and holidays: to the bank day before, or after, or not at all.

    Shapes:  periods has check_on; one row out per row in.
    Missing: without holidays, or with the rule `none`, checks stay where they are, weekends included.

    >>> fourth = pl.DataFrame({"check_on": [date(2026, 7, 3), date(2026, 7, 7)]})
    >>> on_bank_days(fourth, [date(2026, 7, 3)], "before")["check_on"].to_list()
    [datetime.date(2026, 7, 2), datetime.date(2026, 7, 7)]
    >>> on_bank_days(fourth, [date(2026, 7, 3)], "after")["check_on"].to_list()
    [datetime.date(2026, 7, 6), datetime.date(2026, 7, 7)]
    """
    if rule == "none" or not holidays:
        return periods
    step = -1 if rule == "before" else 1
    check_on = pl.col("check_on")
    is_closed = check_on.is_in(list(holidays)) | (check_on.dt.weekday() > _LAST_WEEKDAY)
    moved = periods
    for _ in range(len(holidays) + 2):  # a weekend and every holiday in a row
        moved = moved.with_columns(
            check_on=pl.when(is_closed).then(days.add_days(check_on, step)).otherwise(check_on)
        )
    return moved


def next_period(
    frame: Frame,
    day_column: str,
    periods: Frame,
    *,
    strict: bool,
    into: str = "period_begins_on",
) -> Frame:
    """Add the begin of the first pay period that begins after a day, or on or after it.

    Shapes:  frame has pay_group and the day column, any order, which is kept; periods has
             pay_group, begins_on, ends_on. One row out per row in.
    Missing: an unknown day or pay group, or a calendar that ends too early, gives null;
             the caller reports the missing calendar (message 000015).
    Source:  begin rules P (strict) and Q (program-setup §6.4).

    >>> people = pl.DataFrame({"pay_group": [7], "begin": [date(2026, 1, 5)]})
    >>> pays = generate("B", date(2026, 1, 5), date(2026, 3, 1), 5)
    >>> pays = pays.with_columns(pay_group=pl.lit(7, pl.Int64))
    >>> next_period(people, "begin", pays, strict=True)["period_begins_on"].item()
    datetime.date(2026, 1, 19)
    >>> next_period(people, "begin", pays, strict=False)["period_begins_on"].item()
    datetime.date(2026, 1, 5)
    """
    found = _asof(frame, day_column, periods, "forward", allow_equal=not strict)
    return _join_back(frame, found, day_column, into, _found_begin)


def period_containing(
    frame: Frame, day_column: str, periods: Frame, *, into: str = "period_ends_on"
) -> Frame:
    """Add the end of the pay period that contains a day.

    Shapes:  as `next_period`.
    Missing: as `next_period`; a day in a gap of the calendar gives null too.
    Source:  end rule P (program-setup §6.4).

    >>> people = pl.DataFrame({"pay_group": [7], "last_day": [date(2026, 1, 19)]})
    >>> pays = generate("B", date(2026, 1, 5), date(2026, 3, 1), 5)
    >>> pays = pays.with_columns(pay_group=pl.lit(7, pl.Int64))
    >>> period_containing(people, "last_day", pays)["period_ends_on"].item()
    datetime.date(2026, 2, 1)
    """
    found = _asof(frame, day_column, periods, "backward", allow_equal=True)
    is_inside = pl.col(day_column) <= _found_end
    end = pl.when(is_inside).then(_found_end)
    return _join_back(frame, found, day_column, into, end)


def flagged_periods(periods: Frame, flags: pl.Expr | int, by: Sequence[str] = ()) -> Frame:
    """Number the periods in which a deduction code is taken, within each calendar year.

    Adds flag_no (the how-manieth flagged period of its year, null where the flag is off)
    and flags_in_year (12, 24, 26, 27, 48, 52 …): the k and n of `money.share_of_split`.

    Shapes:  periods as of `generate`, for one calendar or for each value of the `by`
             columns (pay group, deduction code).
    Units:   flags is a bit mask over period_of_month: 1 is the first period of a month,
             0b00011 the first and second (24 of 26), 0b11111 all.
    Missing: null for unknown flags, and for a year of which periods lacks a period, as
             its count would be wrong. Generate from before 1 January.
    Source:  rulings §2.4 and §5.1.

    >>> pays = generate("B", date(2025, 12, 22), date(2026, 12, 31), 5)
    >>> year = flagged_periods(pays, 0b00011).filter(_ends_on.dt.year() == 2026)
    >>> year.select(pl.len(), pl.col("flag_no").max(), pl.col("flags_in_year").max()).row(0)
    (26, 24, 24)
    """
    group = [*(pl.col(name) for name in by), _ends_on.dt.year()]
    mask = pl.lit(flags, dtype=pl.Int64) if isinstance(flags, int) else flags
    bit = pl.col("period_of_month").replace_strict(_FLAG_BIT, return_dtype=pl.Int64)
    is_flagged = (mask & bit) != 0
    is_whole_year = pl.len().over(group) == pl.col("periods_in_year")
    is_countable = is_whole_year & is_flagged.is_not_null()
    running = is_flagged.cast(pl.Int16).cum_sum().over(group, order_by="ends_on")
    in_year = is_flagged.sum().cast(pl.Int16).over(group)
    return periods.with_columns(
        flag_no=pl.when(is_countable & is_flagged).then(running),
        flags_in_year=pl.when(is_countable).then(in_year),
    )


def _periods_of_days(length: int, first_begin: date, through: date) -> pl.DataFrame:
    begins = pl.date_range(first_begin, through, f"{length}d", eager=True)
    periods = pl.DataFrame({"begins_on": begins})
    return periods.with_columns(ends_on=days.add_days(_begins_on, length - 1))


def _months(first_begin: date, through: date) -> pl.DataFrame:
    if first_begin.day != 1:
        raise ValueError(f"a monthly pay calendar cannot begin on {first_begin}")
    begins = pl.date_range(first_begin, through, "1mo", eager=True)
    periods = pl.DataFrame({"begins_on": begins})
    return periods.with_columns(ends_on=days.month_end(_begins_on))


def _half_months(first_begin: date, through: date) -> pl.DataFrame:
    if first_begin.day not in (1, 16):
        raise ValueError(f"a semimonthly pay calendar cannot begin on {first_begin}")
    firsts = pl.date_range(first_begin.replace(day=1), through, "1mo", eager=True)
    begins = pl.concat([firsts, firsts.dt.offset_by("15d")]).sort()
    periods = pl.DataFrame({"begins_on": begins})
    first_half = pl.when(_begins_on.dt.day() == 1).then(days.add_days(_begins_on, 14))
    return periods.filter(_begins_on.is_between(first_begin, through)).with_columns(
        ends_on=first_half.otherwise(days.month_end(_begins_on))
    )


def _counts_of_days(length: int) -> dict[str, pl.Expr]:
    day_of_year = _ends_on.dt.ordinal_day().cast(pl.Int32)
    days_in_year = _ends_on.dt.is_leap_year().cast(pl.Int32) + 365
    period_of_year = (day_of_year - 1) // length + 1
    return {
        "period_of_month": (_ends_on.dt.day() - 1) // length + 1,
        "period_of_year": period_of_year,
        "periods_in_year": period_of_year + (days_in_year - day_of_year) // length,
    }


def _counts_of_months(in_month: int) -> dict[str, pl.Expr]:
    is_last = _ends_on == days.month_end(_ends_on)
    period_of_month = pl.when(is_last).then(in_month).otherwise(1)
    return {
        "period_of_month": period_of_month,
        "period_of_year": (_ends_on.dt.month() - 1) * in_month + period_of_month,
        "periods_in_year": pl.lit(12 * in_month),
    }


def _asof(
    frame: Frame,
    day_column: str,
    periods: Frame,
    strategy: Literal["forward", "backward"],
    *,
    allow_equal: bool,
) -> Frame:
    """Find a period for each pair of pay group and day: few pairs, a million people."""
    asked = frame.select("pay_group", day_column).unique().drop_nulls()
    offered = periods.select(
        "pay_group",
        _begins_on.alias("_begin"),
        _begins_on.alias("_found_begin"),
        _ends_on.alias("_found_end"),
    )
    return asked.sort(day_column).join_asof(
        offered.sort("_begin"),
        left_on=day_column,
        right_on="_begin",
        by="pay_group",
        strategy=strategy,
        allow_exact_matches=allow_equal,
        check_sortedness=False,
    )


def _join_back(frame: Frame, found: Frame, day_column: str, into: str, answer: pl.Expr) -> Frame:
    keys = ["pay_group", day_column]
    answers = found.select(*keys, answer.alias(into))
    others = frame.drop(into, strict=False) if into in frame.collect_schema() else frame
    return others.join(answers, on=keys, how="left", maintain_order="left")
