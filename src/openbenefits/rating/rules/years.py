"""The year of a cost: what rates charge, and who pays of it (docs/rules.md §7.2, §7.5)."""

from functools import cache

import polars as pl

from openbenefits.core import money
from openbenefits.core.codes import RateUnit
from openbenefits.core.columns import cut, filled, gathered, joined, take, true_at, with_taken
from openbenefits.rating.rules.coverage import with_coverage
from openbenefits.rating.rules.price_book import Book, costs_of
from openbenefits.rating.rules.quotes import no_pay_fault
from openbenefits.rating.rules.shares import employer_share, share_with_premium

COVERAGE = ("coverage_cents", "premium_coverage_cents", "coverage_fault")
_PER_COVERAGE = [RateUnit.PER_HUNDRED.value, RateUnit.PER_THOUSAND.value]


def years_of(rows: pl.DataFrame, book: Book) -> pl.DataFrame:
    """Add the year of each cost: total, employer's part and credit, rate_row_id and price_fault.

    Shapes: rows has plan, offer, cost, quote; and, for units of coverage, COVERAGE.
    """
    rows = _charged(rows, book)
    rows = _with_employer(rows, book)
    is_credit = pl.col("cost_type") == "C"
    return rows.with_columns(
        year_total_cents=pl.when(is_credit).then(0).otherwise("total"),
        year_employer_cents=pl.when(is_credit).then(0).otherwise("employer"),
        year_credit_cents=pl.when(is_credit).then("total").otherwise(0),
        has_price=~is_credit,
        has_credit=is_credit,
        price_fault="fault",
    )


def _charged(rows: pl.DataFrame, book: Book) -> pl.DataFrame:
    """Add what each cost charges a year: total, own, fault, rate_row_id; `employer` if rates state it."""
    columns = ("cost_type", "rate_unit", "is_per_member", "code_offset")
    rows = with_taken(rows, book.offers.costs, "cost", *columns)
    rows = with_taken(rows, book.quotes, "quote", "cell", "fault")
    wanted = ["total", "own", "rate_row_id", *(["employer"] if book.states_employer else [])]
    rates = take(book.rulebook.rate_cells, rows["cell"] + rows["code_offset"], *wanted)
    rows = cut(rows, "cell", "code_offset").with_columns(rates)
    no_rate = pl.when(pl.col("total").is_null()).then(pl.lit("rate"))
    rows = rows.with_columns(fault=pl.coalesce("fault", no_rate))
    return _without_own_part(_with_amounts(_with_members(rows, book), book), book)


def _with_members(rows: pl.DataFrame, book: Book) -> pl.DataFrame:
    """Replace total and own of rates per member: the employee and those the coverage code pays for."""
    at = true_at(rows["is_per_member"])
    if at.is_empty():
        return rows
    billed = rows[["offer", "quote"]][at]
    kinds = book.offers.kinds
    most = (f"{kind}_max" for kind in kinds)
    billed = with_taken(billed, book.offers.options, "offer", "covers_employee", *most)
    whats = ["cents", "fault", *(["employer"] if book.states_employer else [])]
    columns = [f"{kind}_{what}" for kind in kinds for what in whats]
    own = ["own_cents", *(["own_employer"] if book.states_employer else [])]
    billed = with_taken(billed, book.quotes, "quote", *own, "fault", *columns)
    is_covered = pl.col("covers_employee")
    is_shared_fault = is_covered | pl.col("fault").is_in(["area", "calculation"])  # of all members alike
    is_late = pl.col("fault") == "calendar"  # so is a day without a pay period
    otherwise = pl.when(is_late).then("fault").otherwise(pl.lit("rate"))
    if book.states_employer:
        billed = billed.with_columns(own_employer=_own_employer(rows, billed, at, book))
    billed = billed.with_columns(
        own_cents=pl.when(is_covered).then("own_cents").otherwise(0),
        fault=pl.when(is_shared_fault).then("fault"),
        _otherwise=otherwise,
    )
    why = pl.coalesce("fault", *(_covered(kind, "fault", None) for kind in kinds))
    employer = money.add(pl.col(own[-1]), *(_covered(kind, "employer", 0) for kind in kinds))
    billed = billed.select(
        *([employer.alias("employer")] if book.states_employer else []),
        money.add(pl.col("own_cents"), *(_covered(kind, "cents", 0) for kind in kinds)).alias("total"),
        fault=pl.when(why == "rate").then("_otherwise").otherwise(why),
        own="own_cents",
    )
    return rows.with_columns(_replaced(rows[name], at, billed[name]) for name in billed.columns)


