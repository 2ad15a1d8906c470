"""The named SQL of the event machine."""

from collections.abc import Collection
from typing import Any

import polars as pl

from openbenefits.core.codes import ActionSource, ActivityActKind
from openbenefits.core.columns import joined
from openbenefits.events import models
from openbenefits.events.rules import ACTIVITY_KEY, EVENT_KEY, RECORD_KEY
from openbenefits.store.bulk import copy_out, schema_of
from openbenefits.store.keys import PEOPLE, people_arrays
from openbenefits.workforce.frames import load_persons
from openbenefits.workforce.recording import FEED_COLUMNS

FEED = f"""
SELECT f.id, f.client_id, f.person_id, f.change_id, f.fact, f.operation, f.valid_from, f.job_number,
       f.sequence, f.event_class, f.is_trigger, c.made_at
FROM workforce_factchange AS f JOIN {PEOPLE} AS k USING (client_id, person_id)
JOIN workforce_changeset AS c ON c.id = f.change_id
WHERE f.consumed_by_run IS NULL ORDER BY f.id
"""

FEED_SCHEMA = {"id": pl.Int64(), **FEED_COLUMNS, "made_at": pl.Datetime("us", "UTC")}

REPORTED = f"""
SELECT DISTINCT ON (client_id, person_id, valid_from, event_class)
       client_id, person_id, valid_from, event_class,
       CASE WHEN NOT is_deleted THEN reported_on END AS reported_on
FROM workforce_lifeeventfact AS l JOIN {PEOPLE} AS k USING (client_id, person_id)
ORDER BY client_id, person_id, valid_from, event_class, version DESC
"""

EVENTS = f"SELECT {{columns}} FROM events_event AS e JOIN {PEOPLE} AS k USING (client_id, person_id)"

OF_SCHEDULE = f"""
SELECT client_id, person_id, e.benefit_record, e.process_indicator
FROM events_event AS e JOIN {PEOPLE} AS k USING (client_id, person_id) WHERE e.schedule_id = %(schedule)s
"""

ACTIVITY = f"""
SELECT {{columns}}, (c.made_at AT TIME ZONE 'UTC')::date AS recorded_on
FROM events_activity AS a JOIN {PEOPLE} AS k USING (client_id, person_id)
LEFT JOIN (SELECT id AS made_in, made_at FROM workforce_changeset) AS c ON c.made_in = a.change_id
WHERE a.event_number IS NULL
"""

ACTS = f"""
SELECT DISTINCT ON ({", ".join(ACTIVITY_KEY)}) {", ".join(ACTIVITY_KEY)}, kind AS last_act
FROM events_activityact AS a JOIN {PEOPLE} AS k USING (client_id, person_id)
WHERE kind <> '{ActivityActKind.PROVE}' ORDER BY {", ".join(ACTIVITY_KEY)}, number DESC
"""

UNPROVED = f"""
SELECT DISTINCT {", ".join(EVENT_KEY)}
FROM events_activity AS a JOIN {PEOPLE} AS k USING (client_id, person_id)
WHERE event_number IS NOT NULL AND change_id IS NOT NULL AND source = '{ActionSource.MANUAL}' AND NOT EXISTS (
    SELECT FROM events_activityact AS t
    WHERE {" AND ".join(f"t.{name} = a.{name}" for name in ACTIVITY_KEY)}
      AND t.kind = '{ActivityActKind.PROVE}'
)
"""

CONSUMED = f"""
SELECT {{columns}}, schedule_id, event_number
FROM events_activity AS a JOIN {PEOPLE} AS k USING (client_id, person_id) WHERE a.event_number IS NOT NULL
"""

ALL_ACTIVITY = f"""
SELECT {{columns}} FROM events_activity AS a JOIN {PEOPLE} AS k USING (client_id, person_id)
"""

CURRENT_MESSAGES = f"""
SELECT client_id, person_id, benefit_record, schedule_id, event_number, run_id, number
FROM events_message AS m JOIN {PEOPLE} AS k USING (client_id, person_id) WHERE is_current
"""

NEXT_NUMBERS = f"""
SELECT client_id, person_id, benefit_record, max(event_number) AS highest
FROM events_event AS e JOIN {PEOPLE} AS k USING (client_id, person_id) GROUP BY 1, 2, 3
"""


