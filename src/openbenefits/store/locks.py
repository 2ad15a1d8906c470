"""Row locks over many rows at once."""

from typing import Any

import polars as pl
from psycopg import sql
from psycopg.pq import TransactionStatus

from openbenefits.store.bulk import copy_out, staged
from openbenefits.store.catalogue import column_names, psycopg_connection, same_key, table_name


class NoTransaction(RuntimeError):
    """A lock outside a transaction would be gone before it is of use."""


def lock_rows(connection: Any, table: str, keys: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lock the rows of the given keys until the transaction ends; wait for none.

    Shapes:  keys (n, k), columns named as in the table, unique rows; results have the same columns.
    Returns: the keys locked, in the table's order of keys, and those skipped: held by another transaction,
             or not in the table.
    """
    session = psycopg_connection(connection)
    if session.autocommit and session.info.transaction_status == TransactionStatus.IDLE:
        raise NoTransaction(f"lock rows of {table} inside a transaction")
    with staged(session, table, keys) as temporary:
        query = sql.SQL(
            "SELECT {columns} FROM {table} AS kept JOIN {staged} AS staged ON {same}"
            " ORDER BY {columns} FOR NO KEY UPDATE OF kept SKIP LOCKED"
        ).format(
            columns=column_names(keys.columns, of="kept"),
            table=table_name(table),
            staged=temporary,
            same=same_key(keys.columns),
        )
        locked = copy_out(session, query.as_string(session), keys.schema)
    if locked.height == keys.height:
        return locked, keys.clear()
    return locked, keys.join(locked, on=keys.columns, how="anti", maintain_order="left")
