"""The named SQL of review: counts, and what hangs on events beside what reports read."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from openbenefits.core.codes import FINAL_STATUSES
from openbenefits.enrollment.evidence_frames import NOT_CLOSED
from openbenefits.reports.frames import EVENT_KEY, KEYS, OF_EVENT, of_events
from openbenefits.store.bulk import copy_out
from openbenefits.store.keys import PEOPLE, people_arrays

_FINAL = ", ".join(f"'{status}'" for status in FINAL_STATUSES)
_IS_DONE = f"event_status = 'V' OR (event_status = 'C' AND process_status IN ({_FINAL}))"
_IS_FLAGGED = "(is_out_of_sequence OR is_eligibility_changed OR event_status = 'D') AND event_status <> 'V'"

STANDING_QUERY = f"""
SELECT schedule_id, coalesce(process_status, '') AS process_status,
       count(DISTINCT person_id) AS people, count(*) AS events,
       count(*) FILTER (WHERE event_status = 'O') AS open,
       count(*) FILTER (WHERE event_status = 'C') AS closed,
       count(*) FILTER (WHERE event_status = 'V') AS void,
       count(*) FILTER (WHERE event_status = 'D') AS disconnected,
       count(*) FILTER (WHERE {_IS_DONE}) AS final_or_void,
       count(*) FILTER (WHERE is_out_of_sequence) AS out_of_sequence,
       count(*) FILTER (WHERE is_eligibility_changed) AS eligibility_changed,
       count(*) FILTER (WHERE is_multi_activity) AS multi_activity,
       count(*) FILTER (WHERE finalize_requested) AS finalise_ordered,
       count(*) FILTER (WHERE {_IS_FLAGGED}) AS flagged
FROM events_event WHERE client_id = ANY (%(clients)s::int[]) GROUP BY 1, 2
"""
_COUNTS = (
    *("people", "events", "open", "closed", "void", "disconnected", "final_or_void"),
    *("out_of_sequence", "eligibility_changed", "multi_activity", "finalise_ordered", "flagged"),
)
STANDING = {
    "schedule_id": pl.Int32(),
    "process_status": pl.String(),
    **dict.fromkeys(_COUNTS, pl.Int64()),
}

PEOPLE_QUERY = """
SELECT schedule_id, count(DISTINCT (client_id, person_id)) AS people
FROM events_event WHERE client_id = ANY (%(clients)s::int[]) GROUP BY 1
"""

CONTROLS_QUERY = f"""
SELECT k."case", {{columns}} {KEYS} JOIN events_event AS r {OF_EVENT}
"""
CONTROLS = {
    "source": pl.String(),
    "reported_on": pl.Date(),
    "recorded_on": pl.Date(),
    "elect_source": pl.String(),
    "is_finalized": pl.Boolean(),
}

STEPS_QUERY = f"""
SELECT k."case", {{columns}} {KEYS} JOIN events_eventstep AS r {OF_EVENT}
"""
STEPS = {
    "step": pl.Int32(),
    "from_status": pl.String(),
    "to_status": pl.String(),
    "event_status": pl.String(),
    "cause": pl.String(),
    "actor": pl.String(),
    "run_id": pl.Int64(),
    "moved_at": pl.Datetime("us", "UTC"),
}


MESSAGES_QUERY = """
WITH told AS (
    SELECT DISTINCT client_id, person_id, benefit_record, schedule_id, event_number
    FROM events_message WHERE client_id = %(client)s AND is_current
)
SELECT {columns} FROM events_message AS m
JOIN told USING (client_id, person_id, benefit_record, schedule_id, event_number)
"""
MESSAGES = {
    **EVENT_KEY,
    "run_id": pl.Int64(),
    "code": pl.String(),
    "plan_type": pl.String(),
    "option_id": pl.Int32(),
    "expected": pl.String(),
    "found": pl.String(),
    "is_current": pl.Boolean(),
}

RUN_DAYS_QUERY = """
SELECT id AS run_id, (started_at AT TIME ZONE 'UTC')::date AS started_on FROM runs_run
WHERE bundle_client = %(client)s
"""

CHANGED_QUERY = f"""
SELECT f.client_id, f.person_id, max((c.made_at AT TIME ZONE 'UTC')::date) AS changed_on
FROM workforce_factchange AS f JOIN {PEOPLE} AS k USING (client_id, person_id)
JOIN workforce_changeset AS c ON c.id = f.change_id
WHERE f.operation IN ('C', 'D') OR f.fact = 'person' GROUP BY 1, 2
"""

LEFT_LYING_QUERY = """
SELECT p.client_id, p.person_id, p.benefit_record, r.schedule_id, p.outcome,
       (r.started_at AT TIME ZONE 'UTC')::date AS since
