"""Days: ages, months, pay calendars, and when coverage and deductions begin and end (docs/rules.md §5)."""

from calendar import monthrange
from datetime import date, timedelta
from functools import cache

from openbenefits.core.codes import BeginRule, DeductionBeginRule, DeductionEndRule, EndRule

from .rows import Row, Setup

ONE_DAY = timedelta(days=1)
DAYS_IN_PERIOD = {"weekly": 7, "biweekly": 14}


def age_years(birth_on: date | None, day: date) -> int | None:
    """Count completed years; who is born on 29 February completes one on 1 March of a common year."""
    if birth_on is None:
        return None
    has_had_birthday = (day.month, day.day) >= (birth_on.month, birth_on.day)
    return day.year - birth_on.year - (0 if has_had_birthday else 1)


def service_months(service_on: date | None, day: date) -> int | None:
    """Count the greatest n for which service date + n months is not after the day."""
    if service_on is None:
        return None
    months = (day.year - service_on.year) * 12 + day.month - service_on.month
    return months if add_months(service_on, months) <= day else months - 1


def add_months(day: date, months: int) -> date:
    """Move by months, at most to the end of the month reached."""
    number = day.year * 12 + day.month - 1 + months
    year, month = number // 12, number % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def first_of_next_month(day: date) -> date:
    return month_end(day) + ONE_DAY


# --- pay calendars --------------------------------------------------------------------------------------


def pay_periods(pay_group: Row | None) -> list[Row]:
    """List the pay periods of a pay group; each is counted in the month and the year in which it ends."""
    if pay_group is None:
        return []
    return _calendar(
        pay_group["frequency"],
        pay_group["first_period_begins"],
        pay_group["calendar_through"],
        pay_group.get("check_lag_days", 5),
    )


@cache
def _calendar(frequency: str, first_begin: date, through: date, check_lag_days: int) -> list[Row]:
    periods, begins_on = [], first_begin
    while begins_on <= through:
        ends_on = _period_end(frequency, begins_on)
        periods.append(
            {
                "begins_on": begins_on,
                "ends_on": ends_on,
                "check_on": ends_on + timedelta(days=check_lag_days),
                "period_of_month": _position(frequency, ends_on, "month"),
                "period_of_year": _position(frequency, ends_on, "year"),
                "periods_in_year": _periods_in_year(frequency, ends_on),
            }
        )
        begins_on = ends_on + ONE_DAY
    return periods


def flagged_periods(periods: list[Row], year: int, flags: list[int] | None) -> list[Row] | None:
    """List the pays of a calendar year whose flag is on; None where the calendar lacks part of the year."""
    of_year = [period for period in periods if period["ends_on"].year == year]
    if not of_year or len(of_year) != of_year[0]["periods_in_year"]:
        return None
    return [period for period in of_year if flags is None or period["period_of_month"] in flags]


def _period_end(frequency: str, begins_on: date) -> date:
    if frequency in DAYS_IN_PERIOD:
        return begins_on + timedelta(days=DAYS_IN_PERIOD[frequency] - 1)
    if frequency == "semimonthly" and begins_on.day == 1:
        return begins_on.replace(day=15)
    return month_end(begins_on)


def _end_before(frequency: str, ends_on: date) -> date:
    if frequency in DAYS_IN_PERIOD:
        return ends_on - timedelta(days=DAYS_IN_PERIOD[frequency])
    if frequency == "semimonthly" and ends_on.day > 15:
        return ends_on.replace(day=15)
    return ends_on.replace(day=1) - ONE_DAY


def _position(frequency: str, ends_on: date, unit: str) -> int:
    """Count how many periods have ended in this month (or year), this one included."""
    position, day = 1, _end_before(frequency, ends_on)
    while day.year == ends_on.year and (unit == "year" or day.month == ends_on.month):
        position, day = position + 1, _end_before(frequency, day)
    return position


def _periods_in_year(frequency: str, ends_on: date) -> int:
    last = ends_on
    while _period_end(frequency, last + ONE_DAY).year == ends_on.year:
        last = _period_end(frequency, last + ONE_DAY)
    return _position(frequency, last, "year")


# --- when coverage and deductions begin and end ---------------------------------------------------------


