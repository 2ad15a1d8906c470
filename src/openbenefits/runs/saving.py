"""Writing what a wave decided: preparations, coverage, statuses with their steps, messages."""

from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.core.codes import Level, ProcessIndicator, ProcessStatus
from openbenefits.core.columns import gathered, joined
from openbenefits.core.days import instant
from openbenefits.enrollment.preparations import of_new_content, offered, save_preparation
from openbenefits.enrollment.prepared_frames import load_highest_preparations
from openbenefits.enrollment.services import Known, post, posting_of
from openbenefits.events.rules import (
    EVENT_KEY,
    FINAL,
    FLAG_DAYS,
    RECORD_KEY,
    window,
)
from openbenefits.events.services import flag_overtaken, replace_messages
from openbenefits.events.steps import record_steps
from openbenefits.programs.rulebook import Rulebook
from openbenefits.runs import models
from openbenefits.runs.changes import CHANGES, no_changes
from openbenefits.runs.deciding import Decided
from openbenefits.runs.judging import SNAPSHOT
from openbenefits.runs.kept import program_kept_on
from openbenefits.runs.orders import TAKEN_BACK
from openbenefits.runs.rules import (
    event_status_of,
    reaches,
    statuses_passed,
)
from openbenefits.store.bulk import update_from

PASSED = ", passing an earlier event that waits"


def save(
    connection: Any,
    events: pl.DataFrame,
    decided: Decided,
    known: Known,
    rulebook: Rulebook,
    started: models.Run,
    *,
    now: datetime,
    only: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Write what changed: preparation, coverage, statuses with their steps, messages; answer the new points.

    Shapes: `only` are the benefit records it is written of (None: all); the points, as `changes.CHANGES`,
            are of all.
    """
    changed = decided.cases.filter("is_changed")
    final = changed.filter((pl.col("final_status") == str(ProcessStatus.FE)) & (pl.col("use") != SNAPSHOT))
    posting = None  # a snapshot looks, and posts nothing
    if decided.settled is not None:
        posting = posting_of(connection, decided.settled, final, known)
    points = no_changes() if posting is None else posting.points(*CHANGES)
    if only is not None:
        posting = posting.of(only) if posting else None
        changed, final = (joined(rows, only, RECORD_KEY, how="semi") for rows in (changed, final))
    if changed.is_empty():
        return points
    changed = _with_programs(window(changed), decided, rulebook)
    prepared = changed.filter(pl.col("prepared_to").is_not_null() & _reached_options(started))
    made = offered(decided.prepared, prepared)
    numbered = _above_all(connection, of_new_content(connection, made), started)
    save_preparation(connection, made, numbered, run_id=started.id, now=now)
    if decided.settled is not None:
        post(connection, decided.settled, final, posting, run_id=started.id, now=now)
    steps = statuses_passed(changed.with_columns(from_status="process_status"))
    _save_steps(connection, steps, started, now=now)
    _save_events(connection, changed, steps, numbered, now=now)
    flag_overtaken(connection, events, changed.filter(pl.col("to_status").is_in(FINAL)), now=now)
    messages = joined(decided.messages, changed[["case", *EVENT_KEY]], "case")
    replace_messages(connection, messages, changed, run_id=started.id)
    return points


def _above_all(connection: Any, prepared: pl.DataFrame, started: models.Run) -> pl.DataFrame:
    """Number preparations one on; where a run was taken back, above those it left too: none is changed."""
    highest = pl.col("preparation")
    if models.Run.objects.filter(bundle_client=started.bundle_client, state=TAKEN_BACK).exists():
        made = load_highest_preparations(connection, prepared)
        prepared = joined(prepared, made, EVENT_KEY, how="left", maintain_order="left")
        highest = pl.max_horizontal("preparation", "highest_preparation")
    return prepared.with_columns(preparation=(highest + 1).cast(pl.Int32))


def _reached_options(started: models.Run) -> pl.Expr:
    return pl.lit(reaches(started.through_level, Level.OPTIONS))


def _save_steps(connection: Any, steps: pl.DataFrame, started: models.Run, *, now: datetime) -> None:
    """Append each single move, with its number, to the history."""
    passed = pl.when("is_trying").then(pl.lit(PASSED)).otherwise(pl.lit(""))
    rows = steps.with_columns(
        event_status=event_status_of(),
        cause=pl.format("run {}{}", pl.lit(started.id), passed),
    )
    record_steps(connection, rows, run_id=started.id, actor=started.started_by, now=now)


EVENT_STATE = (
    *("process_status", "event_status", "status_at", "steps", "preparation", "program_id"),
    *("input_fingerprint", "finalize_requested", "is_finalized", "process_indicator"),
    *("is_out_of_sequence", "is_eligibility_changed", "window_begins_on", "window_ends_on"),
    *(*FLAG_DAYS, "program_kept_on"),
)
"""What a wave writes of an event."""


def _save_events(
    connection: Any,
    changed: pl.DataFrame,
    steps: pl.DataFrame,
    numbered: pl.DataFrame,
    *,
    now: datetime,
) -> None:
    """Write the new state of the events: first those that close, then those that open."""
    rows = _with_results(changed, steps, numbered)
    moved = pl.col("to_status").ne_missing(pl.col("process_status"))
    rows = rows.with_columns(
        process_status="to_status",
        event_status=event_status_of(),
        status_at=pl.when(moved).then(instant(now)).otherwise("status_at"),
        input_fingerprint="fingerprint",
        finalize_requested=pl.lit(value=False),
        is_finalized=pl.when(pl.col("to_status") == str(ProcessStatus.FE))
        .then("is_finalizing")
        .otherwise("is_finalized"),
        process_indicator=pl.lit(str(ProcessIndicator.NORMAL)),
        is_out_of_sequence=pl.lit(value=False),
        is_eligibility_changed=pl.lit(value=False),
        program_kept_on=program_kept_on(now.date()),
        **{name: pl.lit(None, pl.Date) for name in FLAG_DAYS},
    )
    for (_,), some in sorted(rows.partition_by("event_status", as_dict=True).items()):  # C before O
        update_from(connection, "events_event", some, EVENT_KEY, EVENT_STATE)


def _with_results(changed: pl.DataFrame, steps: pl.DataFrame, numbered: pl.DataFrame) -> pl.DataFrame:
    """Add the new number of steps and of the preparation, of those that reached them."""
    moved = steps.group_by(EVENT_KEY).agg(moved_steps=pl.len().cast(pl.Int32))
    prepared = numbered.select("case", next_preparation="preparation")
    rows = joined(joined(changed, moved, EVENT_KEY, how="left"), prepared, "case", how="left")
    return rows.with_columns(
        steps=pl.col("steps") + pl.col("moved_steps").fill_null(0),
        preparation=pl.coalesce("next_preparation", "preparation"),
    )


def _with_programs(events: pl.DataFrame, decided: Decided, rulebook: Rulebook) -> pl.DataFrame:
    """Add program_row, and let the program each case was assigned take the place of the one it had."""
    row = gathered(decided.prepared.cases["program_row"], events["case"])
    assigned = gathered(rulebook.programs["program_id"], row).alias("assigned")
    return events.with_columns(row, program_id=pl.coalesce(assigned, "program_id"))
