"""Bundles of the factories, changed and audited; and where their parts are."""

from pathlib import Path
from typing import Any

from openbenefits.programs.audit import audit
from openbenefits.programs.findings import Finding
from openbenefits.programs.reader import read

from .factories import DATED, make_client, make_peo


def audited_peo(folder: Path, files: dict[str, str] | None = None, **changes: Any) -> list[Finding]:
    make_peo(folder / "peo", **changes)
    for name, text in (files or {}).items():
        (folder / "peo" / name).write_text(text)
    reading = read(folder / "peo")
    assert reading.findings == []
    return audit(reading.bundle)


def audited_client(folder: Path, peo: dict[str, Any] | None = None, **changes: Any) -> list[Finding]:
    background = read(make_peo(folder / "peo", **(peo or {})))
    reading = read(make_client(folder / "client", **changes))
    assert background.findings + reading.findings == []
    return audit(reading.bundle, background.bundle)


def the_one(findings: list[Finding]) -> tuple[str, str]:
    assert [finding.sentence() for finding in findings][1:] == []
    (finding,) = findings
    assert finding.file
    assert finding.expected
    assert finding.cure
    return finding.code, finding.where


def program(section: list[Any]) -> dict[str, Any]:
    return section[0]


def plan_type(section: list[Any], code: str = "10") -> dict[str, Any]:
    return next(one for one in section[0]["plan_types"] if one["plan_type"] == code)


def option(section: list[Any], code: str = "10") -> dict[str, Any]:
    return plan_type(section, code)["options"][0]


FEE = {"code": "FEE", "name": "Fee", "deduction_code": "MED", "rate_table": "credit"}
MAIN = "programs[MAIN from 2026-01-01]"
HMO = f"{MAIN}.plan_types[10].options[HMO]"
LIFE = f"{MAIN}.plan_types[20].options[LIFE]"
RULE = "calculation_rules[C from 2026-01-01]"
HMO_TABLE = "rate_tables[hmo from 2026-01-01]"
LIFE_TABLE = "rate_tables[life from 2026-01-01]"


def no_credits(section: list[Any]) -> None:
    for part in program(section)["plan_types"]:
        part.pop("waive_credits", None)
        for one in part["options"]:
            one.pop("credits", None)


AGES = "age_tables[IRC79_TABLE_I from 2026-01-01]"


def age_table(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**DATED, "code": "IRC79_TABLE_I", "rows": list(rows)}]


def disability(percent: int) -> dict[str, int]:
    return {"replacement_percent": percent, "maximum_monthly_benefit": 5000}


def criteria(*given: dict[str, Any]) -> Any:
    return lambda section: section[0].update(criteria=list(given))


FULL = "eligibility_rules[FULL from 2026-01-01]"
HEALTH = "event_rules[HEALTH from 2026-01-01]"
ONE_PAY = "formulas[ONE-PAY from 2026-01-01]"
