"""The one bulk writer and reader: frames to and from PostgreSQL over Django's own connection.

What is written belongs to the connection's transaction. Every function takes a Django connection or cursor,
or a psycopg one.
"""

import csv
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import polars as pl
import psycopg
from django.db.models import Field, Model
from psycopg import sql
from psycopg.pq import ExecStatus

from openbenefits.store import encoding
from openbenefits.store.catalogue import (
    column_names,
    column_types,
    execute,
    is_row_security_active,
    psycopg_connection,
    same_key,
    set_from,
    table_name,
)
from openbenefits.store.encoding import ColumnMismatch
from openbenefits.store.few import read_few

__all__ = ["ColumnMismatch", "copy_in", "copy_out", "merge_in", "schema_of", "staged", "update_from"]

ANALYZE_FROM_ROWS = 1_000
WRITTEN_OUT_ROWS = 12
"""So few rows are written into the statement itself: a temporary table costs more than they do."""

GROWN_ROWS = 10_000
"""So many rows at once may be a good part of their table."""

INSERTED_ROWS = 2
"""So few rows are inserted by a statement: making an encoder for COPY costs more."""

KEPT_SCHEMAS = 512
KEPT_CASTS = 4_096

Schema = Mapping[str, Any]
"""Column names and their Polars types."""


def copy_in(connection: Any, table: str, frame: pl.DataFrame) -> int:
    """Write a frame into a table and answer the number of rows.

    Shapes:  any subset of the table's columns, in any order; the others take their defaults.
    Missing: a column of type Null takes the table's type.
    Errors:  ColumnMismatch, before anything is written, if a column is unknown or of another type.
    """
    session = psycopg_connection(connection)
    if _is_nothing(session, table, frame):
        return 0
    # So few rows are quicker as a statement; and PostgreSQL refuses COPY under row-level security.
    if frame.height <= INSERTED_ROWS or is_row_security_active(session, table):
        with staged(session, table, frame) as temporary:
            return execute(
                session,
                "INSERT INTO {table} ({columns}) SELECT {columns} FROM {staged} AS staged",
                table=table_name(table),
                columns=column_names(frame.columns),
                staged=temporary,
            )
    copied = _copy(session, table_name(table), table, frame)
    if frame.height >= GROWN_ROWS:
        _look_if_grown(session, table, frame.height)
    return copied


def copy_out(
    connection: Any, query: str, schema: Schema, params: Sequence[Any] | Mapping[str, Any] = ()
) -> pl.DataFrame:
    """Read a query's answer with a declared schema.

    Errors: ColumnMismatch if the query's column names are not those of the schema, in order;
            polars.exceptions.ComputeError if a value does not fit its declared type.
    """
    session = psycopg_connection(connection)
    bound = psycopg.ClientCursor(session).mogrify(query, params) if params else query
    statement = f"COPY (\n{bound.rstrip().rstrip(';')}\n) TO STDOUT (FORMAT csv, HEADER)"
    with session.cursor() as cursor, cursor.copy(statement.encode()):
        data = _drained(session)
    _check_header(data, schema)
    if data.index(b"\n") == len(data) - 1:
        return _no_rows(tuple(schema.items()))
    few = read_few(data, schema)
    if few is not None:
        return few
    read_as = {name: _read_type(dtype) for name, dtype in schema.items()}
    frame = pl.read_csv(data, schema=read_as)
    unread = [_unread(name, dtype) for name, dtype in schema.items() if read_as[name] != dtype]
    return frame.with_columns(unread) if unread else frame


