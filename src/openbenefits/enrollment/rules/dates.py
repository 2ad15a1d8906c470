"""When coverage and deductions begin and end (docs/rules.md §5). Decided per plan type, not per option.

Dates depend on few things (event date, receipt, recent hire, pay group, rule row), so they are decided on the
distinct combinations and looked up by the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from openbenefits.core import days, pays
from openbenefits.core.codes import BeginRule, DeductionBeginRule, DeductionEndRule, EndRule
from openbenefits.core.columns import distinct, gathered, numbered, take, with_taken
from openbenefits.programs.rulebook import Rulebook

DATES = (
    *("coverage_begins_on", "deduction_begins_on", "coverage_ends_on", "deduction_ends_on"),
    *("is_begin_missing", "is_end_missing"),
)

_PROFILE = (
    "event_on",
    "received_on",
    "waiting_from_on",
    "ends_from_on",
    "only_ends_coverage",
    "pay_group_id",
)


def with_dates(plans: pl.DataFrame, cases: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Add the four dates to plan rows.

    Shapes:  plans has case, rule_row, hire_rule_row; cases has event_on, received_on, hire_on,
             only_ends_coverage, last_day_employed, pay_group_id. Adds DATES.
    Missing: no rule row gives no dates; a pay-period rule without a calendar gives null and
             is_begin_missing or is_end_missing.
    """
    profiles, profile = _profiles(cases, rulebook)
    keyed = plans.select(
        pl.col("rule_row").cast(pl.Int32),
        pl.col("hire_rule_row").cast(pl.Int32),
        profile=gathered(profile, plans["case"]),
    )
    rules = rulebook.event_rules.height + 1
    hire = keyed["hire_rule_row"].cast(pl.Int64).fill_null(rules - 1)
    pairs, pair = distinct(keyed["rule_row"].cast(pl.Int64) * rules + hire, rules * rules)
    rows, which = distinct(
        keyed["profile"].cast(pl.Int64) * pairs.len() + pair, profiles.height * max(pairs.len(), 1)
    )
    combinations = with_taken(keyed[rows], profiles, "profile", *_PROFILE)
    decided = rulebook.judged.answer_of("dates", combinations, lambda: _decide(combinations, rulebook))
    return plans.hstack(take(decided, which, *DATES))


def _profiles(cases: pl.DataFrame, rulebook: Rulebook) -> tuple[pl.DataFrame, pl.Series]:
    """Number what dates depend on (_PROFILE): each combination once, and which of them each case has.

    A hire too long ago to delay coverage counts as one of a day on which it cannot. Not so where a wait may
    end with a pay period: whether its calendar is there depends on the very day of the hire.
    """
    event_on = pl.col("event_on")
    ends_from = pl.when("only_ends_coverage").then(
        pl.coalesce("last_day_employed", days.day_before(event_on))
    )
    waiting_from = pl.col("hire_on")
    if not _names_any(rulebook.event_rules["coverage_begins"], _BEGIN_BY_PERIOD):
        earliest = pl.min_horizontal("event_on", "received_on")
        waiting_from = pl.max_horizontal(waiting_from, days.add_days(earliest, -_longest_wait_days(rulebook)))
    facts = cases.select(
        *("event_on", "received_on", "only_ends_coverage", "pay_group_id"),
        waiting_from_on=pl.when(pl.col("hire_on").is_not_null()).then(waiting_from),
        ends_from_on=pl.coalesce(ends_from, event_on),
    )
    return numbered(facts[list(_PROFILE)], "profile")


def _names_any(rules: pl.Series, wanted: Sequence[str]) -> bool:
    """Whether any of some rules is one of those wanted."""
    return any((rules == one).any() for one in wanted)


def _longest_wait_days(rulebook: Rulebook) -> int:
    """Bound the days between a hire and the end of its wait, pay periods and month ends included."""
    wait: int = rulebook.derived.answer("longest wait", lambda: _longest_wait(rulebook.event_rules))
    return wait + LONGEST_PERIOD_DAYS


def _longest_wait(rules: pl.DataFrame) -> int:
    wait = rules.select((pl.col("waiting_months").cast(pl.Int32) * 31 + pl.col("waiting_days")).max()).item()
    return int(wait or 0)


LONGEST_PERIOD_DAYS = 70
MIDDLE = 15
"""The day of the month that stands for its middle."""


