"""Counts and reports as tables of the command line."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import polars as pl
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from openbenefits.core.codes import FINAL_STATUSES
from openbenefits.reports.rules import EVENT_STATUS_COUNTS, STATUS_NAMES

PREVIEW_ROWS = 20
WRAPPED = 14
"""A column of long texts needs that many characters at least."""


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


def preview_table(frame: pl.DataFrame, *, title: str | None = None, rows: int = PREVIEW_ROWS) -> Table:
    """Show the first rows of a report, and say how many there are."""
    shown = frame.head(rows)
    more = f"{shown.height} of {frame.height} rows" if frame.height > shown.height else None
    table = Table(title=title, title_justify="left", caption=more, caption_justify="left")
    for name, dtype in frame.schema.items():
        table.add_column(_heading(name), justify="right" if dtype.is_numeric() else "left")
    for row in shown.iter_rows():
        table.add_row(*(_cell(value) for value in row))
    return table


def laid_out(frame: pl.DataFrame, *, title: str, width: int, rows: int = PREVIEW_ROWS) -> Group:
    """Lay a frame out so that it can be read at a width, in characters.

    Where its columns do not fit, what is the same in every row is said once, and so are columns of nothing
    but zeros; where they still do not, rows stand one below the other as lines of heading and value.
    """
    said: list[str] = []
    shown, widths = frame, _widths(frame.head(rows), width)
    if not widths:
        shown, said = _said_once(frame)
        widths = _widths(shown.head(rows), width)
    parts: list[RenderableType] = [Text(title, style="italic")]
    if widths:
        table = preview_table(shown, rows=rows)
        for column, wide in zip(table.columns, widths, strict=True):
            column.width = wide
        parts.append(table)
    else:
        parts += _records(shown.head(rows))
    lines = [f"{rows} of {frame.height} rows"] if frame.height > rows and not widths else []
    return Group(*parts, *(Text(line, style="dim") for line in (*lines, *said)))


def _said_once(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Leave out what is the same in every row, and say it in words."""
    if frame.height < 2:
        return frame, []
    same = [name for name in frame.columns if frame[name].n_unique() == 1]
    zeros = [name for name in same if frame.schema[name].is_numeric() and frame[name][0] == 0]
    stated = [name for name in same if name not in zeros and frame[name][0] is not None]
    if len(same) == frame.width:
        return frame, []
    lines = []
    if stated:
        listed = ", ".join(f"{_heading(name).lower()} {_cell(frame[name][0])}" for name in stated)
        lines.append(f"All rows: {listed}")
    if zeros:
        lines.append(f"0 in all rows: {', '.join(_heading(name).lower() for name in zeros)}")
    return frame.drop(same), lines


def _widths(frame: pl.DataFrame, width: int) -> list[int]:
    """Share a width among columns so that no word is cut and long texts wrap; none if it is too small."""
    longest = [max((len(_cell(value)) for value in frame[name]), default=0) for name in frame.columns]
    widths = [
        max(min(most, WRAPPED), _longest_word(frame, name))
        for most, name in zip(longest, frame.columns, strict=True)
    ]
    left = width - 1 - sum(wide + 3 for wide in widths)
    if left < 0:
        return []
    for at, most in enumerate(longest):
        more = max(min(most - widths[at], left), 0)
        widths[at] += more
        left -= more
    return widths


def _longest_word(frame: pl.DataFrame, name: str) -> int:
    texts = (_heading(name), *(_cell(value) for value in frame[name]))
    return max(len(word) for text in texts for word in (*text.split(), ""))


def _records(frame: pl.DataFrame) -> Iterator[RenderableType]:
    """Show each row as lines of heading and value; what is not known has no line."""
    for row in frame.iter_rows(named=True):
        lines = Table.grid(padding=(0, 2))
        lines.add_column(style="dim")
        lines.add_column(overflow="fold")
        for name, value in row.items():
            if value is not None and _cell(value):
                lines.add_row(_heading(name), Text(_cell(value)))
        yield Padding(lines, (0, 0, 1, 2))


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
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return f"{value:,}" if isinstance(value, int) else str(value)
