"""What the steps of the demo share: clients, schedules, simulated days, the clock of each step, tables."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from openbenefits.cli.screen import console, say, table_of
from openbenefits.core.messages import CATALOGUE
from openbenefits.reports.services import Selection, make_report, save_report, status_counts
from openbenefits.reports.tables import status_table
from openbenefits.runs.services import RunOrder, RunResult, run
from openbenefits.sample import ClientFiles, SampleFiles

ACTOR = "demo"
START = date(2025, 10, 1)
"""The day the set-ups say benefits administration starts: earlier changes trigger nothing."""

OPEN_ENROLLMENT, SNAPSHOT, EVENTS = "OE26", "SNAP25", "EM"
HOUR = timedelta(hours=8)
NOT_REACHED = "not reached"
LEVELS = ("schedule", "program", "option", "election", "load")


def at(day: date) -> datetime:
    """The simulated moment at which something of a day is done."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + HOUR


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One playing of the demo."""

    connection: Any
    folder: Path
    files: SampleFiles
    clients: dict[str, int]  # code → id; one comes in on the way
    schedules: dict[tuple[str, str], int] = field(default_factory=dict)  # client and schedule code → id
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Print a heading, and note how long the step takes."""
        console.rule(f"[bold]{escape(title)}", align="left")
        begun = time.perf_counter()
        yield
        self.seconds[title] = time.perf_counter() - begun
        say(f"{self.seconds[title]:.1f} s\n", style="dim")

    def each_client(self, what: str) -> Iterator[ClientFiles]:
        """Go through the clients with a progress bar."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console) as bars:
            task = bars.add_task(escape(what), total=len(self.files.clients))
            for files in self.files.clients:
                yield files
                bars.advance(task)

    def output(self, *parts: str) -> Path:
        """Name a place in the output folder, and make its folder."""
        place = self.folder.joinpath(*parts)
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def schedule_ids(self, code: str) -> list[int]:
        """The schedules of one code, of all clients."""
        return [self.schedules[client, code] for client in self.clients]

    def order(self, client: str, schedule: str, as_of: date, **more: Any) -> RunOrder:
        """An order to run a schedule of a client."""
        return RunOrder(
            client_id=self.clients[client],
            schedule_id=self.schedules[client, schedule],
            as_of=as_of,
            started_by=ACTOR,
            **more,
        )

    def run_all(self, what: str, schedule: str, as_of: date, **more: Any) -> dict[str, RunResult]:
        """Run a schedule for every client, then show who passed where and who stands where."""
        results = {
            files.client: run(
                self.connection, self.order(files.client, schedule, as_of, **more), now=at(as_of)
            )
            for files in self.each_client(what)
        }
        self.show_statuses(what, schedule, results)
        return results

    def show_statuses(self, what: str, schedule: str, results: Mapping[str, RunResult] | None = None) -> None:
        """Show where everybody stands, who passed through each status in these runs, and who was left out."""
        runs = {client: result.run_id for client, result in (results or {}).items()}
        counts = pl.concat(
            status_counts(self.connection, [self.schedules[client, schedule]], run_id=runs.get(client))
            for client in self.clients
        )
        is_used = (pl.col("standing") + pl.col("passed").fill_null(0)).sum().over("process_status") > 0
        title = f"{what}: where the participants stand"
        console.print(status_table(counts.filter(is_used), title=title))
        if results:
            say(_account(list(results.values())))

    def show_causes(self, schedule: str, *, file: str, levels: Sequence[str] = LEVELS) -> None:
        """Show what stands in the way, grouped by cause, and write the report of it."""
        selection = Selection(schedule_ids=tuple(self.schedule_ids(schedule)))
        report = make_report(self.connection, "BAS003", selection)
        path = self.output("reports", file)
        save_report(report, xlsx=path)
        codes = [entry.code for entry in CATALOGUE.values() if entry.level in levels]
        rows = report.main.filter(pl.col("code").is_in(codes))
        causes = rows.group_by("severity", "code", "message", "owner", "cure").agg(
            people=pl.struct("client", "employee_number").n_unique()
        )
        if causes.height:
            shown = causes.sort("severity", "people", descending=[False, True]).select(
                "severity", "code", "message", "people", "owner", "cure"
            )
            console.print(table_of(shown, title="Messages, by cause"))
        say(f"Report, with every message of everybody: {path}")


def _account(results: Sequence[RunResult]) -> str:
    """Say what became of everybody in scope; the sum must be everybody (rulings §1.10)."""
    scope = sum(result.people for result in results)
    outcomes = pl.concat(result.outcomes for result in results).filter(pl.col("outcome") != NOT_REACHED)
    counted = outcomes.group_by("outcome").agg(pl.col("people").sum()).sort("people", descending=True)
    listed = ", ".join(f"{people:,} {outcome}" for outcome, people in counted.iter_rows())
    is_whole = counted["people"].sum() == scope
    verdict = "everybody is accounted for" if is_whole else "NOT EVERYBODY IS ACCOUNTED FOR"
    return f"{scope:,} in scope: {listed}; {verdict}."
