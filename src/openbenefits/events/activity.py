"""Activity in review: what waits, and what somebody does about it, with a reason (docs/rules.md §15).

An act is written once and never changed. Whoever acts locks the person first.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction
from psycopg import sql

from openbenefits.core.codes import ActionSource, ActivityActKind, EventStatus, ProcessStatus
from openbenefits.events import frames, models, rules, terms, triggers
from openbenefits.programs.frames import load_setup
from openbenefits.programs.models import Bundle
from openbenefits.store.bulk import copy_out, staged, update_from
from openbenefits.store.catalogue import execute, psycopg_connection
from openbenefits.store.locks import lock_rows
from openbenefits.workforce.frames import load_jobs

PROOF_MISSING = "BA1008"
EVERYBODY = """
SELECT DISTINCT client_id, person_id FROM events_activity WHERE client_id = %s AND event_number IS NULL
"""


class ActivityRefused(ValueError):
    """An act about activity that may not be: what was expected, what was found, what to do."""


@dataclass(frozen=True, kw_only=True)
class ActivityPlace:
    """Which activity: participant, benefit record, day, source, what was stated, and order of the day."""

    client_id: int
    person_id: int
    event_on: date
    bas_action: str
    source: str = str(ActionSource.MANUAL)
    benefit_record: int = 0
    sequence: int = 0

    def key(self) -> dict[str, Any]:
        """Answer the columns that identify it."""
        return {name: getattr(self, name) for name in rules.ACTIVITY_KEY}


def waiting_activity(connection: Any, client_id: int) -> pl.DataFrame:
    """List a client's activity that has not become an event, by day.

    Shapes: the activity's key, event_class (what it would be; null: BA1007), reported_on, recorded_on,
            last_day (to report it), why_held (null: the next run of event maintenance takes it).
    """
    people = copy_out(connection, EVERYBODY, {"client_id": pl.Int32, "person_id": pl.Int64}, [client_id])
    classes = load_setup(connection, [client_id])["event_class"]
    found = rules.classify(frames.load_waiting_activity(connection, people), classes)
    codes = classes.select("event_class_id", event_class="code")
    held = terms.with_why_held(found, classes).join(codes, on="event_class_id", how="left")
    return held[
        [*rules.ACTIVITY_KEY, "event_class", "reported_on", "recorded_on", "last_day", "why_held"]
    ].sort("event_on", *rules.ACTIVITY_KEY)


def enter_activity(
    connection: Any, place: ActivityPlace, *, reason: str, author: str, now: datetime
) -> models.ActivityAct:
    """Enter an activity by hand; `bas_action` is the code of its event class.

    Errors: ActivityRefused for a class that does not exist or may not be entered by hand, a day without a job
            of the benefit record or before the client's start, activity that waits or was an event already,
            no reason, no author, people a run is working on.
    """
    _refuse_unsaid(reason, author)
    with transaction.atomic(using=connection.alias):
        _lock(connection, place)
        _refuse_class(connection, place)
        _refuse_day(connection, place)
        known = _stored(connection, place).first()
        if known is not None and known.event_number is not None:
            message = (
                f"expected activity that is new, found event {known.event_number} made of it; see that event"
            )
            raise ActivityRefused(message)
        if known is not None and not _is_deleted(connection, place):
            message = "expected activity that is new, found the same waiting already; admit it if it is held"
            raise ActivityRefused(message)
        if known is None:
            models.Activity.objects.using(connection.alias).create(**place.key())
        return _act(connection, place, ActivityActKind.ENTER, reason, author, now)


def delete_activity(
    connection: Any, place: ActivityPlace, *, reason: str, author: str, now: datetime
) -> models.ActivityAct:
    """Take an activity out before it becomes an event: it waits no more, and the act says why.

    Errors: ActivityRefused for activity that does not wait, no reason, no author, people a run works on.
    """
    return _about_waiting(connection, place, ActivityActKind.DELETE, reason, author, now)


def admit_activity(
    connection: Any, place: ActivityPlace, *, reason: str, author: str, now: datetime
) -> models.ActivityAct:
    """Let a report that is held become an event all the same.

    Errors: ActivityRefused for activity that does not wait or is not held, no reason, no author, people a run
            works on.
    """
    return _about_waiting(connection, place, ActivityActKind.ADMIT, reason, author, now)


def prove_activity(
    connection: Any, place: ActivityPlace, *, reason: str, author: str, now: datetime
) -> models.ActivityAct:
    """Record that the proof of a reported life event was seen; `reason` says what was seen.

    Errors: ActivityRefused where no such life event is known, the proof is recorded, no reason, no author.
    """
    _refuse_unsaid(reason, author)
    with transaction.atomic(using=connection.alias):
        _lock(connection, place)
        known = _stored(connection, place).first()
        if known is None or known.source != ActionSource.MANUAL or known.change_id is None:
            message = "expected a reported life event of that day and class, found none; correct day or class"
            raise ActivityRefused(message)
        acts = models.ActivityAct.objects.using(connection.alias).filter(**place.key())
        if acts.filter(kind=ActivityActKind.PROVE).exists():
            raise ActivityRefused("expected a life event without proof, found its proof recorded already")
        act = _act(connection, place, ActivityActKind.PROVE, reason, author, now)
        if known.event_number is not None:
            _go_on(connection, known, act)
    return act


def acts_of(connection: Any, place: ActivityPlace) -> list[models.ActivityAct]:
    """List what was done about an activity, in order."""
    acts = models.ActivityAct.objects.using(connection.alias).filter(**place.key())
    return list(acts.order_by("number"))


def follow_facts(connection: Any, feed: pl.DataFrame, people: pl.DataFrame) -> None:
    """Let activity that waits follow the fact it came of: withdrawn, or reported on another day."""
    gone = rules.last_told(feed, "D")
    told = feed.filter(fact="life_event", operation="C")
    if gone.is_empty() and told.is_empty():
        return
    known = frames.load_waiting_activity(connection, people)
    waiting = known.filter(pl.col("change_id").is_not_null())  # else entered by hand
    removed = triggers.of_facts(waiting, gone).select(rules.ACTIVITY_KEY)
    if removed.height:
        remove(connection, removed)
    last = told.sort("id").unique(rules.FACT_PLACE, keep="last")
    found = triggers.of_facts(waiting.drop("reported_on"), last).join(
        removed, on=list(rules.ACTIVITY_KEY), how="anti"
    )
    if found.height:
        moved = found[[*rules.ACTIVITY_KEY, "reported_on"]]
        update_from(connection, "events_activity", moved, rules.ACTIVITY_KEY, ["reported_on"])


def remove(connection: Any, rows: pl.DataFrame) -> None:
    """Remove activity that is no event yet, as what it came of is gone."""
    session = psycopg_connection(connection)
    with staged(session, "events_activity", rows) as wanted:
        same = sql.SQL(" AND ").join(
            sql.SQL("a.{0} = w.{0}").format(sql.Identifier(name)) for name in rules.ACTIVITY_KEY
        )
        execute(
            session,
            "DELETE FROM events_activity AS a USING {wanted} AS w WHERE {same} AND a.event_number IS NULL",
            wanted=wanted,
            same=same,
        )


# --- what may be ------------------------------------------------------------------------------------------


def _refuse_unsaid(reason: str, author: str) -> None:
    for what, text in (("a reason", reason), ("an author", author)):
        if not text.strip():
            raise ActivityRefused(f"expected {what}, found none: say why, and who does it")


def _lock(connection: Any, place: ActivityPlace) -> None:
    keys = pl.DataFrame({"id": [place.person_id]}, schema={"id": pl.Int64})
    locked, _ = lock_rows(connection, "workforce_person", keys)
    if locked.is_empty():
        message = "somebody else is working on this person, or the person is not known; try again later"
        raise ActivityRefused(message)


def _refuse_class(connection: Any, place: ActivityPlace) -> None:
    classes = load_setup(connection, [place.client_id])["event_class"].filter(code=place.bas_action)
    if classes.is_empty():
        message = f"expected a class of the set-up, found {place.bas_action}; name another, or add it"
        raise ActivityRefused(message)
    if not classes["is_manual_allowed"][0]:
        message = (
            f"expected a class that may be entered by hand, found {place.bas_action}; name another, or change"
            " the fact that brings such an event about"
        )
        raise ActivityRefused(message)


def _refuse_day(connection: Any, place: ActivityPlace) -> None:
    starts_on = _starts_on(connection, place.client_id)
    if starts_on is not None and place.event_on < starts_on:
        message = (
            f"expected a day on or after {starts_on}, on which administration starts, found {place.event_on};"
            " correct the day"
        )
        raise ActivityRefused(message)
    person = {"client_id": [place.client_id], "person_id": [place.person_id]}
    jobs = load_jobs(connection, pl.DataFrame(person, schema={"client_id": pl.Int32, "person_id": pl.Int64}))
    begun = jobs.filter(
        pl.col("benefit_record") == place.benefit_record, pl.col("valid_from") <= place.event_on
    )
    if begun.is_empty():
        message = (
            f"expected a job of benefit record {place.benefit_record} on {place.event_on}, found none;"
            " correct the day or the benefit record"
        )
        raise ActivityRefused(message)


def _starts_on(connection: Any, client_id: int) -> date | None:
    bundle = Bundle.objects.using(connection.alias).filter(client_id=client_id).first()
    return bundle.starts_on if bundle else None


def _stored(connection: Any, place: ActivityPlace) -> Any:
    return models.Activity.objects.using(connection.alias).filter(**place.key())


def _is_deleted(connection: Any, place: ActivityPlace) -> bool:
    acts = models.ActivityAct.objects.using(connection.alias).filter(**place.key())
    last = acts.exclude(kind=ActivityActKind.PROVE).order_by("-number").first()
    return last is not None and last.kind == ActivityActKind.DELETE


# --- acting -----------------------------------------------------------------------------------------------


def _about_waiting(
    connection: Any, place: ActivityPlace, kind: ActivityActKind, reason: str, author: str, now: datetime
) -> models.ActivityAct:
    _refuse_unsaid(reason, author)
    with transaction.atomic(using=connection.alias):
        _lock(connection, place)
        known = _stored(connection, place).first()
        if known is None or _is_deleted(connection, place):
            message = (
                "expected activity that waits, found none of that day, source and class; list what waits"
            )
            raise ActivityRefused(message)
        if known.event_number is not None:
            message = (
                f"expected activity that waits, found event {known.event_number} made of it; void that event"
            )
            raise ActivityRefused(message)
        if kind is ActivityActKind.ADMIT and not _is_held(connection, place):
            raise ActivityRefused("expected activity that is held, found one the next run takes anyway")
        return _act(connection, place, kind, reason, author, now)


def _is_held(connection: Any, place: ActivityPlace) -> bool:
    rows = waiting_activity(connection, place.client_id).filter(**place.key())
    return rows.filter(pl.col("why_held").is_not_null()).height > 0


def _act(
    connection: Any, place: ActivityPlace, kind: ActivityActKind, reason: str, author: str, now: datetime
) -> models.ActivityAct:
    acts = models.ActivityAct.objects.using(connection.alias)
    return acts.create(
        **place.key(),
        number=acts.filter(**place.key()).count() + 1,
        kind=str(kind),
        reason=reason.strip(),
        author=author.strip(),
        acted_at=now,
    )


def _go_on(connection: Any, known: Any, act: models.ActivityAct) -> None:
    """Let the event of a life event go on: it lacks nothing, and one without a choice is prepared again."""
    key = {name: getattr(known, name) for name in rules.EVENT_KEY}
    messages = models.Message.objects.using(connection.alias).filter(**key, code=PROOF_MISSING)
    messages.update(is_current=False)
    events = models.Event.objects.using(connection.alias).filter(**key)
    event = events.get()
    is_prepared = event.process_status == ProcessStatus.PR and event.event_status == EventStatus.OPEN
    status = str(EventStatus.CLOSED) if is_prepared else event.event_status
    models.EventStep.objects.using(connection.alias).create(
        **key,
        step=event.steps + 1,
        run_id=None,
        actor=act.author,
        from_status=event.process_status,
        to_status=event.process_status,
        event_status=status,
        cause=f"proof recorded: {act.reason}",
        moved_at=act.acted_at,
    )
    events.update(event_status=status, steps=event.steps + 1)
