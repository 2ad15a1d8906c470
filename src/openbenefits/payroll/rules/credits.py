"""General credits and deductions: what a program gives to, and takes from, who holds something under it.

Whether a rule admits somebody is not decided again: the last event that is settled says so, from the day on
which it begins the program's own coverage.
"""

import polars as pl

from openbenefits.core.codes import GENERAL_TYPES
from openbenefits.payroll.rules.takings import OWNER
from openbenefits.programs.rulebook import PROGRAM_PLAN_TYPE, Rulebook

GENERAL = [str(kind) for kind in GENERAL_TYPES]

GIVEN = {
    "client_id": pl.Int32,
    "person_id": pl.Int64,
    "benefit_record": pl.Int16,
    "schedule_id": pl.Int32,
    "event_number": pl.Int32,
    "from_on": pl.Date,
    "option_id": pl.Int32,
}
"""The general credits and deductions of settled events: each event, the day from which it says who has them,
and an option somebody is eligible for (null: none)."""


def general_points(held: pl.DataFrame, points: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Give a point of plan type 01 for each general option of each program somebody holds something under.

    It is owed in the pays in which an election, a default or a waiver under the program holds; owners
    with points of plan type 01 of their own need none.

    Shapes: held has owner and point, points is addressed by position. Result: owner, program_id,
            option_id, slot, deduction_begins_on.
    """
    own = points.filter(pl.col("plan_type") == PROGRAM_PLAN_TYPE).select("owner").unique()
    programs = (
        points[held["point"].unique()]
        .group_by("owner", "program_id")
        .agg(pl.col("deduction_begins_on").min())
    )
    general = rulebook.options.filter(pl.col("option_type").is_in(GENERAL))
    offered = general.select("program_id", "option_id").unique().sort("program_id", "option_id")
    offered = offered.with_columns(slot=pl.int_range(pl.len(), dtype=pl.Int16).over("program_id"))
    return programs.join(own, on="owner", how="anti").join(offered, on="program_id").sort("owner", "slot")


def asks_rules(rulebook: Rulebook) -> bool:
    """Tell whether some general credit or deduction has an eligibility rule."""
    return not _ruled(rulebook).is_empty()


def admitted(
    lines: pl.DataFrame, given: pl.DataFrame, owners: pl.DataFrame, rulebook: Rulebook
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Keep the pays of general options that their rule, if any, admits; and name those nobody decided about.

    Shapes:  lines has owner, option_id, ends_on; given is as GIVEN; owners has owner and OWNER. The result
             has the columns of lines, and the undecided ones again.
    Missing: before any settled event nobody knows whether a rule admits: such a pay stays, undecided.
    """
    ruled = _ruled(rulebook)
    if ruled.is_empty() or lines.is_empty():
        return lines, lines.clear()
    said = given.join(owners, on=list(OWNER)).with_columns(
        event=pl.struct("owner", "from_on", "schedule_id", "event_number").rank("dense")
    )
    events = said.select("owner", "from_on", "event").unique().sort("owner", "from_on", "event")
    events = events.unique(["owner", "from_on"], keep="last").sort("from_on")
    asking = lines.filter(pl.col("option_id").is_in(ruled.implode()))
    free = lines.join(asking.select("point").unique(), on="point", how="anti")
    asking = asking.sort("ends_on").join_asof(
        events, left_on="ends_on", right_on="from_on", by="owner", check_sortedness=False
    )
    undecided = asking.filter(pl.col("event").is_null()).select(lines.columns)
    listed = said.select("owner", "event", "option_id").drop_nulls()
    kept = asking.join(listed, on=["owner", "event", "option_id"], how="semi").select(lines.columns)
    return pl.concat([free, kept, undecided]), undecided


def _ruled(rulebook: Rulebook) -> pl.Series:
    """Name the general options with an eligibility rule."""
    found: pl.Series = rulebook.derived.answer("ruled in general", lambda: _find_ruled(rulebook.options))
    return found


def _find_ruled(options: pl.DataFrame) -> pl.Series:
    return options.filter(pl.col("option_type").is_in(GENERAL) & (pl.col("rule_bit") != 0))[
        "option_id"
    ].unique()
