"""One audit: its rows in four buckets; one row: both sides, the cure by one click, or why it is accepted."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db import connection
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.platform.audits import accepting, curing, services
from openbenefits.platform.audits.catalogue import AUDITS, Sides
from openbenefits.platform.models import Accepted, OutboundChange
from openbenefits.platform.seen import NoLook
from openbenefits.store.isolation import PEO
from openbenefits.workbench import links
from openbenefits.workbench.desks.parts import noted
from openbenefits.workbench.forms import DayInput, ReasonForm
from openbenefits.workbench.pages import act, address, client_of, page, reason_of, show
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workforce.models import Client, Person

PLACE = "<client:client>/payroll-platform/audits/<str:code>/"
UNTIL = timedelta(days=90)


class AcceptForm(ReasonForm):
    """Why a difference is accepted, and until when."""

    ground = forms.ChoiceField(
        label=_("Ground"), choices=[(name, f"{name}: {words}") for name, words in accepting.GROUNDS.items()]
    )
    until = forms.DateField(label=_("Until"), widget=DayInput())
    field_order = ("ground", "until", "reason")


def _crumbs(client: str, code: str = "") -> list[tuple[Any, str]]:
    found = [(_("Payroll platform"), address("platform", client=client))]
    return [*found, (code, address("platform_audit", client=client, code=code))] if code else found


@page(PLACE, name="platform_audit", title=_("Audit of payroll"), permission=Permission.PAYROLL)
def one_audit(request: Any, client: str, code: str) -> HttpResponse:
    """List every row of an audit, what is wrong first."""
    found = client_of(request, client)
    if code not in AUDITS:
        raise Http404
    if (sides := _sides_of(found)) is None:
        return redirect("workbench:platform", client=client)
    result = services.audit(sides, code)
    rows = result.rows.sort("is_fault", "bucket", "key", descending=[True, False, False])
    columns = (
        Column("key", _("Record"), href=lambda row: _row_address(client, code, row["key"])),
        Column("bucket", _("Bucket"), kind="status"),
        Column("here", _("Here")),
        Column("there", _("There")),
        Column("note", _("Note")),
        Column("ground", _("Accepted as")),
        Column("is_fault", _("Wrong"), words={True: _("yes"), False: ""}),
    )
    table = sheet(request, rows, columns, name="rows", caption=_("Records compared"))
    if (file := table.export()) is not None:
        return file
    noted(request, "saw", f"audit of payroll {code}", found.pk)
    return show(
        request,
        "workbench/platform/audit.html",
        title=f"{code}: {result.audit.title}",
        client=found,
        crumbs=_crumbs(client),
        result=result,
        rows=table,
        waiting=_waiting(found, code),
    )


def _sides_of(client: Client) -> Sides | None:
    """Load both sides; None where nothing was read of the platform yet: its page says what to do."""
    try:
        return services.sides_of(connection, client.pk, clock.today())
    except NoLook:
        return None


def _waiting(client: Client, code: str) -> Any:
    """Acceptances that wait for a second person."""
    rows = Accepted.objects.filter(
        client_id=client.pk, audit=code, ended_at__isnull=True, ground__in=accepting.SECOND, second=""
    )
    return rows.order_by("pk")[:100]


def _row_address(client: str, code: str, key: str) -> str:
    where = address("platform_row", client=client, code=code)
    return f"{where}?{urlencode({'key': key})}"


@page(f"{PLACE}row", name="platform_row", title=_("Record compared"), permission=Permission.PAYROLL)
def one_row(request: Any, client: str, code: str) -> HttpResponse:
    """Show both sides of a record; send the cure, or accept it as it is."""
    found = client_of(request, client)
    key = request.GET.get("key", "")
    row, result = _row(found, code, key)
    form = AcceptForm(initial={"until": clock.today() + UNTIL})
    status = 200
    if request.method == "POST":
        form = AcceptForm(request.POST)
        if form.is_valid():
            return _accept(request, found, code, row, form.cleaned_data)
        status = 422
    noted(request, "saw", f"row of audit {code}", found.pk, row["person_id"])
    person = Person.objects.filter(client=found, pk=row["person_id"]).first() if row["person_id"] else None
    return show(
        request,
        "workbench/platform/row.html",
        title=f"{code}: {key}",
        client=found,
        crumbs=_crumbs(client, code),
        status=status,
        row=row,
        audit=result.audit,
        sides=_sides(row),
        form=form,
        here=_row_address(client, code, key),
        person=links.person(client, person.employee_number) if person else None,
        changes=OutboundChange.objects.filter(client_id=found.pk, cause=f"{code} {key}").order_by("-pk")[:20],
        accepted=Accepted.objects.filter(client_id=found.pk, audit=code, key=key).order_by("-pk")[:20],
    )


def _row(client: Client, code: str, key: str) -> tuple[dict[str, Any], services.Result]:
    if code not in AUDITS:
        raise Http404
    if (sides := _sides_of(client)) is None:
        raise Http404
    result = services.audit(sides, code)
    rows = result.rows.filter(key=key)
    if rows.is_empty():
        raise Http404
    return rows.row(0, named=True), result


def _sides(row: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    """Lay the fields of both sides beside one another: name, here, there, whether they differ."""
    sides = []
    for said in (row["here"], row["there"]):
        parts = [] if said in (None, "yes") else said.split(" · ")
        sides.append(dict(part.split(" ", 1) for part in parts if " " in part))
    names = list(dict.fromkeys([*sides[0], *sides[1]]))
    return [
        (name, sides[0].get(name, "–"), sides[1].get(name, "–"), name in (row["fields"] or []))
        for name in names
    ]


def _accept(request: Any, client: Client, code: str, row: dict[str, Any], said: Any) -> HttpResponse:
    wish = accepting.Acceptance(
        client_id=client.pk,
        audit=code,
        key=row["key"],
        fingerprint=row["fingerprint"],
        ground=said["ground"],
        reason=said["reason"],
        until=said["until"],
        person_id=row["person_id"],
    )

    def do() -> None:
        accepting.accept(wish, author=request.user.username, today=clock.today(), now=clock.now())
        noted(request, "did", "accept a difference", client.pk, row["person_id"], said["reason"])

    second = said["ground"] in accepting.SECOND
    words = _("It waits for another person's word.") if second else _("It is accepted until that day.")
    return act(request, do, said=words, to=_row_address(client.code, code, row["key"]))


@page(f"{PLACE}cure", name="platform_cure", title=_("Send the cure"), permission=Permission.PAYROLL)
@require_POST
def send_cure(request: Any, client: str, code: str) -> HttpResponse:
    """Plan the change that puts a row right; the next sending sends it."""
    found = client_of(request, client)
    key = request.POST.get("key", "")

    def do() -> None:
        sides = services.sides_of(connection, found.pk, clock.today())
        by, why = request.user.username, reason_of(request) or f"cure of {code}"
        is_of_peo = request.access.may(Permission.SETUP, PEO)
        for one in curing.cure(
            sides, code, key, author=by, reason=why, now=clock.now(), may_shared=is_of_peo
        ):
            noted(request, "did", f"cure of audit {code}", found.pk, one.person_id, why)

    return act(request, do, said=_("Planned; the next sending sends it."), to=_row_address(client, code, key))


@page(
    "<client:client>/payroll-platform/accepted/<int:number>/<str:what>",
    name="platform_word",
    title=_("A second person's word"),
    permission=Permission.PAYROLL,
)
@require_POST
def word(request: Any, client: str, number: int, what: str) -> HttpResponse:
    """Agree, as a second person, to a write-off; or end what is accepted."""
    found = client_of(request, client)
    one = Accepted.objects.filter(client_id=found.pk, pk=number).first()
    if one is None or what not in ("agree", "end"):
        raise Http404

    def do() -> None:
        done = accepting.agree if what == "agree" else accepting.end
        done(one, author=request.user.username, now=clock.now())
        noted(request, "did", f"accepted difference: {what}", found.pk, one.person_id)

    return act(request, do, said=_("Written down."), to=_row_address(client, one.audit, one.key))
