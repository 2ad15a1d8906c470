"""Event rules before the background of the plan types that use them: what they close, or say in vain."""

from collections.abc import Iterator

from openbenefits.core.codes import PERSON_KINDS, AmountKind, BeginRule, Severity, WithoutCurrent
from openbenefits.programs.audit.context import Audited, listed, numbered
from openbenefits.programs.audit.programs import Place, places
from openbenefits.programs.findings import Finding
from openbenefits.programs.offers import active
from openbenefits.programs.sections.codes import CoverageCodePart
from openbenefits.programs.sections.eligibility import EventRuleRow
from openbenefits.programs.values import Path

MOST_LEVELS = 99
MOST_DAYS = 366
WAIVABLE = ("allowed", "with_proof")


def person_changes(audited: Audited) -> Iterator[Finding]:
    """Find kinds of persons whose number may neither stay, rise nor fall: that closes every option."""
    for path, rule in numbered(audited.parts.event_rules, "event_rules"):
        for place, row in numbered(rule.classes, *path, "classes"):
            dead = [kind for kind, one in row.persons.items() if not (one.same or one.more or one.less)]
            if dead:
                expected = "a number of persons that may stay the same, be more or be less"
                cure = "Allow a direction, or leave the kind out."
                yield audited.finding(place, "persons", expected, f"none of it for {listed(dead)}", cure)


def levels(audited: Audited) -> Iterator[Finding]:
    """Find limits of levels that are no number of levels."""
    names = ("level_limit", "waived_level_limit", "proof_rise")
    for path, rule in numbered(audited.parts.event_rules, "event_rules"):
        for place, row in numbered(rule.classes, *path, "classes"):
            off = [name for name in names if not 0 <= getattr(row, name) <= MOST_LEVELS]
            if off:
                expected = f"numbers of levels from 0 to {MOST_LEVELS} (0 and {MOST_LEVELS}: no limit)"
                yield audited.finding(place, "levels", expected, listed(off), "Correct the number.")


def closed_plan_types(audited: Audited) -> Iterator[Finding]:
    """Find event-rule rows under which somebody without coverage could not have any option of a plan type."""
    codes = {code.code: code for code in audited.codes.coverage_codes}
    for place in places(audited):
        offered = [
            codes[name]
            for option in active(place.part.options)
            for name in option.coverage_codes
            if name in codes
        ]
        for row in _rows(audited, place):
            if offered and not any(_is_open(row, code) for code in offered):
                expected = "an option for who has no coverage yet"
                found = f"none under `{place.part.event_rule}`, class {row.event_class or 'blank'}"
                cure = "Correct `without_current` of its persons, or offer a coverage code that fits."
                yield audited.finding(place.path, "closes_all", expected, found, cure)


def re_entry(audited: Audited) -> Iterator[Finding]:
    """Find restrictions on entering again that cannot be meant, and credits of waivers that are not there."""
    for place in places(audited):
        part, months = place.part, place.part.restrict_entry_months
        if months < 0:
            found = str(months)
            yield audited.finding(place.path, "re_entry", "0 months or more", found, "Correct the number.")
        elif months and part.waive == "not_applicable":
            expected = "a plan type that can be left, where entering again is restricted"
            cure = "Allow the waiver, or leave `restrict_entry_months` out."
            found = "`waive: not_applicable`"
            yield audited.finding(place.path, "re_entry", expected, found, cure, Severity.WARNING)
        if part.waive_credits and part.waive not in WAIVABLE:
            cure = "Allow the waiver, or remove its credits."
            found = f"`waive: {part.waive}`"
            yield audited.finding(place.path, "waive_credits", "a waiver, for its credits", found, cure)


def reinstatement(audited: Audited) -> Iterator[Finding]:
    """Find rows that give back for less than no days, or where nothing can have ended before."""
    for path, rule in numbered(audited.parts.event_rules, "event_rules"):
        for place, row in numbered(rule.classes, *path, "classes"):
            days = row.reinstate_within_days
            if not 0 <= days <= MOST_DAYS:
                expected = f"a number of days from 0 to {MOST_DAYS}"
                yield audited.finding(place, "reinstatement", expected, str(days), "Correct the number.")
            elif days and (row.ignore or _only_ends(audited, row)):
                expected = "an event that may begin coverage"
                yield _without_effect(audited, place, "reinstate_within_days", expected)


def _only_ends(audited: Audited, row: EventRuleRow) -> bool:
    classes = {one.code: one for one in audited.codes.event_classes}
    found = classes.get(row.event_class or "")
    return found is not None and found.only_ends_coverage


def rules_without_effect(audited: Audited) -> Iterator[Finding]:
    """Find rows that restrict persons or pledges where no plan type of the rule has any."""
    used: dict[str, list[Place]] = {}
    for place in places(audited):
        used.setdefault(place.part.event_rule, []).append(place)
    for path, rule in numbered(audited.parts.event_rules, "event_rules"):
        parts = [place.part for place in used.get(rule.code, [])]
        has_codes = any(option.coverage_codes for part in parts for option in active(part.options))
        has_pledges = any(part.amount is AmountKind.PLEDGE for part in parts)
        for place_, row in numbered(rule.classes, *path, "classes"):
            if parts and row.persons and not has_codes:
                yield _without_effect(audited, place_, "persons", "a plan type with coverage codes")
            waits = row.waiting_months or row.waiting_days
            if waits and row.coverage_begins is BeginRule.MONTH_AFTER_RECEIPT:
                expected = "a begin rule that a wait moves"
                yield _without_effect(audited, place_, "waiting_months and waiting_days", expected)
            if parts and row.pledge_change.value != "any" and not has_pledges:
                yield _without_effect(audited, place_, "pledge_change", "a plan type with an annual pledge")


def _without_effect(audited: Audited, path: Path, name: str, expected: str) -> Finding:
    cure = f"Leave `{name}` out, or name the rule where it is meant."
    return audited.finding(
        path, "no_effect", expected, f"`{name}` where nothing looks at it", cure, Severity.WARNING
    )


def _rows(audited: Audited, place: Place) -> Iterator[EventRuleRow]:
    for version in audited.find("event_rules", place.part.event_rule):
        yield from (row for row in version.classes if not row.ignore)


def _is_open(row: EventRuleRow, code: CoverageCodePart) -> bool:
    """Whether the persons of a coverage code fit somebody without coverage."""
    for kind, change in row.persons.items():
        counts = code.persons.get(PERSON_KINDS[kind][0])
        least, most = (counts.min, counts.max) if counts else (0, 0)
        if change.without_current is WithoutCurrent.NOT_ALLOWED and least > 0:
            return False
        if change.without_current is WithoutCurrent.REQUIRED and most == 0:
            return False
    return True
