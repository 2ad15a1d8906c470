"""What lines add up to, what the next pay takes, and what differs between two projections."""

from datetime import date

import polars as pl

from openbenefits.core import money
from openbenefits.payroll.rules.causes import ENDS
from openbenefits.payroll.rules.takings import OWNER

LINE_KEY = (
    *(*OWNER, "plan_type", "slot", "kind", "tax_class", "deduction_code_id"),
    *("pay_group_id", "pay_number", "ends_on", "check_on"),
)


def deductions_summary(frame: pl.DataFrame) -> pl.DataFrame:
    """Add up lines per pay group, pay, kind, plan type, deduction code and tax class.

    Missing: where a line has no amount the sum has none; `faulty_lines` says how many those are.
    """
    by = ["pay_group_id", "pay_number", "check_on", "kind", "plan_type", "deduction_code_id", "tax_class"]
    taken = frame.filter(pl.col("cause") != ENDS)
    return (
        taken.group_by(by)
        .agg(
            people=pl.col("person_id").n_unique(),
            faulty_lines=pl.col("fault").is_not_null().sum(),
            owed_cents=_total("owed_cents"),
            employer_cents=_total("employer_cents"),
        )
        .sort(by)
    )


def next_lines(frame: pl.DataFrame, pays: pl.DataFrame, on: date) -> pl.DataFrame:
    """Keep the lines of everybody's next pay: the first whose check is on or after a day.

    Shapes: pays as of `own_pays`. Who has nothing taken in that pay has no line.
    """
    due = pays.filter(pl.col("check_on") >= on).sort("check_on", "ends_on")
    first = due.unique(list(OWNER), keep="first", maintain_order=True)
    key = [*OWNER, "pay_group_id", "pay_number"]
    return frame.join(first.select(key), on=key)


def changes_between(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """List what a new projection takes otherwise than an old one: the change register.

    Shapes:  both as `owed`. The result has LINE_KEY, change (added, removed, changed), old_ and new_cents,
             old_ and new_employer_cents, difference_cents and the new line's cause, by pay.
    Missing: an amount that is unknown on one side only is a change, of unknown size.
    Source:  rulings §5.3: a dated change register per batch.
    """
    key = list(LINE_KEY)
    before = _amounts(old, "old").with_columns(was_there=pl.lit(value=True))
    after = _amounts(new, "new").with_columns(is_there=pl.lit(value=True))
    pairs = before.drop("old_cause").join(after, on=key, how="full", coalesce=True, nulls_equal=True)
    pairs = pairs.with_columns(pl.col("was_there", "is_there").fill_null(value=False))
    differ = [pl.col(f"old_{name}").ne_missing(pl.col(f"new_{name}")) for name in ("cents", "employer_cents")]
    found = pairs.filter((pl.col("was_there") != pl.col("is_there")) | pl.any_horizontal(*differ))
    change = (
        pl.when(~pl.col("was_there"))
        .then(pl.lit("added"))
        .when(~pl.col("is_there"))
        .then(pl.lit("removed"))
        .otherwise(pl.lit("changed"))
    )
    return found.select(
        *key,
        change.alias("change"),
        *("old_cents", "new_cents", "old_employer_cents", "new_employer_cents"),
        _difference().alias("difference_cents"),
        cause="new_cause",
    ).sort("ends_on", *key, nulls_last=True)


def _amounts(frame: pl.DataFrame, side: str) -> pl.DataFrame:
    """Drop the lines that only tell of an end, and name the amounts by their side."""
    return frame.filter(pl.col("cause") != ENDS).select(
        *LINE_KEY,
        pl.col("owed_cents").alias(f"{side}_cents"),
        pl.col("employer_cents").alias(f"{side}_employer_cents"),
        pl.col("cause").alias(f"{side}_cause"),
    )


def _difference() -> pl.Expr:
    before = pl.when(~pl.col("was_there")).then(0).otherwise("old_cents")
    after = pl.when(~pl.col("is_there")).then(0).otherwise("new_cents")
    return money.subtract(after, before)


def _total(column: str) -> pl.Expr:
    is_known = ~pl.col(column).is_null().any()
    return pl.when(is_known).then(pl.col(column).sum())
