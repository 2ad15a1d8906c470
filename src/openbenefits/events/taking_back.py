"""Events led back to where they stood before a run; what the run made is void, and made anew by the next.

The caller has locked the people, in its own transaction. Steps are appended, never removed.
"""

from datetime import datetime
from typing import Any

import polars as pl
from psycopg import sql

from openbenefits.core.codes import EventStatus, ProcessIndicator
from openbenefits.events import activity, frames, rules
from openbenefits.events.steps import record_steps
from openbenefits.store.bulk import copy_out, staged, update_from
from openbenefits.store.catalogue import execute, psycopg_connection

STATE = (
    *("event_on", "event_status", "process_status", "process_indicator", "finalize_requested"),
    *("is_finalized", "is_multi_activity", "program_id", "preparation", "input_fingerprint"),
    *("window_begins_on", "window_ends_on", "is_out_of_sequence", "is_eligibility_changed"),
    *(*rules.FLAG_DAYS, "program_kept_on"),
)
NOTHING: dict[str, Any] = {
    "event_status": str(EventStatus.VOID),
    "process_status": None,
    "process_indicator": str(ProcessIndicator.TAKEN_BACK),
    "finalize_requested": False,
    "is_finalized": False,
    "is_multi_activity": False,
    "program_id": None,
    "preparation": 0,
    "input_fingerprint": None,
    "window_begins_on": None,
    "window_ends_on": None,
    "is_out_of_sequence": False,
    "is_eligibility_changed": False,
    **dict.fromkeys((*rules.FLAG_DAYS, "program_kept_on")),
}
"""How an event stands whose making was taken back."""


def take_back_events(connection: Any, before: pl.DataFrame, *, cause: str, actor: str, now: datetime) -> None:
    """Lead events back, with a step that says so.

    Shapes: before has the event's key, STATE and is_new (the run made it).
    """
    if before.is_empty():
        return
    new = pl.col("is_new")
    target = before.with_columns(
        pl.when(new).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
        for name, value in NOTHING.items()
    )
    now_standing = frames.load_events(connection, before).select(
        *rules.EVENT_KEY, was="process_status", taken="steps"
    )
    rows = target.join(now_standing, on=list(rules.EVENT_KEY)).with_columns(
        steps=(pl.col("taken") + 1).cast(pl.Int32),
        status_at=pl.lit(now).cast(pl.Datetime("us", "UTC")),
        preparation=pl.col("preparation").cast(pl.Int32),
    )
    session = psycopg_connection(connection)
    execute(session, "SELECT set_config('openbenefits.taking_back', 'on', true)")
    steps = rows.select(
        *rules.EVENT_KEY,
        step="steps",
        from_status="was",
        to_status="process_status",
        event_status="event_status",
        cause=pl.lit(cause),
    )
    record_steps(connection, steps, run_id=None, actor=actor, now=now)
    columns = [*STATE, "steps", "status_at"]
    for is_open in (False, True):
        part = rows.filter((pl.col("event_status") == str(EventStatus.OPEN)) == is_open)
        update_from(
            connection, "events_event", part.select(*rules.EVENT_KEY, *columns), rules.EVENT_KEY, columns
        )
    execute(session, "SELECT set_config('openbenefits.taking_back', 'off', true)")


READ = """
SELECT DISTINCT client_id, person_id, change_id FROM workforce_factchange
WHERE client_id = %(client)s AND consumed_by_run = %(run)s
"""

UNREAD = """
UPDATE workforce_factchange SET consumed_by_run = NULL
WHERE client_id = {client} AND consumed_by_run = {run}
"""


