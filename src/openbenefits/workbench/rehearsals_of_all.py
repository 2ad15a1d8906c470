"""A rehearsal over several clients, or all: asked for by the PEO, looked at client by client, carried out."""

from typing import Any

import polars as pl
from django import forms
from django.db import connection
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import note
from openbenefits.core.codes import Level
from openbenefits.reports.rehearsals import BY_PERSON, BY_PLAN, OUTCOMES, rehearsal_tables
from openbenefits.runs.rehearsals import NoRehearsal, Rehearsal, list_rehearsals, load_rehearsal
from openbenefits.store.isolation import PEO
from openbenefits.workbench import links, words
from openbenefits.workbench.asking import asked_of_peo
from openbenefits.workbench.controls import THROUGH
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.pages import Section, address, page, show
from openbenefits.workbench.rehearsals import PERSONS, PLANS, CommitForm
from openbenefits.workbench.sheets import Column, Sheet, sheet
from openbenefits.workforce.models import Client

CLIENT = Column("client", _("Client"), href=lambda row: address("client", client=row["client"]))


class RehearseForm(forms.Form):
    """What to rehearse, and of which clients."""

    as_of = forms.DateField(label=_("As of"), widget=DayInput())
    through = forms.ChoiceField(label=_("Through"), choices=[(code, words.LEVELS[code]) for code in THROUGH])
    is_finalizing = forms.BooleanField(
        label=_("Finalise: apply defaults to whoever has not answered"), required=False
    )
    clients = forms.CharField(
        label=_("Only these clients"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Codes, one a line; none means all with a set-up in force."),
    )
    accept = forms.CharField(
        label=_("Codes of audits that may stand"), required=False, help_text=_("With spaces between them.")
    )
    reason = forms.CharField(label=_("Why they may stand"), required=False, max_length=500)

    def clean_clients(self) -> list[int] | None:
        """Find the clients named.

        Errors: ValidationError names the codes nobody has.
        """
        codes = self.cleaned_data["clients"].split()
        if not codes:
            return None
        found = dict(Client.objects.filter(code__in=codes).values_list("code", "pk"))
        unknown = [code for code in codes if code not in found]
        if unknown:
            why = say("expected codes of clients, found %(codes)s that no client has")
            raise forms.ValidationError(why % {"codes": ", ".join(unknown)})
        return list(found.values())

    def clean(self) -> dict[str, Any]:
        """Refuse codes without a reason."""
        told: dict[str, Any] = super().clean() or {}
        if told.get("accept", "").strip() and not told.get("reason", "").strip():
            self.add_error("reason", say("expected a reason, found none; say why they may stand"))
        return told

    def order(self) -> dict[str, Any]:
        """What is asked of the worker."""
        told = self.cleaned_data
        return {
            "as_of": told["as_of"].isoformat(),
            "through": told["through"],
            "is_finalizing": told["is_finalizing"],
            "clients": told["clients"],
            "accepted": dict.fromkeys(told["accept"].split(), told["reason"]),
        }


@page(
    "rehearsals/",
    name="rehearsals_everywhere",
    title=_("Rehearsals, all clients"),
    section=Section.PROCESS,
    permission=Permission.PROCESS,
    of_peo=True,
)
def everywhere(request: Any) -> HttpResponse:
    """List the rehearsals of all clients; ask for one over several of them."""
    start = {"as_of": clock.today().isoformat(), "through": str(Level.ELECTIONS)}
    form = RehearseForm(request.POST or None, initial=start)
    if request.method == "POST" and form.is_valid():
        here = address("rehearsals_everywhere")
        return asked_of_peo(request, "rehearse", form.order(), said="rehearse clients", back=here)
    rows = list_rehearsals(connection).with_columns(many=pl.col("clients").list.len()).drop("clients")
    columns = (
        Column("number", _("Rehearsal"), kind="number", href=_to_rehearsal),
        Column("made_at", _("Made"), kind="moment"),
        Column("made_by", _("By")),
        Column("as_of", _("As of"), kind="day"),
        Column("many", _("Clients"), kind="number"),
    )
    empty = _("No rehearsal is kept. Ask for one above.")
    caption = _("Rehearsals, the last first")
    shown = sheet(request, rows, columns, name="rehearsals", caption=caption, empty=empty)
    if (file := shown.export()) is not None:
        return file
    return show(
        request,
        "workbench/rehearsals/everywhere.html",
        title=_("Rehearsals, all clients"),
        status=422 if form.is_bound else 200,
        form=form,
        rehearsals=shown,
    )


def _to_rehearsal(row: links.Row) -> str:
    return address("rehearsal_of_all", number=row["number"])


@page(
    "rehearsals/<int:number>/",
    name="rehearsal_of_all",
    title=_("Rehearsal"),
    permission=Permission.PROCESS,
    of_peo=True,
)
def one(request: Any, number: int) -> HttpResponse:
    """Show what a rehearsed run would do, client by client; ask for it to be carried out."""
    try:
        found = load_rehearsal(connection, number)
    except NoRehearsal:
        raise Http404 from None
    form = CommitForm(request.POST or None)
    here = address("rehearsal_of_all", number=number)
    if request.method == "POST":
        request.access.require(Permission.FINALIZE, PEO)
        if form.is_valid():
            order = {"rehearsal": number} | form.order()
            return asked_of_peo(request, "commit", order, said="commit a rehearsal", back=here)
    shown = _sheets(request, found)
    for one_sheet in shown:
        if (file := one_sheet.export()) is not None:
            return file
    note(request.access, "saw", "rehearsal", client_id=PEO, now=clock.now())
    return show(
        request,
        "workbench/rehearsals/of_all.html",
        title=say("Rehearsal %(number)s") % {"number": number},
        crumbs=[(_("Rehearsals, all clients"), address("rehearsals_everywhere"))],
        status=422 if request.method == "POST" else 200,
        rehearsal=found,
        in_scope=found.people.height,
        many=len(found.orders),
        seconds=round(found.run_seconds, 1),
        sheets=shown,
        form=form,
        may_commit=request.access.may(Permission.FINALIZE, PEO),
    )


OUTCOME_COLUMNS = (
    CLIENT,
    Column("outcome", _("What would become of it")),
    Column("status", _("Status after"), kind="status", words=words.STATUSES),
    Column("people", _("People"), kind="number"),
)
EMPLOYEE = Column(
    "employee_number",
    _("Employee"),
    href=lambda row: links.person(row["client"], row["employee_number"]),
)


def _sheets(request: Any, found: Rehearsal) -> list[Sheet]:
    tables = rehearsal_tables(connection, found)
    nothing = _("Nothing would differ in anybody's coverage or deductions.")
    laid_out = (
        ("outcomes", OUTCOMES, OUTCOME_COLUMNS, _("What would become of everybody")),
        ("plans", BY_PLAN, (CLIENT, *PLANS), _("People and dollars by client and plan")),
        ("persons", BY_PERSON, (CLIENT, EMPLOYEE, *PERSONS), _("What would differ, person by person")),
    )
    return [
        sheet(request, tables[table], columns, name=name, caption=caption, empty=nothing)
        for name, table, columns, caption in laid_out
    ]
