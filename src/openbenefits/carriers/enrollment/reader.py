"""Reads 834s: loops told by their first segments; goes on after a fault, and keeps what it does not know."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from openbenefits.carriers.enrollment.categories import Category, Label
from openbenefits.carriers.enrollment.coverage import (
    Card,
    Coordination,
    Coverage,
    Line,
    OtherCoverage,
    OtherInsurer,
    Provider,
    ProviderChange,
)
from openbenefits.carriers.enrollment.file import CODE, File, Group, Set
from openbenefits.carriers.enrollment.header import (
    INSURER,
    SPONSOR,
    Account,
    Beginning,
    Broker,
    Header,
    Organization,
    Quantity,
)
from openbenefits.carriers.enrollment.member import Disability, DisabilityLoop, Member, Standing
from openbenefits.carriers.enrollment.person import (
    CORRECTED,
    INCORRECT,
    INSURED,
    PARTY_ROLES,
    City,
    Contact,
    Demographics,
    EmploymentClass,
    Health,
    Income,
    Language,
    Name,
    Party,
    Person,
    Street,
    WrongIdentity,
)
from openbenefits.carriers.enrollment.record import COMPONENT, REPETITION, Record
from openbenefits.carriers.enrollment.statements import Amount, Dated, Other, Reference
from openbenefits.carriers.x12.reader import (
    Delimiters,
    Interchange,
    Segment,
    TransactionSet,
    X12Refused,
    read_interchange,
)

R = TypeVar("R", bound=Record)
Slots = dict[str, tuple[str, type[Record], bool]]
LOOPS = frozenset(("INS", "NM1", "DSB", "HD", "LS", "LE"))
COVERAGE_ENDS = frozenset(("INS", "DSB", "HD", "LS", "LE", "LX", "COB"))


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What cannot be read, or has no place: the segment by its number in the file, its id, what is wrong."""

    segment: int
    id: str
    said: str

    def __str__(self) -> str:
        """Say where and what."""
        return f"segment {self.segment}: {self.said}"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A file as it was read, and what was wrong with it."""

    file: File
    delimiters: Delimiters
    faults: tuple[Fault, ...]


def read_file(data: bytes) -> Reading:
    """Read the 834s of a file, whatever its delimiters and line ends.

    Errors: X12Refused for a file that is no X12, is cut, holds no 834, or several interchanges.
    """
    with _no_collection():
        return _read(read_interchange(data))


def read_sets(told: Interchange) -> Reading:
    """Read the 834s of an interchange that was read already. Errors: as `read_file`."""
    with _no_collection():
        return _read(told)


def _read(told: Interchange) -> Reading:
    ours = [one for one in told.sets if one.code == CODE]
    if not ours:
        raise X12Refused("expected an 834 transaction set, found none; choose the enrolment file")
    if told.others:
        raise X12Refused(
            f"segment {told.others[0].number}: expected one interchange, found another; hand them in apart"
        )
    faults: list[Fault] = []
    groups: dict[int, tuple[tuple[str, ...], list[Set]]] = {}
    for one in ours:
        head = one.group
        key = head.number if head else 0
        _, sets = groups.setdefault(key, (head.elements if head else (), []))
        sets.append(_set(one, told.delimiters, faults))
    header = tuple(text.strip() for text in told.header.elements[:10])
    return Reading(
        file=File(
            header=(*header, "", *(text.strip() for text in told.header.elements[11:15]), ""),
            groups=tuple(Group(header=_eight(head), sets=tuple(sets)) for head, sets in groups.values()),
        ),
        delimiters=told.delimiters,
        faults=tuple(faults),
    )


@contextmanager
def _no_collection() -> Iterator[None]:
    """Let Python not look for cycles while records are made: they hold none, and it took half the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _eight(elements: tuple[str, ...]) -> tuple[str, ...]:
    return (*elements, *[""] * 8)[:8]


