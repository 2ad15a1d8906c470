"""What the pays of a month owed and took for a carrier's plans.

Leg B, and what leg C meets the invoice with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from openbenefits.payroll.frames import load_orders, load_reported, load_taken
from openbenefits.payroll.services import owed
from openbenefits.programs.frames import load_setup
from openbenefits.reconcile.expected import COVERED, Expected
from openbenefits.reconcile.models import Invoice
from openbenefits.reconcile.rules import deductions
from openbenefits.reconcile.terms import terms_of

OF_PLAN = {
    "client_id": pl.Int32,
    "plan_id": pl.Int32,
    "owed_cents": pl.Int64,
    "taken_cents": pl.Int64,
    "employer_cents": pl.Int64,
}


@dataclass(frozen=True, kw_only=True)
class Owing:
    """Shapes: found as `deductions.DEDUCTION`.

    Of_plans as OF_PLAN: null where no pay of the month was reported.
    """

    found: pl.DataFrame
    of_plans: pl.DataFrame

    def total(self, column: str) -> int | None:
        """Add up a column; None where no pay of the month was reported."""
        known = self.of_plans[column].drop_nulls()
        return int(known.sum()) if known.len() else None


def owing_of(connection: Any, invoice: Invoice, client_ids: Sequence[int], expected: Expected) -> Owing:
    """Compare what was owed and taken in the pays that end in the month billed.

    As far as payroll reported them.
    """
    begin = invoice.month
    through = (begin + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    parts = [_of_client(connection, client_id, begin, through, expected) for client_id in client_ids]
    rows = [(lines, of_plans) for lines, of_plans in parts if lines is not None]
    if not rows:
        return Owing(found=pl.DataFrame(schema=deductions.DEDUCTION), of_plans=pl.DataFrame(schema=OF_PLAN))
    months = pl.concat([one[0] for one in rows])
    tolerance = terms_of(invoice.carrier).tolerances.deduction_cents
    found = deductions.compare_deductions(months, _ended(expected, begin), tolerance)
    return Owing(found=found, of_plans=pl.concat([one[1] for one in rows]))


def _of_client(
    connection: Any, client_id: int, begin: date, through: date, expected: Expected
) -> tuple[pl.DataFrame | None, pl.DataFrame]:
    """Add up the deductions of one client's people for these plans; None where no pay was reported."""
    nothing = pl.DataFrame(schema=OF_PLAN)
    within = pl.col("ends_on").is_between(begin, through)
    reported = load_reported(connection, client_id).filter(within)
    if reported.is_empty():
        return None, nothing
    options = (
        load_setup(connection, [client_id])["option"].sort("valid_from").unique("option_id", keep="last")
    )
    plans = options.select("option_id", "plan_id").join(
        expected.plans.select("plan_id"), on="plan_id", how="semi"
    )
    lines = owed(connection, client_id, begin=begin, through=through).filter(kind="deduction")
    mine = lines.join(plans, on="option_id").join(
        reported.unique(["pay_group_id", "ends_on"]), on=["pay_group_id", "ends_on"], how="semi"
    )
    orders = load_orders(connection, client_id, None).filter(
        ~pl.col("is_cancelled") & (pl.col("kind") == "deduction") & within
    )
    taken = load_taken(connection, client_id, None).filter((pl.col("kind") == "deduction") & within)
    whose = _whose(expected, client_id)
    line = ["client_id", "person_id", "plan_type", "tax_class", "pay_group_id", "ends_on"]
    ordered = orders.with_columns(tax_class="taken_as", owed_cents="cents").select(*line, "owed_cents")
    all_owed = pl.concat([mine.select(*line, "owed_cents"), ordered]).join(
        whose, on=["person_id", "plan_type"], how="semi"
    )
    all_taken = taken.select(*line, "taken_cents").join(whose, on=["person_id", "plan_type"], how="semi")
    months = deductions.months_of(all_owed, all_taken, reported)
    return months, _of_plans(mine, all_taken, expected)


def _whose(expected: Expected, client_id: int) -> pl.DataFrame:
    """Name the people and plan types that are this carrier's to look at.

    Who ever had a plan of it, of that type.

    A plan type of which the client has no other carrier's plan is this carrier's for whoever has none at all.
    """
    mine = expected.history.filter(client_id=client_id)
    return mine.select("person_id", "plan_type").unique()


def _of_plans(mine: pl.DataFrame, taken: pl.DataFrame, expected: Expected) -> pl.DataFrame:
    """Add up by plan; what was taken goes to the plan the person owes for, else to the one he had last."""
    own = mine.select("client_id", "person_id", "plan_type", "plan_id").unique(
        ["client_id", "person_id", "plan_type"], keep="any"
    )
    last = (
        expected.history.filter(pl.col("plan_id").is_not_null())
        .sort("begins_on")
        .unique(["client_id", "person_id", "plan_type"], keep="last")
        .select("client_id", "person_id", "plan_type", last_plan="plan_id")
    )
    key = ["client_id", "person_id", "plan_type"]
    placed = taken.join(own, on=key, how="left").join(last, on=key, how="left")
    of_taken = placed.with_columns(plan_id=pl.coalesce("plan_id", "last_plan")).drop_nulls("plan_id")
    sums = mine.group_by("client_id", "plan_id").agg(
        pl.col("owed_cents").sum(), employer_cents=pl.col("employer_cents").sum()
    )
    taken_sums = of_taken.group_by("client_id", "plan_id").agg(pl.col("taken_cents").sum())
    rows = sums.join(taken_sums, on=["client_id", "plan_id"], how="full", coalesce=True)
    return rows.with_columns(pl.exclude("client_id", "plan_id").fill_null(0)).select(
        pl.col(name).cast(kind) for name, kind in OF_PLAN.items()
    )


def _ended(expected: Expected, month: date) -> pl.DataFrame:
    """Name those whose coverage of a plan type had ended before a month: KEY of `deductions`."""
    ended = expected.history.filter(pl.col("kind").is_in(COVERED) & (pl.col("until") <= month))
    return ended.select("client_id", "person_id", "plan_type", month=pl.lit(month)).unique()
