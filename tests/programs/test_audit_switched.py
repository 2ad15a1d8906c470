"""Records that are switched off."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from openbenefits.core.codes import Severity

from .auditing import HMO, LIFE, audited_client, option, plan_type, the_one
from .factories import DATED

OFF = {"from": date(2026, 7, 1), "source": "switched off", "active": False}
OFF_PLACES = [
    ("eligibility_rules", "programs[MAIN from 2026-01-01]"),
    ("event_rules", "programs[MAIN from 2026-01-01].plan_types[10]"),
    ("formulas", LIFE),
    ("contributions", HMO),
]


def switched_off(section: list[Any]) -> None:
    section.append({**section[0], **OFF})


@pytest.mark.parametrize(("section", "where"), OFF_PLACES)
def test_who_names_a_record_that_is_switched_off_is_told(tmp_path: Path, section: str, where: str) -> None:
    found = audited_client(tmp_path, **{section: switched_off})
    assert (found[0].code, found[0].where) == ("inactive", where)
    assert "2026-07-01" in found[0].found
    assert {finding.code for finding in found} == {"inactive"}


def test_a_record_of_the_peos_that_is_switched_off_is_told_to_the_client(tmp_path: Path) -> None:
    found = audited_client(tmp_path, peo={"plans": switched_off})
    assert the_one([one for one in found if one.severity is Severity.ERROR]) == ("inactive", HMO)


def test_nobody_is_told_who_names_it_no_longer_or_only_when_it_is_on_again(tmp_path: Path) -> None:
    def amended(section: list[Any]) -> None:
        later = {**section[0], "from": date(2026, 7, 1)}
        kinds = [{**one, "active": one["plan_type"] != "20"} for one in section[0]["plan_types"]]
        section.append({**later, "plan_types": kinds})

    codes = [one.code for one in audited_client(tmp_path / "a", formulas=switched_off, programs=amended)]
    assert "inactive" not in codes

    def off_before(section: list[Any]) -> None:
        section.append({**section[0], **OFF, "from": date(2025, 1, 1)})

    assert audited_client(tmp_path / "b", formulas=off_before) == []


def test_a_program_that_is_switched_off_needs_nothing(tmp_path: Path) -> None:
    found = audited_client(tmp_path, formulas=switched_off, programs=switched_off)
    assert "inactive" not in [one.code for one in found]


def test_what_is_off_in_a_program_is_not_audited(tmp_path: Path) -> None:
    def faulty(section: list[Any]) -> None:
        options = plan_type(section)["options"]
        options.append({**options[0], "code": "X", "active": False, "plan": "UNKNOWN"})

    assert audited_client(tmp_path, programs=faulty) == []


def following(code: str = "C") -> dict[str, Any]:
    """A client's life table of its own, by an age curve."""
    table = {**DATED, "code": "life", "curve": code, "rates": [{"rate": 10}]}

    def priced(section: list[Any]) -> None:
        option(section, "20").update(formula=None, coverage_amount=1000)

    return {"rate_tables": [table], "programs": priced, "formulas": []}


CURVES = [{**DATED, "code": "C", "factors": [{"age": age, "factor": 1} for age in range(121)]}]


def test_a_clients_table_may_follow_a_curve_of_the_peos(tmp_path: Path) -> None:
    assert audited_client(tmp_path, peo={"age_curves": CURVES}, **following()) == []
    finding = the_one(audited_client(tmp_path / "other", peo={"age_curves": CURVES}, **following("X")))
    assert finding == ("no_curve", "rate_tables[life from 2026-01-01]")
