"""Prices: year and pay; the employer's part and the employee's (docs/rules.md §7).

Where a price depends on nothing but the rate found, it is computed once for all who share the rate.
"""

from functools import cached_property

import polars as pl

from openbenefits.core import money
from openbenefits.core.codes import RateUnit, TaxClass
from openbenefits.core.columns import located, spread, take, with_taken
from openbenefits.programs.rulebook import Rulebook
from openbenefits.rating.rules.coverage import with_coverage
from openbenefits.rating.rules.decided import DECIDED_AMOUNTS, decided_amounts, with_decision
from openbenefits.rating.rules.offers import Offers
from openbenefits.rating.rules.pricing import PRICINGS
from openbenefits.rating.rules.quotes import no_pay_fault, states_employer
from openbenefits.rating.rules.shares import employer_share, share_with_premium

EVERY_PERIOD = 31

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
    book = _Book(plans, quotes, offers, rulebook)
    book.bases = bases
    pricing = offers.options["pricing"].gather(options["offer"])
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
        chosen = options.select("plan", "offer", *_COVERAGE)[at]
        prices.append(_priced(_by_decision(chosen, book.decided, book), book))
    return options.hstack(pl.concat(prices, rechunk=True)[position].get_columns())


def pay_year(group: str = "pay_group_id", year: str = "year") -> pl.Expr:
    """Pack a pay group and a calendar year into one key."""
    return pl.col(group).cast(pl.Int64) * 10_000 + pl.col(year).cast(pl.Int64)


def pays_of_year(plans: pl.DataFrame, rulebook: Rulebook) -> pl.Series:
    """How many pays the year of each plan row has, whatever they take; null where nothing is known.

    Shapes: plans has pay_year.
    """
    keys = plans.select("pay_year")
    counts = rulebook.pay_counts.filter(period_flags=EVERY_PERIOD).select("pays", pay_year=pay_year())
    return keys.join(counts, on="pay_year", how="left", maintain_order="left")["pays"]


FLAG_SETS = 32
_PER_COVERAGE = [RateUnit.PER_HUNDRED.value, RateUnit.PER_THOUSAND.value]
_COVERAGE = ("coverage_cents", "premium_coverage_cents", "coverage_fault")


class _Book:
    """What prices are looked up in, made ready once."""

    def __init__(self, plans: pl.DataFrame, quotes: pl.DataFrame, offers: Offers, rulebook: Rulebook) -> None:
        self.plans, self.quotes, self.offers, self.rulebook = plans, quotes, offers, rulebook
        self.bases: pl.DataFrame | None = None
        self.decided: pl.DataFrame | None = None
        years = plans.select("pay_year").unique().drop_nulls().with_row_index("year_number")
        self.years = years.height
        found = plans.select("pay_year").join(years, on="pay_year", how="left", maintain_order="left")
        self.year_numbers = found["year_number"].cast(pl.Int64)
        self.pays: pl.Series = rulebook.judged.answer_of("pays", years, lambda: _pays(years, rulebook))
        self.states_employer = states_employer(rulebook)

    @cached_property
    def cells(self) -> pl.Series:
        """The cell of each quote, from 1 on; below are the reasons why there is none."""
        cells, fault = self.quotes["cell"], self.quotes["fault"]
        if fault.null_count() < fault.len():
            faults = fault.replace_strict(_FAULTS, default=None, return_dtype=pl.Int64)
            cells = cells.fill_null(-1 - faults.fill_null(0))
        return cells.fill_null(-1) + len(_FAULTS) + 1


def _pays(years: pl.DataFrame, rulebook: Rulebook) -> pl.Series:
    """How many flagged pays there are, at year number × 32 + flags; null where nothing is known."""
    counts = rulebook.pay_counts.select("period_flags", "pays", pay_year=pay_year())
    found = counts.join(years, on="pay_year").with_columns(
        at=pl.col("year_number").cast(pl.Int64) * FLAG_SETS + pl.col("period_flags").cast(pl.Int64)
    )
    nothing = pl.Series("pays", [None], pl.Int64).new_from_index(0, (years.height + 1) * FLAG_SETS)
    return nothing.scatter(found["at"], found["pays"])


