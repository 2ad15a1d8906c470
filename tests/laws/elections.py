"""People who elect: what elections are checked by, drawn on top of the set-ups and people of `strategies`."""

from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from tests.laws.accounts import contributed
from tests.laws.strategies import (
    ORIGIN,
    PLAN_TYPES,
    PLEDGED,
    SOURCE,
    dollars,
    option_codes,
    people,
    rarely,
    setups,
)
from tests.oracle.prepare import prepare

from openbenefits.core.codes import ExcessCredits, WaiverProof

Row = dict[str, Any]

LIMITS = {
    "health_fsa_salary_reduction": 3_400,
    "dcap_exclusion": 7_500,
    "dcap_exclusion_mfs": 3_750,
    "hsa_self": 4_400,
    "hsa_family": 8_750,
    "hsa_catch_up_55": 1_000,
    "k401_deferral": 24_500,
    "k401_catch_up_50": 8_000,
    "k401_catch_up_60_63": 11_250,
}
LIMIT_OF = {
    "60": ["health_fsa_salary_reduction"],
    "61": ["dcap_exclusion"],
    "67": ["hsa_self"],
    "6A": ["health_fsa_salary_reduction", "dcap_exclusion", "hsa_self"],
    "40": ["k401_deferral"],
}
GROUPED = ("20", "21", "22", "30", "31")
TRADED = "51"


@st.composite
def electing_crowds(draw: DrawFn) -> tuple[Row, Row, list[Row]]:
    """Draw a PEO's set-up, a client's, and some of its people with elections."""
    peo, client = draw(setups())
    _add_limits(draw, peo)
    for program in client["programs"]:
        program["maximum_pledge"] = draw(st.none() | dollars(1_000, 6_000))
    sections = {id(section): section for program in client["programs"] for section in program["plan_types"]}
    for section in sections.values():
        _add_checks(draw, section)
    return peo, client, [draw(electing(peo, client)) for _ in range(draw(st.integers(1, 4)))]


# --- set-up ---------------------------------------------------------------------------------------------


def _add_limits(draw: DrawFn, peo: Row) -> None:
    peo["annual_limits"] = [
        {"code": code, "year": year, "limit": Decimal(limit), **SOURCE}
        for code, limit in LIMITS.items()
        for year in (2025, 2026)
        if not rarely(draw)
    ]
    peo["coverage_groups"] = [
        {"code": "GROUP", "from": since, **SOURCE, "maximum": draw(dollars(20_000, 400_000))}
        for since in (ORIGIN, date(2026, 7, 1))
    ]
    for plan in peo["plans"]:
        if plan["plan_type"] in GROUPED and rarely(draw, 3):
            plan["coverage_group"] = "GROUP"
        if plan["plan_type"] == "10":
            plan["hsa_eligible"] = draw(st.booleans())


def _add_checks(draw: DrawFn, section: Row) -> None:
    plan_type = section["plan_type"]
    section["collect"] = draw(st.sampled_from([None, None, "dependents", "beneficiaries", "both", "none"]))
    if plan_type in LIMIT_OF:
        section |= draw(_annual_limits(plan_type))
    if plan_type in PLEDGED:
        section["minimum_pledge"] = draw(st.none() | dollars(1, 500))
        section["maximum_pledge"] = draw(st.none() | dollars(600, 6_000))
    if plan_type == "40":
        bounds = st.none() | st.integers(0, 30_000).map(lambda thousandths: Decimal(thousandths) / 1_000)
        for name in ("minimum", "maximum", "maximum_after_tax", "maximum_total"):
            section[f"{name}_percent"] = draw(bounds)
    if plan_type == TRADED:
        section |= {"amount": "hours", "hours_per_year": draw(st.sampled_from([1_950, 2_080]))}
    for option in section["options"]:
        if plan_type == TRADED:
            option["hours"] = draw(_hours())
            option.pop("costs", None)
        if rarely(draw, 3):
            option["requires"] = draw(_requirements(plan_type))


@st.composite
def _annual_limits(draw: DrawFn, plan_type: str) -> Row:
    others = st.sampled_from([one for one in PLAN_TYPES if one != plan_type])
    excluded = st.fixed_dictionaries({"plan_type": others})
    return {
        "annual_limit": draw(st.sampled_from([None, *LIMIT_OF[plan_type], *LIMIT_OF[plan_type]])),
        "missing_limit": draw(st.sampled_from(["refuse", "last_known"])),
        "plan_year_month": draw(st.sampled_from([1, 1, 7])),
        "month_rule": rarely(draw, 3),
        "excluded_coverage": draw(st.lists(excluded, max_size=1)),
    }


