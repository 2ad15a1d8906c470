"""The named SQL of runs: who is in scope, what the ledger says."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import polars as pl

from openbenefits.store.bulk import copy_out
from openbenefits.store.keys import PEOPLE, people_arrays

SCOPE_SCHEMA = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "company": pl.String,
    "benefit_group": pl.String,
}

_LATEST_JOBS = """
SELECT DISTINCT ON (client_id, person_id, benefit_record)
       client_id, person_id, benefit_record, company, benefit_group
FROM (
    SELECT DISTINCT ON (client_id, person_id, job_number, valid_from, sequence) *
    FROM workforce_jobfact {whom}
    ORDER BY client_id, person_id, job_number, valid_from, sequence, version DESC
) AS j
WHERE is_primary AND valid_from <= %(through)s
ORDER BY client_id, person_id, benefit_record, is_deleted, valid_from DESC, sequence DESC
"""

SCOPE = _LATEST_JOBS.format(
    whom="""WHERE client_id = ANY(%(clients)s::int[])
      AND (%(persons)s::bigint[] IS NULL OR person_id = ANY(%(persons)s::bigint[]))"""
)
PLACES = _LATEST_JOBS.format(whom=f"JOIN {PEOPLE} AS k USING (client_id, person_id)")

EVERYBODY = """
SELECT client_id, person_id, benefit_record, partition FROM runs_runperson
WHERE run_id = %(run)s AND client_id = %(client)s
"""

RUN_PEOPLE = """
SELECT client_id, person_id, benefit_record, partition, outcome FROM runs_runperson
WHERE run_id = %(run)s AND client_id = ANY(%(clients)s::int[]) AND partition = %(partition)s
"""


SCHEDULED = """
SELECT DISTINCT client_id, person_id, benefit_record FROM events_event
WHERE client_id = %(client)s AND schedule_id = %(schedule)s
"""


def load_schedule_records(connection: Any, client_id: int, schedule_id: int) -> pl.DataFrame:
    """Name the benefit records that have an event of a schedule."""
    schema = {"client_id": pl.Int32, "person_id": pl.Int64, "benefit_record": pl.Int16}
    return copy_out(connection, SCHEDULED, schema, {"client": client_id, "schedule": schedule_id})


def load_scope(
    connection: Any, client_ids: Sequence[int], through: date, person_ids: Sequence[int] | None = None
) -> pl.DataFrame:
    """Load the benefit records of some clients with the company and group of their primary job.

    `person_ids` limits them to some people (None: all); `through` is the last day a job row may begin on to
    count. Somebody whose job rows were all deleted stays in scope by the last of them, so that the events it
    caused are dealt with.
    """
    clients = "{" + ",".join(map(str, client_ids)) + "}"
    persons = None if person_ids is None else list(person_ids)
    return copy_out(
        connection, SCOPE, SCOPE_SCHEMA, {"clients": clients, "through": through, "persons": persons}
    )


def load_places(connection: Any, people: pl.DataFrame, through: date) -> pl.DataFrame:
    """Load company and group of the primary job of some people's benefit records, as `load_scope` does."""
    return copy_out(connection, PLACES, SCOPE_SCHEMA, people_arrays(people) | {"through": through})


def load_everybody(connection: Any, run_id: int, client_id: int) -> pl.DataFrame:
    """Load everybody in scope of a run, with their partition."""
    schema = {"client_id": pl.Int32, "person_id": pl.Int64, "benefit_record": pl.Int16, "partition": pl.Int32}
    return copy_out(connection, EVERYBODY, schema, {"run": run_id, "client": client_id})


def load_run_people(connection: Any, run_id: int, client_ids: Sequence[int], partition: int) -> pl.DataFrame:
    """Load the people of one partition of a run."""
    schema = {
        "client_id": pl.Int32,
        "person_id": pl.Int64,
        "benefit_record": pl.Int16,
        "partition": pl.Int32,
        "outcome": pl.String,
    }
    clients = "{" + ",".join(map(str, client_ids)) + "}"
    return copy_out(
        connection, RUN_PEOPLE, schema, {"run": run_id, "clients": clients, "partition": partition}
    )


CLOSED_PARTITION = """
UPDATE runs_runpartition SET state = 'done', waves = %(waves)s, committed_at = %(now)s,
    counts = (SELECT coalesce(jsonb_object_agg(outcome, people), '{}') FROM (
        SELECT coalesce(outcome, 'not reached') AS outcome, count(*) AS people FROM runs_runperson
        WHERE client_id = %(client)s AND run_id = %(run)s AND partition = %(partition)s GROUP BY 1
    ) AS counted)
WHERE run_id = %(run)s AND partition = %(partition)s
"""


def close_partition(
    connection: Any, client_id: int, run_id: int, partition: int, *, waves: int, now: datetime
) -> None:
    """Mark a partition done in the ledger, with how many people have which outcome."""
    told = {"client": client_id, "run": run_id, "partition": partition, "waves": waves, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(CLOSED_PARTITION, told)


# --- what a run did -----------------------------------------------------------------------------------------

MOVED = ["processed", "not finalised"]
"""Outcomes of those for whom a run wrote something."""

OUTCOMES = """
SELECT client_id, person_id, benefit_record, outcome, to_status FROM runs_runperson
WHERE client_id = %(client)s AND run_id = %(run)s
"""

IMPORT_EVENTS = f"""
SELECT DISTINCT client_id, person_id, benefit_record, schedule_id, event_number, change_id
FROM events_activity AS a JOIN {PEOPLE} AS k USING (client_id, person_id)
WHERE change_id IS NOT NULL AND event_number IS NOT NULL
"""

RECORD = {"client_id": pl.Int32, "person_id": pl.Int64, "benefit_record": pl.Int16}


def load_outcomes(connection: Any, run_id: int, client_id: int) -> pl.DataFrame:
    """Load what became of everybody in the scope of a run."""
    schema = RECORD | {"outcome": pl.String, "to_status": pl.String}
    return copy_out(connection, OUTCOMES, schema, {"client": client_id, "run": run_id})


ANY_EVENT = """
SELECT person_id FROM events_event WHERE client_id = %(client)s AND schedule_id = %(schedule)s
  AND process_indicator <> 'T' LIMIT 1
"""


def load_any_event(connection: Any, client_id: int, schedule_id: int | None) -> pl.DataFrame:
    """Load one event of a schedule, if there is any that was not taken back."""
    return copy_out(
        connection, ANY_EVENT, {"person_id": pl.Int64}, {"client": client_id, "schedule": schedule_id}
    )


def load_import_events(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load the events of some people that facts of imports brought about, with the import's change."""
    schema = RECORD | {"schedule_id": pl.Int32, "event_number": pl.Int32, "change_id": pl.Int64}
    return copy_out(connection, IMPORT_EVENTS, schema, people_arrays(people))
