"""When coverage and deductions begin and end (docs/rules.md §5). Decided per plan type, not per option.

Dates depend on few things (event date, receipt, recent hire, pay group, rule row), so they are decided on the
distinct combinations and looked up by the rows.
"""

import polars as pl

from openbenefits.core import days, pays
from openbenefits.core.codes import BeginRule, EndRule
from openbenefits.core.columns import with_taken
from openbenefits.programs.rulebook import Rulebook

LONGEST_WAIT_DAYS = 400
"""A hire longer ago than this cannot delay coverage; hire dates before it do not tell people apart."""

DATES = (
    *("coverage_begins_on", "deduction_begins_on", "coverage_ends_on", "deduction_ends_on"),
    "is_calendar_missing",
)

_PROFILE = ("event_on", "received_on", "recent_hire_on", "ends_from_on", "only_ends_coverage", "pay_group_id")


def with_dates(plans: pl.DataFrame, cases: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add the four dates to plan rows.

    Shapes:  plans has case, rule_row, hire_rule_row; cases has event_on, received_on, hire_on,
             only_ends_coverage, last_day_employed, pay_group_id. Adds DATES.
    Missing: no rule row gives no dates; a pay-period rule without a calendar gives null and
             is_calendar_missing.
    """
    profiled = _profiles(cases)
    keyed = plans.with_columns(
        profile=profiled["profile"].gather(plans["case"]), rule_row=pl.col("rule_row").cast(pl.Int32)
    )
    combinations = keyed.select("profile", "rule_row", "hire_rule_row").drop_nulls("rule_row").unique()
    facts = profiled.select("profile", *_PROFILE).unique("profile")
    decided = _decide(combinations.join(facts, on="profile"), rulebook)
    return keyed.join(
        decided.select("profile", "rule_row", "hire_rule_row", *DATES),
        on=["profile", "rule_row", "hire_rule_row"],
        how="left",
        maintain_order="left",
        nulls_equal=True,
    ).drop("profile")


def _profiles(cases: pl.DataFrame) -> pl.DataFrame:
    """Give cases that agree in all that dates depend on the same `profile`."""
    event_on = pl.col("event_on")
    ends_from = pl.when("only_ends_coverage").then(
        pl.coalesce("last_day_employed", days.day_before(event_on))
    )
    recent = pl.when(days.add_days(pl.col("hire_on"), LONGEST_WAIT_DAYS) >= event_on).then("hire_on")
    facts = cases.with_columns(recent_hire_on=recent, ends_from_on=pl.coalesce(ends_from, event_on)).select(
        "case", *_PROFILE
    )
    numbered = facts.select(_PROFILE).unique().with_row_index("profile")
    return facts.join(numbered, on=_PROFILE, how="left", nulls_equal=True, maintain_order="left")


def _decide(rows: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    rules = rulebook.event_rules
    rows = with_taken(
        rows,
        rules,
        "rule_row",
        *("waiting_months", "waiting_days", "coverage_begins", "deduction_begins"),
        *("coverage_ends", "deduction_ends"),
    )
    rows = with_taken(
        rows, rules, "hire_rule_row", "waiting_months", "waiting_days", "coverage_begins", prefix="hire_"
    )
    rows = rows.with_columns(
        base_on=_after_wait("event_on", "waiting_months", "waiting_days"),
        hire_base_on=_after_wait("recent_hire_on", "hire_waiting_months", "hire_waiting_days"),
    )
    rows = _with_begin(rows, rulebook, "base_on", "coverage_begins", "rule_begin_on")
    rows = _with_begin(rows, rulebook, "hire_base_on", "hire_coverage_begins", "wait_end_on")
    rows = rows.with_columns(coverage_begins_on=_later("rule_begin_on", "wait_end_on"))
    rows = _with_begin(rows, rulebook, "coverage_begins_on", "deduction_begins", "deduction_begins_on")
    rows = _with_end(rows, rulebook, "ends_from_on", "coverage_ends", "coverage_ends_on")
    rows = _with_end(rows, rulebook, "coverage_ends_on", "deduction_ends", "deduction_ends_on")
    missing = [pl.col(name).is_null() for name in DATES[:4]]
    return rows.with_columns(is_calendar_missing=pl.any_horizontal(missing))


def _after_wait(day: str, months: str, wait_days: str) -> pl.Expr:
    return days.add_days(days.add_months(pl.col(day), pl.col(months)), pl.col(wait_days))


def _later(day: str, other_or_none: str) -> pl.Expr:
    """The later day; the second binds only where there is one (a hire that still waits)."""
    first, second = pl.col(day), pl.col(other_or_none)
    return pl.when(second.is_null() | (first >= second)).then(first).otherwise(second)


def _with_begin(rows: pl.DataFrame, rulebook: Rulebook, day: str, rule: str, into: str) -> pl.DataFrame:
    """Apply a begin rule to a day."""
    rows = pays.next_period(_with_group(rows), day, rulebook.pay_periods, strict=True, into="_period_after")
    rows = pays.next_period(rows, day, rulebook.pay_periods, strict=False, into="_period_from")
    name, base = pl.col(rule), pl.col(day)
    received = pl.coalesce("received_on", base)
    begin = (
        pl.when(name.is_in([BeginRule.EVENT_DATE.value, BeginRule.WITH_COVERAGE.value]))
        .then(base)
        .when(name == BeginRule.DAY_AFTER_EVENT)
        .then(days.day_after(base))
        .when(name == BeginRule.MONTH_AFTER)
        .then(days.month_begin_after(base))
        .when(name == BeginRule.MONTH_ON_OR_AFTER)
        .then(days.month_begin_on_or_after(base))
        .when(name == BeginRule.PAY_PERIOD_AFTER)
        .then(pl.col("_period_after"))
        .when(name == BeginRule.PAY_PERIOD_ON_OR_AFTER)
        .then(pl.col("_period_from"))
        .when(name == BeginRule.MONTH_AFTER_RECEIPT)
        .then(days.month_begin_after(received))
        .when(name == BeginRule.LATER_OF_EVENT_AND_RECEIPT)
        .then(days.latest(base, received))
    )
    return rows.with_columns(begin.alias(into)).drop("_period_after", "_period_from", "pay_group")


def _with_end(rows: pl.DataFrame, rulebook: Rulebook, day: str, rule: str, into: str) -> pl.DataFrame:
    """Apply an end rule to a day."""
    rows = pays.period_containing(_with_group(rows), day, rulebook.pay_periods, into="_period_end")
    name, base = pl.col(rule), pl.col(day)
    end = (
        pl.when(name.is_in([EndRule.EVENT_DATE.value, EndRule.WITH_COVERAGE.value]))
        .then(base)
        .when(name == EndRule.DAY_BEFORE_EVENT)
        .then(days.day_before(base))
        .when(name == EndRule.MONTH_END)
        .then(days.month_end(base))
        .when(name == EndRule.PAY_PERIOD_END)
        .then(pl.col("_period_end"))
    )
    return rows.with_columns(end.alias(into)).drop("_period_end", "pay_group")


def _with_group(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pay_group=pl.col("pay_group_id").cast(pl.Int64))
