"""Where events and their messages stood before a run moved them: what it is taken back to."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl

from openbenefits.core.columns import in_types, joined, without
from openbenefits.events.frames import load_current_messages, load_events
from openbenefits.events.rules import EVENT_KEY, FLAG_DAYS
from openbenefits.runs import models
from openbenefits.store.bulk import copy_in, schema_of

BEFORE = (
    *("event_on", "event_status", "process_status", "process_indicator", "finalize_requested"),
    *("is_finalized", "is_multi_activity", "program_id", "preparation", "input_fingerprint"),
    *("window_begins_on", "window_ends_on", "is_out_of_sequence", "is_eligibility_changed", "steps"),
    *(*FLAG_DAYS, "program_kept_on"),
)
"""What a run may change of an event."""


@contextmanager
def journal(connection: Any, run_id: int, people: pl.DataFrame) -> Iterator[None]:
    """Keep, for the events a run moves or makes meanwhile, where they stood before, in its transaction."""
    state = [*EVENT_KEY, *BEFORE]
    events, messages = load_events(connection, people, state), load_current_messages(connection, people)
    yield
    _keep(connection, run_id, events, load_events(connection, people, state))
    if messages.is_empty():
        return
    read = joined(
        messages, load_current_messages(connection, people), messages.columns, how="anti", nulls_equal=True
    )
    rows = read.rename({"run_id": "written_in"}).with_columns(run_id=pl.lit(run_id, pl.Int64))
    copy_in(connection, "runs_messagebefore", _stored(rows, models.MessageBefore))


def _keep(connection: Any, run_id: int, before: pl.DataFrame, after: pl.DataFrame) -> None:
    state = [*EVENT_KEY, *BEFORE]
    moved = joined(before[state], after[state], state, how="anti", nulls_equal=True)
    made = without(after, before, EVENT_KEY)[state]
    rows = pl.concat(
        [moved.with_columns(is_new=pl.lit(value=False)), made.with_columns(is_new=pl.lit(value=True))]
    ).with_columns(run_id=pl.lit(run_id, pl.Int64))
    copy_in(connection, "runs_eventbefore", _stored(rows, models.EventBefore))


def _stored(rows: pl.DataFrame, model: Any) -> pl.DataFrame:
    return in_types(rows, schema_of(model))
