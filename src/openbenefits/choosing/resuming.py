"""What goes on of annual pledges that ended during one's leave without pay: both ways, and the choice."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from openbenefits.choosing.drafts import By
from openbenefits.core.codes import Resumption
from openbenefits.core.plan_types import PLAN_TYPES
from openbenefits.payroll.away import load_leaves
from openbenefits.payroll.leaves import Leave
from openbenefits.payroll.resuming import lapsed_pledges
from openbenefits.repair.resuming import ResumeOrder, resume


@dataclass(frozen=True, kw_only=True)
class Pledge:
    """An annual pledge that ended: what it was, and what is left of it without what was not paid.

    Missing: missed_cents and reduced_cents are None where an amount is not known.
    """

    plan_type_name: str
    ended_on: date
    back_on: date | None
    pledge_cents: int
    missed_cents: int | None
    reduced_cents: int | None


@dataclass(frozen=True, kw_only=True)
class Resuming:
    """A leave during which pledges ended, and what was said of them (None: nothing; they go on whole)."""

    benefit_record: int
    leave_from: date
    resumption: Resumption | None
    pledges: tuple[Pledge, ...]


def resuming_of(connection: Any, client_id: int, person_id: int, *, on: date) -> tuple[Resuming, ...]:
    """List one's leaves during which pledges of the calendar year ended, the first one first."""
    found = []
    for leave in load_leaves(connection, client_id, [person_id]).sort("leave_from").iter_rows(named=True):
        rows = lapsed_pledges(connection, client_id, person_id, leave, on=on)
        of_year = rows.filter(pl.col("resumes_on").dt.year() == on.year)
        pledges = tuple(_pledge(row) for row in of_year.iter_rows(named=True))
        if pledges:
            said = leave["resumption"]
            found.append(
                Resuming(
                    benefit_record=leave["benefit_record"],
                    leave_from=leave["leave_from"],
                    resumption=None if said is None else Resumption(said),
                    pledges=pledges,
                )
            )
    return tuple(found)


def _pledge(row: dict[str, Any]) -> Pledge:
    return Pledge(
        plan_type_name=PLAN_TYPES[row["plan_type"]],
        ended_on=row["resumes_on"],
        back_on=row["begins_on"],
        pledge_cents=row["pledge_cents"],
        missed_cents=row["missed_cents"],
        reduced_cents=row["reduced_cents"],
    )


def choose_resumption(
    connection: Any, client_id: int, person_id: int, place: Resuming, said: Resumption, *, on: date, by: By
) -> None:
    """Say how much of what ended during one's leave goes on; where it is back already, from then.

    Errors: LeaveRefused, RepairRefused, PeopleBusy.
    """
    leave = Leave(
        client_id=client_id,
        person_id=person_id,
        benefit_record=place.benefit_record,
        leave_from=place.leave_from,
    )
    order = ResumeOrder(leave=leave, resumption=said, on=on, consent="chosen in the portal", author=by.author)
    resume(connection, order, now=by.now)
