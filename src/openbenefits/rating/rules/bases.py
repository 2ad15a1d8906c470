"""What formulas take coverage from beside the primary job's pay on the event date (docs/rules.md §6.5, §6.6).

Each way of taking it is a *source*. All sources are found once per case, in one frame, so that a formula is
a look-up like any other; set-up without such a formula asks for nothing and costs nothing.
"""

from datetime import date
from functools import cache

import polars as pl

from openbenefits.core import days
from openbenefits.core.codes import PriceDay
from openbenefits.core.columns import with_taken
from openbenefits.programs.rulebook import Rulebook
from openbenefits.rating.rules.price_days import with_pay_period

BASE_PAY = {
    "case": pl.Int32,
    "source": pl.String,
    "valid_from": pl.Date,
    "annual_pay_cents": pl.Int64,
}
BENEFIT_BASES = {
    "case": pl.Int32,
    "base_type": pl.String,
    "valid_from": pl.Date,
    "annual_pay_cents": pl.Int64,
}
JOB_HISTORY = {
    "case": pl.Int32,
    "valid_from": pl.Date,
    **dict.fromkeys(("is_of_record", "is_primary", "is_for_eligibility", "is_active"), pl.Boolean),
    "annual_pay_cents": pl.Int64,
}
ALWAYS = date(1, 1, 1)
OF_A_DAY = " of a day"


@cache
def no_benefit_bases() -> pl.DataFrame:
    """An empty history of benefits bases, for set-up that asks for none."""
    return pl.DataFrame(schema=BENEFIT_BASES)


@cache
def no_job_history() -> pl.DataFrame:
    """An empty history of jobs, for set-up that takes no pay of several jobs on another day."""
    return pl.DataFrame(schema=JOB_HISTORY)


def asks_job_history(rulebook: Rulebook) -> bool:
    """Tell whether any formula takes the pay of a group of jobs as it was on another day."""
    return bool(rulebook.derived.answer("asks job history", lambda: _names_jobs_of_a_day(rulebook)))


def _names_jobs_of_a_day(rulebook: Rulebook) -> bool:
    source = rulebook.formulas["source"]
    of_jobs = source.str.starts_with("jobs ") & source.str.ends_with(OF_A_DAY)
    return bool(of_jobs.any())


def has_sources(rulebook: Rulebook) -> bool:
    """Tell whether any formula takes another pay than that of the primary job on the event date."""
    sources = rulebook.formulas["source"]
    return sources.null_count() < sources.len()


def asks_benefit_bases(rulebook: Rulebook) -> bool:
    """Tell whether any formula takes a benefits base."""
    types = rulebook.formulas["base_type"]
    return types.null_count() < types.len()


def base_pay(
    cases: pl.DataFrame,
    jobs: pl.DataFrame,
    pay_history: pl.DataFrame,
    benefit_bases: pl.DataFrame,
    rulebook: Rulebook,
    job_history: pl.DataFrame | None = None,
) -> pl.DataFrame | None:
    """Answer what each source says of each case, and from which day on; None where no formula asks.

    Shapes:  cases has case and on (the day of the event, or of the pay); jobs as `CaseJobs`; the others as
             PAY_HISTORY, BENEFIT_BASES and JOB_HISTORY (every job of the person, anew from each day on which
             any of them changes). The result as BASE_PAY; what holds of the case's day alone is from
             `ALWAYS` on.
    Missing: no row, or null: an unknown pay of one job leaves the sum unknown, so does having no such job.
    """
    if not has_sources(rulebook):
        return None
    asked = rulebook.formulas.select("source", "base_type", "jobs", "is_active_only", "years_back")
    asked = asked.drop_nulls("source").unique()
    parts = [pl.DataFrame(schema=BASE_PAY)]
    history = no_job_history() if job_history is None else job_history
    parts += [_summed(history if way[0].endswith(OF_A_DAY) else jobs, *way) for way in _ways(asked)]
    if "pay" in asked["source"]:
        parts.append(pay_history.with_columns(source=pl.lit("pay")))
    if asked["base_type"].null_count() < asked.height:
        parts += _of_types(cases, benefit_bases)
    return pl.concat(
        [part.select(pl.col(name).cast(kind) for name, kind in BASE_PAY.items()) for part in parts]
    )


def _ways(asked: pl.DataFrame) -> list[tuple[str, str, bool]]:
    """List the groups of jobs that are summed: source, selection, whether only jobs that go on."""
    of_jobs = asked.filter((pl.col("jobs") != "primary") | pl.col("is_active_only"))
    return list(of_jobs.select("source", "jobs", "is_active_only").unique().iter_rows())


