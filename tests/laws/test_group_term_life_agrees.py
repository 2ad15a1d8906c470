"""Group-term life insurance: the report's columns say what the scalar oracle says, day by day."""

from datetime import date
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from tests.laws.drawing import days
from tests.oracle.group_term_life import imputed_year

from openbenefits.rating.rules.imputed import group_term_life
from openbenefits.reports.life import life_cover

from .test_kernel_agrees import IS_FUZZING, LAW

Row = dict[str, Any]

YEAR = 2026
RATES = [(0, 50_000), (25, 60_000), (45, 150_000), (60, 660_000)]
DAYS = days(date(2025, 11, 1), date(2027, 1, 31))
AMOUNTS = st.sampled_from([0, 4_999_999, 5_000_000, 5_004_999, 5_005_000, 9_000_050]) | st.integers(
    0, 30_000_000
)


@st.composite
def holders(draw: DrawFn) -> Row:
    """Draw what somebody holds in two plan types, and when which option is imputed."""
    points = [
        {
            "plan_type": plan_type,
            "begins_on": day,
            "covered": draw(st.sampled_from([True, True, True, False])),
            "option": draw(st.sampled_from([1, 2, 3])),
            "cents": draw(st.sampled_from([None, *[0] * 11]))
            if draw(st.integers(1, 12)) == 1
            else draw(AMOUNTS),
        }
        for plan_type in ("20", "21")
        for day in sorted(draw(st.sets(DAYS, max_size=3)))
    ]
    carried = []
    for option in (1, 2):
        edges = sorted(draw(st.sets(DAYS, min_size=2, max_size=4)))
        begins, ends = edges[:-1], edges[1:]
        spans = [
            {"option": option, "since": one, "until": other} for one, other in zip(begins, ends, strict=True)
        ]
        carried += [one for one in spans if draw(st.integers(1, 4)) > 1]
    born = draw(st.none() | days(date(1950, 1, 1), date(2004, 12, 31)))
    return {
        "points": points,
        "carried": carried,
        "born": born,
        "paid": draw(st.none() | st.integers(0, 20_000)),
    }


@settings(LAW, max_examples=4000 if IS_FUZZING else 100)
@given(holders())
def test_a_year_of_life_cover_is_what_the_oracle_says(one: Row) -> None:
    expected = imputed_year(one["points"], one["carried"], RATES, one["born"], one["paid"], YEAR)
    cover = life_cover(_points(one["points"]), _carried(one["carried"]), YEAR)
    people = pl.DataFrame(
        {"owner": [7], "birth_on": [one["born"]], "paid_cents": [one["paid"]]},
        schema={"owner": pl.Int64, "birth_on": pl.Date, "paid_cents": pl.Int64},
    )
    months, years = group_term_life(
        cover, people, pl.DataFrame(RATES, schema=["age_from", "rate_micros"], orient="row")
    )
    assert dict(months.select("month", "month_cents").iter_rows()) == expected[0]
    if expected[0]:
        assert years["year_cents"].to_list() == [expected[1]]


def _points(points: list[Row]) -> pl.DataFrame:
    owner = {"client_id": 1, "person_id": 7, "benefit_record": 0, "slot": 0}
    rows = [
        owner
        | {
            "plan_type": one["plan_type"],
            "begins_on": one["begins_on"],
            "kind": "E" if one["covered"] else "W",
        }
        | {"option_id": one["option"], "coverage_cents": one["cents"]}
        for one in points
    ]
    schema = dict.fromkeys(owner, pl.Int64) | {
        "plan_type": pl.String,
        "begins_on": pl.Date,
        "kind": pl.String,
    }
    return pl.DataFrame(rows, schema=schema | {"option_id": pl.Int32, "coverage_cents": pl.Int64})


def _carried(spans: list[Row]) -> pl.DataFrame:
    rows = [(one["option"], one["since"], one["until"]) for one in spans]
    schema = {"option_id": pl.Int32, "carried_from": pl.Date, "carried_to": pl.Date}
    return pl.DataFrame(rows, schema=schema, orient="row")
