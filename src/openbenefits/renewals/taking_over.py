"""What a client has today as a batch, and masters from the PEO's set-up: the ground of the first renewal.

Nothing is entered twice: prices are those stored with the client's last open enrolment, rates of masters
those of set-up. What cannot be said by tier (a price that differs by person or area) is left out, and named.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core.money import MICROS_PER_CENT
from openbenefits.core.plan_types import has_rates, is_health
from openbenefits.programs import services as setup
from openbenefits.programs.drafts.services import Hand
from openbenefits.programs.loaded import LoadedBundle
from openbenefits.programs.models import Bundle, Schedule
from openbenefits.programs.sections.plans import PlanPart
from openbenefits.renewals import frames
from openbenefits.renewals.batches import BatchOrder, OfferOrder, add_offer, begin_batch
from openbenefits.renewals.codes import (
    BatchStatus,
    BatchType,
    Method,
    OfferStatus,
    PlanKind,
    PlanStatus,
    Tier,
)
from openbenefits.renewals.models import HUNDRED_PERCENT, Batch, BenefitsPlan, Offer
from openbenefits.renewals.moves import BATCH, OFFER, PLAN
from openbenefits.renewals.plans import PlanOrder, Rate, add_plan, last_day_of, rates_of, set_rates
from openbenefits.renewals.price_lists import (
    Alone,
    PriceList,
    in_force,
    offered_alone,
    percent_given,
    price_list_of,
)
from openbenefits.renewals.statuses import RenewalRefused, move
from openbenefits.renewals.tiers import tiers_in_force
from openbenefits.workforce.models import Client

TITLE = "A"
MONTHS = 12


@dataclass(frozen=True, kw_only=True)
class Left:
    """Something that is not taken over, and why."""

    what: str
    why: str


@dataclass(frozen=True, kw_only=True)
class TakenOver:
    """What was taken over, and what was left out."""

    made: list[Any]
    left: list[Left]


def masters_from_setup(as_of: date, *, by: Hand) -> TakenOver:
    """Make a master of each plan of the PEO whose rates are a price list, or that needs none; name the rest.

    A plan that has a master is passed over. Rates are those of the table of the plan's own code.
    """
    loaded = setup.loaded_in_force(0)
    if loaded is None:
        raise RenewalRefused("expected the PEO's set-up in force, found none; apply it first")
    known = set(BenefitsPlan.objects.filter(client_id=0).values_list("setup_plan", flat=True))
    made, left = [], []
    for part in in_force(loaded.parts.plans, as_of):
        if part.code in known:
            continue
        listed = None
        if has_rates(part.plan_type):
            listed = price_list_of([loaded], part.code, part.plan_type, as_of)
        if isinstance(listed, str):
            left.append(Left(what=part.code, why=listed))
        else:
            made.append(_master(part, listed, as_of, by))
    return TakenOver(made=made, left=left)


def _master(part: PlanPart, listed: PriceList | None, as_of: date, by: Hand) -> BenefitsPlan:
    begins = date(as_of.year, 1, 1)
    order = PlanOrder(
        unique_code=f"{part.code}-{begins.year}"[:60],
        plan_type=part.plan_type,
        setup_plan=part.code,
        name=part.name,
        carrier=part.carrier,
        carrier_plan_code=part.code,
        begins_on=begins,
        expires_on=last_day_of(begins),
        default_rate_group=TITLE,
        source=part.source,
    )
    made = add_plan(0, order)
    _put_rates(made, listed, part.source, by)
    return made


def _put_rates(plan: BenefitsPlan, listed: PriceList | None, source: str, by: Hand) -> None:
    if listed is not None:
        given = {name: getattr(listed, name) for name in LISTED}
        set_rates(plan, TITLE, listed.rates, begins_on=plan.begins_on, source=source, by=by, **given)


LISTED = ("unit", "geography", "area_of")
"""What a price list says besides its rates, as its rate group has it."""


# --- what a client has today --------------------------------------------------------------------------------


def batch_from_setup(
    connection: Any, client_id: int, schedule: str, *, by: Hand, **given: Any
) -> tuple[Batch, list[Left]]:
    """Make the active batch of the year a client is in, from its last open enrolment as it was priced.

    An option that costs every person of a coverage code the same becomes an offer: under the PEO's master of
    its plan where the rates are the same, else under a client-level plan. So does each plan without tiers
    whose rates are a price list, or that needs none. The rest is named, and goes on as set-up has it.
    given: fields of BatchOrder.

    Errors: RenewalRefused for a schedule there is not, or one without prices by tier.
    """
    period = _period(client_id, schedule)
    stored = frames.load_stored(connection, client_id, period.schedule_id, period.period_begins_on)
    if stored.is_empty():
        raise RenewalRefused(
            f"schedule {schedule}: expected prices stored by an open enrolment, found none; prepare it first"
        )
    options, left = _by_option(stored)
    with transaction.atomic():
        order = BatchOrder(
            type=BatchType.RENEWAL,
            effective_on=period.period_begins_on,
            expires_on=period.period_ends_on,
            **given,
        )
        batch = begin_batch(client_id, order, by=by)
        client = Client.objects.values_list("code", flat=True).get(pk=client_id)
        for (program, plan_type, option, plan), tiers in options.items():
            offered = _plan_of(client_id, client, plan, plan_type, tiers, batch.effective_on, by)
            group = TITLE if offered.client_id else _same_rates(offered, tiers)
            employer = {tier: employer for tier, (_, employer) in tiers.items()}
            taken = OfferOrder(
                plan=offered,
                rate_group=group or TITLE,
                risk_factor_micros=HUNDRED_PERCENT,
                program=program,
                option_code=option,
                employer=employer,
                is_imported=True,
            )
            add_offer(batch, taken, by=by)
        left += _take_alone(batch, client, by)
        _activate(batch, by)
        release = Bundle.objects.filter(client_id=client_id).values_list("release_id", flat=True).first()
        Batch.objects.filter(pk=batch.pk).update(release_id=release, schedule=schedule)
    batch.refresh_from_db()
    return batch, left


def _take_alone(batch: Batch, client: str, by: Hand) -> list[Left]:
    """Put what covers the employee alone, and accounts, into a batch; name the rest."""
    own = setup.loaded_in_force(batch.client_id)
    peo = setup.loaded_in_force(setup.PEO)
    bundles = [one for one in (own, peo) if one is not None]
    left = []
    for offered in offered_alone(own, batch.effective_on) if own is not None else ():
        terms = _terms_of(offered, bundles, batch.effective_on)
        if isinstance(terms, str):
            left.append(Left(what=f"{offered.program}/{offered.plan_type}/{offered.plan}", why=terms))
            continue
        listed, given = terms
        order = OfferOrder(
            plan=_plan_alone(batch, client, offered, listed, by),
            rate_group=TITLE if listed else "",
            risk_factor_micros=HUNDRED_PERCENT,
            program=offered.program,
            method=Method.PERCENT,
            employer={Tier.EE: given} if listed else {},
            is_imported=True,
        )
        add_offer(batch, order, by=by)
    return left


def _terms_of(
    offered: Alone, bundles: Sequence[LoadedBundle], on: date
) -> tuple[PriceList | None, int] | str:
    """Answer the rates of a plan without tiers, and what the employer gives of them; or why there is none."""
    if not has_rates(offered.plan_type):
        return None, 0
    costs = offered.costs[0]
    if len(costs) != 1 or any(list(one) != list(costs) for one in offered.costs):
        return "its options do not all have one cost, the same; it stays as set-up has it"
    listed = price_list_of(bundles, costs[0].rate_table, offered.plan_type, on)
    if isinstance(listed, str):
        return listed
    given = percent_given(bundles, costs[0], on)
    return given if isinstance(given, str) else (listed, given)


def _plan_alone(
    batch: Batch, client: str, offered: Alone, listed: PriceList | None, by: Hand
) -> BenefitsPlan:
    """Find the PEO's master of a plan with the same price list, else make a plan of the client's own."""
    on = batch.effective_on
    for one in BenefitsPlan.objects.filter(client_id=0, setup_plan=offered.plan, begins_on__lte=on):
        if (one.expires_on is None or one.expires_on >= on) and _is_listed(one, listed):
            return one
    source = f"set-up in force on {on}"
    made = _own_plan(batch.client_id, client, offered.plan, offered.plan_type, on, source)
    _put_rates(made, listed, source, by)
    if made.status == PlanStatus.PENDING:
        move(PLAN, made, PlanStatus.ACTIVE, author=by.name, now=by.now, reason="in force by set-up")
    return made


def _is_listed(plan: BenefitsPlan, listed: PriceList | None) -> bool:
    """Tell whether a plan has a price list in its first rate group, or needs none."""
    if listed is None:
        return True
    group = plan.rate_groups.filter(client_id=plan.client_id, title=TITLE).first()
    if group is None or any(getattr(group, name) != getattr(listed, name) for name in LISTED):
        return False
    known = {(one.tier, one.bands): one.premium_micros for one in rates_of(group)}
    return known == {(one.tier, one.bands): one.premium_micros for one in listed.rates}


def _period(client_id: int, schedule: str) -> Any:
    rows = Schedule.objects.filter(client_id=client_id, code=schedule, period_begins_on__isnull=False)
    found = rows.order_by("-release_id").first()
    if found is None:
        raise RenewalRefused(f"expected an open enrolment of the client, found no schedule '{schedule}'")
    return found


Prices = dict[Tier, tuple[int, int]]
"""By tier: premium and employer's part, cents a month."""


