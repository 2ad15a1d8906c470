"""Whether an operation may be asked of an event: pure decisions on columns, by the rows of repair.kinds."""

import polars as pl

from openbenefits.core.codes import PROCESS_STATUS_NAMES, EventStatus
from openbenefits.events.rules import EVENT_KEY, FINAL, RECORD_KEY, is_to_be_replayed
from openbenefits.repair import kinds

FAULT = {"column": pl.String, "expected": pl.String, "found": pl.String, "cure": pl.String}
STATUS_WORDS = {"O": "open", "C": "closed", "D": "disconnected from its fact", "V": "void"}
NOT_YET = "nothing decided yet"

TABLE = pl.DataFrame(
    [
        {
            "kind": kind.code,
            "to_do": kind.name,
            "statuses": kind.of_statuses,
            "events": kind.of_events,
            "of_standing": kind.of_standing,
        }
        for kind in kinds.KINDS.values()
    ],
    schema={
        "kind": pl.String,
        "to_do": pl.String,
        "statuses": pl.List(pl.String),
        "events": pl.List(pl.String),
        "of_standing": pl.Boolean,
    },
)


def faults(
    targets: pl.DataFrame, events: pl.DataFrame, elected: pl.DataFrame, jobs: pl.DataFrame
) -> pl.DataFrame:
    """Name the operations that cannot be, each once: the first thing in its way.

    Shapes:  targets has the event's key, kind, to_on, to_record, to_person; events are all events of the
             people; elected names the events with an election that stands; jobs has the people's job rows
             (RECORD_KEY, valid_from). Answers the event's key, kind and FAULT.
    """
    found = targets.join(events.drop("kind", "to_on", strict=False), on=list(EVENT_KEY), how="left")
    found = found.join(TABLE, on="kind", how="left").with_columns(
        status=pl.col("process_status").fill_null(kinds.SCHEDULED)
    )
    found = _with_surroundings(found, events, elected, jobs)
    checks = (
        _unknown_event(),
        _unknown_kind(),
        _wrong_event_status(),
        _wrong_process_status(),
        _to_be_decided_again(),
        *_of_days_and_records(),
        *_of_contents(),
    )
    column, expected, told, cure = zip(*((c[1], c[2], c[3], c[4]) for c in checks), strict=True)
    conditions = [check[0].fill_null(value=False) for check in checks]
    named = found.with_columns(
        column=_first(conditions, [pl.lit(text) for text in column]),
        expected=_first(conditions, list(expected)),
        found=_first(conditions, list(told)),
        cure=_first(conditions, list(cure)),
    )
    return named.filter(pl.col("column").is_not_null()).select(*EVENT_KEY, "kind", *FAULT)


Check = tuple[pl.Expr, str, pl.Expr, pl.Expr, pl.Expr]
"""Whether it is so, the column at fault, and expected, found and cure in words."""


def _first(conditions: list[pl.Expr], texts: list[pl.Expr]) -> pl.Expr:
    said = [pl.when(is_so).then(text) for is_so, text in zip(conditions, texts, strict=True)]
    return pl.coalesce(*said)


def _with_surroundings(
    found: pl.DataFrame, events: pl.DataFrame, elected: pl.DataFrame, jobs: pl.DataFrame
) -> pl.DataFrame:
    """Add is_elected, others_open, and whether the record (own, or new) has a job row by the event's day."""
    is_open = events.filter(event_status=str(EventStatus.OPEN)).group_by(RECORD_KEY).agg(open_events=pl.len())
    answered = elected.select(EVENT_KEY).unique().with_columns(is_elected=pl.lit(value=True))
    first = jobs.group_by(RECORD_KEY).agg(first_job_on=pl.col("valid_from").min())
    there = first.rename({"benefit_record": "to_record", "first_job_on": "there_on"})
    rows = found.join(is_open, on=list(RECORD_KEY), how="left").join(answered, on=list(EVENT_KEY), how="left")
    rows = rows.join(first, on=list(RECORD_KEY), how="left")
    rows = rows.join(there, on=["client_id", "person_id", "to_record"], how="left")
    return rows.with_columns(
        is_elected=pl.col("is_elected").fill_null(value=False),
        has_job=(pl.col("first_job_on") <= pl.col("event_on")).fill_null(value=False),
        has_job_there=(pl.col("there_on") <= pl.col("event_on")).fill_null(value=False),
    )


def _unknown_event() -> Check:
    return (
        pl.col("event_on").is_null(),
        "event_number",
        pl.lit("an event of this person, benefit record, schedule and number"),
        pl.lit("none"),
        pl.lit("correct the number, or list the person's events first"),
    )


def _unknown_kind() -> Check:
    known = list(kinds.KINDS)
    return (
        ~pl.col("kind").is_in(known),
        "operation",
        pl.lit(f"one of {', '.join(kinds.ASKABLE)}"),
        pl.col("kind").fill_null("blank"),
        pl.lit("correct the word"),
    )


