"""Affordability: the published figures, and that no harbour is ever broken by rounding."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbenefits.compliance import affordability
from openbenefits.compliance.services import poverty_line
from openbenefits.programs.legal import LimitUnknown
from openbenefits.programs.reader import read
from openbenefits.sample import SAMPLE_FOLDER

LIMITS = read(SAMPLE_FOLDER / "peo").bundle.limits

# regulations §3, "FPL monthly maximum (prior-January guideline, calendar plan)"
PUBLISHED = [
    (date(2024, 1, 1), 101_93, 127_31, 117_25),
    (date(2025, 1, 1), 113_20, 141_38, 130_11),
    (date(2026, 1, 1), 129_89, 162_26, 149_31),
    (date(2027, 1, 1), 135_92, 169_90, 156_36),
]


@pytest.mark.parametrize(("begins", "mainland", "alaska", "hawaii"), PUBLISHED)
def test_the_poverty_line_maximum_of_a_calendar_plan(begins, mainland, alaska, hawaii):
    found = {
        region: poverty_line(LIMITS, begins, region).maximum for region in ("contiguous", "alaska", "hawaii")
    }
    assert found == {"contiguous": mainland, "alaska": alaska, "hawaii": hawaii}


def test_a_plan_year_that_begins_later_may_use_the_newer_guideline():
    assert poverty_line(LIMITS, date(2026, 2, 1)).maximum == 132_46
    assert poverty_line(LIMITS, date(2026, 2, 1)).guideline.year == 2026
    assert poverty_line(LIMITS, date(2026, 1, 15)).guideline.year == 2025


def test_a_year_nobody_knows_is_an_error_that_names_the_last_known():
    with pytest.raises(
        LimitUnknown, match=r"affordability_pct: expected an amount for 2028.*last known year is 2027"
    ):
        poverty_line(LIMITS, date(2028, 1, 1))
    with pytest.raises(
        LimitUnknown, match="expected one of the regions contiguous, alaska, hawaii, found guam"
    ):
        poverty_line(LIMITS, date(2026, 1, 1), "guam")


CENTS = st.integers(0, 50_000_00)
PERCENTS = st.integers(1, 2000)


@given(CENTS, PERCENTS)
def test_the_poverty_line_is_cut_never_rounded_up(guideline, percent):
    exact = Fraction(guideline * percent, 120_000)
    found = affordability.poverty_line_maximum(guideline, percent)
    assert found <= exact < found + 1


@given(CENTS, CENTS, PERCENTS)
def test_an_hourly_rate_that_falls_counts_in_its_month(begin, lowest, percent):
    found = affordability.hourly_maximum(begin, lowest, percent)
    exact = Fraction(130 * min(begin, lowest) * percent, 10_000)
    assert found <= exact < found + 1


@given(CENTS, st.integers(-100, 100), PERCENTS)
def test_a_salary_that_was_cut_has_no_harbour(salary, change, percent):
    now = max(0, salary + change)
    found = affordability.salaried_maximum(salary, now, percent)
    assert (found is None) == (now < salary)
    assert affordability.is_affordable_month(0, found) is (None if found is None else True)


@given(CENTS, PERCENTS, st.integers(1, 12), st.data())
def test_wages_of_part_of_a_year_count_in_proportion(wages, percent, employed, data):
    offered = data.draw(st.integers(0, employed))
    found = affordability.wage_maximum(wages, percent, months_offered=offered, months_employed=employed)
    exact = Fraction(wages * offered * percent, employed * 10_000)
    assert found <= exact < found + 1


@pytest.mark.parametrize(("offered", "employed"), [(5, 4), (0, 0), (-1, 4), (13, 13)])
def test_months_that_cannot_be_are_refused(offered, employed):
    with pytest.raises(ValueError, match="months offered <= months employed"):
        affordability.wage_maximum(1, 1, months_offered=offered, months_employed=employed)


def test_the_guideline_may_be_six_months_old():
    assert affordability.guideline_years(date(2026, 7, 31)) == (2026, 2025)
    assert affordability.guideline_years(date(2026, 8, 1)) == (2026,)
    assert affordability.guideline_years(date(2026, 1, 31)) == (2025,)


def test_a_negative_amount_is_refused():
    with pytest.raises(ValueError, match="0 or more"):
        affordability.hourly_maximum(-1, 1, 996)
