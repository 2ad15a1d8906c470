"""Statements in bulk: letters set, kept, and given to their ways, with one typesetter at a time."""

import resource
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from django.db import connection

from bench.children import Progress, peak_bytes
from bench.kernel import Measured
from bench.processors import processor_seconds
from bench.stored import BY, NOW, SAMPLE_FOLDER, bench_database, load_employer
from openbenefits.delivery.models import Document
from openbenefits.programs import services as setup
from openbenefits.reports.services import issue_enrollment_statements
from openbenefits.runs.services import run
from openbenefits.workforce.models import Person

DAY = date(2025, 11, 3)


def measure_letters(folder: Path, bulks: Sequence[int], progress: Progress) -> Measured:
    """Prepare an employer; issue statements to bulks of its people, or as many as are left."""
    with bench_database():
        setup.apply(SAMPLE_FOLDER / "peo", client_id=0, applied_by=BY, now=NOW)
        code = sorted(one.name for one in (folder / "clients").iterdir())[0]
        employer = load_employer(folder, code)
        run(connection, employer.order(), now=NOW)
        of_client = Person.objects.filter(client_id=employer.client_id).order_by("pk")
        people = list(of_client.values_list("pk", flat=True))
        measured: Measured = {}
        for bulk in bulks:  # who had a statement gets no second one: the larger bulk is of the others
            part, people = people[:bulk], people[bulk:]
            measured |= _bulk(employer.open_enrollment, part, bulk, progress)
        pages = sum(Document.objects.values_list("pages", flat=True)) / max(1, Document.objects.count())
        size = sum(Document.objects.values_list("size", flat=True)) / max(1, Document.objects.count())
        return measured | {"pages": pages, "size": size, "peak_bytes": peak_bytes()}


def _bulk(schedule_id: int, people: list[int], bulk: int, progress: Progress) -> Measured:
    before, cpu = time.perf_counter(), _processor()
    done = issue_enrollment_statements(
        connection, schedule_id, on=DAY, now=NOW, actor=BY, progress=progress, person_ids=people
    )
    seconds = time.perf_counter() - before
    return {
        f"letters_{bulk}": done.issued,
        f"seconds_{bulk}": seconds,
        f"cpu_{bulk}": _processor() - cpu,
    }


def _processor() -> float:
    """Seconds of processor of this process, the database, and the typesetters that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return processor_seconds() + used.ru_utime + used.ru_stime
