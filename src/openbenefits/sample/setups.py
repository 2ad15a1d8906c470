"""Set-ups of any number of clients, each with programs, rules and rates of its own, for benchmarks."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from openbenefits.sample.profiles import Job, Profile

SOURCE: Final = "invented for a benchmark"
HEALTH_CODES: Final = ("1", "2", "3", "4")
BANDS: Final = (0, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70)
MEDICAL_PLANS: Final = {
    "BRONZE": "42690MA1300038-01",
    "SILVER": "42690MA1300042-01",
    "GOLD": "42690MA1300003-01",
    "PLATINUM": "42690MA1260001-01",
}
METALS: Final = tuple(MEDICAL_PLANS)

_DATED: Final = f"from: 2025-01-01, source: {SOURCE}"


def generate_setup(folder: Path, clients: int, *, seed: int = 2026) -> tuple[Profile, ...]:
    """Write `<folder>/<client>/` bundles that go with the PEO bundle of the sample; answer who works there.

    Each client has two programs of ten plan types (medical, dental, vision, basic, supplemental and
    accident life, short- and long-term disability, 401(k), health FSA) with 35 options, of which about 27
    are open to one person before the family is looked at; its own rules, contributions, formulas and 79
    rates. The same arguments write the same bytes.
    """
    return tuple(
        _write_client(folder, number, random.Random(f"{seed}/{number}"))  # noqa: S311 - not secrets
        for number in range(1, clients + 1)
    )


def _write_client(folder: Path, number: int, luck: random.Random) -> Profile:
    code = f"c{number:04d}"
    place = folder / code
    place.mkdir(parents=True, exist_ok=True)
    for name, text in {
        "groups": _groups(code),
        "rates": _rates(luck),
        "rules": _rules(luck),
        "event_rules": _event_rules(luck),
        "programs": _programs(luck),
        "schedules": _SCHEDULES,
    }.items():
        (place / f"{name}.yaml").write_text(text, encoding="utf-8")
    return _profile(code, number, luck)


def _profile(code: str, number: int, luck: random.Random) -> Profile:
    pay = luck.randrange(40_000, 90_000, 1000)
    floor = Job(
        code="FLOOR",
        weight=6,
        median_pay=pay,
        company="ONE",
        benefit_group="FLR",
        pay_group="WK",
        employee_class="FLOOR",
        department="FLOOR",
        location="NORTH",
        flsa_status="N",
    )
    part_time = replace(floor, code="FLOOR-PT", weight=1, full_part_time="P", weekly_hours=16)
    office = replace(
        floor,
        code="OFFICE",
        weight=5,
        median_pay=pay + 20_000,
        benefit_group="OFC",
        pay_group="BW",
        employee_class="STAFF",
        department="OFFICE",
        flsa_status="E",
    )
    jobs = (office, floor, part_time)
    return Profile(
        code=code, prefix=f"C{number:04d}-", share=1.0, jobs=jobs, home_zips=("0",), waiting_days=30
    )


def _groups(code: str) -> str:
    calendar = "calendar_through: 2026-12-31"
    return f"""bundle: {{kind: client, code: {code}, name: Client {code} (invented)}}
