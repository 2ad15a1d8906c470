"""Small operators on whole frames: looking rows up by position instead of joining."""

from collections.abc import Mapping, Sequence

import polars as pl

FEW = 256
"""So many rows are looked up column by column without planning a query."""


def take(source: pl.DataFrame, positions: pl.Series, *columns: str, prefix: str = "") -> list[pl.Series]:
    """Look up columns of `source` at row positions: a dense gather, no join.

    Missing: a null position gives null. Where every position is known, the columns are gathered together,
    four times as fast as one after the other.

    >>> rows = pl.DataFrame({"name": ["a", "b"]})
    >>> take(rows, pl.Series([1, None, 0]), "name")[0].to_list()
    ['b', None, 'a']
    """
    if source.is_empty() and positions.null_count() == positions.len():
        nothing = pl.repeat(None, positions.len(), eager=True)
        return [nothing.cast(source.schema[column]).alias(f"{prefix}{column}") for column in columns]
    if positions.null_count() == 0 and positions.len() <= FEW:
        at = positions.cast(pl.UInt32)
        return [source[column][at].alias(f"{prefix}{column}") for column in columns]
    if len(columns) > 1 and positions.null_count() == 0:
        found = source.select(columns)[positions.cast(pl.UInt32)].get_columns()
        return [one.alias(f"{prefix}{one.name}") for one in found] if prefix else found
    return [source[column].gather(positions).alias(f"{prefix}{column}") for column in columns]


def with_taken(
    frame: pl.DataFrame, source: pl.DataFrame, position: str, *columns: str, prefix: str = ""
) -> pl.DataFrame:
    """Add columns of `source`, looked up at the positions in column `position` of `frame`."""
    found = take(source, frame[position], *columns, prefix=prefix)
    is_new = frame.schema.keys().isdisjoint(one.name for one in found)
    return frame.hstack(found) if is_new else frame.with_columns(found)


def numbered(frame: pl.DataFrame, into: str) -> tuple[pl.DataFrame, pl.Series]:
    """Number the distinct rows of a frame: one row per number, and the number of each row of the frame.

    Missing: null equals null.

    >>> distinct, numbers = numbered(pl.DataFrame({"a": [7, None, 7]}), "number")
    >>> distinct.height, numbers[0] == numbers[2] != numbers[1]
    (2, True)
    """
    if frame.height == 1:
        return frame.with_row_index(into).cast({into: pl.Int32}), pl.Series(into, [0], pl.Int32)
    groups = frame.with_row_index("at").group_by(frame.columns).agg("at").with_row_index(into)
    groups = groups.with_columns(pl.col(into).cast(pl.Int32))
    rows = groups.select(into, "at").explode("at")
    numbers = pl.zeros(frame.height, dtype=pl.Int32, eager=True).scatter(rows["at"], rows[into])
    return groups.drop("at"), numbers.alias(into)


def without(frame: pl.DataFrame, others: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Leave out the rows whose key `others` has, too; where one of both is empty, nothing is joined.

    >>> without(pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": [2]}), ["a"])["a"].to_list()
    [1]
    """
    if frame.is_empty() or others.is_empty():
        return frame
    return frame.join(others, on=list(key), how="anti", maintain_order="left")


def spread(frame: pl.DataFrame, starts: str, counts: str, into: str) -> pl.DataFrame:
    """Repeat each row `counts` times, numbering the repeats `starts`, `starts` + 1, … in `into`.

    Rows with count 0 or null vanish; order is kept.
    """
    wanted = frame.filter(pl.col(counts) > 0)
    until = (pl.col(starts) + pl.col(counts)).cast(pl.Int64)
    return wanted.with_columns(
        pl.int_ranges(pl.col(starts).cast(pl.Int64), until, dtype=pl.Int32).alias(into)
    ).explode(into)


def with_neighbours(
    rows: pl.DataFrame,
    key: Sequence[str],
    *,
    above: Mapping[str, str] | None = None,
    below: Mapping[str, str] | None = None,
) -> pl.DataFrame:
    """Add columns of the row above, or below, where that is of the same key; else null.

    Shapes: rows in order of `key`, then of what decides who is above whom; `above` and `below` give the new
            column's name and the one it is taken from. The same as a window of shift over the key, which
            takes some forty times as long.

    >>> rows = pl.DataFrame({"of": [1, 1, 2], "day": [3, 5, 4]})
    >>> with_neighbours(rows, ["of"], above={"before": "day"}, below={"after": "day"}).rows()
    [(1, 3, None, 5), (1, 5, 3, None), (2, 4, None, None)]
    """
    follows = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in key)
    marked = rows.with_columns(follows.alias(_FOLLOWS))
    goes_on = pl.col(_FOLLOWS).shift(-1)
    found = [
        *(pl.when(_FOLLOWS).then(pl.col(name).shift(1)).alias(new) for new, name in (above or {}).items()),
        *(pl.when(goes_on).then(pl.col(name).shift(-1)).alias(new) for new, name in (below or {}).items()),
    ]
    return marked.with_columns(found).drop(_FOLLOWS)


_FOLLOWS = "__follows"
