"""What it covers and what it costs (docs/rules.md §6 and §7). Money is whole cents."""

from calendar import monthrange
from datetime import date
from decimal import Decimal
from typing import Any

from .curves import written_out
from .dates import age_years, pay_periods, service_months
from .eligibility import (
    ADULTS,
    covered_dependents,
    covers_employee,
    covers_nobody_else,
    jobs_looked_at,
    kind_of,
)
from .price_days import When, looked_at, pay_of_day
from .rows import (
    Fault,
    Row,
    Setup,
    cents,
    cents_or_none,
    decimal,
    floor_to_multiple,
    half_away,
    option_of,
    percent_of,
)

PAY_DIVISOR = {"annual_pay": 1, "monthly_pay": 12, "weekly_pay": 52}
PERIODS = {
    "annual": 1,
    "quarterly": 4,
    "monthly": 12,
    "semimonthly": 24,
    "biweekly": 26,
    "weekly": 52,
    "daily": 260,
    "daily_365": 365,
}
LINE_FIELD = {
    "age": "age_from",
    "area": "area",
    "coverage_code": "coverage_code",
    "smoker": "smoker",
    "sex": "sex",
    "person_type": "person_type",
    "service": "service_months_from",
    "pay": "annual_pay_from",
}
GRADED = ("age", "service", "pay")


def annual_pay(person: Row) -> int | None:
    return (person.get("job") or {}).get("annual_pay_cents")


# --- coverage -------------------------------------------------------------------------------------------


def coverage_amount(
    setup: Setup, option: Row, person: Row, day: date, deduction_on: date | None
) -> int | None:
    """Find the coverage of an option in cents; None where it has none.

    Errors: Fault BA1209 without pay, BA1213 without the birth date an age reduction needs.
    """
    if option.get("formula") is None:
        return cents_or_none(option.get("coverage_amount"))
    return formula_amount(setup, option["formula"], person, day, deduction_on)


def premium_coverage(
    setup: Setup, option: Row, person: Row, coverage: int | None, day: date, deduction_on: date | None
) -> int | None:
    """Find the coverage the employee pays for, at most the coverage itself; None without a formula of its own."""
    if option.get("premium_formula") is None:
        return None
    amount = formula_amount(setup, option["premium_formula"], person, day, deduction_on)
    return None if coverage is None else min(amount, coverage)


def formula_amount(setup: Setup, code: str, person: Row, day: date, deduction_on: date | None) -> int:
    formula = setup.row_on("formulas", code, day)
    pay = None if formula is None else base_pay(setup, formula, person, day, deduction_on)
    if formula is None or pay is None:
        raise Fault("BA1209")
    if formula.get("disability"):
        return disability_pay(formula["disability"], pay)
    base = half_away(pay, PAY_DIVISOR[formula.get("base", "annual_pay")])
    base = at_most(base, cents_or_none(formula.get("base_cap")))
    amount = base
    for step in formula["steps"]:
        amount = apply_step(amount, base, step)
    amount -= age_reduction(formula, amount, age_years(person.get("birth_on"), day))
    amount = at_most(amount, cents_or_none(formula.get("maximum")))
    return at_least(amount, cents(formula.get("minimum") or 0))


def base_pay(setup: Setup, formula: Row, person: Row, day: date, deduction_on: date | None) -> int | None:
    """Find the pay of a year a formula takes; None where any of it is not known."""
    back = {"this_year": 0, "last_year": 1}.get(formula.get("as_of", "event_date"))
    on = person["event"]["event_on"]
    of_period = formula.get("as_of") in ("check_date", "pay_end")
    if of_period:
        on = _day_of_period(setup, formula["as_of"], person, deduction_on)
        if on is None:
            return None
    if back is not None:
        month, day_of_month = (int(number) for number in formula["as_of_day"].split("-"))
        on = date(day.year - back, month, min(day_of_month, monthrange(day.year - back, month)[1]))
    base_type = formula.get("benefits_base")
    if base_type is not None:
        bases = [one for one in person.get("benefit_bases") or [] if one["base_type"] == base_type]
        return pay_of_day({"pay_history": bases}, on)
    of_a_day, of_the_job = back is not None or of_period, formula.get("jobs", "primary") == "primary"
    if of_the_job and not formula.get("active_only", False):
        return pay_of_day(person, on) if of_a_day else annual_pay(person)
    group = jobs_looked_at(formula, _with_jobs_of(person, on) if of_a_day else person)
    pays = [job.get("annual_pay_cents") for job in group]
    if formula.get("active_only", False) and any(job.get("job_status") is None for job in group):
        return None
    return None if not pays or None in pays else sum(pays)


