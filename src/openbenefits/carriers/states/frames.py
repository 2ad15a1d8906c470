"""The named SQL of custody: files as listed, what was ever said of a person, what reports left out."""

from collections.abc import Sequence

import polars as pl
from django.db import connection

from openbenefits.store.bulk import copy_out

MOMENT = pl.Datetime("us", "UTC")
FILE = {
    "file_id": pl.Int64,
    "client_id": pl.Int32,
    "partner": pl.String,
    "partner_client": pl.Int32,
    "kind": pl.String,
    "purpose": pl.String,
    "environment": pl.String,
    "as_of": pl.Date,
    "file_name": pl.String,
    "state": pl.String,
    "since": MOMENT,
    "members": pl.Int32,
    "lines": pl.Int32,
    "interchange": pl.Int64,
    "group": pl.Int64,
    "resends": pl.Int64,
    "built_at": MOMENT,
    "built_by": pl.String,
}
FILES = """
SELECT id AS file_id, client_id, partner, partner_client, kind, purpose, environment, as_of, file_name,
       state, since, members, lines, interchange, "group", resends, built_at, built_by
FROM carriers_carrierfile
WHERE (%(clients)s::int[] IS NULL OR client_id = ANY(%(clients)s::int[]))
  AND (%(partner)s::text IS NULL OR partner = %(partner)s)
  AND (%(states)s::text[] IS NULL OR state = ANY(%(states)s::text[]))
ORDER BY id DESC LIMIT %(limit)s OFFSET %(offset)s
"""

LINE = {
    "file_id": pl.Int64,
    "number": pl.Int32,
    "set": pl.Int32,
    "benefit_record": pl.Int16,
    "dependent_id": pl.Int64,
    "subscriber": pl.String,
    "member": pl.String,
    "line": pl.String,
    "plan_type": pl.String,
    "action": pl.String,
    "kind": pl.String,
    "begins_on": pl.Date,
    "ends_on": pl.Date,
    "plan": pl.String,
    "tier": pl.String,
    "schedule_id": pl.Int32,
    "event_number": pl.Int32,
    "verdict": pl.String,
    "code": pl.String,
    "words": pl.String,
    "reported_at": MOMENT,
    "partner": pl.String,
    "partner_client": pl.Int32,
    "file_kind": pl.String,
    "state": pl.String,
    "since": MOMENT,
    "in_file_at": MOMENT,
    "set_code": pl.String,
    "acknowledged_at": MOMENT,
    "resent_by": pl.Int64,
    "released_at": MOMENT,
    "transferred_at": MOMENT,
    "received_at": MOMENT,
    "not_read_at": MOMENT,
}
LINES = """
SELECT l.file_id, l.number, l.set, l.benefit_record, l.dependent_id, l.subscriber, l.member, l.line,
       l.plan_type, l.action, l.kind, l.begins_on, l.ends_on, l.plan, l.tier, l.schedule_id, l.event_number,
       l.verdict, l.code, l.words, l.answered_at AS reported_at, f.partner, f.partner_client,
       f.kind AS file_kind, f.state, f.since, f.built_at AS in_file_at, s.code AS set_code,
       s.answered_at AS acknowledged_at, s.resent_by,
       a.released_at, a.transferred_at, a.received_at, a.not_read_at
FROM carriers_fileline AS l
LEFT JOIN carriers_carrierfile AS f ON f.id = l.file_id
LEFT JOIN carriers_fileset AS s ON s.file_id = l.file_id AND s.set = l.set
LEFT JOIN LATERAL (
    SELECT min(made_at) FILTER (WHERE state = 'released') AS released_at,
           min(made_at) FILTER (WHERE state = 'sent') AS transferred_at,
           min(made_at) FILTER (WHERE state = 'received') AS received_at,
           min(made_at) FILTER (WHERE state = 'not read') AS not_read_at
    FROM carriers_fileact WHERE file_id = l.file_id
) AS a ON true
WHERE l.client_id = %(client)s AND l.person_id = %(person)s
  AND (f.state IS NULL OR f.state NOT IN ('withdrawn', 'invalid')) AND (f.kind IS NULL OR f.kind <> 'portal')
ORDER BY l.file_id, l.number
"""

