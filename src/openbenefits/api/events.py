"""Events: where they stand and why, what they offer, what was chosen, what is said of them."""

from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import connection
from ninja import Path, Query
from pydantic import BaseModel, Field

from openbenefits.accounts.roles import Permission
from openbenefits.api.naming import Desk, at, id_of
from openbenefits.api.paging import Page, page_of, slice_of
from openbenefits.api.routing import Routes
from openbenefits.api.shapes import (
    AsOf,
    Code,
    Cursor,
    EventId,
    Id,
    Limit,
    Number,
    PlanType,
    Tables,
    tables_of,
)
from openbenefits.core.messages import CATALOGUE
from openbenefits.enrollment import models as offered
from openbenefits.enrollment.overrides import WORDS, overrides_of
from openbenefits.events import models
from openbenefits.programs.frames import load_codes
from openbenefits.review.services import actions_of, drill_down, eligibility_debugging, event_controls

router = Routes("events")
EVENTS = "/clients/{client}/events"
EVENT = EVENTS + "/{event_id}"


class Event(BaseModel):
    """An event: what happened to whom, and where it stands."""

    id: str = Field(examples=["24-0-3-0"])
    person_id: int
    benefit_record: int
    schedule: str | None
    event_number: int
    event_class: str | None
    event_on: date
    event_status: str = Field(description="O open, C closed, V void, D disconnected.")
    process_status: str | None = Field(
        description="AS AN AE PR PE FA FP NT ET EE RE FE; null: not processed yet."
    )
    process_indicator: str
    status_at: datetime
    program: str | None
    window_begins_on: date | None
    window_ends_on: date | None
    elected_on: date | None
    is_out_of_sequence: bool
    is_eligibility_changed: bool


class Step(BaseModel):
    """One move of an event."""

    step: int
    from_status: str | None
    to_status: str | None
    event_status: str
    cause: str
    actor: str
    run_id: int | None
    moved_at: datetime


class Option(BaseModel):
    """An option as offered and priced. Money is cents; null: it depends on what is stated."""

    plan_type: str
    option: str
    is_electable: bool
    is_current: bool
    is_default: bool
    is_proof_required: bool
    coverage_cents: int | None
    approved_coverage_cents: int | None
    pay_before_tax_cents: int | None
    pay_after_tax_cents: int | None
    pay_credit_cents: int | None
    pay_imputed_cents: int | None
    annual_before_tax_cents: int | None
    annual_after_tax_cents: int | None
    annual_employer_cents: int | None
    annual_credit_cents: int | None
    rate_row_id: int | None


class Election(BaseModel):
    """What was submitted for a plan type; the last submission counts."""

    plan_type: str
    slot: int
    submission: int
    option: str
    coverage_cents: int | None
    pledge_cents: int | None
    percent_thousandths: int | None
    after_tax_thousandths: int | None
    hours_hundredths: int | None
    waive_reason: str | None
    dependents: list[int]
    received_on: date
    elector: str
    source: str
    is_withdrawn: bool
    change_id: int | None


class Message(BaseModel):
    """What stands in the way of an event, or should be known: who, expected, found, cure."""

    code: str
    severity: str
    title: str
    plan_type: str | None
    expected: str
    found: str
    cure: str
    run_id: int


class Action(BaseModel):
    """What may be done about an event, or why not."""

    action: str
    is_enabled: bool
    meaning: str
    why_not: str | None


def names_of(desk: Desk) -> tuple[dict[int, str], dict[int, str]]:
    """Answer the codes of event classes and programs by id."""
    rows = load_codes(connection, desk.client_id, "event_class", "program")
    found = {
        kind: dict(rows.filter(kind=kind).select("id", "code").iter_rows())
        for kind in ("event_class", "program")
    }
    return found["event_class"], found["program"]


