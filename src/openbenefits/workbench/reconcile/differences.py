"""Differences: the worklist of all invoices, and one with its evidence, moved on."""

from typing import Any

from django import forms
from django.db import connection
from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.core.money import dollars
from openbenefits.reconcile import items
from openbenefits.reconcile.models import Invoice, InvoiceLine, Item, ItemAct
from openbenefits.reconcile.rules.causes import CAUSES
from openbenefits.reconcile.states import ItemState
from openbenefits.store.isolation import PEO
from openbenefits.workbench import links
from openbenefits.workbench.charts import Bar, bars
from openbenefits.workbench.desks.parts import noted
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.pages import Section, act, address, page, show
from openbenefits.workbench.reconcile.parts import (
    LEGS,
    OWNERS,
    STATES,
    client_names,
    item_columns,
    named,
    plan_names,
)
from openbenefits.workbench.sheets import sheet
from openbenefits.workforce.models import Person

TAKEN = (
    ItemState.ASSIGNED,
    ItemState.SENT,
    ItemState.PROMISED,
    ItemState.RESOLVED,
    ItemState.WRITTEN_OFF,
    ItemState.NOT_AN_ERROR,
    ItemState.OPEN,
)
EVIDENCE = {
    "plan_name": _("Plan"),
    "tier": _("Tier"),
    "volume_cents": _("Volume"),
    "age": _("Age"),
    "members": _("Dependents covered"),
    "counted": _("Dependents who count"),
    "basis": _("Covered because"),
    "run_begins_on": _("Covered from"),
    "run_ends_on": _("Covered through"),
    "covered_through": _("Covered through"),
    "begins_on": _("Stands so since"),
    "event_number": _("By event"),
    "made_at": _("Known since"),
    "known_at": _("Known since"),
    "full_cents": _("Price of a full month"),
    "price_on": _("Priced as of"),
    "rate_row_id": _("Rate row"),
    "covered_days": _("Days covered"),
    "month_days": _("Days of the month"),
    "billed_tier": _("Tier billed"),
    "billed_age": _("Age billed"),
    "billed_volume_cents": _("Volume billed"),
    "billed_dependents": _("Dependents billed"),
    "other_plan": _("Plan billed"),
}


class MoveForm(forms.Form):
    """The next step of a difference."""

    state = forms.ChoiceField(label=_("It is"), choices=[(str(one), STATES[str(one)]) for one in TAKEN])
    words = forms.CharField(label=_("What was done"), max_length=500, help_text=_("No personal data."))
    assigned_to = forms.CharField(label=_("Given to"), max_length=100, required=False)
    promised_on = forms.DateField(
        label=_("A day of the month whose invoice is to show it"),
        required=False,
        widget=DayInput(),
        help_text=_("Of a promise; if it is not there, the difference opens again."),
    )
    reference = forms.CharField(label=_("The carrier's number for it"), max_length=100, required=False)
    recovered = forms.DecimalField(
        label=_("Came back, $"), required=False, min_value=0, max_digits=12, decimal_places=2
    )


@page(
    "differences/",
    name="differences",
    title=_("Invoice differences"),
    section=Section.DESKS,
    permission=Permission.FINANCE,
)
def listed(request: Any) -> HttpResponse:
    """List what is open of all invoices, by deadline and dollars."""
    may = [one for one in (PEO, *client_names()) if request.access.may(Permission.FINANCE, one)]
    rows = items.worklist(connection, clock.today(), client_ids=may)
    late = rows.filter("is_expired").height
    soon = rows.filter((rows["days_left"] >= 0) & (rows["days_left"] <= 10)).height
    owners = dict(rows["owner"].value_counts().iter_rows())
    table = sheet(
        request,
        named(rows, plan_names(rows)),
        item_columns(with_invoice=True),
        name="differences",
        caption=_("Open differences"),
        empty=_("Nothing is open. Differences appear when an invoice is reconciled."),
    )
    if (file := table.export()) is not None:
        return file
    here = address("differences")
    values = [
        Bar(OWNERS[one], count, href=f"{here}?differences.f_owner={one}") for one, count in owners.items()
    ]
    return show(
        request,
        "workbench/reconcile/differences.html",
        title=_("Invoice differences"),
        items=table,
        late=late,
        soon=soon,
        owners=bars(values, caption=_("Whose they are to mend")) if values else None,
    )


@page("differences/<int:number>/", name="difference", title=_("Difference"), permission=Permission.FINANCE)
def one(request: Any, number: int) -> HttpResponse:
    """Show a difference: what we say, what they say, from what we know it, what was done.

    Take the next step.
    """
    found = Item.objects.filter(pk=number).first()
    if found is None:
        raise Http404
    request.access.require(Permission.FINANCE, found.client_id)
    form, status = MoveForm(), 200
    if request.method == "POST":
        form, status = MoveForm(request.POST), 422
        if form.is_valid():
            return _move(request, found, form.cleaned_data)
    noted(request, "saw", f"difference {number}", found.client_id, found.person_id)
    cause, invoice = CAUSES[found.code], Invoice.objects.filter(pk=found.invoice_id).first()
    person = Person.objects.filter(pk=found.person_id).first() if found.person_id else None
    client = client_names().get(found.client_id, "")
    crumbs = [(_("Invoice differences"), address("differences"))]
    if invoice is not None:
        crumbs.append((invoice.number, address("invoice", number=invoice.pk)))
    return show(
        request,
        "workbench/reconcile/difference.html",
        title=f"{number}: {cause.title}",
        crumbs=crumbs,
        status=status,
        item=found,
        cause=cause,
        invoice=invoice,
        client_code=client,
        person=person,
        person_href=links.person(client, person.employee_number) if person else None,
        leg=LEGS.get(found.leg, found.leg),
        owner=OWNERS.get(found.owner, found.owner),
        state=STATES.get(found.state, found.state),
        facts=_facts(found),
        lines=_lines(found),
        acts=ItemAct.objects.filter(item_id=found.pk).order_by("number"),
        state_words=STATES,
        form=None if found.state == ItemState.CARRIED else form,
        is_late=found.deadline_on is not None and found.deadline_on < clock.today(),
    )


def _facts(found: Item) -> list[tuple[Any, str]]:
    """Answer the evidence in words, amounts as dollars."""
    facts, seen = [], set()
    for name, title in EVIDENCE.items():
        value = found.evidence.get(name)
        if value in (None, "") or title in seen:
            continue
        seen.add(title)
        text = dollars(value) if name.endswith("_cents") else str(value)[:16].replace("T", " ")
        facts.append(
            (title, str(value) if name in ("plan_name", "other_plan", "tier", "billed_tier") else text)
        )
    return facts


def _lines(found: Item) -> list[InvoiceLine]:
    numbers = [int(one) for one in found.lines.split(", ") if one.isdecimal()][:50]
    lines = InvoiceLine.objects.filter(invoice_id=found.invoice_id, line__in=numbers)
    return list(lines.order_by("line"))


def _move(request: Any, found: Item, said: Any) -> HttpResponse:
    back = said["recovered"]
    step = items.Move(
        state=ItemState(said["state"]),
        words=said["words"],
        assigned_to=said["assigned_to"],
        promised_on=said["promised_on"],
        reference=said["reference"],
        recovered_cents=None if back is None else int(back * 100),
    )

    def do() -> None:
        items.move([found.pk], step, author=request.user.username, now=clock.now())
        noted(request, "did", f"difference {step.state}", found.client_id, found.person_id, said["words"])

    return act(request, do, said=_("Written down."), to=address("difference", number=found.pk))
