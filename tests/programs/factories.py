"""Small bundles for tests: one PEO, one client with one program, nothing wrong with either.

`make_peo(folder, rate_tables=…)` writes the bundle with a section replaced; a function instead of a value
gets the section to alter: `make_client(folder, programs=lambda programs: programs[0].pop("source"))`.
"""

from collections.abc import Callable
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import yaml

SOURCE = "plan document of 2026"
BEGIN = date(2026, 1, 1)

Section = Any
DATED = {"from": BEGIN, "source": SOURCE}


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def make_peo(folder: Path, **changes: Section | Callable[[Section], Any]) -> Path:
    """Write the PEO's bundle in two files and its CSV files."""
    sections = _changed(deepcopy(PEO), changes)
    (folder / "zips.csv").parent.mkdir(parents=True, exist_ok=True)
    (folder / "zips.csv").write_text(ZIPS)
    (folder / "premiums.csv").write_text(PREMIUMS)
    return _written(folder, sections, ("bundle", "event_classes", "actions", "coverage_codes"))


def make_client(folder: Path, **changes: Section | Callable[[Section], Any]) -> Path:
    """Write the client's bundle in two files."""
    return _written(folder, _changed(deepcopy(CLIENT), changes), ("bundle", "companies"))


def _changed(sections: dict[str, Section], changes: dict[str, Any]) -> dict[str, Section]:
    for name, change in changes.items():
        if callable(change):
            section = sections.setdefault(name, [])
            change(section)
        else:
            sections[name] = change
    return sections


