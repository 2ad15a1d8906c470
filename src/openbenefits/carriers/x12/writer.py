"""Writes X12 interchanges: envelopes with right counts; data never holds a delimiter.

The form of a file (delimiters, line ends, case, letters) is its receiver's; control numbers are handed in.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from openbenefits.carriers.x12.reader import Delimiters

COMPONENT = "\x1f"
REPETITION = "\x1e"
SEPARATORS = 4
WIDTHS = (2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1)
"""How wide the elements of ISA are, from 01 on."""

LETTERS = str.maketrans(
    {"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D"}
    | {
        "ð": "d",
        "Ð": "D",
        "þ": "th",
        "Þ": "TH",
        "ł": "l",
        "Ł": "L",
        "\u0131": "i",
        "\u2018": "'",
        "\u2019": "'",
    }
    | {"\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-"}
)
"""Letters and marks that Unicode does not take apart into a plain letter and an accent."""


class NotWritable(ValueError):
    """A file that cannot be written: which element, what was expected, the cure."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """How a receiver wants a file written.

    line_end: after each segment. is_upper: capitals only. is_plain: letters without accents, ASCII only.
    """

    delimiters: Delimiters = field(
        default=Delimiters(element="*", component=":", segment="~", repetition="^")
    )
    line_end: str = ""
    is_upper: bool = True
    is_plain: bool = True

    def __post_init__(self) -> None:
        """See that the delimiters differ and are no letters, digits or blanks. Errors: NotWritable."""
        told = self.delimiters
        marks = [told.element, told.component, told.segment, told.repetition]
        is_mark = all(len(one) == 1 and not one.isalnum() and one not in " .-+" for one in marks)
        if len(set(marks)) != SEPARATORS or not is_mark or self.line_end.strip("\r\n"):
            raise NotWritable(
                "delimiters: expected four different marks, and line ends of CR and LF only;"
                " correct the profile of the receiver"
            )

    def clean(self, text: str) -> str:
        """Answer a value as it may stand in the file: letters as wanted, no delimiters inside."""
        if self.is_plain and not text.isascii():
            apart = unicodedata.normalize("NFKD", text.translate(LETTERS))
            text = "".join(one if one.isascii() else _stand_in(one) for one in apart)
        if self.is_upper:
            text = text.upper()
        return text.translate(self._table).strip()

    def joined(self, values: Sequence[str]) -> str:
        """Answer values put together, each as it may stand in the file; most may stand there as they are."""
        mark = self.delimiters.element
        text = mark.join(values)
        is_plain = text.isascii() and text.isprintable() and text.count(mark) == len(values) - 1
        if is_plain and not any(one in text for one in self._unwanted) and text == text.strip():
            return text.upper() if self.is_upper else text
        return mark.join([self.clean(one) for one in values])

    @cached_property
    def _unwanted(self) -> tuple[str, ...]:
        """Answer what must not stand in values as they are: delimiters, and blanks around a value."""
        told = self.delimiters
        return (told.component, told.segment, told.repetition, f" {told.element}", f"{told.element} ")

    @cached_property
    def _table(self) -> dict[int, str]:
        """Answer what stands for each letter that may not stand in a value."""
        told = self.delimiters
        blanks = dict.fromkeys((*range(32), *range(127, 160), 0x2028, 0x2029), " ")
        blanks |= {ord(one): " " for one in (told.element, told.component, told.segment, told.repetition)}
        return blanks | {ord(COMPONENT): told.component, ord(REPETITION): told.repetition}


def _stand_in(letter: str) -> str:
    """Answer what stands for a letter that is not plain: nothing for an accent, else a question mark."""
    return "" if unicodedata.combining(letter) else "?"


@dataclass(frozen=True, kw_only=True)
class SetToWrite:
    """A transaction set: its code, guide and control number, and what stands between ST and SE."""

    code: str
    guide: str
    control_number: str
    segments: Iterable[Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class GroupToWrite:
    """A functional group: the elements of GS from 01 to 08, and its sets."""

    header: Sequence[str]
    sets: Sequence[SetToWrite]


def write_interchange(header: Sequence[str], groups: Sequence[GroupToWrite], form: Form) -> bytes:
    """Write one interchange. header: the elements of ISA but for its delimiters (11 and 16 are the form's).

    Errors: NotWritable where an element of ISA is too long.
    """
    lines = [_isa(header, form)]
    for group in groups:
        lines.append(_line(["GS", *group.header], form))
        for one in group.sets:
            body = [_line(segment, form) for segment in one.segments]
            body = [line for line in body if line]
            lines.append(_line(["ST", one.code, one.control_number, one.guide], form))
            lines += body
            lines.append(_line(["SE", str(len(body) + 2), one.control_number], form))
        lines.append(_line(["GE", str(len(group.sets)), group.header[5]], form))
    lines.append(_line(["IEA", str(len(groups)), header[12]], form))
    end = form.delimiters.segment + form.line_end
    return (end.join(lines) + end).encode("ascii" if form.is_plain else "utf-8")


def _line(segment: Sequence[str], form: Form) -> str:
    """Write a segment without trailing empty elements; nothing where it says nothing."""
    line = form.joined(segment).rstrip(form.delimiters.element)
    says_something = form.delimiters.element in line and not line.startswith(form.delimiters.element)
    return line if says_something else ""


def _isa(header: Sequence[str], form: Form) -> str:
    values = [form.clean(one) for one in header]
    values[10], values[15] = form.delimiters.repetition, form.delimiters.component
    for position, (value, width) in enumerate(zip(values, WIDTHS, strict=True), start=1):
        if len(value) > width:
            raise NotWritable(
                f"ISA{position:02d}: expected at most {width} characters, found {len(value)};"
                " correct the profile of the receiver"
            )
    padded = [value.ljust(width) for value, width in zip(values, WIDTHS, strict=True)]
    return form.delimiters.element.join(["ISA", *padded])
