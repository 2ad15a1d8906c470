"""Eligibility rules and event rules, as bundles write them."""

from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from tests.laws.drawing import LISTS, RANGES, SUMMED, Row, dollars, rarely

from openbenefits.core.codes import (
    PERSON_KINDS,
    BeginRule,
    DeductionBeginRule,
    DeductionEndRule,
    DefaultMethod,
    EndRule,
    PledgeChange,
    SelectAllowed,
    WithoutCurrent,
)
from openbenefits.programs.fields import GEOGRAPHY_FIELD


@st.composite
def criteria(draw: DrawFn) -> Row:
    most = 5 if rarely(draw, 3) else 2
    fields = draw(st.lists(st.sampled_from([*RANGES, *LISTS, GEOGRAPHY_FIELD]), max_size=most, unique=True))
    singles = [draw(criterion(field)) for field in fields]
    return {"name": "Generated", "criteria": draw(links(singles)) if len(singles) > 2 else singles}


@st.composite
def links(draw: DrawFn, singles: list[Row]) -> list[Row]:
    """Link some of the criteria, in every way that has a meaning."""
    cut = draw(st.integers(1, len(singles) - 1))
    few, rest = singles[:cut], singles[cut:]
    any_of, all_of = {"any": few, "exclude": rarely(draw, 3)}, {"all": few, "exclude": rarely(draw, 3)}
    match draw(st.sampled_from(["any", "all", "two", "in all", "in any"])):
        case "any":
            return [any_of, *rest]
        case "all":
            return [*rest, all_of]
        case "two":
            return [any_of, {"any": rest}]
        case "in all":
            return [{"all": [any_of, *rest]}]
    return [{"any": [{"all": few, "exclude": True}, *rest]}]


@st.composite
def criterion(draw: DrawFn, field: str) -> Row:
    said: Row = {"field": field, "exclude": rarely(draw, 4)}
    if field == GEOGRAPHY_FIELD:
        return {**said, "geography": "SERVICE"}
    if field in LISTS:
        values = st.lists(st.sampled_from(LISTS[field]), min_size=1, unique=True)
        if field not in ("state", "medicare") and rarely(draw, 3):
            said |= draw(several_jobs(st.sampled_from(["one", "all"])))
        return {**said, "values": draw(values)}
    low, high = RANGES[field]
    if field in ("age_years", "service_months") and rarely(draw, 3):
        said["as_of"] = draw(st.sampled_from(["this_year", "last_year"]))
        said["as_of_day"] = draw(st.sampled_from(["12-31", "01-01", "02-29", "07-01"]))
    elif field in SUMMED and rarely(draw, 2):
        said |= draw(several_jobs(st.sampled_from(["one", "all", "sum"])))
    bounds = sorted(draw(st.lists(st.integers(low, high), min_size=2, max_size=2)))
    kept = draw(st.sampled_from(["min", "max", "both"]))
    if kept != "max":
        said["min"] = Decimal(bounds[0])
    if kept != "min":
        said["max"] = Decimal(bounds[1])
    return said


def several_jobs(evaluation: SearchStrategy[str]) -> SearchStrategy[Row]:
    several = st.fixed_dictionaries(
        {
            "jobs": st.sampled_from(["flagged", "all_flagged"]),
            "active_only": st.booleans(),
            "evaluation": evaluation,
        }
    )
    return several | st.just({"active_only": True})


@st.composite
def event_rows(draw: DrawFn, event_class: str, *, may_waive: bool) -> Row:
    defaults = [method for method in DefaultMethod if may_waive or method != DefaultMethod.WAIVE]
    is_offered = event_class != "TER"
    coverage_ends = [rule for rule in EndRule if is_offered or rule != EndRule.DAY_BEFORE_EVENT]
    limits = st.sampled_from([0, 0, 0, 1, 2, 99])
    amounts, levels = st.none() | dollars(0, 250_000), st.none() | st.integers(1, 4)
    coverage_end = str(draw(st.sampled_from(coverage_ends)))
    deduction_end = str(draw(st.sampled_from([DeductionEndRule.WITH_COVERAGE, *coverage_ends])))
    names_day = EndRule.DAY_OF_MONTH in (coverage_end, deduction_end)
    return {
        "event_class": event_class,
        "select": str(draw(st.sampled_from([SelectAllowed.ALL, *SelectAllowed]))),
        "use_history": rarely(draw, 5),
        "ignore": rarely(draw),
        "default": str(draw(st.sampled_from(defaults))),
        "waiting_months": draw(st.sampled_from([0, 0, 0, 1, 2])),
        "waiting_days": draw(st.sampled_from([0, 0, 0, 1, 30, 60])),
        "coverage_begins": str(draw(st.sampled_from(BeginRule))),
        "deduction_begins": str(draw(st.sampled_from(DeductionBeginRule))),
        "coverage_ends": coverage_end,
        "deduction_ends": deduction_end,
        "ends_day": draw(st.integers(1, 31)) if names_day else None,
        "level_limit": draw(limits),
        "waived_level_limit": draw(limits),
        "proof_from_level": draw(levels),
        "proof_above": draw(amounts),
        "waived_proof_from_level": draw(levels),
        "waived_proof_above": draw(amounts),
        "proof_rise": draw(st.sampled_from([0, 0, 1, 2, 99])),
        "reinstate_within_days": draw(st.sampled_from([0, 0, 0, 1, 30, 400])),
        "retier": rarely(draw, 2),
        "persons": draw(person_changes()),
        "election_required": rarely(draw),
        "pledge_change": str(draw(st.sampled_from([PledgeChange.ANY, *PledgeChange]))),
        "ignore_dependent_checks": rarely(draw),
        "ignore_fund_checks": rarely(draw),
    }


@st.composite
def person_changes(draw: DrawFn) -> Row:
    """Draw which kinds of persons may change how; mostly none is restricted."""
    if not rarely(draw, 3):
        return {}
    kinds = draw(st.lists(st.sampled_from(sorted(PERSON_KINDS)), min_size=1, max_size=2, unique=True))
    return {
        kind: {
            **{direction: draw(st.booleans()) for direction in ("same", "more", "less")},
            "without_current": str(draw(st.sampled_from(WithoutCurrent))),
        }
        for kind in kinds
    }


@st.composite
def event_rule_bodies(draw: DrawFn, *, may_waive: bool) -> Row:
    """Draw a blank row, one for terminations (whose end rules differ), and some of the other classes."""
    named = draw(st.lists(st.sampled_from(["HIR", "OE", "BIR"]), max_size=2, unique=True))
    return {"classes": [draw(event_rows(code, may_waive=may_waive)) for code in ["", "TER", *named]]}


def ruled_by(draw: DrawFn) -> Row:
    """Draw a calculation rule for a price or credit, mostly none."""
    code = draw(st.sampled_from([None, None, "RULEA", "RULEB"]))
    return {} if code is None else {"calculation_rule": code}
