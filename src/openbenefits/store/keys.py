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
    clients, persons = people["client_id"], people["person_id"]
    if people.height > 1 and clients.n_unique() == 1:  # as in every run: only persons differ
        persons = persons.unique()
        clients = clients.head(persons.len())
    elif people.height > 1:
        clients, persons = people[["client_id", "person_id"]].unique().get_columns()
    return {"clients": array_of(clients), "persons": array_of(persons)}


def array_of(numbers: pl.Series) -> str:
    """Write numbers as a PostgreSQL array: one text, however many there are.

    >>> array_of(pl.Series([3, 1]))
    '{3,1}'
    """
    if numbers.len() <= FEW:
        return "{" + ",".join([str(number) for number in numbers if number is not None]) + "}"
    return "{" + (numbers.cast(pl.String).str.join(",").item() or "") + "}"
