"""Where the events of a person stand, in words: who or what each of them waits for."""

from datetime import date

import polars as pl

from openbenefits.core.codes import PROCESS_STATUS_NAMES, EventStatus, ProcessIndicator, ProcessStatus
from openbenefits.events.rules import EVENT_KEY, FINAL, RECORD_KEY, is_unfinished, order_events

EVENT_STATUS_NAMES = {"O": "open", "C": "closed", "D": "disconnected", "V": "void"}
INDICATOR_NAMES = {
    str(ProcessIndicator.NORMAL): "normal",
    str(ProcessIndicator.ASSIGN): "assign again",
    str(ProcessIndicator.PREPARE): "prepare again",
    str(ProcessIndicator.ELECT): "revalidate elections",
    str(ProcessIndicator.REENTER): "re-enter",
    str(ProcessIndicator.VOID): "void",
    str(ProcessIndicator.REPLAY): "decide again",
}
FLAG_NAMES = {
    "is_out_of_sequence": "out of sequence",
    "is_eligibility_changed": "facts changed",
    "is_multi_activity": "several activities",
    "finalize_requested": "to be finalised",
}

AN_ELECTION = "the employee's election"
A_CORRECTION = "the employee, to correct the election"
SETUP_OR_DATA = "the administrator: set-up or data to correct"
THE_NEXT_RUN = "the next run"
ITS_DAY = "its day"
A_REPAIR = "a repair: the fact it came from is gone"

WAITS_FOR = {
    **dict.fromkeys((ProcessStatus.PR, ProcessStatus.NT, ProcessStatus.RE), AN_ELECTION),
    ProcessStatus.EE: A_CORRECTION,
    **dict.fromkeys((ProcessStatus.AE, ProcessStatus.PE, ProcessStatus.AN), SETUP_OR_DATA),
    **dict.fromkeys((ProcessStatus.AS, ProcessStatus.ET), THE_NEXT_RUN),
}
"""Who has the next word about the event of a benefit record that comes first."""


def with_holder(events: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Say of each event what it waits for (`held_by`), and since when; null where it needs nothing.

    The first event of a benefit record (event-processing §5.4) waits for whoever has the next word; each
    later one waits for it.

    Shapes: events of whole benefit records with EVENT_KEY, event_on, priority, event_class, status_on,
            process_status, event_status, process_indicator.
    """
    ordered = order_events(events).select(*EVENT_KEY, "place", "is_first")
    firsts = events.join(ordered.filter("is_first"), on=list(EVENT_KEY), how="semi")
    first = firsts.select(*RECORD_KEY, holding=pl.format("{} of {}", "event_class", "event_on"))
    rows = events.join(ordered, on=list(EVENT_KEY), how="left", maintain_order="left")
    rows = rows.join(first, on=list(RECORD_KEY), how="left", maintain_order="left")
    held = _held_by(as_of)
    return rows.with_columns(held_by=held).with_columns(
        held_since=pl.when(pl.col("held_by").is_not_null()).then("status_on")
    )


def _held_by(as_of: date) -> pl.Expr:
    status = pl.col("process_status")
    own = status.replace_strict({str(k): v for k, v in WAITS_FOR.items()}, default=THE_NEXT_RUN)
    is_ahead = status.is_null() & (pl.col("event_on") > as_of)
    is_again = pl.col("process_indicator") != str(ProcessIndicator.NORMAL)
    return (
        pl.when(pl.col("event_status") == str(EventStatus.DISCONNECTED))
        .then(pl.lit(A_REPAIR))
        .when(~is_unfinished())
        .then(pl.lit(None, pl.String))
        .when(~pl.col("is_first"))
        .then(pl.format("the event {}", "holding"))
        .when(is_again)
        .then(pl.lit(THE_NEXT_RUN))
        .when(is_ahead)
        .then(pl.lit(ITS_DAY))
        .otherwise(own)
    )


def with_words(events: pl.DataFrame) -> pl.DataFrame:
    """Add the words of event status, process status and indicator, and the flags as one text."""
    flags = [pl.when(pl.col(name)).then(pl.lit(word)) for name, word in FLAG_NAMES.items()]
    status = pl.col("process_status").replace_strict(PROCESS_STATUS_NAMES, default="not processed yet")
    return events.with_columns(
        event_status_name=pl.col("event_status").replace_strict(EVENT_STATUS_NAMES),
        status_name=status,
        indicator_name=pl.col("process_indicator").replace_strict(INDICATOR_NAMES),
        flags=pl.concat_str(flags, separator=", ", ignore_nulls=True),
    )


def is_live() -> pl.Expr:
    """Whether an event counts: neither void nor disconnected."""
    return pl.col("event_status").is_in([str(EventStatus.OPEN), str(EventStatus.CLOSED)])


def is_final() -> pl.Expr:
    """Whether an event has come to its end."""
    return pl.col("process_status").is_in(FINAL).fill_null(value=False)