def _prices_without_costs() -> pl.DataFrame:
    """The price of what costs nothing, and of what the person states."""
    free = {name: [0, None] for name in MONEY_COLUMNS}
    free |= {"annual_credit_cents": [0, 0], "pay_credit_cents": [0, 0]}
    schema = {**dict.fromkeys(MONEY_COLUMNS, pl.Int64), "rate_row_id": pl.Int64, "price_fault": pl.String}
    return pl.DataFrame({**free, "rate_row_id": [None, None], "price_fault": [None, None]}, schema=schema)


# --- prices that people share -----------------------------------------------------------------------------


Distinct = tuple[pl.DataFrame, pl.Series]
"""Rows to be priced, each once, and which of them each row has."""


def _shared(chosen: pl.DataFrame, book: _Book) -> Distinct:
    """Each distinct cost, rate and pay calendar once."""
    cost = book.offers.options["first_cost"].gather(chosen["offer"]).alias("cost")
    key = _packed(chosen.hstack([cost, _quote(chosen["plan"], cost, book)]), book)
    return _first_of_each(chosen.hstack([key]), ["key"], chosen.columns)


def _first_of_each(rows: pl.DataFrame, key: list[str], columns: list[str]) -> Distinct:
    """Keep the columns of a row of each key, and say which of them each row has."""
    distinct = rows.unique(key, keep="any").with_row_index("price")
    positions = rows[key].join(distinct[[*key, "price"]], on=key, how="left", maintain_order="left")
    return distinct[columns], positions["price"]


def _quote(plan: pl.Series, cost: pl.Series, book: _Book) -> pl.Series:
    """Find the quote of a cost for a plan row."""
    ordinal = book.offers.costs["unit_ordinal"].gather(cost)
    return (book.plans["first_quote"].gather(plan) + ordinal).alias("quote")


def _packed(rows: pl.DataFrame, book: _Book) -> pl.Series:
    """Pack cost, cell (or the reason there is none) and pay calendar into one key."""
    cells = book.cells
    numbers = pl.DataFrame(
        [
            rows["cost"].cast(pl.Int64),
            cells.gather(rows["quote"]).alias("cell"),
            book.year_numbers.gather(rows["plan"]).fill_null(book.years).alias("year"),
        ]
    )
    sizes = (int(cells.max() or 0) + 1, book.years + 1)  # type: ignore[arg-type]
    if (book.offers.costs.height + 1) * sizes[0] * sizes[1] >= 2**62:
        return numbers.select(pl.struct(pl.all()).rank("dense").alias("key")).to_series()
    return numbers.select(
        key=(pl.col("cost") * sizes[0] + pl.col("cell")) * sizes[1] + pl.col("year")
    ).to_series()


def _bundled(chosen: pl.DataFrame, book: _Book) -> Distinct:
    """Each distinct option, set of rates and pay calendar once."""
    signatures = _signatures(chosen["plan"].unique(), book)
    year = book.year_numbers.gather(chosen["plan"]).fill_null(book.years).alias("year")
    rows = chosen.hstack([year]).join(signatures, on="plan", how="left", maintain_order="left")
    return _first_of_each(rows, ["offer", "signature", "year"], chosen.columns)


def _signatures(plans: pl.Series, book: _Book) -> pl.DataFrame:
    """Number what plan rows have in all their quotes: plan, signature."""
    cells = book.cells
    ends = pl.concat([book.plans["first_quote"].cast(pl.Int64), pl.Series([cells.len()], dtype=pl.Int64)])
    first = ends.gather(plans)
    quotes = ends.gather(plans + 1) - first
    frame = pl.DataFrame({"plan": plans, "first": first, "quotes": quotes})
    most = int(quotes.max() or 0)  # type: ignore[arg-type]
    names = [f"cell_{number}" for number in range(most)]
    for number, name in enumerate(names):
        at = frame.select(pl.when(pl.col("quotes") > number).then(pl.col("first") + number)).to_series()
        frame = frame.with_columns(cells.gather(at).alias(name))
    distinct = frame.select(names).unique().with_row_index("signature")
    found = frame.join(distinct, on=names, how="left", maintain_order="left", nulls_equal=True)
    return found.select("plan", "signature")


