"""The people of a file as the rows of a census: days of hire, jobs and pay as far as they are told."""

import polars as pl

from openbenefits.carriers.enrollment.person import PAYS_PER_YEAR
from openbenefits.carriers.opening.families import ENDED, Families
from openbenefits.carriers.opening.mapping import Mapping
from openbenefits.workforce.census import COLUMNS

JOB_STATUS = {"L1": "L", **ENDED}
FULL_PART = {"FT": "F", "PT": "P"}
MEDICARE = {**dict.fromkeys("ABCD", "Y"), "E": "N"}
TOBACCO = {**dict.fromkeys("TX", "Y"), **dict.fromkeys("NS", "N")}
STUDENT = {"F": "Y", "P": "N", "N": "N"}


def census_cells(
    families: Families, identifiers: pl.DataFrame, lines: pl.DataFrame, mapping: Mapping
) -> pl.DataFrame:
    """Answer people as the cells of a census: `row` and every census column, as text."""
    firsts = lines.group_by(row="member").agg(first_on=pl.col("begins_on").min())
    people = families.people.filter(pl.col("employee_number").is_not_null())
    people = people.join(firsts, on="row", how="left", maintain_order="left")
    people = _with_identifiers(people, identifiers, mapping)
    is_self = pl.col("is_subscriber")
    own = {name: pl.when(is_self).then(cell) for name, cell in _of_employees(mapping).items()}
    dependents = {name: pl.when(~is_self).then(cell) for name, cell in _OF_DEPENDENTS.items()}
    both = {
        "record": pl.when(is_self).then(pl.lit("employee")).otherwise(pl.lit("dependent")),
        "employee_number": pl.col("employee_number"),
        "first_name": pl.col("first_name"),
        "last_name": pl.col("last_name"),
        "middle_name": pl.col("middle_name"),
        "suffix": pl.col("suffix"),
        "ssn": pl.col("ssn"),
        "birth_date": pl.col("birth_on").cast(pl.String),
        "sex": pl.col("sex"),
        "smoker": _meant("tobacco", TOBACCO),
    }
    given = {**both, **own, **dependents}
    stated = {name: _value(name, mapping, is_self) for name in {*mapping.identifiers, *mapping.cells}}
    cells = {name: pl.coalesce(stated[name], given.get(name)) for name in stated} if stated else {}
    every = given | cells
    blank = pl.lit(None, pl.String)
    return people.select("row", **{name: every.get(name, blank).cast(pl.String) for name in COLUMNS})


def _with_identifiers(people: pl.DataFrame, identifiers: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """Add a column `told_X` for each census column that comes from an identifier."""
    for name, kind in mapping.identifiers.items():
        told = identifiers.filter(pl.col("kind") == kind).unique("member", keep="first", maintain_order=True)
        told = told.select(row="member", **{f"told_{name}": pl.col("value")})
        people = people.join(told, on="row", how="left", maintain_order="left")
    return people


def _value(name: str, mapping: Mapping, is_self: pl.Expr) -> pl.Expr:
    """Answer what an identifier says, by our codes; else what is so of all. Of employees only."""
    told = pl.col(f"told_{name}") if name in mapping.identifiers else pl.lit(None, pl.String)
    if words := mapping.values.get(name):
        told = told.replace(words)
    return pl.when(is_self).then(pl.coalesce(told, pl.lit(mapping.cells.get(name), pl.String)))


def _of_employees(mapping: Mapping) -> dict[str, pl.Expr]:
    days = {
        "336": pl.col("hired_on"),
        "356": pl.col("eligible_on"),
        "383": pl.col("adjusted_on"),
        "begin": pl.min_horizontal("first_on", "ended_on"),  # who continues was covered before
    }
    pays = pl.col("pay_frequency").replace_strict(PAYS_PER_YEAR, default=None, return_dtype=pl.Int64)
    cents = pl.col("pay_cents") * pl.when(pl.col("pay_frequency").is_null()).then(1).otherwise(pays)
    status = _meant("employment", JOB_STATUS)
    is_over = pl.col("employment").is_in(list(ENDED))
    line = pl.concat_str([pl.col("line1"), pl.col("line2")], separator=" ", ignore_nulls=True)
    return {
        "marital_status": pl.col("marital"),
        "medicare": _meant("medicare", MEDICARE),
        "hire_date": pl.coalesce(*(days[one] for one in mapping.hire_from)).cast(pl.String),
        "address": pl.when(line != "").then(line),
        "city": pl.col("city"),
        "state": pl.col("state"),
        "zip": pl.col("zip"),
        "email": pl.col("email"),
        "phone": pl.col("phone"),
        "job_status": pl.when(~is_over | pl.col("ended_on").is_not_null()).then(status),
        "last_day_employed": pl.when(is_over).then(pl.col("ended_on")).cast(pl.String),
        "full_part_time": _meant("employment", FULL_PART),
        "weekly_hours": pl.col("hours"),
        "annual_pay": pl.when(cents.is_not_null()).then(
            pl.format("{}.{}", cents // 100, (cents % 100).cast(pl.String).str.zfill(2))
        ),
    }


def _meant(column: str, words: dict[str, str]) -> pl.Expr:
    return pl.col(column).replace_strict(words, default=None, return_dtype=pl.String)


_OF_DEPENDENTS = {
    "died_on": pl.col("died_on").cast(pl.String),
    "relationship": pl.col("word"),
    "student": _meant("student", STUDENT),
    "disabled": pl.col("disabled").replace_strict({"Y": "Y", "N": "N"}, default=None, return_dtype=pl.String),
}
