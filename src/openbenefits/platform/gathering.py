"""What a look reads of people: of everybody at once where the platform builds it, else one by one.

A build takes a handful of calls however many people there are. What it needs must be granted to the service
user by name, and what a build holds is not published in full: where it is refused or reads otherwise than
expected, people are read one by one, as documented, and the look is the same.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from openbenefits.platform.client import values
from openbenefits.platform.client.downloads import built
from openbenefits.platform.client.faults import Busy, NotGranted, NotReached, NotThere, Refused
from openbenefits.platform.client.session import Session, listed
from openbenefits.platform.client.values import cents, day, is_hidden, text, truth

Rows = list[dict[str, Any]]
Say = Callable[[int, int], None]
OURS = "openbenefits "
"""How the comment of an adjustment of ours begins."""
FEW = 5
"""So few people are read one by one in any case: a build would take as many calls."""
CHILDREN = ("CH", "DPC")
"""Relationships for which a limit of age holds: a child, a child of the domestic partner."""
HELD = ("A", "C")
BUILDS = {
    "plans": ("Benefit", "BenefitPlan"),
    "details": ("Benefit", "BenefitPlanDetail"),
    "dependents": ("Benefit", "Dependent"),
    "arrears": ("Deduction", "EmployeeArrears"),
}
NOT_BUILT = (NotGranted, NotThere, Refused, NotReached, Busy)


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """What was read of people: rows by element, as seen.ELEMENTS, and dependents as they are there.

    `child` rows hold a birth date, as dependents do: neither is kept as it is.
    """

    rows: dict[str, Rows]
    dependents: Mapping[str, list[Any]]  # by employee


def of_people(
    session: Session,
    client: Mapping[str, str],
    numbers: Sequence[str],
    families: Set[str],
    say: Say | None = None,
) -> Gathered:
    """Read the enrolments, adjustments, arrears and dependents of employees.

    families: the employees who cover dependents here; of others only those who do there are asked about.
    Errors: those of `client.faults`.
    """
    if len(numbers) > FEW:
        try:
            return _shaped(_at_once(session, client, set(numbers)))
        except NOT_BUILT:
            pass  # read one by one: slower, and the same
    return _shaped(_one_by_one(session, client, numbers, families, say))


Read = dict[str, dict[str, list[Any]]]
"""Records as they are there: by kind, then by employee."""


def _at_once(session: Session, client: Mapping[str, str], numbers: set[str]) -> Read:
    """Have everything built.

    Errors: those of NOT_BUILT; NotReached for rows that name nobody.
    """
    wait = session.patience.first_wait
    found: Read = {}
    for kind, (schema, name) in BUILDS.items():
        asked: dict[str, Any] = {"schemaName": schema, "className": name, **client}
        found[kind] = _by_employee(_rows_of(built(session, "getData", wait=wait, **asked)), numbers)
    for number, details in found.pop("details").items():
        _put_details(found["plans"].get(number, []), details)
    unbilled = built(session, "getUnbilledBenefitAdjustments", wait=wait, clientId=[client["clientId"]])
    rows = listed(unbilled, "unbilledBenefitAdjustments")
    parts = _by_employee(rows, numbers)
    found["adjustments"] = {
        number: [row for part in some for row in part.get("benefitAdjustments") or ()]
        for number, some in parts.items()
    }
    return found


def _rows_of(content: Any) -> list[Any]:
    if isinstance(content, list):
        return content
    return listed(content, "data") if isinstance(content, dict) else []


def _by_employee(rows: Iterable[Any], numbers: set[str]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        if not isinstance(row, dict) or not text(row.get("employeeId")):
            raise NotReached("expected rows of a build that name an employee, found others")
        if text(row["employeeId"]) in numbers:
            found.setdefault(text(row["employeeId"]), []).append(row)
    return found


def _put_details(plans: list[Any], details: Iterable[Any]) -> None:
    """Put the details of an employee's enrolments, built by themselves, to the plan of each."""
    by_plan: dict[str, list[Any]] = {}
    for one in details:
        by_plan.setdefault(text(one.get("planId")), []).append(one)
    for plan in plans:
        plan["planDetail"] = by_plan.get(text(plan.get("planId")), [])


