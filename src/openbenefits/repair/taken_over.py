"""Coverage that was taken over, put right after the fact: moved to another day, ended, voided, and undone.

No event made it, so that no operation on events reaches it. What the events of the benefit record posted is
taken back, the point is set anew, and the waves decide the events again, as in any repair (decision 0012).
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.compliance.cobra.rules.losses import LOSS_KEY
from openbenefits.compliance.cobra.services import classified_losses
from openbenefits.core.codes import COVERED_KINDS, ChangeKind
from openbenefits.core.columns import without
from openbenefits.enrollment.frames import POINT, load_all_points, load_coverage
from openbenefits.enrollment.points import above_all_versions, copy_children, copy_points, supersede
from openbenefits.enrollment.taking_back import take_back_postings, write_again
from openbenefits.events.frames import load_events
from openbenefits.events.rules import EVENT_KEY, FINAL, RECORD_KEY
from openbenefits.repair import kinds
from openbenefits.repair.acts import PART_OF_ONE
from openbenefits.repair.models import TakeOverAct
from openbenefits.repair.operations import LOSS, Told, loss_changes, rehearsed
from openbenefits.repair.permissions import Permit, Wish, everybody_may
from openbenefits.repair.services import (
    RepairOrder,
    RepairRefused,
    changed_deductions,
    compared,
    repair,
    start_run,
    state_of,
)
from openbenefits.repair.targets import spelled
from openbenefits.runs.models import Run
from openbenefits.workforce.recording import lock_people

REDATE, END, VOID, UNDO = "redate", "end", "void", "undo"
WORDS = (REDATE, END, VOID, UNDO)
COVERED = [str(kind) for kind in COVERED_KINDS]
EMPTIED = (
    *("option_id", "coverage_cents", "requested_coverage_cents", "pledge_cents", "percent_thousandths"),
    *("after_tax_thousandths", "hours_hundredths", "waive_reason"),
)
"""What an ending does not have."""


@dataclass(frozen=True, kw_only=True)
class TakenOver:
    """Which taken-over coverage, what to do with it (WORDS), and why.

    to_on is the day it is moved to, or the first day without it; begin and through are the pays compared.
    """

    client_id: int
    person_id: int
    benefit_record: int = 0
    plan_type: str
    begins_on: date
    do: str
    to_on: date | None = None
    as_of: date
    begin: date
    through: date
    reason: str
    author: str

    def series(self) -> dict[str, Any]:
        """Answer the columns that name the plan type of the record."""
        named = ("client_id", "person_id", "benefit_record", "plan_type")
        return {name: getattr(self, name) for name in named} | {"slot": 0}

    def record(self) -> pl.DataFrame:
        """Answer the benefit record, as RECORD_KEY."""
        schema = {"client_id": pl.Int32, "person_id": pl.Int64, "benefit_record": pl.Int16}
        return pl.DataFrame({name: [getattr(self, name)] for name in schema}, schema=schema)

    def repair_order(self, targets: pl.DataFrame, standing: pl.DataFrame | None = None) -> RepairOrder:
        """Answer what is asked of the events, and which of them stand."""
        return RepairOrder(
            client_id=self.client_id,
            targets=targets,
            standing=standing,
            as_of=self.as_of,
            begin=self.begin,
            through=self.through,
            reason=self.reason,
            author=self.author,
        )


TAKEN_OVER = (
    "benefit_record",
    "plan_type",
    "begins_on",
    "kind",
    "option_id",
    "coverage_cents",
    "pledge_cents",
)


def taken_over_of(connection: Any, client_id: int, person_id: int) -> pl.DataFrame:
    """List the coverage of somebody that was taken over and holds; as TAKEN_OVER."""
    schema = {"client_id": pl.Int32, "person_id": pl.Int64}
    people = pl.DataFrame({"client_id": [client_id], "person_id": [person_id]}, schema=schema)
    held = load_coverage(connection, people).filter(pl.col("schedule_id").is_null())
    return held.select(TAKEN_OVER).sort("benefit_record", "plan_type", "begins_on")


def operate_on_taken_over(
    connection: Any,
    order: TakenOver,
    *,
    now: datetime,
    permit: Permit = everybody_may,
    is_rehearsal: bool = False,
) -> Told:
    """Carry an operation on taken-over coverage out, and answer what it changes; a rehearsal writes nothing.

    `undo` takes the last standing operation on the coverage back.

    Errors: RepairRefused for coverage that was not taken over, a day that cannot be, no reason or author;
            PeopleBusy; whatever `permit` raises where the author may not.
    """
    _refuse_unsaid(order)
    wish = Wish(
        author=order.author,
        client_id=order.client_id,
        operations=(f"taken over: {order.do}",),
        person_ids=(order.person_id,),
    )
    permit(wish)
    return rehearsed(lambda: _told(connection, order, now=now), is_rehearsal=is_rehearsal)


def _told(connection: Any, order: TakenOver, *, now: datetime) -> Told:
    with transaction.atomic():
        lock_people(order.client_id, pl.Series([order.person_id], dtype=pl.Int64))
        record = order.record()
        compares = order.repair_order(pl.DataFrame())
        before, losses = state_of(connection, compares, record), _losses(connection, order)
        started = start_run(connection, compares, now)
        events = load_events(connection, record).join(record, on=list(RECORD_KEY), how="semi")
        unaware = _unaware(connection, order, events)
        reached = _reached(connection, order, without(events, unaware, EVENT_KEY))
        take_back_postings(connection, reached, run_id=started.pk, now=now)
        undoes = _carried_out(connection, order, started, now=now)
        _decide_again(connection, order, reached, unaware, started, now=now)
        _record(connection, order, started, undoes, now)
        after = state_of(connection, compares, record)
        deductions = changed_deductions(connection, compares, before, after)
        losses = loss_changes(losses, _losses(connection, order))
    return Told(
        consequences=compared(before, after, deductions, started.pk),
        losses=losses,
        left=pl.DataFrame(),
    )


def _unaware(connection: Any, order: TakenOver, events: pl.DataFrame) -> pl.DataFrame:
    """Keep the events that were final before the coverage was known here, and were not decided again since.

    They stand as they were decided, whatever becomes of it: with it they would come out otherwise, and
    undoing would leave that behind.
    """
    points = load_all_points(connection, order.record())
    known = points.filter(pl.col("schedule_id").is_null(), **order.series(), begins_on=order.begins_on)
    is_before = pl.col("status_at") < pl.lit(known["made_at"].min(), pl.Datetime("us", "UTC"))
    return events.filter(pl.col("process_status").is_in(FINAL) & is_before)


def _reached(connection: Any, order: TakenOver, events: pl.DataFrame) -> pl.DataFrame:
    """Keep the events that may see what changes: dated from its first day on, or posting something since.

    What is dated before, and ended before, never saw it: decided again it might come out otherwise only for
    what has become known since, and undoing would leave that behind.
    """
    first_on = _first_changed(connection, order)
    points = load_all_points(connection, order.record()).filter(pl.col("begins_on") >= first_on)
    holding = points.filter(pl.col("superseded_by_run").is_null()).select(EVENT_KEY)
    by = {"schedule_id": "superseded_by_schedule", "event_number": "superseded_by_event"}
    replaced = points.with_columns(**by).select(EVENT_KEY)
    posting = pl.concat([holding, replaced]).drop_nulls().unique().with_columns(posts=pl.lit(value=True))
    found = events.join(posting, on=list(EVENT_KEY), how="left", maintain_order="left")
    return found.filter((pl.col("event_on") >= first_on) | pl.col("posts")).drop("posts")


def _first_changed(connection: Any, order: TakenOver) -> date:
    """The first day on which something else holds than before."""
    do, to_on = order.do, order.to_on
    if do == UNDO:
        last = _last_act(connection, order)
        do, to_on = last.kind, last.to_on
    if to_on is None:
        return order.begins_on
    return to_on if do == END else min(to_on, order.begins_on)


def _losses(connection: Any, order: TakenOver) -> pl.DataFrame:
    rows = classified_losses(connection, order.client_id, [order.person_id])
    return rows.select(*LOSS_KEY, *LOSS)


def _decide_again(
    connection: Any,
    order: TakenOver,
    events: pl.DataFrame,
    standing: pl.DataFrame,
    started: Run,
    *,
    now: datetime,
) -> None:
    living = events.filter(
        pl.col("event_status").is_in(kinds.LIVING) & pl.col("process_status").is_not_null()
    )
    targets = spelled(
        living.select(*EVENT_KEY, kind=pl.lit(kinds.AGAIN), undoes=pl.lit(PART_OF_ONE, pl.Int32))
    )
    if targets.height:
        repair(connection, order.repair_order(targets, standing), now=now, started=started)
    else:
        started.state, started.ended_at = "done", now
        started.save(update_fields=["state", "ended_at"])


# --- the points ---------------------------------------------------------------------------------------------


def _carried_out(connection: Any, order: TakenOver, started: Run, *, now: datetime) -> int | None:
    """Set the points anew; answer the number of the act that this undoes, if it undoes one."""
    if order.do == UNDO:
        return _undone(connection, order, started, now=now)
    held = load_coverage(connection, order.record()).filter(pl.col("schedule_id").is_null(), **order.series())
    point = held.filter(begins_on=order.begins_on)
    _refuse_impossible(order, held, point)
    if order.do in (REDATE, VOID):
        supersede(connection, point.select(POINT), run_id=started.pk, now=now)
    if order.do == REDATE:
        _moved(connection, order, point, started, now=now)
    elif order.do == END:
        _ended(connection, order, point, started, now=now)
    return None


def _moved(connection: Any, order: TakenOver, point: pl.DataFrame, started: Run, *, now: datetime) -> None:
    """Write the point on its new day; deductions that began with it move along, others not before it."""
    to_on = pl.lit(order.to_on)
    with_coverage = pl.col("deduction_begins_on") == pl.col("begins_on")
    given = point.rename({"version": "was"}).with_columns(
        was_on="begins_on",
        begins_on=to_on,
        deduction_begins_on=pl.when(with_coverage)
        .then(to_on)
        .otherwise(pl.max_horizontal("deduction_begins_on", to_on)),
        version=pl.lit(0, pl.Int32),
        run_id=pl.lit(started.pk, pl.Int64),
    )
    new = above_all_versions(connection, given)
    copy_points(connection, new, now=now)
    copy_children(connection, new)


def _ended(connection: Any, order: TakenOver, point: pl.DataFrame, started: Run, *, now: datetime) -> None:
    """Write that nothing holds from a day on, for cover and for payroll."""
    given = point.with_columns(
        *(pl.lit(None, point.schema[name]).alias(name) for name in EMPTIED if name in point.columns),
        kind=pl.lit(str(ChangeKind.TERMINATED)),
        basis=pl.lit("none"),
        begins_on=pl.lit(order.to_on),
        deduction_begins_on=pl.lit(order.to_on),
        version=pl.lit(0, pl.Int32),
        run_id=pl.lit(started.pk, pl.Int64),
    )
    copy_points(connection, above_all_versions(connection, given), now=now)


def _undone(connection: Any, order: TakenOver, started: Run, *, now: datetime) -> int:
    """Take what the last standing act wrote out, and write again what it took out."""
    last = _last_act(connection, order)
    points = load_all_points(connection, order.record()).filter(
        pl.col("schedule_id").is_null(), **order.series()
    )
    if last.to_on is not None:
        made = points.filter(pl.col("superseded_by_run").is_null(), begins_on=last.to_on)
        supersede(connection, made.select(POINT), run_id=started.pk, now=now)
    if last.kind in (REDATE, VOID):
        gone = points.filter(begins_on=order.begins_on).sort("version").tail(1)
        write_again(connection, gone, run_id=started.pk, now=now)
    return int(last.number)


def _last_act(connection: Any, order: TakenOver) -> TakeOverAct:
    """Find the last act about the coverage that stands.

    Errors: RepairRefused where none does.
    """
    acts = TakeOverAct.objects.using(connection.alias).filter(**order.series(), begins_on=order.begins_on)
    undone = set(acts.exclude(undoes=None).values_list("undoes", flat=True))
    last = acts.exclude(number__in=undone).exclude(kind=UNDO).order_by("-number").first()
    if last is None:
        raise RepairRefused("expected an operation on this coverage to undo, found none; there is none")
    return last


# --- what cannot be -----------------------------------------------------------------------------------------


def _refuse_unsaid(order: TakenOver) -> None:
    if not order.reason.strip() or not order.author.strip():
        raise RepairRefused("an operation needs a reason and an author; state both")
    if order.do not in WORDS:
        raise RepairRefused(f"expected one of {', '.join(WORDS)}, found {order.do}; correct the word")
    needs_day = order.do in (REDATE, END)
    if needs_day != (order.to_on is not None):
        expected = "a day" if needs_day else "no day"
        raise RepairRefused(
            f"expected {expected} for `{order.do}`, found {order.to_on or 'none'}; correct it"
        )


def _refuse_impossible(order: TakenOver, held: pl.DataFrame, point: pl.DataFrame) -> None:
    if point.is_empty():
        there_are = ", ".join(map(str, held["begins_on"].sort())) or "none"
        raise RepairRefused(
            f"expected the first day of coverage taken over in plan type {order.plan_type} ({there_are}),"
            f" found {order.begins_on}; correct the day or the plan type"
        )
    if order.to_on is None:
        return
    others = held.filter(pl.col("begins_on") != order.begins_on)
    days: list[date] = others["begins_on"].to_list()
    before = max((day for day in days if day < order.begins_on), default=None)
    after = min((day for day in days if day > order.begins_on), default=None)
    first = order.begins_on if order.do == END else before
    is_between = (first is None or order.to_on > first) and (after is None or order.to_on < after)
    if not is_between or order.to_on == order.begins_on:
        raise RepairRefused(
            f"expected a day after {first or 'any'} and before {after or 'any'}, other than"
            f" {order.begins_on}, found {order.to_on}; correct the day"
        )
    if order.do == END and point["kind"][0] not in COVERED:
        raise RepairRefused("expected coverage to end, found a waiver or an ending; void it instead")


def _record(connection: Any, order: TakenOver, started: Run, undoes: int | None, now: datetime) -> None:
    acts = TakeOverAct.objects.using(connection.alias)
    key = order.series() | {"begins_on": order.begins_on}
    acts.create(
        **key,
        number=acts.filter(**key).count() + 1,
        kind=order.do,
        to_on=order.to_on,
        undoes=undoes,
        run_id=started.pk,
        reason=order.reason.strip(),
        author=order.author.strip(),
        acted_at=now,
    )
