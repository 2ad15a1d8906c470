"""Use cases of repair: decide events again, withdraw or re-date them, with all consequences, or rehearse it.

One operation (design §1.5): what the events and the later final ones of the same benefit records posted is
taken back, and they are decided again from stored facts, elections and orders through the ordinary path.
Nothing is erased, and everything is one transaction.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core.codes import Level
from openbenefits.core.columns import without
from openbenefits.enrollment.frames import POINT, load_coverage
from openbenefits.events.frames import load_events
from openbenefits.events.rules import EVENT_KEY, RECORD_KEY
from openbenefits.payroll.owing import load_owing, owed_apart
from openbenefits.payroll.rules.apart import Owing
from openbenefits.programs.frames import load_releases, load_rulebook, load_setup, releases_in_force
from openbenefits.repair.acts import record_acts
from openbenefits.repair.carrying import carry_out
from openbenefits.repair.frames import with_deciding_run
from openbenefits.repair.kinds import KINDS
from openbenefits.repair.permissions import Permit, Wish, everybody_may
from openbenefits.repair.rules import (
    HELD,
    coverage_changes,
    deduction_changes,
    event_changes,
    touched,
)
from openbenefits.repair.targets import judged, records_of, relocated, spelled
from openbenefits.runs import models
from openbenefits.runs.services import releases_of, work_in_waves
from openbenefits.store.bulk import copy_in
from openbenefits.store.trials import given_up
from openbenefits.workforce.recording import lock_people


class RepairRefused(ValueError):
    """A repair that cannot be: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class RepairOrder:
    """What to repair, and why.

    targets: the events: EVENT_KEY and `kind` (repair.kinds); where asked for `to_on` (redate: the new day),
             `to_record` (move: the new benefit record), reason (each its own; else that of the order).
    begin, through: the pays whose deductions are compared end from one day through another.
    renamed: whose dependents are whose, where events go on under another person id: old_dependent,
             dependent_id.
    standing: final events that stay as they are, though earlier ones are decided again: EVENT_KEY.
    """

    client_id: int
    targets: pl.DataFrame
    as_of: date
    begin: date
    through: date
    reason: str
    author: str
    renamed: pl.DataFrame | None = None
    standing: pl.DataFrame | None = None


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

    def are_none(self) -> bool:
        """Tell whether coverage and deductions are what they were."""
        return self.coverage.is_empty() and self.deductions.is_empty()


@dataclass(frozen=True, kw_only=True)
class State:
    """What holds, what is owed by it and where events stand, at one moment."""

    coverage: pl.DataFrame
    owing: Owing
    events: pl.DataFrame


def repair(
    connection: Any,
    order: RepairOrder,
    *,
    now: datetime,
    permit: Permit = everybody_may,
    started: models.Run | None = None,
) -> Consequences:
    """Carry a repair out, in one transaction, and answer what it changed.

    `started` is the run it is part of (None: one of its own).

    Errors: RepairRefused for an unknown event, one that does not allow it, no reason or author; PeopleBusy
            while a run works on them; whatever `permit` raises where the author may not.
    """
    _refuse(order)
    permit(_wish(order))
    with transaction.atomic():
        lock_people(order.client_id, order.targets["person_id"].unique())
        targets = spelled(order.targets)
        people = records_of(targets)
        before = state_of(connection, order, people)
        _refuse_faulty(connection, before.events, targets)
        started = started or start_run(connection, order, now)
        record_acts(connection, targets, before.events, started, order.reason, now=now)
        targets = relocated(connection, targets, before.events, started, order.renamed, now=now)
        events = touched(_movable(connection, order, people), targets)
        carry_out(connection, events, started, now=now)
        _decide(connection, started, events, people, now=now)
        after = state_of(connection, order, people)
        deductions = changed_deductions(connection, order, before, after)
    return compared(before, after, deductions, started.pk)


def _movable(connection: Any, order: RepairOrder, people: pl.DataFrame) -> pl.DataFrame:
    """Load the events a repair may touch, with the run that last decided each."""
    events = load_events(connection, people)
    if order.standing is not None:
        events = without(events, order.standing, EVENT_KEY)
    return with_deciding_run(connection, events)