def write_event(desk: Desk) -> Any:
    """Answer a function that writes an event."""
    classes, programs = names_of(desk)
    plain = [name for name in Event.model_fields if hasattr(models.Event, name) and name != "id"]

    def write(row: models.Event) -> dict[str, Any]:
        return {name: getattr(row, name) for name in plain} | {
            "id": id_of(row),
            "schedule": desk.schedules.get(row.schedule_id),
            "event_class": classes.get(row.event_class_id),
            "program": programs.get(row.program_id or 0),
        }

    return write


@router.get(EVENTS, response=Page[Event], summary="List events")
def list_events(
    request: Any,
    client: Path[Code],
    cursor: Cursor,
    limit: Limit,
    person_id: Id | None = Query(None),
    schedule: Code | None = Query(None),
    process_status: Code | None = Query(None, description="AS, PR, FE …"),
) -> Any:
    """List the events of a client by person; narrowed to one person, schedule or process status."""
    desk = at(request, client, Permission.SEE)
    rows = models.Event.objects.filter(client_id=desk.client_id)
    if person_id is not None:
        rows = rows.filter(person_id=person_id)
    if schedule is not None:
        rows = rows.filter(schedule_id=desk.schedule(schedule))
    if process_status is not None:
        rows = rows.filter(process_status=process_status)
    return page_of(rows, write_event(desk), cursor=cursor, limit=limit)


@router.get(EVENT, response=Event, summary="Show an event")
def show_event(request: Any, client: Path[Code], event_id: Path[EventId]) -> Any:
    """Show where an event stands."""
    desk = at(request, client, Permission.SEE)
    found = desk.event(event_id)
    desk.saw("event", found.person_id)
    return write_event(desk)(found)


@router.get(EVENT + "/history", response=Page[Step], summary="List the steps of an event")
def list_steps(
    request: Any, client: Path[Code], event_id: Path[EventId], cursor: Cursor, limit: Limit
) -> Any:
    """List every step an event took: from and to which status, why, by whom, in which run."""
    desk = at(request, client, Permission.SEE)
    rows = models.EventStep.objects.filter(**desk.place(event_id).key())
    names = list(Step.model_fields)
    return page_of(rows, lambda row: {one: getattr(row, one) for one in names}, cursor=cursor, limit=limit)


@router.get(EVENT + "/options", response=Page[Option], summary="List what an event offers")
def list_options(
    request: Any,
    client: Path[Code],
    event_id: Path[EventId],
    cursor: Cursor,
    limit: Limit,
    plan_type: PlanType | None = Query(None),
) -> Any:
    """List the options of the last preparation, priced; `why` of an event says how each came to be."""
    desk = at(request, client, Permission.SEE)
    event = desk.event(event_id)
    desk.saw("options", event.person_id)
    rows = offered.EventOption.objects.filter(**desk.place(event_id).key(), preparation=event.preparation)
    if plan_type is not None:
        rows = rows.filter(plan_type=plan_type)
    known = load_codes(connection, desk.client_id, "option")
    codes = {number: code.rsplit("/", 1)[-1] for number, code in known.select("id", "code").iter_rows()}
    names = [name for name in Option.model_fields if name != "option"]
    return page_of(
        rows,
        lambda row: {one: getattr(row, one) for one in names} | {"option": codes.get(row.option_id, "?")},
        cursor=cursor,
        limit=limit,
        key="option_id",
    )


@router.get(EVENT + "/elections", response=Page[Election], summary="List elections of an event")
def list_elections(
    request: Any, client: Path[Code], event_id: Path[EventId], cursor: Cursor, limit: Limit
) -> Any:
    """List every submission of an event, withdrawn ones too."""
    desk = at(request, client, Permission.SEE)
    place = desk.place(event_id)
    desk.saw("elections", place.person_id)
    named: dict[tuple[str, int, int], list[int]] = {}
    for row in offered.ElectionDependent.objects.filter(**place.key()):
        named.setdefault((row.plan_type, row.slot, row.submission), []).append(row.dependent_id)
    plain = [name for name in Election.model_fields if name not in ("option", "dependents")]

    def write(row: offered.Election) -> dict[str, Any]:
        theirs = sorted(named.get((row.plan_type, row.slot, row.submission), []))
        return {one: getattr(row, one) for one in plain} | {"option": row.option_code, "dependents": theirs}

    return page_of(offered.Election.objects.filter(**place.key()), write, cursor=cursor, limit=limit)


