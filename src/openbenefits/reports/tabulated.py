"""Any report as an accessible PDF: its sheets as tables, its selections above them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import polars as pl

from openbenefits.reports.printing import press
from openbenefits.reports.rules import short_day_text

MOST_ROWS = 5_000
"""So many rows of a sheet are set: a longer list is for a spreadsheet."""
NARROW, WIDE = 4, 34  # characters a column counts for


def pdf_of(
    title: str,
    sheets: Mapping[str, pl.DataFrame],
    *,
    selections: Sequence[tuple[str, str]],
    made: str,
    paper: str = "us-letter",
    headings: Mapping[str, str] | None = None,
) -> bytes:
    """Set a report: a table for each sheet, with its selections, page numbers, and headings on every page.

    selections: what it was narrowed to, as name and value. made: when, and by what, in words.
    headings: what columns are called; others by their name.
    """
    told = [_sheet(name, frame, headings or {}) for name, frame in sheets.items()]
    report = pl.DataFrame(
        {
            "title": [title],
            "made": [made],
            "selections": [[list(one) for one in selections]],
            "sheets": [told],
        },
        schema={
            "title": pl.String,
            "made": pl.String,
            "selections": pl.List(pl.List(pl.String)),
            "sheets": pl.List(SHEET),
        },
    )
    with press("report.typ", paper=paper) as machine:
        return machine.files_of(report)[0]


SHEET = pl.Struct(
    {
        "name": pl.String,
        "headings": pl.List(pl.String),
        "rows": pl.List(pl.List(pl.String)),
        "widths": pl.List(pl.Int32),
        "right": pl.List(pl.Boolean),
        "more": pl.String,
    }
)


def _sheet(name: str, frame: pl.DataFrame, headings: Mapping[str, str]) -> dict[str, Any]:
    titles = [headings.get(column, words_of(column)) for column in frame.columns]
    shown = as_texts(frame.head(MOST_ROWS))
    widest = [
        max((len(title) + 1) // 2, *shown[column].str.len_chars())
        for title, column in zip(titles, frame.columns, strict=True)
    ]
    more = f"The first {MOST_ROWS:,} of {frame.height:,} rows; the workbook and the CSV file have them all."
    return {
        "name": name,
        "headings": titles,
        "rows": [list(row) for row in shown.rows()],
        "widths": [min(WIDE, max(NARROW, width)) for width in widest],
        "right": [dtype.is_numeric() for dtype in frame.dtypes],
        "more": more if frame.height > MOST_ROWS else "",
    }


def words_of(column: str) -> str:
    """Say the name of a column in words.

    >>> words_of("employee_number")
    'Employee number'
    """
    return column.replace("_", " ").capitalize()


def as_texts(frame: pl.DataFrame) -> pl.DataFrame:
    """Write every value as people read it; what is not known is blank."""
    texts = []
    for name, dtype in frame.schema.items():
        column = pl.col(name)
        if dtype == pl.Boolean:
            text = pl.when(column).then(pl.lit("yes")).otherwise(pl.lit("no"))
            text = pl.when(column.is_not_null()).then(text)
        elif dtype == pl.Date:
            text = short_day_text(column)
        elif dtype == pl.Datetime:
            text = column.dt.strftime("%b %-d, %Y %H:%M")
        else:
            text = column.cast(pl.String)
        texts.append(text.fill_null("").alias(name))
    return frame.select(texts)


def selections_told(selection: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Say what a report was narrowed to; what asks for everything is left out."""
    told = []
    for name, value in selection.items():
        if value in (None, "", (), False):
            continue
        if isinstance(value, (list, tuple)):
            value = ", ".join(str(one) for one in value)
        if isinstance(value, (date, datetime)):
            value = value.isoformat()
        told.append((words_of(name), "yes" if value is True else str(value)))
    return told
