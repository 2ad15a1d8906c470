"""Carrier invoices as programs read them: where each stands, its statement, differences with their causes."""

from typing import Any

import polars as pl
from django.db import connection
from ninja import Path, Query

from openbenefits.accounts.roles import Permission
from openbenefits.api.naming import at
from openbenefits.api.paging import Rows, slice_of
from openbenefits.api.problems import not_found
from openbenefits.api.routing import Routes
from openbenefits.api.shapes import Code, Cursor, Id, Limit, Truth
from openbenefits.reconcile import items
from openbenefits.reconcile.frames import load_rows
from openbenefits.reconcile.models import BilledMonth, Invoice, PlanMonth
from openbenefits.reconcile.rules.margins import parts
from openbenefits.reconcile.states import Kind

router = Routes("invoices")
INVOICES = "/clients/{client}/invoices"
SHOWN = (
    *("id", "carrier", "number", "kind", "month", "statement_on", "cutoff_on", "due_on"),
    *("previous_cents", "payments_cents", "current_cents", "adjustment_cents", "total_cents"),
    *("paid_cents", "state", "results"),
)
_LEFT_OUT = ("client_id", "evidence", "result", "key", "lines")


@router.get(INVOICES, response=Rows, summary="List carrier invoices")
def list_invoices(request: Any, client: Path[Code], cursor: Cursor, limit: Limit) -> Any:
    """List the invoices loaded for a client alone, the latest first; amounts in cents."""
    desk = at(request, client, Permission.FINANCE)
    found = Invoice.objects.filter(client_id=desk.client_id).order_by("-month", "-pk").values(*SHOWN)
    rows = [{name: row[name] for name in SHOWN} for row in found]
    frame = (
        pl.DataFrame(rows, infer_schema_length=None)
        if rows
        else pl.DataFrame(schema=dict.fromkeys(SHOWN, pl.String))
    )
    return slice_of(frame, cursor=cursor, limit=limit)


@router.get(f"{INVOICES}/statement", response=Rows, summary="List what carriers billed of each plan")
def list_statement(
    request: Any,
    client: Path[Code],
    cursor: Cursor,
    limit: Limit,
    invoice_id: Id | None = Query(None, description="Of one invoice; all of them unless told."),
) -> Any:
    """List expected, billed, explained and unexplained by invoice and plan, shared invoices' parts too.

    Bills to the client are among them: `kind` of the invoice says so.
    """
    desk = at(request, client, Permission.FINANCE)
    names = [field.column for field in PlanMonth._meta.concrete_fields if field.column != "client_id"]
    found = PlanMonth.objects.filter(client_id=desk.client_id)
    if invoice_id is not None:
        found = found.filter(invoice_id=invoice_id)
    rows = list(found.order_by("-invoice_id", "plan_id").values(*names))
    schema = dict.fromkeys(names, pl.Int64)
    return slice_of(pl.DataFrame(rows, schema=schema), cursor=cursor, limit=limit)


@router.get(
    f"{INVOICES}/{{invoice_id}}/legs", response=Rows, summary="List the four legs of a bill to a client"
)
def list_legs(request: Any, client: Path[Code], invoice_id: Path[Id], cursor: Cursor, limit: Limit) -> Any:
    """List what a client was billed beside carriers' invoices and pays, by person and plan; in cents.

    Null: the carrier sent no invoice of the month, or no pay of it was reported.
    """
    desk = at(request, client, Permission.FINANCE)
    if not Invoice.objects.filter(pk=invoice_id, client_id=desk.client_id, kind=Kind.BILLING).exists():
        raise not_found("a bill of the client", f"{INVOICES} lists them")
    rows = load_rows(connection, BilledMonth, invoice_id).filter(client_id=desk.client_id)
    desk.saw("four legs of a bill")
    told = rows.sort("person_id", "plan_id").with_columns(**parts())
    return slice_of(told.drop("client_id", "invoice_id"), cursor=cursor, limit=limit)


@router.get("/clients/{client}/invoice-differences", response=Rows, summary="List invoice differences")
def list_differences(
    request: Any,
    client: Path[Code],
    cursor: Cursor,
    limit: Limit,
    invoice_id: Id | None = Query(None, description="Of one invoice; all of them unless told."),
    ended: Truth = Query(False, description="What has ended, too."),
) -> Any:
    """List differences with cause, owner and last day, those first whose day comes first; in cents."""
    desk = at(request, client, Permission.FINANCE)
    rows = items.worklist(
        connection,
        desk.today,
        client_ids=[desk.client_id],
        invoice_id=invoice_id,
        states=[] if ended else None,
    )
    if invoice_id is not None and rows.is_empty() and not _is_there(invoice_id, desk.client_id):
        raise not_found("an invoice of the client", f"{INVOICES} lists them")
    desk.saw("invoice differences")
    return slice_of(rows.drop(_LEFT_OUT), cursor=cursor, limit=limit)


def _is_there(invoice_id: int, client_id: int) -> bool:
    own = Invoice.objects.filter(pk=invoice_id, client_id=client_id)
    return own.exists() or PlanMonth.objects.filter(invoice_id=invoice_id, client_id=client_id).exists()
