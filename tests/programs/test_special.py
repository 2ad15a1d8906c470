"""The audit of special enrolment, HSAs, shared limits and dependent rules: one finding for each fault."""

from pathlib import Path
from typing import Any

import pytest

from openbenefits.core.codes import Severity
from openbenefits.programs.findings import Finding

from .factories import DATED, PEO, SOURCE
from .test_audit import audited_client, audited_peo, plan_type

BIRTH = {"code": "BIR", "name": "Birth", "use": "specific", "priority": 401, "window_days": 30}


def with_class(**changes: Any) -> dict[str, Any]:
    return {"event_classes": [*PEO["event_classes"], BIRTH | changes]}


def said(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.code, str(finding.severity)) for finding in findings]


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({}, 0),
        ({"window_days": 29}, 1),
        ({"code": "ADO", "window_days": 29}, 1),
        ({"code": "PLC", "window_days": 29}, 1),
        ({"code": "MAR", "window_days": 29}, 1),
        ({"code": "LOC", "window_days": 29}, 1),
        ({"code": "LOC", "window_days": 30}, 0),
        ({"code": "MCD", "window_days": 59}, 1),
        ({"code": "MCD", "window_days": 60}, 0),
        ({"code": "FSC", "window_days": 29}, 0),
        ({"code": "FSC", "window_days": 59, "special_enrollment": "medicaid_or_chip"}, 1),
        ({"code": "FSC", "window_days": 29, "special_enrollment": "loss_of_coverage"}, 1),
        ({"code": "FSC", "window_days": 29, "special_enrollment": "birth_or_adoption"}, 1),
        ({"code": "FSC", "window_days": 29, "special_enrollment": "marriage"}, 1),
        ({"window_days": 29, "special_enrollment": "none"}, 0),
    ],
)
def test_a_special_enrolment_has_the_window_of_the_law(
    tmp_path: Path, changes: dict[str, Any], faults: int
) -> None:
    assert said(audited_peo(tmp_path, **with_class(**changes))) == [("special_window", "E")] * faults


def row(code: str, **changes: Any) -> Any:
    def change(rules: list[Any]) -> None:
        rules[0]["classes"].insert(0, {"event_class": code} | changes)

    return change


