"""Step 2, the first run: open enrolment for everybody, stopped after each level; faults, and their cure."""

from datetime import date

from openbenefits.cli.demo.stage import ACTOR, LEVELS, OPEN_ENROLLMENT, Stage, at
from openbenefits.cli.screen import say
from openbenefits.core.codes import Level
from openbenefits.workforce import census

PREPARED = date(2025, 10, 27)
CORRECTED = date(2025, 10, 30)

STOPS = (
    (Level.SCHEDULE, "stopped after the schedule"),
    (Level.PROGRAM, "stopped after the program"),
    (Level.OPTIONS, "through options, prices, credits and defaults"),
)


def play(stage: Stage) -> None:
    """Prepare open enrolment, correct what stands in the way, and prepare again."""
    for level, words in STOPS:
        with stage.step(f"2 First run, {words}"):
            stage.run_all("Open enrolment", OPEN_ENROLLMENT, PREPARED, through=level)
            if level is not Level.SCHEDULE:
                reached = LEVELS[:2] if level is Level.PROGRAM else LEVELS
                stage.show_causes(OPEN_ENROLLMENT, file=f"first-run-{level}.xlsx", levels=reached)
    with stage.step("2 First run, again after corrections"):
        _import_corrections(stage)
        stage.run_all("Open enrolment again", OPEN_ENROLLMENT, CORRECTED, through=Level.OPTIONS)
        stage.show_causes(OPEN_ENROLLMENT, file="first-run-again.xlsx")


def _import_corrections(stage: Stage) -> None:
    """Import the corrected census rows."""
    changed = 0
    for files in stage.each_client("Corrections"):
        found = census.preview(stage.clients[files.client], files.corrections, as_of=CORRECTED)
        census.apply(found, made_by=ACTOR, now=at(CORRECTED))
        changed += found.people["changed"]
    say(f"{changed} people's records corrected; only they are prepared anew.")