def _own_employer(rows: pl.DataFrame, billed: pl.DataFrame, at: pl.Series, book: Book) -> pl.Series:
    """What the employer pays of the employee's rate: nothing, if the table says it and the code covers
    only others; null where the table does not say.
    """
    table = gathered(book.offers.costs["rate_version"], gathered(rows["cost"], at))
    says = gathered(book.rulebook.rate_tables["states_employer"], table).alias("says")
    known = billed[["covers_employee", "own_employer"]].with_columns(says)
    is_left_out = ~pl.col("covers_employee") & pl.col("says")
    return known.select(
        pl.when(is_left_out).then(0).otherwise("own_employer").alias("own_employer")
    ).to_series()


@cache
def _covered(part: str, what: str, otherwise: int | None) -> pl.Expr:
    """What a kind of member adds, if the coverage code allows any."""
    return pl.when(pl.col(f"{part}_max") > 0).then(pl.col(f"{part}_{what}")).otherwise(otherwise)


def _without_own_part(rows: pl.DataFrame, book: Book) -> pl.DataFrame:
    """Leave no own part where the coverage code does not cover the employee: all is the dependents'."""
    options = book.offers.options
    if options["covers_employee"].all():
        return rows
    is_covered = gathered(options["covers_employee"], rows["offer"])
    own = pl.when(is_covered | pl.col("own").is_null()).then("own").otherwise(0)
    return rows.with_columns(own=own)


def _replaced(whole: pl.Series, at: pl.Series, values: pl.Series) -> pl.Series:
    """Put values at positions of a column."""
    return values.alias(whole.name) if at.len() == whole.len() else whole.clone().scatter(at, values)


def _with_amounts(rows: pl.DataFrame, book: Book) -> pl.DataFrame:
    """Turn rates for units of coverage, or percentages of pay, into cents of a year (`_for_units`)."""
    is_flat = filled(rows["rate_unit"] == RateUnit.FLAT.value, value=True) | rows["is_per_member"]
    at = true_at(~is_flat)
    if at.is_empty():
        return rows
    other = with_taken(rows[at], book.offers.costs, "cost", "times", "periods", "unit_divisor")
    ruled = [name for name in ("is_pay_day_missing",) if name in book.quotes.columns]
    if ruled:
        pay = take(book.quotes, other["quote"], "annual_pay_cents")[0]
        other = with_taken(other, book.quotes, "quote", *ruled)
    else:
        pay = take(book.plans, other["plan"], "annual_pay_cents")[0]
    is_percent = pl.col("rate_unit") == RateUnit.PERCENT_OF_BASE
    other = other.with_columns(
        bought=pl.when(is_percent).then(pay).otherwise("coverage_cents"),
        divisor=pl.col("unit_divisor") * money.MICROS_PER_CENT,
    ).with_columns(units=pl.col("bought") * pl.col("times"))
    no_amount = (
        pl.when(is_percent)
        .then(no_pay_fault(other))
        .otherwise(pl.coalesce("coverage_fault", pl.lit("coverage")))
    )
    answers = [
        *other.select(fault=pl.coalesce("fault", pl.when(pl.col("bought").is_null()).then(no_amount))),
        *other.select(total=_for_units("total")),
    ]
    if book.states_employer:
        answers.append(other.select(employer=_for_units("employer")).to_series())
    is_own_all = (other["own"] == other["total"]).all()
    own = answers[1].alias("own") if is_own_all else other.select(own=_for_units("own")).to_series()
    answers.append(own)
    return rows.with_columns(_replaced(rows[one.name], at, one) for one in answers)


@cache
def _for_units(rate: str) -> pl.Expr:
    """A year's price: rounded is that of a period of the table, or the year (docs/rules.md §7.2)."""
    price = money.multiply_divide_half_up(pl.col(rate), pl.col("units"), pl.col("divisor"))
    return price * pl.col("periods")


# --- who pays -----------------------------------------------------------------------------------------------


def _with_employer(rows: pl.DataFrame, book: Book) -> pl.DataFrame:
    """Add the employer's part of the year: by the coverage, or by what the employee pays for."""
    return _with_premium_share(_given(rows, book), book)


