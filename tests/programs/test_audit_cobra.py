"""The audit of COBRA: causes without a class, and classes that give less than the law."""

from pathlib import Path
from typing import Any

import pytest

from openbenefits.core.codes import CobraCause

from .factories import DATED, PEO
from .test_audit import audited_peo

SHORT = {**DATED, "code": "termination", "months": 18}
LONG = {**DATED, "code": "divorce", "months": 36, "beneficiary_days": 60}


def classes_of(*classes: dict[str, Any]) -> dict[str, Any]:
    return {"cobra_classes": list(classes)}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, None),
        ({"months": 17}, "months 17 (least 18)"),
        ({"code": "death", "months": 35}, "months 35 (least 36)"),
        ({"code": "death", "months": 36}, None),
        ({"code": "hours", "months": 18}, None),
        ({"employer_days": 30}, None),
        ({"employer_days": 31}, "employer_days 31 (most 30)"),
        ({"administrator_days": 15}, "administrator_days 15 (most 14)"),
        ({"beneficiary_days": 59}, "beneficiary_days 59 (least 60)"),
        ({"beneficiary_days": 60}, None),
        ({"election_days": 59}, "election_days 59 (least 60)"),
        ({"election_days": 61}, None),
        ({"code": "gross_misconduct"}, "one"),
    ],
)
def test_no_class_gives_less_than_the_law(tmp_path: Path, changes: dict[str, Any], fault: str | None) -> None:
    found = audited_peo(tmp_path, **classes_of(SHORT | changes))
    assert [(one.code, one.found) for one in found] == ([("cobra_class", fault)] if fault else [])


@pytest.mark.parametrize("cause", list(CobraCause))
def test_every_cause_named_has_a_class(tmp_path: Path, cause: CobraCause) -> None:
    hire, end, *others = PEO["actions"]
    actions = [hire, {**end, "cobra_action": str(cause)}, *others]
    found = audited_peo(tmp_path / "without", actions=actions)
    needed = "termination" if cause is CobraCause.MISCONDUCT else str(cause)
    assert [(one.code, one.expected) for one in found] == [
        ("cobra_action", f"a class `{needed}` in `cobra_classes`")
    ]
    given = {**DATED, "code": needed, "months": 36}
    assert audited_peo(tmp_path / "with", actions=actions, **classes_of(given)) == []


def test_event_classes_name_causes_too(tmp_path: Path) -> None:
    classes = [*PEO["event_classes"], {"code": "DIV", "name": "Divorce", "use": "specific", "priority": 7}]
    classes[-1] |= {"cobra_action": "divorce"}
    found = audited_peo(tmp_path / "without", event_classes=classes)
    assert "cobra_action" in [one.code for one in found]
    found = audited_peo(tmp_path / "with", event_classes=classes, **classes_of(LONG))
    assert "cobra_action" not in [one.code for one in found]


def test_a_cause_has_one_class_a_day(tmp_path: Path) -> None:
    assert [one.code for one in audited_peo(tmp_path, **classes_of(SHORT, SHORT))] == ["repeated"]
