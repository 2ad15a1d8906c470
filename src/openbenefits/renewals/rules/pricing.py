"""What an offer costs: the one place where rate group, risk factor and contribution become amounts.

Shapes: *lines*, a row for each offer, tier and bands, with
        offer_id, tier, BANDS (the lower edge of each kind of band its rates go by; null: not by that kind),
        premium_micros, cost_micros (null: not known), factor_micros, method, stated_cents,
        stated_percent_micros (what the employer gives, by the method; null: not said), people, unit (of the
        rates), volume_cents (what the rates are for, of a person on average: coverage, or a month's pay;
        null: not known), geography (of bands that are rating areas) and area_of (whose address gives them).
Units:  micro-dollars and micro-percent in, cents a month out; each amount is rounded once, half up.
Source: process-management §2.4, §3.2.
"""

import polars as pl

from openbenefits.core import money
from openbenefits.core.codes import RateUnit
from openbenefits.renewals.codes import Band, Method

EDGES = {str(kind): pl.Int32() for kind in Band if kind is not Band.AREA}
"""The kinds of bands that have a lower edge, not a name."""
BANDS = {**EDGES, str(Band.AREA): pl.String()}
PLACE = ("offer_id", "tier", *BANDS)
"""What a line is the price of."""
LINES = {
    "offer_id": pl.Int64(),
    "tier": pl.String(),
    **BANDS,
    "premium_micros": pl.Int64(),
    "cost_micros": pl.Int64(),
    "factor_micros": pl.Int64(),
    "method": pl.String(),
    "stated_cents": pl.Int64(),
    "stated_percent_micros": pl.Int64(),
    "people": pl.Int64(),
    "unit": pl.String(),
    "volume_cents": pl.Int64(),
    "geography": pl.String(),
    "area_of": pl.String(),
}
DOLLARS_BOUGHT = {
    str(RateUnit.PER_HUNDRED): 100,
    str(RateUnit.PER_THOUSAND): 1_000,
    str(RateUnit.PERCENT_OF_BASE): 100,
}
"""For how many dollars a rate is, by its unit: of coverage, or of pay; a flat rate (or none said) is the
whole price."""
AMOUNTS = ("premium", "employer", "employee", "cost", "margin")
"""What totals are made of, each a column of cents a month."""
MONTHS = 12


def priced(lines: pl.DataFrame) -> pl.DataFrame:
    """Add what a person of each line costs a month: premium, employer and employee, cost and margin.

    premium_cents = rate-group premium × factor, of a rate for coverage times the volume; the employer never
    gives more than that, so that the employee never pays less than nothing; employer_percent_micros is what
    the dollars come to, or what was stated.
    Missing: a contribution that nobody stated leaves employer and employee unknown; so does a volume nobody
             knows, with the premium.
    """
    to_cents = money.HUNDRED_PERCENT * money.MICROS_PER_CENT
    flat = money.multiply_divide_half_up(pl.col("premium_micros"), pl.col("factor_micros"), to_cents)
    cost = money.divide_half_up(pl.col("cost_micros"), money.MICROS_PER_CENT)
    rows = lines.with_columns(dollars_bought=_dollars_bought()).with_columns(offered_micros=_offered())
    bought = pl.col("dollars_bought").is_not_null()
    rows = rows.with_columns(
        premium_cents=pl.when(bought).then(_of_volume("offered_micros")).otherwise(flat),
        cost_cents=pl.when(bought).then(_of_volume("cost_micros")).otherwise(cost),
    )
    rows = rows.with_columns(
        wanted_cents=pl.when(pl.col("method") == Method.DOLLARS)
        .then("stated_cents")
        .otherwise(money.percent_of(pl.col("premium_cents"), pl.col("stated_percent_micros")))
    )
    rows = rows.with_columns(employer_cents=money.minimum(pl.col("wanted_cents"), pl.col("premium_cents")))
    share = money.multiply_divide_half_up(
        pl.col("employer_cents"), money.HUNDRED_PERCENT, pl.col("premium_cents")
    )
    return rows.with_columns(
        employee_cents=money.subtract(pl.col("premium_cents"), pl.col("employer_cents")),
        margin_cents=money.subtract(pl.col("premium_cents"), pl.col("cost_cents")),
        employer_percent_micros=pl.when(pl.col("method") == Method.DOLLARS)
        .then(share)
        .otherwise("stated_percent_micros"),
    ).drop("wanted_cents", "offered_micros", "dollars_bought")


