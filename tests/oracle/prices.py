"""An option with its coverage, what of it is approved, its price and its credits (docs/rules.md §6 to §8)."""

from datetime import date

from openbenefits.core.codes import AmountKind

from .dates import coverage_begin, flagged_periods, pay_periods
from .decided import with_decision
from .eligibility import ELIGIBLE, UNDECIDED, counting_dependents, option_verdict
from .preparation import WAIVE, Case, blank_option, blank_plan
from .price_days import When
from .rating import coverage_amount, credit_year, premium_coverage, price_year
from .rows import Fault, Row, cents_or_none, half_away, option_of


def priced_option(
    case: Case, section: Row, row: Row, plan: Row, option: Row, counting: list[Row], current: Row | None
) -> Row:
    priced = blank_option(plan, option["code"])
    priced["is_current"] = current is not None and current["code"] == option["code"]
    _set_coverage(case, section["plan_type"], row, plan, option, priced, current)
    if section.get("amount", "none") == AmountKind.NONE:
        _set_price(case, section, plan, option, counting, priced)
    _set_imputed(case, section, plan, option, counting, priced)
    granted = [*(option.get("credits") or []), *(section.get("credits") or [])]
    _set_credit(case, section["plan_type"], plan, option, granted, counting, priced)
    return priced


def _days(plan: Row) -> tuple[date, date | None]:
    """Give the days a coverage amount depends on: the coverage begin and the deduction begin date."""
    return plan["coverage_begins_on"], plan["deduction_begins_on"]


def _set_coverage(
    case: Case, plan_type: str, row: Row, plan: Row, option: Row, priced: Row, current: Row | None
) -> None:
    """Find the coverage amount, and what of it is approved (docs/rules.md §8)."""
    try:
        coverage = coverage_amount(case.setup, option, case.person, *_days(plan))
    except Fault as fault:
        case.say(fault.code, plan_type, option["code"])
        return
    if coverage is None:
        return
    try:
        priced["premium_coverage_cents"] = premium_coverage(
            case.setup, option, case.person, coverage, *_days(plan)
        )
    except Fault as fault:
        case.say(fault.code, plan_type, option["code"])
    in_force = case.in_force(plan_type)
    prefix = "waived_" if in_force is None else ""
    guaranteed = cents_or_none(row[f"{prefix}proof_above"])
    from_level = row[f"{prefix}proof_from_level"]
    decided = (case.person.get("approved") or {}).get(plan_type) or 0
    approved = max(decided, (in_force or {}).get("coverage_cents") or 0)
    is_above = guaranteed is not None and coverage > guaranteed
    is_at_level = from_level is not None and option["level"] >= from_level
    priced["is_proof_required"] = coverage > approved and (
        is_above or is_at_level or _rises_too_far(row, option, current)
    )
    priced["coverage_cents"] = priced["approved_coverage_cents"] = coverage
    if priced["is_proof_required"]:
        priced["approved_coverage_cents"] = min(coverage, max(approved, guaranteed or 0))
    priced["reasons"]["proof"] = {
        "approved": approved,
        "guaranteed": guaranteed,
        "is_above": is_above,
        "is_at_level": is_at_level,
    }


