"""A run published as a whole or not at all: rehearsed first, in one transaction, held if it is too much."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from openbenefits.runs import frames, models
from openbenefits.runs.acts import HELD, released_of
from openbenefits.runs.limits import Excess, exceeded
from openbenefits.runs.orders import TAKEN_BACK, order_of
from openbenefits.runs.processing import Progress, go_through
from openbenefits.runs.rehearsing import Part, added_up, rehearse_part
from openbenefits.store.locks import lock_rows

FINISHED = ("done", HELD, TAKEN_BACK)


def publish_whole(
    connection: Any,
    started: models.Run,
    limits: Mapping[str, int],
    *,
    now: datetime,
    progress: Progress | None,
) -> None:
    """Publish a run if it keeps within the limits of its client, else hold it for a person.

    The people stay locked from the rehearsal to the publication, so that what is published is what was
    measured. Who is locked by somebody else is measured, and taken, once they are free.
    """
    with transaction.atomic():
        parts = rehearse_run(connection, started, now=now)
        found = added_up(parts)
        excess = exceeded(limits, found, released_of(started.pk))
        if excess:
            _hold(started, excess, found, now)
            return
        go_through(connection, started, now=now, workers=1, progress=progress)
        close(started, now)


def rehearse_run(connection: Any, started: models.Run, *, now: datetime) -> list[Part]:
    """Lock everybody in scope of a run, and rehearse it by partition, in the caller's transaction."""
    people = frames.load_everybody(connection, started.pk, started.bundle_client)
    lock_rows(connection, "workforce_person", people.select(id="person_id").unique())
    order = order_of(started)
    return [
        rehearse_part(connection, part, order=order, now=now, releases=started.releases)
        for part in people.partition_by("partition")
    ]


def close(started: models.Run, now: datetime) -> None:
    """Say that a run has ended."""
    started.state, started.ended_at = "done", now
    started.save(update_fields=["state", "ended_at"])


def _hold(started: models.Run, excess: list[Excess], found: dict[str, int], now: datetime) -> None:
    """Write down that a run is held, and why; nobody was processed."""
    lines = models.RunPartition.objects.filter(run_id=started.pk)
    people = sum(lines.values_list("people", flat=True))
    why = [one.sentence() for one in excess]
    lines.update(state=HELD)
    started.options = started.options | {HELD: {"why": why, "found": found, "people": people}}
    started.state, started.ended_at = HELD, now
    started.save(update_fields=["state", "ended_at", "options"])
