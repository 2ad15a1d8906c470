"""Rate tables: no rate, keys without values, gaps and overlaps of bands; geographies."""

from collections import Counter
from collections.abc import Iterator

import polars as pl

from openbenefits.core.codes import AreaOf, Severity
from openbenefits.programs.audit import curves
from openbenefits.programs.audit.context import Audited, listed, numbered
from openbenefits.programs.curves import rate_keys
from openbenefits.programs.findings import Finding
from openbenefits.programs.sections.rates import RateTablePart
from openbenefits.programs.values import Path

KEY_COLUMNS = {
    "age": "age_from",
    "service": "service_months_from",
    "pay": "annual_pay_from_cents",
    "area": "area",
    "coverage_code": "coverage_code",
    "smoker": "smoker",
    "sex": "sex",
    "person_type": "person_type",
}
"""The column of a rate that holds each key."""

BANDS = ("age", "service", "pay")

_CHARGING = (3, 21)


def faulty_rate_tables(audited: Audited) -> Iterator[Finding]:
    """Find what is wrong with each rate table by itself."""
    counts = Counter((table.code, table.valid_from) for table in audited.parts.rate_tables)
    for path, table in numbered(audited.parts.rate_tables, "rate_tables"):
        if counts[table.code, table.valid_from] == 1:  # a repeated table is a finding of its own
            rates = audited.rates(table.code).filter(pl.col("valid_from") == table.valid_from)
            yield from _of_table(audited, path, table, rates)


def faulty_geographies(audited: Audited) -> Iterator[Finding]:
    """Find geographies without a zip, or with a zip in two areas."""
    for path, part in numbered(audited.parts.geographies, "geographies"):
        zips = audited.zips(part.code)
        if zips.is_empty():
            cure = "Add its rows to the file, or correct the code in the column `geography`."
            yield audited.finding(path, "no_zips", f"zip codes in {part.file}", "none", cure)
        areas = zips.group_by("zip", maintain_order=True).agg(pl.col("area").drop_nulls().n_unique())
        torn = areas.filter(pl.col("area") > 1)["zip"]
        if len(torn):
            cure = "Keep one of its rows."
            yield audited.finding(
                path, "zip_twice", "one area for each zip", f"several for {listed(torn)}", cure
            )


def zips_without_area(audited: Audited) -> Iterator[Finding]:
    """Warn of zips with a row without rating area although a rate table needs one; all are named."""
    needed = {table.geography for table in audited.parts.rate_tables}
    for path, part in numbered(audited.parts.geographies, "geographies"):
        bare = audited.zips(part.code).filter(pl.col("area").is_null())["zip"].unique().sort()
        if part.code in needed and len(bare):
            cure = "Add their areas, or expect a message for whoever lives there."
            expected = "a rating area for each zip"
            yield audited.finding(
                path, "zip_without_area", expected, f"none for {', '.join(bare)}", cure, Severity.WARNING
            )


def _of_table(audited: Audited, path: Path, table: RateTablePart, rates: pl.DataFrame) -> Iterator[Finding]:
    if rates.is_empty():
        cure = "Write the rates; a price of nothing is a rate of 0."
        yield audited.finding(path, "no_rates", "at least one rate", "none", cure)
        return
    if table.per_member and "age" not in rate_keys(table):
        cure = "Add `age` to its keys."
        yield audited.finding(path, "per_member", "a table per member to be keyed by age", "it is not", cure)
    if "area" not in rate_keys(table) and table.area_of is not AreaOf.HOME:
        cure = "Add `area` to its keys, or leave `area_of` out."
        yield audited.finding(path, "area_of", "a table keyed by area", "another key", cure)
    if "area" in rate_keys(table) and table.geography is None:
        cure = "Name the geography of its rating areas."
        yield audited.finding(path, "no_geography", "a geography for the areas", "none", cure)
    if "person_type" in rate_keys(table) and not table.per_member:
        cure = "Remove the key, or make the table one per member."
        expected = "a table per member, as anything else is priced by the employee alone"
        yield audited.finding(path, "person_type", expected, "the key `person_type`", cure)
    charging = (table.charged_children, table.charged_children_under)
    if min(charging) < 0 or (not table.per_member and charging != _CHARGING):
        expected = "numbers not below 0, of a table per member"
        cure = "Correct them, or leave both out."
        yield audited.finding(path, "charged_children", expected, f"{charging[0]} under {charging[1]}", cure)
    yield from _employer_faults(audited, path, rates)
    if faults := list(curves.table_faults(audited, path, table)):
        yield from faults
        return
    faults = list(_key_faults(audited, path, table, rates))
    yield from faults or _band_faults(audited, path, table, rates)


