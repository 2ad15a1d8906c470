"""One wave: choose events, prepare, validate and load, finalise, and write what came of it."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

import polars as pl

from openbenefits.core.codes import EventStatus, Level, ProcessStatus
from openbenefits.core.columns import joined, where, without
from openbenefits.enrollment.prepared_frames import load_unasked
from openbenefits.enrollment.services import load_known
from openbenefits.events import frames as event_frames
from openbenefits.events.rules import (
    EVENT_KEY,
    FINAL,
    RECORD_KEY,
    is_due,
    is_replayed_as_answered,
    is_to_be_replayed,
    is_unfinished,
)
from openbenefits.events.services import move_events, order_replay
from openbenefits.programs.frames import Compiled, Tables
from openbenefits.runs import models
from openbenefits.runs.changes import no_changes
from openbenefits.runs.deciding import decide
from openbenefits.runs.fingerprints import fingerprints
from openbenefits.runs.judging import SNAPSHOT, failed_to_pass, said_of
from openbenefits.runs.rules import (
    choose,
    event_status_of,
    interruptions,
    may_pass_next,
    not_due_yet,
    reaches,
)
from openbenefits.runs.saving import save


@dataclass(frozen=True, kw_only=True)
class Wave:
    """What a wave did: an outcome per benefit record, the events worked on, whose next event may follow.

    points: the change points it adds, as `changes.CHANGES`.
    """

    outcomes: pl.DataFrame
    worked: pl.DataFrame
    moved: pl.DataFrame
    points: pl.DataFrame


def work_wave(
    connection: Any,
    started: models.Run,
    people: pl.DataFrame,
    setup: Compiled,
    worked: pl.DataFrame,
    *,
    now: datetime,
    is_trial: bool = False,
) -> Wave:
    """Work on the first event of each benefit record, in the caller's transaction.

    `worked` names the events that earlier waves worked on: nobody works twice on one in a run. Of a trial
    only what the next wave looks at is written.
    """
    rulebook = setup[0]
    events = event_frames.load_events(connection, people)
    events = joined(events, people[list(RECORD_KEY)], RECORD_KEY, how="semi")
    events = _with_classes(events, setup, started)
    events = _with_unasked(connection, events, started)
    chosen = choose(
        events,
        schedule_ids=schedules_of(started, events),
        is_finalizing=started.is_finalizing,
        through=started.through_level,
        worked=worked,
        preferred=started.options.get("event"),
    )
    _interrupt(connection, chosen, started, now=now)
    waiting = _waiting_outcomes(chosen, events)
    cases = _cases(where(chosen, "is_chosen"), started)
    if cases.is_empty():
        nobody = cases[list(RECORD_KEY)]
        return Wave(outcomes=waiting, worked=cases[list(EVENT_KEY)], moved=nobody, points=no_changes())
    cases = _with_proof(connection, cases)
    known = load_known(connection, cases, rulebook)
    cases = cases.with_columns(fingerprint=fingerprints(known, started.releases))
    decided = decide(connection, cases, known, rulebook, started)
    failed = failed_to_pass(connection, decided.cases, decided.prepared, chosen, setup)
    decided = replace(decided, cases=without(decided.cases, failed, ["case"]))
    moved = pl.concat([_with_more(events, cases, decided.cases), may_pass_next(chosen)]).unique()
    only = moved if is_trial else None
    points = save(connection, events, decided, known, rulebook, started, now=now, only=only)
    told = decided.cases.select(
        *RECORD_KEY,
        outcome=_outcome(),
        from_status="process_status_before",
        to_status="to_status",
    )
    return Wave(
        outcomes=pl.concat([waiting, told, said_of(failed)]),
        worked=cases[list(EVENT_KEY)],
        moved=moved,
        points=points,
    )


def _with_more(events: pl.DataFrame, cases: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """Name the benefit records with an event closed now and another that is not finished."""
    closed = decided.filter(event_status_of() == "C")[list(RECORD_KEY)]
    if closed.is_empty():
        return closed
    left = without(events.filter(is_unfinished()), cases, EVENT_KEY)
    return joined(closed, left, RECORD_KEY, how="semi")


def _with_unasked(connection: Any, events: pl.DataFrame, started: models.Run) -> pl.DataFrame:
    """Add is_unasked: prepared already, and offering no choice (rulings §1.4)."""
    ready = where(events, events["process_status"] == str(ProcessStatus.PR))
    if ready.is_empty() or not reaches(started.through_level, Level.ELECTIONS):
        return events.with_columns(is_unasked=pl.lit(value=False))
    unasked = load_unasked(connection, ready).with_columns(is_unasked=pl.lit(value=True))
    found = joined(events, unasked, EVENT_KEY, how="left", maintain_order="left")
    return found.with_columns(pl.col("is_unasked").fill_null(value=False))


def schedules_of(started: models.Run, events: pl.DataFrame) -> list[int]:
    """Name the schedules a run works on: its own, or all that the events are of."""
    if started.schedule_id is not None:
        return [started.schedule_id]
    return events["schedule_id"].unique().to_list()


@cache
def _outcome() -> pl.Expr:
    """Say what a run did with an event; a finalising run names those it could not finalise (rulings §1.8)."""
    final = pl.col("to_status").is_in(FINAL)
    return (
        pl.when(pl.col("is_finalizing") & ~final)
        .then(pl.lit("not finalised"))
        .when("is_changed")
        .then(pl.lit("processed"))
        .otherwise(pl.lit("unchanged"))
    )


def _with_classes(events: pl.DataFrame, setup: Compiled, started: models.Run) -> pl.DataFrame:
    """Add what runs need to know of each event's class and schedule."""
    rulebook, tables = setup
    classes, schedules = rulebook.derived.answer("classes of runs", lambda: _classes(tables))
    found = joined(events, classes, "event_class_id", how="left")
    return joined(found, schedules, "schedule_id", how="left").with_columns(
        pl.col("is_strict_order", "is_current_validated").fill_null(value=False),
        is_finalize_allowed=pl.col("is_finalize_allowed").fill_null(value=True) | (pl.col("use") != SNAPSHOT),
        is_due=is_due(pl.lit(started.as_of)),
    )


