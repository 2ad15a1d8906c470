"""What the pays of a month owed and took for a carrier's plans.

Leg B, and what leg C meets the invoice with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from openbenefits.core import money
from openbenefits.payroll.frames import load_orders, load_reported, load_taken
from openbenefits.payroll.services import owed
from openbenefits.programs.frames import load_setup
from openbenefits.reconcile.expected import COVERED, Expected
from openbenefits.reconcile.models import Invoice
from openbenefits.reconcile.rules import deductions, residuals
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

    Of_plans as OF_PLAN: null where no pay of the month was reported. Of_people as `residuals.PAYS`.
    """

    found: pl.DataFrame
    of_plans: pl.DataFrame
    of_people: pl.DataFrame

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
    known = [one for one in parts if one is not None]
    if not known:
        blank = (deductions.DEDUCTION, OF_PLAN, residuals.PAYS)
        found, of_plans, of_people = (pl.DataFrame(schema=schema) for schema in blank)
        return Owing(found=found, of_plans=of_plans, of_people=of_people)
    months, of_plans, of_people = (pl.concat(some) for some in zip(*known, strict=True))
    tolerance = terms_of(invoice.carrier).tolerances.deduction_cents
    found = deductions.compare_deductions(months, _ended(expected, begin), tolerance)
    return Owing(found=found, of_plans=of_plans, of_people=of_people)


OfClient = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]
"""The deductions of a client by person, plan type and month; by plan; by person and plan."""


def _of_client(
    connection: Any, client_id: int, begin: date, through: date, expected: Expected
) -> OfClient | None:
    """Add up the deductions of one client's people for these plans; None where no pay was reported."""
    within = pl.col("ends_on").is_between(begin, through)
    reported = load_reported(connection, client_id).filter(within)
    if reported.is_empty():
        return None
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
    whole = _whole_types(options, expected)
    whose = _whose(expected, client_id, taken.join(whole, on="plan_type", how="semi"))
    line = ["client_id", "person_id", "plan_type", "tax_class", "pay_group_id", "ends_on"]
    ordered = orders.with_columns(tax_class="taken_as", owed_cents="cents").select(*line, "owed_cents")
    all_owed = pl.concat([mine.select(*line, "owed_cents"), ordered]).join(
        whose, on=["person_id", "plan_type"], how="semi"
    )
    all_taken = taken.select(*line, "taken_cents").join(whose, on=["person_id", "plan_type"], how="semi")
    months = deductions.months_of(all_owed, all_taken, reported)
    placed = _placed(mine, all_taken, expected, whole)
    return (
        months,
        _of_plans(mine, placed),
        _of_people(
            mine,
            placed,
            _placed(mine, ordered.join(whose, on=["person_id", "plan_type"], how="semi"), expected, whole),
        ),
    )


def _whole_types(options: pl.DataFrame, expected: Expected) -> pl.DataFrame:
    """Name the plan types of which a client offers this carrier's plans alone: plan_type, type_plan (one)."""
    offered = options.drop_nulls("plan_id")
    others = offered.join(expected.plans, on="plan_id", how="anti")
    whole = offered.join(others, on="plan_type", how="anti")
    return whole.group_by("plan_type").agg(type_plan=pl.col("plan_id").min())


def _whose(expected: Expected, client_id: int, taken: pl.DataFrame) -> pl.DataFrame:
    """Name the people and plan types that are this carrier's to look at.

    Who ever had a plan of it, of that type; and of a type nobody else offers whoever something was taken of.
    """
    mine = expected.history.filter(client_id=client_id).select("person_id", "plan_type")
    return pl.concat([mine, taken.select("person_id", "plan_type")]).unique()


OF_TYPE = ["client_id", "person_id", "plan_type"]


def _placed(mine: pl.DataFrame, lines: pl.DataFrame, expected: Expected, whole: pl.DataFrame) -> pl.DataFrame:
    """Give lines the plan_id of the plan the person owes for, else had last, else one of the type's."""
    own = mine.select(*OF_TYPE, "plan_id").unique(OF_TYPE, keep="any")
    last = (
        expected.history.filter(pl.col("plan_id").is_not_null())
        .sort("begins_on")
        .unique(OF_TYPE, keep="last")
        .select(*OF_TYPE, last_plan="plan_id")
    )
    found = lines.join(own, on=OF_TYPE, how="left").join(last, on=OF_TYPE, how="left")
    found = found.join(whole, on="plan_type", how="left")
    return found.with_columns(plan_id=pl.coalesce("plan_id", "last_plan", "type_plan")).drop_nulls("plan_id")


def _of_plans(mine: pl.DataFrame, of_taken: pl.DataFrame) -> pl.DataFrame:
    """Add up by plan what was owed and taken."""
    sums = mine.group_by("client_id", "plan_id").agg(
        pl.col("owed_cents").sum(), employer_cents=pl.col("employer_cents").sum()
    )
    taken_sums = of_taken.group_by("client_id", "plan_id").agg(pl.col("taken_cents").sum())
    rows = sums.join(taken_sums, on=["client_id", "plan_id"], how="full", coalesce=True)
    return rows.with_columns(pl.exclude("client_id", "plan_id").fill_null(0)).select(
        pl.col(name).cast(kind) for name, kind in OF_PLAN.items()
    )


def _of_people(mine: pl.DataFrame, of_taken: pl.DataFrame, of_orders: pl.DataFrame) -> pl.DataFrame:
    """Add up by person and plan what was owed, corrections ordered included, and taken: residuals.PAYS."""
    key = residuals.KEY
    brings = pl.col("owed_cents") + pl.col("employer_cents")
    owed_sums = mine.group_by(key).agg(
        money.total(pl.col("owed_cents")).alias("owed_cents"),
        money.total(pl.col("employer_cents")).alias("employer_cents"),
        pay_cents=brings.abs().max(),
    )
    orders = of_orders.group_by(key).agg(ordered_cents=pl.col("owed_cents").sum())
    taken_sums = of_taken.group_by(key).agg(pl.col("taken_cents").sum())
    rows = owed_sums.with_columns(is_owed=pl.lit(value=True))
    for other in (orders, taken_sums):
        rows = rows.join(other, on=key, how="full", coalesce=True)
    is_owed = pl.col("is_owed").fill_null(value=False)
    known = pl.when(is_owed).then(pl.col("owed_cents") + 0 * pl.col("employer_cents")).otherwise(0)
    return rows.with_columns(
        pl.col("taken_cents", "pay_cents").fill_null(0),
        owed_cents=known + pl.col("ordered_cents").fill_null(0),
        employer_cents=pl.col("employer_cents").fill_null(0),
    ).select(pl.col(name).cast(kind) for name, kind in residuals.PAYS.items())


def _ended(expected: Expected, month: date) -> pl.DataFrame:
    """Name those whose coverage of a plan type had ended before a month: KEY of `deductions`."""
    ended = expected.history.filter(pl.col("kind").is_in(COVERED) & (pl.col("until") <= month))
    return ended.select("client_id", "person_id", "plan_type", month=pl.lit(month)).unique()
