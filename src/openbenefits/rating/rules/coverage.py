"""Coverage amounts: fixed, or by a formula on pay (docs/rules.md §6)."""

import polars as pl

from openbenefits.core import days, money
from openbenefits.core.columns import take, with_taken
from openbenefits.programs.rulebook import Rulebook
from openbenefits.rating.rules.offers import Offers


def with_coverage(
    options: pl.DataFrame, plans: pl.DataFrame, offers: Offers, rulebook: Rulebook
) -> pl.DataFrame:
    """Add coverage_cents and coverage_fault to option rows, whose order is kept.

    Shapes:  options has plan (position in plans) and offer; plans has annual_pay_cents, birth_on, price_on.
    Missing: no coverage amount applies → null; a formula that lacks a fact → null too, and coverage_fault
             says which: 'birth', or 'coverage' (the pay, or a formula that holds on the day).
    """
    fixed, has_formula = take(offers.options, options["offer"], "fixed_coverage_cents", "has_formula")
    rows = options.with_columns(fixed.alias("coverage_cents"), coverage_fault=pl.lit(None, pl.String))
    at = has_formula.arg_true()
    if at.is_empty():
        return rows
    computed = _by_formula(options.select("plan", "offer")[at], plans, offers, rulebook)
    return rows.with_columns(
        rows[name].clone().scatter(at, computed[name]) for name in ("coverage_cents", "coverage_fault")
    )


def _by_formula(rows: pl.DataFrame, plans: pl.DataFrame, offers: Offers, rulebook: Rulebook) -> pl.DataFrame:
    """Base, cap, steps in order, age reduction, minimum and maximum: coverage_cents and coverage_fault."""
    rows = with_taken(rows, offers.options, "offer", "formula_row")
    formed = with_taken(rows, plans, "plan", "annual_pay_cents", "birth_on", "price_on")
    formed = with_taken(
        formed,
        rulebook.formulas,
        "formula_row",
        *("pay_divisor", "base_cap_cents", "minimum_cents", "maximum_cents"),
    )
    base = money.divide_half_up(pl.col("annual_pay_cents"), pl.col("pay_divisor").cast(pl.Int64))
    formed = formed.with_columns(amount=money.clamp(base, None, pl.col("base_cap_cents")))
    formed = _with_reduction(_with_steps(formed, rulebook), rulebook)
    bounded = money.clamp(pl.col("amount"), pl.col("minimum_cents"), pl.col("maximum_cents"))
    is_known = pl.col("annual_pay_cents").is_not_null() & pl.col("pay_divisor").is_not_null()
    return formed.select(
        coverage_cents=bounded,
        coverage_fault=pl.when(pl.col("amount").is_null()).then(
            pl.when(is_known).then(pl.lit("birth")).otherwise(pl.lit("coverage"))
        ),
    )


_STEP = ("operation", "operand_thousandths", "round_up_cents", "round_to_cents")


def _with_steps(rows: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Apply the n-th step of every formula together; formulas with fewer steps stay as they are."""
    steps = rulebook.formula_steps.select("formula_row", "step", *_STEP)
    for number in range(_longest(steps)):
        nth = rulebook.formulas.select("formula_row").join(
            steps.filter(step=number), on="formula_row", how="left", maintain_order="left"
        )
        rows = with_taken(rows, nth, "formula_row", *_STEP)
        rows = rows.with_columns(amount=_stepped()).drop(_STEP)
    return rows


def _longest(steps: pl.DataFrame) -> int:
    return 0 if steps.is_empty() else int(steps["step"].max()) + 1  # type: ignore[arg-type]


def _stepped() -> pl.Expr:
    """The amount after one step."""
    amount, operation = pl.col("amount"), pl.col("operation")
    factor = pl.col("operand_thousandths")
    added = money.divide_half_up(factor.fill_null(0), 1000)
    rounded = money.round_to_multiple(
        amount, pl.col("round_up_cents").fill_null(0), pl.col("round_to_cents").fill_null(0)
    )
    return (
        pl.when(amount.is_null())
        .then(None)
        .when(operation == "multiply")
        .then(money.multiply_divide_half_up(amount, factor.fill_null(1000), 1000))
        .when(operation == "add")
        .then(money.add(amount, added))
        .when(operation == "set")
        .then(added)
        .when(operation == "round")
        .then(rounded)
        .otherwise(amount)
    )


def _with_reduction(rows: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Take off the reduction of the highest age reached."""
    bands = rulebook.age_reductions.select("formula_row", "age_from", "reduce_percent_micros")
    if bands.is_empty() or rows.is_empty():
        return rows
    aged = rows.with_columns(age=days.age_years(pl.col("birth_on"), pl.col("price_on")).cast(pl.Int16))
    pairs = aged.select("formula_row", "age").drop_nulls().unique()
    reached = pairs.join(bands, on="formula_row").filter(pl.col("age_from") <= pl.col("age"))
    best = reached.sort("age_from").unique(["formula_row", "age"], keep="last")
    best = best.select("formula_row", "age", "reduce_percent_micros")
    rows = aged.join(best, on=["formula_row", "age"], how="left", maintain_order="left")
    off = money.percent_of(pl.col("amount"), pl.col("reduce_percent_micros").fill_null(0))
    is_age_needed = pl.col("formula_row").is_in(bands["formula_row"].unique().implode())
    reduced = pl.when(~is_age_needed | pl.col("age").is_not_null()).then(
        money.subtract(pl.col("amount"), off)
    )
    return rows.with_columns(amount=reduced)
