"""General credits and deductions: what a program gives, and takes from, everybody in it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from openbenefits.core.codes import AgeOf, RateUnit
from openbenefits.programs.audit.context import Audited, in_force_from, listed, numbered
from openbenefits.programs.curves import rate_keys
from openbenefits.programs.findings import Finding
from openbenefits.programs.offers import general_offers
from openbenefits.programs.values import Path

_PER_COVERAGE = (RateUnit.PER_HUNDRED, RateUnit.PER_THOUSAND)


def general_codes(audited: Audited) -> Iterator[Finding]:
    """Find deductions whose code another deduction, or a credit, of the program has."""
    for path, program in numbered(audited.client.programs if audited.client else (), "programs"):
        counts = Counter(offer.code for offer in general_offers(program))
        twice = [code for code, count in counts.items() if count > 1]
        if twice:
            cure = "Rename one; the credits of a program are `CREDIT-1`, `CREDIT-2` and so on."
            yield audited.finding(path, "deduction_twice", "each deduction code once", listed(twice), cure)


def general_rates(audited: Audited) -> Iterator[Finding]:
    """Find deductions whose price looks at coverage, or at the age of others, unknown to a program."""
    for path, program in numbered(audited.client.programs if audited.client else (), "programs"):
        for place, part in numbered(program.deductions, *path, "deductions"):
            yield from _of_coverage(audited, place, part, program)
            rules = audited.find("calculation_rules", part.calculation_rule)
            kinds = {rule.age_of for rule in in_force_from(rules, program.valid_from)} - {AgeOf.EMPLOYEE}
            if kinds:
                expected = "the employee's age, as a program covers nobody"
                found = f"`{part.calculation_rule}` of {listed(sorted(kind.value for kind in kinds))}"
                cure = "Use a calculation rule of the employee's age."
                yield audited.finding(place, "age_of", expected, found, cure)


def _of_coverage(audited: Audited, path: Path, part: Any, program: Any) -> Iterator[Finding]:
    tables = in_force_from(audited.find("rate_tables", part.rate_table), program.valid_from)
    if any(
        table.unit in _PER_COVERAGE or table.per_member or "coverage_code" in rate_keys(table)
        for table in tables
    ):
        expected = "a rate that needs no coverage: not per member, per coverage amount or coverage code"
        found = f"`{part.rate_table}`"
        yield audited.finding(path, "rate_unit", expected, found, "Use another rate table.")
