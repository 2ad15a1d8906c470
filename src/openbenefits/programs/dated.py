"""Dated rows of set-up: from when until when each holds."""

import polars as pl

FAR_FUTURE = pl.date(9999, 12, 31)


class SetupTooComplex(Exception):
    """A client uses more eligibility rules, geographies or value groups than one word of bits holds."""


def effective(rows: pl.DataFrame, key: str) -> pl.DataFrame:
    """Add `valid_to` to rows that may switch their record off, and leave out those that do."""
    return dated(rows, key).filter("is_active").drop("is_active")


def dated(rows: pl.DataFrame, key: str, *more: str) -> pl.DataFrame:
    """Add `valid_to` (exclusive): the day the next row of the same key begins."""
    return rows.sort(key, *more, "valid_from").with_columns(
        valid_to=pl.col("valid_from").shift(-1).over(key, *more).fill_null(FAR_FUTURE)
    )
