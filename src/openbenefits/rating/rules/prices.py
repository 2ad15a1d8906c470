"""Prices: month, year and pay; the employer's part and the employee's (docs/rules.md §7).

Where a price depends on nothing but the rate found, it is computed once for all who share the rate.
"""

import polars as pl

from openbenefits.core import money
from openbenefits.core.codes import RateUnit, TaxClass
from openbenefits.core.columns import spread, take, with_taken
from openbenefits.programs.rulebook import Rulebook
from openbenefits.rating.rules.offers import Offers
from openbenefits.rating.rules.quotes import PARTS

EVERY_PERIOD = 31

MONEY_COLUMNS = (
    *("month_total_cents", "month_employer_cents", "month_employee_cents"),
    *("annual_before_tax_cents", "annual_after_tax_cents", "annual_employer_cents", "annual_credit_cents"),
    *("pay_before_tax_cents", "pay_after_tax_cents", "pay_credit_cents"),
)
PRICE_COLUMNS = (*MONEY_COLUMNS, "rate_row_id", "price_fault")

_MONTHS = ("month_total_cents", "month_employer_cents", "month_credit_cents")


def with_prices(
    options: pl.DataFrame, plans: pl.DataFrame, quotes: pl.DataFrame, offers: Offers, rulebook: Rulebook
) -> pl.DataFrame:
    """Add the price of every option row.

    Shapes:  options has option (= position), plan, offer, coverage_cents, coverage_fault; plans (by
             position) has first_quote, annual_pay_cents and pay_year (see the function); quotes as
             `find_quotes` gives them. Adds PRICE_COLUMNS.
    Missing: options whose amount the person states have no price (nulls); a missing rate, amount or
             calendar gives price_fault, never 0.
    """
    rows = with_taken(options.select("plan", "offer"), offers.options, "offer", "first_cost", "costs")
    is_shared = _shared_costs(offers)
    shares = (rows["costs"] == 1) & is_shared.gather(rows["first_cost"].clip(0, max(is_shared.len() - 1, 0)))
    shared, at_shared = _shared_prices(rows, shares.arg_true(), plans, quotes, offers, rulebook)
    own = _own_prices(options, rows, (~shares).arg_true(), plans, quotes, offers, rulebook)
    prices = pl.concat([shared, own])
    position = pl.Series("price", [0], pl.UInt32).new_from_index(0, options.height)
    position = position.scatter(shares.arg_true(), at_shared)
    position = position.scatter(
        (~shares).arg_true(), pl.int_range(shared.height, prices.height, dtype=pl.UInt32, eager=True)
    )
    return options.with_columns(prices[position].get_columns())


def pay_year(group: str = "pay_group_id", year: str = "year") -> pl.Expr:
    """Pack a pay group and a calendar year into one key."""
    return pl.col(group).cast(pl.Int64) * 10_000 + pl.col(year).cast(pl.Int64)


# --- prices that people share -----------------------------------------------------------------------------


def _shared_costs(offers: Offers) -> pl.Series:
    """Whether the price of a cost depends on nothing but its cell: flat, and not per member."""
    costs = offers.costs
    if costs.is_empty():
        return pl.Series([False])
    return (costs["rate_unit"] == RateUnit.FLAT.value).fill_null(value=False) & ~costs["is_per_member"]


def _shared_prices(
    rows: pl.DataFrame,
    at: pl.Series,
    plans: pl.DataFrame,
    quotes: pl.DataFrame,
    offers: Offers,
    rulebook: Rulebook,
) -> tuple[pl.DataFrame, pl.Series]:
    """Price each distinct cost, rate and pay calendar once; and say which of them each row has."""
    chosen = rows.select("plan", "offer", cost="first_cost")[at]
    ordinal = offers.costs["unit_ordinal"].gather(chosen["cost"])
    quote = plans["first_quote"].gather(chosen["plan"]) + ordinal
    keys = chosen.select(
        "cost",
        quotes["cell"].gather(quote).fill_null(-1),
        _numbered_years(plans).gather(chosen["plan"]).alias("year_number"),
        _fault_numbers(quotes).gather(quote).alias("fault_number"),
    )
    sizes = [int(keys[name].max() or 0) + 2 for name in ("cell", "year_number", "fault_number")]  # type: ignore[call-overload]
    packed = pl.col("cost").cast(pl.Int64)
    for name, size in zip(("cell", "year_number", "fault_number"), sizes, strict=True):
        packed = packed * size + pl.col(name) + 1
    keyed = chosen.select("plan", "offer", "cost").with_columns(
        keys.select(key=packed).to_series(), quote.alias("quote")
    )
    distinct = keyed.unique("key", keep="any").with_row_index("price")
    positions = keyed.select("key").join(
        distinct.select("key", "price"), on="key", how="left", maintain_order="left"
    )
    months = _months(distinct.drop("key"), plans, quotes, offers, rulebook)
    return _priced(months, plans, offers, rulebook), positions["price"]


