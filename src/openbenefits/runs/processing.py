"""A run's partitions: the people locked, events opened, waves until nobody moves, the ledger written."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core.codes import ScheduleKind
from openbenefits.core.columns import joined
from openbenefits.events.rules import EVENT_KEY, RECORD_KEY
from openbenefits.events.services import create_events, create_period_events, detect_activity
from openbenefits.programs.frames import Compiled, Tables, load_releases
from openbenefits.programs.models import Bundle
from openbenefits.runs import frames, models, waves
from openbenefits.runs.changes import no_changes
from openbenefits.runs.journal import journal
from openbenefits.runs.outcomes import not_taken
from openbenefits.runs.schedules import in_scope, opens_by_itself, schedules_asked
from openbenefits.runs.workers import each_done, usual_workers
from openbenefits.store.bulk import update_from
from openbenefits.store.locks import lock_rows

Progress = Callable[[int, int], None]
"""Called with partitions done and partitions in all."""

LOCKED = "locked by somebody else"


def go_through(
    connection: Any,
    started: models.Run,
    *,
    now: datetime,
    workers: int | None,
    progress: Progress | None,
    is_kept: bool = True,
) -> None:
    """Process the waiting partitions, then once more whom somebody else had locked.

    workers: partitions at once; None = as many as so many people are worth. What is given up anyway
    (`is_kept` false) need not be taken back, and keeps no journal for it.
    """
    lines = models.RunPartition.objects.filter(run_id=started.id).order_by("partition")
    known = list(lines.values_list("partition", "people", "state", "counts"))
    waiting = {partition: people for partition, people, state, _ in known if state == "waiting"}
    late = [partition for partition, _, _, counts in known if LOCKED in counts]
    process = partial(_process, started=started, now=now, is_kept=is_kept)
    at_once = workers or usual_workers(sum(waiting.values()))
    done = len(known) - len(waiting)
    for partition, is_whole in each_done(connection, list(waiting), process, workers=at_once):
        late += [] if is_whole else [partition]
        done += 1
        if progress:
            progress(done, len(known))
    for partition in sorted(late):
        process(connection, partition, outcome=LOCKED)


@dataclass(frozen=True, kw_only=True)
class Worked:
    """What became of some people: an outcome per benefit record, the points added, how many waves it took.

    points: as `changes.CHANGES`. is_whole: nobody was locked by somebody else.
    """

    outcomes: pl.DataFrame
    points: pl.DataFrame
    waves: int
    is_whole: bool = True


def _process(
    connection: Any,
    partition: int,
    *,
    started: models.Run,
    now: datetime,
    outcome: str | None = None,
    is_kept: bool = True,
) -> tuple[int, bool]:
    """Process those of a partition who have this outcome (None: none yet), and write its ledger line.

    Answers the partition, and whether nobody of it was locked by somebody else.
    """
    with transaction.atomic():
        if not _is_left(started, partition, outcome):
            return partition, False  # somebody else worked on it: perhaps not on everybody
        people = frames.load_run_people(connection, started.id, [started.bundle_client], partition)
        people = people.filter(pl.col("outcome").eq_missing(pl.lit(outcome)))
        with journal(connection, started.id) if is_kept else nullcontext():
            worked = work_on(connection, started, people, now=now)
        _write_outcomes(connection, started.id, worked.outcomes)
        client = started.bundle_client
        frames.close_partition(connection, client, started.pk, partition, waves=worked.waves, now=now)
    return partition, worked.is_whole


def work_on(
    connection: Any, started: models.Run, people: pl.DataFrame, *, now: datetime, is_trial: bool = False
) -> Worked:
    """Lock people, open their events and take them as far as they go, in the caller's transaction.

    Of a trial, which is given up, only what a later wave looks at is written.
    """
    persons = people.select(id="person_id").unique()
    _, skipped = lock_rows(connection, "workforce_person", persons)
    held = people.clear()
    if skipped.height:
        is_held = people["person_id"].is_in(skipped["id"].implode())
        held, people = people.filter(is_held), people.filter(~is_held)
    setup = load_releases(connection, releases_of(started))
    _open_events(connection, started, setup[1], people, now=now)
    worked = work_in_waves(connection, started, people, setup, now=now, is_trial=is_trial)
    outcomes = not_taken(connection, worked.outcomes, _asked(started, setup[1]))
    outcomes = outcomes.with_columns(pl.col("outcome").fill_null("no event"))
    return replace(worked, outcomes=pl.concat([outcomes, _outcome(held, LOCKED)]), is_whole=held.is_empty())


def _is_left(started: models.Run, partition: int, outcome: str | None) -> bool:
    """Take hold of a partition's ledger line; answer whether there are still people with this outcome.

    A process of a run that was killed, or of one resumed twice, may work on the partition yet: who comes
    second waits until that is committed or given up.
    """
    lines = models.RunPartition.objects.select_for_update()
    line = lines.get(run_id=started.id, partition=partition)
    return line.state == "waiting" if outcome is None else outcome in line.counts


def releases_of(started: models.Run) -> tuple[int, ...]:
    """Answer the releases of set-up a run goes by, all of it, even if it is resumed after a newer one."""
    return tuple(started.releases[client] for client in sorted(started.releases, key=int))


def _open_events(
    connection: Any, started: models.Run, tables: Tables, people: pl.DataFrame, *, now: datetime
) -> None:
    """Create the events of the schedules asked: from activity, or one for everybody."""
    asked = _asked(started, tables)
    opening = [row for row in asked if not row["is_closed_to_new_events"]]
    if started.schedule_id is None:
        opening = [row for row in opening if opens_by_itself(row, started.as_of)]
    if any(row["kind"] == ScheduleKind.EVENT_MAINTENANCE for row in opening):
        actions = tables["action_reason"]
        detect_activity(connection, people, actions, run_id=started.id, floor=_floor(started), now=now)
    for row in opening:
        theirs = people if len(asked) == 1 else _whom(connection, row, people)
        if row["kind"] == ScheduleKind.EVENT_MAINTENANCE:
            create_events(connection, theirs, tables["event_class"], schedule_id=row["schedule_id"], now=now)
        elif _opens_period(started):
            create_period_events(connection, theirs, row, now=now)


def _opens_period(started: models.Run) -> bool:
    """Whether a run opens a period for who has no event of it; one of an earlier version did not say."""
    told = started.options
    return bool(told.get("opens_period", told.get("captures_new", True)))


def _whom(connection: Any, schedule: dict[str, Any], people: pl.DataFrame) -> pl.DataFrame:
    """Name those of some people that a schedule is about."""
    through = schedule["period_begins_on"] or date(9999, 12, 31)
    known = frames.load_places(connection, people, through).filter(in_scope(schedule))
    return joined(people, known, RECORD_KEY, how="semi")


def _asked(started: models.Run, tables: Tables) -> list[dict[str, Any]]:
    return schedules_asked(tables, started.bundle_client, started.schedule_id)


def _floor(started: models.Run) -> date:
    """The day before which changes to facts trigger nothing."""
    told = started.options["floor"]
    if told:
        return date.fromisoformat(told)
    return Bundle.objects.get(client_id=started.bundle_client).starts_on or date.min


def work_in_waves(
    connection: Any,
    started: models.Run,
    people: pl.DataFrame,
    setup: Compiled,
    *,
    now: datetime,
    is_trial: bool = False,
) -> Worked:
    """Work in waves until nobody moves."""
    outcomes, moving, count = _outcome(people, None), people, 0
    points = [no_changes()]
    worked = pl.DataFrame(schema=dict.fromkeys(EVENT_KEY, pl.Int64))
    while moving.height:
        wave = waves.work_wave(connection, started, moving, setup, worked, now=now, is_trial=is_trial)
        count += 1
        points.append(wave.points)
        worked = wave.worked if worked.is_empty() else pl.concat([worked, wave.worked])
        outcomes = _merged(outcomes, wave.outcomes)
        moving = joined(people, wave.moved, ["client_id", "person_id", "benefit_record"], how="semi")
    return Worked(outcomes=outcomes, points=pl.concat(points), waves=count)


def _outcome(people: pl.DataFrame, outcome: str | None) -> pl.DataFrame:
    return people.select(
        *RECORD_KEY,
        outcome=pl.lit(outcome, pl.String),
        from_status=pl.lit(None, pl.String),
        to_status=pl.lit(None, pl.String),
    )


def _merged(outcomes: pl.DataFrame, news: pl.DataFrame) -> pl.DataFrame:
    """Keep the first status before and the last word after; somebody who moved stays moved."""
    key = ["client_id", "person_id", "benefit_record"]
    found = joined(outcomes, news, key, how="left", suffix="_new", maintain_order="left")
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
    rows = outcomes.with_columns(run_id=pl.lit(run_id, pl.Int64))
    key = ["client_id", "run_id", "person_id", "benefit_record"]
    update_from(connection, "runs_runperson", rows, key, ["outcome", "from_status", "to_status"])
