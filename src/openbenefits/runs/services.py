"""Runs: start, process partition by partition, resume, account for everybody.

A run is waves of stages over partitions (design §1.4): one transaction per partition locks the people, picks
the event of each benefit record that comes first, takes it as far as it can go, then goes on with those who
moved, until nothing moves. What is committed stays; a killed run resumes with what its ledger lacks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from typing import Any

import polars as pl
from django.db import transaction
from django.db.models import Count

from openbenefits.core.codes import Level
from openbenefits.events.rules import EVENT_KEY
from openbenefits.events.services import create_events, create_period_events, detect_activity
from openbenefits.programs.frames import Compiled, Tables, load_releases, load_setup, releases_in_force
from openbenefits.programs.models import Bundle
from openbenefits.runs import frames, models, waves
from openbenefits.runs.gate import refuse_faulty
from openbenefits.runs.outcomes import not_taken
from openbenefits.runs.partitions import partition_size, with_partition
from openbenefits.runs.workers import each_done, usual_workers
from openbenefits.store.bulk import copy_in, update_from
from openbenefits.store.locks import lock_rows

Progress = Callable[[int, int], None]
"""Called with partitions done and partitions in all."""

LOCKED = "locked by somebody else"


@dataclass(frozen=True, kw_only=True)
class RunOrder:
    """What to run: a schedule of a client, as of a day, through a level.

    `people` limits the run to some person numbers (None: everybody in scope). `is_finalizing` applies
    defaults to whatever is unanswered. `floor` replaces the day from which changes to facts trigger events
    (None: the day the client's set-up says benefits administration starts). `accepted` are the codes of
    audits that may stand for this run, each with its reason.
    """

    client_id: int
    schedule_id: int
    as_of: date
    through: Level = Level.ELECTIONS
    is_finalizing: bool = False
    people: Sequence[int] | None = None
    event_number: int | None = None
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
            _go_through(connection, started, now=now, workers=1, progress=None)
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
            "event": order.event_number,
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

    For a period (open enrolment, snapshot) the job rows as of its first day count, else all known ones.
    """
    schedule = schedule_of(connection, order.client_id, order.schedule_id)
    through = schedule["period_begins_on"] or date(9999, 12, 31)
    people = frames.load_scope(connection, [order.client_id], through, order.people)
    if schedule["company"]:
        people = people.filter(company=schedule["company"])
    if schedule["benefit_group"]:
        people = people.filter(benefit_group=schedule["benefit_group"])
    return people.select("client_id", "person_id", "benefit_record")


def schedule_of(connection: Any, client_id: int, schedule_id: int) -> dict[str, Any]:
    """Answer the set-up row of a schedule with the priority of its event class."""
    return _schedule_row(load_setup(connection, [client_id]), client_id, schedule_id)


def _schedule_row(tables: Tables, client_id: int, schedule_id: int) -> dict[str, Any]:
    classes = tables["event_class"].select("event_class_id", "priority")
    rows = tables["schedule"].join(classes, on="event_class_id", how="left").filter(schedule_id=schedule_id)
    if rows.is_empty():
        message = f"no schedule {schedule_id} in the set-up of client {client_id}"
        raise LookupError(message)
    return rows.row(0, named=True)


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
        _go_through(connection, started, now=now, workers=workers or usual_workers(), progress=progress)
        started.state, started.ended_at = "done", now
        started.save(update_fields=["state", "ended_at"])
    return _result(connection, started)


def _go_through(
    connection: Any, started: models.Run, *, now: datetime, workers: int, progress: Progress | None
) -> None:
    """Process the waiting partitions, then once more whom somebody else had locked."""
    lines = models.RunPartition.objects.filter(run_id=started.id)
    total = lines.count()
    numbers = lines.order_by("partition").values_list("partition", flat=True)
    waiting = list(numbers.filter(state="waiting"))
    process = partial(_process, started=started, now=now)
    done = total - len(waiting)
    for _ in each_done(connection, waiting, process, workers=workers):
        done += 1
        if progress:
            progress(done, total)
    late = list(numbers.filter(counts__has_key=LOCKED))
    for _ in each_done(connection, late, partial(process, outcome=LOCKED), workers=workers):
        pass


def _process(
    connection: Any, partition: int, *, started: models.Run, now: datetime, outcome: str | None = None
) -> None:
    """Process those of a partition who have this outcome (None: none yet), and write its ledger line."""
    with transaction.atomic():
        people = frames.load_run_people(connection, started.id, [started.bundle_client], partition)
        people = people.filter(pl.col("outcome").eq_missing(pl.lit(outcome)))
        persons = people.select(id="person_id").unique()
        locked, skipped = lock_rows(connection, "workforce_person", persons)
        held = people.join(skipped, left_on="person_id", right_on="id", how="semi")
        people = people.join(locked, left_on="person_id", right_on="id", how="semi")
        setup = load_releases(connection, releases_of(started))
        _open_events(connection, started, setup[1], people, now=now)
        outcomes, count = work_in_waves(connection, started, people, setup, now=now)
        outcomes = not_taken(connection, outcomes, _schedule(started, setup[1]))
        outcomes = pl.concat([outcomes, _outcome(held, LOCKED)])
        _write_outcomes(connection, started.id, outcomes)
        _write_line(started, partition, count, now=now)


def _write_line(started: models.Run, partition: int, waves_taken: int, *, now: datetime) -> None:
    """Mark a partition done in the ledger, with how many people have which outcome."""
    people = models.RunPerson.objects.filter(
        client_id=started.bundle_client, run_id=started.id, partition=partition
    )
    counts = people.values_list("outcome").annotate(people=Count("*"))
    models.RunPartition.objects.filter(run_id=started.id, partition=partition).update(
        state="done", waves=waves_taken, committed_at=now, counts=dict(counts)
    )


def releases_of(started: models.Run) -> tuple[int, ...]:
    """Answer the releases of set-up a run goes by, all of it, even if it is resumed after a newer one."""
    return tuple(started.releases[client] for client in sorted(started.releases, key=int))


def _open_events(
    connection: Any, started: models.Run, tables: Tables, people: pl.DataFrame, *, now: datetime
) -> None:
    """Create the events of the schedule: from activity, or one for everybody."""
    schedule = _schedule(started, tables)
    if schedule["is_closed_to_new_events"]:
        return
    if schedule["kind"] != "E":
        create_period_events(connection, people, schedule, now=now)
        return
    actions = tables["action_reason"]
    detect_activity(connection, people, actions, run_id=started.id, floor=_floor(started), now=now)
    create_events(connection, people, tables["event_class"], schedule_id=schedule["schedule_id"], now=now)


def _schedule(started: models.Run, tables: Tables) -> dict[str, Any]:
    return _schedule_row(tables, started.bundle_client, started.schedule_id)


def _floor(started: models.Run) -> date:
    """The day before which changes to facts trigger nothing."""
    told = started.options["floor"]
    if told:
        return date.fromisoformat(told)
    return Bundle.objects.get(client_id=started.bundle_client).starts_on or date.min


def work_in_waves(
    connection: Any, started: models.Run, people: pl.DataFrame, setup: Compiled, *, now: datetime
) -> tuple[pl.DataFrame, int]:
    """Work in waves until nobody moves; answer what became of each person, and how many waves it took."""
    outcomes, moving, count = _outcome(people, None), people, 0
    worked = pl.DataFrame(schema=dict.fromkeys(EVENT_KEY, pl.Int64))
    while moving.height:
        wave = waves.work_wave(connection, started, moving, setup, worked, now=now)
        count += 1
        worked = wave.worked if worked.is_empty() else pl.concat([worked, wave.worked])
        outcomes = _merged(outcomes, wave.outcomes)
        moving = people.join(wave.moved, on=["client_id", "person_id", "benefit_record"], how="semi")
    return outcomes, count


def _outcome(people: pl.DataFrame, outcome: str | None) -> pl.DataFrame:
    return people.select("client_id", "person_id", "benefit_record").with_columns(
        outcome=pl.lit(outcome, pl.String),
        from_status=pl.lit(None, pl.String),
        to_status=pl.lit(None, pl.String),
    )


def _merged(outcomes: pl.DataFrame, news: pl.DataFrame) -> pl.DataFrame:
    """Keep the first status before and the last word after; somebody who moved stays moved."""
    key = ["client_id", "person_id", "benefit_record"]
    found = outcomes.join(news, on=key, how="left", suffix="_new", maintain_order="left")
    worked = pl.col("outcome") == "processed"
    return found.select(
        *key,
        outcome=pl.when(worked.fill_null(value=False))
        .then("outcome")
        .otherwise(pl.coalesce("outcome_new", "outcome")),
        from_status=pl.coalesce("from_status", "from_status_new"),
        to_status=pl.coalesce("to_status_new", "to_status"),
    )


def _write_outcomes(connection: Any, run_id: int, outcomes: pl.DataFrame) -> None:
    rows = outcomes.with_columns(
        run_id=pl.lit(run_id, pl.Int64), outcome=pl.col("outcome").fill_null("no event")
    )
    key = ["client_id", "run_id", "person_id", "benefit_record"]
    update_from(connection, "runs_runperson", rows, key, ["outcome", "from_status", "to_status"])


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
