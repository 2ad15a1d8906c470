"""What employees owe for a coverage month against what their pays took.

And how both meet the invoice (leg B, C).

A pay belongs to the month in which it ends, as its place among the pays of a month says (docs/rules.md
§7.6): pays of 12, 24 or 48 a year come to the month's amount exactly, those of 26 or 52 drift, and the year
does not.
"""

import polars as pl

from openbenefits.core import days, money

KEY = ["client_id", "person_id", "plan_type", "month"]

DEDUCTION = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "plan_type": pl.String,
    "month": pl.Date,
    "code": pl.String,
    "expected_cents": pl.Int64,
    "invoiced_cents": pl.Int64,
    "difference_cents": pl.Int64,
    "owed_pays": pl.Int64,
    "taken_pays": pl.Int64,
}
"""A person's deductions of a plan type and month: expected is what was owed, invoiced what was taken."""


def months_of(owed: pl.DataFrame, taken: pl.DataFrame, reported: pl.DataFrame) -> pl.DataFrame:
    """Add up what was owed and taken by person, plan type and month, over the pays payroll reported.

    Shapes:  owed has KEY less month, tax_class, pay_group_id, ends_on, owed_cents; taken the same with
             taken_cents; reported has pay_group_id, ends_on. Adds owed_cents, taken_cents, owed_pays,
             taken_pays, before_tax_off.
    Missing: one unknown amount makes what is owed of the month unknown.
    """
    place = ["pay_group_id", "ends_on"]
    line = ["client_id", "person_id", "plan_type", "tax_class", *place]
    nothing = pl.lit(0, pl.Int64)
    rows = pl.concat(
        [
            owed.select(*line, "owed_cents").with_columns(taken_cents=nothing),
            taken.select(*line, owed_cents=nothing, taken_cents="taken_cents"),
        ]
    ).join(reported.select(place).unique(), on=place, how="semi")
    of_class = (
        rows.with_columns(month=days.month_begin(pl.col("ends_on")))
        .group_by(*KEY, "tax_class", *place)
        .agg(money.total(pl.col("owed_cents")).alias("owed_cents"), pl.col("taken_cents").sum())
    )
    of_tax = of_class.group_by(*KEY, "tax_class").agg(
        money.total(pl.col("owed_cents")).alias("owed_cents"),
        pl.col("taken_cents").sum(),
        owed_pays=(pl.col("owed_cents") != 0).sum().cast(pl.Int64),
        taken_pays=(pl.col("taken_cents") != 0).sum().cast(pl.Int64),
    )
    return of_tax.group_by(KEY).agg(
        money.total(pl.col("owed_cents")).alias("owed_cents"),
        pl.col("taken_cents").sum(),
        pl.col("owed_pays").max(),
        pl.col("taken_pays").max(),
        moved_cents=(pl.col("taken_cents") - pl.col("owed_cents")).abs().sum(),
    )


def compare_deductions(months: pl.DataFrame, ended: pl.DataFrame, tolerance: int) -> pl.DataFrame:
    """Say what differs in each month, and why; a month of which it is not known what is owed is left out.

    Shapes: months as `months_of`; ended has KEY: those whose coverage ended before the month. As DEDUCTION.
    """
    owed, taken = pl.col("owed_cents"), pl.col("taken_cents")
    rows = months.drop_nulls("owed_cents").join(
        ended.select(KEY).unique().with_columns(has_ended=pl.lit(value=True)), on=KEY, how="left"
    )
    rows = rows.with_columns(pl.col("has_ended").fill_null(value=False))
    off = (taken - owed).abs() > tolerance
    same_share = (taken * pl.col("owed_pays") - owed * pl.col("taken_pays")).abs() <= tolerance * pl.col(
        "owed_pays"
    )
    code = (
        pl.when(~off & (pl.col("moved_cents") > 2 * tolerance))
        .then(pl.lit("DED_TAX"))
        .when(~off)
        .then(None)
        .when((owed == 0) & pl.col("has_ended"))
        .then(pl.lit("DED_AFTER_TERM"))
        .when(owed == 0)
        .then(pl.lit("DED_ORPHAN"))
        .when(taken == 0)
        .then(pl.lit("DED_MISSING"))
        .when((taken - 2 * owed).abs() <= tolerance)
        .then(pl.lit("DED_DOUBLE"))
        .when((pl.col("owed_pays") != pl.col("taken_pays")) & same_share)
        .then(pl.lit("DED_FREQUENCY"))
        .otherwise(pl.lit("DED_AMOUNT"))
    )
    told = rows.with_columns(
        code=code, expected_cents=owed, invoiced_cents=taken, difference_cents=taken - owed
    )
    return told.drop_nulls("code").select(pl.col(name).cast(kind) for name, kind in DEDUCTION.items())
