"""The CSV files of a bundle: rates, and zip codes with their areas."""

import csv
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from openbenefits.core.money import MICROS_PER_CENT
from openbenefits.programs.findings import Finding
from openbenefits.programs.sections.rates import RateLine

FAULTS_SHOWN = 20
"""Of one kind and column; a file exported the wrong way has the same fault on every line."""

RATE_SCHEMA: dict[str, pl.DataType] = {
    "table": pl.String(),
    "age_from": pl.Int16(),
    "area": pl.String(),
    "coverage_code": pl.String(),
    "smoker": pl.Boolean(),
    "sex": pl.String(),
    "person_type": pl.String(),
    "service_months_from": pl.Int32(),
    "annual_pay_from_cents": pl.Int64(),
    "rate_micros": pl.Int64(),
    "employer_micros": pl.Int64(),
    "file": pl.String(),
    "line": pl.Int32(),
}

CURVE_SCHEMA: dict[str, pl.DataType] = {
    "curve": pl.String(),
    "age": pl.Int16(),
    "factor_micros": pl.Int64(),
    "file": pl.String(),
    "line": pl.Int32(),
}

ZIP_SCHEMA: dict[str, pl.DataType] = {
    "geography": pl.String(),
    "zip": pl.String(),
    "area": pl.String(),
    "file": pl.String(),
    "line": pl.Int32(),
}

_RANGE_SCHEMA = ZIP_SCHEMA | {"zip_from": pl.String(), "zip_to": pl.String()}

WIDEST_RANGE = 99_999
"""Zips in one range; one more are all there are, which no place has."""

LIMIT_SCHEMA: dict[str, pl.DataType] = {
    "code": pl.String(),
    "year": pl.Int32(),
    "limit_cents": pl.Int64(),
    "unit": pl.String(),
    "basis": pl.String(),
    "source": pl.String(),
    "file": pl.String(),
    "line": pl.Int32(),
}
"""Percent are in hundredths too."""

AGE_SCHEMA: dict[str, pl.DataType] = {
    "age_from": pl.Int32(),
    "rate_micros": pl.Int64(),
    "file": pl.String(),
    "line": pl.Int32(),
}


Line = tuple[int, list[str]]
"""The cells of a line, and its number."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column people write: what may stand in a cell, how it is read, and the name it gets."""

    says: str
    pattern: str
    becomes: str
    read: Callable[[pl.Expr], pl.Expr]
    is_required: bool = False


def rate_sheet(text: str, file: str) -> tuple[pl.DataFrame, list[Finding]]:
    """Read a file of rates. Rows without a column `table` have a null there: they serve any table."""
    return _sheet(text, file, _RATE_COLUMNS, RATE_SCHEMA)


def curve_sheet(text: str, file: str) -> tuple[pl.DataFrame, list[Finding]]:
    """Read a file of age curves. Rows without a column `curve` have a null there: they serve any."""
    return _sheet(text, file, _CURVE_COLUMNS, CURVE_SCHEMA)


def zip_sheet(text: str, file: str) -> tuple[pl.DataFrame, list[Finding]]:
    """Read a file of zip codes and of ranges of them. Rows without a column `geography` serve any.

    Shapes:  a row for each zip; a range (`zip_from` to `zip_to`, both in it) is written out, on its line.
    Missing: `geography` and `area` are null where they are not stated.
    Errors:  a finding for each row with neither a zip nor a range, with both, or with half a range; for each
             range that runs backwards or takes every zip there is.
    """
    raw, faults = _sheet(text, file, _ZIP_COLUMNS, _RANGE_SCHEMA)
    if faults:
        return pl.DataFrame(schema=ZIP_SCHEMA), faults
    ends = [pl.col("zip_from").cast(pl.Int32), pl.col("zip_to").cast(pl.Int32)]
    rows = raw.with_columns(fault=_zip_fault(*ends))
    wrong = rows.filter(pl.col("fault").is_not_null())
    wide = rows.filter(pl.col("fault").is_null() & pl.col("zip").is_null())
    numbers = pl.int_ranges(ends[0], ends[1] + 1)
    long = wide.with_columns(zip=numbers).explode("zip")
    long = long.with_columns(pl.col("zip").cast(pl.String).str.zfill(5))
    single = rows.filter(pl.col("fault").is_null() & pl.col("zip").is_not_null())
    names = list(ZIP_SCHEMA)
    return pl.concat([single.select(names), long.select(names)]).sort("line", "zip"), _zip_faults(wrong, file)


