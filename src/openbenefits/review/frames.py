"""The named SQL of review: counts, and what hangs on events beside what reports read."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from openbenefits.core.codes import FINAL_STATUSES
from openbenefits.reports.frames import EVENT_KEY, KEYS, OF_EVENT, of_events
from openbenefits.store.bulk import copy_out

_FINAL = ", ".join(f"'{status}'" for status in FINAL_STATUSES)
_IS_DONE = f"event_status = 'V' OR (event_status = 'C' AND process_status IN ({_FINAL}))"
_IS_FLAGGED = "is_out_of_sequence OR is_eligibility_changed OR event_status = 'D'"

STANDING_QUERY = f"""
SELECT schedule_id, coalesce(process_status, '') AS process_status,
       count(DISTINCT person_id) AS people, count(*) AS events,
       count(*) FILTER (WHERE event_status = 'O') AS open,
       count(*) FILTER (WHERE event_status = 'C') AS closed,
       count(*) FILTER (WHERE event_status = 'V') AS void,
       count(*) FILTER (WHERE event_status = 'D') AS disconnected,
       count(*) FILTER (WHERE {_IS_DONE}) AS final_or_void,
       count(*) FILTER (WHERE is_out_of_sequence) AS out_of_sequence,
       count(*) FILTER (WHERE is_eligibility_changed) AS eligibility_changed,
       count(*) FILTER (WHERE is_multi_activity) AS multi_activity,
       count(*) FILTER (WHERE finalize_requested) AS finalise_ordered,
       count(*) FILTER (WHERE {_IS_FLAGGED}) AS flagged
FROM events_event WHERE client_id = ANY (%(clients)s::int[]) GROUP BY 1, 2
"""
_COUNTS = (
    *("people", "events", "open", "closed", "void", "disconnected", "final_or_void"),
    *("out_of_sequence", "eligibility_changed", "multi_activity", "finalise_ordered", "flagged"),
)
STANDING = {
    "schedule_id": pl.Int32(),
    "process_status": pl.String(),
    **dict.fromkeys(_COUNTS, pl.Int64()),
}

PEOPLE_QUERY = """
SELECT schedule_id, count(DISTINCT (client_id, person_id)) AS people
FROM events_event WHERE client_id = ANY (%(clients)s::int[]) GROUP BY 1
"""

CONTROLS_QUERY = f"""
SELECT k."case", {{columns}} {KEYS} JOIN events_event AS r {OF_EVENT}
"""
CONTROLS = {
    "source": pl.String(),
    "reported_on": pl.Date(),
    "recorded_on": pl.Date(),
    "elect_source": pl.String(),
    "is_finalized": pl.Boolean(),
}

STEPS_QUERY = f"""
SELECT k."case", {{columns}} {KEYS} JOIN events_eventstep AS r {OF_EVENT}
"""
STEPS = {
    "step": pl.Int32(),
    "from_status": pl.String(),
    "to_status": pl.String(),
    "event_status": pl.String(),
    "cause": pl.String(),
    "actor": pl.String(),
    "run_id": pl.Int64(),
    "moved_at": pl.Datetime("us", "UTC"),
}


def load_standing(connection: Any, client_ids: Sequence[int]) -> pl.DataFrame:
    """Count people and events of some clients by schedule and status ('' = not processed yet)."""
    return copy_out(connection, STANDING_QUERY, STANDING, {"clients": list(client_ids)})


def load_people_of_schedules(connection: Any, client_ids: Sequence[int]) -> pl.DataFrame:
    """Count the people of each schedule, each once."""
    schema = {"schedule_id": pl.Int32(), "people": pl.Int64()}
    return copy_out(connection, PEOPLE_QUERY, schema, {"clients": list(client_ids)})


def load_controls(connection: Any, events: pl.DataFrame) -> pl.DataFrame:
    """Load what steers the processing of events, beside the columns of an event frame."""
    return of_events(connection, CONTROLS_QUERY, CONTROLS, events)


def load_steps(connection: Any, events: pl.DataFrame) -> pl.DataFrame:
    """Load the history of events, in order."""
    return of_events(connection, STEPS_QUERY, STEPS, events).sort("case", "step")


__all__ = ["EVENT_KEY", "load_controls", "load_people_of_schedules", "load_standing", "load_steps"]
