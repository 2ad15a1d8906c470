"""The payroll platform: whether payroll may run, the audits, changes and how far each has come."""

from datetime import datetime
from typing import Any, Literal

from django.db import connection
from ninja import Path, Query, Status
from pydantic import BaseModel, Field

from openbenefits.accounts.roles import Permission
from openbenefits.api.naming import at
from openbenefits.api.paging import Page, Rows, page_of, slice_of
from openbenefits.api.problems import not_found
from openbenefits.api.routing import Routes
from openbenefits.api.shapes import Body, Code, Cursor, Id, Limit, Words
from openbenefits.platform.audits import curing, services
from openbenefits.platform.models import OutboundChange

router = Routes("payroll platform")
PLACE = "/clients/{client}/payroll-platform"
AuditCode = Literal["A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "A10", "A11", "A12"]


class MayRun(BaseModel):
    """Whether payroll may run, and what stands in the way."""

    may_run: bool
    reasons: list[str]
    looked_at: datetime | None = Field(description="When the platform was last read; null: never.")
    faults: dict[str, int] = Field(description="By audit: faults that nobody accepted.")


@router.get(f"{PLACE}/may-run", response=MayRun, summary="Ask whether payroll may run")
def may_run(request: Any, client: Path[Code]) -> Any:
    """Answer whether payroll may run for a client: both sides agree, or somebody accepted where not."""
    desk = at(request, client, Permission.PAYROLL)
    return vars(services.may_run(connection, desk.client_id, on=desk.today, now=desk.now))


class AuditResult(BaseModel):
    """What an audit found: its four buckets, and the faults nobody accepted."""

    code: str
    title: str
    asks: str
    here_only: int
    there_only: int
    different: int
    equal: int
    faults: int
    accepted: int
    stops_payroll: bool


@router.get(f"{PLACE}/audits", response=list[AuditResult], summary="List the audits of payroll")
def list_audits(request: Any, client: Path[Code]) -> Any:
    """Lay what we hold beside what the latest look at the platform saw: twelve audits, four buckets each."""
    desk = at(request, client, Permission.PAYROLL)
    return [
        {
            "code": one.audit.code,
            "title": one.audit.title,
            "asks": one.audit.asks,
            **{name.replace(" ", "_"): number for name, number in one.counts.items()},
            "faults": one.faults,
            "accepted": one.accepted,
            "stops_payroll": one.audit.stops,
        }
        for one in services.audits(connection, desk.client_id, desk.today)
    ]


@router.get(f"{PLACE}/audits/{{code}}/rows", response=Rows, summary="List the rows of an audit")
def list_rows(request: Any, client: Path[Code], code: Path[AuditCode], cursor: Cursor, limit: Limit) -> Any:
    """List every row of an audit with its bucket: both populations, nothing left out."""
    desk = at(request, client, Permission.PAYROLL)
    result = services.audit(services.sides_of(connection, desk.client_id, desk.today), code)
    desk.saw(f"audit of payroll {code}")
    return slice_of(result.rows, cursor=cursor, limit=limit)


class Cure(Body):
    """The row to be put right, and why."""

    key: Words = Field(description="`key` of the row.")
    reason: Words


class Change(BaseModel):
    """A change to what the platform holds, and how far it has come."""

    id: int
    person_id: int | None
    element: str
    key: str
    state: str
    cause: str
    planned_at: datetime
    sent_at: datetime | None
    answered_at: datetime | None
    read_back_at: datetime | None
    attempts: int
    told: str
    differs: list[str] = Field(description="Fields that were read back otherwise.")


def _change(one: OutboundChange) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Change.model_fields}


@router.post(f"{PLACE}/audits/{{code}}/cures", response={201: list[Change]}, summary="Cure a row of an audit")
def cure(request: Any, client: Path[Code], code: Path[AuditCode], said: Cure) -> Any:
    """Plan the change that makes the platform hold what we hold; the next sending sends it."""
    desk = at(request, client, Permission.PAYROLL)
    sides = services.sides_of(connection, desk.client_id, desk.today)
    made = curing.cure(sides, code, said.key, author=desk.author, reason=said.reason, now=desk.now)
    for one in made:
        desk.did("cure a row of an audit", one.person_id, said.reason)
    return Status(201, [_change(one) for one in made])


@router.get(f"{PLACE}/changes", response=Page[Change], summary="List changes sent to the platform")
def list_changes(
    request: Any,
    client: Path[Code],
    cursor: Cursor,
    limit: Limit,
    state: Words | None = Query(
        None, description="planned, held, sent, answered, equal, different, failed …"
    ),
) -> Any:
    """List changes, the latest first."""
    desk = at(request, client, Permission.PAYROLL)
    rows = OutboundChange.objects.filter(client_id=desk.client_id)
    if state is not None:
        rows = rows.filter(state=state)
    return page_of(rows, _change, cursor=cursor, limit=limit, is_last_first=True)


@router.get(f"{PLACE}/changes/{{number}}", response=Change, summary="Show a change")
def show_change(request: Any, client: Path[Code], number: Path[Id]) -> Any:
    """Show how far a change has come."""
    desk = at(request, client, Permission.PAYROLL)
    found = OutboundChange.objects.filter(client_id=desk.client_id, pk=number).first()
    if found is None:
        raise not_found("the number of a change", f"see /api/v1/clients/{client}/payroll-platform/changes")
    if found.person_id is not None:
        desk.saw("change sent to payroll", found.person_id)
    return _change(found)
