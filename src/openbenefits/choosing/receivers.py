"""Who is to receive what a plan pays, as it holds on a day."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from openbenefits.choosing.household import household_of
from openbenefits.core.plan_types import PLAN_TYPES
from openbenefits.enrollment.frames import COVERED, POINT, load_coverage, load_covered_beneficiaries


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """Somebody who is to receive, of one plan type. Units: hundredths of a percent."""

    plan_type: str
    plan_type_name: str
    name: str
    is_contingent: bool
    percent_hundredths: int


def receivers_of(connection: Any, client_id: int, person_id: int, *, on: date) -> tuple[Receiver, ...]:
    """List who is to receive on a day, plan type by plan type, the primary ones first."""
    people = pl.DataFrame(
        {"client_id": [client_id], "person_id": [person_id]},
        schema={"client_id": pl.Int32, "person_id": pl.Int64},
    )
    points = load_coverage(connection, people).filter((pl.col("begins_on") <= on) & (pl.col("slot") == 0))
    held = points.sort("begins_on").unique(["benefit_record", "plan_type"], keep="last")
    held = held.filter(pl.col("kind").is_in(COVERED))
    shares = load_covered_beneficiaries(connection, people).join(
        held.select(POINT), on=list(POINT), how="semi"
    )
    names = {
        one.dependent_id: one.name for one in household_of(connection, client_id, person_id, on=date.max)
    }
    ordered = shares.sort("plan_type", "is_contingent", "dependent_id")
    return tuple(
        Receiver(
            plan_type=row["plan_type"],
            plan_type_name=PLAN_TYPES[row["plan_type"]],
            name=names.get(row["dependent_id"], ""),
            is_contingent=row["is_contingent"],
            percent_hundredths=row["percent_hundredths"],
        )
        for row in ordered.iter_rows(named=True)
    )
