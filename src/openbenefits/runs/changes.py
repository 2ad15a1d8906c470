"""What a trial shows: the change points a run would write."""

from typing import Any

import polars as pl

from openbenefits.store.bulk import copy_out

CHANGES = """
SELECT c.client_id, c.person_id, c.benefit_record, c.plan_type, c.begins_on, c.kind, c.option_id,
       c.coverage_cents, c.pledge_cents, c.rule
FROM enrollment_coverage AS c WHERE c.run_id = %s
"""

CHANGES_KEY = ("client_id", "person_id", "benefit_record", "plan_type", "begins_on")
CHANGES_SCHEMA = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "plan_type": pl.String,
    "begins_on": pl.Date,
    "kind": pl.String,
    "option_id": pl.Int32,
    "coverage_cents": pl.Int64,
    "pledge_cents": pl.Int64,
    "rule": pl.String,
}


def changes_of(connection: Any, run_id: int) -> pl.DataFrame:
    """Answer the change points a run wrote, in no order."""
    return copy_out(connection, CHANGES, CHANGES_SCHEMA, [run_id])


def no_changes() -> pl.DataFrame:
    """The frame of a run that wrote no change point."""
    return pl.DataFrame(schema=CHANGES_SCHEMA)
