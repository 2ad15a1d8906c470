"""What happens to people, one record at a time: hired, moved, married, terminated; and its corrections."""

from typing import Any

from django.db import connection
from ninja import Path, Query, Status
from pydantic import BaseModel

from openbenefits.accounts.roles import Permission
from openbenefits.api.fact_shapes import (
    BaseAmount,
    DependentChange,
    Hire,
    JobChange,
    JobCorrection,
    LifeEvent,
    Move,
    NewDependent,
    PersonChange,
    Termination,
)
from openbenefits.api.naming import Desk, at
from openbenefits.api.problems import not_found
from openbenefits.api.routing import Routes
from openbenefits.api.shapes import Body, Code, Day, Id, Record, Words
from openbenefits.payroll import taken
from openbenefits.runs.taking_back_entries import take_back_entry
from openbenefits.workforce import services
from openbenefits.workforce.models import ChangeSet, Dependent
from openbenefits.workforce.undo import take_back as undo

router = Routes("facts")


class Recorded(BaseModel):
    """What was written: a change, which may be taken back as one unit."""

    change_id: int
    person_id: int
    dependent_id: int | None = None


class TakenBack(BaseModel):
    """What taking a change back did, in numbers."""

    change_id: int
    counts: dict[str, int]


def _stated(facts: Body | None) -> dict[str, Any]:
    """Answer what was said, and nothing that was not."""
    return {} if facts is None else facts.model_dump(exclude_unset=True)


def _recorded(desk: Desk, what: str, done: services.Recorded) -> Any:
    desk.did(what, done.person_id)
    said = {"change_id": done.change.pk, "person_id": done.person_id, "dependent_id": done.dependent_id}
    return Status(201, said)


def _by(desk: Desk) -> dict[str, Any]:
    return {"made_by": desk.author, "now": desk.now}


@router.post("/clients/{client}/people", response={201: Recorded}, summary="Hire somebody")
def hire(request: Any, client: Path[Code], said: Hire) -> Any:
    """Hire somebody: the participant, the address if stated, and the first row of the job."""
    desk = at(request, client, Permission.FACTS)
    done = services.hire(
        desk.client_id,
        employee_number=said.employee_number,
        first_name=said.first_name,
        last_name=said.last_name,
        on=said.on,
        job=_stated(said.job),
        person=_stated(said.person),
        address=None if said.address is None else _stated(said.address),
        ssn=said.ssn,
        **_by(desk),
    )
    return _recorded(desk, "hire", done)


PERSON = "/clients/{client}/people/{person_id}"


def _about(request: Any, client: str, person_id: int, permission: Permission = Permission.FACTS) -> Desk:
    desk = at(request, client, permission)
    desk.person(person_id)
    return desk


@router.post(f"{PERSON}/person-changes", response={201: Recorded}, summary="Change or correct a person")
def change_person(request: Any, client: Path[Code], person_id: Path[Id], said: PersonChange) -> Any:
    """Record that something about a participant is different from a day on, or was wrong then."""
    desk = _about(request, client, person_id)
    work = services.correct_person if said.is_correction else services.change_person
    done = work(desk.client_id, person_id, on=said.on, changes=_stated(said.changes), **_by(desk))
    return _recorded(desk, "change person", done)


@router.post(f"{PERSON}/addresses", response={201: Recorded}, summary="Record a new home address")
def move(request: Any, client: Path[Code], person_id: Path[Id], said: Move) -> Any:
    """Record a new home address from a day on."""
    desk = _about(request, client, person_id, Permission.FACTS)
    done = services.move(desk.client_id, person_id, on=said.on, address=_stated(said.address), **_by(desk))
    return _recorded(desk, "move", done)


@router.post(f"{PERSON}/job-changes", response={201: Recorded}, summary="Change a job")
def change_job(request: Any, client: Path[Code], person_id: Path[Id], said: JobChange) -> Any:
    """Add a job row from a day on: a transfer, a change of pay, a leave, a rehire."""
    desk = _about(request, client, person_id)
    done = services.change_job(
        desk.client_id,
        person_id,
        on=said.on,
        action=said.action,
        changes=_stated(said.changes),
        reason=said.reason,
        job_number=said.job_number,
        **_by(desk),
    )
    return _recorded(desk, "change job", done)


@router.post(f"{PERSON}/job-corrections", response={201: Recorded}, summary="Correct a job row")
def correct_job(request: Any, client: Path[Code], person_id: Path[Id], said: JobCorrection) -> Any:
    """Correct the job row of a day, or move it to another."""
    desk = _about(request, client, person_id)
    moved = {} if said.moves_to is None else {"valid_from": said.moves_to}
    done = services.correct_job(
        desk.client_id,
        person_id,
        on=said.on,
        changes=_stated(said.changes) | moved,
        job_number=said.job_number,
        sequence=said.sequence,
        **_by(desk),
    )
    return _recorded(desk, "correct job", done)


