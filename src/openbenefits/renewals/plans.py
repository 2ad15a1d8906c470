"""Benefits plans and their price lists: entered, taken from set-up, renewed, grouped."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from itertools import product
from typing import Any

import polars as pl
from django.db import IntegrityError, transaction

from openbenefits.core import money
from openbenefits.core.codes import AreaOf, RateUnit
from openbenefits.core.plan_types import DELIVERED, has_rates, is_health
from openbenefits.programs import services as setup
from openbenefits.programs.drafts.services import Hand
from openbenefits.renewals.codes import (
    BAND_FACTS,
    Band,
    Bands,
    Edge,
    PlanKind,
    PlanStatus,
    RateSource,
    Tier,
    bands_of,
    bands_said,
)
from openbenefits.renewals.models import (
    HUNDRED_PERCENT,
    BenefitsPlan,
    GroupRate,
    PlanGroup,
    PlanGroupMember,
    RateGroup,
    RiskFactor,
)
from openbenefits.renewals.moves import PLAN
from openbenefits.renewals.rules.pricing import DOLLARS_BOUGHT
from openbenefits.renewals.rules.renewing import a_year_after, renewal_days
from openbenefits.renewals.statuses import RenewalRefused, move


@dataclass(frozen=True, kw_only=True)
class PlanOrder:
    """A plan as it is entered."""

    unique_code: str
    plan_type: str
    name: str
    carrier: str
    carrier_plan_code: str
    begins_on: date
    source: str
    setup_plan: str = ""  # none said: the unique code
    kind: PlanKind = PlanKind.MASTER
    is_base: bool = False
    expires_on: date | None = None
    default_rate_group: str = ""
    design: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A month's rate of a tier and its bands; micro-dollars, or of a share of pay micro-percent."""

    tier: Tier
    premium_micros: int
    cost_micros: int | None = None
    bands: Bands = ()


def add_plan(client_id: int, order: PlanOrder) -> BenefitsPlan:
    """Enter a plan: a master or model of the PEO (client 0), or one client's own.

    Errors: RenewalRefused for a category there is not, a code that is taken, a kind of the other side.
    """
    if order.plan_type not in DELIVERED:
        raise RenewalRefused(
            f"plan {order.unique_code}: expected a plan type there is, found '{order.plan_type}'; correct it"
        )
    if (client_id == 0) == (order.kind is PlanKind.CLIENT):
        raise RenewalRefused(
            f"plan {order.unique_code}: expected masters and models at the PEO and client-level plans at a"
            f" client, found '{order.kind}'; choose the other kind"
        )
    given = asdict(order) | {"kind": str(order.kind), "setup_plan": order.setup_plan or order.unique_code}
    if not has_rates(order.plan_type):  # people say the amount: there is nothing to wait for
        given["status"] = str(PlanStatus.PENDING)
    try:
        with transaction.atomic():
            made = BenefitsPlan.objects.create(client_id=client_id, **given)
    except IntegrityError:
        raise RenewalRefused(
            f"plan {order.unique_code}: expected a unique plan code, found a plan that has it; choose another"
        ) from None
    return made


def _settle(plan: BenefitsPlan, by: Hand) -> None:
    """Say whether a complete plan waits for its day, or holds already."""
    waits = plan.begins_on > by.now.date()
    to = PlanStatus.PENDING if waits else PlanStatus.ACTIVE
    move(PLAN, plan, to, author=by.name, now=by.now, reason="its rates are entered")


def set_rates(
    plan: BenefitsPlan,
    title: str,
    rates: Sequence[Rate],
    *,
    begins_on: date,
    source: str,
    by: Hand,
    client_id: int | None = None,
    rate_source: RateSource = RateSource.MANUAL,
    factor_micros: int = HUNDRED_PERCENT,
    unit: RateUnit = RateUnit.FLAT,
    geography: str = "",
    area_of: AreaOf = AreaOf.HOME,
) -> RateGroup:
    """Write a rate group of a plan whole: its tiers and bands, what is billed and what it costs.

    Rates may go by several kinds of band together: then there is one for each band of one kind with each of
    the others. What covers the employee alone (life, disability) has rates of tier EE, whole, for coverage or
    of pay (unit). Of rating areas geography names whose, and area_of by whose address.
    client_id: of a client that keeps rates of its own for a master of the PEO's; none said: the plan's.
    What was signed stays as it was signed (approving).

    Errors: RenewalRefused without rates or source, for a rate twice, out of range or below 0, for bands that
            leave a gap; for a plan that has no rates, or not these.
    """
    where = f"rate group {title} of {plan.unique_code}"
    if not title.strip() or not rates or not source.strip():
        raise RenewalRefused(f"{where}: expected a title, rates and their source, found one missing; add it")
    _refuse_list(where, rates)
    _refuse_rates(plan, where, {one.tier for one in rates}, unit)
    _refuse_areas(where, edges_of(rates, Band.AREA), geography, area_of)
    with transaction.atomic():
        group, _ = RateGroup.objects.update_or_create(
            client_id=plan.client_id if client_id is None else client_id,
            plan=plan,
            title=title.strip(),
            defaults={
                "rate_source": str(rate_source),
                "factor_micros": factor_micros,
                "unit": str(unit),
                "geography": geography,
                "area_of": str(area_of),
                "begins_on": begins_on,
                "source": source.strip(),
            },
        )
        group.rates.all().delete()
        GroupRate.objects.bulk_create(
            GroupRate(client_id=group.client_id, rate_group=group, **_columns(one)) for one in rates
        )
        if plan.status == PlanStatus.NEW and group.client_id == plan.client_id:
            _settle(plan, by)
    return group


