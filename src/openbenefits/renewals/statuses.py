"""Statuses move: only where it is legal, each move written down; hidden ones are passed over."""

from datetime import datetime

from django.db import models, transaction

from openbenefits.programs.drafts.services import Hand
from openbenefits.renewals.codes import EDITABLE, BatchStatus
from openbenefits.renewals.models import (
    Batch,
    BenefitsPlan,
    HiddenStatus,
    Offer,
    StatusChange,
    UnderwritingApproval,
)
from openbenefits.renewals.moves import BATCH, OFFER, PLAN, VERDICT, next_of

RECORDS: dict[str, type[models.Model]] = {
    BATCH: Batch,
    OFFER: Offer,
    PLAN: BenefitsPlan,
    VERDICT: UnderwritingApproval,
}
NEVER_HIDDEN = (BatchStatus.PENDING, BatchStatus.APPROVED, BatchStatus.ACTIVE, BatchStatus.EXPIRED)
"""Statuses that jobs and set-up look at."""


class RenewalRefused(ValueError):
    """What cannot be done with a batch, an offer or a plan: expected, found, what to change."""


def hidden_statuses() -> frozenset[str]:
    """Answer the statuses of batches that this house passes over."""
    return frozenset(HiddenStatus.objects.filter(client_id=0).values_list("status", flat=True))


def hide(status: str, *, by: Hand) -> None:
    """Pass a status of batches over from now on; batches that stand there go on from it.

    Errors: RenewalRefused for a status that the program itself needs, or that there is not.
    """
    can = [str(one) for one in BatchStatus if one not in NEVER_HIDDEN]
    if status not in can:
        raise RenewalRefused(f"expected one of {', '.join(can)}, found '{status}'; choose one of these")
    HiddenStatus.objects.get_or_create(
        client_id=0, status=status, defaults={"hidden_by": by.name, "hidden_at": by.now}
    )


def unhide(status: str) -> None:
    """Use a status of batches again."""
    HiddenStatus.objects.filter(client_id=0, status=status).delete()


def choices_of(batch: Batch) -> list[str]:
    """Answer the statuses somebody may take a batch to, the nearest first."""
    return list(next_of(BATCH, batch.status, hidden_statuses()))


def move(record: str, row: models.Model, to: str, *, author: str, now: datetime, reason: str = "") -> None:
    """Move a record to a status, by way of hidden ones where that is how it gets there.

    Errors: RenewalRefused for a move that is not legal.
    """
    hidden = hidden_statuses() if record == BATCH else frozenset()
    with transaction.atomic():
        kind = RECORDS[record]
        held = kind._default_manager.select_for_update(of=("self",)).get(pk=row.pk)
        before: str = held.status  # type: ignore[attr-defined]
        if before == to:
            return
        ways = next_of(record, before, hidden - {to})
        if to not in ways:
            may = ", ".join(f"'{one}'" for one in ways) or "none: it is over"
            raise RenewalRefused(
                f"{record} {row.pk}: expected one of the statuses that follow '{before}' ({may}),"
                f" found '{to}'; choose one of these"
            )
        for step in ways[to]:
            kind._default_manager.filter(pk=row.pk).update(status=step)
            StatusChange.objects.create(
                client_id=held.client_id,  # type: ignore[attr-defined]
                record=record,
                record_id=row.pk,
                before=before,
                after=step,
                author=author,
                reason=reason,
                at=now,
            )
            before = step
    row.status = to  # type: ignore[attr-defined]


def history_of(record: str, row: models.Model) -> list[StatusChange]:
    """List the moves of a record, the first one first."""
    return list(StatusChange.objects.filter(record=record, record_id=row.pk).order_by("pk"))


def held_for_change(batch: Batch) -> Batch:
    """Take a batch whose offers may still change for oneself, until the transaction ends.

    Errors: RenewalRefused once it is signed, or out for signature.
    """
    held = Batch.objects.select_for_update().get(pk=batch.pk)
    if held.status not in EDITABLE:
        raise RenewalRefused(
            f"batch {held.pk}: expected one that may still change, found it '{held.status}';"
            " take it back to 'update client selection' first"
        )
    return held
