"""Legal limits of a year, and the program's own over all its spending accounts (docs/rules.md §11.6)."""

import polars as pl

from openbenefits.core import days, money
from openbenefits.core.columns import with_taken
from openbenefits.core.plan_types import SAVINGS, SPENDING_ACCOUNTS, is_one_of
from openbenefits.enrollment.rules.amounts import PERCENT, PLEDGE
from openbenefits.enrollment.rules.contributed import with_contributed
from openbenefits.enrollment.rules.elected import Checking
from openbenefits.enrollment.rules.links import MEDICAL, covers_others
from openbenefits.enrollment.rules.messages import message_rows
from openbenefits.enrollment.rules.outcomes import KEEPING
from openbenefits.enrollment.rules.shared_limits import share_of_pay, with_elsewhere, with_shared
from openbenefits.programs.limits import (
    CATCH_UP_50,
    CATCH_UP_60,
    CATCH_UP_60_SINCE,
    DEFERRAL,
    DEPENDENT_CARE,
    HSA_CATCH_UP,
    HSA_FAMILY,
    HSA_SELF,
    SEPARATELY,
    limit_year,
    with_limit,
)

WITH_EMPLOYER_MONEY = (DEPENDENT_CARE, HSA_SELF)
"""Limits under which the employer's credits count, too."""

MONTHS = 12


def annual_messages(checking: Checking, held: pl.DataFrame) -> list[pl.DataFrame]:
    """Name the elections above the legal limit of their year, and those whose limit is not published."""
    rows = checking.enrolling(PLEDGE, PERCENT).filter(pl.col("annual_limit").is_not_null())
    if rows.is_empty():
        return _program_messages(checking, held)
    rows = with_shared(rows.with_columns(stated_cents=_stated()), checking, held)
    brought = checking.situation.brought
    rows = with_allowed(_with_tier(rows, held), checking.rulebook.limits, brought)
    pledged, share = rows.filter(amount_kind=PLEDGE), rows.filter(amount_kind=PERCENT)
    is_savings = is_one_of(SAVINGS)
    code = pl.when(is_savings).then(pl.lit("BA1320")).otherwise(pl.lit("BA1318"))
    is_above = pl.col("stated_cents") > pl.col("allowed_cents")
    less = pl.format(", {} cents having been put in elsewhere", "brought_cents")
    less = pl.when(pl.col("brought_cents") > 0).then(less).otherwise(pl.lit(""))
    allowed = pl.format("at most {} cents in {}{}{}", "allowed_cents", "limit_year", "over", less)
    return [
        message_rows(
            rows.filter(pl.col("allowed_cents").is_null() & pl.col("is_unpublished")),
            "BA1336",
            pl.format("the limit {} of {}", "limit_code", "limit_year"),
            pl.lit("not published"),
        ),
        message_rows(pledged.filter(is_above), code, allowed, pl.format("{} cents", "stated_cents")),
        message_rows(share.filter(is_above), "BA1337", allowed, pl.format("{} cents a year", "stated_cents")),
        *_program_messages(checking, held),
    ]


def _stated() -> pl.Expr:
    """What an election puts in for the year; null where it does not say, or pay is missing."""
    return pl.when(pl.col("amount_kind") == PLEDGE).then("pledge_cents").otherwise(share_of_pay())


def with_allowed(rows: pl.DataFrame, limits: pl.DataFrame, brought: pl.DataFrame) -> pl.DataFrame:
    """Add the most a person may put in: allowed_cents, limit_code, limit_year, brought_cents, is_unpublished.

    Shapes:  rows has case, annual_limit, is_last_limit_used, plan_year_month, is_by_month, counts_elsewhere,
             price_on, birth_on, files_separately, is_family, employer_cents; brought as BROUGHT.
    Missing: without a birth date there is no catch-up; an unpublished amount makes the whole unknown.
    """
    code = pl.col("annual_limit")
    begins = pl.col("price_on")
    rows = rows.with_columns(
        limit_year=limit_year(begins),
        limit_code=pl.when((code == DEPENDENT_CARE) & pl.col("files_separately"))
        .then(pl.lit(SEPARATELY))
        .when((code == HSA_SELF) & pl.col("is_family"))
        .then(pl.lit(HSA_FAMILY))
        .otherwise(code),
    )
    age = days.age_years(pl.col("birth_on"), pl.date(pl.col("limit_year"), 12, 31))
    rows = rows.with_columns(catch_up_code=_catch_up(code, age, pl.col("limit_year")))
    lag = pl.col("is_last_limit_used")
    year = pl.col("limit_year")
    rows = with_limit(rows, limits, code=pl.col("limit_code"), year=year, name="base_cents", last_known=lag)
    rows = with_limit(
        rows, limits, code=pl.col("catch_up_code"), year=year, name="catch_up_cents", last_known=lag
    )
    catch_up = pl.when(pl.col("catch_up_code").is_null()).then(0).otherwise("catch_up_cents")
    whole = money.add(pl.col("base_cents"), catch_up.cast(pl.Int64))
    by_month = money.multiply_divide_half_up(whole, _months_left(begins), MONTHS)
    counted = pl.when(pl.col("is_by_month").fill_null(value=False)).then(by_month).otherwise(whole)
    employer = pl.when(code.is_in(WITH_EMPLOYER_MONEY)).then("employer_cents").otherwise(0)
    rows = _with_brought(rows, brought)
    left = money.subtract(money.subtract(counted, employer.cast(pl.Int64)), pl.col("brought_cents"))
    return rows.with_columns(allowed_cents=money.maximum(left, 0), is_unpublished=whole.is_null())