def _given(rows: pl.DataFrame, book: Book) -> pl.DataFrame:
    """Add `employer`: what the rates say, else the contribution; unknown if measured by an unknown price."""
    costs = book.offers.costs
    gives = gathered(costs["has_contribution"], rows["cost"])
    share = pl.when(pl.col("total").is_not_null()).then(0).cast(pl.Int64)
    if book.states_employer:
        gives = gives & rows["employer"].is_null()
        stated = money.minimum(pl.col("employer"), pl.col("total"))
        share = pl.when(pl.col("employer").is_not_null()).then(stated).otherwise(share)
    rows = rows.with_columns(employer=share)
    at = true_at(gives)
    if at.is_empty():
        return rows
    giving = _with_measure(rows[["plan", "cost", "total", "own", "fault"]][at], book)
    found = _known(giving, employer_share(giving, costs), giving["fault"])
    return rows.with_columns(_replaced(rows[name], at, found[name]) for name in found.columns)


def _with_measure(rows: pl.DataFrame, book: Book) -> pl.DataFrame:
    """Replace, where another option's price measures the contribution, what percentages are taken of.

    Adds measure_total and measure_own.
    """
    rows = rows.with_columns(measure_total="total", measure_own="own")
    at = true_at(gathered(book.offers.costs["has_reference"], rows["cost"]))
    if at.is_empty():
        return rows
    asked = with_taken(rows[["plan", "cost", "fault"]][at], book.offers.costs, "cost", "reference_offer")
    asked = asked.select("plan", "fault", offer="reference_offer")
    priced = _reference_prices(asked[["plan", "offer"]].drop_nulls().unique(maintain_order=True), book)
    found = joined(asked, priced, ["plan", "offer"], how="left", maintain_order="left")
    unknown = pl.when(pl.col("measure_total").is_null()).then(pl.lit("contribution"))
    found = found.with_columns(fault=pl.coalesce("fault", "measure_fault", unknown))
    return rows.with_columns(
        _replaced(rows[name], at, found[name]) for name in ("measure_total", "measure_own", "fault")
    )


def _reference_prices(rows: pl.DataFrame, book: Book) -> pl.DataFrame:
    """Price options by which contributions are measured: all their costs, whoever may have them."""
    rows = with_coverage(rows, book.plans, book.offers, book.rulebook, book.bases)
    rows = with_taken(rows, book.offers.options, "offer", "first_cost", "costs")
    costs = _charged(costs_of(rows, book), book)
    summed = costs.filter(cost_type="P").group_by("plan", "offer", maintain_order=True)
    return summed.agg(
        measure_total=money.total(pl.col("total")),
        measure_own=money.total(pl.col("own")),
        measure_fault=pl.col("fault").drop_nulls().first(),
    )


def _with_premium_share(rows: pl.DataFrame, book: Book) -> pl.DataFrame:
    """Let the employee pay by the premium coverage, where an option has one, and the employer the rest."""
    has_premium = gathered(book.offers.options["has_premium"], rows["offer"])
    at = true_at(has_premium & (rows["cost_type"] == "P") & rows["rate_unit"].is_in(_PER_COVERAGE))
    if at.is_empty():
        return rows
    asked = rows.select("plan", "offer", "cost", "quote", *COVERAGE, "total", "fault")[at]
    premium = asked[["plan", "offer", "cost", "quote", "coverage_fault"]].with_columns(
        asked.select(
            coverage_cents=money.minimum(pl.col("premium_coverage_cents"), pl.col("coverage_cents"))
        ).to_series()
    )
    premium = _given(_charged(premium, book), book)
    employer = share_with_premium(asked["total"], premium["total"], premium["employer"])
    share = _known(asked, employer, premium["fault"])
    return rows.with_columns(_replaced(rows[name], at, share[name]) for name in share.columns)


def _known(rows: pl.DataFrame, employer: pl.Series, fault: pl.Series) -> pl.DataFrame:
    """Answer total, employer and fault; where the employer's part is not known, the total is none either."""
    found = rows.select("total", first_fault="fault").with_columns(
        employer.alias("employer"), fault.alias("fault")
    )
    return found.select(
        "employer",
        total=pl.when(pl.col("employer").is_not_null()).then("total"),
        fault=pl.coalesce("first_fault", "fault"),
    )
