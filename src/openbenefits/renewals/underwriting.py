"""Underwriting: who has to approve a batch, what they say, how long it counts."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
from django.db import transaction

from openbenefits.core.plan_types import is_health
from openbenefits.programs.drafts.services import Hand
from openbenefits.renewals.codes import BatchType, OfferStatus, VerdictStatus
from openbenefits.renewals.models import Batch, UnderwritingApproval, UnderwritingDefinition
from openbenefits.renewals.moves import VERDICT
from openbenefits.renewals.rules.renewing import matching_definitions
from openbenefits.renewals.statuses import RenewalRefused, move

DEFINITION = {
    "definition_id": pl.Int64,
    "department": pl.String,
    "approval_type": pl.String,
    "contract_type": pl.String,
    "is_active": pl.Boolean,
}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a department says, and on what condition."""

    is_approved: bool
    contingencies: str = ""


def define(
    department: str,
    approval_type: BatchType,
    *,
    contract_type: str = "",
    holds_days: int = 90,
    is_active: bool = True,
) -> UnderwritingDefinition:
    """Say that a department approves batches of a type: by one row without contract type, or typed ones.

    Errors: RenewalRefused without a department, for both kinds of rows at one, for less than a day.
    """
    others = UnderwritingDefinition.objects.filter(
        client_id=0, department=department.strip(), approval_type=str(approval_type), is_active=True
    )
    mixed = others.filter(contract_type="") if contract_type else others.exclude(contract_type="")
    if not department.strip() or holds_days < 1 or (is_active and mixed.exists()):
        raise RenewalRefused(
            "expected a department, a day or more, and either one row without a contract type or rows with"
            f" one, found otherwise for '{department}'; correct it, or switch the other row off"
        )
    found, _ = UnderwritingDefinition.objects.update_or_create(
        client_id=0,
        department=department.strip(),
        approval_type=str(approval_type),
        contract_type=contract_type,
        defaults={"holds_days": holds_days, "is_active": is_active},
    )
    return found


def needs_underwriting(batch: Batch) -> bool:
    """Whether a batch offers health coverage, which underwriting looks at."""
    types = batch.offers.exclude(status=OfferStatus.REJECTED).values_list("plan__plan_type", flat=True)
    return any(is_health(plan_type) for plan_type in types)


def submit(batch: Batch, *, by: Hand) -> list[UnderwritingApproval]:
    """Bring a batch before the departments that have to approve it; submitted again, they are asked anew.

    What was decided before is reused where it still applies, as 'reprocess'; the rest no longer counts.
    """
    with transaction.atomic():
        held = Batch.objects.select_for_update().get(pk=batch.pk)
        known = {one.definition_id: one for one in held.underwriting.all()}
        wanted = _definitions_of(held) if needs_underwriting(held) else []
        held.underwriting.exclude(definition__in=wanted).update(is_active=False)
        found = [_asked(held, one, known.get(one.pk), by) for one in wanted]
        held.submitted_by_id = by.user_id
        held.save(update_fields=["submitted_by_id"])
    batch.refresh_from_db()
    return found


def _definitions_of(batch: Batch) -> list[UnderwritingDefinition]:
    rows = list(UnderwritingDefinition.objects.filter(client_id=0))
    table = pl.DataFrame(
        [
            {"definition_id": one.pk} | {name: getattr(one, name) for name in list(DEFINITION)[1:]}
            for one in rows
        ],
        schema=DEFINITION,
    )
    ids = set(matching_definitions(table, BatchType(batch.type), batch.contract_type)["definition_id"])
    return [one for one in rows if one.pk in ids]


def _asked(
    batch: Batch, definition: UnderwritingDefinition, known: UnderwritingApproval | None, by: Hand
) -> UnderwritingApproval:
    fresh = {"is_active": True, "submitted_by_id": by.user_id, "decided_by_id": None, "decided_by": ""}
    fresh |= {"decided_on": None, "expires_on": None}
    if known is None:
        return UnderwritingApproval.objects.create(
            client_id=batch.client_id,
            batch=batch,
            definition=definition,
            department=definition.department,
            submitted_by_id=by.user_id,
        )
    if known.status not in (VerdictStatus.PENDING, VerdictStatus.REPROCESS):
        move(VERDICT, known, VerdictStatus.REPROCESS, author=by.name, now=by.now, reason="submitted again")
    UnderwritingApproval.objects.filter(pk=known.pk).update(**fresh)
    known.refresh_from_db()
    return known


def decide(approval: UnderwritingApproval, verdict: Verdict, *, by: Hand) -> UnderwritingApproval:
    """Approve or decline what another person submitted; an approval counts for the days of its definition.

    Errors: RenewalRefused for who submitted it, and for one that no longer counts or is decided.
    """
    with transaction.atomic():
        held = UnderwritingApproval.objects.select_for_update(of=("self",)).get(pk=approval.pk)
        if held.submitted_by_id == by.user_id:
            raise RenewalRefused(
                f"underwriting {held.pk}: expected another person than who submitted it, found the same;"
                " ask somebody else of the department"
            )
        if not held.is_active or held.status not in (VerdictStatus.PENDING, VerdictStatus.REPROCESS):
            raise RenewalRefused(
                f"underwriting {held.pk}: expected one that waits, found '{held.status}'; submit it again"
            )
        today = by.now.date()
        UnderwritingApproval.objects.filter(pk=held.pk).update(
            contingencies=verdict.contingencies,
            decided_by_id=by.user_id,
            decided_by=by.name,
            decided_on=today,
            expires_on=today + timedelta(days=held.definition.holds_days) if verdict.is_approved else None,
        )
        to = VerdictStatus.APPROVED if verdict.is_approved else VerdictStatus.DECLINED
        move(VERDICT, held, to, author=by.name, now=by.now, reason=verdict.contingencies)
    approval.refresh_from_db()
    return approval


def in_the_way(batch: Batch) -> list[UnderwritingApproval]:
    """List what underwriting has not approved; a batch with any is not put into force, nor activated."""
    return list(batch.underwriting.filter(is_active=True).exclude(status=VerdictStatus.APPROVED))


def refuse_unapproved(batch: Batch) -> None:
    """Refuse to go on without underwriting's word.

    Errors: RenewalRefused, naming the departments.
    """
    if needs_underwriting(batch) and batch.submitted_by_id is None and _definitions_of(batch):
        raise RenewalRefused(
            f"batch {batch.pk}: expected that underwriting was asked, found it was not; submit it first"
        )
    if waiting := in_the_way(batch):
        told = ", ".join(f"{one.department} ({one.status})" for one in waiting)
        raise RenewalRefused(
            f"batch {batch.pk}: expected the approval of underwriting, found {told}; let them decide first"
        )


def expire(today: date, *, by: Hand, without: Collection[int] = ()) -> int:
    """End the approvals whose days are over, of batches that are not active yet; answer how many.

    without: clients whose approvals are left for another time.
    """
    rows = UnderwritingApproval.objects.filter(
        is_active=True, status=VerdictStatus.APPROVED, expires_on__lt=today
    ).exclude(batch__status__in=("active", "expired"))
    late = list(rows.filter(batch__release_id__isnull=True).exclude(client_id__in=without))
    for one in late:
        move(VERDICT, one, VerdictStatus.EXPIRED, author=by.name, now=by.now, reason="its days are over")
    return len(late)
