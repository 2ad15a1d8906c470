"""What is written to the platform: every change, how far it has come, its history; again, or given up."""

from typing import Any

import polars as pl
from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.platform import outbound
from openbenefits.platform.elements import ELEMENTS
from openbenefits.platform.models import OutboundChange, OutboundStep
from openbenefits.workbench.desks.parts import noted
from openbenefits.workbench.pages import act, address, client_of, page, reason_of, show
from openbenefits.workbench.sheets import Column, sheet

MOST = 2_000
NAMES = ("id", "element", "key", "state", "planned_at", "read_back_at", "attempts", "told", "author")
SCHEMA: dict[str, Any] = {
    "id": pl.Int64,
    "element": pl.String,
    "key": pl.String,
    "state": pl.String,
    "planned_at": pl.Datetime("us", "UTC"),
    "read_back_at": pl.Datetime("us", "UTC"),
    "attempts": pl.Int64,
    "told": pl.String,
    "author": pl.String,
}


def _crumbs(client: str) -> list[tuple[Any, str]]:
    return [(_("Payroll platform"), address("platform", client=client))]


@page(
    "<client:client>/payroll-platform/changes/",
    name="platform_changes",
    title=_("Changes sent to payroll"),
    permission=Permission.PAYROLL,
)
def listed(request: Any, client: str) -> HttpResponse:
    """List changes, the latest first."""
    found = client_of(request, client)
    rows = OutboundChange.objects.filter(client_id=found.pk).order_by("-pk")[:MOST].values_list(*NAMES)
    frame = pl.DataFrame(list(rows), schema=SCHEMA, orient="row")
    columns = (
        Column(
            "id", _("Change"), href=lambda row: address("platform_change", client=client, number=row["id"])
        ),
        Column("element", _("What"), words={name: one.title for name, one in ELEMENTS.items()}),
        Column("key", _("Record")),
        Column("state", _("Stands"), kind="status"),
        Column("told", _("What it came to")),
        Column("attempts", _("Attempts"), kind="number"),
        Column("planned_at", _("Planned"), kind="moment"),
        Column("read_back_at", _("Read back"), kind="moment"),
        Column("author", _("By")),
    )
    table = sheet(
        request,
        frame,
        columns,
        name="changes",
        caption=_("Changes"),
        empty=_("Nothing was ever sent. An export, or the cure of an audit, plans changes."),
    )
    if (file := table.export()) is not None:
        return file
    return show(
        request,
        "workbench/platform/changes.html",
        title=_("Changes sent to payroll"),
        client=found,
        crumbs=_crumbs(client),
        changes=table,
    )


@page(
    "<client:client>/payroll-platform/changes/<int:number>/",
    name="platform_change",
    title=_("Change sent to payroll"),
    permission=Permission.PAYROLL,
)
def one(request: Any, client: str, number: int) -> HttpResponse:
    """Show a change: what it is to be, what differs, each step with its time."""
    found = client_of(request, client)
    change = OutboundChange.objects.filter(client_id=found.pk, pk=number).first()
    if change is None:
        raise Http404
    noted(request, "saw", "change sent to payroll", found.pk, change.person_id)
    may_repeat = change.state in (
        outbound.State.FAILED,
        outbound.State.DIFFERENT,
        outbound.State.HELD,
        outbound.State.CANCELLED,
    )
    return show(
        request,
        "workbench/platform/change.html",
        title=_("Change %(number)s") % {"number": number},
        client=found,
        crumbs=[
            *_crumbs(client),
            (_("Changes sent to payroll"), address("platform_changes", client=client)),
        ],
        change=change,
        element=ELEMENTS[change.element].title,
        wanted=_told(change.wanted),
        steps=OutboundStep.objects.filter(client_id=found.pk, change_id=change.pk).order_by("pk"),
        may_repeat=may_repeat,
        may_cancel=change.state in (outbound.State.PLANNED, outbound.State.HELD),
    )


def _told(wanted: dict[str, Any]) -> list[tuple[str, str]]:
    """Say what a record is to be, field by field."""
    found = []
    for name, value in wanted.items():
        rows = value if isinstance(value, list) else [value]
        texts = [
            ", ".join(f"{key} {part}" for key, part in row.items()) if isinstance(row, dict) else str(row)
            for row in rows
        ]
        found.append((name, "; ".join(texts)))
    return found


@page(
    "<client:client>/payroll-platform/changes/<int:number>/<str:what>",
    name="platform_change_act",
    title=_("Change sent to payroll"),
    permission=Permission.PAYROLL,
)
@require_POST
def act_on(request: Any, client: str, number: int, what: str) -> HttpResponse:
    """Plan a change once more, or give up one that was not sent."""
    found = client_of(request, client)
    change = OutboundChange.objects.filter(client_id=found.pk, pk=number).first()
    if change is None or what not in ("again", "cancel"):
        raise Http404
    why, by = reason_of(request), request.user.username
    made = [number]

    def do() -> None:
        if what == "again":
            made[0] = outbound.again(change, author=by, reason=why or "once more", now=clock.now()).pk
        else:
            outbound.cancel(change, told=why or "given up", now=clock.now())
        noted(request, "did", f"change sent to payroll: {what}", found.pk, change.person_id, why)

    answer = act(
        request,
        do,
        said=_("Written down."),
        to=address("platform_change", client=client, number=number),
    )
    if made[0] != number:
        answer["Location"] = address("platform_change", client=client, number=made[0])
    return answer
