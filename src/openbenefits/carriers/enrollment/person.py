"""Who a member is (2100A), who he was said to be (2100B), and who else is named with him (2100C to 2100H)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from openbenefits.carriers.enrollment.record import CENTS, DAY, Record, at
from openbenefits.carriers.enrollment.statements import Amount, Other

INSURED, CORRECTED, INCORRECT = "IL", "74", "70"
SSN_KIND = "34"
PAYS_PER_YEAR = {"1": 52, "2": 26, "3": 24, "4": 12, "7": 1, "Q": 4, "S": 2}
"""ICM01: how often pay of that frequency is paid. Source: X12 element 594."""
PARTY_ROLES = frozenset(
    (
        "31",
        "36",
        "M8",
        "S3",
        "6Y",
        "9K",
        "E1",
        "EI",
        "EXS",
        "GB",
        "GD",
        "J6",
        "LR",
        "QD",
        "S1",
        "TZ",
        "X4",
        "45",
    )
)
"""Mailing address, employer, school, custodial parent, responsible persons, drop-off location."""


def real_ssn(text: str | None) -> str:
    """Answer the nine digits of a number that can have been issued, without dashes and blanks; else nothing.

    Never issued: area 000, 666 or 9xx, group 00, serial 0000.
    """
    digits = re.sub(r"[-\s]", "", text or "")
    is_real = re.fullmatch(r"(?!000|666|9)[0-9]{3}(?!00)[0-9]{2}(?!0000)[0-9]{4}", digits)
    return digits if is_real else ""


@dataclass(frozen=True, kw_only=True)
class Name(Record):
    """NM1: a person or an organization in a role, with an identifier where there is one."""

    ID: ClassVar[str] = "NM1"
    role: str = at(1)
    is_what: str = at(2, fixed="1")
    last: str = at(3)
    first: str = at(4)
    middle: str = at(5)
    prefix: str = at(6)
    suffix: str = at(7)
    id_kind: str = at(8)
    id: str = at(9)
    relation: str = at(10)


def insured(last: str, first: str = "", *, ssn: str | None = None, role: str = INSURED, **more: Any) -> Name:
    """Answer the name of a member; with NM108 and NM109 only where the number is a real one."""
    number = real_ssn(ssn)
    return Name(role=role, last=last, first=first, id_kind=SSN_KIND if number else "", id=number, **more)


@dataclass(frozen=True, kw_only=True)
class Contact(Record):
    """PER: up to three ways to reach somebody (HP home, WP work, CP cell, EM e-mail …)."""

    ID: ClassVar[str] = "PER"
    role: str = at(1)
    name: str = at(2)
    kind_1: str = at(3)
    number_1: str = at(4)
    kind_2: str = at(5)
    number_2: str = at(6)
    kind_3: str = at(7)
    number_3: str = at(8)


@dataclass(frozen=True, kw_only=True)
class Street(Record):
    """N3: one or two lines of an address."""

    ID: ClassVar[str] = "N3"
    line_1: str = at(1)
    line_2: str = at(2)


@dataclass(frozen=True, kw_only=True)
class City(Record):
    """N4: city, state, zip, country; a county (CY) or area (60)."""

    ID: ClassVar[str] = "N4"
    city: str = at(1)
    state: str = at(2)
    zip: str = at(3)
    country: str = at(4)
    area_kind: str = at(5)
    area: str = at(6)
    subdivision: str = at(7)


@dataclass(frozen=True, kw_only=True)
class Demographics(Record):
    """DMG: birth date, gender, marital status, race (with components and repetitions), citizenship."""

    ID: ClassVar[str] = "DMG"
    born_on: date | None = at(2, DAY, kept="D8")
    gender: str = at(3)
    marital: str = at(4)
    race: str = at(5)
    citizenship: str = at(6)
    race_list: str = at(10)
    race_code: str = at(11)


@dataclass(frozen=True, kw_only=True)
class EmploymentClass(Record):
    """EC: the classes of a member's employment."""

    ID: ClassVar[str] = "EC"
    class_1: str = at(1)
    class_2: str = at(2)
    class_3: str = at(3)


@dataclass(frozen=True, kw_only=True)
class Income(Record):
    """ICM: pay of a frequency (1 weekly, 2 every other week, 4 monthly, 7 yearly …). Units: cents."""

    ID: ClassVar[str] = "ICM"
    frequency: str = at(1)
    cents: int | None = at(2, CENTS)
    hours: str = at(3)
    location: str = at(4)
    grade: str = at(5)


@dataclass(frozen=True, kw_only=True)
class Health(Record):
    """HLH: tobacco and substances (N S T U X), height, weight."""

    ID: ClassVar[str] = "HLH"
    use: str = at(1)
    height: str = at(2)
    weight: str = at(3)


@dataclass(frozen=True, kw_only=True)
class Language(Record):
    """LUI: a language by code (LE, LD) or words, and its use (5 reads, 6 writes, 7 speaks, 8 native)."""

    ID: ClassVar[str] = "LUI"
    code_list: str = at(1)
    code: str = at(2)
    words: str = at(3)
    use: str = at(4)


@dataclass(frozen=True, kw_only=True)
class Person:
    """2100A: the member himself."""

    name: Name
    contact: Contact | None = None
    street: Street | None = None
    city: City | None = None
    demographics: Demographics | None = None
    classes: tuple[EmploymentClass, ...] = ()
    income: Income | None = None
    amounts: tuple[Amount, ...] = ()
    health: Health | None = None
    languages: tuple[Language, ...] = ()
    other: tuple[Other, ...] = ()

    def segments(self) -> Iterator[list[str]]:
        """Answer its segments in the order of the guide."""
        yield self.name.segment()
        yield from _given(self.contact, self.street, self.city, self.demographics, *self.classes, self.income)
        yield from _given(*self.amounts, self.health, *self.languages, *self.other)


@dataclass(frozen=True, kw_only=True)
class WrongIdentity:
    """2100B: what a member was wrongly said to be; what is right stands in 2100A with NM101 = 74."""

    name: Name
    demographics: Demographics | None = None
    other: tuple[Other, ...] = ()

    def segments(self) -> Iterator[list[str]]:
        """Answer its segments in the order of the guide."""
        yield self.name.segment()
        yield from _given(self.demographics, *self.other)


@dataclass(frozen=True, kw_only=True)
class Party:
    """2100C to 2100H: a mailing address, employer, school, custodial parent, responsible person, drop-off."""

    name: Name
    contact: Contact | None = None
    street: Street | None = None
    city: City | None = None
    other: tuple[Other, ...] = ()

    def segments(self) -> Iterator[list[str]]:
        """Answer its segments in the order of the guide."""
        yield self.name.segment()
        yield from _given(self.contact, self.street, self.city, *self.other)


def in_order(parties: tuple[Party, ...]) -> list[Party]:
    """Answer parties in the order of their loops; two of one loop stay as they are."""
    place = {"31": 0, "36": 1, "M8": 2, "S3": 3, "45": 5}
    return sorted(parties, key=lambda one: place.get(one.name.role, 4))


def _given(*records: Record | Other | None) -> Iterator[list[str]]:
    for one in records:
        if one is not None:
            yield one.segment()