def _numbered_years(plans: pl.DataFrame) -> pl.Series:
    """Number the pay years from 0; -1 for none."""
    years = plans.select("pay_year").unique().drop_nulls().with_row_index("year_number")
    found = plans.select("pay_year").join(years, on="pay_year", how="left", maintain_order="left")
    return found["year_number"].cast(pl.Int64).fill_null(-1)


_FAULTS = {"area": 0, "birth": 1, "rate": 2, "coverage": 3}


def _fault_numbers(quotes: pl.DataFrame) -> pl.Series:
    return quotes["fault"].replace_strict(_FAULTS, default=-1, return_dtype=pl.Int64).fill_null(-1)


# --- prices of one's own ----------------------------------------------------------------------------------


def _own_prices(
    options: pl.DataFrame,
    rows: pl.DataFrame,
    at: pl.Series,
    plans: pl.DataFrame,
    quotes: pl.DataFrame,
    offers: Offers,
    rulebook: Rulebook,
) -> pl.DataFrame:
    """Price options row by row: several costs, rates per member, units of coverage or pay; or no cost."""
    chosen = rows[at].with_columns(
        options["coverage_cents"].gather(at), options["coverage_fault"].gather(at), row=pl.int_range(pl.len(), dtype=pl.UInt32)
    )
    costs = spread(chosen, "first_cost", "costs", "cost").drop("first_cost", "costs")
    ordinal = offers.costs["unit_ordinal"].gather(costs["cost"])
    costs = costs.with_columns((plans["first_quote"].gather(costs["plan"]) + ordinal).alias("quote"))
    months = _months(costs, plans, quotes, offers, rulebook)
    return _priced(_per_option(months, chosen), plans, offers, rulebook)


