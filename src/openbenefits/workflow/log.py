"""The log of channels as it is read: the last lines of a client first."""

from typing import Any

import polars as pl

from openbenefits.store.bulk import copy_out

LINES = """
SELECT l.id, l.at, c.code AS channel, l.version, l.item, l.kind, l.key, p.employee_number, l.cause,
       l.outcome, l.why, l.client_id, l.person_id, l.channel_id
FROM workflow_logline AS l
LEFT JOIN workflow_channel AS c ON c.id = l.channel_id
LEFT JOIN workforce_person AS p ON p.client_id = l.client_id AND p.id = l.person_id
WHERE l.client_id = %(client)s AND (%(channel)s = '' OR c.code = %(channel)s)
  AND (%(outcome)s = '' OR l.outcome = %(outcome)s)
  AND (%(health)s OR NOT coalesce(c.is_health, true))
  AND (%(employee)s = '' OR p.employee_number = %(employee)s)
ORDER BY l.id DESC LIMIT %(most)s
"""
SCHEMA = {
    "id": pl.Int64(),
    "at": pl.Datetime("us", "UTC"),
    "channel": pl.String(),
    "version": pl.Int32(),
    "item": pl.String(),
    "kind": pl.String(),
    "key": pl.String(),
    "employee_number": pl.String(),
    "cause": pl.String(),
    "outcome": pl.String(),
    "why": pl.String(),
    "client_id": pl.Int32(),
    "person_id": pl.Int64(),
    "channel_id": pl.Int64(),
}


def load_log(
    connection: Any,
    client_id: int,
    *,
    channel: str = "",
    outcome: str = "",
    employee: str = "",
    most: int = 2_000,
    health: bool = True,
) -> pl.DataFrame:
    """Load the last lines of the log of a client, of a channel, an outcome, an employee.

    health: with those of channels that look at health data. Shapes: SCHEMA.
    """
    given = {
        "client": client_id,
        "channel": channel,
        "outcome": outcome,
        "employee": employee,
        "most": most,
        "health": health,
    }
    return copy_out(connection, LINES, SCHEMA, given)
