"""A member (loop 2000): what is said of him, by what he is known, who he is, what covers him."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from openbenefits.carriers.enrollment.categories import Category
from openbenefits.carriers.enrollment.coverage import Coverage
from openbenefits.carriers.enrollment.person import Party, Person, WrongIdentity, in_order
from openbenefits.carriers.enrollment.record import DAY, Record, at
from openbenefits.carriers.enrollment.statements import Dated, Other, Reference

SUBSCRIBER_ID, GROUP = "0F", "1L"


@dataclass(frozen=True, kw_only=True)
class Standing(Record):
    """INS: subscriber or dependent, how related, what happened (action and reason), in what state he is."""

    ID: ClassVar[str] = "INS"
    subscriber: str = at(1)
    relationship: str = at(2)
    action: str = at(3)
    reason: str = at(4)
    benefit_status: str = at(5)
    medicare: str = at(6)
    cobra_event: str = at(7)
    employment: str = at(8)
    student: str = at(9)
    handicapped: str = at(10)
    died_on: date | None = at(12, DAY, kept="D8")
    confidential: str = at(13)
    birth_sequence: str = at(17)


@dataclass(frozen=True, kw_only=True)
class Disability(Record):
    """DSB: the kind of a disability (1 short, 2 long, 3 permanent, 4 none) and its diagnosis."""

    ID: ClassVar[str] = "DSB"
    kind: str = at(1)
    diagnosis_kind: str = at(7)
    diagnosis: str = at(8)


@dataclass(frozen=True, kw_only=True)
class DisabilityLoop:
    """2200: a disability with its days (360 begin, 361 end)."""

    disability: Disability
    dates: tuple[Dated, ...] = ()
    other: tuple[Other, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Member:
    """2000: one person, subscriber or dependent.

    Missing: person is None where a file names nobody. other: what came before NM1 and nobody knows.
    """

    standing: Standing
    references: tuple[Reference, ...] = ()
    dates: tuple[Dated, ...] = ()
    other: tuple[Other, ...] = ()
    person: Person | None = None
    was: WrongIdentity | None = None
    parties: tuple[Party, ...] = ()
    disabilities: tuple[DisabilityLoop, ...] = ()
    coverages: tuple[Coverage, ...] = ()
    categories: tuple[Category, ...] = ()
    tail: tuple[Other, ...] = ()

    @property
    def is_subscriber(self) -> bool:
        """Tell whether the member is the subscriber of his family."""
        return self.standing.subscriber == "Y"

    def reference(self, kind: str) -> str:
        """Answer an identifier by its kind; empty where it is not there."""
        return next((one.value for one in self.references if one.kind == kind), "")

    @property
    def family(self) -> str:
        """Answer what joins a subscriber and his dependents (REF*0F)."""
        return self.reference(SUBSCRIBER_ID)

    def segments(self) -> Iterator[list[str]]:
        """Answer its segments in the order of the guide: subscriber number and group come first."""
        yield self.standing.segment()
        place = {SUBSCRIBER_ID: 0, GROUP: 1}
        for reference in sorted(self.references, key=lambda one: place.get(one.kind, 2)):
            yield reference.segment()
        yield from (day.segment() for day in self.dates)
        yield from (one.segment() for one in self.other)
        for part in (self.person, self.was, *in_order(self.parties)):
            if part is not None:
                yield from part.segments()
        for loop in self.disabilities:
            yield loop.disability.segment()
            yield from (day.segment() for day in loop.dates)
            yield from (one.segment() for one in loop.other)
        for coverage in self.coverages:
            yield from coverage.segments()
        yield from _categories(self.categories)
        yield from (one.segment() for one in self.tail)


def _categories(told: tuple[Category, ...]) -> Iterator[list[str]]:
    if told:
        yield ["LS", "2700"]
        for number, one in enumerate(told, start=1):
            yield from one.segments(number)
        yield ["LE", "2700"]
