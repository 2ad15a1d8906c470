"""Coverage amounts: fixed, or by a formula on pay; of the coverage and of the premium (docs/rules.md §6)."""

from functools import cache

import polars as pl

from openbenefits.core import days, money
from openbenefits.core.columns import gathered, joined, take, true_at, with_taken
from openbenefits.programs.rulebook import Rulebook
from openbenefits.rating.rules.bases import with_base_pay
from openbenefits.rating.rules.offers import Offers


def with_coverage(
    options: pl.DataFrame,
    plans: pl.DataFrame,
    offers: Offers,
    rulebook: Rulebook,
    bases: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Add coverage_cents, premium_coverage_cents and coverage_fault to option rows, whose order is kept.

    Shapes:  options has plan (position in plans) and offer; plans has annual_pay_cents, birth_on, price_on;
             and case, where a formula takes other pay than the event's primary job's, of `bases` (BASE_PAY).
             The premium coverage is what the employee's price is reckoned by, if by another formula.
    Missing: no coverage amount applies → null; a formula that lacks a fact → null too, and coverage_fault
             says which: 'birth', or 'coverage' (the pay, or a formula that holds on the day).
    """
    rows = _with_coverage(options, plans, offers, rulebook, bases)
    at = true_at(gathered(offers.options["has_premium"], options["offer"]))
    rows = rows.with_columns(premium_coverage_cents=pl.lit(None, pl.Int64))
    if at.is_empty():
        return rows
    asked = with_taken(options[["plan", "offer"]][at], offers.options, "offer", "premium_formula_row")
    premium = _by_formula(asked.rename({"premium_formula_row": "formula_row"}), plans, rulebook, bases)
    whole = rows.select(whole_cents="coverage_cents", whole_fault="coverage_fault")[at]
    bounded = premium.with_columns(whole.get_columns()).select(
        cents=money.minimum(pl.col("coverage_cents"), pl.col("whole_cents")),
        fault=pl.coalesce("whole_fault", "coverage_fault"),
    )
    return rows.with_columns(
        rows["premium_coverage_cents"].clone().scatter(at, bounded["cents"]),
        rows["coverage_fault"].clone().scatter(at, bounded["fault"]),
    )


def _with_coverage(
    options: pl.DataFrame,
    plans: pl.DataFrame,
    offers: Offers,
    rulebook: Rulebook,
    bases: pl.DataFrame | None,
) -> pl.DataFrame:
    fixed, has_formula = take(offers.options, options["offer"], "fixed_coverage_cents", "has_formula")
    rows = options.with_columns(fixed.alias("coverage_cents"), coverage_fault=pl.lit(None, pl.String))
    at = true_at(has_formula)
    if at.is_empty():
        return rows
    asked = with_taken(options[["plan", "offer"]][at], offers.options, "offer", "formula_row")
    computed = _by_formula(asked, plans, rulebook, bases)
    return rows.with_columns(
        rows[name].clone().scatter(at, computed[name]) for name in ("coverage_cents", "coverage_fault")
    )


def _by_formula(
    rows: pl.DataFrame, plans: pl.DataFrame, rulebook: Rulebook, bases: pl.DataFrame | None
) -> pl.DataFrame:
    """Base, cap, steps in order, age reduction, minimum and maximum: coverage_cents and coverage_fault.

    Shapes: rows has plan and formula_row.
    """
    formed = with_taken(rows, plans, "plan", "annual_pay_cents", "birth_on", "price_on")
    formed = with_taken(
        formed,
        rulebook.formulas,
        "formula_row",
        *("pay_divisor", "base_cap_cents", "minimum_cents", "maximum_cents"),
    )
    formed = with_base_pay(formed, plans, rulebook, bases)
    base = money.divide_half_up(pl.col("annual_pay_cents"), pl.col("pay_divisor").cast(pl.Int64))
    formed = formed.with_columns(base=money.clamp(base, None, pl.col("base_cap_cents")))
    formed = formed.with_columns(amount="base")
    formed = _with_reduction(_with_steps(formed, rulebook), rulebook)
    bounded = money.clamp(pl.col("amount"), pl.col("minimum_cents").fill_null(0), pl.col("maximum_cents"))
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
    for nth, used in rulebook.derived.answer("steps", lambda: _steps(rulebook)):
        step = take(nth, rows["formula_row"], *_STEP)
        if step[0].null_count() < rows.height:
            amount = rows[["base", "amount"]].hstack(step).select(amount=_stepped(used))
            rows = rows.with_columns(amount["amount"])
    return rows


def _steps(rulebook: Rulebook) -> list[tuple[pl.DataFrame, frozenset[str]]]:
    """List the first steps of all formulas (by position; null: it has none), then the second, and so on; with
    each the operations there are.
    """
    formulas = rulebook.formulas[["formula_row"]]
    steps = rulebook.formula_steps.select("formula_row", "step", *_STEP)
    by_number = [steps.filter(step=number) for number in range(_longest(steps))]
    return [
        (
            formulas.join(nth, on="formula_row", how="left", maintain_order="left"),
            frozenset(nth["operation"].drop_nulls()),
        )
        for nth in by_number
    ]


def _longest(steps: pl.DataFrame) -> int:
    return 0 if steps.is_empty() else int(steps["step"].max()) + 1  # type: ignore[arg-type]


@cache
def _stepped(used: frozenset[str]) -> pl.Expr:
    """The amount after one step; only the operations some formula uses are looked at."""
    amount, factor = pl.col("amount"), pl.col("operand_thousandths")
    dollars = money.divide_half_up(factor, money.THOUSANDTHS)
    results = {
        "multiply": money.multiply_divide_half_up(amount, factor, money.THOUSANDTHS),
        "divide": money.multiply_divide_half_up(amount, money.THOUSANDTHS, factor),
        "add": money.add(amount, dollars),
        "subtract": money.subtract(amount, dollars),
        "add_base": money.add(
            amount, money.multiply_divide_half_up(pl.col("base"), factor, money.THOUSANDTHS)
        ),
        "set": pl.when(amount.is_not_null()).then(dollars),
        "round": money.round_to_multiple(
            amount, pl.col("round_up_cents").fill_null(0), pl.col("round_to_cents").fill_null(0)
        ),
    }
    step = amount
    for operation in sorted(used):
        step = pl.when(pl.col("operation") == operation).then(results[operation]).otherwise(step)
    return step


def _with_reduction(rows: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Take off the reduction of the highest age reached."""
    bands = rulebook.age_reductions[["formula_row", "age_from", "reduce_percent_micros"]]
    if bands.is_empty() or rows.is_empty():
        return rows
    aged = rows.with_columns(age=days.age_years(pl.col("birth_on"), pl.col("price_on")).cast(pl.Int16))
    pairs = aged[["formula_row", "age"]].drop_nulls().unique()
    reached = joined(pairs, bands, "formula_row").filter(pl.col("age_from") <= pl.col("age"))
    best = reached.sort("age_from").unique(["formula_row", "age"], keep="last")
    best = best[["formula_row", "age", "reduce_percent_micros"]]
    rows = joined(aged, best, ["formula_row", "age"], how="left", maintain_order="left")
    off = money.percent_of(pl.col("amount"), pl.col("reduce_percent_micros").fill_null(0))
    is_age_needed = pl.col("formula_row").is_in(bands["formula_row"].unique().implode())
    reduced = pl.when(~is_age_needed | pl.col("age").is_not_null()).then(
        money.subtract(pl.col("amount"), off)
    )
    return rows.with_columns(amount=reduced)
