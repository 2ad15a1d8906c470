"""Which months a carrier charges (docs/invoices.md §1). Pure columns."""

import polars as pl

from openbenefits.core import days, money

MONTH_END = 31
OWNER = ("client_id", "person_id", "benefit_record")

SPAN = ("run", "begins_on", "ends_on")
"""A run of coverage in one plan: its first and last day (null: it goes on)."""


def month_rows(runs: pl.DataFrame, months: pl.DataFrame) -> pl.DataFrame:
    """Pair runs of coverage with the months of which they cover a day.

    Shapes: runs has SPAN; months has month (a first day). Adds month_days, covered_days, from_day and to_day
            (the days of the month that are covered), start_day (null: it began before), end_day (null: goes
            on past it).
    """
    pairs = runs.join(months, how="cross").with_columns(
        month_ends_on=days.month_end(pl.col("month")),
    )
    pairs = pairs.filter(
        (pl.col("begins_on") <= pl.col("month_ends_on"))
        & (pl.col("ends_on").is_null() | (pl.col("ends_on") >= pl.col("month")))
    )
    starts = pl.col("begins_on") >= pl.col("month")
    ends = (pl.col("ends_on") <= pl.col("month_ends_on")).fill_null(value=False)
    month_days = pl.col("month_ends_on").dt.day().cast(pl.Int64)
    found = pairs.with_columns(
        month_days=month_days,
        start_day=pl.when(starts).then(pl.col("begins_on").dt.day().cast(pl.Int64)),
        end_day=pl.when(ends).then(pl.col("ends_on").dt.day().cast(pl.Int64)),
    )
    return found.with_columns(
        from_day=pl.col("start_day").fill_null(1), to_day=pl.col("end_day").fill_null(pl.col("month_days"))
    ).with_columns(covered_days=pl.col("to_day") - pl.col("from_day") + 1)


def is_charged() -> pl.Expr:
    """Whether a month is charged at all.

    Shapes: wash (the kind of rule), wash_day, start_day, end_day, month_days. A rule of the month's end
            charges every month of which a day is covered, the one in which coverage ends too.
    Source: billing wash rule of a payroll platform; the 15th itself is charged at the start, not at the end.
    """
    kind, day = pl.col("wash"), pl.col("wash_day").cast(pl.Int64)
    start, end = pl.col("start_day"), pl.col("end_day")
    starts_well = start.is_null() | (start <= day)
    is_last = end.is_null() | (end > day) | (day >= MONTH_END)
    on_first = start.is_null() | (start == 1)
    return (
        pl.when(kind == "wash")
        .then(starts_well & is_last)
        .when(kind.is_in(["first_of_month", "next_month"]))
        .then(on_first)
        .otherwise(pl.lit(value=True))
    )


def state_day() -> pl.Expr:
    """The day of the month whose state is charged, where a run changes its tier.

    The wash day, else the first covered.
    """
    of_wash = (pl.col("wash") == "wash") & (pl.col("wash_day") < MONTH_END)
    day = pl.when(of_wash).then(pl.col("wash_day").cast(pl.Int64)).otherwise(pl.col("from_day"))
    held = day.clip(pl.col("from_day"), pl.col("to_day"))
    return pl.col("month") + pl.duration(days=held - 1)


def charged_cents(full: pl.Expr) -> pl.Expr:
    """What of a full month is charged: all, nothing, or its covered days.

    Needs is_charged and the days of month_rows.
    """
    part = money.multiply_divide_half_up(full, pl.col("covered_days"), pl.col("month_days"))
    return (
        pl.when(~pl.col("is_charged"))
        .then(pl.lit(0, pl.Int64))
        .when(pl.col("wash") == "prorate_daily")
        .then(part)
        .otherwise(full)
    )


def runs_of(points: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Join what covers one plan without a gap into runs.

    Shapes:  points has OWNER, plan_type, slot, plan_id (null: no coverage), begins_on; one row per change
             point. Answers the runs (run, SPAN, OWNER, plan_type, slot, plan_id) and the points with run and
             until (the first day of the next point; null: none).
    """
    series = [*OWNER, "plan_type", "slot"]
    rows = points.sort(*series, "begins_on").with_columns(
        until=pl.col("begins_on").shift(-1).over(series), before=pl.col("plan_id").shift(1).over(series)
    )
    goes_on = (pl.col("plan_id") == pl.col("before")).fill_null(value=False)
    rows = rows.with_columns(run=(~goes_on).cum_sum().cast(pl.Int64)).drop("before")
    covered = rows.filter(pl.col("plan_id").is_not_null())
    runs = covered.group_by("run", maintain_order=True).agg(
        *(pl.col(name).first() for name in (*series, "plan_id", "begins_on")),
        until=pl.col("until").last(),
    )
    return runs.with_columns(ends_on=pl.col("until") - pl.duration(days=1)).drop("until"), rows
