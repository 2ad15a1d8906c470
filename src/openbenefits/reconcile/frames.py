"""The named SQL of reconciliation: coverage with when it was known, identities, lines and items."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from openbenefits.reconcile import models
from openbenefits.store.bulk import copy_out, schema_of
from openbenefits.store.keys import PEOPLE, people_arrays

POINT = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "plan_type": pl.String,
    "slot": pl.Int16,
    "begins_on": pl.Date,
    "version": pl.Int32,
}

HOLDERS = """
SELECT DISTINCT client_id, person_id FROM enrollment_coverage
WHERE client_id = ANY(%(clients)s::int[]) AND option_id = ANY(%(options)s::int[]) AND superseded_by_run IS
NULL
"""

KNOWN_SINCE = f"""
SELECT {", ".join(POINT)}, made_at FROM enrollment_coverage AS c JOIN {PEOPLE} AS k USING (client_id,
person_id) WHERE c.superseded_by_run IS NULL
"""

IDENTITY = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "is_dependent": pl.Boolean,
    "employee_number": pl.String,
    "last_name": pl.String,
    "first_name": pl.String,
    "birth_on": pl.Date,
    "ssn_hash": pl.String,
    "ssn_sealed": pl.Binary,
}
IDENTITIES = """
SELECT f.client_id, f.person_id, false AS is_dependent, p.employee_number,
       f.last_name, f.first_name, f.birth_on, f.ssn_hash, f.ssn_sealed
FROM workforce_personfact AS f JOIN workforce_person AS p ON p.id = f.person_id
WHERE f.client_id = ANY(%(clients)s::int[]) AND NOT f.is_deleted
UNION ALL
SELECT f.client_id, f.person_id, true, NULL, f.last_name, f.first_name, f.birth_on, f.ssn_hash, NULL
FROM workforce_dependentfact AS f
WHERE f.client_id = ANY(%(clients)s::int[]) AND NOT f.is_deleted
"""

REFERENCE = {"client_id": pl.Int32, "identity": pl.String, "person_id": pl.Int64}
REFERENCES = """
SELECT DISTINCT ON (identity) client_id, identity, person_id FROM reconcile_personreference
WHERE carrier = %(carrier)s ORDER BY identity, made_at DESC, version DESC
"""

EARLIER = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "plan_id": pl.Int32,
    "month": pl.Date,
    "of_month": pl.Date,
    "billed_cents": pl.Int64,
}
EARLIER_LINES = """
SELECT m.client_id, m.person_id, l.plan_id, l.month, max(i.month) AS of_month,
       sum(l.premium_cents)::bigint AS billed_cents
FROM reconcile_invoice AS i
JOIN reconcile_invoiceline AS l ON l.invoice_id = i.id
JOIN reconcile_linematch AS m ON m.invoice_id = l.invoice_id AND m.line = l.line
WHERE i.client_id = %(client)s AND i.carrier = %(carrier)s AND i.month < %(month)s
  AND m.standing = 'matched' AND l.plan_id IS NOT NULL
GROUP BY 1, 2, 3, 4
"""

BILLED = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "plan_id": pl.Int32,
    "invoiced_cents": pl.Int64,
}
BILLED_LINES = """
SELECT m.client_id, m.person_id, l.plan_id, sum(l.premium_cents)::bigint AS invoiced_cents
FROM reconcile_invoice AS i
JOIN reconcile_invoiceline AS l ON l.invoice_id = i.id
JOIN reconcile_linematch AS m ON m.invoice_id = l.invoice_id AND m.line = l.line
WHERE i.client_id IN (0, %(client)s) AND i.kind IN ('list', 'self') AND i.results > 0
  AND i.month BETWEEN %(month)s::date - interval '1 year' AND %(month)s::date + interval '1 year'
  AND m.client_id = %(client)s AND coalesce(l.month, i.month) = %(month)s::date
  AND m.standing = 'matched' AND l.plan_id IS NOT NULL
GROUP BY 1, 2, 3
"""

CLIENTS = {"client_id": pl.Int32, "client": pl.String}

ITEMS = """
SELECT {columns} FROM reconcile_item AS t
WHERE (%(clients)s::int[] IS NULL OR t.client_id = ANY(%(clients)s::int[]))
  AND (%(invoice)s::bigint IS NULL OR t.invoice_id = %(invoice)s::bigint)
  AND (%(states)s::text[] IS NULL OR t.state = ANY(%(states)s::text[]))
"""


def load_holders(connection: Any, client_ids: Sequence[int], option_ids: Sequence[int]) -> pl.DataFrame:
    """Name everybody who ever held one of some options: client_id, person_id."""
    schema = {"client_id": pl.Int32, "person_id": pl.Int64}
    given = {"clients": list(client_ids), "options": list(option_ids)}
    return copy_out(connection, HOLDERS, schema, given)


def load_known_since(connection: Any, people: pl.DataFrame) -> pl.DataFrame:
    """Say since when each change point that holds is known: POINT, made_at."""
    schema = POINT | {"made_at": pl.Datetime("us", "UTC")}
    return copy_out(connection, KNOWN_SINCE, schema, people_arrays(people))


def load_identities(connection: Any, client_ids: Sequence[int]) -> pl.DataFrame:
    """Load by what people and their dependents may be known to a carrier, former names included.

    See IDENTITY.
    """
    return copy_out(connection, IDENTITIES, IDENTITY, {"clients": list(client_ids)}).unique()


def load_references(connection: Any, carrier: str) -> pl.DataFrame:
    """Load who identities of a carrier's invoices are, as persons confirmed them."""
    return copy_out(connection, REFERENCES, REFERENCE, {"carrier": carrier})


def load_earlier(connection: Any, client_id: int, carrier: str, month: Any) -> pl.DataFrame:
    """Add up what earlier invoices billed, by person, plan and coverage month, retro lines included.

    month is null of lines that name none; of_month is that of the latest invoice with such lines.
    """
    given = {"client": client_id, "carrier": carrier, "month": month}
    return copy_out(connection, EARLIER_LINES, EARLIER, given)


def load_billed(connection: Any, client_id: int, month: date) -> pl.DataFrame:
    """Add up what carriers billed of a client for a coverage month, later corrections included: BILLED."""
    return copy_out(connection, BILLED_LINES, BILLED, {"client": client_id, "month": month})


def load_rows(connection: Any, model: Any, invoice_id: int) -> pl.DataFrame:
    """Load the rows of an invoice of one of the tables, in order."""
    schema = schema_of(model)
    order = "line" if "line" in schema else "1"
    table = model._meta.db_table
    query = f"SELECT {', '.join(schema)} FROM {table} WHERE invoice_id = %(invoice)s ORDER BY {order}"
    return copy_out(connection, query, schema, {"invoice": invoice_id})


def load_items(
    connection: Any,
    *,
    client_ids: Sequence[int] | None = None,
    invoice_id: int | None = None,
    states: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Load items, as the table has them: of some clients, an invoice, or in some states (null: any)."""
    schema = schema_of(models.Item)
    given = {
        "clients": None if client_ids is None else list(client_ids),
        "invoice": invoice_id,
        "states": None if states is None else list(states),
    }
    return copy_out(connection, ITEMS.format(columns=", ".join(schema)), schema, given)
