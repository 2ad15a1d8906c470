"""What a look at the platform keeps: rows of elements, in our words; no names, SSNs or birth dates."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import msgspec
import polars as pl

from openbenefits.platform.models import Look
from openbenefits.store.bulk import copy_in, copy_out

Row = Mapping[str, Any]

ELEMENTS: dict[str, dict[str, Any]] = {
    "client": {"is_suppressing": pl.Boolean, "status": pl.String},
    "plan": {
        "plan": pl.String,
        "before_code": pl.String,
        "after_code": pl.String,
        "bill_code": pl.String,
    },
    "setup": {
        "plan": pl.String,
        "status": pl.String,
        "begins_on": pl.Date,
        "ends_on": pl.Date,
        "rate_group": pl.String,
        "is_suppressing": pl.Boolean,
    },
    "rule": {
        "plan": pl.String,
        "group": pl.String,
        "from_on": pl.Date,
        "tier": pl.String,
        "method": pl.String,
        "employee": pl.String,
        "dependents": pl.String,
        "wait": pl.String,
        "begins": pl.String,
    },
    "rate": {
        "kind": pl.String,
        "plan": pl.String,
        "rate_group": pl.String,
        "tier": pl.String,
        "from_on": pl.Date,
        "age_from": pl.Int32,
        "cents": pl.Int64,
    },
    "group": {"group": pl.String},
    "pay_group": {"pay_group": pl.String},
    "tier": {"tier": pl.String},
    "employee": {
        "employee": pl.String,
        "status": pl.String,
        "group": pl.String,
        "pay_group": pl.String,
        "hired_on": pl.Date,
    },
    "enrolment": {
        "employee": pl.String,
        "plan": pl.String,
        "status": pl.String,
        "begins_on": pl.Date,
        "ends_on": pl.Date,
        "detail_on": pl.Date,
        "tier": pl.String,
        "dependents": pl.Int32,
    },
    "dependent": {
        "employee": pl.String,
        "plan": pl.String,
        "dependent": pl.String,
        "ends_on": pl.Date,
        "last_on": pl.Date,
    },
    "family": {"employee": pl.String, "dependent": pl.String, "differs": pl.String},
    "adjustment": {
        "employee": pl.String,
        "plan": pl.String,
        "period": pl.String,
        "number": pl.String,
        "open_cents": pl.Int64,
        "since_on": pl.Date,
        "is_ours": pl.Boolean,
        "cycles_billed": pl.Int64,
        "cycles_left": pl.Int64,
    },
    "arrears": {"employee": pl.String, "plan": pl.String, "open_cents": pl.Int64, "since_on": pl.Date},
    "taken": {
        "employee": pl.String,
        "plan": pl.String,
        "code": pl.String,
        "pay_group": pl.String,
        "ends_on": pl.Date,
        "cents": pl.Int64,
    },
    "corrected": {
        "employee": pl.String,
        "plan": pl.String,
        "period": pl.String,
        "pay_group": pl.String,
        "ends_on": pl.Date,
        "cents": pl.Int64,
    },
    "batch": {"batch": pl.String, "pay_group": pl.String, "ends_on": pl.Date, "status": pl.String},
}
KEPT_LOOKS = 3
"""So many looks of a client are kept; earlier ones go."""

SEEN = """
SELECT person_id, content FROM platform_seen
WHERE client_id = %(client)s AND look_id = %(look)s AND element = %(element)s ORDER BY id
"""


class NoLook(LookupError):
    """Nothing was read yet of a client there."""


def keep(connection: Any, look: Look, found: Mapping[str, Iterable[Row]], people: Mapping[str, int]) -> int:
    """Write the rows of a look; answer how many. Rows that name an employee get the person he is here."""
    encoder = msgspec.json.Encoder()
    rows = [
        (people.get(str(row.get("employee"))), element, encoder.encode(_plain(row)).decode())
        for element, some in found.items()
        for row in some
    ]
    schema = {"person_id": pl.Int64, "element": pl.String, "content": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        client_id=pl.lit(look.client_id, pl.Int32), look_id=pl.lit(look.pk, pl.Int64)
    )
    copy_in(connection, "platform_seen", frame)
    return frame.height


def _plain(row: Row) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()}


def last_look(client_id: int) -> Look:
    """Find the latest look that ended well.

    Errors: NoLook.
    """
    found = Look.objects.filter(client_id=client_id, ended_at__isnull=False, told="").order_by("-pk").first()
    if found is None:
        raise NoLook(
            "expected what the platform holds to have been read, found nothing; ask for a look at it"
            " (`openbenefits platform look`)"
        )
    return found


def load_seen(connection: Any, look: Look, element: str) -> pl.DataFrame:
    """Load the rows of an element, as ELEMENTS, with person_id (null: nobody known here)."""
    given = {"client": look.client_id, "look": look.pk, "element": element}
    rows = copy_out(connection, SEEN, {"person_id": pl.Int64, "content": pl.String}, given)
    fields = ELEMENTS[element]
    texts = {name: pl.String if kind is pl.Date else kind for name, kind in fields.items()}
    if rows.is_empty():
        return pl.DataFrame(schema={"person_id": pl.Int64, **fields})
    read = rows.with_columns(pl.col("content").str.json_decode(pl.Struct(texts))).unnest("content")
    return read.with_columns(pl.col(name).str.to_date() for name, kind in fields.items() if kind is pl.Date)
