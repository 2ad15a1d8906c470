"""Rate tables of set-up as price lists, where they can be said as one; what the employer gives of them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from openbenefits.core.codes import AreaOf, RateUnit
from openbenefits.core.money import MICROS_PER_DOLLAR
from openbenefits.core.plan_types import is_health
from openbenefits.programs.bundle import ClientBundle
from openbenefits.programs.loaded import LoadedBundle
from openbenefits.programs.sections.amounts import CostPart
from openbenefits.programs.sections.rates import RateLine, RateTablePart
from openbenefits.renewals.codes import Band, Bands, Edge, Tier, bands_of
from openbenefits.renewals.models import HUNDRED_PERCENT
from openbenefits.renewals.plans import Rate, gap_in
from openbenefits.renewals.tiers import tiers_in_force

MONTHS_OF_YEAR = 12
BANDED = {str(one) for one in Band}


@dataclass(frozen=True, kw_only=True)
class PriceList:
    """A rate table as rates of tiers and bands, what one rate buys, and whose address gives rating areas."""

    rates: Sequence[Rate]
    unit: RateUnit = RateUnit.FLAT
    geography: str = ""
    area_of: AreaOf = AreaOf.HOME


def in_force(parts: Any, as_of: date) -> Iterator[Any]:
    """Answer the version of each record that holds on a day."""
    latest: dict[str, Any] = {}
    for one in sorted(parts, key=lambda part: part.valid_from):
        if one.valid_from <= as_of:
            latest[one.code] = one
    yield from (one for one in latest.values() if one.active)


def price_list_of(bundles: Sequence[LoadedBundle], code: str, plan_type: str, as_of: date) -> PriceList | str:
    """Answer a rate table of the first of some bundles that has it as a price list, or why it is none."""
    table = _found(bundles, "rate_tables", code, as_of)
    if table is None:
        return "no rate table of its code"
    if not _is_plain(table):
        return "its rates are not a month's, written line by line; they stay those of set-up"
    return _tiered(table) if is_health(plan_type) else _alone(table)


def _found(bundles: Sequence[LoadedBundle], section: str, code: str, as_of: date) -> Any:
    for bundle in bundles:
        for one in in_force(getattr(bundle.parts, section, ()), as_of):
            if one.code == code:
                return one
    return None


def _is_plain(table: RateTablePart) -> bool:
    is_worked_out = table.per_member or table.curve or table.tiers or table.file or table.tobacco_factor
    is_of_pay = table.unit == RateUnit.PERCENT_OF_BASE  # of a year's pay, whatever the frequency
    return (table.frequency == "monthly" or is_of_pay) and not is_worked_out


def _tiered(table: RateTablePart) -> PriceList | str:
    if "coverage_code" not in table.keys or table.unit != RateUnit.FLAT:
        return "its rates are not by coverage code, a month and flat; they stay those of set-up"
    return _listed(table, tiers_in_force())


def _alone(table: RateTablePart) -> PriceList | str:
    """Read rates of the employee alone: whole, for coverage, or of pay."""
    if "coverage_code" in table.keys:
        return "its rates are by coverage code; they stay those of set-up"
    return _listed(table, {"": Tier.EE})


def _listed(table: RateTablePart, tiers: Mapping[str, Tier]) -> PriceList | str:
    """Put the lines of a table into tiers and bands. tiers: of each coverage code, "" for none."""
    kinds = set(table.keys) - {"coverage_code"}
    if not kinds <= BANDED:
        return "its rates go by what is no band here; they stay those of set-up"
    if any((line.service_months_from or 0) % MONTHS_OF_YEAR for line in table.rates):
        return "its bands of service are no whole years; they stay those of set-up"
    if any((line.annual_pay_from or 0) % 1 for line in table.rates):
        return "its bands of pay are no whole dollars; they stay those of set-up"
    found: dict[tuple[Tier, Bands], int] = {}
    for line in table.rates:
        tier = tiers.get(line.coverage_code or "")
        micros = int(line.rate * MICROS_PER_DOLLAR)
        if tier is not None and found.setdefault((tier, _bands(line, kinds)), micros) != micros:
            return f"two coverage codes of tier {tier} have different rates"
    rates = [Rate(tier=tier, premium_micros=micros, bands=bands) for (tier, bands), micros in found.items()]
    if gap_in(rates):
        return "its bands leave gaps; its rates stay those of set-up"
    is_by_area = str(Band.AREA) in kinds
    return PriceList(
        rates=rates,
        unit=RateUnit(table.unit),
        geography=(table.geography or "") if is_by_area else "",
        area_of=AreaOf(table.area_of) if is_by_area else AreaOf.HOME,
    )


def _bands(line: RateLine, kinds: Collection[str]) -> Bands:
    edges: dict[str, Edge | None] = {
        Band.AGE: line.age_from or 0,
        Band.SERVICE: (line.service_months_from or 0) // MONTHS_OF_YEAR,
        Band.PAY: int(line.annual_pay_from or 0),
        Band.SMOKER: int(bool(line.smoker)),
        Band.AREA: line.area or "",
    }
    return bands_of({kind: edge for kind, edge in edges.items() if kind in kinds})


def percent_given(bundles: Sequence[LoadedBundle], cost: CostPart, as_of: date) -> int | str:
    """Answer what the employer gives of a price, in micro-percent, or why it is no percentage."""
    told = "what the employer gives is not one percentage; it stays as set-up has it"
    if cost.contribution is None:
        table = _found(bundles, "rate_tables", cost.rate_table, as_of)
        shares = {_share(line) for line in table.rates}
        return shares.pop() if len(shares) == 1 else told
    part = _found(bundles, "contributions", cost.contribution, as_of)
    if part is None or part.reference_option or len(part.rows) != 1:
        return told
    (row,) = part.rows
    is_bounded = row.fixed_monthly or row.cap_monthly or row.minimum_employee_monthly
    return told if is_bounded or row.coverage_code else int(row.employee_percent * HUNDRED_PERCENT / 100)


def _share(line: RateLine) -> int:
    if not line.employer_rate or not line.rate:
        return 0
    return int(line.employer_rate * HUNDRED_PERCENT / line.rate)


@dataclass(frozen=True, kw_only=True)
class Alone:
    """What a client offers of a plan that covers the employee alone, or whose amount people state.

    costs: those of each of its options in the program, as set-up has them.
    """

    program: str
    plan_type: str
    plan: str
    costs: Sequence[Sequence[CostPart]]


def offered_alone(loaded: LoadedBundle, as_of: date) -> list[Alone]:
    """List the plans without tiers that a client's programs offer on a day."""
    found: dict[tuple[str, str, str], list[Sequence[CostPart]]] = {}
    if not isinstance(loaded.parts, ClientBundle):
        return []
    for program in in_force(loaded.parts.programs, as_of):
        for part in program.plan_types:
            for option in part.options if part.active and not is_health(part.plan_type) else ():
                if option.active and option.plan:
                    found.setdefault((program.code, part.plan_type, option.plan), []).append(option.costs)
    return [
        Alone(program=program, plan_type=plan_type, plan=plan, costs=costs)
        for (program, plan_type, plan), costs in found.items()
    ]
