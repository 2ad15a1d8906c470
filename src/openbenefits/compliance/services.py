"""Legal amounts of the set-up in force, and what they make affordable."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from openbenefits.compliance import affordability
from openbenefits.programs.legal import Limit, LimitUnknown, limit_of

PERCENT = "affordability_pct"
REGIONS = {"contiguous": "fpl_contiguous", "alaska": "fpl_alaska", "hawaii": "fpl_hawaii"}


@dataclass(frozen=True, kw_only=True)
class PovertyLine:
    """The poverty-line maximum of a plan year, with the amounts it was made from. Units: cents a month."""

    region: str
    guideline: Limit
    percent: Limit
    maximum: int


def poverty_line(limits: pl.DataFrame, plan_year_begins: date, region: str = "contiguous") -> PovertyLine:
    """Answer the most a month of self-only coverage may cost in a region under the poverty-line harbour.

    Of two guidelines that may be used, the higher one counts.

    Errors: LimitUnknown for a region, year or percentage that is not known.
    """
    if region not in REGIONS:
        raise LimitUnknown(f"expected one of the regions {', '.join(REGIONS)}, found {region}. Correct it.")
    percent = limit_of(limits, PERCENT, plan_year_begins)
    years = affordability.guideline_years(plan_year_begins)
    usable = [limit for year in years if (limit := _known(limits, REGIONS[region], year))]
    if not usable:
        usable = [limit_of(limits, REGIONS[region], years[0])]
    guideline = max(usable, key=lambda limit: limit.amount)
    return PovertyLine(
        region=region,
        guideline=guideline,
        percent=percent,
        maximum=affordability.poverty_line_maximum(guideline.amount, percent.amount),
    )


def _known(limits: pl.DataFrame, code: str, year: int) -> Limit | None:
    try:
        return limit_of(limits, code, year)
    except LimitUnknown:
        return None