def _set_price(case: Case, section: Row, plan: Row, option: Row, counting: list[Row], priced: Row) -> None:
    day, plan_type, when = plan["coverage_begins_on"], section["plan_type"], _when(case, plan)
    coverage, premium = priced["coverage_cents"], priced["premium_coverage_cents"]
    price = price_year(case.setup, section, option, case.person, counting, coverage, premium, day, when)
    price = _decided(case, plan_type, option, day, price)
    for code in price["faults"]:
        case.say(code, plan_type, option["code"])
    priced["reasons"]["price"] = price
    pays = _count_pays(case, plan_type, day, option) if option.get("costs") else 1
    if price["total"] is None:
        return
    deduction = case.setup.row("deduction_codes", option.get("deduction_code"))
    year = price["total"] - price["employer"]
    is_before_tax = deduction is not None and deduction["tax"] == "before"
    taxed, untaxed = ("before", "after") if is_before_tax else ("after", "before")
    priced["month_total_cents"] = half_away(price["total"], 12)
    priced["month_employer_cents"] = half_away(price["employer"], 12)
    priced["annual_employer_cents"] = price["employer"]
    priced[f"annual_{taxed}_tax_cents"] = year
    priced[f"annual_{untaxed}_tax_cents"] = 0
    if pays is not None:
        priced[f"pay_{taxed}_tax_cents"] = half_away(year, pays)
        priced[f"pay_{untaxed}_tax_cents"] = 0


def _decided(case: Case, plan_type: str, option: Row, day: date, price: Row) -> Row:
    costs = option.get("costs")
    return with_decision(case.person, case.program, plan_type, option["code"], costs, day, price)


def _when(case: Case, plan: Row) -> When:
    """Gather the days of a price; the general credits and deductions begin on the day they are priced."""
    begins_on = plan["coverage_begins_on"]
    is_general = "is_general" in plan
    return When(begins_on, case.on, begins_on if is_general else plan["deduction_begins_on"])


def _set_imputed(case: Case, section: Row, plan: Row, option: Row, counting: list[Row], priced: Row) -> None:
    """Find the taxable value of covering persons who are no tax dependents (docs/rules.md §7.8)."""
    code = case.setup.row("coverage_codes", option["coverage_code"])
    if code is None or not code.get("imputed_against"):
        return
    priced["annual_imputed_cents"] = priced["pay_imputed_cents"] = None
    day, plan_type = plan["coverage_begins_on"], section["plan_type"]
    stem = option["code"].removesuffix(code["code"])
    without = option_of(section, f"{stem}{code['imputed_against']}")
    if without is None:
        case.say("BA1202", plan_type, option["code"])
        return
    try:
        coverage = coverage_amount(case.setup, without, case.person, *_days(plan))
        premium = premium_coverage(case.setup, without, case.person, coverage, *_days(plan))
    except Fault as fault:
        case.say(fault.code, plan_type, option["code"])
        return
    when = _when(case, plan)
    other = price_year(case.setup, section, without, case.person, counting, coverage, premium, day, when)
    other = _decided(case, plan_type, without, day, other)
    for fault_code in other["faults"]:
        case.say(fault_code, plan_type, option["code"])
    own = priced["reasons"].get("price")
    if own is None or other["total"] is None or own["total"] is None:
        return
    deduction = case.setup.row("deduction_codes", option.get("deduction_code"))
    paid = 0
    if deduction is None or deduction["tax"] == "after":
        paid = max(own["total"] - own["employer"] - (other["total"] - other["employer"]), 0)
    year = max(own["total"] - other["total"] - paid, 0)
    priced["annual_imputed_cents"] = year
    if year == 0:
        priced["pay_imputed_cents"] = 0
        return
    pays = _count_pays(case, plan_type, day, {"code": option["code"], "deduction_code": None})
    priced["pay_imputed_cents"] = None if pays is None else half_away(year, pays)


def _count_pays(case: Case, plan_type: str, day: date, option: Row) -> int | None:
    """Count the pays of the year that take the option's deduction: all of them without a deduction code."""
    deduction = case.setup.row("deduction_codes", option.get("deduction_code"))
    flags = deduction.get("periods_of_month", (1, 2, 3, 4, 5)) if deduction else None
    flagged = flagged_periods(pay_periods(case.setup.pay_group(case.person)), day.year, flags)
    if not flagged:
        case.say("BA1205", plan_type, option["code"])
        return None
    return len(flagged)


