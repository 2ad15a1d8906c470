"""What a criterion looks at: each field as an expression on the facts of a case, or of one of its jobs."""

from collections.abc import Iterable

import polars as pl

from openbenefits.core import days
from openbenefits.core.columns import numbered, take
from openbenefits.programs.criteria import Variant
from openbenefits.programs.fields import FACT_COLUMNS


def fact_of(field: str) -> pl.Expr:
    """Read a field from the columns of the facts; null where it is missing.

    Units: hours and pay in hundredths, as the facts have them; ages and services are measured, not read.
    """
    match field:
        case "company_pay_group":
            return pl.format("{}/{}", "company", "pay_group")
        case "medicare":
            is_entitled = pl.col(FACT_COLUMNS[field])
            return pl.when(is_entitled).then(pl.lit("Y")).when(~is_entitled).then(pl.lit("N"))
        case _:
            return pl.col(FACT_COLUMNS.get(field, field))


def measured(variant: Variant, counted_on: pl.Expr | None = None) -> pl.Expr:
    """What a criterion compares of a case's own facts: a number, a code, or the completed years or months.

    Ages and services are counted on a day already known (`with_counted_days`), or on the one found here.
    """
    if variant.field not in _COUNTED:
        return fact_of(variant.field)
    on = _counted_on(variant) if counted_on is None else counted_on
    if variant.field == "age_years":
        return days.age_years(pl.col("birth_on"), on).cast(pl.Int64)
    return days.months_of_service(pl.col("service_on"), on).cast(pl.Int64)


_COUNTED = ("age_years", "service_months")


def with_counted_days(cases: pl.DataFrame, variants: Iterable[Variant]) -> pl.DataFrame:
    """Add the days on which criteria count ages and services (`counted_day`): once for each event date."""
    asked = {counted_day(one): _counted_on(one) for one in variants if one.field in _COUNTED}
    asked.pop("event_on", None)
    if not asked:
        return cases
    event_days, which = numbered(cases[["event_on"]], "event_day")
    return cases.hstack(take(event_days.with_columns(**asked), which, *asked))


def counted_day(variant: Variant) -> str:
    """Name the column of the day on which a criterion counts."""
    return "event_on" if variant.as_of == "event_date" else f"{variant.as_of} {variant.as_of_day}"


def _counted_on(variant: Variant) -> pl.Expr:
    """The day a criterion counts ages and services on; 29 February is the 28th of a common year."""
    event_on = pl.col("event_on")
    if variant.as_of == "event_date":
        return event_on
    month, day = (int(part) for part in variant.as_of_day.split("-"))
    first = pl.date(event_on.dt.year() - (variant.as_of == "last_year"), month, 1)
    return first + pl.duration(days=pl.min_horizontal(pl.lit(day), first.dt.days_in_month()) - 1)
