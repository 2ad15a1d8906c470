"""Money that pays put into a partner's plans, what of it the partner was told, and what is to be told.

What was taken is what is funded: contributions and premiums follow payroll's takings, never what was owed.
Nothing is remembered of messages: told is the sum of what files said, and only the difference is said. A
correction so is a row of its own, and nothing is funded twice. Source: carrier-feeds §5; rulings §5.1.
"""

from datetime import date

import polars as pl

from openbenefits.carriers.payments.writing import OVERPAID, PREVIOUS, REMITTED, UNDERPAID
from openbenefits.core import days, money
from openbenefits.core.codes import TaxClass

BEFORE_TAX, AFTER_TAX, OTHERWISE, EMPLOYER = "before tax", "after tax", "otherwise", "employer"
OWNER = ("client_id", "person_id", "benefit_record")
LINE = (*OWNER, "plan_type")
PAY = (*LINE, "pay_group_id", "ends_on")
PLACE = ("client_id", "pay_group_id", "ends_on")
KEY = (*PAY, "source", "is_recovered")

SHARES = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "plan_type": pl.String,
    "pay_group_id": pl.Int64,
    "ends_on": pl.Date,
    "source": pl.String,
    "is_recovered": pl.Boolean,
    "pay_group": pl.String,
    "pay_number": pl.Int32,
    "check_on": pl.Date,
    "plan": pl.String,
    "cents": pl.Int64,
    "owed_cents": pl.Int64,
}
"""Money of one source in one pay: what the employee had taken, paid otherwise, or the employer gives.

is_recovered: the part that puts an earlier pay right, by order. plan: its code in set-up. owed_cents: what
was owed of it; of recovered money nothing.
"""

FACTS = ("pay_group", "pay_number", "check_on", "plan", "owed_cents")


def shares(
    lines: pl.DataFrame, taken: pl.DataFrame, received: pl.DataFrame, orders: pl.DataFrame
) -> pl.DataFrame:
    """Answer the money of pays that were reported whole, as SHARES.

    Shapes:  lines as `payroll.services.owed`, with `plan`; taken, received and orders as payroll stores them;
             all of them of deductions, in reported pays, of plans of one partner.
    Missing: a line without an amount gives nothing here: whoever asks must hold such pays.
    """
    classed = [*PAY, "tax_class"]
    due = lines.group_by(classed).agg(owed_cents=pl.col("owed_cents").sum())
    asked = orders.group_by(*PAY, tax_class="taken_as").agg(ordered_cents=pl.col("cents").sum())
    rows = taken.group_by(classed).agg(taken_cents=pl.col("taken_cents").sum())
    rows = rows.join(due, on=classed, how="full", coalesce=True).join(asked, on=classed, how="left")
    rows = rows.with_columns(pl.col("owed_cents", "taken_cents", "ordered_cents").fill_null(0))
    rows = rows.with_columns(surplus=pl.col("taken_cents") - pl.col("owed_cents"))
    rows = rows.with_columns(
        recovered=_explained(),
        source=pl.when(pl.col("tax_class") == str(TaxClass.BEFORE_TAX))
        .then(pl.lit(BEFORE_TAX))
        .otherwise(pl.lit(AFTER_TAX)),
    )
    own = rows.select(
        *PAY, "source", "owed_cents", is_recovered=pl.lit(value=False),
        cents=pl.col("taken_cents") - pl.col("recovered"),
    )  # fmt: skip
    more = rows.filter(pl.col("recovered") != 0).select(
        *PAY, "source", owed_cents=pl.lit(0, pl.Int64), is_recovered=pl.lit(value=True), cents="recovered"
    )
    paid = received.select(
        *PAY,
        source=pl.lit(OTHERWISE),
        owed_cents=pl.lit(0, pl.Int64),
        is_recovered=pl.lit(value=False),
        cents="received_cents",
    )
    given = lines.group_by(PAY).agg(cents=pl.col("employer_cents").sum()).with_columns(
        source=pl.lit(EMPLOYER), owed_cents="cents", is_recovered=pl.lit(value=False)
    )  # fmt: skip
    columns = [*KEY, "cents", "owed_cents"]
    parts = pl.concat([one.select(columns) for one in (own, more, paid, given)])
    sums = parts.group_by(KEY).agg(pl.col("cents").sum(), pl.col("owed_cents").sum())
    return _with_facts(sums.filter((pl.col("cents") != 0) | (pl.col("owed_cents") != 0)), lines)


def _explained() -> pl.Expr:
    """What of a surplus, or a lack, was ordered to put an earlier pay right."""
    surplus, ordered = pl.col("surplus"), pl.col("ordered_cents")
    return (
        pl.when((ordered > 0) & (surplus > 0))
        .then(money.minimum(surplus, ordered))
        .when((ordered < 0) & (surplus < 0))
        .then(money.maximum(surplus, ordered))
        .otherwise(0)
    )


