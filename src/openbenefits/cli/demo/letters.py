"""Statements of all clients, two clients at a time: setting letters is most of the demo's work."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from openbenefits.cli.demo.stage import ACTOR, OPEN_ENROLLMENT, Stage, at
from openbenefits.cli.screen import console
from openbenefits.reports.services import StatementResult

AT_A_TIME = 2


def issue_letters(stage: Stage, issue: Callable[..., StatementResult], what: str, day: date) -> None:
    """Issue the statements of a kind that are due, and say how many there are and where."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bars:
        tasks = {client: bars.add_task(f"{what} of {client}", total=None) for client in stage.clients}

        def issue_to(client: str) -> StatementResult:
            def told(done: int, total: int) -> None:
                bars.update(tasks[client], completed=done, total=total)

            return _in_own_session(
                issue,
                stage.connection,
                stage.schedules[client, OPEN_ENROLLMENT],
                folder=stage.output("statements", client, ""),
                on=day,
                now=at(day),
                actor=ACTOR,
                progress=told,
            )

        with ThreadPoolExecutor(AT_A_TIME) as pool:
            results = dict(zip(stage.clients, pool.map(issue_to, stage.clients), strict=True))
    table = Table("Client", title=what, title_justify="left")
    table.add_column("People", justify="right")
    table.add_column("Files")
    for client, result in results.items():
        folder = result.files[0].parent if result.files else "none"
        table.add_row(client, f"{result.issued:,}", f"{len(result.files)} PDFs in {folder}")
    console.print(table)


def _in_own_session(
    issue: Callable[..., StatementResult], connection: Any, *args: Any, **more: Any
) -> StatementResult:
    """Call in a thread; Django gives each thread a session of its own, which ends with it."""
    try:
        return issue(connection, *args, **more)
    finally:
        connection.close()
