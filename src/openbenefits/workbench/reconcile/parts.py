"""What the pages of reconciliation share: an invoice found, words, columns of differences."""

from typing import Any

import polars as pl
from django.http import Http404
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts.roles import Permission
from openbenefits.reconcile.models import Invoice
from openbenefits.workbench.desks.parts import noted
from openbenefits.workbench.pages import address
from openbenefits.workbench.sheets import Column
from openbenefits.workforce.models import Client

OWNERS = {"carrier": _("carrier"), "payroll": _("payroll"), "us": _("us"), "client": _("client")}
STATES = {
    "open": _("open"),
    "assigned": _("assigned"),
    "sent": _("sent to the carrier"),
    "promised": _("promised"),
    "carried": _("stands with an earlier invoice"),
    "resolved": _("resolved"),
    "written off": _("written off"),
    "not an error": _("not an error"),
}
LEGS = {
    "A": _("coverage and invoice"),
    "B": _("coverage and payroll"),
    "C": _("payroll and invoice"),
    "D": _("bill to the client"),
}
SHARED = _("several clients")


def invoice_of(request: Any, number: int) -> Invoice:
    """Find an invoice somebody may work on.

    Errors: Http404 if there is none, or it is not his to see; NotAllowed if he may not.
    """
    found = Invoice.objects.filter(pk=number).first()
    if found is None:
        raise Http404
    request.access.require(Permission.FINANCE, found.client_id)
    return found


def client_names() -> dict[int, str]:
    """Answer the codes of the clients one may see, by number; 0 stands for several."""
    return {0: str(SHARED), **dict(Client.objects.values_list("pk", "code"))}


def crumbs(invoice: Invoice | None = None) -> list[tuple[Any, str]]:
    """Answer the way to a page of an invoice, or to one beside it."""
    way: list[tuple[Any, str]] = [(_("Carrier invoices"), address("invoices"))]
    if invoice is not None:
        way.append((invoice.number, address("invoice", number=invoice.pk)))
    return way


def noted_of(request: Any, kind: str, what: str, invoice: Invoice, why: str = "") -> None:
    """Write down what somebody saw of an invoice, or did."""
    noted(request, kind, f"{what} {invoice.pk}", invoice.client_id, why=why)


def item_columns(*, with_invoice: bool = False) -> tuple[Column, ...]:
    """Answer the columns of a list of differences."""
    first = (Column("carrier", _("Carrier")), Column("invoice", _("Invoice"))) if with_invoice else ()
    return (
        Column("id", _("No."), kind="number", href=lambda row: address("difference", number=row["id"])),
        *first,
        Column("client", _("Client")),
        Column("employee_number", _("Employee")),
        Column("plan", _("Plan")),
        Column("month", _("Month"), kind="day"),
        Column("title", _("Cause")),
        Column("expected_cents", _("Expected"), kind="money"),
        Column("invoiced_cents", _("Found"), kind="money"),
        Column("difference_cents", _("Difference"), kind="money"),
        Column("owner", _("Whose"), words=OWNERS),
        Column("deadline_on", _("Taken until"), kind="day"),
        Column("state", _("State"), kind="status", words=STATES),
    )


def named(rows: pl.DataFrame, plans: dict[int, str]) -> pl.DataFrame:
    """Add client and plan in words."""
    clients = client_names()
    return rows.with_columns(
        client=pl.col("client_id").replace_strict(clients, default="", return_dtype=pl.String),
        plan=pl.col("plan_id").replace_strict(plans, default="", return_dtype=pl.String),
    )


def plan_names(rows: pl.DataFrame) -> dict[int, str]:
    """Answer what plans are called, by number."""
    from openbenefits.programs.models import Plan

    ids = rows["plan_id"].drop_nulls().unique().to_list()
    found = Plan.objects.filter(plan_id__in=ids).order_by("valid_from", "release_id")
    return dict(found.values_list("plan_id", "name"))
