"""What a wave finds of the events it has decided: who may not pass a waiting one, what a snapshot notices."""

from typing import Any

import polars as pl

from openbenefits.core.codes import EventClassUse
from openbenefits.core.columns import where
from openbenefits.enrollment.prepared_frames import load_event_plan_types
from openbenefits.enrollment.rules.messages import message_rows, no_messages, with_catalogue
from openbenefits.enrollment.rules.prepare import Prepared
from openbenefits.events.rules import RECORD_KEY
from openbenefits.programs.frames import Compiled
from openbenefits.runs.passing import linked_plan_types, may_not_pass

SNAPSHOT = str(EventClassUse.SNAPSHOT)
CURRENT_LOST = "BA1216"


def failed_to_pass(
    connection: Any, cases: pl.DataFrame, prepared: Prepared, chosen: pl.DataFrame, setup: Compiled
) -> pl.DataFrame:
    """Name the cases that tried to pass a waiting event and may not (rulings §1.3): rows of cases."""
    tried = where(cases, "is_trying")
    if tried.is_empty():
        return tried
    rulebook, tables = setup
    programs = rulebook.programs.select("program_row", new_program_id="program_id")
    assigned = prepared.cases[["case", "program_row"]].join(programs, on="program_row", how="left")
    asked = tried.join(assigned[["case", "new_program_id"]], on="case", how="left")
    touched = where(prepared.plans, ~prepared.plans["is_ignored"])[["case", "plan_type"]].unique()
    first = where(chosen, "is_first").join(tried[[*RECORD_KEY]], on=list(RECORD_KEY), how="semi")
    plan_types = load_event_plan_types(connection, first)
    failing = may_not_pass(asked, touched, first, plan_types, linked_plan_types(tables))
    return tried.join(failing, on="case", how="semi")


def said_of(failed: pl.DataFrame) -> pl.DataFrame:
    """Answer the outcome of events that tried to pass and may not."""
    return failed.select(
        *RECORD_KEY,
        outcome=pl.lit("waits for an earlier event"),
        from_status="process_status_before",
        to_status="process_status_before",
    )


def lost_messages(cases: pl.DataFrame, prepared: Prepared) -> pl.DataFrame:
    """Say of a snapshot that validates where coverage in force is no longer among what is offered."""
    asked = cases.filter(pl.col("is_current_validated") & (pl.col("use") == SNAPSHOT))[["case"]]
    if asked.is_empty():
        return with_catalogue(no_messages())
    held = prepared.plans.filter(pl.col("current_option_id").is_not_null() & ~pl.col("is_ignored"))
    offered = prepared.options.select("plan", current_option_id="option_id")
    lost = held.join(asked, on="case", how="semi").join(offered, on=["plan", "current_option_id"], how="anti")
    lost = lost[["case", "plan_type"]]
    expected, found = pl.lit("coverage in force that is still offered"), pl.lit("an option no longer offered")
    return with_catalogue(message_rows(lost, CURRENT_LOST, expected, found))
