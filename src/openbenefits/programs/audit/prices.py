"""Prices: no option without one, and a rate for everybody who can have the option."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from openbenefits.core.codes import CHILD_TYPES, RATED_PERSONS, AmountKind, AreaOf, PersonType, RateUnit
from openbenefits.core.plan_types import carries_coverage_amount
from openbenefits.programs.audit.context import Audited, in_force_from, listed, numbered
from openbenefits.programs.audit.programs import Place, places
from openbenefits.programs.audit.rates import KEY_COLUMNS
from openbenefits.programs.curves import rate_keys
from openbenefits.programs.findings import Finding
from openbenefits.programs.offers import option_of_deduction
from openbenefits.programs.sections.amounts import CostPart
from openbenefits.programs.sections.calendars import AddressPart
from openbenefits.programs.sections.offers import OptionPart, ProgramPart
from openbenefits.programs.sections.rates import RateTablePart
from openbenefits.programs.values import Path

_PER_COVERAGE = (RateUnit.PER_HUNDRED, RateUnit.PER_THOUSAND)


def prices(audited: Audited) -> Iterator[Finding]:
    """Find options that nobody prices, and prices that nobody deducts."""
    for place in places(audited):
        for path, option in numbered(place.part.options, *place.path, "options"):
            is_amount_stated = place.part.amount is not AmountKind.NONE
            if not option.costs and not is_amount_stated:
                cure = "Add a cost; an option that is free has a rate of 0."
                yield audited.finding(path, "no_price", "a price", "none", cure)
            is_deducted = is_amount_stated or any(_may_cost(audited, cost) for cost in option.costs)
            if is_deducted and option.deduction_code is None:
                cure = "Name the deduction code."
                expected = "a deduction code, as the employee may pay"
                yield audited.finding(path, "no_deduction_code", expected, "none", cure)
            yield from _units(audited, path, place, option)


def priced(audited: Audited) -> Iterator[tuple[Path, ProgramPart, OptionPart]]:
    """List path, program and option: of plan types, and general deductions as the options they are."""
    for place in places(audited):
        for path, option in numbered(place.part.options, *place.path, "options"):
            yield path, place.program, option
    for path, program in numbered(audited.client.programs if audited.client else (), "programs"):
        for place_of, deduction in numbered(program.deductions, *path, "deductions"):
            yield place_of, program, option_of_deduction(deduction)


def missing_rates(audited: Audited) -> Iterator[Finding]:
    """Find rating areas, coverage codes and kinds of people that an option admits and its rates do not."""
    seen: set[tuple[str, ...]] = set()
    for path, program, option in priced(audited):
        for cost in option.costs:
            versions = audited.find("rate_tables", cost.rate_table)
            for table in in_force_from(versions, program.valid_from):
                missing = _missing(audited, option, table)
                key = (table.code, str(table.valid_from), *missing)
                if missing and key not in seen:
                    yield _missing_finding(audited, path, table, missing)
                seen.add(key)


def missing_contributions(audited: Audited) -> Iterator[Finding]:
    """Find coverage codes for which the employer's part is not said."""
    for path, program, option in priced(audited):
        for cost in option.costs:
            versions = audited.find("contributions", cost.contribution)
            for part in in_force_from(versions, program.valid_from):
                known = {row.coverage_code for row in part.rows}
                needed = option.coverage_codes or ["no coverage code"]
                missing = [] if "" in known else [code for code in needed if code not in known]
                if missing:
                    cure = "Add a row for each, or one with a blank coverage code."
                    expected = f"a row of `{part.code}` for each coverage code"
                    found = f"none for {listed(missing)}"
                    yield audited.finding(path, "no_contribution", expected, found, cure)


def _may_cost(audited: Audited, cost: CostPart) -> bool:
    """Tell whether an employee may have to pay: not where rates are 0 or the employer pays all."""
    rates = audited.rates(cost.rate_table)
    remaining = rates["rate_micros"] - rates["employer_micros"].fill_null(0)
    if rates.is_empty() or remaining.max() == 0:
        return False
    rows = [row for part in audited.find("contributions", cost.contribution) for row in part.rows]
    return not rows or not all(_pays_all(row) for row in rows)


