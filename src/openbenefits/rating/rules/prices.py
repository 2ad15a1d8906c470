"""Prices: year and pay; the employer's part and the employee's (docs/rules.md §7).

Where a price depends on nothing but the rate found, it is computed once for all who share the rate.
"""

from functools import cache

import polars as pl

from openbenefits.core import money
from openbenefits.core.codes import TaxClass
from openbenefits.core.columns import filled, gathered, joined, located, take, true_at, with_taken
from openbenefits.programs.rulebook import Rulebook
from openbenefits.rating.rules.decided import DECIDED_AMOUNTS, decided_amounts, with_decision
from openbenefits.rating.rules.offers import Offers
from openbenefits.rating.rules.price_book import EVERY_PERIOD, FLAG_SETS, Book, costs_of, quote, quoted
from openbenefits.rating.rules.pricing import PRICINGS
from openbenefits.rating.rules.years import COVERAGE, years_of

MONEY_COLUMNS = (
    *("year_total_cents", "year_employee_cents"),
    *("annual_before_tax_cents", "annual_after_tax_cents", "annual_employer_cents", "annual_credit_cents"),
    *("pay_before_tax_cents", "pay_after_tax_cents", "pay_credit_cents"),
)
PRICE_COLUMNS = (*MONEY_COLUMNS, "rate_row_id", "price_fault")

_YEARS = ("year_total_cents", "year_employer_cents", "year_credit_cents")


