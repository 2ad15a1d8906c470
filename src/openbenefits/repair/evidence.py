"""Decisions about evidence undone: nothing is decided any more, and what asked for it is decided again."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.enrollment.evidence import withdraw_proofs
from openbenefits.enrollment.evidence_deciding import RAISING, REQUEST, Kind, write_undone
from openbenefits.enrollment.evidence_frames import load_acts
from openbenefits.events.rules import EVENT_KEY
from openbenefits.repair import kinds
from openbenefits.repair.operations import Told, operate, rehearsed
from openbenefits.repair.permissions import Permit, everybody_may
from openbenefits.repair.services import RepairOrder, RepairRefused
from openbenefits.workforce.recording import lock_people


@dataclass(frozen=True, kw_only=True)
class UndoOrder:
    """Which decisions to undo: those of a file (change_id), or one (person_id … number).

    begin, through: the pays whose deductions are compared end from one day through another.
    """

    client_id: int
    as_of: date
    begin: date
    through: date
    reason: str
    author: str
    change_id: int | None = None
    person_id: int | None = None
    benefit_record: int = 0
    plan_type: str = ""
    slot: int = 0
    number: int | None = None


def undo_evidence(
    connection: Any,
    order: UndoOrder,
    *,
    now: datetime,
    permit: Permit = everybody_may,
    is_rehearsal: bool = False,
) -> Told | None:
    """Undo decisions about evidence; the request waits again. None where no coverage had risen by them.

    Errors: RepairRefused without a reason, or where nothing is left to undo; as `repair.services.repair`.
    """
    if not order.reason.strip():
        raise RepairRefused("expected a reason, found none; state it")
    acts = _acts(connection, order)
    kept: list[Told | None] = []

    def work() -> Told:
        with transaction.atomic():
            lock_people(order.client_id, acts["person_id"].unique())
            write_undone(connection, acts, reason=order.reason, author=order.author, now=now)
            raising = acts.filter(pl.col("kind").is_in([str(one) for one in RAISING]))
            proofs = raising.select(
                "client_id", "person_id", "plan_type", "approved_cents", valid_from="acted_on"
            )
            withdraw_proofs(proofs.unique(), decided_by=order.author, now=now)
            return operate(connection, _again(order, raising), now=now, permit=permit)

    raised = acts.filter(pl.col("kind").is_in([str(one) for one in RAISING]))
    if raised["schedule_id"].null_count():
        raise RepairRefused("expected coverage of an event, found some taken over; decide it anew instead")
    if raised.height:
        kept.append(rehearsed(work, is_rehearsal=is_rehearsal))
    elif not is_rehearsal:
        with transaction.atomic():
            write_undone(connection, acts, reason=order.reason, author=order.author, now=now)
    return kept[0] if kept else None


def _acts(connection: Any, order: UndoOrder) -> pl.DataFrame:
    made = load_acts(connection, order.client_id)
    closing = [str(one) for one in Kind if one not in (Kind.REMINDED, Kind.UNDONE)]
    standing = made.filter(~pl.col("is_undone") & pl.col("kind").is_in(closing))
    if order.change_id is not None:
        found = standing.filter(change_id=order.change_id)
    else:
        asked = {name: getattr(order, name) for name in [*REQUEST, "number"]}
        found = standing.filter(**asked)
    if found.is_empty():
        raise RepairRefused("expected a decision that stands, found none; it may be undone already")
    return found


def _again(order: UndoOrder, raising: pl.DataFrame) -> RepairOrder:
    targets = raising.select(EVENT_KEY).unique().with_columns(kind=pl.lit(kinds.AGAIN))
    return RepairOrder(
        client_id=order.client_id,
        targets=targets,
        as_of=order.as_of,
        begin=order.begin,
        through=order.through,
        reason=order.reason,
        author=order.author,
    )
