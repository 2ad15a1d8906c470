"""Leaves without pay and low pays: what set-up offers must be possible, and no less than the law gives."""

from collections import Counter
from collections.abc import Iterator
from datetime import date

from openbenefits.core.codes import LeaveKind, LeaveWay
from openbenefits.core.plan_types import PLAN_TYPES
from openbenefits.programs.audit.context import Audited, listed, numbered
from openbenefits.programs.findings import Finding
from openbenefits.programs.sections.duties import LeavePolicyPart
from openbenefits.programs.values import Path

LEAST_GRACE, LEAST_NOTICE = 30, 15
"""29 CFR 825.212(a)(1): more than 30 days late, and 15 days after the letter."""

LEAST_SHARED, MOST_PERCENT = 30, 102
"""20 CFR 1002.166: the usual share below 31 days, then no more than 102 percent of the full premium."""


def leave_policies(audited: Audited) -> Iterator[Finding]:
    """Find policies nobody can follow, that give less than the law, or that contradict each other."""
    seen: dict[tuple[str, date], str] = {}
    for path, part in numbered(audited.parts.leave_policies, "leave_policies"):
        if not part.active:
            continue
        yield from _of_ways(audited, path, part)
        yield from _of_the_law(audited, path, part)
        yield from _of_full_cost(audited, path, part)
        yield from _of_starts(audited, path, part, seen)


def _of_ways(audited: Audited, path: Path, part: LeavePolicyPart) -> Iterator[Finding]:
    if part.default_way not in part.ways:
        expected, found = f"one of its ways ({listed(part.ways) or 'none'})", str(part.default_way)
        yield audited.finding(path, "leave_default", expected, found, "Offer it, or name another.")
    versions = audited.find("event_classes", part.lapse_class) if part.lapse_class else []
    if versions and not versions[0].manual:
        expected, cure = "an event class that may be entered by hand", "Make it `manual`, or name another."
        yield audited.finding(path, "lapse_class", expected, f"`{part.lapse_class}`", cure)


def _of_the_law(audited: Audited, path: Path, part: LeavePolicyPart) -> Iterator[Finding]:
    if part.kind is not LeaveKind.FMLA:
        return
    is_forced = part.default_way is LeaveWay.PREPAY or set(part.ways) == {LeaveWay.PREPAY}
    if is_forced:
        expected = "another way beside paying before, and as the default (26 CFR 1.125-3 Q&A-3)"
        yield audited.finding(path, "prepay_forced", expected, listed(part.ways), "Offer another way.")
    short = [
        f"{name} {found} (least {least})"
        for name, found, least in (
            ("grace_days", part.grace_days, LEAST_GRACE),
            ("notice_days", part.notice_days, LEAST_NOTICE),
        )
        if found < least
    ]
    if short:
        expected = "at least what 29 CFR 825.212 gives"
        yield audited.finding(path, "leave_days", expected, listed(short), "Correct the numbers.")


def _of_full_cost(audited: Audited, path: Path, part: LeavePolicyPart) -> Iterator[Finding]:
    """The employer's part may go only in leaves that no law keeps on active terms (825.210, 1002.166)."""
    if part.full_cost_after_days is None:
        return
    if part.kind is LeaveKind.FMLA:
        expected, found = "coverage on the terms of somebody at work (29 CFR 825.210)", "full cost"
        yield audited.finding(path, "full_cost", expected, found, "Leave `full_cost_after_days` out.")
    elif part.kind is LeaveKind.MILITARY:
        faults = {
            f"after {part.full_cost_after_days} days": part.full_cost_after_days < LEAST_SHARED,
            f"{part.full_cost_percent} percent": part.full_cost_percent > MOST_PERCENT,
        }
        wrong = [fault for fault, is_there in faults.items() if is_there]
        if wrong:
            expected = "after 30 days or more, and at most 102 percent (20 CFR 1002.166)"
            yield audited.finding(path, "full_cost", expected, listed(wrong), "Correct the numbers.")


def _of_starts(
    audited: Audited, path: Path, part: LeavePolicyPart, seen: dict[tuple[str, date], str]
) -> Iterator[Finding]:
    known = {(one.action, one.reason) for one in audited.codes.actions}
    starts = [f"{one.action}/{one.reason}" for one in part.begun_by] or [""]
    unknown = [
        f"{one.action}/{one.reason}".rstrip("/")
        for one in part.begun_by
        if (one.action, one.reason) not in known and (one.action, "") not in known
    ]
    if unknown:
        expected, cure = "actions of the PEO's `actions`", "Correct the codes, or add them there."
        yield audited.finding(path, "leave_action", expected, listed(unknown), cure)
    for start in starts:
        other = seen.setdefault((start, part.valid_from), part.code)
        if other != part.code:
            expected = "one policy for a leave that begins so"
            found = f"another, {other}, for {start.rstrip('/') or 'every other leave'}"
            yield audited.finding(path, "leave_twice", expected, found, "Leave one out.")


def payroll_terms(audited: Audited) -> Iterator[Finding]:
    """Find terms of a day stated twice, and plan types to be taken first that are none or stand twice."""
    days: set[date] = set()
    for path, part in numbered(audited.parts.payroll_terms, "payroll_terms"):
        if part.valid_from in days:
            expected, cure = "one row of terms for a day", "Join the two."
            yield audited.finding(path, "terms_twice", expected, f"another of {part.valid_from}", cure)
        days.add(part.valid_from)
        counts = Counter(part.first_taken)
        wrong = [code for code, count in counts.items() if count > 1 or code not in PLAN_TYPES]
        if wrong:
            expected = "plan types, each once"
            yield audited.finding(path, "taken_first", expected, listed(wrong), "Correct the list.")
