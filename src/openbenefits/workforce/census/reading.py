"""Census files as cells of text: CSV and XLSX, whatever their title rows, blank rows and separators."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import polars as pl

from openbenefits.store import sheets
from openbenefits.store.sheets import FileRefused, Headings
from openbenefits.workforce.census.columns import COLUMNS, guess, recognise

HEADING_ROWS = 20
SEPARATORS = (",", ";", "\t", "|")

CensusRefused = FileRefused


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
    data = sheets.read_data(file)
    read_grid = _sheet if sheets.is_workbook(file) else _text
    grid = _without_blank_columns(sheets.stripped(read_grid(file.name, data)))
    if grid.drop("row").is_empty():
        raise CensusRefused(
            f"{file.name}: the file is empty; expected a row of headings and a row per person"
        )
    at = _heading_row(grid, mapping)
    headings = _headings(file.name, grid, at, mapping)
    cells = sheets.named_cells(grid, at, headings, COLUMNS)
    if cells.is_empty():
        raise CensusRefused(
            f"{file.name}: there are headings but no rows below them; expected a row per person"
        )
    return CensusFile(name=file.name, fingerprint=sheets.fingerprint_of(data), headings=headings, cells=cells)


def census_headings(file: Path) -> dict[str, str | None]:
    """Answer the headings of a census file, each with the column it is taken for; None where it is unknown.

    Errors: CensusRefused.
    """
    data = sheets.read_data(file)
    read_grid = _sheet if sheets.is_workbook(file) else _text
    grid = _without_blank_columns(sheets.stripped(read_grid(file.name, data)))
    if grid.drop("row").is_empty():
        raise CensusRefused(
            f"{file.name}: the file is empty; expected a row of headings and a row per person"
        )
    at = _heading_row(grid, None)
    return {heading: guess(heading) for heading in sheets.headings_at(grid, at).values()}


def _text(name: str, data: bytes) -> pl.DataFrame:
    """Read a CSV file, as wide as its row of headings."""
    text = sheets.text_of(name, data)
    separator = _separator(text)
    width = _width(text, separator)
    try:
        return sheets.text_grid(text, separator, width)
    except pl.exceptions.PolarsError:
        raise _malformed(name, text, separator, width) from None


def _width(text: str, separator: str) -> int:
    """Count the cells of the row of headings."""
    rows = list(islice(csv.reader(io.StringIO(text), delimiter=separator), HEADING_ROWS))
    return max(((_score(row, None), len(row)) for row in rows), default=(0, 0), key=lambda row: row[0])[1]


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


def _sheet(name: str, data: bytes) -> pl.DataFrame:
    """Read the one filled sheet of a workbook; of several, the one that looks like a census."""
    filled = [grid for grid in sheets.sheet_grids(name, data).values() if grid.height]
    if len(filled) <= 1:
        return filled[0] if filled else pl.DataFrame(schema={"row": pl.Int32})
    alike = [grid for grid in filled if _recognised(grid) >= 2]
    if len(alike) != 1:
        raise CensusRefused(
            f"{name}: {len(filled)} sheets hold data, {len(alike)} of them look like a census;"
            " expected one; remove the others"
        )
    return alike[0]


def _without_blank_columns(grid: pl.DataFrame) -> pl.DataFrame:
    return grid.select(
        name for name in grid.columns if name == "row" or grid[name].null_count() < grid.height
    )


def _recognised(grid: pl.DataFrame) -> int:
    """Count the headings known in the most promising of the first rows."""
    rows = grid.drop("row").head(HEADING_ROWS).rows()
    return max((_score(row, None) for row in rows), default=0)


def _score(row: Sequence[str | None], mapping: Mapping[str, str] | None) -> int:
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
