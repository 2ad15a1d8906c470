"""Risk tiers recommended to prospects and clients: tables brought as files, what was found kept as it was.

The single rates of the base comparison plan come from a file, or from the rate groups of a plan.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from openbenefits.core import days
from openbenefits.core.bad_rows import missing, unreadable
from openbenefits.core.cells import TEXT, WHOLE, Kind, values_of
from openbenefits.core.money import MICROS_PER_CENT
from openbenefits.matching.candidates import TIERS
from openbenefits.matching.files import DOLLARS, Read, cells_of
from openbenefits.matching.models import TierRecommendation
from openbenefits.matching.people import Census
from openbenefits.matching.rules.tiers import TIER_RATES, TIER_TABLE, Recommendation, TierUnknown, recommend
from openbenefits.renewals.models import BenefitsPlan
from openbenefits.renewals.plans import rates_of
from openbenefits.store import sheets

BAND_KINDS = {
    "average_age_from": WHOLE,
    "male_percent_from": WHOLE,
    "tier": Kind(parse=TEXT.parse, expected="the code of a tier"),
}
RATE_KINDS = {
    "tier": Kind(parse=TEXT.parse, expected="the code of a tier"),
    "order": WHOLE,
    "single_rate": DOLLARS,
}


@dataclass(frozen=True, kw_only=True)
class TierAsked:
    """A recommendation asked for: whose, of which people, by which tables, and what somebody says instead."""

    client_id: int
    title: str
    on: date
    census: Census
    bands: pl.DataFrame
    rates: pl.DataFrame
    provided_single_cents: int | None = None
    max_discount_micros: int = 0
    override: str | None = None
    reason: str = ""


def read_bands(name: str, data: bytes) -> Read[pl.DataFrame]:
    """Read a tier table: average_age_from, male_percent_from, tier; a band holds its edge.

    Shapes: TIER_TABLE. Errors: FileRefused.
    """
    cells, headings = cells_of(name, data, BAND_KINDS, tuple(BAND_KINDS))
    values = values_of(cells, BAND_KINDS)
    bad = [unreadable(cells, values, BAND_KINDS), missing(cells, tuple(BAND_KINDS), BAND_KINDS)]
    rows = values.select(
        age_from=pl.col("average_age_from").cast(pl.Int64),
        male_percent_from=pl.col("male_percent_from").cast(pl.Int64),
        tier="tier",
    )
    return Read(
        found=rows.select(list(TIER_TABLE)),
        bad_rows=pl.concat(bad),
        unknown_headings=headings.unknown,
        fingerprint=sheets.fingerprint_of(data),
    )


def read_rates(name: str, data: bytes) -> Read[pl.DataFrame]:
    """Read the single rates of the base comparison plan: tier, order (the higher the riskier), single_rate.

    Shapes: TIER_RATES. Errors: FileRefused.
    """
    cells, headings = cells_of(name, data, RATE_KINDS, tuple(RATE_KINDS))
    values = values_of(cells, RATE_KINDS)
    bad = [unreadable(cells, values, RATE_KINDS), missing(cells, tuple(RATE_KINDS), RATE_KINDS)]
    rows = values.select(tier="tier", order=pl.col("order").cast(pl.Int64), single_cents="single_rate")
    return Read(
        found=rows.select(list(TIER_RATES)),
        bad_rows=pl.concat(bad),
        unknown_headings=headings.unknown,
        fingerprint=sheets.fingerprint_of(data),
    )


def no_rates() -> pl.DataFrame:
    """Answer the frame of single rates in which there is none."""
    return pl.DataFrame(schema=TIER_RATES)


def rates_of_plan(plan: BenefitsPlan) -> pl.DataFrame:
    """Answer the single rates of a plan's rate groups, of the lowest band, the dearer the riskier.

    Shapes: TIER_RATES.
    Shapes: TIER_RATES.
    Errors: TierUnknown for a plan without rate groups.
    """
    groups = [(one.title, rates_of(one)) for one in plan.rate_groups.all()]
    singles = [(title, [one for one in rates if one.tier == TIERS[0]]) for title, rates in groups]
    rows = [(title, rates[0].premium_micros) for title, rates in singles if rates]
    if not rows:
        raise TierUnknown(
            f"plan {plan.unique_code}: expected rate groups with a single rate, found none; enter them"
        )
    ordered = sorted(rows, key=lambda row: (row[1], row[0]))
    told = [
        {"tier": title, "order": order, "single_cents": -(-micros // MICROS_PER_CENT)}
        for order, (title, micros) in enumerate(ordered, start=1)
    ]
    return pl.DataFrame(told, schema=TIER_RATES)


def recommended(asked: TierAsked) -> Recommendation:
    """Recommend a tier without keeping it.

    Errors: TierUnknown.
    """
    ages = asked.census.people.select(
        age=days.age_years(pl.col("birth_on"), pl.lit(asked.on)).cast(pl.Int64)
    )["age"]
    return recommend(
        ages,
        asked.census.people["sex"],
        asked.bands,
        asked.rates,
        provided_single_cents=asked.provided_single_cents,
        max_discount_micros=asked.max_discount_micros,
        override=asked.override,
        reason=asked.reason,
    )


def keep_recommendation(asked: TierAsked, *, made_by: str, now: datetime) -> TierRecommendation:
    """Recommend a tier, and keep what was found with all it was found from.

    Errors: TierUnknown.
    """
    found = recommended(asked)
    return TierRecommendation.objects.create(
        client_id=asked.client_id,
        title=asked.title,
        on=asked.on,
        people=asked.census.people.height,
        average_age_hundredths=found.average_age_hundredths,
        male_percent_hundredths=found.male_percent_hundredths,
        provided_single_cents=asked.provided_single_cents,
        max_discount_micros=asked.max_discount_micros,
        control=found.control or "",
        calculated=found.calculated or "",
        final=found.final,
        override=found.override or "",
        reason=found.reason,
        tables={"bands": asked.bands.to_dicts(), "rates": asked.rates.to_dicts()},
        made_by=made_by,
        made_at=now,
    )


def chosen_of(row: Any) -> str:
    """The tier that holds: the override, if somebody stated one."""
    return str(row.override or row.final)
