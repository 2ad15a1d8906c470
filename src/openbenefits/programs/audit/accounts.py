"""Accounts under a legal limit: HSAs that are none or out of reach, limits that plan types share."""

from collections.abc import Iterator
from datetime import date

from openbenefits.core.codes import Severity
from openbenefits.core.plan_types import HSA, is_hsa
from openbenefits.programs.audit.context import Audited
from openbenefits.programs.audit.programs import places
from openbenefits.programs.findings import Finding
from openbenefits.programs.limits import HSA_SELF, STANDS_FOR
from openbenefits.programs.offers import active
from openbenefits.programs.sections.offers import ProgramPart

NO_HSA = ("60", "61", "65", "66")
"""Plan types of spending accounts that have a meaning of their own, which is not the HSA."""

_NEEDS_ONE = {read: code for code, reads in STANDS_FOR.items() for read in reads if read != code}


def health_savings(audited: Audited) -> Iterator[Finding]:
    """Find HSAs under a plan type that is something else, by another limit, or that nobody could have."""
    for place in places(audited):
        part = place.part
        limit = part.annual_limit
        if limit == HSA_SELF and (part.plan_type in NO_HSA or not part.plan_type.startswith("6")):
            expected = f"an HSA under plan type {HSA}, or a code of your own among 6x"
            cure = "Move the account to such a plan type; coverage in force goes on by its plan type."
            yield audited.finding(place.path, "hsa_plan_type", expected, f"{part.plan_type}", cure)
        elif limit in _NEEDS_ONE or (part.plan_type == HSA and limit not in (None, HSA_SELF)):
            usual = HSA_SELF if part.plan_type == HSA else _NEEDS_ONE[str(limit)]
            cure = "Name that limit; what else counts for a person is found by it."
            yield audited.finding(place.path, "hsa_limit", f"`{usual}`", f"`{limit}`", cure)
        elif is_hsa(part.plan_type, limit) and not _has_hsa_plan(audited, place.program):
            expected = "an HSA-eligible medical plan in a program with an HSA (BA1319)"
            cure = "Offer such a plan, or say `hsa_eligible` of it."
            yield audited.finding(place.path, "no_hsa_plan", expected, "none", cure, Severity.WARNING)


def _has_hsa_plan(audited: Audited, program: ProgramPart) -> bool:
    return any(
        plan.hsa_eligible
        for part in active(program.plan_types)
        if part.plan_type == "10"
        for option in active(part.options)
        for plan in audited.find("plans", option.plan)
    )


def shared_limits(audited: Audited) -> Iterator[Finding]:
    """Find plan types of a program that share a limit and read it differently: what counts is unclear."""
    read: dict[tuple[str, date, str], tuple[str, tuple[int, bool, str]]] = {}
    for place in places(audited):
        part = place.part
        if part.annual_limit is None:
            continue
        key = (place.program.code, place.program.valid_from, part.annual_limit)
        way = (part.plan_year_month, part.month_rule, part.missing_limit)
        other, its_way = read.setdefault(key, (part.plan_type, way))
        if way != its_way:
            expected = f"`{part.annual_limit}` read as in plan type {other}, which shares it"
            found = "another plan year, month rule or `missing_limit`"
            cure = "Make them the same: what is put in counts together."
            yield audited.finding(place.path, "shared_limit", expected, found, cure, Severity.WARNING)
