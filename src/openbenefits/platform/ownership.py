"""Which element flows in which direction, who owns it, how often, and what happens where both sides differ.

This table is what the import and the export follow: a field that payroll does not own is never taken in, one
that we do not own is never sent. docs/payroll-ownership.md is written from it.
"""

from dataclasses import dataclass
from enum import StrEnum

IN, OUT = "in", "out"
OURS, PAYROLL = "openbenefits", "payroll"
ONGOING, EXPORT, EACH_PAY = "on each event, and by look", "by export or cure", "after each batch is posted"


class Conflict(StrEnum):
    """What happens where both sides hold something else."""

    TAKEN = "theirs is taken in, as a dated fact"
    FIRST = "theirs is taken in once; later differences are asked about"
    SENT = "ours is sent, and read back"
    AUDITED = "listed by an audit; a person decides"
    LEFT = "left alone"


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field: theirs and ours, which way it goes, who owns it, when, and what happens on a conflict.

    part, theirs: where it stands in their record. ours: the column of a census, or what it is here.
    """

    element: str
    part: str
    theirs: str
    ours: str
    direction: str
    owner: str
    frequency: str
    conflict: Conflict


def _in(part: str, theirs: str, ours: str, conflict: Conflict = Conflict.TAKEN) -> Field:
    return Field(
        element="employee",
        part=part,
        theirs=theirs,
        ours=ours,
        direction=IN,
        owner=PAYROLL,
        frequency=ONGOING,
        conflict=conflict,
    )


def _out(element: str, theirs: str, ours: str, conflict: Conflict = Conflict.SENT) -> Field:
    return Field(
        element=element,
        part="",
        theirs=theirs,
        ours=ours,
        direction=OUT,
        owner=OURS,
        frequency=EXPORT,
        conflict=conflict,
    )


SENT_OF_DEPENDENT = {
    "first_name": "firstName",
    "last_name": "lastName",
    "birth_on": "birthdate",
    "sex": "gender",
    "person_type": "relationshipCodeType",
    "is_spouse": "spouse",
    "is_student": "fullTimeStudent",
    "is_disabled": "isDisabled",
    "kind": "relationType",
    "standing": "status",
}
"""What of a dependent is ours to say, and where it stands in the record there."""
DEPENDENT_WORDS = {
    "person_type": "what he is to the employee",
    "is_spouse": "whether he is the spouse",
    "kind": "a dependent (D)",
    "standing": "active (A)",
}

FIELDS = (
    _in("", "firstName", "first_name"),
    _in("", "lastName", "last_name"),
    _in("person", "birthDate", "birth_date"),
    _in("person", "gender", "sex"),
    _in("contactInformation", "addressLine1", "address"),
    _in("contactInformation", "city", "city"),
    _in("contactInformation", "state", "state"),
    _in("contactInformation", "zipcode", "zip"),
    _in("contactInformation", "emailAddress", "email"),
    _in("client", "lastHireDate", "hire_date"),
    _in("client", "statusClass", "job_status"),
    _in("client", "statusDate", "effective_date"),
    _in("client", "homeDepartment", "department"),
    _in("client", "homeLocation", "location"),
    _in("client", "jobCode", "job_code"),
    _in("compensation", "payGroup", "pay_group"),
    _in("compensation", "standardHours", "weekly_hours"),
    _in("compensation", "annualPay", "annual_pay"),
    Field(
        element="voucher",
        part="deduction",
        theirs="deductAmount by planId, deductCode",
        ours="what a pay took (payroll ledger)",
        direction=IN,
        owner=PAYROLL,
        frequency=EACH_PAY,
        conflict=Conflict.AUDITED,
    ),
    Field(
        element="client",
        part="",
        theirs="clientName, statusClass",
        ours="client, as it stands there",
        direction=IN,
        owner=PAYROLL,
        frequency=ONGOING,
        conflict=Conflict.AUDITED,
    ),
    _out("plan set-up", "startDate, stopDate, status", "options offered of a plan"),
    _out("rule", "rule[].method, companyEEBill, companyDepBill", "contributions by tier"),
    _out("rule", "minDayOrMonth, minDayOrMonthValue, eligDateUsed", "waiting period of a hire"),
    _out("group", "groupId, eligibleBenefits", "benefit program and its plans"),
    _out("employee", "benefitGroup", "program of a participant"),
    _out("enrolment", "planType, effectiveDate, employeeContrib", "election in force"),
    _out("enrolment", "dependent[].dependentId", "dependents covered"),
    *(
        _out("dependent", theirs, DEPENDENT_WORDS.get(ours, ours))
        for ours, theirs in SENT_OF_DEPENDENT.items()
    ),
    Field(
        element="dependent",
        part="",
        theirs="ssn, address, doctorId and all else",
        ours="",
        direction=OUT,
        owner=PAYROLL,
        frequency=EXPORT,
        conflict=Conflict.LEFT,
    ),
    _out("end", "coverageEndDate", "last day of coverage, once it is known"),
    _out("adjustment", "eeContribution, cycles, period", "correction ordered (where corrections are ours)"),
    _out("rate", "billing rates by tier and age", "rate tables, by who sets up for every client"),
    _out("rate", "premium rates", "rate tables", Conflict.AUDITED),
    _out("client", "newStatus, effectiveDate", "where a client that leaves stands"),
    _out("plan", "deduction and bill codes", "deduction codes", Conflict.AUDITED),
)
TAKEN_IN = tuple(one for one in FIELDS if one.element == "employee" and one.direction == IN)
HEADINGS = ("Element", "Field there", "Here", "Direction", "Owner", "When", "On conflict")


def rows() -> list[tuple[str, ...]]:
    """Answer the table, as HEADINGS."""
    return [
        (
            one.element,
            f"{one.part}.{one.theirs}" if one.part else one.theirs,
            one.ours,
            one.direction,
            one.owner,
            one.frequency,
            str(one.conflict),
        )
        for one in FIELDS
    ]


def document() -> str:
    """Answer docs/payroll-ownership.md."""
    lines = [
        "# Who owns what: openbenefits and the payroll platform",
        "",
        "Written by `openbenefits platform ownership --document`; import and export follow this very table.",
        "",
        "| " + " | ".join(HEADINGS) + " |",
        "|" + "---|" * len(HEADINGS),
        *("| " + " | ".join(row) + " |" for row in rows()),
    ]
    return "\n".join(lines) + "\n"