companies:
- {{code: ONE, name: Company of {code}}}
benefit_groups:
- {{code: OFC, name: Office}}
- {{code: FLR, name: Floor}}
pay_groups:
- {{code: BW, name: Biweekly, company: ONE, frequency: biweekly, first_period_begins: 2024-12-23, {calendar}}}
- {{code: WK, name: Weekly, company: ONE, frequency: weekly, first_period_begins: 2024-12-30, {calendar}}}
"""


def _rates(luck: random.Random) -> str:
    lines = ["rate_tables:"]
    for level, metal in enumerate(METALS):
        lines.append(_tiered(f"MED-{metal}", luck.uniform(320, 420) + 70 * level))
    lines.append(_tiered("DENTAL", luck.uniform(25, 40)))
    lines.append(_tiered("VISION", luck.uniform(5, 9)))
    for code, low in (("LIFE", 0.05), ("SUPP", 0.06), ("ADD", 0.02), ("STD", 0.9), ("LTD", 0.3)):
        unit = "per_hundred" if code in {"STD", "LTD"} else "per_thousand"
        rates = [low * luck.uniform(0.9, 1.1) * 1.3**index for index in range(len(BANDS))]
        bands = ", ".join(
            f"{{age_from: {age}, rate: {rate:.4f}}}" for age, rate in zip(BANDS, rates, strict=True)
        )
        lines.append(f"- {{code: {code}, {_DATED}, unit: {unit}, keys: [age], rates: [{bands}]}}")
    return "\n".join(lines) + "\n"


def _tiered(code: str, base: float) -> str:
    tiers = zip(HEALTH_CODES, (1, 2.1, 1.9, 3), strict=True)
    rates = ", ".join(f'{{coverage_code: "{tier}", rate: {base * factor:.2f}}}' for tier, factor in tiers)
    return f"- {{code: {code}, {_DATED}, keys: [coverage_code], rates: [{rates}]}}"


def _rules(luck: random.Random) -> str:
    hours, service = luck.choice((20, 25, 30)), luck.choice((3, 6, 12))
    works = f"{{field: job_status, values: [A, L, P]}}, {{field: weekly_hours, min: {hours}}}"
    rules = {
        "OFFICE": "{field: benefit_group, values: [OFC]}, " + works,
        "FLOOR": "{field: benefit_group, values: [FLR]}, " + works,
        "STAFF-ONLY": "{field: employee_class, values: [STAFF]}",
        "SOUTH": "{field: location, values: [SOUTH]}",
        "SERVICE": f"{{field: service_months, min: {service}}}",
    }
    return "\n".join(
        [
            "eligibility_rules:",
            *(
                f"- {{code: {code}, name: Rule {code.lower()}, {_DATED}, criteria: [{criteria}]}}"
                for code, criteria in rules.items()
            ),
            "contributions:",
            f"- {{code: MEDICAL, {_DATED}, rows: [{{employee_percent: {luck.randrange(50, 95, 5)},",
            f"   dependent_percent: {luck.randrange(0, 60, 5)},",
            f"   cap_monthly: {luck.randrange(500, 1500, 50)}}}]}}",
            f"- {{code: DENTAL, {_DATED}, rows: [{{fixed_monthly: {luck.randrange(5, 30)}}}]}}",
            "formulas:",
            *_formulas(luck.randrange(200, 600, 50) * 1000),
            "",
        ]
    )


def _formulas(maximum: int) -> list[str]:
    thousands, dollars = "{round_to: 1000, round_up: 999.99}", "{round_to: 1, round_up: 0.5}"
    return [
        f"- {{code: {code}, {_DATED}, base: {base},"
        f" steps: [{{multiply: {factor}}}, {rounding}], maximum: {top}}}"
        for code, base, factor, rounding, top in (
            ("BASIC", "annual_pay", 1, thousands, 50_000),
            *((f"SUPP-{times}X", "annual_pay", times, thousands, maximum) for times in range(1, 6)),
            ("STD", "weekly_pay", 0.6, dollars, 1500),
            ("LTD", "monthly_pay", 0.6, dollars, 10_000),
        )
    ]


def _event_rules(luck: random.Random) -> str:
    hire = f"waiting_days: {luck.choice((0, 30, 60))}, coverage_begins: first_of_month_on_or_after"
    proof = luck.randrange(100, 300, 50) * 1000
    ends = "{event_class: TER, select: none, default: terminate}"
    other = "{coverage_begins: first_of_month_on_or_after, deduction_begins: first_pay_period_on_or_after"
    lines = ["event_rules:"]
    for code, default, oe, more in (
        ("PROGRAM", "current_else_none", "current_else_none", ", select: none"),
        ("HEALTH", "option", "current_else_option", ""),
        ("PAID", "option", "current_else_option", ""),
        ("SUPP", "waive", "current_else_none", f", proof_above: {proof}, waived_proof_above: {proof // 2}"),
        ("OWN", "waive", "current_else_none", ""),
        ("LAPSE", "waive", "terminate", ""),
    ):
        lines += [
            f"- code: {code}",
            "  from: 2025-01-01",
            f"  source: {SOURCE}",
            "  classes:",
            f"  - {{event_class: HIR, default: {default}, {hire}{more}}}",
            f"  - {ends}",
            f"  - {{event_class: OE, default: {oe}{more}}}",
            f"  - {{event_class: BIR, deduction_begins: first_pay_period_on_or_after{more}}}",
            f"  - {other}{more}}}",
        ]
    return "\n".join(lines) + "\n"


def _programs(luck: random.Random) -> str:
    lines = ["programs:"]
    for code, rule in (("OFFICE", "OFFICE"), ("FLOOR", "FLOOR")):
        lines += [
            f"- code: {code}",
            f"  name: Program {code.lower()}",
            "  from: 2025-01-01",
            f"  source: {SOURCE}",
            f"  eligibility: {rule}",
            "  event_rule: PROGRAM",
            "  plan_types:",
            *_plan_types(luck),
        ]
    return "\n".join(lines) + "\n"


def _plan_types(luck: random.Random) -> list[str]:
    waive, health = "waive: allowed", "dependent_rule: HEALTH"
    percent = (
        *("amount: percent_of_pay", "annual_limit: k401_deferral", "invested: true"),
        *("minimum_percent: 1", "maximum_percent: 60"),
    )
    pledge = (
        *("amount: annual_pledge", "annual_limit: health_fsa_salary_reduction"),
        *("minimum_pledge: 120", "maximum_pledge: 3300"),
    )
    supplemental = [
        _option(f"{times}X", "SUPP-LIFE", "LIF-A", f"level: {times}, formula: SUPP-{times}X", "SUPP")
        for times in range(1, 6)
    ]
    dental = _health("DENTAL", "80538MA0020004-01", "DEN-B", "DENTAL, contribution: DENTAL")
    vision = _health("VISION", "SAMPLE-VISION", "VIS-B", "VISION")
    paid = "LIFE, contribution: EMPLOYER-PAYS"
    basic = _option("BASIC", "BASIC-LIFE", "LIF-A", "default: true, formula: BASIC", paid)
    accident = _option("ADD", "ADD", "LIF-A", "formula: SUPP-1X", "ADD")
    short = _option("STD", "STD", "STD-A", "formula: STD, eligibility: SERVICE", "STD")
    long = _option("LTD", "LTD", "LTD-A", "default: true, formula: LTD", "LTD, contribution: EMPLOYER-PAYS")
    rows = (
        ("10", "HEALTH", _medical(luck), (waive, health)),
        ("11", "HEALTH", [dental], (waive, health)),
        ("14", "HEALTH", [vision], (waive, health)),
        ("20", "PAID", [basic], ()),
        ("21", "SUPP", supplemental, (waive,)),
        ("22", "OWN", [accident], (waive,)),
        ("30", "OWN", [short], (waive,)),
        ("31", "PAID", [long], ()),
        ("40", "OWN", ["{code: 401K, plan: SAMPLE-401K, deduction_code: 401K-B}"], (waive, *percent)),
        ("60", "LAPSE", ["{code: FSA, plan: SAMPLE-FSA, deduction_code: FSA-B}"], (waive, *pledge)),
    )
    return [line for row in rows for line in _plan_type(*row)]


def _medical(luck: random.Random) -> list[str]:
    """Offer four plans: one to nobody here, the best to staff only."""
    closed = luck.choice(("SILVER", "GOLD"))
    only = {closed: "eligibility: SOUTH", "PLATINUM": "eligibility: STAFF-ONLY", "BRONZE": 'default: "1"'}
    return [
        _health(
            metal,
            MEDICAL_PLANS[metal],
            "MED-B",
            f"MED-{metal}, contribution: MEDICAL",
            f"level: {10 * level}" + (f", {only[metal]}" if metal in only else ""),
        )
        for level, metal in enumerate(METALS, 1)
    ]


def _health(code: str, plan: str, deduction: str, rate: str, more: str = 'default: "1"') -> str:
    codes = ", ".join(f'"{tier}"' for tier in HEALTH_CODES)
    return (
        f"{{code: {code}, plan: {plan}, coverage_codes: [{codes}], {more}, deduction_code: {deduction},"
        f" costs: [{{rate_table: {rate}}}]}}"
    )


def _option(code: str, plan: str, deduction: str, more: str, rate: str) -> str:
    return (
        f"{{code: {code}, plan: SAMPLE-{plan}, {more}, deduction_code: {deduction},"
        f" costs: [{{rate_table: {rate}}}]}}"
    )


def _plan_type(kind: str, rule: str, options: Sequence[str], more: Sequence[str]) -> list[str]:
    head = [
        f'  - plan_type: "{kind}"',
        f"    event_rule: {rule}",
        *(f"    {line}" for line in more),
        "    options:",
    ]
    return head + [f"    - {option}" for option in options]


_SCHEDULES: Final = """schedules:
- {code: EM, name: Event maintenance, kind: event_maintenance}
- {code: OE26, name: Open enrolment 2026, kind: open_enrollment, event_class: OE,
   period_begins: 2026-01-01, period_ends: 2026-12-31, window_begins: 2025-11-03, window_ends: 2025-11-21,
   programs: {OFFICE: [], FLOOR: []}}
run_controls:
- {code: oe-prepare, name: "Open enrolment: options", kind: process, schedule: OE26, through: options}
- {code: oe-final, name: "Open enrolment: the rest", kind: process, schedule: OE26, through: final,
   finalize: true}
"""
