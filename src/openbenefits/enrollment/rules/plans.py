"""The plan types of an event: which, by which event rule, with what in force."""

import polars as pl

from openbenefits.core.codes import COVERED_KINDS, ChangeKind, ProcessStatus
from openbenefits.core.columns import (
    case_and_plan_type,
    distinct,
    gathered,
    is_among,
    joined,
    located,
    numbered,
    plan_type_numbers,
    spread,
    take,
    where,
    with_taken,
)
from openbenefits.programs.rulebook import Rulebook

COVERED = [str(kind) for kind in COVERED_KINDS]

_CURRENT = (
    *("option_id", "coverage_cents", "requested_coverage_cents", "pledge_cents", "percent_thousandths"),
    *("kind", "is_to_begin"),
)


def plan_rows_of(cases: pl.DataFrame, in_force: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Give every case the plan types of its program, and those in force that the program does not have.

    Shapes:  cases carries process_status and program_row; in_force has at most one row per case, plan type
             and slot. Result: one row per case and plan type (`plan` = its position) with rule_row,
             hire_rule_row, the columns of the event rule that choices need, and what is in force
             (current_*; null: nothing). is_ending: in force, and not in the program; is_program: the
             program's own row (01), which only carries credits.
    """
    own = _of_programs(cases, rulebook)
    in_force = where(in_force, in_force["slot"] == 0)
    in_force = in_force.hstack([plan_type_numbers(in_force)])
    ending = _of_coverage(cases, own, in_force, rulebook)
    rows = pl.concat([own, ending], how="vertical").sort("case", "plan_row", maintain_order=True)
    columns = ("dependent_rule_id", "waive_rule", "is_lapsing", "is_priced", "is_program")
    rows = with_taken(rows, rulebook.plan_rows, "plan_row", *columns).with_columns(
        pl.col("is_lapsing", "is_priced", "is_program").fill_null(value=False)
    )
    rows = _with_current(_with_rules(rows, cases, rulebook), cases, in_force)
    return rows.with_columns(plan=pl.int_range(pl.len(), dtype=pl.Int32))


def _of_programs(cases: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """The plan types of the assigned program, restricted to those of the schedule."""
    ranges = rulebook.derived.answer("plan rows of programs", lambda: _ranges(rulebook.plan_rows))
    assigned = where(cases, cases["process_status"] == ProcessStatus.AS.value)
    found = assigned[["case", "schedule_id", "program_row"]]
    found = joined(found, ranges, "program_row", how="left", maintain_order="left")
    rows = spread(found, "first", "rows", "plan_row")
    rows = with_taken(rows, rulebook.plan_rows, "plan_row", "plan_type", "plan_type_number")
    rows = rows.with_columns(is_ending=pl.lit(value=False))
    return _restricted(rows, rulebook)[_PLACE]


_PLACE = ["case", "plan_row", "is_ending", "plan_type", "plan_type_number"]


def _ranges(plan_rows: pl.DataFrame) -> pl.DataFrame:
    """Say where the plan types of each program begin, and how many there are."""
    return plan_rows.group_by("program_row").agg(first=pl.col("plan_row").min(), rows=pl.len().cast(pl.Int32))


def _restricted(rows: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Keep the plan types an open enrolment or a snapshot names; schedules that name none take all."""
    named = rulebook.schedule_programs
    if set(rows["schedule_id"].unique()).isdisjoint(named["schedule_id"]):
        return rows
    schedules, schedule = numbered(rows[["schedule_id"]], "schedule")
    packed = rows["plan_row"].cast(pl.Int64) * schedules.height + schedule
    some, which = distinct(packed, rulebook.plan_rows.height * schedules.height)
    pairs = rows[["schedule_id", "plan_row"]][some]
    pairs = with_taken(pairs, rulebook.plan_rows, "plan_row", "program_id", "plan_type", "is_program")
    pairs = pairs.with_columns(pair=pl.int_range(pl.len(), dtype=pl.Int32))
    naming = joined(pairs, named[["schedule_id"]].unique(), "schedule_id", how="semi")
    left_out = joined(
        where(naming, ~naming["is_program"]), named, ["schedule_id", "program_id", "plan_type"], how="anti"
    )
    stays = ~pairs["pair"].is_in(left_out["pair"].implode())
    return rows if stays.all() else rows.filter(gathered(stays, which))


# --- what is in force and not in the program ------------------------------------------------------------


def _of_coverage(
    cases: pl.DataFrame, own: pl.DataFrame, in_force: pl.DataFrame, rulebook: Rulebook
) -> pl.DataFrame:
    """The plan types in force that the program, if any, does not have: they end.

    They end by the program they were under: by its latest row, up to the event date, with the plan type.
    """
    statuses = [ProcessStatus.AS.value, ProcessStatus.AN.value]
    losing = cases.filter(pl.col("process_status").is_in(statuses))[
        ["case", "event_on", "program_row", "schedule_id"]
    ]
    held = in_force.filter(is_among("kind", COVERED))
    held = held.select("case", "plan_type", "plan_type_number", held_program_id="program_id")
    held = held.filter(located(*case_and_plan_type(held, own)).is_null())
    if held.is_empty():
        return own.clear()
    rows = _without_left_out(joined(held, losing, "case"), rulebook)
    versions = with_taken(
        rulebook.plan_rows.select("plan_type", "plan_row", "program_row", held_program_id="program_id"),
        rulebook.programs,
        "program_row",
        "valid_from",
    ).drop("program_row")
    rows = joined(rows, versions, ["held_program_id", "plan_type"], how="left")
    begun = rows.with_columns(
        plan_row=pl.when(pl.col("valid_from") <= pl.col("event_on")).then("plan_row"),
        valid_from=pl.when(pl.col("valid_from") <= pl.col("event_on")).then("valid_from"),
    )
    latest = begun.sort("valid_from", nulls_last=False).unique(["case", "plan_type"], keep="last")
    return latest.select(
        "case",
        pl.col("plan_row").cast(pl.Int32),
        pl.lit(value=True).alias("is_ending"),
        "plan_type",
        pl.col("plan_type_number").cast(pl.Int64),
    ).select(own.columns)


def _without_left_out(rows: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Drop the plan types that are none of the schedule's business.

    A plan type of the program that is not named is left alone; so is one the program does not have, where
    the schedule names only some of the program's plan types and not this one.
    """
    plan_rows, named = rulebook.plan_rows.filter(~pl.col("is_program")), rulebook.schedule_programs
    has_it = plan_rows[["program_row", "plan_type"]]
    rows = joined(rows, has_it, ["program_row", "plan_type"], how="anti")
    if named.is_empty() or rows.is_empty():
        return rows
    rows = with_taken(rows, rulebook.programs, "program_row", "program_id")
    pairs = rows[["schedule_id", "program_row", "program_id"]].drop_nulls().unique()
    naming = joined(pairs, named[["schedule_id"]].unique(), "schedule_id", how="semi")
    key = ["schedule_id", "program_id", "plan_type"]
    partial = joined(joined(naming, has_it, "program_row"), named, key, how="anti")
    partial = partial[["schedule_id", "program_row"]].unique().with_columns(is_partial=pl.lit(value=True))
    rows = joined(rows, partial, ["schedule_id", "program_row"], how="left")
    whole = rows.filter(pl.col("is_partial").is_null())
    listed = joined(rows.filter(pl.col("is_partial").is_not_null()), named, key, how="semi")
    return pl.concat([whole, listed]).drop("is_partial", "program_id")


# --- event rules and what is in force -------------------------------------------------------------------

_RULE = (
    *("select_allowed", "use_history", "pre_enter", "is_election_required", "is_ignored"),
    *("default_method", "level_limit", "waived_level_limit", "proof_from_level", "proof_above_cents"),
    *("waived_proof_from_level", "waived_proof_above_cents", "proof_rise"),
)


def _with_rules(rows: pl.DataFrame, cases: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Find the event-rule row that holds; null where the set-up has none."""
    kinds, kind = numbered(cases[["event_class_id", "event_on"]], "kind")
    packed = rows["plan_row"].cast(pl.Int64) * kinds.height + gathered(kind, rows["case"])
    some, which = distinct(packed, rulebook.plan_rows.height * kinds.height)
    asked = with_taken(rows[["case", "plan_row"]][some], cases, "case", "event_class_id", "event_on")
    asked = asked.with_columns(asked=pl.int_range(pl.len(), dtype=pl.Int32))
    found = joined(asked, rulebook.plan_rules, ["plan_row", "event_class_id"]).filter(
        (pl.col("valid_from") <= pl.col("event_on")) & (pl.col("event_on") < pl.col("valid_to"))
    )
    ruled = take(found, located(asked["asked"], found["asked"], asked.height), "rule_row", "hire_rule_row")
    rows = rows.hstack([gathered(rule, which) for rule in ruled])
    rows = with_taken(rows, rulebook.event_rules, "rule_row", *_RULE)
    return rows.with_columns(is_ignored=pl.col("is_ignored").fill_null(value=False) & ~pl.col("is_program"))


def _with_current(rows: pl.DataFrame, cases: pl.DataFrame, in_force: pl.DataFrame) -> pl.DataFrame:
    """Add what is in force, as current_*; what lapses at open enrolment is in force, but no current option.

    is_in_force: coverage holds on the day before, or is to begin; keeps_current: it may go on, as the current
    option. What is yet to begin does not lapse.
    """
    held = where(in_force, ~in_force["is_future"]).select("case", "plan_type_number", *_CURRENT)
    at = located(*case_and_plan_type(rows, held))
    rows = rows.hstack(take(held, at, *_CURRENT, prefix="current_"))
    is_open_enrollment = take(cases, rows["case"], "is_open_enrollment")[0]
    is_covered = is_among("current_kind", COVERED).fill_null(value=False)
    is_to_begin = pl.col("current_is_to_begin").fill_null(value=False)
    keeps = is_covered & ~(pl.col("is_lapsing") & is_open_enrollment & ~is_to_begin)
    return rows.with_columns(
        is_in_force=is_covered,
        keeps_current=keeps,
        is_waived_now=(pl.col("current_kind") == ChangeKind.WAIVED).fill_null(value=False),
        current_option_id=pl.when(keeps).then("current_option_id"),
    ).drop("current_is_to_begin")
