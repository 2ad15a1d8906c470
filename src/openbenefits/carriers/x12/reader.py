"""Reads X12 interchanges: any delimiters, a byte-order mark, line ends after segments; faults say where.

The ISA segment has a fixed width, from which the delimiters follow: the character after ISA separates
elements, the 105th components, the 106th ends segments (X12.5). What stands between segments is blank.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

ISA_LENGTH = 106
ISA_ELEMENTS = 16
ENDS = {"IEA": "ISA", "GE": "GS", "SE": "ST"}
CONTROL = {"ISA": 13, "GS": 6, "ST": 2}
"""Which element of an envelope's first segment is its control number; its last segment repeats it in 02."""


NUMBERS, GROUP_COUNT, STRUCTURE, CUT_OFF, CONTENT = "001", "021", "022", "023", "024"
"""TA105: ISA13 and IEA02 differ; IEA01 counts wrong; control structure; premature end; what is within."""


class X12Refused(ValueError):
    """A file that is not X12 as it should be.

    The segment by its number, what was expected, found, the cure. note: what a TA1 says of it (TA105).
    """

    def __init__(self, words: str, *, note: str = CONTENT) -> None:
        """Keep words and note."""
        super().__init__(words)
        self.note = note


class Segment(NamedTuple):
    """A segment: its number in the file from 1, its id, its elements from 01 on."""

    number: int
    id: str
    elements: tuple[str, ...]

    def get(self, position: int) -> str:
        """Answer an element by its position, from 1; empty where it is not there."""
        return self.elements[position - 1] if position <= len(self.elements) else ""


@dataclass(frozen=True, kw_only=True)
class Delimiters:
    """What separates elements, components and segments, and repeats elements."""

    element: str
    component: str
    segment: str
    repetition: str


@dataclass(frozen=True, kw_only=True)
class TransactionSet:
    """One transaction set: what it is, by which guide, its segments from ST to SE, the GS it stands under."""

    code: str
    guide: str
    control_number: str
    segments: Sequence[Segment]
    group: Segment | None = None


@dataclass(frozen=True, kw_only=True)
class Interchange:
    """A file: its delimiters, who sent it to whom, its transaction sets, and what acknowledges envelopes."""

    delimiters: Delimiters
    sender: str
    receiver: str
    control_number: str
    sets: Sequence[TransactionSet]
    header: Segment
    envelope_answers: Sequence[Segment] = ()  # TA1: they stand outside any group
    others: Sequence[Segment] = ()  # ISA of further interchanges: acknowledgements may be gathered so


def is_x12(data: bytes) -> bool:
    """Tell whether a file begins as an interchange does."""
    return data.removeprefix(b"\xef\xbb\xbf").lstrip()[:3] == b"ISA"


def read_envelope(data: bytes) -> tuple[Segment, frozenset[str]]:
    """Answer the ISA segment of a file and the kinds of groups in it (GS01), however wrong the rest is.

    Errors: X12Refused where there is no ISA segment of its fixed width.
    """
    text = _text(data)
    segments = list(_segments(text, _delimiters(text)))
    return segments[0], frozenset(one.get(1) for one in segments if one.id == "GS")


def read_interchange(data: bytes) -> Interchange:
    """Read a file that holds one interchange.

    Errors: X12Refused.
    """
    text = _text(data)
    delimiters = _delimiters(text)
    segments = list(_segments(text, delimiters))
    _check_envelopes(segments)
    first = segments[0]
    return Interchange(
        delimiters=delimiters,
        sender=first.get(6).strip(),
        receiver=first.get(8).strip(),
        control_number=first.get(13),
        sets=_sets(segments),
        header=first,
        envelope_answers=[one for one in segments if one.id == "TA1"],
        others=[one for one in segments[1:] if one.id == "ISA"],
    )


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig").lstrip()
    except UnicodeDecodeError:
        return data.decode("latin-1").lstrip()  # the extended character set of X12


