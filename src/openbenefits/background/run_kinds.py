"""Runs as long work: what each kind asks for, what it refuses before it is queued, and what does it."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
from django.db import connections

from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import EVERY_CLIENT, Access
from openbenefits.background.services import RequestRefused, Work
from openbenefits.core.codes import Level
from openbenefits.programs.frames import load_setup
from openbenefits.programs.models import Bundle
from openbenefits.repair.night import KINDS as MORE_KINDS
from openbenefits.repair.taking_back import KIND as REPAIR
from openbenefits.repair.taking_back import take_back_repair
from openbenefits.runs import committing, controls, rehearsals, services
from openbenefits.runs.acts import release
from openbenefits.runs.models import Run
from openbenefits.runs.orders import RunOrder, RunResult
from openbenefits.runs.taking_back import take_back
from openbenefits.workforce.models import Client, Person


class RunControl(msgspec.Struct, forbid_unknown_fields=True):
    """A run control to carry out; `accepted` are codes of audits that may stand, each with its reason."""

    control: str
    as_of: date
    accepted: dict[str, str] = {}


class StartRun(msgspec.Struct, forbid_unknown_fields=True):
    """A run on demand: of a schedule (None: all that is due), for some people (None: everybody in scope)."""

    as_of: date
    schedule: int | None = None
    people: list[int] | None = None
    through: Level = Level.ELECTIONS
    is_finalizing: bool = False
    accepted: dict[str, str] = {}


class Finalise(msgspec.Struct, forbid_unknown_fields=True):
    """A schedule whose unanswered events become final by their defaults."""

    schedule: int
    as_of: date
    accepted: dict[str, str] = {}


class Resume(msgspec.Struct, forbid_unknown_fields=True):
    """A run that was stopped, or broke off."""

    run: int


class Rehearse(msgspec.Struct, forbid_unknown_fields=True):
    """A run to rehearse; of every client (None) or of some where it is asked for the PEO (client 0)."""

    as_of: date
    schedule: int | None = None
    through: Level = Level.ELECTIONS
    is_finalizing: bool = False
    accepted: dict[str, str] = {}
    clients: list[int] | None = None


class Commit(msgspec.Struct, forbid_unknown_fields=True):
    """A kept rehearsal to carry out; so many people, and cents of the year, of a client may differ by now."""

    rehearsal: int
    most_people: int = 0
    most_cents: int = 0


class Release(msgspec.Struct, forbid_unknown_fields=True):
    """A run that a limit holds, to be published as it was looked at."""

    run: int
    reason: str


class TakeBack(msgspec.Struct, forbid_unknown_fields=True):
    """A run to take back, with the reason."""

    run: int
    reason: str


# --- what is refused before it is queued --------------------------------------------------------------------


def check_control(access: Access, client_id: int, asked: RunControl) -> None:
    """Refuse a run control the client does not have, or one that finalises by who may not.

    Errors: RequestRefused, NotAllowed.
    """
    rows = controls.controls(connections["default"], client_id)
    found = rows.filter(code=asked.control)
    if found.is_empty():
        known = ", ".join(rows["code"]) or "none yet"
        raise RequestRefused(f"expected a run control of the client ({known}), found '{asked.control}'")
    if found["is_finalizing"][0]:
        access.require(Permission.FINALIZE, client_id)
    _check_reasons(asked.accepted)


def check_start(access: Access, client_id: int, asked: StartRun) -> None:
    """Refuse a schedule or people the client does not have, or to finalise by who may not.

    Errors: RequestRefused, NotAllowed.
    """
    if asked.schedule is not None:
        _refuse_unknown_schedule(client_id, asked.schedule)
    if asked.is_finalizing:
        access.require(Permission.FINALIZE, client_id)
    if asked.people is not None:
        known = Person.objects.filter(client_id=client_id, pk__in=asked.people).count()
        if known < len(set(asked.people)) or not asked.people:
            raise RequestRefused(
                f"expected people of the client, found {len(set(asked.people)) - known} others of"
                f" {len(set(asked.people))}; correct the list"
            )
    _check_reasons(asked.accepted)


def check_schedule(_access: Access, client_id: int, asked: Finalise) -> None:
    """Refuse a schedule the client does not have.

    Errors: RequestRefused.
    """
    _refuse_unknown_schedule(client_id, asked.schedule)
    _check_reasons(asked.accepted)


def check_rehearse(access: Access, client_id: int, asked: Rehearse) -> None:
    """Refuse clients and schedules that are not meant.

    Errors: RequestRefused, NotAllowed.
    """
    if client_id != EVERY_CLIENT and asked.clients is not None:
        raise RequestRefused(
            "expected no list of clients for one client; ask for the PEO to rehearse several"
        )
    if client_id == EVERY_CLIENT and asked.schedule is not None:
        raise RequestRefused("expected all schedules of several clients, found one; ask client by client")
    for one in asked.clients or ():
        access.require(Permission.PROCESS, one)
    if asked.schedule is not None:
        _refuse_unknown_schedule(client_id, asked.schedule)
    _check_reasons(asked.accepted)


def check_commit(access: Access, client_id: int, asked: Commit) -> None:
    """Refuse a rehearsal that is not kept, or not about the client alone.

    Errors: NoRehearsal, RequestRefused, NotAllowed.
    """
    found = rehearsals.load_rehearsal(connections["default"], asked.rehearsal)
    about = {order.client_id for order in found.orders}
    if client_id != EVERY_CLIENT and client_id not in about:
        raise RequestRefused(f"expected a rehearsal of this client, found rehearsal {asked.rehearsal}")
    for one in about if client_id == EVERY_CLIENT else ():
        access.require(Permission.FINALIZE, one)


def check_run(_access: Access, client_id: int, asked: Resume | Release | TakeBack) -> None:
    """Refuse a run that is not the client's, and an act without a reason.

    Errors: RequestRefused.
    """
    if not Run.objects.filter(pk=asked.run, bundle_client=client_id).exists():
        raise RequestRefused(f"expected a run of the client, found {asked.run}; correct the number")
    if not isinstance(asked, Resume) and not asked.reason.strip():
        raise RequestRefused("expected a reason, found none; state why")


def _refuse_unknown_schedule(client_id: int, schedule_id: int) -> None:
    rows = load_setup(connections["default"], [client_id])["schedule"]
    if rows.filter(client_id=client_id, schedule_id=schedule_id).is_empty():
        raise RequestRefused(f"expected a schedule of the client, found number {schedule_id}")


def _check_reasons(accepted: Mapping[str, str]) -> None:
    blank = [code for code, reason in accepted.items() if not reason.strip()]
    if blank:
        raise RequestRefused(
            f"{', '.join(blank)}: expected a reason to accept it, found none; give the reason"
        )


# --- what is done -------------------------------------------------------------------------------------------


def run_control(work: Work) -> Mapping[str, Any]:
    """Carry out a run control."""
    asked = work.of(RunControl)
    result = controls.execute(
        work.connection,
        work.request.client_id,
        asked.control,
        as_of=asked.as_of,
        accepted=asked.accepted,
        now=work.now,
        started_by=work.request.author,
        progress=work.say,
        more_kinds=MORE_KINDS,
    )
    return _told(result)


def start(work: Work) -> Mapping[str, Any]:
    """Run a schedule, or all that is due, on demand."""
    asked = work.of(StartRun)
    order = RunOrder(
        client_id=work.request.client_id,
        schedule_id=asked.schedule,
        as_of=asked.as_of,
        through=asked.through,
        is_finalizing=asked.is_finalizing,
        people=asked.people,
        started_by=work.request.author,
        accepted=asked.accepted,
    )
    return _told(services.run(work.connection, order, now=work.now, progress=work.say))


def finalise(work: Work) -> Mapping[str, Any]:
    """Apply defaults to whoever of a schedule has not answered, and settle everybody."""
    asked = work.of(Finalise)
    order = RunOrder(
        client_id=work.request.client_id,
        schedule_id=asked.schedule,
        as_of=asked.as_of,
        is_finalizing=True,
        captures_new=False,
        started_by=work.request.author,
        accepted=asked.accepted,
    )
    return _told(services.run(work.connection, order, now=work.now, progress=work.say))


def resume(work: Work) -> Mapping[str, Any]:
    """Go on with a run: only what its ledger lacks."""
    run_id = work.of(Resume).run
    return _told(services.resume_run(work.connection, run_id, now=work.now, progress=work.say))


def rehearse(work: Work) -> Mapping[str, Any]:
    """Rehearse a run over everybody, and keep what was found."""
    asked = work.of(Rehearse)
    orders = [
        RunOrder(
            client_id=client_id,
            schedule_id=asked.schedule,
            as_of=asked.as_of,
            through=asked.through,
            is_finalizing=asked.is_finalizing,
            started_by=work.request.author,
            accepted=asked.accepted,
        )
        for client_id in _clients(work, asked.clients)
    ]
    kept = rehearsals.rehearse(
        work.connection, orders, now=work.now, made_by=work.request.author, progress=work.say
    )
    return {
        "rehearsal": kept.number,
        "people": kept.people.height,
        "differences": kept.differences.height,
        "seconds": round(kept.seconds, 1),
        "run_seconds": round(kept.run_seconds, 1),
    }


def _clients(work: Work, asked: Sequence[int] | None) -> list[int]:
    """Name the clients meant: the one it is asked for, or those of the PEO with set-up in force."""
    if work.request.client_id != EVERY_CLIENT:
        return [work.request.client_id]
    if asked is not None:
        return list(asked)
    held = Bundle.objects.exclude(release=None).values("client_id")
    return list(Client.objects.filter(pk__in=held).order_by("code").values_list("pk", flat=True))


def commit(work: Work) -> Mapping[str, Any]:
    """Carry a rehearsal out, client by client; a client of which more differs than allowed is left out."""
    asked = work.of(Commit)
    kept = rehearsals.load_rehearsal(work.connection, asked.rehearsal)
    mine = None if work.request.client_id == EVERY_CLIENT else [work.request.client_id]
    done = committing.commit(
        work.connection,
        kept,
        now=work.now,
        author=work.request.author,
        tolerance=committing.Tolerance(people=asked.most_people, cents=asked.most_cents),
        clients=mine,
        progress=work.say,
    )
    return {
        "rehearsal": asked.rehearsal,
        "clients": [
            {
                "client": one.client_id,
                "state": one.state,
                "run": one.run_id,
                "people": one.people,
                "differing": one.differing.height,
                "why": one.why,
            }
            for one in done
        ],
    }


def release_held(work: Work) -> Mapping[str, Any]:
    """Publish a held run as it was looked at; if there is more by now, it is held again."""
    asked = work.of(Release)
    release(work.connection, asked.run, reason=asked.reason, author=work.request.author, now=work.now)
    result = services.resume_run(work.connection, asked.run, now=work.now, progress=work.say)
    return {**_told(result), "state": Run.objects.get(pk=asked.run).state}


def take_back_run(work: Work) -> Mapping[str, Any]:
    """Take a run back, as if it had never been; of a repair, undo what it did."""
    asked = work.of(TakeBack)
    started = Run.objects.get(pk=asked.run)
    told = {"reason": asked.reason, "author": work.request.author, "now": work.now}
    if started.kind == REPAIR:
        year = started.as_of.year
        take_back_repair(
            work.connection, asked.run, begin=date(year - 1, 1, 1), through=date(year, 12, 31), **told
        )
        return {"run": asked.run}
    done = take_back(work.connection, asked.run, **told)
    return {"run": asked.run, "events": done.events, "made": done.made, "people": done.people}


def _told(result: RunResult) -> Mapping[str, Any]:
    return {"run": result.run_id, "state": result.state, "people": result.people}