def _employer_faults(audited: Audited, path: Path, rates: pl.DataFrame) -> Iterator[Finding]:
    """Find employer's parts above the rate, and tables that state it for some rates only."""
    above = rates.filter(pl.col("employer_micros") > pl.col("rate_micros")).height
    if above:
        cure = "Correct it; `rate` is the whole price, the employer's part included."
        found = f"more in {above} of {rates.height}"
        yield audited.finding(path, "employer_rate", "an employer's part up to the rate", found, cure)
    bare = rates["employer_micros"].null_count()
    if 0 < bare < rates.height:
        found = f"none in {bare} of {rates.height}"
        cure = "State it for every rate (0 where the employer pays nothing), or for none."
        yield audited.finding(path, "employer_rate_missing", "the employer's part of each rate", found, cure)


def _key_faults(audited: Audited, path: Path, table: RateTablePart, rates: pl.DataFrame) -> Iterator[Finding]:
    """Compare the keys a table declares with those its rates have."""
    for key, column in KEY_COLUMNS.items():
        bare = rates[column].null_count()
        if key in rate_keys(table) and bare:
            found = f"none in {bare} of {rates.height}"
            yield audited.finding(
                path, "key_missing", f"a value for the key `{key}` in each rate", found, "Add the values."
            )
        if key not in rate_keys(table) and bare < rates.height:
            cure = f"Add `{key}` to the keys, or remove the values."
            yield audited.finding(path, "key_unused", f"no value for `{key}`", "some", cure)


def _band_faults(
    audited: Audited, path: Path, table: RateTablePart, rates: pl.DataFrame
) -> Iterator[Finding]:
    columns = [KEY_COLUMNS[key] for key in KEY_COLUMNS if key in rate_keys(table)]
    if columns or rates.height > 1:
        yield from _overlaps(audited, path, rates, columns)
    for key in BANDS:
        if key in rate_keys(table) and not (key == "age" and table.curve):
            yield from _gaps(audited, path, rates, key, columns)


def _overlaps(audited: Audited, path: Path, rates: pl.DataFrame, columns: list[str]) -> Iterator[Finding]:
    twice = rates if not columns else rates.filter(pl.struct(columns).is_duplicated())
    if twice.height:
        keys = _names(twice.select(columns).unique(maintain_order=True)) if columns else ["no keys"]
        cure = "Keep one of them, or add the key that tells them apart."
        yield audited.finding(path, "overlap", "one rate for each key", f"several for {listed(keys)}", cure)


def _gaps(
    audited: Audited, path: Path, rates: pl.DataFrame, key: str, columns: list[str]
) -> Iterator[Finding]:
    """Find bands that do not begin at 0, and bands out of order: each ends where the next begins."""
    column = KEY_COLUMNS[key]
    others = [name for name in columns if name != column]
    groups = rates.group_by(others or [pl.lit(0)], maintain_order=True).agg(
        least=pl.col(column).min(), is_rising=(pl.col(column).diff().drop_nulls() >= 0).all()
    )
    gaps = groups.filter(pl.col("least") > 0)
    if gaps.height:
        found = f"them to begin at {min(gaps['least'].to_list())}" + _for(gaps, others)
        yield audited.finding(path, "gap", f"bands of {key} from 0", found, "Add the lowest band.")
    unsorted = groups.filter(~pl.col("is_rising"))
    if unsorted.height and not gaps.height:
        found = "them out of order" + _for(unsorted, others)
        yield audited.finding(path, "unsorted", f"rising bands of {key}", found, "Sort the rates.")


def _for(groups: pl.DataFrame, columns: list[str]) -> str:
    return f" for {listed(_names(groups.select(columns)))}" if columns else ""


def _names(keys: pl.DataFrame) -> list[str]:
    """Write keys as people do: `age_from 30, area R1`."""
    return [" ".join(f"{name} {value}" for name, value in row.items()) for row in keys.to_dicts()]
