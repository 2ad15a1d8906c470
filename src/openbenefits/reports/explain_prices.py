"""The arithmetic of a price, line by line: rate, units, employer's part, year, pay (docs/rules.md §7).

The amounts are the kernel's; they are told here from the same set-up rows with the operators of `core`, and
`mismatches` names every option for which the two do not agree.
"""

from collections.abc import Iterator
from typing import Any

import polars as pl

from openbenefits.core import money as cents_of
from openbenefits.core.codes import ADULT_KINDS, KIND_OF, PERSON_KINDS, PersonType, RateUnit
from openbenefits.enrollment.rules.prepare import bases_of
from openbenefits.programs.curves import factor_text
from openbenefits.programs.rates import MONTHLY, PERIODS_PER_YEAR, ROUNDED_IN_YEAR, UNIT_DIVISORS
from openbenefits.rating.rules.coverage import with_coverage
from openbenefits.rating.rules.decided import decided_amounts
from openbenefits.rating.rules.price_book import EVERY_PERIOD
from openbenefits.reports.explain_again import Again
from openbenefits.reports.explain_days import Look, day_lines, looked_at
from openbenefits.reports.explain_event import age_on
from openbenefits.reports.explain_names import Row, row_of, row_on
from openbenefits.reports.explain_parts import CostPart, Fact, OptionPart
from openbenefits.reports.explain_shares import Told, contribution_of, per, premium_share, said, share
from openbenefits.reports.explain_words import (
    AREA_NAMES,
    FREQUENCY_WORDS,
    MICROS,
    PERSON_WORDS,
    PRICE_FAULT_WORDS,
    UNIT_WORDS,
    day,
    decimal,
    money,
    whole_money,
)

MICROS_PER_CENT = MICROS // 100
NOBODY_ELSE = {"covers_employee": True, **{f"{kind}_max": 0 for kind in PERSON_KINDS}}


def cost_parts(again: Again, plan: Row, option: Row, priced: Row) -> tuple[CostPart, ...]:
    """Tell every price and credit of an eligible option."""
    key = {"option_id": option["option_id"], "valid_from": option["valid_from"]}
    rows = again.tables["cost"].filter(**key).sort("number")
    parts = [_cost(again, plan, option, priced, row) for row in rows.iter_rows(named=True)]
    return (*parts, *_decided(again, plan, option, priced))


def _decided(again: Again, plan: Row, option: Row, priced: Row) -> Iterator[CostPart]:
    """Tell what somebody decided about the price, in place of what the lines before say."""
    decisions, offers = again.situation.price_decisions, again.prepared.trace.offers
    rows = decided_amounts(again.prepared.options, again.prepared.plans, decisions, offers)
    said = None if rows is None else row_of(rows, row=priced["option"])
    if said is None:
        return
    amounts = {part: said[f"decided_{part}_cents"] for part in ("total", "employer", "employee")}
    told = ", ".join(f"{part} {money(cents)}" for part, cents in amounts.items() if cents is not None)
    until = f" through {day(said['ends_on'])}" if said["ends_on"] else ""
    taxed = (priced["annual_before_tax_cents"], priced["annual_after_tax_cents"])
    employee = None if None in taxed else sum(taxed)
    paid, lines = _paid(again, plan, option, employee, 1, is_credit=False)
    first = f"by decision of {said['author']} ({said['reason']}), from {day(said['begins_on'])}{until}:"
    yield CostPart(
        kind="decided",
        rate_table="none",
        valid_from=None,
        source="",
        contribution="",
        contribution_source="",
        keys=(),
        lines=(f"{first} of the year {told}, whatever rates and contributions say", *lines),
        total_cents=priced["year_total_cents"],
        own_cents=None,
        dependents_cents=None,
        employer_cents=priced["annual_employer_cents"],
        employee_cents=employee,
        **paid,
    )


