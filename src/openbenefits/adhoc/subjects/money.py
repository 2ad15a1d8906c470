"""Coverage and money: what holds on a day, what the next pay owes, what pays took."""

from datetime import date
from typing import Any

import polars as pl

from openbenefits.adhoc.declared import Field, subject
from openbenefits.adhoc.subjects.shared import (
    BENEFIT_RECORD,
    JOB_FIELDS,
    OF_EVENT,
    OF_OPTION,
    OF_PERSON,
    OPTION_FIELDS,
    PLAN_TYPE,
    SCHEDULE_FIELDS,
    WHO,
    code,
    day,
    flag,
    money,
    number,
)
from openbenefits.payroll.services import next_pay

KINDS = {
    "E": "elected",
    "D": "by default",
    "W": "waived",
    "T": "ended",
    "N": "never enrolled",
    "I": "ineligible",
}
BASES = {one: one for one in ("eligible", "run-out", "leave", "continuation", "override")}
TAX = {"B": "before tax", "A": "after tax", "T": "taxable benefit", "N": "nontaxable benefit"}
LINES = {"deduction": "deduction", "credit": "credit", "sold": "leave sold"}

_HELD = """(
    SELECT DISTINCT ON (r.client_id, r.person_id, r.benefit_record, r.plan_type, r.slot) r.*,
           (SELECT count(*) FROM enrollment_coveragedependent AS d
            WHERE d.client_id = r.client_id AND d.person_id = r.person_id
              AND d.benefit_record = r.benefit_record AND d.plan_type = r.plan_type AND d.slot = r.slot
              AND d.begins_on = r.begins_on AND d.version = r.version) AS dependents
    FROM enrollment_coverage AS r
    WHERE r.superseded_by_run IS NULL AND r.begins_on <= %(as_of)s
    ORDER BY r.client_id, r.person_id, r.benefit_record, r.plan_type, r.slot, r.begins_on DESC
)"""
COVERAGE = subject(
    "coverage",
    "Coverage",
    "What everybody has on the day: covered, waived, ended.",
    _HELD,
    (
        *WHO,
        BENEFIT_RECORD,
        *OPTION_FIELDS,
        code("held", "What holds", "t.kind", KINDS),
        flag("is_covered", "Covered", "t.kind IN ('E', 'D')"),
        code("basis", "Rests on", "t.basis", BASES),
        day("begins_on", "Since"),
        number("dependents", "Dependents covered"),
        money("coverage_amount", "Coverage amount", "t.coverage_cents"),
        money("requested_amount", "Requested, waits for proof", "t.requested_coverage_cents"),
        flag("waits_for_proof", "Waits for proof", "t.requested_coverage_cents IS NOT NULL"),
        money("pledge", "Amount for the year", "t.pledge_cents"),
        day("deduction_begins_on", "Deducted from"),
        *SCHEDULE_FIELDS,
        *JOB_FIELDS,
    ),
    (*OF_EVENT, *OF_OPTION),
    first=("client", "employee_number", "last_name", "plan_type", "plan", "coverage", "held", "begins_on"),
)

OWED_COLUMNS = {
    "client_id": pl.Int32(),
    "person_id": pl.Int64(),
    "benefit_record": pl.Int16(),
    "plan_type": pl.String(),
    "kind": pl.String(),
    "option_id": pl.Int32(),
    "pay_group": pl.String(),
    "pay_number": pl.Int32(),
    "ends_on": pl.Date(),
    "check_on": pl.Date(),
    "tax_class": pl.String(),
    "deduction_code": pl.String(),
    "owed_cents": pl.Int64(),
    "employer_cents": pl.Int64(),
    "cause": pl.String(),
    "fault": pl.String(),
}


def owed_rows(connection: Any, client_id: int, as_of: date) -> pl.DataFrame:
    """Compute what the next pay of everybody owes: OWED_COLUMNS."""
    rows = next_pay(connection, client_id, as_of)
    return rows.select(pl.col(name).cast(kind) for name, kind in OWED_COLUMNS.items())


OWED = subject(
    "owed",
    "Deductions owed",
    "What the next pay of everybody owes, as of the day. Of one client at a time.",
    "adhoc_owed_now",
    (
        *WHO,
        BENEFIT_RECORD,
        *OPTION_FIELDS,
        code("line", "Kind of line", "t.kind", LINES),
        code("tax", "Taken", "t.tax_class", TAX),
        Field(name="owed_pay_group", title="Pay group of the pay", sql="t.pay_group"),
        day("check_on", "Check date"),
        day("ends_on", "Pay ends"),
        Field(name="deduction_code", title="Deduction code", sql="t.deduction_code"),
        money("owed", "Owed", "t.owed_cents"),
        money("employer", "Employer pays", "t.employer_cents"),
        Field(name="cause", title="Why it differs", sql="t.cause"),
        Field(name="fault", title="Why there is no amount", sql="t.fault"),
        *JOB_FIELDS,
    ),
    (*OF_PERSON, *OF_OPTION),
    first=("client", "employee_number", "last_name", "plan_type", "option", "check_on", "owed"),
    rows=owed_rows,
    columns=OWED_COLUMNS,
)

_TAKEN = """(
    SELECT DISTINCT ON (client_id, person_id, benefit_record, plan_type, kind, tax_class, pay_group_id,
                        ends_on) *
    FROM payroll_taken
    ORDER BY client_id, person_id, benefit_record, plan_type, kind, tax_class, pay_group_id, ends_on,
             version DESC
)"""
TAKEN = subject(
    "taken",
    "Deductions taken",
    "What pays took, as payroll reported it.",
    f"(SELECT * FROM {_TAKEN} AS r WHERE NOT r.is_deleted)",  # noqa: S608 - constants
    (
        *WHO,
        BENEFIT_RECORD,
        PLAN_TYPE,
        code("line", "Kind of line", "t.kind", LINES),
        code("tax", "Taken", "t.tax_class", TAX),
        day("ends_on", "Pay ended"),
        number("pay_number", "Number of pay"),
        money("taken", "Amount taken", "t.taken_cents"),
        *JOB_FIELDS,
    ),
    OF_PERSON,
    first=("client", "employee_number", "last_name", "plan_type", "ends_on", "taken"),
)
SUBJECTS = (COVERAGE, OWED, TAKEN)