@dataclass
class _Cursor:
    """How far a set has been read."""

    segments: list[Segment]
    faults: list[Fault]
    at: int = 0

    @property
    def id(self) -> str:
        """Answer the id of the next segment; SE at the end."""
        return self.segments[self.at].id if self.at < len(self.segments) else "SE"

    @property
    def id_after(self) -> str:
        """Answer the id of the segment after the next one."""
        return self.segments[self.at + 1].id if self.at + 1 < len(self.segments) else "SE"

    def next(self) -> Segment:
        self.at += 1
        return self.segments[self.at - 1]

    def peek(self, position: int) -> str:
        return self.segments[self.at].get(position) if self.at < len(self.segments) else ""

    def fault(self, one: Segment, said: str) -> None:
        self.faults.append(Fault(segment=one.number, id=one.id, said=said))

    def take(self, kind: type[R]) -> R:
        """Read the next segment as a record."""
        one = self.next()
        said: list[str] = []
        record = kind.read(one.elements, said)
        for text in said:
            self.fault(one, text)
        return record

    def keep(self, why: str) -> Other:
        """Keep the next segment as it is, with a fault."""
        one = self.next()
        self.fault(one, f"{one.id} {why}; kept as it is")
        return Other(id=one.id, values=one.elements)

    def gather(self, slots: Slots, is_end: Callable[[str], bool]) -> dict[str, Any]:
        """Read segments into fields, until another loop begins; a field ending in s takes many."""
        found: dict[str, Any] = {}
        other: list[Other] = []
        while self.at < len(self.segments) and not is_end(self.id):
            if self.id not in slots:
                other.append(self.keep("has no place here"))
                continue
            name, kind, is_many = slots[self.id]
            if is_many:
                found.setdefault(name, []).append(self.take(kind))
            elif name in found:
                other.append(self.keep("stands twice"))
            else:
                found[name] = self.take(kind)
        lists = {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}
        return lists | ({"other": tuple(other)} if other else {})


def _set(told: TransactionSet, delimiters: Delimiters, faults: list[Fault]) -> Set:
    marks = _marks(delimiters)
    cursor = _Cursor([_apart(one, marks) for one in told.segments[1:-1]], faults)
    header = _header(cursor)
    members = []
    while cursor.id == "INS":
        members.append(_member(cursor))
    if not members:
        faults.append(Fault(segment=told.segments[0].number, id="ST", said="the set holds no member"))
    return Set(control_number=told.control_number, guide=told.guide, header=header, members=tuple(members))


def _apart(one: Segment, marks: dict[int, str]) -> Segment:
    """Hold components and repetitions apart by marks that no data holds."""
    text = "".join(one.elements)
    if not any(chr(mark) in text for mark in marks):
        return one
    return Segment(one.number, one.id, tuple(text.translate(marks) for text in one.elements))


def _marks(told: Delimiters) -> dict[int, str]:
    """Answer what stands for the delimiters of components and repetitions."""
    table = {ord(told.component): COMPONENT} if _is_mark(told.component) else {}
    if _is_mark(told.repetition):
        table[ord(told.repetition)] = REPETITION
    table = {code: mark for code, mark in table.items() if chr(code) not in (told.element, told.segment)}
    if told.component == told.repetition and _is_mark(told.component):
        table = {ord(told.component): COMPONENT}
    return table


def _is_mark(text: str) -> bool:
    """Tell whether a character can separate: 4010 files write U where 5010 has the repetition separator."""
    return len(text) == 1 and not text.isalnum() and text not in " .-"


def _header(cursor: _Cursor) -> Header:
    beginning = cursor.take(Beginning) if cursor.id == "BGN" else Beginning()
    if beginning == Beginning() and cursor.segments:
        cursor.fault(cursor.segments[0], "expected BGN after ST")
    values = cursor.gather(HEADER, lambda name: name in ("N1", "INS"))
    other, brokers = list(values.pop("other", ())), []
    parties: dict[str, Organization] = {}
    while cursor.id not in ("INS", "SE") and cursor.at < len(cursor.segments):
        role = cursor.peek(1)
        if cursor.id == "N1" and role in (SPONSOR, INSURER) and role not in parties:
            parties[role] = cursor.take(Organization)
        elif cursor.id == "N1" and role in ("BO", "TV"):
            party = cursor.take(Organization)
            brokers.append(Broker(party=party, account=cursor.take(Account) if cursor.id == "ACT" else None))
        else:
            other.append(cursor.keep("has no place before the members"))
    return Header(
        beginning=beginning,
        sponsor=parties.get(SPONSOR),
        insurer=parties.get(INSURER),
        brokers=tuple(brokers),
        other=tuple(other),
        **values,
    )


def _member(cursor: _Cursor) -> Member:
    standing = cursor.take(Standing)
    values = cursor.gather(HEAD, LOOPS.__contains__)
    found: dict[str, list[Any]] = {name: [] for name in MEMBER_LISTS}
    single: dict[str, Any] = {}
    while cursor.at < len(cursor.segments) and cursor.id != "INS":
        role = cursor.peek(1)
        if cursor.id == "NM1" and role in (INSURED, CORRECTED) and "person" not in single:
            single["person"] = Person(name=cursor.take(Name), **cursor.gather(PERSON, LOOPS.__contains__))
        elif cursor.id == "NM1" and role == INCORRECT and "was" not in single:
            single["was"] = WrongIdentity(name=cursor.take(Name), **cursor.gather(WRONG, LOOPS.__contains__))
        elif cursor.id == "NM1" and role in PARTY_ROLES:
            found["parties"].append(
                Party(name=cursor.take(Name), **cursor.gather(ADDRESS, LOOPS.__contains__))
            )
        elif cursor.id in STARTS and (cursor.id != "LS" or cursor.id_after == "LX"):
            name, read = STARTS[cursor.id]
            found[name] += read(cursor)
        else:
            found["tail"].append(cursor.keep("has no place here"))
    lists: dict[str, Any] = {name: tuple(one) for name, one in found.items()}
    return Member(standing=standing, **values, **single, **lists)