FROM runs_runperson AS p
JOIN (
    SELECT DISTINCT ON (schedule_id) id, schedule_id, started_at FROM runs_run
    WHERE bundle_client = %(client)s AND kind = 'process' AND state = 'done'
    ORDER BY schedule_id, id DESC
) AS r ON r.id = p.run_id
WHERE p.client_id = %(client)s AND (p.outcome = 'not finalised' OR p.outcome LIKE 'BA%%')
"""
LEFT_LYING = {
    **{name: EVENT_KEY[name] for name in ("client_id", "person_id", "benefit_record", "schedule_id")},
    "outcome": pl.String(),
    "since": pl.Date(),
}

UNPROVED_COVER_QUERY = f"""
SELECT c.client_id, c.person_id, c.benefit_record, c.plan_type, c.schedule_id, c.event_number,
       (c.made_at AT TIME ZONE 'UTC')::date AS since
FROM enrollment_coverage AS c
WHERE c.client_id = %(client)s AND {NOT_CLOSED}
"""
UNPROVED_COVER = {
    **{name: EVENT_KEY[name] for name in ("client_id", "person_id", "benefit_record")},
    "plan_type": pl.String(),
    "schedule_id": pl.Int32(),
    "event_number": pl.Int32(),
    "since": pl.Date(),
}

TAKEN_BEFORE_QUERY = """
SELECT c.client_id, c.person_id, c.benefit_record, c.plan_type, c.schedule_id, c.event_number,
       (max(c.made_at) AT TIME ZONE 'UTC')::date AS since, max(r.ends_on) AS taken_through
FROM enrollment_coverage AS c
JOIN payroll_payreport AS r ON r.client_id = c.client_id AND r.ends_on >= c.deduction_begins_on
JOIN workforce_changeset AS f ON f.id = r.change_id AND f.made_at < c.made_at
WHERE c.client_id = %(client)s AND c.superseded_by_run IS NULL
  AND NOT EXISTS (SELECT FROM workforce_changeset AS u WHERE u.undoes_id = r.change_id)
GROUP BY 1, 2, 3, 4, 5, 6
"""
TAKEN_BEFORE = UNPROVED_COVER | {"taken_through": pl.Date()}


def load_standing(connection: Any, client_ids: Sequence[int]) -> pl.DataFrame:
    """Count people and events of some clients by schedule and status ('' = not processed yet)."""
    return copy_out(connection, STANDING_QUERY, STANDING, {"clients": list(client_ids)})


def load_people_of_schedules(connection: Any, client_ids: Sequence[int]) -> pl.DataFrame:
    """Count the people of each schedule, each once."""
    schema = {"schedule_id": pl.Int32(), "people": pl.Int64()}
    return copy_out(connection, PEOPLE_QUERY, schema, {"clients": list(client_ids)})


def load_controls(connection: Any, events: pl.DataFrame) -> pl.DataFrame:
    """Load what steers the processing of events, beside the columns of an event frame."""
    return of_events(connection, CONTROLS_QUERY, CONTROLS, events)


def load_steps(connection: Any, events: pl.DataFrame) -> pl.DataFrame:
    """Load the history of events, in order."""
    return of_events(connection, STEPS_QUERY, STEPS, events).sort("case", "step")


def load_messages(connection: Any, client_id: int) -> pl.DataFrame:
    """Load all messages, current or not, of the events of a client that have a current one."""
    query = MESSAGES_QUERY.replace("{columns}", ", ".join(MESSAGES))
    return copy_out(connection, query, MESSAGES, {"client": client_id})


def load_run_days(connection: Any, client_id: int) -> pl.DataFrame:
    """Load the day each run of a client started."""
    schema = {"run_id": pl.Int64(), "started_on": pl.Date()}
    return copy_out(connection, RUN_DAYS_QUERY, schema, {"client": client_id})


def load_changed_days(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load the day on which a fact of each person was last corrected, deleted, or restated."""
    schema = {"client_id": pl.Int32(), "person_id": pl.Int64(), "changed_on": pl.Date()}
    return copy_out(connection, CHANGED_QUERY, schema, people_arrays(people))


def load_left_lying(connection: Any, client_id: int) -> pl.DataFrame:
    """Load whom the last run of each schedule left: not finalised, or with a message instead of an event."""
    return copy_out(connection, LEFT_LYING_QUERY, LEFT_LYING, {"client": client_id})


def load_unproved_cover(connection: Any, client_id: int) -> pl.DataFrame:
    """Load the coverage in force, or to come, that waits for evidence of insurability."""
    return copy_out(connection, UNPROVED_COVER_QUERY, UNPROVED_COVER, {"client": client_id})


def load_taken_before(connection: Any, client_id: int) -> pl.DataFrame:
    """Load the coverage whose deductions begin in pays that payroll had reported before it was written."""
    return copy_out(connection, TAKEN_BEFORE_QUERY, TAKEN_BEFORE, {"client": client_id})


# --- workflow lists -----------------------------------------------------------------------------------------

ENDING_PLANS_QUERY = f"""
SELECT k."case", {{columns}} {KEYS} JOIN enrollment_eventplan AS r
USING (client_id, person_id, benefit_record, schedule_id, event_number, preparation)
"""
ENDING_PLANS = {
    "plan_type": pl.String(),
    "current_option_id": pl.Int32(),
    "default_option_id": pl.Int32(),
    "is_ignored": pl.Boolean(),
    "offered_options": pl.Int16(),
    "coverage_ends_on": pl.Date(),
}

