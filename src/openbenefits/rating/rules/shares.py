"""Who pays: the employer's part of a year's price (docs/rules.md §7.5)."""

from functools import cache

import polars as pl

from openbenefits.core import money
from openbenefits.core.columns import with_taken

GIVEN = ("employee_percent_micros", "dependent_percent_micros", "fixed_monthly_cents")
MONTHS = 12
_CONTRIBUTION = (*GIVEN, "cap_monthly_cents", "minimum_employee_cents")


def employer_share(rows: pl.DataFrame, costs: pl.DataFrame) -> pl.Series:
    """Split years: percent of the own part, percent of the dependents' part, fixed; capped; the rest.

    Shapes:  rows has cost (position in costs), total, and what percentages are taken of: measure_total,
             measure_own. Costs have `grain`: of how many equal parts of the year one is shared and rounded.
             Answers `employer`.
    Missing: unknown where the total, or what it is measured by, is.
    """
    rows = with_taken(
        rows[["cost", "total", "measure_total", "measure_own"]], costs, "cost", "grain", *_CONTRIBUTION
    )
    for step in _steps():
        rows = rows.with_columns(**step)
    return rows["_employer"].alias("employer")


@cache
def _steps() -> list[dict[str, pl.Expr]]:
    """The steps to the employer's part, each from the columns of those before: made once, as every run takes
    them.
    """
    offered = money.add(pl.col("_own"), pl.col("_others"), pl.col("fixed_monthly_cents") * MONTHS)
    least = money.minimum(pl.col("minimum_employee_cents").fill_null(0) * MONTHS, pl.col("total"))
    return [
        {
            "_others": money.subtract(pl.col("measure_total"), pl.col("measure_own")),
            "_whole": pl.col("grain") * money.HUNDRED_PERCENT,
            "_most": money.subtract(pl.col("total"), least),
        },
        {
            "_own": _percent_of("measure_own", "employee_percent_micros"),
            "_others": _percent_of("_others", "dependent_percent_micros"),
        },
        {"_capped": money.clamp(offered, None, pl.col("cap_monthly_cents") * MONTHS)},
        {"_employer": money.minimum(pl.col("_capped"), pl.col("_most"))},
    ]


def _percent_of(measure: str, percent_micros: str) -> pl.Expr:
    """A percentage of a year, rounded in the grain of the price: `_whole` is all of it."""
    share = money.multiply_divide_half_up(pl.col(measure), pl.col(percent_micros), pl.col("_whole"))
    return share * pl.col("grain")


def share_with_premium(total: pl.Series, premium_total: pl.Series, premium_employer: pl.Series) -> pl.Series:
    """What the employer pays where the employee pays as if for another coverage, at most the whole.

    Shapes:  aligned columns of cents: the year of the coverage, the year of the premium coverage, and the
             employer's part of the latter.
    Missing: one unknown amount makes the answer unknown.
    """
    rows = pl.DataFrame(
        [total.alias("total"), premium_total.alias("premium"), premium_employer.alias("given")]
    )
    employee = money.minimum(money.subtract(pl.col("premium"), pl.col("given")), pl.col("total"))
    return rows.select(employer=money.subtract(pl.col("total"), employee)).to_series()
