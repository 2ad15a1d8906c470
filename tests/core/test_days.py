"""Day operators agree with plain datetime arithmetic."""

from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbenefits.core import days

ends_of_february = st.sampled_from([date(y, 2, d) for y in (1896, 1996) for d in (28, 29)])
a_day = st.one_of(
    st.dates(date(1890, 1, 1), date(2150, 12, 31)),
    ends_of_february,
    st.builds(date, st.integers(1999, 2001), st.sampled_from([1, 2, 3]), st.just(1)),
    st.builds(lambda m: date(2027, m, monthrange(2027, m)[1]), st.integers(1, 12)),
)
d, e, n, m, k = (pl.col(name) for name in "denmk")


def rows_of(*values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    known_or_not = [st.one_of(st.none(), value) for value in values]
    return st.lists(st.tuples(*known_or_not), min_size=1, max_size=30)


def column(rows: list[Any], schema: dict[str, Any], answer: pl.Expr) -> list[Any]:
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.select(answer.alias("answer"))["answer"].to_list()


def by_row(rows: list[Any], rule: Callable[..., Any]) -> list[Any]:
    return [None if None in row else rule(*row) for row in rows]


def clamped(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, monthrange(year, month)[1]))


def months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return clamped(year, month + 1, day.day)


def age(birth: date, as_of: date) -> int:
    had_birthday = (as_of.month, as_of.day) >= (birth.month, birth.day)
    return as_of.year - birth.year - (not had_birthday)


ONE = {"d": pl.Date}
TWO = {"d": pl.Date, "e": pl.Date}
DAY_AND_COUNT = {"d": pl.Date, "n": pl.Int64}


@given(rows_of(a_day))
def test_begins_and_ends_of_months(rows: list[Any]) -> None:
    def answer(expr: pl.Expr) -> list[Any]:
        return column(rows, ONE, expr)

    begin = by_row(rows, lambda day: day.replace(day=1))
    after = by_row(rows, lambda day: months_later(day.replace(day=1), 1))
    end = [day and day - timedelta(1) for day in after]
    on_or_after = [
        row[0] if row[0] == first else next_first
        for row, first, next_first in zip(rows, begin, after, strict=True)
    ]
    assert answer(days.month_begin(d)) == begin
    assert answer(days.month_end(d)) == end
    assert answer(days.month_begin_after(d)) == after
    assert answer(days.month_begin_on_or_after(d)) == on_or_after


@given(rows_of(a_day, st.integers(-600, 600)))
def test_adding_months_and_days(rows: list[Any]) -> None:
    later = column(rows, DAY_AND_COUNT, days.add_days(d, n))
    assert later == by_row(rows, lambda day, count: day + timedelta(count))
    months = column(rows, DAY_AND_COUNT, days.add_months(d, n))
    assert months == by_row(rows, months_later)


@given(rows_of(a_day), st.integers(-600, 600))
def test_a_literal_count_is_as_a_column_of_it(rows: list[Any], count: int) -> None:
    months = column(rows, ONE, days.add_months(d, count))
    assert months == by_row(rows, lambda day: months_later(day, count))
    later = column(rows, ONE, days.add_days(d, count))
    assert later == by_row(rows, lambda day: day + timedelta(count))


@given(rows_of(a_day, a_day))
def test_ages(rows: list[Any]) -> None:
    assert column(rows, TWO, days.age_years(d, e)) == by_row(rows, age)


@given(rows_of(a_day, a_day))
def test_service_is_the_greatest_count_of_months_that_fits(rows: list[Any]) -> None:
    served = column(rows, TWO, days.months_of_service(d, e))
    for (start, as_of), months in zip(rows, served, strict=True):
        if months is None:
            assert None in (start, as_of)
        else:
            assert months_later(start, months) <= as_of
            assert as_of < months_later(start, months + 1)


@given(rows_of(a_day, a_day))
def test_extremes_are_null_strict(rows: list[Any]) -> None:
    assert column(rows, TWO, days.latest(d, e)) == by_row(rows, max)
    assert column(rows, TWO, days.earliest(d, e)) == by_row(rows, min)


@given(rows_of(st.integers(1900, 2150), st.integers(1, 12), st.integers(1, 31)))
def test_a_day_of_a_year_ends_with_its_month(rows: list[Any]) -> None:
    schema = {"n": pl.Int64, "m": pl.Int64, "k": pl.Int64}
    answer = column(rows, schema, days.year_day(n, m, k))
    assert answer == by_row(rows, clamped)


@pytest.mark.parametrize(("month", "day"), [(0, 1), (13, 1), (1, 0)])
def test_no_such_day_of_a_year_is_unknown(month: int, day: int) -> None:
    assert pl.select(days.year_day(2026, month, day)).item() is None


@pytest.mark.parametrize(
    ("as_of", "years"),
    [
        (date(2026, 2, 28), 17),
        (date(2026, 3, 1), 18),
        (date(2028, 2, 28), 19),
        (date(2028, 2, 29), 20),
        (date(2008, 2, 28), -1),
    ],
)
def test_born_on_29_february_is_older_on_1_march(as_of: date, years: int) -> None:
    assert pl.select(days.age_years(date(2008, 2, 29), as_of)).item() == years


@pytest.mark.parametrize(
    ("last_day_employed", "not_employed"),
    [
        (date(2026, 1, 30), date(2026, 1, 31)),
        (date(2026, 1, 31), date(2026, 2, 1)),
        (date(2026, 2, 28), date(2026, 3, 1)),
        (date(2026, 12, 31), date(2027, 1, 1)),
    ],
)
def test_employment_ends_the_day_before_the_event(last_day_employed: date, not_employed: date) -> None:
    """Source: rulings §2.1."""
    assert pl.select(days.day_after(last_day_employed)).item() == not_employed
    assert pl.select(days.day_before(not_employed)).item() == last_day_employed


def test_sixty_days_after_2_march_is_a_month_begin() -> None:
    """On or after, and after, differ here by a month (house style §7)."""
    reached = days.add_days(date(2026, 3, 2), 60)
    assert pl.select(days.month_begin_on_or_after(reached)).item() == date(2026, 5, 1)
    assert pl.select(days.month_begin_after(reached)).item() == date(2026, 6, 1)


def test_results_are_days_and_counts() -> None:
    frame = pl.DataFrame({"d": [date(2026, 1, 31)], "n": [1]})
    moved = [days.add_days(d, n), days.add_months(d, n), days.month_begin(d)]
    ends = [days.month_end(d), days.month_begin_after(d), days.year_day(n, 1, 1)]
    for answer in [*moved, *ends]:
        assert frame.select(answer).dtypes == [pl.Date()]
    for count in [days.age_years(d, d), days.months_of_service(d, d)]:
        assert frame.select(count).dtypes == [pl.Int32()]
