"""A bundle in memory, and the document it is kept as in its release."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

import msgspec
import polars as pl

from openbenefits.core.money import CENTS_PER_DOLLAR, MICROS_PER_DOLLAR
from openbenefits.programs import generations, sheets
from openbenefits.programs.bundle import ClientBundle, PeoBundle
from openbenefits.programs.curves import CURVE_SCHEMA, written_out
from openbenefits.programs.findings import Finding
from openbenefits.programs.sections.calendars import HolidayCalendarPart
from openbenefits.programs.sections.codes import GeographyPart, LimitSheetPart
from openbenefits.programs.sections.rates import AgeCurvePart, AgeTablePart
from openbenefits.programs.values import Path

Place = tuple[str, int | None]
"""A file's name and a line."""

RATE_SCHEMA = {**sheets.RATE_SCHEMA, "valid_from": pl.Date(), "age_factor_micros": pl.Int64()}


@dataclass(frozen=True, kw_only=True)
class LoadedBundle:
    """A bundle with its CSV files read.

    Shapes: `rates` has a row per rate of every rate table (`table` is its code, `valid_from` its day),
            written out where it has a curve, tiers or a tobacco factor; `curves` a row per age of each curve,
            `zips` a row per geography and zip, `limits` a row per legal amount and year it is known for,
            `ages` a row per age of every table of values by age. `inherited` are the PEO's curves that a
            client's tables follow, once they are known (`with_curves_of`); `holidays` the PEO's holidays.
    """

    parts: PeoBundle | ClientBundle
    rates: pl.DataFrame
    curves: pl.DataFrame
    zips: pl.DataFrame
    limits: pl.DataFrame
    ages: pl.DataFrame
    files: Mapping[str, str]
    places: Mapping[Path, Place] = field(default_factory=dict)
    inherited: tuple[AgeCurvePart, ...] = ()
    holidays: tuple[HolidayCalendarPart, ...] = ()

    @property
    def curve_parts(self) -> list[AgeCurvePart]:
        """The curves that the bundle's tables may follow: its own, and those of the PEO's."""
        return [*self.parts.age_curves, *self.inherited]

    @property
    def code(self) -> str:
        return self.parts.bundle.code

    @property
    def is_client(self) -> bool:
        return isinstance(self.parts, ClientBundle)

    def place(self, path: Path) -> Place:
        """Answer where a part was written, or where the part was that holds it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, ("", None))


def load(
    parts: PeoBundle | ClientBundle, files: Mapping[str, str], places: Mapping[Path, Place]
) -> tuple[LoadedBundle, list[Finding]]:
    """Read the CSV files a bundle names, given their texts."""
    rate_files, rate_faults = _sheets((part.file for part in parts.rate_tables), files, sheets.rate_sheet)
    curve_files, curve_faults = _sheets((part.file for part in parts.age_curves), files, sheets.curve_sheet)
    curves = _curves(parts.age_curves, curve_files)
    zip_files, zip_faults = _sheets((part.file for part in parts.geographies), files, sheets.zip_sheet)
    limit_files, limit_faults = _sheets(
        (part.file for part in _limit_sheets_of(parts)), files, sheets.limit_sheet
    )
    age_files, age_faults = _sheets((part.file for part in _age_tables_of(parts)), files, sheets.age_sheet)
    bundle = LoadedBundle(
        parts=parts,
        rates=_rates(parts, curves, parts.age_curves, rate_files, places),
        curves=curves,
        zips=_zips(parts.geographies, zip_files),
        limits=_limits(parts, limit_files),
        ages=_ages(parts, age_files),
        files=files,
        places=places,
    )
    return bundle, rate_faults + curve_faults + zip_faults + limit_faults + age_faults


def with_curves_of(bundle: LoadedBundle, peo: LoadedBundle) -> LoadedBundle:
    """Write out a client's rates that follow curves of the PEO's; its own of a code come first."""
    own = {part.code for part in bundle.parts.age_curves}
    wanted = {table.curve for table in bundle.parts.rate_tables if table.curve} - own
    inherited = tuple(part for part in peo.parts.age_curves if part.code in wanted)
    if not bundle.is_client or not inherited:
        return bundle
    names = (part.file for part in bundle.parts.rate_tables)
    rate_files, _ = _sheets(names, bundle.files, sheets.rate_sheet)
    curves = pl.concat([bundle.curves, peo.curves.filter(pl.col("curve").is_in(list(wanted)))])
    parts = [*bundle.parts.age_curves, *inherited]
    rates = _rates(bundle.parts, curves, parts, rate_files, bundle.places)
    return replace(bundle, rates=rates, curves=curves, inherited=inherited)


def with_holidays_of(bundle: LoadedBundle, peo: LoadedBundle) -> LoadedBundle:
    """Give a client's pay groups the PEO's holidays; its own of a code come first."""
    if not bundle.is_client or not peo.parts.holiday_calendars:
        return bundle
    return replace(bundle, holidays=tuple(peo.parts.holiday_calendars))


def named_files(parts: PeoBundle | ClientBundle) -> Iterator[tuple[Path, str]]:
    """List the CSV files a bundle names, and where it does."""
    for index, table in enumerate(parts.rate_tables):
        if table.file is not None:
            yield ("rate_tables", index, "file"), table.file
    for index, curve in enumerate(parts.age_curves):
        if curve.file is not None:
            yield ("age_curves", index, "file"), curve.file
    for index, geography in enumerate(parts.geographies):
        yield ("geographies", index, "file"), geography.file
    for index, sheet in enumerate(_limit_sheets_of(parts)):
        yield ("limit_sheets", index, "file"), sheet.file
    for index, ages in enumerate(_age_tables_of(parts)):
        if ages.file is not None:
            yield ("age_tables", index, "file"), ages.file


def is_inside(file: str) -> bool:
    """Tell whether a file's name stays in the folder of its bundle."""
    path = PurePosixPath(file)
    return not path.is_absolute() and ".." not in path.parts and "\x00" not in file