def merge_in(
    connection: Any, table: str, frame: pl.DataFrame, key: Sequence[str], update: Sequence[str]
) -> int:
    """Insert a frame's rows; where the key exists already, set its `update` columns, or leave it if none.

    Answers the number of rows inserted or updated. A key twice in the frame is an error when updating.
    """
    action = sql.SQL("UPDATE SET {}").format(set_from(update, "EXCLUDED")) if update else sql.SQL("NOTHING")
    statement = """
        INSERT INTO {table} ({columns}) SELECT {columns} FROM {staged} AS staged
        ON CONFLICT ({key}) DO {action}
    """
    session = psycopg_connection(connection)
    if _is_nothing(session, table, frame):
        return 0
    with staged(session, table, frame, key) as temporary:
        return execute(
            session,
            statement,
            table=table_name(table),
            columns=column_names(frame.columns),
            staged=temporary,
            key=column_names(key),
            action=action,
        )


def update_from(
    connection: Any, table: str, frame: pl.DataFrame, key: Sequence[str], columns: Sequence[str]
) -> int:
    """Set `columns` of the rows found by `key` to the frame's values; answer the number of rows updated."""
    session = psycopg_connection(connection)
    wanted = frame[[*key, *columns]]
    if _is_nothing(session, table, wanted):
        return 0
    with staged(session, table, wanted, key) as temporary:
        return execute(
            session,
            "UPDATE {table} AS kept SET {assignments} FROM {staged} AS staged WHERE {same}",
            table=table_name(table),
            staged=temporary,
            assignments=set_from(columns, "staged"),
            same=same_key(key),
        )


def schema_of(model: type[Model]) -> dict[str, pl.DataType]:
    """Answer the Polars schema of a model's table, by column name."""
    return {field.column: _polars_type(field) for field in model._meta.concrete_fields}


@contextmanager
def staged(
    session: psycopg.Connection, table: str, frame: pl.DataFrame, key: Sequence[str] = ()
) -> Iterator[sql.Composable]:
    """Put a frame where a statement can read it FROM, in the types of `table`; gone at the end.

    That is a temporary table, or for a few rows a subquery: it needs an alias. `key` names the columns by
    which it is joined, if not by all: only these the planner looks at.
    """
    types = column_types(session, table)
    if 0 < frame.height <= WRITTEN_OUT_ROWS:
        encoding.check(frame, table, types)
        yield _written_out(session, frame, types)
        return
    temporary = sql.Identifier(f"staged_{secrets.token_hex(8)}")
    encoding.refuse(table, [f"{column}: no such column" for column in frame.columns if column not in types])
    execute(
        session,
        "CREATE TEMPORARY TABLE {staged} AS SELECT {columns} FROM {table} WITH NO DATA",
        staged=temporary,
        columns=column_names(frame.columns),
        table=table_name(table),
    )
    _copy(session, temporary, table, frame)
    if frame.height >= ANALYZE_FROM_ROWS:
        joined = sql.SQL("({})").format(column_names(key)) if key else sql.SQL("")
        execute(session, "ANALYZE {staged} {joined}", staged=temporary, joined=joined)
    yield temporary
    execute(session, "DROP TABLE {staged}", staged=temporary)


def _written_out(
    session: psycopg.Connection, frame: pl.DataFrame, types: Mapping[str, str]
) -> sql.Composable:
    """Write the rows of a frame as a subquery."""
    row = "SELECT " + ", ".join(_cast(name, types[name]) for name in frame.columns)
    values = [value for told in frame.rows() for value in told]
    rows = psycopg.ClientCursor(session).mogrify(" UNION ALL ".join([row] * frame.height), values)
    return sql.SQL("({})").format(sql.SQL(rows))


@lru_cache(KEPT_CASTS)
def _cast(column: str, kind: str) -> str:
    """Place a value as a column of a type."""
    as_kind, as_column = (sql.Identifier(word).as_string().replace("%", "%%") for word in (kind, column))
    return f"CAST(%s AS {as_kind}) AS {as_column}"


def _is_nothing(session: psycopg.Connection, table: str, frame: pl.DataFrame) -> bool:
    """Whether a frame has no rows; it is refused like any other if its columns are not the table's."""
    if frame.is_empty():
        encoding.check(frame, table, column_types(session, table))
    return frame.is_empty()


