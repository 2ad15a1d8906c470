"""A repair taken back as a whole: every operation of its run is undone, and decided again."""

from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.events.rules import EVENT_KEY
from openbenefits.repair import kinds
from openbenefits.repair.acts import last_standing, load_acts
from openbenefits.repair.models import PersonMerge, RepairAct
from openbenefits.repair.operations import Told, rehearsed, undo
from openbenefits.repair.permissions import Permit, everybody_may
from openbenefits.repair.services import RepairOrder
from openbenefits.runs import models
from openbenefits.runs.acts import TAKE_BACK, ActRefused, record_act
from openbenefits.runs.orders import TAKEN_BACK
from openbenefits.store.bulk import schema_of

KIND = "repair"


def take_back_repair(
    connection: Any,
    run_id: int,
    *,
    reason: str,
    author: str,
    begin: date,
    through: date,
    now: datetime,
    permit: Permit = everybody_may,
    is_rehearsal: bool = False,
) -> Told:
    """Undo everything a repair run did with events, all or nothing; pays from `begin` through `through` are
    compared. What was paid or sent stays, and what differs then is a correction, as of any repair.

    Errors: models.Run.DoesNotExist; ActRefused for another kind or state of run, for merged people, where
            an event was operated on since, where nothing was ordered that could be withdrawn, without a
            reason, or by the same person where the client wants a second one; PeopleBusy.
    """

    def work() -> Told:
        with transaction.atomic():
            started = models.Run.objects.select_for_update().get(pk=run_id)
            _refuse_state(started)
            targets = _targets(connection, started)
            record_act(connection, started, TAKE_BACK, reason=reason, author=author, now=now)
            order = RepairOrder(
                client_id=started.bundle_client,
                targets=targets,
                as_of=started.as_of,
                begin=begin,
                through=through,
                reason=reason,
                author=author,
            )
            told = undo(connection, order, now=now, permit=permit)
            started.state = TAKEN_BACK
            started.save(update_fields=["state"])
        return told

    return rehearsed(work, is_rehearsal=is_rehearsal)


def _refuse_state(started: models.Run) -> None:
    if started.kind != KIND:
        raise ActRefused(f"run {started.pk}: expected a repair, found one of kind {started.kind}")
    if started.state != "done":
        raise ActRefused(f"run {started.pk}: expected a run that is done, found {started.state}")
    if PersonMerge.objects.filter(run_id=started.pk).exists():
        raise ActRefused(
            f"run {started.pk}: expected operations on events, found people merged or taken apart;"
            " `openbenefits repair unmerge`, or `merge`, is the way back"
        )


def _targets(connection: Any, started: models.Run) -> pl.DataFrame:
    """Name the events whose operations are undone.

    Errors: ActRefused.
    """
    schema = {name: schema_of(RepairAct)[name] for name in EVENT_KEY}
    made = RepairAct.objects.filter(run_id=started.pk, undoes=None)
    if made.count() == 0:
        raise ActRefused(
            f"run {started.pk}: expected operations to undo, found that it undid some; do them again instead"
        )
    rows = list(made.values(*EVENT_KEY))
    acts = load_acts(connection, pl.DataFrame(rows, schema=schema))
    mine = acts.filter(pl.col("run_id") == started.pk, pl.col("undoes").is_null())
    lasting = [code for code, kind in kinds.KINDS.items() if kind.undone_by is None]
    undoable = mine.filter(~pl.col("kind").is_in(lasting))
    if undoable.is_empty():
        raise ActRefused(
            f"run {started.pk}: expected operations that ordered something, found events decided again only;"
            " correct the facts or the elections they were decided from"
        )
    last = last_standing(acts).select(*EVENT_KEY, "number")
    left = undoable.join(last, on=[*EVENT_KEY, "number"], how="anti")
    if left.height:
        raise ActRefused(
            f"run {started.pk}: expected events nobody operated on since, found {left.height} of"
            f" {undoable.height}; undo these operations first, the last one first"
        )
    return undoable.select(*EVENT_KEY, "kind")
