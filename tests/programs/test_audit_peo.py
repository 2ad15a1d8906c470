"""Each fault of a PEO's set-up is one finding that says where."""

from datetime import date
from typing import Any

import pytest

from openbenefits.core.codes import Severity

from .auditing import AGES, HMO_TABLE, LIFE_TABLE, RULE, age_table, audited_peo, the_one
from .factories import DATED, PREMIUMS, ZIPS

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
    (
        "passive_events",
        [{"code": "P26", "event_class": "MSC", "base": "dependent_limit", "years": 26}],
        "passive_event",
        "passive_events[P26]",
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