def _cost(again: Again, plan: Row, option: Row, priced: Row, cost: Row) -> CostPart:
    table = row_on(again.tables["rate_table"], plan["price_on"], rate_table_id=cost["rate_table_id"])
    is_credit = cost["cost_type"] == "C"
    fault = PRICE_FAULT_WORDS.get(priced["price_fault"] or "")
    if table is None:
        return _unpriced("credit" if is_credit else "price", fault or PRICE_FAULT_WORDS["rate"])
    look = looked_at(again, plan, option, cost)
    rated = _rated(again, plan, option, table, look)
    contribution = contribution_of(again, plan, option, cost)
    year, year_lines = _year(table, priced, rated, look)
    grain = _grain(table)
    stated = None if is_credit else _stated(again, table, priced, rated, look)
    reference = None if contribution is None else _reference_year(again, plan, option, cost)
    measure, named = reference or (year, "")
    shared, share_lines = share(cost, contribution, year, measure, named, grain, stated)
    if priced["premium_coverage_cents"] is not None and not is_credit:
        premium = {"coverage_cents": priced["premium_coverage_cents"]}
        paid_for, lines = _year(table, premium, rated, look)
        stated = _stated(again, table, premium, rated, look)
        measure = reference[0] if reference else paid_for
        told = share(cost, contribution, paid_for, measure, named, grain, stated)
        shared, share_lines = premium_share(year, told, lines, grain)
    paid, paid_lines = _paid(again, plan, option, shared["employee_cents"], grain, is_credit=is_credit)
    return CostPart(
        kind="credit" if is_credit else "price",
        rate_table=table["code"],
        valid_from=table["valid_from"],
        source=table["source"],
        contribution=f"{contribution['code']} of {contribution['valid_from']}" if contribution else "",
        contribution_source=contribution["source"] if contribution else "",
        keys=tuple(Fact(name=name, value=str(value)) for name, value in rated[0]["keys"].items()),
        lines=(
            *day_lines(again, plan, table, cost, look),
            *year_lines,
            *share_lines,
            *paid_lines,
            *filter(None, [fault]),
        ),
        **year,
        **shared,
        **paid,
    )


def _unpriced(kind: str, line: str) -> CostPart:
    """A cost whose rate table does not hold on the day."""
    nothing: dict[str, Any] = dict.fromkeys(AMOUNTS)
    return CostPart(
        kind=kind,
        rate_table="none in force",
        valid_from=None,
        source="",
        contribution="",
        contribution_source="",
        keys=(),
        lines=(line,),
        **nothing,
    )


AMOUNTS = (
    *("total_cents", "own_cents", "dependents_cents", "employer_cents", "employee_cents"),
    *("pays", "pay_cents"),
)

# --- the rates ------------------------------------------------------------------------------------------


def _rated(again: Again, plan: Row, option: Row, table: Row, look: Look) -> list[Row]:
    """Find the rates that apply: the employee's, and in tables priced per member those of the others."""
    case = again.case
    code = row_of(again.tables["coverage_code"], coverage_code_id=option["coverage_code_id"]) or NOBODY_ELSE
    age = age_on(look.birth_on, look.age_on)
    people = [
        {
            "who": "employee",
            "age": age,
            "sex": case["sex"],
            "is_smoker": case["is_smoker"],
            "person_type": str(PersonType.EMPLOYEE),
        }
    ]
    if table["is_per_member"]:
        people += list(_charged(again, plan, code, table, look))
    rated = [person | _rate(again, option, table, person, look) for person in people]
    if not code["covers_employee"]:
        nothing = {"who": "employee, not covered", "micros": 0, "employer_micros": 0}
        rated[0] |= {"own_micros": 0, **(nothing if table["is_per_member"] else {})}
    return rated


def _charged(again: Again, plan: Row, code: Row, table: Row, look: Look) -> Iterator[Row]:
    """The dependents a list bill charges: 45 CFR 147.102(c)."""
    members = _where(again.prepared.trace.members, "plan_unit", plan["plan_unit"])
    rows = members.sort("birth_on", "dependent_id", nulls_last=True).iter_rows(named=True)
    counts = dict.fromkeys(PERSON_KINDS, 0)
    young = dict.fromkeys(PERSON_KINDS, 0)
    for row in rows:
        age = age_on(row["birth_on"], look.age_on)
        person = {
            "who": PERSON_WORDS[row["person_type"]],
            "age": age,
            "sex": row["sex"],
            "is_smoker": row["is_smoker"],
            "person_type": row["person_type"],
        }
        kind = KIND_OF[row["person_type"]]
        is_adult = kind in ADULT_KINDS
        is_young = not is_adult and age is not None and age < table["charged_children_under"]
        counts[kind] += 1
        young[kind] += is_young
        most = min(code[f"{kind}_max"], 1) if is_adult else code[f"{kind}_max"]
        if counts[kind] <= most and not (is_young and young[kind] > table["charged_children"]):
            yield person


