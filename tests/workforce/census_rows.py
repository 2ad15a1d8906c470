"""A made-up census of any size, in the canonical columns, without chance."""

from datetime import date

import polars as pl

from openbenefits.workforce.census import COLUMNS

BIRTH, HIRE = date(1980, 1, 1), date(2010, 3, 1)


def employees(count: int) -> pl.DataFrame:
    n = pl.int_range(1, count + 1)
    stated = pl.select(
        record=pl.lit("employee"),
        employee_number=pl.format("E{}", n.cast(pl.String).str.zfill(5)),
        first_name=pl.lit("Ada"),
        last_name=pl.format("Moss{}", _letters(n)),
        ssn=pl.format("9{}", n.cast(pl.String).str.zfill(8)),
        birth_date=(pl.lit(BIRTH).cast(pl.Int32) + n).cast(pl.Date).cast(pl.String),
        sex=pl.lit("F"),
        smoker=pl.lit("N"),
        marital_status=pl.lit("single"),
        hire_date=pl.lit(HIRE).cast(pl.String),
        address=pl.lit("1 Main Street"),
        city=pl.lit("Cambridge"),
        state=pl.lit("MA"),
        zip=pl.lit("02139"),
        benefit_group=pl.lit("A"),
        weekly_hours=pl.lit("40.0"),
        annual_pay=pl.lit("52000"),
    )
    return conformed(stated)


def dependents(
    of: pl.DataFrame, relationship: str = "child", first_name: str = "Bo", number: int = 1
) -> pl.DataFrame:
    return conformed(
        of.select(
            "employee_number",
            "last_name",
            record=pl.lit("dependent"),
            dependent_number=pl.lit(str(number)),
            first_name=pl.lit(first_name),
            birth_date=pl.lit("2012-05-06"),
            relationship=pl.lit(relationship),
            sex=pl.lit("M"),
        )
    )


def conformed(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        pl.col(name).cast(pl.String) if name in rows.columns else pl.lit(None, pl.String).alias(name)
        for name in COLUMNS
    )


def changed(rows: pl.DataFrame, at: int, **cells: str | None) -> pl.DataFrame:
    """Write other cells into one row."""
    here = pl.int_range(pl.len()) == at
    return rows.with_columns(
        pl.when(here).then(pl.lit(value)).otherwise(name).alias(name) for name, value in cells.items()
    )


def _letters(n: pl.Expr) -> pl.Expr:
    digits = n.cast(pl.String)
    return digits.str.replace_many(list("0123456789"), list("abcdefghij"))
