"""Census files as cells of text: CSV and XLSX, whatever their title rows, blank rows and separators."""

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import fastexcel
import polars as pl

from openbenefits.workforce.census.columns import COLUMNS, Headings, guess, recognise

HEADING_ROWS = 20
SEPARATORS = (",", ";", "\t", "|")


class CensusRefused(ValueError):
    """The file as a whole cannot be taken; the message says what was expected and what to change."""


@dataclass(frozen=True, kw_only=True)
class CensusFile:
    """A census as text: `row` is the row of the file as a spreadsheet numbers it; blank cells are null.

    Shapes: cells have `row` (Int32) and every census column (String).
    """

    name: str
    fingerprint: str
    headings: Headings
    cells: pl.DataFrame = field(repr=False)


def read(file: Path, mapping: Mapping[str, str] | None = None) -> CensusFile:
    """Read a census file.

    Errors: CensusRefused.
    """
    data = _bytes(file)
    sheet = (
        _sheet(file, data)
        if file.suffix.lower() in (".xlsx", ".xlsm", ".xls", ".xlsb")
        else _text(file, data)
    )
    grid = _cleaned(sheet)
    if grid.drop("row").is_empty():
        raise CensusRefused(
            f"{file.name}: the file is empty; expected a row of headings and a row per person"
        )
    at = _heading_row(grid, mapping)
    headings = _headings(file.name, grid, at, mapping)
    body = grid.slice(at + 1).filter(pl.any_horizontal(pl.exclude("row").is_not_null()))
    if body.is_empty():
        raise CensusRefused(
            f"{file.name}: there are headings but no rows below them; expected a row per person"
        )
    return CensusFile(
        name=file.name,
        fingerprint=hashlib.sha256(data).hexdigest(),
        headings=headings,
        cells=_named(grid, at, body, headings),
    )


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as problem:
        raise CensusRefused(f"{file.name}: the file cannot be read ({problem.strerror})") from None


