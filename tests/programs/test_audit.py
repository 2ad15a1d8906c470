"""One seeded fault per check: exactly one finding, naming the record."""

from typing import Any

import pytest

from openbenefits.programs.reader import read

from .auditing import FEE, HMO, LIFE, MAIN, audited_client, audited_peo, option, plan_type, program, the_one
from .factories import DATED, PEO, make_client


def test_good_bundles_have_no_findings(tmp_path):
    assert audited_peo(tmp_path) == []
    assert audited_client(tmp_path) == []


def test_a_program_without_plan_types_is_a_finding(tmp_path):
    schedules = [{"code": "EM", "name": "Event maintenance", "kind": "event_maintenance"}]
    findings = audited_client(
        tmp_path, schedules=schedules, programs=lambda section: program(section).update(plan_types=[])
    )
    assert the_one(findings) == ("no_plan_types", MAIN)


def test_two_defaults_at_the_lowest_level_are_a_finding(tmp_path):
    def second(section: list[Any]) -> None:
        plan_type(section)["options"].append({**option(section), "code": "HMO2"})

    findings = audited_client(tmp_path, programs=second)
    assert the_one(findings) == ("two_defaults", f"{MAIN}.plan_types[10]")


@pytest.mark.parametrize(
    ("section", "age_of", "code", "where"),
    [
        ("10", "spouse", "age_of", HMO),  # per member
        ("20", "dependent", "age_of", LIFE),  # not keyed by age
    ],
)
def test_an_age_of_another_needs_a_table_of_one_age(tmp_path, section, age_of, code, where):
    findings = audited_client(
        tmp_path,
        calculation_rules=[{**DATED, "code": "C", "age_of": age_of}],
        programs=lambda s: option(s, section)["costs"][0].update(calculation_rule="C"),
    )
    assert (code, where) in {(finding.code, finding.where) for finding in findings}


def test_an_age_of_somebody_no_coverage_code_covers_is_a_finding(tmp_path):
    def aged(section: list[Any]) -> None:
        section[0].update(keys=["age"], rates=[{"age_from": 0, "rate": 1}], file=None, per_member=False)
        section[0].pop("geography")

    findings = audited_client(
        tmp_path,
        peo={"rate_tables": aged},
        calculation_rules=[{**DATED, "code": "C", "age_of": "spouse"}],
        programs=lambda s: option(s)["costs"][0].update(calculation_rule="C"),
    )
    assert the_one(findings) == ("age_of_nobody", HMO)
    assert findings[0].found == "1"


def test_an_unknown_calculation_rule_is_a_finding(tmp_path):
    findings = audited_client(tmp_path, programs=lambda s: option(s)["costs"][0].update(calculation_rule="C"))
    assert the_one(findings) == ("unknown_code", HMO)


def test_an_employers_part_stated_twice_is_a_finding(tmp_path):
    def stated(section: list[Any]) -> None:
        section[1]["rates"][0]["employer_rate"] = 0.1

    findings = audited_client(tmp_path, peo={"rate_tables": stated})
    assert the_one(findings) == ("employer_twice", LIFE)


def test_a_type_of_person_without_rate_is_a_finding(tmp_path):
    def typed(section: list[Any]) -> None:
        rates = [{"person_type": kind, "age_from": 0, "rate": 1} for kind in ("EE", "SP", "CH", "AC")]
        section[0].update(keys=["age", "person_type"], rates=rates, file=None, geography=None)

    findings = audited_client(tmp_path, peo={"rate_tables": typed})
    assert the_one(findings) == ("no_rate", HMO)
    assert "OD" in findings[0].found


def test_options_of_one_code_are_a_finding(tmp_path):
    def second(section: list[Any]) -> None:
        plan_type(section)["options"].append({**option(section), "default": False})

    findings = audited_client(tmp_path, programs=second)
    assert the_one(findings) == ("option_twice", f"{MAIN}.plan_types[10]")


def test_a_waiver_as_default_must_be_allowed(tmp_path):
    def waive(section: list[Any]) -> None:
        section[1]["classes"][0]["default"] = "waive"

    findings = audited_client(
        tmp_path,
        event_rules=waive,
        programs=lambda section: section[0]["plan_types"].__delitem__(slice(1, 2)),
    )
    assert the_one(findings) == ("no_waiver", f"{MAIN}.plan_types[60]")


@pytest.mark.parametrize(
    ("rates", "found"),
    [
        ([("1", 100)], "4"),
        ([("4", 100)], "1"),
    ],
)
def test_a_coverage_code_without_rate_is_a_finding(tmp_path, rates, found):
    table = {
        **DATED,
        "code": "hmo",
        "keys": ["coverage_code"],
        "rates": [{"coverage_code": code, "rate": rate} for code, rate in rates],
    }
    findings = audited_client(tmp_path, rate_tables=[table])
    assert the_one(findings) == ("no_rate", HMO)
    assert findings[0].found == f"none for {found}"


