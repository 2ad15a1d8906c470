"""What came in from the platform: each item, what became of it; tried again, or said who he is."""

from typing import Any

import polars as pl
from django import forms
from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.platform import inbound, ownership
from openbenefits.platform.connecting import say_who
from openbenefits.platform.models import InboundItem
from openbenefits.workbench.desks.parts import noted, numbers_of
from openbenefits.workbench.pages import act, address, client_of, page, show
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workforce.models import Person

MOST = 2_000
NAMES = ("id", "external_id", "person_id", "state", "told", "read_at", "ended_at", "change_id")
SCHEMA: dict[str, Any] = {
    "id": pl.Int64,
    "external_id": pl.String,
    "person_id": pl.Int64,
    "state": pl.String,
    "told": pl.String,
    "read_at": pl.Datetime("us", "UTC"),
    "ended_at": pl.Datetime("us", "UTC"),
    "change_id": pl.Int64,
}


class WhoForm(forms.Form):
    """Which employee there somebody here is."""

    external_id = forms.CharField(label=_("Employee there"), max_length=60)
    number = forms.CharField(label=_("Employee number here"), max_length=60)


@page(
    "<client:client>/payroll-platform/queue/",
    name="platform_queue",
    title=_("Taken in from payroll"),
    permission=Permission.PAYROLL,
)
def listed(request: Any, client: str) -> HttpResponse:
    """List what came in, what waits and is refused first; say who somebody is."""
    found = client_of(request, client)
    form = WhoForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _say(request, found, form.cleaned_data)
    rows = InboundItem.objects.filter(client_id=found.pk).order_by("-pk")[:MOST].values_list(*NAMES)
    frame = pl.DataFrame(list(rows), schema=SCHEMA, orient="row")
    known = numbers_of(found.pk, frame)
    numbers = [known.get(one, "") for one in frame["person_id"].to_list()]
    frame = frame.with_columns(pl.Series("number", numbers, dtype=pl.String))
    columns = (
        Column("external_id", _("Employee there")),
        Column("number", _("Employee here")),
        Column("state", _("Stands"), kind="status"),
        Column("told", _("What it came to")),
        Column("read_at", _("Read"), kind="moment"),
        Column("ended_at", _("Ended"), kind="moment"),
        Column("change_id", _("Change of facts")),
    )
    table = sheet(
        request,
        frame,
        columns,
        name="queue",
        caption=_("What came in"),
        empty=_("Nothing came in yet. Ask for it on the page of the payroll platform."),
        picks="id",
    )
    if (file := table.export()) is not None:
        return file
    return show(
        request,
        "workbench/platform/queue.html",
        title=_("Taken in from payroll"),
        client=found,
        crumbs=[(_("Payroll platform"), address("platform", client=client))],
        status=422 if request.method == "POST" else 200,
        queue=table,
        form=form,
    )


def _say(request: Any, client: Any, said: Any) -> HttpResponse:
    def do() -> None:
        person = Person.objects.filter(client=client, employee_number=said["number"].strip()).first()
        if person is None:
            raise LookupError("expected the number of an employee of this client, found none; correct it")
        by = request.user.username
        say_who(client.pk, person.pk, said["external_id"].strip(), author=by, now=clock.now())
        noted(request, "did", "say who somebody is at payroll", client.pk, person.pk)

    return act(
        request, do, said=_("Written down; look again."), to=address("platform_queue", client=client.code)
    )


@page(
    "<client:client>/payroll-platform/queue/again",
    name="platform_queue_again",
    title=_("Taken in from payroll"),
    permission=Permission.PAYROLL,
)
@require_POST
def again(request: Any, client: str) -> HttpResponse:
    """Put items that were refused or asked about back into the queue."""
    found = client_of(request, client)
    picked = [int(one) for one in request.POST.getlist("id") if one.isdecimal()]
    if not picked:
        raise Http404

    def do() -> None:
        for item in InboundItem.objects.filter(client_id=found.pk, pk__in=picked):
            inbound.try_again(item)
        noted(request, "did", "try again what came in from payroll", found.pk)

    said = _("They wait again; the next taking in takes them.")
    return act(request, do, said=said, to=address("platform_queue", client=client))


@page("payroll-platform/ownership/", name="platform_ownership", title=_("Who owns what"))
def owners(request: Any) -> HttpResponse:
    """Show which element flows in which direction, who owns it, and what happens on a conflict."""
    names = ("element", "theirs", "ours", "direction", "owner", "frequency", "conflict")
    frame = pl.DataFrame(ownership.rows(), schema=list(names), orient="row")
    columns = [Column(name, heading) for name, heading in zip(names, ownership.HEADINGS, strict=True)]
    table = sheet(request, frame, columns, name="ownership", caption=_("Field by field"))
    return table.export() or show(
        request, "workbench/platform/ownership.html", title=_("Who owns what"), owners=table
    )
