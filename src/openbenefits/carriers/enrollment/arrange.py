"""Says members to a carrier in its own words: its profile applied to what we mean."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from openbenefits.carriers.enrollment.coverage import Coverage
from openbenefits.carriers.enrollment.file import Address, Controls, File, file_of
from openbenefits.carriers.enrollment.header import Account, Beginning, Broker, Header, Organization
from openbenefits.carriers.enrollment.member import SUBSCRIBER_ID, Member
from openbenefits.carriers.enrollment.person import CORRECTED, INSURED, Party, Person
from openbenefits.carriers.enrollment.profile import (
    End,
    Identifier,
    PlanCode,
    Profile,
    ProfileRefused,
)
from openbenefits.carriers.enrollment.profile import Organization as Named
from openbenefits.carriers.enrollment.record import NotReadable, day_of
from openbenefits.carriers.enrollment.statements import Dated, Reference

AUDIT, CONTINUATION = "030", "C"
ORIGINAL, AGAIN = "00", "15"
PARTY_LOOPS = {"31": "2100C", "36": "2100D", "M8": "2100E", "S3": "2100F", "45": "2100H"}


@dataclass(frozen=True, kw_only=True)
class Told:
    """A member as we mean him: HD03 is our plan, HD05 our coverage code; days are the carrier's already.

    values: what identifiers come from, by name (employee_number, group, division …); also of the family.
    """

    member: Member
    values: Mapping[str, str] = field(default_factory=dict)


def enrollment_file(
    told: Sequence[Told],
    profile: Profile,
    *,
    reference: str,
    controls: Controls,
    at: datetime,
    values: Mapping[str, str] | None = None,
    action: str = "",
    is_again: bool = False,
    set_size: int | None = None,
) -> File:
    """Answer the file a carrier gets. reference: our id of it; values: those of the header's identifiers.

    action: BGN08, where it is not the profile's. is_again: the very same content under the same reference.
    set_size: the most members of a set.

    Errors: ProfileRefused where a plan, a tier or a value has no code.
    """
    return file_of(
        header_of(profile, reference=reference, at=at, values=values or {}, action=action, is_again=is_again),
        [arrange(one, profile) for one in told],
        sender=_address(profile.sender),
        receiver=_address(profile.receiver),
        controls=controls,
        at=at,
        usage=profile.usage,
        wants_ta1=profile.wants_ta1,
        has_counts=profile.has_counts,
        **({} if set_size is None else {"largest_set": set_size}),
    )


def header_of(
    profile: Profile,
    *,
    reference: str,
    at: datetime,
    values: Mapping[str, str],
    action: str = "",
    is_again: bool = False,
) -> Header:
    """Answer what stands before the members. Errors: ProfileRefused."""
    return Header(
        beginning=Beginning(
            purpose=AGAIN if is_again else ORIGINAL,
            reference=reference,
            on=at.date(),
            time=at.strftime("%H%M"),
            original_reference=reference if is_again else "",
            action=action or profile.action,
        ),
        references=tuple(_references(profile, "header", values, "all", is_continued=False)),
        dates=tuple(_header_dates(profile, values)),
        sponsor=_organization(profile.sponsor, "P5"),
        insurer=_organization(profile.insurer, "IN"),
        brokers=tuple(
            Broker(
                party=_organization(one, one.role),
                account=Account(number=one.account) if one.account else None,
            )
            for one in profile.agents
        ),
    )


def arrange(told: Told, profile: Profile) -> Member:
    """Answer a member in the carrier's words. Errors: ProfileRefused."""
    one = told.member
    whose = "subscriber" if one.is_subscriber else "dependents"
    is_continued = one.standing.benefit_status == CONTINUATION
    own = [Reference(kind=SUBSCRIBER_ID, value=_value(profile.subscriber_id, told.values))]
    own += _references(profile, "member", told.values, whose, is_continued=is_continued)
    event = profile.continuation_event if is_continued and one.standing.cobra_event else ""
    reason = profile.audit_reason if one.standing.action == AUDIT else one.standing.reason
    dates = one.dates
    if profile.member_dates is not None:
        dates = tuple(day for day in dates if day.kind in profile.member_dates)
    return replace(
        one,
        standing=replace(one.standing, reason=reason, cobra_event=event or one.standing.cobra_event),
        references=(*own, *one.references),
        dates=dates,
        person=one.person and _person(one.person, profile),
        was=None if "2100B" in profile.off else one.was,
        parties=tuple(party for party in one.parties if _loop_of(party) not in profile.off),
        disabilities=() if "2200" in profile.off else one.disabilities,
        coverages=tuple(_coverage(line, told, profile, whose, is_continued) for line in one.coverages),
        categories=() if "2700" in profile.off else one.categories,
    )


