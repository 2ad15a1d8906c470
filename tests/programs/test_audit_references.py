"""Waits of hires, and options that contributions are measured by."""

from typing import Any

import pytest

from openbenefits.core.codes import BeginRule
from openbenefits.programs.audit.waits import longest_wait_days
from openbenefits.programs.sections.eligibility import EventRuleRow

from .auditing import HMO, audited_client, option, plan_type, the_one
from .factories import DATED

WAITS = [
    (0, 60, BeginRule.MONTH_ON_OR_AFTER, 90),
    (0, 60, BeginRule.MONTH_AFTER, 91),
    (0, 90, BeginRule.EVENT_DATE, 90),
    (0, 90, BeginRule.DAY_AFTER_EVENT, 91),
    (2, 0, BeginRule.MONTH_ON_OR_AFTER, 91),
    (2, 0, BeginRule.MONTH_AFTER, 92),
    (3, 0, BeginRule.EVENT_DATE, 92),
    (0, 76, BeginRule.PAY_PERIOD_AFTER, 90),
    (0, 77, BeginRule.PAY_PERIOD_ON_OR_AFTER, 90),
]


@pytest.mark.parametrize(("months", "days", "begins", "longest"), WAITS)
def test_the_longest_wait_is_that_of_the_worst_hire_date(months, days, begins, longest):
    row = EventRuleRow(waiting_months=months, waiting_days=days, coverage_begins=begins)
    assert longest_wait_days(row, {"biweekly"}) == longest


def with_second_option(section: list[Any], **changes: Any) -> None:
    second = {**option(section), "code": "PPO", "default": False, **changes}
    plan_type(section)["options"].append(second)


ALL_PAID = {**DATED, "code": "ALL", "rows": [{"employee_percent": 100, "dependent_percent": 100}]}
REFERENCED = [{**DATED, "code": "EIGHTY", "reference_option": "PPO", "rows": [{"employee_percent": 80}]}]


def test_a_reference_must_have_the_coverage_codes_of_what_it_measures(tmp_path):
    found = audited_client(
        tmp_path,
        contributions=[*REFERENCED, ALL_PAID],
        programs=lambda s: with_second_option(s, coverage_codes=["1"], costs=[{"rate_table": "hmo"}]),
    )
    assert the_one(found) == ("reference_coverage", HMO)


def test_a_reference_must_have_a_price(tmp_path):
    found = audited_client(
        tmp_path,
        contributions=[*REFERENCED, ALL_PAID],
        programs=lambda s: with_second_option(s, costs=[]),
    )
    codes = [finding.code for finding in found]
    assert sorted(codes) == ["no_price", "reference_price"]


def test_references_may_not_go_in_a_circle(tmp_path):
    back = {**DATED, "code": "BACK", "reference_option": "HMO", "rows": [{"employee_percent": 50}]}
    found = audited_client(
        tmp_path,
        contributions=[*REFERENCED, ALL_PAID, back],
        programs=lambda s: with_second_option(s, costs=[{"rate_table": "hmo", "contribution": "BACK"}]),
    )
    assert the_one(found) == ("reference_circle", HMO)
    assert found[0].found == "HMO → PPO → HMO"


def test_an_option_may_measure_its_own_contribution(tmp_path):
    contributions = [{**REFERENCED[0], "reference_option": "HMO"}, ALL_PAID]
    assert audited_client(tmp_path, contributions=contributions) == []