def _refuse_list(where: str, rates: Sequence[Rate]) -> None:
    """Refuse a rate twice, edges of bands that cannot be, gaps between bands, and rates out of range.

    Errors: RenewalRefused.
    """
    if len({(one.tier, one.bands) for one in rates}) < len(rates):
        raise RenewalRefused(f"{where}: expected each tier and band once, found one twice; take one out")
    edges = {kind: edges_of(rates, kind) for kind in Band}
    lowest = [edge for kind, known in edges.items() if kind is not Band.AREA for edge in known]
    is_smoking_half = edges[Band.SMOKER] not in (set(), {0, 1})
    if any(int(edge) < 0 for edge in lowest) or is_smoking_half:
        raise RenewalRefused(
            f"{where}: expected bands from 0 up, of smokers 0 and 1, found otherwise; correct them"
        )
    if lacking := gap_in(rates):
        tier, bands = lacking
        raise RenewalRefused(
            f"{where}: expected a rate for each band of one kind with each of the others, found none for"
            f" {tier}, {bands_said(bands) or 'the lowest'}; add it"
        )
    if any(not 0 <= micros <= money.LARGEST_OPERAND for one in rates for micros in _micros(one)):
        raise RenewalRefused(
            f"{where}: expected rates from 0 to 1,000,000 dollars, found another; correct it"
        )


def edges_of(rates: Iterable[Rate], kind: Band) -> set[Edge]:
    """Answer the lower edges of a kind of band that rates go by."""
    return {edge for one in rates for name, edge in one.bands if name == kind}


def gap_in(rates: Sequence[Rate]) -> tuple[Tier, Bands] | None:
    """Find a tier and bands without a rate, among the edges of all rates; None where there is none."""
    kinds = [kind for kind in Band if edges_of(rates, kind)]
    grid = list(product(*([(str(kind), edge) for edge in sorted(edges_of(rates, kind))] for kind in kinds)))
    known = {(one.tier, one.bands) for one in rates}
    wanted = ((tier, bands) for tier in {one.tier: None for one in rates} for bands in grid)
    return next((one for one in wanted if one not in known), None)


def _refuse_rates(plan: BenefitsPlan, where: str, tiers: set[Tier], unit: RateUnit) -> None:
    """Refuse rates that a plan of its category cannot have.

    Errors: RenewalRefused.
    """
    if not has_rates(plan.plan_type):
        raise RenewalRefused(
            f"{where}: expected a plan with rates, found one whose amount people state; leave the rates out"
        )
    is_flat = unit is RateUnit.FLAT
    if is_health(plan.plan_type):
        if not is_flat:
            raise RenewalRefused(
                f"{where}: expected whole prices by tier, found rates for coverage or pay; correct it"
            )
    elif tiers != {Tier.EE} or not (is_flat or unit in DOLLARS_BOUGHT):
        raise RenewalRefused(
            f"{where}: expected rates of tier EE, flat, per hundred or thousand of coverage or percent of"
            " pay, found others; correct them"
        )


def zips_of_peo() -> pl.DataFrame:
    """Answer the zips of the PEO's geographies in force: geography, zip, area."""
    loaded = setup.loaded_in_force(setup.PEO)
    names = ("geography", "zip", "area")
    if loaded is None:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String()))
    return loaded.zips.select(pl.col(name).cast(pl.String) for name in names)