def _per_option(months: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """Add up the costs of an option; one missing part makes the whole missing. Without costs: 0."""
    columns = ("row", *_MONTHS, "has_price", "has_credit", "rate_row_id", "price_fault")
    is_single = (chosen["costs"] == 1).gather(months["row"])
    several = months.filter(~is_single)
    summed = several.group_by("row").agg(
        *(money.total(pl.col(name)).alias(name) for name in _MONTHS),
        pl.col("has_price", "has_credit").any(),
        pl.col("rate_row_id").first(),
        pl.col("price_fault").drop_nulls().first(),
    )
    found = pl.concat([months.filter(is_single).select(columns), summed.select(columns)])
    whole = chosen.select("row", "plan", "offer", "costs").join(found, on="row", how="left", maintain_order="left")
    free = pl.col("costs") == 0
    return whole.with_columns(
        *(pl.when(free).then(0).otherwise(name).alias(name) for name in _MONTHS),
        pl.col("has_price", "has_credit").fill_null(value=False),
    )


# --- a month ------------------------------------------------------------------------------------------------


def _months(
    rows: pl.DataFrame, plans: pl.DataFrame, quotes: pl.DataFrame, offers: Offers, rulebook: Rulebook
) -> pl.DataFrame:
    """Add the month of each cost: total, employer's part and credit, rate_row_id and price_fault.

    Shapes: rows has plan, offer, cost, quote; coverage_cents and coverage_fault where units of coverage count.
    """
    rows = with_taken(
        rows,
        offers.costs,
        "cost",
        *("cost_type", "rate_unit", "periods", "unit_divisor", "is_per_member", "code_offset"),
        *("employee_percent_micros", "dependent_percent_micros", "fixed_monthly_cents", "cap_monthly_cents"),
    )
    rows = with_taken(rows, quotes, "quote", "cell", "fault")
    rows = with_taken(
        rows.with_columns(cell=pl.col("cell") + pl.col("code_offset")),
        rulebook.rate_cells,
        "cell",
        *("total", "own", "rate_row_id"),
    )
    rows = rows.with_columns(fault=pl.coalesce("fault", _no_rate()))
    rows = _with_amounts(_with_members(rows, quotes, offers), plans)
    rows = _with_employer(rows)
    is_credit = pl.col("cost_type") == "C"
    return rows.with_columns(
        month_total_cents=pl.when(is_credit).then(0).otherwise("total"),
        month_employer_cents=pl.when(is_credit).then(0).otherwise("employer"),
        month_credit_cents=pl.when(is_credit).then("total").otherwise(0),
        has_price=~is_credit,
        has_credit=is_credit,
        price_fault="fault",
    )


def _no_rate() -> pl.Expr:
    return pl.when(pl.col("total").is_null()).then(pl.lit("rate"))


def _with_members(rows: pl.DataFrame, quotes: pl.DataFrame, offers: Offers) -> pl.DataFrame:
    """Replace total and own of rates per member: the employee and those the coverage code pays for."""
    at = rows["is_per_member"].arg_true()
    if at.is_empty():
        return rows
    billed = with_taken(
        rows.select("offer", "quote")[at], offers.options, "offer", *(f"{part}_max" for part in PARTS)
    )
    columns = [f"{part}_{what}" for part in PARTS for what in ("cents", "fault")]
    billed = with_taken(billed, quotes, "quote", "own_cents", "fault", *columns)
    billed = billed.with_columns(
        money.add(pl.col("own_cents"), *(_covered(part, "cents", 0) for part in PARTS)).alias("total"),
        fault=pl.coalesce("fault", *(_covered(part, "fault", None) for part in PARTS)),
    )
    return rows.with_columns(
        rows["total"].clone().scatter(at, billed["total"]),
        rows["own"].clone().scatter(at, billed["own_cents"]),
        rows["fault"].clone().scatter(at, billed["fault"]),
    )


def _covered(part: str, what: str, otherwise: int | None) -> pl.Expr:
    """What a kind of member adds, if the coverage code allows any."""
    return pl.when(pl.col(f"{part}_max") > 0).then(pl.col(f"{part}_{what}")).otherwise(otherwise)


def _with_amounts(rows: pl.DataFrame, plans: pl.DataFrame) -> pl.DataFrame:
    """Turn rates for units of coverage, or percentages of pay, into cents: rate × units × periods ÷ 12."""
    is_flat = (rows["rate_unit"] == RateUnit.FLAT.value).fill_null(value=True) | rows["is_per_member"]
    at = (~is_flat).arg_true()
    if at.is_empty():
        return rows
    other = rows[at]
    pay = take(plans, other["plan"], "annual_pay_cents")[0]
    bought = pl.when(pl.col("rate_unit") == RateUnit.PERCENT_OF_BASE).then(pay).otherwise("coverage_cents")
    other = other.with_columns(
        bought=bought, divisor=pl.col("unit_divisor") * (12 * money.MICROS_PER_CENT)
    ).with_columns(units=pl.col("bought") * pl.col("periods"))
    cents = other.select(
        *(
            money.multiply_divide_half_up(pl.col(name), pl.col("units"), pl.col("divisor")).alias(name)
            for name in ("total", "own")
        ),
        fault=pl.coalesce("fault", pl.when(pl.col("bought").is_null()).then(_no_amount())),
    )
    return rows.with_columns(rows[name].clone().scatter(at, cents[name]) for name in cents.columns)


def _no_amount() -> pl.Expr:
    """Name why there is no amount to apply a rate to."""
    return pl.coalesce("coverage_fault", pl.lit("coverage"))


def _with_employer(rows: pl.DataFrame) -> pl.DataFrame:
    """Split the month: percent of the own part, percent of the dependents' part, fixed; capped; the rest."""
    rows = rows.with_columns(
        _own=money.percent_of(pl.col("own"), pl.col("employee_percent_micros")),
        _others=money.percent_of(
            money.subtract(pl.col("total"), pl.col("own")), pl.col("dependent_percent_micros")
        ),
    )
    rows = rows.with_columns(
        _offered=money.add(pl.col("_own"), pl.col("_others"), pl.col("fixed_monthly_cents"))
    )
    capped = money.clamp(pl.col("_offered"), None, pl.col("cap_monthly_cents"))
    return rows.with_columns(employer=money.minimum(capped, pl.col("total"))).drop("_own", "_others", "_offered")


# --- year and pay -------------------------------------------------------------------------------------------


def _priced(rows: pl.DataFrame, plans: pl.DataFrame, offers: Offers, rulebook: Rulebook) -> pl.DataFrame:
    """Add the year (month × 12) and the pay (year ÷ flagged pays of the calendar year): PRICE_COLUMNS.

    Shapes: rows has plan, offer, the months of the option, has_price, has_credit.
    """
    rows = with_taken(rows, offers.options, "offer", "tax_class", "period_flags", "is_priced")
    rows = with_taken(rows, plans, "plan", "pay_year")
    stated = ~pl.col("is_priced")
    rows = rows.with_columns(
        period_flags=pl.col("period_flags").cast(pl.Int64).fill_null(EVERY_PERIOD),
        credit_flags=pl.lit(EVERY_PERIOD, pl.Int64),
        has_price=pl.col("has_price") & ~stated,
        month_total_cents=pl.when(~stated).then("month_total_cents"),
        month_employer_cents=pl.when(~stated).then("month_employer_cents"),
        price_fault=pl.when(~stated | ~pl.col("has_price")).then("price_fault"),
    )
    rows = _with_pays(_with_pays(rows, rulebook, "period_flags", "pays"), rulebook, "credit_flags", "credit_pays")
    rows = rows.with_columns(
        month_employee_cents=money.subtract(pl.col("month_total_cents"), pl.col("month_employer_cents")),
        annual_credit_cents=pl.col("month_credit_cents") * 12,
    ).with_columns(_year=pl.col("month_employee_cents") * 12)
    rows = rows.with_columns(
        _pay=_per_pay("has_price", "_year", "pays"),
        pay_credit_cents=_per_pay("has_credit", "annual_credit_cents", "credit_pays"),
    )
    is_before = (pl.col("tax_class") == TaxClass.BEFORE_TAX).fill_null(value=False)
    return rows.select(
        *MONEY_COLUMNS[:3],
        _where(is_before, "_year").alias("annual_before_tax_cents"),
        _where(~is_before, "_year").alias("annual_after_tax_cents"),
        (pl.col("month_employer_cents") * 12).alias("annual_employer_cents"),
        "annual_credit_cents",
        _where(is_before, "_pay").alias("pay_before_tax_cents"),
        _where(~is_before, "_pay").alias("pay_after_tax_cents"),
        "pay_credit_cents",
        "rate_row_id",
        price_fault=pl.coalesce("price_fault", _no_calendar()),
    ).select(PRICE_COLUMNS)


def _with_pays(rows: pl.DataFrame, rulebook: Rulebook, flags: str, into: str) -> pl.DataFrame:
    """Add how many flagged pays the calendar year has."""
    pays = rulebook.pay_counts.select(
        pay_year=pay_year(), period_flags=pl.col("period_flags").cast(pl.Int64), pays="pays"
    ).rename({"period_flags": flags, "pays": into}, strict=False)
    return rows.join(pays, on=["pay_year", flags], how="left", maintain_order="left")


def _per_pay(asked: str, year: str, pays: str) -> pl.Expr:
    """The year's amount per pay; what costs or gives nothing needs no calendar."""
    return pl.when(asked).then(money.divide_half_up(pl.col(year), pl.col(pays))).otherwise(pl.col(year))


def _where(condition: pl.Expr, column: str) -> pl.Expr:
    """The amount where the condition holds, else 0; unknown where the amount is."""
    amount = pl.col(column)
    return pl.when(condition | amount.is_null()).then(amount).otherwise(0)


def _no_calendar() -> pl.Expr:
    unpaid = pl.col("has_price") & pl.col("pays").is_null()
    uncredited = pl.col("has_credit") & pl.col("credit_pays").is_null()
    return pl.when(unpaid | uncredited).then(pl.lit("calendar"))
