"""A prospect's present plans, or competing ones: entered by tier, and set against the offers."""

from collections.abc import Mapping

import polars as pl
from django.db import transaction

from openbenefits.core.money import LARGEST_OPERAND, MICROS_PER_CENT
from openbenefits.core.plan_types import DELIVERED
from openbenefits.renewals.codes import Method, Tier
from openbenefits.renewals.models import HUNDRED_PERCENT, Batch, ExistingPlan, Offer
from openbenefits.renewals.rules.pricing import LINES
from openbenefits.renewals.statuses import RenewalRefused, held_for_change

MOST_CENTS = LARGEST_OPERAND // MICROS_PER_CENT


def add_existing(
    batch: Batch,
    *,
    name: str,
    plan_type: str,
    premiums: Mapping[Tier, int],
    employers: Mapping[Tier, int],
    carrier: str = "",
    compare_to: Offer | None = None,
    notes: str = "",
) -> ExistingPlan:
    """Enter a plan a client has, or could have elsewhere: cents a month by tier.

    compare_to: the offer it is set against; an offer that renews another is compared with that one.

    Errors: RenewalRefused without a name or premium, for amounts below 0 or an employer's part above the
            premium, for an offer of another batch or one that renews another; once the batch is signed.
    """
    if not name.strip() or plan_type not in DELIVERED or not premiums:
        raise RenewalRefused("expected a name, a category and a premium, found one missing; add it")
    for tier, employer in employers.items():
        if not 0 <= employer <= premiums.get(tier, -1):
            raise RenewalRefused(f"{tier}: expected an employer's part from 0 to the premium, found another")
    if any(not 0 <= cents <= MOST_CENTS for cents in premiums.values()):
        raise RenewalRefused("expected premiums from 0 to 1,000,000 dollars, found another; correct it")
    is_other = compare_to is not None and compare_to.batch_id != batch.pk
    if compare_to is not None and (is_other or compare_to.renewed_from_id is not None):
        raise RenewalRefused(
            f"offer {compare_to.pk}: expected one of this batch that renews no other, found"
            " otherwise; choose another"
        )
    with transaction.atomic():
        held_for_change(batch)
        if compare_to is not None:
            batch.existing.filter(compare_to=compare_to).update(compare_to=None)
        return ExistingPlan.objects.create(
            client_id=batch.client_id,
            batch=batch,
            plan_type=plan_type,
            name=name.strip(),
            carrier=carrier.strip(),
            premiums={str(tier): cents for tier, cents in premiums.items()},
            employers={str(tier): cents for tier, cents in employers.items()},
            compare_to=compare_to,
            notes=notes.strip(),
        )


def drop_existing(plan: ExistingPlan) -> None:
    """Take an existing plan out again.

    Errors: RenewalRefused once the batch is signed.
    """
    with transaction.atomic():
        held_for_change(plan.batch)
        plan.delete()


def existing_lines(batch: Batch) -> pl.DataFrame:
    """Answer existing plans as lines of the offers they are set against: pricing.LINES, without people."""
    rows = [
        {
            "offer_id": one.compare_to_id,
            "tier": tier,
            "premium_micros": cents * MICROS_PER_CENT,
            "cost_micros": None,
            "factor_micros": HUNDRED_PERCENT,
            "method": str(Method.DOLLARS),
            "stated_cents": one.employers.get(tier),
            "stated_percent_micros": None,
            "people": 0,
        }
        for one in batch.existing.filter(compare_to__isnull=False)
        for tier, cents in one.premiums.items()
    ]
    return pl.DataFrame(rows, schema=LINES)
