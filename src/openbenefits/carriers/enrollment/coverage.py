"""A line of coverage (2300) with its providers (2310) and other coverage (2320, 2330)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from openbenefits.carriers.enrollment.person import City, Contact, Name, Street
from openbenefits.carriers.enrollment.record import DAY, Record, at
from openbenefits.carriers.enrollment.statements import Amount, Dated, Other, Reference

BEGIN, END = "348", "349"


@dataclass(frozen=True, kw_only=True)
class Line(Record):
    """HD: what happens to a line of coverage, which it is, by which plan, for whom (tier)."""

    ID: ClassVar[str] = "HD"
    action: str = at(1)
    insurance: str = at(3)
    plan: str = at(4)
    tier: str = at(5)
    late: str = at(9)


@dataclass(frozen=True, kw_only=True)
class Card(Record):
    """IDC: identification cards: text, D dental H health P drugs, how many, 1 add 2 change RX replace."""

    ID: ClassVar[str] = "IDC"
    text: str = at(1)
    kind: str = at(2)
    count: str = at(3)
    action: str = at(4)


@dataclass(frozen=True, kw_only=True)
class ProviderChange(Record):
    """PLA: since when a member has another provider, and why."""

    ID: ClassVar[str] = "PLA"
    action: str = at(1, fixed="2")
    role: str = at(2, fixed="1P")
    on: date | None = at(3, DAY)
    reason: str = at(5)


@dataclass(frozen=True, kw_only=True)
class Provider:
    """2310: the doctor, dentist or other provider of a line; NM110: 25 known patient, 26 not, 72 unknown."""

    name: Name
    streets: tuple[Street, ...] = ()
    city: City | None = None
    contacts: tuple[Contact, ...] = ()
    change: ProviderChange | None = None
    other: tuple[Other, ...] = ()

    def segments(self, number: int) -> Iterator[list[str]]:
        """Answer its segments, the number of the provider first."""
        yield ["LX", str(number)]
        yield self.name.segment()
        yield from _given(*self.streets, self.city, *self.contacts, self.change, *self.other)


@dataclass(frozen=True, kw_only=True)
class OtherCoverage(Record):
    """COB: coverage elsewhere: its order (P S T U), policy, coordination (1 5 6), kinds of service."""

    ID: ClassVar[str] = "COB"
    order: str = at(1)
    policy: str = at(2)
    coordination: str = at(3)
    services: str = at(4)


@dataclass(frozen=True, kw_only=True)
class OtherInsurer:
    """2330: who provides coverage elsewhere."""

    name: Name
    street: Street | None = None
    city: City | None = None
    contact: Contact | None = None
    other: tuple[Other, ...] = ()

    def segments(self) -> Iterator[list[str]]:
        """Answer its segments in the order of the guide."""
        yield self.name.segment()
        yield from _given(self.street, self.city, self.contact, *self.other)


@dataclass(frozen=True, kw_only=True)
class Coordination:
    """2320: coverage elsewhere, with its identifiers, days and insurers."""

    coverage: OtherCoverage
    references: tuple[Reference, ...] = ()
    dates: tuple[Dated, ...] = ()
    other: tuple[Other, ...] = ()
    insurers: tuple[OtherInsurer, ...] = ()

    def segments(self) -> Iterator[list[str]]:
        """Answer its segments in the order of the guide."""
        yield self.coverage.segment()
        yield from _given(*self.references, *self.dates, *self.other)
        for one in self.insurers:
            yield from one.segments()


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """2300: a line of coverage of a member."""

    line: Line
    dates: tuple[Dated, ...] = ()
    amounts: tuple[Amount, ...] = ()
    references: tuple[Reference, ...] = ()
    cards: tuple[Card, ...] = ()
    other: tuple[Other, ...] = ()
    providers: tuple[Provider, ...] = ()
    coordinations: tuple[Coordination, ...] = ()

    def day(self, kind: str) -> date | None:
        """Answer its day of a kind (348 begin, 349 end)."""
        return next((one.on for one in self.dates if one.kind == kind), None)

    def segments(self) -> Iterator[list[str]]:
        """Answer its segments in the order of the guide; prior coverage (REF*QQ) is the last reference."""
        yield self.line.segment()
        references = sorted(self.references, key=lambda one: one.kind == "QQ")
        yield from _given(*self.dates, *self.amounts, *references, *self.cards, *self.other)
        for number, provider in enumerate(self.providers, start=1):
            yield from provider.segments(number)
        for one in self.coordinations:
            yield from one.segments()


def _given(*records: Record | Other | None) -> Iterator[list[str]]:
    for one in records:
        if one is not None:
            yield one.segment()
