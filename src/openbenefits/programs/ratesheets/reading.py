"""Reading a carrier's sheet into rates: long (a row per rate) or wide (a column per area or per tier).

Every fault names its row and column as a spreadsheet shows them. Nothing is guessed: a cell that cannot be
read is a fault.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from openbenefits.programs.findings import Finding
from openbenefits.programs.ratesheets import labels
from openbenefits.store import sheets

KEYS = ("age_from", "area", "coverage_code", "smoker", "sex")
LOOKED_FOR_ROWS = 15
"""The headings stand in one of the first rows; titles may stand above them."""

SEXES = {"f": "F", "female": "F", "m": "M", "male": "M", "x": "X"}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a sheet is read for: the table, its day, and the codes it may name (code to name).

    mapped: headings that a person has said the meaning of; '' leaves the column out.
    """

    table: str
    valid_from: date
    areas: Mapping[str, str]
    tiers: Mapping[str, str]
    keys: frozenset[str] | None = None  # of the table in force: area, coverage_code …
    mapped: Mapping[str, str] = field(default_factory=dict)

    def meaning_of(self, heading: str) -> str | None:
        """Answer which column a heading means, as a person has said or by its words; None for another."""
        return self.mapped.get(heading) if heading in self.mapped else labels.heading_of(heading)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A rate and where it stands."""

    row: int
    column: str
    micros: int
    ages: labels.Ages | None = None
    area: str | None = None
    coverage_code: str | None = None
    smoker: bool | None = None
    sex: str | None = None
    is_edge: bool = False  # the age is a lower edge only

    @property
    def keys(self) -> tuple[Any, ...]:
        """The keys of the rate, the age by its lower edge."""
        return (self.ages.first if self.ages else None, self.area, self.coverage_code, self.smoker, self.sex)

    @property
    def place(self) -> str:
        return f"row {self.row}, column {self.column}"


@dataclass(kw_only=True)
class Sheet:
    """What was read: the rates, and the faults."""

    file: str
    cells: list[Cell] = field(default_factory=list)
    faults: list[Finding] = field(default_factory=list)

    def fault(
        self, code: str, where: str, expected: str, found: str, cure: str, row: int | None = None
    ) -> None:
        """Note a fault."""
        self.faults.append(
            Finding(
                code=code, where=where, expected=expected, found=found, cure=cure, file=self.file, line=row
            )
        )


def read_sheet(path: Path, wanted: Wanted, sheet_name: str | None = None) -> Sheet:
    """Read a CSV file or workbook.

    Errors: none are raised for what the file holds; sheets.FileRefused becomes a fault.
    """
    sheet = Sheet(file=path.name)
    try:
        name, grid = _grid(path, sheet_name)
    except sheets.FileRefused as refused:
        sheet.fault(
            "file", path.name, "a CSV file or a workbook with one sheet", str(refused), "Correct the file."
        )
        return sheet
    grid = sheets.stripped(grid)
    at = next(
        (row for row in range(min(grid.height, LOOKED_FOR_ROWS)) if _is_heading(grid, row, wanted)), None
    )
    if at is None:
        expected = "a row of headings (age, area, coverage_code, rate …)"
        sheet.fault("headings", path.name, expected, "none", "Head the columns.")
        return sheet
    titles = [cell for row in range(at) for cell in grid.row(row)[1:] if cell]
    headings = sheets.headings_at(grid, at)
    _check_years(sheet, [path.stem, name, *titles, *headings.values()], wanted, at)
    _Reader(sheet, wanted, headings).read(sheets.rows_below(grid, at))
    return sheet


def headings_in(path: Path, sheet_name: str | None = None) -> list[str]:
    """Answer the headings of a file, for a person to say what they mean: the first row of words alone.

    Errors: sheets.FileRefused.
    """
    _name, raw = _grid(path, sheet_name)
    grid = sheets.stripped(raw)
    for row in range(min(LOOKED_FOR_ROWS, grid.height)):
        texts = list(sheets.headings_at(grid, row).values())
        if len(texts) > 1 and all(labels.micros_of(text) is None for text in texts):
            return texts
    return []


def _grid(path: Path, sheet_name: str | None) -> tuple[str, pl.DataFrame]:
    """Answer the one sheet of a file, and its name."""
    data = sheets.read_data(path)
    if not sheets.is_workbook(path):
        text = sheets.text_of(path.name, data)
        width = max((line.count(",") + 1 for line in text.splitlines()), default=0)
        try:
            return "", sheets.text_grid(text, ",", width)
        except pl.exceptions.PolarsError:
            raise sheets.FileRefused("rows that are not comma-separated values") from None
    grids = sheets.sheet_grids(path.name, data)
    if sheet_name is not None:
        if sheet_name not in grids:
            raise sheets.FileRefused(f"no sheet {sheet_name}; there are {', '.join(grids)}")
        return sheet_name, grids[sheet_name]
    filled = {name: grid for name, grid in grids.items() if not _is_empty(grid)}
    if len(filled) != 1:
        found = f"{len(filled)} sheets with cells ({', '.join(filled) or 'none'})"
        raise sheets.FileRefused(f"{found}; name the one with --sheet")
    return next(iter(filled.items()))


def _is_empty(grid: pl.DataFrame) -> bool:
    cells = sheets.stripped(grid).drop("row")
    return not cells.width or all(cells[name].null_count() == cells.height for name in cells.columns)


def _is_heading(grid: pl.DataFrame, row: int, wanted: Wanted) -> bool:
    """Tell whether a row holds headings: one that is known, and a second that is known or a code."""
    texts = list(sheets.headings_at(grid, row).values())
    known = [text for text in texts if text in wanted.mapped or labels.heading_of(text)]
    codes = [
        text for text in texts if labels.code_of(text, wanted.areas) or labels.code_of(text, wanted.tiers)
    ]
    is_of_rates = any(wanted.meaning_of(text) == "rate" for text in texts)
    return is_of_rates or (bool(known) and (len(texts) > 1 or bool(codes))) or len(codes) == len(texts) > 0


def _check_years(sheet: Sheet, texts: list[str], wanted: Wanted, at: int) -> None:
    years = labels.years_in(texts)
    if years and wanted.valid_from.year not in years:
        found = ", ".join(map(str, sorted(years)))
        cure = "Take the sheet of that year, or correct --from."
        sheet.fault(
            "plan_year", f"{sheet.file}, above row {at + 2}", f"{wanted.valid_from.year}", found, cure
        )


class _Reader:
    """Reads the rows below some headings, in the layout the headings tell."""

    def __init__(self, sheet: Sheet, wanted: Wanted, headings: Mapping[str, str]) -> None:
        self.sheet, self.wanted, self.headings = sheet, wanted, headings
        self.columns: dict[str, str] = {}  # what it means → column of the grid
        self.spread: dict[str, str] = {}  # column of the grid → code of the area or tier
        self.spread_over = ""

    def read(self, rows: pl.DataFrame) -> None:
        """Read every rate."""
        if not self._columns():
            return
        if rows.is_empty():
            self.sheet.fault("no_rates", self.sheet.file, "rows with rates", "none", "Take another sheet.")
        for row in rows.iter_rows(named=True):
            if self._is_of_table(row):
                self._row(row)

    def _columns(self) -> bool:
        others = {}
        for column, text in self.headings.items():
            meaning = self.wanted.meaning_of(text)
            if meaning == "":
                continue
            if meaning is None:
                others[column] = text
            elif meaning in self.columns:
                self._fault_of("heading", column, f"one column `{meaning}`", f"`{text}` again", "Remove one.")
            else:
                self.columns[meaning] = column
        if "rate" in self.columns:
            for column, text in others.items():
                known = ", ".join(sorted(labels.HEADINGS))
                self._fault_of("heading", column, f"one of the columns {known}", f"`{text}`", "Remove it.")
        else:
            self._spread(others)
        return not self.sheet.faults or any(one.code == "plan_year" for one in self.sheet.faults)

    def _spread(self, others: Mapping[str, str]) -> None:
        """Find out what the columns of a wide sheet stand for."""
        choices = {"area": self.wanted.areas, "coverage_code": self.wanted.tiers}
        open_ = [
            key
            for key in choices
            if key not in self.columns and (self.wanted.keys is None or key in self.wanted.keys)
        ]
        hits = {
            key: sum(labels.code_of(t, choices[key]) is not None for t in others.values()) for key in open_
        }
        best = [key for key in open_ if hits[key] and hits[key] == max(hits.values())]
        if len(best) != 1:
            expected = "a column `rate`, or a column for each area or each tier"
            found = (
                "columns that can be either" if best else f"{', '.join(others.values()) or 'none of them'}"
            )
            cure = "Use the long layout: a row for each rate."
            self.sheet.fault("layout", f"{self.sheet.file}, headings", expected, found, cure)
            return
        self.spread_over = best[0]
        for column, text in others.items():
            code = labels.code_of(text, choices[best[0]])
            if code is None:
                self._unknown(best[0], f"column {self._letter(column)}", text, None)
            else:
                self.spread[column] = code

    def _is_of_table(self, row: Mapping[str, Any]) -> bool:
        """Tell whether a row is for the table asked for; a sheet may hold several."""
        cell = row.get(self.columns.get("table", ""))
        return cell is None or cell.lower() == self.wanted.table.lower()

    def _row(self, row: Mapping[str, Any]) -> None:
        number = row["row"]
        keys = dict(self._keys(row, number))
        if None in keys.values():
            return
        self._check_row_year(row, number)
        is_edge = "age_from" in self.columns
        for column, extra in self._rates_of():
            micros = self._micros(row[column], number, column)
            if micros is not None:
                cell = Cell(
                    row=number, column=self._letter(column), micros=micros, is_edge=is_edge, **keys, **extra
                )
                self.sheet.cells.append(cell)

    def _rates_of(self) -> Iterator[tuple[str, dict[str, Any]]]:
        if "rate" in self.columns:
            yield self.columns["rate"], {}
        for column, code in self.spread.items():
            yield column, {self.spread_over: code}

    def _keys(self, row: Mapping[str, Any], number: int) -> Iterator[tuple[str, Any]]:
        """Read the key cells of a row; None for one that cannot be read, which is noted."""
        for key, column in self.columns.items():
            if key in ("rate", "year", "table"):
                continue
            text, where = row[column], f"row {number}, column {self._letter(column)}"
            name = "ages" if key in ("age", "age_from") else key
            if text is None:
                self.sheet.fault("blank", where, f"a value for {key}", "nothing", "Fill the cell.", number)
                yield name, None
                continue
            value = self._key(key, text)
            if value is None:
                self._unknown(key, where, text, number)
            yield name, value

    def _key(self, key: str, text: str) -> Any:
        match key:
            case "age" | "age_from":
                return labels.ages_of(text)
            case "area":
                return labels.code_of(text, self.wanted.areas)
            case "coverage_code":
                return labels.code_of(text, self.wanted.tiers)
            case "smoker":
                return labels.flag_of(text)
            case _:
                return SEXES.get(text.lower())

    def _micros(self, text: str | None, number: int, column: str) -> int | None:
        where = f"row {number}, column {self._letter(column)}"
        if text is None:
            cure = "Fill the cell; a price of nothing is 0."
            self.sheet.fault("blank", where, "a rate", "nothing", cure, number)
            return None
        if "%" in text:
            cure = "Take the sheet with rates in dollars."
            self.sheet.fault("percent", where, "dollars", f"`{text}`, a percentage", cure, number)
            return None
        micros = labels.micros_of(text)
        if micros is None:
            expected = "dollars with at most six decimals"
            self.sheet.fault("not_a_number", where, expected, f"`{text}`", "Correct the cell.", number)
        elif micros < 0:
            self.sheet.fault(
                "negative", where, "a rate of 0 or more", f"`{text}`", "Correct the sign.", number
            )
            return None
        return micros

    def _check_row_year(self, row: Mapping[str, Any], number: int) -> None:
        column = self.columns.get("year")
        years = labels.years_in([row[column] or ""]) if column else set()
        if column and years != {self.wanted.valid_from.year}:
            where = f"row {number}, column {self._letter(column)}"
            expected, cure = (
                str(self.wanted.valid_from.year),
                "Take the rows of that year, or correct --from.",
            )
            found = f"`{row[column]}`" if row[column] else "nothing"
            self.sheet.fault("plan_year", where, expected, found, cure, number)

    def _unknown(self, key: str, where: str, text: str, number: int | None) -> None:
        known = {"area": self.wanted.areas, "coverage_code": self.wanted.tiers}.get(key)
        says = {
            "age": "ages (`15`, `0-14`, `64+`)",
            "age_from": "the lowest age of a band",
            "smoker": "yes or no",
            "sex": "F, M or X",
        }.get(key)
        what = "area" if key == "area" else "tier"
        expected = says or f"a known {what} ({', '.join(known or ()) or 'there are none'})"
        code = {"area": "unknown_area", "coverage_code": "unknown_tier"}.get(key, "not_a_key")
        self.sheet.fault(
            code, where, expected, f"`{text}`", "Correct the cell, or add the code to the set-up.", number
        )

    def _fault_of(self, code: str, column: str, expected: str, found: str, cure: str) -> None:
        self.sheet.fault(code, f"headings, column {self._letter(column)}", expected, found, cure)

    def _letter(self, column: str) -> str:
        """Name a column as a spreadsheet does, with its heading."""
        number, letters = int(column[1:]) + 1, ""
        while number:
            number, rest = divmod(number - 1, 26)
            letters = chr(ord("A") + rest) + letters
        return f"{letters} ({self.headings[column]})" if column in self.headings else letters