def _text(file: Path, data: bytes) -> pl.DataFrame:
    """Read a CSV file as a grid of text, its rows numbered from 1."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CensusRefused(
            f"{file.name}: the file is not UTF-8 text; in Excel save as `CSV UTF-8`"
        ) from None
    if "\0" in text:
        raise CensusRefused(f"{file.name}: this is no text file; expected CSV, or XLSX with that ending")
    separator = _separator(text)
    width = _width(text, separator)
    if not width:
        return pl.DataFrame(schema={"row": pl.UInt32})
    above = separator.join(f"c{n}" for n in range(width))  # the first row may be a title of one cell
    try:
        grid = pl.read_csv(f"{above}\n{text}".encode(), separator=separator, infer_schema=False)
    except pl.exceptions.PolarsError:
        raise _malformed(file.name, text, separator, width) from None
    return grid.with_row_index("row", offset=1)


def _width(text: str, separator: str) -> int:
    """Count the cells of the row of headings."""
    rows = list(islice(csv.reader(io.StringIO(text), delimiter=separator), HEADING_ROWS))
    return max(
        ((_score(tuple(row), None), len(row)) for row in rows), default=(0, 0), key=lambda row: row[0]
    )[1]


def _separator(text: str) -> str:
    """Find the separator: the one that occurs most in the row with the most of it, near the top."""
    lines = text.splitlines()[:HEADING_ROWS]
    return max(SEPARATORS, key=lambda separator: max((line.count(separator) for line in lines), default=0))


def _malformed(name: str, text: str, separator: str, width: int) -> CensusRefused:
    """Say where a CSV file breaks: the first row that is too long, else a quote that never ends."""
    rows = enumerate(csv.reader(io.StringIO(text), delimiter=separator), 1)
    number, length = next(((number, len(row)) for number, row in rows if len(row) > width), (None, 0))
    if number is None:
        return CensusRefused(
            f"{name}: a double quote is never closed; expected one at each end of a quoted cell"
        )
    return CensusRefused(
        f"{name}, row {number}: expected at most {width} cells, found {length};"
        " put a cell that holds a comma in double quotes"
    )


def _sheet(file: Path, data: bytes) -> pl.DataFrame:
    """Read the one filled sheet of a workbook as a grid of text."""
    try:
        book = fastexcel.read_excel(data)
        sheets = {
            name: book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string").to_polars()
            for name in book.sheet_names
        }
    except fastexcel.FastExcelError:
        raise CensusRefused(
            f"{file.name}: the workbook cannot be read; open it in Excel and save it as .xlsx"
        ) from None
    filled = [name for name, sheet in sheets.items() if sheet.height]
    if len(filled) > 1:
        recognised = [name for name in filled if _recognised(sheets[name].with_row_index("row")) >= 2]
        if len(recognised) != 1:
            raise CensusRefused(
                f"{file.name}: {len(filled)} sheets hold data, {len(recognised)} of them look like a census;"
                " expected one; remove the others"
            )
        filled = recognised
    grid = sheets[filled[0]] if filled else pl.DataFrame()
    return grid.rename({name: f"c{n}" for n, name in enumerate(grid.columns)}).with_row_index("row", offset=1)


def _cleaned(grid: pl.DataFrame) -> pl.DataFrame:
    """Strip the cells and make blank ones null; drop columns without any."""
    row = pl.col("row").cast(pl.Int32)
    stripped = grid.select(row, pl.exclude("row").str.strip_chars(" \t\r\n\u00a0").replace("", None))
    kept = [
        name for name in stripped.columns if name == "row" or stripped[name].null_count() < stripped.height
    ]
    return stripped.select(kept)


def _recognised(grid: pl.DataFrame) -> int:
    """Count the headings known in the most promising of the first rows."""
    rows = grid.drop("row").head(HEADING_ROWS).rows()
    return max((_score(row, None) for row in rows), default=0)


def _score(row: tuple[str | None, ...], mapping: Mapping[str, str] | None) -> int:
    own = mapping or {}
    return sum(1 for cell in row if cell and (cell in own or guess(cell)))


def _heading_row(grid: pl.DataFrame, mapping: Mapping[str, str] | None) -> int:
    """Find the row of headings: the one with the most names known, title rows above it being passed over."""
    scores = [_score(row, mapping) for row in grid.drop("row").head(HEADING_ROWS).rows()]
    return scores.index(max(scores))


def _headings(name: str, grid: pl.DataFrame, at: int, mapping: Mapping[str, str] | None) -> Headings:
    """Recognise the headings, refusing those that cannot be."""
    row = grid["row"][at]
    cells = grid.drop("row").row(at)
    unnamed = [n for n, cell in enumerate(cells) if cell is None]
    below = grid.drop("row").slice(at + 1)
    filled = [n for n in unnamed if below.to_series(n).null_count() < below.height]
    if filled:
        places = ", ".join(_letter(grid, n) for n in filled)
        raise CensusRefused(
            f"{name}, row {row}: column {places} holds data but has no heading;"
            " unmerge the heading cells and give each column its own"
        )
    stated = [cell for cell in cells if cell is not None]
    repeated = sorted({cell for cell in stated if stated.count(cell) > 1})
    if repeated:
        raise CensusRefused(
            f"{name}, row {row}: the heading {', '.join(repeated)} stands twice; rename one of them"
        )
    headings = recognise(stated, mapping)
    if headings.twice:
        raise CensusRefused(
            f"{name}, row {row}: two headings stand for {', '.join(headings.twice)}; remove one, or map it"
        )
    if headings.missing:
        raise CensusRefused(
            f"{name}, row {row}: expected headings for {', '.join(headings.missing)},"
            f" found {', '.join(stated[:10])}{' …' if len(stated) > 10 else ''};"
            " rename them, or state which heading is which in a mapping"
        )
    return headings


def _letter(grid: pl.DataFrame, column: int) -> str:
    """Answer the letters a spreadsheet shows for a column."""
    number, letters = int(grid.drop("row").columns[column][1:]) + 1, ""
    while number:
        number, digit = divmod(number - 1, 26)
        letters = chr(65 + digit) + letters
    return letters


def _named(grid: pl.DataFrame, at: int, body: pl.DataFrame, headings: Headings) -> pl.DataFrame:
    """Give the cells their columns; a census column the file lacks is null."""
    stated = dict(zip(grid.drop("row").row(at), grid.drop("row").columns, strict=True))
    place = {column: stated[heading] for heading, column in headings.found.items()}
    return body.select(
        "row",
        *(
            pl.col(place[column]).alias(column) if column in place else pl.lit(None, pl.String).alias(column)
            for column in COLUMNS
        ),
    )
