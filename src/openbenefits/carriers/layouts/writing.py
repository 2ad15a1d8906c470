"""Writes a file by its layout: rows become records, records become lines, all by columns.

A record of a file, group, family or member is the first of its rows, with what is summed and counted over
them. Lines stand where their rows do: what opens before them, what closes after them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from openbenefits.carriers.layouts.cells import written
from openbenefits.carriers.layouts.contents import CONTENTS, shaped
from openbenefits.carriers.layouts.layout import (
    LINE_ENDS,
    Column,
    Condition,
    FileLayout,
    LayoutRefused,
    Record,
    check,
    places,
)
from openbenefits.core import money

FAULTS = {"record": pl.String, "column": pl.String, "who": pl.String, "words": pl.String}
"""What cannot be written: in which record and column, of whom (by our ids), in words without values."""

SHOWN_FAULTS = 5


class FileRefused(ValueError):
    """A file that cannot be written as its layout wants it. faults: as FAULTS."""

    def __init__(self, layout: FileLayout, faults: pl.DataFrame) -> None:
        """Say the first faults, and how many there are."""
        self.faults = faults
        said = [
            f"record {one['record']}, column {one['column']}, {one['who'] or 'the file'}: {one['words']}"
            for one in faults.head(SHOWN_FAULTS).to_dicts()
        ]
        more = faults.height - len(said)
        tail = f"; and {more} more" if more > 0 else ""
        super().__init__(f"{layout.name}: {'; '.join(said)}{tail}; correct the data or the layout")


@dataclass(frozen=True)
class _Work:
    """What is written: the layout, its rows (`at` is their place), values told with them, and what failed."""

    layout: FileLayout
    rows: pl.DataFrame
    values: Mapping[str, Any]
    faults: list[pl.DataFrame]

    def keys(self, each: str) -> tuple[str, ...]:
        """Answer what tells the records of a level apart; none: one for the file."""
        content = CONTENTS[self.layout.content]
        group = self.layout.group
        levels = {"file": (), "group": group, "family": (*group, *content.family), "row": ("at",)}
        return levels.get(each, (*group, *content.member))


def write(layout: FileLayout, rows: pl.DataFrame, values: Mapping[str, Any] | None = None) -> bytes:
    """Answer the bytes of a file.

    Shapes: rows as `contents.CONTENTS` of the layout's content; further columns can be named, too. values:
            what is told of the file as a whole (text, numbers, days).
    Errors: LayoutRefused where the layout names what there is not; FileRefused for what is too long, lacks a
            code or a value, all of it at once.
    """
    check(layout)
    work = _Work(layout, _ordered(layout, rows, values or {}), values or {}, [])
    records = [_records(work, one) for one in layout.records]
    total = sum(one.height for one in records)
    lines = [
        _lines(work, one, frame, total, at)
        for at, (one, frame) in enumerate(zip(layout.records, records, strict=True))
    ]
    if work.faults:
        raise FileRefused(layout, pl.concat(work.faults))
    return _bytes(layout, pl.concat(lines).sort("at", "phase", "turn", maintain_order=True)["text"])


def _ordered(layout: FileLayout, rows: pl.DataFrame, values: Mapping[str, Any]) -> pl.DataFrame:
    """Answer the rows a file is about, families together, in order, numbered from 0 as `at`."""
    content = CONTENTS[layout.content]
    found = shaped(rows, layout.content).with_row_index("at").cast({"at": pl.Int64})
    named = (*layout.group, *layout.order, *((layout.beside,) if _has_beside(layout) else ()))
    for name in named:
        if name not in found.columns:
            raise LayoutRefused(f"{layout.name}: expected a value named {name} in the rows, found none")
    found = found.filter(_holds(layout, found, values, layout.when))
    order = list(dict.fromkeys((*layout.group, *layout.order, *content.family)))
    first = [pl.col("subscriber") != pl.col("member")] if layout.content == "enrollment" else []
    found = found.sort(*order, *first, *content.member, "at", nulls_last=True)
    return found.with_columns(at=pl.int_range(pl.len(), dtype=pl.Int64))


def chosen(layout: FileLayout, rows: pl.DataFrame, values: Mapping[str, Any]) -> pl.DataFrame:
    """Answer the rows a layout says anything of, in the shape of its content. Errors: LayoutRefused."""
    found = shaped(rows, layout.content).with_row_index("at")
    return found.filter(_holds(layout, found, values, layout.when)).drop("at")


def _has_beside(layout: FileLayout) -> bool:
    return any(column.beside for record in layout.records for column in record.columns)


def _records(work: _Work, record: Record) -> pl.DataFrame:
    """Answer a row for each line of a record: place, who, `used_n` and `value_n` of each column.

    A record of the file is there even without rows.
    """
    kept = work.rows.filter(_holds(work.layout, work.rows, work.values, record.when))
    place = pl.col("at").first() if record.place == "before" else pl.col("at").last()
    told = [place.alias("place"), _who(work).first().alias("who")]
    for number, column in enumerate(record.columns):
        used = _holds(work.layout, work.rows, work.values, column.when)
        told.append(used.first().alias(f"used_{number}"))
        told.append(_value(work, record, column).alias(f"value_{number}"))
    if record.each == "file":
        return kept.select(told)
    keys = work.keys(record.each)
    if not keys:
        raise LayoutRefused(f"{work.layout.name}: expected values that make a group, found none; name them")
    return kept.group_by(keys, maintain_order=True).agg(told)


def _who(work: _Work) -> pl.Expr:
    names = CONTENTS[work.layout.content].who
    return pl.concat_str([pl.col(name).cast(pl.String) for name in names], separator="-")


def _value(work: _Work, record: Record, column: Column) -> pl.Expr:
    """Answer the value of a column, over the rows of one record."""
    where = f"{work.layout.name}: record {record.name}, column {column.name}"
    if column.fixed:
        return pl.lit(column.fixed).first()
    if column.joined:
        parts = [_named(work, where, name).cast(pl.String) for name in column.joined]
        return pl.concat_str(parts, separator=column.between, ignore_nulls=True).first()
    if column.sum or column.count:
        return _over(work, column, where)
    if not column.value:
        return pl.lit(None, pl.String).first()
    value = _named(work, where, column.value)
    if column.beside:
        value = value.filter(pl.col(work.layout.beside).cast(pl.String) == column.beside)
    return value.first()


def _over(work: _Work, column: Column, where: str) -> pl.Expr:
    """Sum, or count, over the rows of a record, or those of another record among them."""
    of = work.layout.record(column.of).when if column.of else ()
    holds = _holds(work.layout, work.rows, work.values, of)
    if column.sum:
        return money.total(_named(work, where, column.sum).filter(holds))
    if column.count == "rows":
        return holds.sum().cast(pl.Int64)
    if column.count == "records":
        return pl.lit(0, pl.Int64).first()  # known once every record is made
    keys = work.keys({"members": "member", "families": "family"}[column.count])
    return pl.struct(keys).filter(holds).n_unique().cast(pl.Int64)


def _named(work: _Work, where: str, name: str) -> pl.Expr:
    if name in work.rows.columns:
        return pl.col(name)
    if name not in work.values:
        raise LayoutRefused(f"{where}: expected a value named {name}, found none; tell it with the file")
    return pl.lit(work.values[name])


def _holds(
    layout: FileLayout, rows: pl.DataFrame, values: Mapping[str, Any], conditions: tuple[Condition, ...]
) -> pl.Expr:
    """Whether a row meets all conditions."""
    found = pl.col("at").is_not_null()
    for one in conditions:
        if one.value not in rows.columns:
            raise LayoutRefused(
                f"{layout.name}: expected a condition on a value of the rows, found {one.value};"
                f" choose of {', '.join(CONTENTS[layout.content].columns)}"
            )
        found &= _meets(layout, one, values)
    return found


def _meets(layout: FileLayout, one: Condition, values: Mapping[str, Any]) -> pl.Expr:
    value = pl.col(one.value)
    tests = []
    if one.is_in:
        tests.append(value.cast(pl.String).is_in(one.is_in).fill_null(value=False))
    if one.not_in:
        tests.append(~value.cast(pl.String).is_in(one.not_in).fill_null(value=False))
    if one.empty is not None:
        tests.append(value.is_null() if one.empty else value.is_not_null())
    if one.above is not None:
        tests.append((value > one.above).fill_null(value=False))
    if one.below is not None:
        tests.append((value < one.below).fill_null(value=False))
    for name, is_since in ((one.since, True), (one.before, False)):
        if name:
            if name not in values:
                raise LayoutRefused(f"{layout.name}: expected a day named {name}, found none; tell it")
            day = pl.lit(values[name])
            tests.append(((value >= day) if is_since else (value < day)).fill_null(value=False))
    return pl.all_horizontal(tests) if tests else pl.lit(value=True)


def _lines(work: _Work, record: Record, found: pl.DataFrame, total: int, turn: int) -> pl.DataFrame:
    """Write the lines of a record, with where they stand: at, phase, turn, text."""
    layout = work.layout
    cells = []
    for number, column in enumerate(record.columns):
        values = found[f"value_{number}"]
        if column.count == "records":
            values = _counted(work, column, found.height, total)
        if column.number:
            values = pl.Series(range(1, found.height + 1), dtype=pl.Int64)
        used = found[f"used_{number}"].fill_null(value=True)
        cell = written(layout, column, values, used)
        _note(work, record, column, cell.with_columns(found["who"]))
        cells.append(_cell(layout, cell["text"]).alias(f"cell_{number}"))
    is_after = record.place == "after"
    place = found["place"].fill_null(0 if not is_after else -1)
    if record.each == "file" and is_after:
        place = pl.Series([work.rows.height], dtype=pl.Int64)
    if record.each == "file" and not is_after:
        place = pl.Series([-1], dtype=pl.Int64)
    texts = _joined(layout, record, pl.DataFrame(cells))
    return pl.DataFrame(
        {"at": place, "phase": [int(is_after)] * found.height, "turn": [turn] * found.height, "text": texts}
    )


def _counted(work: _Work, column: Column, height: int, total: int) -> pl.Series:
    count = total if not column.of else _records(work, work.layout.record(column.of)).height
    return pl.Series([count] * height, dtype=pl.Int64)


def _note(work: _Work, record: Record, column: Column, cell: pl.DataFrame) -> None:
    wrong = cell.filter(pl.col("fault").is_not_null())
    if wrong.height:
        work.faults.append(
            wrong.select(record=pl.lit(record.name), column=pl.lit(column.name), who="who", words="fault")
        )


def _cell(layout: FileLayout, text: pl.Series) -> pl.Series:
    """Put a text into quotes where the layout wants them; quotes inside are doubled."""
    if layout.form == "fixed":
        return text
    mark, parts = layout.quote, [layout.delimiter, layout.quote]
    if layout.quoting == "none":
        return text.str.replace_many(parts, [" ", " "]).str.strip_chars()
    quoted = pl.concat_str(
        pl.lit(mark), pl.col("text").str.replace_all(mark, mark * 2, literal=True), pl.lit(mark)
    )
    needs = pl.col("text").str.contains_any(parts) | (pl.lit(layout.quoting == "all"))
    frame = pl.DataFrame({"text": text})
    return frame.select(pl.when(needs).then(quoted).otherwise("text")).to_series()


def _joined(layout: FileLayout, record: Record, cells: pl.DataFrame) -> pl.Series:
    if layout.form == "delimited":
        return cells.select(text=pl.concat_str(pl.all(), separator=layout.delimiter))["text"]
    parts, at = [], 0
    for number, (_, start, length) in enumerate(places(layout, record)):
        parts += [pl.lit(" " * (start - at))] if start > at else []
        parts.append(pl.col(f"cell_{number}"))
        at = start + length
    return cells.select(text=pl.concat_str(parts))["text"]


def _bytes(layout: FileLayout, lines: pl.Series) -> bytes:
    end = LINE_ENDS[layout.line_end]
    told = lines.to_list()
    if layout.headings:
        names = pl.Series([one.name for one in layout.records[-1].columns])
        told.insert(0, layout.delimiter.join(_cell(layout, names)))
    text = end.join(told) + (end if told and layout.ends_last_line else "")
    return text.encode(layout.encoding, errors="replace")
