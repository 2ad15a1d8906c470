"""Use cases of the event machine: detect activity, create events, move statuses, write messages.

Every function works inside the caller's transaction, after the caller has locked the people.
"""

from datetime import date, datetime
from typing import Any

import polars as pl
from psycopg import sql

from openbenefits.core.codes import ActionSource, EventStatus, ProcessIndicator
from openbenefits.core.columns import in_types, joined, without
from openbenefits.core.days import instant
from openbenefits.events import activity, frames, models, rules, taking_back, terms, triggers
from openbenefits.events.steps import record_steps
from openbenefits.store.bulk import copy_in, merge_in, schema_of, staged, update_from
from openbenefits.store.catalogue import execute, psycopg_connection
from openbenefits.workforce.frames import load_jobs

ACTIVE = ("A", "L", "P")


def detect_activity(
    connection: Any, people: pl.DataFrame, actions: pl.DataFrame, *, run_id: int, floor: date, now: datetime
) -> int:
    """Read the change feed on, and write the activity it means; answer how many rows.

    An inserted fact becomes activity; a corrected one flags the events of its day; a deleted job row
    disconnects the unfinished events it caused (event-processing §3.4). A fact that comes back on the same
    day gives its void event back. Changes before `floor`, the day benefits administration starts, trigger
    nothing.
    """
    feed = frames.load_feed(connection, people)
    if feed.is_empty():
        return 0
    jobs = with_others_active(load_known_jobs(connection, people))
    inserted = rules.last_told(feed, "I").filter(pl.col("is_trigger") & (pl.col("valid_from") >= floor))
    activities = rules.activities_of(inserted, jobs, actions)
    columns = schema_of(models.Activity)
    rows = activities.with_columns(schedule_id=pl.lit(None), event_number=pl.lit(None), run_id=pl.lit(None))
    _reconnect(connection, activities, people, run_id=run_id, now=now)
    merge_in(connection, "events_activity", _as_stored(rows, columns), rules.ACTIVITY_KEY, [])
    _flag_changed(connection, feed, people, jobs)
    activity.follow_facts(connection, feed, people)
    read = feed.select("id", consumed_by_run=pl.lit(run_id, pl.Int64))
    update_from(connection, "workforce_factchange", read, ["id"], ["consumed_by_run"])
    return activities.height


