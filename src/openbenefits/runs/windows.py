"""Ends of enrolment windows: finalise with defaults, void, or hold, as the class says (rulings §1.5)."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core.codes import WindowAction
from openbenefits.events.rules import EVENT_KEY
from openbenefits.events.services import request_finalize, void_events
from openbenefits.programs.frames import load_setup
from openbenefits.runs import models
from openbenefits.runs.journal import journal
from openbenefits.runs.orders import PARTS
from openbenefits.runs.rules import action_at_end
from openbenefits.runs.services import RunOrder, RunResult, run
from openbenefits.store.bulk import copy_out

PAST = """
SELECT e.client_id, e.person_id, e.benefit_record, e.schedule_id, e.event_number, e.event_class_id,
       e.process_status, e.event_status, e.steps, e.elected_on,
       coalesce(bool_or(p.is_lost), false) AS must_end
FROM events_event AS e
LEFT JOIN enrollment_eventplan AS p
  USING (client_id, person_id, benefit_record, schedule_id, event_number, preparation)
WHERE e.client_id = ANY(%s) AND e.event_status = 'O' AND e.process_status IN ('PR', 'NT', 'EE', 'RE')
  AND e.window_ends_on < %s
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
"""

SCHEMA = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "schedule_id": pl.Int32,
    "event_number": pl.Int32,
    "event_class_id": pl.Int32,
    "process_status": pl.String,
    "event_status": pl.String,
    "steps": pl.Int32,
    "elected_on": pl.Date,
    "must_end": pl.Boolean,
}


def run_window_ends(
    connection: Any,
    client_id: int,
    *,
    as_of: date,
    now: datetime,
    started_by: str,
    run_control: str | None = None,
) -> RunResult:
    """Apply the action of every event whose window ended before a day.

    A life event is void when nobody answered, unless coverage must end: then it is finalised. Where somebody
    answered and the answer has errors, it is held.
    """
    with transaction.atomic():
        started = _started(client_id, as_of=as_of, now=now, started_by=started_by, run_control=run_control)
        past = _past_events(connection, [client_id], as_of)
        finalized = past.filter(action="finalize")
        with journal(connection, started.pk):
            void_events(
                connection,
                past.filter(action="void"),
                cause="window ended without an answer",
                run_id=started.id,
                actor=started_by,
                now=now,
            )
            request_finalize(connection, finalized)
    _finalize(connection, started, finalized, now=now)
    started.state, started.ended_at = "done", now
    started.save(update_fields=["state", "ended_at"])
    counted = past.group_by("action").agg(people=pl.len().cast(pl.Int64))
    outcomes = counted.select(
        outcome=pl.format("window ended: {}", "action"), to_status=pl.lit(None, pl.String), people="people"
    )
    return RunResult(run_id=started.id, state="done", people=past.height, outcomes=outcomes.sort("outcome"))


def _started(
    client_id: int, *, as_of: date, now: datetime, started_by: str, run_control: str | None
) -> models.Run:
    return models.Run.objects.create(
        run_control=run_control,
        kind="windows",
        bundle_client=client_id,
        as_of=as_of,
        through_level="elections",
        state="running",
        started_at=now,
        started_by=started_by,
    )


def _finalize(connection: Any, started: models.Run, finalized: pl.DataFrame, *, now: datetime) -> None:
    """Finalise events by an ordinary run of each schedule, a part of the run that was started."""
    for schedule_id in finalized["schedule_id"].unique().sort():
        people = finalized.filter(schedule_id=schedule_id)["person_id"].unique().to_list()
        order = RunOrder(
            client_id=started.bundle_client,
            schedule_id=schedule_id,
            as_of=started.as_of,
            people=people,
            started_by=started.started_by,
        )
        done = run(connection, order, now=now)
        started.options[PARTS] = [*started.options.get(PARTS, []), done.run_id]
        started.save(update_fields=["options"])


def _past_events(connection: Any, client_ids: Sequence[int], as_of: date) -> pl.DataFrame:
    """The open, unanswered events whose window has ended, with the action of their class."""
    events = copy_out(connection, PAST, SCHEMA, [list(client_ids), as_of])
    classes = load_setup(connection, client_ids)["event_class"].select("event_class_id", "window_action")
    found = events.join(classes.unique("event_class_id"), on="event_class_id", how="left")
    return found.with_columns(action=action_at_end()).select(
        *EVENT_KEY, "process_status", "event_status", "steps", "action"
    )


# --- what is held -----------------------------------------------------------------------------------------

HELD = """
SELECT e.client_id, e.person_id, e.benefit_record, e.schedule_id, e.event_number, e.event_class_id,
       e.event_on, p.employee_number, e.process_status, e.window_ends_on
FROM events_event AS e JOIN workforce_person AS p ON p.id = e.person_id
WHERE e.client_id = ANY(%s) AND e.event_status = 'O' AND e.process_status IN ('PR', 'NT', 'EE', 'RE')
  AND e.window_ends_on < %s
"""

HELD_SCHEMA = {
    **{name: SCHEMA[name] for name in (*EVENT_KEY, "event_class_id")},
    "event_on": pl.Date,
    "employee_number": pl.String,
    "process_status": pl.String,
    "window_ends_on": pl.Date,
}
WHY = {
    str(WindowAction.HOLD): "nobody answered in time: decide, or let the window end later",
    str(WindowAction.FINALIZE): "the run of window ends will finalise it",
    str(WindowAction.VOID): "the run of window ends will void it",
}
ANSWERED = "the answer has errors: correct it, or let the window end later"


def held_events(connection: Any, client_ids: Sequence[int], as_of: date) -> pl.DataFrame:
    """List the open events whose window has ended before a day, longest first: what waits for whom.

    Shapes: event key, employee_number, schedule, event_class, event_on, process_status, window_ends_on,
            days_past, action (what the run of window ends does with it), why.
    """
    held = copy_out(connection, HELD, HELD_SCHEMA, [list(client_ids), as_of])
    actions = _past_events(connection, client_ids, as_of).select(*EVENT_KEY, "action")
    tables = load_setup(connection, client_ids)
    classes = tables["event_class"].select("event_class_id", event_class="code").unique("event_class_id")
    schedules = tables["schedule"].select("schedule_id", schedule="code").unique("schedule_id")
    found = held.join(actions, on=list(EVENT_KEY)).join(classes, on="event_class_id", how="left")
    found = found.join(schedules, on="schedule_id", how="left")
    is_answered = (pl.col("process_status") == "EE") & (pl.col("action") == str(WindowAction.HOLD))
    return found.with_columns(
        days_past=(pl.lit(as_of) - pl.col("window_ends_on")).dt.total_days(),
        why=pl.when(is_answered)
        .then(pl.lit(ANSWERED))
        .otherwise(pl.col("action").replace_strict(WHY, return_dtype=pl.String)),
    ).sort("window_ends_on", "employee_number", "benefit_record", "event_number")