def _rate(again: Again, option: Row, table: Row, person: Row, look: Look) -> Row:
    """Find one person's rate and the employee's part of it: the keys, the micro-dollars."""
    rows = again.tables["rate_row"].filter(
        rate_table_id=table["rate_table_id"], valid_from=table["valid_from"]
    )
    rows, keys = _with_equal_keys(again, rows, table, person, look)
    rows, keys = _with_bands(rows, keys, table, person, look)
    own = rows
    if table["by_coverage_code"]:
        code = row_of(again.tables["coverage_code"], coverage_code_id=option["coverage_code_id"])
        keys["coverage code"] = code["code"] if code else "none"
        rows = _where(rows, "coverage_code_id", option["coverage_code_id"])
        alone = again.tables["coverage_code"].filter(**NOBODY_ELSE)["coverage_code_id"]
        own = own.filter(pl.col("coverage_code_id").is_in(alone.implode()))
    total = _highest(rows)
    if rows.height and rows["age_factor_micros"][-1] is not None:
        keys["factor of the age curve"] = factor_text(rows["age_factor_micros"][-1])
    return {
        "keys": keys,
        "micros": total,
        "own_micros": total if own.is_empty() else _highest(own),
        "employer_micros": None if rows.is_empty() else rows["employer_micros"][-1],
    }


def _with_equal_keys(
    again: Again, rows: pl.DataFrame, table: Row, person: Row, look: Look
) -> tuple[pl.DataFrame, Row]:
    keys: Row = {}
    if table["by_area"]:
        number = look.zips[table["area_of"]]
        zip_text = None if number is None else f"{number:05}"
        found = row_of(again.tables["geography_zip"], geography_id=table["geography_id"], zip=zip_text)
        area = found["area"] if found else "none"
        keys[AREA_NAMES[table["area_of"]]] = area
        rows = rows.filter(area=area)
    for flag, column, name in (
        ("by_smoker", "is_smoker", "smoker"),
        ("by_sex", "sex", "sex"),
        ("by_person_type", "person_type", "type of person"),
    ):
        if table[flag]:
            keys[name] = person[column]
            rows = _where(rows, column, person[column])
    return rows, keys


def _with_bands(
    rows: pl.DataFrame, keys: Row, table: Row, person: Row, look: Look
) -> tuple[pl.DataFrame, Row]:
    graded = (
        ("by_service", "service_months_from", "months of service", look.service_months),
        ("by_pay", "annual_pay_from_cents", "annual pay", look.annual_pay_cents),
        ("by_age", "age_from", "age", person["age"]),
    )
    for flag, column, name, value in graded:
        if table[flag]:
            keys[name] = whole_money(value) if flag == "by_pay" else value
            rows = rows.head(0) if value is None else rows.filter(pl.col(column) <= value)
            rows = rows.filter(pl.col(column) == pl.col(column).max())
    return rows, keys


def _where(rows: pl.DataFrame, column: str, value: Any) -> pl.DataFrame:
    """The rows with a value; an unknown value has none."""
    return rows.head(0) if value is None else rows.filter(pl.col(column) == value)


def _highest(rows: pl.DataFrame) -> int | None:
    return None if rows.is_empty() else int(rows["rate_micros"][-1])


# --- the year ---------------------------------------------------------------------------------------------


def _grain(table: Row) -> int:
    """Of how many equal parts of the year a price is: 12 months, or the year as one."""
    is_monthly = table["frequency"] == "M" and table["unit"] != RateUnit.PERCENT_OF_BASE
    return MONTHLY if is_monthly else 1


def _periods(table: Row) -> tuple[int, int]:
    """By what a rate is multiplied before it is rounded, and after."""
    if table["unit"] == RateUnit.PERCENT_OF_BASE:
        return 1, 1
    periods = PERIODS_PER_YEAR[table["frequency"]]
    return (periods, 1) if table["frequency"] in ROUNDED_IN_YEAR else (1, periods)


