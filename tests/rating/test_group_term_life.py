"""Group-term life insurance: the published table, golden cases by hand, and laws (26 CFR 1.79-3)."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbenefits.rating.rules.imputed import group_term_life, per_pay

TABLE_I = {
    0: 50_000,
    25: 60_000,
    30: 80_000,
    35: 90_000,
    40: 100_000,
    45: 150_000,
    50: 230_000,
    55: 430_000,
    60: 660_000,
    65: 1_270_000,
    70: 2_060_000,
}
RATES = pl.DataFrame({"age_from": list(TABLE_I), "rate_micros": list(TABLE_I.values())})
DOLLAR = 100


def cover(*months: tuple[int, int | None, int | None, int]) -> pl.DataFrame:
    """Write out months of 2026: number, coverage at the start and at the end, days covered."""
    schema = {"month": pl.Int8, "start_cents": pl.Int64, "end_cents": pl.Int64, "covered_days": pl.Int64}
    rows = pl.DataFrame(list(months), schema=schema, orient="row")
    return rows.with_columns(owner=pl.lit(0, pl.Int32), year=pl.lit(2026, pl.Int32))


def person(birth_on: date | None, paid_cents: int | None = 0) -> pl.DataFrame:
    return pl.DataFrame(
        {"owner": [0], "birth_on": [birth_on], "paid_cents": [paid_cents]},
        schema={"owner": pl.Int32, "birth_on": pl.Date, "paid_cents": pl.Int64},
    )


def month_of(coverage: int, birth_on: date | None) -> dict[str, Any]:
    months, _ = group_term_life(cover((1, coverage, coverage, 31)), person(birth_on), RATES)
    return months.row(0, named=True)


@pytest.mark.parametrize(
    ("coverage", "taxed"),
    [
        (0, 0),
        (50_000, 0),
        (50_049.99, 0),
        (50_050, 100),  # half of a hundred goes up
        (50_149.99, 100),
        (50_150, 200),
        (49_999.99, 0),
        (150_000, 100_000),
        (268_000, 218_000),
    ],
)
def test_what_is_above_50_000_to_the_nearest_100(coverage: float, taxed: int) -> None:
    found = month_of(round(coverage * DOLLAR), date(1980, 1, 1))
    assert found["taxed_cents"] == taxed * DOLLAR


@pytest.mark.parametrize(
    ("birth_on", "rate"),
    [
        (date(2002, 1, 1), 50_000),  # 24 on 31 December 2026
        (date(2001, 12, 31), 60_000),  # 25 on that day
        (date(2002, 12, 31), 50_000),
        (date(1997, 1, 1), 60_000),
        (date(1996, 12, 31), 80_000),
        (date(1991, 12, 31), 90_000),
        (date(1986, 12, 31), 100_000),
        (date(1981, 12, 31), 150_000),
        (date(1976, 12, 31), 230_000),
        (date(1971, 12, 31), 430_000),
        (date(1966, 12, 31), 660_000),
        (date(1961, 12, 31), 1_270_000),
        (date(1957, 1, 1), 1_270_000),
        (date(1956, 12, 31), 2_060_000),
        (date(1920, 6, 1), 2_060_000),
    ],
)
def test_the_age_at_the_end_of_the_year_counts_in_every_month(birth_on: date, rate: int) -> None:
    found = month_of(150_000 * DOLLAR, birth_on)
    assert found["rate_micros"] == rate
    assert found["month_cents"] == rate // 100  # 100 thousands a month


def test_thousands_are_not_lost() -> None:
    """Pain 18: $50.16 a year and not $50,160 (228,000 above, at 2.2 cents … told per thousand)."""
    found = month_of(88_000 * DOLLAR, date(1984, 6, 1))  # 42: 38 thousands at 0.10, and a tenth more
    assert found["month_cents"] == 380
    months, years = group_term_life(
        cover(*((number, 91_800 * DOLLAR, 91_800 * DOLLAR, 28) for number in range(1, 13))),
        person(date(1984, 6, 1)),
        RATES.with_columns(rate_micros=pl.lit(100_000)),
    )
    full = group_term_life(
        cover(*((number, 91_800 * DOLLAR, 91_800 * DOLLAR, _days(number)) for number in range(1, 13))),
        person(date(1984, 6, 1)),
        RATES,
    )[1]
    assert full["year_cents"].to_list() == [5016]  # 41.8 thousands × 0.10 × 12
    assert years["year_cents"][0] < 5016  # months covered in part count in part
    assert months.height == 12


def _days(month: int) -> int:
    return (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


def test_all_policies_together_have_one_free_amount_and_reductions_come_first() -> None:
    assert month_of(97_500 * DOLLAR, date(1960, 1, 1))["month_cents"] == 6033  # 65 % of 150,000: 47.5 × 1.27


def test_coverage_that_changes_inside_a_month_counts_at_its_average() -> None:
    months, _ = group_term_life(
        cover((3, 100_000 * DOLLAR, 200_000 * DOLLAR, 31)), person(date(1980, 1, 1)), RATES
    )
    assert months["coverage_cents"].to_list() == [150_000 * DOLLAR]
    assert months["month_cents"].to_list() == [1500]


def test_a_month_covered_in_part_counts_by_its_days() -> None:
    months, _ = group_term_life(
        cover((1, 150_000 * DOLLAR, 150_000 * DOLLAR, 15)), person(date(1980, 1, 1)), RATES
    )
    assert months["month_cents"].to_list() == [726]  # 15.00 × 15 ÷ 31 = 7.258…


def test_what_is_paid_after_tax_reduces_the_year_to_nothing_at_most() -> None:
    months = [(number, 150_000 * DOLLAR, 150_000 * DOLLAR, _days(number)) for number in range(1, 13)]
    for paid, left in ((0, 18_000), (1, 17_999), (17_999, 1), (18_000, 0), (18_001, 0)):
        _, years = group_term_life(cover(*months), person(date(1980, 1, 1), paid), RATES)
        assert years["year_cents"].to_list() == [left], paid


def test_months_at_or_below_50_000_are_worth_nothing_but_what_was_paid_still_counts() -> None:
    months = [(1, 50_000 * DOLLAR, 50_000 * DOLLAR, 31), (2, 150_000 * DOLLAR, 150_000 * DOLLAR, 28)]
    _, years = group_term_life(cover(*months), person(date(1980, 1, 1), 500), RATES)
    assert years.select("months_cents", "year_cents").row(0) == (1500, 1000)


def test_what_is_missing_is_unknown_and_not_nothing() -> None:
    assert month_of(150_000 * DOLLAR, None)["month_cents"] is None
    assert month_of(50_000 * DOLLAR, None)["month_cents"] == 0  # whatever the age
    months, years = group_term_life(cover((1, None, 1, 31)), person(date(1980, 1, 1)), RATES)
    assert months["month_cents"].to_list() == years["year_cents"].to_list() == [None]
    _, years = group_term_life(cover((1, 1, 1, 31)), person(date(1980, 1, 1), None), RATES)
    assert years["year_cents"].to_list() == [None]


def test_a_table_that_lacks_the_age_gives_no_amount() -> None:
    rates = RATES.filter(pl.col("age_from") >= 60)
    months, _ = group_term_life(
        cover((1, 150_000 * DOLLAR, 150_000 * DOLLAR, 31)), person(date(1980, 1, 1)), rates
    )
    assert months["month_cents"].to_list() == [None]


@given(st.integers(0, 2_000_000_00), st.sampled_from([12, 24, 26, 27, 52, 53]))
def test_the_total_does_not_depend_on_how_often_one_is_paid(coverage: int, pays: int) -> None:
    months = [(number, coverage, coverage, _days(number)) for number in range(1, 13)]
    found, years = group_term_life(cover(*months), person(date(1970, 1, 1)), RATES)
    year = years["year_cents"][0]
    assert year == sum(found["month_cents"])
    assert len(set(found["month_cents"])) == 1
    share = pl.select(per_pay(pl.lit(year), pl.lit(pays))).item()
    assert abs(share * pays - year) <= pays / 2


def test_nine_dollars_ten_a_month_is_four_dollars_twenty_on_biweekly_pay() -> None:
    year = 12 * 910
    assert pl.select(per_pay(pl.lit(year), pl.lit(26))).item() == 420
