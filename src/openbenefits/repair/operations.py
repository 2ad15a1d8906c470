"""Repairs a person orders: carried out or previewed with all consequences, or undone.

One mechanism (`repair.services`): what an order asks of events is a row of `repair.kinds`. Beside coverage,
deductions and statuses an operation tells what becomes of losses that COBRA looks at.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.compliance.cobra.rules.losses import LOSS_KEY
from openbenefits.compliance.cobra.services import classified_losses
from openbenefits.enrollment.superseding import withdraw_copies
from openbenefits.events.rules import EVENT_KEY
from openbenefits.repair import kinds
from openbenefits.repair.acts import PART_OF_ONE, last_standing, load_acts, trail_of_acts, undoing
from openbenefits.repair.permissions import Permit, everybody_may
from openbenefits.repair.services import Consequences, RepairOrder, RepairRefused, repair
from openbenefits.repair.targets import spelled
from openbenefits.store.trials import given_up
from openbenefits.workforce.recording import lock_people

LOSS = ("verdict", "cause", "continues_through")


@dataclass(frozen=True, kw_only=True)
class Told:
    """What operations change, or would change.

    consequences: events, coverage and deductions before and after.
    losses:       losses of health coverage that are others, or judged otherwise: LOSS_KEY, `side` (before,
                  after), verdict, cause, continues_through. A duty follows from each that qualifies.
    left:         what was not done, and why (a schedule as a whole): as `repair.judging.faults`.
    """

    consequences: Consequences
    losses: pl.DataFrame
    left: pl.DataFrame


def operate(
    connection: Any,
    order: RepairOrder,
    *,
    now: datetime,
    permit: Permit = everybody_may,
    is_rehearsal: bool = False,
) -> Told:
    """Carry operations out, all or none, and answer what they change; a rehearsal writes nothing.

    Errors: as `repair.services.repair`.
    """
    return rehearsed(lambda: told_of(connection, order, now=now, permit=permit), is_rehearsal=is_rehearsal)


def told_of(connection: Any, order: RepairOrder, *, now: datetime, permit: Permit) -> Told:
    with transaction.atomic():
        before = _losses(connection, order)
        done = repair(connection, order, now=now, permit=permit)
        after = _losses(connection, order)
    return Told(consequences=done, losses=loss_changes(before, after), left=pl.DataFrame())


def rehearsed(work: Callable[[], Told], *, is_rehearsal: bool) -> Told:
    """Do something, and give its transaction up if it is a rehearsal."""
    with given_up(is_rehearsal=is_rehearsal):
        told = work()
    return replace(told, consequences=replace(told.consequences, run_id=None)) if is_rehearsal else told


def _losses(connection: Any, order: RepairOrder) -> pl.DataFrame:
    targets = spelled(order.targets)
    people = pl.concat([targets["person_id"], targets["to_person"].drop_nulls()]).unique()
    return classified_losses(connection, order.client_id, people.to_list()).select(*LOSS_KEY, *LOSS)


def loss_changes(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Compare losses of health coverage: rows that are no more, and that are new, with `side`."""
    columns = [*LOSS_KEY, *LOSS]
    lost = before.join(after, on=columns, how="anti", nulls_equal=True)
    won = after.join(before, on=columns, how="anti", nulls_equal=True)
    both = [lost.with_columns(side=pl.lit("before")), won.with_columns(side=pl.lit("after"))]
    return pl.concat(both).sort(*LOSS_KEY, "side", descending=[False] * len(LOSS_KEY) + [True])


# --- undoing ------------------------------------------------------------------------------------------------


def undo(
    connection: Any,
    order: RepairOrder,
    *,
    now: datetime,
    permit: Permit = everybody_may,
    is_rehearsal: bool = False,
) -> Told:
    """Undo the last operation on each event of an order (`kind` is not looked at).

    What the operation ordered is withdrawn, and what follows is decided again: with unchanged facts the
    outcome is that of before. The next undoing takes the operation before that one.

    Errors: RepairRefused where nothing was done with an event, or only what orders nothing (decided again,
            validated again, gone on); as `repair.services.repair`.
    """

    def work() -> Told:
        with transaction.atomic():
            lock_people(order.client_id, order.targets["person_id"].unique())
            acts = _acts_to_undo(connection, order)
            withdraw_copies(connection, trail_of_acts(connection, acts), actor=order.author, on=order.as_of)
            targets = _with_reasons(undoing(connection, acts), order.targets)
            told = told_of(connection, replace(order, targets=targets), now=now, permit=permit)
            return _disconnected_again(connection, order, acts, told, now=now)

    return rehearsed(work, is_rehearsal=is_rehearsal)


def _disconnected_again(
    connection: Any, order: RepairOrder, acts: pl.DataFrame, told: Told, *, now: datetime
) -> Told:
    """Disconnect again what was disconnected before; what it had posted holds."""
    cut = acts.filter(pl.col("kind") != kinds.RECONNECT, was_event_status=kinds.DISCONNECTED)
    if cut.is_empty():
        return told
    targets = cut.select(*EVENT_KEY, kind=pl.lit(kinds.DISCONNECT), undoes=pl.lit(PART_OF_ONE, pl.Int32))
    repair(connection, replace(order, targets=targets), now=now)
    return told


def _with_reasons(targets: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    """Give each target the reason stated for its event, if one is."""
    reasons = spelled(given).select(*EVENT_KEY, "reason")
    return targets.join(reasons, on=list(EVENT_KEY), how="left")


def _acts_to_undo(connection: Any, order: RepairOrder) -> pl.DataFrame:
    """Find the last act that stands of each event, and refuse where there is none, or nothing to undo."""
    known = load_acts(connection, order.targets).join(order.targets, on=list(EVENT_KEY), how="semi")
    acts = last_standing(known)
    missing = order.targets.select(EVENT_KEY).unique().height - acts.height
    if missing:
        raise RepairRefused(
            f"expected events with an operation to undo, found {missing} without; nothing was done with them,"
            " or it was undone already"
        )
    lasting = acts.filter(
        pl.col("kind").is_in([code for code, kind in kinds.KINDS.items() if kind.undone_by is None])
    )
    if lasting.height:
        first = lasting.row(0, named=True)
        raise RepairRefused(
            f"event {first['event_number']} of person {first['person_id']}: expected an operation that"
            f" ordered something, found '{first['kind']}'; correct the facts or the elections it was"
            " decided from"
        )
    return acts


__all__ = ["Told", "loss_changes", "operate", "rehearsed", "told_of", "undo"]
