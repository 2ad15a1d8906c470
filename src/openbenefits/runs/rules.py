"""What a run does next with each event: pure decisions on columns.

Sources: event-processing §5.4, §6.2, §10; rulings §1.1, §1.2, §1.4, §1.8, §1.10.
"""

from functools import cache

import polars as pl

from openbenefits.core.codes import EventStatus, Level, ProcessStatus, WindowAction
from openbenefits.core.columns import joined, where, with_neighbours, without
from openbenefits.events.rules import EVENT_KEY, FINAL, RECORD_KEY, is_to_be_replayed, order_events

TO_PREPARE = [
    str(status) for status in (ProcessStatus.AS, ProcessStatus.AN, ProcessStatus.AE, ProcessStatus.PE)
]
TO_VALIDATE = [str(status) for status in (ProcessStatus.ET, ProcessStatus.EE)]
TO_PREPARE_AGAIN = [str(ProcessStatus.PR), str(ProcessStatus.NT)]
"""Interrupted by an earlier event, these are prepared anew when their turn comes back (rulings §1.7)."""
UNANSWERED = [str(status) for status in (ProcessStatus.PR, ProcessStatus.NT, ProcessStatus.RE)]

WAITING_FOR_A_PERSON = [*UNANSWERED, str(ProcessStatus.EE)]

LEVELS = [str(level) for level in Level]


def reaches(through: str, level: Level) -> bool:
    """Tell whether a run that stops after `through` includes a level."""
    return LEVELS.index(through) >= LEVELS.index(str(level))


def action_at_end() -> pl.Expr:
    """What becomes of an open, unanswered or faulty event whose window has ended (docs/rules.md §14.3).

    Shapes: reads window_action, must_end (coverage has to end by it) and elected_on.
    Source: rulings §1.5.
    """
    voids = pl.col("window_action") == str(WindowAction.VOID)
    return (
        pl.when(voids & pl.col("must_end"))
        .then(pl.lit(str(WindowAction.FINALIZE)))
        .when(voids & pl.col("elected_on").is_not_null())
        .then(pl.lit(str(WindowAction.HOLD)))
        .otherwise("window_action")
    )


def choose(
    events: pl.DataFrame,
    *,
    schedule_ids: list[int],
    is_finalizing: bool,
    through: str,
    worked: pl.DataFrame | None = None,
    preferred: int | None = None,
) -> pl.DataFrame:
    """Choose, per benefit record, the event a wave works on, and say of every first event why or why not.

    Shapes:  events are all events of some people with is_due, only_ends_coverage and is_guarded of their
             class; worked has the keys of those an earlier wave of the run worked on, which waits therefore.
             Adds place, is_first, work (prepare, validate, finalise, null) and waits_for (why not).
    An event that only ends coverage does not wait behind one that waits for a person, or is in error
    (rulings §1.2). The event of the number `preferred` of these schedules comes first, due or not
    (event-processing §5.7, on demand). The next event after one that waits for a person tries to pass it,
    unless its schedule keeps the strict order (`is_trying`): once it is decided, `passing.may_not_pass` says
    whether it may. An interrupted event whose turn has come back is prepared again by whichever run sees
    that, also one of another schedule (`is_ours` false: nothing else is done with it).
    """
    if preferred is not None:
        events = _with_preferred(events, schedule_ids, preferred)
    begun = pl.col("is_due") | pl.col("process_status").is_not_null()
    ordered = _in_place(events.filter(begun)).with_columns(
        _work(is_finalizing=is_finalizing, through=through)
    )
    ours = pl.col("schedule_id").is_in(schedule_ids)
    back = _has_its_turn_back() & pl.col("is_first")
    ready = (ours | back) & pl.col("is_due") & pl.col("work").is_not_null()
    ordered = _with_worked(ordered, worked).with_columns(is_ours=ours, is_ready=ready & ~pl.col("is_worked"))
    first_ready = pl.col("is_ready").filter(pl.col("is_first")).any().over(RECORD_KEY)
    waits = pl.col("process_status").is_in(WAITING_FOR_A_PERSON).fill_null(value=False)
    first_waits = waits.filter(pl.col("is_first")).any().over(RECORD_KEY)
    tries = _may_try(through) & first_waits
    passes = ~pl.col("is_first") & pl.col("is_ready") & ~first_ready & (pl.col("only_ends_coverage") | tries)
    first_pass = pl.int_range(pl.len()).over(*RECORD_KEY, "is_passing") == 0
    ordered = ordered.with_columns(is_passing=passes).with_columns(
        is_passing=pl.col("is_passing") & first_pass
    )
    return ordered.with_columns(
        is_trying=pl.col("is_passing") & ~pl.col("only_ends_coverage"),
        is_chosen=(pl.col("is_first") & pl.col("is_ready")) | pl.col("is_passing"),
        waits_for=_waits_for(ours),
    )


def _with_preferred(events: pl.DataFrame, schedule_ids: list[int], number: int) -> pl.DataFrame:
    """Mark the event asked for, which is due because it is."""
    is_it = pl.col("schedule_id").is_in(schedule_ids) & (pl.col("event_number") == number)
    return events.with_columns(is_preferred=is_it, is_due=pl.col("is_due") | is_it)


def _in_place(events: pl.DataFrame) -> pl.DataFrame:
    """Order the events of each benefit record, the one asked for before all others."""
    ordered = order_events(events)
    if "is_preferred" not in ordered.columns:
        return ordered
    first = ordered.sort(*RECORD_KEY, ~pl.col("is_preferred"), "place")
    place = pl.int_range(pl.len(), dtype=pl.Int32).over(RECORD_KEY)
    return first.with_columns(place=place, is_first=place == 0).drop("is_preferred")


