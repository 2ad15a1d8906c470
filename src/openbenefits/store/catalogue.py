"""What PostgreSQL says of its tables, and the words of SQL that the rest of the store builds with."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

KEPT_LISTS = 1_024
_TYPES_OF_TABLES: WeakKeyDictionary[psycopg.Connection, dict[str, dict[str, str]]] = WeakKeyDictionary()


def psycopg_connection(handle: Any) -> psycopg.Connection:
    """Find the psycopg connection under a Django connection or cursor, or a psycopg cursor."""
    handle = getattr(handle, "db", handle)
    if hasattr(handle, "ensure_connection"):
        handle.ensure_connection()
    return getattr(handle, "connection", handle)


def column_types(session: psycopg.Connection, table: str) -> Mapping[str, str]:
    """Ask the catalogue for a table's writable columns and their types, once per session."""
    known = _TYPES_OF_TABLES.setdefault(session, {})
    if table not in known:
        found = fetch(
            session,
            """
            SELECT attname, typname FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
            WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
        """,
            [table_name(table).as_string()],
        )
        known[table] = dict(found)
    return known[table]


def is_row_security_active(session: psycopg.Connection, table: str) -> bool:
    """Say whether row-level security holds for the present role, which may change within a session."""
    return bool(
        fetch(session, "SELECT row_security_active(%s::regclass)", [table_name(table).as_string()])[0][0]
    )


def fetch(
    session: psycopg.Connection, query: str, params: Sequence[Any] | Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """Read a few rows as plain tuples, whatever rows Django's cursors make; for many there is `copy_out`."""
    with psycopg.Cursor(session, row_factory=tuple_row) as cursor:
        return cursor.execute(query.encode(), params).fetchall()


def execute(session: psycopg.Connection, statement: str, **parts: sql.Composable) -> int:
    """Execute a statement put together from its parts; answer the number of rows it touched."""
    with session.cursor() as cursor:
        return cursor.execute(sql.SQL(statement).format(**parts)).rowcount


def table_name(table: str) -> sql.Identifier:
    """Quote a table's name, with or without its schema."""
    return sql.Identifier(*table.split("."))


def column_names(columns: Sequence[str], of: str | None = None) -> sql.Composable:
    """Quote a list of columns, of the table of that alias if given."""
    return _listed("{}" if of is None else f"{_quoted(of)}.{{}}", ", ", tuple(columns))


def same_key(key: Sequence[str]) -> sql.Composable:
    """Answer the condition that joins a `kept` table with a `staged` one by their key."""
    return _listed("kept.{0} = staged.{0}", " AND ", tuple(key))


def set_from(columns: Sequence[str], source: str) -> sql.Composable:
    """Answer what follows SET where columns take the values of the table of that name."""
    return _listed(f"{{0}} = {source}.{{0}}", ", ", tuple(columns))


@lru_cache(KEPT_LISTS)
def _listed(shape: str, between: str, columns: tuple[str, ...]) -> sql.Composable:
    """Write a list of columns in some shape: once, as tables are written to again and again."""
    return sql.SQL(between.join(shape.format(_quoted(column)) for column in columns))


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string()
