"""Event classes, event rules, formulas and contributions by themselves."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from openbenefits.core.codes import (
    ADULT_KINDS,
    PERSON_KINDS,
    RELATIONSHIP_BITS,
    EndRule,
    PersonType,
    Severity,
    WindowStart,
)
from openbenefits.programs.audit.context import Audited, listed, numbered
from openbenefits.programs.findings import Finding
from openbenefits.programs.sections.codes import EventClassPart
from openbenefits.programs.values import Path

TERMINATION = "TER"
_COUNTED = (PersonType.EMPLOYEE, *(types[0] for types in PERSON_KINDS.values()))
_ONE_AT_MOST = (PersonType.EMPLOYEE, *(PERSON_KINDS[kind][0] for kind in ADULT_KINDS))


def event_classes(audited: Audited) -> Iterator[Finding]:
    """Find a code list without exactly one default class."""
    classes = getattr(audited.parts, "event_classes", None)
    if classes is None:
        return
    for path, part in numbered(classes, "event_classes"):
        if min(part.window_days, part.process_ahead_days) < 0:
            expected = "`window_days` and `process_ahead_days` of 0 or more"
            yield audited.finding(path, "window_days", expected, "less", "Correct the number.")
        is_asked = part.forms in ("both", "enrollment")
        if part.window_start is WindowStart.NOTICE and not is_asked:
            expected = "an enrolment statement, as the window begins on the day it is issued"
            cure = "Print it, or let the window begin on another day."
            yield audited.finding(path, "forms", expected, f"`forms: {part.forms}`", cure)
        if part.enrollment_form_days is not None and not is_asked:
            expected, cure = "days only of a statement that is printed", "Correct one of them."
            yield audited.finding(path, "forms", expected, f"`forms: {part.forms}`", cure)
        yield from _class_terms(audited, path, part)
    defaults = [part.code for part in classes if part.use == "default"]
    if len(defaults) != 1:
        cure = "Give exactly one event class the use `default`."
        found = listed(defaults) or "none"
        yield audited.finding(("event_classes",), "default_class", "one default event class", found, cure)


def _class_terms(audited: Audited, path: Path, part: EventClassPart) -> Iterator[Finding]:
    """Find terms for life events, and copies to other records, that do not fit the class."""
    is_of_period = part.use in ("snapshot", "open_enrollment")
    cure = "Leave it out, or change the use of the class."
    if is_of_period and part.copy_to_other_records:
        expected = "`copy_to_other_records` only where job rows cause the event"
        yield audited.finding(path, "class_terms", expected, f"`use: {part.use}`", cure)
    terms = part.life_event
    if terms is None:
        return
    if is_of_period:
        expected = "terms for life events only where somebody reports them"
        yield audited.finding(path, "class_terms", expected, f"`use: {part.use}`", cure)
    if terms.proof and part.only_ends_coverage:
        expected = "no proof where an event only ends coverage, as that never waits"
        cure = "State `proof: false`, or that the class does not only end coverage."
        yield audited.finding(path, "class_terms", expected, "`proof: true`", cure)
    starts = part.window_start is WindowStart.EVENT
    if terms.creates_event and starts and (terms.days_to_notify or 0) > part.window_days:
        expected = f"`days_to_notify` of at most the {part.window_days} days of the window"
        found = str(terms.days_to_notify)
        cure = "Shorten it, lengthen the window, or let the window begin on the day of entry."
        yield audited.finding(path, "late_notice", expected, found, cure, Severity.WARNING)


def coverage_codes(audited: Audited) -> Iterator[Finding]:
    """Find coverage codes that count persons the product does not count, or count backwards."""
    for path, part in numbered(getattr(audited.parts, "coverage_codes", ()), "coverage_codes"):
        odd = [kind.value for kind in part.persons if kind not in _COUNTED]
        if odd:
            expected = f"counts of {listed(_COUNTED)} (CH is any child or other qualified dependent)"
            yield audited.finding(path, "person_type", expected, listed(odd), "Count them as CH.")
        several = [kind.value for kind in _ONE_AT_MOST if kind in part.persons and part.persons[kind].max > 1]
        if several:
            expected = "one employee, spouse or partner at most"
            yield audited.finding(path, "persons_of_kind", expected, listed(several), "Correct the counts.")
        if part.persons and all(count.max == 0 for count in part.persons.values()):
            cure = "Say whom it covers."
            yield audited.finding(path, "covers_nobody", "somebody covered", "nobody", cure)
        if any(not 0 <= count.min <= count.max for count in part.persons.values()):
            cure = "Correct the counts."
            yield audited.finding(path, "persons", "min not above max", "it above", cure)


def relationships(audited: Audited) -> Iterator[Finding]:
    """Find dependent rules that allow nobody, or persons who can be no dependents."""
    for path, part in numbered(audited.parts.dependent_rules, "dependent_rules"):
        odd = [kind.value for kind in part.relationships if kind.value not in RELATIONSHIP_BITS]
        if odd or not part.relationships:
            expected = f"some of {listed(RELATIONSHIP_BITS)}"
            cure = "Name those who may be covered, or leave it out."
            yield audited.finding(path, "relationships", expected, listed(odd) or "none", cure)


def deduction_codes(audited: Audited) -> Iterator[Finding]:
    """Find deductions that are never taken, or in a period no month has."""
    for path, part in numbered(audited.parts.deduction_codes, "deduction_codes"):
        periods = part.periods_of_month
        if not periods or not set(periods) <= {1, 2, 3, 4, 5}:
            cure = "Name the pay periods of a month in which it is taken."
            found = listed(periods) or "none"
            yield audited.finding(path, "periods_of_month", "periods from 1 to 5", found, cure)


def event_rules(audited: Audited) -> Iterator[Finding]:
    """Find event classes without a row or with two, and date rules that make no sense."""
    classes = [part.code for part in audited.codes.event_classes]
    for path, rule in numbered(audited.parts.event_rules, "event_rules"):
        rows = Counter(row.event_class for row in rule.classes)
        missing = [code for code in classes if code not in rows]
        if "" not in rows and missing:
            cure = "Add a row for each, or one with a blank event class."
            expected = "a row for every event class"
            yield audited.finding(path, "no_row", expected, f"none for {listed(missing)}", cure)
        twice = [code or "blank" for code, count in rows.items() if count > 1]
        if twice:
            expected = "one row for each event class"
            yield audited.finding(path, "row_twice", expected, f"two for {listed(twice)}", "Remove one.")
        for place, row in numbered(rule.classes, *path, "classes"):
            yield from _date_rules(audited, place, row)


def _date_rules(audited: Audited, path: Path, row: Any) -> Iterator[Finding]:
    cure = "Choose another rule."
    if row.event_class == TERMINATION and EndRule.DAY_BEFORE_EVENT in (row.coverage_ends, row.deduction_ends):
        expected = "a termination to count from the last day employed (rulings §2.1)"
        yield audited.finding(path, "end_rule", expected, EndRule.DAY_BEFORE_EVENT.value, cure)
    if (EndRule.DAY_OF_MONTH in (row.coverage_ends, row.deduction_ends)) != (row.ends_day is not None):
        expected = "`ends_day` where an end is a `day_of_month`, and nowhere else"
        found = "none" if row.ends_day is None else f"`ends_day: {row.ends_day}`"
        yield audited.finding(path, "ends_day", expected, found, "State it, or take it out.")
    if min(row.waiting_months, row.waiting_days) < 0:
        cure = "Correct the number."
        yield audited.finding(path, "waiting", "a waiting period of 0 or more", "less", cure)