def _with_jobs_of(person: Row, day: date) -> Row:
    """Give a person the jobs of a day: the primary one, and the others."""
    known = [one for one in person.get("job_history") or [] if one["valid_from"] <= day]
    jobs = max(known, key=lambda one: one["valid_from"])["jobs"] if known else []
    primary = next((job for job in jobs if job.get("is_primary", False)), None)
    return {**person, "job": primary, "more_jobs": [job for job in jobs if job is not primary]}


def _day_of_period(setup: Setup, as_of: str, person: Row, deduction_on: date | None) -> date | None:
    """Find the check, or the end, of the pay period in which deductions begin."""
    for period in pay_periods(setup.pay_group(person)):
        if deduction_on and period["begins_on"] <= deduction_on <= period["ends_on"]:
            return period["check_on"] if as_of == "check_date" else period["ends_on"]
    return None


def disability_pay(part: Row, pay: int) -> int:
    """Find the monthly pay that is covered: at most what the highest benefit replaces."""
    replaced = half_away(cents(part["maximum_monthly_benefit"]) * 100, decimal(part["replacement_percent"]))
    return min(half_away(pay, 12), replaced)


ROUND_UP = {"down": lambda to: 0, "nearest": lambda to: Decimal(to) / 2, "up": lambda to: to - 1}


def apply_step(amount: int, base: int, step: Row) -> int:
    if step.get("multiply") is not None:
        return half_away(amount * decimal(step["multiply"]), 1)
    if step.get("divide") is not None:
        return half_away(amount, step["divide"])
    if step.get("add") is not None:
        return amount + cents(step["add"])
    if step.get("subtract") is not None:
        return amount - cents(step["subtract"])
    if step.get("add_base") is not None:
        return amount + half_away(base * decimal(step["add_base"]), 1)
    if step.get("round") is not None:
        multiple = cents(step["to"])
        up = ROUND_UP[step["round"]](multiple)
        return floor_to_multiple(amount + up, multiple) if multiple else amount
    if step.get("set") is not None:
        return cents(step["set"])
    multiple = cents(step["round_to"])
    return floor_to_multiple(amount + cents(step.get("round_up") or 0), multiple) if multiple else amount


def age_reduction(formula: Row, amount: int, age: int | None) -> int:
    """Find what age takes off: the percentage of the highest `age_from` that is reached."""
    reductions = formula.get("age_reductions") or []
    if not reductions:
        return 0
    if age is None:
        raise Fault("BA1213")
    reached = [part for part in reductions if part["age_from"] <= age]
    if not reached:
        return 0
    return percent_of(amount, max(reached, key=lambda part: part["age_from"])["reduce_percent"])


def at_most(amount: int, bound: int | None) -> int:
    return amount if bound is None else min(amount, bound)


def at_least(amount: int, bound: int | None) -> int:
    return amount if bound is None else max(amount, bound)


# --- the rate of one person -----------------------------------------------------------------------------


def find_line(table: Row, values: Row) -> Row | None:
    """Find the rate line: of each graded key the greatest edge of the table that is reached, else equal."""
    lines = table["rates"]
    for key in table.get("keys") or []:
        value = values[key]
        if key == "age" and value is not None and value > (table.get("age_through") or value):
            value = None
        if key in GRADED and value is not None:
            edges = [_line_value(line, key) for line in table["rates"]]
            value = max((edge for edge in edges if edge <= value), default=None)
        lines = [line for line in lines if value is not None and _line_value(line, key) == value]
    return lines[0] if lines else None


def _line_value(line: Row, key: str) -> Any:
    value = line[LINE_FIELD[key]]
    return cents(value) if key == "pay" else value


def rate_values(
    setup: Setup, table: Row, person: Row, member: Row, coverage_code: str | None, look: Row
) -> Row:
    """Gather the keys of a member: age, sex and smoking are the member's own, the rest the employee's."""
    aged = look["member"] or member
    return {
        "age": None if look["age_on"] is None else age_years(aged.get("birth_on"), look["age_on"]),
        "area": setup.zips(table.get("geography")).get(rating_zip(setup, table, person, look) or "") or None,
        "coverage_code": coverage_code,
        "smoker": member.get("is_smoker"),
        "sex": member.get("sex"),
        "person_type": member.get("person_type", "EE"),
        "service": None
        if look["service_on"] is None
        else service_months(person.get("service_on"), look["service_on"]),
        "pay": look["pay"],
    }


def rating_zip(setup: Setup, table: Row, person: Row, look: Row) -> str | None:
    """Find the zip of the address a table goes by: the home's, or the one of the job's company or location."""
    kind = table.get("area_of", "home")
    if kind == "home":
        return person.get("zip")
    address = setup.row_on(f"{kind}_addresses", (person.get("job") or {}).get(kind), look["price_on"])
    return address["zip"] if address else None