_FAULTS = {"area": 1, "birth": 2, "rate": 3, "coverage": 4, "calculation": 5, "nobody": 6, "calendar": 7}


# --- prices of one's own ----------------------------------------------------------------------------------


_SHARING = {"shared": _shared, "bundled": _bundled}


def _asked(
    options: pl.DataFrame, pricing: pl.Series, position: pl.Series, known: int, book: _Book
) -> tuple[pl.DataFrame, pl.Series]:
    """List what is to be priced by its costs, and once what people share.

    Answers also the position of the price of each option, after those `known`.
    """
    rows = options[["plan", "offer", *_COVERAGE]]
    asked = [rows.clear()]
    for name in ("shared", "bundled", "own"):
        at = (pricing == PRICINGS[name]).arg_true()
        if at.is_empty():
            continue
        found, places = rows[at], pl.int_range(at.len(), dtype=pl.UInt32, eager=True)
        if name in _SHARING:
            found, places = _SHARING[name](found, book)
        position = position.scatter(at, places + known)
        asked.append(found)
        known += found.height
    return pl.concat(asked), position


def _by_costs(chosen: pl.DataFrame, book: _Book) -> pl.DataFrame:
    """Find the years of options by their costs."""
    chosen = with_taken(chosen, book.offers.options, "offer", "first_cost", "costs")
    chosen = chosen.with_columns(row=pl.int_range(pl.len(), dtype=pl.UInt32))
    if (chosen["costs"] == 1).all():
        return _years(_quoted(chosen.rename({"first_cost": "cost"}), book), book)
    return _per_option(_years(_costs_of(chosen, book), book), chosen)


def _by_decision(chosen: pl.DataFrame, decided: pl.DataFrame, book: _Book) -> pl.DataFrame:
    """Find the years of options by their costs, and let what was decided take their place."""
    chosen = with_taken(chosen, book.offers.options, "offer", "first_cost", "costs")
    chosen = chosen.with_columns(row=pl.int_range(pl.len(), dtype=pl.UInt32))
    years = _years(_costs_of(chosen, book), book)
    faults = years.group_by("row").agg(
        credit_fault=pl.col("price_fault").filter(pl.col("has_credit")).drop_nulls().first()
    )
    found = _per_option(years, chosen).join(faults, on="row", how="left", maintain_order="left")
    return with_decision(found.hstack(decided.select(DECIDED_AMOUNTS)))


def _costs_of(chosen: pl.DataFrame, book: _Book) -> pl.DataFrame:
    """List the costs of options, with their quotes."""
    return _quoted(spread(chosen, "first_cost", "costs", "cost").drop("first_cost"), book)


def _quoted(costs: pl.DataFrame, book: _Book) -> pl.DataFrame:
    return costs.hstack([_quote(costs["plan"], costs["cost"], book)])


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
    return chosen.select("row", "plan", "offer").hstack(take(found, at, *columns[1:]))


# --- a year ------------------------------------------------------------------------------------------------


