"""Use case of stories: play each in a scratch database and say what differs.

Stories never touch the user's database. Importing this module needs a Django that has been set up
(`store.startup.set_up_django`), as every module with tables does; reading a story (`reading`) does not.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from msgspec import UNSET

from openbenefits.events.activity import ActivityRefused
from openbenefits.payroll.leaves import LeaveRefused
from openbenefits.programs.findings import Finding
from openbenefits.repair.services import RepairRefused
from openbenefits.scenarios.cast import StoryMistake
from openbenefits.scenarios.changes import ChangeRefused
from openbenefits.scenarios.comparing import Difference, compare
from openbenefits.scenarios.databases import Setup, SetupRefused, scratch_database
from openbenefits.scenarios.frames import state_of
from openbenefits.scenarios.playing import ElectionRefused, Play, begin, play_step
from openbenefits.scenarios.reading import StoryFile, Way, describe, read_story
from openbenefits.scenarios.story import Step, Story, act_of
from openbenefits.workforce.services import FactRefused

REFUSALS = (
    StoryMistake,
    ElectionRefused,
    LookupError,
    FactRefused,
    RepairRefused,
    ActivityRefused,
    LeaveRefused,
)

Progress = Callable[[int, int], None]
"""Called with stories done and stories in all."""


@dataclass(frozen=True, kw_only=True)
class ScenarioResult:
    """What came of a story: `findings` if it could not be played, `differences` where it is not true."""

    path: Path
    name: str
    findings: tuple[Finding, ...] = ()
    differences: tuple[Difference, ...] = ()
    steps: int = 0
    seconds: float = 0.0

    @property
    def is_met(self) -> bool:
        return not self.findings and not self.differences

    def __str__(self) -> str:
        """Say in a line how it went, and below it everything that is wrong."""
        verdict = "ok" if self.is_met else "differs" if not self.findings else "not played"
        head = f"{verdict}: {self.path.name}: {self.name} ({self.steps} steps, {self.seconds:.1f} s)"
        return "\n  ".join([head, *self.sentences()])

    def sentences(self) -> list[str]:
        """Say everything that is wrong, a line each."""
        found = [finding.sentence() for finding in self.findings]
        for one in self.differences:
            line = "" if one.line is None else f", line {one.line}"
            place = f"{self.path.name}{line}: step {int(one.way[1]) + 1}"
            found.append(f"{place}: {one.about}: expected {one.expected}, found {one.found}")
        return found


def run(paths: Iterable[Path], *, progress: Progress | None = None) -> list[ScenarioResult]:
    """Play stories: files, or folders whose `*.yaml` files are stories.

    Errors: none are raised for what a story says; what cannot be played is a finding of its result.
    """
    files = list(story_files(paths))
    results: list[ScenarioResult] = []
    for number, file in enumerate(files, start=1):
        results.append(play_file(file))
        if progress:
            progress(number, len(files))
    return results


def story_files(paths: Iterable[Path]) -> Iterator[Path]:
    """List the story files among paths; folders below a folder (set-ups) are not looked into."""
    for path in paths:
        if path.is_dir():
            yield from sorted(file for file in path.glob("*.yaml") if file.is_file())
        else:
            yield path


def play_file(path: Path) -> ScenarioResult:
    """Read and play one story."""
    started = time.perf_counter()
    file = read_story(path)
    if file.story is None:
        return ScenarioResult(path=path, name=path.stem, findings=tuple(file.findings))
    story = file.story
    folder = path.resolve().parent
    setup = Setup(folder / story.setup.peo, folder / story.setup.client, tuple(story.changes.items()))
    findings: list[Finding] = list(_missing_folders(file, setup))
    differences: list[Difference] = []
    if not findings:
        try:
            with scratch_database(setup) as connection:
                differences = list(_played(connection, file, story, setup, findings))
        except SetupRefused as refused:
            findings += refused.findings
        except ChangeRefused as refused:
            findings.append(_finding(file, ("changes",), "a path that leads to a value", str(refused)))
    placed = [replace(one, line=file.line(one.way)) for one in differences]
    return ScenarioResult(
        path=path,
        name=story.name,
        findings=tuple(findings),
        differences=tuple(sorted(placed, key=lambda one: one.line or 0)),
        steps=len(story.steps),
        seconds=time.perf_counter() - started,
    )


def _missing_folders(file: StoryFile, setup: Setup) -> Iterator[Finding]:
    for name in ("peo", "client"):
        if not getattr(setup, name).is_dir():
            found = f"none at {getattr(setup, name)}"
            yield _finding(file, ("setup", name), "the folder of a bundle", found)


def _played(
    connection: Any, file: StoryFile, story: Story, setup: Setup, findings: list[Finding]
) -> Iterator[Difference]:
    """Play every step and yield what differs; a step that cannot be played ends the story with a finding."""
    try:
        play = begin(connection, story, setup)
    except REFUSALS as refused:
        findings.append(_finding(file, ("people",), "people as the set-up knows them", str(refused)))
        return
    for number, step in enumerate(story.steps):
        way: Way = ("steps", number)
        before = state_of(connection) if step.nothing_changed else {}
        try:
            play_step(play, number)
        except (*REFUSALS, SetupRefused, ChangeRefused) as refused:
            if not step.refused:
                act = act_of(step)
                place = way if act is None else (*way, act[0])
                findings.append(_finding(file, place, "a step that can be played", str(refused)))
                return
        else:
            if step.refused:
                yield Difference(way=way, about="the step", expected="it to be refused", found="it was done")
        yield from _of_step(play, step, way, before)


def _of_step(play: Play, step: Step, way: Way, before: dict[str, tuple[int, str]]) -> Iterator[Difference]:
    if step.nothing_changed:
        after = state_of(play.connection)
        for table, (rows, mark) in before.items():
            if after[table] != (rows, mark):
                found = f"{rows} rows before, {after[table][0]} after, some of them different"
                yield Difference(
                    way=(*way, "nothing_changed"), about=table, expected="what it was", found=found
                )
    if step.run_outcomes is not UNSET:
        yield from _outcome_differences(play, step.run_outcomes, (*way, "run_outcomes"))
    for index, expected in enumerate(step.expect):
        yield from compare(play, expected, (*way, "expect", index), step.on)


def _outcome_differences(play: Play, expected: dict[str, int], way: Way) -> Iterator[Difference]:
    assert play.last_run is not None  # noqa: S101 - reading refuses run_outcomes without a run
    found: dict[str, int] = {}
    for outcome, people in play.last_run.outcomes.select("outcome", "people").iter_rows():
        if people:
            found[outcome] = found.get(outcome, 0) + people
    if found != expected:
        about = "outcome of the run"
        yield Difference(way=way, about=about, expected=_counted(expected), found=_counted(found))


def _counted(people: dict[str, int]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(people.items())) or "nobody"


def _finding(file: StoryFile, way: Way, expected: str, found: str) -> Finding:
    return Finding(
        code="story",
        where=describe(way),
        expected=expected,
        found=found,
        cure="Correct the story, or what it relies on.",
        file=file.path.name,
        line=file.line(way),
    )
