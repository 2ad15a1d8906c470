"""An 834 as what it says of people and lines, each at its segment."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl

from openbenefits.carriers.enrollment.coverage import BEGIN, END, Coverage
from openbenefits.carriers.enrollment.file import CODE
from openbenefits.carriers.enrollment.header import CHANGES
from openbenefits.carriers.enrollment.member import Member
from openbenefits.carriers.enrollment.person import SSN_KIND, real_ssn
from openbenefits.carriers.enrollment.reader import Reading, read_sets
from openbenefits.carriers.opening.stated import (
    FINDING,
    IDENTIFIERS,
    LINES,
    NOTED,
    PEOPLE,
    Stated,
)
from openbenefits.carriers.x12.reader import Interchange, read_interchange
from openbenefits.store.sheets import fingerprint_of

EMAIL, PHONES = "EM", ("HP", "CP", "TE", "WP")
"""PER03: e-mail; home, cell, any, work telephone, the first of which is taken."""
DAYS_TOLD = {
    "301": "event_on",
    "336": "hired_on",
    "337": "ended_on",
    "340": "continues_on",
    "341": "continued_through",
    "356": "eligible_on",
    "383": "adjusted_on",
}
MARITAL = {
    "I": "single",
    "M": "married",
    "D": "divorced",
    "W": "widowed",
    "B": "partnered",
    "S": "separated",
    "X": "separated",
    "U": "single",
}
"""DMG04. Source: carrier-feeds §3."""


def read_834(name: str, data: bytes, *, amount_from: str = "") -> Stated:
    """Read the 834s of a file as what they say of people and lines.

    Missing: a set of changes (BGN08 = 2) is read, and says why nothing of it opens a client.
    Errors: X12Refused for a file that is no X12, is cut, or holds no 834.
    """
    interchange = read_interchange(data)
    told = read_sets(interchange)
    members = [one for group in told.file.groups for one in _members(group.sets)]
    at = _Places(interchange)
    people, lines, identifiers = [], [], []
    for one in members:
        row = next(at.members)
        people.append(_person(one, row))
        identifiers += [(row, ref.kind, ref.value.strip()) for ref in one.references if ref.value.strip()]
        for cover in one.coverages:
            lines.append(_line(cover, row, next(at.lines), amount_from))
    return Stated(
        name=name,
        fingerprint=fingerprint_of(data),
        unit="segment",
        people=pl.DataFrame(people, schema=PEOPLE, orient="row"),
        lines=pl.DataFrame(lines, schema=LINES, orient="row"),
        identifiers=pl.DataFrame(identifiers, schema=IDENTIFIERS, orient="row"),
        findings=_faults(told),
        refused=_refused(told),
    )


def _members(sets: Any) -> Iterator[Member]:
    for one in sets:
        yield from one.members


class _Places:
    """Which segments members and their lines begin with, in the order of the reader."""

    def __init__(self, interchange: Interchange) -> None:
        members: list[int] = []
        lines: list[int] = []
        groups: dict[int, list[Any]] = {}
        for told in interchange.sets:
            if told.code == CODE:  # the reader puts the sets of a group together
                groups.setdefault(told.group.number if told.group else 0, []).append(told)
        for told in (one for sets in groups.values() for one in sets):
            is_within = False
            for segment in told.segments:
                if segment.id == "INS":
                    is_within = True
                    members.append(segment.number)
                elif segment.id == "HD" and is_within:
                    lines.append(segment.number)
        self.members, self.lines = iter(members), iter(lines)


def _refused(told: Reading) -> str:
    if any(one.header.beginning.action == CHANGES for one in told.file.sets):
        return (
            "expected a full file (BGN08 = 4 or RX), found one of changes (BGN08 = 2), which says only what"
            " moved; ask the carrier for a full file"
        )
    return ""


def _faults(told: Reading) -> pl.DataFrame:
    """What the reader could not read, where: it says what was expected, never what stands there."""
    rows = [
        (one.segment, one.id, "unread", NOTED, one.said, "", "ask the sender, or let it be")
        for one in told.faults
    ]
    return pl.DataFrame(rows, schema=FINDING, orient="row")


def _person(one: Member, row: int) -> list[Any]:
    told, standing = _named(one), one.standing
    days = {DAYS_TOLD[day.kind]: day.on for day in reversed(one.dates) if day.kind in DAYS_TOLD}
    values: dict[str, Any] = {
        "row": row,
        "is_subscriber": one.is_subscriber,
        "family": one.family.strip(),
        "relationship": standing.relationship,
        "benefit_status": standing.benefit_status,
        "employment": standing.employment,
        "cobra_event": standing.cobra_event,
        "action": standing.action,
        "medicare": standing.medicare[:1],
        "student": standing.student,
        "disabled": standing.handicapped,
        "died_on": standing.died_on,
        **told,
        **days,
    }
    return [values.get(name) or None if name != "is_subscriber" else values[name] for name in PEOPLE]


def _named(one: Member) -> dict[str, Any]:
    """Answer who a member is; nothing where a file names nobody."""
    person = one.person
    if person is None:
        return {}
    name, born = person.name, person.demographics
    is_ssn = name.id_kind == SSN_KIND
    found: dict[str, Any] = {
        "last_name": name.last.strip(),
        "first_name": name.first.strip(),
        "middle_name": name.middle.strip(),
        "suffix": name.suffix.strip(),
        "ssn": real_ssn(name.id) if is_ssn else "",
    }
    if born is not None:
        found |= {
            "birth_on": born.born_on,
            "sex": born.gender if born.gender in ("F", "M") else "",
            "marital": MARITAL.get(born.marital, ""),
        }
    if person.street is not None:
        found |= {"line1": person.street.line_1.strip(), "line2": person.street.line_2.strip()}
    if person.city is not None:
        place = person.city
        found |= {"city": place.city.strip(), "state": place.state.strip(), "zip": place.zip.strip()}
    if person.contact is not None:
        contact = person.contact
        ways = {getattr(contact, f"kind_{n}"): getattr(contact, f"number_{n}").strip() for n in (3, 2, 1)}
        found["email"] = ways.get(EMAIL, "")
        found["phone"] = next((ways[kind] for kind in PHONES if ways.get(kind)), "")
    if person.income is not None:
        income = person.income
        found |= {
            "pay_frequency": income.frequency,
            "pay_cents": income.cents,
            "hours": income.hours,
        }
    found["tobacco"] = person.health.use if person.health is not None else ""
    return found


def _line(one: Coverage, member: int, row: int, amount_from: str) -> list[Any]:
    begins: date | None = one.day(BEGIN)
    amount = next((said.cents for said in one.amounts if said.kind == amount_from), None)
    return [
        row,
        member,
        one.line.insurance.strip().upper() or None,
        one.line.plan.strip().upper() or None,
        one.line.tier.strip().upper() or None,
        one.line.action or None,
        begins,
        one.day(END),
        amount if amount_from else None,
    ]
