"""A carrier's rate sheet into a folder of set-up: first shown, then written as a new version of the table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from openbenefits.programs.bundle import PeoBundle
from openbenefits.programs.findings import Finding, has_errors
from openbenefits.programs.loaded import LoadedBundle
from openbenefits.programs.ratesheets import comparing, writing
from openbenefits.programs.ratesheets.checking import check
from openbenefits.programs.ratesheets.reading import KEYS, Cell, Wanted, read_sheet
from openbenefits.programs.reader import Reading, read
from openbenefits.programs.sections.rates import RateTablePart

READ_KEYS = ("age", "area", "coverage_code", "smoker", "sex")
"""The keys a sheet can have; service and pay have no columns at carriers."""


@dataclass(frozen=True, kw_only=True)
class RateOrder:
    """What to import: a sheet, as the version of a table from a day.

    `geography` and `is_per_member` describe a table that is new; an existing one keeps what it has.
    `bundle` is set-up read already (a draft), in place of what the folder holds; `mapped` says what headings
    mean that the product does not know.
    """

    folder: Path
    table: str
    sheet: Path
    valid_from: date
    source: str
    sheet_name: str | None = None
    geography: str | None = None
    is_per_member: bool = False
    bundle: LoadedBundle | None = None
    mapped: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RatePreview:
    """What an import would do: the changes, what speaks against it, and the files it would write."""

    order: RateOrder
    changes: comparing.Changes
    findings: list[Finding]
    texts: Mapping[Path, str]

    @property
    def is_applicable(self) -> bool:
        return not has_errors(self.findings)


def preview_rates(order: RateOrder, peo: LoadedBundle | None = None) -> RatePreview:
    """Read and check a sheet and compare it with the rates in the folder. Nothing is written.

    `peo` is the PEO's bundle, for the tiers and areas a client's folder does not have itself.
    """
    reading = Reading(bundle=order.bundle, findings=[]) if order.bundle else read(order.folder)
    nothing = comparing.compare({}, [])
    if reading.bundle is None:
        return RatePreview(order=order, changes=nothing, findings=reading.findings, texts={})
    bundle = reading.bundle
    table = _latest(bundle, order) or RateTablePart(
        code=order.table,
        valid_from=order.valid_from,
        source=order.source,
        geography=order.geography,
        per_member=order.is_per_member,
    )
    findings = [*reading.findings, *_obstacles(bundle, order, table)]
    if has_errors(findings):
        return RatePreview(order=order, changes=nothing, findings=findings, texts={})
    is_new = not table.keys and not _rates(bundle, table).height
    in_force = {} if is_new else _by_keys(_rates(bundle, table))
    sheet = read_sheet(order.sheet, _wanted(bundle, peo, table, order, is_new=is_new), order.sheet_name)
    if all(fault.code == "plan_year" for fault in sheet.faults):  # the cells could be read
        tiers = {keys[2] for keys in in_force} - {None}
        check(sheet, in_force, tiers)
        _check_keys(sheet, table, is_new=is_new)
    rates = [(cell.keys, cell.micros) for cell in sheet.cells]
    return RatePreview(
        order=order,
        changes=comparing.compare(in_force, rates),
        findings=[*findings, *sheet.faults],
        texts={} if has_errors(sheet.faults) else _texts(order, table, sheet.cells),
    )


def apply_rates(preview: RatePreview) -> list[Path]:
    """Write the files of a preview: the rates, and the part of the bundle that names them. No other changes.

    Errors: ValueError for a preview with findings.
    """
    if not preview.is_applicable:
        message = (
            f"{preview.order.sheet.name}: expected a sheet without faults. Correct what the preview lists."
        )
        raise ValueError(message)
    writing.write_together(preview.texts)
    return list(preview.texts)


def table_as_sheet(folder: Path, table: str, valid_from: date | None, over: str | None) -> pl.DataFrame:
    """Lay out the latest (or a day's) version of a table as carriers do, for people to edit.

    Errors: LookupError if there is none; ValueError for keys that sheets do not have.
    """
    return sheet_in(read(folder).bundle, str(folder), table, valid_from, over)


def sheet_in(
    bundle: LoadedBundle | None, name: str, table: str, valid_from: date | None, over: str | None
) -> pl.DataFrame:
    """Lay out a table of a bundle that is read already; `name` stands for it in errors. Else as above."""
    versions = [] if bundle is None else [one for one in bundle.parts.rate_tables if one.code == table]
    chosen = [one for one in versions if valid_from in (None, one.valid_from)]
    if bundle is None or not chosen:
        known = sorted({one.code for one in bundle.parts.rate_tables}) if bundle else []
        message = f"{name}: expected one of the rate tables {', '.join(known) or '(none)'}, found {table}."
        raise LookupError(message)
    part = max(chosen, key=lambda one: one.valid_from)
    if set(part.keys) - set(READ_KEYS):
        raise ValueError(f"{table}: expected keys of {', '.join(READ_KEYS)}, found {', '.join(part.keys)}.")
    if over is not None and over not in part.keys:
        raise ValueError(
            f"{table}: expected a key to lay out by column ({', '.join(part.keys)}), found {over}."
        )
    return writing.sheet_of(_rates(bundle, part), over)


def _latest(bundle: LoadedBundle, order: RateOrder) -> RateTablePart | None:
    """Answer the version of the table that holds just before the day; the sheet's own files do not count."""
    versions = [
        one
        for one in bundle.parts.rate_tables
        if one.code == order.table and one.valid_from < order.valid_from
    ]
    return max(versions, key=lambda one: one.valid_from, default=None)


def _obstacles(bundle: LoadedBundle, order: RateOrder, table: RateTablePart) -> list[Finding]:
    """Find what forbids a new version of the table on that day."""
    found = []
    later = [one for one in bundle.parts.rate_tables if one.code == order.table]
    written_here = _file_names(order)
    for one in later:
        is_own = one.valid_from == order.valid_from and one.file == written_here[0]
        if one.valid_from >= order.valid_from and not is_own:
            expected = f"no version of `{order.table}` from {order.valid_from} or later"
            cure = "Correct --from, or edit that version by hand."
            found.append(_finding(order, "begins_late", expected, f"one from {one.valid_from}", cure))
    odd = [key for key in table.keys if key not in READ_KEYS]
    if odd:
        expected = f"a table keyed by {', '.join(READ_KEYS)}"
        found.append(_finding(order, "keys", expected, ", ".join(odd), "Write its rates by hand."))
    factors = {
        "curve": table.curve,
        "tiers": table.tiers,
        "tobacco_factor": table.tobacco_factor is not None,
    }
    written_out = [name for name, is_there in factors.items() if is_there]
    if written_out:
        expected = "a table whose rates all stand in it, as in a carrier's sheet"
        cure = "Write its base rates by hand, or make the table anew without factors."
        found.append(_finding(order, "factors", expected, f"`{'`, `'.join(written_out)}`", cure))
    own = _rates(bundle, table)
    if own["employer_micros"].null_count() < own.height:
        expected = "a table without `employer_rate`, which carriers' sheets do not have"
        found.append(_finding(order, "employer_rate", expected, "it", "Write its rates by hand."))
    if not order.source.strip():
        found.append(_finding(order, "no_source", "a source", "none", "Name the document and its date."))
    return found


def _wanted(
    bundle: LoadedBundle, peo: LoadedBundle | None, table: RateTablePart, order: RateOrder, *, is_new: bool
) -> Wanted:
    in_force = _rates(bundle, table)
    holders = [one for one in (bundle, peo) if one is not None]
    areas = {
        area: ""
        for holder in holders
        for area in holder.zips.filter(geography=table.geography or "")["area"].drop_nulls().unique().sort()
    } or dict.fromkeys(in_force["area"].drop_nulls().unique().sort(), "")
    tiers = {
        part.code: part.name
        for holder in holders
        if isinstance(holder.parts, PeoBundle)
        for part in holder.parts.coverage_codes
    } or dict.fromkeys(in_force["coverage_code"].drop_nulls().unique().sort(), "")
    keys = None if is_new else frozenset(table.keys)
    return Wanted(
        table=order.table,
        valid_from=order.valid_from,
        areas=areas,
        tiers=tiers,
        keys=keys,
        mapped=order.mapped,
    )


def _check_keys(sheet: Any, table: RateTablePart, *, is_new: bool) -> None:
    """Find keys the table has and the sheet has not, or the reverse."""
    if is_new or not sheet.cells:
        return
    found = set(_keys_of(sheet.cells))
    if found != set(table.keys):
        expected = f"the keys of `{table.code}`: {', '.join(table.keys) or 'none'}"
        says = ", ".join(sorted(found)) or "none"
        sheet.fault("keys", sheet.file, expected, says, "Take a sheet with the same columns.")


def _texts(order: RateOrder, table: RateTablePart, cells: list[Cell]) -> dict[Path, str]:
    rates_file, part_file = _file_names(order)
    used = _keys_of(cells)
    keys: list[str] = [key for key in READ_KEYS if key in used]
    if set(keys) == set(table.keys):
        keys = list(table.keys)  # in the order they have
    return {
        order.folder / rates_file: writing.csv_of(order.table, cells),
        order.folder / part_file: writing.part_of(table, order.valid_from, order.source, rates_file, keys),
    }


def _file_names(order: RateOrder) -> tuple[str, str]:
    stem = f"rates-{order.table}-{order.valid_from}"
    return f"{stem}.csv", f"{stem}.yaml"


def _keys_of(cells: list[Cell]) -> list[str]:
    names = {"age_from": "age"}
    return [
        names.get(key, key)
        for index, key in enumerate(KEYS)
        if any(cell.keys[index] is not None for cell in cells)
    ]


def _rates(bundle: LoadedBundle, table: RateTablePart) -> pl.DataFrame:
    return bundle.rates.filter(table=table.code, valid_from=table.valid_from)


def _by_keys(rates: pl.DataFrame) -> dict[tuple[Any, ...], int]:
    return {row[:-1]: row[-1] for row in rates.select(*KEYS, "rate_micros").rows()}


def _finding(order: RateOrder, code: str, expected: str, found: str, cure: str) -> Finding:
    where = f"rate_tables[{order.table} from {order.valid_from}]"
    return Finding(code=code, where=where, expected=expected, found=found, cure=cure, file=order.sheet.name)