def _loop_of(party: Party) -> str:
    return PARTY_LOOPS.get(party.name.role, "2100G")


def _person(one: Person, profile: Profile) -> Person:
    off = set(profile.off)
    is_unmarked = "2100B" in off and one.name.role == CORRECTED
    return replace(
        one,
        name=replace(one.name, role=INSURED) if is_unmarked else one.name,
        contact=None if "PER" in off else one.contact,
        classes=() if "EC" in off else one.classes,
        income=None if "ICM" in off else one.income,
        amounts=() if "AMT" in off else one.amounts,
        health=None if "HLH" in off else one.health,
        languages=() if "LUI" in off else one.languages,
    )


def _coverage(
    one: Coverage,
    told: Told,
    profile: Profile,
    whose: str,
    is_continued: bool,
) -> Coverage:
    code = profile.plans.get(one.line.insurance)
    if code is None:
        raise ProfileRefused(
            f"profile {profile.name}: plan {one.line.insurance} has no code;"
            " add it under plans, or send no line"
        )
    off = set(profile.off)
    references = _references(profile, "line", told.values, whose, is_continued=is_continued)
    return replace(
        one,
        line=replace(
            one.line,
            insurance=code.insurance,
            plan=_plan(code, told.values),
            tier=_tier(one, profile, whose),
        ),
        amounts=() if "premium" in off else one.amounts,
        references=(*references, *one.references),
        cards=() if "IDC" in off else one.cards,
        providers=() if "2310" in off else one.providers,
        coordinations=() if "2320" in off else one.coordinations,
    )


def _plan(code: PlanCode, values: Mapping[str, str]) -> str:
    return _value(code.plan_from, values) if code.plan_from else code.plan


def _tier(one: Coverage, profile: Profile, whose: str) -> str:
    if not one.line.tier or profile.tier_on not in ("all", whose):
        return ""
    tier = profile.tiers.get(one.line.tier)
    if tier is None:
        raise ProfileRefused(
            f"profile {profile.name}: coverage code {one.line.tier} has no tier; add it under tiers"
        )
    return tier


def _references(
    profile: Profile, place: str, values: Mapping[str, str], whose: str, *, is_continued: bool
) -> Iterator[Reference]:
    for one in profile.identifiers:
        if one.place == place and one.on in ("all", whose):
            yield Reference(kind=one.kind, value=_identifier(one, values, is_continued=is_continued))


def _identifier(one: Identifier, values: Mapping[str, str], *, is_continued: bool) -> str:
    if is_continued and one.on_continuation:
        return one.on_continuation
    return one.fixed or _value(one.value, values)


def _value(name: str, values: Mapping[str, str]) -> str:
    if not values.get(name):
        raise ProfileRefused(
            f"expected a value named {name or 'nothing'}, found none; state it for the client"
        )
    return values[name]


def _header_dates(profile: Profile, values: Mapping[str, str]) -> Iterator[Dated]:
    for kind, name in profile.header_dates.items():
        try:
            yield Dated(kind=kind, on=day_of(_value(name, values)))
        except NotReadable as fault:
            raise ProfileRefused(f"value {name}: {fault}; correct it") from None


def _organization(told: Named, role: str) -> Organization:
    return Organization(role=role, name=told.name, id_kind=told.id_kind, id=told.id)


def _address(told: End) -> Address:
    return Address(qualifier=told.qualifier, id=told.id, group_id=told.group_id)