def _summed(jobs: pl.DataFrame, source: str, selection: str, is_active_only: bool) -> pl.DataFrame:
    """Add up the pay of a group of jobs, as of each day they are known of; `BASE_PAY` without an order.

    Of a job without a status nobody knows whether it goes on; without a job of the group nothing is known.
    """
    groups = {
        "primary": pl.col("is_primary"),
        "flagged": pl.col("is_for_eligibility") & pl.col("is_of_record"),
        "all_flagged": pl.col("is_for_eligibility"),
    }
    if "valid_from" not in jobs.columns:
        jobs = jobs.with_columns(valid_from=pl.lit(ALWAYS))
    rows = jobs.filter(groups[selection])
    pay = pl.col("annual_pay_cents")
    if is_active_only:
        rows = rows.filter(pl.col("is_active").fill_null(value=True))
        pay = pl.when(pl.col("is_active").is_not_null()).then(pay)
    key = ["case", "valid_from"]
    sums = rows.group_by(key).agg(total=pay.sum(), is_missing=pay.is_null().any())
    known = jobs.select(key).unique().join(sums, on=key, how="left")  # null where the group is empty
    return known.select(
        *key, source=pl.lit(source), annual_pay_cents=pl.when(~pl.col("is_missing")).then("total")
    )


def _of_types(cases: pl.DataFrame, benefit_bases: pl.DataFrame) -> list[pl.DataFrame]:
    """Give the bases of each type by day, and as of the case's day."""
    history = benefit_bases.with_columns(source=pl.concat_str(pl.lit("base "), "base_type", pl.lit(OF_A_DAY)))
    then = (
        cases.select("case", "on").join(benefit_bases, on="case").filter(pl.col("valid_from") <= pl.col("on"))
    )
    then = then.sort("valid_from").unique(["case", "base_type"], keep="last", maintain_order=True)
    now = then.with_columns(source=pl.concat_str(pl.lit("base "), "base_type"), valid_from=pl.lit(ALWAYS))
    return [history, now]


def with_base_pay(
    rows: pl.DataFrame, plans: pl.DataFrame, rulebook: Rulebook, bases: pl.DataFrame | None
) -> pl.DataFrame:
    """Replace the annual pay of rows whose formula takes another; null where that is not known.

    Shapes: rows has plan, formula_row, price_on, annual_pay_cents; plans (by position) has case, and where a
            formula takes pay of a pay period deduction_on and pay_group_id; bases as BASE_PAY.
    """
    if not has_sources(rulebook):
        return rows
    known = pl.DataFrame(schema=BASE_PAY) if bases is None else bases
    asked = with_taken(
        rows.select("plan", "formula_row", "price_on"),
        rulebook.formulas,
        "formula_row",
        *("source", "pay_day", "years_back", "as_of_month", "as_of_day"),
    )
    asked = _with_period_day(with_taken(asked, plans, "plan", "case"), plans, rulebook)
    of_year = days.year_day(
        pl.col("price_on").dt.year() - pl.col("years_back"), pl.col("as_of_month"), pl.col("as_of_day")
    )
    asked = asked.select(
        *("case", "source"),
        pay_on=pl.when(pl.col("pay_day").is_not_null())
        .then("period_on")
        .when(pl.col("years_back").is_null())
        .then("price_on")
        .otherwise(of_year),
    )
    distinct = asked.drop_nulls().unique().sort("pay_on")
    history = known.rename({"valid_from": "pay_on", "annual_pay_cents": "then_cents"}).sort("pay_on")
    found = distinct.join_asof(
        history, on="pay_on", by=["case", "source"], strategy="backward", check_sortedness=False
    )
    then = asked.join(found, on=["case", "source", "pay_on"], how="left", maintain_order="left")
    pay = pl.when(pl.col("source").is_null()).then("annual_pay_cents").otherwise("then_cents")
    return (
        rows.with_columns(then["source"], then["then_cents"])
        .with_columns(annual_pay_cents=pay)
        .drop("source", "then_cents")
    )


def _with_period_day(rows: pl.DataFrame, plans: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add period_on: the check or the end of the pay with the deduction, where a formula asks for it."""
    if rows["pay_day"].null_count() == rows.height:
        return rows.with_columns(period_on=pl.lit(None, pl.Date))
    key = ["deduction_on", "pay_group_id"]
    asked = with_taken(rows, plans, "plan", *key)
    periods = asked.drop_nulls("pay_day").select(key).unique().with_row_index("combination")
    periods = with_pay_period(periods, rulebook).select(*key, "_check_on", "_ends_on")
    found = asked.join(periods, on=key, how="left", nulls_equal=True, maintain_order="left")
    is_check = pl.col("pay_day") == PriceDay.CHECK_DATE.value
    day = pl.when(is_check).then("_check_on").otherwise("_ends_on")
    return rows.with_columns(found.select(period_on=day).to_series())