@router.delete(f"{PERSON}/jobs", response={201: Recorded}, summary="Withdraw a job row")
def delete_job(
    request: Any,
    client: Path[Code],
    person_id: Path[Id],
    on: Day = Query(...),
    job_number: Record | None = Query(None),
    sequence: Record | None = Query(None),
) -> Any:
    """Withdraw the job row of a day, as if it had never been."""
    desk = _about(request, client, person_id)
    done = services.delete_job_row(
        desk.client_id, person_id, on=on, job_number=job_number, sequence=sequence, **_by(desk)
    )
    return _recorded(desk, "withdraw job row", done)


@router.post(f"{PERSON}/termination", response={201: Recorded}, summary="End a job")
def terminate(request: Any, client: Path[Code], person_id: Path[Id], said: Termination) -> Any:
    """End a job: the row is dated the first day not employed."""
    desk = _about(request, client, person_id)
    done = services.terminate(
        desk.client_id,
        person_id,
        last_day_employed=said.last_day_employed,
        action=said.action,
        reason=said.reason,
        job_status=said.job_status,
        job_number=said.job_number,
        **_by(desk),
    )
    return _recorded(desk, "terminate", done)


@router.post(f"{PERSON}/dependents", response={201: Recorded}, summary="Add a dependent")
def add_dependent(request: Any, client: Path[Code], person_id: Path[Id], said: NewDependent) -> Any:
    """Add a dependent from a day on."""
    desk = _about(request, client, person_id, Permission.ELECT)
    done = services.add_dependent(
        desk.client_id,
        person_id,
        on=said.on,
        first_name=said.first_name,
        last_name=said.last_name,
        person_type=said.person_type,
        dependent=_stated(said.more),
        ssn=said.ssn,
        **_by(desk),
    )
    return _recorded(desk, "add dependent", done)


@router.post(
    f"{PERSON}/dependents/{{dependent_id}}/changes", response={201: Recorded}, summary="Change a dependent"
)
def change_dependent(
    request: Any, client: Path[Code], person_id: Path[Id], dependent_id: Path[Id], said: DependentChange
) -> Any:
    """Record that something about a dependent is different from a day on."""
    desk = _about(request, client, person_id, Permission.ELECT)
    theirs = Dependent.objects.filter(client_id=desk.client_id, person_id=person_id, pk=dependent_id)
    if not theirs.exists():
        raise not_found("a dependent of this person", "correct the id; the person names them")
    done = services.change_dependent(
        desk.client_id, dependent_id, on=said.on, changes=_stated(said.changes), **_by(desk)
    )
    return _recorded(desk, "change dependent", done)


@router.post(f"{PERSON}/life-events", response={201: Recorded}, summary="Report a life event")
def report_life_event(request: Any, client: Path[Code], person_id: Path[Id], said: LifeEvent) -> Any:
    """Report that something happened; it becomes activity, and by the next run or on demand an event."""
    desk = _about(request, client, person_id, Permission.ELECT)
    done = services.report_life_event(
        desk.client_id,
        person_id,
        event_class=said.event_class,
        on=said.on,
        reported_on=said.reported_on or desk.today,
        **_by(desk),
    )
    return _recorded(desk, "report life event", done)


@router.post(f"{PERSON}/benefit-bases", response={201: Recorded}, summary="State a benefits base")
def record_base(request: Any, client: Path[Code], person_id: Path[Id], said: BaseAmount) -> Any:
    """State a yearly amount that stands for pay in formulas, from a day on."""
    desk = _about(request, client, person_id)
    done = services.record_benefit_base(
        desk.client_id,
        person_id,
        on=said.on,
        base_type=said.base_type,
        annual_pay_cents=said.annual_pay_cents,
        benefit_record=said.benefit_record,
        **_by(desk),
    )
    return _recorded(desk, "state benefits base", done)


class Reason(Body):
    """Why a change is taken back."""

    reason: Words


OF_ENTRIES = ("elections", "takeover")


@router.post(
    "/clients/{client}/changes/{change_id}/take-back", response=TakenBack, summary="Take a change back"
)
def take_change_back(request: Any, client: Path[Code], change_id: Path[Id], said: Reason) -> Any:
    """Take one change back as a whole: facts, an import, elections, coverage or amounts taken over."""
    desk = at(request, client, Permission.SEE)
    change = ChangeSet.objects.filter(client_id=desk.client_id, pk=change_id).first()
    if change is None:
        raise not_found("a change", "correct the number, as the entry or import answered it")
    needed = {"taken": Permission.PAYROLL} | dict.fromkeys(OF_ENTRIES, Permission.REPAIR)
    at(request, client, needed.get(change.kind, Permission.FACTS))
    counts = _taken_back(desk, change, said.reason)
    desk.did("take change back", reason=said.reason)
    return {"change_id": change_id, "counts": counts}


def _taken_back(desk: Desk, change: ChangeSet, reason: str) -> dict[str, int]:
    if change.kind == "taken":
        back, left = taken.take_back(connection, change.pk, now=desk.now, made_by=desk.author)
        return {"taken_back": back, "left": left}
    if change.kind in OF_ENTRIES:
        entry = take_back_entry(connection, change.pk, reason=reason, author=desk.author, now=desk.now)
        names = ("elections", "events", "points", "approvals")
        return {name: getattr(entry, name) for name in names}
    done = undo(change.pk, made_by=desk.author, now=desk.now)
    return {"restored": done.restored, "withdrawn": done.withdrawn, "edited_since": done.conflicts.height}
