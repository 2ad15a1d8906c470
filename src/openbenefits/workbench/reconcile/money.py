"""How the money pays collected meets an invoice, person by person; and what accounting is to post."""

from typing import Any

import polars as pl
from django.db import connection
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts.roles import Permission
from openbenefits.reconcile.entries import entries
from openbenefits.reconcile.frames import load_rows
from openbenefits.reconcile.models import PersonMonth
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
    """Show of each person and plan what was billed, what pays brought, and why both differ."""
    found = invoice_of(request, number)
    rows = load_rows(connection, PersonMonth, found.pk)
    people = rows["person_id"].unique().to_list()
    numbers = dict(Person.objects.filter(pk__in=people).values_list("pk", "employee_number"))
    shown = named(rows, plan_names(rows)).with_columns(
        employee_number=pl.col("person_id").replace_strict(numbers, default="", return_dtype=pl.String),
        collected_cents=pl.col("taken_cents") + pl.col("employer_cents"),
    )
    shown = shown.sort(pl.col("unexplained_cents").abs(), "person_id", descending=[True, False])
    tables = [_people_table(request, shown), _entries_table(request, entries(connection, found))]
    for table in tables:
        if (file := table.export()) is not None:
            noted_of(request, "saw", "money by person as a file of invoice", found)
            return file
    noted_of(request, "saw", "money by person of invoice", found)
    return show(
        request,
        "workbench/reconcile/money.html",
        title=_("Money by person"),
        crumbs=crumbs(found),
        invoice=found,
        tables=tables,
    )


def _people_table(request: Any, rows: pl.DataFrame) -> Any:
    return sheet(
        request,
        rows,
        (
            Column("client", _("Client")),
            Column(
                "employee_number",
                _("Employee"),
                href=lambda row: links.person(row["client"], row["employee_number"]),
            ),
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
