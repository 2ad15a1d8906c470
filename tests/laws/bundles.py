"""A PEO's and a client's set-up that fit together."""

from datetime import date
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from tests.laws.drawing import COVERAGE_CODES, ORIGIN, PLAN_TYPES, SOURCE, ZIPS, Row, dated, rarely
from tests.laws.programs import programs
from tests.laws.rates import RULE_BEGINS, age_curves, calculation_rules, rate_tables
from tests.laws.rules import criteria

from openbenefits.core.codes import LastDay


@st.composite
def setups(draw: DrawFn) -> tuple[Row, Row]:
    """Draw the PEO's set-up and one client's."""
    peo, client = draw(peo_setups()), _blank_client()
    holder = client if draw(st.booleans()) else peo  # a client's tables may follow the PEO's curve
    holder["age_curves"] = [{"code": "CURVE", **row} for row in dated(draw, age_curves())]
    client["company_addresses"] = _addresses(draw, ["CO", "CP"])
    client["location_addresses"] = _addresses(draw, ["HQ"])
    rules = ["RULE1", "RULE2", "PROGA", "PROGB"]
    for rule in rules:
        client["eligibility_rules"] += [{"code": rule, **row} for row in dated(draw, criteria())]
    if rarely(draw, 2):
        client["programs"] += draw(programs(client, "A", draw(st.sampled_from([None, None, "PROGA"]))))
    else:
        _let_exclude_each_other(draw, client)
        client["programs"] += draw(programs(client, "A", "PROGA"))
        client["programs"] += draw(programs(client, "B", "PROGB"))
    return peo, client


def _let_exclude_each_other(draw: DrawFn, client: Row) -> None:
    """Make most pairs of programs ones for full time and for part time."""
    if rarely(draw, 4):
        return
    for rule, value in (("PROGA", "F"), ("PROGB", "P")):
        for row in client["eligibility_rules"]:
            if row["code"] == rule:
                row["criteria"] = [{"field": "full_part_time", "values": [value]}]


def _event_classes(draw: DrawFn) -> list[Row]:
    classes: list[Row] = [
        {"code": "MSC", "name": "Miscellaneous", "use": "default", "priority": 900},
        {"code": "HIR", "name": "Hire", "use": "specific", "priority": 100},
        {"code": "BIR", "name": "Birth", "use": "specific", "priority": 200},
        {
            "code": "TER",
            "name": "Termination",
            "use": "specific",
            "priority": 300,
            "only_ends_coverage": True,
        },
        {"code": "OE", "name": "Open enrolment", "use": "open_enrollment", "priority": 50},
    ]
    for event_class in classes:
        event_class["guard_full_termination"] = rarely(draw, 4)
    return classes


def _coverage_codes(draw: DrawFn) -> list[Row]:
    most = draw(st.sampled_from([1, 2, 99]))
    alone, one = {"EE": {"min": 1, "max": 1}}, {"min": 1, "max": 1}
    children = {"min": 1, "max": most}
    imputed = draw(st.sampled_from([{}, {"ED": "EE"}, {"ED": "EC"}]))
    persons = [alone, {**alone, "SP": one}, {**alone, "CH": children}]
    persons += [{**alone, "SP": one, "CH": children}, {**alone, "DP": one, "CH": {"min": 0, "max": 99}}]
    persons += [{**alone, "SS": one, "CH": {"min": 0, "max": most}}, {"NQ": children}, {"DP": one}]
    persons += [{"EE": {"min": 0, "max": draw(st.integers(0, 1))}, "DP": one, "NQ": {"min": 0, "max": most}}]
    return [
        {"code": code, "name": code, "persons": allowed, "imputed_against": imputed.get(code)}
        for code, allowed in zip(COVERAGE_CODES, persons, strict=True)
    ]


