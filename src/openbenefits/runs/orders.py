"""What a run is asked to do, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from openbenefits.accounts.approvals import ApprovalKind, Matter
from openbenefits.core.codes import Level
from openbenefits.runs import models

TAKEN_BACK = "taken back"
"""The state of a run that was."""

PARTS = "runs"
"""Names, in the options of a run, the runs it started: they are taken back with it."""


@dataclass(frozen=True, kw_only=True)
class RunOrder:
    """What to run: a schedule of a client (None: all of them), as of a day, through a level.

    `people` limits the run to some person numbers (None: everybody in scope); the event of `event_number` of
    the schedule comes before their others, due or not. `is_finalizing` applies
    defaults to whatever is unanswered. `floor` replaces the day from which changes to facts trigger events
    (None: the day the client's set-up says benefits administration starts). `accepted` are the codes of
    audits that may stand for this run, each with its reason. Without `captures_new` a period (open enrolment,
    snapshot) is opened for everybody by its first run only; `adds_people` opens it for the `people` named
    although the schedule is not about their company or group.
    """

    client_id: int
    schedule_id: int | None
    as_of: date
    through: Level = Level.ELECTIONS
    is_finalizing: bool = False
    people: Sequence[int] | None = None
    event_number: int | None = None
    run_control: str | None = None
    started_by: str = "system"
    floor: date | None = None
    accepted: Mapping[str, str] = field(default_factory=dict)
    captures_new: bool = True
    adds_people: bool = False


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What a run did: its number, outcomes counted, statuses moved."""

    run_id: int
    state: str
    people: int
    outcomes: pl.DataFrame
    skipped: int = 0
    is_trial: bool = False
    changes: pl.DataFrame = field(default_factory=pl.DataFrame)


def matter_of_order(order: RunOrder, told: str = "") -> Matter:
    """Answer what another user approves who approves that an order finalises: schedule, day, level, people.

    told: what it comes to, in words.
    """
    people = None if order.people is None else ",".join(str(one) for one in sorted(order.people)) or None
    return Matter(
        client_id=order.client_id,
        kind=ApprovalKind.FINALIZE,
        key=f"schedule {order.schedule_id or 'all'} as of {order.as_of}",
        parts=[str(order.through), people],
        told=told,
    )


def options_of(order: RunOrder) -> dict[str, Any]:
    """Spell out what a run keeps of its order beside its own columns."""
    return {
        "people": list(order.people) if order.people is not None else None,
        "floor": str(order.floor) if order.floor else None,
        "event": order.event_number,
        "accepted": dict(order.accepted),
        "captures_new": order.captures_new,
        "adds_people": order.adds_people,
    }


def order_of(started: models.Run) -> RunOrder:
    """Read the order of a run back from what was written down when it started."""
    told = started.options
    return RunOrder(
        client_id=started.bundle_client,
        schedule_id=started.schedule_id,
        as_of=started.as_of,
        through=Level(started.through_level),
        is_finalizing=started.is_finalizing,
        people=told.get("people"),
        event_number=told.get("event"),
        run_control=started.run_control,
        started_by=started.started_by,
        floor=date.fromisoformat(told["floor"]) if told.get("floor") else None,
        accepted=told.get("accepted") or {},
        captures_new=told.get("captures_new", True),
        adds_people=told.get("adds_people", False),
    )