def with_prices(
    options: pl.DataFrame,
    plans: pl.DataFrame,
    quotes: pl.DataFrame,
    offers: Offers,
    rulebook: Rulebook,
    bases: pl.DataFrame | None = None,
    decisions: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Add the price of every option row.

    Shapes:  options has option (= position), plan, offer, coverage_cents, premium_coverage_cents,
             coverage_fault; plans (by position) has first_quote, annual_pay_cents, birth_on, price_on and
             pay_year (see the function); quotes as `find_quotes` gives them. decisions as PRICE_DECISIONS of
             `rating.rules.decided`; plans then has case and plan_type, too. Adds PRICE_COLUMNS.
    Missing: options whose amount the person states have no price (nulls); a missing rate, amount or
             calendar gives price_fault, never 0.
    """
    book = Book(plans, quotes, offers, rulebook)
    book.bases = bases
    pricing = gathered(offers.options["pricing"], options["offer"])
    book.decided = decided_amounts(options, plans, decisions, offers)
    if book.decided is not None:
        pricing = pricing.clone().scatter(book.decided["row"], PRICINGS["decided"])
    prices, position = [_prices_without_costs()], pricing.cast(pl.UInt32)
    asked, position = _asked(options, pricing, position, prices[0].height, book)
    if asked.height:
        prices.append(_priced(_by_costs(asked, book), book))
    if book.decided is not None:
        at = book.decided["row"]
        own = pl.int_range(at.len(), dtype=pl.UInt32, eager=True)
        position = position.scatter(at, own + sum(one.height for one in prices))
        chosen = options.select("plan", "offer", *COVERAGE)[at]
        prices.append(_priced(_by_decision(chosen, book.decided, book), book))
    return options.hstack(pl.concat(prices, rechunk=True)[position].get_columns())


@cache
def _prices_without_costs() -> pl.DataFrame:
    """The price of what costs nothing, and of what the person states."""
    free = {name: [0, None] for name in MONEY_COLUMNS}
    free |= {"annual_credit_cents": [0, 0], "pay_credit_cents": [0, 0]}
    schema = {**dict.fromkeys(MONEY_COLUMNS, pl.Int64), "rate_row_id": pl.Int64, "price_fault": pl.String}
    return pl.DataFrame({**free, "rate_row_id": [None, None], "price_fault": [None, None]}, schema=schema)


# --- prices that people share -----------------------------------------------------------------------------


Distinct = tuple[pl.DataFrame, pl.Series]
"""Rows to be priced, each once, and which of them each row has."""


def _shared(chosen: pl.DataFrame, book: Book) -> Distinct:
    """Each distinct cost, rate and pay calendar once."""
    cost = gathered(book.offers.options["first_cost"], chosen["offer"]).alias("cost")
    key = _packed(chosen.hstack([cost, quote(chosen["plan"], cost, book)]), book)
    return _first_of_each(chosen.hstack([key]), ["key"], chosen.columns)


def _first_of_each(rows: pl.DataFrame, key: list[str], columns: list[str]) -> Distinct:
    """Keep the columns of a row of each key, and say which of them each row has."""
    distinct = rows.unique(key, keep="any").with_row_index("price")
    positions = joined(rows[key], distinct[[*key, "price"]], key, how="left", maintain_order="left")
    return distinct[columns], positions["price"]


def _packed(rows: pl.DataFrame, book: Book) -> pl.Series:
    """Pack cost, cell (or the reason there is none) and pay calendar into one key."""
    cells = book.cells
    numbers = pl.DataFrame(
        [
            rows["cost"].cast(pl.Int64),
            gathered(cells, rows["quote"]).alias("cell"),
            filled(gathered(book.year_numbers, rows["plan"]), book.years).alias("year"),
        ]
    )
    sizes = (int(cells.max() or 0) + 1, book.years + 1)  # type: ignore[arg-type]
    if (book.offers.costs.height + 1) * sizes[0] * sizes[1] >= 2**62:
        return numbers.select(pl.struct(pl.all()).rank("dense").alias("key")).to_series()
    return numbers.select(
        key=(pl.col("cost") * sizes[0] + pl.col("cell")) * sizes[1] + pl.col("year")
    ).to_series()


def _bundled(chosen: pl.DataFrame, book: Book) -> Distinct:
    """Each distinct option, set of rates and pay calendar once."""
    signatures = _signatures(chosen["plan"].unique(), book)
    year = gathered(book.year_numbers, chosen["plan"]).fill_null(book.years).alias("year")
    rows = joined(chosen.hstack([year]), signatures, "plan", how="left", maintain_order="left")
    return _first_of_each(rows, ["offer", "signature", "year"], chosen.columns)


def _signatures(plans: pl.Series, book: Book) -> pl.DataFrame:
    """Number what plan rows have in all their quotes: plan, signature."""
    cells = book.cells
    ends = pl.concat([book.plans["first_quote"].cast(pl.Int64), pl.Series([cells.len()], dtype=pl.Int64)])
    first = gathered(ends, plans)
    quotes = gathered(ends, plans + 1) - first
    frame = pl.DataFrame({"plan": plans, "first": first, "quotes": quotes})
    most = int(quotes.max() or 0)  # type: ignore[arg-type]
    names = [f"cell_{number}" for number in range(most)]
    for number, name in enumerate(names):
        at = frame.select(pl.when(pl.col("quotes") > number).then(pl.col("first") + number)).to_series()
        frame = frame.with_columns(gathered(cells, at).alias(name))
    distinct = frame.select(names).unique().with_row_index("signature")
    found = joined(frame, distinct, names, how="left", maintain_order="left", nulls_equal=True)
    return found[["plan", "signature"]]


# --- prices of one's own ----------------------------------------------------------------------------------


_SHARING = {"shared": _shared, "bundled": _bundled}


def _asked(
    options: pl.DataFrame, pricing: pl.Series, position: pl.Series, known: int, book: Book
) -> tuple[pl.DataFrame, pl.Series]:
    """List what is to be priced by its costs, and once what people share.

    Answers also the position of the price of each option, after those `known`.
    """
    rows = options[["plan", "offer", *COVERAGE]]
    asked = [rows.clear()]
    for name in ("shared", "bundled", "own"):
        at = true_at(pricing == PRICINGS[name])
        if at.is_empty():
            continue
        found, places = rows[at], pl.int_range(at.len(), dtype=pl.UInt32, eager=True)
        if name in _SHARING:
            found, places = _SHARING[name](found, book)
        position = position.scatter(at, places + known)
        asked.append(found)
        known += found.height
    return pl.concat(asked), position


def _by_costs(chosen: pl.DataFrame, book: Book) -> pl.DataFrame:
    """Find the years of options by their costs."""
    chosen = with_taken(chosen, book.offers.options, "offer", "first_cost", "costs")
    chosen = chosen.with_columns(row=pl.int_range(pl.len(), dtype=pl.UInt32))
    if (chosen["costs"] == 1).all():
        return years_of(quoted(chosen.with_columns(cost="first_cost"), book), book)
    return _per_option(years_of(costs_of(chosen, book), book), chosen)


def _by_decision(chosen: pl.DataFrame, decided: pl.DataFrame, book: Book) -> pl.DataFrame:
    """Find the years of options by their costs, and let what was decided take their place."""
    chosen = with_taken(chosen, book.offers.options, "offer", "first_cost", "costs")
    chosen = chosen.with_columns(row=pl.int_range(pl.len(), dtype=pl.UInt32))
    years = years_of(costs_of(chosen, book), book)
    faults = years.group_by("row").agg(
        credit_fault=pl.col("price_fault").filter(pl.col("has_credit")).drop_nulls().first()
    )
    found = joined(_per_option(years, chosen), faults, "row", how="left", maintain_order="left")
    return with_decision(found.hstack(decided.select(DECIDED_AMOUNTS)))


def _per_option(years: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """Add up the costs of an option; one missing part makes the whole missing."""
    columns = ("row", *_YEARS, "has_price", "has_credit", "rate_row_id", "price_fault")
    is_single = pl.col("costs") == 1
    summed = (
        years.filter(~is_single)
        .group_by("row")
        .agg(
            *(money.total(pl.col(name)).alias(name) for name in _YEARS),
            pl.col("has_price", "has_credit").any(),
            pl.col("rate_row_id").first(),
            pl.col("price_fault").drop_nulls().first(),
        )
    )
    found = pl.concat(
        [years.select(columns).filter(years.select(is_single).to_series()), summed.select(columns)]
    )
    at = located(chosen["row"], found["row"], chosen.height)
    return chosen[["row", "plan", "offer"]].hstack(take(found, at, *columns[1:]))


# --- year and pay -------------------------------------------------------------------------------------------


def _priced(rows: pl.DataFrame, book: Book) -> pl.DataFrame:
    """Add the pay (year ÷ flagged pays of the calendar year), and whose tax it is: PRICE_COLUMNS.

    Shapes: rows has plan, offer, the years of the option (_YEARS), has_price, has_credit.
    """
    rows = with_taken(rows, book.offers.options, "offer", "tax_class", "period_flags", "is_priced")
    stated = ~pl.col("is_priced")
    rows = rows.with_columns(
        year_number=gathered(book.year_numbers, rows["plan"]),
        has_price=pl.col("has_price") & ~stated,
        year_total_cents=pl.when(~stated).then("year_total_cents"),
        year_employer_cents=pl.when(~stated).then("year_employer_cents"),
        price_fault=pl.when(~stated | ~pl.col("has_price")).then("price_fault"),
    )
    flags = pl.col("period_flags").cast(pl.Int64).fill_null(EVERY_PERIOD)
    first = pl.col("year_number") * FLAG_SETS
    at = rows.select(pays=first + flags, credit_pays=first + EVERY_PERIOD)
    rows = rows.hstack([gathered(book.pays, at[name]).alias(name) for name in at.columns])
    rows = rows.with_columns(
        year_employee_cents=money.subtract(pl.col("year_total_cents"), pl.col("year_employer_cents"))
    )
    has_credits = rows["has_credit"].any()
    rows = rows.with_columns(
        _pay=_per_pay("has_price", "year_employee_cents", "pays"),
        pay_credit_cents=_per_pay("has_credit", "year_credit_cents", "credit_pays")
        if has_credits
        else pl.col("year_credit_cents"),
    )
    return rows.select(_price_columns())


@cache
def _price_columns() -> list[pl.Expr]:
    """PRICE_COLUMNS, of the years and pays of priced rows."""
    is_before = (pl.col("tax_class") == TaxClass.BEFORE_TAX).fill_null(value=False)
    columns = {
        "annual_before_tax_cents": _where(is_before, "year_employee_cents"),
        "annual_after_tax_cents": _where(~is_before, "year_employee_cents"),
        "annual_employer_cents": pl.col("year_employer_cents"),
        "annual_credit_cents": pl.col("year_credit_cents"),
        "pay_before_tax_cents": _where(is_before, "_pay"),
        "pay_after_tax_cents": _where(~is_before, "_pay"),
        "price_fault": pl.coalesce("price_fault", _no_calendar()),
    }
    return [columns.get(name, pl.col(name)).alias(name) for name in PRICE_COLUMNS]


@cache
def _per_pay(asked: str, year: str, pays: str) -> pl.Expr:
    """The year's amount per pay; what costs or gives nothing needs no calendar."""
    return pl.when(asked).then(money.divide_half_up(pl.col(year), pl.col(pays))).otherwise(pl.col(year))


def _where(condition: pl.Expr, column: str) -> pl.Expr:
    """The amount where the condition holds, else 0; unknown where the amount is."""
    amount = pl.col(column)
    return pl.when(condition | amount.is_null()).then(amount).otherwise(0)


@cache
def _no_calendar() -> pl.Expr:
    unpaid = pl.col("has_price") & pl.col("pays").is_null()
    uncredited = pl.col("has_credit") & pl.col("credit_pays").is_null()
    return pl.when(unpaid | uncredited).then(pl.lit("calendar"))
