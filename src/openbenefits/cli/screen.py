"""What commands print on: the console, progress bars, plain tables and lists of findings."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

WIDTH_IN_FILES = 118
MOST_LINES = 40

ProgressCall = Callable[[int, int], None]
"""Told how much is done, of how much."""


def _console(*, stderr: bool = False) -> Console:
    """Make a console as wide as the terminal; in files and pipes, of a fixed width."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDTH_IN_FILES
    return Console(stderr=stderr, width=width, highlight=False)


console = _console()
errors = _console(stderr=True)


def say(text: str, *, style: str | None = None) -> None:
    """Print a sentence as it is: square brackets are text."""
    console.print(escape(text), style=style)


@contextmanager
def progress(what: str) -> Iterator[ProgressCall]:
    """Show a bar while something long goes on; what is yielded is told how far it has come."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task(escape(what), total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def table_of(frame: pl.DataFrame, *, title: str, names: Mapping[str, str] | None = None) -> Table:
    """Lay out a small frame: numbers to the right, headings in words, nothing where nothing is known."""
    table = Table(title=escape(title), title_justify="left")
    headings = names or {}
    for name, dtype in frame.schema.items():
        heading = headings.get(name, name.replace("_", " ").capitalize())
        table.add_column(heading, justify="right" if dtype.is_numeric() else "left", overflow="fold")
    for row in frame.head(MOST_LINES).iter_rows():
        table.add_row(*(escape(cell_text(value)) for value in row))
    if frame.height > MOST_LINES:
        table.caption = f"{MOST_LINES} of {frame.height} rows"
    return table


def cell_text(value: object) -> str:
    """Write one value of a table."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    return f"{value:,}" if isinstance(value, int) else str(value)


def dollars(cents: int | None) -> str:
    """Write cents as dollars; nothing where they are unknown.

    >>> dollars(-123456), dollars(None)
    ('-1,234.56', '')
    """
    if cents is None:
        return ""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole:,}.{rest:02d}"


def print_findings(findings: Sequence[Any]) -> None:
    """Print the findings of a set-up, the errors first, each in one sentence."""
    worst_first = sorted(findings, key=lambda finding: str(finding.severity))
    for finding in worst_first[:MOST_LINES]:
        word, style = ("error", "red") if str(finding.severity) == "E" else ("warning", "yellow")
        console.print(f"[{style}]{word}[/]  {escape(finding.sentence())}")
    if len(findings) > MOST_LINES:
        say(f"… and {len(findings) - MOST_LINES} more")


def count_findings(findings: Iterable[Any]) -> str:
    """Say how many errors and warnings there are.

    >>> count_findings([])
    'no errors, no warnings'
    """
    severities = [str(finding.severity) for finding in findings]
    return f"{_count(severities.count('E'), 'error')}, {_count(severities.count('W'), 'warning')}"


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
