"""999 (005010X231, X231A1) and TA1 as typed rows: what of a file was taken, what was not, and why.

A 999 answers one group; a file may hold several, of several groups, and TA1s, or a TA1 alone. Values a
receiver echoes (IK404, CTX) may be personal: they are never part of what is said in words.
Source: carrier-feeds §7.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from openbenefits.carriers.acknowledgements.words import TAKEN, answered, said
from openbenefits.carriers.x12.reader import Segment, X12Refused, read_interchange

CODE = "999"
TRIGGER = "SITUATIONAL TRIGGER"

FINDING = {
    "level": pl.String,
    "interchange": pl.String,
    "group": pl.String,
    "set": pl.String,
    "segment": pl.String,
    "position": pl.Int64,
    "loop": pl.String,
    "element": pl.Int64,
    "component": pl.Int64,
    "repetition": pl.Int64,
    "reference": pl.String,
    "code": pl.String,
    "member": pl.String,
    "trigger": pl.String,
    "found": pl.String,
    "words": pl.String,
}
"""A finding: level is interchange, group, set, segment or element; position counts segments from ST, the 1st.

member: what the receiver says of whom it speaks (a subscriber number, say); found: the element it refuses.
Both may be personal. Missing: empty or null where the level has none.
"""


@dataclass(frozen=True, kw_only=True)
class EnvelopeAnswer:
    """A TA1: whether the envelope of an interchange could be read."""

    control_number: str  # TA101: ours, ISA13
    code: str  # TA104
    note: str  # TA105

    @property
    def is_taken(self) -> bool:
        """Whether the file may go on to be read."""
        return self.code in TAKEN


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where in a transaction set something is; 0 stands for a part that is not named."""

    segment: str
    number: int
    loop: str = ""
    element: int = 0
    component: int = 0
    repetition: int = 0


@dataclass(frozen=True, kw_only=True)
class SetFinding:
    """One thing said of a segment or an element (IK3, IK4), with what CTX adds."""

    level: str
    at: Position
    code: str
    reference: str = ""  # IK402: the number of the data element
    found: str = ""  # IK404
    member: str = ""
    trigger: str = ""


@dataclass(frozen=True, kw_only=True)
class SetAnswer:
    """What is answered to one transaction set (AK2 to IK5)."""

    kind: str
    control_number: str
    guide: str = ""
    code: str
    errors: Sequence[str] = ()
    findings: Sequence[SetFinding] = ()

    @property
    def is_taken(self) -> bool:
        """Whether its content counts as told."""
        return self.code in TAKEN


@dataclass(frozen=True, kw_only=True)
class GroupAnswer:
    """What is answered to one group (AK1 to AK9); code is empty where AK9 is missing."""

    kind: str
    control_number: str
    guide: str
    code: str
    included: int
    received: int
    accepted: int
    errors: Sequence[str] = ()
    sets: Sequence[SetAnswer] = ()

    @property
    def words(self) -> str:
        """Say in a sentence what became of the group."""
        taken = f"{self.accepted} of {self.received} transaction sets taken"
        return f"Group {self.control_number} ({self.kind}) is {answered(self.code)}: {taken}."


@dataclass(frozen=True, kw_only=True)
class Acknowledgements:
    """All a file acknowledges, and who sent it to whom."""

    sender: str
    receiver: str
    control_number: str
    envelopes: Sequence[EnvelopeAnswer]
    groups: Sequence[GroupAnswer]

    @property
    def findings(self) -> pl.DataFrame:
        """Everything found, a row each, as FINDING, in the order it was said."""
        rows = [*_of_envelopes(self.envelopes), *(row for one in self.groups for row in _of_group(one))]
        return pl.DataFrame(
            [[row.get(name) for name in FINDING] for row in rows], schema=FINDING, orient="row"
        )


def read_acknowledgements(data: bytes) -> Acknowledgements:
    """Read the 999s and TA1s of a file.

    Errors: X12Refused for a file that is no X12, acknowledges nothing, or says something that cannot be.
    """
    told = read_interchange(data)
    component = told.delimiters.component
    groups = [_group(one.segments, component) for one in told.sets if one.code == CODE]
    envelopes = [
        EnvelopeAnswer(control_number=one.get(1), code=one.get(4), note=one.get(5))
        for one in told.envelope_answers
    ]
    if not groups and not envelopes:
        raise X12Refused("expected a 999 or a TA1, found neither; choose the file the receiver answered with")
    return Acknowledgements(
        sender=told.sender,
        receiver=told.receiver,
        control_number=told.control_number,
        envelopes=envelopes,
        groups=groups,
    )


@dataclass
class _Reading:
    """How far a 999 has been read; what is open is closed by its trailer."""

    component: str
    group: Segment | None = None
    set: Segment | None = None
    segment: Segment | None = None
    findings: list[SetFinding] = field(default_factory=list)
    sets: list[SetAnswer] = field(default_factory=list)
    trailer: Segment | None = None


def _group(segments: Sequence[Segment], component: str) -> GroupAnswer:
    state = _Reading(component=component)
    for one in segments:
        reader = _READERS.get(one.id)
        if reader is not None:
            reader(state, one)
    first = state.group
    if first is None:
        raise X12Refused(
            f"segment {segments[0].number}: expected AK1 after ST, found none; ask the sender for a 999 that"
            " says which group it answers"
        )
    if state.set is not None:
        raise X12Refused(f"segment {state.set.number}: expected IK5 after AK2, found none; ask for it again")
    last = state.trailer or Segment(first.number, "AK9", ())
    return GroupAnswer(
        kind=first.get(1),
        control_number=first.get(2),
        guide=first.get(3),
        code=last.get(1),
        included=_count(last, 2),
        received=_count(last, 3),
        accepted=_count(last, 4),
        errors=tuple(one for one in last.elements[4:] if one),
        sets=tuple(state.sets),
    )


