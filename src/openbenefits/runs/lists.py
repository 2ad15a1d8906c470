"""Participant lists: whom a run of a schedule may be limited to, or who is to be taken into one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.runs.models import ListedPerson
from openbenefits.store.bulk import copy_in, copy_out, schema_of
from openbenefits.workforce.models import Person

MOST = 5_000
"""So many numbers at once: more are a census, and a run of their own."""

LISTED = {
    "person_id": pl.Int64(),
    "employee_number": pl.String(),
    "since": pl.Datetime("us", "UTC"),
    "author": pl.String(),
    "reason": pl.String(),
}
QUERY = """
SELECT l.person_id, p.employee_number,
       to_char(l.acted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS since, l.author, l.reason
FROM (
    SELECT DISTINCT ON (person_id) client_id, person_id, is_listed, reason, author, acted_at
    FROM runs_listedperson
    WHERE client_id = %(client)s AND schedule_id = %(schedule)s ORDER BY person_id, number DESC
) AS l JOIN workforce_person AS p ON p.client_id = l.client_id AND p.id = l.person_id
WHERE l.is_listed ORDER BY p.employee_number
"""
ACTS = """
SELECT person_id, max(number) AS acts, (array_agg(is_listed ORDER BY number DESC))[1] AS is_listed
FROM runs_listedperson WHERE client_id = %(client)s AND schedule_id = %(schedule)s GROUP BY 1
"""


class ListRefused(ValueError):
    """A change of a list that cannot be: what was expected, what was found, what to do."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """Who is put on a list, or taken off it, by number, why, and who says so."""

    client_id: int
    schedule_id: int
    employee_numbers: Sequence[str]
    is_listed: bool
    reason: str
    author: str


@dataclass(frozen=True, kw_only=True)
class Changed:
    """What came of a change: how many were put on or taken off, how many stood so already."""

    done: int
    unchanged: int


def listed(connection: Any, client_id: int, schedule_id: int) -> pl.DataFrame:
    """List who is on the participant list of a schedule; as LISTED, by number."""
    return copy_out(connection, QUERY, LISTED, {"client": client_id, "schedule": schedule_id})


def change_list(connection: Any, change: Change, *, now: datetime) -> Changed:
    """Put people on the list of a schedule, or take them off; who is there already is left.

    Errors: ListRefused without reason, author or numbers, for more than MOST of them, and where a number is
            nobody's: then nothing is done.
    """
    numbers = sorted({one.strip() for one in change.employee_numbers if one.strip()})
    _refuse_unsaid(change, numbers)
    with transaction.atomic():
        found = Person.objects.filter(client_id=change.client_id, employee_number__in=numbers)
        ids = list(found.values_list("id", flat=True))
        people = pl.DataFrame({"person_id": ids}, schema={"person_id": pl.Int64})
        if people.height < len(numbers):
            raise ListRefused(
                f"expected numbers of employees of this client, found {len(numbers) - people.height} of"
                f" {len(numbers)} that nobody has; correct them, nothing was changed"
            )
        rows = _new(connection, change, people, now)
        copy_in(connection, "runs_listedperson", rows)
    return Changed(done=rows.height, unchanged=people.height - rows.height)


def _refuse_unsaid(change: Change, numbers: Sequence[str]) -> None:
    if not change.reason.strip() or not change.author.strip():
        raise ListRefused("expected a reason and an author, found one missing; say why, and who")
    if not 0 < len(numbers) <= MOST:
        raise ListRefused(
            f"expected 1 to {MOST:,} employee numbers, found {len(numbers):,}; state them, or split them"
        )


def _new(connection: Any, change: Change, people: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """The acts that say something new."""
    schema = {"person_id": pl.Int64(), "acts": pl.Int32(), "is_listed": pl.Boolean()}
    asked = {"client": change.client_id, "schedule": change.schedule_id}
    known = copy_out(connection, ACTS, schema, asked).rename({"is_listed": "was_listed"})
    rows = people.join(known, on="person_id", how="left").with_columns(
        pl.col("acts").fill_null(0), pl.col("was_listed").fill_null(value=False)
    )
    said = {
        "client_id": change.client_id,
        "schedule_id": change.schedule_id,
        "is_listed": change.is_listed,
        "reason": change.reason.strip(),
        "author": change.author.strip(),
        "acted_at": now,
    }
    made = rows.filter(pl.col("was_listed") != change.is_listed).with_columns(
        number=pl.col("acts") + 1, **{name: pl.lit(value) for name, value in said.items()}
    )
    return made.select(pl.col(name).cast(kind) for name, kind in schema_of(ListedPerson).items())
