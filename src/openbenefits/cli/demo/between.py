"""Step 3, between the runs: enrolment statements go out, elections come in."""

from datetime import date

import polars as pl

from openbenefits.cli.demo.letters import issue_letters
from openbenefits.cli.demo.offers import generator_offers, offers_of
from openbenefits.cli.demo.stage import ACTOR, OPEN_ENROLLMENT, Stage, at
from openbenefits.cli.elect import count_progress
from openbenefits.cli.screen import console, say, table_of
from openbenefits.core.codes import ProcessStatus
from openbenefits.enrollment.elections import EntryResult, enter_file, enter_one, progress_of
from openbenefits.reports.services import issue_enrollment_statements
from openbenefits.sample import ElectionFile, SampleFiles, elections
from openbenefits.sample.elections import EVENT
from openbenefits.workforce.census import read

TOLD = date(2025, 11, 1)
WINDOW_ENDS = date(2025, 11, 21)
NOTIFIED = [str(ProcessStatus.NT)]
MEDICAL = "10"
FAULT_SHARE = 0.03
DAY_LENGTH = 10  # a workbook states the hour of birth too
CENSUS_DEPENDENTS = {
    "employee_number": pl.String,
    "dependent_number": pl.Int64,
    "relationship": pl.String,
    "birth_date": pl.Date,
    "disabled": pl.String,
}


def play(stage: Stage) -> None:
    """Tell people what they may choose, and take what they choose."""
    with stage.step("3 Between: enrolment statements"):
        issue_letters(stage, issue_enrollment_statements, "Enrolment statements", TOLD)
        stage.show_statuses("Open enrolment", OPEN_ENROLLMENT)
    with stage.step("3 Between: elections from files and one by one"):
        offers = offers_of(stage.connection, stage.schedule_ids(OPEN_ENROLLMENT), NOTIFIED)
        family = dependents_of(stage.files)
        file = elections(generator_offers(offers), family, fault_share=FAULT_SHARE)
        meant = elections(generator_offers(offers), family, fault_share=0)
        for client in stage.clients:
            _enter(stage, client, file, offers)
            corrections = _corrections(file, meant, offers, client)
            corrections.write_csv(stage.output("elections", f"{client}-corrections.csv"))
        _enter_one_by_one(stage, offers, file)
        stage.show_statuses("Open enrolment", OPEN_ENROLLMENT)
        _show_progress(stage)


def dependents_of(sample: SampleFiles) -> pl.DataFrame:
    """Read the dependents of all clients as the census states them."""
    cells = pl.concat(read(files.census).cells for files in sample.clients)
    rows = cells.filter(pl.col("record") == "dependent")
    return rows.select(
        pl.col(name).str.head(DAY_LENGTH).str.to_date() if kind == pl.Date else pl.col(name).cast(kind)
        for name, kind in CENSUS_DEPENDENTS.items()
    )


def _rows_of(file: ElectionFile, offers: pl.DataFrame, client: str) -> pl.DataFrame:
    """Keep the rows of one client: employee numbers are unique within a client only."""
    theirs = offers.filter(client=client).select("employee_number").unique()
    return file.rows.join(theirs, on="employee_number", how="semi", maintain_order="left")


def _corrections(file: ElectionFile, meant: ElectionFile, offers: pl.DataFrame, client: str) -> pl.DataFrame:
    """State, for each mistake in the files, what the person meant, received on the last day of the window."""
    mistakes = file.faults.select(*EVENT, "plan_type")
    rows = _rows_of(meant, offers, client).join(
        mistakes, on=[*EVENT, "plan_type"], how="semi", maintain_order="left"
    )
    return rows.with_columns(received_on=pl.lit(WINDOW_ENDS))


def show_bad_rows(title: str, result: EntryResult) -> None:
    """Show the rows that could not be entered, by cause; nobody is named."""
    if result.bad_rows.height:
        causes = result.bad_rows.group_by("column", "found", "expected", "cure").len("rows").sort("column")
        console.print(table_of(causes, title=title))


def _enter(stage: Stage, client: str, file: ElectionFile, offers: pl.DataFrame) -> None:
    """Write a client's elections as a portal would, and enter them twice: the second says nothing new."""
    path = stage.output("elections", f"{client}.csv")
    _rows_of(file, offers, client).write_csv(path)
    client_id = stage.clients[client]
    result = enter_file(stage.connection, client_id, path, received_by=ACTOR, now=at(WINDOW_ENDS))
    again = enter_file(stage.connection, client_id, path, received_by=ACTOR, now=at(WINDOW_ENDS))
    say(
        f"{path}: {result.rows_read:,} rows, {result.entered:,} entered, {result.events_moved:,} people"
        f" at ET; the same file again: {again.entered} entered"
    )
    show_bad_rows(f"Rows of {client} left out, by cause", result)


def _enter_one_by_one(stage: Stage, offers: pl.DataFrame, file: ElectionFile) -> None:
    """Let an administrator enter the medical choice of two people who are in no file."""
    without = offers.join(file.rows, on="employee_number", how="anti").filter(
        "is_current", plan_type=MEDICAL, schedule=OPEN_ENROLLMENT, needs_spouse=False, needs_children=False,
        needs_partner=False,
    )  # fmt: skip
    for row in without.sort("client", "employee_number").head(2).iter_rows(named=True):
        result = enter_one(
            stage.connection,
            row["client_id"],
            person_id=row["person_id"],
            benefit_record=row["benefit_record"],
            schedule_id=stage.schedules[row["client"], OPEN_ENROLLMENT],
            event_number=row["event_number"],
            plan_type=MEDICAL,
            option_code=row["option"],
            received_on=WINDOW_ENDS,
            elector=ACTOR,
            source="administrator",
            now=at(WINDOW_ENDS),
        )
        say(
            f"One by one: {row['employee_number']} of {row['client']} keeps {row['option']};"
            f" {result.entered} entered, {result.events_moved} to ET"
        )


def _show_progress(stage: Stage) -> None:
    rows = pl.concat(progress_of(stage.connection, number) for number in stage.schedule_ids(OPEN_ENROLLMENT))
    console.print(table_of(count_progress(rows), title="How far people have come"))
