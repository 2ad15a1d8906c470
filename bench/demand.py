"""One person's event on demand, database included: a marriage, by a run of its own.

In a process of its own with one thread of Polars, as a web process is.
"""

import os
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from statistics import median
from typing import Any

from django.db import connection

from bench.children import Lap, Progress, in_child, timed
from bench.kernel import Measured
from openbenefits.runs.services import run
from openbenefits.runs.workers import one_thread_of_polars
from openbenefits.store import boot
from openbenefits.workforce.models import Person
from openbenefits.workforce.services import report_life_event

NOW = datetime(2025, 10, 1, 8, tzinfo=UTC)
MARRIED_ON = date(2026, 3, 14)
BY = "bench"
ASKED, WARM_UP = 30, 3


def ask_apart(employer: Any) -> Measured:
    """Measure it in a new process, on the database in use."""
    with one_thread_of_polars():
        found: Measured = in_child(
            measure_demand, os.environ["DATABASE_URL"], employer, progress=lambda _done, _total: None
        )
    return found


def measure_demand(url: str, employer: Any, _progress: Progress) -> Measured:
    """Prepare the marriage of one person after another, each by a run of their own."""
    boot(url)
    people = Person.objects.filter(client_id=employer.client_id).order_by("id").values_list("id", flat=True)
    order = replace(employer.order(), schedule_id=employer.event_maintenance, as_of=MARRIED_ON)
    laps: list[Lap] = []
    processed = 0
    for person_id in people[: ASKED + WARM_UP]:
        report_life_event(
            employer.client_id,
            person_id,
            event_class="MAR",
            on=MARRIED_ON,
            reported_on=MARRIED_ON,
            made_by=BY,
            now=NOW,
        )
        lap = timed(partial(run, connection, replace(order, people=[person_id]), now=NOW))
        laps.append(lap)
        processed += lap.answer.outcomes.filter(outcome="processed").height
    kept = sorted(lap.seconds for lap in laps[WARM_UP:])
    return {
        "asked": len(kept),
        "asked_processed": processed,
        "asked_cpu_ms": median(lap.cpu for lap in laps[WARM_UP:]) * 1000,
        "asked_p50_ms": median(kept) * 1000,
        "asked_p95_ms": kept[int(len(kept) * 0.95)] * 1000,
    }