def _decide(rows: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    rules = rulebook.event_rules
    rows = with_taken(
        rows,
        rules,
        "rule_row",
        *("waiting_months", "waiting_days", "coverage_begins", "deduction_begins"),
        *("coverage_ends", "deduction_ends", "ends_day"),
    )
    rows = with_taken(
        rows, rules, "hire_rule_row", "waiting_months", "waiting_days", "coverage_begins", prefix="hire_"
    )
    rows = rows.with_columns(
        pay_group=pl.col("pay_group_id").cast(pl.Int64),
        base_on=_after_wait("event_on", "waiting_months", "waiting_days"),
        hire_base_on=_after_wait("waiting_from_on", "hire_waiting_months", "hire_waiting_days"),
        coverage_ends=_end_rule(),
        no_receipt_on=pl.lit(None, pl.Date),
    )
    rows = _with_begin(rows, rulebook, _Begin("base_on", "coverage_begins", "event_on"), "rule_begin_on")
    hire = _Begin("hire_base_on", "hire_coverage_begins", "waiting_from_on", "no_receipt_on")
    rows = _with_begin(rows, rulebook, hire, "wait_end_on")
    rows = rows.with_columns(coverage_begins_on=_later_of_wait())
    deduction = _Begin("coverage_begins_on", "deduction_begins", "coverage_begins_on")
    rows = _with_begin(rows, rulebook, deduction, "deduction_begins_on")
    rows = _with_end(rows, rulebook, "ends_from_on", "coverage_ends", "coverage_ends_on")
    rows = _with_end(rows, rulebook, "coverage_ends_on", "deduction_ends", "deduction_ends_on")
    return rows.with_columns(
        is_begin_missing=pl.any_horizontal(pl.col(DATES[0]).is_null(), pl.col(DATES[1]).is_null()),
        is_end_missing=pl.any_horizontal(pl.col(DATES[2]).is_null(), pl.col(DATES[3]).is_null()),
    )


def _after_wait(day: str, months: str, wait_days: str) -> pl.Expr:
    return days.add_days(days.add_months(pl.col(day), pl.col(months)), pl.col(wait_days))


def _end_rule() -> pl.Expr:
    """The end rule; of a class that only ends coverage the event already is the day after the last one."""
    rule = pl.col("coverage_ends")
    is_day_after = pl.col("only_ends_coverage") & (rule == EndRule.DAY_BEFORE_EVENT)
    return pl.when(is_day_after).then(pl.lit(str(EndRule.EVENT_DATE))).otherwise(rule)


def _later_of_wait() -> pl.Expr:
    """The later of the rule's own day and the end of the hire's wait, which binds where there is a hire."""
    own, wait = pl.col("rule_begin_on"), pl.col("wait_end_on")
    is_free = pl.col("waiting_from_on").is_null() | pl.col("hire_rule_row").is_null()
    return pl.when(is_free).then(own).otherwise(days.latest(own, wait))


@dataclass(frozen=True)
class _Begin:
    """Which day a begin rule counts from: after the wait, and before it; and when the election came."""

    base: str
    rule: str
    anchor: str
    received: str = "received_on"


_BEGIN_BY_PERIOD = (BeginRule.PAY_PERIOD_AFTER.value, BeginRule.PAY_PERIOD_ON_OR_AFTER.value)


def _with_begin(rows: pl.DataFrame, rulebook: Rulebook, begin: _Begin, into: str) -> pl.DataFrame:
    """Apply a begin rule to a day."""
    name, base = pl.col(begin.rule), pl.col(begin.base)
    received = pl.when(base.is_not_null()).then(pl.coalesce(begin.received, begin.anchor))
    by_calendar = (
        pl.when(name.is_in([BeginRule.EVENT_DATE.value, DeductionBeginRule.WITH_COVERAGE.value]))
        .then(base)
        .when(name == BeginRule.DAY_AFTER_EVENT)
        .then(days.day_after(base))
        .when(name == BeginRule.MONTH_AFTER)
        .then(days.month_begin_after(base))
        .when(name == BeginRule.MONTH_ON_OR_AFTER)
        .then(days.month_begin_on_or_after(base))
        .when(name == BeginRule.MONTH_AFTER_RECEIPT)
        .then(days.month_begin_after(received))
        .when(name == BeginRule.LATER_OF_EVENT_AND_RECEIPT)
        .then(days.latest(base, received))
    )
    begins: pl.Expr = by_calendar
    found = rows
    for rule in _BEGIN_BY_PERIOD:
        if _names_any(rows[begin.rule], [rule]):
            is_after = rule == BeginRule.PAY_PERIOD_AFTER
            found = pays.next_period(found, begin.base, rulebook.pay_periods, strict=is_after, into=rule)
            begins = pl.when(name == rule).then(pl.col(rule)).otherwise(begins)
    return rows.hstack([found.select(begins.alias(into))[into]])


def _with_end(rows: pl.DataFrame, rulebook: Rulebook, day: str, rule: str, into: str) -> pl.DataFrame:
    """Apply an end rule to a day."""
    name, base = pl.col(rule), pl.col(day)
    by_calendar = (
        pl.when(name.is_in([EndRule.EVENT_DATE.value, DeductionEndRule.WITH_COVERAGE.value]))
        .then(base)
        .when(name == EndRule.DAY_BEFORE_EVENT)
        .then(days.day_before(base))
        .when(name == EndRule.MONTH_END)
        .then(days.month_end(base))
        .when(name == EndRule.MIDDLE_OR_MONTH_END)
        .then(days.earliest(days.day_of_month_on_or_after(base, MIDDLE), days.month_end(base)))
        .when(name == EndRule.DAY_OF_MONTH)
        .then(days.day_of_month_on_or_after(base, pl.col("ends_day")))
    )
    if not _names_any(rows[rule], [EndRule.PAY_PERIOD_END.value]):
        return rows.with_columns(by_calendar.alias(into))
    rows = pays.period_containing(rows, day, rulebook.pay_periods, into="_period_end")
    by_period = pl.when(name == EndRule.PAY_PERIOD_END).then("_period_end").otherwise(by_calendar)
    return rows.with_columns(by_period.alias(into)).drop("_period_end")
