"""Reports run with the rights of their reader, whoever wrote them: by pages, or whole for a file."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
import psycopg
from django.db import transaction
from psycopg import sql

from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import EVERY_CLIENT, Access
from openbenefits.adhoc.compiling import Clients, Compiled, compiled, counted, paged
from openbenefits.adhoc.declared import Kind, Subject
from openbenefits.adhoc.query import Output, Query, QueryRefused, check, outputs_of, subject_of
from openbenefits.core.money import dollars
from openbenefits.store.bulk import copy_out
from openbenefits.store.catalogue import psycopg_connection

PAGE_ROWS = 50
MOST_ROWS = 200_000
"""So many rows go into a file; a longer list wants a condition."""
SECONDS = 30
"""So long a report may take before it is given up."""
GUARDS = (Permission.SEE_PERSONAL, Permission.SEE_HEALTH)


@dataclass(frozen=True, kw_only=True)
class Found:
    """Some rows of a report, its columns, how many rows there are in all, and the day it speaks of.

    withheld: titles of the columns of which the reader may see nothing.
    """

    frame: pl.DataFrame
    outputs: list[Output]
    total: int
    as_of: date
    withheld: tuple[str, ...] = ()


def run_query(
    connection: Any,
    query: Query,
    access: Access,
    *,
    as_of: date,
    client_id: int | None = None,
    page: int = 1,
    rows: int = PAGE_ROWS,
) -> Found:
    """Answer a page of a report, within the transaction of its reader.

    client_id: of this client alone; None: of all the reader sees.

    Errors: QueryRefused for a report that cannot be, or takes too long; NotAllowed.
    """
    first = (max(1, page) - 1) * rows
    with transaction.atomic():
        found = _prepared(connection, query, access, as_of, client_id)
        with _limited(connection):
            total = _count(connection, found)
            frame = _read(connection, paged(found, first=first, most=rows), found)
    return Found(
        frame=frame,
        outputs=outputs_of(query),
        total=total,
        as_of=query.as_of or as_of,
        withheld=withheld(query, access, client_id),
    )


def run_whole(
    connection: Any, query: Query, access: Access, *, as_of: date, client_id: int | None = None
) -> Found:
    """Answer all rows of a report, for a file.

    Errors: as `run_query`, and QueryRefused beyond MOST_ROWS.
    """
    found = run_query(connection, query, access, as_of=as_of, client_id=client_id, page=1, rows=MOST_ROWS)
    if found.total > MOST_ROWS:
        raise QueryRefused(
            f"expected at most {MOST_ROWS:,} rows in a file, found {found.total:,}; add a condition or group"
        )
    return found


def withheld(query: Query, access: Access, client_id: int | None) -> tuple[str, ...]:
    """Name the fields a report asks for of which its reader may see nothing, of any client asked about."""
    fields = subject_of(query).fields
    aggregated = [one.field for one in query.aggregates if one.field]
    asked = [*query.columns, *query.groups, *aggregated, *(one.field for one in query.filters)]
    guards = _guarded(access, client_id)
    hidden = [name for name in asked if (guard := fields[name].guard) and guards[guard] == ()]
    return tuple(dict.fromkeys(fields[name].title for name in hidden))


def as_shown(found: Found) -> pl.DataFrame:
    """Write a result for a file: headings as titles, codes in words, money in dollars that add up."""
    cent = pl.lit("0.01").cast(pl.Decimal(18, 2))
    columns = []
    for one in found.outputs:
        value = pl.col(one.name)
        if one.words:
            value = value.replace_strict(dict(one.words), default=value, return_dtype=pl.String)
        elif one.kind is Kind.MONEY:
            value = value.cast(pl.Decimal(18, 2)) * cent
        columns.append(value.alias(one.title))
    return found.frame.select(columns)


def text_of(output: Output, value: Any) -> str:
    """Say a value in words; blank where it is not known."""
    if value is None:
        return ""
    if output.kind is Kind.MONEY:
        return dollars(value)
    if output.kind is Kind.FLAG:
        return "yes" if value else "no"
    if output.kind is Kind.NUMBER:
        return f"{value:,}"
    if output.kind is Kind.MOMENT:
        return f"{value:%Y-%m-%d %H:%M} UTC"
    return str(output.words.get(value, value))


# --- with whose rights --------------------------------------------------------------------------------------


def _prepared(connection: Any, query: Query, access: Access, as_of: date, client_id: int | None) -> Compiled:
    check(query)
    if client_id is not None:
        access.require(Permission.SEE, client_id)
    clients = _clients(access, Permission.SEE, client_id)
    subject = subject_of(query)
    if subject.rows is not None:
        _stage(connection, subject, query.as_of or as_of, client_id)
    return compiled(query, as_of=as_of, clients=clients, guarded=_guarded(access, client_id))


def _guarded(access: Access, client_id: int | None) -> Mapping[Permission, Clients]:
    return {guard: _clients(access, guard, client_id) for guard in GUARDS}


def _clients(access: Access, permission: Permission, client_id: int | None) -> Clients:
    """Answer of which clients somebody may do something; of one asked about: it, or none."""
    if client_id is not None:
        return (client_id,) if access.may(permission, client_id) else ()
    if access.may(permission, EVERY_CLIENT):
        return None
    return tuple(one for one in sorted(access.permissions) if access.may(permission, one))


def _stage(connection: Any, subject: Subject, as_of: date, client_id: int | None) -> None:
    """Compute the rows of a subject that is stored nowhere into the temporary table it reads."""
    if client_id is None or subject.rows is None:
        raise QueryRefused(f"expected one client for {subject.title.lower()}, found all of them; choose one")
    rows = subject.rows(connection, client_id, as_of)
    session = psycopg_connection(connection)
    table = sql.Identifier(subject.source)
    session.execute(sql.SQL("DROP TABLE IF EXISTS pg_temp.{}").format(table))
    types = {
        pl.String(): "text",
        pl.Int16(): "smallint",
        pl.Int32(): "integer",
        pl.Int64(): "bigint",
        pl.Date(): "date",
    }
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(types[kind]))
        for name, kind in subject.columns.items()
    )
    session.execute(sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(table, columns))
    names = sql.SQL(", ").join(sql.Identifier(name) for name in subject.columns)
    with (
        session.cursor() as cursor,
        cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(table, names)) as copy,
    ):
        for row in rows.select(list(subject.columns)).iter_rows():
            copy.write_row(row)


@contextmanager
def _limited(connection: Any) -> Iterator[None]:
    """Give a report up that takes too long.

    Errors: QueryRefused.
    """
    session = psycopg_connection(connection)
    try:
        with session.transaction():
            session.execute(sql.SQL("SET LOCAL statement_timeout = {}").format(sql.Literal(SECONDS * 1000)))
            yield
            session.execute("SET LOCAL statement_timeout = 0")
    except psycopg.errors.QueryCanceled:
        raise QueryRefused(
            f"expected a report of at most {SECONDS} seconds, found a longer one; "
            "add a condition, or choose a client"
        ) from None


def _count(connection: Any, found: Compiled) -> int:
    session = psycopg_connection(connection)
    counts = copy_out(connection, counted(found).as_string(session), {"rows": pl.Int64()}, dict(found.params))
    return int(counts["rows"].item())


def _read(connection: Any, statement: sql.Composed, found: Compiled) -> pl.DataFrame:
    session = psycopg_connection(connection)
    return copy_out(connection, statement.as_string(session), dict(found.schema), dict(found.params))
