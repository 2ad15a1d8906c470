"""Reporting categories (LS*2700 … LE*2700): labels with a value or a day; exchanges put money here."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from openbenefits.carriers.enrollment.record import Record, at
from openbenefits.carriers.enrollment.statements import Dated, Other, Reference


@dataclass(frozen=True, kw_only=True)
class Label(Record):
    """N1*75: the name of a category."""

    ID: ClassVar[str] = "N1"
    role: str = at(1, fixed="75")
    text: str = at(2)


@dataclass(frozen=True, kw_only=True)
class Category:
    """2700: a category with its value and its day."""

    label: Label
    value: Reference | None = None
    on: Dated | None = None
    other: tuple[Other, ...] = ()

    def segments(self, number: int) -> Iterator[list[str]]:
        """Answer its segments, the number of the category first."""
        yield ["LX", str(number)]
        for one in (self.label, self.value, self.on, *self.other):
            if one is not None:
                yield one.segment()
