"""What is done about one event: processed on demand, decided again, moved; its window and controls."""

from typing import Any, Literal

import polars as pl
from django.db import connection
from ninja import Path, Status
from pydantic import BaseModel, Field

from openbenefits.accounts.roles import Permission
from openbenefits.api.events import EVENT, EVENTS
from openbenefits.api.naming import Desk, at, id_of
from openbenefits.api.routing import Routes
from openbenefits.api.shapes import (
    Body,
    Code,
    Day,
    EventId,
    Id,
    PlanType,
    Reasoned,
    Record,
    Table,
    Words,
    table_of,
)
from openbenefits.core.codes import Control
from openbenefits.enrollment.overrides import WORDS
from openbenefits.events.activity import ActivityPlace
from openbenefits.events.windows import EventPlace, extend_window, reopen_window
from openbenefits.repair import overriding
from openbenefits.repair.bulk import UNDO
from openbenefits.repair.operations import Told, operate, undo
from openbenefits.repair.proposals import dismiss, due_order
from openbenefits.repair.services import Consequences, RepairOrder
from openbenefits.reports.repairs import named_consequences, named_losses
from openbenefits.review.services import (
    Asked,
    Done,
    change_control,
    prepare_activity,
    prepare_event,
    reprocess_event,
    settle_event,
)

router = Routes("events")


class OnDemand(Body):
    """Who is asked: as of which day; codes of audits that may stand, and why."""

    as_of: Day | None = None
    accept: list[Code] = Field(default_factory=list, max_length=50)
    reason: Words | None = Field(None, description="Why the codes may stand; needed with `accept`.")


class FromActivity(OnDemand):
    """An activity that is to become an event now."""

    person_id: Id
    schedule: Code
    event_on: Day
    event_class: Code | None = Field(None, description="As stated; none for a job or address change.")
    source: Code = Field("ME", description="As the list of activity shows it: ME, TJ, TP …")
    benefit_record: Record = 0
    sequence: Record = 0


class Processed(BaseModel):
    """Where an event stands then, the run that did it, and the codes of its messages."""

    event: str
    process_status: str | None
    event_status: str
    run_id: int
    messages: list[str]


class Again(Reasoned):
    """An event is decided again; a preview says what that would change and writes nothing."""

    as_of: Day | None = None
    is_preview: bool = True


class Operation(Again):
    """One operation on an event after the fact."""

    operation: Literal[
        "again",
        "withdraw",
        "redate",
        "reinstate",
        "assign",
        "prepare",
        "elect",
        "reenter",
        "normal",
        "finalize",
        "open",
        "close",
        "disconnect",
        "reconnect",
        "move",
        "undo",
    ]
    to_on: Day | None = Field(None, description="The new day: for `redate`.")
    to_record: Record | None = Field(None, description="The new benefit record: for `move`.")


class Consequence(BaseModel):
    """What changes, or would: where events stand, coverage, deductions, losses of health coverage."""

    is_preview: bool
    run_id: int | None
    tables: list[Table]


class Window(Reasoned):
    """A later last day of the window of an event."""

    act: Literal["extend", "reopen"]
    until: Day


class WindowDone(BaseModel):
    """When the window ended, and when it ends now."""

    ended_on: Day
    ends_on: Day


class ControlChange(Reasoned):
    """One processing control of an event."""

    control: Literal[tuple(str(one) for one in Control)]  # type: ignore[valid-type]
    value: Words = Field(description="yes, no; a day or none; both … none, or class.")


class ControlDone(BaseModel):
    """What it was, and is now."""

    control: str
    was: str
    became: str


class OverrideOrder(Again):
    """A decision about eligibility, in place of the rules."""

    program: Code
    decision: Literal["eligible", "ineligible", "withdrawn", "undo"]
    plan_type: PlanType | None = None
    option: Code | None = Field(
        None, description="An option, with its plan type; else the program as a whole."
    )
    expires_on: Day | None = Field(None, description="The last day it counts; else until it is withdrawn.")


class Kept(BaseModel):
    """What was kept as it is."""

    event: str


