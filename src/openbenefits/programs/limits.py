"""Legal amounts of a year: the one place where they are read.

A limit is known by its code and the year it is for. A year that has no row is not published: that is said,
never guessed, unless the set-up asks for the last one known.
"""

import polars as pl

from openbenefits.core.plan_types import HSA_LIMIT

DEPENDENT_CARE, SEPARATELY = "dcap_exclusion", "dcap_exclusion_mfs"
HSA_SELF, HSA_FAMILY, HSA_CATCH_UP = HSA_LIMIT, "hsa_family", "hsa_catch_up_55"
DEFERRAL, CATCH_UP_50, CATCH_UP_60 = "k401_deferral", "k401_catch_up_50", "k401_catch_up_60_63"

CATCH_UP_60_SINCE = 2025
"""The first year of the higher catch-up (26 USC 414(v)(2)(E), P.L. 117-328 section 109)."""

CALENDAR_YEAR = (DEPENDENT_CARE, HSA_SELF, DEFERRAL)
"""Limits of the calendar year in which coverage begins; all others are of the plan year."""

OF_PERSON = (DEPENDENT_CARE, HSA_SELF, DEFERRAL)
"""Limits of the person, whoever the employers are (26 USC 129(a)(2), 223(b), 402(g)); all others are of one
employer (125(i): Notice 2012-40), unless set-up says that employers count as one."""

STANDS_FOR = {
    DEPENDENT_CARE: (DEPENDENT_CARE, SEPARATELY),
    HSA_SELF: (HSA_SELF, HSA_FAMILY, HSA_CATCH_UP),
    DEFERRAL: (DEFERRAL, CATCH_UP_50, CATCH_UP_60),
}
"""The amounts that a limit reads, according to the person; every other limit is one amount."""

LEGAL = {
    "40": DEFERRAL,
    "46": DEFERRAL,
    "60": "health_fsa_salary_reduction",
    "61": DEPENDENT_CARE,
    "67": HSA_SELF,
}
"""Plan types in which the law limits what a person puts in, and the limit of the sample that says how much.

26 USC 402(g) for 401(k) and elective 403(b), 125(i) for the health FSA, 129(a)(2) for dependent care, 223(b)
for the HSA.
"""


def limit_year(day: pl.Expr) -> pl.Expr:
    """The year whose limit holds on a day: of rows with annual_limit and plan_year_month."""
    year = day.dt.year()
    plan_year = pl.when(day.dt.month() < pl.col("plan_year_month")).then(year - 1).otherwise(year)
    return pl.when(pl.col("annual_limit").is_in(CALENDAR_YEAR)).then(year).otherwise(plan_year)


def with_limit(
    rows: pl.DataFrame,
    limits: pl.DataFrame,
    *,
    code: pl.Expr,
    year: pl.Expr,
    name: str = "limit_cents",
    last_known: pl.Expr | None = None,
) -> pl.DataFrame:
    """Add the legal amount of each row's code and year, under `name`.

    Shapes:  limits as Rulebook.limits; `last_known` says per row whether the last earlier year may stand in.
    Units:   cents.
    Missing: null where the code is null, or the year's amount is not published.
    Source:  regulations §1 (a missing year is said to a person, never filled in).
    """
    asked = rows.select(
        row=pl.int_range(pl.len(), dtype=pl.UInt32),
        code=code.cast(pl.String),
        year=year.cast(pl.Int32),
        may_lag=(pl.lit(value=False) if last_known is None else last_known.fill_null(value=False)),
    )
    known = limits.select(
        "code",
        year=pl.col("year").cast(pl.Int32),
        found_year=pl.col("year").cast(pl.Int32),
        amount="limit_cents",
    )
    found = asked.sort("year").join_asof(
        known.sort("year"), on="year", by="code", strategy="backward", check_sortedness=False
    )
    holds = (pl.col("found_year") == pl.col("year")) | pl.col("may_lag")
    amounts = found.sort("row").select(pl.when(holds).then("amount").alias(name))
    return rows.with_columns(amounts.get_columns())
