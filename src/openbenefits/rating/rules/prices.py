"""Prices: month, year and pay; the employer's part and the employee's (docs/rules.md §7)."""

import polars as pl

from openbenefits.core import money
from openbenefits.core.codes import RateUnit, TaxClass
from openbenefits.core.columns import spread, with_taken
from openbenefits.programs.rulebook import Rulebook
from openbenefits.rating.rules.offers import Offers

EVERY_PERIOD = 31

MONEY_COLUMNS = (
    *("month_total_cents", "month_employer_cents", "month_employee_cents"),
    *("annual_before_tax_cents", "annual_after_tax_cents", "annual_employer_cents", "annual_credit_cents"),
    *("pay_before_tax_cents", "pay_after_tax_cents", "pay_credit_cents"),
)


def with_prices(
    options: pl.DataFrame, plans: pl.DataFrame, quotes: pl.DataFrame, offers: Offers, rulebook: Rulebook
) -> pl.DataFrame:
    """Add the price of every option row.

    Shapes:  options has option (a number of its own), plan, offer, coverage_cents; plans has first_quote,
             annual_pay_cents, pay_group_id, price_on. Adds MONEY_COLUMNS, rate_row_id and price_fault.
    Missing: options without costs have no price (nulls); a missing rate gives price_fault, never 0.
    """
    costs = _cost_rows(options, offers)
    quoted = _with_quote(costs, plans, quotes, offers)
    monthly = _with_employer(_with_month(quoted))
    summed = _per_option(_with_year_and_pay(monthly, plans, rulebook))
    return options.join(summed, on="option", how="left", maintain_order="left")


def _cost_rows(options: pl.DataFrame, offers: Offers) -> pl.DataFrame:
    """One row per option and cost."""
    rows = with_taken(
        options.select("option", "plan", "offer", "coverage_cents"),
        offers.options,
        "offer",
        *("first_cost", "costs", "spouse_max", "partner_max", "child_max", "tax_class", "period_flags"),
    )
    rows = spread(rows, "first_cost", "costs", "cost").drop("first_cost", "costs", "offer")
    return with_taken(
        rows,
        offers.costs,
        "cost",
        *("cost_type", "unit_ordinal", "rate_unit", "periods", "unit_divisor", "is_per_member"),
        *("employee_percent_micros", "dependent_percent_micros", "fixed_monthly_cents", "cap_monthly_cents"),
    )


def _with_quote(
    costs: pl.DataFrame, plans: pl.DataFrame, quotes: pl.DataFrame, offers: Offers
) -> pl.DataFrame:
    """Add the quote's parts that the coverage code pays for: own and total micro-dollars."""
    rows = with_taken(costs, plans, "plan", "first_quote", "annual_pay_cents")
    rows = rows.with_columns(quote=pl.col("first_quote") + pl.col("unit_ordinal"))
    rows = with_taken(
        rows,
        quotes,
        "quote",
        *("own_micros", "total_micros", "spouse_micros", "partner_micros", "child_micros"),
        *("rate_row_id", "fault"),
    )
    members = money.add(
        pl.col("total_micros"),
        _if_covered("spouse"),
        _if_covered("partner"),
        _if_covered("child"),
    )
    return rows.with_columns(
        total_micros=pl.when("is_per_member").then(members).otherwise("total_micros")
    ).drop("spouse_micros", "partner_micros", "child_micros", "first_quote", "quote")


def _if_covered(person: str) -> pl.Expr:
    return pl.when(pl.col(f"{person}_max") > 0).then(pl.col(f"{person}_micros")).otherwise(0)


def _with_month(rows: pl.DataFrame) -> pl.DataFrame:
    """Add month_total_cents and month_own_cents: rate × units × periods ÷ 12, rounded once.

    Rates that buy one unit (nearly all rows) skip the wide product.
    """
    unit = pl.col("rate_unit")
    flat = rows.filter(unit == RateUnit.FLAT)
    other = rows.filter((unit != RateUnit.FLAT) | unit.is_null())
    flat = flat.with_columns(
        month_total_cents=_flat_month("total_micros"), month_own_cents=_flat_month("own_micros")
    )
    bought = pl.when(unit == RateUnit.PERCENT_OF_BASE).then("annual_pay_cents").otherwise("coverage_cents")
    divisor = pl.col("unit_divisor") * (12 * 10_000)
    other = other.with_columns(_units=bought * pl.col("periods"), _divisor=divisor)
    other = other.with_columns(
        month_total_cents=money.multiply_divide_half_up(
            pl.col("total_micros"), pl.col("_units"), pl.col("_divisor")
        ),
        month_own_cents=money.multiply_divide_half_up(
            pl.col("own_micros"), pl.col("_units"), pl.col("_divisor")
        ),
    ).drop("_units", "_divisor")
    return pl.concat([flat, other])