def asked(desk: Desk, said: OnDemand) -> Asked:
    """Say who asks for processing on demand."""
    return Asked(
        as_of=said.as_of or desk.today,
        now=desk.now,
        author=desk.author,
        accepted=dict.fromkeys(said.accept, said.reason or ""),
    )


def _processed(desk: Desk, what: str, done: Done) -> dict[str, Any]:
    desk.did(what, done.place.person_id)
    return {
        "event": id_of(done.place),
        "process_status": done.process_status,
        "event_status": done.event_status,
        "run_id": done.run_id,
        "messages": list(done.messages),
    }


@router.post(EVENTS, response={201: Processed}, summary="Make an event of activity, now")
def process_activity(request: Any, client: Path[Code], said: FromActivity) -> Any:
    """Make an event of one activity, and prepare it at once."""
    desk = at(request, client, Permission.PROCESS)
    desk.person(said.person_id)
    picked = ActivityPlace(
        client_id=desk.client_id,
        person_id=said.person_id,
        event_on=said.event_on,
        bas_action=said.event_class or "",
        source=said.source,
        benefit_record=said.benefit_record,
        sequence=said.sequence,
    )
    done = prepare_activity(connection, picked, desk.schedule(said.schedule), asked(desk, said))
    return Status(201, _processed(desk, "prepare activity", done))


@router.post(EVENT + "/prepare", response=Processed, summary="Prepare an event")
def prepare(request: Any, client: Path[Code], event_id: Path[EventId], said: OnDemand) -> Any:
    """Prepare an event now, whatever its day; what was in process is put back."""
    desk = at(request, client, Permission.PROCESS)
    return _processed(desk, "prepare", prepare_event(connection, desk.place(event_id), asked(desk, said)))


@router.post(EVENT + "/validate", response=Processed, summary="Validate the elections of an event")
def validate(request: Any, client: Path[Code], event_id: Path[EventId], said: OnDemand) -> Any:
    """Check the elections of an event and load them."""
    desk = at(request, client, Permission.PROCESS)
    place = desk.place(event_id)
    done = settle_event(connection, place, asked(desk, said), with_defaults=False)
    return _processed(desk, "validate", done)


@router.post(EVENT + "/finalise", response=Processed, summary="Finalise an event")
def finalise(request: Any, client: Path[Code], event_id: Path[EventId], said: OnDemand) -> Any:
    """Check and load, with defaults for what is open or invalid."""
    desk = at(request, client, Permission.FINALIZE)
    place = desk.place(event_id)
    done = settle_event(connection, place, asked(desk, said), with_defaults=True)
    return _processed(desk, "finalise", done)


def consequence(desk: Desk, told: Consequences, losses: pl.DataFrame | None, *, is_preview: bool) -> Any:
    """Write what changes."""
    sheets = dict(named_consequences(connection, desk.client_id, told))
    if losses is not None:
        sheets["Losses of health coverage"] = named_losses(connection, desk.client_id, losses)
    tables = [table_of(name, rows) for name, rows in sheets.items()]
    return {"is_preview": is_preview, "run_id": told.run_id, "tables": tables}


def told_of(desk: Desk, told: Told, *, is_preview: bool) -> Any:
    """Write what an operation changes, losses of coverage too."""
    return consequence(desk, told.consequences, told.losses, is_preview=is_preview)


@router.post(EVENT + "/reprocess", response=Consequence, summary="Decide an event again")
def reprocess(request: Any, client: Path[Code], event_id: Path[EventId], said: Again) -> Any:
    """Decide an event again, with the later final ones of its benefit record; a preview writes nothing."""
    desk = at(request, client, Permission.REPAIR)
    place = desk.place(event_id)
    wanted = Asked(as_of=said.as_of or desk.today, now=desk.now, author=desk.author)
    told = reprocess_event(connection, place, wanted, reason=said.reason, is_rehearsal=said.is_preview)
    if not said.is_preview:
        desk.did("reprocess", place.person_id, said.reason)
    return consequence(desk, told, None, is_preview=said.is_preview)


def frame_of(place: EventPlace) -> pl.DataFrame:
    """Answer the key of an event as a frame of one row."""
    kinds = {"person_id": pl.Int64, "benefit_record": pl.Int16}
    row = place.key()
    return pl.DataFrame([row], schema={name: kinds.get(name, pl.Int32) for name in row})


