"""General credits: what a program gives everybody in it, as rows the rating floor can price."""

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from openbenefits.core.codes import OptionType
from openbenefits.programs.rulebook import Rulebook

PROGRAM_PLAN_TYPE = "01"
PERSONS = (*("spouse_min", "spouse_max", "partner_min", "partner_max", "child_min", "child_max"),)


def with_general_credits(rulebook: Rulebook, tables: Mapping[str, pl.DataFrame]) -> Rulebook:
    """Add the program's own plan type (01) and its general credits to the rulebook, where it lacks them.

    Shapes: tables has the set-up rows `option` and `cost` of the same releases.
    """
    general = tables["option"].filter(option_type=OptionType.GENERAL_CREDIT.value)
    if general.is_empty() or (rulebook.options["option_type"] == OptionType.GENERAL_CREDIT.value).any():
        return rulebook
    plan_rows = _program_rows(general, rulebook)
    options = _option_rows(general, plan_rows, rulebook)
    costs = tables["cost"].join(options, on=["option_id", "valid_from"])
    return replace(
        rulebook,
        plan_rows=_appended(rulebook.plan_rows, plan_rows),
        options=_appended(rulebook.options, options),
        costs=_appended(rulebook.costs, costs.select(rulebook.costs.columns)),
    )


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


def _program_rows(general: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    keys = general.select("program_id", "valid_from").unique()
    programs = rulebook.programs.select("client_id", "program_id", "valid_from", "program_row")
    return programs.join(keys, on=["program_id", "valid_from"]).select(
        pl.all(),
        plan_row=pl.int_range(pl.len(), dtype=pl.Int32) + rulebook.plan_rows.height,
        plan_type=pl.lit(PROGRAM_PLAN_TYPE),
        amount_kind=pl.lit("none"),
        is_price_locked=pl.lit(value=False),
        is_lapsing=pl.lit(value=False),
        is_priced=pl.lit(value=True),
    )


def _option_rows(general: pl.DataFrame, plan_rows: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    keys = plan_rows.select("client_id", "program_id", "valid_from", "plan_row")
    rows = general.drop("client_id", "release_id", strict=False).join(keys, on=["program_id", "valid_from"])
    return rows.with_columns(
        *(pl.lit(0).alias(name) for name in (*PERSONS, "rule_bit")),
        option_row=pl.int_range(pl.len(), dtype=pl.Int32) + rulebook.options.height,
    )


def _appended(rows: pl.DataFrame, more: pl.DataFrame) -> pl.DataFrame:
    kept = more.select(pl.col(name).cast(rows.schema[name]) for name in more.columns if name in rows.columns)
    return pl.concat([rows, kept], how="diagonal")
