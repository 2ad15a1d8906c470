"""The plan types of an event: days, choice and default; the options offered and those that are not."""

from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl

from openbenefits.core import days
from openbenefits.core.codes import (
    KIND_NAMES,
    AmountKind,
    DefaultMethod,
    EndRule,
    LastDay,
    OptionType,
    SelectAllowed,
    WaiveRule,
)
from openbenefits.core.date_rules import begin_sentence, end_sentence
from openbenefits.core.plan_types import is_health
from openbenefits.eligibility.dependents import counted
from openbenefits.enrollment.rules.control import RE_ENTRY
from openbenefits.enrollment.rules.dates import with_dates
from openbenefits.reports.explain_again import Again
from openbenefits.reports.explain_coverage import coverage_text, proof_part
from openbenefits.reports.explain_credits import imputed_text
from openbenefits.reports.explain_names import (
    Row,
    class_code,
    geography_code,
    option_name,
    plan_type_name,
    row_of,
    row_on,
)
from openbenefits.reports.explain_parts import DayPart, OptionPart, PlanPart, RulePart
from openbenefits.reports.explain_prices import cost_parts, mismatches
from openbenefits.reports.explain_rules import decision_on, decision_sentence, rule_part
from openbenefits.reports.explain_words import (
    FAULT_WORDS,
    LAST_DAY_WORDS,
    METHOD_WORDS,
    PLEDGE_WORDS,
    REASON_WORDS,
    SELECT_WORDS,
    day,
    listed,
    wait_words,
)

NO_LIMIT = (0, 99)


def plan_parts(again: Again, plan_type: str | None = None) -> tuple[tuple[PlanPart, ...], tuple[str, ...]]:
    """Tell each plan type of the event, or one; also name the prices whose lines do not add up."""
    plans = again.prepared.plans
    if plan_type is not None:
        plans = plans.filter(plan_type=plan_type)
    own_days = _own_days(again)
    parts, faults = [], []
    for plan in plans.iter_rows(named=True):
        part, unequal = _plan(again, plan, own_days[plan["plan"]])
        parts.append(part)
        faults += unequal
    return tuple(parts), tuple(faults)


def _plan(again: Again, plan: Row, own_day: date | None) -> tuple[PlanPart, list[str]]:
    place = (
        again.rulebook.plan_rows.row(plan["plan_row"], named=True) if plan["plan_row"] is not None else None
    )
    rule = None if plan["rule_row"] is None else again.rulebook.event_rules.row(plan["rule_row"], named=True)
    options, unequal = _options(again, plan, place)
    part = PlanPart(
        plan_type=plan["plan_type"] or "",
        name=plan_type_name(plan["plan_type"] or ""),
        event_rule="none" if rule is None else rule["code"],
        event_rule_row=_rule_row(again, rule),
        source="" if rule is None else f"{rule['source']}, in force from {day(rule['valid_from'])}",
        household=_household(again, plan),
        days=() if rule is None or plan["is_ignored"] else tuple(_days(again, plan, rule, own_day)),
        choice=_choice(again, plan),
        is_choice=bool(plan["is_choice"]),
        default=_default(again, plan),
        options=options,
    )
    return part, unequal


def _rule_row(again: Again, rule: Row | None) -> str:
    code, _ = class_code(again.tables, again.event["event_class_id"])
    if rule is None:
        return f"no row for class {code}, and none for any class"
    return (
        f"row of class {code}"
        if rule["event_class_id"]
        else f"row for any class ({code} has none of its own)"
    )


def _household(again: Again, plan: Row) -> str:
    """Say how many dependents count, and by which rule."""
    if not is_health(plan["plan_type"] or "") or plan["is_ending"]:
        return ""
    rule = row_on(
        again.tables["dependent_rule"], plan["price_on"], dependent_rule_id=plan["dependent_rule_id"]
    )
    counts = [f"{KIND_NAMES[kind][1]} {plan[counted(kind)]}" for kind in again.prepared.trace.offers.kinds]
    until = f"children below {rule['age_limit']}" if rule else "children of any age"
    if rule and rule["last_day"] != LastDay.DAY_BEFORE_BIRTHDAY:
        until += f" (until the end of {LAST_DAY_WORDS[rule['last_day']]})"
    longer = rule and rule["student_age_limit"] != rule["age_limit"]
    student = f", students with evidence below {rule['student_age_limit']}" if rule and longer else ""
    by = f", rule {rule['code']} ({rule['source']})" if rule else ""
    return f"{', '.join(counts)} count on {day(plan['price_on'])}: {until}{student}{by}"


# --- days -------------------------------------------------------------------------------------------------


