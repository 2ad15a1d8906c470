"""How far a schedule's process has come: its steps as done, waiting or blocked, from counts. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """The steps of a schedule's process, in their order."""

    PREPARE = "prepare"
    RUN = "run"
    CORRECT = "correct"
    NOTIFY = "notify"
    ELECT = "elect"
    VALIDATE = "validate"
    FINALISE = "finalise"
    CONFIRM = "confirm"


class StageState(StrEnum):
    """Where a step stands."""

    DONE = "done"
    WAITING = "waiting"  # there is something to do
    BLOCKED = "blocked"  # an earlier step comes first


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step: how many events wait for it, and how many are beyond it."""

    stage: Stage
    state: StageState
    waiting: int
    done: int


def steps_of(counts: Mapping[str, int], last_run: str | None) -> list[Step]:
    """Say of each step where it stands.

    Shapes:  counts as `today_frames.COUNTED`; `last_run` is the state of the schedule's last run.
    Missing: None where it has not run yet.
    """
    total = counts["events"] - counts["void"]
    unprepared = counts["not_processed"] + counts["assigned"]
    prepared = counts["unfinished"] + counts["final"]
    is_begun = prepared > 0

    def step(stage: Stage, waiting: int, done: int, *, is_possible: bool, is_needed: bool = False) -> Step:
        waits = waiting > 0 or is_needed
        state = StageState.WAITING if waits else StageState.DONE if is_possible else StageState.BLOCKED
        return Step(stage=stage, state=state, waiting=waiting, done=done)

    is_run = last_run == "done"
    running = StageState.BLOCKED if last_run == "held" else StageState.WAITING
    return [
        step(Stage.PREPARE, unprepared, total - unprepared, is_possible=total > 0, is_needed=total == 0),
        Step(
            stage=Stage.RUN,
            state=StageState.DONE if is_run else running,
            waiting=0 if is_run else 1,
            done=int(is_run),
        ),
        step(Stage.CORRECT, counts["faulty"], prepared, is_possible=is_begun),
        step(Stage.NOTIFY, counts["not_told"], counts["told"], is_possible=is_begun),
        step(
            Stage.ELECT,
            counts["unanswered"],
            counts["entered"] + counts["wrong"] + counts["enrolled"],
            is_possible=is_begun,
        ),
        step(
            Stage.VALIDATE,
            counts["entered"] + counts["wrong"],
            counts["enrolled"],
            is_possible=counts["final"] > 0 and not counts["unfinished"],
        ),
        step(
            Stage.FINALISE,
            counts["unfinished"],
            counts["final"],
            is_possible=counts["final"] > 0,
        ),
        step(
            Stage.CONFIRM,
            counts["not_confirmed"],
            counts["confirmed"],
            is_possible=counts["confirmed"] > 0,
        ),
    ]
