"""What is said of people when their facts change; a field that is not sent stays as it is."""

from typing import Any, Literal

from pydantic import Field

from openbenefits.api.shapes import Body, Cents, Code, Day, Number, Record, Ssn, Text

Relation = Literal["SP", "DP", "CH", "AC", "OD", "NQ", "SS", "XS", "BN"]


def unsaid() -> Any:
    """Answer what a field holds that was not sent: it is never written, and null may not be sent for it."""
    return None


class HomeAddress(Body):
    """A home address."""

    line1: Text | None = None
    city: Text | None = None
    state: Text | None = None
    postal_code: Text | None = None
    country: Text = "USA"


class PersonFacts(Body):
    """What may be said of a participant."""

    first_name: Text = Field(default_factory=unsaid, min_length=1)
    last_name: Text = Field(default_factory=unsaid, min_length=1)
    birth_on: Day | None = None
    sex: Literal["F", "M", "X"] | None = None
    is_smoker: bool | None = None
    marital_status: Literal["single", "married", "divorced", "widowed", "partnered"] | None = None
    service_on: Day | None = None
    is_medicare_entitled: bool | None = None
    email: Text | None = None
    language: Literal["en", "es"] | None = None


class JobFacts(Body):
    """What may be said of a job."""

    benefit_record: Record = Field(default_factory=unsaid)
    is_primary: bool = Field(default_factory=unsaid)
    is_for_eligibility: bool = Field(default_factory=unsaid)
    job_status: Text = Field(default_factory=unsaid, min_length=1)
    last_day_employed: Day | None = None
    company: Text | None = None
    benefit_group: Text | None = None
    pay_group: Text | None = None
    department: Text | None = None
    location: Text | None = None
    job_code: Text | None = None
    union_code: Text | None = None
    employee_class: Text | None = None
    full_part_time: Literal["F", "P"] | None = None
    regular_temporary: Literal["R", "T"] | None = None
    flsa_status: Text | None = None
    employee_type: Text | None = None
    officer_code: Text | None = None
    regulatory_region: Text | None = None
    salary_plan: Text | None = None
    salary_grade: Text | None = None
    job_function: Text | None = None
    weekly_hours_hundredths: Number | None = None
    annual_pay_cents: Cents | None = None


class DependentFacts(Body):
    """What may be said of a dependent."""

    first_name: Text = Field(default_factory=unsaid, min_length=1)
    last_name: Text = Field(default_factory=unsaid, min_length=1)
    person_type: Relation = Field(default_factory=unsaid, description="Relationship: SP, CH, DP …")
    birth_on: Day | None = None
    sex: Literal["F", "M", "X"] | None = None
    is_smoker: bool | None = None
    is_student: bool = Field(default_factory=unsaid)
    student_through: Day | None = None
    is_disabled: bool = Field(default_factory=unsaid)
    is_married: bool = Field(default_factory=unsaid)
    is_former: bool = Field(default_factory=unsaid, description="Divorced, died, or no longer a dependent.")
    died_on: Day | None = Field(default=None, description="Of who is no dependent any more by death.")


class Hire(Body):
    """A hire."""

    employee_number: Text = Field(min_length=1)
    first_name: Text = Field(min_length=1)
    last_name: Text = Field(min_length=1)
    on: Day
    job: JobFacts
    person: PersonFacts | None = None
    address: HomeAddress | None = None
    ssn: Ssn | None = None


class PersonChange(Body):
    """Something about a participant is different from a day on, or was recorded wrongly on that day."""

    on: Day
    changes: PersonFacts
    is_correction: bool = False


class Move(Body):
    """A new home from a day on."""

    on: Day
    address: HomeAddress


class JobChange(Body):
    """A further job row: what held the day before, with changes."""

    on: Day
    action: Text = Field(min_length=1, description="PAY, XFR, DTA, LOA, RFL, REH …", examples=["DTA"])
    changes: JobFacts
    reason: Text | None = None
    job_number: Record | None = None


class JobCorrection(Body):
    """The job row of a day was wrong; `moves_to` gives it another day."""

    on: Day
    changes: JobFacts
    moves_to: Day | None = None
    job_number: Record | None = None
    sequence: Record | None = None


class Termination(Body):
    """The end of a job: the last day employed."""

    last_day_employed: Day
    action: Text = "TER"
    reason: Text | None = None
    job_status: Text = "T"
    job_number: Record | None = None


class NewDependent(Body):
    """A dependent from a day on."""

    on: Day
    first_name: Text = Field(min_length=1)
    last_name: Text = Field(min_length=1)
    person_type: Relation = Field(description="Relationship: SP, CH, DP …")
    more: DependentFacts | None = None
    ssn: Ssn | None = None


class DependentChange(Body):
    """Something about a dependent is different from a day on."""

    on: Day
    changes: DependentFacts


class LifeEvent(Body):
    """Something happened in somebody's life."""

    event_class: Code = Field(description="MAR, BIR, DIV … as the set-up names it.", examples=["MAR"])
    on: Day
    reported_on: Day | None = None


class BaseAmount(Body):
    """A yearly amount that stands for pay in formulas; null: no longer known from that day."""

    on: Day
    base_type: Code
    annual_pay_cents: Cents | None
    benefit_record: Record = 0
