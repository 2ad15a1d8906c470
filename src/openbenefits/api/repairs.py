"""Repairs: what is proposed, carried out, done with people, prices and coverage after the fact."""

from typing import Any, Literal

import polars as pl
from django.db import connection
from ninja import File as Upload
from ninja import Path, Query
from ninja.files import UploadedFile
from pydantic import BaseModel, Field

from openbenefits.accounts.roles import Permission
from openbenefits.api.elections import BadRow, bad_rows, saved
from openbenefits.api.event_acts import Again, Consequence, consequence, told_of
from openbenefits.api.naming import Desk, at
from openbenefits.api.paging import Rows, slice_of
from openbenefits.api.problems import Problem
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
    PlanType,
    Reasoned,
    Record,
    Table,
    Text,
    Truth,
    table_of,
)
from openbenefits.enrollment.price_deciding import PRICE_ROW
from openbenefits.repair import bulk, merging, pricing, schedules, transferring
from openbenefits.repair.proposals import due_order, find_proposals, rehearse_due, repair_due
from openbenefits.repair.services import RepairOrder
from openbenefits.repair.taken_over import TakenOver, operate_on_taken_over
from openbenefits.reports.prices_decided import decided_prices
from openbenefits.reports.repairs import named_acts, named_proposals

router = Routes("repairs")
REPAIRS = "/clients/{client}/repairs"
PERSON = "/clients/{client}/people/{person_id}"


class Due(Body):
    """Everything proposed that nobody need decide on."""

    as_of: Day | None = None
    is_preview: bool = True


class Carried(BaseModel):
    """What came of each proposal, and what changed."""

    is_preview: bool
    proposals: Table
    consequences: list[Table]


class OfSchedule(Again):
    """One operation on all events of a schedule that allow it."""

    operation: Literal["assign", "prepare", "elect", "again"]


class OfMany(BaseModel):
    """What came of a file: rows to do, done before and bad, and what changes."""

    is_preview: bool
    rows_read: int
    done: int
    unchanged: int
    bad_rows: list[BadRow]
    bad_row_count: int
    tables: list[Table]


class Price(Again):
    """A price of one participant for some days, in cents of a year; or the last one undone."""

    plan_type: PlanType
    program: Code | None = None
    option: Code | None = Field(None, description="One option, with its program; else all of the plan type.")
    begins_on: Day | None = None
    ends_on: Day | None = None
    total_cents: Cents | None = None
    employer_cents: Cents | None = None
    employee_cents: Cents | None = None
    benefit_record: Record = 0
    is_undoing: bool = False


class CoverageAct(Again):
    """Coverage that was taken over is moved, ended or voided, or the last act undone."""

    plan_type: PlanType
    begins_on: Day
    act: Literal["redate", "end", "void", "undo"]
    to_on: Day | None = None
    benefit_record: Record = 0


class Join(Again):
    """Two person ids are one human: this one follows the other."""

    survivor_id: Id
    act: Literal["merge", "unmerge"] = "merge"


class Transfer(Reasoned):
    """Somebody goes on at another client of the same key."""

    to_client: Code
    employee_number: Text = Field(min_length=1)
    begins_on: Day
    company: Text = Field(min_length=1)
    benefit_group: Text = Field(min_length=1)
    pay_group: Text = Field(min_length=1)
    keeps_service: bool = False
    job_reason: Text | None = None
    is_preview: bool = True


class Transferred(BaseModel):
    """Whom somebody is at the other client."""

    is_preview: bool
    to_client: str
    to_person_id: int | None
    dependents: int


@router.get(f"{REPAIRS}/proposals", response=Rows, summary="List proposed repairs")
def list_proposals(request: Any, client: Path[Code], cursor: Cursor, limit: Limit) -> Any:
    """List the repairs the product proposes: which event, what to do with it, and why."""
    desk = at(request, client, Permission.SEE)
    found = find_proposals(connection, desk.client_id)
    rows = found if found.is_empty() else named_proposals(connection, desk.client_id, found)
    return slice_of(rows, cursor=cursor, limit=limit)


@router.post(f"{REPAIRS}/due", response=Carried, summary="Carry out the repairs due")
def carry_out(request: Any, client: Path[Code], said: Due) -> Any:
    """Carry out every proposed repair nobody need decide on, and say why the others wait."""
    desk = at(request, client, Permission.REPAIR)
    order = due_order(desk.client_id, said.as_of or desk.today, desk.author)
    done = (rehearse_due if said.is_preview else repair_due)(connection, order, now=desk.now)
    rows = done.proposals
    named = rows if rows.is_empty() else named_proposals(connection, desk.client_id, rows)
    told: list[Table] = []
    if done.consequences is not None:
        told = consequence(desk, done.consequences, None, is_preview=said.is_preview)["tables"]
    if not said.is_preview:
        desk.did("repairs due")
    return {"is_preview": said.is_preview, "proposals": table_of("Proposals", named), "consequences": told}


