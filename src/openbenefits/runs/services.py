"""Runs: start, process partition by partition, resume, account for everybody.

A run is waves of stages over partitions (design §1.4): one transaction per partition locks the people, picks
the event of each benefit record that comes first, takes it as far as it can go, then goes on with those who
moved, until nothing moves. What is committed stays; a killed run resumes with what its ledger lacks.
"""

from datetime import datetime
from functools import partial
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.accounts.approvals import require_approval
from openbenefits.runs import models
from openbenefits.runs.changes import CHANGES_KEY, no_changes
from openbenefits.runs.gate import refuse_faulty
from openbenefits.runs.limits import limits_of
from openbenefits.runs.orders import RunOrder, RunResult, matter_of_order
from openbenefits.runs.processing import (
    LOCKED,
    Progress,
    Worked,
    go_through,
    releases_of,
    work_in_waves,
    work_on,
)
from openbenefits.runs.publishing import FINISHED, close, publish_whole
from openbenefits.runs.starting import NO_OUTCOMES, begun, in_order, partitioned, result_of, scope
from openbenefits.runs.workers import each_done, usual_workers
from openbenefits.store.trials import given_up


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
    return _worked_through(connection, started, now=now, workers=workers, progress=progress)


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

    Each partition is a run of its own in a transaction that is given up, and of whom no later wave looks at
    nothing is written even there.
    """
    refuse_faulty(connection, order.client_id, order.as_of, order.accepted)
    people = partitioned(connection, order, partition_people, workers)
    parts = people.partition_by("partition")
    rehearse = partial(_rehearsed, order=order, now=now)
    found: list[Worked] = []
    for worked in each_done(connection, parts, rehearse, workers=workers or usual_workers(people.height)):
        found.append(worked)
        if progress:
            progress(len(found), len(parts))
    outcomes = [one.outcomes.select("outcome", "to_status") for one in found]
    counted = pl.concat([NO_OUTCOMES.drop("people"), *outcomes]).group_by("outcome", "to_status")
    return RunResult(
        run_id=0,
        state="trial",
        people=people.height,
        outcomes=in_order(counted.agg(people=pl.len().cast(pl.Int64))),
        is_trial=True,
        changes=pl.concat([no_changes(), *(one.points for one in found)]).sort(*CHANGES_KEY),
    )


def _rehearsed(connection: Any, people: pl.DataFrame, *, order: RunOrder, now: datetime) -> Worked:
    """Run an order for one partition, and give it up."""
    with given_up():
        started = begun(connection, order, people.clear(), now=now)
        return work_on(connection, started, people, now=now, is_trial=True)


def start_run(
    connection: Any,
    order: RunOrder,
    *,
    now: datetime,
    partition_people: int | None = None,
    workers: int | None = None,
) -> models.Run:
    """Write down the run, everybody in scope and the partitions, in one transaction.

    Errors: gate.RunHeld while the audits have open errors that the order does not accept; ApprovalWanted for
            one that finalises, where the client wants another user to approve it.
    """
    refuse_faulty(connection, order.client_id, order.as_of, order.accepted)
    if order.is_finalizing:
        require_approval(matter_of_order(order), now)
    with transaction.atomic():
        people = partitioned(connection, order, partition_people, workers)
        return begun(connection, order, people, now=now)


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
    partition, or a stop from the keyboard, lets the partitions begun be committed and leaves the others. A
    run of a client with limits is published as a whole, within them, or held for a person (rulings §1.11).
    """
    started = models.Run.objects.get(pk=run_id)
    if started.state in FINISHED:
        return result_of(connection, started)
    return _worked_through(connection, started, now=now, workers=workers, progress=progress)


def _worked_through(
    connection: Any,
    started: models.Run,
    *,
    now: datetime,
    workers: int | None,
    progress: Progress | None,
) -> RunResult:
    """Process what a run's ledger lacks, within the limits of its client, and close the run."""
    limits = limits_of(connection, started.bundle_client, started.schedule_id, started.as_of)
    if limits:
        publish_whole(connection, started, limits, now=now, progress=progress)
    else:
        go_through(connection, started, now=now, workers=workers, progress=progress)
        close(started, now)
    return result_of(connection, started)


__all__ = [
    "LOCKED",
    "RunOrder",
    "RunResult",
    "releases_of",
    "resume_run",
    "run",
    "scope",
    "start_run",
    "trial",
    "work_in_waves",
]
