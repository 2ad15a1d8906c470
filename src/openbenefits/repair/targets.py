"""What an order names, made ready: columns filled in, judged, and moves spelled out."""

from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.enrollment.superseding import load_submitted, standing
from openbenefits.events.rules import EVENT_KEY, RECORD_KEY
from openbenefits.repair import kinds
from openbenefits.repair.judging import faults
from openbenefits.repair.relocating import THERE, numbered, relocate
from openbenefits.runs.models import Run
from openbenefits.workforce.frames import load_jobs

OPTIONAL = {
    "to_on": pl.Date,
    "to_record": pl.Int16,
    "to_person": pl.Int64,
    "was_finalized": pl.Boolean,
    "was_status": pl.String,
    "was_indicator": pl.String,
    "was_kept_on": pl.Date,
    "undoes": pl.Int32,
    "reason": pl.String,
}


def spelled(targets: pl.DataFrame) -> pl.DataFrame:
    """Fill in the columns an order left out: the event's key, kind and OPTIONAL."""
    missing = [
        pl.lit(None, kind).alias(name) for name, kind in OPTIONAL.items() if name not in targets.columns
    ]
    filled = targets.with_columns(missing)
    return filled.select(*EVENT_KEY, "kind", *(pl.col(name).cast(kind) for name, kind in OPTIONAL.items()))


def records_of(targets: pl.DataFrame) -> pl.DataFrame:
    """Name the benefit records an order is about, those that events go to included."""
    there = targets.filter(pl.col("to_record").is_not_null() | pl.col("to_person").is_not_null()).select(
        "client_id",
        person_id=pl.coalesce("to_person", "person_id"),
        benefit_record=pl.coalesce("to_record", "benefit_record"),
    )
    return pl.concat([targets.select(RECORD_KEY), there]).unique(maintain_order=True)


def judged(connection: Any, events: pl.DataFrame, targets: pl.DataFrame) -> pl.DataFrame:
    """Name the operations that cannot be, as `repair.judging.faults`."""
    people = targets.select("client_id", "person_id").unique()
    elected = standing(load_submitted(connection, events.select(EVENT_KEY)))
    jobs = load_jobs(connection, people).join(people, on="person_id")
    return faults(targets, events, elected, jobs.select(*RECORD_KEY, "valid_from"))


def relocated(
    connection: Any,
    targets: pl.DataFrame,
    events: pl.DataFrame,
    started: Run,
    renamed: pl.DataFrame | None,
    *,
    now: datetime,
) -> pl.DataFrame:
    """Write the events to be moved where they go; answer the targets with both ends in place of a move.

    The one left behind is withdrawn, the one there decided again.
    """
    moves = targets.filter(kind=kinds.MOVE)
    if moves.is_empty():
        return targets
    moving = events.join(moves.select(*EVENT_KEY, "to_record", "to_person"), on=list(EVENT_KEY)).with_columns(
        to_person=pl.coalesce("to_person", "person_id"),
        to_record=pl.coalesce("to_record", "benefit_record"),
    )
    moved = numbered(connection, moving, events)
    relocate(connection, moved, renamed, run_id=started.pk, now=now)
    left = moves.with_columns(kind=pl.lit(kinds.WITHDRAW))
    there = spelled(
        moved.select(
            *(pl.col(THERE.get(name, name)).alias(name) for name in EVENT_KEY), kind=pl.lit(kinds.AGAIN)
        ).unique(list(EVENT_KEY))
    )
    rest = targets.filter(pl.col("kind") != kinds.MOVE)
    both = pl.concat([rest, left.select(rest.columns), there.select(rest.columns)])
    return both.unique(list(EVENT_KEY), keep="first", maintain_order=True)