def _wrong_event_status() -> Check:
    words = pl.col("event_status").replace_strict(STATUS_WORDS, default=None, return_dtype=pl.String)
    wanted = pl.col("events").list.eval(
        pl.element().replace_strict(STATUS_WORDS, default=None, return_dtype=pl.String)
    )
    cure = (
        pl.when(event_status="D")
        .then(pl.lit("void it, or reconnect it once its fact is there again"))
        .when(event_status="V")
        .then(pl.lit("reinstate it first"))
        .otherwise(pl.lit("choose another operation, or another event"))
    )
    return (
        ~pl.col("events").list.contains(pl.col("event_status")),
        "operation",
        pl.format("to {}: an event that is {}", "to_do", wanted.list.join(" or ")),
        words,
        cure,
    )


def _wrong_process_status() -> Check:
    names = {"": NOT_YET, **{code: f"{code} ({name})" for code, name in PROCESS_STATUS_NAMES.items()}}
    said = pl.col("status").replace_strict(names, default=None, return_dtype=pl.String)
    cure = (
        pl.when(pl.col("status") == kinds.SCHEDULED)
        .then(pl.lit("let a run decide it first"))
        .when(pl.col("status").is_in(["AE", "PE"]))
        .then(pl.lit("correct the facts or the set-up, and let a run decide it again"))
        .otherwise(pl.lit("choose an operation for an event that stands there"))
    )
    wanted = pl.col("statuses").list.eval(
        pl.when(pl.element() == "").then(pl.lit(NOT_YET)).otherwise(pl.element())
    )
    return (
        ~pl.col("statuses").list.contains(pl.col("status")),
        "operation",
        pl.format("to {}: an event at {}", "to_do", wanted.list.join(", ")),
        said,
        cure,
    )


def _to_be_decided_again() -> Check:
    return (
        pl.col("of_standing") & is_to_be_replayed(),
        "operation",
        pl.format("to {}: an event whose decision holds", "to_do"),
        pl.lit("one that waits behind an earlier event to be decided again"),
        pl.lit("finish the earlier event first, or choose another operation"),
    )


def _of_days_and_records() -> tuple[Check, ...]:
    is_redate, is_move = pl.col("kind") == kinds.REDATE, pl.col("kind") == kinds.MOVE
    to_on, to_record = pl.col("to_on"), pl.col("to_record")
    is_own = pl.col("to_person").is_null()  # else two people are merged, which has been judged
    job = pl.lit("a job of the benefit record by the day of the event")
    return (
        (
            is_redate & (to_on.is_null() | (to_on == pl.col("event_on"))),
            "to_day",
            pl.format("another day than {}", "event_on"),
            to_on.cast(pl.String).fill_null("blank"),
            pl.lit("state the new day"),
        ),
        (
            ~is_redate & to_on.is_not_null(),
            "to_day",
            pl.lit("blank, as only an event that is moved to another day has a new one"),
            to_on.cast(pl.String),
            pl.lit("clear the cell, or choose redate"),
        ),
        (
            is_move & is_own & (to_record.is_null() | (to_record == pl.col("benefit_record"))),
            "to_record",
            pl.format("another benefit record than {}", "benefit_record"),
            to_record.cast(pl.String).fill_null("blank"),
            pl.lit("state the new benefit record"),
        ),
        (
            ~is_move & to_record.is_not_null(),
            "to_record",
            pl.lit("blank, as only an event that is moved has a new one"),
            to_record.cast(pl.String),
            pl.lit("clear the cell, or choose move"),
        ),
        (
            is_move & is_own & ~pl.col("has_job_there"),
            "to_record",
            job,
            pl.lit("none"),
            pl.lit("correct the benefit record, or the job first"),
        ),
        (
            (pl.col("kind") == kinds.RECONNECT) & ~pl.col("has_job"),
            "operation",
            job,
            pl.lit("none"),
            pl.lit("record the job row first, or void the event"),
        ),
    )


def _of_contents() -> tuple[Check, ...]:
    is_unanswered = ~pl.col("is_elected") & ~pl.col("is_finalized") & ~pl.col("finalize_requested")
    is_known_final = pl.col("process_status").is_in(FINAL)
    return (
        (
            (pl.col("kind") == kinds.ELECT) & is_unanswered,
            "operation",
            pl.lit("an event with elections, or finalised with defaults"),
            pl.lit("neither"),
            pl.lit("decide it again instead"),
        ),
        (
            (pl.col("kind") == kinds.PREPARE) & pl.col("program_id").is_null(),
            "operation",
            pl.lit("an event with a program to keep"),
            pl.lit("none"),
            pl.lit("assign the program again instead"),
        ),
        (
            (pl.col("kind") == kinds.OPENED) & ((pl.col("open_events") > 0) | is_known_final),
            "operation",
            pl.lit("no other open event of the benefit record"),
            pl.lit("one"),
            pl.lit("close that one first"),
        ),
    )