def _ak1(state: _Reading, one: Segment) -> None:
    state.group = one


def _ak2(state: _Reading, one: Segment) -> None:
    if state.set is not None:
        raise X12Refused(
            f"segment {one.number}: expected IK5 before the next AK2, found none; ask for it again"
        )
    state.set, state.segment, state.findings = one, None, []


def _ik3(state: _Reading, one: Segment) -> None:
    _inside(state, one)
    state.segment = one
    at = Position(segment=one.get(1), number=_count(one, 2), loop=one.get(3))
    state.findings.append(SetFinding(level="segment", at=at, code=one.get(4)))


def _ctx(state: _Reading, one: Segment) -> None:
    """Add to the finding before it, whom it is about, or which segment makes the guide want it."""
    if not state.findings:
        return
    name, _, value = one.get(1).partition(state.component)
    last = state.findings[-1]
    if name == TRIGGER:
        where = " ".join(filter(None, (one.get(2), one.get(4) and f"in loop {one.get(4)}")))
        state.findings[-1] = replace(last, trigger=where or last.trigger)
    else:
        state.findings[-1] = replace(last, member=value)


def _ik4(state: _Reading, one: Segment) -> None:
    _inside(state, one)
    if state.segment is None:
        raise X12Refused(f"segment {one.number}: expected IK3 before IK4, found none; ask for it again")
    parts = [_number(one, text) for text in one.get(1).split(state.component)]
    element, component, repetition = [*parts, 0, 0, 0][:3]
    held = state.segment
    before = next(found for found in reversed(state.findings) if found.level == "segment")
    at = Position(
        segment=held.get(1),
        number=_count(held, 2),
        loop=held.get(3),
        element=element,
        component=component,
        repetition=repetition,
    )
    state.findings.append(
        SetFinding(
            level="element",
            at=at,
            code=one.get(3),
            reference=one.get(2),
            found=one.get(4),
            member=before.member,
        )
    )


def _ik5(state: _Reading, one: Segment) -> None:
    answered_set = _inside(state, one)
    state.sets.append(
        SetAnswer(
            kind=answered_set.get(1),
            control_number=answered_set.get(2),
            guide=answered_set.get(3),
            code=one.get(1),
            errors=tuple(code for code in one.elements[1:] if code),
            findings=tuple(state.findings),
        )
    )
    state.set = state.segment = None
    state.findings = []


def _ak9(state: _Reading, one: Segment) -> None:
    state.trailer = one


_READERS = {"AK1": _ak1, "AK2": _ak2, "IK3": _ik3, "CTX": _ctx, "IK4": _ik4, "IK5": _ik5, "AK9": _ak9}


def _inside(state: _Reading, one: Segment) -> Segment:
    """Answer the AK2 that is open."""
    if state.set is None:
        raise X12Refused(f"segment {one.number}: expected AK2 before {one.id}, found none; ask for it again")
    return state.set


def _count(one: Segment, position: int) -> int:
    return _number(one, one.get(position))


def _number(one: Segment, text: str) -> int:
    if text and not (text.isascii() and text.isdecimal()):
        raise X12Refused(
            f"segment {one.number}: expected a number in {one.id}, found something else; ask the sender to"
            " correct it"
        )
    return int(text or 0)


def _of_envelopes(envelopes: Sequence[EnvelopeAnswer]) -> Iterator[dict[str, object]]:
    for one in envelopes:
        words = f"The interchange is {answered(one.code)}: {said('interchange', one.note)}."
        yield {
            "level": "interchange",
            "interchange": one.control_number,
            "code": one.note,
            "words": words,
        }


def _of_group(group: GroupAnswer) -> Iterator[dict[str, object]]:
    of: dict[str, object] = {"group": group.control_number}
    for one in group.sets:
        inside = of | {"set": one.control_number}
        for found in one.findings:
            yield inside | _of_finding(found)
        for code in one.errors:
            words = f"Set {one.control_number} is {answered(one.code)}: {said('set', code)}."
            yield inside | {"level": "set", "code": code, "words": words}
    for code in group.errors:
        words = f"Group {group.control_number} is {answered(group.code)}: {said('group', code)}."
        yield of | {"level": "group", "code": code, "words": words}
    if not group.code:
        words = f"Nothing final is said of group {group.control_number}: the receiver did not finish."
        yield of | {"level": "group", "code": "", "words": words}


def _of_finding(found: SetFinding) -> dict[str, object]:
    at = found.at
    where = f"segment {at.number} ({at.segment}{f' in loop {at.loop}' if at.loop else ''})"
    if found.level == "element":
        part = f", component {at.component}" if at.component else ""
        words = f"At {where}, element {at.element:02d}{part} {said('element', found.code)}."
    else:
        because = f"; {found.trigger} makes it so" if found.trigger else ""
        words = f"At {where}: {said('segment', found.code)}{because}."
    return {
        "level": found.level,
        "segment": at.segment,
        "position": at.number,
        "loop": at.loop or None,
        "element": at.element or None,
        "component": at.component or None,
        "repetition": at.repetition or None,
        "reference": found.reference or None,
        "code": found.code,
        "member": found.member or None,
        "trigger": found.trigger or None,
        "found": found.found or None,
        "words": words,
    }
