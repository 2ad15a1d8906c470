"""What a criterion looks at: each field as an expression on the facts of a case, or of one of its jobs."""

import polars as pl

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