@router.post(
    "/clients/{client}/schedules/{schedule}/operations",
    response=Consequence,
    summary="Operate on all events of a schedule",
)
def operate_on_schedule(request: Any, client: Path[Code], schedule: Path[Code], said: OfSchedule) -> Any:
    """Do one thing with all events of a schedule that allow it; a preview writes nothing."""
    desk = at(request, client, Permission.REPAIR)
    days = due_order(desk.client_id, said.as_of or desk.today, desk.author)
    order = schedules.ScheduleOrder(
        client_id=desk.client_id,
        schedule_id=desk.schedule(schedule),
        kind=said.operation,
        as_of=days.as_of,
        begin=days.begin,
        through=days.through,
        reason=said.reason,
        author=desk.author,
    )
    told = schedules.reprocess(connection, order, now=desk.now, is_rehearsal=said.is_preview)
    if not said.is_preview:
        desk.did(f"schedule {said.operation}", reason=said.reason)
    if told is None:
        return {"is_preview": said.is_preview, "run_id": None, "tables": []}
    answered = told_of(desk, told, is_preview=said.is_preview)
    answered["tables"].append(table_of("Left as they are", told.left))
    return answered


def _many(desk: Desk, result: bulk.BulkResult, *, is_preview: bool) -> dict[str, Any]:
    tables = [] if result.told is None else told_of(desk, result.told, is_preview=is_preview)["tables"]
    return {
        "is_preview": is_preview,
        "rows_read": result.rows_read,
        "done": result.done,
        "unchanged": result.unchanged,
        "bad_rows": bad_rows(result.bad_rows),
        "bad_row_count": result.bad_rows["row"].n_unique(),
        "tables": tables,
    }


@router.post("/clients/{client}/operation-files", response=OfMany, summary="Operate by a file")
def operate_file(
    request: Any, client: Path[Code], file: Upload[UploadedFile], as_of: AsOf, is_preview: Truth = Query(True)
) -> Any:
    """Do what a file says, a row per event; each bad row is named, the good ones are done."""
    desk = at(request, client, Permission.REPAIR)
    days = due_order(desk.client_id, as_of or desk.today, desk.author)
    order = RepairOrder(
        client_id=desk.client_id,
        targets=pl.DataFrame(),
        as_of=days.as_of,
        begin=days.begin,
        through=days.through,
        reason="a file of operations",
        author=desk.author,
    )
    with saved(file) as path:
        result = bulk.operate_file(connection, order, path, now=desk.now, is_rehearsal=is_preview)
    if not is_preview:
        desk.did("operations from a file")
    return _many(desk, result, is_preview=is_preview)


@router.post("/clients/{client}/price-files", response=OfMany, summary="Decide prices by a file")
def price_file(
    request: Any, client: Path[Code], file: Upload[UploadedFile], as_of: AsOf, is_preview: Truth = Query(True)
) -> Any:
    """Decide prices from a file, a row each; each bad row is named, the good ones are done."""
    desk = at(request, client, Permission.REPAIR)
    days = due_order(desk.client_id, as_of or desk.today, desk.author)
    order = _price_order(desk, days)
    with saved(file) as path:
        result = pricing.decide_file(connection, order, path, now=desk.now, is_rehearsal=is_preview)
    if not is_preview:
        desk.did("prices from a file")
    return _many(desk, result, is_preview=is_preview)


def _price_order(desk: Desk, days: Any) -> pricing.PriceOrder:
    return pricing.PriceOrder(
        client_id=desk.client_id, begin=days.begin, through=days.through, author=desk.author
    )


# --- of one person ------------------------------------------------------------------------------------------


@router.get(f"{PERSON}/repairs", response=Rows, summary="List what was done with a person's events")
def list_acts(request: Any, client: Path[Code], person_id: Path[Id], cursor: Cursor, limit: Limit) -> Any:
    """List what was done with the events of somebody after the fact, by whom, and why."""
    desk = at(request, client, Permission.SEE)
    desk.person(person_id)
    desk.saw("repairs", person_id)
    return slice_of(named_acts(connection, desk.client_id, person_id), cursor=cursor, limit=limit)


@router.get(f"{PERSON}/prices", response=Rows, summary="List prices decided for a person")
def list_prices(request: Any, client: Path[Code], person_id: Path[Id], cursor: Cursor, limit: Limit) -> Any:
    """List what was decided about the prices of somebody, by whom and why."""
    desk = at(request, client, Permission.SEE)
    desk.person(person_id)
    desk.saw("prices decided", person_id)
    return slice_of(decided_prices(connection, desk.client_id, [person_id]), cursor=cursor, limit=limit)


