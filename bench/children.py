"""Every measurement has a process of its own, so that its memory is its own."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple

from openbenefits.runs.workers import one_thread_of_polars

PAGE = os.sysconf("SC_PAGE_SIZE")
Progress = Callable[[int, int], None]
"""Called with what is done and what there is in all."""


class ChildFailed(RuntimeError):
    """A measurement ended without an answer; its own message stands above."""


def in_child(measure: Callable[..., Any], *arguments: Any, progress: Progress) -> Any:
    """Answer `measure(*arguments, progress)`, called in a new process."""
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_call, args=(theirs, measure, arguments))
    child.start()
    theirs.close()
    try:
        return _answer(ours, progress)
    except EOFError:
        raise ChildFailed(measure.__name__) from None
    finally:
        child.join()


def peak_bytes() -> int:
    """Answer the most memory this process ever held: its own, not what its parent held at its start."""
    told = Path("/proc/self/status").read_text()
    (line,) = (one for one in told.splitlines() if one.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


@contextmanager
def memory_watched() -> Iterator[Callable[[], int]]:
    """Answer a function that tells the most memory seen in this process and those it started, together.

    It is looked at twenty times a second; pages they share count for each.
    """
    most, is_over = [0], Event()

    def look() -> None:
        while not is_over.wait(0.05):
            most[0] = max(most[0], _held_bytes())

    watcher = Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield lambda: most[0]
    finally:
        is_over.set()
        watcher.join()


def _held_bytes() -> int:
    """Add up what this process and its children hold now; who has just ended holds nothing."""
    children = "".join(one.read_text() for one in Path("/proc/self/task").glob("*/children"))
    held = 0
    for number in ("self", *children.split()):
        with suppress(OSError):
            held += int(Path(f"/proc/{number}/statm").read_text().split()[1]) * PAGE
    return held


class Lap(NamedTuple):
    """How long a task took: by the clock, and of the processors; and what it answered."""

    seconds: float
    cpu: float
    answer: Any


def timed(task: Callable[[], Any]) -> Lap:
    """Time a task."""
    began, cpu = time.perf_counter(), time.process_time()
    answer = task()
    return Lap(time.perf_counter() - began, time.process_time() - cpu, answer)


@contextmanager
def crew(
    make: Callable[[Any], Callable[[], Any]], shares: Sequence[Any]
) -> Iterator[tuple[Callable[[], Lap], int]]:
    """Start a process for each share, with one thread of Polars as those of runs; give a lap of all at once.

    Each makes its task of its share and keeps it. A lap lasts from the signal to start until the last has
    ended; its answer is the most memory that all together ever held, in bytes. Beside it that of before.
    """
    context = get_context("spawn")
    pipes, started = [], []
    for share in shares:
        ours, theirs = context.Pipe()
        child = context.Process(target=_of_crew, args=(theirs, make))
        with one_thread_of_polars():
            child.start()
        theirs.close()
        ours.send(share)
        pipes.append(ours)
        started.append(child)

    def lap() -> Lap:
        began = time.perf_counter()
        for ours in pipes:
            ours.send(True)
        told = [ours.recv() for ours in pipes]
        return Lap(time.perf_counter() - began, sum(cpu for cpu, _ in told), sum(peak for _, peak in told))

    try:
        yield lap, sum(ours.recv() for ours in pipes)
    finally:
        for ours in pipes:
            ours.close()
        for child in started:
            child.join()


def _of_crew(theirs: Connection, make: Callable[[Any], Callable[[], Any]]) -> None:
    """Make a task and do it as often as the parent asks, until it closes its end."""
    task = make(theirs.recv())
    theirs.send(peak_bytes())
    try:
        while theirs.recv():
            theirs.send((timed(task).cpu, peak_bytes()))
    except EOFError:
        pass


def _answer(ours: Connection, progress: Progress) -> Any:
    while True:
        kind, content = ours.recv()
        if kind == "answer":
            return content
        progress(*content)


def _call(theirs: Connection, measure: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    answer = measure(*arguments, lambda done, total: theirs.send(("progress", (done, total))))
    theirs.send(("answer", answer))
