"""A night of event maintenance: everybody's pay has changed, at many clients; beside COPY of the rows."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from django.apps import apps
from django.db import connection

from bench.children import Progress, memory_watched, timed
from bench.copying import copied_seconds
from bench.kernel import Measured
from bench.stored import (
    BY,
    NOW,
    START,
    WRITTEN,
    Employer,
    bench_database,
    load_employer,
    settle,
)
from bench.world import SEED, source_hash, write_people
from openbenefits.core.codes import Level
from openbenefits.programs import services as setup
from openbenefits.runs.services import RunOrder, RunResult, run
from openbenefits.runs.workers import each_done, most_workers
from openbenefits.sample import SAMPLE_FOLDER, generate_setup
from openbenefits.workforce.models import Person
from openbenefits.workforce.recording import (
    JOBS,
    FactFrames,
    known_versions,
    latest_versions,
    record_facts,
)

CHANGED_ON = date(2026, 2, 2)
EACH = 200


def make_changed(base: Path, clients: int, progress: Progress) -> Path:
    """Write bundles and censuses of clients of 200 people each, unless they stand there already."""
    folder = base / f"maintained-{clients}-times-{EACH}-{source_hash()}"
    write_people(folder, generate_setup(folder / "clients", clients, seed=SEED), EACH, progress)
    return folder


def measure_maintenance(folder: Path, progress: Progress) -> Measured:
    """Load the clients, change everybody's pay, and let the nightly run of each client take the events up."""
    with bench_database():
        codes = sorted(one.name for one in (folder / "clients").iterdir())
        setup.apply(SAMPLE_FOLDER / "peo", client_id=0, applied_by=BY, now=NOW)
        employers = []
        for done, code in enumerate(codes, 1):
            employers.append(load_employer(folder, code))
            change_pay(employers[-1])
            progress(done, 2 * len(codes))
        return _measured(employers, progress)


def change_pay(employer: Employer) -> None:
    """Give everybody of a client a raise of 3 percent, as one import does."""
    people = pl.Series(list(Person.objects.filter(client_id=employer.client_id).values_list("pk", flat=True)))
    known = latest_versions(JOBS, known_versions(JOBS, employer.client_id, people))
    jobs = known.sort("valid_from").unique(["person_id", "job_number"], keep="last", maintain_order=True)
    raised = jobs.with_columns(
        valid_from=pl.lit(CHANGED_ON),
        action=pl.lit("PAY"),
        annual_pay_cents=pl.col("annual_pay_cents") * 103 // 100,
    )
    frames = FactFrames(jobs=raised.select(list(JOBS.columns)))
    record_facts(employer.client_id, frames, kind="entry", label="raise", made_by=BY, now=NOW)


def _measured(employers: list[Employer], progress: Progress) -> Measured:
    settle()
    found = []

    def all_clients() -> None:
        for answer in each_done(connection, employers, _of_client, workers=most_workers()):
            found.append(answer.outcomes.filter(outcome="processed"))
            progress(len(employers) + len(found), 2 * len(employers))

    with memory_watched() as most_bytes:
        seconds = timed(all_clients).seconds
    told = pl.concat(found)
    points = apps.get_model("enrollment.Coverage").objects.filter(begins_on__gte=CHANGED_ON).count()
    return {
        "people": Person.objects.count(),
        "clients": len(employers),
        "seconds": seconds,
        "processed": told["people"].sum(),
        "final": told.filter(to_status="FE")["people"].sum(),
        "points": points,
        "peak_bytes": most_bytes(),
        **copied_seconds(
            [*WRITTEN, "enrollment.Coverage"],
            [[one.client_id for one in employers]],
            only="run_id IS NOT NULL",
        ),
    }


def _of_client(connection: Any, employer: Employer) -> RunResult:
    """Run the night of one client, as `repair.night` does with several at once."""
    order = RunOrder(
        client_id=employer.client_id,
        schedule_id=employer.event_maintenance,
        as_of=CHANGED_ON,
        through=Level.ELECTIONS,
        floor=START,
        started_by=BY,
    )
    return run(connection, order, now=NOW, workers=1)
