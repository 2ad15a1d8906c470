"""What rows of elections and rows of coverage have in common: whom they are about, and whom they name."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from openbenefits.core.bad_rows import faults
from openbenefits.core.columns import in_types
from openbenefits.enrollment.election_frames import load_numbered_dependents, load_numbered_people
from openbenefits.store.bulk import schema_of
from openbenefits.store.locks import lock_rows

NAMING_DEPENDENTS = ("dependent", "dependents", "beneficiaries", "contingent_beneficiaries", "providers")
"""Columns of files in which dependents stand by their numbers."""


def with_people(connection: Any, client_id: int, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Add client_id and person_id, lock the people, and name the rows of unknown or busy ones.

    A row under the number of somebody who was merged is about who stays; but not if it names dependents,
    whose numbers are others there.
    """
    people = load_numbered_people(connection, client_id, rows)
    found = rows.join(people, on="employee_number", how="left", maintain_order="left").with_columns(
        client_id=pl.lit(client_id, pl.Int32)
    )
    _, busy = lock_rows(connection, "workforce_person", people.select(id="person_id"))
    unknown = pl.col("employee_number").is_not_null() & pl.col("person_id").is_null()
    naming = [pl.col(name).is_not_null() for name in NAMING_DEPENDENTS if name in rows.columns]
    names_dependents = pl.any_horizontal(*naming, pl.lit(value=False))
    stopped = [
        faults(
            found,
            unknown,
            "employee_number",
            "the number of an employee of this client",
            "correct the number, or import the employee's facts first",
        ),
        faults(
            found,
            pl.col("person_id").is_in(busy["id"].implode()),
            "employee_number",
            "somebody nobody else is working on",
            "try again: enter this row again when the run is done",
            pl.lit("being processed"),
        ),
        faults(
            found,
            pl.col("is_merged") & names_dependents,
            "employee_number",
            "the number that stays, as the row names dependents",
            "state the number the person was merged into, and the numbers its dependents have there",
        ),
    ]
    return found.drop("is_merged"), pl.concat(stopped)


def people_of(rows: pl.DataFrame) -> pl.DataFrame:
    """List the people the rows are about, each once."""
    return rows.filter(pl.col("person_id").is_not_null()).select("client_id", "person_id").unique()


def chosen_dependents(connection: Any, client_id: int, rows: pl.DataFrame) -> pl.DataFrame:
    """List the dependents each row names: row, number, dependent_id (null: no such dependent)."""
    known = load_numbered_dependents(connection, client_id, rows)
    named = rows.select("row", "person_id", number="dependents").explode("number", empty_as_null=False)
    named = named.filter(pl.col("number").is_not_null()).unique()
    return named.join(known, on=["person_id", "number"], how="left").drop("person_id")


def chosen_beneficiaries(connection: Any, client_id: int, rows: pl.DataFrame) -> pl.DataFrame:
    """List the beneficiaries each row names: row, number, dependent_id (null: no such), is_contingent, share.

    Units: percent_hundredths.
    """
    known = load_numbered_dependents(connection, client_id, rows)
    parts = [
        rows.select("row", "person_id", said=column, is_contingent=pl.lit(value=is_contingent)).explode(
            "said", empty_as_null=False
        )
        for column, is_contingent in (("beneficiaries", False), ("contingent_beneficiaries", True))
    ]
    named = pl.concat(parts).filter(pl.col("said").is_not_null())
    shares = named.with_columns(
        number=pl.col("said").str.extract("^([0-9]+):").cast(pl.Int16),
        percent_hundredths=pl.col("said").str.extract(":([0-9]+)$").cast(pl.Int32),
    )
    return shares.join(known, on=["person_id", "number"], how="left").drop("person_id", "said")


def unknown_dependents(rows: pl.DataFrame, chosen: pl.DataFrame, column: str = "dependents") -> pl.DataFrame:
    """Name the rows with a dependent the person does not have."""
    unknown = chosen.filter(pl.col("dependent_id").is_null()).group_by("row").agg(unknown=pl.len())
    return faults(
        rows.filter(pl.col("person_id").is_not_null()).join(unknown, on="row"),
        pl.lit(value=True),
        column,
        "numbers of dependents of this person",
        "correct the numbers, or add the dependent first",
        pl.format("{} unknown", "unknown"),
    )


def with_contents(rows: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """Add what rows are compared by: members and allocation as texts in a fixed order."""
    members = chosen.group_by("row").agg(members=_members())
    return rows.join(members, on="row", how="left", maintain_order="left").with_columns(
        allocation=pl.col("funds").list.sort().list.join(" ")
    )


def with_stored_contents(
    stored: pl.DataFrame, members: pl.DataFrame, funds: pl.DataFrame, key: Sequence[str]
) -> pl.DataFrame:
    """Add to what is stored under a key the same texts as `with_contents` adds to rows."""
    named = members.group_by(key).agg(members=_members())
    allocated = funds.group_by(key).agg(allocation=pl.format("{}:{}", "fund", "percent").sort().str.join(" "))
    return stored.join(named, on=list(key), how="left").join(allocated, on=list(key), how="left")


def with_shares(rows: pl.DataFrame, beneficiaries: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Add the beneficiaries as a text in a fixed order, to compare by."""
    share = pl.format("{}:{}:{}", "dependent_id", "is_contingent", "percent_hundredths")
    said = beneficiaries.group_by(key).agg(shares=share.sort().str.join(" "))
    return rows.join(said, on=list(key), how="left", maintain_order="left")


def _members() -> pl.Expr:
    return pl.col("dependent_id").sort().cast(pl.String).str.join(" ")


def invested(rows: pl.DataFrame) -> pl.DataFrame:
    """List the investments of rows: a row per fund, with fund and percent in place of `funds`."""
    parts = rows.filter(pl.col("funds").is_not_null()).explode("funds", empty_as_null=False)
    return parts.with_columns(
        fund=pl.col("funds").str.extract(r"^([^:]+):"),
        percent=pl.col("funds").str.extract(r":([0-9]+)$").cast(pl.Int16),
    )


def as_stored(rows: pl.DataFrame, model: Any) -> pl.DataFrame:
    """Give rows the columns and types of a table."""
    return in_types(rows, schema_of(model))
