"""The deduction ledger: owed, taken and already ordered, per person, plan type, kind and tax class.

A balance looks at the pays that payroll has reported. What was ordered for such a pay is expected in it, so
that an order payroll did not carry out comes back by itself (rulings §5.1, §5.3).
"""

import polars as pl

from openbenefits.core import money
from openbenefits.payroll.rules.takings import OWNER

SERIES = (*OWNER, "plan_type", "kind", "tax_class")
PLACE = ("pay_group_id", "ends_on")

ROUNDING_CENTS = 1
"""By how much a pay may differ within its split: no share is more than a cent from another."""

NOT_REPORTED = "pay not reported"

AMOUNTS = ("owed_cents", "taken_cents", "ordered_cents", "received_cents")


AND_NOTHING = ("owed_cents", "taken_cents", "received_cents", "difference_cents", "rounding_cents")
"""What is 0 of a line of which nothing but an order is known."""


def in_series(lines: pl.DataFrame) -> pl.DataFrame:
    """Add up lines of `owed` by series and pay: SERIES, PLACE, owed_cents, fault.

    Missing: one unknown amount makes the sum unknown; `fault` says why. Earnings have the tax class ''.
    """
    return (
        lines.with_columns(pl.col("tax_class").fill_null(""))
        .group_by(*SERIES, *PLACE, maintain_order=True)
        .agg(money.total(pl.col("owed_cents")).alias("owed_cents"), pl.col("fault").drop_nulls().first())
    )


def kept_pays(reports: pl.DataFrame, calendar: pl.DataFrame) -> pl.DataFrame:
    """List the pays a ledger is kept of: of each pay group, from the first that was reported to the last.

    Shapes: both have PLACE. The result has is_reported: false for a pay between them nobody reported.
    """
    said = reports.select(PLACE).unique().with_columns(is_reported=pl.lit(value=True))
    spans = said.group_by("pay_group_id").agg(first=pl.col("ends_on").min(), last=pl.col("ends_on").max())
    held = calendar.select(PLACE).unique().join(spans, on="pay_group_id")
    between = held.filter(pl.col("ends_on").is_between("first", "last")).select(PLACE)
    every = pl.concat([between, said.select(PLACE)]).unique()
    return every.join(said, on=list(PLACE), how="left").with_columns(
        pl.col("is_reported").fill_null(value=False)
    )


