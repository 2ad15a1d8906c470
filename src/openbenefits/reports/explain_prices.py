"""The arithmetic of a price, line by line: rate, units, month, employer's part, year, pay (docs/rules.md §7).

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
from openbenefits.programs.rates import PERIODS_PER_YEAR, UNIT_DIVISORS
from openbenefits.rating.rules.coverage import with_coverage
from openbenefits.rating.rules.prices import EVERY_PERIOD
from openbenefits.reports.explain_again import Again
from openbenefits.reports.explain_days import Look, day_lines, looked_at
from openbenefits.reports.explain_event import age_on
from openbenefits.reports.explain_names import Row, row_of, row_on
from openbenefits.reports.explain_parts import CostPart, Fact, OptionPart
from openbenefits.reports.explain_shares import Told, contribution_of, premium_share, share
from openbenefits.reports.explain_words import (
    FREQUENCY_WORDS,
    MICROS,
    PERSON_WORDS,
    PRICE_FAULT_WORDS,
    UNIT_WORDS,
    decimal,
    money,
    whole_money,
)

MICROS_PER_CENT = MICROS // 100
MONTHS = 12
NOBODY_ELSE = {"covers_employee": True, **{f"{kind}_max": 0 for kind in PERSON_KINDS}}


def cost_parts(again: Again, plan: Row, option: Row, priced: Row) -> tuple[CostPart, ...]:
    """Tell every price and credit of an eligible option."""
    key = {"option_id": option["option_id"], "valid_from": option["valid_from"]}
    rows = again.tables["cost"].filter(**key).sort("number")
    return tuple(_cost(again, plan, option, priced, row) for row in rows.iter_rows(named=True))


def _cost(again: Again, plan: Row, option: Row, priced: Row, cost: Row) -> CostPart:
    table = row_on(again.tables["rate_table"], plan["price_on"], rate_table_id=cost["rate_table_id"])
    is_credit = cost["cost_type"] == "C"
    fault = PRICE_FAULT_WORDS.get(priced["price_fault"] or "")
    if table is None:
        return _unpriced("credit" if is_credit else "price", fault or PRICE_FAULT_WORDS["rate"])
    look = looked_at(again, plan, option, cost)
    rated = _rated(again, plan, option, table, look)
    contribution = contribution_of(again, plan, option, cost)
    month, month_lines = _month(table, priced, rated, look)
    stated = None if is_credit else _stated(again, table, priced, rated, look)
    reference = None if contribution is None else _reference_month(again, plan, option, cost)
    measure, named = reference or (month, "")
    shared, share_lines = share(cost, contribution, month, measure, named, stated)
    if priced["premium_coverage_cents"] is not None and not is_credit:
        premium = {"coverage_cents": priced["premium_coverage_cents"]}
        paid_for, lines = _month(table, premium, rated, look)
        stated = _stated(again, table, premium, rated, look)
        measure = reference[0] if reference else paid_for
        shared, share_lines = premium_share(
            month, share(cost, contribution, paid_for, measure, named, stated), lines
        )
    paid, paid_lines = _paid(again, plan, option, shared["month_employee_cents"], is_credit=is_credit)
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
            *month_lines,
            *share_lines,
            *paid_lines,
            *filter(None, [fault]),
        ),
        **month,
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
    *("month_total_cents", "month_own_cents", "month_dependents_cents", "month_employer_cents"),
    *("month_employee_cents", "year_cents", "pays", "pay_cents"),
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
    rows, keys = _with_equal_keys(again, rows, table, person)
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


def _with_equal_keys(again: Again, rows: pl.DataFrame, table: Row, person: Row) -> tuple[pl.DataFrame, Row]:
    keys: Row = {}
    if table["by_area"]:
        zip_text = None if again.case["zip"] is None else f"{again.case['zip']:05}"
        found = row_of(again.tables["geography_zip"], geography_id=table["geography_id"], zip=zip_text)
        keys["area"] = found["area"] if found else "none"
        rows = rows.filter(area=keys["area"])
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


# --- the month --------------------------------------------------------------------------------------------


def _month(table: Row, priced: Row, rated: list[Row], look: Look) -> Told:
    """The month's total and its own part: rate × units × periods ÷ 12, rounded once."""
    bought, periods, divisor = _units(table, priced, look)
    months = [_bought(one["micros"], bought, periods, divisor) for one in rated]
    month = _sum(months)
    month_own = (
        months[0] if table["is_per_member"] else _bought(rated[0]["own_micros"], bought, periods, divisor)
    )
    amounts = {
        "month_total_cents": month,
        "month_own_cents": month_own,
        "month_dependents_cents": None if month is None or month_own is None else month - month_own,
    }
    return amounts, _month_lines(table, rated, _sum([one["micros"] for one in rated]), bought, month)


def _units(table: Row, priced: Row, look: Look) -> tuple[int | None, int, int]:
    """What a rate is multiplied by: units bought, periods of a year; and divided by."""
    unit, periods = table["unit"], PERIODS_PER_YEAR[table["frequency"]]
    divisor = UNIT_DIVISORS[unit] * MONTHS * MICROS_PER_CENT
    if unit == RateUnit.PERCENT_OF_BASE:
        return look.annual_pay_cents, 1, divisor
    return 1 if unit == RateUnit.FLAT else priced["coverage_cents"], periods, divisor


