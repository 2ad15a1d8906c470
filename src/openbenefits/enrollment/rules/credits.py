"""What credits pay for, and what becomes of those left over (docs/rules.md §13).

Credits are earnings and deductions stay whole; only what is left over is decided here: it is paid with the
earnings it is part of, forfeited, or rolled over into accounts as money of the employer's.
"""

from dataclasses import dataclass

import polars as pl

from openbenefits.core import money
from openbenefits.core.codes import (
    COVERED_KINDS,
    GENERAL_TYPES,
    AmountKind,
    ChangeKind,
    ExcessCredits,
    TaxClass,
    Trade,
)
from openbenefits.core.columns import take, with_taken
from openbenefits.enrollment.rules.prepare import Prepared
from openbenefits.programs.rulebook import Rulebook

HELD_KINDS = [*(str(kind) for kind in COVERED_KINDS), str(ChangeKind.WAIVED)]
COVERED = HELD_KINDS[:-1]
GENERAL = [str(kind) for kind in GENERAL_TYPES]
GENERAL_KIND = "G"
PERCENT_THOUSANDTHS = 100_000

USE_COLUMNS = (
    *("case", "total_cents", "cost_cents", "used_cents", "excess_cents", "treatment"),
    *("paid_cents", "forfeited_cents", "rolled_cents"),
)


@dataclass(frozen=True, kw_only=True)
class CreditUse:
    """What became of credits.

    uses:  one row per case with credits, as USE_COLUMNS; cents of a year.
    rolls: what was rolled over: case, plan_type, rolled_cents.
    """

    uses: pl.DataFrame
    rolls: pl.DataFrame


def nothing_used() -> CreditUse:
    """No credits were given."""
    amounts = {name: pl.Int64 for name in USE_COLUMNS if name.endswith("_cents")}
    schema = {name: amounts.get(name, pl.String) for name in USE_COLUMNS} | {"case": pl.Int32}
    rolls = {"case": pl.Int32, "plan_type": pl.String, "rolled_cents": pl.Int64}
    return CreditUse(uses=pl.DataFrame(schema=schema), rolls=pl.DataFrame(schema=rolls))


def credit_use(
    results: pl.DataFrame, choices: pl.DataFrame, prepared: Prepared, rulebook: Rulebook
) -> CreditUse:
    """Find, for each settled case, what credits pay for and what becomes of the rest.

    Shapes:  results says what holds: case, plan, plan_type, kind, option_id, pledge_cents,
             percent_thousandths; choices has case and credit_rollover, what the person chose (null: nothing).
    Missing: one unknown credit or price makes what is left unknown, and nothing of it is rolled over.
    Source:  program-setup §9; docs/rules.md §13.
    """
    if not (rulebook.costs["cost_type"] == "C").any():
        return nothing_used()
    cases = results.select("case").unique()
    held = _held(results, prepared.plans.join(cases, on="case", how="semi"), prepared, rulebook)
    uses = _uses(held, prepared, rulebook)
    if uses.is_empty():
        return nothing_used()
    uses = _with_treatment(uses, choices, rulebook)
    rolls = _rolls(uses, held, rulebook)
    return CreditUse(uses=_settled(uses, rolls), rolls=rolls.filter(pl.col("rolled_cents") > 0))


_PRICED = ("plan", "option_id", "option_row", "annual_credit_cents", "annual_before_tax_cents")
_AMOUNTS = ("pledge_cents", "percent_thousandths")


def _held(results: pl.DataFrame, plans: pl.DataFrame, prepared: Prepared, rulebook: Rulebook) -> pl.DataFrame:
    """List what each case holds with its credit and its cost before tax; general credits and deductions too.

    What the event leaves untouched counts as it is held; what it ignores does not count.
    """
    columns = ["case", "plan", "kind", "option_id", *_AMOUNTS]
    chosen = results.filter(pl.col("kind").is_in(HELD_KINDS) & pl.col("option_id").is_not_null())
    kept = plans.filter(
        pl.col("is_in_force") & (pl.col("default_reason") == "untouched") & ~pl.col("is_ignored")
    ).join(chosen.select("plan"), on="plan", how="anti")
    kept = kept.select(
        *("case", "plan"),
        kind=pl.lit(str(ChangeKind.DEFAULTED)),
        option_id="current_option_id",
        pledge_cents="current_pledge_cents",
        percent_thousandths="current_percent_thousandths",
    )
    general = prepared.options.filter(pl.col("option_type").is_in(GENERAL)).join(
        plans.select("plan"), on="plan", how="semi"
    )
    general = general.select("case", "plan", "option_id", kind=pl.lit(GENERAL_KIND))
    held = pl.concat([chosen.select(columns), kept.select(columns), general], how="diagonal_relaxed")
    held = held.join(prepared.options.select(_PRICED), on=["plan", "option_id"], how="inner")
    held = held.join(plans.select("plan", "plan_type", "plan_row"), on="plan", how="left")
    held = with_taken(held, rulebook.plan_rows, "plan_row", "amount_kind", "maximum_amount_cents")
    held = with_taken(held, rulebook.options, "option_row", "tax_class", "trade")
    pay = prepared.cases.select("case", "annual_pay_cents")
    return _with_before_tax(held.join(pay, on="case", how="left"))