ENTRY = {
    "entry_id": pl.Int64,
    "client_id": pl.Int32,
    "partner": pl.String,
    "partner_client": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "dependent_id": pl.Int64,
    "line": pl.String,
    "kind": pl.String,
    "action": pl.String,
    "begins_on": pl.Date,
    "ends_on": pl.Date,
    "plan": pl.String,
    "tier": pl.String,
    "reason": pl.String,
    "due_on": pl.Date,
    "file_id": pl.Int64,
    "is_net": pl.Boolean,
    "opened_at": MOMENT,
    "opened_by": pl.String,
    "done_at": MOMENT,
    "done_by": pl.String,
    "call_reference": pl.String,
}
ENTRIES = """
SELECT id AS entry_id, client_id, partner, partner_client, person_id, benefit_record, dependent_id, line,
       kind, action, begins_on, ends_on, plan, tier, reason, due_on, file_id, is_net, opened_at, opened_by,
       done_at,
       done_by, call_reference
FROM carriers_portalentry
WHERE (%(clients)s::int[] IS NULL OR client_id = ANY(%(clients)s::int[]))
  AND (%(partner)s::text IS NULL OR partner = %(partner)s)
  AND (%(person)s::bigint IS NULL OR person_id = %(person)s)
  AND (NOT %(open)s OR (done_at IS NULL AND is_net))
ORDER BY done_at IS NOT NULL, due_on, id LIMIT %(limit)s OFFSET %(offset)s
"""

UNSAID = {"file_id": pl.Int64, "unsaid": pl.Int64}
UNSAID_LINES = """
SELECT f.id AS file_id, count(*) AS unsaid
FROM carriers_carrierfile AS f JOIN carriers_fileline AS l ON l.file_id = f.id
JOIN carriers_fileset AS s ON s.file_id = l.file_id AND s.set = l.set AND s.code IN ('A', 'E')
WHERE f.state = 'confirmed' AND l.verdict IS NULL
GROUP BY f.id
"""


def load_files(
    client_ids: Sequence[int] | None,
    *,
    partner: str | None = None,
    states: Sequence[str] = (),
    limit: int | None = None,
    offset: int = 0,
) -> pl.DataFrame:
    """List files, the newest first: FILE. client_ids: None for all."""
    given = {
        "clients": None if client_ids is None else list(client_ids),
        "partner": partner,
        "states": [str(one) for one in states] or None,
        "limit": limit,
        "offset": offset,
    }
    return copy_out(connection, FILES, FILE, given)


def load_lines(client_id: int, person_id: int) -> pl.DataFrame:
    """Load what was ever said of a person and his dependents, with how far each file has come: LINE.

    Missing: what is of the file is null where the file holds several clients and is not the user's to see.
    """
    return copy_out(connection, LINES, LINE, {"client": client_id, "person": person_id})


def load_entries(
    client_ids: Sequence[int] | None,
    *,
    partner: str | None = None,
    person_id: int | None = None,
    is_open: bool = True,
    limit: int | None = None,
    offset: int = 0,
) -> pl.DataFrame:
    """List what is to be entered at portals, what is due first; with what was done if not is_open: ENTRY."""
    given = {
        "clients": None if client_ids is None else list(client_ids),
        "partner": partner,
        "person": person_id,
        "open": is_open,
        "limit": limit,
        "offset": offset,
    }
    return copy_out(connection, ENTRIES, ENTRY, given)


def load_unsaid() -> pl.DataFrame:
    """Count of files a report has spoken of the lines it did not name: UNSAID."""
    return copy_out(connection, UNSAID_LINES, UNSAID)


__all__ = ["ENTRY", "FILE", "LINE", "load_entries", "load_files", "load_lines", "load_unsaid"]
