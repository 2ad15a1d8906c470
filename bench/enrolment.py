"""834s of half a million members written and read back, beside plain formatting and splitting of their bytes.

Members come in files, as a night has them: so many models and not more are held at once. The guide (pyx12)
judges files in as many processes as there are cores.
"""

import gc
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import date, datetime, timedelta
from multiprocessing import get_context

import polars as pl

from bench.children import Progress, peak_bytes
from bench.kernel import Measured
from openbenefits.carriers.conformance import findings_of
from openbenefits.carriers.enrollment.coverage import Coverage, Line
from openbenefits.carriers.enrollment.file import Address, Controls, File, file_of
from openbenefits.carriers.enrollment.header import Beginning, Header, Organization
from openbenefits.carriers.enrollment.member import Member, Standing
from openbenefits.carriers.enrollment.person import City, Contact, Demographics, Person, Street, insured
from openbenefits.carriers.enrollment.reader import read_file
from openbenefits.carriers.enrollment.statements import Dated, Reference
from openbenefits.carriers.enrollment.writer import write_file
from openbenefits.carriers.rules.differences import difference
from openbenefits.carriers.rules.folding import after_changes
from openbenefits.carriers.rules.views import COVER, PEOPLE, View, view

OF_A_FILE = 50_000
OF_A_VALIDATION = 1_000
FAMILY = 2  # a subscriber and a dependent
LINES = ("HLT", "DEN", "VIS")
NOW = datetime(2026, 11, 20, 2, 15)
BEGINS = date(2027, 1, 1)
MOVED = 20  # one span of so many differs between two views
HEADER = Header(
    beginning=Beginning(purpose="00", reference="F1", on=NOW.date(), time="0215", action="2"),
    sponsor=Organization(role="P5", name="ACME", id_kind="FI", id="123456780"),
    insurer=Organization(role="IN", name="BEST HEALTH", id_kind="FI", id="987654320"),
)
US = Address(qualifier="30", id="123456780", group_id="123456780")
CARRIER = Address(qualifier="ZZ", id="BEST", group_id="BEST")