def _dollars_bought() -> pl.Expr:
    return pl.col("unit").replace_strict(DOLLARS_BOUGHT, default=None, return_dtype=pl.Int64)


def _offered() -> pl.Expr:
    """The rate a client is offered: that of the group × factor, in whole micro-dollars."""
    return money.multiply_divide_half_up(
        pl.col("premium_micros"), pl.col("factor_micros"), money.HUNDRED_PERCENT
    )


def _of_volume(rate: str) -> pl.Expr:
    """Turn a rate for coverage into cents a month of the volume."""
    divisor = pl.col("dollars_bought") * money.MICROS_PER_DOLLAR
    return money.multiply_divide_half_up(pl.col(rate), pl.col("volume_cents"), divisor)


def rates_offered(priced_lines: pl.DataFrame) -> pl.DataFrame:
    """Answer the rates as set-up is to hold them: PLACE, rate_micros, employer_micros.

    A flat rate is the price in cents; one for coverage is the rate offered, of which the employer gives his
    percentage. Missing: employer_micros is null where no contribution is stated.
    """
    bought = pl.col("dollars_bought").is_not_null()
    rows = priced_lines.with_columns(dollars_bought=_dollars_bought()).with_columns(offered_micros=_offered())
    share = money.percent_of(pl.col("offered_micros"), pl.col("stated_percent_micros"))
    return rows.select(
        *PLACE,
        rate_micros=pl.when(bought)
        .then("offered_micros")
        .otherwise(pl.col("premium_cents") * money.MICROS_PER_CENT),
        employer_micros=pl.when(bought)
        .then(share)
        .otherwise(pl.col("employer_cents") * money.MICROS_PER_CENT),
    )


def totals(priced_lines: pl.DataFrame, *by: str) -> pl.DataFrame:
    """Add up lines for all their people, by some columns: people, and cents a month of each of AMOUNTS.

    Missing: an amount not known of a line with people makes the sum unknown; one without people adds nothing.
    """
    times = {
        f"{name}_cents": pl.when(pl.col("people") == 0)
        .then(pl.lit(0, pl.Int64))
        .otherwise(pl.col(f"{name}_cents") * pl.col("people"))
        for name in AMOUNTS
    }
    rows = priced_lines.with_columns(**times)
    sums = {name: money.total(pl.col(name)) for name in ("people", *times)}
    if not by:
        return rows.select(**sums)
    return rows.group_by(*by, maintain_order=True).agg(**sums)


def compared(current: pl.DataFrame, renewal: pl.DataFrame, *keys: str) -> pl.DataFrame:
    """Put current and renewal side by side: was_ and is_ of each amount, change_, and its percent.

    Shapes:  both have `keys` and AMOUNTS in cents; rows of either side alone stay.
    Missing: no current amount, or one of 0, has no percent.
    """
    names = [f"{name}_cents" for name in AMOUNTS]
    left = current.select(*keys, *(pl.col(name).alias(f"was_{name}") for name in names))
    right = renewal.select(*keys, *(pl.col(name).alias(f"is_{name}") for name in names))
    rows = right.join(left, on=list(keys), how="full", coalesce=True, nulls_equal=True)
    rows = rows.with_columns(
        **{f"change_{name}": money.subtract(pl.col(f"is_{name}"), pl.col(f"was_{name}")) for name in names}
    )
    tenths = 1_000  # percent_ counts tenths of a percent
    return rows.with_columns(
        **{
            f"percent_{name}": money.multiply_divide_half_up(
                pl.col(f"change_{name}"), tenths, pl.col(f"was_{name}")
            )
            for name in names
        }
    )


def per_pay(monthly_cents: pl.Expr, pays_of_year: int) -> pl.Expr:
    """Answer what a month's amount is in each of the pays of a year, rounded once.

    For people who compare; what a pay takes is split so that a year sums exactly (rulings §5.1).

    >>> pl.select(per_pay(pl.lit(10_000), 26)).item()
    4615
    """
    return money.multiply_divide_half_up(monthly_cents, MONTHS, pays_of_year)


def in_bands(values: pl.DataFrame, edges: pl.DataFrame) -> pl.DataFrame:
    """Add `edge`, the band of each value: the highest edge of its offer at or below it.

    Shapes:  values has offer_id and value (32 bits); edges has offer_id and edge.
    Missing: nobody below the lowest has one.
    """
    known = edges.unique().sort("edge").with_columns(value="edge")
    return values.sort("value").join_asof(
        known, on="value", by="offer_id", strategy="backward", check_sortedness=False
    )
