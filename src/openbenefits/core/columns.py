"""Small operators on whole frames: looking rows up by position instead of joining."""

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any, Literal

import polars as pl

from openbenefits.core.plan_types import MOST_PLAN_TYPES, NUMBERED

FEW = 256
"""So many rows are looked up column by column, and numbers of so many rows in a table of this size or so.

A column indexed by unsigned numbers answers at once; `Series.gather` and most other methods plan a query
first, which costs one event more than the work itself.
"""

_NOTHING = pl.Series([None], dtype=pl.Int32)
_ZERO = pl.Series([0], dtype=pl.Int32)
_FALSE = pl.Series([False])


def take(source: pl.DataFrame, positions: pl.Series, *columns: str, prefix: str = "") -> list[pl.Series]:
    """Look up columns of `source` at row positions: a dense gather, no join.

    Missing: a null position gives null. Where every position is known, the columns are gathered together,
    four times as fast as one after the other; a column of nothing but nulls is not gathered at all.

    >>> rows = pl.DataFrame({"name": ["a", "b"]})
    >>> take(rows, pl.Series([1, None, 0]), "name")[0].to_list()
    ['b', None, 'a']
    """
    at = positions.cast(pl.UInt32)
    wanted = [source.get_column(column) for column in columns]
    if at.len() <= FEW:
        return [one[at].alias(f"{prefix}{one.name}") for one in wanted]
    told = [one.name for one in wanted if one.null_count() < one.len()]
    if len(told) > 1 and at.null_count() == 0:
        found = dict(zip(told, source.select(told)[at].get_columns(), strict=True))
    else:
        found = {name: source.get_column(name)[at] for name in told}
    for one in wanted:
        if one.name not in found:
            found[one.name] = pl.Series([None], dtype=one.dtype).new_from_index(0, at.len())
    return [found[one.name].alias(f"{prefix}{one.name}") for one in wanted]


def gathered(column: pl.Series, positions: pl.Series) -> pl.Series:
    """Look a column up at positions; a null position gives null.

    >>> gathered(pl.Series(["a", "b"]), pl.Series([1, None])).to_list()
    ['b', None]
    """
    return column[positions.cast(pl.UInt32)]


def true_at(holds: pl.Series) -> pl.Series:
    """Name the positions at which something holds; where that is unknown, it does not.

    >>> true_at(pl.Series([True, None, False, True])).to_list()
    [0, 3]
    """
    return pl.int_range(holds.len(), dtype=pl.UInt32, eager=True).filter(holds)


def where(frame: pl.DataFrame, holds: pl.Series | str) -> pl.DataFrame:
    """Keep the rows of which something, or what a column says, holds; where that is unknown, it does not.

    >>> rows = pl.DataFrame({"a": [1, None, 3]})
    >>> where(rows, rows["a"] > 1)["a"].to_list()
    [3]
    """
    told = frame[holds] if isinstance(holds, str) else holds
    return frame[true_at(told)] if frame.height <= FEW else frame.filter(told)


def marked(positions: pl.Series, size: int) -> pl.Series:
    """Tell of each position below `size` whether it is among some.

    >>> marked(pl.Series([2, 0, 2]), 4).to_list()
    [True, False, True, False]
    """
    return _FALSE.new_from_index(0, size).scatter(positions.cast(pl.UInt32), values=True)


def filled(column: pl.Series, value: Any) -> pl.Series:
    """Put a value where a column is null, if it is anywhere."""
    return column.fill_null(value) if column.null_count() else column


