"""Pay calendars count their periods as the payroll of any year does."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbenefits.core import money, pays

a_frequency = st.sampled_from(["W", "B", "S", "M"])
a_day = st.dates(date(2020, 1, 1), date(2032, 12, 31))
STEP = {"W": 7, "B": 14}


def calendar(frequency: Any, first_begin: date, weeks: int = 160) -> pl.DataFrame:
    through = first_begin + timedelta(weeks=weeks)
    return pays.generate(frequency, first_begin, through, check_lag_days=5)


def a_begin(frequency: str, day: date) -> date:
    return day if frequency in STEP else day.replace(day=1)


@given(a_frequency, a_day)
def test_periods_leave_no_gap_and_do_not_overlap(frequency: str, day: date) -> None:
    periods = calendar(frequency, a_begin(frequency, day))
    begins, ends = periods["begins_on"].to_list(), periods["ends_on"].to_list()
    assert begins[1:] == [end + timedelta(1) for end in ends[:-1]]
    assert periods["pay_no"].to_list() == list(range(1, periods.height + 1))
    assert periods["check_on"].to_list() == [end + timedelta(5) for end in ends]


@given(a_frequency, a_day)
def test_counts_are_those_of_a_calendar_of_whole_years(frequency: str, day: date) -> None:
    periods = calendar(frequency, a_begin(frequency, day), weeks=120)
    ends = periods["ends_on"].to_list()
    whole_years = {end.year for end in ends} - {ends[0].year, ends[-1].year}
    for year in whole_years:
        of_year = periods.filter(pl.col("ends_on").dt.year() == year)
        count = of_year.height
        assert of_year["period_of_year"].to_list() == list(range(1, count + 1))
        assert of_year["periods_in_year"].to_list() == [count] * count
        months = of_year.group_by(pl.col("ends_on").dt.month(), maintain_order=True)
        for _, of_month in months:
            in_month = of_month["period_of_month"].to_list()
            assert in_month == list(range(1, len(in_month) + 1))


@given(a_frequency, a_day, st.integers(1, 30))
def test_counts_do_not_depend_on_where_the_list_begins(frequency: str, day: date, skipped: int) -> None:
    periods = calendar(frequency, a_begin(frequency, day))
    tail = periods[skipped:]
    later = calendar(frequency, tail["begins_on"][0])
    both = later.join(tail, on="begins_on", maintain_order="left").drop("^pay_no.*$")
    assert both.height > 1
    for name in ("period_of_month", "period_of_year", "periods_in_year"):
        assert both[name].to_list() == both[f"{name}_right"].to_list()


@pytest.mark.parametrize(
    ("frequency", "first_begin", "year", "pays_in_year"),
    [
        ("B", date(2025, 12, 22), 2026, 26),
        ("B", date(2019, 12, 19), 2020, 27),
        ("B", date(2019, 12, 20), 2020, 27),
        ("B", date(2019, 12, 21), 2020, 26),
        ("W", date(2025, 12, 22), 2026, 52),
        ("W", date(2025, 12, 26), 2026, 53),
        ("S", date(2025, 12, 16), 2026, 24),
        ("M", date(2025, 12, 1), 2026, 12),
    ],
)
def test_pays_of_a_year(frequency: Any, first_begin: date, year: int, pays_in_year: int) -> None:
    """Cases of rulings §2.4. 26 pays are 364 days: a year has one pay more where one
    ends on 1 January, or on 2 January of a leap year."""
    periods = calendar(frequency, first_begin).filter(pl.col("ends_on").dt.year() == year)
    assert periods.height == pays_in_year
    assert periods["periods_in_year"].unique().to_list() == [pays_in_year]


@pytest.mark.parametrize(
    ("frequency", "first_begin", "flags", "taken"),
    [
        ("B", date(2025, 12, 22), 0b00011, 24),
        ("B", date(2025, 12, 22), 0b11111, 26),
        ("B", date(2025, 12, 19), 0b11111, 27),
        ("B", date(2025, 12, 19), 0b00011, 24),
        ("B", date(2025, 12, 22), 0b00001, 12),
        ("W", date(2025, 12, 26), 0b11111, 53),
        ("W", date(2025, 12, 26), 0b01111, 48),
        ("S", date(2025, 12, 16), 0b00010, 12),
        ("M", date(2025, 12, 1), 0b00001, 12),
        ("M", date(2025, 12, 1), 0b00010, 0),
    ],
)
def test_flagged_pays_of_a_year(frequency: Any, first_begin: date, flags: int, taken: int) -> None:
    """24 of 26, and the like: rulings §2.4 and §5.1."""
    flagged = pays.flagged_periods(calendar(frequency, first_begin), flags)
    year = flagged.filter(pl.col("ends_on").dt.year() == 2026)
    assert year["flags_in_year"].unique().to_list() == [taken]
    assert year["flag_no"].drop_nulls().to_list() == list(range(1, taken + 1))
    on = [flags >> (number - 1) & 1 == 1 for number in year["period_of_month"]]
    assert year["flag_no"].is_not_null().to_list() == on


def test_an_annual_pledge_sums_exactly_over_24_of_26_pays() -> None:
    """Source: rulings §5.1."""
    flagged = pays.flagged_periods(calendar("B", date(2025, 12, 22)), 0b00011)
    share = money.share_of_split(100_001, pl.col("flag_no"), pl.col("flags_in_year"))
    owed = flagged.filter(pl.col("ends_on").dt.year() == 2026).select(cents=share)
    assert owed["cents"].null_count() == 2
    assert owed["cents"].sum() == 100_001


def test_a_year_that_lacks_a_period_is_not_counted() -> None:
    flagged = pays.flagged_periods(calendar("B", date(2026, 3, 2), 60), 0b11111)
    counted = flagged.group_by(pl.col("ends_on").dt.year()).agg(
        pl.col("flag_no").count(), pl.col("flags_in_year").count()
    )
    assert sorted(counted.rows()) == [(2026, 0, 0), (2027, 0, 0)]


def test_flags_by_deduction_code_and_pay_group() -> None:
    codes = pl.LazyFrame({"code": ["MED", "FSA", "NEW"], "flags": [0b11, 0b11111, None]})
    pairs = codes.join(calendar("B", date(2025, 12, 22)).lazy(), how="cross")
    flagged = pays.flagged_periods(pairs, pl.col("flags"), by=["code"]).collect()
    year = flagged.filter(pl.col("ends_on").dt.year() == 2026)
    counts = year.group_by("code").agg(pl.col("flags_in_year").max())
    assert dict(counts.rows()) == {"MED": 24, "FSA": 26, "NEW": None}
    assert year.filter(code="NEW")["flag_no"].null_count() == 26


@pytest.mark.parametrize(("frequency", "first_begin"), [("M", date(2026, 1, 2)), ("S", date(2026, 1, 15))])
def test_a_calendar_by_months_begins_with_one(frequency: Any, first_begin: date) -> None:
    with pytest.raises(ValueError, match="cannot begin on 2026-01"):
        pays.generate(frequency, first_begin, date(2026, 12, 31), 0)


def test_semimonthly_periods_are_halves_of_months() -> None:
    periods = pays.generate("S", date(2028, 1, 16), date(2028, 2, 16), -2)
    assert periods.select("begins_on", "ends_on", "check_on").rows() == [
        (date(2028, 1, 16), date(2028, 1, 31), date(2028, 1, 29)),
        (date(2028, 2, 1), date(2028, 2, 15), date(2028, 2, 13)),
        (date(2028, 2, 16), date(2028, 2, 29), date(2028, 2, 27)),
    ]


def test_the_columns_of_a_calendar() -> None:
    day, count = pl.Date(), pl.Int16()
    for frequency, first_begin in [("B", date(2026, 1, 5)), ("S", date(2026, 1, 1))]:
        periods = calendar(frequency, first_begin)
        assert periods.schema == {
            "pay_no": pl.Int32(),
            "begins_on": day,
            "ends_on": day,
            "check_on": day,
            "period_of_month": count,
            "period_of_year": count,
            "periods_in_year": count,
        }
    assert pays.generate("B", date(2026, 1, 5), date(2026, 1, 1), 0).height == 0


def two_calendars() -> pl.DataFrame:
    weekly = calendar("W", date(2026, 1, 5), 20).with_columns(pay_group=pl.lit(2))
    biweekly = calendar("B", date(2026, 1, 5), 20).with_columns(pay_group=pl.lit(1))
    both = pl.concat([weekly, biweekly]).cast({"pay_group": pl.Int64})
    return both.select("pay_group", "begins_on", "ends_on")


groups = st.sampled_from([1, 2, 3, None])
late_or_unknown = st.one_of(st.none(), st.dates(date(2025, 12, 1), date(2026, 7, 31)))


@given(st.lists(st.tuples(groups, late_or_unknown), max_size=30), st.booleans())
def test_periods_are_found_by_pay_group_and_day(rows: Any, strict: bool) -> None:
    calendars = two_calendars()
    all_periods = sorted(calendars.rows(), key=lambda period: period[1])
    schema = {"pay_group": pl.Int64, "day": pl.Date}
    people = pl.DataFrame(rows, schema=schema, orient="row")
    begins = pays.next_period(people, "day", calendars, strict=strict)
    found = pays.period_containing(begins, "day", calendars)
    assert found.select("pay_group", "day").rows() == rows
    for group, day, begin, end in found.rows():
        mine = [p[1:] for p in all_periods if p[0] == group] if day else []
        after = [b for b, _ in mine if b > day or (b == day and not strict)]
        around = [e for b, e in mine if b <= day <= e]
        assert begin == (after[0] if after else None)
        assert end == (around[0] if around else None)


@pytest.mark.parametrize("day_column", ["begins_on", "ends_on", "_begin"])
def test_a_day_column_may_be_named_as_one_of_the_calendar(day_column: str) -> None:
    people = pl.DataFrame({"pay_group": [1], day_column: [date(2026, 1, 6)]})
    begins = pays.next_period(people, day_column, two_calendars(), strict=True)
    assert begins["period_begins_on"].to_list() == [date(2026, 1, 19)]
    ends = pays.period_containing(people, day_column, two_calendars())
    assert ends["period_ends_on"].to_list() == [date(2026, 1, 18)]


def test_an_earlier_answer_is_replaced() -> None:
    people = pl.LazyFrame({"pay_group": [1], "day": [date(2026, 1, 5)]})
    calendars = two_calendars().lazy()
    once = pays.next_period(people, "day", calendars, strict=True, into="begin")
    twice = pays.next_period(once, "day", calendars, strict=False, into="begin")
    assert twice.collect().to_dict(as_series=False) == {
        "pay_group": [1],
        "day": [date(2026, 1, 5)],
        "begin": [date(2026, 1, 5)],
    }


def test_a_day_in_a_gap_of_the_calendar_is_in_no_period() -> None:
    gap = two_calendars().filter(pl.col("begins_on") != date(2026, 2, 2))
    people = pl.DataFrame({"pay_group": [1], "day": [date(2026, 2, 10)]})
    ends = pays.period_containing(people, "day", gap)
    assert ends["period_ends_on"].to_list() == [None]