def _stated(again: Again, table: Row, priced: Row, rated: list[Row], look: Look) -> int | None:
    """The employer's part of the month as the rates state it; null where they do not."""
    rows = again.tables["rate_row"].filter(
        rate_table_id=table["rate_table_id"], valid_from=table["valid_from"]
    )
    if rows["employer_micros"].null_count() == rows.height:
        return None
    bought, periods, divisor = _units(table, priced, look)
    return _sum([_bought(one["employer_micros"] or 0, bought, periods, divisor) for one in rated])


def _bought(micros: int | None, bought: int | None, periods: int, divisor: int) -> int | None:
    if micros is None or bought is None:
        return None
    return _number(
        cents_of.multiply_divide_half_up(pl.lit(micros), pl.lit(bought * periods), pl.lit(divisor))
    )


def _number(amount: pl.Expr) -> int:
    return int(pl.select(amount).item())


def _month_lines(
    table: Row, rated: list[Row], total: int | None, bought: int | None, month: int | None
) -> list[str]:
    unit, per = table["unit"], FREQUENCY_WORDS[table["frequency"]]
    lines = [
        f"{', '.join(str(one[name]) for name in ('who', 'age') if one[name] is not None)}: "
        f"{_rate_text(unit, one['micros'])}"
        for one in rated
        if len(rated) > 1
    ]
    if unit == RateUnit.PERCENT_OF_BASE:
        return [*lines, f"{_rate_text(unit, total)} {money(bought)} ÷ 12 = {money(month)} a month"]
    text = f"{_rate_text(unit, total)} a {per}"
    if unit != RateUnit.FLAT:
        text += f" × {whole_money(bought)} of coverage"
    if table["frequency"] != "M":
        text += f" × {PERIODS_PER_YEAR[table['frequency']]} ÷ 12"
    if unit == RateUnit.FLAT and table["frequency"] == "M":
        return [*lines, text]
    return [*lines, f"{text} = {money(month)} a month"]


def _rate_text(unit: str, micros: int | None) -> str:
    if micros is None:
        return "no rate"
    if unit == RateUnit.PERCENT_OF_BASE:
        return f"{decimal(micros, MICROS)}{UNIT_WORDS[RateUnit(unit)]}"
    return f"${decimal(micros, MICROS, least=2)}{UNIT_WORDS[RateUnit(unit)]}"


# --- who pays ---------------------------------------------------------------------------------------------


def _reference_month(again: Again, plan: Row, option: Row, cost: Row) -> tuple[Row, str] | None:
    """What another option costs a month, by which this cost's contribution is measured; and its code."""
    offers = again.prepared.trace.offers
    offered = offers.options.filter(plan_day=plan["plan_day"], option_id=option["option_id"])
    rows = (
        offers.costs.filter(offer=offered["offer"][0], number=cost["number"]) if offered.height else offered
    )
    if rows.is_empty() or not rows["has_reference"][0]:
        return None
    months: list[Row] = []
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
            months.append(_month(table, covered.row(0, named=True), rated, look)[0])
    names = ("month_total_cents", "month_own_cents", "month_dependents_cents")
    code = again.rulebook.options["code"][int(reference["option_row"][0])] if reference.height else "none"
    return {name: _sum([month[name] for month in months]) if months else None for name in names}, code


def _paid(again: Again, plan: Row, option: Row, month: int | None, *, is_credit: bool) -> Told:
    """The year and the pay: month × 12, ÷ the flagged pays of the year in which coverage begins."""
    pays = pays_of(
        again, plan["pay_group_id"], plan["price_on"].year, _flags(again, option, is_credit=is_credit)
    )
    if month is None:
        return {"year_cents": None, "pays": pays, "pay_cents": None}, []
    year = month * MONTHS
    pay = None if pays is None else _number(cents_of.divide_half_up(pl.lit(year), pays))
    who = "credit" if is_credit else "employee"
    per_pay = f"÷ {pays or 'an unknown number of'} pays in {plan['price_on'].year} = {money(pay)} per pay"
    line = f"{who}: {money(month)} a month × 12 = {money(year)} a year {per_pay}"
    return {"year_cents": year, "pays": pays, "pay_cents": pay}, [line]


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
    prices = [cost for cost in option.costs if cost.kind == "price"]
    given = [cost for cost in option.costs if cost.kind == "credit"]
    year = _sum([priced["annual_before_tax_cents"], priced["annual_after_tax_cents"]])
    told = {
        "employer's year": (
            [_times(cost.month_employer_cents) for cost in prices],
            priced["annual_employer_cents"],
        ),
        "employee's year": ([cost.year_cents for cost in prices], year),
        "credit of the year": ([cost.year_cents for cost in given], priced["annual_credit_cents"]),
    }
    if len(prices) == 1:
        told["employee's pay"] = ([prices[0].pay_cents], option.pay_cents)
    for name, (amounts, decided) in told.items():
        if _sum(amounts) != decided:
            yield f"option {option.code}: {name} told {money(_sum(amounts))}, decided {money(decided)}"


def _times(month: int | None) -> int | None:
    return None if month is None else month * MONTHS


def _sum(amounts: list[int | None]) -> int | None:
    """Add amounts up; one that is not known makes the sum not known."""
    return None if any(amount is None for amount in amounts) else sum(filter(None, amounts))
