"""Which risk tier to quote a prospect in: control tier, calculated tier, the riskier of both.

Source: process-management §3.1. The tables are data of whoever quotes; none is built in.
"""

from dataclasses import dataclass

import polars as pl

from openbenefits.core import money

PERCENT = 1_000_000
HUNDREDTHS = 100

TIER_TABLE = {
    "age_from": pl.Int64(),
    "male_percent_from": pl.Int64(),
    "tier": pl.String(),
}
"""Tier of a band of average age × a band of the percentage of men: the edge given belongs to the band."""

TIER_RATES = {"tier": pl.String(), "order": pl.Int64(), "single_cents": pl.Int64()}
"""The single rate of the base comparison plan in each tier; the higher the order, the riskier."""


class TierUnknown(ValueError):
    """No tier follows from what is known."""


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """The tiers found. `final` is the riskier; `chosen` what holds: the override, if somebody stated one."""

    control: str | None
    calculated: str | None
    final: str
    average_age_hundredths: int | None
    male_percent_hundredths: int | None
    override: str | None = None
    reason: str = ""

    @property
    def chosen(self) -> str:
        """The tier new offers begin with."""
        return self.override or self.final


def control_tier(provided_single_cents: int, max_discount_micros: int, rates: pl.DataFrame) -> str:
    """Answer the tier by the rate the group has today: provided single rate × (1 − greatest discount).

    It is the cheapest tier whose single rate is not below that; above them all, the riskiest.

    Shapes: rates as TIER_RATES.
    Errors: TierUnknown without rates.

    >>> rates = pl.DataFrame({"tier": ["A", "B"], "order": [1, 2], "single_cents": [50000, 60000]})
    >>> [control_tier(*asked, rates) for asked in ((600_00, 10_000_000), (500_00, 0), (900_00, 0))]
    ['B', 'A', 'B']
    """
    if rates.is_empty():
        raise TierUnknown("expected single rates of the base comparison plan, found none; state one per tier")
    asked = pl.select(
        money.percent_of(pl.lit(provided_single_cents), pl.lit(100 * PERCENT - max_discount_micros))
    ).item()
    enough = rates.filter(pl.col("single_cents") >= asked).sort("order")
    return str(enough["tier"][0] if enough.height else rates.sort("order")["tier"][-1])


def average_age_hundredths(ages: pl.Series) -> int | None:
    """Answer the average of whole ages in hundredths of a year, half up; None of nobody."""
    known = ages.drop_nulls()
    if known.is_empty():
        return None
    return (int(known.sum()) * HUNDREDTHS * 2 + known.len()) // (2 * known.len())


def male_percent_hundredths(sexes: pl.Series) -> int | None:
    """Answer the percentage of men among those whose sex is known, in hundredths, half up."""
    known = sexes.filter(sexes.is_in(["M", "F"]))
    if known.is_empty():
        return None
    men = int((known == "M").sum())
    return (men * 10_000 * 2 + known.len()) // (2 * known.len())


def calculated_tier(age_hundredths: int, male_hundredths: int, table: pl.DataFrame) -> str:
    """Answer the tier of the bands that the average age and the percentage of men fall into.

    Shapes: table as TIER_TABLE.
    Errors: TierUnknown where no band holds them.

    >>> bands = {"age_from": [0, 40, 40], "male_percent_from": [0, 0, 60], "tier": ["A", "C", "B"]}
    >>> [calculated_tier(*one, pl.DataFrame(bands)) for one in ((4000, 5999), (4000, 6000), (3999, 9900))]
    ['C', 'B', 'A']
    """
    reached = table.filter(
        pl.col("age_from") * HUNDREDTHS <= age_hundredths,
        pl.col("male_percent_from") * HUNDREDTHS <= male_hundredths,
    )
    if reached.is_empty():
        raise TierUnknown(
            f"expected a band for average age {age_hundredths / 100:.2f} and {male_hundredths / 100:.2f} %"
            " men, found none; add it to the tier table"
        )
    oldest = reached.filter(pl.col("age_from") == pl.col("age_from").max())
    return str(oldest.sort("male_percent_from")["tier"][-1])


def riskier(first: str | None, second: str | None, rates: pl.DataFrame) -> str:
    """Answer the riskier of two tiers, either of which may not be known.

    Errors: TierUnknown if neither is, or one is not a tier of the rates.
    """
    orders = dict(rates.select("tier", "order").iter_rows())
    known = [one for one in (first, second) if one is not None]
    unknown = [one for one in known if one not in orders]
    if unknown or not known:
        found = unknown[0] if unknown else "none"
        raise TierUnknown(
            f"expected one of the tiers {', '.join(sorted(orders))}, found {found}; correct the tables"
        )
    return max(known, key=lambda tier: orders[tier])


def recommend(
    ages: pl.Series,
    sexes: pl.Series,
    table: pl.DataFrame,
    rates: pl.DataFrame,
    *,
    provided_single_cents: int | None = None,
    max_discount_micros: int = 0,
    override: str | None = None,
    reason: str = "",
) -> Recommendation:
    """Recommend a tier for a group, from its census and the single rate it has today.

    Missing: without a provided rate there is no control tier, without ages and sexes no calculated one.
    Errors:  TierUnknown where nothing follows; or an override that is no tier, or states no reason.
    """
    age, men = average_age_hundredths(ages), male_percent_hundredths(sexes)
    control = (
        None
        if provided_single_cents is None
        else control_tier(provided_single_cents, max_discount_micros, rates)
    )
    calculated = None if age is None or men is None else calculated_tier(age, men, table)
    final = riskier(control, calculated, rates)
    if override is not None:
        riskier(override, None, rates)
        if not reason.strip():
            raise TierUnknown(
                "expected a reason for another tier than the recommended one, found none; state it"
            )
    return Recommendation(
        control=control,
        calculated=calculated,
        final=final,
        average_age_hundredths=age,
        male_percent_hundredths=men,
        override=override,
        reason=reason.strip(),
    )
