"""What pays take that are too low for every deduction, or are none at all: in which order, and how much."""

import polars as pl

from openbenefits.core.codes import LowPay
from openbenefits.payroll.rules.leaves import UNPAID
from openbenefits.payroll.rules.ledger import PLACE
from openbenefits.payroll.rules.takings import OWNER

PAY = (*OWNER, *PLACE)
ON_LEAVE, LOW = "leave", "low pay"
LAST = 1_000
"""The place of plan types that no terms name."""

AVAILABLE = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "pay_group_id": pl.Int64,
    "ends_on": pl.Date,
    "available_cents": pl.Int64,
}
"""What a pay has left for deductions of benefits, where payroll says so."""

TERMS = {"valid_from": pl.Date, "low_pay": pl.String, "first_taken": pl.String}


def with_take(
    items: pl.DataFrame, available: pl.DataFrame, statuses: pl.DataFrame, terms: pl.DataFrame
) -> pl.DataFrame:
    """Add to deductions what their pays can take of them.

    Corrections come after everything regular; else the plan types come in the order of the terms in force on
    the check's day, the others after them by code. A pay that ends during a leave without pay takes nothing.

    Shapes:  items has PAY, check_on, plan_type, tax_class, kind, is_correction and cents (to be taken; not
             positive: nothing is). available as AVAILABLE; statuses has PAY, job_status, on the day the pay
             ends; terms as TERMS. Adds take_cents and untaken (why less is taken: 'leave', 'low pay').
    Missing: what is unknown is not taken; a pay of which nothing is said takes everything.
    """
    rows = items.with_row_index("item").join(available, on=list(PAY), how="left")
    rows = rows.join(statuses, on=list(PAY), how="left")
    rows = _with_terms(rows, terms).sort(
        *PAY, "is_correction", "place", "plan_type", "tax_class", "item", nulls_last=True
    )
    is_taken_from = (pl.col("kind") == "deduction") & (pl.col("cents") > 0)
    wanted = pl.when(is_taken_from.fill_null(value=False)).then("cents").otherwise(pl.lit(0, pl.Int64))
    rows = rows.with_columns(wanted=wanted)
    rows = rows.with_columns(
        before=pl.col("wanted").cum_sum().over(PAY) - pl.col("wanted"),
        room=pl.col("available_cents").clip(lower_bound=0),
        is_away=(pl.col("job_status") == UNPAID).fill_null(value=False),
    )
    left = (pl.col("room") - pl.col("before")).clip(lower_bound=0)
    fits = left >= pl.col("wanted")
    part = pl.when(pl.col("low_pay") == str(LowPay.PARTIAL)).then(left).otherwise(pl.lit(0, pl.Int64))
    is_stopped = (
        pl.col("is_away") & (pl.col("kind") == "deduction") & ~(pl.col("cents") < 0).fill_null(value=False)
    )
    take = (
        pl.when(is_stopped)
        .then(pl.lit(0, pl.Int64))
        .when(pl.col("wanted") <= 0)
        .then("cents")
        .when(pl.col("room").is_null() | fits)
        .then("wanted")
        .otherwise(part)
    )
    rows = rows.with_columns(take_cents=take)
    why = (
        pl.when((pl.col("take_cents") < pl.col("wanted")) & (pl.col("wanted") > 0))
        .then(pl.when("is_away").then(pl.lit(ON_LEAVE)).otherwise(pl.lit(LOW)))
        .otherwise(pl.lit(None, pl.String))
    )
    return rows.with_columns(untaken=why).sort("item").select(*items.columns, "take_cents", "untaken")


def _with_terms(rows: pl.DataFrame, terms: pl.DataFrame) -> pl.DataFrame:
    """Add low_pay and place, the plan type's place in the order, as of the day of the check."""
    partial = pl.lit(str(LowPay.PARTIAL))
    held = terms.sort("valid_from").select(
        terms_from="valid_from", low_pay="low_pay", order=pl.col("first_taken").str.split(" ")
    )
    days = rows.select("check_on").unique().drop_nulls().sort("check_on")
    found = days.join_asof(held, left_on="check_on", right_on="terms_from")
    places = (
        found.select("check_on", plan_type="order")
        .explode("plan_type")
        .with_columns(place=pl.int_range(pl.len(), dtype=pl.Int64).over("check_on"))
        .drop_nulls("plan_type")
    )
    rows = rows.join(found.select("check_on", "low_pay"), on="check_on", how="left")
    rows = rows.join(places, on=["check_on", "plan_type"], how="left")
    return rows.with_columns(pl.col("low_pay").fill_null(partial), pl.col("place").fill_null(LAST))
