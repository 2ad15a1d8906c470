"""Codes that lead nowhere, records written twice, and records without a source."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from openbenefits.core.plan_types import CATEGORIES, PLAN_TYPES
from openbenefits.programs.audit.context import Audited, listed, numbered
from openbenefits.programs.bundle import ClientBundle
from openbenefits.programs.findings import Finding
from openbenefits.programs.links import single_criteria
from openbenefits.programs.sections.base import DatedPart
from openbenefits.programs.sections.codes import TranslationPart
from openbenefits.programs.values import Path

_SOURCED = ("geographies", "annual_limits", "holiday_calendars")
_OWN_CODES = {"company": "companies", "benefit_group": "benefit_groups", "pay_group": "pay_groups"}


class Reference(NamedTuple):
    """A code in a record, the section it should be found in, and the day from which it is needed.

    A blank that means "any" is given as no code.
    """

    path: Path
    section: str
    code: str | None
    needed_from: date | None = None


def unknown_codes(audited: Audited) -> Iterator[Finding]:
    """Find references to records that do not exist, or that begin too late."""
    for reference in references(audited):
        if reference.code is None:
            continue
        versions = audited.find(reference.section, reference.code)
        if not versions:
            yield _unknown(audited, reference)
        elif reference.needed_from and isinstance(versions[0], DatedPart):
            yield from _begins_late(audited, reference, min(part.valid_from for part in versions))


def inactive_records(audited: Audited) -> Iterator[Finding]:
    """Find references to records that are switched off on a day on which they are needed."""
    for reference in references(audited):
        if reference.code is None or reference.needed_from is None:
            continue
        versions = audited.find(reference.section, reference.code)
        off = _first_day_off(versions, reference.needed_from, _until(audited, reference.path))
        if off is not None:
            expected = f"`{reference.code}` to be active as long as it is named, from {reference.needed_from}"
            cure = f"Add a version to `{reference.section}` that is active, or name another from that day."
            found = f"it is switched off on {off}"
            yield audited.finding(reference.path, "inactive", expected, found, cure)


def _until(audited: Audited, path: Path) -> date:
    """Answer the day the next row of the record at the top of a path begins; its own, if it is off."""
    rows = getattr(audited.parts, str(path[0]))
    own = rows[path[1]]
    if not getattr(own, "active", True):
        return own.valid_from  # type: ignore[no-any-return]
    later = [row.valid_from for row in rows if row.code == own.code and row.valid_from > own.valid_from]
    return min(later, default=date.max)


def _first_day_off(versions: list[Any], begins: date, until: date) -> date | None:
    """Answer the first day, from one until before another, on which the holding version is inactive."""
    ordered = sorted(versions, key=lambda part: part.valid_from)
    ends = [*(part.valid_from for part in ordered[1:]), date.max]
    off = [
        max(part.valid_from, begins)
        for part, end in zip(ordered, ends, strict=False)
        if not getattr(part, "active", True) and part.valid_from < until and begins < min(end, until)
    ]
    return min(off, default=None)


def repeated_records(audited: Audited) -> Iterator[Finding]:
    """Find records written twice for the same day."""
    for section in audited.parts.__struct_fields__:
        parts = getattr(audited.parts, section)
        seen: set[tuple[Any, ...]] = set()
        for path, part in numbered(parts if isinstance(parts, list) else (), section):
            key = _key(part)
            if key in seen:
                cure = "Remove one of them, or correct its code or date."
                yield audited.finding(path, "repeated", "each record once", "it again", cure)
            seen.add(key)


def missing_sources(audited: Audited) -> Iterator[Finding]:
    """Find rates, rules and limits that do not say where they were taken from."""
    for section in audited.parts.__struct_fields__:
        parts = getattr(audited.parts, section)
        for path, part in numbered(parts if isinstance(parts, list) else (), section):
            if (isinstance(part, DatedPart) or section in _SOURCED) and not part.source.strip():
                cure = "Name the document and its date."
                yield audited.finding(path, "no_source", "a source", "none", cure)


def unknown_plan_types(audited: Audited) -> Iterator[Finding]:
    """Find plan types that the product does not know, or that stand twice in a program."""
    for path, plan_type in _plan_types(audited):
        if plan_type not in PLAN_TYPES or plan_type == "01":
            known = ", ".join(f"{first}0 to {first}Z {name}" for first, name in CATEGORIES.items())
            yield audited.finding(
                path, "plan_type", f"a plan type ({known})", plan_type, "Correct the plan type."
            )
    for path, program in numbered(audited.client.programs if audited.client else (), "programs"):
        counts = Counter(part.plan_type for part in program.plan_types)
        twice = [plan_type for plan_type, count in counts.items() if count > 1]
        if twice:
            cure = "Join the two."
            yield audited.finding(path, "repeated", "each plan type once", f"{listed(twice)} twice", cure)


def _key(part: Any) -> tuple[Any, ...]:
    names = ("code", "action", "reason", "valid_from", "year", "plan_type")
    if isinstance(part, TranslationPart):
        return (part.name, part.language)
    if not isinstance(part, DatedPart):
        return tuple(getattr(part, name, None) for name in names)
    return (part.code, part.valid_from)  # type: ignore[attr-defined]


def _unknown(audited: Audited, reference: Reference) -> Finding:
    known = audited.known(reference.section)
    what = reference.section.replace("_", " ")
    expected = f"one of the {what} ({listed(known) or 'there are none'})"
    cure = f"Correct the code, or add it to `{reference.section}`."
    return audited.finding(reference.path, "unknown_code", expected, f"`{reference.code}`", cure)


def _begins_late(audited: Audited, reference: Reference, first: date) -> Iterator[Finding]:
    if reference.needed_from and first > reference.needed_from:
        expected = f"`{reference.code}` to hold from {reference.needed_from}"
        cure = f"Add an earlier version to `{reference.section}`, or correct a date."
        yield audited.finding(reference.path, "begins_late", expected, f"it begins {first}", cure)


def references(audited: Audited) -> Iterator[Reference]:
    """List every code that a record of the bundle names."""
    yield from _of_codes(audited)
    yield from _of_rules(audited)
    if audited.client:
        yield from _of_programs(audited.client)
        yield from _of_calendars(audited.client)


def _of_codes(audited: Audited) -> Iterator[Reference]:
    parts = audited.parts
    for path, part in numbered(getattr(parts, "actions", ()), "actions"):
        yield Reference(path, "event_classes", part.event_class or None)
    for path, part in numbered(getattr(parts, "coverage_codes", ()), "coverage_codes"):
        yield Reference(path, "coverage_codes", part.imputed_against)
    for path, part in numbered(parts.passive_events, "passive_events"):
        yield Reference(path, "event_classes", part.event_class)
    for path, part in numbered(parts.leave_policies, "leave_policies"):
        yield Reference(path, "event_classes", part.lapse_class)
    for path, part in numbered(parts.plans, "plans"):
        yield Reference(path, "coverage_groups", part.coverage_group, part.valid_from)
    for path, part in numbered(parts.rate_tables, "rate_tables"):
        yield Reference(path, "geographies", part.geography)
        for code in audited.codes_of_rates(part.code, part.valid_from):
            yield Reference(path, "coverage_codes", code)


def _of_rules(audited: Audited) -> Iterator[Reference]:
    parts = audited.parts
    for path, rule in numbered(parts.event_rules, "event_rules"):
        for place, row in numbered(rule.classes, *path, "classes"):
            yield Reference(place, "event_classes", row.event_class or None)
    for path, contribution in numbered(parts.contributions, "contributions"):
        for row in contribution.rows:
            yield Reference(path, "coverage_codes", row.coverage_code or None)
    for path, rule in numbered(parts.eligibility_rules, "eligibility_rules"):
        for place, criterion in single_criteria(rule.criteria, (*path, "criteria")):
            yield Reference(place, "geographies", criterion.geography)
            if audited.client and criterion.field in _OWN_CODES:
                for value in criterion.values or ():
                    yield Reference(place, _OWN_CODES[criterion.field], value)


def _of_programs(client: ClientBundle) -> Iterator[Reference]:
    for path, program in numbered(client.programs, "programs"):
        day = program.valid_from
        yield Reference(path, "eligibility_rules", program.eligibility, day)
        yield Reference(path, "geographies", program.service_area)
        yield Reference(path, "event_rules", program.event_rule, day)
        for credit in program.credits:
            yield Reference(path, "eligibility_rules", credit.eligibility, day)
            yield Reference(path, "rate_tables", credit.rate_table, day)
            yield Reference(path, "calculation_rules", credit.calculation_rule, day)
        for place, deduction in numbered(program.deductions, *path, "deductions"):
            yield from _of_deduction(place, deduction, day)
        for place, plan_type in numbered(program.plan_types, *path, "plan_types"):
            yield from _of_plan_type(place, plan_type, day)


def _of_deduction(path: Path, deduction: Any, day: date) -> Iterator[Reference]:
    yield Reference(path, "eligibility_rules", deduction.eligibility, day)
    yield Reference(path, "deduction_codes", deduction.deduction_code)
    yield Reference(path, "rate_tables", deduction.rate_table, day)
    yield Reference(path, "contributions", deduction.contribution, day)
    yield Reference(path, "calculation_rules", deduction.calculation_rule, day)


def _of_plan_type(path: Path, plan_type: Any, day: date) -> Iterator[Reference]:
    yield Reference(path, "event_rules", plan_type.event_rule, day)
    yield Reference(path, "dependent_rules", plan_type.dependent_rule, day)
    for excluded in plan_type.excluded_coverage:
        yield Reference(path, "plans", excluded.plan, day)
    for credit in (*plan_type.credits, *plan_type.waive_credits):
        yield Reference(path, "rate_tables", credit.rate_table, day)
        yield Reference(path, "calculation_rules", credit.calculation_rule, day)
    for place, option in numbered(plan_type.options, *path, "options"):
        yield from _of_option(place, option, day)


def _of_option(path: Path, option: Any, day: date) -> Iterator[Reference]:
    yield Reference(path, "plans", option.plan, day)
    if option.requires:
        yield Reference(path, "plans", option.requires.plan, day)
    yield Reference(path, "eligibility_rules", option.eligibility, day)
    yield Reference(path, "geographies", option.service_area)
    yield Reference(path, "formulas", option.formula, day)
    yield Reference(path, "formulas", option.premium_formula, day)
    yield Reference(path, "deduction_codes", option.deduction_code)
    yield Reference(path, "deduction_codes", option.after_tax_deduction_code)
    for code in option.coverage_codes:
        yield Reference(path, "coverage_codes", code)
    for cost in option.costs:
        yield Reference(path, "rate_tables", cost.rate_table, day)
        yield Reference(path, "contributions", cost.contribution, day)
        yield Reference(path, "calculation_rules", cost.calculation_rule, day)
    for credit in option.credits:
        yield Reference(path, "rate_tables", credit.rate_table, day)
        yield Reference(path, "calculation_rules", credit.calculation_rule, day)


def _of_calendars(client: ClientBundle) -> Iterator[Reference]:
    for path, group in numbered(client.pay_groups, "pay_groups"):
        yield Reference(path, "companies", group.company)
        yield Reference(path, "holiday_calendars", group.holidays)
    for path, address in numbered(client.company_addresses, "company_addresses"):
        yield Reference(path, "companies", address.code)
    for path, schedule in numbered(client.schedules, "schedules"):
        yield Reference(path, "companies", schedule.company or None)
        yield Reference(path, "benefit_groups", schedule.benefit_group or None)
        yield Reference(path, "event_classes", schedule.event_class)
        for program in schedule.programs:
            yield Reference(path, "programs", program)
    for path, control in numbered(client.run_controls, "run_controls"):
        yield Reference(path, "schedules", control.schedule)


def _plan_types(audited: Audited) -> Iterator[tuple[Path, str]]:
    for section in ("plans", "funds"):
        for path, part in numbered(getattr(audited.parts, section), section):
            yield path, part.plan_type
    for path, program in numbered(audited.client.programs if audited.client else (), "programs"):
        for place, plan_type in numbered(program.plan_types, *path, "plan_types"):
            yield place, plan_type.plan_type
