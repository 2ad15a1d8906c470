"""Records of an offer, made of the rows the kernel prepared: options, names, and who counts."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from openbenefits.choosing.offered import Choice, Design
from openbenefits.choosing.rules.stated import WAIVER
from openbenefits.core import days
from openbenefits.core.codes import CHILD_TYPES, OptionType

Row = Mapping[str, Any]
CARE_AGE = 13
"""Below it a child's care may be paid from a dependent care account."""


def care_children(people: pl.DataFrame, on: date) -> int:
    """Count those whose care an account may pay: children under CARE_AGE, or disabled (26 USC 21(b)(1))."""
    age = days.age_years(pl.col("birth_on"), pl.lit(on))
    is_child = pl.col("person_type").is_in([str(kind) for kind in CHILD_TYPES])
    is_young = (age < CARE_AGE).fill_null(value=False)
    return people.filter(~pl.col("is_former") & ((is_child & is_young) | pl.col("is_disabled"))).height


def people_covered(covered: Mapping[str, Sequence[int]], people: pl.DataFrame) -> pl.DataFrame:
    """Plan type and person type of everybody one means to cover."""
    kinds = dict(people.select("number", "person_type").iter_rows())
    rows = [
        (kind, kinds[number]) for kind, numbers in covered.items() for number in numbers if number in kinds
    ]
    return pl.DataFrame(rows, schema={"plan_type": pl.String, "person_type": pl.String}, orient="row")


def choice_of(row: Row, *, is_held: bool, design: Design | None) -> Choice:
    """Make an option of its row as prepared, fitted and named."""
    is_waiver = row["option_type"] == OptionType.WAIVE
    tier = row["coverage_name"] or (row["amount"] if row["coverage_cents"] else "") or ""
    return Choice(
        option_id=row["option_id"],
        code=WAIVER if is_waiver else row["option_code"],
        plan_id=row["plan_id"],
        name="" if is_waiver else plan_name(row),
        carrier=row["carrier"] or "",
        tier="" if is_waiver else tier,
        is_waiver=is_waiver,
        is_electable=bool(row["is_electable"]),
        is_fitting=bool(row["is_fitting"]),
        is_held=is_held,
        is_default=bool(row["is_default"]),
        is_proof_required=bool(row["is_proof_required"]),
        coverage_cents=row["coverage_cents"],
        approved_cents=row["approved_coverage_cents"],
        pay_before_tax_cents=row["pay_before_tax_cents"],
        pay_after_tax_cents=row["pay_after_tax_cents"],
        year_before_tax_cents=row["annual_before_tax_cents"],
        year_after_tax_cents=row["annual_after_tax_cents"],
        year_employer_cents=row["annual_employer_cents"],
        pay_credit_cents=row["pay_credit_cents"],
        is_by_coverage=bool(row["is_by_coverage"]),
        minimum_hours_hundredths=row["minimum_hours_hundredths"],
        maximum_hours_hundredths=row["maximum_hours_hundredths"],
        design=design,
    )


def plan_name(row: Row) -> str:
    """Name an option: by its plan, and by itself where several options are of one plan without a tier."""
    plan, own = row.get("plan_name"), row.get("option_name")
    if plan and own and own != plan and not row.get("coverage_name"):
        return f"{plan}, {own}"
    return str(plan or own or row.get("option_code") or "")


def name_of(row: Row) -> str:
    """Both names of somebody."""
    return f"{row['first_name'] or ''} {row['last_name'] or ''}".strip()
