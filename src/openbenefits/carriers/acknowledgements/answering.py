"""Our own 999 for a file somebody sent us, from what was found in it, under control numbers of ours.

Where its envelope is wrong, a TA1. The answers are the same typed rows that a 999 is read into. A 999 is
never answered by a 999.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from openbenefits.carriers.acknowledgements.reader import TRIGGER, GroupAnswer, SetAnswer, SetFinding
from openbenefits.carriers.x12.reader import Segment

GUIDE = "005010X231A1"
ACKNOWLEDGEMENTS = "FA"
MOST_ERRORS = 5
FOUND_LENGTH, LOOP_LENGTH = 99, 4
DELIMITERS = "*:~^"


class AnswerRefused(ValueError):
    """An acknowledgement that may not be sent: what was expected, found, the cure."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """Who answers whom: ids of ISA with their qualifiers, codes of GS; usage is P or T."""

    sender: str
    receiver: str
    sender_qualifier: str = "ZZ"
    receiver_qualifier: str = "ZZ"
    application_sender: str = ""
    application_receiver: str = ""
    usage: str = "P"


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """Control numbers given out for one answer, by the store that gives each out once."""

    interchange: int
    group: int
    first_set: int = 1


def judged(
    kind: str, control_number: str, guide: str, sets: Sequence[SetAnswer], errors: Sequence[str] = ()
) -> GroupAnswer:
    """Answer a group by what is answered to its sets: taken, taken in part, or not at all.

    Shapes: errors are codes of the group as a whole (AK905): any of them rejects it.
    """
    taken = sum(one.is_taken for one in sets)
    if errors or (sets and not taken):
        code = "R"
    elif taken < len(sets):
        code = "P"
    else:
        code = "E" if any(one.code == "E" for one in sets) else "A"
    return GroupAnswer(
        kind=kind,
        control_number=control_number,
        guide=guide,
        code=code,
        included=len(sets),
        received=len(sets),
        accepted=0 if errors else taken,
        errors=tuple(errors),
        sets=tuple(sets),
    )


def written(groups: Sequence[GroupAnswer], address: Address, numbers: Numbers, *, now: datetime) -> bytes:
    """Write the interchange that answers some groups, a 999 each.

    Errors: AnswerRefused where nothing is to be answered, or one of the groups is itself an acknowledgement.
    """
    if not groups:
        raise AnswerRefused("expected at least one group to answer, found none; choose a file with groups")
    if any(one.kind == ACKNOWLEDGEMENTS for one in groups):
        raise AnswerRefused("a 999 is never answered by a 999; read it as an acknowledgement instead")
    lines = [_isa(address, numbers, now), _gs(address, numbers, now)]
    for number, one in enumerate(groups, start=numbers.first_set):
        lines += _set(one, f"{number:04d}")
    lines += [["GE", str(len(groups)), str(numbers.group)], ["IEA", "1", f"{numbers.interchange:09d}"]]
    return "".join("*".join(line) + "~" for line in lines).encode("ascii", "replace")


def refused_envelope(
    header: Segment, note: str, address: Address, numbers: Numbers, *, now: datetime
) -> bytes:
    """Write the TA1, alone in its interchange, that refuses one whose envelope is wrong; note: TA105."""
    answer = ["TA1", header.get(13).strip(), header.get(9), header.get(10), "R", note]
    lines = [_isa(address, numbers, now), answer, ["IEA", "0", f"{numbers.interchange:09d}"]]
    return "".join(
        "*".join(_clean(one) if line is answer else one for one in line) + "~" for line in lines
    ).encode("ascii", "replace")


def _isa(address: Address, numbers: Numbers, now: datetime) -> list[str]:
    return [
        *("ISA", "00", " " * 10, "00", " " * 10),
        *(address.sender_qualifier, f"{address.sender:<15}", address.receiver_qualifier),
        *(f"{address.receiver:<15}", f"{now:%y%m%d}", f"{now:%H%M}", "^", "00501"),
        *(f"{numbers.interchange:09d}", "0", address.usage, ":"),
    ]


def _gs(address: Address, numbers: Numbers, now: datetime) -> list[str]:
    sender = address.application_sender or address.sender
    receiver = address.application_receiver or address.receiver
    when = [f"{now:%Y%m%d}", f"{now:%H%M}"]
    return ["GS", ACKNOWLEDGEMENTS, sender, receiver, *when, str(numbers.group), "X", GUIDE]


def _set(group: GroupAnswer, number: str) -> list[list[str]]:
    body = [["ST", "999", number, GUIDE], _trimmed("AK1", group.kind, group.control_number, group.guide)]
    for one in group.sets:
        body.append(_trimmed("AK2", one.kind, one.control_number, one.guide))
        for found in one.findings:
            body += _finding(found)
        body.append(_trimmed("IK5", one.code, *one.errors[:MOST_ERRORS]))
    counts = [str(number) for number in (group.included, group.received, group.accepted)]
    body.append(_trimmed("AK9", group.code, *counts, *group.errors[:MOST_ERRORS]))
    return [*body, ["SE", str(len(body) + 1), number]]


def _finding(found: SetFinding) -> Iterator[list[str]]:
    at = found.at
    if found.level == "segment":
        yield _trimmed("IK3", at.segment, str(at.number), at.loop[:LOOP_LENGTH], found.code)
        if found.trigger:
            yield ["CTX", TRIGGER, *_clean(found.trigger).split(" ")[:1], str(at.number)]
        if found.member:
            yield ["CTX", f"SUBSCRIBER NUMBER REF02:{_clean(found.member)}"]
        return
    parts = [at.element, at.component, at.repetition]
    while parts[-1] == 0 and len(parts) > 1:
        parts.pop()
    position = ":".join(str(one or "") for one in parts)
    yield _trimmed("IK4", position, found.reference, found.code, _clean(found.found)[:FOUND_LENGTH])


def _clean(text: str) -> str:
    """Take out what separates: delimiters may not occur in data."""
    return text.translate({ord(one): " " for one in DELIMITERS}).strip()


def _trimmed(*parts: str) -> list[str]:
    """Leave off empty elements at the end: the standard forbids them."""
    kept = list(parts)
    while kept and not kept[-1]:
        kept.pop()
    return kept
