"""The plan types of an event: which, by which event rule, with what in force."""

import polars as pl

from openbenefits.core.codes import COVERED_KINDS, ProcessStatus
from openbenefits.core.columns import spread, with_taken
from openbenefits.programs.rulebook import Rulebook, plan_type_number

COVERED = [str(kind) for kind in COVERED_KINDS]

_CURRENT = (
    *("option_id", "coverage_cents", "requested_coverage_cents", "pledge_cents", "percent_thousandths"),
    "kind",
)


def plan_rows_of(cases: pl.DataFrame, in_force: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Give every case the plan types of its program; of a case without one, those still in force.

    Shapes:  cases carries process_status and program_row; in_force has at most one row per case, plan type
             and slot. Result: one row per case and plan type (`plan` = its position) with rule_row,
             hire_rule_row, the columns of the event rule that choices need, and what is in force
             (current_*; null: nothing).
    """
    rows = pl.concat(
        [_of_programs(cases, rulebook), _of_coverage(cases, in_force, rulebook)], how="vertical"
    ).sort("case", "plan_row", maintain_order=True)
    rows = with_taken(
        rows,
        rulebook.plan_rows,
        "plan_row",
        *("plan_type", "plan_type_number", "dependent_rule_id", "waive_rule", "is_lapsing", "is_priced"),
    )
    rows = _with_rules(rows, rulebook)
    return _with_current(rows, cases, in_force).with_columns(plan=pl.int_range(pl.len(), dtype=pl.Int32))


def _of_programs(cases: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """The plan types of the assigned program, restricted to those of the schedule."""
    ranges = rulebook.plan_rows.group_by("program_row").agg(
        first=pl.col("plan_row").min(), rows=pl.len().cast(pl.Int32)
    )
    assigned = cases.filter(process_status=ProcessStatus.AS.value).select(
        "case", "program_row", "schedule_id", "event_class_id", "event_on"
    )
    found = assigned.join(ranges, on="program_row", how="left", maintain_order="left")
    rows = spread(found, "first", "rows", "plan_row").drop("first", "rows", "program_row")
    rows = rows.with_columns(is_ending=pl.lit(value=False))
    return _restricted(rows, rulebook).drop("schedule_id")


def _restricted(rows: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Keep the plan types an open enrolment or a snapshot names; schedules that name none take all."""
    named = rulebook.schedule_programs
    if named.is_empty():
        return rows
    rows = with_taken(rows, rulebook.plan_rows, "plan_row", "program_id", "plan_type")
    free = rows.join(named.select("schedule_id").unique(), on="schedule_id", how="anti")
    kept = rows.join(named, on=["schedule_id", "program_id", "plan_type"], how="semi")
    return pl.concat([free, kept]).drop("program_id", "plan_type")


def _of_coverage(cases: pl.DataFrame, in_force: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """The plan types in force of cases without a program: they are to end, by the program they were under."""
    losing = cases.filter(process_status=ProcessStatus.AN.value).select("case", "event_class_id", "event_on")
    held = in_force.filter(pl.col("kind").is_in(COVERED)).select("case", "program_id", "plan_type").unique()
    rows = losing.join(held, on="case").join(
        rulebook.plan_rows.select("program_id", "plan_type", "plan_row", "program_row"),
        on=["program_id", "plan_type"],
        how="left",
    )
    rows = with_taken(rows, rulebook.programs, "program_row", "valid_from", "valid_to")
    latest = rows.filter(pl.col("valid_from").is_null() | (pl.col("valid_from") <= pl.col("event_on")))
    latest = latest.sort("valid_from", nulls_last=False).unique(["case", "plan_type"], keep="last")
    return latest.select(
        "case", "event_class_id", "event_on", pl.col("plan_row").cast(pl.Int32), is_ending=pl.lit(value=True)
    )


def _with_rules(rows: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Find the event-rule row that holds; null where the set-up has none."""
    wanted = rows.select("plan_row", "event_class_id", "event_on").unique()
    found = wanted.join(rulebook.plan_rules, on=["plan_row", "event_class_id"]).filter(
        (pl.col("valid_from") <= pl.col("event_on")) & (pl.col("event_on") < pl.col("valid_to"))
    )
    found = found.select("plan_row", "event_class_id", "event_on", "rule_row", "hire_rule_row")
    rows = rows.join(
        found, on=["plan_row", "event_class_id", "event_on"], how="left", maintain_order="left"
    ).drop("event_class_id", "event_on")
    rows = with_taken(
        rows,
        rulebook.event_rules,
        "rule_row",
        *("select_allowed", "use_history", "pre_enter", "is_election_required", "is_ignored"),
        *("default_method", "level_limit", "waived_level_limit", "proof_from_level", "proof_above_cents"),
        *("waived_proof_from_level", "waived_proof_above_cents"),
    )
    return rows.with_columns(is_ignored=pl.col("is_ignored").fill_null(value=False))


def _with_current(rows: pl.DataFrame, cases: pl.DataFrame, in_force: pl.DataFrame) -> pl.DataFrame:
    """Add what is in force, as current_*; accounts that lapse at open enrolment have nothing in force."""
    held = in_force.filter((pl.col("slot") == 0) & ~pl.col("is_future")).select(
        "case",
        plan_type_number("plan_type").alias("plan_type_number"),
        *(pl.col(name).alias(f"current_{name}") for name in _CURRENT),
    )
    rows = rows.join(held, on=["case", "plan_type_number"], how="left", maintain_order="left")
    rows = with_taken(rows, cases, "case", "is_open_enrollment")
    is_covered = pl.col("current_kind").is_in(COVERED).fill_null(value=False)
    keeps = is_covered & ~(pl.col("is_lapsing") & pl.col("is_open_enrollment"))
    return rows.with_columns(
        is_in_force=is_covered,
        keeps_current=keeps,
        current_option_id=pl.when(is_covered).then("current_option_id"),
    ).drop("is_open_enrollment")
