"""Files that people make, as cells of text: CSV files and the sheets of workbooks.

A *grid* has `row`, the number a spreadsheet shows, and columns c0, c1, … of text. Which of its rows holds the
headings, and what they are called, is for the capability that reads the file to say.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import fastexcel
import polars as pl

BOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb")
BLANKS = " \t\r\n\u00a0"


class FileRefused(ValueError):
    """The file as a whole cannot be taken; the message says what was expected and what to change."""


@dataclass(frozen=True, kw_only=True)
class Headings:
    """Which heading is which column; `unknown` ones are left out, `missing` ones were needed."""

    found: Mapping[str, str]  # heading → column
    unknown: Sequence[str]
    missing: Sequence[str]
    twice: Sequence[str]


def read_data(file: Path) -> bytes:
    """Read a file whole.

    Errors: FileRefused.
    """
    try:
        return file.read_bytes()
    except OSError as problem:
        raise FileRefused(f"{file.name}: the file cannot be read ({problem.strerror})") from None


def fingerprint_of(data: bytes) -> str:
    """Answer what is the same for the same file only."""
    return hashlib.sha256(data).hexdigest()


def is_workbook(file: Path) -> bool:
    """Tell workbooks from text, by the ending of their names."""
    return file.suffix.lower() in BOOKS


def text_of(name: str, data: bytes) -> str:
    """Read the text of a CSV file.

    Errors: FileRefused.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileRefused(f"{name}: the file is not UTF-8 text; in Excel save as `CSV UTF-8`") from None
    if "\0" in text:
        raise FileRefused(f"{name}: this is no text file; expected CSV, or XLSX with that ending")
    return text


def text_grid(text: str, separator: str, width: int) -> pl.DataFrame:
    """Put the rows of a CSV file into a grid of `width` columns; short rows end in blank cells.

    Errors: polars.exceptions.PolarsError for a row that is longer, or a quote that never ends.
    """
    if not width:
        return pl.DataFrame(schema={"row": pl.Int32})
    above = separator.join(f"c{n}" for n in range(width))  # the first row may be a title of one cell
    rows = pl.read_csv(f"{above}\n{text}".encode(), separator=separator, infer_schema=False)
    return _numbered(rows)


def sheet_grids(name: str, data: bytes, *, most: int | None = None) -> dict[str, pl.DataFrame]:
    """Read the sheets of a workbook as grids, by name; the first `most` of them, if not all.

    Errors: FileRefused.
    """
    try:
        book = fastexcel.read_excel(data)
        sheets = {
            sheet: book.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string").to_polars()
            for sheet in book.sheet_names[:most]
        }
    except fastexcel.FastExcelError:
        raise FileRefused(
            f"{name}: the workbook cannot be read; open it in Excel and save it as .xlsx"
        ) from None
    return {sheet: _numbered(rows) for sheet, rows in sheets.items()}


def stripped(grid: pl.DataFrame) -> pl.DataFrame:
    """Strip the cells of blanks; those with nothing else are null."""
    return grid.select("row", pl.exclude("row").str.strip_chars(BLANKS).replace("", None))


def headings_at(grid: pl.DataFrame, at: int) -> dict[str, str]:
    """Answer the headings that stand in a row: column of the grid → heading."""
    cells = zip(grid.columns, grid.row(at), strict=True)
    return {column: cell for column, cell in cells if column != "row" and cell is not None}


def rows_below(grid: pl.DataFrame, at: int) -> pl.DataFrame:
    """Take the rows below the headings, blank ones left out."""
    return grid.slice(at + 1).filter(pl.any_horizontal(pl.exclude("row").is_not_null()))


def recognised(
    headings: Sequence[str],
    column_of: Callable[[str], str | None],
    columns: Sequence[str],
    required: Sequence[str],
) -> Headings:
    """Sort headings by what `column_of` takes them for."""
    named = [(heading, column_of(heading)) for heading in headings]
    found = [(heading, column) for heading, column in named if column is not None and column in columns]
    taken = [column for _, column in found]
    return Headings(
        found=dict(found),
        unknown=[heading for heading, column in named if column not in columns],
        missing=[column for column in required if column not in taken],
        twice=sorted({column for column in taken if taken.count(column) > 1}),
    )


def named_cells(grid: pl.DataFrame, at: int, headings: Headings, columns: Sequence[str]) -> pl.DataFrame:
    """Give the cells below the headings their columns, in order; a column the file lacks is null."""
    place = {heading: column for column, heading in headings_at(grid, at).items()}
    of = {column: place[heading] for heading, column in headings.found.items()}
    blank = pl.lit(None, pl.String)
    return rows_below(grid, at).select(
        "row", **{name: pl.col(of[name]) if name in of else blank for name in columns}
    )


def _numbered(rows: pl.DataFrame) -> pl.DataFrame:
    names = {name: f"c{number}" for number, name in enumerate(rows.columns)}
    return rows.rename(names).with_row_index("row", offset=1).with_columns(pl.col("row").cast(pl.Int32))
