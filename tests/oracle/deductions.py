"""What is owed in each pay period for one plan type's change points (rulings §2.4, §5.1, §5.2, §5.6)."""

from datetime import date, timedelta
from typing import Any

from openbenefits.core.codes import AmountKind, Trade

from .dates import flagged_periods, pay_periods
from .decided import with_decision
from .eligibility import counting_dependents, is_in_force
from .price_days import When
from .rating import coverage_amount, premium_coverage, price_year
from .rows import Row, Setup, half_away, option_of, plan_type_of, share

ALL_FLAGS = (1, 2, 3, 4, 5)


def owed(peo: Row, client: Row, person: Row, points: list[Row], from_on: date, through_on: date) -> list[Row]:
    """List what is owed in the pay periods that end from one day through another, for one plan type.

    Shapes: points: {plan_type, kind, program, option, begins_on, deduction_begins_on, and as they apply
            coverage_cents, requested_coverage_cents, pledge_cents, percent_thousandths,
            after_tax_thousandths, dependents (ids)}, in order. Each
            holds until the next; its deductions end the day before the next one's begin.
            person may have `changes`: [{from, ...facts as they are from that day}].
            Result: {begins_on, ends_on, point, kind, tax, owed_cents}, only where something is due; kind is
            deduction or, for hours of leave sold, sold (without tax).
    Units:  cents. Credits are not listed.
    """
    setup = Setup(peo, client)
    lines: list[Row] = []
    for period, calendar in _own_pays(setup, person):
        point = _point_in_force(points, period["ends_on"])
        if point is not None:
            lines += _lines_of(setup, person, points, point, period, calendar, lines)
    return [line for line in lines if from_on <= line["ends_on"] <= through_on]


def _own_pays(setup: Setup, person: Row) -> list[tuple[Row, list[Row]]]:
    """List the pays of the group somebody is in on the day each ends, each with its whole calendar."""
    found = []
    codes = {(one.get("job") or {}).get("pay_group") for one in (person, *(person.get("changes") or []))}
    for code in sorted(codes - {None}):
        calendar = pay_periods(setup.pay_group({"job": {"pay_group": code}}))
        for period in calendar:
            if (person_on(person, period["ends_on"]).get("job") or {}).get("pay_group") == code:
                found.append((period, calendar))
    return sorted(found, key=lambda pair: pair[0]["ends_on"])


def _point_in_force(points: list[Row], pay_end: date) -> Row | None:
    """Find the covered point whose deduction clock holds on the end of a pay period."""
    for number, point in enumerate(points):
        begin = point.get("deduction_begins_on")
        following = points[number + 1].get("deduction_begins_on") if number + 1 < len(points) else None
        end = following - timedelta(days=1) if following else None
        if is_in_force(point) and begin and begin <= pay_end and (end is None or pay_end <= end):
            return point
    return None


def _lines_of(
    setup: Setup,
    person: Row,
    points: list[Row],
    point: Row,
    period: Row,
    calendar: list[Row],
    before: list[Row],
) -> list[Row]:
    section = plan_type_of(setup.row_on("programs", point["program"], period["ends_on"]), point["plan_type"])
    option = option_of(section, point["option"])
    if section is None or option is None:
        return []
    lines: list[Row] = []
    for kind, tax, code, percent in _parts(setup, section, option, point):
        deduction = setup.row("deduction_codes", code)
        flags = deduction.get("periods_of_month", ALL_FLAGS) if deduction else ALL_FLAGS
        if section.get("amount", "none") == AmountKind.PERCENT:
            if period["period_of_month"] not in flags:
                continue
            amount = _percent_of_pay(person_on(person, period["ends_on"]), percent, period)
        else:
            flagged = flagged_periods(calendar, period["ends_on"].year, flags)
            if flagged is None or period not in flagged:
                continue
            if section.get("amount", "none") in (AmountKind.PLEDGE, AmountKind.HOURS):
                amount = _pledge_share(point, points.index(point), period, flagged, before)
            else:
                year = employee_year(setup, section, option, person, point, period["ends_on"])
                taken = _taken_elsewhere(setup, person, flags, period, flagged, kind, tax, before)
                amount = None if year is None else period_share(year, period, flagged, taken)
                place = (flagged.index(period) + 1, len(flagged))
        line = {"begins_on": period["begins_on"], "ends_on": period["ends_on"], "point": points.index(point)}
        line |= {"place": place} if section.get("amount", "none") == AmountKind.NONE else {}
        lines.append(line | {"kind": kind, "tax": tax, "owed_cents": amount})
    return lines


