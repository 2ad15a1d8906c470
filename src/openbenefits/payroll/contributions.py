"""What people contributed to accounts in a year before a pledge is to be changed (rulings §5.6)."""

from datetime import date
from typing import Any, cast

import polars as pl

from openbenefits.core.codes import AmountKind
from openbenefits.enrollment.frames import load_coverage
from openbenefits.enrollment.rules.prepare import CONTRIBUTIONS, no_contributions
from openbenefits.payroll.owing import known_of
from openbenefits.payroll.rules import owed_lines
from openbenefits.payroll.rules.takings import OWNER
from openbenefits.programs.rulebook import Rulebook

DEDUCTION = "deduction"


def load_contributions(connection: Any, asked: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """List the pays that take something of a pledge in the year in which another is to take its place.

    Shapes:  asked has case, OWNER, plan_type and deduction_begins_on, the first day of the pledge to come.
             The result is as CONTRIBUTIONS, from the first year asked for through the last day.
    Missing: an amount that cannot be found is null.
    """
    within = asked.filter(pl.col("deduction_begins_on").dt.ordinal_day() > 1)
    if within.is_empty():
        return no_contributions()
    points = _pledged_points(connection, within, rulebook)
    if points.is_empty():
        return no_contributions()
    asked_on = within["deduction_begins_on"]
    begin = cast("date", asked_on.min()).replace(month=1, day=1)
    last = cast("date", asked_on.max())
    known = known_of(connection, points, rulebook, begin=begin, through=last)
    lines = owed_lines(known, rulebook, begin=begin, through=last).filter(kind=DEDUCTION)
    found = within.join(lines.select(*OWNER, "plan_type", "ends_on", "owed_cents"), on=[*OWNER, "plan_type"])
    return found.select(pl.col(name).cast(kind) for name, kind in CONTRIBUTIONS.items())


def _pledged_points(connection: Any, asked: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Load the change points of the plan types asked for, of those who ever had a pledge there."""
    key = [*OWNER, "plan_type"]
    points = load_coverage(connection, asked).join(asked.select(key), on=key, how="semi")
    pledging = rulebook.plan_rows.filter(amount_kind=str(AmountKind.PLEDGE))["plan_type"].unique()
    pledged = points.filter(pl.col("plan_type").is_in(pledging.implode()) & (pl.col("slot") == 0))
    return pledged.join(
        pledged.filter(pl.col("pledge_cents").is_not_null()).select(key).unique(), on=key, how="semi"
    )
