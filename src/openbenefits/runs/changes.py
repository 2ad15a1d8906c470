"""What a trial shows: the change points a run would write."""

import polars as pl

CHANGES_KEY = ("client_id", "person_id", "benefit_record", "plan_type", "begins_on")
CHANGES = {
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


def no_changes() -> pl.DataFrame:
    """The frame of a run that wrote no change point."""
    return pl.DataFrame(schema=CHANGES)
