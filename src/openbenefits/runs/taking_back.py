"""A run taken back: as if it had never been, until its results have left the house (rulings §6.4)."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.enrollment.taking_back import take_back_run_postings
from openbenefits.events.activity import remove
from openbenefits.events.models import Activity
from openbenefits.events.rules import ACTIVITY_KEY, EVENT_KEY, RECORD_KEY
from openbenefits.events.taking_back import take_back_activity, take_back_events, take_back_messages
from openbenefits.runs import models
from openbenefits.runs.acts import TAKE_BACK, ActRefused, record_act
from openbenefits.runs.differences import differences
from openbenefits.runs.orders import PARTS, TAKEN_BACK
from openbenefits.runs.standing import owed_on_sides, standing
from openbenefits.store.bulk import copy_out, schema_of
from openbenefits.store.trials import given_up
from openbenefits.workforce.recording import lock_people

KINDS = ("process", "windows", "passive")
"""Kinds of runs that are taken back here; what a repair did is undone by `repair.taking_back`."""

JOURNAL = "SELECT {columns} FROM runs_eventbefore WHERE client_id = %(client)s AND run_id = %(run)s"

READ_MESSAGES = """
SELECT client_id, person_id, benefit_record, schedule_id, event_number, written_in AS run_id, number
FROM runs_messagebefore WHERE client_id = %(client)s AND run_id = %(run)s
"""

POSTED = """
SELECT DISTINCT client_id, person_id FROM enrollment_coverage
WHERE client_id = %(client)s AND (run_id = %(run)s OR superseded_by_run = %(run)s)
"""

LATER_RUNS = """
SELECT DISTINCT o.run_id FROM runs_eventbefore AS o JOIN runs_eventbefore AS b
  USING (client_id, person_id, benefit_record)
JOIN runs_run AS r ON r.id = o.run_id
WHERE b.client_id = %(client)s AND b.run_id = %(run)s AND o.run_id > %(run)s AND r.state <> 'taken back'
ORDER BY 1
"""

LATER_STEPS = """
SELECT count(DISTINCT (person_id, benefit_record, schedule_id, event_number))::bigint AS events
FROM runs_eventbefore AS b JOIN events_eventstep AS s
  USING (client_id, person_id, benefit_record, schedule_id, event_number)
WHERE b.client_id = %(client)s AND b.run_id = %(run)s AND s.step > b.steps
  AND s.run_id IS DISTINCT FROM %(run)s AND s.cause <> 'made anew after it was taken back'
  AND s.cause !~ '^(run|entry) [0-9]+ taken back: '
  AND NOT EXISTS (SELECT FROM runs_run AS r WHERE r.id = s.run_id AND r.state = 'taken back')
"""

LATER_POINTS = """
SELECT count(*)::bigint AS points FROM enrollment_coverage
WHERE client_id = %(client)s AND run_id = %(run)s AND superseded_by_run IS NOT NULL
  AND superseded_by_run <> %(run)s
  AND NOT EXISTS (SELECT FROM runs_run AS r WHERE r.id = superseded_by_run AND r.state = 'taken back')
"""

LATER_EVENTS = """
SELECT DISTINCT b.run_id FROM events_activity AS a JOIN runs_eventbefore AS b
  USING (client_id, person_id, benefit_record, schedule_id, event_number)
JOIN runs_run AS r ON r.id = b.run_id
WHERE a.client_id = %(client)s AND a.run_id = %(run)s AND r.state <> 'taken back' ORDER BY 1
"""

TRIGGERED = "SELECT {columns} FROM events_activity WHERE client_id = %(client)s AND run_id = %(run)s"

CONFIRMED = """
SELECT count(*)::bigint AS events FROM runs_eventbefore AS b JOIN events_event AS e
  USING (client_id, person_id, benefit_record, schedule_id, event_number)
WHERE b.client_id = %(client)s AND b.run_id = %(run)s AND e.confirm_notified_on IS NOT NULL
  AND (b.is_new OR b.process_status IS DISTINCT FROM e.process_status)