def begin_day(
    rule: str, anchor: date, received_on: date | None, periods: list[Row], months: int = 0, days: int = 0
) -> date | None:
    """Find the day a begin rule gives, counted from an anchor; None without a pay calendar for it.

    Until an election is received, its receipt is the anchor.
    """
    b = add_months(anchor, months) + timedelta(days=days)
    receipt = received_on or anchor
    match rule:
        case BeginRule.EVENT_DATE | DeductionBeginRule.WITH_COVERAGE:
            return b
        case BeginRule.DAY_AFTER_EVENT:
            return b + ONE_DAY
        case BeginRule.MONTH_AFTER:
            return first_of_next_month(b)
        case BeginRule.MONTH_ON_OR_AFTER:
            return b if b.day == 1 else first_of_next_month(b)
        case BeginRule.PAY_PERIOD_AFTER:
            return _first_begin(periods, b + ONE_DAY)
        case BeginRule.PAY_PERIOD_ON_OR_AFTER:
            return _first_begin(periods, b)
        case BeginRule.MONTH_AFTER_RECEIPT:
            return first_of_next_month(receipt)
        case BeginRule.LATER_OF_EVENT_AND_RECEIPT:
            return max(b, receipt)
    raise ValueError(rule)


def end_day(rule: str, anchor: date, periods: list[Row], number: int | None) -> date | None:
    """Find the last day an end rule gives, counted from an anchor; None without a pay calendar for it."""
    match rule:
        case EndRule.EVENT_DATE | DeductionEndRule.WITH_COVERAGE:
            return anchor
        case EndRule.DAY_BEFORE_EVENT:
            return anchor - ONE_DAY
        case EndRule.MONTH_END:
            return month_end(anchor)
        case EndRule.PAY_PERIOD_END:
            return _end_of_containing(periods, anchor)
        case EndRule.MIDDLE_OR_MONTH_END:
            return anchor.replace(day=15) if anchor.day <= 15 else month_end(anchor)
        case EndRule.DAY_OF_MONTH:
            day = anchor
            while day.day != number and not (day == month_end(day) and day.day < number):
                day += ONE_DAY
            return day
    raise ValueError(rule)


def _first_begin(periods: list[Row], day: date) -> date | None:
    for period in periods:
        if period["begins_on"] >= day:
            return period["begins_on"]
    return None


def _end_of_containing(periods: list[Row], day: date) -> date | None:
    for period in periods:
        if period["begins_on"] <= day <= period["ends_on"]:
            return period["ends_on"]
    return None


def coverage_begin(setup: Setup, event_rule: str, row: Row, person: Row, event: Row) -> Row:
    """Find when coverage begins: the later of the event's own day and the end of the wait of the hire."""
    periods = pay_periods(setup.pay_group(person))
    own = begin_day(
        row["coverage_begins"],
        event["event_on"],
        event.get("received_on"),
        periods,
        row["waiting_months"],
        row["waiting_days"],
    )
    hired_on = person.get("hire_on")
    hire_row = setup.event_row(event_rule, "HIR", event["event_on"])
    if hired_on is None or hire_row is None:
        return {"by_event": own, "by_hire": None, "begins_on": own}
    wait = begin_day(
        hire_row["coverage_begins"],
        hired_on,
        None,
        periods,
        hire_row["waiting_months"],
        hire_row["waiting_days"],
    )
    begins_on = None if own is None or wait is None else max(own, wait)
    return {"by_event": own, "by_hire": wait, "begins_on": begins_on}


def deduction_begin(setup: Setup, row: Row, person: Row, event: Row, begins_on: date) -> date | None:
    periods = pay_periods(setup.pay_group(person))
    return begin_day(row["deduction_begins"], begins_on, event.get("received_on"), periods)


def coverage_end(setup: Setup, row: Row, person: Row, event: Row) -> date | None:
    """Find the last day of what one has: counted from the last day employed where the class only ends."""
    periods = pay_periods(setup.pay_group(person))
    anchor, rule = event["event_on"], row["coverage_ends"]
    if setup.event_class(event["event_class"]).get("only_ends_coverage", False):
        anchor = (person.get("job") or {}).get("last_day_employed") or anchor - ONE_DAY
        if rule == EndRule.DAY_BEFORE_EVENT:  # not offered for such a class: the event is the day after
            rule = EndRule.EVENT_DATE
    return end_day(rule, anchor, periods, row["ends_day"])


def deduction_end(setup: Setup, row: Row, person: Row, ends_on: date) -> date | None:
    return end_day(row["deduction_ends"], ends_on, pay_periods(setup.pay_group(person)), row["ends_day"])
