"""The named SQL of letters and their deliveries."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from openbenefits.accounts.numbers import first_numbers
from openbenefits.delivery.codes import NOT_ARRIVED
from openbenefits.delivery.languages import load_languages
from openbenefits.store.bulk import copy_out
from openbenefits.workforce import frames as workforce

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
    SELECT v.id AS delivery_id, v.channel, f.fate, f.at AS fate_at
    FROM delivery_delivery AS v
    LEFT JOIN LATERAL (
        SELECT fate, at FROM delivery_fate
        WHERE client_id = v.client_id AND delivery_id = v.id ORDER BY id DESC LIMIT 1
    ) AS f ON true
    WHERE v.client_id = d.client_id AND v.document_id = d.id ORDER BY v.id DESC LIMIT 1
) AS l ON true
"""
_LAST_COLUMNS = """
l.delivery_id, l.channel, l.fate,
to_char(l.fate_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS fate_at
"""
DOCUMENTS_QUERY = f"""
SELECT {_COLUMNS}, {_LAST_COLUMNS}, p.employee_number
FROM (
    SELECT * FROM delivery_document
    WHERE (%(clients)s::int[] IS NULL OR client_id = ANY (%(clients)s::int[]))
      AND (%(persons)s::bigint[] IS NULL OR person_id = ANY (%(persons)s::bigint[]))
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
    person_ids: Sequence[int] | None = None,
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
        "persons": None if person_ids is None else list(person_ids),
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


CHOICES_QUERY = """
SELECT DISTINCT ON (client_id, person_id) client_id, person_id, channel, id AS choice_id
FROM delivery_choice WHERE client_id = ANY (%s::int[]) ORDER BY client_id, person_id, id DESC
"""
CHOICES = {"client_id": pl.Int32(), "person_id": pl.Int64(), "channel": pl.String()}


def load_choices(connection: Any, client_ids: Sequence[int]) -> pl.DataFrame:
    """Load the way that holds for each person who ever chose one, under whatever number: CHOICES."""
    rows = copy_out(connection, CHOICES_QUERY, CHOICES | {"choice_id": pl.Int64()}, [list(client_ids)])
    firsts = {one: first for client_id in client_ids for one, first in first_numbers(client_id).items()}
    rows = rows.with_columns(pl.col("person_id").replace(firsts)).sort("choice_id")
    return rows.unique(["client_id", "person_id"], keep="last", maintain_order=True).drop("choice_id")


WAITING_QUERY = """
SELECT v.client_id, v.person_id, v.id AS delivery_id, v.document_id, v.address, d.kind,
       c.name AS client_name
FROM delivery_delivery AS v
JOIN delivery_document AS d ON d.client_id = v.client_id AND d.id = v.document_id
JOIN workforce_client AS c ON c.id = v.client_id
JOIN LATERAL (
    SELECT fate FROM delivery_fate
    WHERE client_id = v.client_id AND delivery_id = v.id ORDER BY id DESC LIMIT 1
) AS f ON true
WHERE v.client_id = %(client)s AND f.fate = 'waiting' AND (v.channel = 'print') = %(printed)s
  AND NOT EXISTS (SELECT 1 FROM delivery_printline AS l
                  WHERE l.client_id = v.client_id AND l.delivery_id = v.id)
ORDER BY v.id
"""
WAITING = {
    "client_id": pl.Int32(),
    "person_id": pl.Int64(),
    "delivery_id": pl.Int64(),
    "document_id": pl.Int64(),
    "address": pl.String(),
    "kind": pl.String(),
    "client_name": pl.String(),
}


def load_unbatched(connection: Any, client_id: int) -> pl.DataFrame:
    """Load the printed letters that wait and are in no batch: WAITING."""
    return copy_out(connection, WAITING_QUERY, WAITING, {"client": client_id, "printed": True})


def load_mails(connection: Any, client_id: int, on: date) -> pl.DataFrame:
    """Load the mails that wait: WAITING, and name and language of whom each goes to, of a day."""
    rows = copy_out(connection, WAITING_QUERY, WAITING, {"client": client_id, "printed": False})
    cases = of_day(rows, on)
    known = workforce.names_as_of(connection, cases)
    name = pl.concat_str("first_name", "last_name", separator=" ", ignore_nulls=True).alias("name")
    return rows.hstack(known.select(name)).hstack(load_languages(connection, cases).select("language"))


def of_day(rows: pl.DataFrame, on: date) -> pl.DataFrame:
    """Turn rows about people into cases of a day, in the same order."""
    return rows.select(
        "client_id",
        "person_id",
        benefit_record=pl.lit(0, dtype=pl.Int16),
        as_of=pl.lit(on),
        case=pl.int_range(pl.len(), dtype=pl.Int32),
    )


LINES_QUERY = """
SELECT l.place, l.client_id, l.person_id, l.delivery_id, v.document_id, d.kind, d.pages, p.employee_number,
       f.fate
FROM delivery_printline AS l
JOIN delivery_delivery AS v ON v.client_id = l.client_id AND v.id = l.delivery_id
JOIN delivery_document AS d ON d.client_id = l.client_id AND d.id = v.document_id
JOIN workforce_person AS p ON p.client_id = l.client_id AND p.id = l.person_id
JOIN LATERAL (
    SELECT fate FROM delivery_fate
    WHERE client_id = l.client_id AND delivery_id = l.delivery_id ORDER BY id DESC LIMIT 1
) AS f ON true
WHERE l.client_id = %s AND l.batch_id = %s ORDER BY l.place
"""
LINES = {
    "place": pl.Int32(),
    "client_id": pl.Int32(),
    "person_id": pl.Int64(),
    "delivery_id": pl.Int64(),
    "document_id": pl.Int64(),
    "kind": pl.String(),
    "pages": pl.Int16(),
    "employee_number": pl.String(),
    "fate": pl.String(),
}


def load_lines(connection: Any, client_id: int, batch_id: int) -> pl.DataFrame:
    """Load the letters of a print batch in their order: LINES."""
    return copy_out(connection, LINES_QUERY, LINES, [client_id, batch_id])


BATCHES_QUERY = """
SELECT b.id AS batch_id, b.client_id, b.reprint_of, b.made_by,
       to_char(b.made_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS made_at,
       count(*) AS letters, sum(d.pages) AS pages
FROM (
    SELECT * FROM delivery_printbatch
    WHERE %(clients)s::int[] IS NULL OR client_id = ANY (%(clients)s::int[])
    ORDER BY id DESC LIMIT %(most)s
) AS b
JOIN delivery_printline AS l ON l.client_id = b.client_id AND l.batch_id = b.id
JOIN delivery_delivery AS v ON v.client_id = l.client_id AND v.id = l.delivery_id
JOIN delivery_document AS d ON d.client_id = l.client_id AND d.id = v.document_id
GROUP BY 1, 2, 3, 4, 5 ORDER BY 1 DESC
"""
BATCHES = {
    "batch_id": pl.Int64(),
    "client_id": pl.Int32(),
    "reprint_of": pl.Int64(),
    "made_by": pl.String(),
    "made_at": pl.Datetime("us", "UTC"),
    "letters": pl.Int64(),
    "pages": pl.Int64(),
}


def load_batches(connection: Any, client_ids: Sequence[int] | None, *, most: int = 100) -> pl.DataFrame:
    """Load print batches with how many letters and pages each holds, the newest first: BATCHES."""
    clients = None if client_ids is None else list(client_ids)
    return copy_out(connection, BATCHES_QUERY, BATCHES, {"clients": clients, "most": most})