def _classes(tables: Tables) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Answer what runs need to know of classes, and of schedules."""
    classes = tables["event_class"].select(
        *("event_class_id", "use", "only_ends_coverage", "process_ahead_days", "window_days", "window_start"),
        "is_proof_required",
        is_guarded="is_full_termination_guarded",
    )
    schedules = tables["schedule"].select(
        "schedule_id",
        *("is_strict_order", "is_current_validated", "is_finalize_allowed"),
        schedule_window_begins_on="window_begins_on",
        schedule_window_ends_on="window_ends_on",
    )
    return classes, schedules


def _cases(chosen: pl.DataFrame, started: models.Run) -> pl.DataFrame:
    """Number the events to work on; `case` is the position."""
    again = is_to_be_replayed() & pl.col("is_finalized")
    asked = (pl.lit(started.is_finalizing) & pl.col("is_ours")) | pl.col("finalize_requested") | again
    finalizing = asked & pl.col("is_finalize_allowed")
    return chosen.sort(RECORD_KEY).with_columns(
        case=pl.int_range(pl.len(), dtype=pl.Int32),
        is_open_enrollment=pl.col("use") == "O",
        is_finalizing=finalizing,
        is_settling=(pl.col("work") != "prepare") | finalizing | is_replayed_as_answered(),
        received_on=pl.col("elected_on"),
        process_status_before=pl.col("process_status"),
    )


def _with_proof(connection: Any, cases: pl.DataFrame) -> pl.DataFrame:
    """Say which cases lack the proof of their life event (docs/rules.md §15.5).

    An event that only ends coverage never waits for it (rulings §1.2).
    """
    asked = cases.filter(pl.col("is_proof_required") & ~pl.col("only_ends_coverage"))
    if asked.is_empty():
        return cases.with_columns(is_proof_due=pl.lit(value=False))
    unproved = event_frames.load_unproved(connection, asked)
    due = joined(asked, unproved, EVENT_KEY, how="semi")["case"]
    return cases.with_columns(is_proof_due=pl.col("case").is_in(due.implode()))


def _interrupt(connection: Any, chosen: pl.DataFrame, started: models.Run, *, now: datetime) -> None:
    """Close events that an earlier one interrupts; open again those whose turn has come back.

    What was elected in an interrupted event stays, and is looked at again when its turn comes (rulings §1.7).
    """
    interrupted, resumed = interruptions(chosen)
    if interrupted.is_empty() and resumed.is_empty():
        return
    is_chosen = started.options.get("event") is not None
    why = "put back for an event on demand" if is_chosen else "interrupted by an earlier event"
    by = {"run_id": started.id, "actor": started.started_by, "now": now}
    entered = (pl.col("process_status") == str(ProcessStatus.ET)) & ~is_to_be_replayed()
    order_replay(connection, interrupted.filter(entered), cause=why, **by)
    for events, status, cause in (
        (interrupted.filter(~entered), EventStatus.CLOSED, why),
        (resumed, EventStatus.OPEN, "resumed"),
    ):
        if events.height:
            moves = events.with_columns(to_status="process_status", to_event_status=pl.lit(str(status)))
            move_events(connection, moves, cause=cause, **by)


def _waiting_outcomes(chosen: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Say of those whose first event is not worked on what it waits for."""
    busy = where(chosen, "is_chosen")
    first = without(where(chosen, "is_first"), busy, RECORD_KEY)
    ahead = not_due_yet(events, chosen)
    columns = [*RECORD_KEY, "waits_for", "process_status"]
    waiting = first[columns]
    if ahead.height:
        waiting = pl.concat([waiting, ahead.with_columns(waits_for=pl.lit("its day"))[columns]])
    return waiting.select(
        *RECORD_KEY,
        outcome=pl.format("waits for {}", "waits_for"),
        from_status="process_status",
        to_status="process_status",
    )
