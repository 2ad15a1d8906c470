"""Runs: ordered, rehearsed, followed, released, taken back; long ones are asked of the worker."""

from datetime import date, datetime
from typing import Any, Literal

import polars as pl
from django.db import connection
from django.db.models import Count
from ninja import Path, Query, Status
from pydantic import BaseModel, Field

from openbenefits.accounts.roles import Permission
from openbenefits.api.naming import Desk, at, at_or_peo
from openbenefits.api.paging import Page, Rows, page_of, slice_of
from openbenefits.api.problems import Problem, not_found
from openbenefits.api.routing import Routes
from openbenefits.api.shapes import (
    Body,
    Cents,
    Code,
    Cursor,
    Day,
    Id,
    Limit,
    Reasoned,
    Tables,
    Words,
    tables_of,
)
from openbenefits.background import services as background
from openbenefits.background.models import ProcessRequest
from openbenefits.core.codes import Level
from openbenefits.reports.rehearsals import rehearsal_tables
from openbenefits.runs import controls, rehearsals
from openbenefits.runs.models import Run, RunPartition, RunPerson

router = Routes("runs")
RUNS = "/clients/{client}/runs"
REHEARSALS = "/clients/{client}/rehearsals"
MOST_DAYS = 400


class RunShown(BaseModel):
    """A run: what was ordered, and where it stands."""

    id: int
    run_control: str | None
    kind: str
    schedule: str | None
    as_of: date
    through_level: str
    is_finalizing: bool
    state: str = Field(description="running, done, held, taken back.")
    started_at: datetime
    ended_at: datetime | None
    started_by: str
    held_because: list[str]


class RunWhole(RunShown):
    """A run with its ledger: partitions waiting, done and held, and what became of people."""

    partitions: dict[str, int]
    outcomes: dict[str, int]


class Asked(BaseModel):
    """Long work that a worker does: where it stands, how far it is, what came of it."""

    id: int
    kind: str
    state: Literal["waiting", "running", "done", "refused", "stopped"]
    done: int
    total: int | None
    told: str
    result: dict[str, Any]
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    link: str


class Accepting(Body):
    """Codes of audits that may stand for a run, and why."""

    accept: list[Code] = Field(default_factory=list, max_length=50)
    reason: Words | None = Field(None, description="Why they may stand; needed with `accept`.")

    def accepted(self) -> dict[str, str]:
        """Pair the codes with the reason.

        Errors: Problem for codes without a reason.
        """
        if self.accept and not (self.reason or "").strip():
            raise Problem(
                422, "not-valid", "expected a `reason` why the codes may stand, found none; state it"
            )
        return dict.fromkeys(self.accept, self.reason or "")


class Order(Accepting):
    """What is run, on demand."""

    schedule: Code | None = Field(None, description="The schedule; else all that is due of the client.")
    as_of: Day | None = None
    through: Literal[tuple(str(one) for one in Level)] = "elections"  # type: ignore[valid-type]
    is_finalizing: bool = Field(False, description="Apply defaults to whoever has not answered.")
    people: list[Id] | None = Field(None, max_length=10_000, description="Only these.")


class ControlRun(Accepting):
    """A run control, carried out as of a day."""

    as_of: Day | None = None


class Rehearsal(Accepting):
    """A run over everybody that writes nothing."""

    schedule: Code | None = None
    as_of: Day | None = None
    through: Literal[tuple(str(one) for one in Level)] = "elections"  # type: ignore[valid-type]
    is_finalizing: bool = False


class Commit(Body):
    """So many people, and cents of the year, may differ from what was rehearsed."""

    most_people: int = Field(0, ge=0, le=10**9)
    most_cents: Cents = 0


# --- what was run -------------------------------------------------------------------------------------------


def _run(desk: Desk) -> Any:
    plain = [name for name in RunShown.model_fields if name not in ("schedule", "held_because")]

    def write(row: Run) -> dict[str, Any]:
        held = row.options.get("held", {}).get("why", []) if row.state == "held" else []
        return {name: getattr(row, name) for name in plain} | {
            "schedule": desk.schedules.get(row.schedule_id or 0),
            "held_because": held,
        }

    return write


def find_run(desk: Desk, run_id: int) -> Run:
    """Find a run of the client."""
    found = Run.objects.filter(bundle_client=desk.client_id, pk=run_id).first()
    if found is None:
        raise not_found("a run", "correct the number; /runs lists them")
    return found


@router.get(RUNS, response=Page[RunShown], summary="List runs")
def list_runs(
    request: Any,
    client: Path[Code],
    cursor: Cursor,
    limit: Limit,
    state: Literal["running", "done", "held", "taken back"] | None = Query(None),
) -> Any:
    """List the runs of a client, the last first."""
    desk = at(request, client, Permission.SEE)
    rows = Run.objects.filter(bundle_client=desk.client_id)
    if state is not None:
        rows = rows.filter(state=state)
    return page_of(rows, _run(desk), cursor=cursor, limit=limit, is_last_first=True)


