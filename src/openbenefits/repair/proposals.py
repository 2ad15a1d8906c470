"""Repairs the product proposes by itself: found from flags and facts, shown with consequences, carried out.

A proposal is not stored: it follows from the flags of events and from what became of their facts.
Carrying it out clears the flags; so does keeping an event as it is, with a reason.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core.codes import Level
from openbenefits.events.frames import load_events
from openbenefits.events.rules import EVENT_KEY, RECORD_KEY
from openbenefits.events.services import keep_as_it_is
from openbenefits.repair.frames import load_causes, load_flagged_records
from openbenefits.repair.rules import held_back, proposed, targets_of
from openbenefits.repair.services import Consequences, RepairOrder, RepairRefused, rehearse, repair
from openbenefits.runs.models import Run
from openbenefits.runs.services import RunResult
from openbenefits.workforce.recording import lock_people


@dataclass(frozen=True, kw_only=True)
class Due:
    """What the repairs due of a client came to.

    proposals: as `repair.rules.proposed`, with `outcome`: repaired, unchanged (nothing differs now),
               or why somebody must decide.
    consequences: what was changed; None where nothing was carried out.
    """

    proposals: pl.DataFrame
    consequences: Consequences | None


@dataclass(frozen=True, kw_only=True)
class DueOrder:
    """Which client's repairs to carry out, as of which day, and which pays to compare."""

    client_id: int
    as_of: date
    begin: date
    through: date
    author: str


def find_proposals(connection: Any, client_id: int) -> pl.DataFrame:
    """List the repairs proposed for the events of a client, as `repair.rules.proposed`."""
    records = load_flagged_records(connection, client_id)
    events = load_events(connection, records).join(records, on=list(RECORD_KEY), how="semi")
    causes = load_causes(connection, records)
    return proposed(events, causes, causes.select(*EVENT_KEY, "made_in")).sort("event_on", *EVENT_KEY)


def order_of(order: DueOrder, proposals: pl.DataFrame, reason: str) -> RepairOrder:
    """Turn proposals into the order that carries them out."""
    return RepairOrder(
        client_id=order.client_id,
        targets=targets_of(proposals),
        as_of=order.as_of,
        begin=order.begin,
        through=order.through,
        reason=reason,
        author=order.author,
    )


def repair_due(connection: Any, order: DueOrder, *, now: datetime) -> Due:
    """Carry out every proposed repair nobody need decide on; say of the others why they wait.

    A repair is rehearsed first. Where medical coverage would end on a past day, or somebody would have to
    answer again, a person decides (rulings §6). Where nothing differs only the flags are cleared.
    """
    return _due(connection, order, repair, now=now)


def rehearse_due(connection: Any, order: DueOrder, *, now: datetime) -> Due:
    """Answer what `repair_due` would do; nothing is written."""
    return _due(connection, order, rehearse, now=now)


Work = Callable[..., Consequences]


def _due(connection: Any, order: DueOrder, work: Work, *, now: datetime) -> Due:
    proposals = find_proposals(connection, order.client_id)
    if proposals.is_empty():
        return Due(proposals=proposals.with_columns(outcome=pl.lit(None, pl.String)), consequences=None)
    told = rehearse(connection, order_of(order, proposals, "repairs due"), now=now)
    waiting = held_back(told.before, told.after, told.events, as_of=order.as_of)
    judged = proposals.join(waiting.rename({"why": "outcome"}), on=list(RECORD_KEY), how="left")
    clear = judged.filter(pl.col("outcome").is_null()).drop("outcome")
    done = work(connection, order_of(order, clear, "repairs due"), now=now) if clear.height else None
    return Due(proposals=_with_outcome(judged, done), consequences=done)


def _with_outcome(judged: pl.DataFrame, done: Consequences | None) -> pl.DataFrame:
    """Say of each proposal what came of it; why it waits is said already."""
    rows = judged.join(_moved(done), on=list(RECORD_KEY), how="left")
    is_moved = pl.col("is_moved").fill_null(value=False)
    came = pl.when(is_moved).then(pl.lit("repaired")).otherwise(pl.lit("unchanged"))
    return rows.with_columns(outcome=pl.coalesce("outcome", came)).drop("is_moved")


def _moved(done: Consequences | None) -> pl.DataFrame:
    """The benefit records of which something differs now."""
    if done is None:
        return pl.DataFrame(
            schema={
                "client_id": pl.Int32,
                "person_id": pl.Int64,
                "benefit_record": pl.Int16,
                "is_moved": pl.Boolean,
            }
        )
    parts = [part.select(RECORD_KEY) for part in (done.coverage, done.deductions, done.events)]
    return pl.concat(parts).unique().with_columns(is_moved=pl.lit(value=True))


def run_repairs(
    connection: Any,
    client_id: int,
    *,
    as_of: date,
    now: datetime,
    started_by: str,
    run_control: str | None = None,
) -> RunResult:
    """Carry out the repairs due of a client as a run control does: a client that has one repairs itself."""
    started = Run.objects.create(
        run_control=run_control,
        kind="repairs",
        bundle_client=client_id,
        as_of=as_of,
        through_level=str(Level.ELECTIONS),
        state="running",
        started_at=now,
        started_by=started_by,
    )
    done = repair_due(connection, due_order(client_id, as_of, started_by), now=now)
    started.state, started.ended_at = "done", now
    started.save(update_fields=["state", "ended_at"])
    counted = done.proposals.group_by("outcome").agg(people=pl.struct(RECORD_KEY).n_unique().cast(pl.Int64))
    outcomes = counted.select(
        outcome=pl.format("repair: {}", "outcome"), to_status=pl.lit(None, pl.String), people="people"
    )
    return RunResult(
        run_id=started.pk,
        state="done",
        people=done.proposals.select(RECORD_KEY).n_unique(),
        outcomes=outcomes.sort("outcome"),
    )


def due_order(client_id: int, as_of: date, author: str) -> DueOrder:
    """Order the repairs due as of a day, and compare the pays from the year before through the year's end."""
    return DueOrder(
        client_id=client_id,
        as_of=as_of,
        begin=date(as_of.year - 1, 1, 1),
        through=date(as_of.year, 12, 31),
        author=author,
    )


def dismiss(connection: Any, events: pl.DataFrame, *, reason: str, author: str, now: datetime) -> None:
    """Keep events as they are: their flags are cleared, the reason stays in their history.

    Shapes:  events has the event's key.
    Errors:  RepairRefused without reason or author; PeopleBusy.
    """
    if not reason.strip() or not author.strip():
        raise RepairRefused("to keep an event as it is needs a reason and an author; state both")
    with transaction.atomic():
        for client_id in events["client_id"].unique():
            lock_people(client_id, events.filter(client_id=client_id)["person_id"].unique())
        known = load_events(connection, events).join(events, on=list(EVENT_KEY), how="semi")
        keep_as_it_is(connection, known, reason=reason, actor=author, now=now)
