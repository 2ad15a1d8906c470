"""Plain COPY of what runs wrote: rows read back and written to tables of the same shape, nothing computed."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import polars as pl
from django.apps import apps
from django.db import connection, transaction

from bench.children import timed
from bench.kernel import Measured
from openbenefits.store.bulk import copy_in, copy_out, schema_of

UNSHARED = "enrollment.EventOption"
"""A view: the options as they would be stored if menus were not shared (decision 0013)."""


def copied_seconds(labels: Sequence[str], parts: Sequence[Sequence[int]], *, only: str = "true") -> Measured:
    """Read back the rows of some tables, and COPY them into empty ones with the same keys.

    `parts` are groups of clients: each is read, and written in one transaction, before the next, so that a
    million people need no more memory than one group. `only` is a condition of SQL for tables with run_id.
    """
    found = {"copy_seconds": 0.0, "read_back_seconds": 0.0, "copied_rows": 0.0}
    for label in labels:
        _execute(_made(apps.get_model(label)))
    for clients in parts:
        reading = timed(partial(_read_all, labels, clients, only))
        frames = dict(zip((_copy_of(label) for label in labels), reading.answer, strict=True))
        _execute("CHECKPOINT")
        found["read_back_seconds"] += reading.seconds
        found["copy_seconds"] += timed(partial(_copy, frames)).seconds
        found["copied_rows"] += sum(frame.height for frame in frames.values())
    _execute(f"DROP TABLE {', '.join(_copy_of(label) for label in labels)}")
    return found


def _copy_of(label: str) -> str:
    return f"bench_{apps.get_model(label)._meta.db_table}"


def _made(model: Any) -> str:
    table = model._meta.db_table
    if model._meta.managed:
        return f"CREATE TABLE bench_{table} (LIKE {table} INCLUDING ALL)"
    key = ", ".join(field.column for field in model._meta.pk_fields)
    return (
        f"CREATE TABLE bench_{table} AS TABLE {table} WITH NO DATA;"
        f" ALTER TABLE bench_{table} ADD PRIMARY KEY ({key})"
    )


def _read_all(labels: Sequence[str], clients: Sequence[int], only: str) -> list[pl.DataFrame]:
    return [_read(label, clients, only) for label in labels]


def _read(label: str, clients: Sequence[int], only: str) -> pl.DataFrame:
    schema = schema_of(apps.get_model(label))
    condition = only if "run_id" in schema else "true"
    query = (
        f"SELECT {', '.join(schema)} FROM {apps.get_model(label)._meta.db_table}"  # noqa: S608
        f" WHERE client_id = ANY(%s) AND {condition}"
    )
    return copy_out(connection, query, schema, [list(clients)])


def _copy(frames: dict[str, pl.DataFrame]) -> None:
    with transaction.atomic():
        for table, frame in frames.items():
            copy_in(connection, table, frame)


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