def _with_worked(ordered: pl.DataFrame, worked: pl.DataFrame | None) -> pl.DataFrame:
    if worked is None or worked.is_empty():
        return ordered.with_columns(is_worked=pl.lit(value=False))
    marked = worked[[*EVENT_KEY]].unique().with_columns(is_worked=pl.lit(value=True))
    found = joined(ordered, marked, EVENT_KEY, how="left", maintain_order="left")
    return found.with_columns(pl.col("is_worked").fill_null(value=False))


@cache
def _may_try(through: str) -> pl.Expr:
    """Whether an event may try to pass the first one of its benefit record."""
    if not reaches(through, Level.ELECTIONS):
        return pl.lit(value=False)
    return (pl.col("place") == 1) & pl.col("process_status").is_null() & ~pl.col("is_strict_order")


def may_pass_next(chosen: pl.DataFrame) -> pl.DataFrame:
    """Name the benefit records with an event left that may pass the one a wave has just worked on."""
    tries = (pl.col("place") == 1) & ~pl.col("is_strict_order")
    left = (pl.col("only_ends_coverage") | tries) & pl.col("is_ready") & ~pl.col("is_chosen")
    able = chosen.filter(left)[list(RECORD_KEY)]
    if able.is_empty():
        return able
    return joined(able.unique(), where(chosen, "is_chosen"), RECORD_KEY, how="semi")


def interruptions(chosen: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Name the open events an earlier one interrupts, and the interrupted ones whose turn has come again.

    Shapes: chosen as `choose` answers it. Source: event-processing §5.7.
    """
    is_open = pl.col("event_status") == str(EventStatus.OPEN)
    interrupted = chosen.filter(~pl.col("is_first") & is_open)
    resumed = chosen.filter(
        pl.col("is_first")
        & ~is_open
        & pl.col("process_status").is_not_null()
        & ~pl.col("is_chosen")
        & pl.col("is_due")
    )
    return interrupted, resumed


def not_due_yet(events: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """Name the benefit records whose only unfinished events lie ahead."""
    left = without(events, chosen, RECORD_KEY)
    return order_events(left).filter("is_first") if left.height else left


@cache
def _work(*, is_finalizing: bool, through: str) -> pl.Expr:
    """What an event needs, if the run goes that far."""
    status = pl.col("process_status")
    finalizing = pl.lit(is_finalizing) | pl.col("finalize_requested")
    prepare = status.is_null() | status.is_in(TO_PREPARE) | _has_its_turn_back() | is_to_be_replayed()
    if reaches(through, Level.ELECTIONS):  # a run that went no further left it where nobody need answer
        prepare |= pl.col("is_unasked")
    if reaches(through, Level.ELECTIONS):
        validate = status.is_in(TO_VALIDATE)
        finalise = status.is_in(UNANSWERED) & finalizing
    else:
        validate = finalise = pl.lit(value=False)
    wanted = prepare if reaches(through, Level.PROGRAM) else pl.lit(value=False)
    return (
        pl.when(wanted)
        .then(pl.lit("prepare"))
        .when(validate)
        .then(pl.lit("validate"))
        .when(finalise)
        .then(pl.lit("finalise"))
        .alias("work")
    )


@cache
def _has_its_turn_back() -> pl.Expr:
    """Whether an event was put back after its options were prepared, so that they are prepared anew."""
    put_back = pl.col("event_status") == str(EventStatus.CLOSED)
    return put_back & pl.col("process_status").is_in(TO_PREPARE_AGAIN).fill_null(value=False)


def _waits_for(ours: pl.Expr) -> pl.Expr:
    """Why an event is not worked on, in words."""
    status = pl.col("process_status")
    return (
        pl.when(~pl.col("is_first"))
        .then(pl.lit("an earlier event"))
        .when(~ours)
        .then(pl.lit("another schedule"))
        .when(status.is_in(UNANSWERED))
        .then(pl.lit("an election"))
        .when(pl.col("work").is_null())
        .then(pl.lit("a later level"))
    )


def statuses_passed(before: pl.DataFrame) -> pl.DataFrame:
    """Spell out the single steps of each move, so that history shows every status passed through.

    Shapes:  one row per event with from_status (null: new), program_status, prepared_status, entered_status
             (elections replayed), final_status (null where a level was not reached), the event's key, steps,
             is_trying and is_passing; result: rows of these and from_status, to_status and step.
    """
    kept = before.select(*EVENT_KEY, "steps", "is_trying", "is_passing", chain=_chain())
    rows = kept.with_row_index("at").explode("chain").drop_nulls("chain")
    rows = with_neighbours(rows, ["at"], above={"previous": "chain"})
    moved = rows.filter(pl.col("chain") != pl.col("previous"))  # the first of an event has none before it
    place = pl.int_range(pl.len(), dtype=pl.Int32).over("at")
    return moved.select(
        *EVENT_KEY,
        "is_trying",
        "is_passing",
        step=(pl.col("steps") + place + 1).cast(pl.Int32),
        to_status="chain",
        from_status=pl.when(pl.col("previous") != "").then("previous"),
    )


@cache
def _chain() -> pl.Expr:
    """The statuses an event stood at, one after the other, with nulls for levels not reached."""
    levels = ("program_status", "prepared_status", "entered_status", "final_status")
    return pl.concat_list(pl.col("from_status").fill_null(""), *levels)


@cache
def event_status_of(status: str = "to_status", passing: str = "is_passing") -> pl.Expr:
    """An event is closed when final (or when it passed a waiting one), else open."""
    closed = pl.col(status).is_in(FINAL).fill_null(value=False) | pl.col(passing)
    return pl.when(closed).then(pl.lit(str(EventStatus.CLOSED))).otherwise(pl.lit(str(EventStatus.OPEN)))
