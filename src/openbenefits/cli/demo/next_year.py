"""Step 8, next year: its open enrolment is set up, prepared, told to people, and left open."""

import shutil
from datetime import date
from pathlib import Path

import yaml

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
LIMIT = "    annual_limit"
SET_UP, PREPARED, TOLD = date(2026, 10, 1), date(2026, 10, 26), date(2026, 11, 2)


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
    """Apply the client's set-up again, with another schedule, its runs, and calendars of another year."""
    folder = copied(stage, CLIENT)
    _add(folder / "schedules.yaml", Path(__file__).with_suffix(".yaml"))
    apply(stage, CLIENT, folder, SET_UP)


def copied(stage: Stage, client: str) -> Path:
    """Copy a client's set-up for another year: its calendars, and limits.

    Limits of 2027 are not published; until they are, the last known ones hold.
    """
    folder = stage.output("changes", f"{client}-2027", "")
    shutil.copytree(SAMPLE_FOLDER / "clients" / client, folder, dirs_exist_ok=True)
    _rewrite(folder / "programs.yaml", f"{LIMIT}: ", f"    missing_limit: last_known\n{LIMIT}: ")
    _rewrite(folder / "groups.yaml", "calendar_through: 2026-12-31", "calendar_through: 2027-12-31")
    return folder


def apply(stage: Stage, client: str, folder: Path, on: date) -> None:
    """Put a folder into force, say what was found, and learn the schedules there are."""
    change = setup.apply(folder, client_id=stage.clients[client], applied_by=ACTOR, now=at(on))
    release = change.release.number if change.release else "none"
    say(f"{folder}: {count_findings(change.findings)}; {change.outcome}, release {release}")
    print_findings(change.findings)
    note_schedules(stage)


def note_schedules(stage: Stage) -> None:
    """Learn the schedules there are."""
    for row in load_schedules(stage.connection).iter_rows(named=True):
        stage.schedules[row["client"], row["schedule"]] = row["schedule_id"]


def _add(path: Path, more: Path) -> None:
    """Add to each list of a file what another lists under the same name."""
    lists, added = (yaml.safe_load(one.read_text(encoding="utf-8")) for one in (path, more))
    for name, rows in added.items():
        lists[name] += rows
    path.write_text(yaml.safe_dump(lists, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    if old not in text:
        raise LookupError(f"{path.name}: expected '{old.strip()}', found none; the sample has changed")
    path.write_text(text.replace(old, new), encoding="utf-8")
