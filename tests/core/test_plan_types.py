"""Plan types: which there are, what they are called, and what their category says."""

import polars as pl
import pytest

from openbenefits.core.plan_types import (
    CATEGORIES,
    PLAN_TYPES,
    carries_coverage_amount,
    is_health,
    is_savings,
    is_spending_account,
    is_vacation,
)
from openbenefits.programs.rulebook import plan_type_number

EDGES = ("01", *(first + second for first in CATEGORIES for second in "09AZ"))


@pytest.mark.parametrize("code", EDGES)
def test_both_ends_of_each_category_are_plan_types(code):
    assert code in PLAN_TYPES


@pytest.mark.parametrize("code", ["00", "02", "0A", "B0", "Z9", "1a", "a0", "1", "100", "", " 1"])
def test_nothing_else_is_a_plan_type(code):
    assert code not in PLAN_TYPES


def test_names_tell_delivered_plan_types_from_those_of_the_client():
    assert PLAN_TYPES["12"] == "Medical and dental"
    assert PLAN_TYPES["6A"] == "User-defined spending account (6A)"
    assert len(set(PLAN_TYPES.values())) == len(PLAN_TYPES) == 361


@pytest.mark.parametrize(
    ("is_so", "members"),
    [
        (is_health, {"10", "19", "1A", "1Z"}),
        (carries_coverage_amount, {"20", "29", "2A", "2Z", "30", "39", "3A", "3Z"}),
        (is_savings, {"40", "49", "4A", "4Z"}),
        (is_spending_account, {"60", "69", "6A", "6Z"}),
        (is_vacation, {"90", "99", "9A", "9Z"}),
    ],
)
def test_a_category_has_its_own_plan_types_only(is_so, members):
    assert {code for code in EDGES if is_so(code)} == members


def test_the_hsa_is_no_spending_account_that_lapses():
    assert [code for code in ("60", "61", "65", "66", "67", "68") if not is_spending_account(code)] == ["67"]


def test_every_plan_type_has_a_number_of_its_own():
    numbers = pl.DataFrame({"plan_type": list(PLAN_TYPES)}).select(plan_type_number()).to_series()

    assert numbers.null_count() == 0
    assert numbers.n_unique() == len(PLAN_TYPES)
