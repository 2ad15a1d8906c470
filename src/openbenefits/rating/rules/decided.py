"""Prices a person decided for one participant, in place of rates and contributions (docs/rules.md §7.12)."""

from functools import cache

import polars as pl

from openbenefits.core import money
from openbenefits.rating.rules.offers import Offers

DECIDED_AMOUNTS = ("decided_total_cents", "decided_employer_cents", "decided_employee_cents")

PRICE_DECISIONS = {
    "case": pl.Int32,
    "plan_type": pl.String,
    "option_id": pl.Int32,
    "number": pl.Int32,
    "begins_on": pl.Date,
    "ends_on": pl.Date,
    **dict.fromkeys(DECIDED_AMOUNTS, pl.Int64),
    "author": pl.String,
    "reason": pl.String,
}
"""A decision about an option (null: every option of the plan type), from one day through another (null: for
good). Amounts are cents of a year; what is null stays as the rules say. The higher number is the later."""


TOLD = ("number", "begins_on", "ends_on", *DECIDED_AMOUNTS, "author", "reason")


@cache
def no_price_decisions() -> pl.DataFrame:
    """Answer the frame in which nobody decided about a price."""
    return pl.DataFrame(schema=PRICE_DECISIONS)


def decided_amounts(
    options: pl.DataFrame, plans: pl.DataFrame, decisions: pl.DataFrame | None, offers: Offers
) -> pl.DataFrame | None:
    """Find what was decided about the price of option rows; None where nothing was.

    Shapes: options has plan and offer; plans has plan, case, plan_type and price_on. Answers row (the
            position in options, ascending) and the decision. An option without a price has none to decide.
    """
    if decisions is None or decisions.is_empty():
        return None
    held = plans.select("plan", "case", "plan_type", "price_on").join(decisions, on=["case", "plan_type"])
    held = held.filter(_holds(pl.col("price_on"))).select("plan", *TOLD, place="option_id")
    if held.is_empty():
        return None
    rows = options.select("plan", "offer").with_row_index("row")
    rows = rows.join(held.select("plan").unique(), on="plan", how="semi")
    rows = rows.join(offers.costs.filter(cost_type="P"), on="offer", how="semi")
    rows = rows.with_columns(offers.options["option_id"].gather(rows["offer"]).alias("option_id"))
    found = rows.join(held, on="plan").filter(
        pl.col("place").is_null() | (pl.col("place") == pl.col("option_id"))
    )
    last = found.sort("row", pl.col("place").is_not_null(), "number").unique(
        "row", keep="last", maintain_order=True
    )
    return None if last.is_empty() else last.select("row", *TOLD)


def _holds(day: pl.Expr) -> pl.Expr:
    return (pl.col("begins_on") <= day) & (pl.col("ends_on").is_null() | (day <= pl.col("ends_on")))


def with_decision(years: pl.DataFrame) -> pl.DataFrame:
    """Let what was decided take the place of the year's total and parts.

    Shapes:  years has year_total_cents, year_employer_cents, price_fault, credit_fault and DECIDED_AMOUNTS.
    Missing: with both total and parts known, what was wrong with the rates no longer matters; else it does.
    """
    total = pl.coalesce("decided_total_cents", "year_total_cents")
    rows = years.with_columns(year_total_cents=total)
    of_employee = money.subtract(
        pl.col("year_total_cents"),
        money.minimum(pl.col("decided_employee_cents"), pl.col("year_total_cents")),
    )
    stated = pl.coalesce("decided_employer_cents", "year_employer_cents")
    employer = (
        pl.when(pl.col("decided_employee_cents").is_not_null())
        .then(of_employee)
        .otherwise(money.minimum(stated, pl.col("year_total_cents")))
    )
    rows = rows.with_columns(year_employer_cents=employer)
    is_known = pl.col("year_total_cents").is_not_null() & pl.col("year_employer_cents").is_not_null()
    return rows.with_columns(
        year_total_cents=pl.when(is_known).then("year_total_cents"),
        year_employer_cents=pl.when(is_known).then("year_employer_cents"),
        price_fault=pl.when(is_known).then("credit_fault").otherwise("price_fault"),
    )


def decided_edges(decisions: pl.DataFrame, owner: list[str]) -> pl.DataFrame:
    """List the days on which what is decided changes: owner, plan_type, on, and `edge` that counts them.

    Shapes: decisions has the owner's columns in place of `case`.
    """
    begins = decisions.select(*owner, "plan_type", on="begins_on")
    ends = decisions.drop_nulls("ends_on")
    ends = ends.select(*owner, "plan_type", on=pl.col("ends_on").dt.offset_by("1d"))
    days = pl.concat([begins, ends]).unique().sort(*owner, "plan_type", "on")
    return days.with_columns(edge=pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over(*owner, "plan_type"))
