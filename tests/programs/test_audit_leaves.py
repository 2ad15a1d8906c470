"""The audit of leaves without pay and of low pays: each fault is named, and what is right is not."""

from pathlib import Path
from typing import Any

import pytest

from .factories import DATED
from .test_audit import audited_peo

POLICY = {**DATED, "code": "FAMILY", "name": "Family leave", "kind": "fmla"}
POLICY |= {"ways": ["pay_as_you_go", "catch_up", "prepay"], "default_way": "pay_as_you_go"}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, None),
        ({"default_way": "catch_up"}, None),
        ({"ways": ["catch_up"]}, ("leave_default", "pay_as_you_go")),
        ({"default_way": "prepay"}, ("prepay_forced", "pay_as_you_go, catch_up, prepay")),
        ({"ways": ["prepay"], "default_way": "prepay"}, ("prepay_forced", "prepay")),
        ({"ways": ["prepay"], "default_way": "prepay", "kind": "unpaid"}, None),
        ({"grace_days": 29}, ("leave_days", "grace_days 29 (least 30)")),
        ({"grace_days": 30, "notice_days": 15}, None),
        ({"notice_days": 14}, ("leave_days", "notice_days 14 (least 15)")),
        ({"notice_days": 0, "grace_days": 0, "kind": "unpaid"}, None),
        ({"grace_days": 0, "kind": "military"}, None),
        ({"begun_by": [{"action": "DTA", "reason": "FML"}]}, None),
        ({"begun_by": [{"action": "LOA", "reason": "FML"}]}, ("leave_action", "LOA/FML")),
        ({"full_cost_after_days": 30}, ("full_cost", "full cost")),
        ({"full_cost_after_days": 30, "full_cost_percent": 102, "kind": "military"}, None),
        ({"full_cost_after_days": 29, "kind": "military"}, ("full_cost", "after 29 days")),
        (
            {"full_cost_after_days": 30, "full_cost_percent": 102.001, "kind": "military"},
            ("full_cost", "102.001 percent"),
        ),
        ({"full_cost_after_days": 0, "full_cost_percent": 150, "kind": "unpaid"}, None),
        ({"lapse_class": "MSC"}, None),
        ({"lapse_class": "TER"}, ("lapse_class", "`TER`")),
        ({"lapse_class": "ZZZ"}, ("unknown_code", "`ZZZ`")),
    ],
)
def test_policies(tmp_path: Path, changes: dict[str, Any], fault: tuple[str, str] | None) -> None:
    found = audited_peo(tmp_path, leave_policies=[POLICY | changes])
    assert [(one.code, one.found) for one in found] == ([fault] if fault else [])


@pytest.mark.parametrize(
    ("other", "found"),
    [
        ({}, ["another, FAMILY, for every other leave"]),
        ({"begun_by": [{"action": "DTA"}]}, []),
        ({"from": "2027-01-01"}, []),
        ({"active": False}, []),
    ],
)
def test_a_leave_has_one_policy(tmp_path: Path, other: dict[str, Any], found: list[str]) -> None:
    policies = [POLICY, {**POLICY, "code": "OTHER", **other}]
    assert [one.found for one in audited_peo(tmp_path, leave_policies=policies)] == found


TERMS = {**DATED, "code": "TERMS", "first_taken": ["10", "11"]}


@pytest.mark.parametrize(
    ("terms", "fault"),
    [
        ([TERMS], None),
        ([TERMS, {**TERMS, "from": "2026-07-01"}], None),
        ([TERMS, {**TERMS, "code": "MORE"}], ("terms_twice", "another of 2026-01-01")),
        ([{**TERMS, "first_taken": ["10", "10"]}], ("taken_first", "10")),
        ([{**TERMS, "first_taken": ["0A"]}], ("taken_first", "0A")),
    ],
)
def test_terms(tmp_path: Path, terms: list[Any], fault: tuple[str, str] | None) -> None:
    found = audited_peo(tmp_path, payroll_terms=terms)
    assert [(one.code, one.found) for one in found] == ([fault] if fault else [])