def measure_enrolment(members: int, progress: Progress) -> Measured:
    """Write and read files of so many members, compare two views of them, validate some."""
    spans = dict.fromkeys(("write", "read", "format", "split"), 0.0)
    written = segments = 0
    for first in range(0, members, OF_A_FILE):
        told = file_of_members(first, min(OF_A_FILE, members - first))
        lap = _there_and_back(told)
        written += lap.pop("bytes")
        segments += lap.pop("segments")
        spans = {name: spans[name] + lap[name] for name in spans}
        progress(first + OF_A_FILE, members)
    peak = peak_bytes()
    return {
        "members": members,
        "bytes": written,
        "segments": segments,
        **{f"{name}_seconds": seconds for name, seconds in spans.items()},
        "peak_bytes": peak,
        **_differing(members),
        **_validated(members // 50),
    }


def file_of_members(first: int, count: int) -> File:
    """Answer a file of families with three lines each, told apart by their numbers."""
    controls = Controls(interchange=1 + first // OF_A_FILE, group=1)
    told = list(_members(first, count))
    return file_of(HEADER, told, sender=US, receiver=CARRIER, controls=controls, at=NOW)


def _members(first: int, count: int) -> Iterator[Member]:
    for number in range(first, first + count):
        subscriber = number - number % FAMILY
        yield _member(number, subscriber, is_subscriber=number == subscriber)


def _member(number: int, subscriber: int, *, is_subscriber: bool) -> Member:
    born_on = date(1960, 1, 1) + timedelta(days=number % 16_000)
    ssn = f"{100 + number // 1_000_000:03d}{1 + number // 10_000 % 99:02d}{1 + number % 9_999:04d}"
    return Member(
        standing=Standing(
            subscriber="Y" if is_subscriber else "N",
            relationship="18" if is_subscriber else "01",
            action="021",
            reason="EC",
            benefit_status="A",
            employment="FT" if is_subscriber else "",
        ),
        references=(
            Reference(kind="0F", value=f"S{subscriber:08d}"),
            Reference(kind="1L", value="GROUP-77"),
            Reference(kind="DX", value=f"DEPT {number % 40}"),
        ),
        dates=(Dated(kind="336", on=BEGINS - timedelta(days=number % 4_000)),),
        person=Person(
            name=insured(f"FAMILYNAME{subscriber % 5_000}", f"GIVEN{number % 3_000}", ssn=ssn),
            contact=Contact(role="IP", kind_1="HP", number_1=f"617555{number % 10_000:04d}"),
            street=Street(line_1=f"{number % 900 + 1} MAIN STREET"),
            city=City(city="BOSTON", state="MA", zip="02110"),
            demographics=Demographics(born_on=born_on, gender="MF"[number % 2]),
        ),
        coverages=tuple(
            Coverage(
                line=Line(action="021", insurance=line, plan=f"{line} GOLD", tier="ESP"),
                dates=(Dated(kind="348", on=BEGINS),),
            )
            for line in LINES
        ),
    )


def _there_and_back(told: File) -> dict[str, float]:
    """Write a file and read it; then only split its bytes, and only put their elements together."""
    at = [time.process_time()]
    data = write_file(told)
    at.append(time.process_time())
    reading = read_file(data)
    at.append(time.process_time())
    if reading.faults or reading.file != told:
        raise AssertionError("what was read is not what was written")
    del reading
    gc.disable()  # plain splitting would pay for the models that are held
    at.append(time.process_time())
    elements = [one.split("*") for one in data.decode().split("~")]
    at.append(time.process_time())
    again = "~".join(["*".join(one) for one in elements]).encode()
    at.append(time.process_time())
    gc.enable()
    if again != data:
        raise AssertionError("what was put together is not what was split")
    return {
        "write": at[1] - at[0],
        "read": at[2] - at[1],
        "split": at[4] - at[3],
        "format": at[5] - at[4],
        "bytes": len(data),
        "segments": len(elements) - 1,
    }


def views_of(members: int) -> tuple[View, View]:
    """Answer what a carrier of so many members was told, and what holds: a span of twenty is another."""
    numbers = pl.int_range(members, eager=True)
    subscriber = "S" + (numbers - numbers % FAMILY).cast(pl.String)
    people = pl.DataFrame({"subscriber": subscriber, "member": "M" + numbers.cast(pl.String)})
    missing = [pl.lit(None, dtype=kind).alias(name) for name, kind in PEOPLE.items() if name not in people]
    people = people.with_columns(missing).with_columns(
        relationship=pl.when(numbers % FAMILY == 0).then(pl.lit("18")).otherwise(pl.lit("01")),
        last_name="subscriber",
    )
    cover = people.select("subscriber", "member").join(pl.DataFrame({"line": LINES}), how="cross")
    gaps = [pl.lit(None, dtype=kind).alias(name) for name, kind in COVER.items() if name not in cover]
    cover = cover.with_columns(gaps).with_columns(
        begins_on=pl.lit(BEGINS), basis=pl.lit("A"), plan=pl.lit("GOLD"), tier=pl.lit("ESP")
    )
    is_moved = pl.int_range(pl.len()) % MOVED == 0
    moved = cover.with_columns(tier=pl.when(is_moved).then(pl.lit("EMP")).otherwise("tier"))
    return view(people, cover), view(people, moved)


def _differing(members: int) -> Measured:
    told, wanted = views_of(members)
    begun, cpu = time.perf_counter(), time.process_time()
    lines = difference(told, wanted)
    spent, used = time.perf_counter() - begun, time.process_time() - cpu
    begun = time.perf_counter()
    joined = told.cover.join(wanted.cover, on=["subscriber", "member", "line", "begins_on"], how="full")
    join = time.perf_counter() - begun
    held = after_changes(told, wanted.people, lines)
    if not held.cover.drop("cause", "end_cause").equals(wanted.cover.drop("cause", "end_cause")):
        raise AssertionError("the carrier does not hold what was wanted")
    return {
        "spans": joined.height,
        "changes": lines.height,
        "difference_seconds": spent,
        "difference_cpu": used,
        "join_seconds": join,
    }


def _validated(members: int) -> Measured:
    """Judge files by the guide, as many at once as there are cores."""
    starts = range(0, members, OF_A_VALIDATION)
    files = [write_file(file_of_members(first, OF_A_VALIDATION)) for first in starts]
    cores = os.cpu_count() or 1
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        list(pool.map(_judged, [b""] * cores))  # they have loaded what they need
        begun = time.perf_counter()
        findings = sum(pool.map(_judged, files))
        seconds = time.perf_counter() - begun
    if findings:
        raise AssertionError("the guide does not allow what was written")
    return {"validated": len(files) * OF_A_VALIDATION, "validate_seconds": seconds, "processes": cores}


def _judged(data: bytes) -> int:
    return len(findings_of(data)) if data else 0
