"""What can be applied and is still likely wrong; looked at only where there are no errors to explain it."""

from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from openbenefits.core.codes import DefaultMethod, OptionType, Severity
from openbenefits.programs.audit import analysis
from openbenefits.programs.audit.context import Audited, in_force_from, listed, numbered
from openbenefits.programs.audit.graph import used_records
from openbenefits.programs.audit.programs import Place, places
from openbenefits.programs.bundle import PeoBundle
from openbenefits.programs.findings import Finding
from openbenefits.programs.offers import offers
from openbenefits.programs.sections.offers import OptionPart, ProgramPart
from openbenefits.programs.values import Path

SPARE = (
    *("plans", "rate_tables", "geographies", "deduction_codes", "dependent_rules", "eligibility_rules"),
    *("event_rules", "formulas", "contributions"),
)
"""Sections whose records are there to be used by others."""

_BY_FLAG = (DefaultMethod.OPTION, DefaultMethod.CURRENT_ELSE_OPTION)
_OWN_LISTS = {"company": "companies", "benefit_group": "benefit_groups", "pay_group": "pay_groups"}


def _warn(audited: Audited, path: Path, code: str, expected: str, found: str, cure: str) -> Finding:
    return audited.finding(path, code, expected, found, cure, Severity.WARNING)


def unused_records(audited: Audited) -> Iterator[Finding]:
    """Find a client's records that nothing of it leads to."""
    if audited.client is None:
        return
    used = used_records(audited.bundle, audited.peo)
    seen = set()
    for section in SPARE:
        for path, part in numbered(getattr(audited.parts, section), section):
            record = (section, part.code)
            if record not in used and record not in seen:
                cure = "Name it where it belongs, or remove it."
                yield _warn(audited, path, "unused", "a record that something names", "nothing does", cure)
            seen.add(record)


def rules_never_met(audited: Audited) -> Iterator[Finding]:
    """Find rules that nobody can meet."""
    for path, rule in numbered(audited.parts.eligibility_rules, "eligibility_rules"):
        fields = analysis.admitted(rule, _zips(audited)) or {}
        known = {
            field: [part.code for part in getattr(audited.client, section)]
            for field, section in _OWN_LISTS.items()
            if audited.client
        }
        for field, one in fields.items():
            if analysis.is_empty(one, known.get(field)):
                expected = f"a value of `{field}` that meets the rule"
                yield _warn(audited, path, "never_met", expected, "none", "Correct the criterion.")


def overlapping_programs(audited: Audited) -> Iterator[Finding]:
    """Find two programs at once whose rules somebody can meet both, as far as the rules alone tell."""
    programs = list(numbered(audited.client.programs if audited.client else (), "programs"))
    seen: set[tuple[str, str]] = set()
    for (_, one), (path, other) in combinations(programs, 2):
        pair = (one.code, other.code)
        is_together = one.code != other.code and one.active and other.active and pair not in seen
        if is_together and _hold_together(programs, one, other) and _can_both(audited, one, other):
            seen.add(pair)
            cure = "Tell them apart by a field of both rules; whoever meets both is an error (BA1101)."
            expected = f"rules of {one.code} and {other.code} that nobody can meet both"
            yield _warn(audited, path, "programs_overlap", expected, "rules that can be", cure)


def defaults_out_of_reach(audited: Audited) -> Iterator[Finding]:
    """Find default options that not everybody of the program, or nobody, can have."""
    for place in places(audited):
        if not _methods(audited, place) & set(_BY_FLAG):
            continue
        flagged = [
            (path, option)
            for path, option in numbered(place.part.options, *place.path, "options")
            if option.default is not False
        ]
        reach = [_reach(audited, place.program, option) for _, option in flagged]
        if flagged and "all" not in reach:
            is_none = all(one == "nobody" for one in reach)
            code = "default_for_nobody" if is_none else "default_not_for_all"
            expected = "a default option that everybody of the program can have"
            found = f"one for {'nobody' if is_none else 'some only'}"
            cure = "Flag an option without further conditions too, or another default method."
            yield _warn(audited, flagged[0][0], code, expected, found, cure)


def level_ties(audited: Audited) -> Iterator[Finding]:
    """Find options of one level where event rules go by levels."""
    for place in places(audited):
        if not _goes_by_level(audited, place):
            continue
        levels = Counter(
            offer.level for offer in offers(place.part) if offer.option_type is OptionType.OPTION
        )
        ties = sorted(level for level, count in levels.items() if count > 1)
        if ties:
            expected = f"levels that rank the options ({place.part.event_rule} goes by them)"
            found = f"several of level {listed(ties)}"
            yield _warn(audited, place.path, "level_tie", expected, found, "Give each its own level.")


def plan_types_without_a_way_out(audited: Audited) -> Iterator[Finding]:
    """Find plan types that nobody may decline though every option takes something from the employee.

    As far as costs and contributions alone tell; what depends on a price is not claimed.
    """
    for place in places(audited):
        options = [option for option in place.part.options if option.active]
        is_bound = place.part.waive in ("not_allowed", "not_applicable")
        if is_bound and options and all(_takes_from_employee(audited, place, option) for option in options):
            expected = "a waiver, or an option that the employer pays in full"
            cure = "Allow the waiver (`waive: allowed`), or let the employer pay all of an option."
            found = f"`waive: {place.part.waive}`, and the employee pays for each option"
            yield _warn(audited, place.path, "no_way_out", expected, found, cure)


