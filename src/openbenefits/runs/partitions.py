"""Partitions: bins of participants, fixed when a run starts, equally large."""

import polars as pl

PARTITION_PEOPLE = 15_000
LEAST_PEOPLE = 2_000
"""Below this a partition's fixed cost (some tenths of a second) outweighs what a second worker gains."""


def partition_size(people: int, workers: int) -> int:
    """Answer how many people a partition should hold, so that all workers have as many, where that pays."""
    each = max(-(-people // (workers * PARTITION_PEOPLE)), 1)
    return max(-(-people // (workers * each)), LEAST_PEOPLE)


def with_partition(people: pl.DataFrame, size: int = PARTITION_PEOPLE) -> pl.DataFrame:
    """Add `partition`, numbered from 0: as few as hold at most `size` persons, equally large.

    Shapes: people has client_id, person_id, benefit_record; a person's benefit records stay together.
    """
    if people.height <= size:
        return people.with_columns(partition=pl.lit(0, pl.Int32))
    persons = people.select("client_id", "person_id").unique().sort("client_id", "person_id")
    count = -(-persons.height // size)
    numbered = persons.with_row_index("place").with_columns(
        partition=(pl.col("place").cast(pl.Int64) * count // max(persons.height, 1)).cast(pl.Int32)
    )
    return people.join(numbered.drop("place"), on=["client_id", "person_id"], maintain_order="left")
