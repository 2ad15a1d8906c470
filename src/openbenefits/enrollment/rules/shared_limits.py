"""One legal limit over several plan types: what a person puts in counts together (docs/rules.md §11.6)."""

import polars as pl

from openbenefits.core import money
from openbenefits.enrollment.rules.amounts import PLEDGE
from openbenefits.enrollment.rules.elected import Checking
from openbenefits.enrollment.rules.outcomes import ELECTED, STANDING, sharing_rows

WHOLE = 100 * 1_000
"""100 % in thousandths of a percent."""


def share_of_pay() -> pl.Expr:
    """What a percentage before tax is in a year; null where it, or the pay, is missing."""
    return money.multiply_divide_half_up(
        pl.col("annual_pay_cents"), pl.col("percent_thousandths").cast(pl.Int64), WHOLE
    )


def with_shared(rows: pl.DataFrame, checking: Checking, held: pl.DataFrame) -> pl.DataFrame:
    """Put what all plan types under a shared limit put in, in place of what each does; add `over`.

    Shapes:  rows has case, plan_row, annual_limit, stated_cents and employer_cents; the last two are replaced
             where the limit is shared. over: words that name the plan types, blank for one alone.
    Missing: what somebody puts in elsewhere and does not say counts as nothing: it can only be more. What
             this election does not say stays unknown.
    """
    parts = _parts(checking, held)
    if parts is None:
        return rows.with_columns(over=pl.lit(""))
    together = parts.group_by("case", "annual_limit").agg(
        together_cents=_puts_in().sum(),
        credits_cents=money.total(pl.col("employer_cents")),
        types=pl.col("plan_type").sort().str.join(", "),
        several=pl.len() > 1,
    )
    together = together.filter("several")
    found = rows.join(together, on=["case", "annual_limit"], how="left", maintain_order="left")
    is_shared = pl.col("several").is_not_null()
    return found.with_columns(
        stated_cents=pl.when(is_shared & pl.col("stated_cents").is_not_null())
        .then("together_cents")
        .otherwise("stated_cents"),
        employer_cents=pl.when(is_shared).then("credits_cents").otherwise("employer_cents"),
        over=pl.when(is_shared)
        .then(pl.format(" over plan types {} together", "types"))
        .otherwise(pl.lit("")),
    ).drop("together_cents", "credits_cents", "types", "several")


def with_elsewhere(rows: pl.DataFrame, checking: Checking, held: pl.DataFrame) -> pl.DataFrame:
    """Add elsewhere_cents: what is put in under the limit of each row by elections and by what stands.

    Shapes: rows has case and annual_limit; held as `outcomes`. What is not said counts as nothing.
    """
    parts = _parts(checking, held.filter(pl.col("how").is_in([ELECTED, STANDING])))
    if parts is None:
        return rows.with_columns(elsewhere_cents=pl.lit(0, pl.Int64))
    sums = parts.group_by("case", "annual_limit").agg(elsewhere_cents=_puts_in().sum())
    found = rows.join(sums, on=["case", "annual_limit"], how="left", maintain_order="left")
    return found.with_columns(pl.col("elsewhere_cents").fill_null(0))


def _parts(checking: Checking, held: pl.DataFrame) -> pl.DataFrame | None:
    """What would hold in plan types that share a limit; None where the set-up has no such limit."""
    sharing = sharing_rows(checking.rulebook)
    if sharing.is_empty():
        return None
    people = checking.prepared.cases.select("case", "program_row", "annual_pay_cents")
    return held.join(people, on="case").join(sharing, on=["program_row", "plan_type"])


def _puts_in() -> pl.Expr:
    return pl.when(pl.col("amount_kind") == PLEDGE).then("pledge_cents").otherwise(share_of_pay())
