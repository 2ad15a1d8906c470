"""Programs: what they offer, at what price, with what default, under which rules."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from openbenefits.core.codes import (
    KIND_OF,
    PERSON_KINDS,
    USUAL_RELATIONSHIPS,
    AmountKind,
    DefaultMethod,
    OptionType,
    PersonType,
)
from openbenefits.core.plan_types import MEDICAL, carries_coverage_amount, is_health
from openbenefits.programs.audit.context import Audited, in_force_from, listed, numbered
from openbenefits.programs.findings import Finding
from openbenefits.programs.offers import active, offers
from openbenefits.programs.sections.offers import OptionPart, PlanTypePart, ProgramPart
from openbenefits.programs.values import Path

LEAST_CHILD_AGE_LIMIT = 26
MOST_RULES = 62
"""Bits of one word: each rule and service area of a client takes one."""

_NEEDS_FLAG = (DefaultMethod.OPTION, DefaultMethod.CURRENT_ELSE_OPTION)


class Place(NamedTuple):
    """A plan type of a program, and the path to it."""

    path: Path
    program: ProgramPart
    part: PlanTypePart


def places(audited: Audited) -> Iterator[Place]:
    """List the plan types of all programs."""
    for path, program in numbered(audited.client.programs if audited.client else (), "programs"):
        for place, part in numbered(program.plan_types, *path, "plan_types"):
            yield Place(place, program, part)


def programs(audited: Audited) -> Iterator[Finding]:
    """Find programs that offer nothing, and general credits and deductions that no rule begins."""
    for path, program in numbered(audited.client.programs if audited.client else (), "programs"):
        if not active(program.plan_types):
            yield audited.finding(path, "no_plan_types", "a plan type", "none", "Add one, or remove it.")
        given = "credits" if program.credits else "deductions"
        if (program.credits or program.deductions) and program.event_rule is None:
            cure = f"Name the event rule that says when {given} begin and end."
            yield audited.finding(path, "no_event_rule", f"an event rule for the {given}", "none", cure)


def number_of_rules(audited: Audited) -> Iterator[Finding]:
    """Find clients that use more eligibility rules and service areas than one word has bits."""
    used = set()
    for program in audited.client.programs if audited.client else ():
        used |= {("rule", one.eligibility) for one in program.credits}
        used |= {("rule", one.eligibility) for one in program.deductions}
    for place in places(audited):
        used |= {("rule", place.program.eligibility), ("area", place.program.service_area)}
        for option in active(place.part.options):
            used |= {("rule", option.eligibility), ("area", option.service_area)}
    count = sum(code is not None for _, code in used)
    if count > MOST_RULES:
        cure = "Join rules that say the same."
        expected = f"at most {MOST_RULES} eligibility rules and service areas"
        yield audited.finding(("programs",), "too_many_rules", expected, str(count), cure)


def plan_types(audited: Audited) -> Iterator[Finding]:
    """Find plan types whose options, amounts or funds do not fit together."""
    for place in places(audited):
        yield from _option_codes(audited, place)
        yield from _limits(audited, place)
        funds = {fund.plan_type for fund in [*audited.parts.funds, *audited.codes.funds]}
        if place.part.invested and place.part.plan_type not in funds:
            cure = "Add the funds of this plan type."
            yield audited.finding(place.path, "no_funds", "funds to invest in", "none", cure)


def _option_codes(audited: Audited, place: Place) -> Iterator[Finding]:
    counts = Counter(offer.code for offer in offers(place.part))
    twice = [code for code, count in counts.items() if count > 1]
    if twice:
        cure = "Rename one; options take `-` and their coverage code, the waiver is `WAIVE`."
        yield audited.finding(place.path, "option_twice", "each option code once", listed(twice), cure)
    if not any(offer.option_type is OptionType.OPTION for offer in offers(place.part)):
        yield audited.finding(place.path, "no_options", "an option", "none", "Add one.")


def _limits(audited: Audited, place: Place) -> Iterator[Finding]:
    part = place.part
    for low, high, kind in (
        (part.minimum_pledge, part.maximum_pledge, AmountKind.PLEDGE),
        (part.minimum_percent, part.maximum_percent, AmountKind.PERCENT),
    ):
        is_used = low is not None or high is not None
        if is_used and part.amount is not kind:
            expected = f"limits of {kind.value} only where the amount is {kind.value}"
            found = f"`amount: {part.amount.value}`"
            yield audited.finding(place.path, "limits", expected, found, "Correct one of them.")
        elif low is not None and high is not None and low > high:
            found = f"{low} above {high}"
            yield audited.finding(place.path, "limits", "minimum not above maximum", found, "Correct one.")


def defaults(audited: Audited) -> Iterator[Finding]:
    """Find default methods that find no default, or two."""
    for place in places(audited):
        flagged = [offer for offer in offers(place.part) if offer.is_default]
        methods = _default_methods(audited, place)
        yield from _flag_codes(audited, place)
        if methods & set(_NEEDS_FLAG) and not flagged:
            cure = "Flag an option as the default, or change the default method."
            expected = f"an option flagged as default (event rule {place.part.event_rule})"
            yield audited.finding(place.path, "no_default", expected, "none", cure)
        lowest = [offer.code for offer in flagged if offer.level == min(one.level for one in flagged)]
        if len(lowest) > 1:
            cure = "Flag one of them only, or give them different levels."
            expected = "one default at the lowest level"
            yield audited.finding(place.path, "two_defaults", expected, listed(lowest), cure)
        if DefaultMethod.WAIVE in methods and place.part.waive == "not_allowed":
            cure = "Allow the waiver, or change the default method."
            yield audited.finding(place.path, "no_waiver", "a waiver as the default", "`not_allowed`", cure)


def _default_methods(audited: Audited, place: Place) -> set[DefaultMethod]:
    versions = audited.find("event_rules", place.part.event_rule)
    rows = [row for version in versions for row in version.classes]
    return {row.default for row in rows if not row.ignore}


def _flag_codes(audited: Audited, place: Place) -> Iterator[Finding]:
    """Find default flags that name no coverage code of their option."""
    for path, option in numbered(place.part.options, *place.path, "options"):
        allowed: list[Any] = option.coverage_codes or [True]
        if option.default is not False and option.default not in allowed:
            expected = f"`default` to be {listed(str(one).lower() for one in allowed)} or false"
            found = str(option.default).lower()
            yield audited.finding(path, "default_code", expected, found, "Name the coverage code.")


def options(audited: Audited) -> Iterator[Finding]:
    """Find options that do not fit their plan type or plan, or lack coverage."""
    for place in places(audited):
        for path, option in numbered(place.part.options, *place.path, "options"):
            yield from _plan_faults(audited, path, option, place.part.plan_type)
            yield from _coverage_faults(audited, path, option, place.part.plan_type)


def _plan_faults(audited: Audited, path: Path, option: OptionPart, plan_type: str) -> Iterator[Finding]:
    if option.plan is None:
        yield audited.finding(path, "no_plan", "a plan", "none", "Name the plan of the option.")
    others = {plan.plan_type for plan in audited.find("plans", option.plan)} - {plan_type}
    if others:
        found = f"{option.plan} of plan type {listed(sorted(others))}"
        cure = "Name a plan of this plan type."
        yield audited.finding(path, "plan_of_type", f"a plan of plan type {plan_type}", found, cure)


def _coverage_faults(audited: Audited, path: Path, option: OptionPart, plan_type: str) -> Iterator[Finding]:
    if is_health(plan_type) != bool(option.coverage_codes):
        expected = "coverage codes" if is_health(plan_type) else "no coverage codes outside health plans"
        found = listed(option.coverage_codes) or "none"
        yield audited.finding(path, "coverage_codes", expected, found, "Correct the option.")
    amounts = [one for one in (option.formula, option.coverage_amount) if one is not None]
    if carries_coverage_amount(plan_type) != (len(amounts) == 1):
        expected = "a formula or a coverage amount"
        if not carries_coverage_amount(plan_type):
            expected = "no formula and no coverage amount outside life and disability"
        if amounts or carries_coverage_amount(plan_type):
            found = f"{len(amounts)} of them"
            yield audited.finding(path, "coverage_amount", expected, found, "Correct the option.")


def dependent_rules(audited: Audited) -> Iterator[Finding]:
    """Find dependent rules that medical plans may not have (rulings §3.4)."""
    for place in places(audited):
        if place.part.plan_type not in MEDICAL:
            continue
        versions = audited.find("dependent_rules", place.part.dependent_rule)
        for rule in in_force_from(versions, place.program.valid_from):
            faults = _medical_faults(rule)
            if faults:
                expected = f"children to be covered until {LEAST_CHILD_AGE_LIMIT}, studying or married or not"
                found = f"`{rule.code}` with {listed(faults)}"
                cure = "Use a rule that 45 CFR 147.120 allows."
                yield audited.finding(place.path, "dependent_rule", expected, found, cure)


def persons_demanded(audited: Audited) -> Iterator[Finding]:
    """Find options whose coverage code demands persons that the dependent rule does not allow."""
    codes = {part.code: part for part in audited.codes.coverage_codes}
    for place in places(audited):
        versions = audited.find("dependent_rules", place.part.dependent_rule)
        rules = list(in_force_from(versions, place.program.valid_from))
        allowed = [set(rule.relationships) for rule in rules] or [set(USUAL_RELATIONSHIPS)]
        for path, option in numbered(place.part.options, *place.path, "options"):
            demanded = {
                kind.value
                for code in option.coverage_codes
                for kind, count in (codes[code].persons.items() if code in codes else ())
                if count.min > 0 and kind is not PersonType.EMPLOYEE
                if not all(one & set(_types_of(kind)) for one in allowed)
            }
            if demanded:
                expected = "coverage codes whose persons the dependent rule allows"
                found = f"codes that demand {listed(sorted(demanded))}"
                cure = "Add them to `relationships` of the dependent rule, or take another code."
                yield audited.finding(path, "persons_demanded", expected, found, cure)


def _types_of(kind: PersonType) -> tuple[PersonType, ...]:
    return PERSON_KINDS.get(KIND_OF.get(kind.value, ""), ())


def _medical_faults(rule: Any) -> list[str]:
    faults = []
    if rule.age_limit < LEAST_CHILD_AGE_LIMIT:
        faults.append(f"an age limit of {rule.age_limit}")
    if rule.student_age_limit is not None and rule.student_age_limit != rule.age_limit:
        faults.append("a student test")
    if rule.married_ineligible:
        faults.append("married children ineligible")
    return faults