def _with_before_tax(held: pl.DataFrame) -> pl.DataFrame:
    """Add before_tax_cents: the price, or what the person states, of a year; nothing for what is waived."""
    share = money.multiply_divide_half_up(
        pl.col("annual_pay_cents"), pl.col("percent_thousandths").cast(pl.Int64), PERCENT_THOUSANDTHS
    )
    held = held.with_columns(_share=share)
    is_covered = pl.col("kind").is_in([*COVERED, GENERAL_KIND])
    kind = pl.col("amount_kind")
    is_before = (pl.col("tax_class") == TaxClass.BEFORE_TAX).fill_null(value=False)
    stated = pl.when(kind == str(AmountKind.PERCENT)).then("_share").otherwise("pledge_cents")
    is_sold = (pl.col("trade") == Trade.SELL).fill_null(value=False)
    cost = (
        pl.when(~is_covered | is_sold)
        .then(0)
        .when(kind == str(AmountKind.NONE))
        .then("annual_before_tax_cents")
        .when(is_before)
        .then(stated)
        .otherwise(0)
    )
    return held.with_columns(before_tax_cents=cost).drop("_share")


def _uses(held: pl.DataFrame, prepared: Prepared, rulebook: Rulebook) -> pl.DataFrame:
    """Add up credits and the costs they pay for: case, program_row, total_cents, cost_cents."""
    totals = held.group_by("case").agg(total_cents=money.total(pl.col("annual_credit_cents")))
    totals = totals.filter((pl.col("total_cents") != 0).fill_null(value=True)).sort("case")
    programs = prepared.cases.select("case", "program_row")
    totals = totals.join(programs, on="case", how="left", maintain_order="left")
    named = rulebook.credit_plans.filter(use="cost").select("program_row", "plan_type", is_named=True)
    rows = held.join(totals.select("case", "program_row"), on="case").join(
        named, on=["program_row", "plan_type"], how="left"
    )
    names_some = pl.col("program_row").is_in(named["program_row"].unique().implode())
    counted = rows.filter(~names_some | pl.col("is_named").fill_null(value=False))
    costs = counted.group_by("case").agg(cost_cents=money.total(pl.col("before_tax_cents")), counted=pl.len())
    found = totals.join(costs, on="case", how="left", maintain_order="left")
    return found.with_columns(cost_cents=pl.when(pl.col("counted").is_null()).then(0).otherwise("cost_cents"))


def _with_treatment(uses: pl.DataFrame, choices: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add excess_cents and what becomes of it: as the person chose, where the program lets people choose."""
    columns = ("excess_credits", "rollover_rest", "is_rollover_chosen")
    uses = uses.with_columns(take(rulebook.programs, uses["program_row"], *columns))
    uses = uses.join(choices.select("case", "credit_rollover"), on="case", how="left", maintain_order="left")
    left = money.subtract(pl.col("total_cents"), pl.col("cost_cents"))
    chosen = pl.when("is_rollover_chosen").then("credit_rollover")
    return uses.with_columns(
        excess_cents=money.clamp(left, 0, None), treatment=pl.coalesce(chosen, "excess_credits")
    )


def _rolls(uses: pl.DataFrame, held: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Fill the accounts a case is enrolled in one after another, each up to its maximum."""
    rolling = uses.filter(
        (pl.col("treatment") == str(ExcessCredits.ROLLED_OVER)) & (pl.col("excess_cents") > 0)
    )
    order = rulebook.credit_plans.filter(use="rollover").select("program_row", "plan_type", "number")
    accounts = held.filter(pl.col("kind").is_in(COVERED)).select(
        "case", "plan_type", "maximum_amount_cents", "pledge_cents"
    )
    rows = rolling.select("case", "program_row", "excess_cents").join(order, on="program_row")
    rows = rows.join(accounts, on=["case", "plan_type"]).sort("case", "number")
    room = money.subtract(pl.col("maximum_amount_cents"), pl.col("pledge_cents").fill_null(0))
    fits = pl.when(pl.col("maximum_amount_cents").is_null()).then("excess_cents").otherwise(room)
    rows = rows.with_columns(_room=money.clamp(fits, 0, pl.col("excess_cents")))
    rows = rows.with_columns(_before=pl.col("_room").cum_sum().over("case") - pl.col("_room"))
    rows = rows.with_columns(
        _left=money.clamp(money.subtract(pl.col("excess_cents"), pl.col("_before")), 0, None)
    )
    return rows.select("case", "plan_type", rolled_cents=money.minimum(pl.col("_room"), pl.col("_left")))


def _settled(uses: pl.DataFrame, rolls: pl.DataFrame) -> pl.DataFrame:
    """Say what of the excess is rolled over, paid and forfeited: USE_COLUMNS."""
    rolled = rolls.group_by("case").agg(rolled_cents=money.total(pl.col("rolled_cents")))
    uses = uses.join(rolled, on="case", how="left", maintain_order="left").with_columns(
        pl.when(pl.col("excess_cents").is_not_null())
        .then(pl.col("rolled_cents").fill_null(0))
        .alias("rolled_cents")
    )
    rolls_over = pl.col("treatment") == str(ExcessCredits.ROLLED_OVER)
    rest = pl.when(rolls_over).then("rollover_rest").otherwise("treatment")
    left = money.subtract(pl.col("excess_cents"), pl.col("rolled_cents"))
    uses = uses.with_columns(_rest=rest, _left=left)
    is_paid = pl.col("_rest") == str(ExcessCredits.PAID)
    return uses.with_columns(
        used_cents=money.subtract(pl.col("total_cents"), pl.col("excess_cents")),
        paid_cents=pl.when(is_paid).then("_left").otherwise(pl.col("_left") * 0),
        forfeited_cents=pl.when(is_paid).then(pl.col("_left") * 0).otherwise("_left"),
    ).select(USE_COLUMNS)
