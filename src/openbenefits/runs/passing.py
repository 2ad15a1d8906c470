"""Which events may pass one that waits for a person (rulings §1.3): pure decisions on columns.

An event passes that asks nobody anything, keeps the program, and touches no plan type that has to do with one
of the waiting event: the same, or one linked with it by set-up, in whichever direction and over however many
links.
"""

from collections.abc import Mapping

import polars as pl

from openbenefits.events.rules import FINAL, RECORD_KEY

NODE = ("program_id", "plan_type")
ACCOUNTS = "6"
"""Plan types of spending accounts begin with it."""


def linked_plan_types(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Number the groups of plan types of each program that have to do with one another.

    Shapes: tables as `programs.frames.load_setup`; result: program_id, plan_type, group. Of every version of
            set-up in force: what was linked once counts as linked.
    """
    nodes = tables["plan_type_row"].select(NODE).unique()
    pairs = pl.concat([_required(tables), _excluded(tables), *_shared(tables)]).unique()
    both = pl.concat([pairs, pairs.select("program_id", plan_type="other", other="plan_type")]).unique()
    groups = nodes.sort(NODE).with_columns(group=pl.int_range(pl.len(), dtype=pl.Int64))
    moved = True
    while moved:
        near = both.join(groups.rename({"plan_type": "other", "group": "near"}), on=["program_id", "other"])
        least = near.group_by(NODE).agg(pl.col("near").min())
        after = groups.join(least, on=list(NODE), how="left").with_columns(
            group=pl.min_horizontal("group", "near")
        )
        moved = not after["group"].equals(groups["group"])
        groups = after.drop("near")
    return groups


def _required(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    options = tables["option"].drop_nulls("required_plan_type")
    return options.select(*NODE, other="required_plan_type")


def _excluded(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    return tables["excluded_coverage"].select(*NODE, other="excluded_plan_type")


def _shared(tables: Mapping[str, pl.DataFrame]) -> list[pl.DataFrame]:
    """Pair the plan types that share a coverage group, credits, a legal limit or a program's limit."""
    plans = tables["plan"].drop_nulls("coverage_group_id").select("plan_id", "coverage_group_id").unique()
    grouped = tables["option"].join(plans, on="plan_id").select(*NODE, shared=pl.col("coverage_group_id"))
    limited = tables["plan_type_row"].drop_nulls("annual_limit").select(*NODE, shared="annual_limit")
    capped = tables["program"].drop_nulls("maximum_pledge_cents").select("program_id").unique()
    accounts = tables["plan_type_row"].filter(pl.col("plan_type").str.starts_with(ACCOUNTS))
    pledged = accounts.join(capped, on="program_id", how="semi").select(*NODE, shared=pl.lit(0))
    return [_paired(rows) for rows in (grouped, limited, pledged, _credited(tables))]


def _credited(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The plan types of a program that give credits, are paid by them, or take what is left over."""
    giving = tables["cost"].filter(cost_type="C").select("option_id").unique()
    options = tables["option"].join(giving, on="option_id", how="semi").select(NODE)
    used = tables["credit_plan"].select(NODE)
    return pl.concat([options, used]).unique().with_columns(shared=pl.lit(0))


def _paired(rows: pl.DataFrame) -> pl.DataFrame:
    rows = rows.unique()
    pairs = rows.join(rows.rename({"plan_type": "other"}), on=["program_id", "shared"])
    return pairs.select(*NODE, "other")


def may_not_pass(
    tried: pl.DataFrame,
    touched: pl.DataFrame,
    waiting: pl.DataFrame,
    waiting_plan_types: pl.DataFrame,
    groups: pl.DataFrame,
) -> pl.DataFrame:
    """Name the cases that tried to pass a waiting event and must wait.

    Shapes: tried has case, RECORD_KEY, new_program_id, has_choice, is_proof_due, to_status; touched has case
            and the plan types it touches; waiting has RECORD_KEY and program_id of the event that waits;
            waiting_plan_types RECORD_KEY and plan_type; groups as `linked_plan_types`. Result: case.
    Missing: an event that waits before its program is known lets nobody pass.
    """
    there = waiting.select(*RECORD_KEY, waiting_program_id="program_id")
    both = tried.join(there, on=list(RECORD_KEY), how="left")
    changed = ~(pl.col("new_program_id") == pl.col("waiting_program_id")).fill_null(value=False)
    final = pl.col("to_status").is_in(FINAL).fill_null(value=False)
    asking = both.filter(changed | ~final | pl.col("has_choice") | pl.col("is_proof_due")).select("case")
    ours = touched.join(both.select("case", *RECORD_KEY, program_id="new_program_id"), on="case")
    ours = ours.join(groups, on=list(NODE), how="left")
    theirs = waiting_plan_types.join(waiting.select(*RECORD_KEY, "program_id"), on=list(RECORD_KEY))
    theirs = theirs.join(groups, on=list(NODE), how="left")
    same = ours.join(theirs, on=[*RECORD_KEY, "plan_type"], how="semi")
    linked = ours.join(theirs, on=[*RECORD_KEY, "group"], how="semi")
    return pl.concat([asking, same.select("case"), linked.select("case")]).unique()
