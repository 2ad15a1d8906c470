"""What was owed and not taken, by age: the oldest shortfall is settled first.

A pay that took more than it owed settles what other pays left, whether somebody ordered it or not: the parts
add up to what is open, in whatever order it came.
"""

from datetime import date
from typing import Any, cast

import polars as pl

from openbenefits.core import money
from openbenefits.payroll.rules.ledger import PLACE, ROUNDING_CENTS
from openbenefits.payroll.rules.takings import OWNER

KEY = (*OWNER, "plan_type")
DEDUCTION = "deduction"
AGES = {
    "0_to_30_days": (None, 30),
    "31_to_60_days": (30, 60),
    "61_to_90_days": (60, 90),
    "over_90_days": (90, None),
}
"""Buckets by days since the pay that should have taken it ended: after, through."""


def aged(compared: pl.DataFrame, on: date) -> pl.DataFrame:
    """Find what deductions are open on a day, by age, of each person, benefit record and plan type.

    Shapes:  compared as `ledger.differences`. The result has KEY, since_on (the end of the oldest pay that is
             open), open_cents, a column of cents for each of AGES, fault; what has nothing open is left out.
    Units:   cents; a pay within its rounding is not open.
    Missing: where one of the pays is not known, nothing but the fault is.
    """
    found = _open_pays(compared).with_columns(days=(pl.lit(on) - pl.col("ends_on")).dt.total_days())
    is_open = pl.col("open_cents") > 0
    sums = found.group_by(KEY, maintain_order=True).agg(
        since_on=pl.col("ends_on").filter(is_open).min(),
        fault=pl.col("fault").drop_nulls().first(),
        open_cents=money.total(pl.col("open_cents")),
        **{
            name: money.total(pl.col("open_cents").filter(_within(pl.col("days"), *span)))
            for name, span in AGES.items()
        },
    )
    amounts = ("open_cents", *AGES)
    is_known = pl.col("fault").is_null()
    return sums.with_columns(
        pl.when(is_known).then(name).alias(name) for name in ("since_on", *amounts)
    ).filter(~is_known | (pl.col("open_cents") > 0))


def _open_pays(compared: pl.DataFrame) -> pl.DataFrame:
    """Say of each pay what of its shortfall is still open: KEY, PLACE, open_cents, fault."""
    by = [*KEY, *PLACE]
    short = money.subtract(pl.col("owed_cents"), money.add(pl.col("taken_cents"), pl.col("received_cents")))
    pays = (
        compared.filter(kind=DEDUCTION)
        .group_by(by)
        .agg(money.total(short).alias("short_cents"), pl.col("fault").drop_nulls().first())
        .sort(*KEY, "ends_on")
        .with_columns(
            short_cents=pl.when(pl.col("short_cents").abs() > ROUNDING_CENTS).then("short_cents").otherwise(0)
        )
    )
    missed, beside = pl.col("short_cents").clip(lower_bound=0), (-pl.col("short_cents")).clip(lower_bound=0)
    left = missed.cum_sum().over(KEY) - beside.sum().over(KEY)
    return pays.with_columns(open_cents=left.clip(lower_bound=0).clip(upper_bound=missed))


def age_said(days: pl.Expr) -> pl.Expr:
    """Name the bucket of AGES that days fall in; unknown days are of unknown age."""
    found: Any = pl.when(days.is_null()).then(pl.lit("of unknown age"))
    for name, span in AGES.items():
        found = found.when(_within(days, *span)).then(pl.lit(name.replace("_", " ")))
    return cast("pl.Expr", found)


def _within(days: pl.Expr, after: int | None, through: int | None) -> pl.Expr:
    is_after = pl.lit(value=True) if after is None else days > after
    return is_after if through is None else is_after & (days <= through)
