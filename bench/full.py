"""The full rule set for the same people: every mechanism of set-up that preparation evaluates.

A client of the plain world gets, beside what it has: linked criteria, ages and services as of a day of the
year, criteria over all jobs, calculation rules, premium formulas, contributions by a reference option,
restrictions of event rules, credits and requirements between plan types.
"""

from typing import Any

import msgspec

from openbenefits.programs.bundle import ClientBundle
from openbenefits.programs.loaded import LoadedBundle, load

Row = dict[str, Any]

SOURCE = {"from": "2025-01-01", "source": "invented for a benchmark"}
CALCULATIONS: list[Row] = [
    {"code": "YEAR-END", **SOURCE, "age_as_of": "this_year", "age_day": "12-31"},
    {"code": "PAY-END", **SOURCE, "age_as_of": "pay_end", "service_as_of": "check_date"},
    {"code": "EVENT", **SOURCE, "age_as_of": "event_date"},
]
CALCULATED = {"20": "YEAR-END", "21": "YEAR-END", "30": "PAY-END", "31": "EVENT"}
CRITERIA: dict[str, list[Row]] = {
    "SERVICE": [
        {
            "any": [
                {"field": "service_months", "min": 6, "as_of": "last_year", "as_of_day": "12-31"},
                {"field": "weekly_hours", "min": 20, "jobs": "flagged", "evaluation": "sum"},
            ]
        }
    ],
    "SOUTH": [{"any": [{"field": "location", "values": ["SOUTH"]}, {"field": "age_years", "min": 60}]}],
}
MORE_CRITERIA: dict[str, list[Row]] = {
    "STAFF-ONLY": [
        {"field": "regular_temporary", "values": ["R"], "jobs": "flagged", "evaluation": "one"},
        {"field": "age_years", "min": 16, "as_of": "this_year", "as_of_day": "12-31"},
    ],
}
RESTRICTIONS: dict[str, Row] = {
    "HEALTH": {"persons": {"child": {"same": True, "more": True, "less": True}}},
    "SUPP": {"level_limit": 2, "waived_level_limit": 3, "proof_rise": 1},
}
CREDITS = {"10": [{"rate_table": "VISION-CREDIT", "earnings_code": "FLX"}]}
CREDIT_TABLE: Row = {"code": "VISION-CREDIT", **SOURCE, "rates": [{"rate": 10}]}
REQUIRES = {"11": {"plan_type": "10"}, "22": {"plan_type": "20"}}


def with_full_rules(bundle: LoadedBundle) -> LoadedBundle:
    """Give a client of the plain world every mechanism of set-up."""
    document: Row = msgspec.to_builtins(bundle.parts)
    document["calculation_rules"] = CALCULATIONS
    document["rate_tables"] = [*document["rate_tables"], CREDIT_TABLE]
    for rule in document["eligibility_rules"]:
        rule["criteria"] = CRITERIA.get(rule["code"], rule["criteria"]) + MORE_CRITERIA.get(rule["code"], [])
    for rule in document["event_rules"]:
        for row in rule["classes"]:
            row.update(RESTRICTIONS.get(rule["code"], {}))
    for contribution in document["contributions"]:
        if contribution["code"] == "MEDICAL":
            contribution["reference_option"] = "SILVER"
            for row in contribution["rows"]:
                row["minimum_employee_monthly"] = 5
    for program in document["programs"]:
        program["excess_credits"] = "paid"
        for plan_type in program["plan_types"]:
            _enrich(plan_type)
    parts = msgspec.convert(document, ClientBundle, strict=False)
    return load(parts, bundle.files, {})[0]


def _enrich(plan_type: Row) -> None:
    """Price a plan type by calculation rules, tie it to others, let it give credits."""
    kind = plan_type["plan_type"]
    plan_type["credits"] = CREDITS.get(kind, [])
    if kind == "21":
        plan_type["restrict_entry_months"] = 12
    for option in plan_type["options"]:
        if kind in CALCULATED:
            for cost in option["costs"]:
                cost["calculation_rule"] = CALCULATED[kind]
        if kind in REQUIRES:
            option["requires"] = REQUIRES[kind]
        if kind == "20":
            option["premium_formula"] = "SUPP-1X"
