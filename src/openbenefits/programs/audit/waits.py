"""Waiting periods of group health: never longer than 90 days, over every hire date (rulings §2.7)."""

from collections.abc import Iterator
from datetime import date

import polars as pl

from openbenefits.core import days
from openbenefits.core.codes import BeginRule, Severity
from openbenefits.programs.audit.context import Audited, in_force_from, numbered
from openbenefits.programs.bundle import ClientBundle, EventRuleRow
from openbenefits.programs.findings import Finding
from openbenefits.programs.values import Path

HIRE = "HIR"
LONGEST_WAIT_DAYS = 90
GROUP_HEALTH = ("10", "12", "13")
HIRE_DATES = pl.date_range(date(2027, 1, 1), date(2028, 12, 31), "1d", eager=True).alias("hired_on")
"""A common year and a leap year."""

_hired_on, _after_wait = pl.col("hired_on"), pl.col("after_wait")


def long_waits(audited: Audited) -> Iterator[Finding]:
    """Find event rules that can make a new hire wait more than 90 days for group health.

    Source: 45 CFR 147.116, as rulings §2.7 states it; a wait that the employee's own late request causes does
            not count, so a rule that looks at the receipt is tried with a request on the day of hire.
    """
    seen: set[str] = set()
    for path, event_rule, day in _health_rules(audited.client):
        if event_rule in seen:
            continue
        seen.add(event_rule)
        for version in in_force_from(audited.find("event_rules", event_rule), day):
            row = hire_row(version.classes)
            if row is not None:
                yield from _wait_of(audited, path, event_rule, row)


def longest_wait_days(row: EventRuleRow, frequencies: set[str]) -> int:
    """Count the days from hire to coverage for the hire date that waits longest.

    Missing: a pay period begins in each of the client's `frequencies`; without any, periods have no effect.

    >>> longest_wait_days(EventRuleRow(waiting_days=60, coverage_begins=BeginRule.MONTH_ON_OR_AFTER), set())
    90
    >>> longest_wait_days(EventRuleRow(waiting_months=2, coverage_begins=BeginRule.MONTH_AFTER), set())
    92
    """
    waited = days.add_days(days.add_months(_hired_on, row.waiting_months), row.waiting_days)
    begins = [_begin(row.coverage_begins, frequency) for frequency in sorted(frequencies) or [""]]
    longest = (
        HIRE_DATES.to_frame()
        .with_columns(after_wait=waited)
        .select(pl.max_horizontal([(begin - _hired_on).dt.total_days().max() for begin in begins]))
    )
    return int(longest.item())


def hire_row(rows: list[EventRuleRow]) -> EventRuleRow | None:
    """Find the row that serves a hire: its own, else the one for all other classes."""
    by_class = {row.event_class: row for row in rows}
    return by_class.get(HIRE) or by_class.get("")


def _health_rules(client: ClientBundle | None) -> Iterator[tuple[Path, str, date]]:
    for path, program in numbered(client.programs if client else (), "programs"):
        for place, plan_type in numbered(program.plan_types, *path, "plan_types"):
            if plan_type.plan_type in GROUP_HEALTH:
                yield place, plan_type.event_rule, program.valid_from


def _wait_of(audited: Audited, path: Path, event_rule: str, row: EventRuleRow) -> Iterator[Finding]:
    client = audited.client
    frequencies = {group.frequency for group in client.pay_groups} if client else set()
    longest = longest_wait_days(row, set(frequencies))
    if longest <= LONGEST_WAIT_DAYS or row.ignore:
        return
    severity = Severity.WARNING if row.wait_exception else Severity.ERROR
    expected = f"a new hire to wait at most {LONGEST_WAIT_DAYS} days under `{event_rule}` (rulings §2.7)"
    found = f"{longest} days for some hire dates"
    if row.wait_exception:
        found += f"; exception: {row.wait_exception}"
    cure = "Shorten the wait, or name the lawful exception in `wait_exception`."
    yield audited.finding(path, "wait", expected, found, cure, severity)


def _begin(rule: BeginRule, frequency: str) -> pl.Expr:
    """Answer the day coverage begins after the wait."""
    match rule:
        case BeginRule.DAY_AFTER_EVENT:
            return days.day_after(_after_wait)
        case BeginRule.MONTH_AFTER | BeginRule.MONTH_AFTER_RECEIPT:
            return days.month_begin_after(_after_wait)
        case BeginRule.MONTH_ON_OR_AFTER:
            return days.month_begin_on_or_after(_after_wait)
        case BeginRule.PAY_PERIOD_AFTER:
            return _next_period(days.day_after(_after_wait), frequency)
        case BeginRule.PAY_PERIOD_ON_OR_AFTER:
            return _next_period(_after_wait, frequency)
        case _:
            return _after_wait


def _next_period(day: pl.Expr, frequency: str) -> pl.Expr:
    """Answer the latest first day of the first pay period on or after a day, wherever its weeks begin."""
    match frequency:
        case "weekly":
            return days.add_days(day, 6)
        case "biweekly":
            return days.add_days(day, 13)
        case "semimonthly":
            sixteenth = days.add_days(days.month_begin(day), 15)
            is_first_half = (day > days.month_begin(day)) & (day <= sixteenth)
            return pl.when(is_first_half).then(sixteenth).otherwise(days.month_begin_on_or_after(day))
        case "monthly":
            return days.month_begin_on_or_after(day)
        case _:
            return day
