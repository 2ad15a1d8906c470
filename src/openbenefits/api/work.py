"""What is to be done, the reports, and why: everything computed anew when it is asked for."""

import csv
import io
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal

import polars as pl
from django.db import connection
from django.http import HttpResponse
from ninja import Path, Query
from pydantic import BaseModel, Field

from openbenefits.accounts.roles import Permission
from openbenefits.api.naming import Desk, at, end_of
from openbenefits.api.paging import Rows, slice_of
from openbenefits.api.problems import not_found
from openbenefits.api.routing import Routes
from openbenefits.api.shapes import (
    AsOf,
    Code,
    Cursor,
    Day,
    Id,
    KnownOn,
    Limit,
    PlanType,
    Tables,
    Text,
    Truth,
    table_of,
    tables_of,
)
from openbenefits.core.codes import ScheduleKind
from openbenefits.reports import services as reports
from openbenefits.reports.explain import explain, to_dict
from openbenefits.reports.names import load_schedules
from openbenefits.reports.outcomes import eligibility_lines
from openbenefits.reports.waiting import waiting_events
from openbenefits.review.services import flagged, passive_events, work_list, workflow_lists

router = Routes("work")


@router.get("/clients/{client}/work", response=Tables, summary="Show the work list")
def show_work(request: Any, client: Path[Code], as_of: AsOf, with_final: Truth = Query(False)) -> Any:
    """Show what is to be done: one entry for each cause, and who is behind each."""
    desk = at(request, client, Permission.SEE)
    sheets = work_list(connection, desk.client_id, as_of=as_of or desk.today, with_final=with_final)
    return tables_of(sheets)


@router.get("/clients/{client}/flagged", response=Rows, summary="List flagged events")
def list_flagged(request: Any, client: Path[Code], cursor: Cursor, limit: Limit, as_of: AsOf) -> Any:
    """List the events that are out of sequence, rest on changed facts, or are disconnected."""
    desk = at(request, client, Permission.SEE)
    rows = flagged(connection, desk.client_id, as_of=as_of or desk.today)
    return slice_of(rows, cursor=cursor, limit=limit)


@router.get("/clients/{client}/waiting", response=Rows, summary="List events that wait")
def list_waiting(request: Any, client: Path[Code], cursor: Cursor, limit: Limit, as_of: AsOf) -> Any:
    """List the events that wait: held by whom, since when, why, and what they hold back."""
    desk = at(request, client, Permission.SEE)
    rows = waiting_events(connection, desk.client_id, as_of=as_of or desk.today)
    return slice_of(rows, cursor=cursor, limit=limit)


@router.get("/clients/{client}/workflows", response=Tables, summary="Show the workflow lists")
def show_workflows(request: Any, client: Path[Code], as_of: AsOf, since: Day | None = Query(None)) -> Any:
    """Show dependents enrolled, late answers, terminations, changed dates, leaves."""
    desk = at(request, client, Permission.SEE_PERSONAL)
    return tables_of(workflow_lists(connection, desk.client_id, as_of=as_of or desk.today, since=since))


@router.get("/clients/{client}/passive-events", response=Tables, summary="Show passive events")
def show_passive(request: Any, client: Path[Code]) -> Any:
    """Show which days of passive events were processed when, and whom each run triggered."""
    desk = at(request, client, Permission.SEE)
    return tables_of(passive_events(connection, desk.client_id))


# --- reports ------------------------------------------------------------------------------------------------


class ReportKind(BaseModel):
    """A report that can be asked for, and what it can be narrowed by."""

    code: str
    title: str
    options: list[str]


class Report(BaseModel):
    """A report, its main sheet first."""

    code: str
    title: str
    tables: list[dict[str, Any]]


@router.get("/clients/{client}/reports", response=list[ReportKind], tags=["reports"], summary="List reports")
def list_reports(request: Any, client: Path[Code]) -> Any:
    """List the reports there are, and what each can be narrowed by."""
    at(request, client, Permission.SEE)
    return [
        {"code": kind.code, "title": kind.title, "options": [one for one in kind.options if one != "client"]}
        for kind in reports.REPORTS.values()
    ]


class Narrowed(BaseModel):
    """What a report is narrowed to; a report takes what its kind lists."""

    schedule: list[Code] | None = Field(None, max_length=50, description="Schedules, by code.")
    department: Text | None = Field(None, description="A department; * and ? are wildcards.")
    status: list[Code] | None = Field(None, max_length=12, description="Process statuses.")
    as_of: Day | None = Field(None, description="Days are counted up to it.")
    through: Day | None = None
    notified_before: Day | None = None
    errors_only: Truth = False
    program: Code | None = Field(None, description="A program, by code.")


