"""What an event offers in one plan type: dates, choices, default (docs/rules.md §4, §5, §9)."""

from openbenefits.core.codes import PERSON_KINDS, DefaultMethod, SelectAllowed

from .control import closed_by_persons, is_barred
from .dates import coverage_begin, coverage_end, deduction_begin, deduction_end
from .eligibility import (
    ELIGIBLE,
    INELIGIBLE,
    UNDECIDED,
    counting_dependents,
    option_verdict,
    override_of,
    rule_and_area,
    verdict_of,
)
from .preparation import WAIVE, Case, blank_plan
from .prices import priced_option, waiver_option
from .rows import Row, option_of, options_of

NO_LIMIT = (0, 99)


def decide_plan_type(case: Case, program: Row, section: Row) -> tuple[Row, dict[str, Row]]:
    """Decide one plan type of the program: {plan}, {option code: option}."""
    plan_type = section["plan_type"]
    row = case.setup.event_row(section["event_rule"], case.event["event_class"], case.on)
    plan = blank_plan(row)
    in_force = case.in_force(plan_type)
    if in_force is not None and not case.lapses(plan_type, section):
        plan["current_option"] = in_force["option"]
    if row is None:
        case.say("BA1201", plan_type)
    if row is not None and row["ignore"]:
        _tell_of_loss(case, program, section, plan)
    if row is None or row["ignore"]:
        return plan, {}
    _reinstate(case, row, plan_type, plan)
    set_dates(case, section["event_rule"], row, plan_type, plan)
    if plan["coverage_begins_on"] is None:
        return plan, {}
    counting = counting_dependents(
        case.setup, section.get("dependent_rule"), case.person, plan["coverage_begins_on"]
    )
    eligible = _eligible_options(case, program, section, plan, counting)
    current = _current(case, program, section, plan, eligible)
    plan["retier_option"] = _fitting_option(case, row, plan_type, current, eligible, counting)
    allowed = _select(case, section, row, plan, eligible)
    options = {
        option["code"]: priced_option(case, section, row, plan, option, counting, current)
        for option in eligible
    }
    barred = is_barred(case, section, plan)
    for option in eligible:
        is_open = not barred and closed_by_persons(case, section, row, plan, option) is None
        options[option["code"]]["is_electable"] = is_open and _is_electable(
            row, plan, option, allowed, current
        )
    if _may_waive(section):
        options[WAIVE] = waiver_option(case, section, plan, counting)
        options[WAIVE]["is_electable"] = allowed in (SelectAllowed.ALL, SelectAllowed.CURRENT_OR_WAIVE)
        plan["is_waive_allowed"] = options[WAIVE]["is_electable"]
    plan["offered"] = sum(1 for option in options.values() if option["is_electable"])
    plan["is_choice"] = plan["offered"] >= 2
    _set_default(case, section, row, plan, [] if barred else eligible, options, is_barred=barred)
    return plan, options


def _reinstate(case: Case, row: Row, plan_type: str, plan: Row) -> None:
    """Let what ended shortly before count as what is held (docs/rules.md §4.11)."""
    for entry in case.person.get("ended") or []:
        since = (case.on - entry["ended_on"]).days
        if entry["plan_type"] == plan_type and 0 <= since <= row["reinstate_within_days"] > 0:
            case.back[plan_type] = entry
            plan["current_option"] = entry["option"] if case.in_force(plan_type) else None


def _comes_back(case: Case, section: Row, plan: Row) -> bool:
    """Tell whether what is reinstated can be: the option is eligible, or there is a waiver."""
    entry = case.back.get(section["plan_type"])
    if entry is None:
        return False
    return _may_waive(section) if entry["kind"] == "W" else not plan["is_lost"]


def _tell_of_loss(case: Case, program: Row, section: Row, plan: Row) -> None:
    """Warn where an ignored plan type keeps an option that its rule or service area does not admit."""
    plan_type = section["plan_type"]
    in_force = case.in_force(plan_type)
    if plan["current_option"] is None or in_force is None or in_force["program"] != program["code"]:
        return
    option = option_of(section, plan["current_option"])
    if option is None:
        return
    verdict = override_of(case.person, program["code"], plan_type, option["code"])
    if verdict is None:
        criteria = rule_and_area(case.setup, option, case.person, case.on)
        verdict = verdict_of([found for _, found in criteria])
    if verdict == INELIGIBLE:
        case.say("BA1215", plan_type, option["code"])


def _may_waive(section: Row) -> bool:
    return section.get("waive", "not_allowed") in ("allowed", "with_proof")


