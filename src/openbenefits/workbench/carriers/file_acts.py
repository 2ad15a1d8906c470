"""What is done with a file: released, withdrawn, sent, downloaded; read member by member, in words."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import polars as pl
from django.db import connection
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.masks import shown_birth_date, shown_ssn
from openbenefits.accounts.roles import Permission
from openbenefits.carriers.enrollment.explain import words_of
from openbenefits.carriers.enrollment.file import File
from openbenefits.carriers.enrollment.member import Member
from openbenefits.carriers.enrollment.person import SSN_KIND
from openbenefits.carriers.enrollment.reader import read_file
from openbenefits.carriers.filing import services as filing
from openbenefits.carriers.models import CarrierFile
from openbenefits.carriers.states.moving import FileRefused
from openbenefits.carriers.x12.reader import X12Refused
from openbenefits.reports.deferred import Deferred
from openbenefits.workbench.asking import asked, asked_of_peo
from openbenefits.workbench.carriers.parts import NUL, crumbs, file_of, in_force, noted_of
from openbenefits.workbench.pages import act, address, page, show
from openbenefits.workbench.sheets import Column, Sheet, sheet
from openbenefits.workforce.models import Client

MOST_READ = 20_000
"""So many members are read on a page; larger files are read by `carriers show`."""
LONGEST = 500
HEALTH_REASON = "21"


def _words(request: Any) -> str:
    return str(request.POST.get("words", "")).replace(NUL, "").strip()[:LONGEST]


@page(
    "carriers/files/<int:number>/release",
    name="release_carrier_file",
    title=_("Release a file"),
    permission=Permission.FINALIZE,
)
@require_POST
def release(request: Any, number: int) -> HttpResponse:
    """Let a file leave with the next transfer; of a held one, say what was looked at."""
    found, words = file_of(request, number, Permission.FINALIZE), _words(request)

    def do() -> None:
        filing.release(found.pk, author=request.user.username, words=words, now=clock.now())
        noted_of(request, "did", "release carrier file", found, words)

    return act(
        request,
        do,
        said=_("It is released: it leaves with the next transfer, or send it now."),
        to=_to(number),
    )


@page(
    "carriers/files/<int:number>/withdraw",
    name="withdraw_carrier_file",
    title=_("Withdraw a file"),
    permission=Permission.FINALIZE,
)
@require_POST
def withdraw(request: Any, number: int) -> HttpResponse:
    """Take a file back before it leaves."""
    found, words = file_of(request, number, Permission.FINALIZE), _words(request)

    def do() -> None:
        filing.withdraw(found.pk, author=request.user.username, words=words, now=clock.now())
        noted_of(request, "did", "withdraw carrier file", found, words)

    return act(request, do, said=_("It is withdrawn, and never leaves."), to=_to(number))


SEVERAL = {"release": filing.release, "withdraw": filing.withdraw}
MOST_PICKED = 200


@page(
    "carriers/files/act",
    name="act_on_carrier_files",
    title=_("Release or withdraw several"),
    permission=Permission.FINALIZE,
)
@require_POST
def several(request: Any) -> HttpResponse:
    """Release or withdraw the files picked: all of them, or none where one cannot be."""
    words, what = _words(request), request.POST.get("act", "")
    numbers = [int(one) for one in request.POST.getlist("pk") if one.isdecimal() and len(one) < 19]
    picked = [file_of(request, number, Permission.FINALIZE) for number in numbers[:MOST_PICKED]]

    def do() -> None:
        if what not in SEVERAL or not picked:
            raise FileRefused("expected files picked below, found none; pick some")
        for one in picked:
            SEVERAL[what](one.pk, author=request.user.username, words=words, now=clock.now())
            noted_of(request, "did", f"{what} carrier file", one, words)

    return act(request, do, said=_("It is done for each file picked."), to=address("carrier_files"))


@page(
    "carriers/files/<int:number>/send",
    name="send_carrier_file",
    title=_("Send a file"),
    permission=Permission.FINALIZE,
)
@require_POST
def send(request: Any, number: int) -> HttpResponse:
    """Send a released file now, the way that is agreed; what goes by hand is only written down."""
    found = file_of(request, number, Permission.FINALIZE)
    _owner, _version, partner = in_force(found.partner_client, found.partner)
    if partner.transport.kind != "by hand":
        said, asked_for = f"send carrier file {found.pk}", {"file": found.pk}
        client = Client.objects.filter(pk=found.client_id).first()
        if client is None:
            return asked_of_peo(request, "carrier send", asked_for, said=said, back=_to(number))
        return asked(request, client, "carrier send", asked_for, said=said, back=_to(number))

    def do() -> None:
        filing.send(connection, found.pk, now=clock.now(), author=request.user.username)
        noted_of(request, "did", "send carrier file by hand", found)

    return act(request, do, said=_("Written down: it was taken there by hand."), to=_to(number))


@page(
    "carriers/files/<int:number>/arrived",
    name="decide_carrier_transfer",
    title=_("Did it arrive"),
    permission=Permission.FINALIZE,
)
@require_POST
def arrived(request: Any, number: int) -> HttpResponse:
    """Say whether a file arrived whose transfer broke off, as the partner says."""
    found, words = file_of(request, number, Permission.FINALIZE), _words(request)
    has_arrived = request.POST.get("arrived") == "yes"

    def do() -> None:
        filing.decide_transfer(
            found.pk, has_arrived=has_arrived, author=request.user.username, words=words, now=clock.now()
        )
        noted_of(request, "did", "decide transfer of carrier file", found, words)

    return act(request, do, said=_("Written down."), to=_to(number))


@page(
    "carriers/files/<int:number>/content",
    name="carrier_content",
    title=_("Download a file"),
    permission=Permission.PROCESS,
)
@require_POST
def content(request: Any, number: int) -> HttpResponse:
    """Hand the file out as it is: it names people with their numbers, so the download is written down."""
    found = file_of(request, number, Permission.PROCESS)
    request.access.require(Permission.SEE_PERSONAL, found.client_id)
    data = filing.content_of(found.pk)
    noted_of(request, "saw", "content of carrier file", found)
    answer = HttpResponse(data, content_type="application/octet-stream")
    name = "".join(one for one in found.file_name if one.isalnum() or one in "._-")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _to(number: int) -> str:
    return address("carrier_file", number=number)


@page("carriers/files/<int:number>/members", name="carrier_members", title=_("Member by member"))
def members(request: Any, number: int) -> HttpResponse:
    """Read a file aloud: each member loop in words, as many as fit a page."""
    found = file_of(request, number)
    told, why_not = _read(found)
    shown = None if told is None else _members_table(request, found, list(_members(told)))
    if shown is not None and (saved := shown.export()) is not None:
        noted_of(request, "saw", "members of carrier file as a file", found)
        return saved
    noted_of(request, "saw", "members of carrier file", found)
    return show(
        request,
        "workbench/carriers/members.html",
        title=_("Member by member"),
        crumbs=crumbs((_("Carrier files"), address("carrier_files")), (str(found.pk), _to(found.pk))),
        file=found,
        members=shown,
        why_not=why_not,
    )


SAID = dict.fromkeys(("name", "ssn", "born", "words"), pl.String)


def _members_table(request: Any, found: CarrierFile, told: list[Member]) -> Sheet:
    """Show members as a table; they are put in words as they are shown."""

    def said(some: pl.DataFrame) -> pl.DataFrame:
        return pl.DataFrame([_said(request, found, told[place]) for place in some["place"]], schema=SAID)

    places = pl.DataFrame({"place": range(len(told))}, schema={"place": pl.Int64})
    return sheet(
        request,
        Deferred(events=places.with_columns(lines=pl.lit(1)), make=said),
        (
            Column("name", _("Member")),
            Column("ssn", _("SSN")),
            Column("born", _("Born")),
            Column("words", _("What is said")),
        ),
        name="members",
        caption=_("Members"),
        empty=_("The file names nobody."),
    )


def _read(found: CarrierFile) -> tuple[File | None, str]:
    """Read the content of a file, or answer why it is not read here."""
    if found.kind != "834":
        return None, str(_("Only 834 files are read here; download the file."))
    if found.members > MOST_READ:
        return None, str(_("It holds too many members for a page; read it by `carriers show`."))
    try:
        return read_file(filing.content_of(found.pk)).file, ""
    except X12Refused as refused:
        return None, str(refused)


def _members(told: File) -> Iterator[Member]:
    for one in told.sets:
        yield from one.members


def _said(request: Any, found: CarrierFile, one: Member) -> dict[str, Any]:
    """Say who a member is, as far as it is this user's to see, and what is said of him."""
    access = request.access
    if not access.may(Permission.SEE_HEALTH, found.client_id):
        reason = "" if one.standing.reason == HEALTH_REASON else one.standing.reason
        one = replace(one, standing=replace(one.standing, handicapped="", reason=reason))
    person = one.person
    name = person.name if person else None
    born = person.demographics.born_on if person and person.demographics else None
    number = name.id if name and name.id_kind == SSN_KIND else ""
    return {
        "name": f"{name.last}, {name.first}" if name else "",
        "ssn": shown_ssn(number or None),
        "born": shown_birth_date(access, found.client_id, born),
        "words": words_of(one),
    }
