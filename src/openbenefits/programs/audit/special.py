"""Special enrolment in group health: windows long enough, coverage early enough (29 CFR 2590.701-6)."""

from collections.abc import Iterator

from openbenefits.core.codes import BeginRule, SelectAllowed, Severity
from openbenefits.programs.audit.context import Audited, in_force_from, numbered
from openbenefits.programs.audit.programs import Place, places
from openbenefits.programs.audit.waits import GROUP_HEALTH
from openbenefits.programs.findings import Finding
from openbenefits.programs.sections.codes import EventClassPart
from openbenefits.programs.sections.eligibility import EventRuleRow

BIRTH = "birth_or_adoption"
USUAL = {
    "BIR": BIRTH,
    "ADO": BIRTH,
    "PLC": BIRTH,
    "MAR": "marriage",
    "LOC": "loss_of_coverage",
    "MCD": "medicaid_or_chip",
}
"""The right an event class serves by its usual code, where the set-up does not say it."""

LEAST_WINDOW_DAYS = {BIRTH: 30, "marriage": 30, "loss_of_coverage": 30, "medicaid_or_chip": 60}
"""29 CFR 2590.701-6(a)(4), (b)(3); ERISA 701(f)(3) for Medicaid and CHIP."""

EARLY_ENOUGH = (
    BeginRule.EVENT_DATE,
    BeginRule.DAY_AFTER_EVENT,
    BeginRule.MONTH_AFTER,
    BeginRule.MONTH_ON_OR_AFTER,
    BeginRule.MONTH_AFTER_RECEIPT,
    BeginRule.LATER_OF_EVENT_AND_RECEIPT,
)
"""Begin rules that, without a wait, never pass the first of the month after the request."""


def special_enrollment(event_class: EventClassPart) -> str | None:
    """Name the right to enrol that an event class serves; null for none.

    >>> special_enrollment(EventClassPart(code="ADO", name="Adoption", use="specific", priority=1))
    'birth_or_adoption'
    """
    named = event_class.special_enrollment or USUAL.get(event_class.code)
    return None if named == "none" else named


def short_windows(audited: Audited) -> Iterator[Finding]:
    """Find event classes of a special enrolment whose window is shorter than the law gives."""
    for path, event_class in numbered(getattr(audited.parts, "event_classes", ()), "event_classes"):
        right = special_enrollment(event_class)
        if right is not None and event_class.window_days < LEAST_WINDOW_DAYS[right]:
            words = right.replace("_", " ")
            expected = f"a window of {LEAST_WINDOW_DAYS[right]} days or more for {words}"
            cure = "Lengthen `window_days`, or say what `special_enrollment` the class serves."
            found = f"{event_class.window_days} days"
            yield audited.finding(path, "special_window", expected, found, cure)


def late_beginnings(audited: Audited) -> Iterator[Finding]:
    """Find group health that begins too late, or offers nothing, after an event of a special enrolment."""
    rights = {one.code: special_enrollment(one) for one in audited.codes.event_classes}
    for place in places(audited):
        if place.part.plan_type not in GROUP_HEALTH:
            continue
        for code, right in rights.items():
            if right is not None:
                yield from _of_class(audited, place, code, right)


def _of_class(audited: Audited, place: Place, code: str, right: str) -> Iterator[Finding]:
    for version in in_force_from(
        audited.find("event_rules", place.part.event_rule), place.program.valid_from
    ):
        by_class = {row.event_class: row for row in version.classes}
        row = by_class.get(code) or by_class.get("")
        if row is None:
            continue
        rule = f"`{place.part.event_rule}`, class {code}"
        if row.ignore or row.select is not SelectAllowed.ALL:
            expected = f"every option open under {rule}: {right.replace('_', ' ')} is a special enrolment"
            found = "the class ignored" if row.ignore else f"`select: {row.select.value}`"
            cure = "Let the row select all."
            yield audited.finding(place.path, "special_closed", expected, found, cure, Severity.WARNING)
        elif not _is_early_enough(row, right):
            day = (
                "the event date" if right == BIRTH else "the 1st of the month after the request at the latest"
            )
            found = f"`coverage_begins: {row.coverage_begins.value}`{_wait(row)}"
            cure = "Correct when coverage begins, without a wait."
            yield audited.finding(place.path, "special_begin", f"{day} under {rule}", found, cure)


def _is_early_enough(row: EventRuleRow, right: str) -> bool:
    allowed = (BeginRule.EVENT_DATE,) if right == BIRTH else EARLY_ENOUGH
    return row.coverage_begins in allowed and not (row.waiting_months or row.waiting_days)


def _wait(row: EventRuleRow) -> str:
    waits = row.waiting_months or row.waiting_days
    return f" after {row.waiting_months} months and {row.waiting_days} days" if waits else ""
