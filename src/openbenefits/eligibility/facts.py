"""What a criterion looks at: each field as an expression on the facts of a case, or of one of its jobs."""

import polars as pl

from openbenefits.core import days
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


def measured(variant: Variant) -> pl.Expr:
    """What a criterion compares of a case's own facts: a number, a code, or the completed years or months."""
    match variant.field:
        case "age_years":
            return days.age_years(pl.col("birth_on"), counted_on(variant)).cast(pl.Int64)
        case "service_months":
            return days.months_of_service(pl.col("service_on"), counted_on(variant)).cast(pl.Int64)
        case _:
            return fact_of(variant.field)


def counted_on(variant: Variant) -> pl.Expr:
    """The day a criterion counts ages and services on; 29 February is the 28th of a common year."""
    event_on = pl.col("event_on")
    if variant.as_of == "event_date":
        return event_on
    month, day = (int(part) for part in variant.as_of_day.split("-"))
    first = pl.date(event_on.dt.year() - (variant.as_of == "last_year"), month, 1)
    return first + pl.duration(days=pl.min_horizontal(pl.lit(day), first.dt.days_in_month()) - 1)
