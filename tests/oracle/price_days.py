"""As of which day a price takes age, service and pay, and whose age it is (docs/rules.md §7.9)."""

from dataclasses import dataclass
from datetime import date, timedelta

from .dates import month_end, pay_periods
from .eligibility import kind_of
from .rows import Fault, Row, Setup

KINDS = {"spouse": ("SP", "DP", "SS"), "dependent": ("CH", "NQ")}


@dataclass(frozen=True)
class When:
    """The days of a price: the day priced, of the event, and on which the deduction begins (None: unknown)."""

    day: date
    event_on: date
    deduction_on: date | None


def looked_at(
    setup: Setup, cost: Row, option: Row, table: Row, person: Row, counting: list[Row], when: When
) -> Row:
    """Find the days and the person a price looks at.

    Gives: age_on and service_on (None: no pay period); pay in cents; faults: whose age there is nobody for,
           and whether the day of pay is unknown; member: whose age it is (None: each one's own).
    Errors: Fault BA1203 where the rule does not hold on the day.
    """
    rule = setup.row_on("calculation_rules", cost.get("calculation_rule"), when.day)
    if cost.get("calculation_rule") is not None and rule is None:
        raise Fault("BA1203")
    rule = rule or {}
    found = {"price_on": when.day, "age_on": when.day, "service_on": when.day, "pay": _pay_of_job(person)}
    found |= {"member": None, "is_nobody": False, "is_pay_day_missing": False}
    found["age_on"] = _day_of(setup, rule, "age", person, when)
    found["service_on"] = _day_of(setup, rule, "service", person, when)
    if rule.get("pay_as_of", "coverage_begin") not in ("coverage_begin", "event_date"):
        pay_on = _day_of(setup, rule, "pay", person, when)
        found["pay"] = None if pay_on is None else pay_of_day(person, pay_on)
        found["is_pay_day_missing"] = pay_on is None
    whose = rule.get("age_of", "employee")
    if whose != "employee" and not table.get("per_member", False):
        found["member"] = _oldest(setup, option, counting, KINDS[whose])
        found["is_nobody"] = found["member"] is None
    return found


def _day_of(setup: Setup, rule: Row, fact: str, person: Row, when: When) -> date | None:
    kind = rule.get(f"{fact}_as_of", "coverage_begin")
    if kind == "coverage_begin":
        return when.day
    if kind == "event_date":
        return when.event_on
    if kind in ("this_year", "last_year"):
        month, day = (int(part) for part in rule[f"{fact}_day"].split("-"))
        first = date(when.day.year - (1 if kind == "last_year" else 0), month, 1)
        return min(first + timedelta(day - 1), month_end(first))
    periods = pay_periods(setup.pay_group(person))
    for number, period in enumerate(periods):
        if when.deduction_on and period["begins_on"] <= when.deduction_on <= period["ends_on"]:
            if kind == "next_pay_end":
                return periods[number + 1]["ends_on"] if number + 1 < len(periods) else None
            return period["check_on"] if kind == "check_date" else period["ends_on"]
    return None


def _pay_of_job(person: Row) -> int | None:
    return (person.get("job") or {}).get("annual_pay_cents")


def pay_of_day(person: Row, day: date) -> int | None:
    known = [one for one in person.get("pay_history") or [] if one["valid_from"] <= day]
    return max(known, key=lambda one: one["valid_from"])["annual_pay_cents"] if known else None


def _oldest(setup: Setup, option: Row, counting: list[Row], kinds: tuple[str, ...]) -> Row | None:
    """Find the oldest of some kinds among those who count and, if there is a coverage code, it allows."""
    code = setup.row("coverage_codes", option["coverage_code"])
    allowed = [kind for kind in kinds if code is None or (code["persons"].get(kind) or {"max": 0})["max"] > 0]
    persons = [one for one in counting if kind_of(one) in allowed]
    return min(persons, key=lambda one: (one.get("birth_on") or date.max, one["id"]), default=None)
