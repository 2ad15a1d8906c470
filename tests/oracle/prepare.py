"""Prepare one event of one person: the whole of docs/rules.md, in its order."""

from .eligibility import assign_program, is_in_force
from .options import decide_plan_type, set_end_dates
from .preparation import WAIVE, Case, blank_plan
from .prices import general
from .rows import Row, Setup, plan_type_of

WARNINGS = ("BA1103", "BA1215")


def prepare(peo: Row, client: Row, person: Row) -> Row:
    """Prepare the event of a person under a PEO's and a client's set-up.

    Gives: assignment (AS, AN, AE, FA), status, program, messages (sorted triples of code, plan type,
           option), plans by plan type, options by (plan type, option code), general_credit, general_deductions (by code),
           is_final_without_person, reasons. Only errors have messages, as docs/rules.md names them.
    Units: every `…_cents` is whole cents; None is unknown, or stated by the person.
    """
    case = Case(Setup(peo, client), person, person["event"])
    found = assign_program(case.setup, person, case.event)
    for code in found["messages"]:
        case.say(code)
    plans: dict[str, Row] = {}
    options: dict[tuple[str, str], Row] = {}
    credit, deductions = None, {}
    if found["assignment"] == "AS":
        case.program = found["program"]["code"]
        _decide_program(case, found["program"], plans, options)
        credit, deductions = general(case, found["program"])
    if found["assignment"] in ("AS", "AN"):
        _end_what_is_outside(case, found["program"], plans)
    status = _status(case, found["assignment"], plans)
    return {
        "assignment": found["assignment"],
        "status": status,
        "program": found["program"]["code"] if found["program"] else None,
        "messages": sorted(case.messages, key=lambda message: [part or "" for part in message]),
        "plans": plans,
        "options": options,
        "general_credit": credit,
        "general_deductions": deductions,
        "is_final_without_person": _is_final_without_person(case, status, plans),
        "reasons": {"programs": found["reasons"]},
    }


def _decide_program(case: Case, program: Row, plans: dict[str, Row], options: dict) -> None:
    for section in program["plan_types"]:
        plan_type = section["plan_type"]
        if _is_in_schedule(case, program, plan_type):
            plans[plan_type], of_type = decide_plan_type(case, program, section)
            for code, option in of_type.items():
                options[(plan_type, code)] = option


def _is_in_schedule(case: Case, program: Row | None, plan_type: str) -> bool:
    """Tell whether the schedule covers a plan type: an empty list covers all, as does one of the whole program."""
    restriction = case.event.get("programs")
    if restriction is None:
        return True
    wanted = restriction.get(program["code"] if program else None, [])
    own = [section["plan_type"] for section in program["plan_types"]] if program else []
    return plan_type in wanted or all(one in wanted for one in own) or not wanted


def _end_what_is_outside(case: Case, program: Row | None, plans: dict[str, Row]) -> None:
    """End coverage in plan types the person's program does not have, by the rules of its own program."""
    for entry in case.person.get("current") or []:
        plan_type = entry["plan_type"]
        is_prepared = plan_type_of(program, plan_type) is not None
        in_schedule = _is_in_schedule(case, program, plan_type)
        if entry.get("slot", 0) == 0 and is_in_force(entry) and in_schedule and not is_prepared:
            plans[plan_type] = _termination(case, entry)


def _termination(case: Case, entry: Row) -> Row:
    plan_type = entry["plan_type"]
    section = _last_section(case, entry)
    event_rule = section["event_rule"] if section else None
    row = case.setup.event_row(event_rule, case.event["event_class"], case.on)
    plan = blank_plan(row)
    if not case.lapses(plan_type, section):
        plan["current_option"] = entry["option"]
    if plan["is_ignored"]:
        if plan["current_option"] is not None:
            case.say("BA1215", plan_type, entry["option"])
        return plan
    plan["is_lost"] = plan["current_option"] is not None
    plan["default_reason"], plan["is_changed_by_default"] = "ends", True
    if row is None:
        case.say("BA1201", plan_type)
    else:
        set_end_dates(case, row, plan_type, plan)
    return plan


def _last_section(case: Case, entry: Row) -> Row | None:
    """Find the plan type in the latest row, up to the event date, of its program that has it."""
    rows = case.setup.rows("programs", entry["program"]) if entry.get("program") else []
    for program in sorted(rows, key=lambda row: row["from"], reverse=True):
        section = plan_type_of(program, entry["plan_type"])
        if program["from"] <= case.on and section is not None:
            return section
    return None


def _status(case: Case, assignment: str, plans: dict[str, Row]) -> str:
    if assignment in ("AE", "FA"):
        return assignment
    if any(code not in WARNINGS for code, _, _ in case.messages):
        return "PE"
    decided = [plan for plan in plans.values() if not plan["is_ignored"]]
    is_open = any(plan["is_choice"] or plan["is_lost"] or plan["is_changed_by_default"] for plan in decided)
    return "PR" if is_open else "FP"


def _is_final_without_person(case: Case, status: str, plans: dict[str, Row]) -> bool:
    """Tell whether a prepared event is finalised in the same run: no choice, and no guarded full ending."""
    if status != "PR" or any(plan["is_choice"] for plan in plans.values()):
        return False
    is_guarded = case.setup.event_class(case.event["event_class"]).get("guard_full_termination", False)
    return not (is_guarded and ends_all_coverage(case, plans))


def ends_all_coverage(case: Case, plans: dict[str, Row]) -> bool:
    """Tell whether something is in force now and nothing would be by default."""
    in_force = [entry["plan_type"] for entry in case.person.get("current") or [] if is_in_force(entry)]
    ignored = [plan_type for plan_type, plan in plans.items() if plan["is_ignored"]]
    untouched = [plan_type for plan_type in in_force if plan_type not in plans or plan_type in ignored]
    gained = [plan for plan in plans.values() if plan["default_option"] not in (None, WAIVE)]
    return bool(in_force) and not untouched and not gained
