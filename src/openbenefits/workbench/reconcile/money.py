"""How the money pays collected meets an invoice, person by person; and what accounting is to post."""

from typing import Any

import polars as pl
from django.db import connection
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts.roles import Permission
from openbenefits.reconcile.billing import by_plan
from openbenefits.reconcile.entries import entries
from openbenefits.reconcile.frames import load_rows
from openbenefits.reconcile.models import BilledMonth, Invoice, PersonMonth
from openbenefits.reconcile.rules.margins import parts
from openbenefits.reconcile.states import Kind
from openbenefits.workbench import links
from openbenefits.workbench.pages import page, show
from openbenefits.workbench.reconcile.parts import (
    client_names,
    crumbs,
    invoice_of,
    named,
    noted_of,
    plan_names,
)
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workforce.models import Person


@page(
    "invoices/<int:number>/money",
    name="invoice_money",
    title=_("Money by person"),
    permission=Permission.FINANCE,
)
def by_person(request: Any, number: int) -> HttpResponse:
    """Show of each person and plan what was billed, what pays brought, and why both differ.

    Of a bill to a client: the four legs.
    """
    found = invoice_of(request, number)
    is_bill = found.kind == Kind.BILLING
    tables = _of_bill(request, found) if is_bill else _of_carrier(request, found)
    for table in tables:
        if (file := table.export()) is not None:
            noted_of(request, "saw", "money by person as a file of invoice", found)
            return file
    noted_of(request, "saw", "money by person of invoice", found)
    return show(
        request,
        "workbench/reconcile/money.html",
        title=_("Four legs") if is_bill else _("Money by person"),
        is_bill=is_bill,
        crumbs=crumbs(found),
        invoice=found,
        tables=tables,
    )


def _of_carrier(request: Any, invoice: Invoice) -> list[Any]:
    rows = _numbered(load_rows(connection, PersonMonth, invoice.pk)).with_columns(
        collected_cents=pl.col("taken_cents") + pl.col("employer_cents")
    )
    shown = rows.sort(pl.col("unexplained_cents").abs(), "person_id", descending=[True, False])
    return [_people_table(request, shown), _entries_table(request, entries(connection, invoice))]


def _of_bill(request: Any, invoice: Invoice) -> list[Any]:
    legs = load_rows(connection, BilledMonth, invoice.pk)
    people = _numbered(legs).with_columns(**parts()).sort("billing_cents", "person_id", "plan_id")
    plans = by_plan(legs)
    of_plan, of_person = (Column("people", _("People"), kind="number"),), (_employee(),)
    return [
        _legs_table(request, named(plans, plan_names(plans)), "plans", _("Four legs by plan"), of_plan),
        _legs_table(request, people, "people", _("Four legs by person"), of_person),
    ]


def _numbered(rows: pl.DataFrame) -> pl.DataFrame:
    people = rows["person_id"].unique().to_list()
    numbers = dict(Person.objects.filter(pk__in=people).values_list("pk", "employee_number"))
    return named(rows, plan_names(rows)).with_columns(
        employee_number=pl.col("person_id").replace_strict(numbers, default="", return_dtype=pl.String)
    )


def _employee() -> Column:
    return Column(
        "employee_number",
        _("Employee"),
        href=lambda row: links.person(row["client"], row["employee_number"]),
    )


def _legs_table(request: Any, rows: pl.DataFrame, name: str, caption: Any, who: tuple[Column, ...]) -> Any:
    return sheet(
        request,
        rows,
        (
            *who,
            Column("plan", _("Plan")),
            Column("premium_cents", _("Carrier: expected"), kind="money"),
            Column("invoiced_cents", _("Carrier: billed"), kind="money"),
            Column("owed_cents", _("Pays: owed"), kind="money"),
            Column("taken_cents", _("Pays: taken"), kind="money"),
            Column("employer_cents", _("Pays: employer's part"), kind="money"),
            Column("expected_cents", _("Client: to be billed"), kind="money"),
            Column("billed_cents", _("Client: billed"), kind="money"),
            Column("margin_cents", _("Client less carrier"), kind="money"),
            Column("agreed_cents", _("as agreed"), kind="money"),
            Column("billing_cents", _("billed otherwise by us"), kind="money"),
            Column("carrier_cents", _("billed otherwise by the carrier"), kind="money"),
        ),
        name=name,
        caption=caption,
        empty=_("Reconcile the bill first."),
    )


def _people_table(request: Any, rows: pl.DataFrame) -> Any:
    return sheet(
        request,
        rows,
        (
            Column("client", _("Client")),
            _employee(),
            Column("plan", _("Plan")),
            Column("invoiced_cents", _("Billed"), kind="money"),
            Column("collected_cents", _("Collected"), kind="money"),
            Column("carrier_cents", _("Billed otherwise"), kind="money"),
            Column("payroll_cents", _("Taken otherwise"), kind="money"),
            Column("timing_cents", _("Timing"), kind="money"),
            Column("timing", _("Why")),
            Column("unexplained_cents", _("Unexplained"), kind="money"),
        ),
        name="people",
        caption=_("What pays collected, beside what was billed"),
        empty=_("No pay of the month was reported, or the invoice is not reconciled yet."),
    )


def _entries_table(request: Any, rows: pl.DataFrame) -> Any:
    clients = client_names()
    told = rows.with_columns(
        client=pl.col("client_id").replace_strict(clients, default="", return_dtype=pl.String)
    )
    return sheet(
        request,
        told,
        (
            Column("client", _("Client")),
            Column("account", _("Account")),
            Column("words", _("What it is")),
            Column("debit_cents", _("Debit"), kind="money"),
            Column("credit_cents", _("Credit"), kind="money"),
        ),
        name="entries",
        caption=_("Proposed entries for the general ledger"),
        empty=_("Reconcile the invoice first."),
    )
