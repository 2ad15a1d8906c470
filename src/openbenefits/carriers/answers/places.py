"""Who stands where in a file: its segments beside its lines, so that an answer finds whom it means.

What identifies a member (names, numbers) is held in memory while an answer is matched, and written nowhere.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from openbenefits.carriers.models import CarrierFile, FileLine, FileSet
from openbenefits.carriers.x12.reader import Segment, TransactionSet, read_interchange
from openbenefits.store.secrets import open_file

FAMILY, INSURED = "0F", ("IL", "74")
SSN = "34"
DAY = "%Y%m%d"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A member in a set: from which segment through which (ST is 1), who he is, and the lines said of him.

    ids: every identifier the file has of him. places: for each HD its segment and the number of its FileLine.
    Missing: member is '' where it cannot be told whom the segments mean.
    """

    set: int
    first: int
    last: int
    is_subscriber: bool
    family: str
    ids: frozenset[str]
    last_name: str = ""
    first_name: str = ""
    birth_on: date | None = None
    ssn: str = ""
    coverages: tuple[int, ...] = ()
    subscriber: str = ""
    member: str = ""
    lines: tuple[Any, ...] = ()
    places: tuple[tuple[int, int], ...] = field(default=())

    @property
    def identity(self) -> tuple[str, str, date | None, str]:
        """Answer what tells members of a family apart."""
        return self.last_name, self.first_name, self.birth_on, self.ssn


def lines_of(file: CarrierFile) -> list[FileLine]:
    """Answer what a file says, in order."""
    return list(FileLine.objects.filter(file_id=file.pk).order_by("number"))


def places_of(file: CarrierFile) -> list[Place]:
    """Answer who stands where in a file; of one that is no X12, its members without segments."""
    lines = lines_of(file)
    if file.kind != "834":
        return members_of(lines)
    numbers = dict(FileSet.objects.filter(file_id=file.pk).values_list("control_number", "set"))
    found: list[Place] = []
    for one in read_interchange(open_file(bytes(file.content))).sets:
        if one.control_number in numbers:
            number = numbers[one.control_number]
            own = [line for line in lines if line.set == number]
            found += _joined(list(_places(one, number)), own)
    return sorted(found, key=lambda one: (one.set, one.first))


def members_of(lines: Sequence[FileLine]) -> list[Place]:
    """Answer the members of whom lines are, as places without segments and names."""
    own: dict[tuple[str, str], list[FileLine]] = {}
    for one in lines:
        own.setdefault((one.subscriber, one.member), []).append(one)
    return [
        Place(
            set=rows[0].set,
            first=0,
            last=0,
            is_subscriber=subscriber == member,
            family=subscriber,
            ids=frozenset((subscriber, member)),
            subscriber=subscriber,
            member=member,
            lines=tuple(rows),
        )
        for (subscriber, member), rows in own.items()
    ]


def _places(told: TransactionSet, number: int) -> Iterator[Place]:
    """Read the members of a set, as far as they tell who they are."""
    starts = [at for at, one in enumerate(told.segments) if one.id == "INS"]
    for start, end in zip(starts, [*starts[1:], len(told.segments) - 1], strict=True):
        own = told.segments[start:end]
        named = _named(own)
        references = [one for one in own if one.id == "REF"]
        family = next((one.get(2) for one in references if one.get(1) == FAMILY), "")
        yield Place(
            set=number,
            first=start + 1,
            last=end,
            is_subscriber=own[0].get(1) == "Y",
            family=family,
            ids=frozenset(one.get(2) for one in references if one.get(2)) | named.pop("ids"),
            coverages=tuple(start + at + 1 for at, one in enumerate(own) if one.id == "HD"),
            **named,
        )


def _named(own: Sequence[Segment]) -> dict[str, Any]:
    """Answer name, birth date and number of the member himself: of 2100A, not of who is named with him."""
    at = next((at for at, one in enumerate(own) if one.id == "NM1" and one.get(1) in INSURED), None)
    if at is None:
        return {"ids": frozenset()}
    name = own[at]
    birth = None
    for one in own[at + 1 :]:
        if one.id in ("NM1", "HD"):
            break
        if one.id == "DMG":
            birth = _day(one.get(2))
            break
    return {
        "last_name": name.get(3),
        "first_name": name.get(4),
        "birth_on": birth,
        "ssn": name.get(9) if name.get(8) == SSN else "",
        "ids": frozenset((name.get(9),)) if name.get(9) else frozenset(),
    }


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, DAY).date()
    except ValueError:
        return None


def _joined(places: list[Place], lines: Sequence[FileLine]) -> list[Place]:
    """Say whom the members of a set are: families and dependents stand in the order of their lines."""
    families = list(dict.fromkeys(one.family for one in places))
    subscribers = list(dict.fromkeys(one.subscriber for one in lines))
    if len(families) != len(subscribers):
        return places
    own: dict[str, list[Place]] = {}
    for one in places:
        own.setdefault(one.family, []).append(one)
    theirs: dict[str, list[FileLine]] = {}
    for line in lines:
        theirs.setdefault(line.subscriber, []).append(line)
    pairs = zip(families, subscribers, strict=True)
    return [one for family, key in pairs for one in _in_family(own[family], theirs[key], key)]


def _in_family(places: Sequence[Place], lines: Sequence[FileLine], subscriber: str) -> Iterator[Place]:
    others = list(dict.fromkeys(one.identity for one in places if not one.is_subscriber))
    members = list(dict.fromkeys(line.member for line in lines if line.member != subscriber))
    keys = dict(zip(others, members, strict=True)) if len(others) == len(members) else {}
    for one in places:
        member = subscriber if one.is_subscriber else keys.get(one.identity, "")
        own = tuple(line for line in lines if line.member == member)
        said = [line for line in own if line.line]
        is_once = sum(other.identity == one.identity for other in places) == 1
        is_told = is_once and len(said) == len(one.coverages)
        pairs = (
            tuple((at, line.number) for at, line in zip(one.coverages, said, strict=True)) if is_told else ()
        )
        yield replace(one, subscriber=subscriber, member=member, lines=own, places=pairs)


def at_segment(places: Sequence[Place], number: int, segment: int) -> tuple[Place | None, int | None]:
    """Answer who stands at a segment of a set, and the number of the line it says, where that can be told.

    Shapes: places in the order of their sets and segments.
    """
    at = bisect_right(places, (number, segment), key=lambda one: (one.set, one.first)) - 1
    one = places[at] if at >= 0 else None
    if one is None or one.set != number or segment > one.last:
        return None, None
    before = [line for start, line in one.places if start <= segment]
    return one, before[-1] if before else None