@router.get(EVENT + "/messages", response=Page[Message], summary="List messages of an event")
def list_messages(
    request: Any, client: Path[Code], event_id: Path[EventId], cursor: Cursor, limit: Limit
) -> Any:
    """List what stands in the way of an event, or should be known about it, as the last run said."""
    desk = at(request, client, Permission.SEE)
    rows = models.Message.objects.filter(**desk.place(event_id).key(), is_current=True)
    plain = ("code", "severity", "plan_type", "expected", "found", "run_id")

    def write(row: models.Message) -> dict[str, Any]:
        kind = CATALOGUE.get(row.code)
        told = {"title": kind.title if kind else row.code, "cure": kind.cure if kind else ""}
        return {one: getattr(row, one) for one in plain} | told

    return page_of(rows, write, cursor=cursor, limit=limit)


@router.get(EVENT + "/actions", response=list[Action], summary="List what may be done about an event")
def list_actions(request: Any, client: Path[Code], event_id: Path[EventId]) -> Any:
    """List what may be done about an event now, and of the rest why not."""
    desk = at(request, client, Permission.SEE)
    rows = actions_of(connection, desk.place(event_id))
    return rows.select(list(Action.model_fields)).to_dicts()


@router.get(EVENT + "/controls", response=Tables, summary="Show what steers an event")
def show_controls(request: Any, client: Path[Code], event_id: Path[EventId], as_of: AsOf) -> Any:
    """Show what steers the processing of an event, what may be changed now, and what was."""
    desk = at(request, client, Permission.SEE)
    return tables_of(event_controls(connection, desk.place(event_id), on=as_of or desk.today))


@router.get(EVENT + "/why", response=Tables, summary="Show why an event came out as it did")
def show_why(
    request: Any, client: Path[Code], event_id: Path[EventId], plan_type: PlanType | None = Query(None)
) -> Any:
    """Show an event from participant over plan types and options to costs, with reasons; dollars as text."""
    desk = at(request, client, Permission.SEE_PERSONAL)
    place = desk.place(event_id)
    desk.saw("why", place.person_id)
    return tables_of(drill_down(connection, place, plan_type=plan_type))


@router.get(EVENT + "/eligibility", response=Tables, summary="Show how eligibility was decided")
def show_eligibility(request: Any, client: Path[Code], event_id: Path[EventId]) -> Any:
    """Show for each program and option of an event the answer, field by field."""
    desk = at(request, client, Permission.SEE_PERSONAL)
    place = desk.place(event_id)
    desk.saw("eligibility", place.person_id)
    return tables_of(eligibility_debugging(connection, place, with_unused=False))


class Override(BaseModel):
    """What somebody decided about eligibility for an event."""

    number: Number
    program: str | None
    option: str | None
    expires_on: date | None
    decision: str
    author: str
    reason: str
    made_at: datetime


@router.get(EVENT + "/overrides", response=Page[Override], summary="List decisions about eligibility")
def list_overrides(
    request: Any, client: Path[Code], event_id: Path[EventId], cursor: Cursor, limit: Limit
) -> Any:
    """List everything that was ever decided about eligibility for an event, by whom and why."""
    desk = at(request, client, Permission.SEE)
    made = overrides_of(connection, desk.place(event_id).key())
    codes = load_codes(connection, desk.client_id, "program", "option")
    names = {(kind, number): code for kind, code, number in codes.select("kind", "code", "id").iter_rows()}
    rows = [
        {
            "number": one["version"],
            "program": names.get(("program", one["program_id"])),
            "option": names.get(("option", one["option_id"])),
            "expires_on": one["expires_on"],
            "decision": WORDS[one["is_eligible"]],
            "author": one["author"],
            "reason": one["reason"],
            "made_at": one["made_at"],
        }
        for one in made
    ]
    return slice_of(pl.DataFrame(rows), cursor=cursor, limit=limit)
