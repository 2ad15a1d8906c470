"""Letters are kept as they were made."""

import hashlib
import zlib
from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.delivery.assembly import page_count
from openbenefits.store.bulk import copy_in, copy_out
from openbenefits.store.catalogue import psycopg_connection
from openbenefits.store.keys import array_of

WRITTEN = {
    "client_id": pl.Int32(),
    "person_id": pl.Int64(),
    "kind": pl.String(),
    "benefit_record": pl.Int16(),
    "schedule_id": pl.Int32(),
    "event_number": pl.Int32(),
    "as_of": pl.Date(),
    "paper": pl.String(),
}
"""What is said of a letter that is to be kept; the rest follows from its file."""


def keep_documents(
    connection: Any, letters: pl.DataFrame, pdfs: list[bytes], *, author: str, now: datetime
) -> pl.DataFrame:
    """Keep letters as they were made; part of the caller's transaction.

    Shapes: letters have the columns of WRITTEN, a row for each file of `pdfs`, in order. Answers them with
            document_id, pages, size and digest.
    """
    if letters.is_empty():
        return letters.with_columns(document_id=pl.lit(None, dtype=pl.Int64))
    kept = letters.select(pl.col(name).cast(kind) for name, kind in WRITTEN.items()).with_columns(
        pl.Series("document_id", _numbers(connection, letters.height), dtype=pl.Int64),
        pl.Series("pages", [page_count(pdf) for pdf in pdfs], dtype=pl.Int16),
        pl.Series("size", [len(pdf) for pdf in pdfs], dtype=pl.Int32),
        pl.Series("digest", [hashlib.sha256(pdf).hexdigest() for pdf in pdfs], dtype=pl.String),
    )
    rows = kept.rename({"document_id": "id"}).with_columns(
        made_by=pl.lit(author), made_at=pl.lit(now).cast(pl.Datetime("us", "UTC"))
    )
    copy_in(connection, "delivery_document", rows)
    packed = pl.Series([zlib.compress(pdf) for pdf in pdfs], dtype=pl.Binary)
    contents = kept.select("document_id", "client_id", "person_id", packed=packed)
    copy_in(connection, "delivery_content", contents)
    return kept


SENT_QUERY = """
SELECT DISTINCT ON (client_id, person_id, benefit_record, schedule_id, event_number)
       client_id, person_id, benefit_record, schedule_id, event_number, c.packed AS pdf
FROM unnest(%(clients)s::int[], %(persons)s::bigint[], %(records)s::smallint[], %(schedules)s::int[],
            %(numbers)s::int[]) AS k (client_id, person_id, benefit_record, schedule_id, event_number)
JOIN delivery_document AS d USING (client_id, person_id, benefit_record, schedule_id, event_number)
JOIN delivery_content AS c USING (client_id, person_id)
WHERE d.kind = %(kind)s AND c.document_id = d.id
ORDER BY client_id, person_id, benefit_record, schedule_id, event_number, d.id DESC
"""
_EVENT_COLUMNS = {
    "clients": "client_id",
    "persons": "person_id",
    "records": "benefit_record",
    "schedules": "schedule_id",
    "numbers": "event_number",
}


def load_sent(connection: Any, kind: str, events: pl.DataFrame) -> pl.DataFrame:
    """Load the last letter of a kind about each event: the key of the event, and `pdf`, as it was made."""
    params = {name: array_of(events[column]) for name, column in _EVENT_COLUMNS.items()}
    schema = {column: WRITTEN[column] for column in _EVENT_COLUMNS.values()} | {"pdf": pl.Binary()}
    found = copy_out(connection, SENT_QUERY, schema, params | {"kind": kind})
    return found.with_columns(pl.Series("pdf", [unpacked(one) for one in found["pdf"]], dtype=pl.Binary))


def unpacked(packed: bytes) -> bytes:
    """Answer a file as it was kept."""
    return zlib.decompress(packed)


def _numbers(connection: Any, count: int) -> list[int]:
    """Take the numbers of new letters."""
    query = "SELECT nextval(pg_get_serial_sequence('delivery_document', 'id')) FROM generate_series(1, %s)"
    return [row[0] for row in psycopg_connection(connection).execute(query, [count])]