def _zip_fault(low: pl.Expr, high: pl.Expr) -> pl.Expr:
    """Say what is wrong with a row of a file of zip codes; null if nothing is."""
    has_zip, has_low, has_high = (pl.col(name).is_not_null() for name in ("zip", "zip_from", "zip_to"))
    return (
        pl.when(has_zip & (has_low | has_high))
        .then(pl.lit("zip_and_range"))
        .when(~has_zip & ~has_low & ~has_high)
        .then(pl.lit("no_zip"))
        .when(~has_zip & (has_low != has_high))
        .then(pl.lit("half_range"))
        .when(high < low)
        .then(pl.lit("range_reversed"))
        .when(high - low + 1 > WIDEST_RANGE)
        .then(pl.lit("range_too_wide"))
    )


_ZIP_CURES = {
    "zip_and_range": ("a zip or a range", "Leave one of them out."),
    "no_zip": ("a zip, or zip_from and zip_to", "State one of them, or remove the line."),
    "half_range": ("both ends of the range", "Add the other end, or write the one zip in column `zip`."),
    "range_reversed": ("zip_from at most zip_to", "Exchange them, or correct one."),
    "range_too_wide": (f"at most {WIDEST_RANGE} zips in a range", "Correct an end of the range."),
}


def _zip_faults(wrong: pl.DataFrame, file: str) -> list[Finding]:
    named = wrong.select("fault", "line", "zip", "zip_from", "zip_to").group_by("fault", maintain_order=True)
    shown = named.head(FAULTS_SHOWN).sort("line")
    return [
        _fault(file, line, fault, _ZIP_CURES[fault][0], _zips_found(*cells), _ZIP_CURES[fault][1])
        for fault, line, *cells in shown.iter_rows()
    ]


def _zips_found(one: str | None, low: str | None, high: str | None) -> str:
    names = (("zip", one), ("zip_from", low), ("zip_to", high))
    return ", ".join(f"{name} {value}" for name, value in names if value is not None) or "none of them"


def limit_sheet(text: str, file: str) -> tuple[pl.DataFrame, list[Finding]]:
    """Read a file of legal amounts: a row for each code, a column for each year; blank cells give no row."""
    header = next(iter(csv.reader(io.StringIO(text, newline=""))), [])
    years = [name for name in header if _YEAR.match(name)]
    columns = _LIMIT_COLUMNS | {year: _amount_of(year) for year in years}
    schema = {name: pl.String() for name in _LIMIT_COLUMNS} | {"file": pl.String(), "line": pl.Int32()}
    wide, faults = _sheet(text, file, columns, schema | dict.fromkeys(years, pl.Int64()))
    if not years and not faults:
        cure = "Add a column headed by the year."
        faults = [_fault(file, 1, "column", "a column for each year (`2026` …)", "none", cure)]
    if not years:
        return pl.DataFrame(schema=LIMIT_SCHEMA), faults
    kept = [name for name in wide.columns if name not in years]
    long = wide.unpivot(years, index=kept, variable_name="year", value_name="limit_cents")
    known = long.drop_nulls("limit_cents").with_columns(
        pl.col("unit").fill_null("dollars"), pl.col("basis").fill_null("")
    )
    return known.sort("line", "year").cast(pl.Schema(LIMIT_SCHEMA)).select(LIMIT_SCHEMA.keys()), faults


def age_sheet(text: str, file: str) -> tuple[pl.DataFrame, list[Finding]]:
    """Read a file of a published table of values by age."""
    return _sheet(text, file, _AGE_COLUMNS, AGE_SCHEMA)


