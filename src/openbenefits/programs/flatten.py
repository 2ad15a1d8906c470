"""From bundles to rows: one frame per table of set-up, codes replaced by their stable numbers.

A code in a client's bundle means the client's own record if it has one, else the PEO's.
Takes bundles whose audit has no errors; an unknown code raises KeyError.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import polars as pl

from openbenefits.programs import models
from openbenefits.programs.bundle import ClientBundle
from openbenefits.programs.curves import age_through, curve_text
from openbenefits.programs.loaded import LoadedBundle
from openbenefits.programs.numbers import ANY, Numbers
from openbenefits.programs.rows import calendars, codes, programs, rules
from openbenefits.store.bulk import schema_of

Model = type[models.SetupRow]
RowMaker = Callable[[Any, Numbers], Iterator[dict[str, Any]]]

_ADDED = ("id", "client_id", "release_id")

_SHARED_TABLES: dict[Model, RowMaker] = {
    models.Plan: codes.plans,
    models.RateTable: codes.rate_tables,
    models.CalculationRule: codes.calculation_rules,
    models.DeductionCode: codes.deduction_codes,
    models.Fund: codes.funds,
    models.Translation: codes.translations,
    models.CoverageGroup: codes.coverage_groups,
    models.PassiveEvent: codes.passive_events,
    models.LeavePolicy: codes.leave_policies,
    models.PayrollTerms: codes.payroll_terms,
    models.DependentRule: rules.dependent_rules,
    models.EligibilityRule: rules.eligibility_rules,
    models.EligibilityCriterion: rules.eligibility_criteria,
    models.EligibilityValue: rules.eligibility_values,
    models.EventRule: rules.event_rules,
    models.PersonChange: rules.person_changes,
    models.Formula: rules.formulas,
    models.FormulaStep: rules.formula_steps,
    models.AgeReduction: rules.age_reductions,
    models.Contribution: rules.contributions,
}
_PEO_TABLES: dict[Model, RowMaker] = {
    models.EventClass: codes.event_classes,
    models.ActionReason: codes.actions,
    models.CobraClass: codes.cobra_classes,
    models.CoverageCode: codes.coverage_codes,
}
_CLIENT_TABLES: dict[Model, RowMaker] = {
    models.Program: programs.programs,
    models.CreditPlan: programs.credit_plans,
    models.PlanTypeRow: programs.plan_type_rows,
    models.Option: programs.options,
    models.Cost: programs.costs,
    models.ExcludedCoverage: programs.excluded_coverage,
    models.PayGroup: calendars.pay_groups,
    models.Address: calendars.addresses,
    models.BenefitGroup: calendars.benefit_groups,
    models.Schedule: calendars.schedules,
    models.ScheduleProgram: calendars.schedule_programs,
    models.RunControl: calendars.run_controls,
}


def flatten(
    loaded: LoadedBundle, numbers: Numbers, *, client_id: int, release_id: int
) -> dict[Model, pl.DataFrame]:
    """Turn a bundle into the rows of every table its kind fills.

    Shapes: each frame has all columns of its table but `id`.
    """
    tables = _SHARED_TABLES | (_CLIENT_TABLES if loaded.is_client else _PEO_TABLES)
    frames = {model: _frame(model, make(loaded.parts, numbers)) for model, make in tables.items()}
    frames[models.RateRow] = _rate_rows(loaded, numbers)
    frames[models.RateTable] = _with_curves(frames[models.RateTable], loaded)
    frames[models.GeographyZip] = _zip_rows(loaded, numbers)
    if not loaded.is_client:
        frames[models.AnnualLimit] = loaded.limits.select(_columns(models.AnnualLimit).keys())
        frames[models.AgeRate] = loaded.ages.select(_columns(models.AgeRate).keys())
    if isinstance(loaded.parts, ClientBundle):
        empty = pl.DataFrame(schema=_columns(models.PayPeriod))
        periods = calendars.pay_periods(loaded.parts, numbers, loaded.holidays)
        frames[models.PayPeriod] = pl.concat([empty, *periods], how="diagonal_relaxed")
    return {
        model: _as_stored(frame, model, client_id=client_id, release_id=release_id)
        for model, frame in frames.items()
    }


def _columns(model: Model) -> dict[str, pl.DataType]:
    """Answer the columns a table takes from a bundle."""
    return {name: dtype for name, dtype in schema_of(model).items() if name not in _ADDED}


def _frame(model: Model, rows: Iterator[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=_columns(model), orient="row")


def _as_stored(frame: pl.DataFrame, model: Model, *, client_id: int, release_id: int) -> pl.DataFrame:
    whole = frame.with_columns(client_id=pl.lit(client_id), release_id=pl.lit(release_id))
    columns = {name: dtype for name, dtype in schema_of(model).items() if name != "id"}
    return whole.select(pl.col(name).cast(dtype) for name, dtype in columns.items())


def _with_curves(tables: pl.DataFrame, loaded: LoadedBundle) -> pl.DataFrame:
    """Say which curve the tables follow, and up to which age they have rates; most have no such age."""
    known = loaded.curves, loaded.curve_parts
    oldest = [age_through(part, *known) for part in loaded.parts.rate_tables]
    curves = [curve_text(part, *known) for part in loaded.parts.rate_tables]
    return tables.with_columns(
        age_through=pl.Series(oldest, dtype=tables.schema["age_through"]),
        curve=pl.Series(curves, dtype=pl.String),
    )


def _rate_rows(loaded: LoadedBundle, numbers: Numbers) -> pl.DataFrame:
    """Number the rates' tables and coverage codes; keys a table does not use are 0, '' or false."""
    rates = loaded.rates
    return rates.select(
        "valid_from",
        "rate_micros",
        "employer_micros",
        "age_factor_micros",
        _numbered("table", "rate_table", rates, numbers).alias("rate_table_id"),
        _numbered("coverage_code", "coverage_code", rates, numbers).fill_null(ANY).alias("coverage_code_id"),
        pl.col("age_from", "service_months_from", "annual_pay_from_cents").fill_null(0),
        pl.col("area", "sex", "person_type").fill_null(""),
        pl.col("smoker").fill_null(False).alias("is_smoker"),
    )


def _zip_rows(loaded: LoadedBundle, numbers: Numbers) -> pl.DataFrame:
    zips = loaded.zips.unique(["geography", "zip", "area"], maintain_order=True)
    return zips.select(
        _numbered("geography", "geography", zips, numbers).alias("geography_id"),
        "zip",
        pl.col("area").fill_null(""),
    )


def _numbered(column: str, kind: str, frame: pl.DataFrame, numbers: Numbers) -> pl.Expr:
    """Replace a column of codes by their numbers."""
    known: Mapping[str, int] = {
        code: numbers.of(kind, code) for code in frame[column].drop_nulls().unique().to_list()
    }
    return pl.col(column).replace_strict(known, default=None, return_dtype=pl.Int32)