def cut(frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """Leave out columns, those that there are."""
    return frame[[name for name in frame.columns if name not in columns]]


def with_taken(
    frame: pl.DataFrame, source: pl.DataFrame, position: str, *columns: str, prefix: str = ""
) -> pl.DataFrame:
    """Add columns of `source`, looked up at the positions in column `position` of `frame`."""
    found = take(source, frame[position], *columns, prefix=prefix)
    is_new = frame.schema.keys().isdisjoint(one.name for one in found)
    return frame.hstack(found) if is_new else frame.with_columns(found)


def in_types(frame: pl.DataFrame, schema: Mapping[str, Any]) -> pl.DataFrame:
    """Pick the columns of a schema, in its order and types; what has its type already is left as it is.

    >>> in_types(pl.DataFrame({"a": [1], "b": ["x"]}), {"b": pl.String, "a": pl.Int32}).schema
    Schema([('b', String), ('a', Int32)])
    """
    picked = frame[list(schema)]
    found = picked.schema
    others: dict[Any, Any] = {name: kind for name, kind in schema.items() if found[name] != kind}
    return picked.cast(others) if others else picked


def is_among(column: str, words: Iterable[str]) -> pl.Expr:
    """Tell whether a column holds one of a few words: for these a third of the work of `is_in`.

    Missing: null is neither among them nor not.

    >>> pl.DataFrame({"a": ["x", "y", None]}).select(is_among("a", ["x", "z"])).to_series().to_list()
    [True, False, None]
    """
    return pl.any_horizontal(pl.col(column) == str(word) for word in words)


def numbered(frame: pl.DataFrame, into: str) -> tuple[pl.DataFrame, pl.Series]:
    """Number the distinct rows of a frame: one row per number, and the number of each row of the frame.

    Missing: null equals null.

    >>> distinct, numbers = numbered(pl.DataFrame({"a": [7, None, 7]}), "number")
    >>> distinct.height, numbers[0] == numbers[2] != numbers[1]
    (2, True)
    """
    if frame.height == 1:
        number = _ZERO.alias(into)
        return number.to_frame().hstack(frame), number
    groups = frame.with_row_index("at").group_by(frame.columns).agg("at").with_row_index(into)
    groups = groups.with_columns(pl.col(into).cast(pl.Int32))
    rows = groups.select(into, "at").explode("at")
    numbers = pl.zeros(frame.height, dtype=pl.Int32, eager=True).scatter(rows["at"], rows[into])
    return groups.drop("at"), numbers.alias(into)


def packed(keys: pl.DataFrame) -> pl.Series:
    """Put several columns of whole numbers into one: equal where all of them are, in the same order.

    Shapes: columns of whole numbers without nulls. Where they span too much to be packed they are numbered,
            in no order.

    >>> packed(pl.DataFrame({"a": [7, 7, 9], "b": [-1, 0, -1]})).to_list()
    [0, 1, 4]
    >>> packed(pl.DataFrame({"a": [0, 0, 2**40], "b": [2**40, 2**40, 0]})).n_unique()
    2
    """
    if keys.is_empty():
        return pl.Series("packed", [], pl.Int64)
    spans = [(name, int(keys[name].min()), int(keys[name].max())) for name in keys.columns]  # type: ignore[arg-type]
    if prod(most - least + 1 for _, least, most in spans) > MOST_PACKED:
        return numbered(keys, "packed")[1].cast(pl.Int64)
    told = pl.lit(0, pl.Int64)
    for name, least, most in spans:
        told = told * (most - least + 1) + (pl.col(name).cast(pl.Int64) - least)
    return keys.select(told.alias("packed")).to_series()


MOST_PACKED = 2**62
SPARSE = 4
"""Of so many possible numbers for each row that has one, the rows are found by hashing."""


def distinct(numbers: pl.Series, size: int) -> tuple[pl.Series, pl.Series]:
    """Count the distinct of whole numbers: a row of each, in ascending order, and which of them each row has.

    Shapes:  numbers from 0 to below `size`: few beside the rows, or a table of all of them is too large and
             they are hashed.
    Missing: a null is none of them.

    >>> rows, which = distinct(pl.Series([70, 20, None, 70]), 100)
    >>> sorted(rows), which.to_list()
    ([1, 3], [1, 0, None, 1])
    """
    at = pl.int_range(1, numbers.len() + 1, dtype=pl.Int32, eager=True)
    known, places = numbers, at
    if numbers.null_count():
        known, places = numbers.drop_nulls(), at.filter(numbers.is_not_null())
    if size > SPARSE * FEW + SPARSE * numbers.len():
        first = pl.DataFrame([known.alias("number"), places.alias("at")]).unique("number", keep="any")
        first = first.sort("number")
        which = located(numbers, first["number"], size)
        return first["at"] - 1, which
    table = _ZERO.new_from_index(0, size).scatter(known, places)
    rows = table.filter(table > 0) - 1
    places = pl.int_range(rows.len(), dtype=pl.Int32, eager=True)
    table = table.scatter(numbers[rows.cast(pl.UInt32)], places)
    return rows, table[numbers.cast(pl.UInt32)]


def located(wanted: pl.Series, known: pl.Series, size: int) -> pl.Series:
    """Say at which position of `known` each number wanted is; null where it is not there.

    Shapes:  whole numbers from 0 to below `size`, each known at most once.
    Missing: a null is nowhere.

    >>> located(pl.Series([7, 2, None, 7]), pl.Series([5, 7]), 10).to_list()
    [1, None, None, 1]
    """
    at = pl.int_range(known.len(), dtype=pl.Int32, eager=True)
    if known.null_count():
        known, at = known.drop_nulls(), at.filter(known.is_not_null())
    if size > SPARSE * FEW + SPARSE * (wanted.len() + known.len()):
        names = pl.DataFrame([known.alias("number"), at.alias("at")])
        asked = wanted.alias("number").cast(known.dtype).to_frame()
        return asked.join(names, on="number", how="left", maintain_order="left")["at"]
    return _NOTHING.new_from_index(0, size).scatter(known, at)[wanted.cast(pl.UInt32)]


def case_and_plan_type(wanted: pl.DataFrame, known: pl.DataFrame) -> tuple[pl.Series, pl.Series, int]:
    """Pack case and plan type of two frames into whole numbers, as `located` takes them.

    Shapes:  both have case and plan_type, `known` each pair at most once; plan_type_number, where a frame
             has it, need not be found again.

    >>> rows = pl.DataFrame({"case": [0, 0, 7], "plan_type": ["10", "2Y", "10"]})
    >>> located(*case_and_plan_type(rows, rows[1:])).to_list()
    [None, 0, 1]
    """
    both = pl.concat([plan_type_numbers(frame) for frame in (wanted, known)])
    some, number = distinct(both, MOST_PLAN_TYPES)
    cases = pl.concat([frame["case"] for frame in (wanted, known)]).cast(pl.Int64)
    packed = cases * some.len() + number
    size = (int(cases.max() or 0) + 1) * max(some.len(), 1)  # type: ignore[arg-type]
    return packed[: wanted.height], packed[wanted.height :], size


def plan_type_numbers(frame: pl.DataFrame) -> pl.Series:
    """The number of each row's plan type among all there can be (`plan_types.NUMBERED`)."""
    if "plan_type_number" in frame.columns:
        return frame["plan_type_number"].cast(pl.Int32)
    return frame["plan_type"].cast(NUMBERED).to_physical().cast(pl.Int32).alias("plan_type_number")


def last_of_each(frame: pl.DataFrame, key: Sequence[str], *order: str) -> pl.DataFrame:
    """Keep of each key the last row in some order, in order of the key; a single row is left as it is.

    >>> last_of_each(pl.DataFrame({"of": [2, 1, 1], "day": [5, 9, 3]}), ["of"], "day").rows()
    [(1, 9), (2, 5)]
    """
    if frame.height < 2:
        return frame
    return frame.sort(*key, *order).unique(key, keep="last", maintain_order=True)


FEW_JOINED = 64
"""So many rows are joined by a dictionary: planning a query costs several times that."""


def joined(
    frame: pl.DataFrame,
    other: pl.DataFrame,
    on: str | Sequence[str],
    how: Literal["inner", "left", "semi", "anti"] = "inner",
    *,
    nulls_equal: bool = False,
    suffix: str = "_right",
    maintain_order: Literal["left"] | None = None,
) -> pl.DataFrame:
    """Join as `DataFrame.join` does: inner, left, semi or anti; of few rows without the query engine.

    >>> left = pl.DataFrame({"of": [1, 2, None], "a": [5, 6, 7]})
    >>> joined(left, pl.DataFrame({"of": [2, 2, 3], "b": [8, 9, 0]}), "of", how="left").rows()
    [(1, 5, None), (2, 6, 8), (2, 6, 9), (None, 7, None)]
    """
    key = [on] if isinstance(on, str) else list(on)
    if max(frame.height, other.height) > FEW_JOINED:
        return frame.join(
            other, on=key, how=how, nulls_equal=nulls_equal, suffix=suffix, maintain_order=maintain_order
        )
    known: dict[tuple[Any, ...], list[int | None]] = {}
    for place, values in enumerate(_rows_of(other, key)):
        if nulls_equal or None not in values:
            known.setdefault(values, []).append(place)
    wanted = _rows_of(frame, key)
    if how in ("semi", "anti"):
        return _rows_at(
            frame, [at for at, values in enumerate(wanted) if (values in known) == (how == "semi")]
        )
    nowhere: list[int | None] = [None] if how == "left" else []
    pairs = [(at, place) for at, values in enumerate(wanted) for place in known.get(values, nowhere)]
    told = {name: name + suffix * (name in frame.columns) for name in other.columns if name not in key}
    found = take(other, pl.Series([place for _, place in pairs], dtype=pl.UInt32), *told)
    return _rows_at(frame, [at for at, _ in pairs]).hstack(
        [one.alias(name) for one, name in zip(found, told.values(), strict=True)]
    )


def _rows_of(frame: pl.DataFrame, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    return list(zip(*(frame.get_column(name).to_list() for name in columns), strict=True))


def _rows_at(frame: pl.DataFrame, positions: list[int]) -> pl.DataFrame:
    """Pick rows; all of them, in their order, are the frame itself."""
    if positions == list(range(frame.height)):
        return frame
    return frame[pl.Series(positions, dtype=pl.UInt32)]


def without(frame: pl.DataFrame, others: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Leave out the rows whose key `others` has, too; where one of both is empty, nothing is joined.

    >>> without(pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": [2]}), ["a"])["a"].to_list()
    [1]
    """
    if frame.is_empty() or others.is_empty():
        return frame
    return joined(frame, others, key, how="anti", maintain_order="left")


def spread(frame: pl.DataFrame, starts: str, counts: str, into: str) -> pl.DataFrame:
    """Repeat each row `counts` times, numbering the repeats `starts`, `starts` + 1, … in `into`.

    Rows with count 0 or null vanish; order is kept.
    """
    if frame.height <= FEW_JOINED:
        places = list(enumerate(zip(frame[starts].to_list(), frame[counts].to_list(), strict=True)))
        at = [row for row, (_, count) in places for _ in range(count or 0)]
        numbers = [number for _, (start, count) in places if count for number in range(start, start + count)]
        return _rows_at(frame, at).hstack([pl.Series(into, numbers, pl.Int32)])
    wanted = frame[true_at(frame[counts] > 0)]
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