def _set_credit(
    case: Case, plan_type: str, plan: Row, option: Row, granted: list[Row], counting: list[Row], priced: Row
) -> None:
    """Find the credit: for the year, and for each pay of it. None given is a credit of 0."""
    day = plan["coverage_begins_on"]
    coverage, when = priced["coverage_cents"], _when(case, plan)
    price = credit_year(case.setup, granted, option, case.person, counting, coverage, day, when)
    for code in price["faults"]:
        case.say(code, plan_type, option["code"])
    priced["reasons"]["credit"] = price
    all_pays = {"code": option["code"], "deduction_code": None}
    pays = _count_pays(case, plan_type, day, all_pays) if granted else 1
    if price["total"] is not None:
        priced["annual_credit_cents"] = price["total"]
        priced["pay_credit_cents"] = None if pays is None else half_away(price["total"], pays)


def waiver_option(case: Case, section: Row, plan: Row, counting: list[Row]) -> Row:
    """Write out the waiver: no price, and the credits of declining."""
    waiver = blank_option(plan, WAIVE)
    waiver["is_current"] = False
    for amount in waiver:
        if amount.startswith(("annual_", "pay_", "month_")):
            waiver[amount] = 0
    option = {"code": WAIVE, "coverage_code": None}
    granted = section.get("waive_credits") or []
    waiver["annual_credit_cents"] = waiver["pay_credit_cents"] = None
    _set_credit(case, section["plan_type"], plan, option, granted, counting, waiver)
    return waiver


GENERAL = ("annual_credit_cents", "pay_credit_cents")


def general(case: Case, program: Row) -> tuple[Row | None, dict[str, Row]]:
    """Price the program's general credits, added up, and its general deductions, by code.

    As of the event, or from when the event rule of the program, if any, begins coverage; whom its rule does not
    admit has none of it.
    """
    given, taken = program.get("credits") or [], program.get("deductions") or []
    if not given and not taken:
        return None, {}
    row = case.setup.event_row(program.get("event_rule"), case.event["event_class"], case.on)
    begins_on = case.on
    if row is not None:
        begin = coverage_begin(case.setup, program["event_rule"], row, case.person, case.event)
        begins_on = begin["begins_on"]
    if begins_on is None:
        case.say("BA1205", "01")
        return None, {}
    plan = {**blank_plan(None), "coverage_begins_on": begins_on, "is_general": True}
    counting = counting_dependents(case.setup, None, case.person, begins_on)
    amounts = []
    for number, credit in enumerate(given, 1):
        option = {"code": f"CREDIT-{number}", "coverage_code": None, **credit}
        if _is_admitted(case, program, option):
            amounts.append(blank_option(plan, ""))
            _set_credit(case, "01", plan, option, [credit], counting, amounts[-1])
    priced = {}
    for deduction in taken:
        option = {**deduction, "coverage_code": None, "costs": [deduction]}
        if _is_admitted(case, program, option):
            found = priced[deduction["code"]] = blank_option(plan, "")
            _set_price(case, {"plan_type": "01"}, plan, option, counting, found)
            found |= {"annual_credit_cents": 0, "pay_credit_cents": 0}
    summed = {name: _sum([row[name] for row in amounts]) for name in GENERAL} if amounts else None
    return summed, priced


def _is_admitted(case: Case, program: Row, option: Row) -> bool:
    """Tell whether a general credit or deduction is there for the person; who cannot be judged is told of."""
    verdict = option_verdict(case.setup, (program["code"], "01"), option, case.person, case.on, [])["verdict"]
    if verdict == UNDECIDED:
        case.say("BA1211", "01", option["code"])
    return verdict == ELIGIBLE


def _sum(amounts: list[int | None]) -> int | None:
    return None if None in amounts else sum(amounts)


def _rises_too_far(row: Row, option: Row, current: Row | None) -> bool:
    """Tell whether an option is more levels above the current one than may be risen without proof."""
    rise = row["proof_rise"]
    return rise not in (0, 99) and current is not None and option["level"] - current["level"] > rise