@router.get(f"{RUNS}/{{run_id}}", response=RunWhole, summary="Show a run")
def show_run(request: Any, client: Path[Code], run_id: Path[Id]) -> Any:
    """Show a run with its ledger and what became of everybody in scope, counted."""
    desk = at(request, client, Permission.SEE)
    found = find_run(desk, run_id)
    states = RunPartition.objects.filter(run_id=run_id).values_list("state", flat=True)
    partitions: dict[str, int] = {}
    for state in states:
        partitions[state] = partitions.get(state, 0) + 1
    return _run(desk)(found) | {"partitions": partitions, "outcomes": _outcomes(desk, run_id)}


def _outcomes(desk: Desk, run_id: int) -> dict[str, int]:
    rows = RunPerson.objects.filter(client_id=desk.client_id, run_id=run_id).order_by()
    counted = rows.values_list("outcome").annotate(people=Count("person_id"))
    return {outcome or "not yet": people for outcome, people in counted}


class Became(BaseModel):
    """What became of somebody in scope of a run."""

    person_id: int
    benefit_record: int
    partition: int
    outcome: str | None
    from_status: str | None
    to_status: str | None


@router.get(f"{RUNS}/{{run_id}}/people", response=Page[Became], summary="List what became of everybody")
def list_people(request: Any, client: Path[Code], run_id: Path[Id], cursor: Cursor, limit: Limit) -> Any:
    """List everybody in scope of a run: picked up or not, and why."""
    desk = at(request, client, Permission.SEE)
    find_run(desk, run_id)
    rows = RunPerson.objects.filter(client_id=desk.client_id, run_id=run_id)
    names = list(Became.model_fields)
    return page_of(rows, lambda row: {one: getattr(row, one) for one in names}, cursor=cursor, limit=limit)


@router.get("/clients/{client}/run-controls", response=Rows, summary="List run controls")
def list_controls(request: Any, client: Path[Code], cursor: Cursor, limit: Limit) -> Any:
    """List a client's run controls, with when each ran last and what came of it."""
    desk = at(request, client, Permission.SEE)
    rows = controls.controls(connection, desk.client_id).drop("client_id", strict=False)
    return slice_of(rows, cursor=cursor, limit=limit)


@router.get("/clients/{client}/run-calendar", response=Rows, summary="Show the calendar of runs")
def show_calendar(
    request: Any,
    client: Path[Code],
    cursor: Cursor,
    limit: Limit,
    begin: Day = Query(...),
    through: Day = Query(...),
) -> Any:
    """Show which run control falls on which day of a span."""
    desk = at(request, client, Permission.SEE)
    if not 0 <= (through - begin).days <= MOST_DAYS:
        raise Problem(
            422, "not-valid", f"expected a span of at most {MOST_DAYS} days, found another; split it"
        )
    rows = controls.run_calendar(connection, desk.client_id, begin, through)
    return slice_of(rows, cursor=cursor, limit=limit)


# --- what is asked of the worker ----------------------------------------------------------------------------


def _asked(client: str) -> Any:
    plain = [name for name in Asked.model_fields if name != "link"]

    def write(row: ProcessRequest) -> dict[str, Any]:
        link = f"/api/v1/clients/{client}/requests/{row.pk}"
        return {name: getattr(row, name) for name in plain} | {"link": link}

    return write


def ask(desk: Desk, kind: str, asked_for: dict[str, Any]) -> Any:
    """Ask the worker for long work, and answer where to follow it."""
    made = background.ask(
        desk.access, kind, asked_for, client_id=desk.client_id, author=desk.author, now=desk.now
    )
    made.refresh_from_db()
    desk.did(f"ask for {kind}")
    return Status(202, _asked(desk.client.code)(made))


def _order(desk: Desk, said: Order | Rehearsal) -> dict[str, Any]:
    return {
        "schedule": None if said.schedule is None else desk.schedule(said.schedule),
        "as_of": (said.as_of or desk.today).isoformat(),
        "through": said.through,
        "is_finalizing": said.is_finalizing,
        "accepted": said.accepted(),
    }


@router.post(RUNS, response={202: Asked}, summary="Run on demand")
def start_run(request: Any, client: Path[Code], said: Order) -> Any:
    """Ask for a run of a schedule, or of all that is due, through a level."""
    desk = at(request, client, Permission.FINALIZE if said.is_finalizing else Permission.PROCESS)
    return ask(desk, "start run", _order(desk, said) | {"people": said.people})


@router.post(
    "/clients/{client}/run-controls/{code}/runs", response={202: Asked}, summary="Carry a control out"
)
def run_control(request: Any, client: Path[Code], code: Path[Code], said: ControlRun) -> Any:
    """Ask for a run control to be carried out as of a day."""
    desk = at(request, client, Permission.PROCESS)
    as_of = (said.as_of or desk.today).isoformat()
    return ask(desk, "run control", {"control": code, "as_of": as_of, "accepted": said.accepted()})


