"""Continuation coverage (COBRA) and leaves without pay: what follows, what people decide, letters sent."""

from typing import Any, Literal

from django.db import connection
from ninja import File as Upload
from ninja import Path, Query, Status
from ninja.files import UploadedFile
from pydantic import BaseModel, Field

from openbenefits.accounts.roles import Permission
from openbenefits.api.elections import BadRow, bad_rows, saved
from openbenefits.api.naming import Desk, at
from openbenefits.api.paging import Rows, slice_of
from openbenefits.api.problems import not_found
from openbenefits.api.routing import Routes
from openbenefits.api.shapes import (
    AsOf,
    Body,
    Cents,
    Code,
    Cursor,
    Day,
    Id,
    Limit,
    Reasoned,
    Record,
    Table,
    Truth,
    Words,
    table_of,
)
from openbenefits.compliance.cobra import services
from openbenefits.core.codes import CobraCause, LeaveWay, Resumption
from openbenefits.enrollment.continuing import take_in
from openbenefits.payroll import leaves
from openbenefits.payroll.ledger import Asked
from openbenefits.repair.resuming import ResumeOrder, resume
from openbenefits.workforce.models import Dependent

router = Routes("continuation")
COBRA = "/clients/{client}/cobra"
LEAVES = "/clients/{client}/leaves"
CAUSES = tuple(str(one) for one in CobraCause if one is not CobraCause.MISCONDUCT)


class LossAct(Reasoned):
    """An act about one loss of coverage, as the list of losses names it."""

    person_id: Id
    dependent_id: int = Field(0, ge=0, le=2**63 - 1, description="0 is the employee.")
    cover: Code = Field(description="medical, dental, vision …")
    lost_on: Day
    on: Day | None = Field(None, description="The day it was decided, or sent; today unless told.")


class LossDecision(LossAct):
    """Whether a loss the rules leave open qualifies, and why."""

    cause: Literal[CAUSES] | None = Field(description="null: it does not qualify.")  # type: ignore[valid-type]


class LossDone(BaseModel):
    """What was recorded about a loss."""

    person_id: int
    kind: str


class Recording(Body):
    """As of which day duties are recorded."""

    as_of: Day | None = None


class Continued(BaseModel):
    """What came of a file of who elected continuation."""

    is_preview: bool
    rows_read: int
    taken: int
    unchanged: int
    bad_rows: list[BadRow]


def _loss(desk: Desk, said: LossAct) -> tuple[services.Loss, services.Act]:
    desk.person(said.person_id)
    theirs = Dependent.objects.filter(client_id=desk.client_id, person_id=said.person_id)
    if said.dependent_id and not theirs.filter(pk=said.dependent_id).exists():
        raise not_found("a dependent of this person", "correct the id; 0 is the employee")
    loss = services.Loss(
        client_id=desk.client_id,
        person_id=said.person_id,
        dependent_id=said.dependent_id,
        cover=said.cover,
        lost_on=said.lost_on,
    )
    return loss, services.Act(on=said.on or desk.today, reason=said.reason, author=desk.author)


@router.get(f"{COBRA}/losses", response=Rows, summary="List losses of health coverage")
def list_losses(request: Any, client: Path[Code], cursor: Cursor, limit: Limit) -> Any:
    """List every loss of health coverage with verdict, cause, reason and clocks."""
    desk = at(request, client, Permission.SEE)
    rows = services.classified_losses(connection, desk.client_id).drop("client_id", strict=False)
    return slice_of(rows, cursor=cursor, limit=limit)


@router.post(f"{COBRA}/duties", response={201: Table}, summary="Record the duties that follow")
def record_duties(request: Any, client: Path[Code], said: Recording) -> Any:
    """Record what follows from coverage as it is; answers what differs from the duties recorded before."""
    desk = at(request, client, Permission.PROCESS)
    day = said.as_of or desk.today
    rows = services.record_duties(connection, desk.client_id, as_of=day, now=desk.now)
    desk.did("record duties")
    return Status(201, table_of("Duties", rows.drop("client_id", strict=False)))


