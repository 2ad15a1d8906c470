"""Runs on a real database: read, compute, store; beside plain COPY of the very same rows."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from django.core.management import call_command
from django.db import connection

from bench import cycle, demand
from bench.children import Progress, memory_watched, timed
from bench.copying import UNSHARED, copied_seconds
from bench.kernel import Measured
from bench.processors import processor_seconds
from bench.world import SEED, source_hash, write_people
from openbenefits.core.codes import Level
from openbenefits.enrollment.takeover import take_over
from openbenefits.programs import services as setup
from openbenefits.programs.models import Schedule
from openbenefits.runs.partitions import LEAST_PEOPLE
from openbenefits.runs.services import RunOrder, run, trial
from openbenefits.runs.workers import each_done, most_workers
from openbenefits.sample import SAMPLE_FOLDER, generate_setup
from openbenefits.store import boot, server
from openbenefits.workforce import census
from openbenefits.workforce.models import Client, Person

NOW = datetime(2025, 10, 1, 8, tzinfo=UTC)
START = date(2025, 10, 1)
OPENING, CLOSING = date(2025, 11, 3), date(2025, 12, 1)
BY = "bench"
LARGEST_CLIENT = 10_000

WRITTEN = (
    *("events.Event", "events.EventStep", "events.Message"),
    *("enrollment.Preparation", "enrollment.EventPlan", "enrollment.MenuOption"),
    "runs.RunPerson",
    "runs.EventBefore",
)
"""The tables that a preparation writes to (beside the few rows of the ledger)."""


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
    """Write bundles and censuses of clients of at most 10,000 people, two at least, unless they are there."""
    clients = max(2, -(-people // LARGEST_CLIENT))
    each = people // clients
    folder = base / f"stored-{clients}-times-{each}-{source_hash()}"
    profiles = generate_setup(folder / "clients", clients, seed=SEED)
    write_people(folder, profiles, each, progress)
    return folder


def measure_stored(folder: Path, progress: Progress) -> Measured:
    """Load a database of its own, run open enrolment through it, and compare with COPY."""
    with bench_database(), memory_watched() as most_bytes:
        return _measure(folder, progress, most_bytes)


def _measure(folder: Path, progress: Progress, most_bytes: Callable[[], int]) -> Measured:
    codes = sorted(one.name for one in (folder / "clients").iterdir())
    steps = Steps(progress, 6 * len(codes) + 5)
    loading = time.perf_counter()
    setup.apply(SAMPLE_FOLDER / "peo", client_id=0, applied_by=BY, now=NOW)
    employers = [steps.did(load_employer(folder, code)) for code in codes]
    loaded = time.perf_counter() - loading
    orders = [one.order() for one in employers]
    finals = [replace(one, as_of=CLOSING, through=Level.ELECTIONS, is_finalizing=True) for one in orders]
    people = Person.objects.count()
    workers = most_workers()
    prepared = steps.run("prepared", orders)
    prepared_bytes = most_bytes()
    parts = [[one.client_id] for one in employers]
    rows = steps.did(copied_seconds(WRITTEN, parts))
    flat = [UNSHARED if label == "enrollment.MenuOption" else label for label in WRITTEN]
    unshared = steps.did(copied_seconds(flat, parts))
    laps = steps.run("again", orders) | steps.run("trial", finals, trial)
    laps |= cycle.measure_rest(finals, steps) | steps.run("finalised_again", finals)
    asked = steps.did(demand.ask_apart(employers[0]))
    return {
        "people": people,
        "clients": len(codes),
        "load_seconds": loaded,
        **prepared,
        **laps,
        **rows,
        "unshared_seconds": unshared["copy_seconds"],
        "unshared_rows": unshared["copied_rows"],
        "ratio": (prepared["prepared_seconds"] - prepared["prepared_starting"]) / rows["copy_seconds"],
        **asked,
        "prepared_bytes": prepared_bytes,
        "peak_bytes": most_bytes(),
        "workers": workers,
        "is_durable": _setting("fsync") == _setting("synchronous_commit") == "on",
    }


class Begun(NamedTuple):
    """When a process began an order, by a clock that processes share, and what processor time it had used."""

    process: int
    at: float
    cpu: float


class Steps:
    """Counts what is done, for the progress bar; starts each measurement from a settled database."""

    def __init__(self, progress: Progress, total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0
        self.starting: Measured = {}

    def did(self, answer: Any) -> Any:
        self.done += 1
        self.progress(self.done, self.total)
        return answer

    def run(self, name: str, orders: Sequence[RunOrder], how: Callable[..., Any] = run) -> Measured:
        """Run orders, each of a client, as many at once as there are cores; answer `name`_seconds and so on.

        _cpu is the processor time of this process, of those it starts, and of the database's server;
        _starting how long it took until a process had begun, and _starting_cpu what they had used by then; of
        one order, which starts them itself, those of the last time.
        """
        settle()
        workers = most_workers()
        of_client = partial(_of_client, how=how, workers=workers if len(orders) == 1 else 1)
        begun: list[Begun] = []

        def of_all() -> None:
            for one in each_done(connection, orders, of_client, workers=workers):
                begun.append(self.did(one))

        before, called = processor_seconds(), time.perf_counter()
        seconds = timed(of_all).seconds
        used = processor_seconds() - before
        if len(orders) > 1:
            firsts = {one.process: one.cpu for one in sorted(begun, reverse=True)}
            at = min(one.at for one in begun)
            self.starting = {"starting": at - called, "starting_cpu": sum(firsts.values())}
        starts = len(orders) > 1 or _people(orders) > LEAST_PEOPLE
        starting = {f"{name}_{clock}": value for clock, value in self.starting.items()} if starts else {}
        return {f"{name}_seconds": seconds, f"{name}_cpu": used} | starting


def _of_client(connection: Any, order: RunOrder, *, how: Callable[..., Any], workers: int) -> Begun:
    """Run an order; answer when that began."""
    begun = Begun(os.getpid(), time.perf_counter(), time.process_time())
    how(connection, order, now=NOW, workers=workers)
    return begun


def _people(orders: Sequence[RunOrder]) -> int:
    return int(Person.objects.filter(client_id__in=[one.client_id for one in orders]).count())


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


def _setting(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        return cursor.fetchone()[0]
