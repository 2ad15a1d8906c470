"""Several partitions at once: a few processes, each with a database connection and one thread of Polars.

Threads of one process would queue for Polars' own threads (decision 0011). A process takes some seconds to
start, so few people are worked on here, one partition after the other.
"""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context, parent_process
from threading import Lock, Thread
from typing import Any, TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections

from openbenefits.store.startup import POLARS_THREADS, boot, is_face

Item = TypeVar("Item")
Answer = TypeVar("Answer")

PEOPLE_WORTH_PROCESSES = 30_000
"""Fewer are done here about as soon: a process takes some 3 s of processor to start, a person 0.2 ms."""
ONE_CORE = "SET max_parallel_workers_per_gather = 0"
"""The server, too, works for each process on one core: the others have theirs."""
_starting = Lock()
"""Held while the environment is that of processes to be started."""


class WorkerLost(RuntimeError):
    """A process ended in the middle of a partition: what it had not committed is given up."""


def most_workers() -> int:
    """Answer how many things are worked on at once at most: one for each core, at most the setting."""
    return min(len(os.sched_getaffinity(0)), settings.MOST_WORKERS)


def usual_workers(people: int) -> int:
    """Answer how many pieces are worked on at once unless told, if they are about so many people in all."""
    return most_workers() if people >= PEOPLE_WORTH_PROCESSES else 1


def each_done(
    connection: Any, items: Sequence[Item], work: Callable[[Any, Item], Answer], *, workers: int
) -> Iterator[Answer]:
    """Call `work` with a connection and each item; answer as each is done, in whatever order.

    Inside a transaction, as a face, and for one worker or one item, everything happens here on the connection
    given: what a transaction has not committed no other connection sees, and a face starts no process that
    works as the owner. Otherwise processes take the items, each process with a connection of its own, which
    ends with it; `work`, items and answers go there and back by pickle.

    Errors: the first error of an item, once the items begun are done; none is begun after it. The same
            holds when the caller stops, for example from the keyboard. WorkerLost where a process ended.
    """
    if workers == 1 or len(items) < 2 or connection.in_atomic_block or is_face(connection):
        for item in items:
            yield work(connection, item)
        return
    context = get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(items)), mp_context=context, initializer=_begin)
    try:
        yield from _in_processes(pool, items, work, workers)
    except BrokenProcessPool as broken:
        raise WorkerLost(
            "a process that worked on a part of this ended before it was done, for want of memory perhaps."
            " What was committed stays: resume what is running, with fewer --workers"
        ) from broken
    finally:
        pool.shutdown(cancel_futures=True)


def _in_processes(
    pool: Executor, items: Sequence[Item], work: Callable[[Any, Item], Answer], workers: int
) -> Iterator[Answer]:
    """Let each process have one item at a time: what was handed over is begun, the rest can be left."""
    waiting = iter(items)
    with one_thread_of_polars():  # a process starts for each of the first
        running = {pool.submit(_apart, work, item) for item in islice(waiting, workers)}
    while running:
        done, running = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            answer = future.result()
            running |= {pool.submit(_apart, work, item) for item in islice(waiting, 1)}
            yield answer


@contextmanager
def one_thread_of_polars() -> Iterator[None]:
    """Let processes that are started meanwhile have one thread of Polars each; this one keeps what it has."""
    with _starting:
        before = os.environ.get(POLARS_THREADS)
        os.environ[POLARS_THREADS] = "1"
        try:
            yield
        finally:
            del os.environ[POLARS_THREADS]
            if before is not None:
                os.environ[POLARS_THREADS] = before


# --- in a process of its own --------------------------------------------------------------------------------


def _begin() -> None:
    """Make a process ready: it finds the database, leaves the keyboard to its parent, and ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    boot()


def _end_with_parent() -> None:
    """End at once when the parent is gone, killed perhaps: nobody else would tell."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _apart(work: Callable[[Any, Item], Answer], item: Item) -> Answer:
    """Work on an item with this process's connection, which the next item has, too, unless this one fails."""
    connection = connections[DEFAULT_DB_ALIAS]
    try:
        with connection.cursor() as cursor:
            cursor.execute(ONE_CORE)
        return work(connection, item)
    except BaseException:
        connection.close()
        raise