def set_dates(case: Case, event_rule: str, row: Row, plan_type: str, plan: Row) -> None:
    if plan_type in case.back:
        plan["coverage_begins_on"] = max(case.on, case.back[plan_type]["resumes_on"])
        plan["deduction_begins_on"] = max(case.on, case.back[plan_type]["deduction_resumes_on"])
        set_end_dates(case, row, plan_type, plan)
        return
    begin = coverage_begin(case.setup, event_rule, row, case.person, case.event)
    plan["coverage_begins_on"] = begin["begins_on"]
    plan["reasons"]["begin"] = begin
    if begin["begins_on"] is None:
        case.say("BA1205", plan_type)
    else:
        plan["deduction_begins_on"] = deduction_begin(
            case.setup, row, case.person, case.event, begin["begins_on"]
        )
        if plan["deduction_begins_on"] is None:
            case.say("BA1205", plan_type)
    set_end_dates(case, row, plan_type, plan)


def set_end_dates(case: Case, row: Row, plan_type: str, plan: Row) -> None:
    """Find the last days of what is in force, should it end."""
    if case.in_force(plan_type) is None:
        return
    plan["coverage_ends_on"] = coverage_end(case.setup, row, case.person, case.event)
    if plan["coverage_ends_on"] is not None:
        plan["deduction_ends_on"] = deduction_end(case.setup, row, case.person, plan["coverage_ends_on"])
    if plan["deduction_ends_on"] is None:
        case.say("BA1205", plan_type)


# --- who may choose what --------------------------------------------------------------------------------


def _eligible_options(case: Case, program: Row, section: Row, plan: Row, counting: list[Row]) -> list[Row]:
    eligible, verdicts = [], {}
    for option in options_of(section):
        place = (program["code"], section["plan_type"])
        verdict = option_verdict(case.setup, place, option, case.person, case.on, counting)
        verdicts[option["code"]] = verdict
        if verdict["verdict"] == ELIGIBLE:
            eligible.append(option)
        elif verdict["verdict"] == UNDECIDED:
            case.say("BA1211", section["plan_type"], option["code"])
    plan["reasons"]["options"] = verdicts
    return eligible


def _current(case: Case, program: Row, section: Row, plan: Row, eligible: list[Row]) -> Row | None:
    """Find the current option in the program, and note whether it is lost."""
    plan_type = section["plan_type"]
    in_force = case.in_force(plan_type)
    if in_force is None or case.lapses(plan_type, section):
        return None
    is_of_program = in_force["program"] == program["code"]
    option = option_of(section, in_force["option"]) if is_of_program else None
    plan["is_lost"] = option is None or option["code"] not in [one["code"] for one in eligible]
    return option


def _fitting_option(
    case: Case, row: Row, plan_type: str, current: Row | None, eligible: list[Row], counting: list[Row]
) -> str | None:
    """Find the option of the same plan that fits who remains covered, where the current one does not (§4.12)."""
    if not row["retier"] or plan_type in case.back or current is None or current["coverage_code"] is None:
        return None
    named = (case.in_force(plan_type) or {}).get("dependents") or []
    remain = [one for one in counting if not named or one["id"] in named]
    if not _falls_short(case, current, remain):
        return None
    fitting = [
        one
        for one in eligible
        if one["plan"] == current["plan"] and one["coverage_code"] is not None and _admits(case, one, remain)
    ]
    bounds = [_counts(case, option, remain) for option in fitting]
    order = [(-sum(least for least, _, _ in one), sum(most for _, _, most in one)) for one in bounds]
    fitting = [option for _, option in sorted(zip(order, fitting, strict=True), key=lambda pair: pair[0])]
    return fitting[0]["code"] if fitting else None


def _counts(case: Case, option: Row, remain: list[Row]) -> list[tuple[int, int, int]]:
    """List, kind by kind, how many a coverage code demands, how many there are, and how many it admits."""
    persons = (case.setup.row("coverage_codes", option["coverage_code"]) or {}).get("persons", {})
    found = []
    for types in PERSON_KINDS.values():
        bounds = persons.get(types[0], {"min": 0, "max": 0})
        number = sum(1 for one in remain if one["person_type"] in types)
        found.append((bounds["min"], number, bounds["max"]))
    return found


def _falls_short(case: Case, option: Row, remain: list[Row]) -> bool:
    return any(number < least for least, number, _ in _counts(case, option, remain))


def _admits(case: Case, option: Row, remain: list[Row]) -> bool:
    return all(least <= number <= most for least, number, most in _counts(case, option, remain))


def _select(case: Case, section: Row, row: Row, plan: Row, eligible: list[Row]) -> str:
    """Find what may be selected, once loss and history have had their say."""
    prior = case.person.get("prior_options")
    if plan["retier_option"] is not None:
        allowed = SelectAllowed.NONE
    elif plan["is_lost"]:
        allowed = SelectAllowed.ALL
    elif _comes_back(case, section, plan):
        allowed = SelectAllowed.NONE
    elif not row["use_history"]:
        allowed = row["select"]
    elif prior is None or any((section["plan_type"], one["code"]) not in prior for one in eligible):
        allowed = SelectAllowed.ALL
    else:
        allowed = SelectAllowed.NONE
    plan["reasons"]["select"] = str(allowed)
    return allowed


