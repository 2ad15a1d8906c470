"""What a guide map does not catch: named rules on the model of a set, each with its cases in the tests.

A partner's leniency is a named field of `Leniency`, never a rule left out in silence.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from openbenefits.carriers.enrollment.coverage import BEGIN, END, Coverage
from openbenefits.carriers.enrollment.file import LARGEST_SET, File, Set
from openbenefits.carriers.enrollment.header import FULL, REPLACE
from openbenefits.carriers.enrollment.member import Member
from openbenefits.carriers.enrollment.person import CORRECTED, SSN_KIND, real_ssn

SELF, ENDS, ADDS, AUDIT = "18", "024", "021", "030"
CHILDREN = frozenset(("05", "07", "09", "10", "15", "17", "19"))
NPI_KIND, NPI_DIGITS = "XX", 10
SSN_DIGITS = 9
STATE_COUNTRIES = ("", "US", "CA")


@dataclass(frozen=True, kw_only=True)
class Leniency:
    """What a partner allows that the rules would refuse.

    void_ends_day_before: a line never in effect ends the day before it begins, not the day it begins.
    subscriber_without_employment: INS08 may be missing on subscribers.
    context_subscriber: dependents may come without their subscriber in the set.
    full_file_ends: a full file may carry people who have ended (024).
    any_ssn: numbers that were never issued are let through (test files).
    """

    void_ends_day_before: bool = False
    subscriber_without_employment: bool = False
    context_subscriber: bool = False
    full_file_ends: bool = False
    any_ssn: bool = False


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A rule that does not hold: which, in which set, of which member (from 1; 0 is the set itself).

    What is said holds the cure, and nothing personal.
    """

    rule: str
    set: str
    member: int
    said: str

    def __str__(self) -> str:
        """Say where and what."""
        return f"set {self.set}{f', member {self.member}' if self.member else ''}: {self.said} ({self.rule})"


Said = Iterator[str]
MemberRule = Callable[[Member, Leniency], Said]
SetRule = Callable[[Set, Leniency], Iterator[tuple[int, str]]]


def broken_rules(file: File, leniency: Leniency | None = None) -> list[Broken]:
    """Answer every rule that does not hold in a file, set by set, in the order of its members."""
    allowed = leniency or Leniency()
    return [one for told in file.sets for one in _of_set(told, allowed)]


def _of_set(told: Set, allowed: Leniency) -> list[Broken]:
    found = [
        Broken(rule=rule, set=told.control_number, member=number, said=said)
        for rule, check in SET_RULES.items()
        for number, said in check(told, allowed)
    ]
    found += [
        Broken(rule=rule, set=told.control_number, member=number, said=said)
        for number, member in enumerate(told.members, start=1)
        for rule, check_member in MEMBER_RULES.items()
        for said in check_member(member, allowed)
    ]
    return sorted(found, key=lambda one: one.member)


def _subscriber_is_self(one: Member, _: Leniency) -> Said:
    if one.is_subscriber != (one.standing.relationship == SELF):
        who = "subscriber" if one.is_subscriber else "dependent"
        told = one.standing.relationship or "none"
        yield f"a {who} has relationship {told} (INS02); 18 is the subscriber, and only he"


def _employment(one: Member, allowed: Leniency) -> Said:
    is_missing = one.is_subscriber and not one.standing.employment
    if is_missing and not allowed.subscriber_without_employment:
        yield "a subscriber has no employment status (INS08); say AC, FT, PT, RT, TE or L1"


def _state(one: Member, _: Leniency) -> Said:
    cities = [part.city for part in (one.person, *one.parties) if part is not None and part.city is not None]
    if any(city.city and not city.state and city.country in STATE_COUNTRIES for city in cities):
        yield "an address has a city and no state (N402)"


def _ssn(one: Member, allowed: Leniency) -> Said:
    names = [part.name for part in (one.person, one.was, *one.parties) if part is not None]
    for name in names:
        if name.id_kind != SSN_KIND or real_ssn(name.id) == name.id:
            continue
        if not (name.id.isascii() and name.id.isdigit() and len(name.id) == SSN_DIGITS):
            yield "a social security number is not nine digits (NM109); leave NM108 and NM109 out"
        elif not allowed.any_ssn:
            yield "a social security number was never issued (NM109); leave NM108 and NM109 out"


def _npi(one: Member, _: Leniency) -> Said:
    for coverage in one.coverages:
        for provider in coverage.providers:
            if provider.name.id_kind == NPI_KIND and not is_npi(provider.name.id):
                yield "a provider's NPI has a wrong check digit (NM109); ask for the number again"


