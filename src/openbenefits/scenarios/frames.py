"""The named SQL of stories: the codes of the set-up, and what is to be seen of a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

KEYS = "SELECT kind, code, id FROM programs_setupkey ORDER BY id"

SCHEDULES = """
SELECT DISTINCT s.code, s.schedule_id FROM programs_schedule AS s
JOIN programs_bundle AS b ON b.release_id = s.release_id
"""

EVENTS = """
SELECT benefit_record, schedule_id, event_number, event_class_id, event_on, priority, process_status,
       event_status, program_id, preparation, window_ends_on, is_eligibility_changed, is_out_of_sequence,
       is_multi_activity, source, status_at, steps
FROM events_event WHERE client_id = %(client)s AND person_id = %(person)s
ORDER BY event_on, priority, event_number, schedule_id
"""

MESSAGES = """
SELECT schedule_id, event_number, code, severity, plan_type, option_id, expected, found
FROM events_message WHERE client_id = %(client)s AND person_id = %(person)s AND is_current
ORDER BY schedule_id, event_number, code, plan_type
"""

STEPS = """
SELECT schedule_id, event_number, to_status FROM events_eventstep
WHERE client_id = %(client)s AND person_id = %(person)s AND to_status IS NOT NULL
ORDER BY schedule_id, event_number, step
"""

PLANS = """
SELECT * FROM enrollment_eventplan
WHERE client_id = %(client)s AND person_id = %(person)s AND benefit_record = %(record)s
  AND schedule_id = %(schedule)s AND event_number = %(number)s AND preparation = %(preparation)s
"""

OPTIONS = """
SELECT * FROM enrollment_eventoption
WHERE client_id = %(client)s AND person_id = %(person)s AND benefit_record = %(record)s
  AND schedule_id = %(schedule)s AND event_number = %(number)s AND preparation = %(preparation)s
"""

COVERAGE = """
SELECT * FROM enrollment_coverage
WHERE client_id = %(client)s AND person_id = %(person)s AND slot = 0 AND superseded_by_run IS NULL
ORDER BY plan_type, begins_on
"""

COVERED = """
SELECT plan_type, begins_on, version, dependent_id FROM enrollment_coveragedependent
WHERE client_id = %(client)s AND person_id = %(person)s AND slot = 0
"""

FUNDS = """
SELECT plan_type, begins_on, version, fund, percent FROM enrollment_coveragefund
WHERE client_id = %(client)s AND person_id = %(person)s AND slot = 0
"""

OUTCOME = """
SELECT outcome FROM runs_runperson
WHERE client_id = %(client)s AND run_id = %(run)s AND person_id = %(person)s ORDER BY benefit_record
"""

STATE_TABLES = (
    *("events_activity", "events_event", "events_eventstep", "enrollment_eventplan"),
    *("enrollment_eventoption", "enrollment_election", "enrollment_coverage"),
    *("enrollment_coveragedependent", "enrollment_coveragefund"),
)
"""What a run may change; messages say the same again under another run and are compared without it."""

STATE = "SELECT count(*), coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {table} AS t"

MESSAGE_STATE = """
SELECT count(*), coalesce(md5(string_agg(concat_ws('|', person_id, schedule_id, event_number, code, plan_type,
       option_id, expected, found), '/' ORDER BY person_id, schedule_id, event_number, code, plan_type,
       option_id, expected, found)), '')
FROM events_message WHERE is_current
"""

Row = dict[str, Any]


def rows_of(connection: Any, query: str, params: Mapping[str, Any] | None = None) -> list[Row]:
    """Read a few rows as plain records."""
    with connection.cursor() as cursor:
        cursor.execute(query, params or {})
        columns = [column.name for column in cursor.description]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def state_of(connection: Any) -> dict[str, tuple[int, str]]:
    """Answer, per table, how many rows there are and a hash of them."""
    queries = {table: STATE.format(table=table) for table in STATE_TABLES} | {"events_message": MESSAGE_STATE}
    found = {}
    with connection.cursor() as cursor:
        for table, query in queries.items():
            cursor.execute(query)
            found[table] = cursor.fetchone()
    return found


@dataclass(frozen=True, kw_only=True)
class OptionName:
    """An option of a program by its codes and numbers."""

    program: str
    plan_type: str
    code: str
    option_id: int
    program_id: int


@dataclass(frozen=True, kw_only=True)
class SetupNames:
    """Codes of the set-up by their numbers, and the other way round."""

    codes: Mapping[int, str]
    options: Sequence[OptionName]
    schedules: Mapping[str, int]

    def code(self, number: int | None) -> str | None:
        return None if number is None else self.codes.get(number, f"number {number}")

    def option_code(self, number: int | None) -> str | None:
        code = self.code(number)
        return None if code is None else code.rsplit("/", 1)[-1]

    def option(self, plan_type: str, code: str, program: str | None = None) -> OptionName:
        """Find an option by plan type and code, and by program where several have it.

        Errors: LookupError.
        """
        named = [one for one in self.options if one.plan_type == plan_type and program in (None, one.program)]
        found = [one for one in named if one.code == code]
        if len(found) != 1:
            known = ", ".join(sorted({one.code for one in named})) or "there are none"
            what = "one of the options" if not found else "`program`, since several have the option; one of"
            raise LookupError(f"plan type {plan_type}: expected {what} ({known}), found `{code}`")
        return found[0]


def load_names(connection: Any) -> SetupNames:
    """Load the codes of the set-up."""
    keys = rows_of(connection, KEYS)
    programs = {row["code"]: row["id"] for row in keys if row["kind"] == "program"}
    options = []
    for row in keys:
        if row["kind"] == "option":
            program, plan_type, code = row["code"].split("/", 2)
            options.append(
                OptionName(
                    program=program,
                    plan_type=plan_type,
                    code=code,
                    option_id=row["id"],
                    program_id=programs[program],
                )
            )
    schedules = {row["code"]: row["schedule_id"] for row in rows_of(connection, SCHEDULES)}
    return SetupNames(codes={row["id"]: row["code"] for row in keys}, options=options, schedules=schedules)
