"""Waiting periods of group health: never longer than 90 days, over every hire date (rulings §2.7)."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import polars as pl

from openbenefits.core import days
from openbenefits.core.codes import BeginRule, Severity
from openbenefits.programs.audit.context import Audited, in_force_from, numbered
from openbenefits.programs.bundle import ClientBundle
from openbenefits.programs.findings import Finding
from openbenefits.programs.offers import active
from openbenefits.programs.sections.eligibility import EventRuleRow
from openbenefits.programs.sections.offers import PlanTypePart, ProgramPart
from openbenefits.programs.values import Path

HIRE = "HIR"
LONGEST_WAIT_DAYS = 90
LONGEST_ORIENTATION_DAYS = 31
GROUP_HEALTH = ("10", "12", "13")
HIRE_DATES = pl.date_range(date(2025, 1, 1), date(2029, 2, 28), "1d", eager=True).alias("hired_on")
"""Every hire date of four years and of the winter after, 29 February among them."""

_hired_on, _after_wait = pl.col("hired_on"), pl.col("after_wait")


class Wait(NamedTuple):
    """The longest wait of a rule over all hire dates: days from the hire, and net of the orientation."""

    gross: int
    net: int
    worst: date  # a hire that waits so long, net


def long_waits(audited: Audited) -> Iterator[Finding]:
    """Find event rules that can make a new hire wait more than 90 days for group health.

    Only a declared orientation of at most one month may come first; its waiting counts from the day after.
    Source: 45 CFR 147.116, as rulings §2.7 states it; a wait that the employee's own late request causes does
            not count, so a rule that looks at the receipt is tried with a request on the day of hire.
    """
    frequencies: set[str] = (
        {group.frequency for group in audited.client.pay_groups} if audited.client else set()
    )
    for event_rule, (path, day) in _health_rules(audited.client).items():
        for version in in_force_from(audited.find("event_rules", event_rule), day):
            row = hire_row(version.classes)
            if row is not None and not row.ignore:
                yield from _orientation_of(audited, path, event_rule, row)
                yield from _wait_of(audited, path, event_rule, row, longest_wait(row, frequencies))
    yield from _service_conditions(audited)


def longest_wait(row: EventRuleRow, frequencies: set[str]) -> Wait:
    """Count the days from hire to coverage for the hire date that waits longest, gross and net.

    Missing: a pay period begins in each of the client's `frequencies`; without any, periods have no effect.

    >>> longest_wait(EventRuleRow(waiting_days=60, coverage_begins=BeginRule.MONTH_ON_OR_AFTER), set()).gross
    90
    >>> longest_wait(EventRuleRow(waiting_months=2, coverage_begins=BeginRule.MONTH_AFTER), set()).gross
    92
    >>> two = EventRuleRow(waiting_months=3, waiting_days=14, orientation_month=True)
    >>> longest_wait(two, set()).net
    76
    """
    waited = days.add_days(days.add_months(_hired_on, row.waiting_months), row.waiting_days)
    begins = [_begin(row.coverage_begins, frequency) for frequency in sorted(frequencies) or [""]]
    return _longest(HIRE_DATES.to_frame().with_columns(after_wait=waited), pl.max_horizontal(begins), row)


def longest_wait_days(row: EventRuleRow, frequencies: set[str]) -> int:
    """Count the days from hire to coverage for the hire date that waits longest."""
    return longest_wait(row, frequencies).gross


def _longest(hires: pl.DataFrame, begins: pl.Expr, row: EventRuleRow) -> Wait:
    waits = hires.with_columns(begins_on=begins, counts_from=_counts_from(row)).select(
        "hired_on",
        gross=(pl.col("begins_on") - _hired_on).dt.total_days(),
        net=(pl.col("begins_on") - pl.col("counts_from")).dt.total_days(),
    )
    worst = waits.sort("net", "gross", descending=True, maintain_order=True).row(0, named=True)
    return Wait(gross=int(waits["gross"].max()), net=int(worst["net"]), worst=worst["hired_on"])  # type: ignore[arg-type]


def _counts_from(row: EventRuleRow) -> pl.Expr:
    """The day from which waiting counts: the hire, or the day after an orientation of at most one month.

    The last day of an orientation of one month is the day before that of the hire in the next month; where
    that month has no such day, its last day.
    """
    month_later = days.add_months(_hired_on, pl.lit(1))
    is_clipped = month_later.dt.day() != _hired_on.dt.day()
    after_month = pl.when(is_clipped).then(days.day_after(month_later)).otherwise(month_later)
    if row.orientation_month:
        return after_month
    return pl.min_horizontal(days.add_days(_hired_on, pl.lit(max(row.orientation_days, 0))), after_month)


def hire_row(rows: list[EventRuleRow]) -> EventRuleRow | None:
    """Find the row that serves a hire: its own, else the one for all other classes."""
    by_class = {row.event_class: row for row in rows}
    return by_class.get(HIRE) or by_class.get("")


def _health_rules(client: ClientBundle | None) -> dict[str, tuple[Path, date]]:
    """Map each event rule of group health to a place that uses it, and the first day on which one does."""
    found: dict[str, tuple[Path, date]] = {}
    for path, program, plan_type in _health_places(client):
        known = found.get(plan_type.event_rule)
        if known is None or program.valid_from < known[1]:
            found[plan_type.event_rule] = (path, program.valid_from)
    return found


def _health_places(client: ClientBundle | None) -> Iterator[tuple[Path, ProgramPart, PlanTypePart]]:
    for path, program in numbered(client.programs if client else (), "programs"):
        for place, plan_type in numbered(program.plan_types, *path, "plan_types"):
            if plan_type.plan_type in GROUP_HEALTH:
                yield place, program, plan_type


def _wait_of(
    audited: Audited, path: Path, event_rule: str, row: EventRuleRow, wait: Wait
) -> Iterator[Finding]:
    expected = f"a new hire to wait at most {LONGEST_WAIT_DAYS} days under `{event_rule}` (rulings §2.7)"
    if wait.net > LONGEST_WAIT_DAYS:
        found = f"{wait.net} days for some hire dates, such as {wait.worst}"
        if row.wait_exception:
            found += f"; an exception cannot excuse them: {row.wait_exception}"
        cure = "Shorten the wait; only an orientation of at most one month may come before it."
        yield audited.finding(path, "wait", expected, found, cure)
    elif wait.gross > LONGEST_WAIT_DAYS and not row.wait_exception:
        found = f"{wait.gross} days with the orientation, which nothing names"
        cure = "Say in `wait_exception` what the orientation is and where the plan document has it."
        yield audited.finding(path, "wait", expected, found, cure)
    elif wait.gross > LONGEST_WAIT_DAYS:
        found = f"{wait.gross} days, {wait.net} after the orientation: {row.wait_exception}"
        cure = "Nothing, if the orientation is bona fide and employment-based."
        yield audited.finding(path, "wait", expected, found, cure, Severity.WARNING)


def _orientation_of(audited: Audited, path: Path, event_rule: str, row: EventRuleRow) -> Iterator[Finding]:
    is_off = not 0 <= row.orientation_days <= LONGEST_ORIENTATION_DAYS
    if is_off or (row.orientation_month and row.orientation_days):
        expected = (
            f"an orientation of one month, or of 0 to {LONGEST_ORIENTATION_DAYS} days, in `{event_rule}`"
        )
        month = " and one month" if row.orientation_month else ""
        cure = "Correct the orientation."
        yield audited.finding(path, "orientation", expected, f"{row.orientation_days} days{month}", cure)


# --- time of service as a condition -------------------------------------------------------------------------


def _service_conditions(audited: Audited) -> Iterator[Finding]:
    """Find a client whose every way into group health asks for so much service that it is a long wait."""
    ways = [
        (_service_months(audited, program, part), place)
        for place, program, part in _health_places(audited.client)
    ]
    if not ways:
        return
    months, path = min(ways)
    reached = days.add_months(_hired_on, pl.lit(months))
    wait = _longest(HIRE_DATES.to_frame(), reached, EventRuleRow())
    if wait.net > LONGEST_WAIT_DAYS:
        expected = f"group health that a new hire can have within {LONGEST_WAIT_DAYS} days (rulings §2.7)"
        found = f"at least {months} months of service asked for everywhere"
        cure = "Lower the months of service in the eligibility rule; a condition of time is a wait."
        yield audited.finding(path, "wait", expected, found, cure)


def _service_months(audited: Audited, program: ProgramPart, part: PlanTypePart) -> int:
    """How many months of service the plan type asks for: the program's rule, and its easiest option's."""
    asked = [_asked_months(audited, option.eligibility) for option in active(part.options)]
    return max(_asked_months(audited, program.eligibility), min(asked, default=0))


def _asked_months(audited: Audited, rule: str | None) -> int:
    least = [
        int(criterion.min)
        for version in audited.find("eligibility_rules", rule)
        for criterion in version.criteria
        if criterion.field == "service_months" and criterion.min is not None and not criterion.exclude
    ]
    return min(max(least, default=0), 1200)


def _begin(rule: BeginRule, frequency: str) -> pl.Expr:
    """Answer the day coverage begins after the wait."""
    match rule:
        case BeginRule.DAY_AFTER_EVENT:
            return days.day_after(_after_wait)
        case BeginRule.MONTH_AFTER:
            return days.month_begin_after(_after_wait)
        case BeginRule.MONTH_AFTER_RECEIPT:
            return days.month_begin_after(_hired_on)  # of the receipt, which no wait moves
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