@st.composite
def _hours(draw: DrawFn) -> Row:
    bounds = sorted(draw(st.lists(st.integers(0, 40), min_size=2, max_size=2)))
    return {
        "trade": draw(st.sampled_from(["buy", "sell"])),
        "minimum": draw(st.sampled_from([None, Decimal(bounds[0])])),
        "maximum": draw(st.sampled_from([None, Decimal(bounds[1])])),
    }


@st.composite
def _requirements(draw: DrawFn, plan_type: str) -> Row:
    named = draw(st.sampled_from([one for one in PLAN_TYPES if one != plan_type]))
    return {
        "plan_type": named,
        "plan": draw(st.sampled_from([None, None, f"P{named}A"])),
        "coverage_percent": draw(st.sampled_from([None, None, Decimal(50), Decimal("33.333"), Decimal(100)])),
        "check_dependents": rarely(draw, 3),
    }


# --- people ---------------------------------------------------------------------------------------------


@st.composite
def electing(draw: DrawFn, peo: Row, client: Row) -> Row:
    """Draw a person with elections, most of them of options the person is eligible for."""
    person = draw(people(client))
    ids = [one["id"] for one in person["dependents"]]
    person["contributed"] = draw(contributed(date(2025, 12, 1), date(2027, 1, 31)))
    for entry in person["current"]:
        entry["dependents"] = draw(_some(ids))
        entry["beneficiaries"] = draw(_shares(ids)) if rarely(draw, 3) else []
    offered: dict[str, list[str]] = {}
    for plan_type, code in prepare(peo, client, person)["options"]:
        offered.setdefault(plan_type, []).append(code)
    sections = {one["plan_type"]: one for program in client["programs"] for one in program["plan_types"]}
    person["elections"] = [
        draw(_elections(plan_type, offered.get(plan_type) or option_codes(section), ids))
        for plan_type, section in sections.items()
        if (plan_type in offered and not rarely(draw, 3)) or rarely(draw, 8)
    ]
    return person


@st.composite
def _elections(draw: DrawFn, plan_type: str, codes: list[str], ids: list[int]) -> Row:
    codes = [*codes, *codes, *codes, "WAIVE", "NONE"]
    amounts = (
        st.none() | st.integers(0, 1_000_000) | st.sampled_from([340_000, 340_001, 440_000, 750_000, 875_000])
    )
    percents = st.none() | st.integers(0, 30_000)
    return {
        "plan_type": plan_type,
        "option": draw(st.sampled_from(codes)),
        "coverage_cents": draw(st.none() | st.none() | st.integers(0, 30_000_000)),
        "pledge_cents": draw(amounts),
        "percent_thousandths": draw(percents),
        "after_tax_thousandths": draw(percents),
        "hours_hundredths": draw(st.none() | st.integers(0, 4_500)),
        "files_separately": rarely(draw, 3),
        "credit_rollover": draw(st.none() | st.none() | st.sampled_from([str(one) for one in ExcessCredits])),
        "waiver_proof": draw(st.sampled_from([None, *map(str, WaiverProof)])),
        "waiver_proof_on": draw(st.sampled_from([None, date(2026, 1, 5)])),
        "dependents": draw(_some(ids)),
        "funds": draw(st.sampled_from([{}, {"NOFUND": 100}])) if rarely(draw) else {},
        "beneficiaries": draw(_shares(ids)) if rarely(draw, 3) else [],
    }


def _some(ids: list[int]) -> SearchStrategy[list[int]]:
    return st.just(ids) | st.lists(st.sampled_from(ids), unique=True) if ids else st.just([])


@st.composite
def _shares(draw: DrawFn, ids: list[int]) -> list[Row]:
    """Draw shares that mostly add up."""
    named = draw(_some(ids))
    if not named:
        return []
    each = 10_000 // len(named)
    rows = [{"id": one, "percent_hundredths": each, "is_contingent": False} for one in named]
    rows[0]["percent_hundredths"] += 10_000 - each * len(named) + (1 if rarely(draw) else 0)
    if rarely(draw, 4):
        rows[-1]["is_contingent"] = True
    return rows
