"""Changes of persons and of pledges, and restricted re-entry (docs/rules.md §4.9, §4.10, §14.5)."""

from openbenefits.core.codes import PERSON_KINDS, WithoutCurrent

from .dates import add_months
from .preparation import Case
from .rows import Row, option_of


def is_barred(case: Case, section: Row, plan: Row) -> bool:
    """Tell whether somebody left the plan type and may not enter it again on the day coverage would begin."""
    months = section.get("restrict_entry_months", 0)
    left_on = (case.person.get("left_on") or {}).get(section["plan_type"])
    is_held = case.in_force(section["plan_type"]) is not None or section["plan_type"] in case.back
    if months == 0 or left_on is None or is_held:
        return False
    return plan["coverage_begins_on"] < add_months(left_on, months)


def closed_by_persons(case: Case, section: Row, row: Row, plan: Row, option: Row) -> str | None:
    """Find the kind of persons whose change of number the event does not allow; None: the option is open."""
    if option["coverage_code"] is None:
        return None
    for kind, change in row["persons"].items():
        counts = _range(case, option["coverage_code"], kind)
        if plan["current_option"] is None:
            allowed = _allowed_without_current(change, counts)
        else:
            present = _present(case, section, plan, kind)
            allowed = any(_is_allowed(change, present, number) for number in counts)
        if not allowed:
            return kind
    return None


def is_closed(case: Case, section: Row, plan: Row, option: Row) -> bool:
    """Tell whether re-entry or a change of persons closes an option."""
    row = case.setup.event_row(section["event_rule"], case.event["event_class"], case.on)
    by_persons = closed_by_persons(case, section, row, plan, option) is not None
    return by_persons or is_barred(case, section, plan)


def _allowed_without_current(change: Row, counts: range) -> bool:
    match change.get("without_current", "allowed"):
        case WithoutCurrent.NOT_ALLOWED:
            return 0 in counts
        case WithoutCurrent.REQUIRED:
            return max(counts) > 0
    return True


def _is_allowed(change: Row, present: int, number: int) -> bool:
    if number == present:
        return change.get("same", False)
    return change.get("more", False) if number > present else change.get("less", False)


def _present(case: Case, section: Row, plan: Row, kind: str) -> int:
    """Count the persons of a kind whom the coverage in force names; nobody named: what its code demands."""
    held = case.in_force(section["plan_type"]) or {}
    code = _code_of(case, held, section["plan_type"])
    return _count(case, held.get("dependents") or [], code, kind)


def _count(case: Case, named: list[int], code: str | None, kind: str) -> int:
    if not named:
        return min(_range(case, code, kind))
    kinds = [*PERSON_KINDS[kind], *(["XS"] if kind == "spouse" else [])]
    household = {one["id"]: one["person_type"] for one in case.person.get("dependents") or []}
    return sum(1 for number in named if household.get(number) in kinds)


# --- elections ------------------------------------------------------------------------------------------


def rule_messages(case: Case, section: Row, plan: Row, election: Row, option: Row | None) -> list[str]:
    """Find what the event rule row says against an election of an eligible option, or of the waiver (None)."""
    row = case.setup.event_row(section["event_rule"], case.event["event_class"], case.on)
    found = []
    if option is not None:
        if is_barred(case, section, plan):
            found.append("BA1350")
        if closed_by_persons(case, section, row, plan, option) is not None or (
            not found and _names_too_many_or_few(case, section, row, plan, election, option)
        ):
            found.append("BA1322")
    if section.get("amount", "none") == "annual_pledge" and not _may_pledge(
        case, section, row, plan, election, option
    ):
        found.append("BA1351")
    return found


def _names_too_many_or_few(case: Case, section: Row, row: Row, plan: Row, election: Row, option: Row) -> bool:
    for kind, change in row["persons"].items() if option["coverage_code"] else ():
        number = _count(case, election.get("dependents") or [], option["coverage_code"], kind)
        if plan["current_option"] is None:
            allowed = _allowed_without_current(change, range(number, number + 1))
        else:
            allowed = _is_allowed(change, _present(case, section, plan, kind), number)
        if not allowed:
            return True
    return False


def _may_pledge(case: Case, section: Row, row: Row, plan: Row, election: Row, option: Row | None) -> bool:
    """Tell whether a pledge moves in a direction the event allows; one not stated is judged elsewhere."""
    new = 0 if option is None else election.get("pledge_cents")
    held = 0
    if plan["current_option"] is not None:
        held = (case.in_force(section["plan_type"]) or {}).get("pledge_cents")
    if row["pledge_change"] == "any" or new is None:
        return True
    if held is None:
        return False
    return {"increase": new >= held, "decrease": new <= held, "none": new == held}[row["pledge_change"]]


def left_out(case: Case, section: Row) -> tuple[str, ...]:
    """List the messages of checks that the event rule row leaves out."""
    row = case.setup.event_row(section["event_rule"], case.event["event_class"], case.on)
    of_dependents = ("BA1306", "BA1307", "BA1308", "BA1309", "BA1310", "BA1352")
    dependents = of_dependents if row["ignore_dependent_checks"] else ()
    return dependents + (("BA1317", "BA1334") if row["ignore_fund_checks"] else ())


def _code_of(case: Case, held: Row, plan_type: str) -> str | None:
    """Find the coverage code of an option in force, in whatever program it is or was."""
    for program in case.setup.rows("programs", held["program"]) if held.get("program") else []:
        for section in program["plan_types"]:
            option = option_of(section, held["option"]) if section["plan_type"] == plan_type else None
            if option is not None:
                return option["coverage_code"]
    return None


def _range(case: Case, code: str | None, kind: str) -> range:
    """List the numbers of persons of a kind that a coverage code admits."""
    persons = (case.setup.row("coverage_codes", code) or {}).get("persons", {})
    counts = persons.get(PERSON_KINDS[kind][0], {"min": 0, "max": 0})
    return range(counts["min"], counts["max"] + 1)