@router.post(f"{PERSON}/prices", response=Consequence, summary="Decide a price")
def decide_price(request: Any, client: Path[Code], person_id: Path[Id], said: Price) -> Any:
    """Decide a price of one participant for some days, or undo the last; a preview writes nothing."""
    desk = at(request, client, Permission.REPAIR)
    desk.person(person_id)
    days = due_order(desk.client_id, said.as_of or desk.today, desk.author)
    order = _price_order(desk, days)
    plain = {name: getattr(said, name) for name in PRICE_ROW if hasattr(said, name)}
    row = plain | {"row": 1, "client_id": desk.client_id, "person_id": person_id}
    row["begins_on"] = said.begins_on or days.as_of
    rows = pl.DataFrame([row], schema=PRICE_ROW)
    how: dict[str, Any] = {"now": desk.now, "is_rehearsal": said.is_preview}
    if said.is_undoing:
        told = pricing.undo(connection, order, rows, reason=said.reason, **how)
    else:
        told = pricing.decide(connection, order, rows, **how)
    if not said.is_preview:
        desk.did("undo price" if said.is_undoing else "decide price", person_id, said.reason)
    return told_of(desk, told, is_preview=said.is_preview)


@router.post(f"{PERSON}/taken-over-coverage", response=Consequence, summary="Operate on taken-over coverage")
def operate_on_coverage(request: Any, client: Path[Code], person_id: Path[Id], said: CoverageAct) -> Any:
    """Move, end or void coverage that was taken over, and decide the events after it again."""
    desk = at(request, client, Permission.REPAIR)
    desk.person(person_id)
    days = due_order(desk.client_id, said.as_of or desk.today, desk.author)
    order = TakenOver(
        client_id=desk.client_id,
        person_id=person_id,
        benefit_record=said.benefit_record,
        plan_type=said.plan_type,
        begins_on=said.begins_on,
        do=said.act,
        to_on=said.to_on,
        as_of=days.as_of,
        begin=days.begin,
        through=days.through,
        reason=said.reason,
        author=desk.author,
    )
    told = operate_on_taken_over(connection, order, now=desk.now, is_rehearsal=said.is_preview)
    if not said.is_preview:
        desk.did(f"{said.act} taken-over coverage", person_id, said.reason)
    return told_of(desk, told, is_preview=said.is_preview)


@router.post(f"{PERSON}/merges", response=Consequence, summary="Merge or unmerge two person ids")
def join(request: Any, client: Path[Code], person_id: Path[Id], said: Join) -> Any:
    """Say that two ids are one human, or take them apart again; a preview writes nothing."""
    desk = at(request, client, Permission.REPAIR)
    desk.person(person_id)
    desk.person(said.survivor_id)
    days = due_order(desk.client_id, said.as_of or desk.today, desk.author)
    order = merging.MergeOrder(
        client_id=desk.client_id,
        person_id=person_id,
        survivor_id=said.survivor_id,
        as_of=days.as_of,
        begin=days.begin,
        through=days.through,
        reason=said.reason,
        author=desk.author,
    )
    work = merging.merge if said.act == "merge" else merging.unmerge
    told = work(connection, order, now=desk.now, is_rehearsal=said.is_preview)
    if not said.is_preview:
        desk.did(said.act, person_id, said.reason)
    return told_of(desk, told, is_preview=said.is_preview)


@router.post(f"{PERSON}/transfers", response=Transferred, summary="Transfer somebody to another client")
def transfer(request: Any, client: Path[Code], person_id: Path[Id], said: Transfer) -> Any:
    """Let somebody go on at another client the key may repair; a preview writes nothing."""
    desk = at(request, client, Permission.REPAIR)
    other = at(request, said.to_client, Permission.REPAIR)
    desk.person(person_id)
    job = {name: getattr(said, name) for name in ("company", "benefit_group", "pay_group")}
    order = transferring.TransferOrder(
        client_id=desk.client_id,
        person_id=person_id,
        to_client=other.client_id,
        employee_number=said.employee_number,
        begins_on=said.begins_on,
        job=job,
        keeps_service=said.keeps_service,
        reason=said.reason,
        author=desk.author,
        coming_reason=said.job_reason,
    )
    done = transferring.transfer(connection, order, now=desk.now, is_rehearsal=said.is_preview)
    if not said.is_preview:
        desk.did("transfer", person_id, said.reason)
    return {
        "is_preview": said.is_preview,
        "to_client": said.to_client,
        "to_person_id": None if said.is_preview else done.to_person,
        "dependents": done.dependents,
    }


class Undone(BaseModel):
    """The transfer that was taken back."""

    begins_on: Day


@router.post(f"{PERSON}/transfers/undo", response=Undone, summary="Undo a transfer")
def undo_transfer(request: Any, client: Path[Code], person_id: Path[Id], said: Reasoned) -> Any:
    """Take the last transfer of somebody back: they never left."""
    desk = at(request, client, Permission.REPAIR)
    desk.person(person_id)
    for one in transferring.transfers_of(desk.client_id, person_id):
        if one.to_client != desk.client_id and not desk.access.may(Permission.REPAIR, one.to_client):
            raise Problem(
                409, "conflict", "expected a key of both clients, found one of this client; use another"
            )
    last = transferring.undo_transfer(
        desk.client_id, person_id, reason=said.reason, author=desk.author, now=desk.now
    )
    desk.did("undo transfer", person_id, said.reason)
    return {"begins_on": last.begins_on}