def _years(rows: pl.DataFrame, book: _Book) -> pl.DataFrame:
    """Add the year of each cost: total, employer's part and credit, rate_row_id and price_fault.

    Shapes: rows has plan, offer, cost, quote; and, for units of coverage, _COVERAGE.
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


def _charged(rows: pl.DataFrame, book: _Book) -> pl.DataFrame:
    """Add what each cost charges a year: total, own, fault, rate_row_id; `employer` if rates state it."""
    columns = ("cost_type", "rate_unit", "is_per_member", "code_offset")
    rows = with_taken(rows, book.offers.costs, "cost", *columns)
    rows = with_taken(rows, book.quotes, "quote", "cell", "fault")
    wanted = ["total", "own", "rate_row_id", *(["employer"] if book.states_employer else [])]
    rates = take(book.rulebook.rate_cells, rows["cell"] + rows["code_offset"], *wanted)
    rows = rows.drop("cell", "code_offset").with_columns(rates)
    no_rate = pl.when(pl.col("total").is_null()).then(pl.lit("rate"))
    rows = rows.with_columns(fault=pl.coalesce("fault", no_rate))
    return _without_own_part(_with_amounts(_with_members(rows, book), book), book)


def _with_members(rows: pl.DataFrame, book: _Book) -> pl.DataFrame:
    """Replace total and own of rates per member: the employee and those the coverage code pays for."""
    at = rows["is_per_member"].arg_true()
    if at.is_empty():
        return rows
    billed = rows.select("offer", "quote")[at]
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


def _own_employer(rows: pl.DataFrame, billed: pl.DataFrame, at: pl.Series, book: _Book) -> pl.Series:
    """What the employer pays of the employee's rate: nothing, if the table says it and the code covers
    only others; null where the table does not say.
    """
    table = book.offers.costs["rate_version"].gather(rows["cost"].gather(at))
    says = book.rulebook.rate_tables["states_employer"].gather(table).alias("says")
    known = billed.select("covers_employee", "own_employer").with_columns(says)
    is_left_out = ~pl.col("covers_employee") & pl.col("says")
    return known.select(
        pl.when(is_left_out).then(0).otherwise("own_employer").alias("own_employer")
    ).to_series()


def _covered(part: str, what: str, otherwise: int | None) -> pl.Expr:
    """What a kind of member adds, if the coverage code allows any."""
    return pl.when(pl.col(f"{part}_max") > 0).then(pl.col(f"{part}_{what}")).otherwise(otherwise)


def _without_own_part(rows: pl.DataFrame, book: _Book) -> pl.DataFrame:
    """Leave no own part where the coverage code does not cover the employee: all is the dependents'."""
    options = book.offers.options
    if options["covers_employee"].all():
        return rows
    is_covered = options["covers_employee"].gather(rows["offer"])
    own = pl.when(is_covered | pl.col("own").is_null()).then("own").otherwise(0)
    return rows.with_columns(own=own)


def _replaced(whole: pl.Series, at: pl.Series, values: pl.Series) -> pl.Series:
    """Put values at positions of a column."""
    return values.alias(whole.name) if at.len() == whole.len() else whole.clone().scatter(at, values)


def _with_amounts(rows: pl.DataFrame, book: _Book) -> pl.DataFrame:
    """Turn rates for units of coverage, or percentages of pay, into cents of a year (`_for_units`)."""
    is_flat = (rows["rate_unit"] == RateUnit.FLAT.value).fill_null(value=True) | rows["is_per_member"]
    at = (~is_flat).arg_true()
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


def _for_units(rate: str) -> pl.Expr:
    """A year's price: rounded is that of a period of the table, or the year (docs/rules.md §7.2)."""
    price = money.multiply_divide_half_up(pl.col(rate), pl.col("units"), pl.col("divisor"))
    return price * pl.col("periods")


# --- who pays -----------------------------------------------------------------------------------------------


def _with_employer(rows: pl.DataFrame, book: _Book) -> pl.DataFrame:
    """Add the employer's part of the year: by the coverage, or by what the employee pays for."""
    return _with_premium_share(_given(rows, book), book)


def _given(rows: pl.DataFrame, book: _Book) -> pl.DataFrame:
    """Add `employer`: what the rates say, else the contribution; unknown if measured by an unknown price."""
    costs = book.offers.costs
    gives = costs["has_contribution"].gather(rows["cost"])
    share = pl.when(pl.col("total").is_not_null()).then(0).cast(pl.Int64)
    if book.states_employer:
        gives = gives & rows["employer"].is_null()
        stated = money.minimum(pl.col("employer"), pl.col("total"))
        share = pl.when(pl.col("employer").is_not_null()).then(stated).otherwise(share)
    rows = rows.with_columns(employer=share)
    at = gives.arg_true()
    if at.is_empty():
        return rows
    giving = _with_measure(rows.select("plan", "cost", "total", "own", "fault")[at], book)
    found = _known(giving, employer_share(giving, costs), giving["fault"])
    return rows.with_columns(_replaced(rows[name], at, found[name]) for name in found.columns)


