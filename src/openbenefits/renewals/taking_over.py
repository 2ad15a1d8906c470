"""What a client has today as a batch, and masters from the PEO's set-up: the ground of the first renewal.

Nothing is entered twice: prices are those stored with the client's last open enrolment, rates of masters
those of set-up. What cannot be said by tier (a price that differs by person or area) is left out, and named.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core.money import MICROS_PER_CENT, MICROS_PER_DOLLAR
from openbenefits.core.plan_types import is_health
from openbenefits.programs import services as setup
from openbenefits.programs.drafts.services import Hand
from openbenefits.programs.loaded import LoadedBundle
from openbenefits.programs.models import Bundle, Schedule
from openbenefits.programs.sections.plans import PlanPart
from openbenefits.programs.sections.rates import RateLine, RateTablePart
from openbenefits.renewals import frames
from openbenefits.renewals.batches import BatchOrder, OfferOrder, add_offer, begin_batch
from openbenefits.renewals.codes import (
    BatchStatus,
    BatchType,
    OfferStatus,
    PlanKind,
    PlanStatus,
    Tier,
)
from openbenefits.renewals.models import HUNDRED_PERCENT, Batch, BenefitsPlan, Offer
from openbenefits.renewals.moves import BATCH, OFFER, PLAN
from openbenefits.renewals.plans import PlanOrder, Rate, add_plan, last_day_of, rates_of, set_rates
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
    """Make a master of each health plan of the PEO whose rates are by coverage code; others are named.

    A plan that has a master is passed over. Rates are those of the table of the plan's own code.
    """
    loaded = setup.loaded_in_force(0)
    if loaded is None:
        raise RenewalRefused("expected the PEO's set-up in force, found none; apply it first")
    known = set(BenefitsPlan.objects.filter(client_id=0).values_list("setup_plan", flat=True))
    made, left = [], []
    for part in _in_force(loaded.parts.plans, as_of):
        if not is_health(part.plan_type) or part.code in known:
            continue
        rates = _rates_in(loaded, part.code, as_of)
        if isinstance(rates, str):
            left.append(Left(what=part.code, why=rates))
        else:
            made.append(_master(part, rates, as_of, by))
    return TakenOver(made=made, left=left)


def _in_force(parts: Any, as_of: date) -> Iterator[Any]:
    """Answer the version of each record that holds on a day."""
    latest: dict[str, Any] = {}
    for one in sorted(parts, key=lambda part: part.valid_from):
        if one.valid_from <= as_of:
            latest[one.code] = one
    yield from (one for one in latest.values() if one.active)


def _rates_in(loaded: LoadedBundle, code: str, as_of: date) -> list[Rate] | str:
    """Answer the rates of a table by tier, or why it has none."""
    table = next((one for one in _in_force(loaded.parts.rate_tables, as_of) if one.code == code), None)
    if table is None:
        return "no rate table of its code"
    if not _is_tiered(table):
        return "its rates are not by coverage code alone, a month and flat; they stay those of set-up"
    return _by_tier(table.rates)


def _is_tiered(table: RateTablePart) -> bool:
    keyed = set(table.keys) in ({"coverage_code"}, {"coverage_code", "age"})
    plain = table.frequency == "monthly" and table.unit == "flat" and not table.per_member
    return keyed and plain and not table.curve and not table.tiers and not table.file


def _by_tier(lines: list[RateLine]) -> list[Rate] | str:
    tiers = tiers_in_force()
    found: dict[tuple[Tier, int], int] = {}
    for line in lines:
        tier = tiers.get(str(line.coverage_code))
        micros = int(line.rate * MICROS_PER_DOLLAR)
        if tier is not None and found.setdefault((tier, line.age_from or 0), micros) != micros:
            return f"two coverage codes of tier {tier} have different rates"
    return [Rate(tier=tier, premium_micros=micros, band_from=age) for (tier, age), micros in found.items()]


def _master(part: PlanPart, rates: list[Rate], as_of: date, by: Hand) -> BenefitsPlan:
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
    set_rates(made, TITLE, rates, begins_on=begins, source=part.source, by=by)
    return made


# --- what a client has today --------------------------------------------------------------------------------


def batch_from_setup(
    connection: Any, client_id: int, schedule: str, *, by: Hand, **given: Any
) -> tuple[Batch, list[Left]]:
    """Make the active batch of the year a client is in, from its last open enrolment as it was priced.

    An option that costs every person of a coverage code the same becomes an offer: under the PEO's master of
    its plan where the rates are the same, else under a client-level plan. The rest is named, and goes on as
    set-up has it.
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
        _activate(batch, by)
        release = Bundle.objects.filter(client_id=client_id).values_list("release_id", flat=True).first()
        Batch.objects.filter(pk=batch.pk).update(release_id=release, schedule=schedule)
    batch.refresh_from_db()
    return batch, left


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
        rates = {one.tier: one.premium_micros for one in rates_of(group) if one.band_from == 0}
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
        source=f"prices of the open enrolment for {on.year}",
    )
    made = add_plan(client_id, order)
    rates = [
        Rate(tier=tier, premium_micros=premium * MICROS_PER_CENT) for tier, (premium, _) in tiers.items()
    ]
    set_rates(made, TITLE, rates, begins_on=on, source=order.source, by=by)
    if made.status == PlanStatus.PENDING:
        move(PLAN, made, PlanStatus.ACTIVE, author=by.name, now=by.now, reason="in force by set-up")
    return made


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