def _parts(setup: Setup, section: Row, option: Row, point: Row) -> list[tuple[str, Any, Any, Any]]:
    """List what is taken or paid: kind, tax, deduction code, percentage (docs/rules.md §11.5, §11.7)."""
    code = option.get("deduction_code")
    deduction = setup.row("deduction_codes", code)
    tax = deduction["tax"] if deduction else "after"
    if (option.get("hours") or {}).get("trade") == Trade.SELL:
        return [("sold", None, code, None)]
    if section.get("amount", "none") != AmountKind.PERCENT:
        return [("deduction", tax, code, None)]
    before, after = point.get("percent_thousandths"), point.get("after_tax_thousandths")
    parts = []
    if after:
        parts.append(("deduction", "after", option.get("after_tax_deduction_code") or code, after))
    if before is not None or not after:
        parts.append(("deduction", tax, code, before))
    return parts


def _percent_of_pay(person: Row, percent: int | None, period: Row) -> int | None:
    """Take a percentage of the part of annual pay that falls to one of the year's pays, rounded once."""
    pay = (person.get("job") or {}).get("annual_pay_cents")
    if pay is None or percent is None:
        return None
    return half_away(pay * percent, 100_000 * period["periods_in_year"])


def _taken_elsewhere(
    setup: Setup,
    person: Row,
    flags: Any,
    period: Row,
    flagged: list[Row],
    kind: str,
    tax: Any,
    before: list[Row],
) -> tuple[int, int] | None:
    """Find how far into the year the flagged pay before had come, if it was of another pay group."""
    own = [one for one, _ in _own_pays(setup, person) if one["period_of_month"] in flags]
    number = own.index(period)
    last = own[number - 1] if number else None
    if last is None or last["ends_on"].year != period["ends_on"].year or last in flagged:
        return None
    same = [one for one in before if (one["kind"], one["tax"]) == (kind, tax)]
    line = same[-1] if same and same[-1]["ends_on"] == last["ends_on"] else None
    return None if line is None else line.get("place")


def period_share(
    year_cents: int, period: Row, flagged: list[Row], taken: tuple[int, int] | None = None
) -> int:
    """Split: the flagged pays of a year share the year's amount, cumulatively rounded.

    With 12 or 24 of them, those of a month so share what falls on the month: of a monthly price the month's.
    `flagged` holds the year's pays whose flag is on, `period` among them. `taken`: how far the pay before, of
    another pay group, had come.
    """
    if taken is not None:
        until = half_away(year_cents * (flagged.index(period) + 1), len(flagged))
        return max(until - half_away(year_cents * taken[0], taken[1]), 0)
    return share(year_cents, flagged.index(period) + 1, len(flagged))


def _pledge_share(
    point: Row, point_number: int, period: Row, flagged: list[Row], before: list[Row]
) -> int | None:
    """Split what is left of an annual pledge over the flagged pays of its year from its deduction begin."""
    begin, year = point["deduction_begins_on"], period["ends_on"].year
    if begin.year != year:
        return 0  # a pledge is for the year in which its deductions begin
    taken = [
        line["owed_cents"] for line in before if line["point"] < point_number and line["ends_on"].year == year
    ]
    if None in taken:
        return None
    contributed = sum(taken)
    remaining = [one for one in flagged if one["ends_on"] >= begin]
    return share(point["pledge_cents"] - contributed, remaining.index(period) + 1, len(remaining))


def employee_year(
    setup: Setup, section: Row, option: Row, person: Row, point: Row, pay_end: date
) -> int | None:
    """Price the employee's part of a year as of the end of the pay period, or the locked day."""
    day = point["begins_on"] if section.get("lock_price", False) else pay_end
    if section.get("lock_price", False):
        locked_program = setup.row_on("programs", point["program"], day)
        option = option_of(plan_type_of(locked_program, point["plan_type"]), point["option"]) or option
    known = person_on(person, day) | {"event": {"event_on": day}}
    counting = counting_dependents(setup, section.get("dependent_rule"), known, day)
    if point.get("dependents") is not None:
        counting = [one for one in counting if one["id"] in point["dependents"]]
    is_locked = section.get("lock_price", False)
    event_on = point.get("event_on") or point["begins_on"]
    when = When(day, event_on, point["deduction_begins_on"] if is_locked else pay_end)
    coverage = coverage_amount(setup, option, known, day, when.deduction_on)
    if coverage is not None and point.get("requested_coverage_cents") is not None:
        coverage = min(coverage, point["coverage_cents"])  # the rest waits for proof
    premium = premium_coverage(setup, option, known, coverage, day, when.deduction_on)
    price = price_year(setup, section, option, known, counting, coverage, premium, day, when)
    place = (point["program"], point["plan_type"], point["option"])
    price = with_decision(known, *place, option.get("costs"), day, price)
    return None if price["total"] is None else price["total"] - price["employer"]


def person_on(person: Row, day: date) -> Row:
    """Write out a person as known for a day, from the changes up to it."""
    known = {name: value for name, value in person.items() if name != "changes"}
    for change in sorted(person.get("changes") or [], key=lambda one: one["from"]):
        if change["from"] <= day:
            known |= {name: value for name, value in change.items() if name != "from"}
    return known
