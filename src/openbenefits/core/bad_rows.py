"""Rows of a file that cannot be taken: where, what was expected, the shape of what was found, the cure."""

from collections.abc import Mapping, Sequence

import polars as pl

from openbenefits.core.cells import Kind, shape

BAD_ROW = pl.Schema(
    {
        "row": pl.Int32(),
        "column": pl.String(),
        "expected": pl.String(),
        "found": pl.String(),
        "cure": pl.String(),
    }
)


def faults(
    rows: pl.DataFrame,
    is_bad: pl.Expr | pl.Series,
    column: str,
    expected: str | pl.Expr,
    cure: str | pl.Expr,
    found: pl.Expr | None = None,
) -> pl.DataFrame:
    """List one fault as BAD_ROW; where `found` is not said, it is the shape of the cell, never its text."""
    texts = {
        "column": pl.lit(column),
        "expected": pl.lit(expected) if isinstance(expected, str) else expected,
        "found": shape(pl.col(column)) if found is None else found,
        "cure": pl.lit(cure) if isinstance(cure, str) else cure,
    }
    bad = is_bad.fill_null(value=False)
    return rows.filter(bad).select("row", **texts).cast(BAD_ROW)


def unreadable(cells: pl.DataFrame, values: pl.DataFrame, kinds: Mapping[str, Kind]) -> pl.DataFrame:
    """List the cells that are filled and could not be read."""
    listed = [
        faults(cells, cells[name].is_not_null() & values[name].is_null(), name, kind.expected, kind.cure)
        for name, kind in kinds.items()
    ]
    return pl.concat(listed)


def missing(cells: pl.DataFrame, columns: Sequence[str], kinds: Mapping[str, Kind]) -> pl.DataFrame:
    """List the blank cells of columns that must be filled."""
    blank, cure = pl.lit("blank"), "fill in the cell"
    listed = [
        faults(cells, pl.col(name).is_null(), name, kinds[name].expected, cure, blank) for name in columns
    ]
    return pl.concat(listed)


def repeated(rows: pl.DataFrame, key: Sequence[str], column: str, expected: str) -> pl.DataFrame:
    """Name all rows that say something about the same, as nobody can know which is meant."""
    whole = rows.filter(pl.all_horizontal(pl.col(name).is_not_null() for name in key))
    first, last = pl.col("row").min().over(key), pl.col("row").max().over(key)
    paired = whole.with_columns(other=pl.when(pl.col("row") == first).then(last).otherwise(first))
    return faults(
        paired,
        pl.col("other") != pl.col("row"),
        column,
        expected,
        pl.format("remove this row, or row {}", "other"),
        pl.format("also in row {}", "other"),
    )
