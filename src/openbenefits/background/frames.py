"""The named SQL of what was asked of the worker."""

from typing import Any

import polars as pl

from openbenefits.store.bulk import copy_out
from openbenefits.store.isolation import PEO

REQUESTS_QUERY = """
SELECT r.id AS number, c.code AS client, r.kind, r.state, r.done, r.total, r.told, r.author,
       r.asked_at, r.ended_at
FROM background_processrequest AS r LEFT JOIN workforce_client AS c ON c.id = r.client_id
WHERE r.client_id <> %(hidden)s ORDER BY r.id DESC LIMIT %(most)s
"""
REQUESTS = {
    "number": pl.Int64(),
    "client": pl.String(),
    "kind": pl.String(),
    "state": pl.String(),
    "done": pl.Int64(),
    "total": pl.Int64(),
    "told": pl.String(),
    "author": pl.String(),
    "asked_at": pl.Datetime("us", "UTC"),
    "ended_at": pl.Datetime("us", "UTC"),
}
NOBODY = -1


def last_requests(connection: Any, *, with_peo: bool, most: int) -> pl.DataFrame:
    """List the last requests that may be seen; those of the PEO (no client) for who is of it."""
    asked = {"hidden": NOBODY if with_peo else PEO, "most": most}
    return copy_out(connection, REQUESTS_QUERY, REQUESTS, asked)