def rates_written_out(table: str, lines: list[RateLine], file: str, line: int | None) -> pl.DataFrame:
    """Put the rates of a YAML file into the frame that CSV rates have."""
    rows = [
        {
            "table": table,
            "age_from": one.age_from,
            "area": one.area,
            "coverage_code": one.coverage_code,
            "smoker": one.smoker,
            "sex": one.sex,
            "person_type": None if one.person_type is None else one.person_type.value,
            "service_months_from": one.service_months_from,
            "annual_pay_from_cents": None if one.annual_pay_from is None else int(one.annual_pay_from * 100),
            "rate_micros": int(one.rate * 1_000_000),
            "employer_micros": None if one.employer_rate is None else int(one.employer_rate * 1_000_000),
            "file": file,
            "line": line,
        }
        for one in lines
    ]
    return pl.DataFrame(rows, schema=RATE_SCHEMA)


def _sheet(
    text: str, file: str, columns: Mapping[str, Column], schema: Mapping[str, pl.DataType]
) -> tuple[pl.DataFrame, list[Finding]]:
    try:
        header, *lines = _lines(text) or [(1, [])]
    except csv.Error as error:
        cure = "Save the file as comma-separated values again."
        fault = _fault(file, 1, "csv", "comma-separated values", str(error), cure)
        return pl.DataFrame(schema=schema), [fault]
    faults = _header_faults(header[1], file, columns) or _length_faults(header[1], lines, file)
    if faults:
        return pl.DataFrame(schema=schema), faults
    raw = _raw(header[1], lines, columns)
    typed = raw.select(
        "line",
        pl.lit(file).alias("file"),
        *(_read(name, column).alias(column.becomes) for name, column in columns.items()),
    )
    return typed.cast(pl.Schema(schema)).select(schema.keys()), _cell_faults(raw, file, columns)


def _lines(text: str) -> list[Line]:
    """Split a text into cells, each line with its number."""
    reader = csv.reader(io.StringIO(text, newline=""))
    return [(reader.line_num, cells) for cells in reader]


def _raw(header: list[str], lines: list[Line], columns: Mapping[str, Column]) -> pl.DataFrame:
    """Put all cells into a frame as text; blank ones, and columns the file does not have, are null."""
    schema = {"line": pl.Int32(), **dict.fromkeys(header, pl.String())}
    frame = pl.DataFrame([[number, *cells] for number, cells in lines], schema=schema, orient="row")
    absent = [pl.lit(None, pl.String).alias(name) for name in columns if name not in header]
    return frame.with_columns(*absent, pl.col(header).replace("", None))


def _read(name: str, column: Column) -> pl.Expr:
    cell = pl.col(name)
    return pl.when(cell.str.contains(column.pattern)).then(column.read(cell))


def _header_faults(header: list[str], file: str, columns: Mapping[str, Column]) -> list[Finding]:
    """Find columns nobody knows, required ones that are not there, and repeated ones."""
    faults = [
        _fault(file, 1, "column", f"the columns {', '.join(columns)}", f"`{name}`", "Remove or rename it.")
        for name in header
        if name not in columns
    ]
    faults += [
        _fault(file, 1, "column", f"a column `{name}`", "none", "Add the column.")
        for name, column in columns.items()
        if column.is_required and name not in header
    ]
    if len(set(header)) < len(header):
        faults.append(_fault(file, 1, "column", "each column once", "one twice", "Remove one of them."))
    return faults


def _length_faults(header: list[str], lines: list[Line], file: str) -> list[Finding]:
    wrong = [(number, len(cells)) for number, cells in lines if len(cells) != len(header)]
    return [
        _fault(file, number, "cells", f"{len(header)} cells", f"{count}", "Complete or correct the line.")
        for number, count in wrong[:FAULTS_SHOWN]
    ]


def _cell_faults(raw: pl.DataFrame, file: str, columns: Mapping[str, Column]) -> list[Finding]:
    faults = []
    for name, column in columns.items():
        cell = pl.col(name)
        is_wrong = cell.is_not_null() & ~cell.str.contains(column.pattern)
        is_missing = pl.lit(column.is_required) & cell.is_null()
        for line, found in raw.filter(is_wrong | is_missing).select("line", name).head(FAULTS_SHOWN).rows():
            shown = "nothing" if found is None else f"`{found}`"
            faults.append(
                _fault(file, line, "cell", f"{column.says} in column `{name}`", shown, "Correct the cell.")
            )
    return faults


def _fault(file: str, line: int, code: str, expected: str, found: str, cure: str) -> Finding:
    where = f"{file}, line {line}"
    return Finding(code=code, where=where, expected=expected, found=found, cure=cure, file=file, line=line)


