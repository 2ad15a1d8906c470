"""A few rows of PostgreSQL's CSV as a frame, without the query engine: one person is read by many such."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

FEW_BYTES = 4_000
"""Above this the engine's own reader is the quicker one."""

_READ: dict[Any, Callable[[str], Any]] = {
    **dict.fromkeys((pl.Int16, pl.Int32, pl.Int64), int),
    pl.String: str,
    pl.Boolean: {"t": True, "f": False}.__getitem__,
    pl.Date: date.fromisoformat,
}


def read_few(data: bytes, schema: Mapping[str, Any]) -> pl.DataFrame | None:
    """Read an answer of COPY … (FORMAT csv, HEADER); None where that is for the engine's reader.

    That is where there is much of it, or a value is quoted, of a type not known here, or not of its type.
    """
    if len(data) > FEW_BYTES or b'"' in data:
        return None
    readers = [reader for dtype in schema.values() if (reader := _reader(dtype))]
    if len(readers) < len(schema):
        return None
    lines = data.decode().split("\n")[1:-1]
    try:
        rows = [
            tuple([read(cell) if cell else None for read, cell in zip(readers, line.split(","), strict=True)])
            for line in lines
        ]
        return pl.DataFrame(rows, schema=schema, orient="row")
    except (ValueError, KeyError, TypeError, OverflowError, pl.exceptions.PolarsError):
        return None


def _reader(dtype: Any) -> Callable[[str], Any] | None:
    if isinstance(dtype, pl.Datetime):
        return _instant if dtype.time_zone == "UTC" and dtype.time_unit == "us" else None
    return _READ.get(dtype)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