@router.post(f"{COBRA}/decisions", response={201: LossDone}, summary="Decide about a loss")
def decide(request: Any, client: Path[Code], said: LossDecision) -> Any:
    """Decide about a loss the rules leave open, such as a termination for gross misconduct."""
    desk = at(request, client, Permission.REPAIR)
    loss, act = _loss(desk, said)
    cause = None if said.cause is None else CobraCause(said.cause)
    services.decide(connection, loss, act, cause=cause, now=desk.now)
    desk.did("decide loss", said.person_id, said.reason)
    return Status(201, {"person_id": said.person_id, "kind": "decided"})


@router.post(f"{COBRA}/notices", response={201: LossDone}, summary="Record a notice sent")
def record_notice(request: Any, client: Path[Code], said: LossAct) -> Any:
    """Record that the notice a duty asks for was sent: the election notice, or the one that corrects it."""
    desk = at(request, client, Permission.PROCESS)
    loss, act = _loss(desk, said)
    kind = services.record_notice(connection, loss, act, now=desk.now)
    desk.did("record notice", said.person_id, said.reason)
    return Status(201, {"person_id": said.person_id, "kind": kind})


@router.post(f"{COBRA}/election-files", response={201: Continued}, summary="Take in who continues")
def take_in_file(
    request: Any, client: Path[Code], file: Upload[UploadedFile], is_preview: Truth = Query(False)
) -> Any:
    """Take in who elected continuation, and through which day it is paid; the same file again is nothing."""
    desk = at(request, client, Permission.ELECT)
    given: dict[str, Any] = {"now": desk.now, "made_by": desk.author, "is_preview": is_preview}
    with saved(file) as path:
        done = take_in(connection, desk.client_id, path, **given)
    if not is_preview:
        desk.did("take in continuation")
    counts = {name: getattr(done, name) for name in ("rows_read", "taken", "unchanged")}
    return Status(201, counts | {"is_preview": is_preview, "bad_rows": bad_rows(done.bad_rows)})


# --- leaves without pay -------------------------------------------------------------------------------------


class OfLeave(Body):
    """A leave without pay, as the list of leaves names it."""

    person_id: Id
    leave_from: Day
    benefit_record: Record = 0
    on: Day | None = None


class Way(OfLeave):
    """How coverage is paid for during a leave, and how and when that was agreed."""

    way: Literal[tuple(str(one) for one in LeaveWay)]  # type: ignore[valid-type]
    consent: Words
    through: Day | None = Field(None, description="The last day of the leave, as expected.")


class Resumed(OfLeave):
    """How much of the annual pledges that ended during a leave goes on, and how and when that was agreed."""

    resumption: Literal[tuple(str(one) for one in Resumption)]  # type: ignore[valid-type]
    consent: Words


class Received(OfLeave):
    """What somebody on leave paid outside payroll."""

    cents: Cents
    how: Words = Field(description="Check, transfer … with its number.")


class Letter(OfLeave):
    """The letter that says coverage may end for want of payment."""

    reason: Words


class Said(BaseModel):
    """Whether it was new."""

    is_new: bool


def _leave(desk: Desk, said: OfLeave) -> leaves.Leave:
    desk.person(said.person_id)
    return leaves.Leave(
        client_id=desk.client_id,
        person_id=said.person_id,
        benefit_record=said.benefit_record,
        leave_from=said.leave_from,
    )


@router.get(LEAVES, response=Rows, summary="List leaves without pay")
def list_leaves(request: Any, client: Path[Code], cursor: Cursor, limit: Limit, as_of: AsOf) -> Any:
    """List leaves without pay: the way coverage is paid for, what is open, and what follows."""
    desk = at(request, client, Permission.PAYROLL)
    rows = leaves.standings(connection, desk.client_id, as_of or desk.today)
    return slice_of(rows.drop("client_id", strict=False), cursor=cursor, limit=limit)


