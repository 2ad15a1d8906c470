"""Plans set up at the payroll platform, taken into a batch as offers: by plan, rate group and benefit group.

Source: process-management §8.5. What the latest look saw is read; nothing is asked of the platform.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

import polars as pl

from openbenefits.platform.naming import Names, names_of
from openbenefits.platform.seen import last_look, load_seen
from openbenefits.programs.drafts.services import Hand
from openbenefits.renewals.batches import OfferOrder, add_offer
from openbenefits.renewals.codes import Method, Tier
from openbenefits.renewals.models import Batch, BenefitsPlan, Offer
from openbenefits.renewals.plans import Rate, rates_of
from openbenefits.renewals.statuses import RenewalRefused
from openbenefits.renewals.tiers import tiers_in_force
from openbenefits.renewals.weighing import set_contribution

MICROS = Decimal(1_000_000)
PERCENT_MICROS_OF_CENT = Decimal(1_000_000)
"""A cent is 10,000 micro-dollars; of a percentage, a hundred times that."""
PERCENT, FIXED = "P", "F"


class Mode(StrEnum):
    """What an import does with plans that are, or are not, offers of the batch already."""

    INSERT = "insert"
    UPDATE = "update"
    BOTH = "both"


@dataclass(kw_only=True)
class Imported:
    """What came of an import: offers made, offers changed, and lines that could not be, with why."""

    inserted: list[Offer] = field(default_factory=list)
    updated: list[Offer] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def take_offers(
    connection: Any, batch: Batch, mode: Mode, *, by: Hand, is_updating_contributions: bool = False
) -> Imported:
    """Take the plans set up there on the day a batch begins into it.

    A plan is found by its unique code, its rate group by the title there; what is missing is a line among the
    errors, and the rest goes on. Contributions of offers that are there already change only where asked.

    Errors: NoLook; RenewalRefused for a batch that may not change any more.
    """
    look, found = last_look(batch.client_id), Imported()
    setups = load_seen(connection, look, "setup")
    rules = load_seen(connection, look, "rule").filter(pl.col("from_on") <= batch.effective_on)
    latest = rules.filter(pl.col("from_on") == pl.col("from_on").max().over("plan", "group"))
    names = names_of(batch.client_id)
    for setup in open_on(setups, batch.effective_on).iter_rows(named=True):
        groups = latest.filter(plan=setup["plan"]).partition_by("group", maintain_order=True)
        for rule in groups or [latest.clear()]:
            try:
                _take(batch, setup, rule, names, mode, by, found, is_updating=is_updating_contributions)
            except RenewalRefused as refused:
                found.errors.append(str(refused))
    return found


def open_on(setups: pl.DataFrame, day: date) -> pl.DataFrame:
    """Keep the set-ups that hold on a day: begun by then, and not ended before."""
    begun = pl.col("begins_on").is_null() | (pl.col("begins_on") <= day)
    goes_on = pl.col("ends_on").is_null() | (pl.col("ends_on") >= day)
    return setups.filter(begun & goes_on & (pl.col("status") != "T"))


def _take(
    batch: Batch,
    setup: Mapping[str, Any],
    rule: pl.DataFrame,
    names: Names,
    mode: Mode,
    by: Hand,
    found: Imported,
    *,
    is_updating: bool,
) -> None:
    code = names.ours("plan", setup["plan"])
    plan = _plan(batch, code)
    title = setup["rate_group"]
    group = (
        plan.rate_groups.filter(title=title, client_id__in=(0, batch.client_id))
        .order_by("-client_id")
        .first()
    )
    if group is None:
        raise RenewalRefused(
            f"plan {code}: expected a rate group '{title}', as it has there, found none; enter its rates"
        )
    benefit_group = names.ours("group", rule["group"][0]) if rule.height else ""
    method, employer = contribution_of(rule, rates_of(group), names, code)
    standing = batch.offers.filter(plan=plan, rate_group=group, benefit_group=benefit_group).first()
    if standing is None and mode in (Mode.INSERT, Mode.BOTH):
        order = OfferOrder(
            plan=plan,
            rate_group=title,
            benefit_group=benefit_group,
            method=method,
            employer=employer,
            is_imported=True,
        )
        found.inserted.append(add_offer(batch, order, by=by))
    elif standing is not None and mode in (Mode.UPDATE, Mode.BOTH):
        if is_updating:
            set_contribution(standing, method, employer)
        Offer.objects.filter(pk=standing.pk).update(is_imported=True)
        found.updated.append(standing)


def _plan(batch: Batch, code: str) -> BenefitsPlan:
    rows = BenefitsPlan.objects.filter(unique_code=code, client_id__in=(0, batch.client_id)).exclude(
        kind="model"
    )
    holding = [
        one
        for one in rows.order_by("-client_id", "-begins_on")
        if one.begins_on <= batch.effective_on
        and (one.expires_on is None or one.expires_on >= batch.effective_on)
    ]
    if not holding:
        raise RenewalRefused(
            f"plan {code}: expected a benefits plan of that code on {batch.effective_on}, found none;"
            " enter it, or say what it is called (`openbenefits platform call-it plan`)"
        )
    return holding[0]


def contribution_of(
    rule: pl.DataFrame, rates: Sequence[Rate], names: Names, code: str
) -> tuple[Method, dict[Tier, int]]:
    """Answer what the employer gives by tier, from the rows of a rule there.

    One percentage for employee and dependents stays a percentage; two of them become dollars of the rates,
    and so do stated dollars. A tier with bands cannot be said in dollars.

    Errors: RenewalRefused for a tier that is not known, or has no rate where one is needed.
    """
    tiers = tiers_in_force()
    flat = {one.tier: one.premium_micros for one in rates if not one.bands}
    rows = [one for one in rule.iter_rows(named=True) if one["tier"]]
    is_percent = all(
        one["method"] == PERCENT
        and (one["dependents"] == one["employee"] or _tier(one, tiers, names, code) is Tier.EE)
        for one in rows
    )
    found: dict[Tier, int] = {}
    for one in rows:
        tier = _tier(one, tiers, names, code)
        own, others = Decimal(one["employee"]), Decimal(one["dependents"])
        if is_percent:
            found[tier] = int(own * MICROS)
        elif one["method"] == FIXED:
            found[tier] = int((own + others) * 100)
        else:
            found[tier] = _dollars_of(tier, own, others, flat, code)
    return (Method.PERCENT if is_percent else Method.DOLLARS), found


def _tier(one: Mapping[str, Any], tiers: Mapping[str, Tier], names: Names, code: str) -> Tier:
    ours = names.ours("tier", one["tier"])
    tier = tiers.get(ours)
    if tier is None:
        raise RenewalRefused(
            f"plan {code}: expected a coverage code for their plan type '{one['tier']}', found none;"
            " say which it is"
        )
    return tier


def _dollars_of(tier: Tier, own: Decimal, others: Decimal, flat: Mapping[Tier, int], code: str) -> int:
    """Work percentages of the employee's and the dependents' part out in cents of the rates, half up."""
    if tier not in flat or Tier.EE not in flat:
        raise RenewalRefused(
            f"plan {code}, {tier}: expected one rate for every age to work dollars out of, found others;"
            " state the contribution by hand"
        )
    employee = Decimal(flat[Tier.EE])
    micros = employee * own + (Decimal(flat[tier]) - employee) * others
    return int((micros / PERCENT_MICROS_OF_CENT).quantize(Decimal(1), rounding="ROUND_HALF_UP"))
