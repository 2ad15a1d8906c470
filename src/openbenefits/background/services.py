"""Long work: a face asks, a worker does it, and everybody who may see it sees how far it is.

A face writes a request under row-level security; a trigger puts its number into the queue, which no face
touches. The worker is the owner of the tables: it asks again what the user may, before it does anything.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import connections, transaction

from openbenefits.accounts.models import User
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import Access, access_of
from openbenefits.background.models import ProcessRequest
from openbenefits.core.faults import message_of

Clock = Callable[[], datetime]


class State(StrEnum):
    """Where a request stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"  # it could not be done; `told` says why and what to change
    STOPPED = "stopped"  # somebody asked for that; what was committed stays


ENDED = (State.DONE, State.REFUSED, State.STOPPED)


class Stopped(Exception):
    """Somebody asked to stop; what was committed stays."""


class RequestRefused(ValueError):
    """A request that cannot be made: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What the function of a kind is given.

    connection: the owner's. request: what was asked for, by whom. access: what that user may.
    say: told how much is done of how much; it raises Stopped where somebody asked for that.
    """

    connection: Any
    request: ProcessRequest
    access: Access
    now: datetime
    say: Callable[[int, int], None]

    @property
    def asked_for(self) -> Mapping[str, Any]:
        """What the kind asks for, by name; only what JSON can say."""
        asked: Mapping[str, Any] = self.request.asked_for
        return asked


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of work: its name in words, what one must be allowed, and what does it.

    act: answers the result, by name, as JSON can say it; refuses by a ValueError or LookupError of ours.
    """

    name: str
    permission: Permission
    act: Callable[[Work], Mapping[str, Any]]


def ask(
    access: Access, kind: str, asked_for: Mapping[str, Any], *, client_id: int, author: str, now: datetime
) -> ProcessRequest:
    """Ask for long work; the worker takes it once this transaction is committed.

    asked_for: what the kind asks for, by name; only what JSON can say, and no personal data.

    Errors: NotAllowed; RequestRefused for a kind that is not known.
    """
    access.require(kind_of(kind).permission, client_id)
    return ProcessRequest.objects.create(
        client_id=client_id,
        user_id=access.user_id,
        author=author,
        kind=kind,
        asked_for=dict(asked_for),
        asked_at=now,
    )


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


def perform(request_id: int, clock: Clock) -> ProcessRequest:
    """Do what was asked, as the worker does; what comes of it is written to the request, faults included.

    A request that has begun is not begun again: its worker broke off, and a person decides.
    """
    connection = connections["default"]
    with transaction.atomic():
        request = ProcessRequest.objects.select_for_update().get(pk=request_id)
        if request.state != State.WAITING:
            return request
        request.state, request.started_at = State.RUNNING, clock()
        request.save(update_fields=["state", "started_at"])
    try:
        result = _act(connection, request, clock)
    except Stopped:
        return _end(request, State.STOPPED, clock, told="stopped; what was committed stays")
    except Exception as fault:
        return _end(request, State.REFUSED, clock, told=message_of(fault))
    return _end(request, State.DONE, clock, result=result)


def _act(connection: Any, request: ProcessRequest, clock: Clock) -> Mapping[str, Any]:
    kind = kind_of(request.kind)
    access = access_of(connection, User.objects.get(pk=request.user_id))
    access.require(kind.permission, request.client_id)
    say = _progress_of(request)
    say(0, 0)
    work = Work(connection=connection, request=request, access=access, now=clock(), say=say)
    return kind.act(work)


def _progress_of(request: ProcessRequest) -> Callable[[int, int], None]:
    def say(done: int, total: int) -> None:
        mine = ProcessRequest.objects.filter(pk=request.pk)
        mine.update(done=done, total=total or None)
        if mine.filter(is_stop_asked=True).exists():
            raise Stopped

    return say


def _end(
    request: ProcessRequest,
    state: State,
    clock: Clock,
    *,
    told: str = "",
    result: Mapping[str, Any] | None = None,
) -> ProcessRequest:
    request.refresh_from_db()
    request.state, request.ended_at, request.told = state, clock(), told
    request.result = dict(result or {})
    request.save(update_fields=["state", "ended_at", "told", "result"])
    return request
