"""The named SQL of audits of carriers' lists: the last file about each line, open entries, who is known."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from openbenefits.store.bulk import copy_out
from openbenefits.store.keys import array_of
from openbenefits.workforce.frames import load_dependents, load_persons

LAST_LINES = """
SELECT DISTINCT ON (l.client_id, l.person_id, l.dependent_id, l.plan_type)
       l.client_id, l.person_id, l.dependent_id, l.plan_type, l.file_id, l.set, l.number AS line_number,
       f.state, s.code AS set_code, l.verdict AS verdict_there, l.code AS code_there
FROM carriers_fileline AS l
JOIN carriers_carrierfile AS f ON f.id = l.file_id
LEFT JOIN carriers_fileset AS s ON s.file_id = l.file_id AND s.set = l.set
WHERE l.client_id = ANY(%(clients)s::int[]) AND f.partner = %(partner)s AND f.partner_client = %(owner)s
  AND l.line <> '' AND f.state NOT IN ('withdrawn', 'invalid')
ORDER BY l.client_id, l.person_id, l.dependent_id, l.plan_type, l.file_id DESC, l.number DESC
"""
LAST_LINE = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "dependent_id": pl.Int64,
    "plan_type": pl.String,
    "file_id": pl.Int64,
    "set": pl.Int32,
    "line_number": pl.Int32,
    "state": pl.String,
    "set_code": pl.String,
    "verdict_there": pl.String,
    "code_there": pl.String,
}

OPEN_ENTRIES = """
SELECT DISTINCT client_id, person_id, dependent_id, line FROM carriers_portalentry
WHERE client_id = ANY(%(clients)s::int[]) AND partner = %(partner)s AND partner_client = %(owner)s
  AND done_at IS NULL AND is_net
"""
OPEN_ENTRY = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "dependent_id": pl.Int64,
    "line": pl.String,
}

EVERYBODY = """
SELECT client_id, id AS person_id, employee_number FROM workforce_person
WHERE client_id = ANY(%(clients)s::int[])
"""
PERSON = {"client_id": pl.Int32, "person_id": pl.Int64, "employee_number": pl.String}
IDENTITY = {
    "first_name": pl.String(),
    "last_name": pl.String(),
    "birth_on": pl.Date(),
    "ssn_hash": pl.String(),
}


def load_last_lines(connection: Any, owner: int, code: str, client_ids: Sequence[int]) -> pl.DataFrame:
    """Load the last file that spoke of each person and plan type, how far it is, and what came back of it."""
    return copy_out(connection, LAST_LINES, LAST_LINE, _of(owner, code, client_ids))


def load_open_entries(connection: Any, owner: int, code: str, client_ids: Sequence[int]) -> pl.DataFrame:
    """Load what waits to be entered at the partner's portal."""
    return copy_out(connection, OPEN_ENTRIES, OPEN_ENTRY, _of(owner, code, client_ids))


def _of(owner: int, code: str, client_ids: Sequence[int]) -> dict[str, Any]:
    return {"owner": owner, "partner": code, "clients": array_of(pl.Series(list(client_ids)))}


def load_everybody(connection: Any, client_ids: Sequence[int]) -> pl.DataFrame:
    """Load everybody some clients know: client_id, person_id, dependent_id (null: the employee), IDENTITY."""
    clients = array_of(pl.Series(list(client_ids)))
    people = copy_out(connection, EVERYBODY, PERSON, {"clients": clients})
    keys = people.select("client_id", "person_id")
    persons = load_persons(connection, keys, IDENTITY).with_columns(
        dependent_id=pl.lit(None, pl.Int64), owner=pl.col("person_id")
    )
    children = load_dependents(connection, keys, IDENTITY).with_columns(owner=-pl.col("dependent_id"))
    columns = ["person_id", "dependent_id", "owner", "valid_from", *IDENTITY]
    rows = pl.concat([persons.select(columns), children.select(columns)]).sort("valid_from")
    latest = rows.unique("owner", keep="last", maintain_order=True).drop("owner", "valid_from")
    return latest.join(people, on="person_id")
