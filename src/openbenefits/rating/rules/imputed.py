"""Imputed income: the value of cover for persons who are no tax dependents, and of group-term life insurance.

Taxable as wages, kept apart from prices and credits (docs/rules.md §7.8, §12). Pure functions on columns.
"""

import polars as pl

from openbenefits.core import days, money
from openbenefits.core.codes import TaxClass
from openbenefits.core.columns import gathered, true_at, with_taken
from openbenefits.programs.rulebook import Rulebook
from openbenefits.rating.rules.coverage import with_coverage
from openbenefits.rating.rules.offers import Offers
from openbenefits.rating.rules.price_book import pays_of_year
from openbenefits.rating.rules.prices import with_prices

IMPUTED_COLUMNS = ("annual_imputed_cents", "pay_imputed_cents")

FREE_COVERAGE_CENTS = 5_000_000
"""26 USC 79(a): the first $50,000 of group-term life insurance is not taxed."""
HUNDRED_DOLLARS = 10_000
THOUSAND_DOLLARS = 100_000


def with_imputed_income(
    options: pl.DataFrame,
    plans: pl.DataFrame,
    quotes: pl.DataFrame,
    offers: Offers,
    rulebook: Rulebook,
    bases: pl.DataFrame | None = None,
    decisions: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Add what an option adds to taxable pay by covering persons who are no tax dependents: IMPUTED_COLUMNS.

    The year's value is what the option costs beyond the same option without them, less what the employee
    pays for that after tax, at least 0.

    Shapes:  options and plans as `with_prices` has left them; plans has plan, pay_year too.
    Missing: an unknown price leaves it unknown; price_fault then says why.
    Source:  docs/rules.md §7.8; regulations §10.
    """
    rows = options.with_columns(pl.lit(0, pl.Int64).alias(name) for name in IMPUTED_COLUMNS)
    at = true_at(gathered(offers.options["is_imputed"], options["offer"]))
    if at.is_empty():
        return rows
    asked = options[["plan", "offer", "year_total_cents", "year_employee_cents", "price_fault"]][at]
    asked = with_taken(asked, offers.options, "offer", "without_offer", "tax_class")
    without = _prices_without(asked, plans, quotes, offers, rulebook, bases, decisions)
    asked = asked.join(without, on=["plan", "without_offer"], how="left", maintain_order="left")
    asked = asked.with_columns(gathered(pays_of_year(plans, rulebook), asked["plan"]).alias("pays"))
    valued = _valued(asked)
    return rows.with_columns(
        rows[name].clone().scatter(at, valued[name]) for name in (*IMPUTED_COLUMNS, "price_fault")
    )


def _prices_without(
    asked: pl.DataFrame,
    plans: pl.DataFrame,
    quotes: pl.DataFrame,
    offers: Offers,
    rulebook: Rulebook,
    bases: pl.DataFrame | None,
    decisions: pl.DataFrame | None,
) -> pl.DataFrame:
    """Price the options without those persons: whether or not they are offered."""
    rows = asked.select("plan", offer="without_offer").drop_nulls().unique(maintain_order=True)
    rows = with_coverage(rows, plans, offers, rulebook, bases)
    rows = rows.with_columns(option=pl.int_range(pl.len(), dtype=pl.Int32))
    return with_prices(rows, plans, quotes, offers, rulebook, bases, decisions).select(
        "plan",
        without_offer="offer",
        without_total="year_total_cents",
        without_employee="year_employee_cents",
        without_fault="price_fault",
    )


def _valued(rows: pl.DataFrame) -> pl.DataFrame:
    """The value of the year and of a pay."""
    more = money.subtract(pl.col("year_total_cents"), pl.col("without_total"))
    paid = money.subtract(pl.col("year_employee_cents"), pl.col("without_employee"))
    is_taxed = (pl.col("tax_class") != TaxClass.BEFORE_TAX).fill_null(value=True)
    rows = rows.with_columns(
        _more=more, _paid=pl.when(is_taxed).then(money.clamp(paid, 0, None)).otherwise(paid * 0)
    )
    value = money.clamp(money.subtract(pl.col("_more"), pl.col("_paid")), 0, None)
    rows, year = rows.with_columns(annual_imputed_cents=value), pl.col("annual_imputed_cents")
    unknown = pl.when(year.is_null()).then(pl.coalesce("without_fault", pl.lit("imputed")))
    rows = rows.with_columns(_fault=pl.coalesce("price_fault", unknown))
    pay = per_pay(pl.col("annual_imputed_cents"), pl.col("pays"))
    no_pays = pl.when(pay.is_null() & year.is_not_null()).then(pl.lit("calendar"))
    return rows.select(
        "annual_imputed_cents", pay_imputed_cents=pay, price_fault=pl.coalesce("_fault", no_pays)
    )


def per_pay(year_cents: pl.Expr, pays: pl.Expr) -> pl.Expr:
    """What of a year's imputed income falls on a pay: over all pays of the calendar year, whatever they take.

    Missing: nothing needs no calendar; else an unknown number of pays leaves it unknown.
    """
    return pl.when(year_cents == 0).then(0).otherwise(money.divide_half_up(year_cents, pays))


# --- group-term life ----------------------------------------------------------------------------------------


def group_term_life(
    cover: pl.DataFrame, people: pl.DataFrame, rates: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Find the taxable value of employer-carried group-term life insurance, month by month and for the year.

    All life coverage of a month together, less $50,000, to the nearest $100, times the rate per $1,000 of the
    age at the end of the year; a month covered in part counts by its days. Each month is rounded to the cent;
    the year is their sum less what the employee paid for the year after tax, at least 0.

    Shapes:  cover has owner, year, month, start_cents and end_cents (all life coverage on the first and the
             last day covered in the month; their average counts), covered_days; people has owner, birth_on,
             paid_cents (after tax, of the year); rates has age_from and rate_micros (a month, per $1,000).
             Answers months (owner, year, month, coverage_cents, taxed_cents, age, rate_micros, month_cents)
             and years (owner, year, months_cents, paid_cents, year_cents).
    Missing: an unknown amount, birth date or rate leaves month and year unknown, never 0; a month at or below
             $50,000 is 0 whatever the age.
    Source:  26 CFR 1.79-3(a)-(d), (f); regulations §2; docs/rules.md §12.
    """
    rows = cover.join(people[["owner", "birth_on"]], on="owner", how="left", maintain_order="left")
    total = money.add(pl.col("start_cents"), pl.col("end_cents"))
    rows = rows.with_columns(
        coverage_cents=money.divide_half_up(total, 2),
        age=days.age_years(pl.col("birth_on"), pl.date(pl.col("year"), 12, 31)).cast(pl.Int16),
        month_days=pl.date(pl.col("year"), pl.col("month"), 1).dt.month_end().dt.day().cast(pl.Int64),
    )
    taxed = money.round_to_multiple(
        money.subtract(pl.col("coverage_cents"), FREE_COVERAGE_CENTS), HUNDRED_DOLLARS // 2, HUNDRED_DOLLARS
    )
    rows = _with_rate(rows.with_columns(taxed_cents=money.clamp(taxed, 0, None)), rates)
    days_cents = pl.col("taxed_cents") * pl.col("covered_days").cast(pl.Int64)
    rows = rows.with_columns(
        _divisor=pl.col("month_days") * (THOUSAND_DOLLARS * money.MICROS_PER_CENT), _days_cents=days_cents
    )
    month = money.multiply_divide_half_up(pl.col("rate_micros"), pl.col("_days_cents"), pl.col("_divisor"))
    months = rows.select(
        *("owner", "year", "month", "coverage_cents", "taxed_cents", "age", "rate_micros"),
        month_cents=pl.when(pl.col("taxed_cents") == 0).then(0).otherwise(month),
    )
    return months, _years(months, people)


def _with_rate(rows: pl.DataFrame, rates: pl.DataFrame) -> pl.DataFrame:
    """Add the rate of the highest age reached."""
    ages = rows[["age"]].drop_nulls().unique().sort("age")
    bands = rates.select(pl.col("age_from").cast(pl.Int16), "rate_micros").sort("age_from")
    found = ages.join_asof(bands, left_on="age", right_on="age_from", strategy="backward")
    return rows.join(found[["age", "rate_micros"]], on="age", how="left", maintain_order="left")


def _years(months: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Add the months up, and take off what was paid after tax: also for months that are worth nothing."""
    added = months.group_by("owner", "year", maintain_order=True).agg(
        months_cents=money.total(pl.col("month_cents"))
    )
    rows = added.join(people[["owner", "paid_cents"]], on="owner", how="left", maintain_order="left")
    left = money.subtract(pl.col("months_cents"), pl.col("paid_cents"))
    return rows.with_columns(year_cents=money.clamp(left, 0, None))