def _is_electable(row: Row, plan: Row, option: Row, allowed: str, current: Row | None) -> bool:
    return _is_selected(option, allowed, current) and not _is_above_limit(row, plan, option, current)


def _is_selected(option: Row, allowed: str, current: Row | None) -> bool:
    if allowed == SelectAllowed.ALL:
        return True
    if allowed == SelectAllowed.NONE or current is None:
        return False
    is_same_plan = option.get("plan") is not None and option["plan"] == current.get("plan")
    return is_same_plan or option["code"] == current["code"]


def _is_above_limit(row: Row, plan: Row, option: Row, current: Row | None) -> bool:
    if current is not None:
        limit, level = row["level_limit"], current["level"]
    elif plan["current_option"] is None:
        limit, level = row["waived_level_limit"], 0
    else:
        return False  # what is in force is not in the program and has no level here
    return limit not in NO_LIMIT and option["level"] - level > limit


# --- default --------------------------------------------------------------------------------------------


def _set_default(
    case: Case,
    section: Row,
    row: Row,
    plan: Row,
    eligible: list[Row],
    options: dict[str, Row],
    *,
    is_barred: bool,
) -> None:
    default, reason = plan["retier_option"], "retiered"
    if default is None:
        default, reason = _default(case, section, row, plan, eligible, is_barred=is_barred)
    plan["default_option"], plan["default_reason"] = default, reason
    if default in options and not (reason == "untouched" and plan["is_lost"]):
        options[default]["is_default"] = True
    in_force, held = case.in_force(section["plan_type"]), case.held(section["plan_type"])
    if _comes_back(case, section, plan):
        plan["is_changed_by_default"] = True
    elif reason == "untouched":
        plan["is_changed_by_default"] = False
    elif default is None:
        plan["is_changed_by_default"] = in_force is not None
    elif default == WAIVE:
        plan["is_changed_by_default"] = held is None or held["kind"] != "W"
    else:
        plan["is_changed_by_default"] = default != plan["current_option"] or plan["is_lost"]
        if not plan["is_changed_by_default"] and in_force is not None:
            coverage = options[default]["approved_coverage_cents"]
            plan["is_changed_by_default"] = coverage != in_force.get("coverage_cents")


def _default(
    case: Case, section: Row, row: Row, plan: Row, eligible: list[Row], *, is_barred: bool
) -> tuple[str | None, str]:
    """Find what happens without an election: the option (or none) and the reason."""
    if _comes_back(case, section, plan):
        waived = case.back[section["plan_type"]]["kind"] == "W"
        return (WAIVE, "waiver") if waived else (plan["current_option"], "reinstated")
    method, nothing = row["default"], "ends" if case.in_force(section["plan_type"]) else "nothing"
    kept = _kept(case, section, plan)
    if method.startswith("current_else") and kept is not None:
        return kept, "waiver" if kept == WAIVE else "current"
    match method:
        case DefaultMethod.CURRENT_ELSE_OPTION | DefaultMethod.OPTION:
            if is_barred:
                return None, nothing
            return _flagged_default(case, section, eligible, nothing)
        case DefaultMethod.CURRENT_ELSE_LOWEST:
            ranked = sorted(eligible, key=lambda option: option["level"])  # keeps display order
            return (ranked[0]["code"], "lowest level") if ranked else (None, nothing)
        case DefaultMethod.WAIVE:
            if _may_waive(section):
                return WAIVE, "waiver"
            if section.get("waive") != "not_applicable":
                case.say("BA1206", section["plan_type"])
        case DefaultMethod.LEAVE:
            return plan["current_option"], "untouched"
    return None, nothing


def _kept(case: Case, section: Row, plan: Row) -> str | None:
    """Find what goes on if nothing is chosen: the current option unless it is lost, or a waiver."""
    if plan["current_option"] is not None:
        return None if plan["is_lost"] else plan["current_option"]
    held = case.held(section["plan_type"])
    return WAIVE if held is not None and held["kind"] == "W" and _may_waive(section) else None


def _flagged_default(case: Case, section: Row, eligible: list[Row], nothing: str) -> tuple[str | None, str]:
    flagged = [option for option in eligible if option["is_default"]]
    lowest = min((option["level"] for option in flagged), default=None)
    found = [option["code"] for option in flagged if option["level"] == lowest]
    if len(found) == 1:
        return found[0], "default option"
    case.say("BA1207" if found else "BA1206", section["plan_type"])
    return None, nothing
