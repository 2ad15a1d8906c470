"""From activity to events, and which event comes first: pure decisions on columns.

Sources: event-processing §3.4, §4.3, §5; rulings §1.1, §1.2, §1.9, §2.1.
"""

from functools import cache

import polars as pl

from openbenefits.core.codes import FINAL_STATUSES, ActionSource, EventClassUse, EventStatus, ProcessIndicator
from openbenefits.core.columns import is_among, joined, where, without
from openbenefits.events.triggers import job_source, with_what_changed

ACTIVITY_KEY = ("client_id", "person_id", "benefit_record", "event_on", "source", "bas_action", "sequence")
EVENT_KEY = ("client_id", "person_id", "benefit_record", "schedule_id", "event_number")
RECORD_KEY = ("client_id", "person_id", "benefit_record")

PERSONAL_SOURCES = {"address": str(ActionSource.ADDRESS), "person": str(ActionSource.BENEFITS_PERSON)}
"""Facts about a person that are activity of every benefit record, under the default class."""

FINAL = [str(status) for status in FINAL_STATUSES]
PREPARED = ["PR", "NT", "ET", "EE", "RE"]
"""Not final, and no run decides it anew by itself until an answer comes, or its turn comes back."""
DECIDED_AGAIN = [
    str(one) for one in (ProcessIndicator.REPLAY, ProcessIndicator.ASSIGN, ProcessIndicator.PREPARE)
]
"""Indicators of an event that stands where it stood until a wave decides anew."""


FACT_PLACE = ("client_id", "person_id", "fact", "valid_from", "job_number", "sequence", "event_class")
"""What tells one fact of the feed from another, and is the same when it is corrected or deleted."""


def last_told(feed: pl.DataFrame, operation: str) -> pl.DataFrame:
    """Name the facts of the feed that were last inserted (I), or last deleted (D): a pair of both is neither.

    Shapes: feed as `frames.load_feed`, with id; a correction between them changes nothing of that.
    """
    if not (feed["operation"] == operation).any():
        return feed.clear()
    told = feed.filter(is_among("operation", ["I", "D"])).sort("id")
    last = told.unique(FACT_PLACE, keep="last", maintain_order=True)
    return where(last, last["operation"] == operation)


