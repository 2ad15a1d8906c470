"""Clients and their schedules."""

from typing import Any

from django.db import connection
from ninja import Path
from pydantic import BaseModel

from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import EVERY_CLIENT
from openbenefits.api.naming import at
from openbenefits.api.paging import Page, page_of, slice_of
from openbenefits.api.routing import Routes
from openbenefits.api.shapes import Code, Cursor, Limit, Tables, tables_of
from openbenefits.enrollment.elections import progress_of
from openbenefits.reports.names import load_schedules
from openbenefits.review.services import schedule_summary
from openbenefits.workforce.models import Client as Employer

router = Routes("clients")


class Client(BaseModel):
    """An employer served by the PEO."""

    code: str
    name: str
    scopes: list[str]


class Schedule(BaseModel):
    """Who is processed together, and for what: E event maintenance, O open enrolment, S snapshot."""

    id: int
    code: str
    kind: str


class Progress(BaseModel):
    """How many of the choices of an event have an election that stands."""

    event: str
    process_status: str | None
    choices: int
    entered: int


def _client(request: Any) -> Any:
    def write(row: Employer) -> dict[str, Any]:
        own, every = (request.access.permissions.get(one, frozenset()) for one in (row.pk, EVERY_CLIENT))
        return {"code": row.code, "name": row.name, "scopes": sorted(str(one) for one in own | every)}

    return write


@router.get("/clients", response=Page[Client], summary="List the clients of the key")
def list_clients(request: Any, cursor: Cursor, limit: Limit) -> Any:
    """List the clients this key may see, by code, with what it may do for each."""
    return page_of(Employer.objects.all(), _client(request), cursor=cursor, limit=limit, key="code")


@router.get("/clients/{client}", response=Client, summary="Show a client")
def show_client(request: Any, client: Path[Code]) -> Any:
    """Show one client, with what the key may do for it."""
    return _client(request)(at(request, client, Permission.SEE).client)


@router.get("/clients/{client}/schedules", response=Page[Schedule], summary="List schedules")
def list_schedules(request: Any, client: Path[Code], cursor: Cursor, limit: Limit) -> Any:
    """List the schedules of a client: who is processed together, and for what."""
    desk = at(request, client, Permission.SEE)
    rows = load_schedules(connection).filter(client=desk.client.code).sort("schedule")
    shown = rows.select("kind", id="schedule_id", code="schedule").unique(
        "id", keep="last", maintain_order=True
    )
    return slice_of(shown, cursor=cursor, limit=limit)


@router.get("/clients/{client}/summary", response=Tables, summary="Count people and events by status")
def summarise(request: Any, client: Path[Code]) -> Any:
    """Count people and events of each schedule at every status, with flags and how much is done."""
    desk = at(request, client, Permission.SEE)
    return tables_of(schedule_summary(connection, [desk.client_id]))


@router.get(
    "/clients/{client}/schedules/{schedule}/progress",
    response=Page[Progress],
    summary="Show how far elections are",
)
def show_progress(
    request: Any, client: Path[Code], schedule: Path[Code], cursor: Cursor, limit: Limit
) -> Any:
    """Show for each event of a schedule how many of its choices have an election."""
    desk = at(request, client, Permission.SEE)
    schedule_id = desk.schedule(schedule)
    page = slice_of(progress_of(connection, schedule_id), cursor=cursor, limit=limit)
    for row in page["items"]:
        row["event"] = "{person_id}-{benefit_record}-{schedule}-{event_number}".format(
            **row, schedule=schedule_id
        )
    return page