def employer_twice(audited: Audited) -> Iterator[Finding]:
    """Find prices whose employer's part both the rates and a contribution state."""
    for path, _, option in priced(audited):
        for cost in option.costs:
            stated = audited.rates(cost.rate_table)["employer_micros"].drop_nulls()
            if cost.contribution and stated.len():
                expected = "the employer's part stated once"
                found = f"by the rates of `{cost.rate_table}` and by `{cost.contribution}`"
                cure = "Remove the contribution of the cost, or the employer's part of the rates."
                yield audited.finding(path, "employer_twice", expected, found, cure)


def _pays_all(row: Any) -> bool:
    return row.employee_percent == 100 and row.dependent_percent == 100 and row.cap_monthly is None


def addresses_of(audited: Audited, table: RateTablePart) -> list[AddressPart]:
    """List the addresses that a rate table goes by, those switched off too."""
    if audited.client is None:
        return []
    of_company = table.area_of is AreaOf.COMPANY
    return audited.client.company_addresses if of_company else audited.client.location_addresses


def _units(audited: Audited, path: Path, place: Place, option: OptionPart) -> Iterator[Finding]:
    """Find rates per unit of coverage where there is no coverage amount."""
    for cost in option.costs:
        units = {table.unit for table in audited.find("rate_tables", cost.rate_table)}
        if units & set(_PER_COVERAGE) and not carries_coverage_amount(place.part.plan_type):
            expected = "a rate that needs no coverage amount"
            found = f"`{cost.rate_table}`, {listed(sorted(unit.value for unit in units))}"
            yield audited.finding(path, "rate_unit", expected, found, "Use another rate table.")


def _missing_finding(audited: Audited, path: Path, table: RateTablePart, missing: tuple[str, ...]) -> Finding:
    expected = f"rates in `{table.code}` from {table.valid_from} for all who can have the option"
    cure = "Add the rates, or narrow the option's service area or coverage codes."
    return audited.finding(path, "no_rate", expected, f"none for {listed(missing)}", cure)


def _missing(audited: Audited, option: OptionPart, table: RateTablePart) -> tuple[str, ...]:
    """List the combinations of keys without a rate."""
    rates = audited.rates(table.code).filter(pl.col("valid_from") == table.valid_from)
    needed = pl.DataFrame({"_": [0]})
    columns = []
    for key, values in _needed(audited, option, table).items():
        if key in rate_keys(table):
            columns.append(KEY_COLUMNS[key])
            needed = needed.join(pl.DataFrame({KEY_COLUMNS[key]: values}), how="cross")
    if not columns or rates.is_empty():
        return ()
    bare = needed.join(rates, on=columns, how="anti").select(columns)
    return tuple(" / ".join(str(value) for value in row) for row in bare.sort(columns).rows())


def _needed(audited: Audited, option: OptionPart, table: RateTablePart) -> dict[str, pl.Series]:
    return {
        "area": _areas(audited, option, table),
        "coverage_code": pl.Series(option.coverage_codes, dtype=pl.String),
        "smoker": pl.Series([False, True]),
        "sex": pl.Series(["F", "M"]),
        "person_type": _person_types(audited, option),
    }


def _person_types(audited: Audited, option: OptionPart) -> pl.Series:
    """List the types of persons an option's coverage codes cover: the code CH covers children of any type."""
    ranges = [
        (kind, allowed)
        for code in audited.codes.coverage_codes
        if code.code in option.coverage_codes
        for kind, allowed in code.persons.items()
    ]
    covered = {kind for kind, allowed in ranges if allowed.max > 0}
    types = [kind for kind in RATED_PERSONS if kind in covered or kind is PersonType.EMPLOYEE]
    if PersonType.CHILD in covered:
        types = list(dict.fromkeys([*types, *CHILD_TYPES]))
    return pl.Series([kind.value for kind in types], dtype=pl.String)


def _areas(audited: Audited, option: OptionPart, table: RateTablePart) -> pl.Series:
    """List the rating areas in which people can have an option."""
    zips = audited.zips(table.geography or "").drop_nulls("area")
    if table.area_of is not AreaOf.HOME:
        return zips.filter(pl.col("zip").is_in([one.zip for one in addresses_of(audited, table)]))[
            "area"
        ].unique()
    if option.service_area:
        zips = zips.join(audited.zips(option.service_area), on="zip", how="semi")
    return zips["area"].unique()