def _disability(cursor: _Cursor) -> list[DisabilityLoop]:
    told = cursor.take(Disability)
    return [DisabilityLoop(disability=told, **cursor.gather({"DTP": _DATES}, LOOPS.__contains__))]


def _coverage(cursor: _Cursor) -> list[Coverage]:
    line = cursor.take(Line)
    values = cursor.gather(COVERAGE, COVERAGE_ENDS.__contains__)
    providers, coordinations = [], []
    other = list(values.pop("other", ()))
    while cursor.id in ("LX", "COB"):
        if cursor.id == "COB":
            coordinations.append(_coordination(cursor))
        elif cursor.id_after == "NM1":
            cursor.next()
            name = cursor.take(Name)
            providers.append(Provider(name=name, **cursor.gather(PROVIDER, COVERAGE_ENDS.__contains__)))
        else:
            other.append(cursor.keep("names nobody"))
            other += cursor.gather({}, COVERAGE_ENDS.__contains__).get("other", ())
    return [
        Coverage(
            line=line,
            **values,
            other=tuple(other),
            providers=tuple(providers),
            coordinations=tuple(coordinations),
        )
    ]


def _coordination(cursor: _Cursor) -> Coordination:
    told = cursor.take(OtherCoverage)
    values = cursor.gather({"REF": _REFERENCES, "DTP": _DATES}, INSURER_ENDS.__contains__)
    insurers = []
    while cursor.id == "NM1":
        name = cursor.take(Name)
        insurers.append(OtherInsurer(name=name, **cursor.gather(ADDRESS, INSURER_ENDS.__contains__)))
    return Coordination(coverage=told, insurers=tuple(insurers), **values)


def _categories(cursor: _Cursor) -> list[Category]:
    """Read LS to LE."""
    begun = cursor.next()
    found = []
    while cursor.id == "LX":
        cursor.next()
        label = cursor.take(Label) if cursor.id == "N1" else Label(role="")
        found.append(Category(label=label, **cursor.gather(CATEGORY, CATEGORY_ENDS.__contains__)))
    if cursor.id == "LE":
        cursor.next()
    else:
        cursor.fault(begun, "LS begins reporting categories, no LE ends them")
    return found


_REFERENCES = ("references", Reference, True)
_DATES = ("dates", Dated, True)
_AMOUNTS = ("amounts", Amount, True)
CATEGORY_ENDS = frozenset(("LX", "LE", "LS", "INS", "HD", "DSB"))
INSURER_ENDS = COVERAGE_ENDS | {"NM1"}
MEMBER_LISTS = ("parties", "disabilities", "coverages", "categories", "tail")
HEADER: Slots = {"REF": _REFERENCES, "DTP": _DATES, "QTY": ("quantities", Quantity, True)}
HEAD: Slots = {"REF": _REFERENCES, "DTP": _DATES}
ADDRESS: Slots = {
    "PER": ("contact", Contact, False),
    "N3": ("street", Street, False),
    "N4": ("city", City, False),
}
WRONG: Slots = {"DMG": ("demographics", Demographics, False)}
PERSON: Slots = {
    **ADDRESS,
    **WRONG,
    "EC": ("classes", EmploymentClass, True),
    "ICM": ("income", Income, False),
    "AMT": _AMOUNTS,
    "HLH": ("health", Health, False),
    "LUI": ("languages", Language, True),
}
COVERAGE: Slots = {
    "DTP": _DATES,
    "AMT": _AMOUNTS,
    "REF": _REFERENCES,
    "IDC": ("cards", Card, True),
}
PROVIDER: Slots = {
    "N3": ("streets", Street, True),
    "N4": ("city", City, False),
    "PER": ("contacts", Contact, True),
    "PLA": ("change", ProviderChange, False),
}
CATEGORY: Slots = {"REF": ("value", Reference, False), "DTP": ("on", Dated, False)}
STARTS: dict[str, tuple[str, Callable[[_Cursor], list[Any]]]] = {
    "DSB": ("disabilities", _disability),
    "HD": ("coverages", _coverage),
    "LS": ("categories", _categories),
}
