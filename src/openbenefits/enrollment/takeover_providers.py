"""Doctors and dentists that a file of coverage names: read, checked, written where that is new."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import polars as pl

from openbenefits.core.bad_rows import faults
from openbenefits.enrollment import models
from openbenefits.enrollment.entry_rows import as_stored
from openbenefits.enrollment.providers import EMPLOYEE, is_npi
from openbenefits.store.bulk import copy_in, copy_out
from openbenefits.store.keys import PEOPLE, people_arrays

MEMBER = ("client_id", "person_id", "benefit_record", "plan_type", "dependent_id")

LAST_NAMED = f"""
SELECT DISTINCT ON ({", ".join(MEMBER)}) {", ".join(MEMBER)}, number, provider_id
FROM enrollment_providerchoice AS c JOIN {PEOPLE} AS k USING (client_id, person_id)
ORDER BY {", ".join(MEMBER)}, number DESC
"""  # noqa: S608 (names of ours)
LAST = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "plan_type": pl.String,
    "dependent_id": pl.Int64,
    "number": pl.Int32,
    "provider_id": pl.String,
}


def named_providers(rows: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """List whom each row names: row, number (0: the employee), dependent_id (null: no such), provider_id.

    Shapes: rows has row, person_id, providers (a list of NUMBER:ID); known has person_id, number and
            dependent_id.
    """
    said = rows.select("row", "person_id", "providers").explode("providers", empty_as_null=False)
    said = said.drop_nulls("providers").with_columns(
        number=pl.col("providers").str.extract("^([0-9]+):").cast(pl.Int16),
        provider_id=pl.col("providers").str.extract(":(.+)$"),
    )
    found = said.join(known, on=["person_id", "number"], how="left", maintain_order="left")
    is_own = pl.col("number") == EMPLOYEE
    dependent = pl.when(is_own).then(pl.lit(EMPLOYEE, pl.Int64)).otherwise("dependent_id")
    return found.select("row", "number", "provider_id", dependent_id=dependent)


def provider_faults(rows: pl.DataFrame, named: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Name the rows with a number of nobody, or with an NPI whose check digit does not fit."""
    numbers = named["provider_id"].unique().to_list()
    wrong = [one for one in numbers if len(one) == 10 and one.isdigit() and not is_npi(one)]
    told = named.group_by("row").agg(
        is_unknown=pl.col("dependent_id").is_null().any(),
        is_wrong=pl.col("provider_id").is_in(wrong).any(),
    )
    found = rows.filter(pl.col("person_id").is_not_null()).join(told, on="row", maintain_order="left")
    cure = "correct the numbers, or add the dependent first"
    for which, expected, how in (
        ("is_unknown", "0 for the employee, or numbers of dependents of this person", cure),
        ("is_wrong", "an NPI whose last digit fits the others", "look for a slip"),
    ):
        yield faults(found, pl.col(which), "providers", expected, how, pl.lit("another number"))


def new_providers(connection: Any, rows: pl.DataFrame, named: pl.DataFrame) -> pl.DataFrame:
    """List what the rows say that does not stand already, with the number to write each under."""
    said = named.join(rows.select("row", *MEMBER[:-1], "begins_on"), on="row")
    last = copy_out(connection, LAST_NAMED, LAST, people_arrays(rows)).rename({"provider_id": "was"})
    beside = said.drop("number").join(last, on=list(MEMBER), how="left", maintain_order="left")
    newest = beside.sort("begins_on").unique(list(MEMBER), keep="last", maintain_order=True)
    fresh = newest.filter(pl.col("provider_id").ne_missing(pl.col("was")))
    return fresh.with_columns(number=(pl.col("number").fill_null(0) + 1).cast(pl.Int32))


def write_providers(
    connection: Any, fresh: pl.DataFrame, *, change_id: int | None, made_by: str, now: datetime
) -> None:
    """Append the choices that a file names."""
    rows = fresh.with_columns(
        name=pl.lit(""),
        is_patient=pl.lit(None, pl.Boolean),
        author=pl.lit(made_by),
        change_id=pl.lit(change_id, pl.Int64),
        made_at=pl.lit(now).cast(pl.Datetime("us", "UTC")),
    )
    copy_in(connection, "enrollment_providerchoice", as_stored(rows, models.ProviderChoice))