def _with_facts(sums: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Add the pay's number and check day, and the plan: of that pay, else the person's last of that type."""
    here = lines.group_by(PAY).agg(plan=pl.col("plan").drop_nulls().first())
    last = lines.sort("ends_on").group_by(LINE).agg(last_plan=pl.col("plan").drop_nulls().last())
    pays = lines.group_by("pay_group_id", "ends_on").agg(
        pl.col("pay_group", "pay_number", "check_on").first()
    )
    rows = sums.join(here, on=list(PAY), how="left").join(last, on=list(LINE), how="left")
    rows = rows.join(pays, on=["pay_group_id", "ends_on"], how="left")
    rows = rows.with_columns(plan=pl.coalesce("plan", "last_plan"))
    return rows.select(pl.col(name).cast(kind) for name, kind in SHARES.items()).sort(KEY)


def changed(now: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Answer what is to be told: SHARES with the difference in cents, 0 where only what is owed is new.

    Adds was_told: something was told of that pay of the person; is_old: of that pay of anybody.

    Shapes: told as SHARES, any number of rows of one key: what several files said.
    """
    sums = told.group_by(KEY).agg(pl.col("cents").sum(), *(pl.col(name).last() for name in FACTS))
    pays = told.select(PAY).unique().with_columns(was_told=pl.lit(value=True))
    all_pays = told.select(PLACE).unique().with_columns(is_old=pl.lit(value=True))
    rows = now.join(sums, on=list(KEY), how="full", coalesce=True, suffix="_told")
    rows = rows.with_columns(
        cents=pl.col("cents").fill_null(0) - pl.col("cents_told").fill_null(0),
        **{name: pl.coalesce(name, f"{name}_told") for name in FACTS},
    )
    rows = rows.join(pays, on=list(PAY), how="left").join(all_pays, on=list(PLACE), how="left")
    rows = rows.with_columns(pl.col("was_told", "is_old").fill_null(value=False))
    rows = rows.filter((pl.col("cents") != 0) | ~pl.col("is_old"))
    return rows.select(*SHARES, "was_told", "is_old").sort(KEY)


def contributions(now: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Answer what is to be told of contributions, a row for each person, plan and pay.

    Shapes: as `layouts.contents.CONTRIBUTIONS`, but for who the person is. Years are those of the check.
    """
    found = changed(now, told).filter(pl.col("cents") != 0)
    by = {"before_tax_cents": BEFORE_TAX, "after_tax_cents": AFTER_TAX}
    by |= {"otherwise_cents": OTHERWISE, "employer_cents": EMPLOYER}
    sums = {name: pl.col("cents").filter(pl.col("source") == source).sum() for name, source in by.items()}
    facts = pl.col("pay_group", "pay_number", "check_on", "plan").drop_nulls().first()
    rows = found.group_by(PAY, maintain_order=True).agg(facts, pl.col("was_told").first(), **sums)
    rows = rows.with_columns(
        employee_cents=money.add(*(pl.col(name) for name in by if name != "employer_cents")),
        is_correction="was_told",
    ).with_columns(total_cents=money.add(pl.col("employee_cents"), pl.col("employer_cents")))
    years = _years(now)
    key = [*LINE, "check_on"]
    return rows.join(years, on=key, how="left", maintain_order="left").with_columns(
        pl.col("employee_year_cents", "employer_year_cents").fill_null(0)
    )


def _years(now: pl.DataFrame) -> pl.DataFrame:
    """Add up each year's money through each check, by line."""
    is_own = pl.col("source") != EMPLOYER
    sums = now.group_by(*LINE, "check_on").agg(
        employee=pl.col("cents").filter(is_own).sum(), employer=pl.col("cents").filter(~is_own).sum()
    )
    year = pl.col("check_on").dt.year()
    return sums.sort(*LINE, "check_on").select(
        *LINE,
        "check_on",
        employee_year_cents=pl.col("employee").cum_sum().over(*LINE, year),
        employer_year_cents=pl.col("employer").cum_sum().over(*LINE, year),
    )


def premiums(
    now: pl.DataFrame, told: pl.DataFrame, *, month: date, employer: bool, billed: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Answer what a payment for a month says: LINE, policy, covered_from, kind, code, cents, billed_cents.

    A pay belongs to the month in which it ends. What its own pays took is remitted. What was taken, or given
    back, for earlier pays, and what has changed of pays that were told, are adjustments of earlier payments,
    never netted into a remittance: 53 where more is paid, 52 where less.

    Shapes: billed has LINE less benefit_record, month, billed_cents: what the carrier is expected to bill;
            without it, what was owed.
    """
    found = changed(*(_of_premium(one, month, employer=employer) for one in (now, told)))
    found = found.with_columns(
        covered_from=days.month_begin(pl.col("ends_on")),
        is_current=~pl.col("is_recovered") & ~pl.col("is_old"),
    )
    rows = found.group_by(*LINE, "covered_from", "is_current").agg(
        pl.col("cents").sum(),
        billed_cents=pl.col("owed_cents").sum(),
        policy=pl.coalesce(pl.col("plan").drop_nulls().last(), pl.col("plan_type").first()),
    )
    rows = rows.filter((pl.col("cents") != 0) | (pl.col("is_current") & (pl.col("billed_cents") != 0)))
    code = pl.when(pl.col("cents") > 0).then(pl.lit(UNDERPAID)).otherwise(pl.lit(OVERPAID))
    return (
        _with_billed(rows, billed)
        .select(
            *LINE,
            "policy",
            "covered_from",
            kind=pl.when("is_current").then(pl.lit(REMITTED)).otherwise(pl.lit(PREVIOUS)),
            code=pl.when(~pl.col("is_current")).then(code),
            cents="cents",
            billed_cents=pl.when("is_current").then("billed_cents"),
        )
        .sort(*LINE, "covered_from", "kind")
    )


def _of_premium(rows: pl.DataFrame, month: date, *, employer: bool) -> pl.DataFrame:
    """Keep what a payment for a month looks at: months through it, the employer's part where it is paid."""
    is_due = days.month_begin(pl.col("ends_on")) <= month
    return rows.filter(is_due & (pl.lit(employer) | (pl.col("source") != EMPLOYER)))


def _with_billed(rows: pl.DataFrame, billed: pl.DataFrame | None) -> pl.DataFrame:
    if billed is None:
        return rows
    key = ["client_id", "person_id", "plan_type"]
    told = billed.select(*key, "billed_cents", covered_from="month")
    return rows.drop("billed_cents").join(told, on=[*key, "covered_from"], how="left")