def _own_days(again: Again) -> dict[int, date | None]:
    """When coverage of each plan row would begin if no wait of a hire stood in the way."""
    plans = again.prepared.plans.select("plan", "case", "rule_row", hire_rule_row=pl.lit(None, pl.Int32))
    dated = with_dates(plans, again.prepared.cases, again.rulebook)
    return dict(dated.select("plan", "coverage_begins_on").iter_rows())


def _days(again: Again, plan: Row, rule: Row, own_day: date | None) -> Iterator[DayPart]:
    if plan["is_reinstated"]:
        yield _resumed("Coverage begins", plan["coverage_begins_on"], rule)
        yield _resumed("Deductions begin", plan["deduction_begins_on"], rule)
    elif not plan["is_ending"]:
        yield _coverage_begin(again, plan, rule, own_day)
        yield _begin(
            again,
            "Deductions begin",
            plan["deduction_begins_on"],
            rule["deduction_begins"],
            plan["coverage_begins_on"],
        )
    if _is_end_relevant(plan):
        base, end_rule = ends_from(again), _end_rule(again, rule)
        number, ends_on = rule["ends_day"], plan["coverage_ends_on"]
        yield _end("Present coverage ends", ends_on, end_rule, base, number)
        yield _end("Its deductions end", plan["deduction_ends_on"], rule["deduction_ends"], ends_on, number)


def _resumed(what: str, on: date | None, rule: Row) -> DayPart:
    """What ended so shortly before comes back on the event date or, if later, on the first day without it."""
    within = f"reinstate_within_days {rule['reinstate_within_days']}"
    sentence = "the event date or, if later, the first day without what comes back, without a wait"
    return DayPart(what=what, on=on, term=within, sentence=_told(sentence, on))


def _is_end_relevant(plan: Row) -> bool:
    return bool(plan["is_ending"] or plan["is_lost"] or plan["default_reason"] == "ends")


def _end_rule(again: Again, rule: Row) -> str:
    """The end rule; of a class that only ends coverage the event already is the day after the last one."""
    if again.case["only_ends_coverage"] and rule["coverage_ends"] == EndRule.DAY_BEFORE_EVENT:
        return str(EndRule.EVENT_DATE)
    return str(rule["coverage_ends"])


def ends_from(again: Again) -> date:
    """The day from which end rules count: the event date, or the last day employed (docs/rules.md §5)."""
    event_on: date = again.event["event_on"]
    if not again.case["only_ends_coverage"]:
        return event_on
    return again.case["last_day_employed"] or event_on - timedelta(days=1)


def _coverage_begin(again: Again, plan: Row, rule: Row, own_day: date | None) -> DayPart:
    part = _begin(again, "Coverage begins", own_day, rule["coverage_begins"], again.event["event_on"], rule)
    if plan["coverage_begins_on"] == own_day or plan["hire_rule_row"] is None:
        return part
    hire = again.rulebook.event_rules.row(plan["hire_rule_row"], named=True)
    wait = _begin(again, "", plan["coverage_begins_on"], hire["coverage_begins"], again.case["hire_on"], hire)
    sentence = f"{part.sentence}; but not before the wait after the hire is over: {wait.sentence}"
    return DayPart(
        what=part.what, on=plan["coverage_begins_on"], term=f"{part.term}; {wait.term}", sentence=sentence
    )


def _begin(
    again: Again, what: str, on: date | None, rule: str, base_on: date | None, waits: Row | None = None
) -> DayPart:
    base = _base(base_on, waits)
    received = again.case["received_on"] if what else None  # the wait of a hire knows no receipt
    receipt = day(received) if received else f"none yet, so {day(base_on)}"
    sentence = begin_sentence(rule, base, receipt)
    return DayPart(what=what, on=on, term=_term(rule, waits), sentence=_told(sentence, on))


def _end(what: str, on: date | None, rule: str, base_on: date | None, number: int | None) -> DayPart:
    sentence = end_sentence(rule, day(base_on))
    term = f"{rule} {number}" if rule == EndRule.DAY_OF_MONTH else rule
    return DayPart(what=what, on=on, term=term, sentence=_told(sentence, on))


def _base(base_on: date | None, waits: Row | None) -> str:
    """The day a rule counts from, after its wait, as a sum."""
    if base_on is None or waits is None or not wait_words(waits):
        return day(base_on)
    after = days.add_months(pl.lit(base_on), pl.lit(waits["waiting_months"]))
    waited_on = pl.select(days.add_days(after, pl.lit(waits["waiting_days"]))).item()
    return f"{day(base_on)} + {wait_words(waits)} (= {day(waited_on)})"


def _term(rule: str, waits: Row | None) -> str:
    wait = "" if waits is None else wait_words(waits)
    return f"{rule}, after {wait}" if wait else rule