@router.post(f"{LEAVES}/ways", response={201: Said}, summary="Record how a leave is paid for")
def choose_way(request: Any, client: Path[Code], said: Way) -> Any:
    """Record how a person pays for coverage during a leave without pay."""
    desk = at(request, client, Permission.PAYROLL)
    is_new = leaves.choose(
        connection,
        _leave(desk, said),
        LeaveWay(said.way),
        on=said.on or desk.today,
        consent=said.consent,
        through=said.through,
        author=desk.author,
        now=desk.now,
    )
    desk.did("choose way of leave", said.person_id)
    return Status(201, {"is_new": is_new})


@router.post(f"{LEAVES}/resumptions", response={201: Table}, summary="Record how much of a pledge goes on")
def choose_resumption(request: Any, client: Path[Code], said: Resumed) -> Any:
    """Record how much of the pledges that ended during a leave goes on; the return is decided again."""
    desk = at(request, client, Permission.ELECT)
    leave, on = _leave(desk, said), said.on or desk.today
    order = ResumeOrder(
        leave=leave,
        resumption=Resumption(said.resumption),
        on=on,
        consent=said.consent,
        author=desk.author,
    )
    resume(connection, order, now=desk.now)
    desk.did("choose what goes on after a leave", said.person_id)
    rows = leaves.lapsed(connection, leave, on=on).drop("client_id")
    return Status(201, table_of("Pledges that ended", rows))


@router.post(f"{LEAVES}/payments", response={201: Table}, summary="Take in a payment")
def receive(request: Any, client: Path[Code], said: Received) -> Any:
    """Take in what somebody on leave paid outside payroll; it settles the oldest pays first."""
    desk = at(request, client, Permission.PAYROLL)
    given: dict[str, Any] = {
        "on": said.on or desk.today,
        "how": said.how,
        "author": desk.author,
        "now": desk.now,
    }
    rows = leaves.receive(connection, _leave(desk, said), said.cents, **given)
    desk.did("take in payment", said.person_id)
    return Status(201, table_of("Settled", rows.drop("client_id", strict=False)))


@router.post(f"{LEAVES}/letters", response={201: Said}, summary="Record a letter about a late payment")
def record_letter(request: Any, client: Path[Code], said: Letter) -> Any:
    """Record the letter that says coverage may end for want of payment."""
    desk = at(request, client, Permission.PAYROLL)
    given: dict[str, Any] = {
        "on": said.on or desk.today,
        "reason": said.reason,
        "author": desk.author,
        "now": desk.now,
    }
    is_new = leaves.notice(connection, _leave(desk, said), **given)
    desk.did("record letter", said.person_id, said.reason)
    return Status(201, {"is_new": is_new})


@router.post(f"{LEAVES}/lapse", response={201: Table}, summary="End coverage for want of payment")
def lapse(request: Any, client: Path[Code], said: Recording) -> Any:
    """Bring about the event that ends coverage for whoever has not paid, after grace and letter."""
    desk = at(request, client, Permission.REPAIR)
    rows = leaves.lapse(
        connection, desk.client_id, said.as_of or desk.today, author=desk.author, now=desk.now
    )
    desk.did("lapse")
    return Status(201, table_of("Coverage that may be ended", rows))


@router.post(f"{LEAVES}/prepayments", response={201: Table}, summary="Order what is paid before leaves")
def prepay(request: Any, client: Path[Code], said: Recording) -> Any:
    """Order what is to be paid before leaves, evenly over the open pays before each."""
    desk = at(request, client, Permission.PAYROLL)
    day = said.as_of or desk.today
    wanted = Asked(client_id=desk.client_id, through=day)
    rows = leaves.prepay(connection, wanted, on=day, author=desk.author, now=desk.now)
    desk.did("order prepayments")
    return Status(201, table_of("Ordered", rows.drop("client_id", strict=False)))
