"""Calendar arithmetic on columns of days.

Units: days are `pl.Date` columns or Python dates; counts are integers. Nothing here knows
today: the as-of day is always an operand.

Missing: a null operand gives null.

Month arithmetic that overruns a short month ends on its last day (program-setup §6.4).
"""

from datetime import date, datetime
from functools import lru_cache

import polars as pl

from openbenefits.core.columns import distinct
from openbenefits.core.missing import if_all_known

__all__ = [
    "Count",
    "Day",
    "add_days",
    "add_months",
    "age_years",
    "ages",
    "day_after",
    "day_before",
    "earliest",
    "instant",
    "latest",
    "month_begin",
    "month_begin_after",
    "month_begin_on_or_after",
    "month_end",
    "months_of_service",
    "year_day",
]

Day = pl.Expr | date
Count = pl.Expr | int


def age_years(birth: Day, as_of: Day) -> pl.Expr:
    """Count the completed years of age on a day.

    Who is born on 29 February completes a year on 1 March of a common year. A birth after
    the as-of day gives a negative age, for the caller to report.

    Source: the common rule that a year of age is complete on the anniversary; a state or
            plan that says 28 February needs a rule of its own.

    >>> people = pl.DataFrame({"birth": [date(2000, 2, 29), date(2000, 2, 28), None]})
    >>> people.select(age_years(pl.col("birth"), date(2026, 2, 28))).to_series().to_list()
    [25, 26, None]
    """
    born, on = _column(birth), _column(as_of)
    is_before_birthday = _month_and_day(on) < _month_and_day(born)
    return on.dt.year() - born.dt.year() - is_before_birthday.cast(pl.Int32)


def ages(birth: pl.Series, as_of: pl.Series) -> pl.Series:
    """Count the completed years of age of many rows: each pair of days once (`age_years`).

    >>> days = pl.Series([date(2000, 2, 29), None, date(2000, 2, 28)])
    >>> ages(days, pl.Series([date(2026, 2, 28)] * 3)).to_list()
    [25, None, 26]
    """
    pair = pl.DataFrame([birth.alias("birth"), as_of.alias("as_of")])
    born, born_span = _counted(birth)
    on, on_span = _counted(as_of)
    days, day = distinct(on, on_span)
    rows, which = distinct(born.cast(pl.Int64) * days.len() + day, born_span * max(days.len(), 1))
    found = pair[rows].select(age_years(pl.col("birth"), pl.col("as_of")).alias("age")).to_series()
    return found[which.cast(pl.UInt32)]


def _counted(days: pl.Series) -> tuple[pl.Series, int]:
    """Count days from the first of a column; and how many there are up to its last."""
    numbers = days.cast(pl.Int32)
    first, last = (int(one or 0) for one in (numbers.min(), numbers.max()))  # type: ignore[arg-type]
    return numbers - first, last - first + 1


def months_of_service(start: Day, as_of: Day) -> pl.Expr:
    """Count the whole months from a day: the greatest n with start + n months ≤ as-of.

    Who starts on the 31st completes a month on the last day of a shorter one. A start
    after the as-of day gives a negative count.

    >>> people = pl.DataFrame({"start": [date(2026, 1, 31), date(2026, 1, 15), None]})
    >>> as_of = date(2026, 2, 28)
    >>> people.select(months_of_service(pl.col("start"), as_of)).to_series().to_list()
    [1, 1, None]
    """
    begun, on = _column(start), _column(as_of)
    is_month_end = on.dt.day() == on.dt.days_in_month()
    is_incomplete = (on.dt.day() < begun.dt.day()) & ~is_month_end
    return _month_number(on) - _month_number(begun) - is_incomplete.cast(pl.Int32)


def add_days(day: Day, days: Count) -> pl.Expr:
    """Move a day by a count of days, which may be negative.

    >>> pl.select(add_days(date(2026, 3, 2), 60)).item()
    datetime.date(2026, 5, 1)
    """
    count = days.cast(pl.Int32) if isinstance(days, pl.Expr) else days
    return (_day_number(day) + count).cast(pl.Date)


def add_months(day: Day, months: Count) -> pl.Expr:
    """Move a day by a count of months, at most to the end of the month reached.

    >>> pl.select(add_months(date(2026, 1, 31), 1)).item()
    datetime.date(2026, 2, 28)
    """
    if isinstance(months, int):
        return _column(day).dt.offset_by(f"{months}mo")
    return _column(day).dt.offset_by(pl.concat_str(months, pl.lit("mo")))


def day_before(day: Day) -> pl.Expr:
    """Find the day before.

    >>> pl.select(day_before(date(2026, 3, 1))).item()
    datetime.date(2026, 2, 28)
    """
    return add_days(day, -1)


def day_after(day: Day) -> pl.Expr:
    """Find the day after: a TER event is dated the day after the last day employed.

    Source: rulings §2.1.

    >>> pl.select(day_after(date(2026, 12, 31))).item()
    datetime.date(2027, 1, 1)
    """
    return add_days(day, 1)


