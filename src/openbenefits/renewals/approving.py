"""The client's word: which offers are chosen, and the signature with the document it stands under."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core.money import dollars
from openbenefits.core.plan_types import DELIVERED, has_rates
from openbenefits.programs.drafts.services import Hand
from openbenefits.renewals import frames
from openbenefits.renewals.batches import chosen
from openbenefits.renewals.codes import TIER_NAMES, BatchStatus, OfferStatus, bands_of, bands_said
from openbenefits.renewals.comparing import Compared, approval_of, comparison_of
from openbenefits.renewals.models import Batch, ClientApproval, Offer, Withdrawal
from openbenefits.renewals.moves import BATCH, OFFER
from openbenefits.renewals.rules.pricing import rates_offered
from openbenefits.renewals.statuses import RenewalRefused, held_for_change, move
from openbenefits.reports.tabulated import pdf_of
from openbenefits.workforce.models import Client

SIGNABLE = (BatchStatus.REVIEW, BatchStatus.SELECTION, BatchStatus.SENT)


@dataclass(frozen=True, kw_only=True)
class Signature:
    """What somebody signs with: the name as typed, and for whom a specialist writes it down.

    on_behalf_of: who told a specialist, and how; '' where the contact signs.
    """

    name: str
    title: str = ""
    on_behalf_of: str = ""


def choose(offer: Offer, *, is_selected: bool, by: Hand, reason: str = "") -> None:
    """Choose an offer, or turn it down.

    Errors: RenewalRefused once the batch is out for signature, and for an offer without rates.
    """
    with transaction.atomic():
        held_for_change(offer.batch)
        if is_selected and offer.rate_group_id is None and has_rates(offer.plan.plan_type):
            raise RenewalRefused(
                f"offer {offer.pk}: expected a rate group with rates, found none; say which first"
            )
        to = OfferStatus.SELECTED if is_selected else OfferStatus.REJECTED
        move(OFFER, offer, to, author=by.name, now=by.now, reason=reason)


def sign(connection: Any, batch: Batch, signature: Signature, *, by: Hand) -> ClientApproval:
    """Sign a batch: its prices are kept as they are, with the document; chosen offers wait for their day.

    Errors: RenewalRefused for a batch that is not before the client, one with an offer nobody decided about
            or with none chosen, a contribution not stated, and without a name.
    """
    with transaction.atomic():
        held = Batch.objects.select_for_update().get(pk=batch.pk)
        weighed = comparison_of(connection, held)
        _refuse_unready(held, weighed, signature)
        lines = _lines_signed(connection, held)
        digest = hashlib.sha256(json.dumps(lines, sort_keys=True).encode()).hexdigest()
        made = ClientApproval.objects.create(
            client_id=held.client_id,
            batch=held,
            signature=signature.name.strip(),
            title=signature.title.strip(),
            user_id=by.user_id,
            author=by.name,
            on_behalf_of=signature.on_behalf_of.strip(),
            signed_at=by.now,
            lines=lines,
            digest=digest,
            document=document_of(weighed, signature, digest=digest, now=by.now),
        )
        for step in (BatchStatus.SENT, BatchStatus.APPROVED):
            if held.status != step:
                move_on(held, step, by=by, reason=f"signed by {signature.name.strip()}")
        for offer in held.offers.filter(status=OfferStatus.SELECTED):
            move(OFFER, offer, OfferStatus.PENDING, author=by.name, now=by.now, reason="signed")
    batch.refresh_from_db()
    return made


def move_on(batch: Batch, to: BatchStatus, *, by: Hand, reason: str) -> None:
    """Take a batch forward to a status, step by step."""
    if batch.status == BatchStatus.REVIEW and to is BatchStatus.SENT:
        move(BATCH, batch, BatchStatus.SELECTION, author=by.name, now=by.now, reason=reason)
    move(BATCH, batch, to, author=by.name, now=by.now, reason=reason)


def _refuse_unready(batch: Batch, weighed: Compared, signature: Signature) -> None:
    if batch.status not in SIGNABLE:
        raise RenewalRefused(
            f"batch {batch.pk}: expected one that is before the client, found it '{batch.status}';"
            " take it to 'client review' first"
        )
    if not signature.name.strip():
        raise RenewalRefused("expected a typed name as signature, found none; type your name")
    if not chosen(batch) or not batch.offers.filter(status=OfferStatus.SELECTED).exists():
        raise RenewalRefused(
            f"batch {batch.pk}: expected every plan selected or rejected and at least one selected, found"
            " otherwise; decide about each plan first"
        )
    unknown = rates_offered(weighed.standing).filter(pl.col("employer_micros").is_null())
    if unknown.height:
        raise RenewalRefused(
            f"batch {batch.pk}: expected the employer's contribution to every tier, found {unknown.height}"
            " without; state them (0 where nothing is given)"
        )


def _lines_signed(connection: Any, batch: Batch) -> list[dict[str, Any]]:
    return list(frames.load_lines(connection, [batch.pk]).iter_rows(named=True))


def withdraw(batch: Batch, *, by: Hand, reason: str) -> None:
    """Take a signature back, while its set-up is not in force: choices may change again.

    Errors: RenewalRefused without a reason, without a signature, and once set-up is in force.
    """
    with transaction.atomic():
        held = Batch.objects.select_for_update().get(pk=batch.pk)
        approval = approval_of(held)
        if not reason.strip() or approval is None or held.release_id is not None:
            raise RenewalRefused(
                f"batch {held.pk}: expected a reason, and a signature whose set-up is not in force, found"
                " otherwise; state it, or take the release of set-up back first"
            )
        Withdrawal.objects.create(
            client_id=held.client_id, approval=approval, author=by.name, reason=reason.strip(), at=by.now
        )
        move(BATCH, held, BatchStatus.SELECTION, author=by.name, now=by.now, reason=reason)
        for offer in held.offers.filter(status=OfferStatus.PENDING):
            move(OFFER, offer, OfferStatus.SELECTED, author=by.name, now=by.now, reason=reason)
    batch.refresh_from_db()


# --- the document -------------------------------------------------------------------------------------------


def document_of(
    weighed: Compared, signature: Signature | None, *, digest: str = "", now: datetime | None = None
) -> bytes:
    """Set the offer as an accessible PDF: totals, plans, a person of each tier, the signature if signed."""
    batch = weighed.batch
    employer = Client.objects.filter(pk=batch.client_id).values_list("name", flat=True).first() or ""
    told = [
        ("Client", employer),
        ("Plan year", f"{batch.effective_on} to {batch.expires_on}"),
        ("Open enrolment", _span(batch)),
    ]
    if signature is not None and now is not None:
        told += [
            ("Signed by", ", ".join(part for part in (signature.name, signature.title) if part.strip())),
            ("Signed at", f"{now:%Y-%m-%d %H:%M} UTC"),
            ("Written down for", signature.on_behalf_of),
            ("Mark of the prices", digest[:16]),
        ]
    told_designs = _designs(weighed)
    made = "for signature" if now is None else f"signed {now:%Y-%m-%d}"
    return pdf_of(
        f"Benefits {batch.effective_on.year}: {batch.card_title or batch.type}",
        {
            "In all, a month": _whole(weighed),
            "Plans, a month": _plans(weighed),
            "One person, a month": _people(weighed),
            **({"What members pay themselves": told_designs} if told_designs.height else {}),
        },
        selections=[one for one in told if one[1]],
        made=made,
    )


def _span(batch: Batch) -> str:
    if batch.enrollment_begins_on is None:
        return ""
    return f"{batch.enrollment_begins_on} to {batch.enrollment_ends_on}"


def _whole(weighed: Compared) -> pl.DataFrame:
    row = weighed.all()
    names = {"premium": "Premium", "employer": "Employer pays", "employee": "Employees pay"}
    rows = [
        {
            "What": title,
            "Now": dollars(row[f"was_{name}_cents"]),
            "Renewal": dollars(row[f"is_{name}_cents"]),
            "Change": dollars(row[f"change_{name}_cents"]),
        }
        for name, title in names.items()
    ]
    return pl.DataFrame(rows)


def _plans(weighed: Compared) -> pl.DataFrame:
    rows = [
        {
            "Category": DELIVERED.get(row["plan_type"], row["plan_type"]),
            "Plan": row["plan_name"],
            "Group": row["benefit_group"] or "all",
            "Choice": row["status"],
            "People": str(row["people"] or 0),
            "Premium now": dollars(row["was_premium_cents"]),
            "Premium": dollars(row["is_premium_cents"]),
            "Employer": dollars(row["is_employer_cents"]),
            "Employees": dollars(row["is_employee_cents"]),
        }
        for row in weighed.plans().iter_rows(named=True)
    ]
    return pl.DataFrame(rows)


def _people(weighed: Compared) -> pl.DataFrame:
    names = dict(weighed.offers.select("offer_id", "plan_name").iter_rows())
    rows = []
    for offer_id in weighed.standing["offer_id"].unique(maintain_order=True):
        for row in weighed.tiers(offer_id).iter_rows(named=True):
            said = bands_said(bands_of(row))
            band = f", {said}" if said else ""
            rows.append(
                {
                    "Plan": names[offer_id],
                    "Covers": f"{TIER_NAMES[row['tier']]}{band}",
                    "Premium": dollars(row["is_premium_cents"]),
                    "Employer": dollars(row["is_employer_cents"]),
                    "Employee now": dollars(row["was_employee_cents"]),
                    "Employee": dollars(row["is_employee_cents"]),
                }
            )
    return pl.DataFrame(rows)


def _designs(weighed: Compared) -> pl.DataFrame:
    names = dict(weighed.offers.select("offer_id", "plan_name").iter_rows())
    rows = [
        {
            "Plan": names[offer_id],
            "What": one.name,
            "Now": one.was,
            "Renewal": one.is_now,
            "Change": one.change,
        }
        for offer_id in weighed.standing["offer_id"].unique(maintain_order=True)
        for one in weighed.designs.get(offer_id, ())
    ]
    return pl.DataFrame(rows)
