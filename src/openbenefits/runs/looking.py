"""What is seen of runs: the last ones, what became of everybody in scope, messages by cause, partitions."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from openbenefits.core.messages import CATALOGUE
from openbenefits.store.bulk import copy_out

LAST = 1_000
"""Runs listed: the last ones."""

RUNS_QUERY = """
SELECT r.id AS run, r.bundle_client AS client_id, c.code AS client, r.run_control, r.kind, r.schedule_id,
       s.code AS schedule, r.as_of, r.through_level, r.is_finalizing, r.state, r.started_at, r.ended_at,
       r.started_by
FROM runs_run AS r JOIN workforce_client AS c ON c.id = r.bundle_client
LEFT JOIN programs_setupkey AS s ON s.id = r.schedule_id
WHERE %(clients)s::int[] IS NULL OR r.bundle_client = ANY (%(clients)s::int[])
ORDER BY r.id DESC LIMIT %(most)s
"""
RUNS = {
    "run": pl.Int64(),
    "client_id": pl.Int32(),
    "client": pl.String(),
    "run_control": pl.String(),
    "kind": pl.String(),
    "schedule_id": pl.Int32(),
    "schedule": pl.String(),
    "as_of": pl.Date(),
    "through_level": pl.String(),
    "is_finalizing": pl.Boolean(),
    "state": pl.String(),
    "started_at": pl.Datetime("us", "UTC"),
    "ended_at": pl.Datetime("us", "UTC"),
    "started_by": pl.String(),
}

MESSAGES_QUERY = """
SELECT code, severity, coalesce(plan_type, '') AS plan_type, count(DISTINCT person_id) AS people,
       count(*) AS messages, min(expected) AS expected, min(found) AS found,
       count(DISTINCT found) AS different, bool_or(is_current) AS is_current
FROM events_message WHERE client_id = %(client)s AND run_id = %(run)s GROUP BY 1, 2, 3
"""
MESSAGES = {
    "code": pl.String(),
    "severity": pl.String(),
    "plan_type": pl.String(),
    "people": pl.Int64(),
    "messages": pl.Int64(),
    "expected": pl.String(),
    "found": pl.String(),
    "different": pl.Int64(),
    "is_current": pl.Boolean(),
}

TOLD_QUERY = """
SELECT p.employee_number, m.benefit_record, m.event_number, m.code, m.severity, m.plan_type, m.expected,
       m.found, m.is_current
FROM events_message AS m JOIN workforce_person AS p ON p.client_id = m.client_id AND p.id = m.person_id
WHERE m.client_id = %(client)s AND m.run_id = %(run)s
  AND (%(code)s::text IS NULL OR m.code = %(code)s::text)
ORDER BY p.employee_number, m.benefit_record, m.event_number, m.number
"""
TOLD = {
    "employee_number": pl.String(),
    "benefit_record": pl.Int16(),
    "event_number": pl.Int32(),
    "code": pl.String(),
    "severity": pl.String(),
    "plan_type": pl.String(),
    "expected": pl.String(),
    "found": pl.String(),
    "is_current": pl.Boolean(),
}

PEOPLE_QUERY = """
SELECT p.employee_number, r.benefit_record, r.partition, r.outcome, r.from_status, r.to_status
FROM runs_runperson AS r JOIN workforce_person AS p ON p.client_id = r.client_id AND p.id = r.person_id
WHERE r.client_id = %(client)s AND r.run_id = %(run)s
  AND (%(outcome)s::text IS NULL OR coalesce(r.outcome, 'not reached') = %(outcome)s::text)
ORDER BY p.employee_number, r.benefit_record
"""
PEOPLE = {
    "employee_number": pl.String(),
    "benefit_record": pl.Int16(),
    "partition": pl.Int32(),
    "outcome": pl.String(),
    "from_status": pl.String(),
    "to_status": pl.String(),
}

PARTITIONS_QUERY = """
SELECT partition, people, state, waves, committed_at FROM runs_runpartition WHERE run_id = %(run)s
ORDER BY partition
"""
PARTITIONS = {
    "partition": pl.Int32(),
    "people": pl.Int32(),
    "state": pl.String(),
    "waves": pl.Int16(),
    "committed_at": pl.Datetime("us", "UTC"),
}

MADE_QUERY = """
SELECT count(*) FILTER (WHERE is_new) AS made, count(*) FILTER (WHERE NOT is_new) AS moved,
       count(DISTINCT person_id) AS people
FROM runs_eventbefore WHERE client_id = %(client)s AND run_id = %(run)s
"""


def last_runs(connection: Any, client_ids: Sequence[int] | None) -> pl.DataFrame:
    """List the last runs of some clients (None: all that may be seen), the last first: RUNS."""
    asked = {"clients": None if client_ids is None else list(client_ids), "most": LAST}
    return copy_out(connection, RUNS_QUERY, RUNS, asked)


def messages_by_cause(connection: Any, client_id: int, run_id: int) -> pl.DataFrame:
    """Count the people a run had something to say of, by code and plan type, most people first.

    Shapes: MESSAGES, with message, owner, cure; `found` is one of what was found, where that is `different`.
    """
    rows = copy_out(connection, MESSAGES_QUERY, MESSAGES, {"client": client_id, "run": run_id})
    words = {
        "message": {code: entry.title for code, entry in CATALOGUE.items()},
        "owner": {code: str(entry.owner) for code, entry in CATALOGUE.items()},
        "cure": {code: entry.cure for code, entry in CATALOGUE.items()},
    }
    named = rows.with_columns(
        pl.col("code").replace_strict(told, default=None, return_dtype=pl.String).alias(name)
        for name, told in words.items()
    )
    return named.sort("severity", "people", "code", "plan_type", descending=[False, True, False, False])


def told_by(connection: Any, client_id: int, run_id: int, *, code: str | None = None) -> pl.DataFrame:
    """List what a run said of each person (of one code), as TOLD."""
    return copy_out(connection, TOLD_QUERY, TOLD, {"client": client_id, "run": run_id, "code": code})


def people_of(connection: Any, client_id: int, run_id: int, *, outcome: str | None = None) -> pl.DataFrame:
    """List everybody in scope of a run, or those of one outcome, as PEOPLE."""
    asked = {"client": client_id, "run": run_id, "outcome": outcome}
    return copy_out(connection, PEOPLE_QUERY, PEOPLE, asked)


def partitions_of(connection: Any, run_id: int) -> pl.DataFrame:
    """List the lines of a run's ledger, as PARTITIONS."""
    return copy_out(connection, PARTITIONS_QUERY, PARTITIONS, {"run": run_id})


def made_by(connection: Any, client_id: int, run_id: int) -> dict[str, int]:
    """Count what taking a run back leads back: events it made, events it moved, people."""
    schema = dict.fromkeys(("made", "moved", "people"), pl.Int64())
    asked = {"client": client_id, "run": run_id}
    return copy_out(connection, MADE_QUERY, schema, asked).row(0, named=True)
