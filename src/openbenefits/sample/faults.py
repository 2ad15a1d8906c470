"""Faults planted in the census, so that open enrolment meets each error status, and what cures them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

LISTED: Final = ("employee_number", "fault", "expected_status", "is_cured", "meaning")
LONG_AGO: Final = date(2024, 6, 1)
UNRATED: Final = {"zip": "01477", "city": "Worcester"}  # the data gives it no rating area in any county
OUTSIDE_NHP: Final = {"zip": "01201", "city": "Pittsfield"}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault: what the record says instead, what status it should lead to, how many of it are cured."""

    code: str
    status: str
    meaning: str
    values: Mapping[str, object]
    count: int
    cured: int
    of_whom: pl.Expr | None = None


@dataclass(frozen=True, kw_only=True)
class Planted:
    """The people with faults in their records, the rows that cure them, the list of both, and who is left."""

    people: pl.DataFrame
    corrections: pl.DataFrame
    faults: pl.DataFrame
    clean: pl.DataFrame


FAULTS: Final = (
    Fault(
        code="two_programs",
        status="AE",
        meaning="a salaried benefit group with an hourly employee class: eligible for both programs",
        values={"employee_class": "HOURLY"},
        count=3,
        cured=3,
        of_whom=pl.col("benefit_group") == "SAL",
    ),
    Fault(
        code="no_pay",
        status="PE",
        meaning="no annual pay: coverage that follows pay cannot be computed",
        values={"annual_pay": None},
        count=3,
        cured=3,
    ),
    Fault(
        code="no_rating_area",
        status="PE",
        meaning="a zip without a rating area: medical and dental cannot be priced",
        values=UNRATED,
        count=2,
        cured=2,
    ),
    Fault(
        code="closed_pay_group",
        status="PE",
        meaning="a pay group that is no longer active",
        values={"pay_group": "HOLD"},
        count=2,
        cured=2,
        of_whom=pl.col("pay_group") == "HWK",
    ),
    Fault(
        code="unknown_pay_group",
        status="PE",
        meaning="a pay group without a calendar",
        values={"pay_group": "BX9"},
        count=2,
        cured=2,
    ),
    Fault(
        code="lost_eligibility",
        status="AN",
        meaning="covered, but now below the hours of every program; the first is a slip of the pen",
        values={"weekly_hours": 12.0, "full_part_time": "P"},
        count=3,
        cured=1,
    ),
    Fault(
        code="out_of_area",
        status="PR",
        meaning="lives outside the service area of the medical plan held: the default, or a new choice",
        values=OUTSIDE_NHP,
        count=3,
        cured=0,
        of_whom=pl.col("medical").str.starts_with("NHP"),
    ),
)
"""Every fault there is; a profile names those its client has."""


def plant(people: pl.DataFrame, coverage: pl.DataFrame, codes: tuple[str, ...]) -> Planted:
    """Plant the named faults in the first suitable records, never two in one."""
    clean = _clean(people, coverage)
    corrections, listed = [people.clear()], [pl.DataFrame(schema=dict.fromkeys(LISTED, pl.String))]
    for fault in FAULTS:
        if fault.code not in codes:
            continue
        suitable = clean if fault.of_whom is None else clean.filter(fault.of_whom)
        hit = suitable.head(fault.count)
        clean = clean.join(hit, on="employee_number", how="anti", maintain_order="left")
        is_hit = pl.col("employee_number").is_in(hit["employee_number"].implode())
        corrections.append(people.filter(is_hit).head(fault.cured))
        values = {
            name: pl.when(is_hit).then(pl.lit(value, people.schema[name])).otherwise(name)
            for name, value in fault.values.items()
        }
        people = people.with_columns(**values)
        listed.append(_listed(hit, fault))
    return Planted(
        people=people,
        corrections=pl.concat(corrections),
        faults=pl.concat(listed),
        clean=clean,
    )


def _clean(people: pl.DataFrame, coverage: pl.DataFrame) -> pl.DataFrame:
    """Find people nothing is unusual about: full-time, long employed, one job, in a medical plan."""
    medical = coverage.filter(pl.col("plan_type") == "10", pl.col("waived") == "N").select(
        "employee_number", medical="option"
    )
    return people.join(medical, on="employee_number", maintain_order="left").filter(
        pl.col("job_status") == "A",
        pl.col("full_part_time") == "F",
        pl.col("regular_temporary") == "R",
        pl.col("hire_date") < LONG_AGO,
        pl.len().over("employee_number") == 1,
    )


def _listed(hit: pl.DataFrame, fault: Fault) -> pl.DataFrame:
    is_cured = pl.int_range(pl.len()) < fault.cured
    return hit.select(
        "employee_number",
        fault=pl.lit(fault.code),
        expected_status=pl.lit(fault.status),
        is_cured=pl.when(is_cured).then(pl.lit("Y")).otherwise(pl.lit("N")),
        meaning=pl.lit(fault.meaning),
    )
