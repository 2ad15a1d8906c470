"""The benefits year in order, and then what a PEO does around it: plans, renewal, payroll, invoices."""

import shutil
import time
from datetime import date
from pathlib import Path

from django.db import connection

from openbenefits.cli.demo import (
    TODAY,
    after,
    before,
    between,
    carriers,
    first_run,
    going_live,
    invoiced,
    later_runs,
    newcomer,
    next_year,
    payroll_year,
    prospect,
    putting_right,
    renewing,
)
from openbenefits.cli.demo.ending import say_farewell
from openbenefits.cli.demo.faces import make_logins
from openbenefits.cli.demo.stage import Stage
from openbenefits.cli.screen import console, say
from openbenefits.programs.reader import read
from openbenefits.sample import SAMPLE_FOLDER, generate
from openbenefits.workflow.services import stand_still
from openbenefits.workforce.recording import add_client

SEED = 2026
OUTPUTS = ("people", "statements", "reports", "elections", "changes", "payroll", "carriers", "explain")


def play(folder: Path, *, people: int) -> Stage:
    """Play the whole demo into an empty, migrated database and an output folder."""
    begun = time.perf_counter()
    stage = _set_stage(folder, people)
    before.play(stage)
    carriers.play_first(stage)
    first_run.play(stage)
    between.play(stage)
    later_runs.play_second(stage)
    later_runs.play_final(stage)
    carriers.play_enrolment(stage)
    after.play(stage)
    putting_right.play(stage)
    next_year.play(stage)
    _play_second_act(stage)
    make_logins(stage)
    stand_still(stage.connection, date.fromisoformat(TODAY))
    say_farewell(stage, time.perf_counter() - begun)
    return stage


def _play_second_act(stage: Stage) -> None:
    """Play what becomes of one prospect, from a comparison to a reconciled invoice; then a renewal."""
    prospect.play(stage)
    newcomer.play(stage)
    with going_live.platform_of_demo() as platform:
        work = going_live.play(stage, platform)
        payroll_year.play(stage, platform, work)
    invoiced.play(stage)
    renewing.play(stage)


def _set_stage(folder: Path, people: int) -> Stage:
    """Make up the people and enter the clients; what an earlier demo wrote goes."""
    for name in OUTPUTS:
        shutil.rmtree(folder / name, ignore_errors=True)
    with console.status(f"Making up {people:,} people …"):
        files = generate(folder / "people", seed=SEED, people=people)
    say(
        f"Made up: {files.people:,} employees with {files.dependents:,} dependents of {len(files.clients)}"
        f" clients, from seed {SEED}: {files.folder}\n"
    )
    clients = {one.client: add_client(one.client, _name(one.client)).pk for one in files.clients}
    return Stage(connection=connection, folder=folder, files=files, clients=clients)


def _name(client: str) -> str:
    """Read what a client is called in its set-up."""
    loaded = read(SAMPLE_FOLDER / "clients" / client).bundle
    return loaded.parts.bundle.name if loaded else client