def _year(table: Row, priced: Row, rated: list[Row], look: Look) -> Told:
    """The year's total and its own part: rate × units, rounded once, × periods."""
    years = [_bought(table, one["micros"], priced, look) for one in rated]
    year = _sum(years)
    own = years[0] if table["is_per_member"] else _bought(table, rated[0]["own_micros"], priced, look)
    amounts = {
        "total_cents": year,
        "own_cents": own,
        "dependents_cents": None if year is None or own is None else year - own,
    }
    bought = _units(table, priced, look)
    return amounts, _year_lines(table, rated, _sum([one["micros"] for one in rated]), bought, year)


def _units(table: Row, priced: Row, look: Look) -> int | None:
    """The units bought of a rate: coverage, annual pay, or one."""
    if table["unit"] == RateUnit.PERCENT_OF_BASE:
        return look.annual_pay_cents
    cents: int | None = 1 if table["unit"] == RateUnit.FLAT else priced["coverage_cents"]
    return cents


def _stated(again: Again, table: Row, priced: Row, rated: list[Row], look: Look) -> int | None:
    """The employer's part of the year as the rates state it; null where they do not."""
    rows = again.tables["rate_row"].filter(
        rate_table_id=table["rate_table_id"], valid_from=table["valid_from"]
    )
    if rows["employer_micros"].null_count() == rows.height:
        return None
    return _sum([_bought(table, one["employer_micros"] or 0, priced, look) for one in rated])


def _bought(table: Row, micros: int | None, priced: Row, look: Look) -> int | None:
    """A year's price of a rate."""
    bought = _units(table, priced, look)
    if micros is None or bought is None:
        return None
    times, periods = _periods(table)
    divisor = UNIT_DIVISORS[table["unit"]] * MICROS_PER_CENT
    price = cents_of.multiply_divide_half_up(pl.lit(micros), pl.lit(bought * times), pl.lit(divisor))
    return _number(price) * periods


def _number(amount: pl.Expr) -> int:
    return int(pl.select(amount).item())


def _year_lines(
    table: Row, rated: list[Row], total: int | None, bought: int | None, year: int | None
) -> list[str]:
    lines = [
        f"{', '.join(str(one[name]) for name in ('who', 'age') if one[name] is not None)}: "
        f"{_rate_text(table['unit'], one['micros'])}"
        for one in rated
        if len(rated) > 1
    ]
    return [*lines, _year_line(table, total, bought, year)]


def _year_line(table: Row, total: int | None, bought: int | None, year: int | None) -> str:
    """Tell how a rate becomes the price of a month, or of the year."""
    unit, grain, (times, periods) = table["unit"], _grain(table), _periods(table)
    if unit == RateUnit.PERCENT_OF_BASE:
        return f"{_rate_text(unit, total)} {money(bought)} = {money(year)} a year"
    text = f"{_rate_text(unit, total)} a {FREQUENCY_WORDS[table['frequency']]}"
    if unit != RateUnit.FLAT:
        text += f" × {whole_money(bought)} of coverage"
    elif times * periods == grain:
        return text
    is_multiplied = periods not in (1, grain)
    if is_multiplied and (unit != RateUnit.FLAT or total is None or total % MICROS_PER_CENT):
        text += f" = {said(year, periods)}"
    text += f" × {times}" if times > 1 else ""
    text += f" × {periods}" if is_multiplied else ""
    return f"{text} = {said(year, grain)} a {per(grain)}"


def _rate_text(unit: str, micros: int | None) -> str:
    if micros is None:
        return "no rate"
    if unit == RateUnit.PERCENT_OF_BASE:
        return f"{decimal(micros, MICROS)}{UNIT_WORDS[RateUnit(unit)]}"
    return f"${decimal(micros, MICROS, least=2)}{UNIT_WORDS[RateUnit(unit)]}"


# --- who pays ---------------------------------------------------------------------------------------------