@router.post(EVENT + "/operations", response=Consequence, summary="Operate on an event after the fact")
def operate_on(request: Any, client: Path[Code], event_id: Path[EventId], said: Operation) -> Any:
    """Withdraw, re-date, reinstate, reopen, move … an event, or undo the last; a preview writes nothing."""
    desk = at(request, client, Permission.REPAIR)
    place = desk.place(event_id)
    days = due_order(desk.client_id, said.as_of or desk.today, desk.author)
    targets = frame_of(place).with_columns(
        kind=pl.lit(said.operation),
        to_on=pl.lit(said.to_on, pl.Date),
        to_record=pl.lit(said.to_record, pl.Int16),
    )
    order = RepairOrder(
        client_id=desk.client_id,
        targets=targets,
        as_of=days.as_of,
        begin=days.begin,
        through=days.through,
        reason=said.reason,
        author=desk.author,
    )
    work = undo if said.operation == UNDO else operate
    told = work(connection, order, now=desk.now, is_rehearsal=said.is_preview)
    if not said.is_preview:
        desk.did(f"event {said.operation}", place.person_id, said.reason)
    return told_of(desk, told, is_preview=said.is_preview)


@router.post(EVENT + "/window", response=WindowDone, summary="Extend or reopen a window")
def change_window(request: Any, client: Path[Code], event_id: Path[EventId], said: Window) -> Any:
    """Move the last day of a window that runs, or give one that has ended a new last day."""
    desk = at(request, client, Permission.REPAIR)
    place = desk.place(event_id)
    work = extend_window if said.act == "extend" else reopen_window
    act = work(connection, place, until=said.until, reason=said.reason, author=desk.author, now=desk.now)
    desk.did(f"{said.act} window", place.person_id, said.reason)
    return {"ended_on": act.ended_on, "ends_on": act.ends_on}


@router.post(EVENT + "/controls", response=ControlDone, summary="Change a processing control")
def change(request: Any, client: Path[Code], event_id: Path[EventId], said: ControlChange) -> Any:
    """Change one processing control of an event, with a reason."""
    desk = at(request, client, Permission.PROCESS)
    place = desk.place(event_id)
    act = change_control(
        connection,
        place,
        Control(said.control),
        said.value,
        reason=said.reason,
        author=desk.author,
        now=desk.now,
    )
    desk.did("change control", place.person_id, said.reason)
    return {"control": act.control, "was": act.was, "became": act.became}


@router.post(EVENT + "/overrides", response=Consequence, summary="Decide about eligibility")
def override(request: Any, client: Path[Code], event_id: Path[EventId], said: OverrideOrder) -> Any:
    """Decide that a program or option is eligible or not, and the event again; a preview writes nothing."""
    desk = at(request, client, Permission.REPAIR)
    place = desk.place(event_id)
    days = due_order(desk.client_id, said.as_of or desk.today, desk.author)
    decided = {word: is_eligible for is_eligible, word in WORDS.items()} | {"undo": None}
    order = overriding.OverrideOrder(
        event=place.key(),
        program=said.program,
        option=(said.plan_type or "", said.option) if said.option else None,
        is_eligible=decided[said.decision],
        expires_on=said.expires_on,
        as_of=days.as_of,
        begin=days.begin,
        through=days.through,
        reason=said.reason,
        author=desk.author,
    )
    work = overriding.undo_override if said.decision == "undo" else overriding.override
    told = work(connection, order, now=desk.now, is_rehearsal=said.is_preview)
    if not said.is_preview:
        desk.did("override", place.person_id, said.reason)
    return told_of(desk, told, is_preview=said.is_preview)


@router.post(EVENT + "/keep", response=Kept, summary="Keep an event as it is")
def keep(request: Any, client: Path[Code], event_id: Path[EventId], said: Reasoned) -> Any:
    """Keep an event as it is: it is proposed for repair no longer."""
    desk = at(request, client, Permission.REPAIR)
    place = desk.place(event_id)
    dismiss(connection, frame_of(place), reason=said.reason, author=desk.author, now=desk.now)
    desk.did("keep event", place.person_id, said.reason)
    return {"event": event_id}
