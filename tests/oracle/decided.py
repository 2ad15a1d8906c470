"""A price that somebody decided for one participant (docs/rules.md §7.12)."""

from datetime import date

from .rows import Row


def with_decision(
    person: Row, program: str, plan_type: str, option: str, costs: list[Row] | None, day: date, price: Row
) -> Row:
    """Answer a price of a year as it is with what was decided: {total, employer, costs, faults}."""
    said = decision_of(person, program, plan_type, option, day) if costs else None
    if said is None:
        return price
    total = price["total"] if said.get("total") is None else said["total"]
    if total is None:
        return price
    if said.get("employee") is not None:
        employer = total - min(said["employee"], total)
    elif said.get("employer") is not None:
        employer = min(said["employer"], total)
    elif price["employer"] is not None:
        employer = min(price["employer"], total)
    else:
        return price | {"total": None}
    return price | {"total": total, "employer": employer, "faults": []}


def decision_of(person: Row, program: str, plan_type: str, option: str, day: date) -> Row | None:
    """Find the decision that holds: that about the option before that about the plan type, the latest."""
    found = None
    for one in person.get("price_decisions") or []:
        if one["plan_type"] != plan_type or day < one["from"]:
            continue
        if one.get("through") is not None and day > one["through"]:
            continue
        place = one.get("option")
        if place is not None and (place != option or one["program"] != program):
            continue
        if found is not None and found.get("option") is not None and place is None:
            continue
        found = one
    return found
