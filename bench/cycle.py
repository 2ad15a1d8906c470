"""The rest of the cycle of open enrolment once it is prepared: rehearsed, committed, final, looked ahead."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from tempfile import TemporaryDirectory
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection

from bench.children import timed
from bench.copying import copied_seconds
from bench.kernel import Measured
from openbenefits.runs.ahead import coverage_ahead
from openbenefits.runs.committing import COMMITTED, Tolerance, commit
from openbenefits.runs.orders import RunOrder
from openbenefits.runs.rehearsals import rehearse
from openbenefits.runs.workers import most_workers
from openbenefits.workforce.models import Person

NOW = datetime(2025, 10, 1, 8, tzinfo=UTC)
AHEAD, THROUGH = date(2026, 1, 1), date(2026, 12, 31)
REHEARSER, COMMITTER = "bench", "somebody else"
POSTED = ("enrollment.Coverage", "events.EventStep", "runs.RunPerson", "runs.EventBefore")
"""The tables that finalising writes to most."""


def measure_rest(finals: Sequence[RunOrder], steps: Any) -> Measured:
    """Rehearse all clients, commit the first by its rehearsal, finalise the others, look a year ahead.

    Shapes: steps is `stored.Steps`.
    """
    with TemporaryDirectory() as folder:
        settings.REHEARSALS = folder
        rehearsed = timed(
            lambda: rehearse(connection, finals, now=NOW, made_by=REHEARSER, workers=most_workers())
        )
        steps.did(None)
        first = [finals[0].client_id]
        committed = timed(
            lambda: commit(
                connection,
                rehearsed.answer,
                now=NOW,
                author=COMMITTER,
                tolerance=Tolerance(),
                clients=first,
            )
        )
    if [one.state for one in committed.answer] != [COMMITTED]:
        raise RuntimeError(f"the rehearsal was not committed: {committed.answer[0].why}")
    steps.did(None)
    before = _points()
    rest = _shared_evenly(finals[1:], most_workers())
    finalised = steps.run("finalised", rest)
    looked = timed(lambda: coverage_ahead(connection, first, as_of=AHEAD, through=THROUGH))
    steps.did(None)
    others = [[one.client_id] for one in rest]
    floor = copied_seconds(POSTED, others, only="run_id IS NOT NULL")
    people = Person.objects.filter(client_id__in=first).count()
    theirs = Person.objects.filter(client_id__in=[one.client_id for one in rest]).count()
    return {
        "rehearsed_seconds": rehearsed.seconds,
        "rehearsed_starting": steps.starting["starting"],
        "rehearsed_differences": rehearsed.answer.differences.height,
        "committed_seconds": committed.seconds,
        "committed_people": people,
        **finalised,
        "finalised_people": theirs,
        "finalised_points": _points() - before,
        "finalised_copy_seconds": floor["copy_seconds"],
        "ahead_seconds": looked.seconds,
        "ahead_tasks": looked.answer.height,
    }


def _shared_evenly(orders: Sequence[RunOrder], workers: int) -> Sequence[RunOrder]:
    """Take as many clients as give each process the same: of a hundred, one more makes no difference."""
    return orders[: len(orders) - len(orders) % workers] or orders


def _points() -> int:
    return int(apps.get_model("enrollment.Coverage").objects.filter(run_id__isnull=False).count())
