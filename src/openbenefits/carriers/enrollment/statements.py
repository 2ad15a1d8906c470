"""Segments of several loops: reference (REF), date (DTP), amount (AMT), and a segment nobody knows."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Self

from openbenefits.carriers.enrollment.record import (
    CENTS,
    NotReadable,
    Record,
    at,
    day_of,
    day_text,
)

DAYS_OF = {"D8": 1, "RD8": 2}


@dataclass(frozen=True, kw_only=True)
class Reference(Record):
    """REF: an identifier and of what kind it is (0F subscriber, 1L group or policy, DX department …)."""

    ID: ClassVar[str] = "REF"
    kind: str = at(1)
    value: str = at(2)


@dataclass(frozen=True, kw_only=True)
class Dated(Record):
    """DTP: a day of a kind (348 benefit begin, 349 benefit end …), or the period that begins with it.

    Missing: a day that cannot be read is None, and stays in `beyond`.
    """

    ID: ClassVar[str] = "DTP"
    kind: str
    on: date | None = None
    through: date | None = None

    @classmethod
    def read(cls, elements: tuple[str, ...], faults: list[str]) -> Self:
        """Read a day (D8) or a period (RD8)."""
        kind, way, text = (*elements, "", "", "")[:3]
        left = [(position, one) for position, one in enumerate(elements[3:], start=4) if one]
        days = [text] if way == "D8" else text.split("-") if way == "RD8" else []
        try:
            if len(days) != DAYS_OF.get(way):
                raise NotReadable("expected D8 with a day or RD8 with a period in DTP02, none")
            read = [day_of(one) for one in days]
        except NotReadable as fault:
            faults.append(f"{fault} in DTP03")
            return cls(kind=kind, beyond=((2, way), (3, text), *left))
        return cls(kind=kind, on=read[0], through=read[1] if len(read) > 1 else None, beyond=tuple(left))

    def elements(self) -> list[str]:
        """Answer kind, way and day."""
        found = dict(self.beyond) | {1: self.kind}
        if self.on is not None and self.through is not None:
            found |= {2: "RD8", 3: f"{day_text(self.on)}-{day_text(self.through)}"}
        elif self.on is not None:
            found |= {2: "D8", 3: day_text(self.on)}
        return [found.get(position, "") for position in range(1, max(found) + 1)]


@dataclass(frozen=True, kw_only=True)
class Amount(Record):
    """AMT: money of a kind (P3 premium, D2 deductible, C1 co-payment, B9 co-insurance …). Units: cents."""

    ID: ClassVar[str] = "AMT"
    kind: str = at(1)
    cents: int | None = at(2, CENTS)


@dataclass(frozen=True, kw_only=True)
class Other:
    """A segment kept as it came: unknown, or out of place."""

    id: str
    values: tuple[str, ...] = ()

    def segment(self) -> list[str]:
        """Answer its id and its elements."""
        return [self.id, *self.values]