def unmapped_classes(audited: Audited) -> Iterator[Finding]:
    """Find event classes that nothing brings about: no action, no passive event, no person, no life event."""
    if not isinstance(audited.parts, PeoBundle):
        return
    mapped = {part.event_class for part in audited.parts.actions}
    mapped |= {part.event_class for part in audited.parts.passive_events}
    for path, part in numbered(audited.parts.event_classes, "event_classes"):
        is_by_act = part.use == "specific" and not part.manual and part.code in _BY_ACTIONS
        if is_by_act and part.code not in mapped:
            expected = "an action that brings the event class about"
            cure = "Map the action of the HR system to it in `actions`."
            yield _warn(audited, path, "class_unmapped", expected, "none", cure)


WHOLE = 100
_BY_ACTIONS = ("HIR", "TER", "REH")
"""Classes that only a job action can bring about; others come from life events too."""


def _zips(audited: Audited) -> analysis.Zips:
    return lambda geography: audited.zips(geography)["zip"].to_list()


def _hold_together(programs: list[tuple[Path, ProgramPart]], one: ProgramPart, other: ProgramPart) -> bool:
    """Tell whether two versions of two programs hold on a common day."""
    first = max(one.valid_from, other.valid_from)
    return all(_holds_on(programs, program, first) for program in (one, other))


def _holds_on(programs: list[tuple[Path, ProgramPart]], program: ProgramPart, day: Any) -> bool:
    versions = [
        part.valid_from for _, part in programs if part.code == program.code and part.valid_from <= day
    ]
    return bool(versions) and max(versions) == program.valid_from


def _can_both(audited: Audited, one: ProgramPart, other: ProgramPart) -> bool:
    day = max(one.valid_from, other.valid_from)
    sides: list[dict[str, analysis.Admitted]] = []
    for program in (one, other):
        if program.eligibility is None:
            sides.append({})
            continue
        rules = in_force_from(audited.find("eligibility_rules", program.eligibility), day)[:1]
        fields = analysis.admitted(rules[0], _zips(audited)) if rules else None
        if fields is None:
            return False
        sides.append(fields)
    return analysis.can_both_be_met(*sides) is True


def _methods(audited: Audited, place: Place) -> set[DefaultMethod]:
    versions = in_force_from(audited.find("event_rules", place.part.event_rule), place.program.valid_from)
    return {row.default for version in versions for row in version.classes if not row.ignore}


def _goes_by_level(audited: Audited, place: Place) -> bool:
    versions = in_force_from(audited.find("event_rules", place.part.event_rule), place.program.valid_from)
    rows = [row for version in versions for row in version.classes if not row.ignore]
    return any(
        row.level_limit not in (0, 99)
        or row.waived_level_limit not in (0, 99)
        or row.default is DefaultMethod.CURRENT_ELSE_LOWEST
        for row in rows
    )


def _takes_from_employee(audited: Audited, place: Place, option: OptionPart) -> bool:
    """Tell whether an option surely costs the employee: no contribution to a cost, or one of part of it.

    Where there are credits nothing is sure.
    """
    if option.credits or place.part.credits or place.program.credits:
        return False
    return any(
        cost.contribution is None or _is_partial(audited, cost.contribution, place) for cost in option.costs
    )


def _is_partial(audited: Audited, code: str, place: Place) -> bool:
    versions = in_force_from(audited.find("contributions", code), place.program.valid_from)
    return bool(versions) and all(
        part.reference_option is None
        and all(row.employee_percent < WHOLE and not row.fixed_monthly for row in part.rows)
        for part in versions
    )


def _reach(audited: Audited, program: ProgramPart, option: OptionPart) -> str:
    """Say whether all of a program, some or nobody can have an option, as far as rules and persons tell."""
    if _needs_dependents(audited, option):
        return "some"
    if option.eligibility is None or option.eligibility == program.eligibility:
        return "all"
    own, programs = (_fields_of(audited, code, program) for code in (option.eligibility, program.eligibility))
    if own is None or programs is None:
        return "all"  # not understood: nothing is claimed
    if analysis.implies(programs, own):
        return "all"
    return "nobody" if analysis.can_both_be_met(programs, own) is False else "some"


def _fields_of(
    audited: Audited, code: str | None, program: ProgramPart
) -> dict[str, analysis.Admitted] | None:
    if code is None:
        return {}
    rules = in_force_from(audited.find("eligibility_rules", code), program.valid_from)[:1]
    return analysis.admitted(rules[0], _zips(audited)) if rules else None


def _needs_dependents(audited: Audited, option: OptionPart) -> bool:
    """Tell whether the default's coverage code demands anybody beside the employee."""
    for part in audited.find("coverage_codes", str(option.default)) if option.coverage_codes else ():
        if any(count.min > 0 for kind, count in part.persons.items() if kind.value != "EE"):
            return True
    return False
