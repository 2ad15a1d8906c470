"""Coverage: what people have, on what it rests, the timeline as recorded, and what waits for evidence."""

from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import connection, transaction
from ninja import Path, Query, Status
from pydantic import BaseModel

from openbenefits.accounts.roles import Permission
from openbenefits.api.naming import at, end_of
from openbenefits.api.paging import Page, page_of
from openbenefits.api.routing import Routes
from openbenefits.api.shapes import (
    AsOf,
    Body,
    Cents,
    Code,
    Cursor,
    Day,
    Id,
    KnownOn,
    Limit,
    PlanType,
    Table,
    table_of,
)
from openbenefits.enrollment import models
from openbenefits.enrollment.evidence import decide_proof
from openbenefits.programs.frames import load_codes
from openbenefits.reports.hindsight import held_on, offered_on
from openbenefits.workforce.recording import lock_people

router = Routes("coverage")
PERSON = "/clients/{client}/people/{person_id}"


class Held(BaseModel):
    """What somebody has of a plan type on a day, and what the day rests on."""

    benefit_record: int
    plan_type: str
    plan: str | None
    kind: str
    option: str | None
    begins_on: date
    coverage_cents: int | None
    pledge_cents: int | None
    dependents: int | None
    basis: str | None
    rests_on: str | None


class ChangePoint(BaseModel):
    """A point of the coverage timeline: what holds from its day until the next point of its plan type."""

    person_id: int
    benefit_record: int
    plan_type: str
    slot: int
    begins_on: date
    version: int
    kind: str
    basis: str
    option: str | None
    coverage_cents: int | None
    requested_coverage_cents: int | None
    pledge_cents: int | None
    deduction_begins_on: date | None
    event: str | None
    rule: str
    run_id: int | None
    made_at: datetime
    is_superseded: bool
    superseded_by_run: int | None


class Decision(Body):
    """How much coverage of a plan type was approved, from a day on."""

    plan_type: PlanType
    approved_cents: Cents
    valid_from: Day


class Decided(BaseModel):
    """What was decided."""

    person_id: int
    plan_type: str
    approved_cents: int


@router.get(f"{PERSON}/coverage", response=list[Held], summary="Show what a person has on a day")
def show_coverage(
    request: Any, client: Path[Code], person_id: Path[Id], as_of: AsOf, known_on: KnownOn
) -> Any:
    """Show what a person has on a day, plan type by plan type, and what that day rests on."""
    desk = at(request, client, Permission.SEE)
    desk.person(person_id)
    desk.saw("coverage", person_id)
    rows = held_on(
        connection,
        desk.client_id,
        [person_id],
        as_of=as_of or desk.today,
        known_at=end_of(known_on),
    )
    return rows.drop("employee_number").to_dicts()


@router.get(f"{PERSON}/timeline", response=Page[ChangePoint], summary="List a person's change points")
def list_points(request: Any, client: Path[Code], person_id: Path[Id], cursor: Cursor, limit: Limit) -> Any:
    """List every change point of a person, superseded ones too."""
    desk = at(request, client, Permission.SEE)
    desk.person(person_id)
    desk.saw("timeline", person_id)
    rows = models.Coverage.objects.filter(client_id=desk.client_id, person_id=person_id)
    return page_of(rows, _point(desk.client_id), cursor=cursor, limit=limit)


@router.get("/clients/{client}/coverage", response=Page[ChangePoint], summary="List change points")
def list_all_points(
    request: Any,
    client: Path[Code],
    cursor: Cursor,
    limit: Limit,
    plan_type: PlanType | None = Query(None),
    run_id: Id | None = Query(None, description="Only what this run wrote."),
) -> Any:
    """List the change points of a client that hold, by person."""
    desk = at(request, client, Permission.SEE)
    rows = models.Coverage.objects.filter(client_id=desk.client_id, superseded_by_run__isnull=True)
    if plan_type is not None:
        rows = rows.filter(plan_type=plan_type)
    if run_id is not None:
        rows = rows.filter(run_id=run_id)
    return page_of(rows, _point(desk.client_id), cursor=cursor, limit=limit)


def _point(client_id: int) -> Any:
    known = load_codes(connection, client_id, "option")
    codes = dict(known.select("id", "code").iter_rows())
    other = ("option", "event", "is_superseded")
    plain = [name for name in ChangePoint.model_fields if name not in other]

    def write(row: models.Coverage) -> dict[str, Any]:
        event = None
        if row.schedule_id is not None:
            event = f"{row.person_id}-{row.benefit_record}-{row.schedule_id}-{row.event_number}"
        return {name: getattr(row, name) for name in plain} | {
            "option": codes.get(row.option_id or 0),
            "event": event,
            "is_superseded": row.superseded_at is not None,
        }

    return write


@router.get(f"{PERSON}/offered", response=Table, summary="Show what a person was offered")
def show_offered(
    request: Any, client: Path[Code], person_id: Path[Id], as_of: AsOf, known_on: KnownOn
) -> Any:
    """Show the options of a person's last event of a day or before, as then prepared."""
    desk = at(request, client, Permission.SEE)
    desk.person(person_id)
    desk.saw("offered", person_id)
    rows = offered_on(
        connection, desk.client_id, person_id, as_of=as_of or desk.today, known_at=end_of(known_on)
    )
    return table_of("Offered", rows)


class Proof(BaseModel):
    """A decision about evidence of insurability."""

    plan_type: str
    valid_from: date
    version: int
    approved_cents: int | None
    is_withdrawn: bool
    decided_by: str
    known_since: datetime


@router.get(f"{PERSON}/proofs", response=Page[Proof], summary="List decisions about evidence")
def list_proofs(request: Any, client: Path[Code], person_id: Path[Id], cursor: Cursor, limit: Limit) -> Any:
    """List what was decided about a person's evidence of insurability."""
    desk = at(request, client, Permission.SEE_HEALTH)
    desk.person(person_id)
    desk.saw("evidence", person_id)
    rows = models.ProofDecision.objects.filter(client_id=desk.client_id, person_id=person_id)
    names = list(Proof.model_fields)
    return page_of(rows, lambda row: {one: getattr(row, one) for one in names}, cursor=cursor, limit=limit)


@router.post(f"{PERSON}/proofs", response={201: Decided}, summary="Decide evidence of insurability")
def decide(request: Any, client: Path[Code], person_id: Path[Id], said: Decision) -> Any:
    """Decide how much coverage is approved from a day on; what waits for it rises to at most that."""
    desk = at(request, client, Permission.SEE_HEALTH)
    at(request, client, Permission.REPAIR)
    desk.person(person_id)
    with transaction.atomic():
        lock_people(desk.client_id, pl.Series([person_id], dtype=pl.Int64))
        decide_proof(
            connection,
            client_id=desk.client_id,
            person_id=person_id,
            plan_type=said.plan_type,
            valid_from=said.valid_from,
            approved_cents=said.approved_cents,
            decided_by=desk.author,
            now=desk.now,
        )
    desk.did("decide evidence", person_id)
    done = {"person_id": person_id, "plan_type": said.plan_type, "approved_cents": said.approved_cents}
    return Status(201, done)