def _copy(session: psycopg.Connection, target: sql.Composable, table: str, frame: pl.DataFrame) -> int:
    """COPY a frame into `target`, which has the column types of `table`."""
    pieces = encoding.encoded(frame, table, column_types(session, table))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(target, column_names(frame.columns))
    with session.cursor() as cursor, cursor.copy(statement) as copy:
        for piece in pieces:
            copy.write(piece)
    return frame.height


def _look_if_grown(session: psycopg.Connection, table: str, rows: int) -> None:
    """Let the planner look at a table that grew by half or more; autovacuum is too late for who reads next.

    Tables grow by powers, so however many pieces a load comes in, this is done a few times. Where another
    process looks already, it is left to that one. Who reads next reads by the key: the other columns are a
    good part of what a load costs the server, and left to autovacuum, which counts them as not looked at.
    """
    with session.cursor() as cursor:
        found = cursor.execute(_SIZE_AND_KEY, [table]).fetchone()
    if found is not None and rows * 2 >= found[0]:
        key = sql.SQL("({})").format(column_names(found[1])) if found[1] else sql.SQL("")
        execute(session, "ANALYZE (SKIP_LOCKED) {table} {key}", table=table_name(table), key=key)


_SIZE_AND_KEY = """
    SELECT c.reltuples, array_agg(a.attname::text) FILTER (WHERE a.attnum IS NOT NULL)
    FROM pg_class AS c
    LEFT JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisprimary
    LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
    WHERE c.oid = %s::regclass
    GROUP BY c.reltuples
"""


def _drained(session: psycopg.Connection) -> bytes:
    """Take all rows of a COPY that has begun, straight from libpq; psycopg's own loop is slower."""
    data = bytearray()
    while (piece := session.pgconn.get_copy_data(0))[0] > 0:
        data += piece[1]
    for result in list(iter(session.pgconn.get_result, None)):
        if result.status != ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result)
    return bytes(data)


@lru_cache(KEPT_SCHEMAS)
def _no_rows(schema: tuple[tuple[str, Any], ...]) -> pl.DataFrame:
    """An empty frame of a schema, made once: much of what is asked about one person is nothing."""
    return pl.DataFrame(schema=dict(schema))


def _check_header(data: bytes, schema: Schema) -> None:
    header = next(csv.reader([data[: data.index(b"\n")].decode()]))
    if header != list(schema):
        raise ColumnMismatch(f"the query gives {header}, declared are {list(schema)}")


def _read_type(dtype: Any) -> Any:
    """Answer the type to parse as: PostgreSQL writes booleans as t and f, bytes in hexadecimal."""
    return pl.String if dtype in (pl.Boolean, pl.Binary) else dtype


def _unread(name: str, dtype: Any) -> pl.Expr:
    if dtype == pl.Boolean:
        return pl.col(name) == "t"
    return pl.col(name).str.strip_prefix("\\x").str.decode("hex")


_POLARS_OF_DJANGO = {
    "AutoField": pl.Int32(),
    "BigAutoField": pl.Int64(),
    "SmallAutoField": pl.Int16(),
    "BigIntegerField": pl.Int64(),
    "BinaryField": pl.Binary(),
    "BooleanField": pl.Boolean(),
    "DateField": pl.Date(),
    "DateTimeField": pl.Datetime("us", "UTC"),
    "DurationField": pl.Duration("us"),
    "FloatField": pl.Float64(),
    "IntegerField": pl.Int32(),
    "PositiveBigIntegerField": pl.Int64(),
    "PositiveIntegerField": pl.Int32(),
    "PositiveSmallIntegerField": pl.Int16(),
    "SmallIntegerField": pl.Int16(),
    "TimeField": pl.Time(),
}


def _polars_type(field: Field) -> pl.DataType:
    """Answer the type of a field's column; JSON and UUID, which Polars has not, are read as text."""
    if field.remote_field is not None:
        return _polars_type(field.target_field)
    if field.get_internal_type() == "DecimalField":
        return pl.Decimal(field.max_digits, field.decimal_places)
    return _POLARS_OF_DJANGO.get(field.get_internal_type(), pl.String())
