"""A batch renewed, and cloned to child companies (process-management §6.1)."""

from dataclasses import dataclass

import polars as pl
from django.db import transaction

from openbenefits.programs.drafts.services import Hand
from openbenefits.renewals.batches import (
    BatchOrder,
    OfferOrder,
    add_offer,
    begin_batch,
    group_of,
    programs_of,
    standing_offers,
)
from openbenefits.renewals.codes import BatchStatus, BatchType, Method, OfferStatus, Tier
from openbenefits.renewals.models import Batch, BenefitsPlan, Offer
from openbenefits.renewals.moves import OFFER
from openbenefits.renewals.rules.renewing import renewal_days, successors
from openbenefits.renewals.statuses import RenewalRefused, move

RENEWABLE = (BatchStatus.APPROVED, BatchStatus.ACTIVE)


@dataclass(frozen=True, kw_only=True)
class Renewed:
    """The batch of the year after, and the offers of the old one that have no plan to go on in."""

    batch: Batch
    left_out: list[Offer]


class NoSuccessor(RenewalRefused):
    """Plans that nobody renewed: renew them first, or leave their offers out."""

    def __init__(self, batch: Batch, offers: list[Offer]) -> None:
        """Say which."""
        self.offers = offers
        named = ", ".join(sorted({one.plan.unique_code for one in offers}))
        super().__init__(
            f"batch {batch.pk}: expected a renewed and active plan for each offer, found none for {named};"
            " renew these plans and try again, or save anyway and leave them out"
        )


def without_successor(batch: Batch) -> list[Offer]:
    """List the offers of a batch whose plan nobody renewed."""
    return [offer for offer, plan_id in _pairs(batch) if plan_id is None]


def _pairs(batch: Batch) -> list[tuple[Offer, int | None]]:
    offers = standing_offers(batch)
    rows = [{"offer_id": one.pk, "plan_id": one.plan_id, "status": one.status} for one in offers]
    plans = BenefitsPlan.objects.filter(renewed_from__in=[one.plan_id for one in offers])
    table = pl.DataFrame(
        list(plans.values("pk", "renewed_from_id", "status")),
        schema={"pk": pl.Int64, "renewed_from_id": pl.Int64, "status": pl.String},
    )
    found = successors(
        pl.DataFrame(rows, schema={"offer_id": pl.Int64, "plan_id": pl.Int64, "status": pl.String}),
        table.rename({"pk": "plan_id"}),
    )
    following = dict(found.select("offer_id", "successor_id").iter_rows())
    return [(one, following[one.pk]) for one in offers]


def renew_batch(batch: Batch, *, by: Hand, leaves_out: bool = False, **given: object) -> Renewed:
    """Make the batch of the year after: each offer that goes on, under the plan that renews its own.

    Contributions, benefit groups and options are kept, rates are those of the new plan. The old batch stays
    as it is until the new one's day: coverage is still running (§6.1.6). given: fields of BatchOrder.

    Errors: NoSuccessor unless those are left out; RenewalRefused for a batch that is not in force, or that is
            renewed already.
    """
    with transaction.atomic():
        old = Batch.objects.select_for_update().get(pk=batch.pk)
        if old.status not in RENEWABLE or old.renewals.exists():
            told = "one that is renewed already" if old.renewals.exists() else f"'{old.status}'"
            raise RenewalRefused(
                f"batch {old.pk}: expected one that is approved or active and not renewed, found {told};"
                " go on with its renewal"
            )
        pairs = _pairs(old)
        missing = [offer for offer, plan_id in pairs if plan_id is None]
        if missing and not leaves_out:
            raise NoSuccessor(old, missing)
        begins, expires = renewal_days(old.effective_on, old.expires_on)
        kept = {name: getattr(old, name) for name in _KEPT}
        order = BatchOrder(
            type=BatchType.RENEWAL,
            effective_on=begins,
            expires_on=expires,
            **(kept | given),  # type: ignore[arg-type]
        )
        made = begin_batch(old.client_id, order, by=by)
        Batch.objects.filter(pk=made.pk).update(renewal_of=old)
        plans = BenefitsPlan.objects.in_bulk([plan_id for _, plan_id in pairs if plan_id is not None])
        for offer, plan_id in pairs:
            if plan_id is not None:
                _clone(offer, made, plans[plan_id], by=by, renews=offer)
    made.refresh_from_db()
    return Renewed(batch=made, left_out=missing)


_KEPT = (
    *("parent_client_id", "contract_type", "card_title", "eligibility", "default_rate_group"),
    *("assigned_to", "representative", "contact_id"),
)


def _clone(
    offer: Offer,
    batch: Batch,
    plan: BenefitsPlan,
    *,
    by: Hand,
    renews: Offer | None,
    program: str | None = None,
) -> Offer:
    title = offer.rate_group.title if offer.rate_group else ""
    has_same = bool(title) and group_of(batch.client_id, plan, title, is_stated=False) is not None
    method = Method(offer.method)
    column = "employer_cents" if method is Method.DOLLARS else "employer_percent_micros"
    rows = offer.tiers.values_list("tier", column)
    names = ("benefit_group", "option_code", "client_plan_code", "waiting_period", "comments")
    order = OfferOrder(
        plan=plan,
        rate_group=title if has_same else "",
        risk_factor_micros=None
        if offer.rate_group and offer.rate_group.rate_source == "percentage"
        else offer.risk_factor_micros,
        method=method,
        employer={Tier(tier): value for tier, value in rows if value is not None},
        renewed_from=renews,
        program=offer.program if program is None else program,
        **{name: getattr(offer, name) for name in names},
    )
    return add_offer(batch, order, by=by)


def clone_to_child(parent: Batch, child: Batch, *, by: Hand) -> list[Offer]:
    """Clone a parent company's offers into the batch of a child company that begins on the same day.

    A client-level plan of the parent's stays the parent's. Offers turned down are cloned too where they renew
    another, so that the child's old plan ends (§4.2). An offer of the child that stands for the same plan and
    benefit group is passed over.

    Errors: RenewalRefused for a batch of no child of that parent, or one that begins on another day.
    """
    if child.parent_client_id != parent.client_id:
        raise RenewalRefused(
            f"batch {child.pk}: expected one that names the parent company, found one that does not; name it"
        )
    if child.effective_on != parent.effective_on:
        raise RenewalRefused(
            f"batch {child.pk}: expected one that begins on {parent.effective_on} as the parent's does,"
            f" found {child.effective_on}; correct its day"
        )
    made = []
    with transaction.atomic():
        own = {(one.plan_id, one.benefit_group) for one in child.offers.all()}
        programs = programs_of(child.client_id)
        before = {
            (one.plan_id, one.benefit_group): one
            for one in (child.renewal_of.offers.all() if child.renewal_of else ())
        }
        for offer in parent.offers.select_related("plan", "rate_group", "renewed_from").order_by("pk"):
            is_rejected = offer.status == OfferStatus.REJECTED
            is_known = (offer.plan_id, offer.benefit_group) in own
            is_parents_own = offer.plan.client_id not in (0, child.client_id)
            if is_known or is_parents_own or (is_rejected and not offer.renewed_from_id):
                continue
            old = offer.renewed_from
            renews = before.get((old.plan_id, old.benefit_group)) if old else None
            program = offer.program if offer.program in programs else ""
            clone = _clone(offer, child, offer.plan, by=by, renews=renews, program=program)
            own.add((offer.plan_id, offer.benefit_group))
            if is_rejected:
                move(OFFER, clone, OfferStatus.REJECTED, author=by.name, now=by.now, reason="as the parent")
            made.append(clone)
    return made