def _by_option(stored: pl.DataFrame) -> tuple[dict[tuple[str, str, str, str], Prices], list[Left]]:
    """Sort stored prices into options with a price for each tier; name those that have none."""
    codes = tiers_in_force()
    found: dict[tuple[str, str, str, str], Prices] = {}
    bad: dict[str, str] = {}
    for row in stored.iter_rows(named=True):
        program, plan_type, code = row["option"].split("/")
        stem, _, coverage = code.rpartition("-")
        tier = codes.get(coverage)
        if not stem or tier is None or not is_health(plan_type):
            continue
        price = _monthly(row)
        key = (program, plan_type, stem, row["plan"])
        if price is None:
            bad["/".join(key[:3])] = "its price is not the same for everybody of a coverage code"
        elif found.setdefault(key, {}).setdefault(tier, price) != price:
            bad["/".join(key[:3])] = f"two coverage codes of tier {tier} have different prices"
    good = {key: prices for key, prices in found.items() if "/".join(key[:3]) not in bad}
    return good, [Left(what=what, why=why) for what, why in sorted(bad.items())]


def _monthly(row: dict[str, Any]) -> tuple[int, int] | None:
    """Answer premium and employer's part of a month; None where they differ, or are no whole cents."""
    total, employer = row["least_total"], row["least_employer"]
    if (total, employer) != (row["most_total"], row["most_employer"]) or None in (total, employer):
        return None
    is_whole = total % MONTHS == 0 and employer % MONTHS == 0
    return (total // MONTHS, employer // MONTHS) if is_whole else None


def _same_rates(plan: BenefitsPlan, tiers: Prices) -> str | None:
    """Name the rate group of a plan that has exactly these premiums."""
    wanted = {tier: premium * MICROS_PER_CENT for tier, (premium, _) in tiers.items()}
    for group in plan.rate_groups.filter(client_id=plan.client_id):
        rates = {one.tier: one.premium_micros for one in rates_of(group) if not one.bands}
        if all(rates.get(tier) == micros for tier, micros in wanted.items()):
            return str(group.title)
    return None


def _plan_of(
    client_id: int, client: str, code: str, plan_type: str, tiers: Prices, on: date, by: Hand
) -> BenefitsPlan:
    masters = BenefitsPlan.objects.filter(client_id=0, setup_plan=code, begins_on__lte=on)
    for one in masters.order_by("-begins_on"):
        if (one.expires_on is None or one.expires_on >= on) and _same_rates(one, tiers):
            return one
    unique = f"{client}-{code}-{on.year}"[:60]
    known = BenefitsPlan.objects.filter(client_id=client_id, unique_code=unique).first()
    if known is not None and _same_rates(known, tiers):
        return known
    source = f"prices of the open enrolment for {on.year}"
    made = _own_plan(client_id, client, code, plan_type, on, source)
    rates = [
        Rate(tier=tier, premium_micros=premium * MICROS_PER_CENT) for tier, (premium, _) in tiers.items()
    ]
    set_rates(made, TITLE, rates, begins_on=on, source=source, by=by)
    if made.status == PlanStatus.PENDING:
        move(PLAN, made, PlanStatus.ACTIVE, author=by.name, now=by.now, reason="in force by set-up")
    return made


def _own_plan(client_id: int, client: str, code: str, plan_type: str, on: date, source: str) -> BenefitsPlan:
    """Make a client-level plan of a plan of set-up, of a unique code nobody has."""
    unique = f"{client}-{code}-{on.year}"[:60]
    known = BenefitsPlan.objects.filter(client_id=client_id, unique_code=unique).first()
    part = _plan_in_setup(client_id, code)
    order = PlanOrder(
        unique_code=unique if known is None else f"{unique}-{known.pk}",
        plan_type=plan_type,
        setup_plan=code,
        name=part.name if part else code,
        carrier=part.carrier if part else "",
        carrier_plan_code=code,
        begins_on=on,
        expires_on=last_day_of(on),
        default_rate_group=TITLE,
        kind=PlanKind.CLIENT,
        source=source,
    )
    return add_plan(client_id, order)


def _plan_in_setup(client_id: int, code: str) -> PlanPart | None:
    for owner in (client_id, 0):
        loaded = setup.loaded_in_force(owner)
        for one in loaded.parts.plans if loaded is not None else ():
            if one.code == code:
                return one
    return None


def _activate(batch: Batch, by: Hand) -> None:
    """Bring a batch that set-up holds already to where it stands."""
    steps = (BatchStatus.PREPARED, BatchStatus.REVIEW, BatchStatus.SELECTION, BatchStatus.SENT)
    for step in (*steps, BatchStatus.APPROVED, BatchStatus.ACTIVE):
        move(BATCH, batch, step, author=by.name, now=by.now, reason="in force by set-up")
    for offer in Offer.objects.filter(batch=batch):
        for one in (OfferStatus.SELECTED, OfferStatus.PENDING, OfferStatus.ACTIVE):
            move(OFFER, offer, one, author=by.name, now=by.now, reason="in force by set-up")
