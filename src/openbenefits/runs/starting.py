"""The beginning of a run and its end: who is in scope, the ledger fixed, everybody accounted for."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import polars as pl

from openbenefits.programs.frames import load_setup, releases_in_force
from openbenefits.runs import frames, models
from openbenefits.runs.orders import RunOrder, RunResult, options_of
from openbenefits.runs.partitions import partition_size, with_partition
from openbenefits.runs.schedules import in_scope, schedules_asked
from openbenefits.runs.workers import usual_workers
from openbenefits.store.bulk import copy_in


def partitioned(
    connection: Any, order: RunOrder, partition_people: int | None, workers: int | None
) -> pl.DataFrame:
    """Answer who is in scope of an order, with the partition of each."""
    people = scope(connection, order)
    size = partition_people or partition_size(people.height, workers or usual_workers(people.height))
    return with_partition(people, size)


def begun(
    connection: Any,
    order: RunOrder,
    people: pl.DataFrame,
    *,
    now: datetime,
    releases: Mapping[str, int] | None = None,
) -> models.Run:
    """Write down a run with its people and partitions; without releases it goes by those in force."""
    in_force = releases or {
        str(client): number for client, number in releases_in_force(connection, [order.client_id]).items()
    }
    started = models.Run.objects.create(
        run_control=order.run_control,
        kind="process",
        bundle_client=order.client_id,
        schedule_id=order.schedule_id,
        as_of=order.as_of,
        through_level=str(order.through),
        is_finalizing=order.is_finalizing,
        options=options_of(order) | {"opens_period": _opens_period(connection, order)},
        state="running",
        started_at=now,
        started_by=order.started_by,
        releases=dict(in_force),
    )
    _write_scope(connection, started.id, people)
    return started


def _opens_period(connection: Any, order: RunOrder) -> bool:
    """Whether the run opens a period for those who have no event of it; if not all do, the first one does."""
    if order.captures_new or order.adds_people or order.schedule_id is None:
        return True
    return frames.load_any_event(connection, order.client_id, order.schedule_id).is_empty()


def scope(connection: Any, order: RunOrder) -> pl.DataFrame:
    """Answer the benefit records a run is about: those of the schedule's company and group.

    For a period (open enrolment, snapshot) the job rows as of its first day count, else all known ones. A run
    of all schedules is about everybody whom one of them is about.
    """
    schedules = schedules_asked(load_setup(connection, [order.client_id]), order.client_id, order.schedule_id)
    begins = [row["period_begins_on"] for row in schedules]
    one = begins[0] if len(begins) == 1 else None
    through = one or date(9999, 12, 31)
    people = frames.load_scope(connection, [order.client_id], through, order.people)
    if not (order.adds_people and order.people is not None):
        people = people.filter(pl.any_horizontal(in_scope(row) for row in schedules))
    return people[["client_id", "person_id", "benefit_record"]]


def _write_scope(connection: Any, run_id: int, people: pl.DataFrame) -> None:
    rows = people.with_columns(
        run_id=pl.lit(run_id, pl.Int64),
        outcome=pl.lit(None, pl.String),
        from_status=pl.lit(None, pl.String),
        to_status=pl.lit(None, pl.String),
    )
    copy_in(connection, "runs_runperson", rows)
    for partition, count in people.group_by("partition").len().sort("partition").iter_rows():
        models.RunPartition.objects.create(run_id=run_id, partition=partition, people=count, state="waiting")


def result_of(connection: Any, started: models.Run) -> RunResult:
    """Count what became of everybody in scope of a run."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT coalesce(outcome, 'not reached'), to_status, count(*)::bigint FROM runs_runperson
            WHERE client_id = %s AND run_id = %s GROUP BY 1, 2""",
            [started.bundle_client, started.id],
        )
        rows = cursor.fetchall()
    outcomes = in_order(pl.DataFrame(rows, schema=NO_OUTCOMES.schema, orient="row"))
    return RunResult(
        run_id=started.id, state=started.state, people=int(outcomes["people"].sum()), outcomes=outcomes
    )


NO_OUTCOMES = pl.DataFrame(schema={"outcome": pl.String, "to_status": pl.String, "people": pl.Int64})


def in_order(outcomes: pl.DataFrame) -> pl.DataFrame:
    """Sort counted outcomes."""
    return outcomes.sort("outcome", "to_status", nulls_last=True)