@st.composite
def peo_setups(draw: DrawFn) -> Row:
    return {
        "bundle": {"kind": "peo", "code": "PEO", "name": "The PEO"},
        "event_classes": _event_classes(draw),
        "actions": [{"action": "HIR", "event_class": "HIR"}, {"action": "TER", "event_class": "TER"}],
        "coverage_codes": _coverage_codes(draw),
        "plans": [
            {
                "code": f"P{kind}{which}",
                "plan_type": kind,
                "name": kind,
                "carrier": "ACME",
                "from": ORIGIN,
                **SOURCE,
            }
            for kind in PLAN_TYPES
            for which in "AB"
        ],
        "geographies": [
            {"code": "AREAS", "name": "Areas", **SOURCE, "zips": dict(zip(ZIPS, "1122", strict=True))},
            {"code": "SERVICE", "name": "Service area", **SOURCE, "zips": dict.fromkeys(ZIPS[:3], "")},
        ],
        "rate_tables": draw(rate_tables("CREDIT", "flat")),
        "calculation_rules": [
            *({"code": "RULEA", **row} for row in dated(draw, calculation_rules())),
            {"code": "RULEB", "from": draw(RULE_BEGINS), **SOURCE, **draw(calculation_rules())},
        ],
        "deduction_codes": [
            {"code": "ALLBT", "name": "All pays", "tax": "before"},
            {"code": "ALLAT", "name": "All pays", "tax": "after"},
            {"code": "TWOBT", "name": "Two a month", "tax": "before", "periods_of_month": [1, 2]},
            {"code": "ONEAT", "name": "First of the month", "tax": "after", "periods_of_month": [1]},
        ],
        "dependent_rules": [{"code": "DEP", **row} for row in dated(draw, dependent_rules())],
    }


def dependent_rules() -> SearchStrategy[Row]:
    return st.fixed_dictionaries(
        {
            "age_limit": st.sampled_from([19, 26, 99]),
            "student_age_limit": st.sampled_from([24, 26, 99]),
            "disabled_exempt": st.booleans(),
            "married_ineligible": st.booleans(),
            "relationships": st.sampled_from(
                [["SP", "SS", "DP", "CH", "AC", "OD"], ["SP", "DP", "CH", "NQ"], ["SS", "AC", "OD", "NQ"]]
            ),
            "last_day": st.sampled_from(LastDay).map(str),
            "plan_year_begins": st.integers(1, 12),
        }
    )


def _blank_client() -> Row:
    def group(code: str, frequency: str, begins: date, **more: Any) -> Row:
        through = {"calendar_through": date(2027, 12, 31)}
        named = {"code": code, "name": code, "company": "CO", "frequency": frequency}
        return {**named, "first_period_begins": begins, **through, **more}

    return {
        "bundle": {"kind": "client", "code": "CLIENT", "name": "A client"},
        "companies": [{"code": "CO", "name": "CO"}, {"code": "CP", "name": "CP"}],
        "benefit_groups": [{"code": "BG", "name": "BG"}, {"code": "BH", "name": "BH"}],
        "pay_groups": [
            group("BW", "biweekly", date(2024, 12, 23)),
            group("BW27", "biweekly", date(2024, 12, 20)),
            group("WK", "weekly", date(2024, 12, 20)),
            group("SM", "semimonthly", date(2025, 1, 1)),
            group("MO", "monthly", date(2025, 1, 1)),
            group("SHORT", "biweekly", date(2025, 12, 22), calendar_through=date(2026, 9, 30)),
            group("OFF", "monthly", date(2025, 1, 1), active=False),
        ],
        "eligibility_rules": [],
        "event_rules": [],
        "formulas": [],
        "contributions": [],
        "age_curves": [],
        "rate_tables": [],
        "programs": [],
        "schedules": [{"code": "EM", "name": "Event maintenance", "kind": "event_maintenance"}],
    }


def _addresses(draw: DrawFn, codes: list[str]) -> list[Row]:
    """Draw where companies or locations are, now and then moved, or not known yet."""
    return [
        {
            "code": code,
            "from": day,
            **SOURCE,
            "zip": draw(st.sampled_from([*ZIPS, "99999"])),
            "active": not rarely(draw),
        }
        for code in codes
        for day in (ORIGIN, date(2026, 7, 1))
        if not rarely(draw, 6)
    ]
