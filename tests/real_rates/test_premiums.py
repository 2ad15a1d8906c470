"""Every filed premium comes out of the kernel to the cent."""

from datetime import date
from functools import cache
from typing import Any

import polars as pl
import pytest
from tests.laws.kernel import Kernel

from .setup import areas, client, filed, peo, person

Row = dict[str, Any]


@cache
def kernel() -> Kernel:
    return Kernel(peo(), [client()], [])


def months(people: list[Row]) -> dict[tuple[int, str], int | None]:
    """Answer the month of each option for each person, in one call of the kernel."""
    prepared = kernel().prepared([(1, one) for one in people])
    codes = kernel().rulebook.options.select("option_id", "code")
    rows = prepared.options.join(prepared.plans.select("plan"), on="plan").join(codes, on="option_id")
    assert rows.filter(
        pl.col("year_total_cents") % 12 != 0
    ).is_empty()  # a monthly rate's year is twelve of them
    found = rows.select("case", "code", pl.col("year_total_cents") // 12).rows()
    return {(case, code): cents for case, code, cents in found}


def test_every_filed_premium_is_the_price_of_a_person_alone():
    zip_of = {area: zip_code for zip_code, area in areas().items()}
    asked = [(table, age, premium) for table in filed() for age, premium in table["premiums"].items()]
    people = [
        person(table["from"], zip_of[table["area"]], _born(table["from"], age), []) for table, age, _ in asked
    ]
    found = months(people)
    assert len(asked) == 26_061
    wrong = [
        (table["plan"], table["area"], table["from"], age)
        for case, (table, age, premium) in enumerate(asked)
        if found[case, f"{table['plan']}-EE"] != premium * 100
    ]
    assert wrong == []


@pytest.mark.parametrize(("age", "as_age"), [(0, 14), (5, 14), (13, 14), (65, 64), (90, 64)])
def test_the_first_and_last_age_stand_for_those_beyond(age, as_age):
    tables = [table for table in filed() if table["area"] == "R-MA003" and table["from"] == date(2018, 1, 1)]
    zip_of = {area: zip_code for zip_code, area in areas().items()}
    found = months([person(date(2018, 1, 1), zip_of["R-MA003"], _born(date(2018, 1, 1), age), [])])
    for table in tables:
        assert found[0, f"{table['plan']}-EE"] == table["premiums"][as_age] * 100


def _born(on: date, age: int) -> date:
    return on.replace(year=on.year - age)
