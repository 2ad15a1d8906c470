"""Steps 4 and 5: elections are validated, corrected and validated again; the rest is finalised."""

from datetime import date

import polars as pl
from rich.table import Table

from openbenefits.cli.demo.between import files_text, show_bad_rows
from openbenefits.cli.demo.stage import ACTOR, OPEN_ENROLLMENT, Stage, at
from openbenefits.cli.screen import console, progress, say, table_of
from openbenefits.core.codes import Level
from openbenefits.enrollment.elections import enter_file
from openbenefits.reports.services import issue_confirmations
from openbenefits.runs.services import RunResult, trial

VALIDATED = date(2025, 11, 22)
FINALIZED = date(2025, 11, 24)
CONFIRMED = date(2025, 12, 1)


def play_second(stage: Stage) -> None:
    """Validate and load, report the errors, correct them, and again."""
    with stage.step("4 Second run: validate and load"):
        stage.run_all("Elections", OPEN_ENROLLMENT, VALIDATED, through=Level.ELECTIONS)
        stage.show_causes(OPEN_ENROLLMENT, file="second-run-errors.xlsx")
    with stage.step("4 Second run, again after corrections"):
        _correct_elections(stage)
        stage.run_all("Elections again", OPEN_ENROLLMENT, VALIDATED, through=Level.ELECTIONS)
        stage.show_causes(OPEN_ENROLLMENT, file="second-run-again.xlsx")


def play_final(stage: Stage) -> None:
    """Rehearse, finalise with defaults, confirm."""
    with stage.step("5 Final run: defaults for the rest"):
        _rehearse(stage)
        results = stage.run_all("Final run", OPEN_ENROLLMENT, FINALIZED, is_finalizing=True)
        _show_rest(results)
        stage.show_causes(OPEN_ENROLLMENT, file="final-run.xlsx")
        again = stage.run_all("The same run again", OPEN_ENROLLMENT, FINALIZED, is_finalizing=True)
        _show_rest(again)
    with stage.step("5 Final run: confirmation statements"):
        _confirm(stage)


def _correct_elections(stage: Stage) -> None:
    """Enter, for each mistake in the files, what the person meant."""
    for client, client_id in stage.clients.items():
        path = stage.output("elections", f"{client}-corrections.csv")
        if not pl.scan_csv(path).head(1).collect().height:
            continue
        result = enter_file(stage.connection, client_id, path, received_by=ACTOR, now=at(VALIDATED))
        say(f"{path}: {result.rows_read} rows, {result.entered} entered, {result.events_moved} people at ET")
        show_bad_rows(f"Rows of {client} left out, by cause", result)


def _rehearse(stage: Stage) -> None:
    """Rehearse the final run of the smallest client: nothing is written."""
    client = min(stage.files.clients, key=lambda files: files.people).client
    result = trial(
        stage.connection,
        stage.order(client, OPEN_ENROLLMENT, FINALIZED, is_finalizing=True),
        now=at(FINALIZED),
    )
    counted = result.changes.group_by("plan_type", "kind").len("change points").sort("plan_type", "kind")
    console.print(table_of(counted, title=f"Trial of the final run for {client}: nothing was written"))


def _show_rest(results: dict[str, RunResult]) -> None:
    """Show what the runs did with everybody, and who was not finalised."""
    outcomes = pl.concat(
        result.outcomes.with_columns(client=pl.lit(client)) for client, result in results.items()
    )
    counted = outcomes.group_by("outcome", status="to_status").agg(pl.col("people").sum())
    console.print(table_of(counted.sort("outcome", "status"), title="What became of everybody in scope"))


def _confirm(stage: Stage) -> None:
    table = Table("Client", "Confirmations", "Files", title="Confirmation statements", title_justify="left")
    for client in stage.clients:
        with progress(f"Confirmations of {client}") as told:
            result = issue_confirmations(
                stage.connection,
                stage.schedules[client, OPEN_ENROLLMENT],
                folder=stage.output("statements", client, ""),
                on=CONFIRMED,
                now=at(CONFIRMED),
                actor=ACTOR,
                progress=told,
            )
        table.add_row(client, f"{result.issued:,}", files_text(result.files))
    console.print(table)
