"""Pure decisions of choosing: estimates, second questions, splits, what changes."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbenefits.choosing.offered import Design
from openbenefits.choosing.paying import PaysLeft
from openbenefits.choosing.rules.estimating import LEVELS, Use, estimate
from openbenefits.choosing.rules.lines import Change, Line, Side, line_from_json, line_to_json, totals_of
from openbenefits.choosing.rules.questions import second_questions
from openbenefits.choosing.rules.stated import Stated, from_json

COPAYS = Design(
    deductible_cents=1_000_00,
    family_deductible_cents=2_000_00,
    out_of_pocket_max_cents=5_000_00,
    family_out_of_pocket_max_cents=10_000_00,
    coinsurance_thousandths=20_000,
    primary_visit_cents=30_00,
    specialist_visit_cents=45_00,
    emergency_visit_cents=None,
    drug_cents=20_00,
)
BARE = replace(COPAYS, primary_visit_cents=None, specialist_visit_cents=None, drug_cents=None)
ONE = {"is_family": False}
FAMILY = {"is_family": True}

ESTIMATES = [
    # design, use, household, copays, deductible, coinsurance, own, capped
    (COPAYS, Use(), ONE, 0, 0, 0, 0, False),
    (COPAYS, Use(primary_visits=2, drugs=3), ONE, 120_00, 0, 0, 120_00, False),
    (BARE, Use(primary_visits=2), ONE, 0, 300_00, 0, 300_00, False),
    (COPAYS, Use(emergency_visits=1), ONE, 0, 1_000_00, 160_00, 1_160_00, False),
    (COPAYS, Use(emergency_visits=1), FAMILY, 0, 1_800_00, 0, 1_800_00, False),
    (COPAYS, Use(other_cents=1_000_03), ONE, 0, 1_000_00, 1, 1_000_01, False),
    (COPAYS, Use(other_cents=30_000_00), ONE, 0, 1_000_00, 5_800_00, 5_000_00, True),
    (COPAYS, Use(other_cents=30_000_00), FAMILY, 0, 2_000_00, 5_600_00, 7_600_00, False),
    (replace(COPAYS, primary_visit_cents=400_00), Use(primary_visits=1), ONE, 150_00, 0, 0, 150_00, False),
]


@pytest.mark.parametrize(
    ("design", "use", "household", "copays", "deductible", "shared", "own", "capped"), ESTIMATES
)
def test_what_a_year_would_cost(design, use, household, copays, deductible, shared, own, capped):
    found = estimate(design, use, premium_cents=1_200_00, **household)
    assert (found.copay_cents, found.deductible_cents, found.coinsurance_cents) == (
        copays,
        deductible,
        shared,
    )
    assert (found.own_cents, found.is_capped) == (own, capped)
    assert found.total_cents == 1_200_00 + own


@given(level=st.sampled_from(sorted(LEVELS)), more=st.integers(0, 10**7), is_family=st.booleans())
def test_more_use_never_costs_less_and_never_more_than_the_most(level, more, is_family):
    use = LEVELS[level]
    less = estimate(COPAYS, use, premium_cents=0, is_family=is_family)
    after = estimate(
        COPAYS, replace(use, other_cents=use.other_cents + more), premium_cents=0, is_family=is_family
    )
    assert less.own_cents <= after.own_cents <= (10_000_00 if is_family else 5_000_00)


@given(pays=st.integers(1, 53), year=st.integers(0, 10**7))
def test_what_each_pay_takes_is_the_year_to_the_cent(pays, year):
    split = PaysLeft(count=pays).split(year)
    assert sum(count for count, _ in split) == pays
    assert sum(count * cents for count, cents in split) == year
    assert max(cents for _, cents in split) - min(cents for _, cents in split) <= 1


def side(**more) -> Side:
    return Side(
        **({"option_id": 1, "name": "A plan", "tier": "Family", "pay_cents": 10, "year_cents": 240} | more)
    )


def line(before, after, plan_type="10") -> Line:
    return Line(
        plan_type=plan_type, plan_type_name="-", before=before, after=after, begins_on=date(2026, 1, 1)
    )


KIDS = ("Ann Moss", "Ben Moss")
CHANGES = [
    (None, None, Change.NONE),
    (None, side(), Change.NEW),
    (side(), None, Change.ENDED),
    (side(), side(), Change.SAME),
    (side(), side(pay_cents=11), Change.SAME),  # a cent of the split of the same year
    (side(), side(pay_cents=11, year_cents=264), Change.PRICE),
    (side(), side(option_id=2), Change.CHANGED),
    (side(dependents=KIDS), side(dependents=KIDS[:1]), Change.CHANGED),
    (side(dependents=KIDS), side(dependents=KIDS[::-1]), Change.SAME),
    (side(pledge_cents=100), side(pledge_cents=200), Change.CHANGED),
]


@pytest.mark.parametrize(("before", "after", "change"), CHANGES)
def test_what_differs(before, after, change):
    assert line(before, after).change is change
    told = line(before, after)
    assert line_from_json(line_to_json(told)) == told


QUESTIONS = [
    ([line(side(), side())], []),
    ([line(side(), side(pay_cents=99, year_cents=2376))], []),
    ([line(side(), None)], ["dropped:10"]),
    ([line(side(dependents=KIDS), side(dependents=KIDS[:1]))], ["person_dropped:10"]),
    ([line(side(pledge_cents=200_00), side(pledge_cents=2_400_00), "60")], ["amount:60"]),
    ([line(side(pledge_cents=200_00), side(pledge_cents=999_99), "60")], []),
    ([line(side(pledge_cents=200_00), side(pledge_cents=40_00), "60")], ["amount:60"]),
    (
        [line(side(coverage_cents=50_000_00), side(option_id=2, coverage_cents=250_000_00), "21")],
        ["amount:21"],
    ),
    ([line(None, side(pledge_cents=1), "61")], ["no_child:61"]),
    ([line(side(pledge_cents=1), side(pledge_cents=1), "61")], []),
    ([line(None, side(), "67"), line(side(), side(), "60")], ["hsa_and_fsa:67"]),
    ([line(side(), side(), "67"), line(side(), side(), "60")], []),
]


@pytest.mark.parametrize(("lines", "asked"), QUESTIONS)
def test_what_is_asked_a_second_time(lines, asked):
    found = second_questions(lines, care_plan_types=["61"], hsa_plan_types=["67"], children=0)
    assert [one.code for one in found] == asked


def test_a_care_account_with_a_child_is_not_asked_about():
    lines = [line(None, side(pledge_cents=1), "61")]
    assert not second_questions(lines, care_plan_types=["61"], hsa_plan_types=[], children=1)


def test_totals_add_what_is_known():
    found = totals_of([line(side(), side(pay_cents=7)), line(None, side(pay_cents=None, year_cents=None))])
    assert (found.pay_before_cents, found.pay_after_cents, found.year_after_cents) == (10, 7, 240)


@given(
    st.builds(
        Stated,
        option_code=st.sampled_from(["WAIVE", "BLUE-1"]),
        pledge_cents=st.none() | st.integers(0, 10**7),
        dependents=st.lists(st.integers(1, 9), unique=True).map(tuple),
        funds=st.lists(st.tuples(st.sampled_from(["A", "B"]), st.integers(1, 100))).map(tuple),
        beneficiaries=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 10_000))).map(tuple),
        files_separately=st.booleans(),
        waiver_proof_on=st.none() | st.dates(),
    )
)
def test_what_is_stated_is_read_as_it_was_written(stated):
    assert from_json(stated.to_json()) == stated
