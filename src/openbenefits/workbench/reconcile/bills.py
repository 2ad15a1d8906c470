"""What reconciliation tells of a client: our own bill, balances by person, credits on their way."""

from datetime import date
from typing import Any

import polars as pl
from django import forms
from django.db import connection
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.reconcile import outputs
from openbenefits.reconcile.models import CarrierTerms, Invoice
from openbenefits.reconcile.states import Kind
from openbenefits.workbench import links
from openbenefits.workbench.desks.parts import noted
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.pages import Section, address, client_of, page, show
from openbenefits.workbench.reconcile.parts import STATES
from openbenefits.workbench.sheets import Column, sheet


class BillForm(forms.Form):
    """A carrier, and a month."""

    carrier = forms.ChoiceField(label=_("Carrier or agency"))
    month = forms.DateField(label=_("A day of the month"), widget=DayInput())

    def __init__(self, carriers: list[str], *parts: Any) -> None:
        """Offer the carriers there are."""
        super().__init__(*parts)
        self.fields["carrier"].choices = [(one, one) for one in carriers]  # type: ignore[attr-defined]


def _asked(request: Any, client_id: int) -> tuple[BillForm, str | None, date]:
    """Read which carrier and month are asked for; the first one, and this month, where nothing is."""
    names = set(CarrierTerms.objects.values_list("carrier", flat=True))
    names |= set(Invoice.objects.filter(client_id__in=[0, client_id]).values_list("carrier", flat=True))
    bills = Invoice.objects.filter(kind=Kind.BILLING).values_list("carrier", flat=True)
    carriers, today = sorted(names - set(bills)), clock.today()
    first = {"carrier": carriers[0] if carriers else "", "month": today.isoformat()}
    form = BillForm(carriers, {name: request.GET.get(name) or value for name, value in first.items()})
    if not form.is_valid():
        return form, None, today
    return form, form.cleaned_data["carrier"], form.cleaned_data["month"]


STEPS = {
    "before": _("Before"),
    "added": _("Added"),
    "ended": _("Ended"),
    "changed": _("Changed"),
    "now": _("Now"),
}


@page(
    "<client:client>/self-bill/",
    name="self_bill",
    title=_("Own bill of a carrier"),
    section=Section.DESKS,
    permission=Permission.FINANCE,
)
def self_bill(request: Any, client: str) -> HttpResponse:
    """Show what is owed to a carrier for a month by our own records, and how it came about."""
    found = client_of(request, client)
    form, carrier, month = _asked(request, found.pk)
    tables: list[Any] = []
    if carrier is not None:
        bill = outputs.self_bill(connection, [found.pk], carrier, month)
        steps = outputs.roll_forward(connection, [found.pk], carrier, month)
        tables = [_bill_table(request, bill), _steps_table(request, steps)]
        for table in tables:
            if (file := table.export()) is not None:
                return file
    noted(request, "saw", "own bill of a carrier", found.pk)
    return show(
        request,
        "workbench/reconcile/self_bill.html",
        title=_("Own bill of a carrier"),
        client=found,
        form=form,
        tables=tables,
    )


def _bill_table(request: Any, bill: pl.DataFrame) -> Any:
    return sheet(
        request,
        bill,
        (
            Column("plan_name", _("Plan")),
            Column("plan", _("Code")),
            Column("tier_name", _("Coverage tier")),
            Column("people", _("People"), kind="number"),
            Column("dependents", _("Dependents"), kind="number"),
            Column("volume_cents", _("Volume"), kind="money"),
            Column("premium_cents", _("Premium"), kind="money"),
            Column("unpriced", _("Not priced"), kind="number"),
        ),
        name="bill",
        caption=_("What is owed for the month"),
        empty=_("Nobody is charged for a plan of this carrier in this month."),
    )


def _steps_table(request: Any, steps: pl.DataFrame) -> Any:
    columns = [Column("plan", _("Plan"))]
    for name, title in STEPS.items():
        columns.append(Column(f"{name}_people", _("%(step)s: people") % {"step": title}, kind="number"))
        columns.append(Column(f"{name}_cents", _("%(step)s: premium") % {"step": title}, kind="money"))
    return sheet(
        request,
        steps,
        tuple(columns),
        name="steps",
        caption=_("How it follows from the month before"),
        empty=_("Nothing was charged in either month."),
    )


@page(
    "<client:client>/carrier-balances/",
    name="carrier_balances",
    title=_("Carrier balances"),
    section=Section.DESKS,
    permission=Permission.FINANCE,
)
def balances(request: Any, client: str) -> HttpResponse:
    """Show what a carrier charged for each person and plan and what pays took; and credits on their way."""
    found = client_of(request, client)
    form, carrier, month = _asked(request, found.pk)
    tables: list[Any] = []
    if carrier is not None:
        tables = [_balance_table(request, client, outputs.balances(connection, found.pk, carrier, month))]
    coming = outputs.credits_on_their_way(connection, [found.pk], clock.today())
    tables.append(_credit_table(request, coming))
    for table in tables:
        if (file := table.export()) is not None:
            noted(request, "saw", "carrier balances as a file", found.pk)
            return file
    noted(request, "saw", "carrier balances", found.pk)
    return show(
        request,
        "workbench/reconcile/balances.html",
        title=_("Carrier balances"),
        client=found,
        form=form,
        tables=tables,
    )


def _balance_table(request: Any, client: str, rows: pl.DataFrame) -> Any:
    return sheet(
        request,
        rows,
        (
            Column(
                "employee_number",
                _("Employee"),
                href=lambda row: links.person(client, row["employee_number"]),
            ),
            Column("plan", _("Plan")),
            Column("opening_charged_cents", _("Charged before"), kind="money"),
            Column("charged_cents", _("Charged"), kind="money"),
            Column("opening_taken_cents", _("Taken before"), kind="money"),
            Column("taken_cents", _("Taken"), kind="money"),
            Column("closing_cents", _("Charged less taken"), kind="money"),
        ),
        name="balances",
        caption=_("By person and plan"),
        empty=_("No invoice of this carrier was taken in up to this month."),
    )


def _credit_table(request: Any, rows: pl.DataFrame) -> Any:
    return sheet(
        request,
        rows,
        (
            Column("id", _("No."), kind="number", href=lambda row: address("difference", number=row["id"])),
            Column("carrier", _("Carrier")),
            Column("invoice", _("Invoice")),
            Column("month", _("Month"), kind="day"),
            Column("claimed_cents", _("Claimed"), kind="money"),
            Column("recovered_cents", _("Came back"), kind="money"),
            Column("open_cents", _("Open"), kind="money"),
            Column("state", _("State"), kind="status", words=STATES),
            Column("promised_on", _("Promised for"), kind="day"),
            Column("deadline_on", _("Taken until"), kind="day"),
        ),
        name="credits",
        caption=_("Credits on their way"),
        empty=_("No carrier owes a credit."),
    )