def line_of(setup: Setup, table: Row, person: Row, member: Row, coverage_code: str | None, look: Row) -> Row:
    values = rate_values(setup, table, person, member, coverage_code, look)
    keys = table.get("keys") or []
    line = find_line(table, values)
    if line is not None and not ("age" in keys and look["is_nobody"]):
        return line
    if "area" in keys and values["area"] is None:
        raise Fault("BA1212")
    if "age" in keys and look["is_nobody"]:
        raise Fault("BA1214")
    if "age" in keys and (look["member"] or member).get("birth_on") is None:
        raise Fault("BA1213")
    if "age" in keys and look["age_on"] is None:
        raise Fault("BA1205")
    if "service" in keys and look["service_on"] is None:
        raise Fault("BA1205")
    if "pay" in keys and look["is_pay_day_missing"]:
        raise Fault("BA1205")
    raise Fault("BA1202")


def year_of(table: Row, line: Row, look: Row, coverage: int | None, rate: str = "rate") -> int | None:
    """Turn a rate into the cents of a year, rounded once; None where the coverage is unknown.

    What is rounded is the price of a period of the table: a year's is that of 12 months, of 52 weeks. A day's
    price is nobody's, and a percentage is one of a year's pay: there the year is rounded.
    """
    unit, pay = table.get("unit", "flat"), look["pay"]
    if unit == "percent_of_base" and pay is None:
        raise Fault("BA1205" if look["is_pay_day_missing"] else "BA1209")
    if coverage is None and unit in ("per_hundred", "per_thousand"):
        return None
    base = {"flat": 100, "per_hundred": coverage, "per_thousand": coverage, "percent_of_base": pay}[unit]
    divisor = {"flat": 1, "per_hundred": 100, "per_thousand": 1000, "percent_of_base": 100}[unit]
    frequency = table.get("frequency", "monthly")
    periods = 1 if unit == "percent_of_base" else PERIODS[frequency]
    if frequency in ("daily", "daily_365"):
        return half_away(decimal(line.get(rate) or 0) * base * periods, divisor)
    return half_away(decimal(line.get(rate) or 0) * base, divisor) * periods


def is_monthly(table: Row) -> bool:
    """Tell whether a price is one of months: what the employer pays of it is found, and rounded, for a month."""
    return table.get("frequency", "monthly") == "monthly" and table.get("unit", "flat") != "percent_of_base"


# --- the price of an option -----------------------------------------------------------------------------


def rated_members(table: Row, covered: list[Row], day: date | None) -> list[Row]:
    """List who of the dependents is charged: of the children under an age (21) only the oldest (3), and so of
    the non-qualified ones.
    """
    most, limit = table.get("charged_children", 3), table.get("charged_children_under", 21)
    members, minors = [], {"CH": 0, "NQ": 0}
    for dependent in covered:
        age = None if day is None else age_years(dependent.get("birth_on"), day)
        kind = kind_of(dependent)
        is_minor = kind not in ADULTS and age is not None and age < limit
        if is_minor:
            minors[kind] += 1
        if not is_minor or minors[kind] <= most:
            members.append(dependent)
    return members


def year_parts(
    setup: Setup, cost: Row, option: Row, person: Row, counting: list[Row], coverage: int | None, when: When
) -> Row:
    """Find the year's total of a cost, the employee's own part of it and what dependents add."""
    table = setup.row_on("rate_tables", cost["rate_table"], when.day)
    look = looked_at(setup, cost, option, table or {}, person, counting, when)
    if table is None:
        raise Fault("BA1202")
    table = written_out(setup, table)
    if table.get("per_member", False) and table.get("unit", "flat") in ("per_hundred", "per_thousand"):
        raise Fault("BA1202")
    code = option["coverage_code"]
    is_covered = covers_employee(setup.row("coverage_codes", code))
    covered = covered_dependents(setup, code, counting)
    members = [person]
    if table.get("per_member", False):
        members = ([person] if is_covered else []) + rated_members(table, covered, look["age_on"])
    lines = [line_of(setup, table, person, member, code, look) for member in members]
    years = [year_of(table, line, look, coverage) for line in lines]
    if None in years:
        return {"total": None, "own": None, "dependents": None, "lines": lines}
    total = sum(years)
    if not is_covered:
        own = 0
    elif table.get("per_member", False):
        own = years[0]
    else:
        own = _own_part(setup, table, person, look, coverage, total)
    stated = None
    if any(line.get("employer_rate") is not None for line in table["rates"]):
        stated = sum(year_of(table, line, look, coverage, "employer_rate") for line in lines)
    parts = {"total": total, "own": own, "dependents": total - own, "stated": stated, "lines": lines}
    return parts | {"is_monthly": is_monthly(table)}