class ReleaseUnreadable(ValueError):
    """The document of a release cannot be read by this version of the product."""


def to_document(bundle: LoadedBundle) -> dict[str, Any]:
    """Write a bundle as the JSON document of its release, from which it can be read again."""
    parts = msgspec.to_builtins(bundle.parts)
    return {"shape": generations.SHAPE, "parts": parts, "files": dict(bundle.files)}


def from_document(document: Mapping[str, Any]) -> LoadedBundle:
    """Read a bundle from the document of its release, of whatever shape bundles had when it was applied.

    Errors: ReleaseUnreadable if no step leads from that shape to the present one.
    """
    try:
        parts_then = generations.brought_up_to_date(document)
        is_client = parts_then["bundle"]["kind"] == "client"
        kind: type[Any] = ClientBundle if is_client else PeoBundle
        parts: PeoBundle | ClientBundle = msgspec.convert(parts_then, kind)
    except (generations.ShapeUnknown, msgspec.ValidationError, LookupError, TypeError) as fault:
        raise ReleaseUnreadable(_unreadable(document, fault)) from None
    bundle, _ = load(parts, document["files"], {})
    return bundle


def _unreadable(document: Mapping[str, Any], fault: Exception) -> str:
    parts = document.get("parts")
    header = parts.get("bundle") if isinstance(parts, dict) else None
    code = header.get("code") if isinstance(header, dict) else None
    return (
        f"release of bundle {code or 'of unknown code'}: expected a document of shape up to"
        f" {generations.SHAPE}, found shape {document.get('shape', 1)} with a fault: {fault}."
        " Apply the bundle's folder again, or use the version of the product that applied it."
    )


