"""Who is to receive what a plan pays, as it holds on a day."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from openbenefits.choosing.drafts import By
from openbenefits.choosing.household import Relative, household_of
from openbenefits.core.plan_types import PLAN_TYPES
from openbenefits.enrollment.designations import Shares, designate, places_on, shares_on


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """Somebody who is to receive, of one plan type. Units: hundredths of a percent."""

    benefit_record: int
    plan_type: str
    plan_type_name: str
    number: int
    name: str
    is_contingent: bool
    percent_hundredths: int


def receivers_of(connection: Any, client_id: int, person_id: int, *, on: date) -> tuple[Receiver, ...]:
    """List who is to receive on a day, plan type by plan type, the primary ones first."""
    people = pl.DataFrame(
        {"client_id": [client_id], "person_id": [person_id]},
        schema={"client_id": pl.Int32, "person_id": pl.Int64},
    )
    ordered = shares_on(connection, people, on=on)
    people_on_file = {
        one.dependent_id: one for one in household_of(connection, client_id, person_id, on=date.max)
    }
    return tuple(
        Receiver(
            benefit_record=row["benefit_record"],
            plan_type=row["plan_type"],
            plan_type_name=PLAN_TYPES[row["plan_type"]],
            number=people_on_file[row["dependent_id"]].number,
            name=people_on_file[row["dependent_id"]].name,
            is_contingent=row["is_contingent"],
            percent_hundredths=row["percent_hundredths"],
        )
        for row in ordered.iter_rows(named=True)
    )


@dataclass(frozen=True, kw_only=True)
class Receiving:
    """A plan type in force that takes receivers, who they are, and who might be."""

    benefit_record: int
    plan_type: str
    plan_type_name: str
    receivers: tuple[Receiver, ...]
    candidates: tuple[Relative, ...]

    def share_of(self, number: int, *, is_contingent: bool) -> int | None:
        """The share of a person; None for none."""
        shares = {(one.number, one.is_contingent): one.percent_hundredths for one in self.receivers}
        return shares.get((number, is_contingent))


def receiving_of(connection: Any, client_id: int, person_id: int, *, on: date) -> tuple[Receiving, ...]:
    """List what somebody has on a day that takes receivers, each with who they are and might be."""
    named = receivers_of(connection, client_id, person_id, on=on)
    on_file = household_of(connection, client_id, person_id, on=on)
    still = {one.number for one in named}
    candidates = tuple(one for one in on_file if not one.is_former or one.number in still)
    return tuple(
        Receiving(
            benefit_record=record,
            plan_type=plan_type,
            plan_type_name=PLAN_TYPES[plan_type],
            receivers=tuple(
                one for one in named if (one.benefit_record, one.plan_type) == (record, plan_type)
            ),
            candidates=candidates,
        )
        for record, plan_type in places_on(connection, client_id, person_id, on=on)
    )


def name_receivers(
    connection: Any, client_id: int, person_id: int, shares: Shares, *, on: date, by: By
) -> bool:
    """Say who is to receive, outside an enrolment; answer whether that is anything new.

    Errors: DesignationRefused.
    """
    return designate(connection, client_id, person_id, shares, on=on, author=by.author, now=by.now)
