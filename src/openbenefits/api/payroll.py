"""Deductions: what pays owe, what payroll took, what is still to be put right."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path as File
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from django.db import connection
from django.http import HttpResponse
from ninja import File as Upload
from ninja import Path, Query, Status
from ninja.files import UploadedFile
from pydantic import BaseModel, Field

from openbenefits.accounts.roles import Permission
from openbenefits.api.elections import BadRow, bad_rows, saved
from openbenefits.api.naming import Desk, at
from openbenefits.api.paging import Rows, slice_of, slice_of_people
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
    Reasoned,
    Record,
    Table,
    Truth,
    Words,
    rows_of,
    table_of,
)
from openbenefits.payroll import ledger
from openbenefits.payroll.policies import policies_of, state_policy
from openbenefits.payroll.register import nothing_said, register_of
from openbenefits.payroll.retro import mismatches, refuse_mismatches
from openbenefits.payroll.rules.corrections import Agreed
from openbenefits.payroll.services import owed, write_register
from openbenefits.payroll.taken import take
from openbenefits.payroll.why import why
from openbenefits.workforce.models import Person as Participant

router = Routes("deductions")
DEDUCTIONS = "/clients/{client}/deductions"
LONGEST = timedelta(days=400)
SPAN = timedelta(days=31)
Person = Id | None
CSV = {"responses": {200: {"description": "The CSV.", "content": {"text/csv": {"schema": {}}}}}}


def _people(desk: Desk, person_id: int | None) -> list[int] | None:
    if person_id is None:
        return None
    desk.person(person_id)
    desk.saw("deductions", person_id)
    return [person_id]


def _by_person(
    desk: Desk,
    person_id: int | None,
    compute: Callable[[list[int]], pl.DataFrame],
    cursor: str | None,
    limit: int,
) -> Any:
    """Answer a page of what is computed of one person, or of everybody, page by page."""
    wanted = Participant.objects.filter(client_id=desk.client_id)
    if (ids := _people(desk, person_id)) is not None:
        wanted = wanted.filter(pk__in=ids)
    return slice_of_people(wanted, compute, cursor=cursor, limit=limit)


@router.get(f"{DEDUCTIONS}/owed", response=Rows, summary="List what pays owe")
def list_owed(
    request: Any,
    client: Path[Code],
    cursor: Cursor,
    limit: Limit,
    begin: Day = Query(..., description="The first day on which a pay may end."),
    through: Day | None = Query(None, description="The last one; 31 days later unless told."),
    person_id: Person = Query(None),
) -> Any:
    """List the deductions and credits of the pays that end in a span, line by line; amounts in cents."""
    desk = at(request, client, Permission.SEE)
    last = _last(begin, through)

    def rows_of(people: list[int]) -> pl.DataFrame:
        rows = owed(connection, desk.client_id, begin=begin, through=last, person_ids=people)
        return rows.drop("client_id", strict=False)

    return _by_person(desk, person_id, rows_of, cursor, limit)


@router.get(f"{DEDUCTIONS}/balances", response=Rows, summary="List balances")
def list_balances(
    request: Any,
    client: Path[Code],
    cursor: Cursor,
    limit: Limit,
    as_of: AsOf,
    person_id: Person = Query(None),
) -> Any:
    """List what is still to be taken or given back: owed − taken − scheduled, in cents."""
    desk = at(request, client, Permission.PAYROLL)

    def rows_of(people: list[int]) -> pl.DataFrame:
        wanted = ledger.Asked(client_id=desk.client_id, through=as_of or desk.today, person_ids=people)
        return ledger.balances(connection, wanted).drop("client_id", strict=False)

    return _by_person(desk, person_id, rows_of, cursor, limit)


@router.get(f"{DEDUCTIONS}/mismatches", response=Rows, summary="List mismatches")
def list_mismatches(request: Any, client: Path[Code], cursor: Cursor, limit: Limit, as_of: AsOf) -> Any:
    """List what payroll should have corrected, or corrected though we do."""
    desk = at(request, client, Permission.PAYROLL)
    rows = mismatches(connection, desk.client_id, as_of or desk.today)
    return slice_of(rows.drop("client_id", strict=False), cursor=cursor, limit=limit)


@router.get(f"{DEDUCTIONS}/ordered", response=Rows, summary="List corrections ordered")
def list_ordered(request: Any, client: Path[Code], cursor: Cursor, limit: Limit) -> Any:
    """List the corrections ordered for pays not reported yet."""
    desk = at(request, client, Permission.PAYROLL)
    rows = ledger.ordered(connection, desk.client_id)
    return slice_of(rows.drop("client_id", strict=False), cursor=cursor, limit=limit)


@router.get(
    f"{DEDUCTIONS}/register", response=None, summary="Write the register payroll reads", openapi_extra=CSV
)
def write_out(
    request: Any,
    client: Path[Code],
    begin: Day = Query(..., description="The first day on which a pay may end."),
    through: Day | None = Query(None, description="The last one; 31 days later unless told."),
    despite: Words | None = Query(None, description="Why it may be written though deductions do not agree."),
) -> Any:
    """Answer the deductions and credits of a span as the CSV payroll reads; mismatches stop it."""
    desk = at(request, client, Permission.PAYROLL)
    last = _last(begin, through)
    refuse_mismatches(connection, desk.client_id, last, despite or "")
    rows = register_of(connection, desk.client_id, begin=begin, through=last, available=nothing_said())
    with TemporaryDirectory(prefix="openbenefits-") as folder:
        path = File(folder) / "register.csv"
        write_register(rows, path)
        content = path.read_bytes()
    desk.did("write register", reason=despite or "")
    return HttpResponse(content, content_type="text/csv; charset=utf-8")


def _last(begin: date, through: date | None) -> date:
    """Answer the last day of a span.

    Errors: Problem for one that is too long, or ends before it begins.
    """
    last = through or begin + SPAN
    if not timedelta(0) <= last - begin <= LONGEST:
        raise Problem(
            422, "not-valid", f"expected a span of at most {LONGEST.days} days, found another; split it"
        )
    return last


class Recovery(Body):
    """How missed deductions may be recovered, from a day on."""

    state: str = Field("", pattern="^([A-Z]{2})?$", description="Blank: every state without its own.")
    valid_from: Day
    cap_cents: Cents | None = None
    cap_thousandths: int | None = Field(
        None, ge=0, le=100_000, description="Of the pay, in thousandths of %."
    )
    periods: int | None = Field(None, ge=1, le=60)
    needs_consent: bool = False
    is_forbidden: bool = False
    is_withdrawn: bool = False
    source: Words


class Stated(BaseModel):
    """Whether it was new."""

    is_new: bool


@router.get(f"{DEDUCTIONS}/policies", response=Rows, summary="List recovery policies")
def list_policies(request: Any, client: Path[Code], cursor: Cursor, limit: Limit) -> Any:
    """List how missed deductions may be recovered: the client's policies, and the PEO's."""
    desk = at(request, client, Permission.PAYROLL)
    return slice_of(policies_of(connection, desk.client_id), cursor=cursor, limit=limit)


@router.post(f"{DEDUCTIONS}/policies", response={201: Stated}, summary="State a recovery policy")
def add_policy(request: Any, client: Path[Code], said: Recovery) -> Any:
    """State how missed deductions may be recovered from checks of a day on."""
    desk = at(request, client, Permission.PAYROLL)
    is_new = state_policy(
        connection, client_id=desk.client_id, author=desk.author, now=desk.now, **said.model_dump()
    )
    desk.did("state recovery policy")
    return Status(201, {"is_new": is_new})


class Changed(BaseModel):
    """What a pay takes otherwise than an earlier one, and why, in words."""

    earlier_pay_ends_on: date
    lines: Table


@router.get(f"{DEDUCTIONS}/why", response=Changed, summary="Say why a pay takes something else")
def show_why(
    request: Any,
    client: Path[Code],
    person_id: Id = Query(...),
    pay_ends_on: Day = Query(...),
    before: Day | None = Query(None, description="The last day of the earlier pay; else the pay before."),
    benefit_record: Record = Query(0),
) -> Any:
    """Say in words why a pay of somebody takes something else than an earlier one."""
    desk = at(request, client, Permission.SEE)
    desk.person(person_id)
    desk.saw("why a deduction changed", person_id)
    earlier, rows = why(
        connection,
        desk.client_id,
        person_id,
        ends_on=pay_ends_on,
        before=before,
        benefit_record=benefit_record,
    )
    return {"earlier_pay_ends_on": earlier, "lines": table_of("Why", rows)}


class Taken(BaseModel):
    """What came of what payroll reports; `change_id` takes it back."""

    is_preview: bool
    rows_read: int
    taken: int
    corrected: int
    unchanged: int
    change_id: int | None
    totals: list[dict[str, Any]]
    bad_rows: list[BadRow]
    bad_row_count: int


@router.post(f"{DEDUCTIONS}/taken-files", response={201: Taken}, summary="Take what payroll took")
def take_file(
    request: Any, client: Path[Code], file: Upload[UploadedFile], is_preview: Truth = Query(False)
) -> Any:
    """Take what payroll reports to have taken: all good rows; the same file again is nothing."""
    desk = at(request, client, Permission.PAYROLL)
    with saved(file) as path:
        done = take(
            connection, desk.client_id, path, now=desk.now, made_by=desk.author, is_preview=is_preview
        )
    if not is_preview:
        desk.did("take what payroll took")
    names = ("rows_read", "taken", "corrected", "unchanged", "change_id", "bad_row_count")
    said = {name: getattr(done, name) for name in names}
    told = {"totals": rows_of(done.totals), "bad_rows": bad_rows(done.bad_rows), "is_preview": is_preview}
    return Status(201, said | told)


class Corrections(Body):
    """How balances are put right: proposed, or ordered with a reason."""

    on: Day | None = Field(None, description="Pays with their check on or after this day; today unless told.")
    people: list[Id] | None = Field(None, max_length=500, description="Whose; else everybody's.")
    closed_through: dict[Code, Day] = Field(
        default_factory=dict, description="By pay group: the last pay that payroll works on already."
    )
    consent: Words | None = Field(None, description="How and when these people agreed to other terms.")
    periods: int | None = Field(None, ge=1, le=60)
    cap_cents: Cents | None = None
    pre_tax_ground: Words | None = None
    is_preview: bool = True
    reason: Words | None = Field(None, description="Needed where it is no preview.")


@router.post(f"{DEDUCTIONS}/corrections", response={201: Table}, summary="Propose or order corrections")
def correct(request: Any, client: Path[Code], said: Corrections) -> Any:
    """Propose how every balance is put right in the open pays; order what nobody need decide on."""
    desk = at(request, client, Permission.PAYROLL)
    own_terms = said.consent or said.periods or said.cap_cents or said.pre_tax_ground
    if own_terms and not said.people:
        raise Problem(
            422, "not-valid", "an agreement is of people: expected them named, found nobody; name them"
        )
    if (said.periods or said.cap_cents) and not said.consent:
        raise Problem(422, "not-valid", "other terms than the policy's need `consent`; say how they agreed")
    for person_id in said.people or ():
        desk.person(person_id)
    day = said.on or desk.today
    wanted = ledger.Asked(
        client_id=desk.client_id, through=day, person_ids=said.people, closed_through=said.closed_through
    )
    agreed = Agreed(
        consent=said.consent or "",
        periods=said.periods,
        cap_cents=said.cap_cents,
        pre_tax_ground=said.pre_tax_ground or "",
    )
    rows = _corrected(desk, said, wanted, day, agreed)
    return Status(201, table_of("Corrections", rows.drop("client_id", strict=False)))


def _corrected(
    desk: Desk, said: Corrections, wanted: ledger.Asked, day: date, agreed: Agreed
) -> pl.DataFrame:
    if said.is_preview:
        return ledger.propose(connection, wanted, on=day, agreed=agreed)
    reason = said.reason or ""
    rows = ledger.schedule(
        connection, wanted, on=day, agreed=agreed, reason=reason, author=desk.author, now=desk.now
    )
    desk.did("order corrections", reason=reason)
    return rows


class Cancelled(BaseModel):
    """How many corrections were cancelled."""

    cancelled: int


@router.post(
    "/clients/{client}/people/{person_id}/corrections/cancel",
    response=Cancelled,
    summary="Cancel corrections ordered",
)
def cancel(request: Any, client: Path[Code], person_id: Path[Id], said: Reasoned) -> Any:
    """Cancel what is ordered of a person for pays not reported yet."""
    desk = at(request, client, Permission.PAYROLL)
    desk.person(person_id)
    count = ledger.cancel(
        connection, desk.client_id, [person_id], reason=said.reason, author=desk.author, now=desk.now
    )
    desk.did("cancel corrections", person_id, said.reason)
    return {"cancelled": count}
