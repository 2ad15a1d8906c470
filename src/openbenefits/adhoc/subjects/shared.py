"""Joins and fields that several subjects share: client, person, job, dependents, options, schedules."""

from openbenefits.accounts.roles import Permission
from openbenefits.adhoc.declared import Field, Join, Kind
from openbenefits.core.codes import PROCESS_STATUS_NAMES, EventStatus, PersonType, ScheduleKind
from openbenefits.core.plan_types import PLAN_TYPES

PERSONAL, HEALTH = Permission.SEE_PERSONAL, Permission.SEE_HEALTH


def holding(table: str, key: str, row: str = "t") -> str:
    """Write the facts of a table that hold on the day, of the person (or dependent) of a row."""
    same = " AND ".join(f"n.{one} = f.{one}" for one in ("client_id", *key.split()))
    mine = " AND ".join(f"f.{one} = {row}.{one}" for one in ("client_id", *key.split()))
    return f"""LATERAL (
    SELECT f.* FROM {table} AS f
    WHERE {mine} AND f.valid_from <= %(as_of)s AND NOT f.is_deleted
      AND NOT EXISTS (SELECT 1 FROM {table} AS n
                      WHERE {same} AND n.valid_from = f.valid_from AND n.version > f.version)
    ORDER BY f.valid_from DESC LIMIT 1
)"""  # noqa: S608 - constants


CLIENT = Join(name="client", sql="LEFT JOIN workforce_client AS c ON c.id = t.client_id")
PERSON = Join(
    name="person",
    sql="LEFT JOIN workforce_person AS p ON p.client_id = t.client_id AND p.id = t.person_id",
)
FACTS = Join(name="facts", sql=f"LEFT JOIN {holding('workforce_personfact', 'person_id')} AS pf ON true")
ADDRESS = Join(name="address", sql=f"LEFT JOIN {holding('workforce_addressfact', 'person_id')} AS a ON true")
JOB = Join(
    name="job",
    sql="""LEFT JOIN LATERAL (
    SELECT f.* FROM workforce_jobfact AS f
    WHERE f.client_id = t.client_id AND f.person_id = t.person_id AND f.is_primary
      AND f.valid_from <= %(as_of)s AND NOT f.is_deleted
      AND NOT EXISTS (SELECT 1 FROM workforce_jobfact AS n
                      WHERE n.client_id = f.client_id AND n.person_id = f.person_id
                        AND n.job_number = f.job_number AND n.valid_from = f.valid_from
                        AND n.sequence = f.sequence AND n.version > f.version)
    ORDER BY f.benefit_record, f.valid_from DESC, f.sequence DESC, f.job_number LIMIT 1
) AS j ON true""",
)
SCHEDULE = Join(
    name="schedule",
    sql="""LEFT JOIN (
    SELECT DISTINCT ON (s.schedule_id) s.schedule_id, s.code, s.name, s.kind
    FROM programs_schedule AS s JOIN programs_bundle AS b ON b.release_id = s.release_id
    ORDER BY s.schedule_id
) AS s ON s.schedule_id = t.schedule_id""",
)
EVENT_CLASS = Join(
    name="event_class",
    sql="""LEFT JOIN (
    SELECT DISTINCT ON (e.event_class_id) e.event_class_id, e.code, e.name
    FROM programs_eventclass AS e JOIN programs_bundle AS b ON b.release_id = e.release_id
    ORDER BY e.event_class_id
) AS ec ON ec.event_class_id = t.event_class_id""",
)
PROGRAM = Join(
    name="program",
    sql="""LEFT JOIN (
    SELECT DISTINCT ON (g.program_id) g.program_id, g.code, g.name
    FROM programs_program AS g JOIN programs_bundle AS b ON b.release_id = g.release_id
    ORDER BY g.program_id, g.valid_from DESC
) AS g ON g.program_id = t.program_id""",
)
OPTION = Join(
    name="option",
    sql="""LEFT JOIN (
    SELECT DISTINCT ON (o.option_id) o.option_id, o.code, o.option_type, o.plan_id, o.coverage_code_id
    FROM programs_option AS o JOIN programs_bundle AS b ON b.release_id = o.release_id
    ORDER BY o.option_id, o.valid_from DESC
) AS o ON o.option_id = t.option_id""",
)
PLAN = Join(
    name="plan",
    needs=("option",),
    sql="""LEFT JOIN (
    SELECT DISTINCT ON (l.plan_id) l.plan_id, l.name, l.carrier
    FROM programs_plan AS l JOIN programs_bundle AS b ON b.release_id = l.release_id
    ORDER BY l.plan_id, l.valid_from DESC
) AS l ON l.plan_id = o.plan_id""",
)
COVERAGE_CODE = Join(
    name="coverage_code",
    needs=("option",),
    sql="""LEFT JOIN (
    SELECT DISTINCT ON (k.coverage_code_id) k.coverage_code_id, k.code, k.name
    FROM programs_coveragecode AS k JOIN programs_bundle AS b ON b.release_id = k.release_id
    ORDER BY k.coverage_code_id
) AS k ON k.coverage_code_id = o.coverage_code_id""",
)
OF_PERSON = (CLIENT, PERSON, FACTS, ADDRESS, JOB)
OF_EVENT = (*OF_PERSON, SCHEDULE)
OF_OPTION = (OPTION, PLAN, COVERAGE_CODE)

