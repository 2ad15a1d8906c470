"""Long work: a face asks, a worker does it, and everybody who may see it sees how far it is.

A face writes a request under row-level security; a trigger puts its number into the queue, which no face
touches. The worker is the owner of the tables: it asks again what the user may, before it does anything.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

import msgspec
from django.db import connections, transaction

from openbenefits.accounts.approvals import Matter, require_approval
from openbenefits.accounts.models import User
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import Access, access_of
from openbenefits.background.models import ProcessRequest
from openbenefits.core.faults import message_of
from openbenefits.runs.models import Run
from openbenefits.store.isolation import PEO

Clock = Callable[[], datetime]
Asked = TypeVar("Asked", bound=msgspec.Struct)


class State(StrEnum):
    """Where a request stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"  # it could not be done; `told` says why and what to change
    STOPPED = "stopped"  # somebody asked for that; what was committed stays


ENDED = (State.DONE, State.REFUSED, State.STOPPED)
BY_SOMEBODY = "stopped, as somebody asked; what was committed stays, and a run goes on with Resume"
BY_THE_WORKER = "the worker was ended; what was committed stays, and a run goes on with Resume"


class Stopped(Exception):
    """Somebody asked to stop, or the worker is to end; what was committed stays."""


class RequestRefused(ValueError):
    """A request that cannot be made: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What the function of a kind is given.

    connection: the owner's. request: what was asked for, by whom. access: what that user may.
    now: when the request began; the runs it starts began at that very moment (`runs_of`).
    say: told how much is done of how much; it raises Stopped where somebody asked for that.
    """

    connection: Any
    request: ProcessRequest
    access: Access
    now: datetime
    say: Callable[[int, int], None]

    def of(self, asks: type[Asked]) -> Asked:
        """Answer what was asked for, as its type.

        Errors: RequestRefused.
        """
        return read(self.asked_for, asks)

    @property
    def asked_for(self) -> Mapping[str, Any]:
        """What the kind asks for, by name; only what JSON can say."""
        asked: Mapping[str, Any] = self.request.asked_for
        return asked


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of work: its name in words, what one must be allowed, and what does it.

    act: answers the result, by name, as JSON can say it; refuses by a ValueError or LookupError of ours.
    asks: what is asked for, as a type; None leaves it to `act`.
    check: is asked, with what is asked for, before it is queued and again before it is done; it refuses what
           the user may not, or what is not there, by an error.
    approved: answers, from client, author and what is asked for, what another user must have approved where
           the client wants that.
    """

    name: str
    permission: Permission
    act: Callable[[Work], Mapping[str, Any]]
    asks: type[msgspec.Struct] | None = None
    check: Callable[[Access, int, Any], None] | None = None
    approved: Callable[[int, str, Any], Matter | None] | None = None


def read(asked_for: Mapping[str, Any], asks: type[Asked]) -> Asked:
    """Read what is asked for as its type.

    Errors: RequestRefused, naming the field, what was expected and what was found.
    """
    try:
        return msgspec.convert(dict(asked_for), asks)
    except msgspec.ValidationError as fault:
        raise RequestRefused(f"{fault}; correct what is asked for") from None


def ask(
    access: Access, kind: str, asked_for: Mapping[str, Any], *, client_id: int, author: str, now: datetime
) -> ProcessRequest:
    """Ask for long work; the worker takes it once this transaction is committed.

    asked_for: what the kind asks for, by name; only what JSON can say, and no personal data.

    Errors: NotAllowed; RequestRefused for a kind that is not known, or one that asks for something else;
            what the kind refuses; ApprovalWanted for what another user must approve first.
    """
    allowed = _allowed(access, kind_of(kind), client_id, asked_for)
    approved = kind_of(kind).approved
    if approved is not None and (matter := approved(client_id, author, allowed)) is not None:
        require_approval(matter, now)
    return ProcessRequest.objects.create(
        client_id=client_id,
        user_id=access.user_id,
        author=author,
        kind=kind,
        asked_for=dict(asked_for) if allowed is None else msgspec.to_builtins(allowed),
        asked_at=now,
    )


def _allowed(access: Access, kind: Kind, client_id: int, asked_for: Mapping[str, Any]) -> Any:
    """Answer what is asked for as its type, if the user may ask for it.

    Missing: None where the kind has no type for it.
    """
    access.require(kind.permission, client_id)
    found = None if kind.asks is None else read(asked_for, kind.asks)
    if kind.check is not None:
        kind.check(access, client_id, found)
    return found


def stop(request: ProcessRequest, access: Access) -> None:
    """Ask for a stop: what waits never starts, what runs ends at the next step; what was committed stays.

    Errors: NotAllowed.
    """
    access.require(kind_of(request.kind).permission, request.client_id)
    ProcessRequest.objects.filter(pk=request.pk).update(is_stop_asked=True)


def kind_of(kind: str) -> Kind:
    """Find a kind of work by its code.

    Errors: RequestRefused.
    """
    from openbenefits.background.kinds import KINDS  # it names the floors below, which need Django ready

    if kind not in KINDS:
        raise RequestRefused(f"expected one of {', '.join(KINDS)}, found '{kind}'; ask for one of these")
    return KINDS[kind]


def latest(client_id: int, kind: str, **asked_for: Any) -> ProcessRequest | None:
    """Find what was asked for last, of a kind; None: never."""
    rows = ProcessRequest.objects.filter(client_id=client_id, kind=kind, asked_for__contains=asked_for)
    return rows.order_by("-id").first()


def runs_of(request: ProcessRequest) -> list[int]:
    """Name the runs a request has begun, the first one first; they are there before it is done."""
    if request.started_at is None:
        return []
    begun = Run.objects.filter(started_at=request.started_at)
    if request.client_id != PEO:
        begun = begun.filter(bundle_client=request.client_id)
    return list(begun.order_by("pk").values_list("pk", flat=True))


def never() -> bool:
    """Answer that nobody ends the worker."""
    return False


def perform(request_id: int, clock: Clock, *, is_ending: Callable[[], bool] = never) -> ProcessRequest:
    """Do what was asked, as the worker does; what comes of it is written to the request, faults included.

    A request that has begun is not begun again: its worker broke off, and a person decides. `is_ending` tells
    whether the worker is to end: the work stops at its next step then.
    """
    connection = connections["default"]
    with transaction.atomic():
        request = ProcessRequest.objects.select_for_update().get(pk=request_id)
        if request.state != State.WAITING:
            return request
        begun = clock()
        request.state, request.started_at = State.RUNNING, begun
        request.save(update_fields=["state", "started_at"])
    state, told, result = State.DONE, "", {}
    try:
        result = dict(_act(connection, request, begun, is_ending))
    except Stopped as stopped:
        state, told = State.STOPPED, str(stopped)
    except Exception as fault:
        state, told = State.REFUSED, message_of(fault)
    # here, and not earlier, the processes of what broke off have ended
    return _end(request, state, clock, told=told, result=result)


def _act(
    connection: Any, request: ProcessRequest, begun: datetime, is_ending: Callable[[], bool]
) -> Mapping[str, Any]:
    kind = kind_of(request.kind)
    access = access_of(connection, User.objects.get(pk=request.user_id))
    _allowed(access, kind, request.client_id, request.asked_for)
    beside = connection.copy()  # what is done is told at once, even from inside a transaction
    try:
        say = _progress_of(beside, request, is_ending)
        say(0, 0)
        return kind.act(Work(connection=connection, request=request, access=access, now=begun, say=say))
    finally:
        beside.close()


SAY = """
UPDATE background_processrequest SET done = %s, total = nullif(%s, 0) WHERE id = %s RETURNING is_stop_asked
"""


def _progress_of(
    connection: Any, request: ProcessRequest, is_ending: Callable[[], bool]
) -> Callable[[int, int], None]:
    def say(done: int, total: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(SAY, [done, total, request.pk])
            (is_stop_asked,) = cursor.fetchone()
        if is_stop_asked:
            raise Stopped(BY_SOMEBODY)
        if is_ending():
            raise Stopped(BY_THE_WORKER)

    return say


def _end(
    request: ProcessRequest, state: State, clock: Clock, *, told: str, result: Mapping[str, Any]
) -> ProcessRequest:
    request.refresh_from_db()
    request.state, request.ended_at, request.told = state, clock(), told
    request.result = dict(result)
    request.save(update_fields=["state", "ended_at", "told", "result"])
    return request
