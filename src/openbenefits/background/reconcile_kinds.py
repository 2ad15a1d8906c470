"""Reconciliation as long work: an invoice compared whole, however many lines and clients it has."""

from collections.abc import Mapping
from typing import Any

import msgspec

from openbenefits.accounts.services import Access
from openbenefits.background.services import RequestRefused, Work
from openbenefits.reconcile.models import Invoice
from openbenefits.reconcile.reconciling import reconcile


class ReconcileInvoice(msgspec.Struct, forbid_unknown_fields=True):
    """An invoice, by its number with us."""

    invoice: int


def check_invoice(_access: Access, client_id: int, asked: ReconcileInvoice) -> None:
    """Refuse an invoice that is not the client's.

    Errors: RequestRefused.
    """
    if not Invoice.objects.filter(pk=asked.invoice, client_id=client_id).exists():
        raise RequestRefused(f"expected an invoice of the client, found number {asked.invoice}")


def reconcile_invoice(work: Work) -> Mapping[str, Any]:
    """Compare an invoice; answers its sums, in cents and lines."""
    asked = work.of(ReconcileInvoice)
    invoice = Invoice.objects.get(pk=asked.invoice, client_id=work.request.client_id)
    told = reconcile(work.connection, invoice, author=work.request.author, now=work.now)
    return {"invoice": invoice.pk} | {name: value for name, value in told.items() if value is not None}
