"""Several partitions at once: a few threads, each piece of work with a database connection of its own.

Threads are enough: Polars and PostgreSQL work while other threads run Python (decision 0011).
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def usual_workers() -> int:
    """Answer how many pieces are worked on at once unless told: one for each core, at most the setting."""
    return min(len(os.sched_getaffinity(0)), settings.MOST_WORKERS)


def each_done(
    connection: Any, items: Sequence[Item], work: Callable[[Any, Item], Answer], *, workers: int
) -> Iterator[Answer]:
    """Call `work` with a connection and each item; answer as each is done, in whatever order.

    Inside a transaction, and for one worker or one item, everything happens here on the connection given:
    what a transaction has not committed no other connection sees. Otherwise threads take the items, each
    item with a connection of its own, closed afterwards.

    Errors: the first error of an item, once the items begun are done; none is begun after it. The same
            holds when the caller stops, for example from the keyboard.
    """
    if workers == 1 or len(items) == 1 or connection.in_atomic_block:
        for item in items:
            yield work(connection, item)
        return
    pool = ThreadPoolExecutor(min(workers, len(items)) or 1, thread_name_prefix="worker")
    try:
        for future in as_completed([pool.submit(_apart, work, item) for item in items]):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _apart(work: Callable[[Any, Item], Answer], item: Item) -> Answer:
    """Work on an item with this thread's connection, which lives as long as that takes."""
    connection = connections[DEFAULT_DB_ALIAS]
    try:
        return work(connection, item)
    finally:
        connection.close()