@router.post(f"{RUNS}/{{run_id}}/resume", response={202: Asked}, summary="Resume a run")
def resume(request: Any, client: Path[Code], run_id: Path[Id]) -> Any:
    """Ask for a run that was stopped to go on: only what its ledger lacks is processed."""
    desk = at(request, client, Permission.PROCESS)
    find_run(desk, run_id)
    return ask(desk, "resume", {"run": run_id})


@router.post(f"{RUNS}/{{run_id}}/release", response={202: Asked}, summary="Release a held run")
def release(request: Any, client: Path[Code], run_id: Path[Id], said: Reasoned) -> Any:
    """Ask for a run that a limit holds to be published as it was looked at."""
    desk = at(request, client, Permission.FINALIZE)
    find_run(desk, run_id)
    return ask(desk, "release", {"run": run_id, "reason": said.reason})


@router.post(f"{RUNS}/{{run_id}}/take-back", response={202: Asked}, summary="Take a run back")
def take_back(request: Any, client: Path[Code], run_id: Path[Id], said: Reasoned) -> Any:
    """Ask for a run to be taken back as a whole, as if it had never been."""
    desk = at(request, client, Permission.REPAIR)
    find_run(desk, run_id)
    return ask(desk, "take back", {"run": run_id, "reason": said.reason})


@router.post(REHEARSALS, response={202: Asked}, summary="Rehearse a run")
def rehearse(request: Any, client: Path[Code], said: Rehearsal) -> Any:
    """Ask for a run over everybody that writes nothing and is kept with its differences."""
    desk = at(request, client, Permission.PROCESS)
    return ask(desk, "rehearse", _order(desk, said))


@router.get(REHEARSALS, response=Rows, summary="List rehearsals")
def list_rehearsals(request: Any, client: Path[Code], cursor: Cursor, limit: Limit) -> Any:
    """List the rehearsals kept that are of this client alone, the last first."""
    desk = at(request, client, Permission.SEE)
    rows = rehearsals.list_rehearsals(connection)
    own = rows.filter(pl.Series([list(one) == [desk.client_id] for one in rows["clients"]], dtype=pl.Boolean))
    return slice_of(own.drop("clients"), cursor=cursor, limit=limit)


def _rehearsal(desk: Desk, number: int) -> rehearsals.Rehearsal:
    rows = rehearsals.list_rehearsals(connection).filter(number=number)
    if rows.is_empty() or list(rows["clients"][0]) != [desk.client_id]:
        raise not_found("a rehearsal", "correct the number; /rehearsals lists them")
    return rehearsals.load_rehearsal(connection, number)


@router.get(f"{REHEARSALS}/{{number}}", response=Tables, summary="Show a rehearsal")
def show_rehearsal(request: Any, client: Path[Code], number: Path[Id]) -> Any:
    """Show a rehearsal that is kept: by plan, and person by person."""
    desk = at(request, client, Permission.SEE)
    return tables_of(rehearsal_tables(connection, _rehearsal(desk, number)))


@router.post(f"{REHEARSALS}/{{number}}/commit", response={202: Asked}, summary="Commit a rehearsal")
def commit(request: Any, client: Path[Code], number: Path[Id], said: Commit) -> Any:
    """Ask for a rehearsal to be carried out: exactly what was rehearsed; who has changed since is listed."""
    desk = at(request, client, Permission.FINALIZE)
    _rehearsal(desk, number)
    asked_for = {"rehearsal": number, "most_people": said.most_people, "most_cents": said.most_cents}
    return ask(desk, "commit", asked_for)


REQUESTS = "/clients/{client}/requests"


@router.get(REQUESTS, response=Page[Asked], tags=["requests"], summary="List long work")
def list_requests(request: Any, client: Path[Code], cursor: Cursor, limit: Limit) -> Any:
    """List what was asked of the worker, the last first."""
    desk = at_or_peo(request, client, Permission.SEE)
    rows = ProcessRequest.objects.filter(client_id=desk.client_id)
    return page_of(rows, _asked(client), cursor=cursor, limit=limit, is_last_first=True)


def _request(desk: Desk, request_id: int) -> ProcessRequest:
    found = ProcessRequest.objects.filter(client_id=desk.client_id, pk=request_id).first()
    if found is None:
        raise not_found("a request", "correct the number; /requests lists them")
    return found


@router.get(f"{REQUESTS}/{{request_id}}", response=Asked, tags=["requests"], summary="Follow long work")
def show_request(request: Any, client: Path[Code], request_id: Path[Id]) -> Any:
    """Show where long work stands: how much is done of how much, what came of it, or why it was refused."""
    return _asked(client)(_request(at_or_peo(request, client, Permission.SEE), request_id))


@router.post(f"{REQUESTS}/{{request_id}}/stop", response=Asked, tags=["requests"], summary="Stop long work")
def stop(request: Any, client: Path[Code], request_id: Path[Id]) -> Any:
    """Ask for a stop: what runs ends at the next step; what was committed stays."""
    desk = at_or_peo(request, client, Permission.SEE)
    found = _request(desk, request_id)
    background.stop(found, desk.access)
    desk.did("stop a request")
    return _asked(client)(_request(desk, request_id))
