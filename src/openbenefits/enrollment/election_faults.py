"""What is wrong with a row of elections: its event, its status, its window, its plan type, its day."""

from collections.abc import Iterator

import polars as pl

from openbenefits.core.bad_rows import faults, repeated
from openbenefits.core.codes import EventStatus, ProcessStatus
from openbenefits.enrollment.election_rows import OPEN, PLACE
from openbenefits.enrollment.entry_rows import unknown_dependents
from openbenefits.events.rules import EVENT_KEY, RECORD_KEY

ENTERABLE = [
    *(str(status) for status in (ProcessStatus.PR, ProcessStatus.NT, ProcessStatus.ET)),
    *(str(status) for status in (ProcessStatus.EE, ProcessStatus.RE)),
]
FINAL = str(ProcessStatus.FE)
CLOSED = str(EventStatus.CLOSED)
EVENT_STATUS_NAMES = {"O": "open", "C": "closed", "D": "disconnected", "V": "void"}


def row_faults(rows: pl.DataFrame, chosen: pl.DataFrame, offered: pl.DataFrame) -> list[pl.DataFrame]:
    """List what is wrong with rows whose cells can be read.

    Shapes: rows as `election_rows.with_history` answers them, chosen as `entry_rows.chosen_dependents`,
            offered as `frames.load_offered_plans`.
    """
    return [
        *_unplaced(rows),
        *_status_faults(rows),
        *window_faults(rows),
        _plan_faults(rows, offered),
        unknown_dependents(rows, chosen),
        repeated(rows, PLACE, "plan_type", "one row for each plan type of an event"),
        _outdated(rows),
    ]


def _unplaced(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Name the rows whose schedule or event does not exist."""
    is_known = pl.col("person_id").is_not_null()
    no_schedule = pl.col("schedule").is_not_null() & pl.col("stated_schedule").is_null()
    no_event = is_known & pl.col("schedule_id").is_null() & ~no_schedule
    nothing_stated = pl.col("schedule").is_null() & pl.col("stated_number").is_null()
    yield faults(rows, no_schedule, "schedule", "the code of a schedule of this client", "correct the code")
    yield faults(
        rows,
        no_event & nothing_stated,
        "event_number",
        "an open event of this benefit record",
        "state schedule and event_number, or run event maintenance first",
        pl.lit("none open"),
    )
    yield faults(
        rows,
        no_event & ~nothing_stated,
        "event_number",
        "one event of this person, benefit record and schedule",
        "correct benefit_record, schedule and event_number",
        pl.lit("none, or more than one"),
    )


def _is_resubmission() -> pl.Expr:
    """A final enrolment that may be submitted again; the window is judged apart (rulings §1.6)."""
    return (pl.col("process_status") == FINAL) & (pl.col("event_status") == CLOSED)


def _is_enterable() -> pl.Expr:
    return pl.col("process_status").is_in(ENTERABLE) & (pl.col("event_status") == OPEN)


def _status_faults(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """An event takes elections while open at PR, NT, ET, EE, RE, or again inside its window when final."""
    rows = rows.filter(pl.col("schedule_id").is_not_null())
    again = _is_resubmission().fill_null(value=False)
    takes = _is_enterable().fill_null(value=False) | again
    status = pl.format(
        "{}, {}",
        pl.col("process_status").fill_null("not processed"),
        pl.col("event_status").replace(EVENT_STATUS_NAMES),
    )
    yield faults(
        rows,
        ~takes,
        "event_number",
        f"an open event at {', '.join(ENTERABLE)}, or one at {FINAL} inside its window",
        "process the event until it can be elected in, or correct schedule and event_number",
        status,
    )
    yield faults(
        rows,
        again & pl.col("window_ends_on").is_null(),
        "event_number",
        "an event with an election window",
        "reopen the event for re-entry",
        status,
    )
    label = pl.format("{}/{}", "schedule_id", "event_number")
    first = label.filter(again).first().over(RECORD_KEY)
    yield faults(
        rows,
        again & ((pl.col("open_events") > 0) | (label != first)),
        "event_number",
        "no other event of this benefit record open, and one reopened at a time",
        "enter the row again when the other event is final",
        pl.lit("another event is open"),
    )


def window_faults(rows: pl.DataFrame) -> list[pl.DataFrame]:
    """List the rows received before the first or after the last day of their window (docs/rules.md §14.2)."""
    received = pl.col("received_on")
    day = received.cast(pl.String)
    cure = "correct the day of receipt, or extend the person's window"
    return [
        faults(
            rows,
            received > pl.col("window_ends_on"),
            "received_on",
            pl.format("a day not after {}, the last of the window", "window_ends_on"),
            cure,
            day,
        ),
        faults(
            rows,
            received < pl.col("window_begins_on"),
            "received_on",
            pl.format("a day not before {}, the first of the window", "window_begins_on"),
            cure,
            day,
        ),
    ]


def _plan_faults(rows: pl.DataFrame, offered: pl.DataFrame) -> pl.DataFrame:
    """A plan type must be part of the event as it was last prepared."""
    key = [*EVENT_KEY[1:], "plan_type"]
    listed = offered.group_by(EVENT_KEY[1:]).agg(listed=pl.col("plan_type").sort().str.join(", "))
    asked = rows.filter(pl.col("plan_type").is_not_null() & (_is_enterable() | _is_resubmission()))
    foreign = asked.join(offered, on=key, how="anti", maintain_order="left").join(
        listed, on=EVENT_KEY[1:], how="left", maintain_order="left"
    )
    return faults(
        foreign,
        pl.lit(value=True),
        "plan_type",
        pl.format("a plan type of the event: {}", pl.col("listed").fill_null("it has none")),
        "correct the plan type, or remove the row",
    )


def _outdated(rows: pl.DataFrame) -> pl.DataFrame:
    """Name the rows received before what was submitted last, unless they were entered in their time."""
    return faults(
        rows,
        pl.col("is_late") & ~pl.col("is_known"),
        "received_on",
        pl.format("a day not before {}, when the election that stands was received", "last_received_on"),
        "remove the row, or correct the day of receipt",
        pl.col("received_on").cast(pl.String),
    )
