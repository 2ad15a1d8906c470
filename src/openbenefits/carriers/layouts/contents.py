"""What the rows of a file are about: its named columns, and whose they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from openbenefits.carriers.layouts.layout import ContentKind
from openbenefits.carriers.rules.maintenance import SAID
from openbenefits.carriers.rules.views import PEOPLE

CENTS = pl.Int64

ENROLLMENT = {
    **{name: kind for name, kind in PEOPLE.items() if name not in ("subscriber", "member")},
    **{name: kind for name, kind in SAID.items() if name not in PEOPLE and name != "turn"},
    "subscriber": pl.String,
    "member": pl.String,
    "is_subscriber": pl.Boolean,
    "line": pl.String,
    "line_action": pl.String,
    "kind": pl.String,
    "begins_on": pl.Date,
    "ends_on": pl.Date,
    "said_end_on": pl.Date,
    "plan": pl.String,
    "tier": pl.String,
    "amount_cents": CENTS,
    "cause": pl.String,
    "is_void": pl.Boolean,
}
"""A line of a member as a carrier is told of it; a member of whom no line is told has one row without.

action, reason, basis: of the member (INS03, INS04, INS05); line_action: HD01. said_end_on: the end as the
partner means it; ends_on: the last day covered. was_*: what was told of him before, where that was wrong.
"""

PERSON = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "employee_number": pl.String,
    "last_name": pl.String,
    "first_name": pl.String,
    "ssn": pl.String,
    "birth_on": pl.Date,
}
"""Who a row is about: an employee, in one employment with benefits."""

CONTRIBUTIONS = PERSON | {
    "plan_type": pl.String,
    "plan": pl.String,
    "pay_group": pl.String,
    "pay_number": pl.Int32,
    "ends_on": pl.Date,
    "check_on": pl.Date,
    "before_tax_cents": CENTS,
    "after_tax_cents": CENTS,
    "otherwise_cents": CENTS,
    "employee_cents": CENTS,
    "employer_cents": CENTS,
    "total_cents": CENTS,
    "employee_year_cents": CENTS,
    "employer_year_cents": CENTS,
    "is_correction": pl.Boolean,
}
"""What a pay put into a plan and was not told yet; negative where more was told than holds now.

before_tax, after_tax: what the pay took. otherwise: what was paid outside payroll, of a leave. employee: the
three. *_year_cents: in the year of the check through this one, what this file says included.
is_correction: something was told of the pay before.
"""

ELIGIBILITY = PERSON | {
    "sex": pl.String,
    "marital_status": pl.String,
    "address_1": pl.String,
    "city": pl.String,
    "state": pl.String,
    "postal_code": pl.String,
    "email": pl.String,
    "hired_on": pl.Date,
    "ended_on": pl.Date,
    "job_status": pl.String,
    "pay_group": pl.String,
    "plan_type": pl.String,
    "plan": pl.String,
    "begins_on": pl.Date,
    "ends_on": pl.Date,
    "pledge_cents": CENTS,
    "percent_thousandths": pl.Int64,
    "after_tax_thousandths": pl.Int64,
}
"""A span for which an employee is in an account or savings plan, with what he put down for it."""

COBRA = PERSON | {
    "dependent_id": pl.Int64,
    "relationship": pl.String,
    "beneficiary_last_name": pl.String,
    "beneficiary_first_name": pl.String,
    "beneficiary_birth_on": pl.Date,
    "beneficiary_ssn": pl.String,
    "address_1": pl.String,
    "city": pl.String,
    "state": pl.String,
    "postal_code": pl.String,
    "cover": pl.String,
    "lost_on": pl.Date,
    "cause": pl.String,
    "happened_on": pl.Date,
    "last_covered_on": pl.Date,
    "plan_type": pl.String,
    "plan": pl.String,
    "tier": pl.String,
    "premium_cents": CENTS,
    "employer_notice_by": pl.Date,
    "election_notice_by": pl.Date,
    "election_through": pl.Date,
    "continues_through": pl.Date,
    "state_of_duty": pl.String,
}
"""A person who lost cover and must be offered to continue it: dependent_id 0 is the employee.

premium_cents: a month of the whole price of what was lost, for the tier it was held in, without what the
administrator adds; null where it cannot be found.
"""

DISABILITY = PERSON | {
    "sex": pl.String,
    "state": pl.String,
    "hired_on": pl.Date,
    "job_status": pl.String,
    "job_code": pl.String,
    "annual_pay_cents": CENTS,
    "plan_type": pl.String,
    "plan": pl.String,
    "begins_on": pl.Date,
    "ends_on": pl.Date,
    "volume_cents": CENTS,
    "class": pl.String,
}
"""An employee insured against disability, or on his life: pay, volume and class."""


@dataclass(frozen=True, kw_only=True)
class Content:
    """A kind of rows: their columns; which tell a family and a member apart, and name whom a fault is of."""

    columns: Mapping[str, Any]
    family: tuple[str, ...]
    member: tuple[str, ...]
    who: tuple[str, ...] = ("client_id", "person_id")


_OWN = ("client_id", "person_id")

CONTENTS: dict[ContentKind, Content] = {
    "enrollment": Content(
        columns=ENROLLMENT, family=("subscriber",), member=("subscriber", "member"), who=("member",)
    ),
    "contributions": Content(columns=CONTRIBUTIONS, family=_OWN, member=(*_OWN, "benefit_record")),
    "eligibility": Content(columns=ELIGIBILITY, family=_OWN, member=(*_OWN, "benefit_record")),
    "cobra": Content(columns=COBRA, family=_OWN, member=(*_OWN, "dependent_id")),
    "disability": Content(columns=DISABILITY, family=_OWN, member=(*_OWN, "benefit_record")),
}


def shaped(rows: pl.DataFrame, kind: ContentKind) -> pl.DataFrame:
    """Bring rows into the columns of their kind; what is not told is missing, what is told besides stays."""
    columns = CONTENTS[kind].columns
    missing = [pl.lit(None, type_).alias(name) for name, type_ in columns.items() if name not in rows.columns]
    cast = [pl.col(name).cast(type_) for name, type_ in columns.items()]
    return rows.with_columns(missing).select(*cast, *(name for name in rows.columns if name not in columns))