def _with_measure(rows: pl.DataFrame, book: _Book) -> pl.DataFrame:
    """Replace, where another option's price measures the contribution, what percentages are taken of.

    Adds measure_total and measure_own.
    """
    rows = rows.with_columns(measure_total="total", measure_own="own")
    at = book.offers.costs["has_reference"].gather(rows["cost"]).arg_true()
    if at.is_empty():
        return rows
    asked = with_taken(rows.select("plan", "cost", "fault")[at], book.offers.costs, "cost", "reference_offer")
    asked = asked.select("plan", "fault", offer="reference_offer")
    priced = _reference_prices(asked.select("plan", "offer").drop_nulls().unique(maintain_order=True), book)
    found = asked.join(priced, on=["plan", "offer"], how="left", maintain_order="left")
    unknown = pl.when(pl.col("measure_total").is_null()).then(pl.lit("contribution"))
    found = found.with_columns(fault=pl.coalesce("fault", "measure_fault", unknown))
    return rows.with_columns(
        _replaced(rows[name], at, found[name]) for name in ("measure_total", "measure_own", "fault")
    )


def _reference_prices(rows: pl.DataFrame, book: _Book) -> pl.DataFrame:
    """Price options by which contributions are measured: all their costs, whoever may have them."""
    rows = with_coverage(rows, book.plans, book.offers, book.rulebook, book.bases)
    rows = with_taken(rows, book.offers.options, "offer", "first_cost", "costs")
    costs = _charged(_costs_of(rows, book), book)
    summed = costs.filter(cost_type="P").group_by("plan", "offer", maintain_order=True)
    return summed.agg(
        measure_total=money.total(pl.col("total")),
        measure_own=money.total(pl.col("own")),
        measure_fault=pl.col("fault").drop_nulls().first(),
    )


def _with_premium_share(rows: pl.DataFrame, book: _Book) -> pl.DataFrame:
    """Let the employee pay by the premium coverage, where an option has one, and the employer the rest."""
    has_premium = book.offers.options["has_premium"].gather(rows["offer"])
    at = (has_premium & (rows["cost_type"] == "P") & rows["rate_unit"].is_in(_PER_COVERAGE)).arg_true()
    if at.is_empty():
        return rows
    asked = rows.select("plan", "offer", "cost", "quote", *_COVERAGE, "total", "fault")[at]
    premium = asked.select("plan", "offer", "cost", "quote", "coverage_fault").with_columns(
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


# --- year and pay -------------------------------------------------------------------------------------------


def _priced(rows: pl.DataFrame, book: _Book) -> pl.DataFrame:
    """Add the pay (year ÷ flagged pays of the calendar year), and whose tax it is: PRICE_COLUMNS.

    Shapes: rows has plan, offer, the years of the option (_YEARS), has_price, has_credit.
    """
    rows = with_taken(rows, book.offers.options, "offer", "tax_class", "period_flags", "is_priced")
    stated = ~pl.col("is_priced")
    rows = rows.with_columns(
        year_number=book.year_numbers.gather(rows["plan"]),
        has_price=pl.col("has_price") & ~stated,
        year_total_cents=pl.when(~stated).then("year_total_cents"),
        year_employer_cents=pl.when(~stated).then("year_employer_cents"),
        price_fault=pl.when(~stated | ~pl.col("has_price")).then("price_fault"),
    )
    flags = pl.col("period_flags").cast(pl.Int64).fill_null(EVERY_PERIOD)
    first = pl.col("year_number") * FLAG_SETS
    at = rows.select(pays=first + flags, credit_pays=first + EVERY_PERIOD)
    rows = rows.with_columns(book.pays.gather(at[name]).alias(name) for name in at.columns)
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
    is_before = (pl.col("tax_class") == TaxClass.BEFORE_TAX).fill_null(value=False)
    return rows.select(
        *MONEY_COLUMNS[:2],
        _where(is_before, "year_employee_cents").alias("annual_before_tax_cents"),
        _where(~is_before, "year_employee_cents").alias("annual_after_tax_cents"),
        pl.col("year_employer_cents").alias("annual_employer_cents"),
        pl.col("year_credit_cents").alias("annual_credit_cents"),
        _where(is_before, "_pay").alias("pay_before_tax_cents"),
        _where(~is_before, "_pay").alias("pay_after_tax_cents"),
        "pay_credit_cents",
        "rate_row_id",
        price_fault=pl.coalesce("price_fault", _no_calendar()),
    ).select(PRICE_COLUMNS)


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
