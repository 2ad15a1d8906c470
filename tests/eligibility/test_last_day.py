"""The last day of a limit of age: the oracle's, the kernel's, and that of the report on age-outs are one."""

from datetime import date, timedelta

import polars as pl
import pytest
from tests.oracle.eligibility import last_day_of

from openbenefits.core.codes import DEFAULT_RELATIONSHIPS, LastDay
from openbenefits.eligibility.dependents import last_day_of_age, why_not_member

BIRTHS = [
    *(date(2000, 2, 28), date(2000, 2, 29), date(2000, 3, 1), date(2001, 2, 28), date(2000, 1, 1)),
    *(date(2000, 6, 30), date(2000, 7, 1), date(2000, 12, 31), date(2000, 11, 30), date(2000, 12, 1)),
]


@pytest.mark.parametrize("last_day", LastDay)
@pytest.mark.parametrize("month", [1, 2, 7, 12])
@pytest.mark.parametrize("limit", [19, 24, 26])
def test_everybody_counts_through_the_last_day_and_not_a_day_longer(last_day, limit, month):
    rule = {"last_day": str(last_day), "plan_year_begins": month}
    expected = [last_day_of(rule, born, limit) for born in BIRTHS]
    members = pl.DataFrame(
        {
            "birth_on": BIRTHS,
            "limit": pl.Series([limit] * len(BIRTHS), dtype=pl.Int16),
            "last_day": [str(last_day)] * len(BIRTHS),
            "plan_year_begins": pl.Series([month] * len(BIRTHS), dtype=pl.Int16),
        }
    )
    assert members.select(last_day_of_age()).to_series().to_list() == expected
    assert _whys(members, limit, expected) == [None] * len(BIRTHS)
    assert _whys(members, limit, [day + timedelta(1) for day in expected]) == ["age"] * len(BIRTHS)


def _whys(members: pl.DataFrame, limit: int, on: list[date]) -> list[str | None]:
    rows = members.with_columns(
        price_on=pl.Series(on),
        person_type=pl.lit("CH"),
        is_student=pl.lit(value=False),
        student_through=pl.lit(None, pl.Date),
        is_disabled=pl.lit(value=False),
        is_married=pl.lit(value=False),
        age_limit=pl.lit(limit),
        student_age_limit=pl.lit(limit),
        is_disabled_exempt=pl.lit(value=True),
        is_married_ineligible=pl.lit(value=False),
        relationship_bits=pl.lit(DEFAULT_RELATIONSHIPS),
    )
    return rows.select(why_not_member(rows)).to_series().to_list()
