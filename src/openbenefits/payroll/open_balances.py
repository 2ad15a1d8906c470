"""Balances that are not nothing, kept as a night found them: to count and list them is then a read.

To find them prices every pay reported so far, of everybody; nobody is to wait for that on a page.
"""

from datetime import date
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.payroll.frames import load_employee_numbers, load_open_balances, load_reported
from openbenefits.payroll.ledger import Asked, books
from openbenefits.payroll.models import BalanceLook, OpenBalance
from openbenefits.payroll.rules.ageing import DEDUCTION, KEY, aged
from openbenefits.store.bulk import copy_in, schema_of

PEOPLE_AT_ONCE = 10_000
"""So that memory does not grow with the client."""


def keep_open_balances(connection: Any, client_id: int, *, on: date) -> int:
    """Look at every balance of a client as of a day, and keep those left; answer of how many people.

    A line within the splits' own rounding is nothing; one that is unknown is kept, as it may be something.
    """
    kept = find_open_balances(connection, client_id, on=on)
    people = kept["person_id"].n_unique()
    with transaction.atomic(using=connection.alias):
        OpenBalance.objects.using(connection.alias).filter(client_id=client_id).delete()
        copy_in(connection, OpenBalance._meta.db_table, kept)
        looks = BalanceLook.objects.using(connection.alias)
        looks.filter(client_id=client_id).delete()
        looks.create(client_id=client_id, as_of=on, people=people)
    return people


def find_open_balances(connection: Any, client_id: int, *, on: date) -> pl.DataFrame:
    """Find the balances that are left as of a day, in the columns of OpenBalance."""
    schema = schema_of(OpenBalance)
    if load_reported(connection, client_id).is_empty():  # no ledger: nothing to price
        return pl.DataFrame(schema=schema)
    people = load_employee_numbers(connection, client_id)["person_id"].sort()
    parts = []
    for start in range(0, people.len(), PEOPLE_AT_ONCE):
        some = people.slice(start, PEOPLE_AT_ONCE).to_list()
        found = books(connection, Asked(client_id=client_id, through=on, person_ids=some))
        since = aged(found.pays, on).select(*KEY, "since_on", kind=pl.lit(DEDUCTION))
        left = found.balances.filter(pl.col("correct_cents").ne_missing(0))
        left = left.join(since, on=[*KEY, "kind"], how="left", maintain_order="left")
        parts.append(left.select(pl.col(name).cast(kind) for name, kind in schema.items()))
    return pl.concat(parts) if parts else pl.DataFrame(schema=schema)


def open_balances(connection: Any, client_id: int) -> tuple[date | None, pl.DataFrame]:
    """Answer the balances left at the last look, by employee number, and its day (None: nobody has looked).

    Shapes: SERIES, the amounts of OpenBalance, fault, employee_number.
    """
    look = BalanceLook.objects.using(connection.alias).filter(client_id=client_id).first()
    rows = load_open_balances(connection, client_id)
    return look and look.as_of, rows


__all__ = ["find_open_balances", "keep_open_balances", "open_balances"]