def test_a_rating_area_without_rate_counts_only_where_the_option_is_offered(tmp_path):
    def hmo(section: list[Any]) -> None:
        section[0].update(per_member=False, keys=["area"], rates=[{"area": "R1", "rate": 100}], file=None)

    def everywhere(section: list[Any]) -> None:
        option(section).pop("service_area")

    assert audited_client(tmp_path / "west", peo={"rate_tables": hmo}) == []
    findings = audited_client(tmp_path / "all", peo={"rate_tables": hmo}, programs=everywhere)
    assert the_one(findings) == ("no_rate", HMO)
    assert findings[0].found == "none for R2"


def test_a_free_option_says_so_with_a_rate_of_nothing(tmp_path):
    def free(section: list[Any]) -> None:
        section[1]["rates"][0]["rate"] = 0

    def no_contribution(section: list[Any]) -> None:
        option(section, "20")["costs"] = [{"rate_table": "life"}]

    changes = {"programs": no_contribution, "contributions": lambda section: section.pop(1)}
    findings = audited_client(tmp_path / "a", peo={"rate_tables": free}, **changes)
    assert findings == []
    assert the_one(audited_client(tmp_path / "b", **changes)) == ("no_deduction_code", LIFE)


def test_too_many_rules_are_a_finding(tmp_path):
    codes = [f"R{number}" for number in range(62)]

    def rules(section: list[Any]) -> None:
        section += [{**section[0], "code": code} for code in codes]

    def used(section: list[Any]) -> None:
        life = option(section, "20")
        plan_type(section, "20")["options"] = [{**life, "code": code, "eligibility": code} for code in codes]

    findings = audited_client(tmp_path, eligibility_rules=rules, programs=used)
    assert the_one(findings) == ("too_many_rules", "programs")


def test_a_client_overrides_what_the_peo_says(tmp_path):
    own = [{**DATED, "code": "life", "unit": "per_thousand", "rates": []}]
    findings = audited_client(tmp_path, rate_tables=own)
    assert [finding.code for finding in findings] == ["no_rates"]


def test_an_option_with_a_partner_needs_one_without(tmp_path):
    family = PEO["coverage_codes"][1] | {"imputed_against": "1"}
    found = audited_client(
        tmp_path,
        peo={"coverage_codes": [PEO["coverage_codes"][0], family]},
        programs=lambda s: option(s).update(coverage_codes=["4"], default="4"),
    )
    assert ("imputed_option", HMO) in [(finding.code, finding.where) for finding in found]


def test_tables_by_age_may_stand_in_a_file(tmp_path):
    life = {**PEO["plans"][1], "imputed_income": True}
    found = audited_peo(
        tmp_path,
        files={"table_i.csv": "age_from,rate\n0,0.05\n25,0.06\n"},
        plans=[PEO["plans"][0], life, *PEO["plans"][2:]],
        age_tables=[{**DATED, "code": "IRC79_TABLE_I", "file": "table_i.csv"}],
    )
    assert found == []
    loaded = read(tmp_path / "peo").bundle
    assert loaded.ages.select("age_from", "rate_micros").rows() == [(0, 50_000), (25, 60_000)]


@pytest.mark.parametrize(
    ("persons", "relationships", "is_finding"),
    [
        ({"SP": {"min": 1, "max": 1}}, ["SP", "CH"], False),
        ({"SP": {"min": 1, "max": 1}}, ["CH"], True),
        ({"SP": {"min": 0, "max": 1}}, ["CH"], False),
        ({"CH": {"min": 1, "max": 9}}, ["AC"], False),
        ({"NQ": {"min": 1, "max": 9}}, None, True),
        ({"NQ": {"min": 1, "max": 9}}, ["NQ"], False),
    ],
)
def test_persons_nobody_may_be_are_a_finding(tmp_path, persons, relationships, is_finding):
    def demand(section: list[Any]) -> None:
        section[1]["persons"] = {"EE": {"min": 1, "max": 1}, **persons}

    rule = {**DATED, "code": "HEALTH", "age_limit": 26}
    if relationships:
        rule["relationships"] = relationships
    findings = audited_client(tmp_path, peo={"coverage_codes": demand}, dependent_rules=[rule])

    assert [finding.code for finding in findings] == (["persons_demanded"] if is_finding else [])


def test_a_program_may_have_general_deductions(tmp_path):
    assert audited_client(tmp_path, programs=lambda s: program(s).update(deductions=[FEE])) == []


@pytest.mark.parametrize("name", ["code", "name", "deduction_code", "rate_table"])
def test_a_general_deduction_without_code_or_rate_is_not_read(tmp_path, name):
    bare = {key: value for key, value in FEE.items() if key != name}
    reading = read(make_client(tmp_path / "client", programs=lambda s: program(s).update(deductions=[bare])))
    assert [name in finding.sentence() for finding in reading.findings] == [True]


def test_a_program_looks_at_nobody_elses_age(tmp_path):
    rule = {**DATED, "code": "SPOUSES", "age_of": "spouse"}
    ruled = FEE | {"calculation_rule": "SPOUSES"}
    found = audited_client(
        tmp_path, calculation_rules=[rule], programs=lambda s: program(s).update(deductions=[ruled])
    )
    assert the_one(found) == ("age_of", f"{MAIN}.deductions[FEE]")