def fingerprint(document: Mapping[str, Any]) -> str:
    """Answer a short text that differs when anything in a document differs."""
    text = json.dumps(document, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


SheetReader = Callable[[str, str], tuple[pl.DataFrame, list[Finding]]]


def _sheets(
    names: Iterator[str | None], files: Mapping[str, str], read: SheetReader
) -> tuple[dict[str, pl.DataFrame], list[Finding]]:
    frames: dict[str, pl.DataFrame] = {}
    findings: list[Finding] = []
    for name in sorted({name for name in names if name is not None and name in files}):
        frames[name], faults = read(files[name], name)
        findings += faults
    return frames, findings


def _rates(
    parts: PeoBundle | ClientBundle,
    curves: pl.DataFrame,
    curve_parts: list[AgeCurvePart],
    rate_files: Mapping[str, pl.DataFrame],
    places: Mapping[Path, Place],
) -> pl.DataFrame:
    """Put the rates of the YAML files and of the sheets together, written out by curve, tier and smoking."""
    frames = [pl.DataFrame(schema=RATE_SCHEMA)]
    for index, table in enumerate(parts.rate_tables):
        file, line = places.get(("rate_tables", index), ("", None))
        own = [sheets.rates_written_out(table.code, table.rates, file, line)]
        if table.file is not None and table.file in rate_files:
            own.append(_rows_of(rate_files[table.file], "table", table.code))
        lines = pl.concat(own).with_columns(
            valid_from=pl.lit(table.valid_from), age_factor_micros=pl.lit(None, pl.Int64)
        )
        frames.append(written_out(table, lines, curves, curve_parts))
    return pl.concat(frames)


def _curves(parts: list[AgeCurvePart], curve_files: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Put the factors of the YAML files and of the sheets together."""
    frames = [pl.DataFrame(schema=CURVE_SCHEMA)]
    for part in parts:
        rows = [{"age": one.age, "factor_micros": int(one.factor * 1_000_000)} for one in part.factors]
        own = [pl.DataFrame(rows, schema={"age": pl.Int16, "factor_micros": pl.Int64})]
        if part.file is not None and part.file in curve_files:
            own.append(_rows_of(curve_files[part.file], "curve", part.code).select("age", "factor_micros"))
        named = pl.concat(own).with_columns(curve=pl.lit(part.code), valid_from=pl.lit(part.valid_from))
        frames.append(named.select(list(CURVE_SCHEMA)))
    return pl.concat(frames)


def _zips(geographies: list[GeographyPart], zip_files: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    frames = [
        _rows_of(zip_files[geography.file], "geography", geography.code)
        for geography in geographies
        if geography.file in zip_files
    ]
    return pl.concat([pl.DataFrame(schema=sheets.ZIP_SCHEMA), *frames])


def _limit_sheets_of(parts: PeoBundle | ClientBundle) -> list[LimitSheetPart]:
    return parts.limit_sheets if isinstance(parts, PeoBundle) else []


def _limits(parts: PeoBundle | ClientBundle, limit_files: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Put the legal amounts of the YAML files and of the sheets together."""
    own = [
        {
            "code": part.code,
            "year": part.year,
            "limit_cents": int(part.limit * CENTS_PER_DOLLAR),
            "unit": part.unit,
            "basis": part.basis,
            "source": part.source,
        }
        for part in (parts.annual_limits if isinstance(parts, PeoBundle) else ())
    ]
    named = [limit_files[sheet.file] for sheet in _limit_sheets_of(parts) if sheet.file in limit_files]
    return pl.concat([pl.DataFrame(own, schema=sheets.LIMIT_SCHEMA), *named])


def _age_tables_of(parts: PeoBundle | ClientBundle) -> list[AgeTablePart]:
    return parts.age_tables if isinstance(parts, PeoBundle) else []


AGE_SCHEMA = {
    "code": pl.String(),
    "valid_from": pl.Date(),
    "valid_through": pl.Date(),
    "source": pl.String(),
    "age_from": pl.Int32(),
    "rate_micros": pl.Int64(),
}


def _ages(parts: PeoBundle | ClientBundle, age_files: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Put the rows of the tables by age together: those of the YAML files, and of the CSV files they name."""
    frames = [pl.DataFrame(schema=AGE_SCHEMA)]
    for part in _age_tables_of(parts):
        own = [
            {"age_from": one.age_from, "rate_micros": int(one.rate * MICROS_PER_DOLLAR)} for one in part.rows
        ]
        rows = [pl.DataFrame(own, schema={name: AGE_SCHEMA[name] for name in ("age_from", "rate_micros")})]
        if part.file is not None and part.file in age_files:
            rows.append(age_files[part.file].select("age_from", "rate_micros"))
        named = pl.concat(rows).with_columns(
            code=pl.lit(part.code),
            valid_from=pl.lit(part.valid_from, pl.Date),
            valid_through=pl.lit(part.through, pl.Date),
            source=pl.lit(part.source),
        )
        frames.append(named.select(AGE_SCHEMA.keys()))
    return pl.concat(frames)


def _rows_of(frame: pl.DataFrame, column: str, code: str) -> pl.DataFrame:
    """Take the rows meant for a code: those that name it, or name none."""
    return frame.filter(pl.col(column).is_null() | (pl.col(column) == code)).with_columns(
        pl.lit(code).alias(column)
    )