def is_npi(text: str) -> bool:
    """Tell whether a number can be an NPI: ten digits, Luhn with the prefix 80840."""
    if not (len(text) == NPI_DIGITS and text.isascii() and text.isdigit()):
        return False
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(text))]
    return (24 + sum(value // 10 + value % 10 for value in doubled)) % 10 == 0


def _days_in_order(one: Member, allowed: Leniency) -> Said:
    for coverage in one.coverages:
        begin, end = coverage.day(BEGIN), coverage.day(END)
        if begin is None or end is None:
            continue
        earliest = begin - timedelta(days=1) if allowed.void_ends_day_before else begin
        if end < earliest:
            yield f"{coverage.line.insurance} ends (DTP*349) before it begins (DTP*348)"


def _days_given(one: Member, _: Leniency) -> Said:
    wanted = {ADDS: (BEGIN, "added without the day it begins"), ENDS: (END, "ended without its last day")}
    for coverage in one.coverages:
        kind, said = wanted.get(coverage.line.action, ("", ""))
        if kind and coverage.day(kind) is None:
            yield f"{coverage.line.insurance} is {said} (DTP*{kind})"


def _said_twice(one: Member, _: Leniency) -> Said:
    counts = Counter(_line_key(coverage) for coverage in one.coverages)
    for key, count in counts.items():
        if count > 1:
            yield f"{key[1]} is said {count} times alike (HD with DTP*348)"


def _line_key(one: Coverage) -> tuple[str, ...]:
    line = one.line
    return line.action, line.insurance, line.plan, line.tier, str(one.day(BEGIN)), str(one.day(END))


def _corrected(one: Member, _: Leniency) -> Said:
    is_corrected = one.person is not None and one.person.name.role == CORRECTED
    if is_corrected and one.was is None:
        yield "an identity is corrected (NM1*74) and what was wrong is not said (NM1*70)"
    if one.was is not None and not is_corrected:
        yield "a wrong identity is said (NM1*70) and the right one is not marked (NM1*74)"


def _cobra(one: Member, _: Leniency) -> Said:
    is_cobra, has_event = one.standing.benefit_status == "C", bool(one.standing.cobra_event)
    if one.is_subscriber and is_cobra and not has_event:
        yield "continuation (INS05 = C) without the event it follows from (INS07)"
    if has_event and not is_cobra:
        yield "an event of continuation (INS07) without continuation (INS05 = C)"


def _named(one: Member, _: Leniency) -> Said:
    if one.person is None:
        yield "the member has no name (loop 2100A)"
    if not one.family:
        yield "the member has no subscriber number (REF*0F)"


def _amounts(one: Member, _: Leniency) -> Said:
    told = [*(one.person.amounts if one.person else ())]
    told += [amount for coverage in one.coverages for amount in coverage.amounts]
    if any(amount.cents is None for amount in told):
        yield "an amount cannot be read in cents (AMT02); two decimals at most"


def _counts(told: Set, _: Leniency) -> Iterator[tuple[int, str]]:
    subscribers = sum(one.is_subscriber for one in told.members)
    held = {"TO": len(told.members), "ET": subscribers, "DT": len(told.members) - subscribers}
    for one in told.header.quantities:
        if one.kind in held and one.count != held[one.kind]:
            yield 0, f"QTY*{one.kind} says {one.count}, the set holds {held[one.kind]}"


def _size(told: Set, _: Leniency) -> Iterator[tuple[int, str]]:
    if not 0 < len(told.members) <= LARGEST_SET:
        yield 0, f"a set holds 1 to {LARGEST_SET} members, this one {len(told.members)}"


def _subscriber_first(told: Set, allowed: Leniency) -> Iterator[tuple[int, str]]:
    seen: set[str] = set()
    for number, one in enumerate(told.members, start=1):
        if one.is_subscriber:
            seen.add(one.family)
        elif one.family not in seen and not allowed.context_subscriber:
            yield number, "a dependent stands before his subscriber, or without him (REF*0F)"


def _twins(told: Set, _: Leniency) -> Iterator[tuple[int, str]]:
    """Two children of a family with one birth date need INS17, else a carrier takes them for one.

    A child said twice, ended as active and added under COBRA, is one.
    """
    births: dict[tuple[str, str], dict[str, tuple[int, str]]] = {}
    for number, one in enumerate(told.members, start=1):
        person = one.person
        if one.standing.relationship in CHILDREN and person and person.demographics:
            day = (one.family, str(person.demographics.born_on or number))
            births.setdefault(day, {})[person.name.first] = (number, one.standing.birth_sequence)
    for same in births.values():
        sequences = [sequence for _, sequence in same.values()]
        if len(same) > 1 and (not all(sequences) or len(set(sequences)) < len(same)):
            yield (
                max(number for number, _ in same.values()),
                ("children born on one day need different birth sequences (INS17)"),
            )


def _full_says_what_is(told: Set, allowed: Leniency) -> Iterator[tuple[int, str]]:
    if told.header.beginning.action not in (FULL, REPLACE):
        return
    may = {AUDIT, ENDS} if allowed.full_file_ends else {AUDIT}
    for number, one in enumerate(told.members, start=1):
        if one.standing.action not in may:
            yield number, f"a full file says what is (INS03 = 030), this member says {one.standing.action}"


SET_RULES: dict[str, SetRule] = {
    "counts": _counts,
    "size": _size,
    "subscriber_first": _subscriber_first,
    "twins": _twins,
    "full_says_what_is": _full_says_what_is,
}
MEMBER_RULES: dict[str, MemberRule] = {
    "subscriber_is_self": _subscriber_is_self,
    "employment": _employment,
    "named": _named,
    "state": _state,
    "ssn": _ssn,
    "npi": _npi,
    "days_given": _days_given,
    "days_in_order": _days_in_order,
    "said_twice": _said_twice,
    "corrected": _corrected,
    "cobra": _cobra,
    "amounts": _amounts,
}