@pytest.mark.parametrize(
    ("code", "changes", "found"),
    [
        ("BIR", {}, []),
        ("BIR", {"coverage_begins": "first_of_month_after_receipt"}, [("special_begin", "E")]),
        ("BIR", {"coverage_begins": "later_of_event_and_receipt"}, [("special_begin", "E")]),
        ("BIR", {"coverage_begins": "day_after_event"}, [("special_begin", "E")]),
        ("BIR", {"waiting_days": 1}, [("special_begin", "E")]),
        ("BIR", {"waiting_months": 1}, [("special_begin", "E")]),
        ("BIR", {"select": "current"}, [("special_closed", "W")]),
        ("BIR", {"ignore": True}, [("special_closed", "W")]),
        ("MAR", {"coverage_begins": "event_date"}, []),
        ("MAR", {"coverage_begins": "day_after_event"}, []),
        ("MAR", {"coverage_begins": "first_of_month_after"}, []),
        ("MAR", {"coverage_begins": "first_of_month_on_or_after"}, []),
        ("MAR", {"coverage_begins": "first_of_month_after_receipt"}, []),
        ("MAR", {"coverage_begins": "later_of_event_and_receipt"}, []),
        ("MAR", {"coverage_begins": "first_pay_period_after"}, [("special_begin", "E")]),
        ("MAR", {"coverage_begins": "first_pay_period_on_or_after"}, [("special_begin", "E")]),
        ("MAR", {"coverage_begins": "first_of_month_after", "waiting_days": 1}, [("special_begin", "E")]),
    ],
)
def test_group_health_begins_when_the_law_says(
    tmp_path: Path, code: str, changes: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    findings = audited_client(tmp_path, peo=with_class(code=code), event_rules=row(code, **changes))
    assert said(findings) == found
    assert all(f"class {code}" in finding.expected for finding in findings)
    assert {finding.where for finding in findings} <= {"programs[MAIN from 2026-01-01].plan_types[10]"}


def test_a_class_without_a_row_of_its_own_is_served_by_the_blank_one(tmp_path: Path) -> None:
    findings = audited_client(tmp_path, peo=with_class())
    assert said(findings) == [("special_begin", "E")]  # the blank row: first of the month on or after


def limits(*codes: str) -> list[dict[str, Any]]:
    return [
        {"code": code, "year": 2026, "limit": 4400, "source": SOURCE}
        for code in ("fsa", "hsa_self", "hsa_family", "hsa_catch_up_55", *codes)
    ]


def accounts(tmp_path: Path, *parts: tuple[str, dict[str, Any]], is_eligible: bool = True) -> list[Finding]:
    """Audit a client with the accounts given, in place of its own."""
    plans = [*PEO["plans"]]
    plans[0] = plans[0] | {"hsa_eligible": is_eligible}
    plans += [
        {**DATED, "code": f"P{code}", "plan_type": code, "name": code, "carrier": "Carrier"}
        for code, _ in parts
    ]

    def change(programs: list[Any]) -> None:
        template = plan_type(programs, "60")
        programs[0]["plan_types"].remove(template)
        programs[0]["plan_types"] += [
            template
            | {"plan_type": code, "options": [{"code": "A", "plan": f"P{code}", "deduction_code": "FSA"}]}
            | more
            for code, more in parts
        ]

    found = audited_client(tmp_path, peo={"plans": plans, "annual_limits": limits()}, programs=change)
    return [finding for finding in found if finding.code not in ("unused", "no_annual_limit")]


HSA = {"annual_limit": "hsa_self"}


@pytest.mark.parametrize(
    ("code", "part", "found"),
    [
        ("67", HSA, []),
        ("6A", HSA, []),
        ("68", HSA, []),
        ("60", HSA, [("hsa_plan_type", "E")]),
        ("61", HSA, [("hsa_plan_type", "E")]),
        ("65", HSA, [("hsa_plan_type", "E")]),
        ("66", HSA, [("hsa_plan_type", "E")]),
        ("4B", HSA, [("hsa_plan_type", "E")]),
        ("67", {"annual_limit": "fsa"}, [("hsa_limit", "E")]),
        ("6A", {"annual_limit": "hsa_family"}, [("hsa_limit", "E")]),
        ("6A", {"annual_limit": "hsa_catch_up_55"}, [("hsa_limit", "E")]),
        ("6A", {"annual_limit": "fsa"}, []),
    ],
)
def test_an_hsa_stands_under_a_plan_type_that_can_be_one(
    tmp_path: Path, code: str, part: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    assert said(accounts(tmp_path, (code, part))) == found


def test_an_hsa_that_no_medical_plan_opens_is_a_warning(tmp_path: Path) -> None:
    assert said(accounts(tmp_path, ("6A", HSA), is_eligible=False)) == [("no_hsa_plan", "W")]
    assert said(accounts(tmp_path / "other", ("60", {"annual_limit": "fsa"}), is_eligible=False)) == []


@pytest.mark.parametrize(
    ("part", "faults"),
    [
        ({}, 0),
        ({"plan_year_month": 7}, 1),
        ({"month_rule": True}, 1),
        ({"missing_limit": "last_known"}, 1),
        ({"plan_year_month": 7, "annual_limit": "hsa_self"}, 0),
    ],
)
def test_plan_types_under_one_limit_read_it_alike(tmp_path: Path, part: dict[str, Any], faults: int) -> None:
    found = accounts(tmp_path, ("60", {"annual_limit": "fsa"}), ("6A", {"annual_limit": "fsa"} | part))
    assert [finding.code for finding in found if finding.code != "limit_unknown"] == ["shared_limit"] * faults
    assert {finding.severity for finding in found if finding.code == "shared_limit"} <= {Severity.WARNING}


def dependent_rule(code: str, **changes: Any) -> dict[str, Any]:
    return {**DATED, "code": code, "age_limit": 26} | changes


@pytest.mark.parametrize(("limit", "faults"), [(25, 1), (26, 0), (27, 0), (None, 0)])
def test_students_do_not_end_sooner_than_everybody(tmp_path: Path, limit: int | None, faults: int) -> None:
    rules = [dependent_rule("HEALTH"), dependent_rule("OTHER", student_age_limit=limit)]
    assert said(audited_peo(tmp_path, dependent_rules=rules)) == [("student_limit", "E")] * faults


@pytest.mark.parametrize(
    ("code", "changes", "differ"),
    [
        ("11", {}, []),
        ("11", {"student_age_limit": 26}, []),
        ("11", {"age_limit": 19}, ["age_limit", "student_age_limit"]),
        ("11", {"student_age_limit": 27}, ["student_age_limit"]),
        ("11", {"disabled_exempt": False}, ["disabled_exempt"]),
        ("11", {"married_ineligible": True}, ["married_ineligible"]),
        ("11", {"relationships": ["CH", "SP"]}, ["relationships"]),
        ("11", {"last_day": "month_end"}, ["last_day"]),
        ("A1", {"age_limit": 19}, []),
    ],
)
def test_health_plan_types_that_judge_dependents_differently_are_a_warning(
    tmp_path: Path, code: str, changes: dict[str, Any], differ: list[str]
) -> None:
    plans = [*PEO["plans"], {**DATED, "code": "P", "plan_type": code, "name": "P", "carrier": "Carrier"}]
    rules = [dependent_rule("HEALTH"), dependent_rule("OTHER", **changes)]

    def change(programs: list[Any]) -> None:
        template = plan_type(programs, "10")
        health = {key: value for key, value in template.items() if key != "waive_credits"}
        option = {key: value for key, value in template["options"][0].items() if key != "service_area"}
        option |= {
            "plan": "P",
            "coverage_codes": ["1", "4"] if code == "11" else [],
            "default": "1" if code == "11" else True,
        }
        option |= {"costs": [{"rate_table": "credit"}]}
        added = health | {"plan_type": code, "dependent_rule": "OTHER", "options": [option]}
        programs[0]["plan_types"].append(added)

    found = audited_client(tmp_path, peo={"plans": plans, "dependent_rules": rules}, programs=change)
    assert not [one.sentence() for one in found if one.severity == "E"]
    (finding,) = [one for one in found if one.code == "dependent_rules"] or [None]
    assert (finding.found if finding else "") == (
        f"HEALTH, OTHER differ in {', '.join(differ)}" if differ else ""
    )