def load_feed(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load the changes to facts that no run has read yet, with the report day of life events."""
    feed = copy_out(connection, FEED, FEED_SCHEMA, people_arrays(people))
    schema = {key: FEED_SCHEMA[key] for key in ("client_id", "person_id", "valid_from", "event_class")}
    reported = copy_out(connection, REPORTED, schema | {"reported_on": pl.Date}, people_arrays(people))
    return joined(feed, reported, list(schema), how="left", maintain_order="left")


def load_dates(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load the birth and service dates that the person rows of some people state: with their valid_from."""
    clients = people[["client_id", "person_id"]].unique()
    rows = load_persons(connection, clients, {"birth_on": pl.Date(), "service_on": pl.Date()})
    return joined(rows, clients, "person_id")


def load_events(connection: Any, people: pl.DataFrame, columns: Collection[str] = ()) -> pl.DataFrame:
    """Load every event of some people: all columns, or only some."""
    schema = {name: kind for name, kind in schema_of(models.Event).items() if not columns or name in columns}
    return copy_out(connection, EVENTS.format(columns=", ".join(schema)), schema, people_arrays(people))


def load_of_schedule(connection: Any, people: pl.DataFrame, schedule_id: int) -> pl.DataFrame:
    """Name the benefit records of some people that have an event of a schedule, with its indicator."""
    stored = schema_of(models.Event)
    schema = {name: stored[name] for name in (*RECORD_KEY, "process_indicator")}
    return copy_out(connection, OF_SCHEDULE, schema, people_arrays(people) | {"schedule": schedule_id})


def load_waiting_activity(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load activity that has not become an event yet, with the day its change of facts was recorded.

    Adds last_act: what somebody last did about it (null: nothing). What was deleted does not wait.
    """
    schema = {name: kind for name, kind in schema_of(models.Activity).items() if name != "run_id"}
    query = ACTIVITY.format(columns=", ".join(schema))
    rows = copy_out(connection, query, schema | {"recorded_on": pl.Date()}, people_arrays(people))
    known = {name: schema[name] for name in ACTIVITY_KEY} | {"last_act": pl.String()}
    if rows.is_empty():
        return rows.with_columns(last_act=pl.lit(None, pl.String))
    acts = copy_out(connection, ACTS, known, people_arrays(rows))
    found = joined(rows, acts, ACTIVITY_KEY, how="left", maintain_order="left")
    return found.filter(pl.col("last_act").ne_missing(pl.lit(str(ActivityActKind.DELETE))))


def load_unproved(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Name the events of some people that came of a reported life event whose proof is not recorded."""
    stored = schema_of(models.Event)
    schema = {name: stored[name] for name in EVENT_KEY}
    return copy_out(connection, UNPROVED, schema, people_arrays(people))


def load_unread_people(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Name the people with a new fact that triggers something and that no run has read."""
    feed = load_feed(connection, people).filter("is_trigger", operation="I")
    return feed[["client_id", "person_id"]].unique()


def load_consumed_activity(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load the activity that has become an event: its key, schedule_id and event_number."""
    stored = schema_of(models.Activity)
    schema = {name: stored[name] for name in (*ACTIVITY_KEY, "schedule_id", "event_number")}
    return copy_out(
        connection, CONSUMED.format(columns=", ".join(ACTIVITY_KEY)), schema, people_arrays(people)
    )


def load_all_activity(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load all activity of some people, whether or not it is an event yet."""
    schema = schema_of(models.Activity)
    query = ALL_ACTIVITY.format(columns=", ".join(schema))
    return copy_out(connection, query, schema, people_arrays(people))


def load_current_messages(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Name the messages of some people that are current."""
    stored = schema_of(models.Message)
    schema = {name: stored[name] for name in (*EVENT_KEY, "run_id", "number")}
    return copy_out(connection, CURRENT_MESSAGES, schema, people_arrays(people))


def load_highest_numbers(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load the highest event number of each benefit record."""
    schema = {"client_id": pl.Int32, "person_id": pl.Int64, "benefit_record": pl.Int16, "highest": pl.Int32}
    return copy_out(connection, NEXT_NUMBERS, schema, people_arrays(people))


__all__ = ["EVENT_KEY", "load_events", "load_feed", "load_highest_numbers", "load_waiting_activity"]
