"""The real premiums as a set-up: a rate table for each plan, by quarter, rating area and age."""

import csv
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

Row = dict[str, Any]

DATA = Path(__file__).parent / "data"
AGES = range(14, 65)
SOURCE = {"source": "ideacrew/enroll 8e200d6c, plan year 2018 (MIT)"}
DENTAL = ("11821", "80538")
BEGIN = date(2018, 1, 1)


@cache
def filed() -> list[Row]:
    """List the filed tables: plan, area, the day they begin, and the premium of each age."""
    with (DATA / "premiums.csv").open() as file:
        return [
            {
                "plan": line["hios_id"],
                "area": line["rating_area"],
                "from": date.fromisoformat(line["from"]),
                "premiums": {age: Decimal(line[str(age)]) for age in AGES},
            }
            for line in csv.DictReader(file)
        ]


@cache
def zip_lines() -> list[Row]:
    with (DATA / "zips.csv").open() as file:
        return list(csv.DictReader(file))


def areas() -> dict[str, str]:
    """Answer the rating area of each zip that has exactly one."""
    return {line["zip"].strip(): line["rating_area"] for line in zip_lines() if line["rating_area"]}


def plan_type_of(plan: str) -> str:
    return "11" if plan.startswith(DENTAL) else "10"


def peo() -> Row:
    alone = {"EE": {"min": 1, "max": 1}}
    family = {**alone, "SP": {"min": 0, "max": 1}, "DP": {"min": 0, "max": 1}, "CH": {"min": 0, "max": 99}}
    plans = sorted({table["plan"] for table in filed()})
    dated = {"from": BEGIN, **SOURCE}
    return {
        "bundle": {"kind": "peo", "code": "PEO", "name": "The PEO"},
        "event_classes": [{"code": "MSC", "name": "Other", "use": "default", "priority": 900}],
        "actions": [],
        "coverage_codes": [
            {"code": "EE", "name": "Employee", "persons": alone},
            {"code": "FAM", "name": "Everybody", "persons": family},
        ],
        "plans": [
            {**dated, "code": plan, "plan_type": plan_type_of(plan), "name": plan, "carrier": plan[:5]}
            for plan in plans
        ],
        "geographies": [{"code": "MA", "name": "Rating areas", **SOURCE, "zips": areas()}],
        "rate_tables": [table for plan in plans for table in _tables(plan)],
        "deduction_codes": [{"code": "MED", "name": "Medical", "tax": "before"}],
        "dependent_rules": [{**dated, "code": "DEP", "age_limit": 26, "disabled_exempt": True}],
    }


def _tables(plan: str) -> list[Row]:
    """Make a table for each day on which the plan's premiums change; age 14 begins at 0."""
    own = [table for table in filed() if table["plan"] == plan]
    shape = {"code": plan, "keys": ["area", "age"], "per_member": True, "geography": "MA", **SOURCE}
    return [
        {
            **shape,
            "from": day,
            "rates": [
                {"area": table["area"], "age_from": 0 if age == AGES[0] else age, "rate": premium}
                for table in own
                if table["from"] == day
                for age, premium in table["premiums"].items()
            ],
        }
        for day in sorted({table["from"] for table in own})
    ]


def client() -> Row:
    def option(plan: str, level: int) -> Row:
        costs = {"deduction_code": "MED", "costs": [{"rate_table": plan}]}
        return {"code": plan, "plan": plan, "coverage_codes": ["EE", "FAM"], "level": level, **costs}

    plans = sorted({table["plan"] for table in filed()})
    dated = {"from": BEGIN, **SOURCE}
    sections = [
        {
            "plan_type": kind,
            "event_rule": "ALL",
            "dependent_rule": "DEP",
            "options": [option(plan, 1) for plan in plans if plan_type_of(plan) == kind],
        }
        for kind in ("10", "11")
    ]
    calendar = {"first_period_begins": BEGIN, "calendar_through": date(2018, 12, 31)}
    return {
        "bundle": {"kind": "client", "code": "CLIENT", "name": "A client"},
        "companies": [{"code": "CO", "name": "CO"}],
        "benefit_groups": [{"code": "BG", "name": "BG"}],
        "pay_groups": [{"code": "MO", "name": "MO", "company": "CO", "frequency": "monthly", **calendar}],
        "event_rules": [{**dated, "code": "ALL", "classes": [{}]}],
        "programs": [{**dated, "code": "MAIN", "name": "MAIN", "plan_types": sections}],
        "schedules": [{"code": "EM", "name": "Event maintenance", "kind": "event_maintenance"}],
    }


def person(event_on: date, zip_code: str, birth_on: date, dependents: list[Row]) -> Row:
    return {
        "birth_on": birth_on,
        "zip": zip_code,
        "hire_on": None,
        "job": {"pay_group": "MO"},
        "dependents": dependents,
        "event": {"event_class": "MSC", "event_on": event_on, "received_on": None, "programs": None},
    }
