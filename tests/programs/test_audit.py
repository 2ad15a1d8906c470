"""One seeded fault per check: exactly one finding, naming the record."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from openbenefits.core.codes import BeginRule, Severity
from openbenefits.programs.audit import audit
from openbenefits.programs.audit.waits import longest_wait_days
from openbenefits.programs.bundle import EventRuleRow
from openbenefits.programs.findings import Finding
from openbenefits.programs.reader import read

from .factories import DATED, PEO, PREMIUMS, ZIPS, make_client, make_peo


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


def test_good_bundles_have_no_findings(tmp_path):
    assert audited_peo(tmp_path) == []
    assert audited_client(tmp_path) == []


PEO_FAULTS = [
    ("event_classes", lambda s: s[2].update(use="specific"), "default_class", "event_classes"),
    (
        "event_classes",
        lambda s: s[0].update(window_start="notice", forms="confirmation"),
        "forms",
        "event_classes[HIR]",
    ),
    (
        "event_classes",
        lambda s: s[0].update(forms="none", enrollment_form_days=30),
        "forms",
        "event_classes[HIR]",
    ),
    ("event_classes", lambda s: s[0].update(use="default"), "default_class", "event_classes"),
    ("event_classes", lambda s: s[3].update(life_event={}), "class_terms", "event_classes[SNP]"),
    ("event_classes", lambda s: s[4].update(life_event={}), "class_terms", "event_classes[OE]"),
    (
        "event_classes",
        lambda s: s[3].update(copy_to_other_records=True),
        "class_terms",
        "event_classes[SNP]",
    ),
    (
        "event_classes",
        lambda s: s[4].update(copy_to_other_records=True),
        "class_terms",
        "event_classes[OE]",
    ),
    (
        "event_classes",
        lambda s: s[1].update(only_ends_coverage=True, life_event={}),
        "class_terms",
        "event_classes[TER]",
    ),
    (
        "event_classes",
        lambda s: s[2].update(life_event={"creates_event": True, "days_to_notify": 32}),
        "late_notice",
        "event_classes[MSC]",
    ),
    ("actions", lambda s: s[0].update(event_class="HIRE"), "unknown_code", "actions[HIR]"),
    ("coverage_codes", lambda s: s[1].update(imputed_against="9"), "unknown_code", "coverage_codes[4]"),
    ("coverage_codes", lambda s: s[1].update(imputed_against="4"), "circular", "coverage_codes[4]"),
    ("coverage_codes", lambda s: s[0].update(imputed_against="4"), "imputed_against", "coverage_codes[1]"),
    (
        "plans",
        lambda s: s[1].update(imputed_income=True),
        "no_age_table",
        "plans[LIFE from 2026-01-01]",
    ),
    (
        "plans",
        lambda s: s[0].update(imputed_income=True),
        "imputed_plan",
        "plans[HMO from 2026-01-01]",
    ),
    ("age_tables", age_table({"age_from": 25, "rate": 0.06}), "youngest", AGES),
    (
        "age_tables",
        age_table({"age_from": 0, "rate": 0.05}, {"age_from": 0, "rate": 0.06}),
        "repeated",
        AGES,
    ),
    (
        "age_tables",
        [{**age_table({"age_from": 0, "rate": 0.05})[0], "through": date(2025, 12, 31)}],
        "through",
        AGES,
    ),
    ("actions", lambda s: s.append(dict(s[0])), "repeated", "actions[HIR]"),
    (
        "coverage_codes",
        lambda s: s[1]["persons"].update(AC={"min": 0, "max": 9}),
        "person_type",
        "coverage_codes[4]",
    ),
    (
        "coverage_codes",
        lambda s: s[1]["persons"].update(SP={"min": 2, "max": 1}),
        "persons",
        "coverage_codes[4]",
    ),
    (
        "coverage_codes",
        lambda s: s[1]["persons"].update(XS={"min": 0, "max": 1}),
        "person_type",
        "coverage_codes[4]",
    ),
    (
        "coverage_codes",
        lambda s: s[1]["persons"].update(SS={"min": 1, "max": 2}),
        "persons_of_kind",
        "coverage_codes[4]",
    ),
    (
        "coverage_codes",
        lambda s: s[1].update(persons={"EE": {"min": 0, "max": 0}}),
        "covers_nobody",
        "coverage_codes[4]",
    ),
    ("plans", lambda s: s[0].update(plan_type="0Q"), "plan_type", "plans[HMO from 2026-01-01]"),
    ("plans", lambda s: s[1].update(coverage_group="X"), "unknown_code", "plans[LIFE from 2026-01-01]"),
    ("plans", lambda s: s[0].update(source=" "), "no_source", "plans[HMO from 2026-01-01]"),
    ("rate_tables", lambda s: s[1].update(source=""), "no_source", LIFE_TABLE),
    ("rate_tables", lambda s: s.append(dict(s[1])), "repeated", LIFE_TABLE),
    ("rate_tables", lambda s: s[1].update(rates=[]), "no_rates", LIFE_TABLE),
    ("rate_tables", lambda s: s[1].update(keys=["sex"]), "key_missing", LIFE_TABLE),
    ("rate_tables", lambda s: s[1]["rates"][0].update(age_from=0), "key_unused", LIFE_TABLE),
    ("rate_tables", lambda s: s[1]["rates"].append({"rate": 1}), "overlap", LIFE_TABLE),
    ("rate_tables", lambda s: s[1].update(per_member=True), "per_member", LIFE_TABLE),
    ("rate_tables", lambda s: s[1]["rates"][0].update(employer_rate=0.146), "employer_rate", LIFE_TABLE),
    (
        "rate_tables",
        lambda s: s[1].update(
            keys=["smoker"],
            rates=[{"smoker": False, "rate": 1, "employer_rate": 1}, {"smoker": True, "rate": 2}],
        ),
        "employer_rate_missing",
        LIFE_TABLE,
    ),
    (
        "rate_tables",
        lambda s: s[1].update(keys=["person_type"], rates=[{"person_type": "EE", "rate": 1}]),
        "person_type",
        LIFE_TABLE,
    ),
    ("rate_tables", lambda s: s[0].update(charged_children=-1), "charged_children", HMO_TABLE),
    ("rate_tables", lambda s: s[0].update(charged_children_under=-1), "charged_children", HMO_TABLE),
    ("rate_tables", lambda s: s[1].update(charged_children=2), "charged_children", LIFE_TABLE),
    ("rate_tables", lambda s: s[0].pop("geography"), "no_geography", HMO_TABLE),
    ("calculation_rules", [{**DATED, "code": "C", "age_as_of": "this_year"}], "day_of_year", RULE),
    ("calculation_rules", [{**DATED, "code": "C", "service_as_of": "last_year"}], "day_of_year", RULE),
    ("calculation_rules", [{**DATED, "code": "C", "pay_day": "01-01"}], "day_of_year", RULE),
    (
        "calculation_rules",
        [{**DATED, "code": "C", "age_as_of": "this_year", "age_day": "06-31"}],
        "day_of_year",
        RULE,
    ),
    ("calculation_rules", [{**DATED, "code": "C", "source": ""}], "no_source", RULE),
    ("rate_tables", lambda s: s[0].update(geography="area"), "unknown_code", HMO_TABLE),
    (
        "rate_tables",
        lambda s: s[1].update(keys=["coverage_code"], rates=[{"coverage_code": "9", "rate": 1}]),
        "unknown_code",
        LIFE_TABLE,
    ),
    (
        "rate_tables",
        lambda s: s[1].update(keys=["age"], rates=[{"age_from": 18, "rate": 1}]),
        "gap",
        LIFE_TABLE,
    ),
    (
        "rate_tables",
        lambda s: s[1].update(keys=["age"], rates=[{"age_from": age, "rate": 1} for age in (0, 40, 30)]),
        "unsorted",
        LIFE_TABLE,
    ),
    (
        "rate_tables",
        lambda s: s[1].update(keys=["pay"], rates=[{"annual_pay_from": 1, "rate": 1}]),
        "gap",
        LIFE_TABLE,
    ),
    (
        "geographies",
        lambda s: s.append({**s[0], "code": "east"}),
        "no_zips",
        "geographies[east]",
    ),
    ("geographies", lambda s: s[0].update(source=""), "no_source", "geographies[areas]"),
    (
        "deduction_codes",
        lambda s: s[0].update(periods_of_month=[0, 1]),
        "periods_of_month",
        "deduction_codes[MED]",
    ),
    (
        "passive_events",
        [{"code": "P65", "event_class": "MSC", "base": "birth"}],
        "passive_event",
        "passive_events[P65]",
    ),
]


@pytest.mark.parametrize(("section", "change", "code", "where"), PEO_FAULTS)
def test_a_fault_of_the_peo_is_one_finding(tmp_path, section, change, code, where):
    assert the_one(audited_peo(tmp_path, **{section: change})) == (code, where)


@pytest.mark.parametrize(
    "changes",
    [
        {"life_event": {}, "copy_to_other_records": True},
        {"life_event": {"creates_event": True, "days_to_notify": 31}},
        {"life_event": {"creates_event": True, "days_to_notify": None}},
        {"life_event": {"days_to_notify": 32}},  # nobody elects before it is admitted
        {"life_event": {"creates_event": True, "days_to_notify": 32}, "window_start": "entry"},
        {"life_event": {"proof": False}, "only_ends_coverage": True},
    ],
)
def test_terms_that_a_class_may_have(tmp_path, changes):
    assert audited_peo(tmp_path, event_classes=lambda s: s[2].update(changes)) == []


CURVE = "age_curves[C from 2026-01-01]"


def curve(*ages: int, **more: Any) -> list[dict[str, Any]]:
    return [{**DATED, "code": "C", "factors": [{"age": age, "factor": 1} for age in ages], **more}]


@pytest.mark.parametrize(
    ("curves", "code"),
    [
        (curve(), "no_factors"),
        (curve(21, 22, 22), "age_twice"),
        (curve(21, 23), "age_gap"),
        (curve(21, factors=[{"age": 21, "factor": 0}]), "factor"),
        (curve(21, factors=[{"age": 21, "factor": 12.5}]), "factor"),
        (curve(21, source=""), "no_source"),
    ],
)
def test_a_fault_of_a_curve_is_one_finding(tmp_path, curves, code):
    assert the_one(audited_peo(tmp_path, age_curves=curves)) == (code, CURVE)


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ({"curve": "D"}, "no_curve"),
        ({"curve": "C", "from": date(2025, 12, 31)}, "no_curve"),
        ({"curve": "C", "base_age": 24}, "base_age"),
        ({"base_age": 24}, "base_age"),
        ({"curve": "C", "unit": "per_thousand"}, "factor_unit"),
        ({"curve": "C", "keys": ["age"]}, "key_twice"),
        ({"curve": "C", "tobacco_factor": 1.501}, "tobacco_factor"),
        ({"curve": "C", "tobacco_factor": 0.9}, "tobacco_factor"),
        ({"tobacco_factor": 1.5}, "tobacco_age"),
        ({"tiers": {"9": 1}}, "tier_code"),
        ({"tiers": {"1": 0}}, "tier_factor"),
        ({"curve": "C", "per_member": True, "tiers": {"1": 1}}, "tiers_per_member"),
    ],
)
def test_a_fault_of_a_table_written_out_is_one_finding(tmp_path, table, code):
    def added(section: list[Any]) -> None:
        section.append({**DATED, "code": "new", "rates": [{"rate": 1}], **table})

    findings = audited_peo(tmp_path, age_curves=curve(21, 22, 23), rate_tables=added)
    assert the_one([one for one in findings if one.code not in ("overlap", "unknown_code")])[0] == code


def test_a_good_curve_has_no_finding(tmp_path):
    def curved(section: list[Any]) -> None:
        section[0].update(
            keys=[], rates=[{"rate": 1}], curve="C", tobacco_factor=1.5, file=None, geography=None
        )

    assert audited_peo(tmp_path, age_curves=curve(14, 15, *range(16, 65)), rate_tables=curved) == []


SHEET_FAULTS = [
    ("premiums.csv", PREMIUMS.replace("hmo,R1,0,", "hmo,R1,14,"), "gap", HMO_TABLE),
    ("premiums.csv", PREMIUMS + "hmo,R1,30,1\n", "overlap", HMO_TABLE),
    ("zips.csv", ZIPS + "01001,R2,areas\n", "zip_twice", "geographies[areas]"),
]


@pytest.mark.parametrize(("name", "text", "code", "where"), SHEET_FAULTS)
def test_a_fault_of_a_sheet_is_one_finding(tmp_path, name, text, code, where):
    assert the_one(audited_peo(tmp_path, {name: text})) == (code, where)


def test_a_zip_without_rating_area_is_a_warning(tmp_path):
    findings = audited_peo(tmp_path, {"zips.csv": ZIPS + "01003,,areas\n"})
    assert the_one(findings) == ("zip_without_area", "geographies[areas]")
    assert findings[0].severity is Severity.WARNING


def criteria(*given: dict[str, Any]) -> Any:
    return lambda section: section[0].update(criteria=list(given))


FULL = "eligibility_rules[FULL from 2026-01-01]"
HEALTH = "event_rules[HEALTH from 2026-01-01]"
ONE_PAY = "formulas[ONE-PAY from 2026-01-01]"

CLIENT_FAULTS = [
    # references
    ("programs", lambda s: program(s).update(eligibility="FUL"), "unknown_code", MAIN),
    ("programs", lambda s: plan_type(s).update(dependent_rule="X"), "unknown_code", f"{MAIN}.plan_types[10]"),
    (
        "programs",
        lambda s: plan_type(s, "60").update(event_rule="X"),
        "unknown_code",
        f"{MAIN}.plan_types[60]",
    ),
    ("programs", lambda s: option(s).update(service_area="east"), "unknown_code", HMO),
    ("programs", lambda s: option(s, "20").update(formula="TWO"), "unknown_code", LIFE),
    ("programs", lambda s: option(s).update(deduction_code="X"), "unknown_code", HMO),
    ("programs", lambda s: option(s).update(coverage_codes=["1", "9"]), "unknown_code", HMO),
    ("programs", lambda s: option(s)["costs"][0].update(rate_table="hmos"), "unknown_code", HMO),
    ("programs", lambda s: option(s)["costs"][0].update(contribution="X"), "unknown_code", HMO),
    ("programs", lambda s: program(s)["credits"][0].update(rate_table="X"), "unknown_code", MAIN),
    ("pay_groups", lambda s: s[0].update(company="ACE"), "unknown_code", "pay_groups[BW]"),
    ("run_controls", lambda s: s[0].update(schedule="X"), "unknown_code", "run_controls[NIGHT]"),
    ("schedules", lambda s: s[1].update(programs={"MAINE": []}), "unknown_code", "schedules[OE26]"),
    (
        "event_rules",
        lambda s: s[0]["classes"][0].update(event_class="HR"),
        "unknown_code",
        f"{HEALTH}.classes[HR]",
    ),
    (
        "eligibility_rules",
        criteria({"field": "company", "values": ["ACE"]}),
        "unknown_code",
        f"{FULL}.criteria[company]",
    ),
    ("eligibility_rules", lambda s: s[0].update({"from": date(2026, 7, 1)}), "begins_late", MAIN),
    # rules
    ("eligibility_rules", criteria({"field": "age"}), "criterion", f"{FULL}.criteria[age]"),
    (
        "eligibility_rules",
        criteria({"field": "age_years", "min": 21, "as_of": "this_year"}),
        "criterion",
        f"{FULL}.criteria[age_years]",
    ),
    (
        "eligibility_rules",
        criteria({"field": "age_years", "min": 21, "as_of": "this_year", "as_of_day": "02-30"}),
        "criterion",
        f"{FULL}.criteria[age_years]",
    ),
    (
        "eligibility_rules",
        criteria({"field": "age_years", "min": 21, "as_of": "last_year", "as_of_day": "2-1"}),
        "criterion",
        f"{FULL}.criteria[age_years]",
    ),
    (
        "eligibility_rules",
        criteria({"field": "age_years", "min": 21, "as_of_day": "12-31"}),
        "criterion",
        f"{FULL}.criteria[age_years]",
    ),
    (
        "eligibility_rules",
        criteria({"field": "age_years", "min": 21, "jobs": "flagged"}),
        "criterion",
        f"{FULL}.criteria[age_years]",
    ),
    (
        "eligibility_rules",
        criteria({"field": "age_years", "min": 21, "active_only": True}),
        "criterion",
        f"{FULL}.criteria[age_years]",
    ),
    (
        "eligibility_rules",
        criteria({"field": "age_years", "min": 21, "evaluation": "all"}),
        "criterion",
        f"{FULL}.criteria[age_years]",
    ),
    (
        "eligibility_rules",
        criteria({"field": "weekly_hours", "min": 30, "as_of": "this_year", "as_of_day": "12-31"}),
        "criterion",
        f"{FULL}.criteria[weekly_hours]",
    ),
    (
        "eligibility_rules",
        criteria({"field": "weekly_hours", "min": 30, "evaluation": "sum"}),
        "criterion",
        f"{FULL}.criteria[weekly_hours]",
    ),
    (
        "eligibility_rules",
        criteria({"field": "location", "values": ["A"], "jobs": "flagged", "evaluation": "sum"}),
        "criterion",
        f"{FULL}.criteria[location]",
    ),
    (
        "eligibility_rules",
        criteria(
            {
                "any": [
                    {"field": "age_years", "min": 21},
                    {"all": [{"field": "weekly_hours", "min": 30}, {"field": "location", "values": ["A"]}]},
                ]
            }
        ),
        "link",
        FULL,
    ),
    (
        "eligibility_rules",
        criteria(
            {
                "any": [
                    {"field": "age_years", "min": 21},
                    {
                        "any": [{"field": "weekly_hours", "min": 30}, {"field": "location", "values": ["A"]}],
                        "exclude": True,
                    },
                ]
            }
        ),
        "link",
        FULL,
    ),
    (
        "eligibility_rules",
        criteria({"any": []}),
        "link",
        FULL,
    ),
    (
        "eligibility_rules",
        criteria(
            {
                "any": [{"field": "age_years", "min": 21}, {"field": "weekly_hours", "min": 30}],
                "field": "location",
            }
        ),
        "link",
        f"{FULL}.criteria[location]",
    ),
    (
        "eligibility_rules",
        criteria(
            {
                "any": [{"field": "age_years", "min": 21}, {"field": "weekly_hours", "min": 30}],
                "all": [{"field": "location", "values": ["A"]}, {"field": "state", "values": ["MA"]}],
            }
        ),
        "link",
        f"{FULL}.criteria[1]",
    ),
    (
        "eligibility_rules",
        criteria({"any": [{"field": "age_years", "min": 21}, {"field": "age_years", "min": 21}]}),
        "criterion",
        FULL,
    ),
    (
        "eligibility_rules",
        criteria({"any": [{"field": "age"}, {"field": "weekly_hours", "min": 30}]}),
        "criterion",
        f"{FULL}.criteria[1].any[age]",
    ),
    (
        "eligibility_rules",
        criteria(
            *(
                {
                    "any": [
                        {"field": f"config_{2 * n + 1}", "values": ["A"]},
                        {"field": f"config_{2 * n + 2}", "values": ["A"]},
                    ]
                }
                for n in range(4)
            )
        ),
        "link",
        FULL,
    ),
    ("eligibility_rules", criteria({"field": "age_years"}), "criterion", f"{FULL}.criteria[age_years]"),
    (
        "eligibility_rules",
        criteria({"field": "age_years", "min": 30, "max": 20}),
        "criterion",
        f"{FULL}.criteria[age_years]",
    ),
    (
        "eligibility_rules",
        criteria({"field": "weekly_hours", "min": 37.125}),
        "criterion",
        f"{FULL}.criteria[weekly_hours]",
    ),
    ("eligibility_rules", criteria({"field": "state", "values": []}), "criterion", f"{FULL}.criteria[state]"),
    (
        "eligibility_rules",
        criteria({"field": "home_zip", "values": ["02101"]}),
        "criterion",
        f"{FULL}.criteria[home_zip]",
    ),
    (
        "eligibility_rules",
        criteria({"field": "age_years", "min": 18}, {"field": "age_years", "max": 70}),
        "criterion",
        FULL,
    ),
    ("event_rules", lambda s: s[0]["classes"][1].update(event_class="OE"), "no_row", HEALTH),
    ("event_rules", lambda s: s[1]["classes"].append({}), "row_twice", "event_rules[OTHER from 2026-01-01]"),
    (
        "event_rules",
        lambda s: s[1]["classes"].append({"event_class": "TER", "coverage_ends": "day_before_event"}),
        "end_rule",
        "event_rules[OTHER from 2026-01-01].classes[TER]",
    ),
    (
        "event_rules",
        lambda s: s[0]["classes"][1].update(persons={"child": {"same": False}, "spouse": {"same": True}}),
        "persons",
        f"{HEALTH}.classes[2]",
    ),
    (
        "event_rules",
        lambda s: s[0]["classes"][1].update(
            persons={"partner": {"same": True, "without_current": "required"}}
        ),
        "closes_all",
        "programs[MAIN from 2026-01-01].plan_types[10]",
    ),
    (
        "programs",
        lambda s: (
            s[0]["plan_types"][0]["options"][0].update(coverage_codes=["4"], default="4"),
            s[0]["plan_types"][0].update(restrict_entry_months=-1),
        ),
        "re_entry",
        "programs[MAIN from 2026-01-01].plan_types[10]",
    ),
    (
        "programs",
        lambda s: s[0]["plan_types"][0].update(waive="not_applicable"),
        "waive_credits",
        "programs[MAIN from 2026-01-01].plan_types[10]",
    ),
    (
        "programs",
        lambda s: s[0]["plan_types"][1].update(waive="not_applicable", restrict_entry_months=12),
        "re_entry",
        "programs[MAIN from 2026-01-01].plan_types[20]",
    ),
    ("event_rules", lambda s: s[0]["classes"][1].update(level_limit=100), "levels", f"{HEALTH}.classes[2]"),
    ("event_rules", lambda s: s[0]["classes"][1].update(proof_rise=-1), "levels", f"{HEALTH}.classes[2]"),
    (
        "event_rules",
        lambda s: s[0]["classes"][1].update(reinstate_within_days=-1),
        "reinstatement",
        f"{HEALTH}.classes[2]",
    ),
    (
        "event_rules",
        lambda s: s[0]["classes"][1].update(reinstate_within_days=367),
        "reinstatement",
        f"{HEALTH}.classes[2]",
    ),
    (
        "event_rules",
        lambda s: s[0]["classes"][1].update(reinstate_within_days=30, ignore=True),
        "no_effect",
        f"{HEALTH}.classes[2]",
    ),
    (
        "event_rules",
        lambda s: s[0]["classes"][1].update(pledge_change="increase"),
        "no_effect",
        f"{HEALTH}.classes[2]",
    ),
    (
        "event_rules",
        lambda s: s[1]["classes"][0].update(persons={"child": {"same": True}}),
        "no_effect",
        "event_rules[OTHER from 2026-01-01].classes[1]",
    ),
    (
        "event_rules",
        lambda s: s[0]["classes"][0].update(coverage_begins="first_of_month_after_receipt"),
        "no_effect",
        f"{HEALTH}.classes[HIR]",
    ),
    ("event_rules", lambda s: s[0].update(source=""), "no_source", HEALTH),
    ("formulas", lambda s: s[0]["steps"][0].update(add=1), "step", f"{ONE_PAY}.steps[1]"),
    ("formulas", lambda s: s[0]["steps"][1].pop("round_up"), "rounding", f"{ONE_PAY}.steps[2]"),
    ("formulas", lambda s: s[0]["steps"].append({"round": "up"}), "rounding", f"{ONE_PAY}.steps[3]"),
    (
        "formulas",
        lambda s: s[0]["steps"].append({"round": "up", "to": 0}),
        "rounding",
        f"{ONE_PAY}.steps[3]",
    ),
    ("formulas", lambda s: s[0]["steps"].append({"divide": 0}), "divisor", f"{ONE_PAY}.steps[3]"),
    (
        "formulas",
        lambda s: s[0]["steps"].append({"add_base": 1, "subtract": 5}),
        "step",
        f"{ONE_PAY}.steps[3]",
    ),
    ("formulas", lambda s: s[0].update(steps=[]), "no_steps", ONE_PAY),
    ("formulas", lambda s: s[0].update(as_of="last_year"), "as_of_day", ONE_PAY),
    ("formulas", lambda s: s[0].update(as_of_day="12-31"), "as_of_day", ONE_PAY),
    ("formulas", lambda s: s[0].update(as_of="check_date", as_of_day="12-31"), "as_of_day", ONE_PAY),
    ("formulas", lambda s: s[0].update(as_of="pay_end", jobs="flagged"), "base", ONE_PAY),
    ("formulas", lambda s: s[0].update(jobs="flagged", benefits_base="BONUS"), "base", ONE_PAY),
    ("formulas", lambda s: s[0].update(active_only=True, benefits_base="BONUS"), "base", ONE_PAY),
    (
        "formulas",
        lambda s: s[0].update(jobs="flagged", as_of="last_year", as_of_day="12-31"),
        "base",
        ONE_PAY,
    ),
    ("formulas", lambda s: s[0].update(disability=disability(60)), "disability", ONE_PAY),
    ("formulas", [{**DATED, "code": "ONE-PAY", "disability": disability(101)}], "percent", ONE_PAY),
    ("formulas", [{**DATED, "code": "ONE-PAY", "disability": disability(0)}], "percent", ONE_PAY),
    (
        "formulas",
        [{**DATED, "code": "ONE-PAY", "base": "weekly_pay", "disability": disability(60)}],
        "disability",
        ONE_PAY,
    ),
    ("programs", lambda s: option(s, "20").update(premium_formula="NONE"), "unknown_code", LIFE),
    (
        "programs",
        lambda s: option(s, "20").update(
            premium_formula="ONE-PAY", costs=[{"rate_table": "credit", "contribution": "ALL"}]
        ),
        "premium_rate",
        LIFE,
    ),
    ("contributions", lambda s: s[0].update(reference_option="GOLD"), "reference_option", HMO),
    ("formulas", lambda s: s[0].update(minimum=60000), "bounds", ONE_PAY),
    (
        "formulas",
        lambda s: s[0]["age_reductions"].append({"age_from": 65, "reduce_percent": 50}),
        "age_reductions",
        ONE_PAY,
    ),
    (
        "contributions",
        lambda s: s[0]["rows"][0].update(employee_percent=101),
        "percent",
        "contributions[EIGHTY from 2026-01-01]",
    ),
    (
        "contributions",
        lambda s: s[0]["rows"].append({}),
        "contribution_rows",
        "contributions[EIGHTY from 2026-01-01]",
    ),
    # general credits and deductions
    *(
        ("programs", lambda s, more=more: program(s).update(deductions=[FEE | more]), code, f"{MAIN}{where}")
        for more, code, where in (
            ({"deduction_code": "X"}, "unknown_code", ".deductions[FEE]"),
            ({"rate_table": "X"}, "unknown_code", ".deductions[FEE]"),
            ({"eligibility": "X"}, "unknown_code", ".deductions[FEE]"),
            ({"calculation_rule": "X"}, "unknown_code", ".deductions[FEE]"),
            ({"contribution": "X"}, "unknown_code", ".deductions[FEE]"),
            ({"code": "CREDIT-1"}, "deduction_twice", ""),
            ({"rate_table": "hmo"}, "rate_unit", ".deductions[FEE]"),
        )
    ),
    ("programs", lambda s: program(s).update(deductions=[FEE, FEE]), "deduction_twice", MAIN),
    ("programs", lambda s: program(s)["credits"][0].update(eligibility="X"), "unknown_code", MAIN),
    (
        "programs",
        lambda s: program(s).update(deductions=[FEE], credits=[], event_rule=None),
        "no_event_rule",
        MAIN,
    ),
    # credits left over
    (
        "programs",
        lambda s: program(s).update(excess_cost_plan_types=["11"]),
        "excess_cost_plan_types",
        MAIN,
    ),
    (
        "programs",
        lambda s: program(s).update(rollover_plan_types=["60", "60"]),
        "rollover_plan_types",
        MAIN,
    ),
    ("programs", lambda s: program(s).update(rollover_plan_types=["20"]), "rollover_account", MAIN),
    ("programs", lambda s: program(s).update(excess_credits="rolled_over"), "no_rollover", MAIN),
    ("programs", lambda s: program(s).update(rollover_by_choice=True), "no_rollover", MAIN),
    (
        "programs",
        lambda s: (program(s).update(excess_credits="forfeited", credits=[]), no_credits(s)),
        "no_credits",
        MAIN,
    ),
    # waiting periods, dependents
    ("event_rules", lambda s: s[0]["classes"][0].update(waiting_days=91), "wait", f"{MAIN}.plan_types[10]"),
    (
        "dependent_rules",
        [{**DATED, "code": "HEALTH", "age_limit": 26, "relationships": []}],
        "relationships",
        "dependent_rules[HEALTH from 2026-01-01]",
    ),
    (
        "dependent_rules",
        [{**DATED, "code": "HEALTH", "age_limit": 26, "relationships": ["SP", "CH", "XS"]}],
        "relationships",
        "dependent_rules[HEALTH from 2026-01-01]",
    ),
    (
        "dependent_rules",
        [{**DATED, "code": "HEALTH", "age_limit": 25}],
        "dependent_rule",
        f"{MAIN}.plan_types[10]",
    ),
    (
        "dependent_rules",
        [{**DATED, "code": "HEALTH", "age_limit": 26, "last_day": "plan_year_end", "plan_year_begins": 7}],
        "plan_year",
        f"{MAIN}.plan_types[10]",
    ),
    (
        "dependent_rules",
        [{**DATED, "code": "HEALTH", "age_limit": 26, "student_age_limit": 30}],
        "dependent_rule",
        f"{MAIN}.plan_types[10]",
    ),
    (
        "dependent_rules",
        [{**DATED, "code": "HEALTH", "age_limit": 26, "married_ineligible": True}],
        "dependent_rule",
        f"{MAIN}.plan_types[10]",
    ),
    # what elections are checked by
    ("programs", lambda s: option(s, "20").update(requires={"plan_type": "20"}), "requirement", LIFE),
    ("programs", lambda s: option(s, "20").update(requires={"plan_type": "21"}), "requirement", LIFE),
    (
        "programs",
        lambda s: option(s, "20").update(requires={"plan_type": "10", "plan": "FSA"}),
        "requirement",
        LIFE,
    ),
    (
        "programs",
        lambda s: option(s, "20").update(requires={"plan_type": "10", "plan": "X"}),
        "unknown_code",
        LIFE,
    ),
    (
        "programs",
        lambda s: option(s, "20").update(requires={"plan_type": "10", "coverage_percent": 50}),
        "requirement",
        LIFE,
    ),
    (
        "programs",
        lambda s: option(s, "20").update(requires={"plan_type": "10", "check_dependents": True}),
        "requirement",
        LIFE,
    ),
    (
        "programs",
        lambda s: [
            option(s, "20").update(requires={"plan_type": "10"}),
            option(s).update(requires={"plan_type": "20"}),
        ],
        "circle",
        MAIN,
    ),
    (
        "programs",
        lambda s: plan_type(s, "60").update(excluded_coverage=[{"plan_type": "60"}]),
        "exclusion",
        f"{MAIN}.plan_types[60]",
    ),
    (
        "programs",
        lambda s: plan_type(s, "60").update(excluded_coverage=[{"plan_type": "20", "plan": "HMO"}]),
        "exclusion",
        f"{MAIN}.plan_types[60]",
    ),
    (
        "programs",
        lambda s: plan_type(s, "60").update(excluded_coverage=[{"plan_type": "10", "plan": "X"}]),
        "unknown_code",
        f"{MAIN}.plan_types[60]",
    ),
    (
        "coverage_groups",
        [{**DATED, "code": "ALL", "maximum": 500000}],
        "group",
        "coverage_groups[ALL from 2026-01-01]",
    ),
    (
        "programs",
        lambda s: plan_type(s, "60").update(annual_limit="X"),
        "unknown_code",
        f"{MAIN}.plan_types[60]",
    ),
    (
        "programs",
        lambda s: plan_type(s, "20").update(annual_limit="fsa"),
        "annual_limit",
        f"{MAIN}.plan_types[20]",
    ),
    (
        "programs",
        lambda s: plan_type(s, "60").update(month_rule=True, annual_limit=None),
        "annual_limit",
        f"{MAIN}.plan_types[60]",
    ),
    (
        "programs",
        lambda s: plan_type(s, "60").update(maximum_total_percent=10),
        "limits",
        f"{MAIN}.plan_types[60]",
    ),
    ("programs", lambda s: option(s).update(hours={"trade": "buy"}), "hours", HMO),
    ("programs", lambda s: plan_type(s).update(collect="none"), "collect", f"{MAIN}.plan_types[10]"),
    # programs
    ("programs", lambda s: program(s).update(event_rule=None), "no_event_rule", MAIN),
    ("funds", [{"plan_type": "B4", "code": "F", "name": "Fund"}], "plan_type", "funds[F]"),
    ("programs", lambda s: plan_type(s, "20").update(options=[]), "no_options", f"{MAIN}.plan_types[20]"),
    ("programs", lambda s: plan_type(s, "60").update(invested=True), "no_funds", f"{MAIN}.plan_types[60]"),
    (
        "programs",
        lambda s: plan_type(s, "60").update(minimum_pledge=9999),
        "limits",
        f"{MAIN}.plan_types[60]",
    ),
    ("programs", lambda s: plan_type(s, "20").update(maximum_percent=5), "limits", f"{MAIN}.plan_types[20]"),
    ("programs", lambda s: option(s).pop("default"), "no_default", f"{MAIN}.plan_types[10]"),
    ("programs", lambda s: option(s, "20").update(default="1"), "default_code", LIFE),
    ("programs", lambda s: option(s).update(plan=None), "no_plan", HMO),
    ("programs", lambda s: option(s).update(plan="LIFE"), "plan_of_type", HMO),
    ("programs", lambda s: option(s, "20").pop("formula"), "coverage_amount", LIFE),
    ("programs", lambda s: option(s, "20").update(coverage_amount=1), "coverage_amount", LIFE),
    ("programs", lambda s: option(s).update(coverage_amount=1), "coverage_amount", HMO),
    ("programs", lambda s: option(s, "20").update(coverage_codes=["1"]), "coverage_codes", LIFE),
    # prices
    ("programs", lambda s: option(s).update(costs=[]), "no_price", HMO),
    ("programs", lambda s: option(s).pop("deduction_code"), "no_deduction_code", HMO),
    ("programs", lambda s: option(s)["costs"][0].update(rate_table="life"), "rate_unit", HMO),
    (
        "contributions",
        lambda s: s[0]["rows"][0].update(coverage_code="1"),
        "no_contribution",
        HMO,
    ),
    # calendars
    (
        "pay_groups",
        lambda s: s[0].update(calendar_through=date(2026, 6, 30)),
        "no_calendar",
        "pay_groups[BW]",
    ),
    (
        "pay_groups",
        lambda s: s[0].update(first_period_begins=date(2026, 2, 2)),
        "no_calendar",
        "pay_groups[BW]",
    ),
    ("pay_groups", lambda s: s[0].update(calendar_through=date(2025, 1, 1)), "calendar", "pay_groups[BW]"),
    ("pay_groups", lambda s: s[0].update(frequency="monthly"), "calendar_begin", "pay_groups[BW]"),
    ("schedules", lambda s: s[1].pop("period_ends"), "schedule_needs", "schedules[OE26]"),
    ("schedules", lambda s: s[1].pop("event_class"), "schedule_needs", "schedules[OE26]"),
    ("schedules", lambda s: s[1].update(event_class="SNP"), "schedule_class", "schedules[OE26]"),
    ("schedules", lambda s: s[1].update(window_ends=date(2025, 10, 1)), "schedule_days", "schedules[OE26]"),
    ("schedules", lambda s: s[1].update(programs={"MAIN": ["30"]}), "schedule_plan_type", "schedules[OE26]"),
    (
        "run_controls",
        lambda s: (s[0].update(kind="reprocess"), s[0].pop("schedule")),
        "no_schedule",
        "run_controls[NIGHT]",
    ),
    (
        "run_controls",
        lambda s: s[0].update(kind="reprocess", through="schedule"),
        "reprocess_level",
        "run_controls[NIGHT]",
    ),
    ("run_controls", lambda s: s[0].update(repeats="once"), "no_day", "run_controls[NIGHT]"),
]


@pytest.mark.parametrize(("section", "change", "code", "where"), CLIENT_FAULTS)
def test_a_fault_of_a_client_is_one_finding(tmp_path, section, change, code, where):
    assert the_one(audited_client(tmp_path, **{section: change})) == (code, where)


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


# --- records that are switched off ------------------------------------------------------------------------

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


# --- curves of the PEO's ----------------------------------------------------------------------------------


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
