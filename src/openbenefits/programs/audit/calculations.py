"""Calculation rules: days without a day of the year, and ages of others where each member has the own."""

from collections.abc import Iterator

from openbenefits.core.codes import ADULT_KINDS, PERSON_KINDS, AgeOf, PriceDay
from openbenefits.programs.audit.context import Audited, in_force_from, listed, numbered
from openbenefits.programs.audit.programs import places
from openbenefits.programs.curves import rate_keys
from openbenefits.programs.findings import Finding
from openbenefits.programs.sections.rates import CalculationRulePart
from openbenefits.programs.values import Path

_OF_A_YEAR = (PriceDay.THIS_YEAR, PriceDay.LAST_YEAR)


def calculation_rules(audited: Audited) -> Iterator[Finding]:
    """Find days of a year that are not said, said without need, or that no month has."""
    for path, rule in numbered(audited.parts.calculation_rules, "calculation_rules"):
        for fact in ("age", "service", "pay"):
            yield from _day_faults(audited, path, rule, fact)


def _day_faults(audited: Audited, path: Path, rule: CalculationRulePart, fact: str) -> Iterator[Finding]:
    kind, day = getattr(rule, f"{fact}_as_of"), getattr(rule, f"{fact}_day")
    if kind in _OF_A_YEAR and day is None:
        cure = f'Say the day of the year, as `{fact}_day: "12-31"`.'
        yield audited.finding(path, "day_of_year", f"`{fact}_day` with `{kind.value}`", "none", cure)
    if kind not in _OF_A_YEAR and day is not None:
        expected = f"no `{fact}_day` with `{kind.value}`"
        yield audited.finding(
            path, "day_of_year", expected, day, "Remove it, or take this_year or last_year."
        )
    if day is not None and int(day[3:]) > _LONGEST_MONTHS[int(day[:2]) - 1]:
        cure = f"Correct `{fact}_day`."
        yield audited.finding(path, "day_of_year", "a day that its month has", day, cure)


_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def ages_of_others(audited: Audited) -> Iterator[Finding]:
    """Find prices by the age of another in tables in which each member is rated at the own age, or nobody is,
    and such prices of options whose coverage codes cover nobody of the kind.
    """
    for place in places(audited):
        for path, option in numbered(place.part.options, *place.path, "options"):
            for cost in (*option.costs, *option.credits, *place.part.credits):
                rules = audited.find("calculation_rules", cost.calculation_rule)
                kinds = {rule.age_of for rule in in_force_from(rules, place.program.valid_from)}
                if cost.calculation_rule is None or kinds <= {AgeOf.EMPLOYEE}:
                    continue
                tables = in_force_from(audited.find("rate_tables", cost.rate_table), place.program.valid_from)
                if any(table.per_member or "age" not in rate_keys(table) for table in tables):
                    expected = "a table keyed by age and not per member, as the rule looks at one age"
                    found = f"`{cost.rate_table}`"
                    cure = "Use a calculation rule of the employee's age, or another rate table."
                    yield audited.finding(path, "age_of", expected, found, cure)
                bare = [code for code in option.coverage_codes if not _covers(audited, code, kinds)]
                if bare:
                    expected = "coverage codes that cover whoever's age the price looks at"
                    cure = "Offer other coverage codes, or use another calculation rule."
                    yield audited.finding(path, "age_of_nobody", expected, listed(bare), cure)


def _covers(audited: Audited, code: str, kinds: set[AgeOf]) -> bool:
    """Tell whether a coverage code allows a person of every kind."""
    allowed = {
        kind
        for part in audited.codes.coverage_codes
        if part.code == code
        for kind, persons in part.persons.items()
        if persons.max > 0
    }
    return all(allowed & set(_PERSONS[kind]) for kind in kinds if kind is not AgeOf.EMPLOYEE)


_PERSONS = {
    AgeOf.SPOUSE: tuple(PERSON_KINDS[kind][0] for kind in ADULT_KINDS),
    AgeOf.DEPENDENT: tuple(types[0] for kind, types in PERSON_KINDS.items() if kind not in ADULT_KINDS),
}