def _refuse_areas(where: str, areas: set[Edge], geography: str, area_of: AreaOf) -> None:
    """Refuse areas that are not those of the geography, and a geography or address without areas.

    Errors: RenewalRefused.
    """
    if not areas:
        if geography or area_of is not AreaOf.HOME:
            raise RenewalRefused(
                f"{where}: expected a geography and an address of bands that are areas alone, found one"
                " without; leave it out"
            )
        return
    zips = zips_of_peo().filter(pl.col("area") != "")
    known = zips.filter(geography=geography)["area"].unique().sort().to_list()
    if not known:
        others = ", ".join(zips["geography"].unique().sort()) or "none in set-up"
        raise RenewalRefused(
            f"{where}: expected a geography with rating areas ({others}), found '{geography}'; correct it"
        )
    if unknown := sorted(areas - set(known), key=str):
        raise RenewalRefused(
            f"{where}: expected areas of {geography} ({', '.join(known)}), found {unknown[0]}; correct it"
        )


def _micros(rate: Rate) -> list[int]:
    return [rate.premium_micros, *([] if rate.cost_micros is None else [rate.cost_micros])]


def _columns(rate: Rate) -> dict[str, Any]:
    return asdict(rate) | {"tier": str(rate.tier), "bands": dict(rate.bands)}


def rates_of(group: RateGroup) -> list[Rate]:
    """Answer the rates of a group, by tier and bands."""
    order = list(Tier)
    rows = group.rates.values_list("tier", "premium_micros", "cost_micros", "bands")
    found = [
        Rate(tier=Tier(tier), premium_micros=premium, cost_micros=cost, bands=bands_of(bands))
        for tier, premium, cost, bands in rows
    ]
    return sorted(found, key=lambda one: (order.index(one.tier), one.bands))


def facts_of(group: RateGroup) -> str:
    """Name the facts of a person that the bands of a group go by: 'age, smoking'; '' without bands."""
    bands = group.rates.values_list("bands", flat=True).first() or {}
    return ", ".join(BAND_FACTS[Band(kind)] for kind, _ in bands_of(bands))


def renew_plan(
    plan: BenefitsPlan,
    unique_code: str,
    *,
    by: Hand,
    source: str,
    change_micros: int | None = None,
) -> BenefitsPlan:
    """Copy a plan to the year after: same design and default rate group, not renewed itself (§2.1).

    change_micros: by how many micro-percent every rate rises; none said: rates are loaded afterwards, and the
    new plan has none. The old plan gets the day it was renewed, and is not renewed twice.

    Errors: RenewalRefused for a plan that was renewed, and as add_plan.
    """
    with transaction.atomic():
        old = BenefitsPlan.objects.select_for_update(of=("self",)).get(pk=plan.pk)
        if old.renewed_on is not None:
            raise RenewalRefused(
                f"plan {old.unique_code}: expected one that was not renewed, found it was on"
                f" {old.renewed_on}; change its renewal instead"
            )
        begins, expires = renewal_days(old.begins_on, old.expires_on)
        order = PlanOrder(
            unique_code=unique_code,
            begins_on=begins,
            expires_on=expires,
            source=source,
            kind=PlanKind(old.kind),
            **{name: getattr(old, name) for name in _KEPT},
        )
        made = add_plan(old.client_id, order)
        BenefitsPlan.objects.filter(pk=made.pk).update(renewed_from=old, model_plan=old.model_plan)
        BenefitsPlan.objects.filter(pk=old.pk).update(renewed_on=by.now.date())
        if change_micros is not None:
            _copy_rates(old, made, change_micros, source, by)
    made.refresh_from_db()
    plan.refresh_from_db()
    return made


def copy_plan(
    plan: BenefitsPlan, client_id: int, unique_code: str, *, begins_on: date, source: str, by: Hand
) -> BenefitsPlan:
    """Make a client-level plan of a model, a base plan or a master: its design, and its rates if it has some.

    Errors: RenewalRefused for a plan that is not to be copied, for the PEO, and as add_plan.
    """
    is_source = plan.client_id == 0 and (plan.is_base or plan.kind in (PlanKind.MODEL, PlanKind.MASTER))
    if not is_source or client_id == 0:
        raise RenewalRefused(
            f"plan {plan.unique_code}: expected a model, base or master plan of the PEO's and a client, found"
            " otherwise; choose another"
        )
    with transaction.atomic():
        kept = {name: getattr(plan, name) for name in _KEPT} | {"is_base": False}
        order = PlanOrder(
            unique_code=unique_code,
            begins_on=begins_on,
            expires_on=last_day_of(begins_on),
            source=source,
            kind=PlanKind.CLIENT,
            **kept,
        )
        made = add_plan(client_id, order)
        BenefitsPlan.objects.filter(pk=made.pk).update(model_plan=plan)
        _copy_rates(plan, made, 0, source, by)
    made.refresh_from_db()
    return made


