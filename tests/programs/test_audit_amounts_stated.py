"""What the audit says of hours sold and of percentages after tax."""

from typing import Any

import pytest

from openbenefits.core.codes import Severity

from .factories import DATED
from .test_audit import audited_client

PART = "programs[MAIN from 2026-01-01].plan_types[60].options[FSA]"
AFTER_TAX = {"deduction_codes": lambda s: s.append({"code": "AT", "name": "After tax", "tax": "after"})}
TRADED = {"amount": "hours", "annual_limit": None, "minimum_pledge": None, "maximum_pledge": None}
SAVED = {"amount": "percent_of_pay", "minimum_pledge": None, "maximum_pledge": None}


def stating(plan: dict[str, Any], option: dict[str, Any]) -> Any:
    def change(section: list[Any]) -> None:
        found = next(one for one in section[0]["plan_types"] if one["plan_type"] == "60")
        found.update(plan)
        found["options"][0].update(option)

    return change


def said(tmp_path: Any, plan: dict[str, Any], option: dict[str, Any]) -> list[tuple[str, str]]:
    found = audited_client(tmp_path, peo=AFTER_TAX, programs=stating(plan, option))
    return [(one.code, one.where) for one in found if one.severity == Severity.ERROR]


@pytest.mark.parametrize(
    ("hours", "code"),
    [
        ({"trade": "sell", "earnings_code": "PTO"}, None),
        ({"trade": "sell"}, "earnings_code"),
        ({"trade": "buy"}, None),
        ({"trade": "buy", "earnings_code": "PTO"}, "earnings_code"),
    ],
)
def test_hours_sold_are_paid_under_a_code(tmp_path, hours, code):
    assert said(tmp_path, TRADED, {"hours": hours}) == ([(code, PART)] if code else [])


@pytest.mark.parametrize(
    ("most", "deduction", "code"),
    [
        (5, "AT", None),
        (5, None, None),
        (None, "AT", "after_tax"),
        (0, "AT", "after_tax"),
        (5, "FSA", "after_tax"),
        (5, "NONE", "unknown_code"),
    ],
)
def test_a_percentage_after_tax_has_a_code_after_tax(tmp_path, most, deduction, code):
    plan = SAVED | {"maximum_after_tax_percent": most}
    found = said(tmp_path, plan, {"after_tax_deduction_code": deduction})
    assert found == ([(code, PART)] if code else [])


def test_a_general_credit_may_look_at_somebody_elses_age(tmp_path):
    """A credit looks at whoever counts (docs/rules.md §4.8), so its rule may name them; by a table of ages only."""
    by_age = {**DATED, "code": "aged", "keys": ["age"], "rates": [{"age_from": 0, "rate": 1}]}
    found = audited_client(
        tmp_path,
        peo={"rate_tables": lambda s: s.append(by_age)},
        calculation_rules=[{**DATED, "code": "SPOUSES", "age_of": "spouse"}],
        programs=lambda s: s[0]["credits"][0].update(rate_table="aged", calculation_rule="SPOUSES"),
    )
    assert [finding.sentence() for finding in found] == []
