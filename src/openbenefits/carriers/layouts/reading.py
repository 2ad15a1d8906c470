"""Reads a file by the layout it was written by: which line is which record, and what its columns say.

The answer to "is in the file what we meant to say"; partners' own reports are read by
`acknowledgements.reports`.
"""

import csv
import io
import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import polars as pl

from openbenefits.carriers.layouts.cells import CODED_SIGNS
from openbenefits.carriers.layouts.layout import (
    LINE_ENDS,
    Column,
    FileLayout,
    LayoutRefused,
    Record,
    places,
)

KINDS = {"day": pl.Date, "money": pl.Int64, "number": pl.Int64}


def read_back(layout: FileLayout, data: bytes) -> dict[str, pl.DataFrame]:
    """Answer the lines of each record, in the order of the file: its columns by their names, and `line`.

    Units: money is cents. Missing: a column that says nothing is null. Codes are ours again where they tell.
    Errors: LayoutRefused for a line that is no record of the layout, or a value that cannot be read.
    """
    found: dict[str, list[dict[str, Any]]] = {one.name: [] for one in layout.records}
    for number, cells in _lines(layout, data):
        record, texts = _recognised(layout, number, cells)
        told = {
            one.name: _read(layout, record, one, number, text)
            for one, text in zip(record.columns, texts, strict=True)
        }
        found[record.name].append(told | {"line": number})
    return {
        one.name: pl.DataFrame(
            found[one.name],
            schema={column.name: KINDS.get(column.kind, pl.String) for column in one.columns}
            | {"line": pl.Int64},
        )
        for one in layout.records
    }


def _lines(layout: FileLayout, data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Answer each line with its number: cells, or of fixed width the whole."""
    text = data.decode(layout.encoding)
    first = 1 if layout.headings else 0
    if layout.form == "fixed":
        rows = [[one] for one in text.split(LINE_ENDS[layout.line_end])]
    else:
        told = io.StringIO(text, newline="")
        marks: dict[str, Any] = {"delimiter": layout.delimiter, "quotechar": layout.quote}
        if layout.quoting == "none":
            marks |= {"quoting": csv.QUOTE_NONE}
        rows = list(csv.reader(told, **marks))
    for number, cells in enumerate(rows[first:], start=first + 1):
        if cells and cells != [""]:
            yield number, cells


def _recognised(layout: FileLayout, number: int, cells: list[str]) -> tuple[Record, list[str]]:
    """Find which record a line is: so many columns, and what is fixed in it."""
    for record in layout.records:
        texts = cells
        if layout.form == "fixed":
            spans = places(layout, record)
            texts = [cells[0][start : start + length] for _, start, length in spans]
            if len(cells[0]) != spans[-1][1] + spans[-1][2]:
                continue
        if len(texts) == len(record.columns) and all(
            _is_fixed_so(layout, one, text) for one, text in zip(record.columns, texts, strict=True)
        ):
            return record, texts
    raise LayoutRefused(f"{layout.name}: line {number}: expected a record of the layout, found none")


def _is_fixed_so(layout: FileLayout, column: Column, text: str) -> bool:
    case = column.case or layout.case
    wanted = {"upper": column.fixed.upper(), "lower": column.fixed.lower()}.get(case, column.fixed)
    return not column.fixed or text.strip() == wanted.strip()


def _read(layout: FileLayout, record: Record, column: Column, number: int, text: str) -> Any:
    bare = text.strip(f" {column.pad}") if column.kind in ("text", "digits") and column.pad else text.strip()
    if bare == column.empty or not bare:
        return None
    try:
        if column.kind == "day":
            return _day(bare, column)
        if column.kind in ("money", "number"):
            return _amount(bare, column)
    except ValueError:
        raise LayoutRefused(
            f"{layout.name}: line {number}, record {record.name}, column {column.name}: expected a value of"
            f" kind {column.kind}, found another"
        ) from None
    codes = layout.codes[column.codes] if isinstance(column.codes, str) else column.codes
    ours = [name for name, theirs in codes.items() if theirs == bare]
    return ours[0] if len(ours) == 1 else bare


def _day(text: str, column: Column) -> date:
    read = datetime.strptime(text, column.days).date()
    return date.fromordinal(read.toordinal() - column.shift_days)


def _amount(text: str, column: Column) -> int:
    is_negative = "-" in text or text.startswith("(")
    if column.sign == "overpunch":
        is_negative = text[-1] in CODED_SIGNS[1]
        text = text[:-1] + str(CODED_SIGNS[is_negative].index(text[-1]))
    digits = re.sub(r"[-+(). ]", "", text)
    return -int(digits) if is_negative else int(digits)
