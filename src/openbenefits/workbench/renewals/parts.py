"""What the pages of renewals share: who acts, numbers as typed, batches and offers by their address."""

from decimal import Decimal
from typing import Any

from django import forms
from django.http import Http404
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.services import note
from openbenefits.programs.drafts.services import Hand
from openbenefits.renewals.codes import BatchStatus, OfferStatus, PlanStatus, VerdictStatus
from openbenefits.renewals.models import Batch, Offer
from openbenefits.workforce.models import Client

MICROS = 1_000_000
STATUSES: dict[str, str | Promise] = {
    BatchStatus.PENDING: _("pending"),
    BatchStatus.PREPARED: _("prep for presentation"),
    BatchStatus.REVIEW: _("client review"),
    BatchStatus.SELECTION: _("update client selection"),
    BatchStatus.SENT: _("sent for approval"),
    BatchStatus.APPROVED: _("approved, pending activation"),
    BatchStatus.ACTIVE: _("active"),
    BatchStatus.EXPIRED: _("expired"),
}
OFFER_STATUSES: dict[str, str | Promise] = {
    OfferStatus.NEW: _("new"),
    OfferStatus.SELECTED: _("selected"),
    OfferStatus.REJECTED: _("rejected"),
    OfferStatus.PENDING: _("pending activation"),
    OfferStatus.ACTIVE: _("active"),
    OfferStatus.EXPIRED: _("expired"),
}
PLAN_STATUSES: dict[str, str | Promise] = {
    PlanStatus.NEW: _("new, without rates"),
    PlanStatus.PENDING: _("pending activation"),
    PlanStatus.ACTIVE: _("active"),
    PlanStatus.EXPIRED: _("expired"),
}
VERDICTS: dict[str, str | Promise] = {
    VerdictStatus.PENDING: _("pending"),
    VerdictStatus.REPROCESS: _("to be decided again"),
    VerdictStatus.APPROVED: _("approved"),
    VerdictStatus.DECLINED: _("declined"),
    VerdictStatus.EXPIRED: _("expired"),
}


def hand_of(request: Any) -> Hand:
    """Say who acts, and when."""
    return Hand(name=request.user.get_username(), user_id=request.user.pk, now=clock.now())


def did(request: Any, what: str, client_id: int, reason: str = "") -> None:
    """Write an act into the audit trail."""
    note(request.access, "did", what, client_id=client_id, reason=reason, now=clock.now())


def batch_of(client: Client, number: int) -> Batch:
    """Find a batch of a client.

    Errors: Http404.
    """
    found = Batch.objects.filter(client_id=client.pk, pk=number).select_related("renewal_of").first()
    if found is None:
        raise Http404
    return found


def offer_of(batch: Batch, number: int) -> Offer:
    """Find an offer of a batch.

    Errors: Http404.
    """
    rows = Offer.objects.filter(batch=batch, pk=number)
    found = rows.select_related("plan", "rate_group", "batch", "renewed_from__plan").first()
    if found is None:
        raise Http404
    return found


def cents_of(amount: Decimal | None) -> int | None:
    """Turn dollars as typed into cents; a form allows two decimals only."""
    return None if amount is None else int(amount * 100)


def micros_of(amount: Decimal | None) -> int | None:
    """Turn percent or dollars as typed into millionths."""
    return None if amount is None else int(amount * MICROS)


def as_decimal(number: int | None, unit: int) -> Decimal | None:
    """Turn cents (100) or millionths into what a form shows."""
    return None if number is None else Decimal(number) / unit


class Dollars(forms.DecimalField):
    """Dollars of a month, with cents."""

    def __init__(self, label: str | Promise, **given: Any) -> None:
        super().__init__(label=label, min_value=0, max_digits=9, decimal_places=2, **given)


class PercentField(forms.DecimalField):
    """A percentage."""

    def __init__(self, label: str | Promise, **given: Any) -> None:
        super().__init__(label=label, max_digits=7, decimal_places=3, **given)
