"""A whole schedule reprocessed: the same operation over all its events, by a person or by a run control."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core.codes import Level
from openbenefits.events.frames import load_events
from openbenefits.events.rules import EVENT_KEY, RECORD_KEY
from openbenefits.programs.frames import load_setup
from openbenefits.repair import kinds
from openbenefits.repair.operations import Told, rehearsed, told_of
from openbenefits.repair.permissions import Permit, everybody_may
from openbenefits.repair.proposals import due_order
from openbenefits.repair.services import RepairOrder
from openbenefits.repair.targets import judged, spelled
from openbenefits.runs.frames import load_schedule_records
from openbenefits.runs.models import Run
from openbenefits.runs.services import RunResult
from openbenefits.workforce.recording import lock_people

TO_LEVEL = {
    str(Level.PROGRAM): kinds.ASSIGN,
    str(Level.OPTIONS): kinds.PREPARE,
    str(Level.ELECTIONS): kinds.ELECT,
    str(Level.FINAL): kinds.AGAIN,
}
"""From where a schedule is reprocessed, and as which operation (event-processing §12.1, §14)."""


@dataclass(frozen=True, kw_only=True)
class ScheduleOrder:
    """Which schedule to reprocess, how (a kind), as of which day, which pays to compare, why, who."""

    client_id: int
    schedule_id: int
    kind: str
    as_of: date
    begin: date
    through: date
    reason: str
    author: str


def reprocess(
    connection: Any,
    given: ScheduleOrder,
    *,
    now: datetime,
    permit: Permit = everybody_may,
    is_rehearsal: bool = False,
) -> Told | None:
    """Do one operation to every event of a schedule that allows it; say of the others why not.

    None where no event allows it. One transaction: all or none.
    """

    def work() -> Told:
        with transaction.atomic():
            records = load_schedule_records(connection, given.client_id, given.schedule_id)
            lock_people(given.client_id, records["person_id"].unique())
            events = load_events(connection, records)
            chosen = events.filter(schedule_id=given.schedule_id, client_id=given.client_id)
            targets = spelled(chosen.select(*EVENT_KEY, kind=pl.lit(given.kind)))
            left = judged(connection, events, targets)
            good = targets.join(left, on=list(EVENT_KEY), how="anti")
            if good.is_empty():
                raise _NothingToDo
            told = told_of(connection, _order_of(given, good), now=now, permit=permit)
            return replace(told, left=left)

    try:
        return rehearsed(work, is_rehearsal=is_rehearsal)
    except _NothingToDo:
        return None


class _NothingToDo(Exception):
    """No event of the schedule allows the operation."""


def _order_of(given: ScheduleOrder, targets: pl.DataFrame) -> RepairOrder:
    return RepairOrder(
        client_id=given.client_id,
        targets=targets,
        as_of=given.as_of,
        begin=given.begin,
        through=given.through,
        reason=given.reason,
        author=given.author,
    )


# --- by a run control ---------------------------------------------------------------------------------------


def run_reprocess(
    connection: Any,
    client_id: int,
    *,
    as_of: date,
    now: datetime,
    started_by: str,
    run_control: str,
    is_trial: bool = False,
) -> RunResult:
    """Reprocess the schedule of a run control from its level; a trial writes nothing.

    Accounts for every benefit record of the schedule: reprocessed, unchanged, or why it was left.
    """
    rows = load_setup(connection, [client_id])["run_control"].filter(client_id=client_id, code=run_control)
    control = rows.row(0, named=True)
    pays = due_order(client_id, as_of, started_by)
    given = ScheduleOrder(
        client_id=client_id,
        schedule_id=control["schedule_id"],
        kind=TO_LEVEL[control["through_level"]],
        as_of=as_of,
        begin=pays.begin,
        through=pays.through,
        reason=f"run control {run_control}",
        author=started_by,
    )
    told = reprocess(connection, given, now=now, is_rehearsal=is_trial)
    records = load_schedule_records(connection, client_id, control["schedule_id"])
    run_id = told.consequences.run_id if told else None
    Run.objects.filter(pk=run_id).update(run_control=run_control)
    return RunResult(
        run_id=run_id or 0,
        state="done",
        people=records.height,
        outcomes=_outcomes(records, told),
        is_trial=is_trial,
        changes=told.consequences.coverage if told else pl.DataFrame(schema=NO_CHANGES),
    )


NO_CHANGES = {"plan_type": pl.String, "kind": pl.String}


def _outcomes(records: pl.DataFrame, told: Told | None) -> pl.DataFrame:
    """Count the benefit records by what became of them."""
    nothing = pl.DataFrame(schema={name: records.schema[name] for name in RECORD_KEY})
    moved, left = nothing, nothing.with_columns(why=pl.lit(None, pl.String))
    if told is not None:
        parts = [told.consequences.coverage, told.consequences.deductions, told.consequences.events]
        moved = pl.concat([part.select(RECORD_KEY) for part in parts]).unique()
        left = told.left.select(*RECORD_KEY, why=pl.format("left: {}", "found")).unique(list(RECORD_KEY))
    marked = records.join(moved.with_columns(is_moved=pl.lit(value=True)), on=list(RECORD_KEY), how="left")
    named = marked.join(left, on=list(RECORD_KEY), how="left").with_columns(
        outcome=pl.when(pl.col("is_moved").fill_null(value=False))
        .then(pl.lit("reprocessed"))
        .otherwise(pl.coalesce("why", pl.lit("unchanged")))
    )
    counted = named.group_by("outcome").agg(people=pl.len().cast(pl.Int64))
    return counted.select("outcome", to_status=pl.lit(None, pl.String), people="people").sort("outcome")