OF_OPEN_ENROLLMENT = ("BAS010",)
"""Reports that take no other schedules."""
CSV = {"text/csv": {"schema": {"type": "string"}}}


@router.get(
    "/clients/{client}/reports/{code}",
    response=Report,
    tags=["reports"],
    summary="Make a report",
    openapi_extra={"responses": {200: {"content": CSV}}},
)
def make_report(
    request: Any,
    client: Path[Code],
    code: Path[Code],
    asked: Query[Narrowed],
    form: Literal["json", "csv"] = Query("json", description="csv: the main sheet."),
) -> Any:
    """Make a report of a client: its sheets as tables, or the main one as CSV."""
    desk = at(request, client, Permission.SEE_PERSONAL)
    if code.upper() not in reports.REPORTS:
        raise not_found("a report of that code", "see /api/v1/clients/{client}/reports")
    desk.saw(f"report {code.upper()}")
    made = reports.make_report(connection, code, _selection(desk, code.upper(), asked))
    if form == "csv":
        return _csv(made.main)
    tables = [table_of(name, rows).model_dump() for name, rows in made.sheets.items()]
    return {"code": made.code, "title": made.title, "tables": tables}


def _selection(desk: Desk, code: str, asked: Narrowed) -> reports.Selection:
    """Narrow a report to the client's schedules, and to what was asked."""
    if asked.schedule:
        schedule_ids = tuple(sorted(desk.schedule(one) for one in asked.schedule))
    else:
        rows = load_schedules(connection).filter(client=desk.client.code)
        if code in OF_OPEN_ENROLLMENT:
            rows = rows.filter(kind=str(ScheduleKind.OPEN_ENROLLMENT))
        schedule_ids = tuple(rows["schedule_id"].unique().sort())
    to_today = asked.as_of is None and (asked.through is not None or code in reports.COUNTING_TO_TODAY)
    stated = {
        "schedule_ids": schedule_ids,
        "department": asked.department,
        "statuses": tuple(asked.status or ()),
        "as_of": desk.today if to_today else asked.as_of,
        "through": asked.through,
        "notified_before": asked.notified_before,
        "errors_only": asked.errors_only,
        "client": desk.client.code,
        "program": asked.program,
    }
    options = reports.REPORTS[code].options
    ours = {"schedule_ids", "client"} - set(options)  # what we add, and this report does not take
    known = {field.name for field in fields(reports.Selection)}
    return reports.Selection(**{name: stated[name] for name in known - ours})


def _csv(rows: pl.DataFrame) -> HttpResponse:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(rows.columns)
    writer.writerows([_safe(value) for value in row] for row in rows.iter_rows())
    return HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8")


def _safe(value: Any) -> Any:
    """Keep a spreadsheet from taking a text for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


# --- why ----------------------------------------------------------------------------------------------------


@router.get(
    "/clients/{client}/people/{person_id}/explanation",
    response=dict[str, Any],
    tags=["why"],
    summary="Explain what a person has",
)
def show_explanation(
    request: Any,
    client: Path[Code],
    person_id: Path[Id],
    known_on: KnownOn,
    plan_type: PlanType | None = Query(None),
    as_of: Day | None = Query(None, description="The last event of that day or before."),
) -> Any:
    """Explain, rule by rule, why somebody has what they have: eligibility, price, dates, default."""
    desk = at(request, client, Permission.SEE_PERSONAL)
    desk.person(person_id)
    desk.saw("explanation", person_id)
    told = explain(
        connection,
        desk.client_id,
        person_id,
        plan_type=plan_type,
        as_of=as_of,
        known_at=end_of(known_on),
    )
    return _plain(to_dict(told))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, float) else value


@router.get(
    "/clients/{client}/people/{person_id}/eligibility",
    response=Rows,
    tags=["why"],
    summary="Show how eligibility was decided",
)
def show_eligibility(
    request: Any,
    client: Path[Code],
    person_id: Path[Id],
    cursor: Cursor,
    limit: Limit,
    with_unused: Truth = Query(False),
) -> Any:
    """Show how eligibility of the last event was decided, a line for each criterion."""
    desk = at(request, client, Permission.SEE_PERSONAL)
    desk.person(person_id)
    desk.saw("eligibility", person_id)
    lines = eligibility_lines(connection, desk.client_id, person_id, with_unused=with_unused)
    return slice_of(lines, cursor=cursor, limit=limit)