def take_back_activity(connection: Any, before: pl.DataFrame, *, client_id: int, run_id: int) -> None:
    """Let facts a run read be unread again, and what it made of them be gone; other activity waits again.

    Shapes: before as of `take_back_events`. Activity of an event that was void before the run, and that its
            fact gave back, stays with that event.
    """
    schema = {"client_id": pl.Int32, "person_id": pl.Int64, "change_id": pl.Int64}
    read = copy_out(connection, READ, schema, {"client": client_id, "run": run_id})
    session = psycopg_connection(connection)
    execute(session, UNREAD, client=sql.Literal(client_id), run=sql.Literal(run_id))
    people = pl.concat([read.select("client_id", "person_id"), before.select("client_id", "person_id")])
    if people.is_empty():
        return
    rows = frames.load_all_activity(connection, people.unique())
    is_anew = pl.col("process_indicator") == str(ProcessIndicator.TAKEN_BACK)  # made once more
    state = before.select(*rules.EVENT_KEY, is_new=pl.col("is_new") | is_anew, was="event_status")
    rows = rows.join(state, on=list(rules.EVENT_KEY), how="left", nulls_equal=True)
    is_back = pl.col("was").is_in([str(EventStatus.VOID), str(EventStatus.DISCONNECTED)])
    kept = (is_back & ~pl.col("is_new")).fill_null(value=False)
    own = rows.filter(~kept).join(read, on=list(schema), how="semi")
    of_new = rows.filter(pl.col("is_new").fill_null(value=False))
    loose = pl.concat([own, of_new]).unique(list(rules.ACTIVITY_KEY))
    nowhere = {name: pl.lit(None, pl.Int32) for name in ("schedule_id", "event_number")}
    update_from(
        connection,
        "events_activity",
        loose.select(*rules.ACTIVITY_KEY, **nowhere),
        rules.ACTIVITY_KEY,
        list(nowhere),
    )
    if own.height:
        activity.remove(connection, own.select(rules.ACTIVITY_KEY))


MARK = """
UPDATE events_message AS m SET is_current = {is_current} FROM {wanted} AS w
WHERE m.client_id = w.client_id AND m.run_id = w.run_id AND m.person_id = w.person_id
  AND m.benefit_record = w.benefit_record AND m.schedule_id = w.schedule_id
  AND m.event_number = w.event_number AND m.number = w.number
"""


def take_back_messages(connection: Any, before: pl.DataFrame, *, client_id: int, run_id: int) -> None:
    """Let the messages of a run no longer be current, and those it replaced be current again.

    Shapes: before has the key of a message.
    """
    session = psycopg_connection(connection)
    execute(
        session,
        "UPDATE events_message SET is_current = false WHERE client_id = {client} AND run_id = {run}",
        client=sql.Literal(client_id),
        run=sql.Literal(run_id),
    )
    if before.height:
        with staged(session, "events_message", before) as wanted:
            execute(session, MARK, wanted=wanted, is_current=sql.Literal(True))


def revive(connection: Any, events: pl.DataFrame, *, actor: str, now: datetime) -> None:
    """Let events be made anew whose making was taken back: closed, nothing decided yet.

    Shapes: events has the event's key, steps, event_on, source, reported_on, recorded_on, is_multi_activity.
    """
    if events.is_empty():
        return
    rows = events.with_columns(
        event_status=pl.lit(str(EventStatus.CLOSED)),
        process_indicator=pl.lit(str(ProcessIndicator.NORMAL)),
        status_at=pl.lit(now).cast(pl.Datetime("us", "UTC")),
        steps=(pl.col("steps") + 1).cast(pl.Int32),
    )
    steps = rows.select(
        *rules.EVENT_KEY,
        step="steps",
        from_status=pl.lit(None, pl.String),
        to_status=pl.lit(None, pl.String),
        event_status="event_status",
        cause=pl.lit("made anew after it was taken back"),
    )
    record_steps(connection, steps, run_id=None, actor=actor, now=now)
    columns = [
        *("event_status", "process_indicator", "status_at", "steps"),
        *("event_on", "source", "reported_on", "recorded_on", "is_multi_activity"),
    ]
    update_from(connection, "events_event", rows, rules.EVENT_KEY, columns)
