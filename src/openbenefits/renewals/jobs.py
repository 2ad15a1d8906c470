"""What is due of itself: signed batches into force, plans and batches begun or ended, approvals expired."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from openbenefits.accounts.approvals import ApprovalWanted
from openbenefits.core.faults import message_of
from openbenefits.programs.drafts.services import Hand
from openbenefits.renewals import reminding, underwriting
from openbenefits.renewals.codes import BatchStatus, OfferStatus, PlanStatus
from openbenefits.renewals.models import Batch, BenefitsPlan, Offer, Reminder
from openbenefits.renewals.moves import BATCH, OFFER, PLAN
from openbenefits.renewals.setting_up import adopt, put_into_force
from openbenefits.renewals.statuses import RenewalRefused, move

LEAD_DAYS = 120
"""So many days before it ends, a batch without a renewal is named as due for one (§5.7, §6.2)."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a job did, or what held it (`is_held`, with the reason in `told`)."""

    client_id: int
    job: str
    record: str
    told: str
    is_held: bool = False


def run_due(
    connection: Any, today: date, *, author: str, now: datetime, without: Collection[int] = ()
) -> list[Done]:
    """Do everything due on a day, each record in a transaction of its own; done again, it changes nothing.

    What holds one record stops no other. without: clients whose records are left for another time.
    """
    by = Hand(name=author, user_id=0, now=now)
    plans = BenefitsPlan.objects.exclude(client_id__in=without)
    batches = Batch.objects.exclude(client_id__in=without)
    found = [*_plans(plans, today, by), *_signed(connection, batches, by)]
    found += [*_beginning(batches, today, by), *_ending(batches, today, by)]
    expired = underwriting.expire(today, by=by, without=without)
    if expired:
        told = f"{expired} approvals of underwriting have expired; submit their batches again"
        found.append(Done(client_id=0, job="approval expiration", record="underwriting", told=told))
    found += [_reminded(connection, one, now) for one in reminding.due(today, without=without)]
    return found


def due_for_renewal(today: date) -> list[Batch]:
    """List the batches that end within the lead time and have no renewal yet."""
    rows = Batch.objects.filter(status=BatchStatus.ACTIVE, renewals__isnull=True, expires_on__isnull=False)
    return [one for one in rows.order_by("expires_on", "pk") if (one.expires_on - today).days <= LEAD_DAYS]


def _tried(client_id: int, job: str, record: str, do: Callable[[], str]) -> Done:
    try:
        with transaction.atomic():
            told = do()
    except (ApprovalWanted, ValueError, LookupError) as fault:
        return Done(client_id=client_id, job=job, record=record, told=message_of(fault), is_held=True)
    return Done(client_id=client_id, job=job, record=record, told=told)


def _plans(plans: QuerySet[BenefitsPlan], today: date, by: Hand) -> Iterator[Done]:
    """Plans whose day has come hold; those whose last day is over do not."""
    steps = (
        (PlanStatus.PENDING, {"begins_on__lte": today}, PlanStatus.ACTIVE, "benefit activation"),
        (PlanStatus.ACTIVE, {"expires_on__lt": today}, PlanStatus.EXPIRED, "benefit expiry"),
    )
    for status, condition, to, job in steps:
        for plan in plans.filter(status=status, **condition).order_by("pk"):
            move(PLAN, plan, to, author=by.name, now=by.now, reason=job)
            yield Done(client_id=plan.client_id, job=job, record=f"plan {plan.unique_code}", told=str(to))


def _signed(connection: Any, batches: QuerySet[Batch], by: Hand) -> Iterator[Done]:
    """Signed batches whose set-up is not in force yet."""
    waiting = batches.filter(status=BatchStatus.APPROVED, release_id__isnull=True)
    for batch in waiting.order_by("effective_on", "pk"):

        def put(batch: Batch = batch) -> str:
            if adopt(batch):
                return "somebody has put its set-up into force"
            change = put_into_force(connection, batch, by=by)
            return f"release {change.release.number if change.release else ''} of set-up"

        yield _tried(batch.client_id, "set-up", f"batch {batch.pk}", put)


def _beginning(batches: QuerySet[Batch], today: date, by: Hand) -> Iterator[Done]:
    """Batches whose day has come, and the ones they renew."""
    waiting = batches.filter(status=BatchStatus.APPROVED, effective_on__lte=today)
    for batch in waiting.order_by("effective_on", "pk"):
        begin = partial(activate, batch, by=by)
        yield _tried(batch.client_id, "benefit activation", f"batch {batch.pk}", begin)


def activate(batch: Batch, *, by: Hand) -> str:
    """Let a signed batch hold whose set-up is in force; the one it renews, and its offers, are over.

    Errors: RenewalRefused without set-up in force, and while underwriting has not approved.
    """
    if batch.release_id is None:
        raise RenewalRefused(
            f"batch {batch.pk}: expected its set-up in force, found it is not; put it into force first"
        )
    underwriting.refuse_unapproved(batch)
    with transaction.atomic():
        move(BATCH, batch, BatchStatus.ACTIVE, author=by.name, now=by.now, reason="its day is reached")
        for offer in Offer.objects.filter(batch=batch, status=OfferStatus.PENDING):
            move(OFFER, offer, OfferStatus.ACTIVE, author=by.name, now=by.now, reason="its day is reached")
        if batch.renewal_of is not None and batch.renewal_of.status == BatchStatus.ACTIVE:
            end(batch.renewal_of, by=by, reason=f"replaced by batch {batch.pk}")
    return "active"


def end(batch: Batch, *, by: Hand, reason: str) -> None:
    """Let a batch be over, with its offers."""
    move(BATCH, batch, BatchStatus.EXPIRED, author=by.name, now=by.now, reason=reason)
    for offer in Offer.objects.filter(batch=batch, status=OfferStatus.ACTIVE):
        move(OFFER, offer, OfferStatus.EXPIRED, author=by.name, now=by.now, reason=reason)


def _ending(batches: QuerySet[Batch], today: date, by: Hand) -> Iterator[Done]:
    """Batches whose last day is over: their coverage goes on by set-up until somebody ends it."""
    for batch in batches.filter(status=BatchStatus.ACTIVE, expires_on__lt=today).order_by("pk"):
        renewal = batch.renewals.filter(status=BatchStatus.APPROVED).first()
        if renewal is not None:
            continue  # its renewal is held, and says why
        end(batch, by=by, reason="its last day is over")
        yield Done(
            client_id=batch.client_id, job="benefit expiry", record=f"batch {batch.pk}", told="expired"
        )


def _reminded(connection: Any, reminder: Reminder, now: datetime) -> Done:
    def send() -> str:
        mailed, unreachable = reminding.send(connection, reminder, now=now)
        return f"{mailed} reminded by mail, {unreachable} without an address"

    return _tried(reminder.client_id, "reminder", f"batch {reminder.batch_id}", send)
