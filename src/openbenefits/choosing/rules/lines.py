"""What changes, plan type by plan type: what one has today beside what one would have. Pure records."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any


class Change(StrEnum):
    """How a plan type differs from today."""

    SAME = "same"
    PRICE = "price"  # the same coverage, at another price or amount
    CHANGED = "changed"  # another plan, tier, person or amount
    NEW = "new"
    ENDED = "ended"
    NONE = "none"  # nothing before, nothing after


@dataclass(frozen=True, kw_only=True)
class Side:
    """What one has in a plan type, with its price. Cents; None: not known.

    pays: how many pays of the year take how much; they add up to `year_cents` where a year is meant.
    """

    option_id: int | None
    name: str
    tier: str
    coverage_cents: int | None = None
    pledge_cents: int | None = None
    percent_thousandths: int | None = None
    after_tax_thousandths: int | None = None
    hours_hundredths: int | None = None
    dependents: tuple[str, ...] = ()
    receivers: str = ""
    funds: str = ""
    pay_cents: int | None = None
    year_cents: int | None = None
    employer_year_cents: int | None = None
    is_before_tax: bool | None = None
    pays: tuple[tuple[int, int], ...] = ()

    @property
    def is_stated(self) -> bool:
        """Whether its price follows what the person states."""
        return self.pledge_cents is not None or bool(self.percent_thousandths or self.after_tax_thousandths)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A plan type before and after; a side is None where nothing is covered."""

    plan_type: str
    plan_type_name: str
    before: Side | None
    after: Side | None
    begins_on: date | None
    deduction_begins_on: date | None = None
    is_default: bool = False  # nobody chose it: the stated default gives it
    waits_for_cents: int | None = None  # coverage that waits for evidence

    @property
    def change(self) -> Change:
        """How it differs from today."""
        return change_of(self.before, self.after)

    @property
    def dropped(self) -> tuple[str, ...]:
        """Who was covered and would be no more, while others go on."""
        if self.before is None or self.after is None:
            return ()
        return tuple(name for name in self.before.dependents if name not in self.after.dependents)


def change_of(before: Side | None, after: Side | None) -> Change:
    """Compare two sides of a plan type; a cent of the split of a year over its pays is no other price."""
    if before is None:
        return Change.NONE if after is None else Change.NEW
    if after is None:
        return Change.ENDED
    if _content(before) != _content(after):
        return Change.CHANGED
    is_same_price = before.pay_cents == after.pay_cents or before.year_cents == after.year_cents
    is_same = is_same_price and before.coverage_cents == after.coverage_cents
    return Change.SAME if is_same else Change.PRICE


def _content(side: Side) -> tuple[Any, ...]:
    return (
        side.option_id,
        frozenset(side.dependents),
        side.pledge_cents,
        side.percent_thousandths or 0,
        side.after_tax_thousandths or 0,
        side.hours_hundredths,
    )


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What all plan types take together, of a pay and of a year, and what the employer adds. Cents."""

    pay_before_cents: int
    pay_after_cents: int
    year_before_cents: int
    year_after_cents: int
    employer_year_cents: int


def totals_of(lines: Iterable[Line]) -> Totals:
    """Add up lines; what is not known adds nothing."""
    rows = list(lines)

    def added(which: str, what: str) -> int:
        sides = [getattr(row, which) for row in rows]
        return sum(getattr(side, what) or 0 for side in sides if side is not None)

    return Totals(
        pay_before_cents=added("before", "pay_cents"),
        pay_after_cents=added("after", "pay_cents"),
        year_before_cents=added("before", "year_cents"),
        year_after_cents=added("after", "year_cents"),
        employer_year_cents=added("after", "employer_year_cents"),
    )


def pays_told(cents: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Say of the pays of a year how many take how much, the most first.

    >>> pays_told([9231, 9230, 9231])
    ((2, 9231), (1, 9230))
    """
    counted = Counter(cents)
    return tuple((counted[amount], amount) for amount in sorted(counted, reverse=True))


def line_to_json(line: Line) -> dict[str, Any]:
    """Answer what JSON can hold, to be kept with a confirmation."""
    told = asdict(line)
    for name in ("begins_on", "deduction_begins_on"):
        told[name] = told[name] and told[name].isoformat()
    return told


def line_from_json(told: Mapping[str, Any]) -> Line:
    """Read what `line_to_json` wrote."""
    days = {
        name: told[name] and date.fromisoformat(told[name]) for name in ("begins_on", "deduction_begins_on")
    }
    sides = {name: _side(told[name]) for name in ("before", "after")}
    return Line(**(dict(told) | days | sides))


def _side(told: Mapping[str, Any] | None) -> Side | None:
    if told is None:
        return None
    pays = tuple((count, cents) for count, cents in told["pays"])
    return Side(**(dict(told) | {"dependents": tuple(told["dependents"]), "pays": pays}))