STATES = {str(status): name for status, name in PROCESS_STATUS_NAMES.items()}
EVENT_STATES = {str(one): one.name.lower() for one in EventStatus}
SCHEDULE_KINDS = {str(one): one.name.lower().replace("_", " ") for one in ScheduleKind}
RELATIONSHIPS = {str(one): one.name.lower().replace("_", " ") for one in PersonType}
JOB_STATES = {"A": "active", "L": "leave", "P": "paid leave", "S": "suspended", "T": "terminated"}
JOB_STATES |= {"R": "retired", "D": "deceased", "Q": "retired with pay", "U": "terminated with pay"}
OPTION_KINDS = {"O": "option", "W": "waiver", "G": "general credit", "D": "general deduction"}


def code(name: str, title: str, sql: str, words: dict[str, str], *needs: str) -> Field:
    """Declare a field of codes."""
    return Field(name=name, title=title, sql=sql, kind=Kind.CODE, words=words, needs=needs)


CLIENT_FIELDS = (
    Field(name="client", title="Client", sql="c.code", needs=("client",)),
    Field(name="client_name", title="Name of client", sql="c.name", needs=("client",)),
)
WHO = (
    *CLIENT_FIELDS,
    Field(name="employee_number", title="Employee number", sql="p.employee_number", needs=("person",)),
    Field(name="last_name", title="Last name", sql="pf.last_name", needs=("facts",)),
    Field(name="first_name", title="First name", sql="pf.first_name", needs=("facts",)),
)
JOB_FIELDS = (
    Field(name="department", title="Department", sql="j.department", needs=("job",)),
    Field(name="location", title="Location", sql="j.location", needs=("job",)),
    Field(name="pay_group", title="Pay group", sql="j.pay_group", needs=("job",)),
    Field(name="company", title="Company", sql="j.company", needs=("job",)),
    Field(name="union", title="Union", sql="j.union_code", needs=("job",)),
    Field(name="job_code", title="Job code", sql="j.job_code", needs=("job",)),
    code("job_status", "Job status", "j.job_status", JOB_STATES, "job"),
    code("full_part_time", "Full or part time", "j.full_part_time", {"F": "full", "P": "part"}, "job"),
    Field(name="state", title="State of home", sql="a.state", needs=("address",)),
)
SCHEDULE_FIELDS = (
    Field(name="schedule", title="Schedule", sql="s.code", needs=("schedule",)),
    Field(name="schedule_name", title="Name of schedule", sql="s.name", needs=("schedule",)),
    code("schedule_kind", "Kind of schedule", "s.kind", SCHEDULE_KINDS, "schedule"),
)
PLAN_TYPE = code("plan_type", "Plan type", "t.plan_type", dict(PLAN_TYPES))
OPTION_FIELDS = (
    PLAN_TYPE,
    Field(name="option", title="Option code", sql="o.code", needs=("option",)),
    code("option_kind", "Kind of option", "o.option_type", OPTION_KINDS, "option"),
    Field(name="plan", title="Plan", sql="l.name", needs=("plan",)),
    Field(name="carrier", title="Carrier", sql="l.carrier", needs=("plan",)),
    Field(name="coverage", title="Coverage", sql="k.name", needs=("coverage_code",)),
)
BENEFIT_RECORD = Field(
    name="benefit_record", title="Benefit record", sql="t.benefit_record", kind=Kind.NUMBER
)


def day(name: str, title: str, sql: str = "", *needs: str) -> Field:
    """Declare a day."""
    return Field(name=name, title=title, sql=sql or f"t.{name}", kind=Kind.DAY, needs=needs)


def money(name: str, title: str, sql: str) -> Field:
    """Declare an amount in cents."""
    return Field(name=name, title=title, sql=sql, kind=Kind.MONEY)


def flag(name: str, title: str, sql: str = "", *needs: str) -> Field:
    """Declare something that is or is not."""
    return Field(name=name, title=title, sql=sql or f"t.{name}", kind=Kind.FLAG, needs=needs)


def number(name: str, title: str, sql: str = "", *needs: str) -> Field:
    """Declare a number."""
    return Field(name=name, title=title, sql=sql or f"t.{name}", kind=Kind.NUMBER, needs=needs)
