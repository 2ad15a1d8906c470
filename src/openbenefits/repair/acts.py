"""The record of what was done with events after the fact, and what undoing it means."""

from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.events.rules import EVENT_KEY
from openbenefits.repair import kinds
from openbenefits.repair.models import RepairAct
from openbenefits.repair.relocating import load_trail
from openbenefits.runs.models import Run
from openbenefits.store.bulk import copy_in, copy_out, schema_of
from openbenefits.store.keys import PEOPLE, people_arrays

QUERY = f"SELECT {{columns}} FROM repair_repairact AS a JOIN {PEOPLE} AS k USING (client_id, person_id)"  # noqa: S608


def load_acts(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Load what was done with the events of some people, in order."""
    schema = schema_of(RepairAct)
    rows = copy_out(connection, QUERY.format(columns=", ".join(schema)), schema, people_arrays(people))
    return rows.sort(*EVENT_KEY, "number")


def record_acts(
    connection: Any,
    targets: pl.DataFrame,
    events: pl.DataFrame,
    started: Run,
    reason: str,
    *,
    now: datetime,
) -> None:
    """Write down what is done with each target, and where it stands before.

    Shapes: targets as `repair.targets.spelled`; events are the events of the people as they stand.
    """
    counted = load_acts(connection, targets).group_by(EVENT_KEY).agg(known=pl.len())
    rows = (
        targets.drop("was_finalized", "was_indicator", "was_kept_on")
        .join(events, on=list(EVENT_KEY))
        .join(counted, on=list(EVENT_KEY), how="left")
    )
    acts = rows.with_columns(
        number=pl.col("known").fill_null(0) + 1,
        was_on="event_on",
        was_event_status="event_status",
        was_process_status="process_status",
        was_indicator="process_indicator",
        was_kept_on="program_kept_on",
        was_finalized="is_finalized",
        run_id=pl.lit(started.pk),
        reason=pl.coalesce("reason", pl.lit(reason)),
        author=pl.lit(started.started_by),
        acted_at=pl.lit(now).cast(pl.Datetime("us", "UTC")),
    )
    columns = schema_of(RepairAct)
    copy_in(connection, "repair_repairact", acts.select(pl.col(n).cast(k) for n, k in columns.items()))


def last_standing(acts: pl.DataFrame) -> pl.DataFrame:
    """Name of each event the last act that stands: it undoes nothing, and nothing undid it."""
    undone = acts.drop_nulls("undoes").select(*EVENT_KEY, number="undoes")
    left = acts.filter(pl.col("undoes").is_null()).join(undone, on=[*EVENT_KEY, "number"], how="anti")
    return left.sort("number").unique(list(EVENT_KEY), keep="last")


PART_OF_ONE = 0
"""Stands in `undoes` of the act about the event a move had made: undoing the move did it."""

UNDONE_BY = pl.DataFrame(
    [{"kind": kind.code, "undone_by": kind.undone_by} for kind in kinds.KINDS.values()],
    schema={"kind": pl.String, "undone_by": pl.String},
)


def undoing(connection: Any, acts: pl.DataFrame) -> pl.DataFrame:
    """Spell out what undoes some acts: targets, with kind null where an act orders nothing to withdraw.

    A move is undone at both ends: the one left behind is reinstated, the one there withdrawn (or, where it
    joined another, decided again).
    """
    found = acts.join(UNDONE_BY, on="kind", how="left")
    plain = found.filter(pl.col("kind") != kinds.MOVE).select(
        *EVENT_KEY,
        kind="undone_by",
        to_on=pl.when(pl.col("kind") == kinds.REDATE).then("was_on"),
        was_finalized="was_finalized",
        was_status="was_process_status",
        was_indicator="was_indicator",
        was_kept_on="was_kept_on",
        undoes="number",
    )
    trail = trail_of_acts(connection, acts)
    return pl.concat([plain, *(part.select(plain.columns) for part in both_ends(trail))])


def trail_of_acts(connection: Any, acts: pl.DataFrame) -> pl.DataFrame:
    """Load where the events of acts that moved them went, as MovedEvent with the act's number."""
    moves = acts.filter(kind=kinds.MOVE).select(*EVENT_KEY, "run_id", "number")
    return load_trail(connection, moves).join(moves, on=[*EVENT_KEY, "run_id"])


def both_ends(trail: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Answer the targets that bring moved events back: the one left behind, and the one there."""
    nothing = {
        "to_on": pl.lit(None, pl.Date),
        "was_finalized": pl.lit(None, pl.Boolean),
        "was_status": pl.lit(None, pl.String),
        "was_indicator": pl.lit(None, pl.String),
        "was_kept_on": pl.lit(None, pl.Date),
    }
    back = trail.select(*EVENT_KEY, kind=pl.lit(kinds.REINSTATE), **nothing, undoes="number")
    there = trail.select(
        "client_id",
        person_id="to_person",
        benefit_record="to_record",
        schedule_id="schedule_id",
        event_number="to_number",
        kind=pl.when("is_joined").then(pl.lit(kinds.AGAIN)).otherwise(pl.lit(kinds.WITHDRAW)),
        **nothing,
        undoes=pl.lit(PART_OF_ONE, pl.Int32),
    )
    return back, there
