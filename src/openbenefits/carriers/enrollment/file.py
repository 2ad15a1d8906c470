"""An 834 file: envelope, groups, sets with header and members; families put in order and cut to size."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from openbenefits.carriers.enrollment.header import Header, Quantity
from openbenefits.carriers.enrollment.member import Member
from openbenefits.carriers.enrollment.statements import Other

CODE = "834"
GUIDE = "005010X220A1"
LARGEST_SET = 10_000
CONTROL_DIGITS = 9


@dataclass(frozen=True, kw_only=True)
class Set:
    """ST to SE: a header and members."""

    control_number: str
    guide: str = GUIDE
    header: Header
    members: tuple[Member, ...] = ()
    other: tuple[Other, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Group:
    """GS to GE. header: the elements of GS from 01 to 08."""

    header: tuple[str, ...]
    sets: tuple[Set, ...] = ()


@dataclass(frozen=True, kw_only=True)
class File:
    """ISA to IEA. header: the elements of ISA from 01 to 16, without the blanks that fill them."""

    header: tuple[str, ...]
    groups: tuple[Group, ...] = ()

    @property
    def sets(self) -> list[Set]:
        """Answer all its sets."""
        return [one for group in self.groups for one in group.sets]


@dataclass(frozen=True, kw_only=True)
class Address:
    """An end of an interchange: qualifier and id of ISA, id of GS."""

    qualifier: str
    id: str
    group_id: str


@dataclass(frozen=True, kw_only=True)
class Controls:
    """Control numbers, as the store has given them out: of interchange, group, and the first of the sets."""

    interchange: int
    group: int
    first_set: int = 1


def file_of(
    header: Header,
    members: Sequence[Member],
    *,
    sender: Address,
    receiver: Address,
    controls: Controls,
    at: datetime,
    usage: str = "T",
    wants_ta1: bool = False,
    largest_set: int = LARGEST_SET,
    has_counts: bool = False,
) -> File:
    """Answer members as a file: families together, subscriber first, no family cut by the end of a set.

    has_counts: QTY says how many members, subscribers and dependents a set holds.
    """
    day = at.strftime("%Y%m%d")
    time = at.strftime("%H%M")
    parts = cut(in_families(members), largest_set)
    sets = tuple(
        Set(
            control_number=f"{controls.first_set + number:04d}",
            header=_counted(header, part) if has_counts else header,
            members=tuple(part),
        )
        for number, part in enumerate(parts)
    )
    group = ("BE", sender.group_id, receiver.group_id, day, time, str(controls.group), "X", GUIDE)
    envelope = (
        "00",
        "",
        "00",
        "",
        sender.qualifier,
        sender.id,
        receiver.qualifier,
        receiver.id,
        day[2:],
        time,
    )
    numbers = (
        "",
        "00501",
        f"{controls.interchange:0{CONTROL_DIGITS}d}",
        "1" if wants_ta1 else "0",
        usage,
        "",
    )
    return File(header=envelope + numbers, groups=(Group(header=group, sets=sets),))


def in_families(members: Sequence[Member]) -> list[list[Member]]:
    """Answer members by family, in the order families first appear; subscribers before dependents.

    A subscriber who is named twice (ended as active, added under COBRA) stays in the order told.
    """
    families: dict[str, list[Member]] = {}
    for number, one in enumerate(members):
        families.setdefault(one.family or f"\0{number}", []).append(one)
    return [sorted(family, key=lambda one: not one.is_subscriber) for family in families.values()]


def cut(families: Sequence[Sequence[Member]], largest: int = LARGEST_SET) -> Iterator[list[Member]]:
    """Answer families in parts of at most `largest` members; a family alone larger than that is a part."""
    part: list[Member] = []
    for family in families:
        if part and len(part) + len(family) > largest:
            yield part
            part = []
        part.extend(family)
    if part:
        yield part


def _counted(header: Header, members: Sequence[Member]) -> Header:
    subscribers = sum(one.is_subscriber for one in members)
    counts = {"TO": len(members), "ET": subscribers, "DT": len(members) - subscribers}
    return replace(header, quantities=tuple(Quantity(kind=kind, count=n) for kind, n in counts.items()))
