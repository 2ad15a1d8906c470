"""Runs on a real database: read, compute, store; beside plain COPY of the very same rows."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl
from django.apps import apps
from django.core.management import call_command
from django.db import connection, transaction

from bench.children import Progress, peak_bytes
from bench.kernel import Lap, Measured, timed
from bench.world import SEED, source_hash, write_people
from openbenefits.core.codes import Level
from openbenefits.enrollment.takeover import take_over
from openbenefits.programs import services as setup
from openbenefits.programs.models import Schedule
from openbenefits.runs.services import RunOrder, run, trial
from openbenefits.sample import SAMPLE_FOLDER, generate_setup
from openbenefits.store import boot, server
from openbenefits.store.bulk import copy_in, copy_out, schema_of
from openbenefits.workforce import census
from openbenefits.workforce.models import Client, Person
from openbenefits.workforce.services import report_life_event

NOW = datetime(2025, 10, 1, 8, tzinfo=UTC)
START = date(2025, 10, 1)
OPENING, CLOSING = date(2025, 11, 3), date(2025, 12, 1)
MARRIED_ON = date(2026, 3, 14)
BY = "bench"
LARGEST_CLIENT = 10_000
ASKED, WARM_UP = 30, 3

WRITTEN = (
    *("events.Event", "events.EventStep", "events.Message"),
    *("enrollment.Preparation", "enrollment.EventPlan", "enrollment.MenuOption"),
    *("runs.RunPerson", "runs.RunPartition"),
)
"""The tables that a preparation writes to (beside its one row in runs_run)."""


@dataclass(frozen=True, kw_only=True)
class Employer:
    """A client in the database."""

    client_id: int
    open_enrollment: int
    event_maintenance: int

    def order(self) -> RunOrder:
        """Order open enrolment through options, as on the day its window opens."""
        return RunOrder(
            client_id=self.client_id,
            schedule_id=self.open_enrollment,
            as_of=OPENING,
            through=Level.OPTIONS,
            floor=START,
            started_by=BY,
        )


def make_people(base: Path, people: int, progress: Progress) -> Path:
    """Write bundles and censuses of clients of at most 10,000 people, unless they stand there already."""
    clients = -(-people // LARGEST_CLIENT)
    each = people // clients
    folder = base / f"stored-{clients}-times-{each}-{source_hash()}"
    profiles = generate_setup(folder / "clients", clients, seed=SEED)
    write_people(folder, profiles, each, progress)
    return folder


def measure_stored(folder: Path, progress: Progress) -> Measured:
    """Load a database of its own, run open enrolment through it, and compare with COPY."""
    with bench_database():
        return _measure(folder, progress)


def _measure(folder: Path, progress: Progress) -> Measured:
    codes = sorted(one.name for one in (folder / "clients").iterdir())
    steps = _Steps(progress, 6 * len(codes) + 2)
    loading = time.perf_counter()
    setup.apply(SAMPLE_FOLDER / "peo", client_id=0, applied_by=BY, now=NOW)
    employers = [steps.did(load_employer(folder, code)) for code in codes]
    loaded = time.perf_counter() - loading
    orders = [one.order() for one in employers]
    finals = [replace(one, as_of=CLOSING, through=Level.ELECTIONS, is_finalizing=True) for one in orders]
    people = Person.objects.count()
    prepared = steps.run(orders)
    rows = copied_seconds(WRITTEN)
    steps.did(None)
    again = steps.run(orders)
    rehearsed = steps.run(finals, trial)
    finalised = steps.run(finals)
    unchanged = steps.run(finals)
    asked = _asked(employers[0])
    steps.did(None)
    return {
        "people": people,
        "clients": len(codes),
        "load_seconds": loaded,
        "prepared_seconds": prepared,
        "again_seconds": again,
        "trial_seconds": rehearsed,
        "finalised_seconds": finalised,
        "finalised_again_seconds": unchanged,
        **rows,
        "ratio": prepared / rows["copy_seconds"],
        **asked,
        "peak_bytes": peak_bytes(),
        "is_durable": _setting("fsync") == _setting("synchronous_commit") == "on",
    }


class _Steps:
    """Counts what is done, for the progress bar; starts each measurement from a settled database."""

    def __init__(self, progress: Progress, total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0

    def did(self, answer: Any) -> Any:
        self.done += 1
        self.progress(self.done, self.total)
        return answer

    def run(self, orders: Sequence[RunOrder], how: Callable[..., Any] = run) -> float:
        """Run orders one after the other; answer the seconds."""
        settle()
        return sum(self.did(timed(partial(how, connection, order, now=NOW)).seconds) for order in orders)


@contextmanager
def bench_database() -> Iterator[None]:
    """Start the benchmark's own embedded server, durable as in production, with an empty database."""
    folder = server.data_folder("bench")
    was_running = server.status(folder)
    running = server.start(folder)
    server.drop_database(running, server.DATABASE)
    boot(data_folder=folder)
    call_command("migrate", verbosity=0)
    try:
        yield
    finally:
        connection.close()
        if not was_running:
            server.stop(folder)


def load_employer(folder: Path, code: str) -> Employer:
    client = Client.objects.create(code=code, name=code)
    setup.apply(folder / "clients" / code, client_id=client.id, applied_by=BY, now=NOW)
    people = folder / "people" / code
    found = census.preview(client.id, people / "census.csv", as_of=START)
    census.apply(found, made_by=BY, now=NOW)
    take_over(connection, client.id, people / "current_coverage.csv", now=NOW, made_by=BY)
    kinds = dict(Schedule.objects.filter(client_id=client.id).values_list("kind", "schedule_id"))
    return Employer(client_id=client.id, open_enrollment=kinds["O"], event_maintenance=kinds["E"])


def settle() -> None:
    """Let no measurement pay for what was written before it."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("CHECKPOINT")


# --- plain COPY -------------------------------------------------------------------------------------------


def copied_seconds(labels: Sequence[str]) -> Measured:
    """Read back what a run wrote to some tables, empty them, and COPY the same rows in again, at once."""
    reading, frames = time.perf_counter(), {}
    for label in labels:
        model = apps.get_model(label)
        schema = schema_of(model)
        table = model._meta.db_table
        frames[table] = copy_out(connection, f"SELECT {', '.join(schema)} FROM {table}", schema)  # noqa: S608
    read = time.perf_counter() - reading
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(frames)}")
    settle()
    seconds = timed(lambda: _copy(frames)).seconds
    return {
        "copy_seconds": seconds,
        "read_back_seconds": read,
        "copied_rows": sum(frame.height for frame in frames.values()),
        "copied_options": frames["enrollment_menuoption"].height,
    }


def _copy(frames: dict[str, pl.DataFrame]) -> None:
    with transaction.atomic():
        for table, frame in frames.items():
            copy_in(connection, table, frame)


# --- one person -------------------------------------------------------------------------------------------


def _asked(employer: Employer) -> Measured:
    """Prepare the marriage of one person after another, each by a run of their own."""
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


def _setting(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        return cursor.fetchone()[0]
