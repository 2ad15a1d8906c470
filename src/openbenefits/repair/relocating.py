"""Events that go on elsewhere: under another benefit record, or as those of another person id.

The event left behind is void and keeps what it was; the one there has its class, day, elections, decisions
and orders, and is decided again from them. Nothing is erased. The caller has locked the people.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.core.codes import EventStatus, ProcessIndicator
from openbenefits.enrollment import models as enrollment
from openbenefits.enrollment.election_frames import ELECTION_KEY
from openbenefits.enrollment.entry_rows import as_stored
from openbenefits.enrollment.superseding import PLACE, copy_contents, load_submitted, standing
from openbenefits.events import models as events_models
from openbenefits.events.frames import load_highest_numbers
from openbenefits.events.rules import EVENT_KEY, RECORD_KEY
from openbenefits.repair.models import MovedEvent
from openbenefits.store.bulk import copy_in, copy_out, merge_in, schema_of
from openbenefits.store.keys import PEOPLE, people_arrays

THERE = {"person_id": "to_person", "benefit_record": "to_record", "event_number": "to_number"}
OLD = {name: f"old_{name}" for name in EVENT_KEY}
TO_KEY = ["client_id", "to_person", "to_record", "schedule_id", "to_number"]

KEPT = (
    *("schedule_id", "event_class_id", "event_on", "priority", "source", "reported_on", "recorded_on"),
    *("is_multi_activity", "window_begins_on", "window_ends_on", "option_notified_on", "elected_on"),
    *("elect_source", "confirm_notified_on", "is_finalized"),
)
"""What an event keeps of itself wherever it goes on."""


def numbered(connection: Any, moving: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Give events the numbers they have where they go: 0 of a period, else the next ones, by day.

    Shapes:  moving has the columns of an event, to_person and to_record; known are the events there are.
             Adds to_number and is_joined: the one there is the same period, or day and class, already.
    """
    there = pl.col("to_person"), pl.col("to_record")
    is_period = pl.col("event_number") == 0  # there is one at most, void or not
    same = known.filter(is_period | (pl.col("event_status") != str(EventStatus.VOID))).select(
        "client_id",
        "schedule_id",
        "event_on",
        "event_class_id",
        to_person="person_id",
        to_record="benefit_record",
        met_number="event_number",
    )
    key = ["client_id", "schedule_id", "event_on", "event_class_id", "to_person", "to_record"]
    found = moving.join(same.unique(key, keep="first"), on=key, how="left", maintain_order="left")
    found = found.with_columns(is_joined=pl.col("met_number").is_not_null())
    people = found.select("client_id", person_id="to_person").unique()
    highest = load_highest_numbers(connection, people).rename(
        {"person_id": "to_person", "benefit_record": "to_record"}
    )
    rows = found.join(highest, on=["client_id", "to_person", "to_record"], how="left")
    rows = rows.sort("event_on", "priority", *EVENT_KEY)
    is_new = ~pl.col("is_joined") & (pl.col("event_number") != 0)
    place = is_new.cum_sum().over(["client_id", *there])
    number = (
        pl.when("is_joined")
        .then("met_number")
        .when(pl.col("event_number") == 0)
        .then(0)
        .otherwise(pl.col("highest").fill_null(0) + place)
    )
    return rows.with_columns(to_number=number.cast(pl.Int32)).drop("met_number", "highest")


def relocate(
    connection: Any, moved: pl.DataFrame, renamed: pl.DataFrame | None, *, run_id: int, now: datetime
) -> None:
    """Write events where they go on, with their elections, decisions and activity; keep the trail.

    Shapes: moved as `numbered`; renamed has old_dependent and dependent_id (None: they stay who they are).
            An event that joins another brings its elections only.
    """
    fresh = moved.filter(~pl.col("is_joined"))
    copy_in(connection, "events_event", _as_new(fresh, now))
    _bring_elections(connection, moved, renamed)
    _bring_decisions(connection, fresh)
    _bring_activity(connection, moved)
    trail = moved.select(
        *EVENT_KEY,
        *THERE.values(),
        "is_joined",
        run_id=pl.lit(run_id, pl.Int64),
        was_event_status="event_status",
    )
    columns = schema_of(MovedEvent)
    copy_in(connection, "repair_movedevent", trail.select(pl.col(n).cast(k) for n, k in columns.items()))


