"""Use cases of repair: decide events again, withdraw or re-date them, with all consequences, or rehearse it.

One operation (design §1.5): what the events and the later final ones of the same benefit records posted is
taken back, and they are decided again from stored facts, elections and orders through the ordinary path.
Nothing is erased, and everything is one transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core.codes import EventStatus, Level
from openbenefits.enrollment.frames import POINT, load_coverage, load_covered_dependents
from openbenefits.enrollment.taking_back import take_back_postings
from openbenefits.events.frames import load_events
from openbenefits.events.rules import EVENT_KEY, RECORD_KEY
from openbenefits.events.services import mark_read, order_replay, redate_events, void_events
from openbenefits.payroll.services import owed
from openbenefits.programs.frames import load_releases, releases_in_force
from openbenefits.repair.frames import with_deciding_run
from openbenefits.repair.rules import (
    HELD,
    REDATE,
    WITHDRAW,
    coverage_changes,
    deduction_changes,
    event_changes,
    touched,
)
from openbenefits.runs import models
from openbenefits.runs.services import TrialOver, releases_of, work_in_waves
from openbenefits.store.bulk import copy_in
from openbenefits.workforce.recording import lock_people


class RepairRefused(ValueError):
    """A repair that cannot be: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class RepairOrder:
    """What to repair, and why.

    targets: the events: EVENT_KEY, `kind` (again, withdraw, redate) and `to_on` (redate: the new day).
    begin, through: the pays whose deductions are compared end from one day through another.
    """

    client_id: int
    targets: pl.DataFrame
    as_of: date
    begin: date
    through: date
    reason: str
    author: str


@dataclass(frozen=True, kw_only=True)
class Consequences:
    """What a repair changes, or would change: three comparisons of before and after.

    coverage:   rows of repair.rules.HELD with `side`.
    deductions: what is owed per pay, where it differs.
    events:     where events stand, where it differs.
    before, after: the timelines, as repair.rules.HELD.
    run_id:     the run that made it; None after a rehearsal.
    """

    coverage: pl.DataFrame
    deductions: pl.DataFrame
    events: pl.DataFrame
    before: pl.DataFrame
    after: pl.DataFrame
    run_id: int | None


@dataclass(frozen=True, kw_only=True)
class _State:
    coverage: pl.DataFrame
    owed: pl.DataFrame
    events: pl.DataFrame


def repair(connection: Any, order: RepairOrder, *, now: datetime) -> Consequences:
    """Carry a repair out, in one transaction, and answer what it changed.

    Errors: RepairRefused for an unknown event, no reason or author; PeopleBusy while a run works on them.
    """
    _refuse(order)
    with transaction.atomic():
        lock_people(order.client_id, order.targets["person_id"].unique())
        people = order.targets.select(RECORD_KEY).unique()
        before = _state(connection, order, people)
        started = _start(connection, order, now)
        events = touched(with_deciding_run(connection, before.events), order.targets)
        _refuse_unknown(events, order.targets)
        _take_back(connection, events, started, now=now)
        setup = load_releases(connection, releases_of(started))
        outcomes, _ = work_in_waves(connection, started, people, setup, now=now)
        _close(connection, started, outcomes, now)
        after = _state(connection, order, people)
    return Consequences(
        coverage=coverage_changes(before.coverage, after.coverage),
        deductions=deduction_changes(before.owed, after.owed),
        events=event_changes(before.events, after.events),
        before=before.coverage,
        after=after.coverage,
        run_id=started.pk,
    )


def rehearse(connection: Any, order: RepairOrder, *, now: datetime) -> Consequences:
    """Answer what a repair would change; nothing is written."""
    kept: list[Consequences] = []
    try:
        with transaction.atomic():
            kept.append(replace(repair(connection, order, now=now), run_id=None))
            raise TrialOver
    except TrialOver:
        return kept[0]


def _refuse(order: RepairOrder) -> None:
    if not order.reason.strip() or not order.author.strip():
        raise RepairRefused("a repair needs a reason and an author; state both")
    clients = order.targets["client_id"].unique().to_list()
    if clients != [order.client_id]:
        raise RepairRefused(
            f"events of client {order.client_id} were expected; found {clients or 'none'}; "
            "repair one client at a time"
        )


def _refuse_unknown(events: pl.DataFrame, targets: pl.DataFrame) -> None:
    unknown = targets.join(events, on=list(EVENT_KEY), how="anti")
    if unknown.height:
        raise RepairRefused(f"{unknown.height} of {targets.height} events do not exist; name existing ones")


def _state(connection: Any, order: RepairOrder, people: pl.DataFrame) -> _State:
    """Read what holds, what is owed and where events stand."""
    points = load_coverage(connection, people)
    members = load_covered_dependents(connection, people)
    named = (
        members.sort(*POINT, "dependent_id")
        .group_by(POINT)
        .agg(members=pl.col("dependent_id").cast(pl.String).str.join(" "))
    )
    persons: Sequence[int] = people["person_id"].unique().to_list()
    return _State(
        coverage=points.join(named, on=list(POINT), how="left").select(HELD),
        owed=owed(connection, order.client_id, begin=order.begin, through=order.through, person_ids=persons),
        events=load_events(connection, people).join(people, on=list(RECORD_KEY), how="semi"),
    )


def _start(connection: Any, order: RepairOrder, now: datetime) -> models.Run:
    return models.Run.objects.create(
        kind="repair",
        bundle_client=order.client_id,
        as_of=order.as_of,
        through_level=str(Level.ELECTIONS),
        options={"reason": order.reason, "events": order.targets.height},
        state="running",
        started_at=now,
        started_by=order.author,
        releases={str(k): v for k, v in releases_in_force(connection, [order.client_id]).items()},
    )


def _take_back(connection: Any, events: pl.DataFrame, started: models.Run, *, now: datetime) -> None:
    """Take back what the events posted, void those withdrawn, and ask that the others be decided again."""
    take_back_postings(connection, events, run_id=started.pk, now=now)
    mark_read(connection, events, run_id=started.pk)
    by = {"run_id": started.pk, "actor": started.started_by, "now": now}
    withdrawn = events.filter(
        (pl.col("kind") == WITHDRAW) & (pl.col("event_status") != str(EventStatus.VOID))
    )
    void_events(connection, withdrawn, cause="withdrawn by repair", **by)
    redated = events.filter(kind=REDATE)
    redate_events(connection, redated.with_columns(event_on="to_on"))
    again = events.filter(pl.col("kind") != WITHDRAW)
    order_replay(connection, again, cause="to be decided again", **by)


def _close(connection: Any, started: models.Run, outcomes: pl.DataFrame, now: datetime) -> None:
    """Write what became of each benefit record, and end the run."""
    rows = outcomes.with_columns(
        run_id=pl.lit(started.pk, pl.Int64),
        partition=pl.lit(0, pl.Int32),
        outcome=pl.col("outcome").fill_null("no event"),
    )
    copy_in(connection, "runs_runperson", rows)
    started.state, started.ended_at = "done", now
    started.save(update_fields=["state", "ended_at"])
