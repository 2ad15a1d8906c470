"""Who pays: the employer's part of a month (docs/rules.md §7.5)."""

import polars as pl

from openbenefits.core import money
from openbenefits.core.columns import with_taken

GIVEN = ("employee_percent_micros", "dependent_percent_micros", "fixed_monthly_cents")
_CONTRIBUTION = (*GIVEN, "cap_monthly_cents", "minimum_employee_cents")


def employer_share(rows: pl.DataFrame, costs: pl.DataFrame) -> pl.Series:
    """Split months: percent of the own part, percent of the dependents' part, fixed; capped; the rest.

    Shapes:  rows has cost (position in costs), total, and what percentages are taken of: measure_total,
             measure_own. Answers `employer`.
    Missing: unknown where the total, or what it is measured by, is.
    """
    rows = with_taken(
        rows.select("cost", "total", "measure_total", "measure_own"), costs, "cost", *_CONTRIBUTION
    )
    others = money.subtract(pl.col("measure_total"), pl.col("measure_own"))
    rows = rows.with_columns(
        _own=money.percent_of(pl.col("measure_own"), pl.col("employee_percent_micros")),
        _others=money.percent_of(others, pl.col("dependent_percent_micros")),
    )
    offered = money.add(pl.col("_own"), pl.col("_others"), pl.col("fixed_monthly_cents"))
    rows = rows.with_columns(_capped=money.clamp(offered, None, pl.col("cap_monthly_cents")))
    least = money.minimum(pl.col("minimum_employee_cents").fill_null(0), pl.col("total"))
    rows = rows.with_columns(_most=money.subtract(pl.col("total"), least))
    return rows.select(employer=money.minimum(pl.col("_capped"), pl.col("_most"))).to_series()


def share_with_premium(total: pl.Series, premium_total: pl.Series, premium_employer: pl.Series) -> pl.Series:
    """What the employer pays where the employee pays as if for another coverage, at most the whole.

    Shapes:  aligned columns of cents: the month of the coverage, the month of the premium coverage, and the
             employer's part of the latter.
    Missing: one unknown amount makes the answer unknown.
    """
    rows = pl.DataFrame(
        [total.alias("total"), premium_total.alias("premium"), premium_employer.alias("given")]
    )
    employee = money.minimum(money.subtract(pl.col("premium"), pl.col("given")), pl.col("total"))
    return rows.select(employer=money.subtract(pl.col("total"), employee)).to_series()
