"""Partitions: bins of participants, fixed when a run starts, whole clients where they fit."""

import polars as pl

PARTITION_PEOPLE = 15_000


def with_partition(people: pl.DataFrame, size: int = PARTITION_PEOPLE) -> pl.DataFrame:
    """Add `partition`, numbered from 0: clients packed together, large ones cut into pieces.

    Shapes: people has client_id, person_id, benefit_record; a person's benefit records stay together.
    """
    persons = people.select("client_id", "person_id").unique().sort("client_id", "person_id")
    numbered = persons.with_row_index("place").with_columns(
        partition=(pl.col("place") // size).cast(pl.Int32)
    )
    return people.join(numbered.drop("place"), on=["client_id", "person_id"], maintain_order="left")