"""

TAKEN_SINCE = """
SELECT min(t.ends_on) AS first_on FROM payroll_taken AS t
WHERE t.client_id = %(client)s AND t.known_since >= %(since)s AND NOT t.is_deleted AND t.person_id IN (
    SELECT person_id FROM enrollment_coverage
    WHERE client_id = %(client)s AND (run_id = %(run)s OR superseded_by_run = %(run)s)
)
"""


class Released(ActRefused):
    """The results of a run have left the house: it stays, and what is wrong is put right by deltas."""


@dataclass(frozen=True, kw_only=True)
class TakenBack:
    """What taking a run back did: events led back or void, people whose coverage is as before."""

    run_id: int
    events: int
    made: int
    people: int


def take_back(connection: Any, run_id: int, *, reason: str, author: str, now: datetime) -> TakenBack:
    """Take a run back: timeline, statuses, messages, credits and activity are as if it had never been.

    History stays: steps, points, preparations and messages are appended to, never removed.

    Errors: models.Run.DoesNotExist; Released once payroll took, or people were told, what it decided;
            ActRefused for another kind or state of run, without a reason, by the same person where the client
            wants a second one, and while somebody has worked on its results since; PeopleBusy.
    """
    with transaction.atomic():
        started = models.Run.objects.select_for_update().get(pk=run_id)
        _refuse_state(started)
        parts = [
            take_back(connection, part, reason=reason, author=author, now=now) for part in _parts(started)
        ]
        before = _journal(connection, started)
        triggered = _triggered(connection, started)
        people = _people(connection, started, before)
        lock_people(started.bundle_client, people["person_id"].unique().sort())
        _refuse_later(connection, started)
        _refuse_released(connection, started)
        remove(connection, triggered)
        record_act(connection, started, TAKE_BACK, reason=reason, author=author, now=now)
        _undo(
            connection,
            started,
            before,
            people,
            cause=f"run {run_id} taken back: {reason}",
            actor=author,
            now=now,
        )
        started.state = TAKEN_BACK
        started.save(update_fields=["state"])
    return TakenBack(
        run_id=run_id,
        events=before.filter(~pl.col("is_new")).height + sum(one.events for one in parts),
        made=before.filter("is_new").height + sum(one.made for one in parts),
        people=people.height + sum(one.people for one in parts),
    )


def _parts(started: models.Run) -> list[int]:
    """Name the runs it started that were not taken back before, the last first."""
    numbers = started.options.get(PARTS, [])
    standing = models.Run.objects.filter(pk__in=numbers).exclude(state=TAKEN_BACK)
    return list(standing.order_by("-id").values_list("id", flat=True))


def _triggered(connection: Any, started: models.Run) -> pl.DataFrame:
    """The activity a run of passive events wrote, as ACTIVITY_KEY."""
    schema = {name: kind for name, kind in schema_of(Activity).items() if name in ACTIVITY_KEY}
    return copy_out(connection, TRIGGERED.format(columns=", ".join(schema)), schema, _key(started))


def deltas(connection: Any, run_id: int, *, begin: date, through: date, now: datetime) -> pl.DataFrame:
    """Answer what taking a run back would change for people and pays, as `differences.DIFFERENCES`.

    Nothing is written. Once a run is released these are the corrections to propose in its place.
    """
    with given_up():
        started = models.Run.objects.get(pk=run_id)
        _refuse_state(started)
        whole = [*(models.Run.objects.get(pk=part) for part in _parts(started)), started]
        journals = [_journal(connection, one) for one in whole]
        records = pl.concat([rows.select(RECORD_KEY) for rows in journals]).unique()
        held = standing(connection, started.bundle_client, records)
        for one, before in zip(whole, journals, strict=True):
            people = _people(connection, one, before)
            _undo(connection, one, before, people, cause="rehearsed", actor="nobody", now=now)
        after = standing(connection, started.bundle_client, records)
        owed = owed_on_sides(connection, started.bundle_client, held, after, begin=begin, through=through)
        sides = (held.points, after.points, *owed)
        return differences(*sides, year_from=begin, year_through=through)


def _refuse_state(started: models.Run) -> None:
    """Refuse what cannot be taken back, and say what to do.

    Errors: ActRefused.
    """
    if started.kind not in KINDS:
        raise ActRefused(
            f"run {started.pk}: expected a run of kind {', '.join(KINDS)}, found one of kind {started.kind};"
            " undo the operation it stands for"
        )
    if started.state != "done":
        raise ActRefused(f"run {started.pk}: expected a run that is done, found {started.state}")


def _refuse_later(connection: Any, started: models.Run) -> None:
    key = _key(started)
    queries = (LATER_RUNS, LATER_EVENTS)
    found = [copy_out(connection, query, {"run_id": pl.Int64}, key)["run_id"] for query in queries]
    runs = pl.concat(found).unique().sort().to_list()
    if runs:
        raise ActRefused(
            f"run {started.pk}: expected nothing later about its people, found the runs"
            f" {', '.join(map(str, runs))}; take them back first, the last one first"
        )
    events = copy_out(connection, LATER_STEPS, {"events": pl.Int64}, key).item()
    points = copy_out(connection, LATER_POINTS, {"points": pl.Int64}, key).item()
    if events or points:
        raise ActRefused(
            f"run {started.pk}: expected its results untouched, found {events:,} events and {points:,}"
            " change points that somebody has worked on since; repair these events instead"
        )


def _refuse_released(connection: Any, started: models.Run) -> None:
    """Refuse once payroll has taken deductions of its people, or people were told.

    Errors: Released.
    """
    key = _key(started)
    taken = copy_out(
        connection, TAKEN_SINCE, {"first_on": pl.Date}, key | {"since": started.started_at}
    ).item()
    told = copy_out(connection, CONFIRMED, {"events": pl.Int64}, key).item()
    if taken or told:
        what = f"payroll took deductions in the pay of {taken}" if taken else f"{told:,} people were told"
        raise Released(
            f"run {started.pk}: expected that nothing of it has left the house, found that {what};"
            " repair the events: what differs then is proposed as corrections"
        )


def _undo(
    connection: Any,
    started: models.Run,
    before: pl.DataFrame,
    people: pl.DataFrame,
    *,
    cause: str,
    actor: str,
    now: datetime,
) -> None:
    run_id, client_id = started.pk, started.bundle_client
    take_back_run_postings(connection, people, run_id=run_id, now=now)
    messages = copy_out(connection, READ_MESSAGES, MESSAGE, _key(started))
    take_back_messages(connection, messages, client_id=client_id, run_id=run_id)
    take_back_activity(connection, before, client_id=client_id, run_id=run_id)
    take_back_events(connection, before, cause=cause, actor=actor, now=now)


MESSAGE: dict[str, Any] = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "schedule_id": pl.Int32,
    "event_number": pl.Int32,
    "run_id": pl.Int64,
    "number": pl.Int32,
}


def _journal(connection: Any, started: models.Run) -> pl.DataFrame:
    schema = schema_of(models.EventBefore)
    rows = copy_out(connection, JOURNAL.format(columns=", ".join(schema)), schema, _key(started))
    return rows.drop("run_id").sort(EVENT_KEY)


def _people(connection: Any, started: models.Run, before: pl.DataFrame) -> pl.DataFrame:
    """Everybody the run wrote something about: client_id, person_id."""
    schema = {"client_id": pl.Int32, "person_id": pl.Int64}
    posted = copy_out(connection, POSTED, schema, _key(started))
    return pl.concat([before.select(list(schema)), posted]).unique().sort("person_id")


def _key(started: models.Run) -> dict[str, Any]:
    return {"client": started.bundle_client, "run": started.pk}
