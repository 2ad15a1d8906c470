"""Dependent rules that contradict themselves, or each other within the health plan types of a program."""

from collections.abc import Iterator

from openbenefits.core.codes import LastDay, Severity
from openbenefits.core.plan_types import is_health
from openbenefits.programs.audit.context import Audited, in_force_from, listed, numbered
from openbenefits.programs.audit.programs import places
from openbenefits.programs.findings import Finding
from openbenefits.programs.offers import active
from openbenefits.programs.sections.eligibility import DependentRulePart
from openbenefits.programs.sections.offers import ProgramPart

TELLING = (
    *("age_limit", "student_age_limit", "disabled_exempt", "married_ineligible", "relationships"),
    *("last_day", "plan_year_begins"),
)
"""What a rule says of who counts."""


def contradictory_rules(audited: Audited) -> Iterator[Finding]:
    """Find dependent rules under which students end sooner than everybody else."""
    for path, rule in numbered(audited.parts.dependent_rules, "dependent_rules"):
        if rule.student_age_limit is not None and rule.student_age_limit < rule.age_limit:
            expected = f"a limit for students of {rule.age_limit} or more, that of everybody"
            cure = "Correct one of the two, or leave `student_age_limit` out."
            yield audited.finding(path, "student_limit", expected, f"{rule.student_age_limit}", cure)


def plan_years(audited: Audited) -> Iterator[Finding]:
    """Find plan types whose plan year begins in another month than that of their dependent rule ends in."""
    for place in places(audited):
        code = place.part.dependent_rule
        for rule in audited.find("dependent_rules", code) if code else ():
            month = place.part.plan_year_month
            if rule.last_day is LastDay.PLAN_YEAR_END and rule.plan_year_begins != month:
                expected = f"a plan year that begins in month {month}, as that of the plan type"
                found = f"month {rule.plan_year_begins} in `{code}`"
                cure = "Correct `plan_year_begins` of the rule, or `plan_year_month` of the plan type."
                yield audited.finding(place.path, "plan_year", expected, found, cure)
                break


def differing_rules(audited: Audited) -> Iterator[Finding]:
    """Find programs whose health plan types judge dependents differently (docs/rules.md §3): a warning.

    Source: program-setup §8; for continuation coverage the most restrictive of them counts.
    """
    for path, program in numbered(audited.client.programs if audited.client else (), "programs"):
        rules = _health_rules(audited, program)
        differing = [name for name in TELLING if len({_said(rule, name) for rule in rules.values()}) > 1]
        if differing:
            expected = "dependent rules that agree over the health plan types of a program"
            found = f"{listed(sorted(rules))} differ in {listed(differing)}"
            cure = "Nothing, if the plans differ so; else name one rule for all of them."
            yield audited.finding(path, "dependent_rules", expected, found, cure, Severity.WARNING)


def _health_rules(audited: Audited, program: ProgramPart) -> dict[str, DependentRulePart]:
    """The rules that hold when the program begins, by code; a plan type without one has none to differ."""
    codes = {part.dependent_rule for part in active(program.plan_types) if is_health(part.plan_type)}
    versions = {
        code: in_force_from(audited.find("dependent_rules", code), program.valid_from)
        for code in codes
        if code
    }
    return {code: held[0] for code, held in versions.items() if held}


def _said(rule: DependentRulePart, name: str) -> object:
    if name == "student_age_limit":
        return rule.age_limit if rule.student_age_limit is None else rule.student_age_limit
    value = getattr(rule, name)
    return frozenset(value) if name == "relationships" else value