def _as_new(fresh: pl.DataFrame, now: datetime) -> pl.DataFrame:
    rows = fresh.select(
        "client_id",
        *KEPT,
        **{name: pl.col(there) for name, there in THERE.items()},
        event_status=pl.lit(str(EventStatus.CLOSED)),
        status_at=pl.lit(now).cast(pl.Datetime("us", "UTC")),
        process_indicator=pl.lit(str(ProcessIndicator.REPLAY)),
        finalize_requested=pl.lit(value=False),
        preparation=pl.lit(0, pl.Int32),
        is_out_of_sequence=pl.lit(value=False),
        is_eligibility_changed=pl.lit(value=False),
        steps=pl.lit(0, pl.Int32),
    )
    columns = {name: kind for name, kind in schema_of(events_models.Event).items() if name in rows.columns}
    return rows.select(pl.col(name).cast(kind) for name, kind in columns.items())


def _with_place(rows: pl.DataFrame, moved: pl.DataFrame) -> pl.DataFrame:
    """Add to rows of events where these go on."""
    return rows.join(moved.select(*EVENT_KEY, *THERE.values()), on=list(EVENT_KEY))


def _there(rows: pl.DataFrame) -> pl.DataFrame:
    """Give rows the key of where they go; the old one stays as old_… beside it."""
    old = rows.with_columns(pl.col(name).alias(there) for name, there in OLD.items())
    return old.with_columns(pl.col(there).alias(name) for name, there in THERE.items())


def _bring_elections(connection: Any, moved: pl.DataFrame, renamed: pl.DataFrame | None) -> None:
    """Copy the elections that stand, but where the event there has one that stands for the place."""
    mine = _there(_with_place(standing(load_submitted(connection, moved)), moved))
    theirs = load_submitted(connection, moved.select(*_targets()))
    taken = standing(theirs)
    rows = mine.join(taken, on=PLACE, how="anti").with_columns(was="submission")
    last = theirs.group_by(PLACE).agg(last=pl.col("submission").max())
    rows = rows.join(last, on=PLACE, how="left").with_columns(
        submission=(pl.col("last").fill_null(0) + 1).cast(pl.Int32),
        change_id=pl.lit(None, pl.Int64),
        old_plan_type="plan_type",
        old_slot="slot",
    )
    copy_in(connection, "enrollment_election", as_stored(rows, enrollment.Election))
    if rows.height:
        places = rows.select(*ELECTION_KEY, *(f"old_{n}" for n in PLACE), "was")
        copy_contents(connection, moved, places, renamed)


def _targets() -> Sequence[pl.Expr]:
    return [pl.col(THERE.get(name, name)).alias(name) for name in EVENT_KEY]


def _select(table: str, schema: Mapping[str, Any]) -> str:
    columns = ", ".join(schema)
    return f"SELECT {columns} FROM {table} AS t JOIN {PEOPLE} AS k USING (client_id, person_id)"  # noqa: S608


def _bring_decisions(connection: Any, fresh: pl.DataFrame) -> None:
    """Copy what was decided about eligibility, and how windows were extended, for events new there."""
    for model in (enrollment.EligibilityOverride, events_models.WindowAct):
        schema = schema_of(model)
        table = model._meta.db_table
        rows = copy_out(connection, _select(table, schema), schema, people_arrays(fresh))
        copied = _there(_with_place(rows, fresh))
        copy_in(connection, table, copied.select(pl.col(n).cast(k) for n, k in schema.items()))


def _bring_activity(connection: Any, moved: pl.DataFrame) -> None:
    """Copy the activity events came from, so that the fact behind them stays known, and comes only once."""
    schema = schema_of(events_models.Activity)
    rows = copy_out(connection, _select("events_activity", schema), schema, people_arrays(moved))
    copied = _there(_with_place(rows.drop_nulls("event_number"), moved))
    key = ["client_id", "person_id", "benefit_record", "event_on", "source", "bas_action", "sequence"]
    merge_in(
        connection,
        "events_activity",
        copied.select(pl.col(n).cast(k) for n, k in schema.items()).unique(key),
        key,
        [],
    )


def load_trail(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load where the events of some people went, as MovedEvent."""
    schema = schema_of(MovedEvent)
    rows = copy_out(connection, _select("repair_movedevent", schema), schema, people_arrays(people))
    return rows.sort(*EVENT_KEY, "run_id")


__all__ = ["RECORD_KEY", "load_trail", "numbered", "relocate"]
