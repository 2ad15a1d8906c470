"""The named SQL of runs: who is in scope, what the ledger says."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from openbenefits.store.bulk import copy_out

SCOPE_SCHEMA = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "company": pl.String,
    "benefit_group": pl.String,
}

SCOPE = """
SELECT DISTINCT ON (client_id, person_id, benefit_record)
       client_id, person_id, benefit_record, company, benefit_group
FROM (
    SELECT DISTINCT ON (client_id, person_id, job_number, valid_from, sequence) *
    FROM workforce_jobfact WHERE client_id = ANY(%(clients)s::int[])
    ORDER BY client_id, person_id, job_number, valid_from, sequence, version DESC
) AS j
WHERE is_primary AND valid_from <= %(through)s
ORDER BY client_id, person_id, benefit_record, is_deleted, valid_from DESC, sequence DESC
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


def load_scope(connection: Any, client_ids: Sequence[int], through: date) -> pl.DataFrame:
    """Load the benefit records of some clients with the company and group of their primary job.

    `through` is the last day a job row may begin on to count. Somebody whose job rows were all deleted stays
    in scope by the last of them, so that the events it caused are dealt with.
    """
    clients = "{" + ",".join(map(str, client_ids)) + "}"
    return copy_out(connection, SCOPE, SCOPE_SCHEMA, {"clients": clients, "through": through})


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
