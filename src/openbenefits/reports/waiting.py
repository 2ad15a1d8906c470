"""Which events wait: held by whom, since when, holding back what. One query over all events of a client."""

from datetime import date
from typing import Any

import polars as pl

from openbenefits.programs.frames import load_setup
from openbenefits.store.bulk import copy_out

WAITING = """
WITH unfinished AS (
    SELECT e.*, row_number() OVER place AS nth, count(*) OVER record AS events,
           lead(e.event_on) OVER place AS next_on
    FROM events_event AS e
    WHERE e.client_id = %(client)s AND e.event_status IN ('O', 'C')
      AND (e.process_status IS NULL OR e.process_status NOT IN ('FA', 'FE', 'FP')
           OR e.process_indicator = 'L')
    WINDOW record AS (PARTITION BY e.client_id, e.person_id, e.benefit_record),
           place AS (record ORDER BY e.event_on, e.priority, e.event_number, e.schedule_id)
)
SELECT u.person_id, p.employee_number, u.benefit_record, u.schedule_id, u.event_number, u.event_class_id,
       u.event_on, u.process_status, (u.status_at AT TIME ZONE 'UTC')::date AS since, u.window_ends_on,
       u.events - 1 AS holds_back, u.next_on,
       (SELECT string_agg(DISTINCT m.code, ' ' ORDER BY m.code) FROM events_message AS m
        WHERE m.client_id = u.client_id AND m.person_id = u.person_id AND m.benefit_record = u.benefit_record
          AND m.schedule_id = u.schedule_id AND m.event_number = u.event_number
          AND m.is_current AND m.severity = 'E') AS codes
FROM unfinished AS u JOIN workforce_person AS p ON p.id = u.person_id
WHERE u.nth = 1
"""

SCHEMA: dict[str, Any] = {
    "person_id": pl.Int64,
    "employee_number": pl.String,
    "benefit_record": pl.Int16,
    "schedule_id": pl.Int32,
    "event_number": pl.Int32,
    "event_class_id": pl.Int32,
    "event_on": pl.Date,
    "process_status": pl.String,
    "since": pl.Date,
    "window_ends_on": pl.Date,
    "holds_back": pl.Int64,
    "next_on": pl.Date,
    "codes": pl.String,
}

ADMINISTRATOR, EMPLOYEE, RUN, ITS_DAY = "the administrator", "the employee", "the next run", "its day"


def waiting_events(connection: Any, client_id: int, *, as_of: date) -> pl.DataFrame:
    """List the first unfinished event of each benefit record, those that hold back most first.

    Shapes: employee_number, benefit_record, schedule, event_number, event_class, event_on, process_status,
            held_by, since, days, why, holds_back (later events of the record), next_on (the day of the next).
    """
    rows = copy_out(connection, WAITING, SCHEMA, {"client": client_id})
    tables = load_setup(connection, [client_id])
    schedules = tables["schedule"].select("schedule_id", schedule="code").unique("schedule_id")
    classes = tables["event_class"].select("event_class_id", event_class="code").unique("event_class_id")
    named = rows.join(schedules, on="schedule_id", how="left").join(classes, on="event_class_id", how="left")
    told = named.with_columns(held_by=_held_by(as_of)).with_columns(
        days=(pl.lit(as_of) - pl.col("since")).dt.total_days(), why=_why(as_of)
    )
    return told.sort("holds_back", "since", "employee_number", descending=[True, False, False]).select(
        *("employee_number", "benefit_record", "schedule", "event_number", "event_class", "event_on"),
        *("process_status", "held_by", "since", "days", "why", "holds_back", "next_on"),
    )


def _is_over(as_of: date) -> pl.Expr:
    return (pl.col("window_ends_on") < as_of).fill_null(value=False)


def _held_by(as_of: date) -> pl.Expr:
    status = pl.col("process_status")
    asked = status.is_in(["PR", "NT"])
    return (
        pl.when(status.is_null() & (pl.col("event_on") > as_of))
        .then(pl.lit(ITS_DAY))
        .when(status.is_in(["AE", "PE", "AN"]) | (asked & _is_over(as_of)))
        .then(pl.lit(ADMINISTRATOR))
        .when(asked | status.is_in(["EE", "RE"]))
        .then(pl.lit(EMPLOYEE))
        .otherwise(pl.lit(RUN))
    )


def _why(as_of: date) -> pl.Expr:
    status = pl.col("process_status")
    text = (
        pl.when(status.is_in(["AE", "PE", "AN", "EE"]))
        .then(pl.lit("errors to correct"))
        .when(status == "RE")
        .then(pl.lit("an election to enter again"))
        .when(status.is_in(["PR", "NT"]) & _is_over(as_of))
        .then(pl.lit("the window has ended without an answer"))
        .when(status.is_in(["PR", "NT"]))
        .then(pl.lit("an election"))
        .when(pl.col("held_by") == ITS_DAY)
        .then(pl.lit("not due yet"))
        .otherwise(pl.lit("to be processed"))
    )
    return pl.when(pl.col("codes").is_null()).then(text).otherwise(pl.format("{}: {}", text, "codes"))


def counted(rows: pl.DataFrame) -> pl.DataFrame:
    """Count waiting events by who holds them and why, with what they hold back."""
    return rows.group_by("held_by", "why").agg(
        events=pl.len(), longest_days=pl.col("days").max(), holds_back=pl.col("holds_back").sum()
    ).sort("held_by", "why")  # fmt: skip
