"""Small censuses and packages for tests, from plain rows to the frames the product takes."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from openbenefits.core.codes import RateUnit
from openbenefits.matching.candidates import CANDIDATE, RATES, TIERS, Candidates
from openbenefits.matching.matched import Terms
from openbenefits.matching.people import COVERED, DEPENDENTS, EXCUSED, PEOPLE, Census
from openbenefits.matching.rules.ranking import DEFAULT_WEIGHTS
from openbenefits.programs.bundle import PeoBundle
from openbenefits.programs.loaded import LoadedBundle, load
from openbenefits.programs.sections.amounts import FormulaPart, FormulaStepPart
from openbenefits.programs.sections.base import Header
from openbenefits.programs.sections.codes import EventClassPart

Row = dict[str, Any]
ON = date(2026, 1, 1)
FLAGS = dict.fromkeys(("is_student", "is_disabled", "is_married", "is_former"), False)
FACTORS = pl.DataFrame({"age": [20, 40, 60], "factor_micros": [800_000, 1_000_000, 2_000_000]})


def terms(**changes: Any) -> Terms:
    return Terms(**({"on": ON, "affordable_hundredths": 996, "weights": dict(DEFAULT_WEIGHTS)} | changes))


def census(people: list[Row]) -> Census:
    """People with tier, and at will: plan, carrier, network, pay, birth, sex, zip, benefit_class, dependents."""
    rows, covered, dependents = [], [], []
    for number, one in enumerate(people):
        rows.append(
            {
                "person": number,
                "number": one.get("number", f"{number:04d}"),
                "benefit_class": one.get("benefit_class"),
                "birth_on": one.get("birth_on", date(1985, 6, 1)),
                "sex": one.get("sex"),
                "zip": one.get("zip"),
                "annual_pay_cents": one.get("pay", 60_000_00),
                "pay_frequency": one.get("pay_frequency", "M"),
            }
        )
        for category in one.get("categories", ("10",)):
            told = {name: one.get(name) for name in ("plan", "carrier", "network")}
            covered.append({"person": number, "category": category, "tier": one["tier"], **told})
        for at, (kind, born) in enumerate(one.get("dependents", ())):
            key = {"person": number, "dependent_id": number * 100 + at}
            dependents.append({**key, "person_type": kind, "birth_on": born, **FLAGS})
    excused = [
        {"person": number, "category": "10"} for number, one in enumerate(people) if one.get("is_excused")
    ]
    return Census(
        people=pl.DataFrame(rows, schema=PEOPLE),
        covered=pl.DataFrame(covered, schema=COVERED),
        excused=pl.DataFrame(excused, schema=EXCUSED),
        dependents=pl.DataFrame(dependents, schema=DEPENDENTS),
    )


def candidate(package: str, plan: str, rate_table: str, **told: Any) -> Row:
    """One plan of a package; `employer` by tier as ('cents' or 'percent', number)."""
    row = {"package": package, "title": package, "is_current": False, "category": "10", "plan": plan}
    row |= {"plan_title": plan, "carrier": "Carrier", "rate_table": rate_table, "is_pooled": False}
    for tier, (kind, number) in told.pop("employer", {}).items():
        column = f"employer_{tier.lower()}_"
        row |= {f"{column}cents": number} if kind == "cents" else {f"{column}micros": number * 1_000_000}
    return row | told


def peo(**formula: Any) -> LoadedBundle:
    """A PEO that has a formula, ONE: annual pay rounded up to the thousand, at most $50,000."""
    up = FormulaStepPart(round_to=Decimal(1000), round_up=Decimal("999.99"))
    told: dict[str, Any] = {"valid_from": ON, "source": "test", "steps": [up], "maximum": Decimal(50_000)}
    default = EventClassPart(code="MSC", name="Default", use="default", priority=1)
    parts = PeoBundle(
        bundle=Header(kind="peo", code="peo", name="PEO"),
        event_classes=[default],
        actions=[],
        coverage_codes=[],
        formulas=[FormulaPart(code="ONE", **(told | formula))],
    )
    return load(parts, {}, {})[0]


def candidates(
    rows: list[Row],
    tables: dict[str, dict[str, int]],
    untiered: Mapping[str, tuple[RateUnit, int]] | None = None,
) -> Candidates:
    """Candidates with tables of cents by tier, and of one rate in millionths of a dollar with its unit."""
    rates = [
        {"table": table, "tier": tier, "rate_micros": cents * 10_000}
        for table, by_tier in tables.items()
        for tier, cents in by_tier.items()
    ]
    rates += [
        {"table": table, "rate_micros": micros, "unit": str(unit)}
        for table, (unit, micros) in (untiered or {}).items()
    ]
    return Candidates(
        rows=pl.DataFrame([{name: row.get(name) for name in CANDIDATE} for row in rows], schema=CANDIDATE),
        rates=pl.DataFrame(rates, schema=RATES),
    )


def flat(cents: int) -> dict[str, int]:
    """A table in which dependents cost more by the tier."""
    return {tier: cents * (2 + number) // 2 for number, tier in enumerate(TIERS)}
