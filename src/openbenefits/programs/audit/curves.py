"""Age curves, tiers and tobacco: ages without a factor, factors that cannot be, keys written twice."""

from collections.abc import Iterator
from decimal import Decimal

import polars as pl

from openbenefits.core.codes import RateUnit, Severity
from openbenefits.programs.audit.context import Audited, listed, numbered
from openbenefits.programs.curves import curve_on
from openbenefits.programs.findings import Finding
from openbenefits.programs.sections.rates import RateTablePart
from openbenefits.programs.values import Path

MOST_TOBACCO = Decimal("1.5")
"""45 CFR 147.102(a)(1)(iv)."""

OLDEST = 120
STEEPEST = 6_000_000
"""A factor beyond six is a slip of the pen: the steepest published curve ends at 3."""


def age_curves(audited: Audited) -> Iterator[Finding]:
    """Find curves without factors, with gaps, with an age twice, or with factors nobody publishes."""
    for path, curve in numbered(audited.parts.age_curves, "age_curves"):
        rows = audited.bundle.curves.filter(curve=curve.code, valid_from=curve.valid_from).sort("age")
        ages = rows["age"].to_list()
        if not ages:
            cure = "Write its factors, or correct the code in the column `curve`."
            yield audited.finding(path, "no_factors", "a factor for each age", "none", cure)
            continue
        twice = sorted({age for age in ages if ages.count(age) > 1})
        if twice:
            cure = "Keep one of them."
            yield audited.finding(path, "age_twice", "each age once", f"twice: {listed(twice)}", cure)
        absent = [age for age in range(ages[0], ages[-1]) if age not in ages]
        if absent:
            cure = "Add their factors; nothing is put between two ages."
            yield audited.finding(
                path, "age_gap", "every age from first to last", f"not {listed(absent)}", cure
            )
        odd = rows.filter(~pl.col("factor_micros").is_between(1, STEEPEST))["age"].to_list()
        if odd or ages[-1] > OLDEST:
            expected = f"factors above 0 and up to 6, ages up to {OLDEST}"
            found = f"others at {listed(odd or ages[-1:])}"
            yield audited.finding(path, "factor", expected, found, "Correct them.")


def table_faults(audited: Audited, path: Path, table: RateTablePart) -> Iterator[Finding]:
    """Find what is wrong with the way a table's rates are written out."""
    yield from _curve_faults(audited, path, table)
    if not (table.curve or table.tiers or table.tobacco_factor is not None):
        return
    if table.unit is not RateUnit.FLAT:
        expected, cure = "flat rates, as what is written out is rounded to the cent", "Write the rates out."
        yield audited.finding(path, "factor_unit", expected, table.unit.value, cure)
    own = (("age", table.curve), ("coverage_code", table.tiers), ("smoker", table.tobacco_factor is not None))
    for key, is_written_out in own:
        if is_written_out and key in table.keys:
            expected = f"the key `{key}` from factors alone"
            yield audited.finding(path, "key_twice", expected, "it among the keys, too", "Remove the key.")
    yield from _tobacco_faults(audited, path, table)
    yield from _tier_faults(audited, path, table)


def _curve_faults(audited: Audited, path: Path, table: RateTablePart) -> Iterator[Finding]:
    if table.curve is None:
        if table.base_age != _BASE:
            cure = "Remove the base age, or name the curve."
            yield audited.finding(path, "base_age", "a base age with a curve", f"{table.base_age}", cure)
        return
    curve = curve_on(table, audited.bundle.curve_parts)
    if curve is None:
        expected = f"an age curve, its own or the PEO's, that holds on {table.valid_from}"
        cure = "Correct the code, or add the curve with an earlier date."
        yield audited.finding(path, "no_curve", expected, f"`{table.curve}`", cure)
        return
    ages = audited.bundle.curves.filter(curve=curve.code, valid_from=curve.valid_from)["age"].to_list()
    if ages and table.base_age not in ages:
        cure = "State the rates of an age the curve has."
        expected = f"a base age of the curve `{curve.code}`"
        yield audited.finding(path, "base_age", expected, f"{table.base_age}", cure)


_BASE = 21


def _tobacco_faults(audited: Audited, path: Path, table: RateTablePart) -> Iterator[Finding]:
    factor = table.tobacco_factor
    if factor is not None and not 1 <= factor <= MOST_TOBACCO:
        expected = "a tobacco factor from 1 to 1.5"
        yield audited.finding(path, "tobacco_factor", expected, f"{factor}", "Correct it.")
    if factor is not None and not (table.curve or "age" in table.keys):
        expected = f"a table by age, as the factor counts from {table.tobacco_from_age}"
        yield audited.finding(path, "tobacco_age", expected, "none", "Add the key `age`, or a curve.")


def _tier_faults(audited: Audited, path: Path, table: RateTablePart) -> Iterator[Finding]:
    known = {code.code for code in audited.codes.coverage_codes}
    unknown = [code for code in table.tiers if code not in known]
    if unknown:
        cure = "Correct the codes."
        yield audited.finding(path, "tier_code", "known coverage codes", listed(unknown), cure)
    if any(factor <= 0 for factor in table.tiers.values()):
        yield audited.finding(path, "tier_factor", "factors above 0", "0", "Correct them.")
    if table.tiers and table.per_member:
        cure = "Remove the tiers, or make the table one of composite rates."
        expected = "tiers, or a rate for each member"
        yield audited.finding(path, "tiers_per_member", expected, "both", cure, Severity.ERROR)
