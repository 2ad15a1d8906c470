"""Addresses of companies and locations: there, and in a rating area, where rates go by them."""

from collections.abc import Iterator
from datetime import date

import polars as pl

from openbenefits.core.codes import AreaOf
from openbenefits.programs.audit.context import Audited, in_force_from, listed
from openbenefits.programs.audit.prices import addresses_of, priced
from openbenefits.programs.curves import rate_keys
from openbenefits.programs.findings import Finding
from openbenefits.programs.sections.rates import RateTablePart
from openbenefits.programs.values import Path


def addresses(audited: Audited) -> Iterator[Finding]:
    """Find addresses that a price goes by and that are missing, begin late, or lie in no rating area."""
    seen: set[tuple[str, date]] = set()
    for path, program, option in priced(audited):
        for cost in option.costs:
            for table in in_force_from(audited.find("rate_tables", cost.rate_table), program.valid_from):
                is_new = (table.code, table.valid_from) not in seen
                seen.add((table.code, table.valid_from))
                if is_new and table.area_of is not AreaOf.HOME and "area" in rate_keys(table):
                    begins = max(table.valid_from, program.valid_from)
                    yield from _missing(audited, path, table, begins)
                    yield from _outside(audited, path, table)


def _missing(audited: Audited, path: Path, table: RateTablePart, begins: date) -> Iterator[Finding]:
    """Every company needs an address from the first day on; of locations only that there is one is known."""
    known = {code for code in _codes(audited, table) if _holds_from(audited, table, code, begins)}
    of_company = table.area_of is AreaOf.COMPANY
    needed = [one.code for one in audited.client.companies] if audited.client and of_company else []
    bare = [code for code in needed if code not in known]
    section = f"{table.area_of}_addresses"
    expected = f"an address in `{section}` from {begins}, as `{table.code}` goes by it"
    cure = f"Add the address to `{section}`, with the day from which it holds."
    if bare:
        yield audited.finding(path, "no_address", expected, f"none for {listed(bare)}", cure)
    elif not known:
        yield audited.finding(path, "no_address", expected, "none", cure)


def _codes(audited: Audited, table: RateTablePart) -> set[str]:
    return {one.code for one in addresses_of(audited, table)}


def _holds_from(audited: Audited, table: RateTablePart, code: str, day: date) -> bool:
    """Tell whether there is an address on a day, and on every later one."""
    rows = in_force_from([one for one in addresses_of(audited, table) if one.code == code], day)
    return rows[0].valid_from <= day and all(one.active for one in rows)


def _outside(audited: Audited, path: Path, table: RateTablePart) -> Iterator[Finding]:
    placed = audited.zips(table.geography or "").drop_nulls("area")
    zips = sorted({one.zip for one in addresses_of(audited, table)})
    outside = [one for one in zips if placed.filter(pl.col("zip") == one).is_empty()]
    if outside and table.geography is not None:
        expected = f"addresses in a rating area of `{table.geography}`, as `{table.code}` goes by them"
        cure = "Correct the zip of the address, or complete the geography."
        yield audited.finding(path, "address_without_area", expected, f"none for {listed(outside)}", cure)