FINEST = money.MICROS_PER_DOLLAR // 1_000
"""Rates for coverage are quoted to a tenth of a cent."""
_KEPT = (
    *("plan_type", "setup_plan", "name", "carrier", "carrier_plan_code"),
    *("is_base", "default_rate_group", "design"),
)


def _copy_rates(old: BenefitsPlan, new: BenefitsPlan, change_micros: int, source: str, by: Hand) -> None:
    for group in RateGroup.objects.filter(plan=old, client_id=old.client_id):
        unit = RateUnit(group.unit)
        step = money.MICROS_PER_CENT if unit is RateUnit.FLAT else FINEST
        rates = [
            Rate(
                tier=one.tier,
                bands=one.bands,
                premium_micros=risen(one.premium_micros, change_micros, step),
                cost_micros=None if one.cost_micros is None else risen(one.cost_micros, change_micros, step),
            )
            for one in rates_of(group)
        ]
        set_rates(
            new,
            group.title,
            rates,
            begins_on=new.begins_on,
            source=source,
            by=by,
            rate_source=RateSource(group.rate_source),
            factor_micros=group.factor_micros,
            unit=unit,
            geography=group.geography,
            area_of=AreaOf(group.area_of),
        )


def risen(micros: int, change_micros: int, step: int = money.MICROS_PER_CENT) -> int:
    """Raise a rate by micro-percent, to the cent or another step, half up.

    >>> risen(500_000_000, 7_500_000), risen(333_330_000, -10_000_000)
    (537500000, 300000000)
    """
    whole, rest = divmod(micros * (HUNDRED_PERCENT + change_micros), HUNDRED_PERCENT * step)
    return (whole + (2 * rest >= HUNDRED_PERCENT * step)) * step


def offerable(client_id: int, on: date) -> list[BenefitsPlan]:
    """List the plans that may be offered to a client on a day: the PEO's masters, and its own."""
    rows = BenefitsPlan.objects.filter(client_id__in=(0, client_id), begins_on__lte=on).exclude(
        status=PlanStatus.EXPIRED
    )
    usable = rows.exclude(kind=PlanKind.MODEL).order_by("plan_type", "unique_code")
    return [one for one in usable if one.expires_on is None or one.expires_on >= on]


# --- risk factors, plan groups ------------------------------------------------------------------------------


def set_risk_factor(
    client_id: int, factor_micros: int, *, begins_on: date, source: str, by: Hand, plan_type: str = ""
) -> RiskFactor:
    """Write down a client's risk factor from a day: for a plan type, or for all.

    Errors: RenewalRefused for one that is not between 1 and 1,000 percent, or without a source.
    """
    if not 1_000_000 <= factor_micros <= 10 * HUNDRED_PERCENT or not source.strip():
        raise RenewalRefused(
            "expected a risk factor between 1 and 1,000 percent with its source, found another; correct it"
        )
    found, _ = RiskFactor.objects.update_or_create(
        client_id=client_id,
        plan_type=plan_type,
        begins_on=begins_on,
        defaults={"factor_micros": factor_micros, "source": source.strip(), "author": by.name},
    )
    return found


def risk_factor_of(client_id: int, plan_type: str, on: date) -> int:
    """Answer the risk factor of a client on a day, that of its plan type first; else 100 percent."""
    rows = RiskFactor.objects.filter(client_id=client_id, plan_type__in=("", plan_type), begins_on__lte=on)
    found = rows.order_by("-plan_type", "-begins_on").values_list("factor_micros", flat=True).first()
    return HUNDRED_PERCENT if found is None else found


def make_group(plan_year: int, name: str, members: Iterable[tuple[BenefitsPlan, str]]) -> PlanGroup:
    """Put plans together, each with the title of a rate group ('' = as any new offer takes it).

    Errors: RenewalRefused without a name or plans.
    """
    wanted = list(members)
    if not name.strip() or not wanted:
        raise RenewalRefused("expected a name and at least one plan, found one missing; add it")
    with transaction.atomic():
        group, _ = PlanGroup.objects.get_or_create(client_id=0, plan_year=plan_year, name=name.strip())
        group.members.all().delete()
        PlanGroupMember.objects.bulk_create(
            PlanGroupMember(client_id=0, plan_group=group, plan=plan, rate_group=title)
            for plan, title in wanted
        )
    return group


def last_day_of(begins_on: date) -> date:
    """Answer the last day of a year that begins on a day."""
    return a_year_after(begins_on) - timedelta(days=1)
