"""What cannot be, row by row and among the rows of one file."""

from datetime import date

import polars as pl

from openbenefits.core.days import add_months
from openbenefits.workforce.bounds import LARGEST_HOURS_HUNDREDTHS, LARGEST_PAY_CENTS, OLDEST_BIRTH
from openbenefits.workforce.census.cells import problems, warnings

YOUNGEST_HIRE_MONTHS = 14 * 12
ENDED = ("T", "R", "D")
PERSON_FIELDS = ("first_name", "last_name", "birth_date", "ssn")


def completed(values: pl.DataFrame) -> pl.DataFrame:
    """Say of each row whether it is an employee's or a dependent's, and date a job's end.

    A row without `record` is a dependent's if it states a relationship. An ended job's row is dated the first
    day not employed (rulings §2.1) where the file states no day.
    """
    is_dependent = pl.col("relationship").is_not_null()
    record = pl.col("record").fill_null(
        pl.when(is_dependent).then(pl.lit("dependent")).otherwise(pl.lit("employee"))
    )
    day_after_last = pl.col("last_day_employed").dt.offset_by("1d")
    ends = pl.col("job_status").is_in(ENDED) & pl.col("effective_date").is_null()
    return values.with_columns(
        record=record,
        effective_date=pl.when(ends).then(day_after_last).otherwise("effective_date"),
        job_number=pl.col("job_number").fill_null(0),
    )