def load_known_jobs(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load the job rows of some people as triggers look at them, with their client."""
    clients = people[["client_id", "person_id"]].unique()
    return joined(load_jobs(connection, people, more=("is_for_eligibility",)), clients, "person_id")


def _reconnect(
    connection: Any, activities: pl.DataFrame, people: pl.DataFrame, *, run_id: int, now: datetime
) -> None:
    """Give void and disconnected events back whose fact has come back; the new change is their cause."""
    if activities.is_empty():
        return
    known = frames.load_consumed_activity(connection, people)
    back = joined(activities, known, rules.ACTIVITY_KEY)
    if back.is_empty():
        return
    update_from(
        connection,
        "events_activity",
        back[[*rules.ACTIVITY_KEY, "change_id"]],
        rules.ACTIVITY_KEY,
        ["change_id"],
    )
    gone = [str(EventStatus.VOID), str(EventStatus.DISCONNECTED)]
    events = frames.load_events(connection, people).filter(pl.col("event_status").is_in(gone))
    events = joined(events, back[[*rules.EVENT_KEY]].unique(), rules.EVENT_KEY, how="semi")
    order_replay(connection, events, cause="its fact came back", run_id=run_id, actor="system", now=now)


def write_activity(connection: Any, activities: pl.DataFrame, *, run_id: int | None = None) -> int:
    """Write activity that does not come from the change feed; what is there already stays as it is.

    `run_id` is the run that found it due; it may be taken back.
    """
    rows = activities.with_columns(
        job_number=pl.lit(None),
        reported_on=pl.lit(None),
        change_id=pl.lit(None),
        schedule_id=pl.lit(None),
        event_number=pl.lit(None),
        run_id=pl.lit(run_id, pl.Int64),
    )
    columns = schema_of(models.Activity)
    return merge_in(connection, "events_activity", _as_stored(rows, columns), rules.ACTIVITY_KEY, [])


def request_finalize(connection: Any, events: pl.DataFrame) -> None:
    """Order that the next run finalises some events with what is elected, and defaults for the rest."""
    rows = events.select(*rules.EVENT_KEY, finalize_requested=pl.lit(value=True))
    if rows.height:
        update_from(connection, "events_event", rows, rules.EVENT_KEY, ["finalize_requested"])


def void_events(
    connection: Any, events: pl.DataFrame, *, cause: str, run_id: int | None, actor: str, now: datetime
) -> None:
    """Void events of which nothing was posted: as if they had never occurred.

    Shapes: events has the event's key, process_status and steps.
    """
    if events.is_empty():
        return
    moves = events.with_columns(to_status="process_status", to_event_status=pl.lit(str(EventStatus.VOID)))
    move_events(connection, moves, cause=cause, run_id=run_id, actor=actor, now=now)


def flag_overtaken(connection: Any, events: pl.DataFrame, finished: pl.DataFrame, *, now: datetime) -> None:
    """Flag the final events of a later day than events that have just become final: out of sequence.

    Shapes: events are all events of the people as they stood before; finished has the event's key.
    """
    if finished.is_empty():
        return
    overtaken = rules.overtaken(events, finished)
    if overtaken.height:
        rows = overtaken.select(
            *rules.EVENT_KEY, is_out_of_sequence=pl.lit(value=True), out_of_sequence_on=pl.lit(now.date())
        )
        columns = ["is_out_of_sequence", "out_of_sequence_on"]
        update_from(connection, "events_event", rows, rules.EVENT_KEY, columns)


REPLAYED = pl.lit(str(ProcessIndicator.REPLAY))


def order_replay(
    connection: Any,
    events: pl.DataFrame,
    *,
    cause: str,
    run_id: int | None,
    actor: str,
    now: datetime,
    indicator: pl.Expr = REPLAYED,
) -> None:
    """Ask that events be decided again: closed, to be picked when their turn comes; void ones come back.

    Shapes: events has the event's key, process_status and steps. Their process status stays until a wave
            decides anew; what they posted must have been taken back. `indicator` says of each event how:
            as it was answered (L), or A or P, which ask for new elections too: those there are must have
            been withdrawn.
    """
    if events.is_empty():
        return
    moves = events.with_columns(to_status="process_status", to_event_status=pl.lit(str(EventStatus.CLOSED)))
    move_events(connection, moves, cause=cause, run_id=run_id, actor=actor, now=now)
    asked = events.select(*rules.EVENT_KEY, process_indicator=indicator)
    update_from(connection, "events_event", asked, rules.EVENT_KEY, ["process_indicator"])


def keep_as_it_is(connection: Any, events: pl.DataFrame, *, reason: str, actor: str, now: datetime) -> None:
    """Clear the flags of events somebody looked at; the reason is a step of their history.

    Shapes: events has the event's key, process_status, event_status and steps.
    """
    if events.is_empty():
        return
    moves = events.with_columns(to_status="process_status", to_event_status="event_status")
    move_events(connection, moves, cause=f"kept as it is: {reason}", run_id=None, actor=actor, now=now)
    flags = ["is_eligibility_changed", "is_out_of_sequence"]
    days = [name for name in rules.FLAG_DAYS if name != "disconnected_on"]
    cleared = events.select(
        *rules.EVENT_KEY,
        *(pl.lit(value=False).alias(name) for name in flags),
        *(pl.lit(None, pl.Date).alias(name) for name in days),
    )
    update_from(connection, "events_event", cleared, rules.EVENT_KEY, [*flags, *days])


def set_finalized(connection: Any, events: pl.DataFrame) -> None:
    """Say of events whether an order finalised them, and whether the next run is to: `is_finalized` and
    `finalize_requested` of the frame.
    """
    columns = ["is_finalized", "finalize_requested"]
    update_from(
        connection, "events_event", events.select(*rules.EVENT_KEY, *columns), rules.EVENT_KEY, columns
    )


def keep_programs(connection: Any, events: pl.DataFrame) -> None:
    """Say since when events keep their program, whatever the rules say now (null: they do not).

    Shapes: events has the event's key and program_kept_on.
    """
    column = ["program_kept_on"]
    update_from(connection, "events_event", events.select(*rules.EVENT_KEY, *column), rules.EVENT_KEY, column)


def redate_events(connection: Any, events: pl.DataFrame) -> None:
    """Move events to another day; their windows, and their programs, are found anew.

    Shapes: events has the event's key and event_on, the new day.
    """
    if events.is_empty():
        return
    rows = events.select(
        *rules.EVENT_KEY,
        "event_on",
        window_begins_on=pl.lit(None, pl.Date),
        window_ends_on=pl.lit(None, pl.Date),
        program_kept_on=pl.lit(None, pl.Date),
    )
    columns = ["event_on", "window_begins_on", "window_ends_on", "program_kept_on"]
    update_from(connection, "events_event", rows, rules.EVENT_KEY, columns)


def with_others_active(jobs: pl.DataFrame) -> pl.DataFrame:
    """Add others_active: another job of the benefit record is active on the day of the row."""
    key = ["client_id", "person_id", "benefit_record"]
    several = jobs.group_by(key).agg(jobs=pl.col("job_number").n_unique()).filter(pl.col("jobs") > 1)
    if several.is_empty():
        return jobs.with_columns(others_active=pl.lit(value=False))
    shared = joined(jobs, several, key, how="semi")
    pairs = joined(
        shared[[*key, "job_number", "valid_from", "sequence"]],
        shared.select(
            *key,
            other="job_number",
            other_from="valid_from",
            other_status="job_status",
            other_sequence="sequence",
        ),
        key,
    )
    standing = pairs.filter(
        (pl.col("other") != pl.col("job_number")) & (pl.col("other_from") <= pl.col("valid_from"))
    )
    row = [*key, "job_number", "valid_from", "sequence"]
    latest = standing.sort("other_from", "other_sequence").unique([*row, "other"], keep="last")
    active = latest.filter(pl.col("other_status").is_in(ACTIVE)).select(row).unique()
    return joined(jobs, active.with_columns(others_active=True), row, how="left").with_columns(
        pl.col("others_active").fill_null(value=False)
    )


def _flag_changed(connection: Any, feed: pl.DataFrame, people: pl.DataFrame, jobs: pl.DataFrame) -> None:
    """Flag events that relied on a corrected fact; disconnect unfinished ones whose job row is gone."""
    changed = feed.filter(pl.col("operation").is_in(["C", "D"]))
    entered = feed.filter(fact="person", operation="I")
    if entered.height:
        changed = pl.concat([changed, triggers.redated(entered, frames.load_dates(connection, people))])
    if changed.is_empty():
        return
    events = frames.load_events(connection, people)
    relying = rules.relying_on(events, changed, jobs)
    flagged = rules.flagged_days(relying, jobs).with_columns(is_eligibility_changed=pl.lit(value=True))
    columns = ["is_eligibility_changed", *rules.CHANGED_DAYS]
    update_from(connection, "events_event", flagged, rules.EVENT_KEY, columns)
    by_job_row = pl.col("source").is_in([*triggers.JOB_SOURCES, str(ActionSource.EXPLODED)])
    caused = (pl.col("fact") == "job") & by_job_row
    caused &= pl.col("event_on") == pl.col("valid_from")
    gone = relying.filter((pl.col("operation") == "D") & caused).filter(rules.is_unfinished())
    disconnected = gone.group_by(rules.EVENT_KEY).agg(
        event_status=pl.lit(str(EventStatus.DISCONNECTED)), disconnected_on=pl.col("made_at").max().dt.date()
    )
    columns = ["event_status", "disconnected_on"]
    update_from(connection, "events_event", disconnected, rules.EVENT_KEY, columns)


def create_events(
    connection: Any, people: pl.DataFrame, classes: pl.DataFrame, *, schedule_id: int, now: datetime
) -> pl.DataFrame:
    """Turn waiting activity into events of an event-maintenance schedule; answer the new events.

    Activity of the day and class of an unfinished event merges into it (event-processing §5.6), and flags it
    if facts came after its options were prepared. What the terms of its class hold back goes on waiting
    (docs/rules.md §15.4).
    """
    waiting = frames.load_waiting_activity(connection, people)
    if waiting.is_empty():
        return pl.DataFrame()
    unread = waiting[[name for name in waiting.columns if name not in ("schedule_id", "event_number")]]
    classified = rules.classify(unread, classes).filter(pl.col("event_class_id").is_not_null())
    classified = terms.with_why_held(classified, classes).filter(pl.col("why_held").is_null())
    classified = _with_copies(connection, classified, classes, people)
    merged = rules.merge(classified)
    key = [*rules.RECORD_KEY, "event_on", "event_class_id"]
    events = frames.load_events(connection, people, {*rules.EVENT_KEY, *key, *_STANDING})
    place = ["schedule_id", "event_number"]
    known = joined(merged, events.filter(rules.is_unfinished())[[*key, *place, "process_status"]], key)
    fresh = without(merged, known, key)
    again = _made_anew(connection, fresh, events, [*key, "schedule_id"], schedule_id, now=now)
    numbered = _numbered(connection, without(fresh, again, key), people, schedule_id)
    _insert_events(connection, numbered, now)
    _flag_joined(connection, known, classified, key, now)
    homes = pl.concat([rows[[*key, *place]] for rows in (numbered, known, again)])
    consumed = joined(classified, homes, key)[[*rules.ACTIVITY_KEY, *place]]
    update_from(connection, "events_activity", consumed, rules.ACTIVITY_KEY, place)
    return numbered


_STANDING = ("process_status", "event_status", "process_indicator", "steps")
"""What new events look at of those there are, beside their place."""


def _flag_joined(
    connection: Any, known: pl.DataFrame, classified: pl.DataFrame, key: list[str], now: datetime
) -> None:
    """Flag events that activity has joined: of several activities, and of facts that came afterwards."""
    if known.is_empty():
        return
    _flag_multiple(connection, known)
    facts = classified.filter(pl.col("source") != str(ActionSource.MANUAL))
    facts = facts.select(*key, came_by="source").unique()
    _flag_prepared(connection, joined(known, facts, key), now)


def _made_anew(
    connection: Any,
    fresh: pl.DataFrame,
    events: pl.DataFrame,
    key: list[str],
    schedule_id: int,
    *,
    now: datetime,
) -> pl.DataFrame:
    """Make the events anew that a run made before it was taken back; answer them, with fresh's columns."""
    gone = events.filter(rules.is_taken_back())[[*key, "event_number", "steps"]]
    again = joined(fresh.with_columns(schedule_id=pl.lit(schedule_id, pl.Int32)), gone, key)
    taking_back.revive(connection, again, actor="system", now=now)
    return again


def _with_copies(
    connection: Any, classified: pl.DataFrame, classes: pl.DataFrame, people: pl.DataFrame
) -> pl.DataFrame:
    """Add, and write, the copies for other benefit records where a class asks for them."""
    if classified.is_empty() or not classes["is_copied_to_other_records"].any():
        return classified
    added = triggers.copies(classified, classes, load_known_jobs(connection, people))
    if added.is_empty():
        return classified
    rows = added.with_columns(schedule_id=pl.lit(None), event_number=pl.lit(None), run_id=pl.lit(None))
    columns = schema_of(models.Activity)
    merge_in(connection, "events_activity", _as_stored(rows, columns), rules.ACTIVITY_KEY, [])
    return pl.concat([classified, added])


def create_period_events(
    connection: Any, people: pl.DataFrame, schedule: dict[str, Any], *, now: datetime
) -> int:
    """Open the event 0 of an open enrolment or a snapshot for those who have none yet."""
    schedule_id = schedule["schedule_id"]
    known = frames.load_of_schedule(connection, people, schedule_id)
    records = people.select(rules.RECORD_KEY)
    missing = joined(records, known, rules.RECORD_KEY, how="anti")
    gone = joined(records, known.filter(rules.is_taken_back()), rules.RECORD_KEY, how="semi")
    if gone.height:
        events = frames.load_events(connection, gone).filter(rules.is_taken_back(), schedule_id=schedule_id)
        again = joined(events, gone, rules.RECORD_KEY, how="semi")
        again = again.with_columns(event_on=pl.lit(schedule["period_begins_on"]))
        taking_back.revive(connection, again, actor="system", now=now)
    source = ActionSource.OPEN_ENROLLMENT if schedule["kind"] == "O" else ActionSource.SNAPSHOT
    rows = missing.with_columns(
        event_on=pl.lit(schedule["period_begins_on"]),
        event_class_id=pl.lit(schedule["event_class_id"], pl.Int32),
        priority=pl.lit(schedule["priority"], pl.Int16),
        source=pl.lit(str(source)),
        reported_on=pl.lit(None, pl.Date),
        recorded_on=pl.lit(None, pl.Date),
        is_multi_activity=pl.lit(value=False),
        schedule_id=pl.lit(schedule_id, pl.Int32),
        event_number=pl.lit(0, pl.Int32),
    )
    _insert_events(connection, rows, now)
    return rows.height


def _numbered(connection: Any, rows: pl.DataFrame, people: pl.DataFrame, schedule_id: int) -> pl.DataFrame:
    """Give new events of a schedule the next numbers of their benefit record, by date and priority."""
    highest = frames.load_highest_numbers(connection, people)
    ordered = joined(
        rows.sort(*rules.RECORD_KEY, "event_on", "priority"),
        highest,
        rules.RECORD_KEY,
        how="left",
        maintain_order="left",
    )
    place = pl.int_range(pl.len()).over(rules.RECORD_KEY)
    return ordered.with_columns(
        event_number=(pl.col("highest").fill_null(0) + place + 1).cast(pl.Int32),
        schedule_id=pl.lit(schedule_id, pl.Int32),
    )


def _insert_events(connection: Any, rows: pl.DataFrame, now: datetime) -> None:
    """Write new events: closed, nothing decided yet."""
    stamped = rows.with_columns(
        event_status=pl.lit(str(EventStatus.CLOSED)),
        status_at=instant(now),
        process_indicator=pl.lit("N"),
        finalize_requested=pl.lit(value=False),
        is_finalized=pl.lit(value=False),
        preparation=pl.lit(0, pl.Int32),
        is_out_of_sequence=pl.lit(value=False),
        is_eligibility_changed=pl.lit(value=False),
        steps=pl.lit(0, pl.Int32),
    )
    columns = {name: kind for name, kind in schema_of(models.Event).items() if name in stamped.columns}
    copy_in(connection, "events_event", _as_stored(stamped, columns))


def _flag_multiple(connection: Any, known: pl.DataFrame) -> None:
    rows = known.select(*rules.EVENT_KEY, is_multi_activity=pl.lit(value=True)).unique()
    if rows.height:
        update_from(connection, "events_event", rows, rules.EVENT_KEY, ["is_multi_activity"])


def _flag_prepared(connection: Any, known: pl.DataFrame, now: datetime) -> None:
    """Flag events whose options were prepared before facts of their own day came.

    Shapes: known has the columns of an event and came_by, the source of what came.
    """
    rows = known.filter(pl.col("process_status").is_in(rules.PREPARED)).with_columns(
        flag=pl.col("came_by").replace_strict(
            rules.SOURCE_FLAGS, default="person_changed_on", return_dtype=pl.String
        )
    )
    for (flag,), some in rows.group_by("flag"):
        marks = {"is_eligibility_changed": pl.lit(value=True), str(flag): pl.lit(now.date())}
        flagged = some.select(*rules.EVENT_KEY, **marks).unique()
        update_from(connection, "events_event", flagged, rules.EVENT_KEY, list(marks))


def move_events(
    connection: Any, moves: pl.DataFrame, *, cause: str, run_id: int | None, actor: str, now: datetime
) -> None:
    """Move events to another process status (and event status) in one step, with history.

    Shapes: moves has the event's key, process_status (now), to_status, to_event_status, steps.
    """
    record_steps(
        connection,
        moves.select(
            *rules.EVENT_KEY,
            step=(pl.col("steps") + 1).cast(pl.Int32),
            from_status="process_status",
            to_status="to_status",
            event_status="to_event_status",
            cause=pl.lit(cause),
        ),
        run_id=run_id,
        actor=actor,
        now=now,
    )
    rows = moves.select(
        *rules.EVENT_KEY,
        process_status="to_status",
        event_status="to_event_status",
        status_at=instant(now),
        steps=(pl.col("steps") + 1).cast(pl.Int32),
        disconnected_on=pl.when(pl.col("to_event_status") == str(EventStatus.DISCONNECTED)).then(
            pl.lit(now.date())
        ),
    )
    columns = ["process_status", "event_status", "status_at", "steps", "disconnected_on"]
    update_from(connection, "events_event", rows, rules.EVENT_KEY, columns)


def replace_messages(connection: Any, messages: pl.DataFrame, events: pl.DataFrame, *, run_id: int) -> None:
    """Write the messages of events just processed; their earlier ones are no longer current.

    Shapes: messages has the event's key and the columns of a message; events the keys processed.
    """
    mark_read(connection, events, run_id=run_id)
    numbered = messages.with_columns(
        run_id=pl.lit(run_id, pl.Int64),
        is_current=pl.lit(value=True),
        number=pl.int_range(pl.len(), dtype=pl.Int32).over(rules.EVENT_KEY) + 1,
    )
    merge_in(
        connection,
        "events_message",
        _as_stored(numbered, schema_of(models.Message)),
        ["client_id", "run_id", "person_id", "benefit_record", "schedule_id", "event_number", "number"],
        ["code", "severity", "plan_type", "option_id", "dependent_id", "expected", "found", "is_current"],
    )


def mark_read(connection: Any, events: pl.DataFrame, *, run_id: int) -> None:
    """Say of the messages earlier runs wrote for some events that they are no longer current."""
    session = psycopg_connection(connection)
    keys = events[[*rules.EVENT_KEY]].unique()
    with staged(session, "events_event", keys) as wanted:
        execute(
            session,
            """UPDATE events_message AS m SET is_current = false FROM {wanted} AS e
            WHERE m.client_id = e.client_id AND m.person_id = e.person_id
              AND m.benefit_record = e.benefit_record AND m.schedule_id = e.schedule_id
              AND m.event_number = e.event_number AND m.is_current AND m.run_id <> {run_id}""",
            wanted=wanted,
            run_id=sql.Literal(run_id),
        )


def _as_stored(rows: pl.DataFrame, columns: dict[str, pl.DataType]) -> pl.DataFrame:
    return in_types(rows, columns)
