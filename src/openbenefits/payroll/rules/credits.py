"""General credits: what a program gives everybody who holds something under it."""

import polars as pl

from openbenefits.core.codes import OptionType
from openbenefits.programs.rulebook import PROGRAM_PLAN_TYPE, Rulebook


def general_points(held: pl.DataFrame, points: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Give a point of plan type 01 for each general credit of each program somebody holds something under.

    A credit is owed in the pays in which an election, a default or a waiver under the program holds; owners
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
    general = rulebook.options.filter(pl.col("option_type") == OptionType.GENERAL_CREDIT.value)
    offered = general.select("program_id", "option_id").unique().sort("program_id", "option_id")
    offered = offered.with_columns(slot=pl.int_range(pl.len(), dtype=pl.Int16).over("program_id"))
    return programs.join(own, on="owner", how="anti").join(offered, on="program_id").sort("owner", "slot")
