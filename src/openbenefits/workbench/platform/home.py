"""The payroll platform of a client: may payroll run, what the audits found, what to ask of the worker."""

from typing import Any

import polars as pl
from django import forms
from django.db import connection
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.platform.audits import services
from openbenefits.platform.connecting import NotLinked, linked
from openbenefits.platform.exporting import PARTS, SHARED
from openbenefits.platform.seen import NoLook
from openbenefits.store.isolation import PEO
from openbenefits.workbench.asking import asked
from openbenefits.workbench.desks.parts import noted
from openbenefits.workbench.forms import DayInput, ReasonForm
from openbenefits.workbench.pages import Section, address, client_of, page, show
from openbenefits.workbench.sheets import Column, sheet

PART_WORDS = {
    "set-up": _("set-up: plans, groups, rules"),
    "people": _("people: groups, enrolments"),
    "corrections": _("corrections of deductions"),
    "rates": _("rates, which all clients share"),
}


class ExportForm(ReasonForm):
    """What is exported, and why."""

    part = forms.ChoiceField(label=_("Export"), choices=[(part, PART_WORDS[part]) for part in PARTS])
    field_order = ("part", "reason")

    def __init__(self, *given: Any, may_shared: bool = True) -> None:
        """Offer what all clients share only to who sets up for all of them; the worker asks again."""
        super().__init__(*given)
        if not may_shared:
            own = [(part, PART_WORDS[part]) for part in PARTS if part not in SHARED]
            self.fields["part"].choices = own  # type: ignore[attr-defined]


class PaysForm(forms.Form):
    """Of which pays."""

    begin = forms.DateField(label=_("Checks from"), widget=DayInput())
    through = forms.DateField(label=_("through"), widget=DayInput())


ASKS = {
    "look": ("platform look", _("look at the payroll platform")),
    "send": ("platform send", _("send to the payroll platform")),
    "sync": ("platform sync", _("take in from the payroll platform")),
    "export": ("platform export", _("export to the payroll platform")),
    "pays": ("platform pays", _("take pays from the payroll platform")),
}


@page(
    "<client:client>/payroll-platform/",
    name="platform",
    title=_("Payroll platform"),
    section=Section.DESKS,
    permission=Permission.PAYROLL,
)
def home(request: Any, client: str) -> HttpResponse:
    """Show whether payroll may run, the audits with their buckets, and what may be asked for."""
    found = client_of(request, client)
    told: dict[str, Any] = {"link": None, "answer": None, "audits": None}
    try:
        told["link"] = linked(found.pk)
        results = services.audits(connection, found.pk, clock.today())
        told["answer"] = services.may_run(connection, found.pk, on=clock.today(), now=clock.now())
        told["audits"] = _audits(request, client, results)
        if (file := told["audits"].export()) is not None:
            return file
    except (NotLinked, NoLook) as fault:
        told["missing"] = str(fault)
    today = clock.today()
    return show(
        request,
        "workbench/platform/home.html",
        title=_("Payroll platform"),
        client=found,
        export=ExportForm(may_shared=request.access.may(Permission.SETUP, PEO)),
        pays=PaysForm(initial={"begin": today.replace(day=1), "through": today}),
        **told,
    )


def _audits(request: Any, client: str, results: Any) -> Any:
    rows = [
        {
            "code": one.audit.code,
            "title": one.audit.title,
            **one.counts,
            "accepted": one.accepted,
            "faults": one.faults,
            "stops": one.audit.stops and one.faults > 0,
        }
        for one in results
    ]
    columns = (
        Column("code", _("Audit"), href=lambda row: _to(client, row["code"])),
        Column("title", _("What is compared")),
        Column("here only", _("Here only"), kind="number"),
        Column("there only", _("There only"), kind="number"),
        Column("different", _("Different"), kind="number"),
        Column("equal", _("Equal"), kind="number"),
        Column("accepted", _("Accepted"), kind="number"),
        Column("faults", _("Not accepted"), kind="number"),
        Column("stops", _("Stops payroll"), words={True: _("yes"), False: ""}),
    )
    return sheet(request, pl.DataFrame(rows), columns, name="audits", caption=_("Audits of payroll"))


def _to(client: str, code: str) -> str:
    return address("platform_audit", client=client, code=code)


@page(
    "<client:client>/payroll-platform/ask/<str:what>",
    name="platform_ask",
    title=_("Payroll platform"),
    permission=Permission.PAYROLL,
)
@require_POST
def ask_for(request: Any, client: str, what: str) -> HttpResponse:
    """Ask the worker to look, send, export or take in; what is typed wrong is shown again."""
    found = client_of(request, client)
    back = address("platform", client=client)
    kind, said = ASKS.get(what, ASKS["look"])
    given: dict[str, Any] = {}
    form: forms.Form | None = {"export": ExportForm, "pays": PaysForm}.get(what, forms.Form)(request.POST)
    if form is not None and not form.is_valid():
        return show(
            request,
            "workbench/platform/ask.html",
            title=_("Payroll platform"),
            client=found,
            crumbs=[(_("Payroll platform"), back)],
            status=422,
            form=form,
            what=what,
        )
    if form is not None:
        given = {
            name: value.isoformat() if hasattr(value, "isoformat") else value
            for name, value in form.cleaned_data.items()
        }
    noted(request, "did", f"ask: {kind}", found.pk)
    return asked(request, found, kind, given, said=str(said), back=back)