def activities_of(changes: pl.DataFrame, jobs: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Turn unread rows of the change feed into activity.

    Shapes:  changes as the feed (`fact`, `operation`, `valid_from`, `job_number`, `sequence`, `event_class`,
             `change_id`), inserts that trigger only; jobs has the present job rows with action, reason,
             benefit_record, union code, multi-job flags and, per row, `others_active` (another included job
             of the record is active that day); actions maps action and reason ('' = any) to bas_action.
    Source:  docs/rules.md §15.1; rulings §1.9: a job action means TER or HIR only if no other job of the
             record is active.
    """
    columns = [*ACTIVITY_KEY, "job_number", "reported_on", "change_id"]
    parts = [_personal(changes, jobs)]
    job_rows = where(changes, changes["fact"] == "job")
    if job_rows.height:
        keys = ["client_id", "person_id", "job_number", "valid_from", "sequence"]
        told = [
            "action",
            "reason",
            "benefit_record",
            "others_active",
            "is_union_changed",
            "are_flags_changed",
        ]
        job_rows = joined(job_rows, with_what_changed(jobs)[keys + told], keys)
        mapped = _mapped(job_rows, actions)
        parts.insert(0, mapped.with_columns(source=job_source(), reported_on=pl.lit(None, pl.Date)))
    rows = pl.concat(parts, how="diagonal_relaxed").with_columns(
        event_on=pl.col("valid_from"), sequence=pl.col("sequence").fill_null(0).cast(pl.Int16)
    )
    return rows[columns].unique(ACTIVITY_KEY, keep="first", maintain_order=True)


def _personal(changes: pl.DataFrame, jobs: pl.DataFrame) -> pl.DataFrame:
    """Turn facts about a person, and reported life events, into activity of every benefit record."""
    about = pl.col("fact").replace_strict(PERSONAL_SOURCES, default=None, return_dtype=pl.String)
    moved = changes.filter(is_among("fact", PERSONAL_SOURCES)).with_columns(
        bas_action=pl.lit(""), source=about, reported_on=pl.lit(None, pl.Date)
    )
    lived = where(changes, changes["fact"] == "life_event").with_columns(
        bas_action=pl.col("event_class"), source=pl.lit(str(ActionSource.MANUAL))
    )
    moved = _without_lived(moved, lived)
    records = jobs.group_by("client_id", "person_id", "benefit_record").agg(
        first_on=pl.col("valid_from").min()
    )
    personal = joined(pl.concat([moved, lived], how="diagonal"), records, ["client_id", "person_id"])
    return personal.filter(pl.col("valid_from") >= pl.col("first_on"))  # nobody takes part before a job


def _without_lived(moved: pl.DataFrame, lived: pl.DataFrame) -> pl.DataFrame:
    """Leave out the person rows of the day of a reported life event: they are that event."""
    day = ["client_id", "person_id", "valid_from"]
    reported = lived[day].unique().with_columns(fact=pl.lit("person"))
    return without(moved, reported, [*day, "fact"])


def _mapped(job_rows: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Add bas_action: that of the action and reason, else of the action, else the default class.

    Adds mapped_action too: what the action leads to, were no other job of the record active.
    """
    exact = actions.filter(pl.col("reason") != "").rename({"bas_action": "exact"})
    general = where(actions, actions["reason"] == "").select("action", general="bas_action")
    found = joined(
        joined(job_rows, exact[["action", "reason", "exact"]], ["action", "reason"], how="left"),
        general,
        "action",
        how="left",
    )
    action = pl.coalesce("exact", "general", pl.lit(""))
    hidden = action.is_in(["TER", "HIR"]) & pl.col("others_active")
    return found.with_columns(
        mapped_action=action, bas_action=pl.when(hidden).then(pl.lit("")).otherwise(action)
    )


def classify(activities: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
    """Add event_class_id and priority: the specific class of the action, else the default class.

    Missing: without exactly one default class, unmapped activity gets a null class (BA1007).
    """
    specific = where(classes, classes["use"] == str(EventClassUse.SPECIFIC)).select(
        bas_action="code", specific_id="event_class_id"
    )
    default = where(classes, classes["use"] == str(EventClassUse.DEFAULT))["event_class_id"]
    default_id = pl.lit(default[0] if default.len() == 1 else None, dtype=pl.Int32)
    found = joined(activities, specific, "bas_action", how="left", maintain_order="left").with_columns(
        event_class_id=pl.coalesce("specific_id", default_id)
    )
    priorities = classes[["event_class_id", "priority"]]
    found = found[[name for name in found.columns if name != "specific_id"]]
    return joined(found, priorities, "event_class_id", how="left", maintain_order="left")


def merge(activities: pl.DataFrame) -> pl.DataFrame:
    """Merge activity of one benefit record, day and class into one event each.

    The first by sequence, source and job number gives source and report day (event-processing §5.5).
    """
    ordered = activities.sort(
        *RECORD_KEY, "event_on", "event_class_id", "sequence", "source", "job_number", nulls_last=True
    )
    return ordered.group_by(*RECORD_KEY, "event_on", "event_class_id", maintain_order=True).agg(
        pl.col("priority", "source").first(),
        pl.col("reported_on").drop_nulls().min(),
        pl.col("recorded_on").drop_nulls().min(),
        is_multi_activity=pl.len() > 1,
    )


FACT_FLAGS = {"address": "address_changed_on", "job": "job_changed_on"}
"""Which flag a corrected fact sets; any other fact sets person_changed_on."""
SEVERAL_JOBS = "jobs_changed_on"
SOURCE_FLAGS = {
    str(ActionSource.ADDRESS): "address_changed_on",
    str(ActionSource.JOB): "job_changed_on",
    str(ActionSource.UNION): "job_changed_on",
    str(ActionSource.EXPLODED): "job_changed_on",
    str(ActionSource.MULTI_JOB): SEVERAL_JOBS,
}
"""Which flag activity of a source sets that joins an event; any other sets person_changed_on."""
CHANGED_DAYS = (*FACT_FLAGS.values(), SEVERAL_JOBS, "person_changed_on")
FLAG_DAYS = (*CHANGED_DAYS, "disconnected_on", "out_of_sequence_on")
"""The flags of an event, each with the day on which it was set (entities §4)."""


def flagged_days(relying: pl.DataFrame, jobs: pl.DataFrame) -> pl.DataFrame:
    """Say on which day events that relied on corrected facts are flagged, by what was corrected.

    Shapes: relying as `relying_on`, with CHANGED_DAYS as they stand; jobs the present job rows. The result
            has the event's key and CHANGED_DAYS: the day the correction became known, the latest of several.
    """
    several = jobs.group_by(RECORD_KEY).agg(jobs=pl.col("job_number").n_unique())
    rows = joined(relying, several, RECORD_KEY, how="left")
    flag = pl.col("fact").replace_strict(FACT_FLAGS, default="person_changed_on", return_dtype=pl.String)
    is_several = (pl.col("fact") == "job") & (pl.col("jobs") > 1).fill_null(value=False)
    rows = rows.with_columns(
        flag=pl.when(is_several).then(pl.lit(SEVERAL_JOBS)).otherwise(flag), day=pl.col("made_at").dt.date()
    )
    return rows.group_by(EVENT_KEY).agg(
        pl.max_horizontal(pl.col(name).first(), pl.col("day").filter(pl.col("flag") == name).max()).alias(
            name
        )
        for name in CHANGED_DAYS
    )


def relying_on(events: pl.DataFrame, changed: pl.DataFrame, jobs: pl.DataFrame) -> pl.DataFrame:
    """Pair events with the corrected or deleted facts they may have been decided from.

    Shapes:  changed are rows of the feed (fact, operation, valid_from, job_number, made_at); jobs the present
             job rows. Answers rows of events with fact, operation, valid_from and made_at.
    A job row counts until the next row of that job; other facts count for every event from their day on. What
    became final after the fact was recorded was decided from it.
    """
    person = ["client_id", "person_id"]
    facts = changed.select(*person, "fact", "operation", "valid_from", "job_number", "made_at").unique()
    following = (
        jobs.select(*person, "job_number", next_on="valid_from")
        .join(
            facts.filter(fact="job").select(*person, "job_number", "valid_from"),
            on=[*person, "job_number"],
        )
        .filter(pl.col("next_on") > pl.col("valid_from"))
        .group_by(*person, "job_number", "valid_from")
        .agg(pl.col("next_on").min())
    )
    facts = joined(facts, following, [*person, "job_number", "valid_from"], how="left")
    pairs = joined(events, facts.drop("job_number"), person)
    begun = pl.col("event_on") >= pl.col("valid_from")
    in_force = begun & (pl.col("event_on") < pl.col("next_on")).fill_null(value=True)
    knew = (pl.col("process_status").is_in(FINAL) & (pl.col("status_at") > pl.col("made_at"))).fill_null(
        value=False
    )
    return pairs.filter(in_force & ~knew).drop("next_on")


def overtaken(events: pl.DataFrame, finished: pl.DataFrame) -> pl.DataFrame:
    """Name the events that were final before others of an earlier place became so (event-processing §5.8).

    Shapes: events as they stood before; finished has the event's key, event_on and priority. Events to be
            decided again are not among the answer: their turn comes after.
    """
    place = ["event_on", "priority", "event_number"]
    first = finished.sort(*RECORD_KEY, *place).unique(list(RECORD_KEY), keep="first")
    first = first.select(
        *RECORD_KEY, first_on="event_on", first_priority="priority", first_number="event_number"
    )
    standing = pl.col("event_status").is_in([str(EventStatus.OPEN), str(EventStatus.CLOSED)])
    final = events.filter(pl.col("process_status").is_in(FINAL) & ~is_to_be_replayed() & standing)
    pairs = joined(without(final, finished, EVENT_KEY), first, RECORD_KEY)
    same_day = pl.col("event_on") == pl.col("first_on")
    same_place = same_day & (pl.col("priority") == pl.col("first_priority"))
    is_later = (
        (pl.col("event_on") > pl.col("first_on"))
        | (same_day & (pl.col("priority") > pl.col("first_priority")))
        | (same_place & (pl.col("event_number") > pl.col("first_number")))
    )
    return pairs.filter(is_later)[[*EVENT_KEY]]


@cache
def is_unfinished(status: str = "process_status") -> pl.Expr:
    """Whether an event has something to do: not final (or to be decided again), not void or disconnected."""
    gone = [str(EventStatus.VOID), str(EventStatus.DISCONNECTED)]
    is_final = pl.col(status).is_in(FINAL).fill_null(value=False)
    return (~is_final | is_to_be_replayed()) & ~pl.col("event_status").is_in(gone)


@cache
def is_to_be_replayed(indicator: str = "process_indicator") -> pl.Expr:
    """Whether what an event produced was taken back, so that it is to be decided again (decision 0012)."""
    return pl.col(indicator).is_in(DECIDED_AGAIN).fill_null(value=False)


@cache
def is_replayed_as_answered() -> pl.Expr:
    """Whether an event is decided again with the elections there are; A and P ask for new ones."""
    return pl.col("process_indicator") == str(ProcessIndicator.REPLAY)


@cache
def is_taken_back() -> pl.Expr:
    """Whether the making of an event was taken back, so that the next run makes it anew."""
    return pl.col("process_indicator") == str(ProcessIndicator.TAKEN_BACK)


def order_events(events: pl.DataFrame) -> pl.DataFrame:
    """Order the unfinished events of each benefit record and mark who is first.

    Adds place (0 = first, by date, priority, number) and is_first.
    Source: event-processing §5.4.
    """
    unfinished = events.filter(is_unfinished()) if events.height else events
    if unfinished.is_empty():
        return unfinished.with_columns(place=pl.lit(None, pl.Int32), is_first=pl.lit(None, pl.Boolean))
    unfinished = unfinished.sort(*RECORD_KEY, "event_on", "priority", "event_number", "schedule_id")
    place = pl.int_range(pl.len(), dtype=pl.Int32).over(RECORD_KEY)
    return unfinished.with_columns(place=place).with_columns(is_first=pl.col("place") == 0)


def is_due(as_of: pl.Expr) -> pl.Expr:
    """Whether an event may be processed (rulings §1.1).

    On its day, so many days ahead as its class allows, or once the window of its schedule has opened.
    """
    ahead = pl.duration(days=pl.col("process_ahead_days"))
    is_open = (pl.col("schedule_window_begins_on") <= as_of).fill_null(value=False)
    return (pl.col("event_on") <= as_of + ahead) | is_open


def window(classes_joined: pl.DataFrame) -> pl.DataFrame:
    """Set window_begins_on and window_ends_on (the last day for elections) where they are not set yet.

    Shapes:  event_on, reported_on, recorded_on, option_notified_on, window_begins_on, window_ends_on (null:
             not set), window_days, window_start, and the schedule's own window (schedule_window_begins_on,
             schedule_window_ends_on; null: the class decides).
    Source:  rulings §1.5.
    """
    return classes_joined.with_columns(**_window())


@cache
def _window() -> dict[str, pl.Expr]:
    start = (
        pl.when(pl.col("window_start") == "notice")
        .then(pl.col("option_notified_on"))  # not before the notice is given
        .when(pl.col("window_start") == "entry")
        .then(pl.coalesce("reported_on", "recorded_on", "event_on"))
        .otherwise(pl.col("event_on"))
    )
    begins = pl.coalesce("schedule_window_begins_on", start)
    ends = pl.coalesce("schedule_window_ends_on", start + pl.duration(days=pl.col("window_days")))
    return {
        "window_begins_on": pl.coalesce("window_begins_on", begins),
        "window_ends_on": pl.coalesce("window_ends_on", ends),
    }
