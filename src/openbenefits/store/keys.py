"""Keys as parameters of a query: an array literal for a column, however many rows it has."""

import polars as pl

FEW = 256
"""So many numbers are written one by one: a query of Polars costs more than they do."""

UNNESTED_PEOPLE = "unnest(%(clients)s::int[], %(persons)s::bigint[]) AS k (client_id, person_id)"
"""People as rows of a FROM clause; their parameters are `people_arrays`."""

PEOPLE = f"(SELECT DISTINCT * FROM {UNNESTED_PEOPLE})"  # noqa: S608 (a constant)
"""The same as a table to be joined, which the planner knows to be without duplicates."""


def people_arrays(people: pl.DataFrame) -> dict[str, str]:
    """Give the client and person numbers of a frame, each pair once, for PEOPLE."""
    pairs = people if people.height == 1 else people[["client_id", "person_id"]].unique()
    return {"clients": array_of(pairs["client_id"]), "persons": array_of(pairs["person_id"])}


def array_of(numbers: pl.Series) -> str:
    """Write numbers as a PostgreSQL array: one text, however many there are.

    >>> array_of(pl.Series([3, 1]))
    '{3,1}'
    """
    if numbers.len() <= FEW:
        return "{" + ",".join([str(number) for number in numbers if number is not None]) + "}"
    return "{" + (numbers.cast(pl.String).str.join(",").item() or "") + "}"
