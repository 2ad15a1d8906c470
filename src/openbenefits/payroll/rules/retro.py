"""What payroll should have corrected and did not, or corrected though we do (rulings §5.4)."""

import polars as pl

from openbenefits.payroll.rules.ledger import PLACE, ROUNDING_CENTS, SERIES

MISMATCH = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "plan_type": pl.String,
    "kind": pl.String,
    "tax_class": pl.String,
    "pay_group_id": pl.Int64,
    "ends_on": pl.Date,
    "cents": pl.Int64,
    "mismatch": pl.String,
}
NOT_CORRECTED = "payroll has not corrected it"
UNASKED = "payroll corrected it, though we do"
PAYS_TO_CORRECT = 2
"""The first pay reported after a change became known may have been under way: the second must show it."""


def not_corrected(
    pays: pl.DataFrame, balances: pl.DataFrame, reports: pl.DataFrame, known: pl.DataFrame
) -> pl.DataFrame:
    """Find balances that two pays, reported since anything last changed for the person, left as they were.

    Shapes: pays as `ledger.differences`, balances as `ledger.balances`; reports has PLACE, reported_at; known
            has person_id, known_at (the last change). The result is as MISMATCH, at the last pay of the line.
    """
    last = pays.sort("ends_on").unique(list(SERIES), keep="last").select(*SERIES, *PLACE)
    wrong = balances.filter((pl.col("correct_cents") != 0).fill_null(value=False)).join(last, on=list(SERIES))
    since = (
        wrong.select(*SERIES, "pay_group_id")
        .join(known, on="person_id")
        .join(reports.select("pay_group_id", "reported_at"), on="pay_group_id")
    )
    counted = since.filter(pl.col("reported_at") > pl.col("known_at")).group_by(SERIES).agg(since=pl.len())
    late = wrong.join(counted.filter(pl.col("since") >= PAYS_TO_CORRECT), on=list(SERIES))
    rows = late.with_columns(cents="correct_cents", mismatch=pl.lit(NOT_CORRECTED))
    return rows.select(pl.col(name).cast(kind) for name, kind in MISMATCH.items())


def adjusted_unasked(pays: pl.DataFrame) -> pl.DataFrame:
    """Find pays that took more than was owed and ordered, after others of the line had missed as much.

    So does a payroll platform that still corrects by itself; where we do too, the person pays twice.

    Shapes: pays as `ledger.differences`. The result is as MISMATCH.
    """
    rows = pays.filter(pl.col("difference_cents").is_not_null() & ~pl.col("is_rounding")).sort("ends_on")
    missed = pl.col("difference_cents").clip(lower_bound=0)
    rows = rows.with_columns(missed_before=missed.cum_sum().over(SERIES) - missed)
    over = rows.filter(
        (pl.col("difference_cents") < -ROUNDING_CENTS)
        & (pl.col("missed_before") >= -pl.col("difference_cents"))
        & (pl.col("kind") == "deduction")
    )
    found = over.with_columns(cents=-pl.col("difference_cents"), mismatch=pl.lit(UNASKED))
    return found.select(pl.col(name).cast(kind) for name, kind in MISMATCH.items())
