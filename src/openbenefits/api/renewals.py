"""What clients are offered: batches, their offers now against renewal, who has elected."""

from datetime import date
from typing import Any

from django.db import connection
from ninja import Path
from pydantic import BaseModel

from openbenefits.accounts.roles import Permission
from openbenefits.api.naming import Desk, at
from openbenefits.api.paging import Page, Rows, page_of, slice_of
from openbenefits.api.problems import not_found
from openbenefits.api.routing import Routes
from openbenefits.api.shapes import Code, Cursor, Id, Limit
from openbenefits.renewals.comparing import comparison_of
from openbenefits.renewals.models import Batch as OfferedBatch
from openbenefits.renewals.progress import who_has_elected

router = Routes("renewals")
BATCHES = "/clients/{client}/batches"
OWN = ("cost", "margin")
"""What it costs the PEO, and what it keeps: for whoever may change set-up."""


class Batch(BaseModel):
    """The package of plans of one client for one year."""

    id: int
    type: str
    status: str
    effective_on: date
    expires_on: date | None
    enrollment_begins_on: date | None
    enrollment_ends_on: date | None
    schedule: str
    renewal_of: int | None
    is_in_force: bool


def _write(row: OfferedBatch) -> dict[str, Any]:
    names = ("type", "status", "effective_on", "expires_on", "enrollment_begins_on", "enrollment_ends_on")
    return {name: getattr(row, name) for name in (*names, "schedule")} | {
        "id": row.pk,
        "renewal_of": row.renewal_of_id,
        "is_in_force": row.release_id is not None,
    }


def _batch(desk: Desk, number: int) -> OfferedBatch:
    found = OfferedBatch.objects.filter(client_id=desk.client_id, pk=number).first()
    if found is None:
        raise not_found("a batch", "correct the id; /batches lists them")
    return found


@router.get(BATCHES, response=Page[Batch], summary="List benefits batches")
def list_batches(request: Any, client: Path[Code], cursor: Cursor, limit: Limit) -> Any:
    """List the batches of a client: which year each is for, and how far it is."""
    desk = at(request, client, Permission.SEE)
    rows = OfferedBatch.objects.filter(client_id=desk.client_id)
    return page_of(rows, _write, cursor=cursor, limit=limit, is_last_first=True)


@router.get(f"{BATCHES}/{{batch_id}}", response=Batch, summary="Show a benefits batch")
def show_batch(request: Any, client: Path[Code], batch_id: Path[Id]) -> Any:
    """Show one batch."""
    return _write(_batch(at(request, client, Permission.SEE), batch_id))


@router.get(f"{BATCHES}/{{batch_id}}/offers", response=Rows, summary="List offered plans")
def list_offers(request: Any, client: Path[Code], batch_id: Path[Id], cursor: Cursor, limit: Limit) -> Any:
    """List the offers of a batch with cents a month now and after, for all people counted."""
    desk = at(request, client, Permission.SEE)
    rows = comparison_of(connection, _batch(desk, batch_id)).plans()
    return slice_of(_without_own(desk, rows.drop("client_id")), cursor=cursor, limit=limit)


@router.get(f"{BATCHES}/{{batch_id}}/lines", response=Rows, summary="List prices by tier")
def list_lines(request: Any, client: Path[Code], batch_id: Path[Id], cursor: Cursor, limit: Limit) -> Any:
    """List what one person of each tier and age band of each offer costs: cents a month."""
    desk = at(request, client, Permission.SEE)
    rows = comparison_of(connection, _batch(desk, batch_id)).lines
    return slice_of(_without_own(desk, rows), cursor=cursor, limit=limit)


def _without_own(desk: Desk, rows: Any) -> Any:
    if desk.may(Permission.SETUP):
        return rows
    return rows.drop(name for name in rows.columns if any(own in name for own in OWN))


@router.get("/clients/{client}/schedules/{schedule}/electors", response=Rows, summary="List who has elected")
def list_electors(
    request: Any, client: Path[Code], schedule: Path[Code], cursor: Cursor, limit: Limit
) -> Any:
    """List everybody of an open enrolment: not started, in progress, completed, or not eligible."""
    desk = at(request, client, Permission.SEE)
    rows = who_has_elected(connection, desk.client_id, [desk.schedule(schedule)])
    return slice_of(rows.drop("client_id"), cursor=cursor, limit=limit)