def _told(sentence: str, on: date | None) -> str:
    """The sentence and the day it gives, which is not said twice."""
    if on is None:
        return f"{sentence}: the pay calendar does not reach so far"
    return sentence if sentence.rstrip(")").endswith(day(on)) else f"{sentence}: {day(on)}"


# --- choice and default -------------------------------------------------------------------------------------


def _choice(again: Again, plan: Row) -> str:
    if plan["is_ignored"]:
        return "the event leaves this plan type alone"
    if plan["is_program"]:
        return "no choice: the program's own credits"
    if plan["is_ending"]:
        return "no choice: the person is in no program that has it, so what is in force ends"
    if plan["rule_row"] is None:
        return "no choice: set-up has no event rule for it"
    number = plan["offered_options"]
    if plan["is_barred"]:
        return (
            f"left before, and may be entered again from {day(plan['may_enter_on'])}; {number} may be chosen"
        )
    outcome = "a choice" if plan["is_choice"] else "no choice"
    required = "; an election is required" if plan["is_election_required"] else ""
    pledge = _pledge(again, plan)
    return f"{_selected(plan)}; {number} may be chosen: {outcome}{required}{pledge}"


def _pledge(again: Again, plan: Row) -> str:
    """Say in which direction a pledge may move, where the event rule says so."""
    place = again.rulebook.plan_rows.row(plan["plan_row"], named=True)
    if place["amount_kind"] != AmountKind.PLEDGE:
        return ""
    rule = again.rulebook.event_rules.row(plan["rule_row"], named=True)
    words = PLEDGE_WORDS.get(rule["pledge_change"])
    return f"; {words}" if words else ""


def _selected(plan: Row) -> str:
    if plan["is_lost"]:
        return "the present option is lost, so all eligible ones may be chosen"
    if plan["use_history"]:
        return "options may be chosen only if one is new since the last event"
    limit, level = _level_limit(plan)
    rise = "" if limit is None else f", up to level {level + limit}"
    return f"{SELECT_WORDS[SelectAllowed(plan['select_allowed'])]}{rise}"


def _level_limit(plan: Row) -> tuple[int | None, int]:
    """How many levels one may rise (null: no limit), and from which."""
    has_current = plan["current_option_id"] is not None
    limit = plan["level_limit"] if has_current else plan["waived_level_limit"]
    level = plan["current_level"] if has_current else 0
    return (None if limit in NO_LIMIT or level is None else limit), level or 0


def _default(again: Again, plan: Row) -> str:
    if plan["default_reason"] == "untouched":
        return REASON_WORDS["untouched"]
    if plan["default_method"] is None:
        return "none, without an event rule"
    if plan["default_fault"]:
        outcome = FAULT_WORDS[plan["default_fault"]]
    else:
        name = option_name(again.tables, plan["default_option_id"], again.event["event_on"])
        outcome = REASON_WORDS[plan["default_reason"] or "nothing"].format(option=name)
    return f"{METHOD_WORDS[DefaultMethod(plan['default_method'])]}: {outcome}"


# --- options ------------------------------------------------------------------------------------------------


def _options(again: Again, plan: Row, place: Row | None) -> tuple[tuple[OptionPart, ...], list[str]]:
    if place is None or plan["is_ignored"] or plan["is_ending"]:
        return (), []
    key = {name: place[name] for name in ("program_id", "valid_from", "plan_type")}
    rows = again.tables["option"].filter(**key).sort("display_order")
    decided = {
        row["option_id"]: row
        for row in again.prepared.options.filter(plan=plan["plan"]).iter_rows(named=True)
    }
    rules = {rule_id: rule_part(again, rule_id) for rule_id in rows["rule_id"].unique()}
    parts, unequal = [], list[str]()
    for row in rows.iter_rows(named=True):
        priced = decided.get(row["option_id"])
        part = _option(again, plan, row, priced, rules[row["rule_id"]])
        parts.append(part)
        unequal += [] if priced is None else mismatches(part, priced)
    return tuple(parts), unequal


