"""`python -m bench`: measure, print the table, write the figures as JSON to bench-output/."""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import (
    beside,
    children,
    enrolment,
    faces,
    kernel,
    letters,
    maintenance,
    matching,
    reconcile,
    stored,
    world,
)
from bench.figures import Figure, Parts, as_documents, figures_of, table_of

OUTPUT = Path(__file__).parents[1] / "bench-output"
MOST_IN_ONE_FRAME = 200_000
PARTS = (
    *("kernel", "full", "whole", "growth", "beside", "stored", "faces"),
    *("maintained", "letters", "reconcile", "matching", "enrolment"),
)
FILE_WIDTH = 150


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is measured."""

    people: int
    clients: int
    stored: int  # in the database for whole runs
    served: int  # in the database for the web, statements, invoices
    maintained: int  # clients whose people all have an event on one day
    letters: tuple[int, ...]  # bulks of statements, one after the other
    members: int  # of files to carriers


FULL = Size(
    people=100_000,
    clients=500,
    stored=100_000,
    served=20_000,
    maintained=500,
    letters=(1_000, 10_000),
    members=500_000,
)
QUICK = Size(
    people=20_000, clients=100, stored=4_000, served=4_000, maintained=20, letters=(200,), members=20_000
)


def main() -> None:
    """Measure everything at the size asked for."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=FILE_WIDTH)
    arguments = _arguments()
    size = _size(arguments)
    began, load = time.perf_counter(), os.getloadavg()[0]
    parts = dict(_measured(size, arguments.only, console))
    machine = _machine(load, time.perf_counter() - began)
    figures = figures_of(parts)
    console.print(table_of(figures))
    console.print(
        f"[green]green[/] holds, [yellow]yellow[/] does not; nothing is asserted. {machine['said']}"
    )
    console.print(
        f"Written to {_write(size, machine, parts, as_documents(figures))}; bench/README.md explains."
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--people", type=int, help="participants of the kernel, and of the database")
    parser.add_argument(
        "--quick", action="store_true", help="a fifth of everything or less, some two minutes"
    )
    parser.add_argument(
        "--only", nargs="+", default=PARTS, choices=PARTS, metavar="PART", help=f"some of {', '.join(PARTS)}"
    )
    return parser.parse_args()


def _size(arguments: argparse.Namespace) -> Size:
    base = QUICK if arguments.quick else FULL
    people = arguments.people or base.people
    stored_people = max(1_000, people * base.stored // base.people)
    return replace(base, people=people, stored=stored_people)


def _measured(size: Size, wanted: Sequence[str], console: Console) -> Iterator[tuple[str, Any]]:
    """Measure part after part, each in a process of its own and with a bar of its own; tell it as it ends.

    A part that fails is left out of the figures; its own message says why.
    """
    base = OUTPUT / "data"
    columns = (TextColumn("{task.description:<32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bars:
        made = world.make_files(
            base, clients=size.clients, people=size.people, progress=_bar(bars, "people of the kernel (kept)")
        )
        folder = stored.make_people(base, size.stored, _bar(bars, "people of the database (kept)"))
        served = stored.make_people(base, size.served, _bar(bars, "people of the web (kept)"))
        changed = maintenance.make_changed(base, size.maintained, _bar(bars, "people of many clients (kept)"))
        frames = _bar(bars, "their frames (kept)")
        children.in_child(world.make_worlds, made, progress=frames)
        for name, text, measure, given in _parts(size, made, folder, served, changed):
            if name not in wanted:
                continue
            began = time.perf_counter()
            try:
                found = children.in_child(measure, *given, progress=_bar(bars, text))
            except children.ChildFailed:
                console.print(f"[red]{text}: failed, and left out")
                continue
            _tell(console, text, time.perf_counter() - began, figures_of({name: found}))
            yield name, found


def _tell(console: Console, text: str, seconds: float, figures: list[Figure]) -> None:
    """Say what a part came to, for who does not wait for the table."""
    console.print(f"[bold]{text}[/], measured in {seconds:.0f} s")
    for figure in figures:
        console.print(f"  {figure.work.strip()}: {figure.shown}", highlight=False)


def _parts(
    size: Size, made: world.Made, folder: Path, served: Path, changed: Path
) -> Iterator[tuple[str, str, Callable[..., Any], tuple[Any, ...]]]:
    """List what is measured: its name, what the bar says, the measurement and what it is given."""
    whole = made.frames / "whole"
    yield "kernel", "kernel, in partitions", kernel.measure_partitions, (whole,)
    yield "full", "kernel, full rule set", kernel.measure_partitions, (made.frames / "full",)
    if size.people <= MOST_IN_ONE_FRAME:
        yield "whole", "kernel, in one frame", kernel.measure_whole, (whole,)
        yield "growth", "kernel, doubled", kernel.measure_growth, (made.frames,)
    yield "beside", "zen-engine and oracle", beside.measure_beside, (made,)
    yield "stored", "runs on the database, COPY", stored.measure_stored, (folder,)
    yield "faces", "the web, 200 at once", faces.measure_faces, (served,)
    yield "maintained", "event maintenance", maintenance.measure_maintenance, (changed,)
    yield "letters", "statements", letters.measure_letters, (served, size.letters)
    yield "reconcile", "an invoice reconciled", reconcile.measure_reconcile, (served,)
    yield "matching", "packages of plans", matching.measure_matching, (served,)
    yield "enrolment", "834s of members", enrolment.measure_enrolment, (size.members,)


def _bar(bars: Progress, text: str) -> children.Progress:
    task = bars.add_task(text, total=None)
    return lambda done, total: bars.update(task, completed=done, total=total)


def _machine(load: float, seconds: float) -> dict[str, Any]:
    cores, threads = os.cpu_count(), pl.thread_pool_size()
    said = (
        f"{cores} cores, {threads} Polars threads, load {load:.1f} before and {os.getloadavg()[0]:.1f} after;"
        f" {seconds:.0f} s in all."
    )
    return {
        "said": said,
        "cores": cores,
        "threads": threads,
        "load_before": load,
        "load_after": os.getloadavg()[0],
        "seconds": seconds,
        "python": platform.python_version(),
        "polars": pl.__version__,
        "system": platform.platform(),
    }


def _write(size: Size, machine: dict[str, Any], parts: Parts, figures: list[dict[str, object]]) -> Path:
    now = datetime.now(tz=UTC)
    path = OUTPUT / f"figures-{now:%Y%m%d-%H%M%S}.json"
    document = {
        "measured_at": now.isoformat(timespec="seconds"),
        "size": vars(size),
        "machine": machine,
        "figures": figures,
        "parts": parts,
    }
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
