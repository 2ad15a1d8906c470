"""People, their jobs and their dependents."""

from openbenefits.adhoc.declared import Field, Kind, subject
from openbenefits.adhoc.subjects.shared import (
    BENEFIT_RECORD,
    HEALTH,
    JOB_FIELDS,
    JOB_STATES,
    OF_PERSON,
    PERSONAL,
    RELATIONSHIPS,
    WHO,
    code,
    day,
    flag,
    holding,
    number,
)

_AGE = "extract(year FROM age(%(as_of)s::date, {}))"
_OF_DEPENDENT = holding("workforce_dependentfact", "dependent_id", "d").replace("d.dependent_id", "d.id")
MARITAL = dict.fromkeys(("single", "married", "divorced", "widowed", "partnered"), "")
MARITAL = {word: word for word in MARITAL}
SEXES = {"F": "female", "M": "male", "X": "other"}

PEOPLE = subject(
    "people",
    "People",
    "Everybody of the census, with facts and the primary job of the day.",
    "(SELECT client_id, id AS person_id FROM workforce_person)",
    (
        *WHO,
        *JOB_FIELDS,
        day("service_on", "Service counts from", "pf.service_on", "facts"),
        number(
            "service_months",
            "Months of service",
            "extract(year FROM age(%(as_of)s::date, pf.service_on)) * 12"
            " + extract(month FROM age(%(as_of)s::date, pf.service_on))",
            "facts",
        ),
        Field(
            name="weekly_hours",
            title="Weekly hours, in hundredths",
            sql="j.weekly_hours_hundredths",
            kind=Kind.NUMBER,
            needs=("job",),
        ),
        Field(
            name="annual_pay",
            title="Annual pay",
            sql="j.annual_pay_cents",
            kind=Kind.MONEY,
            needs=("job",),
            guard=PERSONAL,
        ),
        Field(
            name="birth_on", title="Born", sql="pf.birth_on", kind=Kind.DAY, needs=("facts",), guard=PERSONAL
        ),
        Field(
            name="age",
            title="Age",
            sql=_AGE.format("pf.birth_on"),
            kind=Kind.NUMBER,
            needs=("facts",),
            guard=PERSONAL,
        ),
        Field(
            name="sex",
            title="Sex",
            sql="pf.sex",
            kind=Kind.CODE,
            words=SEXES,
            needs=("facts",),
            guard=PERSONAL,
        ),
        Field(
            name="marital_status",
            title="Marital status",
            sql="pf.marital_status",
            kind=Kind.CODE,
            words=MARITAL,
            needs=("facts",),
            guard=PERSONAL,
        ),
        Field(name="email", title="E-mail", sql="pf.email", needs=("facts",), guard=PERSONAL),
        Field(name="street", title="Street", sql="a.line1", needs=("address",), guard=PERSONAL),
        Field(name="city", title="City", sql="a.city", needs=("address",), guard=PERSONAL),
        Field(
            name="postal_code", title="Postal code", sql="a.postal_code", needs=("address",), guard=PERSONAL
        ),
        Field(
            name="is_smoker",
            title="Smokes",
            sql="pf.is_smoker",
            kind=Kind.FLAG,
            needs=("facts",),
            guard=HEALTH,
        ),
        flag("has_email", "Has an e-mail address", "coalesce(pf.email, '') <> ''", "facts"),
        flag("has_address", "Has an address", "a.line1 IS NOT NULL", "address"),
    ),
    OF_PERSON,
    first=("client", "employee_number", "last_name", "first_name", "department", "job_status"),
)

JOBS = subject(
    "jobs",
    "Jobs",
    "Every job of everybody, as it stands on the day.",
    """(
    SELECT DISTINCT ON (f.client_id, f.person_id, f.job_number) f.*
    FROM workforce_jobfact AS f
    WHERE f.valid_from <= %(as_of)s AND NOT f.is_deleted
      AND NOT EXISTS (SELECT 1 FROM workforce_jobfact AS n
                      WHERE n.client_id = f.client_id AND n.person_id = f.person_id
                        AND n.job_number = f.job_number AND n.valid_from = f.valid_from
                        AND n.sequence = f.sequence AND n.version > f.version)
    ORDER BY f.client_id, f.person_id, f.job_number, f.valid_from DESC, f.sequence DESC
)""",
    (
        *WHO,
        number("job_number", "Number of job"),
        BENEFIT_RECORD,
        flag("is_primary", "Primary job"),
        code("job_status", "Job status", "t.job_status", JOB_STATES),
        Field(name="action", title="Last action", sql="t.action"),
        Field(name="reason", title="Reason", sql="t.reason"),
        day("since", "Since", "t.valid_from"),
        *(
            Field(name=name, title=title, sql=f"t.{column}")
            for name, title, column in (
                ("company", "Company", "company"),
                ("department", "Department", "department"),
                ("location", "Location", "location"),
                ("pay_group", "Pay group", "pay_group"),
                ("job_code", "Job code", "job_code"),
                ("union", "Union", "union_code"),
                ("employee_class", "Employee class", "employee_class"),
                ("benefit_group", "Benefit group", "benefit_group"),
            )
        ),
        code("full_part_time", "Full or part time", "t.full_part_time", {"F": "full", "P": "part"}),
        number("weekly_hours", "Weekly hours, in hundredths", "t.weekly_hours_hundredths"),
        Field(
            name="annual_pay",
            title="Annual pay",
            sql="t.annual_pay_cents",
            kind=Kind.MONEY,
            guard=PERSONAL,
        ),
    ),
    tuple(one for one in OF_PERSON if one.name != "job"),
    first=("client", "employee_number", "last_name", "job_number", "job_code", "job_status", "since"),
)

DEPENDENTS = subject(
    "dependents",
    "Dependents",
    "Everybody on file as a dependent, with the facts of the day.",
    f"""(
    SELECT d.client_id, d.person_id, d.id AS dependent_id, d.number, x.first_name, x.last_name,
           x.person_type, x.birth_on, x.sex, x.is_student, x.student_through, x.is_disabled, x.is_former
    FROM workforce_dependent AS d
    JOIN {_OF_DEPENDENT} AS x ON true
)""",  # noqa: S608 - constants
    (
        *WHO,
        number("number", "Number of dependent"),
        Field(name="dependent_last_name", title="Last name of dependent", sql="t.last_name"),
        Field(name="dependent_first_name", title="First name of dependent", sql="t.first_name"),
        code("relationship", "Relationship", "t.person_type", RELATIONSHIPS),
        Field(name="birth_on", title="Born", sql="t.birth_on", kind=Kind.DAY, guard=PERSONAL),
        Field(name="age", title="Age", sql=_AGE.format("t.birth_on"), kind=Kind.NUMBER, guard=PERSONAL),
        Field(name="sex", title="Sex", sql="t.sex", kind=Kind.CODE, words=SEXES, guard=PERSONAL),
        flag("is_student", "Student"),
        day("student_through", "Student through"),
        Field(name="is_disabled", title="Disabled", sql="t.is_disabled", kind=Kind.FLAG, guard=HEALTH),
        flag("is_former", "No longer a dependent"),
        *JOB_FIELDS,
    ),
    OF_PERSON,
    first=("client", "employee_number", "last_name", "dependent_first_name", "relationship", "is_former"),
)
SUBJECTS = (PEOPLE, JOBS, DEPENDENTS)