def compared(before: State, after: State, deductions: pl.DataFrame, run_id: int | None) -> Consequences:
    """Compare two moments, of which it is known what is owed otherwise: what changed between them."""
    return Consequences(
        coverage=coverage_changes(before.coverage, after.coverage),
        deductions=deductions,
        events=event_changes(before.events, after.events),
        before=before.coverage,
        after=after.coverage,
        run_id=run_id,
    )


def changed_deductions(connection: Any, order: RepairOrder, before: State, after: State) -> pl.DataFrame:
    """Compare what is owed at two moments between which no fact and no set-up changed, pay by pay.

    Shapes: as `repair.rules.deduction_changes`.
    """
    sides = before.owing, after.owing
    lines = owed_apart(connection, order.client_id, sides, begin=order.begin, through=order.through)
    groups = load_setup(connection, [order.client_id])["pay_group"]
    named = groups.select(pl.col("pay_group_id").cast(pl.Int64), pay_group="code")
    was, now = (rows.join(named, on="pay_group_id", how="left") for rows in lines)
    return deduction_changes(was, now)


def rehearse(
    connection: Any, order: RepairOrder, *, now: datetime, permit: Permit = everybody_may
) -> Consequences:
    """Answer what a repair would change; nothing is written."""
    with given_up():
        done = repair(connection, order, now=now, permit=permit)
    return replace(done, run_id=None)


def _wish(order: RepairOrder) -> Wish:
    return Wish(
        author=order.author,
        client_id=order.client_id,
        operations=tuple(sorted(order.targets["kind"].unique())),
        person_ids=tuple(order.targets["person_id"].unique().sort()),
    )


def _refuse(order: RepairOrder) -> None:
    if not order.reason.strip() or not order.author.strip():
        raise RepairRefused("a repair needs a reason and an author; state both")
    clients = order.targets["client_id"].unique().to_list()
    if clients != [order.client_id]:
        raise RepairRefused(
            f"events of client {order.client_id} were expected; found {clients or 'none'}; "
            "repair one client at a time"
        )


def _refuse_faulty(connection: Any, events: pl.DataFrame, targets: pl.DataFrame) -> None:
    """Refuse the whole order where one operation cannot be; a file is judged row by row before."""
    unknown = targets.join(events, on=list(EVENT_KEY), how="anti")
    if unknown.height:
        raise RepairRefused(f"{unknown.height} of {targets.height} events do not exist; name existing ones")
    faulty = judged(connection, events, targets)
    if faulty.height:
        first = faulty.row(0, named=True)
        more = f" ({faulty.height} of {targets.height} operations cannot be)" if targets.height > 1 else ""
        raise RepairRefused(
            f"event {first['event_number']} of person {first['person_id']}: expected {first['expected']},"
            f" found {first['found']}; {first['cure']}{more}"
        )


def state_of(connection: Any, order: RepairOrder, people: pl.DataFrame) -> State:
    """Read of the people of some benefit records what holds and is owed, and where events stand."""
    points = load_coverage(connection, people)
    owing = load_owing(connection, points, load_rulebook(connection, [order.client_id]))
    named = (
        owing.members.sort(*POINT, "dependent_id")
        .group_by(POINT)
        .agg(members=pl.col("dependent_id").cast(pl.String).str.join(" "))
    )
    return State(
        coverage=points.join(named, on=list(POINT), how="left").select(HELD),
        owing=owing,
        events=load_events(connection, people).join(people, on=list(RECORD_KEY), how="semi"),
    )


def start_run(connection: Any, order: RepairOrder, now: datetime) -> models.Run:
    """Begin the run that stands for a repair in the ledger of runs."""
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


def _decide(
    connection: Any, started: models.Run, events: pl.DataFrame, people: pl.DataFrame, *, now: datetime
) -> None:
    """Let the waves decide where the operations ask for it, and end the run."""
    deciding = [code for code, kind in KINDS.items() if kind.is_decided]
    records = events.filter(pl.col("kind").is_in(deciding)).select(RECORD_KEY).unique()
    chosen = people.join(records, on=list(RECORD_KEY), how="semi")
    setup = load_releases(connection, releases_of(started))
    worked = work_in_waves(connection, started, chosen, setup, now=now)
    _close(connection, started, worked.outcomes, now)


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