def _delimiters(text: str) -> Delimiters:
    if not text.startswith("ISA") or len(text) < ISA_LENGTH:
        raise X12Refused(
            f"segment 1: expected an ISA segment of {ISA_LENGTH} characters, found "
            f"{'none' if not text.startswith('ISA') else 'a shorter one'}; ask the sender for the whole file"
        )
    found = Delimiters(
        element=text[3], component=text[104], segment=text[105], repetition=text[82] if len(text) > 82 else ""
    )
    if len(text[: ISA_LENGTH - 1].split(found.element)) != ISA_ELEMENTS + 1:
        raise X12Refused(
            f"segment 1: expected {ISA_ELEMENTS} elements of fixed width in ISA, found "
            f"{len(text[: ISA_LENGTH - 1].split(found.element)) - 1}; the sender must not trim its blanks"
        )
    if found.segment in text[: ISA_LENGTH - 1]:
        raise X12Refused(
            f"segment 1: expected the end of ISA in character {ISA_LENGTH}, and nowhere before, found it"
            " earlier; the file was altered, ask for it again"
        )
    return found


def _segments(text: str, delimiters: Delimiters) -> Iterator[Segment]:
    number = 0
    for piece in text.split(delimiters.segment):
        bare = piece.strip("\r\n \t")
        if not bare:
            continue
        number += 1
        name, *elements = bare.split(delimiters.element)
        yield Segment(number, name, tuple(elements))


def _check_envelopes(segments: Sequence[Segment]) -> None:
    """See that each envelope ends, with its own control number and the right count (X12.6).

    Errors: X12Refused.
    """
    open_: list[tuple[Segment, int]] = []  # the segment that began it, how many of its members there were
    for one in segments:
        if one.id in CONTROL:
            if open_:
                open_[-1] = (open_[-1][0], open_[-1][1] + 1)
            open_.append((one, 0))
        elif one.id in ENDS:
            begun = open_.pop() if open_ else None
            if begun is None:
                raise X12Refused(
                    f"segment {one.number}: {one.id} ends an {ENDS[one.id]} that never began", note=STRUCTURE
                )
            if begun[0].id != ENDS[one.id]:
                raise X12Refused(
                    f"segment {begun[0].number}: {begun[0].id} never ends, {one.id} follows at segment"
                    f" {one.number}; the file was cut or altered, ask for it again",
                    note=STRUCTURE,
                )
            _check_end(begun[0], one, begun[1])
    if open_:
        begun_by = open_[-1][0]
        raise X12Refused(
            f"segment {begun_by.number}: {begun_by.id} never ends; the file was cut off, ask for it again",
            note=CUT_OFF,
        )


def _check_end(first: Segment, last: Segment, members: int) -> None:
    counted = last.number - first.number + 1 if first.id == "ST" else members
    if last.get(1).lstrip("0") != str(counted).lstrip("0") or not last.get(1):
        what = "segments" if first.id == "ST" else "members"
        raise X12Refused(
            f"segment {last.number}: {last.id}01 says {last.get(1) or 'nothing'} {what}, found {counted};"
            " the file was cut or altered, ask for it again",
            note=GROUP_COUNT if first.id == "ISA" else CONTENT,
        )
    said = first.get(CONTROL[first.id]).strip().lstrip("0")
    if said != last.get(2).strip().lstrip("0"):
        raise X12Refused(
            f"segment {last.number}: expected control number {said} in {last.id}02, found another;"
            " parts of two files were mixed, ask for it again",
            note=NUMBERS if first.id == "ISA" else CONTENT,
        )


def _sets(segments: Sequence[Segment]) -> list[TransactionSet]:
    found: list[TransactionSet] = []
    start, guide = 0, ""
    group: Segment | None = None
    for at, one in enumerate(segments):
        if one.id == "GS":
            guide, group = one.get(8), one
        elif one.id == "ST":
            start = at
        elif one.id == "SE":
            first = segments[start]
            found.append(
                TransactionSet(
                    code=first.get(1),
                    guide=first.get(3) or guide,
                    control_number=first.get(2),
                    segments=segments[start : at + 1],
                    group=group,
                )
            )
    return found
