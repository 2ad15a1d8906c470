"""A segment as a frozen record: which element is which field; what it does not know keeps its place.

Components and repetitions are held apart by ASCII's own separators, so that a value is the same whatever the
delimiters of the file it came from.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any, ClassVar, Self

COMPONENT = "\x1f"
REPETITION = "\x1e"
DAY_LENGTH = 8


class NotReadable(ValueError):
    """An element that cannot be read: which, and what was expected. What it holds is not repeated."""


@dataclass(frozen=True)
class Codec:
    """How an element becomes a value, and back."""

    read: Callable[[str], Any]
    write: Callable[[Any], str]


def day_of(text: str) -> date:
    """Read a day as CCYYMMDD. Errors: NotReadable."""
    try:
        if len(text) == DAY_LENGTH and text.isascii() and text.isdigit():
            return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        pass
    raise NotReadable("expected a day as CCYYMMDD")


def day_text(day: date) -> str:
    """Write a day as CCYYMMDD."""
    return f"{day.year:04d}{day.month:02d}{day.day:02d}"


def cents_of(text: str) -> int:
    """Read an amount (X12 type R) in cents. Errors: NotReadable, also of more than two decimals."""
    found = re.fullmatch(r"(-?)([0-9]{0,16})(?:\.([0-9]{0,2}))?", text)
    if found is None or not (found[2] or found[3]):
        raise NotReadable("expected an amount with at most two decimals")
    whole = int(found[2] or 0) * 100 + int((found[3] or "").ljust(2, "0"))
    return -whole if found[1] else whole


def cents_text(cents: int) -> str:
    """Write cents as X12 writes amounts: a decimal point only where it is needed."""
    whole, rest = divmod(abs(cents), 100)
    decimals = f".{rest:02d}".rstrip("0") if rest else ""
    return f"{'-' if cents < 0 else ''}{whole}{decimals}"


TEXT = Codec(str, str)
DAY = Codec(day_of, day_text)
CENTS = Codec(cents_of, cents_text)


def at(position: int, codec: Codec = TEXT, *, fixed: str = "", kept: str = "") -> Any:
    """Declare the element a field is read from.

    kept: the qualifier that stands in the element before it whenever the field has a value.
    fixed: the value of an element that is always the same.
    """
    metadata: dict[str, Any] = {"at": position, "codec": codec, "kept": kept}
    return field(default=fixed if codec is TEXT else None, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Record:
    """A segment. beyond: elements this record has no field for, by their position."""

    ID: ClassVar[str] = ""
    beyond: tuple[tuple[int, str], ...] = ()

    @classmethod
    def read(cls, elements: tuple[str, ...], faults: list[str]) -> Self:
        """Read the elements of a segment; what cannot be read stays in its place, with a fault."""
        values: dict[str, Any] = {}
        left = {position: text for position, text in enumerate(elements, start=1) if text}
        for name, position, codec, kept in _layout(cls):
            text = left.get(position, "")
            if not text:
                continue
            if kept and left.get(position - 1, "") != kept:
                faults.append(f"expected {kept} in {cls.ID}{position - 1:02d}")
                continue
            try:
                values[name] = codec.read(text)
            except NotReadable as fault:
                faults.append(f"{fault} in {cls.ID}{position:02d}")
                continue
            left.pop(position)
            if kept:
                left.pop(position - 1)
        for name in _fixed(cls):
            values.setdefault(name, "")
        return cls(beyond=tuple(sorted(left.items())), **values)

    def elements(self) -> list[str]:
        """Answer the elements of its segment, from 01 on; none where it says nothing."""
        found = dict(self.beyond)
        for name, position, codec, kept in _layout(type(self)):
            value = getattr(self, name)
            if value is None or value == "":
                continue
            found[position] = codec.write(value)
            if kept:
                found[position - 1] = kept
        return [found.get(position, "") for position in range(1, max(found, default=0) + 1)]

    def segment(self) -> list[str]:
        """Answer its id and its elements."""
        return [self.ID, *self.elements()]


_Layout = list[tuple[str, int, Codec, str]]
_LAYOUTS: dict[type[Record], tuple[_Layout, list[str]]] = {}


def _layout(kind: type[Record]) -> _Layout:
    """Answer the fields of a record: name, position, codec, qualifier."""
    return _learnt(kind)[0]


def _fixed(kind: type[Record]) -> list[str]:
    """Answer the fields with a value of their own, which an empty element does not have."""
    return _learnt(kind)[1]


def _learnt(kind: type[Record]) -> tuple[_Layout, list[str]]:
    if kind not in _LAYOUTS:
        own = [one for one in fields(kind) if "at" in one.metadata]
        layout = [(one.name, one.metadata["at"], one.metadata["codec"], one.metadata["kept"]) for one in own]
        _LAYOUTS[kind] = layout, [one.name for one in own if one.default]
    return _LAYOUTS[kind]