def _written(folder: Path, sections: dict[str, Section], in_first: tuple[str, ...]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    first = {name: part for name, part in sections.items() if name in in_first}
    second = {name: part for name, part in sections.items() if name not in in_first}
    for name, part in (("codes.yaml", first), ("setup.yaml", second)):
        (folder / name).write_text(yaml.dump(part, Dumper=_Dumper, sort_keys=False))
    return folder


ZIPS = """zip,area,geography
01001,R1,areas
01002,R1,areas
02101,R2,areas
01001,,west
01002,,west
"""

PREMIUMS = """table,area,age_from,rate
hmo,R1,0,200.10
hmo,R1,30,310.25
hmo,R2,0,205
hmo,R2,30,315.5
"""

PEO: dict[str, Section] = {
    "bundle": {"kind": "peo", "code": "peo", "name": "The PEO"},
    "event_classes": [
        {"code": "HIR", "name": "Hire", "use": "specific", "priority": 100},
        {"code": "TER", "name": "Termination", "use": "specific", "priority": 200},
        {"code": "MSC", "name": "Other", "use": "default", "priority": 400, "manual": True},
        {"code": "SNP", "name": "Snapshot", "use": "snapshot", "priority": 50},
        {"code": "OE", "name": "Open enrolment", "use": "open_enrollment", "priority": 900},
    ],
    "actions": [
        {"action": "HIR", "event_class": "HIR"},
        {"action": "TER", "event_class": "TER"},
        {"action": "DTA"},
    ],
    "coverage_codes": [
        {"code": "1", "name": "Employee", "persons": {"EE": {"min": 1, "max": 1}}},
        {
            "code": "4",
            "name": "Family",
            "persons": {"EE": {"min": 1, "max": 1}, "SP": {"min": 0, "max": 1}, "CH": {"min": 0, "max": 99}},
        },
    ],
    "plans": [
        {**DATED, "code": "HMO", "plan_type": "10", "name": "Health plan", "carrier": "Carrier"},
        {**DATED, "code": "LIFE", "plan_type": "20", "name": "Basic life", "carrier": "Carrier"},
        {**DATED, "code": "FSA", "plan_type": "60", "name": "Health FSA", "carrier": "Carrier"},
    ],
    "rate_tables": [
        {
            **DATED,
            "code": "hmo",
            "keys": ["area", "age"],
            "per_member": True,
            "geography": "areas",
            "file": "premiums.csv",
        },
        {**DATED, "code": "life", "unit": "per_thousand", "rates": [{"rate": 0.145}]},
        {**DATED, "code": "credit", "rates": [{"rate": 25}]},
    ],
    "geographies": [
        {"code": "areas", "name": "Rating areas", "source": SOURCE, "file": "zips.csv"},
        {"code": "west", "name": "West", "source": SOURCE, "file": "zips.csv"},
    ],
    "deduction_codes": [
        {"code": "MED", "name": "Medical", "tax": "before", "periods_of_month": [1, 2]},
        {"code": "FSA", "name": "FSA", "tax": "before"},
    ],
    "dependent_rules": [{**DATED, "code": "HEALTH", "age_limit": 26}],
    "annual_limits": [{"code": "fsa", "year": 2026, "limit": 3400, "source": SOURCE}],
}

CLIENT: dict[str, Section] = {
    "bundle": {"kind": "client", "code": "acme", "name": "Acme"},
    "companies": [{"code": "ACM", "name": "Acme"}],
    "benefit_groups": [{"code": "ALL", "name": "Everybody"}],
    "pay_groups": [
        {
            "code": "BW",
            "name": "Biweekly",
            "company": "ACM",
            "frequency": "biweekly",
            "first_period_begins": date(2025, 12, 22),
            "calendar_through": date(2026, 12, 31),
        }
    ],
    "eligibility_rules": [
        {
            **DATED,
            "code": "FULL",
            "name": "Full time",
            "criteria": [{"field": "weekly_hours", "min": 30}, {"field": "company", "values": ["ACM"]}],
        }
    ],
    "event_rules": [
        {
            **DATED,
            "code": "HEALTH",
            "classes": [
                {"event_class": "HIR", "default": "option", "waiting_days": 30},
                {"default": "current_else_option", "coverage_begins": "first_of_month_on_or_after"},
            ],
        },
        {**DATED, "code": "OTHER", "classes": [{"default": "current_else_none"}]},
    ],
    "formulas": [
        {
            **DATED,
            "code": "ONE-PAY",
            "steps": [{"multiply": 1}, {"round_to": 1000, "round_up": 999.99}],
            "maximum": 50000,
            "age_reductions": [{"age_from": 65, "reduce_percent": 35}],
        }
    ],
    "contributions": [
        {**DATED, "code": "EIGHTY", "rows": [{"employee_percent": 80, "dependent_percent": 50}]},
        {**DATED, "code": "ALL", "rows": [{"employee_percent": 100, "dependent_percent": 100}]},
    ],
    "programs": [
        {
            **DATED,
            "code": "MAIN",
            "name": "Main program",
            "eligibility": "FULL",
            "event_rule": "OTHER",
            "credits": [{"rate_table": "credit", "earnings_code": "FLX"}],
            "plan_types": [
                {
                    "plan_type": "10",
                    "event_rule": "HEALTH",
                    "waive": "allowed",
                    "waive_credits": [{"rate_table": "credit", "earnings_code": "OPT"}],
                    "dependent_rule": "HEALTH",
                    "options": [
                        {
                            "code": "HMO",
                            "plan": "HMO",
                            "coverage_codes": ["1", "4"],
                            "level": 10,
                            "default": "1",
                            "service_area": "west",
                            "deduction_code": "MED",
                            "costs": [{"rate_table": "hmo", "contribution": "EIGHTY"}],
                        }
                    ],
                },
                {
                    "plan_type": "20",
                    "event_rule": "OTHER",
                    "options": [
                        {
                            "code": "LIFE",
                            "plan": "LIFE",
                            "formula": "ONE-PAY",
                            "costs": [{"rate_table": "life", "contribution": "ALL"}],
                        }
                    ],
                },
                {
                    "plan_type": "60",
                    "event_rule": "OTHER",
                    "amount": "annual_pledge",
                    "minimum_pledge": 100,
                    "maximum_pledge": 3400,
                    "annual_limit": "fsa",
                    "options": [{"code": "FSA", "plan": "FSA", "deduction_code": "FSA"}],
                },
            ],
        }
    ],
    "schedules": [
        {"code": "EM", "name": "Event maintenance", "kind": "event_maintenance"},
        {
            "code": "OE26",
            "name": "Open enrolment",
            "kind": "open_enrollment",
            "event_class": "OE",
            "period_begins": date(2026, 1, 1),
            "period_ends": date(2026, 12, 31),
            "window_begins": date(2025, 11, 1),
            "window_ends": date(2025, 11, 30),
            "programs": {"MAIN": []},
        },
    ],
    "run_controls": [
        {"code": "NIGHT", "name": "Nightly", "kind": "process", "schedule": "EM", "repeats": "nightly"}
    ],
}
