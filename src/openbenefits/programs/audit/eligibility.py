"""Eligibility rules by themselves: criteria that cannot be decided, and links that cannot be followed."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

from openbenefits.programs.audit.context import Audited, listed, numbered
from openbenefits.programs.fields import (
    AGED_FIELDS,
    GEOGRAPHY_FIELD,
    LIST_FIELDS,
    PERSON_FIELDS,
    RANGE_FIELDS,
    SUMMED_FIELDS,
)
from openbenefits.programs.findings import Finding
from openbenefits.programs.links import MOST_GROUPS, CannotLink, linked, single_criteria
from openbenefits.programs.rows.rules import CRITERION_UNITS
from openbenefits.programs.sections.eligibility import CriterionPart
from openbenefits.programs.values import Path

LEAP_YEAR = 2000
_OF_A_GROUP = ("any", "all", "exclude")


def eligibility_rules(audited: Audited) -> Iterator[Finding]:
    """Find criteria that cannot be decided, or are linked in a way that cannot be followed."""
    for path, rule in numbered(audited.parts.eligibility_rules, "eligibility_rules"):
        place = (*path, "criteria")
        singles = list(single_criteria(rule.criteria, place))
        twice = [field for field, count in Counter(one.field for _, one in singles).items() if count > 1]
        if twice:
            cure = "Join the criteria of one field."
            yield audited.finding(path, "criterion", "one criterion for each field", listed(twice), cure)
        yield from _group_faults(audited, rule.criteria, place)
        try:
            linked(rule.criteria)
        except CannotLink as problem:
            expected = (
                f"groups with members, at most {MOST_GROUPS} of which any suffices, none within another"
            )
            cure = "Link the criteria otherwise, or write two rules."
            yield audited.finding(path, "link", expected, str(problem), cure)
        for where, criterion in singles:
            expected = criterion_fault(criterion)
            if expected:
                yield audited.finding(
                    where, "criterion", expected, _found(criterion), "Correct the criterion."
                )


def _group_faults(audited: Audited, criteria: list[CriterionPart], path: Path) -> Iterator[Finding]:
    """Find groups that are two things at once."""
    for number, part in enumerate(criteria):
        here = (*path, number)
        if part.any is None and part.all is None:
            continue
        more = [name for name in _stated(part) if name not in _OF_A_GROUP]
        if more or (part.any is not None and part.all is not None):
            found = listed([*more, *(name for name in ("any", "all") if getattr(part, name) is not None)])
            cure = "Write a group and a criterion as two."
            yield audited.finding(here, "link", "`any` or `all`, and nothing besides", found, cure)
        yield from _group_faults(audited, part.any or [], (*here, "any"))
        yield from _group_faults(audited, part.all or [], (*here, "all"))


def _stated(part: CriterionPart) -> list[str]:
    """Name what a criterion states, beyond what is so anyway."""
    usual: Any = CriterionPart()
    return [name for name in part.__struct_fields__ if getattr(part, name) != getattr(usual, name)]


def criterion_fault(part: CriterionPart) -> str:
    """Say what a criterion should be, if it is not."""
    return _value_fault(part) or _day_fault(part) or _jobs_fault(part)


def _value_fault(part: CriterionPart) -> str:
    bounds = [bound for bound in (part.min, part.max) if bound is not None]
    if part.field in RANGE_FIELDS:
        is_range = bounds and part.values is None and part.geography is None
        unit = CRITERION_UNITS.get(part.field, 1)
        if not is_range or any(bound * unit % 1 for bound in bounds) or bounds != sorted(bounds):
            return f"`min` or `max`, min not above max, in steps of 1/{unit}"
    elif part.field in LIST_FIELDS:
        if bounds or part.geography or not part.values:
            return "`values`, a list with at least one code"
    elif part.field == GEOGRAPHY_FIELD:
        if bounds or part.values is not None or not part.geography:
            return "a `geography`"
    else:
        return f"one of the fields {', '.join([*RANGE_FIELDS, *LIST_FIELDS, GEOGRAPHY_FIELD])}"
    return ""


def _day_fault(part: CriterionPart) -> str:
    if part.as_of == "event_date":
        return "an `as_of_day` only with `as_of: this_year` or `last_year`" if part.as_of_day else ""
    if part.field not in AGED_FIELDS:
        return f"`as_of` only with {' or '.join(AGED_FIELDS)}"
    return "" if _is_day(part.as_of_day) else "an `as_of_day` such as 12-31"


def _is_day(text: str) -> bool:
    if not re.fullmatch(r"\d\d-\d\d", text):
        return False
    month, day = (int(part) for part in text.split("-"))
    try:
        date(LEAP_YEAR, month, day)
    except ValueError:
        return False
    return True


def _jobs_fault(part: CriterionPart) -> str:
    if part.jobs == "primary" and part.evaluation != "one":
        return "`evaluation` only with several jobs (`jobs: flagged` or `all_flagged`)"
    if part.field in PERSON_FIELDS and (part.jobs != "primary" or part.active_only):
        return f"`jobs` and `active_only` only with what a job says, not with {', '.join(PERSON_FIELDS)}"
    if part.evaluation == "sum" and part.field not in SUMMED_FIELDS:
        return f"`evaluation: sum` only with {' or '.join(SUMMED_FIELDS)}"
    return ""


def _found(part: CriterionPart) -> str:
    stated = [f"{name} {getattr(part, name)}" for name in _stated(part) if name != "field"]
    return f"`{part.field}` with {listed(stated) or 'nothing'}"
