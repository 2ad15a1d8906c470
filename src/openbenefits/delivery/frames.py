"""The named SQL of letters and their deliveries."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from openbenefits.delivery.codes import NOT_ARRIVED
from openbenefits.store.bulk import copy_out

DOCUMENT = {
    "document_id": pl.Int64(),
    "client_id": pl.Int32(),
    "person_id": pl.Int64(),
    "kind": pl.String(),
    "benefit_record": pl.Int16(),
    "schedule_id": pl.Int32(),
    "event_number": pl.Int32(),
    "as_of": pl.Date(),
    "pages": pl.Int16(),
    "size": pl.Int32(),
    "digest": pl.String(),
    "paper": pl.String(),
    "made_by": pl.String(),
    "made_at": pl.Datetime("us", "UTC"),
}
LAST = {
    "delivery_id": pl.Int64(),
    "channel": pl.String(),
    "batch_id": pl.Int64(),
    "fate": pl.String(),
    "fate_at": pl.Datetime("us", "UTC"),
}
LISTED = DOCUMENT | LAST | {"employee_number": pl.String()}

_COLUMNS = ", ".join(
    f"d.{'id AS document_id' if name == 'document_id' else name}"
    if name != "made_at"
    else "to_char(d.made_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS made_at"
    for name in DOCUMENT
)
_LAST_DELIVERY = """
LEFT JOIN LATERAL (
    SELECT v.id AS delivery_id, v.channel, v.batch_id, f.fate, f.at AS fate_at
    FROM delivery_delivery AS v
    LEFT JOIN LATERAL (
        SELECT fate, at FROM delivery_fate
        WHERE client_id = v.client_id AND delivery_id = v.id ORDER BY id DESC LIMIT 1
    ) AS f ON true
    WHERE v.client_id = d.client_id AND v.document_id = d.id ORDER BY v.id DESC LIMIT 1
) AS l ON true
"""
_LAST_COLUMNS = """
l.delivery_id, l.channel, l.batch_id, l.fate,
to_char(l.fate_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS fate_at
"""
DOCUMENTS_QUERY = f"""
SELECT {_COLUMNS}, {_LAST_COLUMNS}, p.employee_number
FROM (
    SELECT * FROM delivery_document
    WHERE (%(clients)s::int[] IS NULL OR client_id = ANY (%(clients)s::int[]))
      AND (%(person)s::bigint IS NULL OR person_id = %(person)s::bigint)
      AND (%(kind)s::text IS NULL OR kind = %(kind)s::text)
      AND (%(documents)s::bigint[] IS NULL OR id = ANY (%(documents)s::bigint[]))
      AND (%(before)s::bigint IS NULL OR id < %(before)s::bigint)
    ORDER BY id DESC LIMIT %(most)s
) AS d
JOIN workforce_person AS p ON p.client_id = d.client_id AND p.id = d.person_id
{_LAST_DELIVERY}
ORDER BY d.id DESC
"""
AGAIN_QUERY = f"""
SELECT {_COLUMNS}, {_LAST_COLUMNS}, p.employee_number
FROM (
    SELECT DISTINCT v.client_id, v.document_id
    FROM delivery_fate AS f JOIN delivery_delivery AS v ON v.client_id = f.client_id AND v.id = f.delivery_id
    WHERE f.fate = ANY (%(bad)s) AND (%(clients)s::int[] IS NULL OR f.client_id = ANY (%(clients)s::int[]))
) AS b
JOIN delivery_document AS d ON d.client_id = b.client_id AND d.id = b.document_id
JOIN workforce_person AS p ON p.client_id = d.client_id AND p.id = d.person_id
{_LAST_DELIVERY}
WHERE l.fate = ANY (%(bad)s)
ORDER BY d.id DESC LIMIT %(most)s
"""


def load_documents(
    connection: Any,
    *,
    client_ids: Sequence[int] | None = None,
    person_id: int | None = None,
    kind: str | None = None,
    document_ids: Sequence[int] | None = None,
    before: int | None = None,
    most: int = 1_000_000,
) -> pl.DataFrame:
    """Load letters, the newest first, each with its last delivery and what became of that.

    Shapes:  LISTED. `before` and `most` page the list.
    Missing: delivery_id is null where the letter has not been given to any way yet.
    """
    params = {
        "clients": None if client_ids is None else list(client_ids),
        "person": person_id,
        "kind": kind,
        "documents": None if document_ids is None else list(document_ids),
        "before": before,
        "most": most,
    }
    return copy_out(connection, DOCUMENTS_QUERY, LISTED, params)


def load_again(connection: Any, client_ids: Sequence[int] | None, *, most: int = 1_000_000) -> pl.DataFrame:
    """Load the letters whose last delivery did not arrive.

    Shapes: LISTED, the newest first.
    """
    bad = [str(fate) for fate in NOT_ARRIVED]
    clients = None if client_ids is None else list(client_ids)
    return copy_out(connection, AGAIN_QUERY, LISTED, {"bad": bad, "clients": clients, "most": most})