def _flat_month(column: str) -> pl.Expr:
    return money.divide_half_up(pl.col(column) * pl.col("periods"), 12 * 10_000)


def _with_employer(rows: pl.DataFrame) -> pl.DataFrame:
    """Split the month: percent of the own part, percent of the dependents' part, fixed; capped; the rest."""
    rows = rows.with_columns(
        _own=money.percent_of(pl.col("month_own_cents"), pl.col("employee_percent_micros")),
        _others=money.percent_of(
            money.subtract(pl.col("month_total_cents"), pl.col("month_own_cents")),
            pl.col("dependent_percent_micros"),
        ),
    )
    rows = rows.with_columns(
        _offered=money.add(pl.col("_own"), pl.col("_others"), pl.col("fixed_monthly_cents"))
    )
    capped = money.clamp(pl.col("_offered"), None, pl.col("cap_monthly_cents"))
    rows = rows.with_columns(month_employer_cents=money.minimum(capped, pl.col("month_total_cents")))
    return rows.with_columns(
        month_employee_cents=money.subtract(pl.col("month_total_cents"), pl.col("month_employer_cents"))
    ).drop("_own", "_others", "_offered")


def _with_year_and_pay(rows: pl.DataFrame, plans: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add the year (month × 12) and the pay (year ÷ flagged pays of the calendar year)."""
    rows = with_taken(rows, plans, "plan", "pay_year")
    is_credit = pl.col("cost_type") == "C"
    flags = pl.when(is_credit).then(EVERY_PERIOD).otherwise(pl.col("period_flags").fill_null(EVERY_PERIOD))
    rows = rows.with_columns(period_flags=flags.cast(pl.Int64))
    pays = rulebook.pay_counts.select(
        pay_year=pay_year(),
        period_flags=pl.col("period_flags").cast(pl.Int64),
        pays=pl.col("pays"),
    )
    rows = rows.join(pays, on=["pay_year", "period_flags"], how="left", maintain_order="left")
    year = pl.col("month_employee_cents") * 12
    before = pl.col("tax_class") == TaxClass.BEFORE_TAX
    after = pl.col("tax_class") == TaxClass.AFTER_TAX
    rows = rows.with_columns(_year=year, _pay=money.divide_half_up(year, pl.col("pays")))
    return rows.with_columns(
        annual_before_tax_cents=_where(~is_credit & before, "_year"),
        annual_after_tax_cents=_where(~is_credit & after, "_year"),
        annual_employer_cents=pl.when(is_credit).then(0).otherwise(pl.col("month_employer_cents") * 12),
        annual_credit_cents=_where(is_credit, "_year"),
        pay_before_tax_cents=_where(~is_credit & before, "_pay"),
        pay_after_tax_cents=_where(~is_credit & after, "_pay"),
        pay_credit_cents=_where(is_credit, "_pay"),
        price_fault=pl.coalesce("fault", _unpriced()),
    )


def pay_year(group: str = "pay_group_id", year: str = "year") -> pl.Expr:
    """Pack a pay group and a calendar year into one key."""
    return pl.col(group).cast(pl.Int64) * 10_000 + pl.col(year).cast(pl.Int64)


def _where(condition: pl.Expr, column: str) -> pl.Expr:
    return pl.when(condition).then(pl.col(column)).otherwise(0)


def _unpriced() -> pl.Expr:
    """Name what is missing when a rate was found and yet there is no price."""
    return (
        pl.when(pl.col("month_total_cents").is_null())
        .then(pl.lit("coverage"))
        .when(pl.col("month_employer_cents").is_null())
        .then(pl.lit("contribution"))
        .when(pl.col("pays").is_null())
        .then(pl.lit("calendar"))
        .when((pl.col("cost_type") == "P") & pl.col("tax_class").is_null())
        .then(pl.lit("deduction code"))
    )


def _per_option(rows: pl.DataFrame) -> pl.DataFrame:
    """Add up the costs of an option; one missing part makes the whole missing."""
    columns = ["option", *MONEY_COLUMNS, "rate_row_id", "price_fault"]
    priced = rows.with_columns(
        pl.when(pl.col("cost_type") == "C").then(0).otherwise(pl.col(name)).alias(name)
        for name in MONEY_COLUMNS[:3]
    ).select(columns)
    is_single = pl.len().over("option") == 1
    single = priced.filter(is_single)
    several = priced.filter(~is_single)
    known = [
        pl.when(~pl.col(name).is_null().any()).then(pl.col(name).sum()).alias(name) for name in MONEY_COLUMNS
    ]
    summed = several.group_by("option").agg(
        *known, pl.col("rate_row_id").first(), pl.col("price_fault").drop_nulls().first()
    )
    return pl.concat([single, summed.select(columns)])
