"""The summary of schedules: people and events at every status, flags, and how much needs nothing more."""

import polars as pl

from openbenefits.core.codes import PROCESS_STATUS_NAMES, ProcessStatus

NOT_PROCESSED = ""
STATUSES = pl.DataFrame(
    {
        "process_status": [NOT_PROCESSED, *(str(status) for status in ProcessStatus)],
        "status_name": ["not processed yet", *(PROCESS_STATUS_NAMES[status] for status in ProcessStatus)],
    }
).with_row_index("place")
"""Every place an event can stand: the twelve statuses, and before them what no run has looked at yet."""

FINAL_OR_VOID = "final_or_void"
EVENT_STATUSES = ("open", "closed", "void", "disconnected")
FLAGS = ("out_of_sequence", "eligibility_changed", "multi_activity", "finalise_ordered", "flagged")
COUNTS = ("people", "events", *EVENT_STATUSES, FINAL_OR_VOID, *FLAGS)
SCHEDULE = ("client", "schedule", "schedule_name", "kind")


def lay_out(standing: pl.DataFrame, schedules: pl.DataFrame) -> pl.DataFrame:
    """Give every schedule a row for each status, in the order of the cycle; where nobody stands it says 0.

    Shapes: standing has schedule_id, process_status ('' = not processed yet) and COUNTS; schedules have
            schedule_id and SCHEDULE.
    """
    grid = schedules.select("schedule_id", *SCHEDULE).join(STATUSES, how="cross")
    rows = grid.join(standing, on=["schedule_id", "process_status"], how="left")
    return (
        rows.with_columns(pl.col(COUNTS).fill_null(0))
        .sort(*SCHEDULE[:2], "schedule_id", "place", nulls_last=True)
        .select(*SCHEDULE, "process_status", "status_name", *COUNTS)
    )


def sum_up(laid_out: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Sum each schedule up: its people, events by event status and flag, and the percentage done.

    Done is what is closed at a final status, or void; the target is 100. Rounded down to a tenth, so that
    100 means all.

    Shapes:  people has client, schedule and people, each counted once whatever their events.
    Missing: a schedule without events has no percentage.
    """
    sums = laid_out.group_by(SCHEDULE, maintain_order=True).agg(pl.col(COUNTS[1:]).sum())
    found = sums.join(people, on=["client", "schedule"], how="left", maintain_order="left")
    per_mille = pl.when(pl.col("events") > 0).then(pl.col(FINAL_OR_VOID) * 1_000 // pl.col("events"))
    return found.with_columns(
        people=pl.col("people").fill_null(0), percent_done=(per_mille * 0.1).round(1)
    ).select(*SCHEDULE, *COUNTS, "percent_done")


__all__ = ["COUNTS", "FLAGS", "SCHEDULE", "STATUSES", "lay_out", "sum_up"]
