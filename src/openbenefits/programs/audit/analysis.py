"""What can be said of eligibility rules without people: whom a rule can admit, and how two rules lie.

Each field of a rule admits a set: spans of numbers, or a list of words, or all words but a list. A criterion
that says more than that is left alone: of such a rule nothing is claimed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from openbenefits.programs.fields import LIST_FIELDS, RANGE_FIELDS
from openbenefits.programs.rows.rules import CRITERION_UNITS
from openbenefits.programs.sections.eligibility import CriterionPart, EligibilityRulePart

UNDERSTOOD = {"field", "min", "max", "values", "geography", "exclude"}
UNDERSTOOD_OF_RULE = {"valid_from", "source", "code", "name", "criteria"}
Span = tuple[int, int | None]
"""From a number to a number, both in it; without end where there is none."""


@dataclass(frozen=True)
class Words:
    """Some words, or all but some."""

    words: frozenset[str]
    is_all_but: bool = False

    def meets(self, other: "Words") -> bool:
        """Tell whether a word lies in both."""
        if self.is_all_but and other.is_all_but:
            return True
        if self.is_all_but or other.is_all_but:
            few, most = (other, self) if self.is_all_but else (self, other)
            return bool(few.words - most.words)
        return bool(self.words & other.words)

    def lies_in(self, other: "Words") -> bool:
        """Tell whether every word of this lies in the other."""
        if not other.is_all_but:
            return not self.is_all_but and self.words <= other.words
        return other.words <= self.words if self.is_all_but else not self.words & other.words


Admitted = Words | tuple[Span, ...]
Zips = Callable[[str], Iterable[str]]
"""Answers the zip codes of a geography."""


def admitted(rule: EligibilityRulePart, zips: Zips) -> dict[str, Admitted] | None:
    """Answer what each field of a rule admits; None for a rule that is not understood."""
    if _more_than(rule, UNDERSTOOD_OF_RULE):
        return None
    found: dict[str, Admitted] = {}
    for criterion in rule.criteria:
        own = None if _more_than(criterion, UNDERSTOOD) else _of_criterion(criterion, zips)
        if own is None or criterion.field in found:
            return None
        found[criterion.field] = own
    return found


def is_empty(one: Admitted, known: Iterable[str] | None = None) -> bool:
    """Tell whether nothing is admitted, among the words that are known if they are."""
    if not isinstance(one, Words):
        return not one
    if one.is_all_but:
        return known is not None and not set(known) - one.words
    return not one.words


def can_both_be_met(one: dict[str, Admitted], other: dict[str, Admitted]) -> bool | None:
    """Tell whether somebody can meet both rules; None where they look at different fields.

    >>> young, old = {"age_years": ((0, 64),)}, {"age_years": ((65, None),)}
    >>> can_both_be_met(young, old), can_both_be_met(young, young), can_both_be_met(young, {"x": ((1, 2),)})
    (False, True, None)
    """
    shared = one.keys() & other.keys()
    if not all(_meet(one[field], other[field]) for field in shared):
        return False
    return True if one.keys() <= other.keys() or other.keys() <= one.keys() else None


def implies(one: dict[str, Admitted], other: dict[str, Admitted]) -> bool:
    """Tell whether whoever meets a rule meets the other."""
    return all(field in one and _lies_in(one[field], other[field]) for field in other)


def _more_than(part: msgspec.Struct, understood: set[str]) -> bool:
    """Tell whether a part states something beside the fields understood."""
    for field in msgspec.structs.fields(part):
        default = field.default if field.default is not msgspec.NODEFAULT else None
        if field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        if field.name not in understood and getattr(part, field.name) != default:
            return True
    return False


def _of_criterion(part: CriterionPart, zips: Zips) -> Admitted | None:
    if part.geography is not None:
        return Words(frozenset(zips(part.geography)), part.exclude)
    if part.field in LIST_FIELDS and part.values is not None:
        return Words(frozenset(part.values), part.exclude)
    if part.field not in RANGE_FIELDS:
        return None
    unit = CRITERION_UNITS.get(part.field, 1)
    low = 0 if part.min is None else max(0, int(part.min * unit))
    high = None if part.max is None else int(part.max * unit)
    if not part.exclude:
        return () if high is not None and high < low else ((low, high),)
    below: tuple[Span, ...] = ((0, low - 1),) if low > 0 else ()
    return below if high is None else (*below, (high + 1, None))


def _meet(one: Admitted, other: Admitted) -> bool:
    if isinstance(one, Words) or isinstance(other, Words):
        return not isinstance(one, Words) or not isinstance(other, Words) or one.meets(other)
    return any(_overlap(a, b) for a in one for b in other)


def _overlap(one: Span, other: Span) -> bool:
    first, last = max(one[0], other[0]), min(one[1] or 2**62, other[1] or 2**62)
    return first <= last


def _lies_in(one: Admitted, other: Admitted) -> bool:
    if isinstance(one, Words) or isinstance(other, Words):
        return isinstance(one, Words) and isinstance(other, Words) and one.lies_in(other)
    return all(
        any(b[0] <= a[0] and (b[1] is None or (a[1] is not None and a[1] <= b[1])) for b in other)
        for a in one
    )