def _one_by_one(
    session: Session,
    client: Mapping[str, str],
    numbers: Sequence[str],
    families: Set[str],
    say: Say | None,
) -> Read:
    found: Read = {"plans": {}, "dependents": {}, "arrears": {}, "adjustments": {}}
    for place, number in enumerate(numbers):
        if say is not None:
            say(place, len(numbers))
        who = {**client, "employeeId": number}
        found["plans"][number] = plans = session.rows("getBenefitPlans", **who)
        found["adjustments"][number] = session.rows("getBenefitAdjustments", **who)
        found["arrears"][number] = session.rows("getDeductionArrears", **who)
        if number in families or any(True for one in plans for _ in _enrolled_dependents(one)):
            found["dependents"][number] = session.rows("getDependents", **who)
    return found


def _shaped(read: Read) -> Gathered:
    rows = {
        "enrolment": [
            {"employee": number, **_enrolment(one)}
            for number, some in read["plans"].items()
            for one in some
            if text(one.get("planId"))
        ],
        "adjustment": _each(read["adjustments"], _adjustment),
        "arrears": _each(read["arrears"], _arrears),
        "child": [
            {"employee": number, **row}
            for number, some in read["plans"].items()
            for row in _children(some, read["dependents"].get(number, []))
        ],
    }
    return Gathered(rows=rows, dependents=read["dependents"])


def _each(read: Mapping[str, list[Any]], shape: Callable[[Any], dict[str, Any]]) -> Rows:
    return [{"employee": number, **shape(one)} for number, some in read.items() for one in some]


def _last_detail(one: Mapping[str, Any]) -> Mapping[str, Any]:
    details = sorted(one.get("planDetail") or (), key=lambda row: text(row.get("effectiveDate")))
    last: Mapping[str, Any] = details[-1] if details else {}
    return last


def _enrolment(one: Mapping[str, Any]) -> dict[str, Any]:
    last = _last_detail(one)
    return {
        "plan": text(one.get("planId")),
        "status": text(one.get("status")),
        "begins_on": day(one.get("coverageStart")),
        "ends_on": day(one.get("coverageEnd")),
        "detail_on": day(last.get("effectiveDate")),
        "tier": text(last.get("planType")),
        "dependents": len(last.get("dependent") or ()),
    }


def _adjustment(one: Mapping[str, Any]) -> dict[str, Any]:
    cycles = int(values.decimal(one.get("cycles")) or 1)
    billed = int(values.decimal(one.get("cyclesBilled")) or 0)
    left = max(0, cycles - billed)
    each = cents(one.get("eeContribution"))
    return {
        "plan": text(one.get("benefitPlan")),
        "period": text(one.get("period")),
        "number": text(one.get("refNumber")),
        "open_cents": None if each is None else each * left,
        "since_on": day(one.get("startDate")),
        "is_ours": text(one.get("comment")).startswith(OURS),
        "cycles_billed": billed,
        "cycles_left": left,
    }


def _arrears(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "plan": text(one.get("benefitPlan")),
        "open_cents": cents(one.get("amount")),
        "since_on": day(one.get("arrearsDate")),
    }


def _enrolled_dependents(one: Mapping[str, Any]) -> Iterable[str]:
    """Name the dependents of an enrolment that holds."""
    if text(one.get("status")) in HELD:
        for row in _last_detail(one).get("dependent") or ():
            yield text(row.get("dependentId") if isinstance(row, Mapping) else row)


def _children(plans: Iterable[Mapping[str, Any]], dependents: Iterable[Any]) -> Iterable[dict[str, Any]]:
    """List the children enrolled in each plan whose birth date is shown; one that is hidden says nothing."""
    known = {text(one.get("dependentId")): one for one in dependents}
    for plan in plans:
        for number in _enrolled_dependents(plan):
            one = known.get(number, {})
            is_child = text(one.get("relationshipCodeType")) in CHILDREN
            born = one.get("birthdate")
            if is_child and not is_hidden(born) and day(born) is not None:
                yield {
                    "plan": text(plan.get("planId")),
                    "dependent": number,
                    "born": day(born),
                    "ends_on": day(plan.get("coverageEnd")),
                    "is_student": truth(one.get("fullTimeStudent")) is True,
                    "is_disabled": truth(one.get("isDisabled")) is True,
                }
