"""What is agreed with a partner, as data: its plans, its files, when and how they go, what holds them.

A document per partner, in versions; the latest holds, a client's own before the PEO's. Nothing of it is code:
a new carrier is a new document.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from re import fullmatch
from typing import Annotated, Any, Literal

import msgspec
import yaml
from django.db import transaction
from msgspec import Struct

from openbenefits.carriers.acknowledgements.reports import Layout
from openbenefits.carriers.enrollment.profile import Profile
from openbenefits.carriers.layouts.layout import FileLayout, LayoutRefused, check
from openbenefits.carriers.models import PartnerValues, PartnerVersion
from openbenefits.carriers.payments.terms import PremiumTerms
from openbenefits.workforce.models import Client

Mode = Literal["2", "4", "RX"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
PEO = 0
CODE = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}"
"""How a partner's code is written: it stands in addresses and file names."""
EVERY_CLIENT = "*"


class PartnerRefused(ValueError):
    """An agreement that cannot be, or is not there: who, what was expected and found, what to change."""


class Transport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a file leaves and answers come: a folder, SFTP, or by hand.

    folder, answers: where files are put and answers are found, here or at the host. host_key: the line of
    known_hosts the host must prove to be. secret: the name of the environment variable with the password or
    the path of the private key; never the secret itself.
    """

    kind: Literal["folder", "sftp", "by hand"] = "by hand"
    folder: str = ""
    answers: str = ""
    host: str = ""
    port: int = 22
    user: str = ""
    secret: str = ""
    host_key: str = ""


class Cadence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When which kind of file goes: 2 changes, 4 a full audit, RX a replacement.

    days: weekdays of the ordinary file; empty: every day. full_days: days of the month of a full audit
    besides. open_enrollment: what goes from `open_enrollment_from` through `open_enrollment_through`
    (month-day), where that differs; terms by omission if `omits_ends`.
    """

    at: time = time(2, 0)
    days: tuple[Weekday, ...] = ()
    mode: Mode = "2"
    full_days: tuple[int, ...] = ()
    open_enrollment: Mode | None = None
    open_enrollment_from: str = ""
    open_enrollment_through: str = ""
    omits_ends: bool = False


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much a file may change before a person looks (`rules.guards.Thresholds`); null: no bound."""

    ends: int | None = 25
    ends_percent: int | None = 10
    members_percent: int | None = 20
    from_members: int = 20


class FrozenDays(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Days on which changes of coverage before a day go to the portal (`rules.guards.Freeze`)."""

    from_on: date
    through_on: date
    before: date