def differences(
    owed: pl.DataFrame,
    taken: pl.DataFrame,
    ordered: pl.DataFrame,
    kept: pl.DataFrame,
    received: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Compare each kept pay of each series: what was owed and ordered, and what was taken or received.

    Shapes:  owed as `in_series`; taken has SERIES, PLACE, taken_cents; ordered has SERIES, PLACE, cents and
             taken_as, the tax class payroll is to take it as; received has SERIES, PLACE, received_cents:
             what somebody on leave paid outside payroll. The result has SERIES, PLACE, AMOUNTS,
             difference_cents, is_rounding, fault.
    Missing: a difference is unknown where what is owed is, or where nobody reported the pay.
    """
    key = [*SERIES, *PLACE]
    nothing = {name: pl.lit(0, pl.Int64) for name in AMOUNTS} | {"fault": pl.lit(None, pl.String)}
    parts = [
        owed.select(*key, "owed_cents", "fault"),
        taken.select(*key, "taken_cents"),
        ordered.with_columns(tax_class="taken_as").select(*key, ordered_cents="cents"),
    ]
    if received is not None:
        parts.append(received.select(*key, "received_cents"))
    columns = [*key, *nothing]
    rows = [
        part.with_columns(**{name: zero for name, zero in nothing.items() if name not in part.columns})
        for part in parts
    ]
    sums = pl.concat([part.select(columns) for part in rows]).join(kept, on=list(PLACE))
    found = sums.group_by(*key, "is_reported").agg(
        *(money.total(pl.col(name)).alias(name) for name in AMOUNTS), pl.col("fault").drop_nulls().first()
    )
    difference = money.subtract(
        money.add(pl.col("owed_cents"), pl.col("ordered_cents")),
        money.add(pl.col("taken_cents"), pl.col("received_cents")),
    )
    return (
        found.with_columns(
            difference_cents=pl.when("is_reported").then(difference),
            fault=pl.when(pl.col("is_reported")).then("fault").otherwise(pl.lit(NOT_REPORTED)),
        )
        .with_columns(is_rounding=pl.col("difference_cents").abs() <= ROUNDING_CENTS)
        .drop("is_reported")
        .sort(key)
    )


def balances(compared: pl.DataFrame, ordered: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """Find what is still to be taken (or, negative, given back) of each series.

    Shapes:  compared as `differences`. The result has SERIES; owed_cents, taken_cents; scheduled_cents, what
             is ordered for pays not reported yet; moved_cents, what another tax class took for this one;
             received_cents, what was paid otherwise during a leave; balance_cents = owed − taken − received −
             moved − scheduled; rounding_cents, the part of it that lies
             within the splits; correct_cents, the rest, which is to be corrected; fault.
    Missing: a balance is unknown where one of its pays is; `fault` says why.
    Source:  rulings §5.1: correction = owed − taken − already scheduled.
    """
    by = list(SERIES)
    of_pays = compared.group_by(by).agg(
        money.total(pl.col("owed_cents")).alias("owed_cents"),
        money.total(pl.col("taken_cents")).alias("taken_cents"),
        pl.col("received_cents").sum(),
        money.total(pl.col("difference_cents")).alias("difference_cents"),
        rounding_cents=pl.col("difference_cents").filter("is_rounding").sum(),
        fault=pl.col("fault").drop_nulls().first(),
    )
    orders = _orders(ordered, kept)
    rows = of_pays.join(orders, on=by, how="full", coalesce=True, nulls_equal=True)
    is_new = pl.col("rounding_cents").is_null()  # nothing but an order: nothing owed, nothing taken
    rows = rows.with_columns(
        *(
            pl.when(is_new).then(pl.lit(0, pl.Int64)).otherwise(pl.col(name)).alias(name)
            for name in AND_NOTHING
        ),
        pl.col("scheduled_cents", "moved_cents", "all_cents").fill_null(0),
    )
    rows = rows.with_columns(balance_cents=pl.col("difference_cents") - pl.col("all_cents"))
    return (
        rows.with_columns(correct_cents=pl.col("balance_cents") - pl.col("rounding_cents"))
        .select(
            *by,
            *("owed_cents", "taken_cents", "received_cents", "scheduled_cents", "moved_cents"),
            *("balance_cents", "rounding_cents", "correct_cents", "fault"),
        )
        .sort(by)
    )


def _orders(ordered: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """Add up orders by series: all; those of pays not reported; those another class took for this one."""
    done = kept.filter("is_reported").select(*PLACE, is_done=pl.lit(value=True))
    rows = ordered.join(done, on=list(PLACE), how="left").with_columns(
        pl.col("is_done").fill_null(value=False)
    )
    cents, elsewhere = pl.col("cents"), pl.col("is_done") & (pl.col("taken_as") != pl.col("tax_class"))
    own = rows.group_by(SERIES).agg(
        all_cents=cents.sum(),
        scheduled_cents=cents.filter(~pl.col("is_done")).sum(),
        moved_cents=cents.filter(elsewhere).sum(),
    )
    here = rows.filter(elsewhere).with_columns(tax_class="taken_as")
    taken_for_others = here.group_by(SERIES).agg(moved_cents=-cents.sum())
    nothing = pl.lit(0, pl.Int64)
    others = taken_for_others.with_columns(all_cents=nothing, scheduled_cents=nothing).select(own.columns)
    return pl.concat([own, others]).group_by(SERIES).agg(pl.all().sum())