def _option(again: Again, plan: Row, row: Row, priced: Row | None, rule: RulePart) -> OptionPart:
    found = priced or {}
    decision = decision_on(again, row["program_id"], row["option_id"])
    pay = [found.get("pay_before_tax_cents"), found.get("pay_after_tax_cents")]
    held = row_on(again.tables["plan"], again.event["event_on"], plan_id=row["plan_id"])
    return OptionPart(
        option_id=row["option_id"],
        code=row["code"],
        name=row["name"],
        option_type=row["option_type"],
        plan=f"{held['code']} of {held['valid_from']} ({held['carrier']})" if held else "",
        plan_source=held["source"] if held else "",
        is_eligible=priced is not None,
        is_electable=bool(found.get("is_electable", False)),
        is_current=bool(found.get("is_current", row["option_id"] == plan["current_option_id"])),
        is_default=bool(found.get("is_default", False)),
        why=_why_not_eligible(again, plan, row, rule, decision)
        if priced is None
        else _why(again, plan, priced, rule, decision),
        rule=rule,
        coverage="" if priced is None else coverage_text(again, plan, row, priced),
        proof=None if priced is None else proof_part(plan, priced),
        costs=() if priced is None else cost_parts(again, plan, row, priced),
        pay_cents=None if None in pay else sum(filter(None, pay)),
        annual_employer_cents=found.get("annual_employer_cents"),
        imputed="" if priced is None else imputed_text(again, plan, row, priced),
    )


def _why_closed(again: Again, plan: Row, closed_by: str) -> str:
    """Say which kind of persons, or which date, closes an option."""
    if closed_by == RE_ENTRY:
        return f"who left the plan type may enter it again from {day(plan['may_enter_on'])}"
    row = row_of(again.rulebook.person_changes, rule_row=plan["rule_row"], kind=closed_by) or {}
    persons = KIND_NAMES[closed_by][1]
    if plan["current_option_id"] is None:
        words = {"required": "must be covered", "not_allowed": "may not be covered"}
        return f"{persons} {words.get(row['without_current'], 'may be covered')} by who has nothing yet"
    directions = {"may_stay": "stay", "may_rise": "rise", "may_fall": "fall"}
    allowed = [word for name, word in directions.items() if row[name]]
    change = f"only {' or '.join(allowed)}" if allowed else "not stay, rise or fall"
    return f"the number of {persons} covered may {change} in this event"


def _why_not_eligible(again: Again, plan: Row, row: Row, rule: RulePart, decision: Row | None) -> str:
    if decision is not None:
        reasons = [decision_sentence(decision, rule)]
    else:
        reasons = [] if rule.result == "E" else [rule.sentence()]
        reasons += _outside_area(again, row["geography_id"])
    code = row_of(again.tables["coverage_code"], coverage_code_id=row["coverage_code_id"])
    if code is not None:
        reasons += [
            f"{code['name']} needs {code[f'{kind}_min']} {KIND_NAMES[kind][0]}, "
            f"the household has {plan[counted(kind)]} eligible"
            for kind in again.prepared.trace.offers.kinds
            if plan[counted(kind)] < code[f"{kind}_min"]
        ]
    return f"not offered: {'; '.join(reasons) or 'cannot be decided'}"


def _outside_area(again: Again, geography_id: int | None) -> list[str]:
    if geography_id is None:
        return []
    if again.case["zip"] is None:
        return [f"the home zip is not known, which service area {geography_code(geography_id)} needs"]
    home = f"{again.case['zip']:05}"
    if again.tables["geography_zip"].filter(geography_id=geography_id, zip=home).height:
        return []
    return [f"home zip {home} is outside the service area {geography_code(geography_id)}"]


_GENERAL = {
    str(OptionType.GENERAL_CREDIT): "given to everybody in the program",
    str(OptionType.GENERAL_DEDUCTION): "taken from everybody in the program",
}


def _why(again: Again, plan: Row, priced: Row, rule: RulePart, decision: Row | None) -> str:
    decided = None if decision is None else decision_sentence(decision, rule)
    if priced["option_type"] in _GENERAL:
        whom = f": {decided}" if decided else " whom its rule admits" if priced["rule_bit"] else ""
        return _GENERAL[priced["option_type"]] + whom
    if decided is not None:
        if priced["is_electable"]:
            return f"offered: {decided}"
        return f"{decided}; it may not be chosen: {_why_not_electable(again, plan, priced)}"
    if priced["is_electable"]:
        return "offered: the present option" if priced["is_current"] else "offered"
    return f"eligible, but may not be chosen: {_why_not_electable(again, plan, priced)}"


def _why_not_electable(again: Again, plan: Row, priced: Row) -> str:
    closed = again.prepared.trace.closed.filter(plan=plan["plan"], option_id=priced["option_id"])
    if closed.height:
        return listed([_why_closed(again, plan, by) for by in closed["closed_by"]])
    limit, level = _level_limit(plan)
    rise = priced["level"] - level
    if priced["option_type"] == OptionType.WAIVE and plan["waive_rule"] == WaiveRule.NOT_ALLOWED:
        return "this plan type may not be declined"
    if limit is not None and rise > limit:
        present = f"the present level {level}"
        return f"level {priced['level']} is {rise} above {present}, the limit is {limit}"
    if plan["use_history"]:
        return "nothing is newly offered since the last event"
    return SELECT_WORDS[SelectAllowed(plan["select_allowed"])]
