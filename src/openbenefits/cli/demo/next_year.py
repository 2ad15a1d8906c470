"""Step 8, next year: its open enrolment is set up, prepared and told to people, who have until the window ends."""

import shutil
from datetime import date
from pathlib import Path

from openbenefits.cli.demo.stage import ACTOR, Stage, at
from openbenefits.cli.screen import count_findings, print_findings, say
from openbenefits.core.codes import Level
from openbenefits.programs import services as setup
from openbenefits.reports.names import load_schedules
from openbenefits.reports.services import issue_enrollment_statements
from openbenefits.runs.services import run
from openbenefits.sample import SAMPLE_FOLDER

CLIENT = "harbor"
SCHEDULE = "OE27"
SET_UP, PREPARED, TOLD = date(2026, 10, 1), date(2026, 10, 26), date(2026, 11, 2)
TODAY = date(2026, 11, 9)
"""The day on which the demo's faces are looked at: people may choose."""

SCHEDULES = """schedules:
- {code: OE27, name: Open enrolment 2027, kind: open_enrollment, event_class: OE, period_begins: 2027-01-01, period_ends: 2027-12-31,
   window_begins: 2026-11-02, window_ends: 2026-11-20, programs: {HARBOR-SAL: [], HARBOR-HRL: []}}
"""
CONTROLS = """run_controls:
- {code: oe27-prepare, name: "Open enrolment 2027, first run: options", kind: process, schedule: OE27, through: options, repeats: once, runs_on: 2026-10-26}
- {code: oe27-validate, name: "Open enrolment 2027, second run: elections", kind: process, schedule: OE27, through: elections}
- {code: oe27-final, name: "Open enrolment 2027, final run: defaults for the rest", kind: process, schedule: OE27, through: final, finalize: true, repeats: once, runs_on: 2026-11-21}
"""


def play(stage: Stage) -> None:
    """Open the enrolment of next year for one client, and leave it open."""
    with stage.step("8 Next year: open enrolment is set up and opened"):
        _set_up(stage)
        result = run(
            stage.connection, stage.order(CLIENT, SCHEDULE, PREPARED, through=Level.OPTIONS), now=at(PREPARED)
        )
        say(f"{result.people:,} people of {CLIENT} have options for 2027.")
        issued = issue_enrollment_statements(
            stage.connection,
            stage.schedules[CLIENT, SCHEDULE],
            folder=stage.output("statements", CLIENT, "2027", ""),
            on=TOLD,
            now=at(TOLD),
            actor=ACTOR,
        )
        say(f"{issued.issued:,} people of {CLIENT} may choose until 2026-11-20.")


def _set_up(stage: Stage) -> None:
    """Apply the client's set-up again, with another schedule, its runs, and calendars of another year.

    Limits of 2027 are not published; until they are, the last known ones hold.
    """
    folder = stage.output("changes", f"{CLIENT}-2027", "")
    shutil.copytree(SAMPLE_FOLDER / "clients" / CLIENT, folder, dirs_exist_ok=True)
    _rewrite(folder / "schedules.yaml", "schedules:\n", SCHEDULES)
    _rewrite(folder / "schedules.yaml", "run_controls:\n", CONTROLS)
    _rewrite(folder / "programs.yaml", "    annual_limit: ", "    missing_limit: last_known\n    annual_limit: ")
    _rewrite(folder / "groups.yaml", "calendar_through: 2026-12-31", "calendar_through: 2027-12-31")
    change = setup.apply(folder, client_id=stage.clients[CLIENT], applied_by=ACTOR, now=at(SET_UP))
    release = change.release.number if change.release else "none"
    say(f"{folder}: {count_findings(change.findings)}; {change.outcome}, release {release}")
    print_findings(change.findings)
    for row in load_schedules(stage.connection).iter_rows(named=True):
        stage.schedules[row["client"], row["schedule"]] = row["schedule_id"]


def _rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    if old not in text:
        raise LookupError(f"{path.name}: expected '{old.strip()}', found none; the sample has changed")
    path.write_text(text.replace(old, new), encoding="utf-8")
