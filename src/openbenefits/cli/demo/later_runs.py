"""Steps 4 and 5: elections are validated, corrected and validated again; the rest is finalised."""

from datetime import date

import polars as pl

from openbenefits.cli.demo.between import show_bad_rows
from openbenefits.cli.demo.consequences import KINDS
from openbenefits.cli.demo.letters import issue_letters
from openbenefits.cli.demo.stage import ACTOR, OPEN_ENROLLMENT, Stage, at
from openbenefits.cli.screen import say
from openbenefits.core.codes import Level
from openbenefits.enrollment.elections import enter_file
from openbenefits.reports.services import issue_confirmations
from openbenefits.runs.services import trial

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
        stage.run_all("Final run", OPEN_ENROLLMENT, FINALIZED, is_finalizing=True)
        stage.show_causes(OPEN_ENROLLMENT, file="final-run.xlsx")
        stage.run_all("The same run again", OPEN_ENROLLMENT, FINALIZED, is_finalizing=True)
    with stage.step("5 Final run: confirmation statements"):
        issue_letters(stage, issue_confirmations, "Confirmation statements", CONFIRMED)


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
    words = pl.col("kind").replace_strict(KINDS)
    counted = result.changes.group_by(words).len("points").sort("points", descending=True)
    listed = ", ".join(f"{points} {kind}" for kind, points in counted.iter_rows())
    people = result.changes["person_id"].n_unique()
    say(f"Trial for {client}, nothing written: {people} people's coverage would change: {listed}.")