def row_faults(cells: pl.DataFrame, values: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """List what is wrong with single rows, and what is worth a warning."""
    is_employee = values["record"] == "employee"
    return pl.concat(
        [
            _missing(cells, is_employee),
            _days(cells, values, is_employee, as_of),
            _job_end(cells, values, is_employee),
            _amounts(cells, values),
            _blank(cells, is_employee),
        ]
    )


def _missing(cells: pl.DataFrame, is_employee: pl.Series) -> pl.DataFrame:
    always = [
        problems(cells, cells[name].is_null(), name, "a value", "fill in the cell")
        for name in ("employee_number", "first_name", "last_name")
    ]
    no_day = is_employee & cells["hire_date"].is_null() & cells["effective_date"].is_null()
    no_kind = ~is_employee & cells["relationship"].is_null()
    return pl.concat(
        [
            *always,
            problems(cells, no_day, "hire_date", "the day of hire", "fill in the cell"),
            problems(
                cells, no_kind, "relationship", "what the dependent is to the employee", "fill in the cell"
            ),
        ]
    )


def _days(cells: pl.DataFrame, values: pl.DataFrame, is_employee: pl.Series, as_of: date) -> pl.DataFrame:
    birth = values["birth_date"]
    first_hire = values.select(add_months(pl.col("birth_date"), YOUNGEST_HIRE_MONTHS)).to_series()
    is_too_young = is_employee & (values["hire_date"] < first_hire)
    return pl.concat(
        [
            problems(
                cells, birth > as_of, "birth_date", f"a day not after {as_of}", "correct the birth date"
            ),
            problems(cells, birth < OLDEST_BIRTH, "birth_date", "a day after 1900", "correct the birth date"),
            problems(
                cells,
                is_too_young & ~(birth > as_of),
                "hire_date",
                "a day at least 14 years after birth",
                "correct the birth date or the day of hire",
            ),
        ]
    )


def _job_end(cells: pl.DataFrame, values: pl.DataFrame, is_employee: pl.Series) -> pl.DataFrame:
    last, on = values["last_day_employed"], values["effective_date"]
    is_ended = is_employee & values["job_status"].is_in(ENDED)
    day_after = last.dt.offset_by("1d")
    is_open = is_employee & last.is_not_null() & ~values["job_status"].is_in(ENDED).fill_null(False)
    cure = "state job_status and last_day_employed together; date the row the day after"
    return pl.concat(
        [
            problems(
                cells, is_ended & last.is_null(), "last_day_employed", "the last day of an ended job", cure
            ),
            problems(cells, is_open, "job_status", "T, R or D beside a last day employed", cure),
            problems(
                cells,
                is_ended & (on < day_after),
                "effective_date",
                "a day after the last day employed",
                cure,
            ),
            problems(
                cells,
                is_employee & (on < values["hire_date"]),
                "effective_date",
                "a day not before the day of hire",
                "correct one of the two days",
            ),
        ]
    )


def _amounts(cells: pl.DataFrame, values: pl.DataFrame) -> pl.DataFrame:
    hours, pay = values["weekly_hours"], values["annual_pay"]
    wrong_hours = (hours < 0) | (hours > LARGEST_HOURS_HUNDREDTHS)
    cure = "correct the number"
    return pl.concat(
        [
            problems(cells, wrong_hours, "weekly_hours", "hours from 0 to 168", cure),
            problems(cells, pay < 0, "annual_pay", "pay of 0 or more", cure),
            problems(
                cells, pay > LARGEST_PAY_CENTS, "annual_pay", "pay below a thousand million dollars", cure
            ),
        ]
    )


def _blank(cells: pl.DataFrame, is_employee: pl.Series) -> pl.DataFrame:
    """Warn of what may be blank here and will be asked for later."""
    later = "fill it in; until then whatever depends on it is an error of that person"
    employee = [
        warnings(cells, is_employee & cells[name].is_null(), name, expected, later)
        for name, expected in (("annual_pay", "the annual pay"), ("zip", "the home zip"))
    ]
    return pl.concat(
        [*employee, warnings(cells, cells["birth_date"].is_null(), "birth_date", "the birth date", later)]
    )


def file_faults(cells: pl.DataFrame, values: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """List what is wrong between rows of one file: the same row twice, two people under one number."""
    numbered_rows = values.filter(pl.col("employee_number").is_not_null())
    employees = numbered_rows.filter(pl.col("record") == "employee")
    dependents = numbered_rows.filter(pl.col("record") == "dependent")
    new = employees.with_columns(pl.coalesce("effective_date", "hire_date").alias("effective_date"))
    known = employees.with_columns(pl.coalesce("effective_date", pl.lit(as_of)).alias("effective_date"))
    job = ["employee_number", "job_number", "effective_date"]
    child = ["employee_number", "dependent_number"]
    numbered = dependents.filter(pl.col("dependent_number").is_not_null())
    return pl.concat(
        [
            pl.concat(
                [
                    _repeated(cells, rows, job, "employee_number", "one row per job and day")
                    for rows in (new, known)
                ]
            ).unique("row", maintain_order=True),
            _repeated(cells, numbered, child, "dependent_number", "each dependent number once"),
            _two_people(cells, employees),
        ]
    )


def _repeated(
    cells: pl.DataFrame, rows: pl.DataFrame, key: list[str], column: str, expected: str
) -> pl.DataFrame:
    """List the second and later rows of one key, naming the first in the cure."""
    first = pl.col("row").min().over(key)
    again = rows.with_columns(first=first).filter(pl.col("row") > pl.col("first")).select("row", "first")
    listed = problems(cells, cells["row"].is_in(again["row"].implode()), column, expected, "")
    named = listed.join(again, on="row", how="left", maintain_order="left")
    return named.with_columns(cure=pl.format("remove this row, or row {}", "first")).drop("first")


def _two_people(cells: pl.DataFrame, employees: pl.DataFrame) -> pl.DataFrame:
    """List the rows of a number that different people are given."""
    differ = [
        (pl.col(name).drop_nulls().n_unique().over("employee_number") > 1).alias(name)
        for name in PERSON_FIELDS
    ]
    rows = employees.select("row", "employee_number", *differ)
    clashing = rows.filter(pl.any_horizontal(*PERSON_FIELDS) & pl.col("employee_number").is_not_null())
    is_clashing = cells["row"].is_in(clashing["row"].implode())
    cure = "give each person a number of their own, or correct the rows to agree"
    return problems(cells, is_clashing, "employee_number", "one person for each number", cure)


def orphans(cells: pl.DataFrame, values: pl.DataFrame, is_known: pl.Series) -> pl.DataFrame:
    """List the dependents whose employee is neither in the file (as a good row) nor known."""
    is_dependent = values["record"] == "dependent"
    return problems(
        cells,
        is_dependent & ~is_known & cells["employee_number"].is_not_null(),
        "employee_number",
        "an employee known already, or a good row of this file",
        "add or correct the employee's row",
    )