def _reference_year(again: Again, plan: Row, option: Row, cost: Row) -> tuple[Row, str] | None:
    """What another option costs a year, by which this cost's contribution is measured; and its code."""
    offers = again.prepared.trace.offers
    offered = offers.options.filter(plan_day=plan["plan_day"], option_id=option["option_id"])
    rows = (
        offers.costs.filter(offer=offered["offer"][0], number=cost["number"]) if offered.height else offered
    )
    if rows.is_empty() or not rows["has_reference"][0]:
        return None
    years: list[Row] = []
    reference = offers.options.filter(offer=rows["reference_offer"][0])
    asked = reference.select("offer", plan=pl.lit(plan["plan"], pl.Int32))
    covered = with_coverage(
        asked, again.prepared.plans, offers, again.rulebook, bases_of(again.situation, again.rulebook)
    )
    for other in offers.costs.filter(offer=rows["reference_offer"][0], cost_type="P").iter_rows(named=True):
        table = row_on(again.tables["rate_table"], plan["price_on"], rate_table_id=other["rate_table_id"])
        if table is not None:
            row = row_of(again.tables["option"], option_id=reference["option_id"][0]) or option
            look = looked_at(again, plan, row, other)
            rated = _rated(again, plan, row, table, look)
            years.append(_year(table, covered.row(0, named=True), rated, look)[0])
    names = ("total_cents", "own_cents", "dependents_cents")
    code = again.rulebook.options["code"][int(reference["option_row"][0])] if reference.height else "none"
    return {name: _sum([year[name] for year in years]) if years else None for name in names}, code


def _paid(again: Again, plan: Row, option: Row, year: int | None, grain: int, *, is_credit: bool) -> Told:
    """The pay: the year ÷ the flagged pays of the year in which coverage begins."""
    pays = pays_of(
        again, plan["pay_group_id"], plan["price_on"].year, _flags(again, option, is_credit=is_credit)
    )
    if year is None:
        return {"pays": pays, "pay_cents": None}, []
    pay = None if pays is None else _number(cents_of.divide_half_up(pl.lit(year), pays))
    who = "credit" if is_credit else "employee"
    month = f"{said(year, grain)} a month × {grain} = " if grain == MONTHLY else ""
    per_pay = f"÷ {pays or 'an unknown number of'} pays in {plan['price_on'].year} = {money(pay)} per pay"
    return {"pays": pays, "pay_cents": pay}, [f"{who}: {month}{money(year)} a year {per_pay}"]


def _flags(again: Again, option: Row, *, is_credit: bool) -> int:
    if is_credit or option["deduction_code_id"] is None:
        return EVERY_PERIOD
    row = row_of(again.tables["deduction_code"], deduction_code_id=option["deduction_code_id"])
    return EVERY_PERIOD if row is None else int(row["period_flags"])


def pays_of(again: Again, pay_group_id: int | None, year: int, flags: int) -> int | None:
    """How many pays of a pay group in a calendar year a deduction with some flags is taken from."""
    if pay_group_id is None:
        return None
    found = again.rulebook.pay_counts.filter(pay_group_id=pay_group_id, year=year, period_flags=flags)
    return None if found.is_empty() else int(found["pays"][0])


# --- the check --------------------------------------------------------------------------------------------


def mismatches(option: OptionPart, priced: Row) -> Iterator[str]:
    """Name the amounts of an option that its lines do not add up to."""
    if priced["price_fault"] or priced["annual_employer_cents"] is None:
        return
    decided_ = [cost for cost in option.costs if cost.kind == "decided"]
    prices = decided_ or [cost for cost in option.costs if cost.kind == "price"]
    given = [cost for cost in option.costs if cost.kind == "credit"]
    year = _sum([priced["annual_before_tax_cents"], priced["annual_after_tax_cents"]])
    told = {
        "employer's year": ([cost.employer_cents for cost in prices], priced["annual_employer_cents"]),
        "employee's year": ([cost.employee_cents for cost in prices], year),
        "credit of the year": ([cost.employee_cents for cost in given], priced["annual_credit_cents"]),
    }
    if len(prices) == 1:
        told["employee's pay"] = ([prices[0].pay_cents], option.pay_cents)
    for name, (amounts, decided) in told.items():
        if _sum(amounts) != decided:
            yield f"option {option.code}: {name} told {money(_sum(amounts))}, decided {money(decided)}"


def _sum(amounts: list[int | None]) -> int | None:
    """Add amounts up; one that is not known makes the sum not known."""
    return None if any(amount is None for amount in amounts) else sum(filter(None, amounts))
