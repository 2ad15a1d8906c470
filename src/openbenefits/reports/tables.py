"""Counts and reports as tables of the command line."""

from typing import Any

import polars as pl
from rich.table import Table

from openbenefits.core.codes import FINAL_STATUSES
from openbenefits.reports.rules import EVENT_STATUS_COUNTS, STATUS_NAMES

PREVIEW_ROWS = 20


def status_table(counts: pl.DataFrame, *, title: str = "Where the participants stand") -> Table:
    """Show how many events stand at each process status, all schedules of `counts` together.

    Shapes: counts as `services.status_counts` answers them.
    """
    table = Table(title=title, title_justify="left", show_footer=True)
    rows = _together(counts)
    is_run = rows["passed"].null_count() < rows.height
    table.add_column("Status", footer="all")
    table.add_column("Meaning")
    if is_run:
        table.add_column("Passed in this run", justify="right")
    table.add_column("Stand here now", footer=_number(rows["standing"].sum()), justify="right")
    for name in EVENT_STATUS_COUNTS:
        table.add_column(name.capitalize(), footer=_number(rows[name].sum()), justify="right")
    for row in rows.iter_rows(named=True):
        passed = [_number(row["passed"])] if is_run else []
        numbers = [_number(row[name]) for name in ("standing", *EVENT_STATUS_COUNTS)]
        style = "green" if row["process_status"] in FINAL_STATUSES else None
        table.add_row(row["process_status"] or "-", row["name"], *passed, *numbers, style=style)
    return table


def schedule_summary_table(summary: pl.DataFrame, *, title: str = "Schedule summary") -> Table:
    """Show one line per schedule: its events by status, its flags, and the percentage that is final."""
    table = Table(title=title, title_justify="left")
    for name in ("Client", "Schedule"):
        table.add_column(name)
    statuses = [name for name in ("new", *STATUS_NAMES) if name in summary.columns and summary[name].sum()]
    counts = ["events", *statuses, *EVENT_STATUS_COUNTS, "out_of_sequence", "eligibility_changed"]
    for name in counts:
        table.add_column(name.replace("_", " ") if name in STATUS_NAMES else _heading(name), justify="right")
    table.add_column("Final", justify="right")
    for row in summary.iter_rows(named=True):
        final = "" if row["percent_final"] is None else f"{row['percent_final']:.1f} %"
        numbers = [_number(row[name]) for name in counts]
        table.add_row(row["client"] or "", row["schedule"] or str(row["schedule_id"]), *numbers, final)
    return table


def preview_table(frame: pl.DataFrame, *, title: str, rows: int = PREVIEW_ROWS) -> Table:
    """Show the first rows of a report, and say how many there are."""
    shown = frame.head(rows)
    more = f"{shown.height} of {frame.height} rows" if frame.height > shown.height else None
    table = Table(title=title, title_justify="left", caption=more, caption_justify="left")
    for name, dtype in frame.schema.items():
        table.add_column(_heading(name), justify="right" if dtype.is_numeric() else "left")
    for row in shown.iter_rows():
        table.add_row(*(_cell(value) for value in row))
    return table


def _together(counts: pl.DataFrame) -> pl.DataFrame:
    return counts.group_by("process_status", "name", maintain_order=True).agg(
        pl.col("standing", *EVENT_STATUS_COUNTS).sum(),
        pl.when(pl.col("passed").is_not_null().any()).then(pl.col("passed").sum()).alias("passed"),
    )


def _heading(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _number(value: Any) -> str:
    return f"{value:,}" if value else "·"


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    return f"{value:,}" if isinstance(value, int) else str(value)
