"""How the criteria of a rule are linked, brought into one shape: all are needed, of some groups any one.

A criterion may be a group: of `any` one member suffices, of `all` every member is needed; `exclude` turns a
group round as it turns a criterion. What is written is brought down to single criteria, each needed by itself
or one of a group of which one suffices: an excluded `all` is any of the excluded ones, an excluded `any` is
all of them, an `all` among the criteria of a rule, and an `any` within an `any`, dissolve.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from openbenefits.programs.sections.eligibility import CriterionPart
from openbenefits.programs.values import Path

MOST_GROUPS = 3
"""Of how many groups of a rule one member may suffice: each takes a mask in the rulebook."""

Literal = tuple[CriterionPart, bool]


class CannotLink(ValueError):
    """Criteria are linked in a way that has no such shape; the message says how."""


@dataclass(frozen=True)
class Linked:
    """A single criterion of a rule: whether meeting it excludes, and its group of `any` (0: none)."""

    part: CriterionPart
    is_excluding: bool
    any_group: int


def linked(criteria: Sequence[CriterionPart]) -> list[Linked]:
    """Bring the criteria of a rule into one shape.

    Errors: CannotLink where within an `any` several are needed together, a group has no members, or there
            are more than `MOST_GROUPS` groups.
    """
    found, groups = [], 0
    for part in criteria:
        for one_of in _alternatives(part, is_turned=False):
            is_group = len(one_of) > 1
            groups += is_group
            found += [Linked(member, is_out, groups * is_group) for member, is_out in one_of]
    if groups > MOST_GROUPS:
        raise CannotLink(f"{groups} groups of which any suffices")
    return found


def single_criteria(
    criteria: Sequence[CriterionPart], path: Path = ()
) -> Iterator[tuple[Path, CriterionPart]]:
    """Yield the criteria that are no groups, with the way to each."""
    for number, part in enumerate(criteria):
        here = (*path, number)
        if part.any is None and part.all is None:
            yield here, part
        yield from single_criteria(part.any or (), (*here, "any"))
        yield from single_criteria(part.all or (), (*here, "all"))


def _alternatives(part: CriterionPart, *, is_turned: bool) -> list[list[Literal]]:
    """Write a criterion out as lists, all needed, of alternatives of which one suffices."""
    is_turned ^= part.exclude
    if part.any is None and part.all is None:
        return [[(part, is_turned)]]
    members = [*(part.any or ()), *(part.all or ())]
    if not members:
        raise CannotLink("a group without members")
    inside = [_alternatives(member, is_turned=is_turned) for member in members]
    one_suffices = (part.any is not None) != is_turned
    if not one_suffices:
        return [one_of for needed in inside for one_of in needed]
    if any(len(needed) > 1 for needed in inside):
        raise CannotLink("within a group of which any suffices, several that are needed together")
    return [[literal for (one_of,) in inside for literal in one_of]]