def _with_brought(rows: pl.DataFrame, brought: pl.DataFrame) -> pl.DataFrame:
    """Add brought_cents: what was put in elsewhere under the limit of each row, where it counts; else 0."""
    if brought.is_empty():
        return rows.with_columns(brought_cents=pl.lit(0, pl.Int64))
    key = ["case", "annual_limit", "limit_year"]
    found = rows.join(brought, on=key, how="left", maintain_order="left")
    counts = pl.col("counts_elsewhere") & pl.col("brought_cents").is_not_null()
    return found.with_columns(brought_cents=pl.when(counts).then("brought_cents").otherwise(0))


def with_capped_pledge(rows: pl.DataFrame, checking: Checking, held: pl.DataFrame) -> pl.DataFrame:
    """Cap the pledges of health savings accounts that go on by default at the limit of their new year.

    Several under one limit get together at most it: in the order of plan types, each what those before leave,
    after what valid elections, and coverage the event leaves alone, put in. None goes below what was
    contributed to it in the year already.

    Shapes: rows has case, plan_type, plan_row, current_pledge_cents, coverage_begins_on and
            deduction_begins_on; held is what would hold, as `outcomes`. An unpublished
            limit leaves the pledge as it is.
    Source: rulings §3.5.
    """
    columns = ("annual_limit", "is_last_limit_used", "plan_year_month", "is_by_month", "counts_elsewhere")
    limited = checking.rulebook.plan_rows.filter(pl.col("is_hsa") & pl.col("annual_limit").is_not_null())
    going_on = rows.filter(
        pl.col("plan_row").is_in(limited["plan_row"].implode())
        & pl.col("current_pledge_cents").is_not_null()
        & pl.col("default_reason").is_in(KEEPING)
    )
    if going_on.is_empty():
        return rows
    births = checking.prepared.cases.select("case", "birth_on")
    asked = with_taken(
        going_on.select(
            "case",
            "plan",
            "plan_type",
            "plan_row",
            "current_pledge_cents",
            "coverage_begins_on",
            "deduction_begins_on",
            employer_cents="annual_credit_cents",
        ),
        checking.rulebook.plan_rows,
        "plan_row",
        *columns,
    )
    asked = asked.join(births, on="case", how="left").with_columns(
        price_on="coverage_begins_on", files_separately=pl.lit(value=False)
    )
    asked = with_shared(asked.with_columns(stated_cents="current_pledge_cents"), checking, held)
    asked = with_allowed(_with_tier(asked, held), checking.rulebook.limits, checking.situation.brought)
    asked = with_elsewhere(asked, checking, held)
    asked = with_contributed(asked, checking.situation.contributions)
    capped = asked.sort("case", "annual_limit", "plan_type").select("plan", capped=_left_by_those_before())
    found = rows.join(capped, on="plan", how="left", maintain_order="left")
    return found.with_columns(current_pledge_cents=pl.coalesce("capped", "current_pledge_cents")).drop(
        "capped"
    )


def _left_by_those_before() -> pl.Expr:
    """What of each pledge its limit leaves after those before it, but no less than was contributed to it.

    An unknown limit, or contribution, leaves it as it is.
    """
    pledge = pl.col("current_pledge_cents")
    before = (pledge.cum_sum() - pledge).over("case", "annual_limit")
    left = money.maximum(pl.col("allowed_cents") - before - pl.col("elsewhere_cents"), 0)
    least = money.maximum(left, pl.col("contributed_cents"))
    return pl.coalesce(money.minimum(pledge, least), pledge)


def _catch_up(code: pl.Expr, age: pl.Expr, year: pl.Expr) -> pl.Expr:
    """Name the addition a person of an age, on the last day of the year, is entitled to.

    Source: 26 USC 414(v)(2)(E), the higher one of ages 60 to 63, for years from 2025.
    """
    return (
        pl.when((code == HSA_SELF) & (age >= 55))
        .then(pl.lit(HSA_CATCH_UP))
        .when((code == DEFERRAL) & age.is_between(60, 63) & (year >= CATCH_UP_60_SINCE))
        .then(pl.lit(CATCH_UP_60))
        .when((code == DEFERRAL) & (age >= 50))
        .then(pl.lit(CATCH_UP_50))
    )


def _months_left(begins: pl.Expr) -> pl.Expr:
    """Count the months of the year on whose first day coverage holds."""
    month = begins.dt.month().cast(pl.Int64)
    return MONTHS + pl.when(begins.dt.day() == 1).then(1).otherwise(0) - month


def _with_tier(rows: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Add is_family: the medical coverage of the case covers others, too."""
    family = held.filter((pl.col("plan_type") == MEDICAL) & covers_others())["case"]
    return rows.with_columns(is_family=pl.col("case").is_in(family.implode()))


# --- the program's own maximum ----------------------------------------------------------------------------


def _program_messages(checking: Checking, held: pl.DataFrame) -> list[pl.DataFrame]:
    """The pledges of all spending accounts of a program must stay within its maximum."""
    if checking.rulebook.programs["maximum_pledge_cents"].null_count() == checking.rulebook.programs.height:
        return []
    spending = is_one_of(SPENDING_ACCOUNTS) & ~pl.col("is_hsa")
    summed = (
        held.filter(spending & pl.col("pledge_cents").is_not_null())
        .group_by("case")
        .agg(together=pl.col("pledge_cents").sum())
    )
    rows = checking.enrolling(PLEDGE).filter(spending).join(summed, on="case")
    over = rows.filter(pl.col("together") > pl.col("maximum_pledge_cents"))
    return [
        message_rows(
            over,
            "BA1318",
            pl.format("at most {} cents over all spending accounts", "maximum_pledge_cents"),
            pl.format("{} cents together", "together"),
        )
    ]
