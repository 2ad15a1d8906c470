"""What stands before the members: BGN, REF*38, DTP, QTY; sponsor, insurer, brokers (1000A to 1000C)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from openbenefits.carriers.enrollment.record import DAY, Codec, NotReadable, Record, at
from openbenefits.carriers.enrollment.statements import Dated, Other, Reference

CHANGES, FULL, REPLACE = "2", "4", "RX"
SPONSOR, INSURER = "P5", "IN"
COUNT_DIGITS = 15


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= COUNT_DIGITS):
        raise NotReadable("expected a number")
    return int(text)


COUNT = Codec(_count, str)


@dataclass(frozen=True, kw_only=True)
class Beginning(Record):
    """BGN: purpose (00 original, 15 again, 22 copy), our file id, when, and what the file is (2, 4, RX)."""

    ID: ClassVar[str] = "BGN"
    purpose: str = at(1)
    reference: str = at(2)
    on: date | None = at(3, DAY)
    time: str = at(4)
    zone: str = at(5)
    original_reference: str = at(6)
    action: str = at(8)


@dataclass(frozen=True, kw_only=True)
class Quantity(Record):
    """QTY: how many members (TO), subscribers (ET) and dependents (DT) the set holds."""

    ID: ClassVar[str] = "QTY"
    kind: str = at(1)
    count: int | None = at(2, COUNT)


@dataclass(frozen=True, kw_only=True)
class Organization(Record):
    """N1: sponsor (P5), insurer (IN), broker (BO) or administrator (TV), with its identifier."""

    ID: ClassVar[str] = "N1"
    role: str = at(1)
    name: str = at(2)
    id_kind: str = at(3)
    id: str = at(4)


@dataclass(frozen=True, kw_only=True)
class Account(Record):
    """ACT: the accounts of a broker or administrator (1100C)."""

    ID: ClassVar[str] = "ACT"
    number: str = at(1)
    second: str = at(6)


@dataclass(frozen=True, kw_only=True)
class Broker:
    """1000C: a broker (BO) or administrator (TV) with its account."""

    party: Organization
    account: Account | None = None


@dataclass(frozen=True, kw_only=True)
class Header:
    """All that stands before the members of a set."""

    beginning: Beginning
    references: tuple[Reference, ...] = ()
    dates: tuple[Dated, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    sponsor: Organization | None = None
    insurer: Organization | None = None
    brokers: tuple[Broker, ...] = ()
    other: tuple[Other, ...] = ()

    def segments(self) -> Iterator[list[str]]:
        """Answer its segments in the order of the guide; those nobody knows come last."""
        yield self.beginning.segment()
        for one in (*self.references, *self.dates, *self.quantities):
            yield one.segment()
        for party in (self.sponsor, self.insurer):
            if party is not None:
                yield party.segment()
        for broker in self.brokers:
            yield broker.party.segment()
            if broker.account is not None:
                yield broker.account.segment()
        for other in self.other:
            yield other.segment()
