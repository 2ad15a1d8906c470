"""Taking back what events posted: their points cease to hold, and what these superseded holds again.

Nothing is erased: the points stay, superseded, and what holds again is written as a further version
(design §1.5, decision 0012). The caller has locked the people, in its own transaction.
"""

from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.enrollment import models
from openbenefits.enrollment.frames import (
    CREDIT_USE_COLUMNS,
    POINT,
    load_all_points,
    load_credit_rolls,
    load_credit_uses,
)
from openbenefits.enrollment.points import (
    above_all_versions,
    as_stored,
    copy_children,
    copy_points,
    supersede,
)
from openbenefits.enrollment.rules.timeline import taken_back, taken_back_run
from openbenefits.events.rules import EVENT_KEY
from openbenefits.store.bulk import copy_in, schema_of, update_from

BY = ("superseded_by_schedule", "superseded_by_event")


def take_back_postings(
    connection: Any, events: pl.DataFrame, *, run_id: int | None, now: datetime
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Let the timeline be as if some events had posted nothing; credits they used are used no longer.

    Shapes: events has the event's key. Answers the points that ceased to hold, and those that hold again
            (with their new version).
    """
    keys = events.select(EVENT_KEY).unique()
    points = load_all_points(connection, keys)
    ceasing, again, forgotten = taken_back(points, keys)
    supersede(connection, ceasing.select(POINT), run_id=run_id, now=now)
    _forget(connection, forgotten)
    restored = write_again(connection, again, run_id=run_id, now=now)
    _take_back_credits(connection, keys, run_id=run_id, now=now)
    return ceasing, restored


def _forget(connection: Any, points: pl.DataFrame) -> None:
    """Let points no longer name the event that superseded them.

    With that name, taking the event back once more would write them again: a second time, or though the
    event that made them was withdrawn since.
    """
    if points.height:
        nobody = points.select(*POINT, *(pl.lit(None, pl.Int32).alias(name) for name in BY))
        update_from(connection, "enrollment_coverage", nobody, POINT, BY)


def write_again(
    connection: Any, again: pl.DataFrame, *, run_id: int | None, now: datetime, is_of_maker: bool = False
) -> pl.DataFrame:
    """Write points that held under a further version; the old ones no longer name what superseded them.

    `is_of_maker`: it counts as made by the run that made the old one, so that this may be taken back, too.
    """
    if again.is_empty():
        return again
    _forget(connection, again)
    new = above_all_versions(connection, again.rename({"version": "was"}).with_columns(was_on="begins_on"))
    stamped = new if is_of_maker else new.with_columns(run_id=pl.lit(run_id, pl.Int64))
    copy_points(connection, stamped, now=now)
    copy_children(connection, new)
    return new


def _take_back_credits(connection: Any, events: pl.DataFrame, *, run_id: int | None, now: datetime) -> None:
    """Say of what credits of the events were used for that nothing of it holds."""
    uses = load_credit_uses(connection, events).join(events, on=list(EVENT_KEY), how="semi")
    latest = uses.unique(list(EVENT_KEY), keep="last", maintain_order=True).filter(~pl.col("is_taken_back"))
    if latest.is_empty():
        return
    rows = latest.select(
        *EVENT_KEY,
        version=(pl.col("version") + 1).cast(pl.Int32),
        begins_on="begins_on",
        treatment="treatment",
        **{name: pl.lit(None, kind) for name, kind in CREDIT_USE_COLUMNS.items() if name.endswith("_cents")},
        run_id=pl.lit(run_id, pl.Int64),
        made_at=pl.lit(now).cast(pl.Datetime("us", "UTC")),
        is_taken_back=pl.lit(value=True),
    )
    copy_in(connection, "enrollment_credituse", as_stored(rows, schema_of(models.CreditUse)))


# --- a run --------------------------------------------------------------------------------------------------


def take_back_run_postings(connection: Any, people: pl.DataFrame, *, run_id: int, now: datetime) -> None:
    """Let the timeline of some people, and what their credits were used for, be as before a run.

    Shapes: people has client_id, person_id. Nobody may have written these timelines since.
    """
    ceasing, again = taken_back_run(load_all_points(connection, people), run_id)
    supersede(connection, ceasing.select(POINT), run_id=NO_RUN, now=now)
    write_again(connection, again, run_id=None, now=now, is_of_maker=True)
    _restore_credits(connection, people, run_id=run_id, now=now)


NO_RUN = 0
"""Supersedes what no run did."""


def _restore_credits(connection: Any, people: pl.DataFrame, *, run_id: int, now: datetime) -> None:
    """Say again of what credits were used for before a run; that nothing was, where it was the first."""
    uses = load_credit_uses(connection, people, more={"run_id": pl.Int64})
    latest = uses.unique(list(EVENT_KEY), keep="last", maintain_order=True)
    moved = latest.filter((pl.col("run_id") == run_id).fill_null(value=False))
    if moved.is_empty():
        return
    begun = uses.filter(run_id=run_id).group_by(EVENT_KEY).agg(first=pl.col("version").min())
    other = uses.join(begun, on=list(EVENT_KEY)).filter(pl.col("version") < pl.col("first")).drop("first")
    before = other.join(moved, on=list(EVENT_KEY), how="semi").unique(
        list(EVENT_KEY), keep="last", maintain_order=True
    )
    first = moved.join(before, on=list(EVENT_KEY), how="anti").with_columns(
        *(
            pl.lit(None, kind).alias(name)
            for name, kind in CREDIT_USE_COLUMNS.items()
            if name.endswith("_cents")
        ),
        run_id=pl.lit(None, pl.Int64),
        is_taken_back=pl.lit(value=True),
    )
    numbers = moved.select(*EVENT_KEY, now_version="version")
    rows = (
        pl.concat([before, first])
        .join(numbers, on=list(EVENT_KEY))
        .with_columns(
            was="version",
            version=(pl.col("now_version") + 1).cast(pl.Int32),
            made_at=pl.lit(now).cast(pl.Datetime("us", "UTC")),
        )
    )
    copy_in(connection, "enrollment_credituse", as_stored(rows, schema_of(models.CreditUse)))
    rolls = load_credit_rolls(connection, people).rename({"version": "was"})
    rolls = rolls.join(
        rows.filter(~pl.col("is_taken_back")).select(*EVENT_KEY, "was", "version"), on=[*EVENT_KEY, "was"]
    )
    copy_in(connection, "enrollment_creditroll", as_stored(rolls, schema_of(models.CreditRoll)))
