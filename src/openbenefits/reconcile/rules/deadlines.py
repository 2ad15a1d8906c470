"""The last day on which a carrier takes a correction (docs/invoices.md §6)."""

from datetime import date

import polars as pl

from openbenefits.core import days


def deadline(
    *,
    statement_on: date,
    add_days: int,
    term_days: int,
    term_months: int | None,
    basis: str,
    allows_credit: bool,
) -> pl.Expr:
    """Answer the last day for a difference of a month: a credit if it was billed too much, else an addition.

    A month can be put right as long as its first day lies within the window before the notice; where the
    window runs from the statement, until it ends. A carrier that gives no credit takes none after the month
    has begun.

    Shapes: month, difference_cents. Null where no month is known.
    """
    start = pl.col("month") if basis == "notice" else pl.lit(statement_on)
    by_months = None if term_months is None else days.add_months(start, term_months)
    credit = days.add_days(start, term_days) if by_months is None else by_months
    given = credit if allows_credit else pl.col("month")
    found = pl.when(pl.col("difference_cents") > 0).then(given).otherwise(days.add_days(start, add_days))
    return pl.when(pl.col("month").is_not_null()).then(found)
