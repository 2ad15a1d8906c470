"""Step 2, the first run: open enrolment for everybody, stopped after each level; faults, and their cure."""

from datetime import date

import polars as pl

from openbenefits.cli.demo.stage import ACTOR, LEVELS, OPEN_ENROLLMENT, Stage, at
from openbenefits.cli.screen import say
from openbenefits.core.codes import Level
from openbenefits.workforce import census

PREPARED = date(2025, 10, 27)
CENSUS_TAKEN = date(2025, 9, 30)
CORRECTED = date(2025, 10, 28)
CORRECTED_AGAIN = date(2025, 10, 29)

ASSIGNING = ("AN", "AE")
"""What faults of the program's assignment lead to; the others are met when options are prepared."""


def play(stage: Stage) -> None:
    """Prepare open enrolment level by level; after each, correct what stands in the way and go again."""
    with stage.step("2 First run, stopped after the schedule"):
        _run(stage, Level.SCHEDULE, PREPARED)
    with stage.step("2 First run, stopped after the program"):
        _run(stage, Level.PROGRAM, PREPARED)
        stage.show_causes(OPEN_ENROLLMENT, file="first-run-program.xlsx", levels=LEVELS[:2])
    with stage.step("2 First run, the program again after corrections"):
        _import_corrections(stage, pl.col("expected_status").is_in(ASSIGNING), "program")
        _run(stage, Level.PROGRAM, CORRECTED)
    with stage.step("2 First run, through options, prices, credits and defaults"):
        _run(stage, Level.OPTIONS, CORRECTED)
        stage.show_causes(OPEN_ENROLLMENT, file="first-run-options.xlsx")
    with stage.step("2 First run, the options again after corrections"):
        _import_corrections(stage, ~pl.col("expected_status").is_in(ASSIGNING), "options")
        _run(stage, Level.OPTIONS, CORRECTED_AGAIN)
        stage.show_causes(OPEN_ENROLLMENT, file="first-run-again.xlsx")


def _run(stage: Stage, level: Level, day: date) -> None:
    stage.run_all("Open enrolment", OPEN_ENROLLMENT, day, through=level)


def _import_corrections(stage: Stage, which: pl.Expr, name: str) -> None:
    """Import the corrected census rows of some of the faults, true from the day it was taken."""
    changed = 0
    for files in stage.each_client("Corrections"):
        faults = pl.read_csv(files.faults, infer_schema=False).filter(which, pl.col("is_cured") == "Y")
        rows = pl.read_csv(files.corrections, infer_schema=False)
        path = stage.output("changes", f"{files.client}-corrections-{name}.csv")
        rows.join(faults, on="employee_number", how="semi", maintain_order="left").write_csv(path)
        if faults.height:
            found = census.preview(stage.clients[files.client], path, as_of=CENSUS_TAKEN)
            census.apply(found, made_by=ACTOR, now=at(CORRECTED))
            changed += found.people["changed"]
    say(f"{changed} people's records corrected; only those are looked at anew.")
