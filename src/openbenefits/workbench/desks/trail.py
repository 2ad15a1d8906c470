"""The audit trail: who saw and did what, of whom, when, for whom and why."""

from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import EVERY_CLIENT
from openbenefits.accounts.trail import KINDS, MOST, TrailOrder, trail_of
from openbenefits.workbench.desks.parts import noted, numbers_of
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.links import to_person
from openbenefits.workbench.pages import Section, client_of, page, show
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workforce.models import Client, Person

DAYS_SHOWN = 30


class TrailForm(forms.Form):
    """Whose entries, and of which days."""

    since = forms.DateField(label=_("From"), required=False, widget=DayInput())
    through = forms.DateField(label=_("Through"), required=False, widget=DayInput())
    user = forms.CharField(label=_("User"), required=False, max_length=150)
    person = forms.CharField(label=_("Employee number"), required=False, max_length=40)
    kind = forms.ChoiceField(
        label=_("Kind"), required=False, choices=[("", _("all")), *((k, k) for k in KINDS)]
    )


@page(
    "<client:client>/audit/",
    name="trail",
    title=_("Audit trail"),
    section=Section.HOUSE,
    permission=Permission.AUDIT,
)
def of_client(request: Any, client: str) -> HttpResponse:
    """Show who saw and did what at a client."""
    return _show(request, client_of(request, client))


@page(
    "audit/",
    name="peo_trail",
    title=_("Audit trail of the PEO"),
    section=Section.HOUSE,
    permission=Permission.AUDIT,
    of_peo=True,
)
def of_peo(request: Any) -> HttpResponse:
    """Show who saw and did what anywhere, sign-ins of staff among it."""
    return _show(request, None)


def _show(request: Any, client: Client | None) -> HttpResponse:
    today = clock.today()
    since = today - timedelta(days=DAYS_SHOWN)
    asked = request.GET.dict()
    form = TrailForm({"since": since.isoformat()} | asked if "since" not in asked else asked)
    wanted: dict[str, Any] = form.cleaned_data if form.is_valid() else {"since": since}
    is_known, person_id = _person(client, wanted.get("person", ""))
    if not is_known:
        form.add_error(
            "person", _("expected the number of an employee of this client, found none; correct it")
        )
    order = TrailOrder(
        client_id=client.pk if client else None,
        person_id=person_id,
        user=wanted.get("user") or None,
        kind=wanted.get("kind") or None,
        since=wanted.get("since"),
        through=wanted.get("through"),
    )
    rows, is_cut = trail_of(order)
    table = sheet(request, *_rows(rows, client), name="entries", caption=_("Entries"), empty=_("Nothing."))
    noted(request, "saw", "audit trail", client.pk if client else EVERY_CLIENT, person_id)
    if (file := table.export()) is not None:
        return file
    return show(
        request,
        "workbench/desks/trail.html",
        title=_("Audit trail") if client else _("Audit trail of the PEO"),
        client=client,
        form=form,
        entries=table,
        is_cut=is_cut,
        most=MOST,
    )


def _person(client: Client | None, number: str) -> tuple[bool, int | None]:
    if not number or client is None:
        return True, None
    found = Person.objects.filter(client=client, employee_number=number).values_list("pk", flat=True).first()
    return found is not None, found


def _rows(rows: Any, client: Client | None) -> tuple[Any, tuple[Column, ...]]:
    codes = dict(Client.objects.values_list("pk", "code")) | {EVERY_CLIENT: "PEO"}
    numbers = numbers_of(client.pk, rows) if client else {}
    told = rows.with_columns(
        rows["client_id"].replace_strict(codes, default="").alias("client"),
        rows["person_id"]
        .replace_strict(numbers, default=None, return_dtype=rows["kind"].dtype)
        .alias("employee_number"),
    )
    columns = (
        Column("at", _("When"), kind="moment"),
        Column("user", _("Who")),
        Column("kind", _("Kind"), kind="status"),
        Column("what", _("What")),
        Column("client", _("Client")),
        Column("employee_number", _("Of"), href=to_person(client.code) if client else None),
        Column("reason", _("Why")),
    )
    return told, columns
