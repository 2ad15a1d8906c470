"""Runs: start, process partition by partition, resume, account for everybody.

A run is waves of stages over partitions (design §1.4): one transaction per partition locks the people, picks
the event of each benefit record that comes first, takes it as far as it can go, then goes on with those who
moved, until nothing moves. What is committed stays; a killed run resumes with what its ledger lacks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core.codes import Level
from openbenefits.programs.frames import load_setup, releases_in_force
from openbenefits.runs import frames, models, waves
from openbenefits.runs.gate import refuse_faulty
from openbenefits.runs.partitions import partition_size, with_partition
from openbenefits.runs.processing import LOCKED, Progress, go_through, releases_of, work_in_waves
from openbenefits.runs.schedules import in_scope, schedules_asked
from openbenefits.runs.workers import each_done, usual_workers
from openbenefits.store.bulk import copy_in


@dataclass(frozen=True, kw_only=True)
class RunOrder:
    """What to run: a schedule of a client (None: all of them), as of a day, through a level.

    `people` limits the run to some person numbers (None: everybody in scope). `is_finalizing` applies
    defaults to whatever is unanswered. `floor` replaces the day from which changes to facts trigger events
    (None: the day the client's set-up says benefits administration starts). `accepted` are the codes of
    audits that may stand for this run, each with its reason.
    """

    client_id: int
    schedule_id: int | None
    as_of: date
    through: Level = Level.ELECTIONS
    is_finalizing: bool = False
    people: Sequence[int] | None = None
    run_control: str | None = None
    started_by: str = "system"
    floor: date | None = None
    accepted: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What a run did: its number, outcomes counted, statuses moved."""

    run_id: int
    state: str
    people: int
    outcomes: pl.DataFrame
    skipped: int = 0
    is_trial: bool = False
    changes: pl.DataFrame = field(default_factory=pl.DataFrame)


class TrialOver(Exception):
    """Ends the transaction of a trial, so that nothing of it stays."""


def run(
    connection: Any,
    order: RunOrder,
    *,
    now: datetime,
    partition_people: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> RunResult:
    """Run an order to its end.

    `partition_people` is the most people of a partition, `workers` how many partitions are processed at once
    (None: as the machine allows). What comes of a run depends on neither.
    """
    started = start_run(connection, order, now=now, partition_people=partition_people, workers=workers)
    return resume_run(connection, started.id, now=now, workers=workers, progress=progress)


def trial(
    connection: Any,
    order: RunOrder,
    *,
    now: datetime,
    partition_people: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> RunResult:
    """Rehearse an order: everything is computed, nothing is written; answers what would change.

    Each partition is a run of its own in a transaction that is given up.
    """
    refuse_faulty(connection, order.client_id, order.as_of, order.accepted)
    workers = workers or usual_workers()
    parts = _partitioned(connection, order, partition_people, workers).partition_by("partition")
    rehearse = partial(_rehearsed, order=order, now=now)
    results: list[RunResult] = []
    for result in each_done(connection, parts, rehearse, workers=workers):
        results.append(result)
        if progress:
            progress(len(results), len(parts))
    outcomes = pl.concat([_NO_OUTCOMES, *(result.outcomes for result in results)])
    counted = outcomes.group_by("outcome", "to_status").agg(pl.col("people").sum())
    changes = pl.concat([waves.no_changes(), *(result.changes for result in results)])
    return RunResult(
        run_id=0,
        state="trial",
        people=int(counted["people"].sum()),
        outcomes=_in_order(counted),
        is_trial=True,
        changes=changes.sort(*waves.CHANGES_KEY),
    )


def _rehearsed(connection: Any, people: pl.DataFrame, *, order: RunOrder, now: datetime) -> RunResult:
    """Run an order for one partition, and give it up."""
    kept: list[RunResult] = []
    try:
        with transaction.atomic():
            started = _begun(connection, order, people, now=now)
            go_through(connection, started, now=now, workers=1, progress=None)
            changes = waves.changes_of(connection, started.id)
            kept.append(replace(_result(connection, started), changes=changes))
            raise TrialOver
    except TrialOver:
        return kept[0]


def start_run(
    connection: Any,
    order: RunOrder,
    *,
    now: datetime,
    partition_people: int | None = None,
    workers: int | None = None,
) -> models.Run:
    """Write down the run, everybody in scope and the partitions, in one transaction.

    Errors: gate.RunHeld while the audits have open errors that the order does not accept.
    """
    refuse_faulty(connection, order.client_id, order.as_of, order.accepted)
    with transaction.atomic():
        people = _partitioned(connection, order, partition_people, workers or usual_workers())
        return _begun(connection, order, people, now=now)


def _partitioned(
    connection: Any, order: RunOrder, partition_people: int | None, workers: int
) -> pl.DataFrame:
    people = scope(connection, order)
    return with_partition(people, partition_people or partition_size(people.height, workers))


def _begun(connection: Any, order: RunOrder, people: pl.DataFrame, *, now: datetime) -> models.Run:
    """Write down a run with its people and partitions."""
    started = models.Run.objects.create(
        run_control=order.run_control,
        kind="process",
        bundle_client=order.client_id,
        schedule_id=order.schedule_id,
        as_of=order.as_of,
        through_level=str(order.through),
        is_finalizing=order.is_finalizing,
        options={
            "people": list(order.people) if order.people is not None else None,
            "floor": str(order.floor) if order.floor else None,
            "accepted": dict(order.accepted),
        },
        state="running",
        started_at=now,
        started_by=order.started_by,
        releases={str(k): v for k, v in releases_in_force(connection, [order.client_id]).items()},
    )
    _write_scope(connection, started.id, people)
    return started


def scope(connection: Any, order: RunOrder) -> pl.DataFrame:
    """Answer the benefit records a run is about: those of the schedule's company and group.

    For a period (open enrolment, snapshot) the job rows as of its first day count, else all known ones. A run
    of all schedules is about everybody whom one of them is about.
    """
    schedules = schedules_asked(load_setup(connection, [order.client_id]), order.client_id, order.schedule_id)
    begins = [row["period_begins_on"] for row in schedules]
    one = begins[0] if len(begins) == 1 else None
    people = frames.load_scope(connection, [order.client_id], one or date(9999, 12, 31))
    people = people.filter(pl.any_horizontal(in_scope(row) for row in schedules))
    if order.people is not None:
        people = people.filter(pl.col("person_id").is_in(list(order.people)))
    return people.select("client_id", "person_id", "benefit_record")


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


def resume_run(
    connection: Any,
    run_id: int,
    *,
    now: datetime,
    workers: int | None = None,
    progress: Progress | None = None,
) -> RunResult:
    """Process the partitions a run's ledger lacks, some at once, then close the run.

    People locked by somebody else are taken at the end, and listed if they are locked still. An error of a
    partition, or a stop from the keyboard, lets the partitions begun be committed and leaves the others.
    """
    started = models.Run.objects.get(pk=run_id)
    if started.state != "done":
        go_through(connection, started, now=now, workers=workers or usual_workers(), progress=progress)
        started.state, started.ended_at = "done", now
        started.save(update_fields=["state", "ended_at"])
    return _result(connection, started)


def _result(connection: Any, started: models.Run) -> RunResult:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT coalesce(outcome, 'not reached'), to_status, count(*)::bigint FROM runs_runperson
            WHERE client_id = %s AND run_id = %s GROUP BY 1, 2""",
            [started.bundle_client, started.id],
        )
        rows = cursor.fetchall()
    outcomes = _in_order(pl.DataFrame(rows, schema=_NO_OUTCOMES.schema, orient="row"))
    return RunResult(
        run_id=started.id, state=started.state, people=int(outcomes["people"].sum()), outcomes=outcomes
    )


_NO_OUTCOMES = pl.DataFrame(schema={"outcome": pl.String, "to_status": pl.String, "people": pl.Int64})


def _in_order(outcomes: pl.DataFrame) -> pl.DataFrame:
    return outcomes.sort("outcome", "to_status", nulls_last=True)


__all__ = [
    "LOCKED",
    "RunOrder",
    "RunResult",
    "TrialOver",
    "releases_of",
    "resume_run",
    "run",
    "scope",
    "start_run",
    "trial",
    "work_in_waves",
]