def _as_is(cell: pl.Expr) -> pl.Expr:
    return cell


def _whole(cell: pl.Expr) -> pl.Expr:
    return cell.cast(pl.Int32, strict=False)


def _micros(cell: pl.Expr) -> pl.Expr:
    """Read dollars as micro-dollars, by moving the point, never through a float."""
    parts = cell.str.splitn(".", 2)
    fraction = parts.struct.field("field_1").fill_null("").str.pad_end(6, "0")
    return (parts.struct.field("field_0") + fraction).cast(pl.Int64, strict=False)


def _cents(cell: pl.Expr) -> pl.Expr:
    return _micros(cell) // MICROS_PER_CENT


_TEXT = r"^\S(.*\S)?$"
_WHOLE = r"^[0-9]{1,4}$"
_RATE = r"^[0-9]{1,6}(\.[0-9]{1,6})?$"


def _text(becomes: str, says: str = "text without blanks around it", pattern: str = _TEXT) -> Column:
    return Column(says=says, pattern=pattern, becomes=becomes, read=_as_is)


_RATE_COLUMNS: dict[str, Column] = {
    "table": _text("table"),
    "age_from": Column(says="whole years", pattern=_WHOLE, becomes="age_from", read=_whole),
    "area": _text("area"),
    "coverage_code": _text("coverage_code"),
    "smoker": Column(
        says="true or false", pattern=r"^(true|false)$", becomes="smoker", read=lambda cell: cell == "true"
    ),
    "sex": _text("sex", "F, M or X", r"^[FMX]$"),
    "person_type": _text("person_type", "EE, SP, DP, CH, AC or OD", r"^(EE|SP|DP|CH|AC|OD)$"),
    "service_months_from": Column(
        says="whole months", pattern=_WHOLE, becomes="service_months_from", read=_whole
    ),
    "annual_pay_from": Column(
        says="dollars with at most two decimals",
        pattern=r"^[0-9]{1,9}(\.[0-9]{1,2})?$",
        becomes="annual_pay_from_cents",
        read=_cents,
    ),
    "rate": Column(
        says="dollars with at most six decimals",
        pattern=_RATE,
        becomes="rate_micros",
        read=_micros,
        is_required=True,
    ),
    "employer_rate": Column(
        says="dollars with at most six decimals",
        pattern=_RATE,
        becomes="employer_micros",
        read=_micros,
    ),
}

_AGE_COLUMNS: dict[str, Column] = {
    "age_from": Column(says="whole years", pattern=_WHOLE, becomes="age_from", read=_whole, is_required=True),
    "rate": _RATE_COLUMNS["rate"],
}

_YEAR = re.compile(r"^(19|20|21)[0-9]{2}$")
_DOLLARS = r"^[0-9]{1,9}(\.[0-9]{1,2})?$"


def _amount_of(year: str) -> Column:
    return Column(
        says="dollars or percent with at most two decimals", pattern=_DOLLARS, becomes=year, read=_cents
    )


_LIMIT_COLUMNS: dict[str, Column] = {
    "code": Column(
        says="a short code",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$",
        becomes="code",
        read=_as_is,
        is_required=True,
    ),
    "unit": _text("unit", "dollars or percent", r"^(dollars|percent)$"),
    "basis": _text("basis"),
    "source": Column(says="a source", pattern=_TEXT, becomes="source", read=_as_is, is_required=True),
}

_CURVE_COLUMNS: dict[str, Column] = {
    "curve": _text("curve"),
    "age": Column(says="whole years", pattern=_WHOLE, becomes="age", read=_whole, is_required=True),
    "factor": Column(
        says="a factor with at most six decimals",
        pattern=_RATE,
        becomes="factor_micros",
        read=_micros,
        is_required=True,
    ),
}

_ZIP = r"^[0-9]{5}$"

_ZIP_COLUMNS: dict[str, Column] = {
    "geography": _text("geography"),
    "zip": _text("zip", "five digits", _ZIP),
    "zip_from": _text("zip_from", "five digits", _ZIP),
    "zip_to": _text("zip_to", "five digits", _ZIP),
    "area": _text("area"),
}
