"""The portal worklist: what somebody must enter at a partner's portal, done with its proof; urgent adds."""

from typing import Any

import polars as pl
from django import forms
from django.db import connection
from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.carriers.custody import portal_entries
from openbenefits.carriers.custody.readings import portal_rows
from openbenefits.carriers.models import PortalEntry
from openbenefits.workbench.carriers.lists import cover_columns
from openbenefits.workbench.carriers.parts import KINDS, client_codes, clients_for, crumbs
from openbenefits.workbench.desks.parts import noted, plan_types
from openbenefits.workbench.links import person as person_href
from openbenefits.workbench.pages import Section, act, address, page, show
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workforce.models import Person

REASONS = {
    "frozen": _("the partner is frozen"),
    "portal": _("it takes no files"),
    "urgent": _("it is urgent"),
}


class DoneForm(forms.Form):
    """What the partner gave as proof."""

    call_reference = forms.CharField(
        label=_("Call reference"),
        max_length=100,
        help_text=_("The number of the call or of the portal's confirmation; no personal data."),
    )


@page(
    "carriers/portal/",
    name="carrier_portal",
    title=_("Portal worklist"),
    section=Section.CARRIERS,
    permission=Permission.PROCESS,
)
def listed(request: Any) -> HttpResponse:
    """List what is to be entered at portals, what is due first; done entries where the address asks."""
    everything = request.GET.get("all") == "1"
    rows = portal_rows(clients_for(request, Permission.PROCESS), with_done=everything)
    table = _sheet(request, rows)
    for client_id in sorted(table.frame["client_id"].unique().to_list()):
        noted(request, "saw", "portal worklist", client_id)
    if (file := table.export()) is not None:
        return file
    late = rows.filter(pl.col("done_at").is_null() & (pl.col("due_on") < clock.today())).height
    return show(
        request,
        "workbench/carriers/portal.html",
        title=_("Portal worklist"),
        crumbs=crumbs(),
        entries=table,
        everything=everything,
        late=late,
    )


def _sheet(request: Any, rows: pl.DataFrame) -> Any:
    return sheet(
        request,
        rows,
        (
            Column(
                "id", _("Entry"), kind="number", href=lambda row: address("portal_entry", number=row["id"])
            ),
            Column("due_on", _("Due"), kind="day"),
            Column("partner", _("Partner")),
            Column("client", _("Client")),
            *cover_columns(plan_type="line"),
            Column("reason", _("Because"), words=REASONS),
            Column("call_reference", _("Call reference")),
        ),
        name="entries",
        caption=_("To be entered"),
        empty=_("Nothing is to be entered. Frozen days and partners without files bring entries."),
    )


@page(
    "carriers/portal/<int:number>/",
    name="portal_entry",
    title=_("Portal entry"),
    permission=Permission.PROCESS,
)
def one(request: Any, number: int) -> HttpResponse:
    """Show what is to be entered; take the partner's call reference once it is."""
    found = PortalEntry.objects.filter(pk=number).first()
    if found is None:
        raise Http404
    request.access.require(Permission.PROCESS, found.client_id)
    form, status = DoneForm(), 200
    if request.method == "POST":
        form, status = DoneForm(request.POST), 422
        if form.is_valid():
            return _done(request, found, form.cleaned_data["call_reference"])
    noted(request, "saw", f"portal entry {number}", found.client_id, found.person_id)
    client = client_codes().get(found.client_id, "")
    person = Person.objects.filter(client_id=found.client_id, pk=found.person_id).first()
    return show(
        request,
        "workbench/carriers/entry.html",
        title=f"{_('Portal entry')} {number}",
        crumbs=crumbs((_("Portal worklist"), address("carrier_portal"))),
        status=status,
        entry=found,
        client_code=client,
        person=person,
        person_href=person_href(client, person.employee_number) if person else None,
        kind=KINDS.get(found.kind, found.kind),
        line=plan_types().get(found.line, found.line),
        reason=REASONS.get(found.reason, found.reason),
        is_late=found.done_at is None and found.due_on < clock.today(),
        form=form if found.done_at is None and found.is_net else None,
    )


def _done(request: Any, found: PortalEntry, reference: str) -> HttpResponse:
    def do() -> None:
        portal_entries.done(
            connection, found.pk, call_reference=reference, author=request.user.username, now=clock.now()
        )
        noted(request, "did", "portal entry done", found.client_id, found.person_id)

    return act(request, do, said=_("Written down: the partner knows it."), to=address("carrier_portal"))