def month_begin(day: Day) -> pl.Expr:
    """Find the first day of the month that contains the day.

    >>> pl.select(month_begin(date(2026, 5, 17))).item()
    datetime.date(2026, 5, 1)
    """
    return (_day_number(day) - _column(day).dt.day() + 1).cast(pl.Date)


def month_end(day: Day) -> pl.Expr:
    """Find the last day of the month that contains the day.

    >>> pl.select(month_end(date(2028, 2, 3))).item()
    datetime.date(2028, 2, 29)
    """
    return (_day_number(day) + _days_left_in_month(day)).cast(pl.Date)


def month_begin_after(day: Day) -> pl.Expr:
    """Find the first day of the next month, even for a day that begins a month.

    Source: begin rule M (program-setup §6.4).

    >>> pl.select(month_begin_after(date(2026, 5, 1))).item()
    datetime.date(2026, 6, 1)
    """
    return (_day_number(day) + _days_left_in_month(day) + 1).cast(pl.Date)


def month_begin_on_or_after(day: Day) -> pl.Expr:
    """Find the first month begin that is not before the day.

    Source: begin rule N (program-setup §6.4).

    >>> days = pl.DataFrame({"day": [date(2026, 5, 1), date(2026, 5, 2), None]})
    >>> days.select(month_begin_on_or_after(pl.col("day"))).to_series().to_list()
    [datetime.date(2026, 5, 1), datetime.date(2026, 6, 1), None]
    """
    return month_begin_after(day_before(day))


def day_of_month_on_or_after(day: Day, number: Count) -> pl.Expr:
    """Find the first day of a number in its month that is not before a day; of a short month its last day.

    Source: end rule Dn (reconciliation §5.2).

    >>> days = pl.DataFrame({"day": [date(2026, 1, 31), date(2026, 2, 28), None]})
    >>> days.select(day_of_month_on_or_after(pl.col("day"), 30)).to_series().to_list()
    [datetime.date(2026, 2, 28), datetime.date(2026, 2, 28), None]
    """
    this, following = (_numbered_day(one, number) for one in (day, month_begin_after(day)))
    return pl.when(_column(day) <= this).then(this).otherwise(following)


def _numbered_day(day: Day, number: Count) -> pl.Expr:
    return earliest(add_days(month_begin(day), _number(number) - 1), month_end(day))


def latest(*days: Day) -> pl.Expr:
    """Find the last of the days of each row.

    >>> days = pl.DataFrame({"event": [date(2026, 5, 1), None]})
    >>> days.select(latest(pl.col("event"), date(2026, 6, 1))).to_series().to_list()
    [datetime.date(2026, 6, 1), None]
    """
    columns = [_column(day) for day in days]
    return if_all_known(columns, pl.max_horizontal(columns))


def earliest(*days: Day) -> pl.Expr:
    """Find the first of the days of each row.

    >>> days = pl.DataFrame({"event": [date(2026, 5, 1), None]})
    >>> days.select(earliest(pl.col("event"), date(2026, 6, 1))).to_series().to_list()
    [datetime.date(2026, 5, 1), None]
    """
    columns = [_column(day) for day in days]
    return if_all_known(columns, pl.min_horizontal(columns))


def year_day(year: Count, month: Count, day_of_month: Count) -> pl.Expr:
    """Find a day of a year by month and day ("this year on MM/DD").

    A day past the end of the month is its last day: 29 February in a common year is the
    28th, and 31 means "month end" in any month.

    Missing: a month outside 1..12 or a day below 1 gives null.
    Source:  as-of codes L and T (program-setup §4.3).

    >>> years = pl.DataFrame({"year": [2027, 2028, None]})
    >>> years.select(year_day(pl.col("year"), 2, 29)).to_series().to_list()
    [datetime.date(2027, 2, 28), datetime.date(2028, 2, 29), None]
    """
    month_no, day_no = _number(month), _number(day_of_month)
    known_month = pl.when(month_no.is_between(1, 12)).then(month_no)
    first = pl.date(_number(year), known_month, 1)
    moved = pl.min_horizontal(day_no, first.dt.days_in_month().cast(pl.Int32)) - 1
    return add_days(first, pl.when(day_no >= 1).then(moved))


@lru_cache(16)
def instant(moment: datetime) -> pl.Expr:
    """An instant as tables keep it: a literal, made once for all rows a run writes under it."""
    return pl.lit(moment).cast(pl.Datetime("us", "UTC"))


def _days_left_in_month(day: Day) -> pl.Expr:
    column = _column(day)
    return column.dt.days_in_month().cast(pl.Int32) - column.dt.day()


def _month_and_day(day: pl.Expr) -> pl.Expr:
    return day.dt.month().cast(pl.Int32) * 32 + day.dt.day()


def _month_number(day: pl.Expr) -> pl.Expr:
    return day.dt.year() * 12 + day.dt.month()


def _day_number(day: Day) -> pl.Expr:
    return _column(day).cast(pl.Int32)


def _number(count: Count) -> pl.Expr:
    return count if isinstance(count, pl.Expr) else pl.lit(count, dtype=pl.Int32)


def _column(day: Day) -> pl.Expr:
    return day if isinstance(day, pl.Expr) else pl.lit(day, dtype=pl.Date)
