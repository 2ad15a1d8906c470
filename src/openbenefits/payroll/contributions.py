"""What people contributed to accounts in a year before a pledge is to be changed (rulings §5.6)."""

from datetime import date, timedelta
from typing import Any, cast

import polars as pl

from openbenefits.core import money
from openbenefits.core.codes import AmountKind, TaxClass
from openbenefits.core.columns import in_types
from openbenefits.enrollment.frames import load_brought, load_coverage
from openbenefits.enrollment.rules.prepare import CONTRIBUTIONS, no_contributions
from openbenefits.payroll.owing import known_of
from openbenefits.payroll.rules import owed_lines
from openbenefits.payroll.rules.takings import OWNER
from openbenefits.payroll.services import owed
from openbenefits.programs.frames import load_rulebook
from openbenefits.programs.limits import limit_year
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
    return in_types(found, CONTRIBUTIONS)


def put_in(connection: Any, client_id: int, person_id: int, *, before: date) -> pl.DataFrame:
    """Sum what a person put in under each legal limit of the year of a day: by pays that end before it.

    What was brought along to this client counts, too. After-tax money is under no limit.

    Shapes:  annual_limit, year (of the limit), cents.
    Missing: null where a pay's amount is not known.
    """
    rulebook = load_rulebook(connection, [client_id])
    limits = rulebook.plan_rows.filter(pl.col("annual_limit").is_not_null())
    limits = limits.select("plan_row", "annual_limit", "plan_year_month")
    limited = rulebook.options.unique("option_id", keep="last").join(limits, on="plan_row")
    limited = limited.select("option_id", "annual_limit", "plan_year_month")
    span = {"begin": date(before.year - 1, 1, 1), "through": before - timedelta(days=1)}
    lines = owed(connection, client_id, **span, person_ids=[person_id]).join(limited, on="option_id")
    own = lines.filter(
        pl.col("kind") == DEDUCTION,
        pl.col("tax_class") == str(TaxClass.BEFORE_TAX),
        limit_year(pl.col("ends_on")) == limit_year(pl.lit(before)),
    ).select("annual_limit", year=limit_year(pl.lit(before)), cents="owed_cents")
    person = pl.DataFrame([{"client_id": client_id, "person_id": person_id}])
    brought = load_brought(connection, person).filter(pl.col("limit_year") >= before.year - 1)
    both = [own, brought.select("annual_limit", year="limit_year", cents="brought_cents")]
    sums = pl.concat(both, how="vertical_relaxed").group_by("annual_limit", "year")
    return sums.agg(cents=money.total(pl.col("cents"))).sort("annual_limit", "year")


def _pledged_points(connection: Any, asked: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Load the change points of the plan types asked for, of those who ever had a pledge there."""
    key = [*OWNER, "plan_type"]
    points = load_coverage(connection, asked).join(asked.select(key), on=key, how="semi")
    pledging = rulebook.plan_rows.filter(amount_kind=str(AmountKind.PLEDGE))["plan_type"].unique()
    pledged = points.filter(pl.col("plan_type").is_in(pledging.implode()) & (pl.col("slot") == 0))
    return pledged.join(
        pledged.filter(pl.col("pledge_cents").is_not_null()).select(key).unique(), on=key, how="semi"
    )