def _own_part(setup: Setup, table: Row, person: Row, look: Row, coverage: int | None, total: int) -> int:
    if "coverage_code" not in (table.get("keys") or []):
        return total
    for code in setup.peo["coverage_codes"]:
        if covers_nobody_else(code) and covers_employee(code):
            line = find_line(table, rate_values(setup, table, person, person, code["code"], look))
            if line is not None:
                return year_of(table, line, look, coverage)
    return total


def employer_year(setup: Setup, cost: Row, option: Row, parts: Row, day: date, reference: Any) -> int:
    """Find what the employer pays of a year: as the rates state it, else percentages and a fixed amount,
    capped; at most the total. Of a monthly price each is found for a month, and the year is 12 of them.

    `reference(code)` gives the parts of another option's price.
    """
    if parts["stated"] is not None:
        return min(parts["stated"], parts["total"])
    contribution = setup.row_on("contributions", cost.get("contribution"), day)
    row = _contribution_row(contribution, option["coverage_code"])
    if row is None:
        return 0
    gives = [decimal(row.get(name, 0)) for name in ("employee_percent", "dependent_percent", "fixed_monthly")]
    if not any(gives):
        return 0
    measure = parts
    if contribution.get("reference_option"):
        measure = reference(contribution["reference_option"])
    months = 12 if parts["is_monthly"] else 1
    amount = half_away(measure["own"] * gives[0], 100 * months) * months
    amount += half_away(measure["dependents"] * gives[1], 100 * months) * months
    cap = cents_or_none(row.get("cap_monthly"))
    amount = at_most(amount + cents(gives[2]) * 12, None if cap is None else cap * 12)
    least = min(cents(row.get("minimum_employee_monthly") or 0) * 12, parts["total"])
    return min(amount, parts["total"] - least)


def reference_parts(
    setup: Setup, section: Row, code: str, option: Row, person: Row, counting: list[Row], when: When
) -> Row:
    """Price the option a contribution is measured by: of the same coverage code, all its costs added up."""
    suffix = f"-{option['coverage_code']}" if option["coverage_code"] else ""
    reference = option_of(section, f"{code}{suffix}")
    if reference is None or not reference.get("costs"):
        raise Fault("BA1202")
    why = "BA1209"
    try:
        coverage = coverage_amount(setup, reference, person, when.day, when.deduction_on)
    except Fault as fault:  # matters only to a price by units of coverage
        coverage, why = None, fault.code
    added = {"own": 0, "dependents": 0}
    for cost in reference["costs"]:
        parts = year_parts(setup, cost, reference, person, counting, coverage, when)
        if parts["total"] is None:
            raise Fault(why)
        added = {name: added[name] + parts[name] for name in added}
    return added


def _contribution_row(contribution: Row | None, coverage_code: str | None) -> Row | None:
    for wanted in (coverage_code or "", ""):
        for row in contribution["rows"] if contribution else []:
            if row.get("coverage_code", "") == wanted:
                return row
    return None


def price_year(
    setup: Setup,
    section: Row | None,
    option: Row,
    person: Row,
    counting: list[Row],
    coverage: int | None,
    premium: int | None,
    day: date,
    when: When | None = None,
) -> Row:
    """Add up the costs of an option for a year: {total, employer, costs, faults}."""
    when = when or When(day, day, day)
    total, employer, costs, faults = 0, 0, [], []

    def reference(code: str) -> Row:
        return reference_parts(setup, section, code, option, person, counting, when)

    for cost in option.get("costs") or []:
        try:
            parts = year_parts(setup, cost, option, person, counting, coverage, when)
            if parts["total"] is None:
                faults.append(None if option.get("formula") else "BA1209")  # a formula has said why
                continue
            parts["employer"] = employer_year(setup, cost, option, parts, day, reference)
            if option.get("premium_formula"):
                paid_for = year_parts(setup, cost, option, person, counting, premium, when)
                if paid_for["total"] is None:
                    faults.append(None)  # the premium formula has said why
                    continue
                employee = paid_for["total"] - employer_year(setup, cost, option, paid_for, day, reference)
                parts["employer"] = parts["total"] - min(employee, parts["total"])
        except Fault as fault:
            faults.append(fault.code)
            continue
        total, employer = total + parts["total"], employer + parts["employer"]
        costs.append(parts)
    if faults:
        total = employer = None
    return {"total": total, "employer": employer, "costs": costs, "faults": [f for f in faults if f]}


def credit_year(
    setup: Setup,
    granted: list[Row],
    option: Row,
    person: Row,
    counting: list[Row],
    coverage: int | None,
    day: date,
    when: When | None = None,
) -> Row:
    """Add up credits for a year: priced like a cost, without a contribution."""
    names = ("rate_table", "calculation_rule")
    costs = [{name: credit.get(name) for name in names} for credit in granted]
    priced = {"coverage_code": option["coverage_code"], "costs": costs}
    return price_year(setup, None, priced, person, counting, coverage, None, day, when)