PERSON_VERSIONS_QUERY = """
SELECT p.person_id, p.birth_on, p.service_on, c.made_by, p.change_id AS known,
       (p.known_since AT TIME ZONE 'UTC')::date AS known_on
FROM workforce_personfact AS p LEFT JOIN workforce_changeset AS c ON c.id = p.change_id
WHERE p.client_id = %(client)s AND NOT p.is_deleted
"""
PERSON_VERSIONS = {
    "person_id": pl.Int64(),
    "birth_on": pl.Date(),
    "service_on": pl.Date(),
    "made_by": pl.String(),
    "known": pl.Int64(),
    "known_on": pl.Date(),
}

JOB_STATUSES_QUERY = """
SELECT {columns} FROM (
    SELECT DISTINCT ON (person_id, job_number, valid_from, sequence) * FROM workforce_jobfact
    WHERE client_id = %(client)s
    ORDER BY person_id, job_number, valid_from, sequence, version DESC
) AS j WHERE NOT is_deleted
"""
JOB_STATUSES = {
    "person_id": pl.Int64(),
    "job_number": pl.Int16(),
    "benefit_record": pl.Int16(),
    "valid_from": pl.Date(),
    "sequence": pl.Int16(),
    "job_status": pl.String(),
    "action": pl.String(),
    "reason": pl.String(),
}


def load_ending_plans(connection: Any, events: pl.DataFrame) -> pl.DataFrame:
    """Load what becomes of the plan types of prepared events."""
    return of_events(connection, ENDING_PLANS_QUERY, ENDING_PLANS, events)


def load_person_versions(connection: Any, client_id: int) -> pl.DataFrame:
    """Load every version of the birth and service dates of a client's people, in the order they came."""
    return copy_out(connection, PERSON_VERSIONS_QUERY, PERSON_VERSIONS, {"client": client_id})


def load_job_statuses(connection: Any, client_id: int) -> pl.DataFrame:
    """Load the status of every job row that holds."""
    query = JOB_STATUSES_QUERY.replace("{columns}", ", ".join(JOB_STATUSES))
    return copy_out(connection, query, JOB_STATUSES, {"client": client_id})


# --- passive events -----------------------------------------------------------------------------------------

PASSIVE_QUERY = """
SELECT p.employee_number, a.benefit_record, a.event_on, a.source, a.bas_action AS event_class,
       s.code AS schedule, a.event_number, e.process_status
FROM events_activity AS a
JOIN workforce_person AS p ON p.client_id = a.client_id AND p.id = a.person_id
LEFT JOIN events_event AS e
  ON (e.client_id, e.person_id, e.benefit_record, e.schedule_id, e.event_number)
   = (a.client_id, a.person_id, a.benefit_record, a.schedule_id, a.event_number)
LEFT JOIN programs_setupkey AS s ON s.id = a.schedule_id
WHERE a.client_id = %(client)s AND a.source IN ('PB', 'PS')
ORDER BY a.event_on DESC, p.employee_number
"""
PASSIVE = {
    "employee_number": pl.String(),
    "benefit_record": pl.Int16(),
    "event_on": pl.Date(),
    "source": pl.String(),
    "event_class": pl.String(),
    "schedule": pl.String(),
    "event_number": pl.Int32(),
    "process_status": pl.String(),
}


def load_passive_activity(connection: Any, client_id: int) -> pl.DataFrame:
    """Load what passive events triggered at a client, and what became of it."""
    return copy_out(connection, PASSIVE_QUERY, PASSIVE, {"client": client_id})


# --- people -------------------------------------------------------------------------------------------------

MESSAGE_COUNTS_QUERY = """
SELECT person_id, count(*)::int AS messages FROM events_message
WHERE client_id = %(client)s AND person_id = ANY(%(persons)s) AND is_current GROUP BY 1
"""
PERSON_MESSAGES_QUERY = """
SELECT {columns} FROM events_message AS m
WHERE m.client_id = %(client)s AND m.person_id = ANY(%(persons)s) AND m.is_current
ORDER BY m.severity, m.schedule_id, m.event_number, m.code
"""
PERSON_MESSAGES = {
    **EVENT_KEY,
    "code": pl.String(),
    "plan_type": pl.String(),
    "expected": pl.String(),
    "found": pl.String(),
}


def load_message_counts(connection: Any, client_id: int, person_ids: Sequence[int]) -> pl.DataFrame:
    """Count the current messages of people: person_id, messages."""
    schema = {"person_id": pl.Int64(), "messages": pl.Int32()}
    return copy_out(
        connection, MESSAGE_COUNTS_QUERY, schema, {"client": client_id, "persons": list(person_ids)}
    )


def load_person_messages(connection: Any, client_id: int, person_ids: Sequence[int]) -> pl.DataFrame:
    """Load the current messages of people, by event."""
    query = PERSON_MESSAGES_QUERY.replace("{columns}", ", ".join(f"m.{name}" for name in PERSON_MESSAGES))
    return copy_out(connection, query, PERSON_MESSAGES, {"client": client_id, "persons": list(person_ids)})