class DueHours(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long what may take before it is overdue and a case is opened; null: for ever."""

    release: int | None = 24
    transfer: int | None = 2
    acknowledgement: int | None = 24
    report: int | None = 120


class Partner(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is agreed with one partner.

    carriers: whose plans it is told of, by their names in set-up; plan_types: of these only; empty: of all.
    kind: 834; file, a layout of its own (`layouts.layout`); portal, nothing but a worklist. profile: codes
    and places of an 834. environment: T or P; a file for the other is refused. is_per_client: of an
    agreement of the PEO's, whether each client has a file of its own. values: what identifiers come from
    (group, policy, division …), by client code, `*` for every client. premium: its 820, where premium is
    paid by one. context, ended, days_to_repeat: as in `rules.renderings.Manner`.
    ahead_days: how far ahead a span may begin; null: for ever. retro_days: spans that ended longer ago and
    were never told are let be. reports: how its own reports are read, by name. naming: the name of a file:
    {partner} {client} {date} {time} {number} {kind}. four_eyes: who built a file may not release it.
    set_size: the most members of a transaction set, so that one refused concerns few; null: 10,000.
    """

    name: str
    carriers: tuple[str, ...]
    kind: Literal["834", "file", "portal"] = "834"
    environment: Literal["T", "P"] = "T"
    profile: Profile | None = None
    layout: FileLayout | None = None
    premium: PremiumTerms | None = None
    values: dict[str, dict[str, str]] = {}
    context: Literal["", "001", "030"] = ""
    ended: Literal["024", "030"] = "024"
    days_to_repeat: int = 0
    ahead_days: int | None = None
    retro_days: int = 90
    cadence: Cadence = Cadence()
    limits: Limits = Limits()
    freezes: tuple[FrozenDays, ...] = ()
    due: DueHours = DueHours()
    transport: Transport = Transport()
    plan_types: tuple[str, ...] = ()
    is_per_client: bool = False
    reports: dict[str, Layout] = {}
    naming: str = "{partner}_{client}_{date}_{number}.{kind}"
    four_eyes: bool = False
    set_size: Annotated[int, msgspec.Meta(ge=1)] | None = None
    contact: str = ""
    source: str = ""


def read_partner(document: Any) -> Partner:
    """Read an agreement from what JSON or YAML says. Errors: PartnerRefused."""
    try:
        found = msgspec.convert(document, Partner)
    except msgspec.ValidationError as fault:
        raise PartnerRefused(f"{fault}; correct the agreement") from None
    if found.layout is not None:
        try:
            check(found.layout)
        except LayoutRefused as fault:
            raise PartnerRefused(f"{found.name}: {fault}") from None
    if not found.carriers:
        raise PartnerRefused("expected the carriers whose plans it covers, found none; name them")
    needed = {"834": found.profile, "file": found.layout, "portal": True}[found.kind]
    if not needed:
        wanted = "a profile" if found.kind == "834" else "a layout"
        raise PartnerRefused(
            f"{found.name}: expected {wanted} for files of kind {found.kind}, found none; add it"
        )
    if found.profile is not None and found.profile.usage != found.environment:
        raise PartnerRefused(
            f"{found.name}: expected one environment, found {found.environment} beside usage"
            f" {found.profile.usage} of its profile; make them equal"
        )
    return found


def read_agreement(text: str) -> Partner:
    """Read an agreement from YAML. Errors: PartnerRefused."""
    try:
        return read_partner(yaml.safe_load(text))
    except yaml.YAMLError as fault:
        raise PartnerRefused(f"agreement: {fault}; correct the file") from None


def save_partner(client_id: int, code: str, partner: Partner, *, author: str, now: datetime) -> int:
    """Write a version of an agreement; answer its number. The same again writes nothing.

    What the PEO agrees for one client is kept apart: who sees another client does not read it. Of a client
    nobody knows yet only who sees all clients does; it is his as soon as he comes.

    Errors: PartnerRefused for a code that could stand in no address.
    """
    if not fullmatch(CODE, code):
        raise PartnerRefused(
            f"expected a code of at most 40 letters, digits, - _ and ., found {code!r}; choose another"
        )
    document = document_of(partner)
    read_partner(document)
    with transaction.atomic():
        last = _latest(client_id, code)
        if last is not None and last.document == document:
            return int(last.version)
        version = (last.version if last else 0) + 1
        own = _kept_apart(code, version, partner.values) if client_id == PEO else {}
        shared = {name: told for name, told in document["values"].items() if name not in own}
        PartnerVersion.objects.create(
            client_id=client_id,
            code=code,
            version=version,
            document=document | {"values": shared},
            author=author,
            made_at=now,
        )
        PartnerValues.objects.bulk_create(own.values())
    return version


def document_of(partner: Partner) -> dict[str, Any]:
    """Answer an agreement as it is stored: plain values, lists as they are read back."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(partner))
    return found


def _kept_apart(code: str, version: int, values: Mapping[str, Mapping[str, str]]) -> dict[str, PartnerValues]:
    """Answer what is agreed for single clients as rows of theirs."""
    named = sorted(set(values) - {EVERY_CLIENT})
    known = dict(Client.objects.filter(code__in=named).values_list("code", "pk"))
    return {
        one: PartnerValues(
            client_id=known.get(one, PEO), code=code, version=version, client=one, values=dict(values[one])
        )
        for one in named
    }


def with_values(rows: Iterable[PartnerVersion]) -> list[PartnerVersion]:
    """Answer versions of agreements, those of the PEO's with the values of the clients one may see."""
    found = list(rows)
    shared = {(row.code, row.version): row for row in found if row.client_id == PEO}
    if not shared:
        return found
    apart = PartnerValues.objects.filter(code__in={code for code, _ in shared})
    for one in apart.order_by("client"):
        row = shared.get((one.code, one.version))
        if row is not None:
            told = row.document.get("values", {})
            row.document = row.document | {"values": told | {one.client: one.values}}
    return found


def _latest(client_id: int, code: str) -> PartnerVersion | None:
    return next(iter(with_values(_versions(client_id, code)[:1])), None)


def partner_of(client_id: int, code: str) -> tuple[int, int, Partner]:
    """Answer the agreement in force for a client: whose it is (0: the PEO's), its version, itself.

    Errors: PartnerRefused where there is none.
    """
    for owner in dict.fromkeys((client_id, PEO)):
        row = _latest(owner, code)
        if row is not None:
            return owner, int(row.version), read_partner(row.document)
    raise PartnerRefused(
        f"client {client_id}: expected an agreement with partner {code!r}, found none; load one first"
    )


def partners_of(client_id: int) -> dict[str, Partner]:
    """Answer the agreements in force for a client, by code: its own, and the PEO's it does not replace."""
    rows = PartnerVersion.objects.filter(client_id__in=(PEO, client_id)).order_by("client_id", "version")
    latest = {row.code: row for row in rows}
    return {row.code: read_partner(row.document) for row in with_values(latest.values())}


def partners_of_each(client_ids: Sequence[int]) -> dict[int, dict[str, Partner]]:
    """Answer the agreements in force for several clients, as `partners_of` does for one."""
    rows = PartnerVersion.objects.filter(client_id__in=(PEO, *client_ids)).order_by("version")
    latest = {(row.client_id, row.code): row for row in rows}
    known: dict[int, dict[str, Partner]] = {}
    for row in with_values(latest.values()):
        known.setdefault(row.client_id, {})[row.code] = read_partner(row.document)
    return {one: {**known.get(PEO, {}), **known.get(one, {})} for one in client_ids}


def _versions(client_id: int, code: str) -> Any:
    return PartnerVersion.objects.filter(client_id=client_id, code=code).order_by("-version")
