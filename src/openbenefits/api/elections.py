"""Elections: entered one by one or from a file, withdrawn, and what waits to become an event."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path as File
from tempfile import TemporaryDirectory
from typing import Any, Literal

from django.db import connection
from ninja import File as Upload
from ninja import Path, Status
from ninja.files import UploadedFile
from pydantic import BaseModel, Field

from openbenefits.accounts.roles import Permission
from openbenefits.api.events import EVENT
from openbenefits.api.naming import Desk, at
from openbenefits.api.paging import Rows, slice_of
from openbenefits.api.problems import Problem
from openbenefits.api.routing import Routes
from openbenefits.api.shapes import (
    Body,
    Cents,
    Code,
    Cursor,
    Day,
    EventId,
    Id,
    Limit,
    Number,
    PlanType,
    Reasoned,
    Record,
    Text,
    rows_of,
)
from openbenefits.enrollment import elections
from openbenefits.enrollment.takeover import take_over
from openbenefits.events import activity

router = Routes("elections")
MOST_ROWS = 1_000
"""Bad rows named in an answer; the file is mended by them and sent again."""


class Share(Body):
    """A beneficiary, by the number of a dependent, and the share in hundredths of a percent."""

    dependent: Number
    percent_hundredths: int = Field(ge=1, le=10_000)


class Fund(Body):
    """Where contributions go, in whole percent."""

    fund: Code
    percent: int = Field(ge=1, le=100)


class ElectionEntry(Body):
    """What is chosen for one plan type."""

    plan_type: PlanType
    option: Code = Field(description="The option, or WAIVE.", examples=["WAIVE"])
    coverage_cents: Cents | None = None
    pledge_cents: Cents | None = None
    percent_thousandths: int | None = Field(None, ge=0, le=100_000)
    after_tax_thousandths: int | None = Field(None, ge=0, le=100_000)
    hours_hundredths: int | None = Field(None, ge=0, le=1_000_000)
    files_separately: bool = False
    dependents: list[Number] = Field(default_factory=list, max_length=30, description="Their numbers.")
    funds: list[Fund] = Field(default_factory=list, max_length=30)
    beneficiaries: list[Share] = Field(default_factory=list, max_length=30)
    contingent_beneficiaries: list[Share] = Field(default_factory=list, max_length=30)
    waive_reason: Text | None = None
    waiver_proof: Text | None = None
    waiver_proof_on: Day | None = None
    credit_rollover: Literal["paid", "forfeited", "rolled_over"] | None = None
    received_on: Day | None = None


class BadRow(BaseModel):
    """A row that was left out: which cell, what was expected, what shape was found, what to change."""

    row: int
    column: str | None
    expected: str
    found: str | None
    cure: str


class Entered(BaseModel):
    """What came of entering elections; `change_id` takes it back as one unit."""

    rows_read: int
    entered: int
    unchanged: int
    events_moved: int
    change_id: int | None
    unknown_headings: list[str]
    bad_rows: list[BadRow]
    bad_row_count: int


class TakenOver(BaseModel):
    """What came of taking coverage over."""

    rows_read: int
    taken: int
    corrected: int
    unchanged: int
    approvals: int
    change_id: int | None
    bad_rows: list[BadRow]
    bad_row_count: int


def bad_rows(frame: Any) -> list[dict[str, Any]]:
    """Write the first of the rows that were left out."""
    columns = ("row", "column", "expected", "found", "cure")
    return rows_of(frame.select(one for one in columns if one in frame.columns).head(MOST_ROWS))


def _entered(desk: Desk, what: str, result: elections.EntryResult, person_id: int | None = None) -> Any:
    if result.bad_row_count and not result.entered and not result.unchanged:
        first = bad_rows(result.bad_rows)[0]
        raise Problem(
            409,
            "election-refused",
            "{column}: expected {expected}, found {found}; {cure}".format(**first),
        )
    desk.did(what, person_id)
    counts = {name: getattr(result, name) for name in ("rows_read", "entered", "unchanged", "events_moved")}
    return Status(
        201,
        counts
        | {
            "change_id": result.change_id,
            "unknown_headings": list(result.unknown_headings),
            "bad_rows": bad_rows(result.bad_rows),
            "bad_row_count": result.bad_row_count,
        },
    )


@router.post(EVENT + "/elections", response={201: Entered}, summary="Enter an election")
def enter(request: Any, client: Path[Code], event_id: Path[EventId], said: ElectionEntry) -> Any:
    """Enter one election of an event; whether it is allowed is decided when the event is validated."""
    desk = at(request, client, Permission.ELECT)
    place = desk.place(event_id)
    stated = said.model_dump(
        exclude={"option", "received_on", "funds", "beneficiaries", "contingent_beneficiaries"}
    )
    result = elections.enter_one(
        connection,
        desk.client_id,
        person_id=place.person_id,
        benefit_record=place.benefit_record,
        schedule_id=place.schedule_id,
        event_number=place.event_number,
        option_code=said.option,
        funds={one.fund: one.percent for one in said.funds},
        beneficiaries=_shares(said.beneficiaries),
        contingent_beneficiaries=_shares(said.contingent_beneficiaries),
        received_on=said.received_on or desk.today,
        elector=desk.author,
        source="administrator",
        now=desk.now,
        **stated,
    )
    return _entered(desk, "enter election", result, place.person_id)


def _shares(shares: list[Share]) -> dict[int, int]:
    return {one.dependent: one.percent_hundredths for one in shares}


@router.delete(EVENT + "/elections/{plan_type}", response={201: Entered}, summary="Withdraw an election")
def withdraw(request: Any, client: Path[Code], event_id: Path[EventId], plan_type: Path[PlanType]) -> Any:
    """Withdraw the election that stands for a plan type; the withdrawal is a submission too."""
    desk = at(request, client, Permission.ELECT)
    place = desk.place(event_id)
    result = elections.withdraw(
        connection,
        desk.client_id,
        person_id=place.person_id,
        benefit_record=place.benefit_record,
        schedule_id=place.schedule_id,
        event_number=place.event_number,
        plan_type=plan_type,
        received_on=desk.today,
        elector=desk.author,
        source="administrator",
        now=desk.now,
    )
    return _entered(desk, "withdraw election", result, place.person_id)


# --- files --------------------------------------------------------------------------------------------------

SUFFIXES = (".csv", ".xlsx", ".txt")
MOST_BYTES = 50 * 2**20


def refuse_large(file: UploadedFile) -> None:
    """Refuse a file that nobody meant to send.

    Errors: Problem.
    """
    if (file.size or 0) > MOST_BYTES:
        raise Problem(413, "too-large", f"expected at most {MOST_BYTES >> 20} MB, found more; split the file")


@contextmanager
def saved(file: UploadedFile, suffixes: tuple[str, ...] = SUFFIXES) -> Iterator[File]:
    """Put an upload where a service reads it, under a name of its own that keeps its kind.

    Errors: Problem for another kind of file.
    """
    refuse_large(file)
    suffix = File(file.name or "").suffix.lower()
    if suffix not in suffixes:
        raise Problem(
            422,
            "file-refused",
            f"expected a file that ends in {', '.join(suffixes)}, found another; rename it",
        )
    with TemporaryDirectory(prefix="openbenefits-") as folder:
        path = File(folder) / f"upload{suffix}"
        with path.open("wb") as out:
            for chunk in file.chunks():
                out.write(chunk)
        yield path


def mapping_in(text: str | None) -> dict[str, str] | None:
    """Read what the headings of a file are, from a field of a form.

    Missing: None where nothing is said.

    Errors: Problem for what is no JSON object of texts.
    """
    if not text:
        return None
    try:
        read = json.loads(text)
    except ValueError:
        read = None
    if not isinstance(read, dict) or not all(isinstance(one, str) for one in read.values()):
        raise Problem(
            422, "not-valid", "expected `mapping` as a JSON object of headings, found another; correct it"
        )
    return read


@router.post("/clients/{client}/election-files", response={201: Entered}, summary="Enter a file of elections")
def enter_file(request: Any, client: Path[Code], file: Upload[UploadedFile]) -> Any:
    """Enter a CSV or XLSX of elections: all good rows; each bad one is named with its cure."""
    desk = at(request, client, Permission.ELECT)
    with saved(file) as path:
        result = elections.enter_file(connection, desk.client_id, path, received_by=desk.author, now=desk.now)
    return _entered(desk, "enter elections from a file", result)


@router.post("/clients/{client}/take-over-files", response={201: TakenOver}, summary="Take coverage over")
def take_coverage_over(request: Any, client: Path[Code], file: Upload[UploadedFile]) -> Any:
    """Take over the coverage a previous system knows, as the start of the timeline: all good rows."""
    desk = at(request, client, Permission.REPAIR)
    with saved(file) as path:
        result = take_over(connection, desk.client_id, path, now=desk.now, made_by=desk.author)
    desk.did("take coverage over")
    names = ("rows_read", "taken", "corrected", "unchanged", "approvals", "change_id", "bad_row_count")
    return Status(
        201, {name: getattr(result, name) for name in names} | {"bad_rows": bad_rows(result.bad_rows)}
    )


# --- activity -----------------------------------------------------------------------------------------------

ACTIVITIES = "/clients/{client}/activities"


class ActivityAct(Reasoned):
    """An act about one activity, as the list names it."""

    act: Literal["enter", "delete", "admit", "prove"]
    person_id: Id
    event_on: Day
    event_class: Code | None = Field(None, description="As stated; none for a job or address change.")
    source: Code = "ME"
    benefit_record: Record = 0
    sequence: Record = 0


class Acted(BaseModel):
    """What was done about an activity."""

    person_id: int
    act: str
    number: int


@router.get(ACTIVITIES, response=Rows, tags=["activity"], summary="List what waits to become an event")
def list_activity(request: Any, client: Path[Code], cursor: Cursor, limit: Limit) -> Any:
    """List what has not become an event yet, and why, where the next run does not take it."""
    desk = at(request, client, Permission.SEE)
    rows = activity.waiting_activity(connection, desk.client_id).drop("client_id")
    return slice_of(rows, cursor=cursor, limit=limit)


_ACTS = {
    "enter": activity.enter_activity,
    "delete": activity.delete_activity,
    "admit": activity.admit_activity,
    "prove": activity.prove_activity,
}


@router.post(
    ACTIVITIES, response={201: Acted}, tags=["activity"], summary="Enter, delete, admit or prove activity"
)
def act_on_activity(request: Any, client: Path[Code], said: ActivityAct) -> Any:
    """Enter an activity by hand, take one out, let a held report become an event, or record its proof."""
    desk = at(request, client, Permission.PROCESS)
    desk.person(said.person_id)
    place = activity.ActivityPlace(
        client_id=desk.client_id,
        person_id=said.person_id,
        event_on=said.event_on,
        bas_action=said.event_class or "",
        source=said.source,
        benefit_record=said.benefit_record,
        sequence=said.sequence,
    )
    done = _ACTS[said.act](connection, place, reason=said.reason, author=desk.author, now=desk.now)
    desk.did(f"{said.act} activity", said.person_id, said.reason)
    return Status(201, {"person_id": said.person_id, "act": said.act, "number": done.number})
