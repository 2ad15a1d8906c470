"""Statements: issued for one event or asked of the worker for a schedule; read again as they were."""

from pathlib import Path as Folder
from tempfile import TemporaryDirectory
from typing import Any, Literal

from django.db import connection
from django.http import HttpResponse
from ninja import Path, Query
from pydantic import Field

from openbenefits.accounts.roles import Permission
from openbenefits.api.event_acts import OnDemand, asked
from openbenefits.api.events import EVENT
from openbenefits.api.naming import at, end_of
from openbenefits.api.problems import not_found
from openbenefits.api.routing import Routes
from openbenefits.api.runs import Asked, ask
from openbenefits.api.shapes import Body, Code, Day, EventId
from openbenefits.reports.hindsight import print_then
from openbenefits.review.services import issue_statement

router = Routes("statements")
PDF = {"responses": {200: {"description": "The PDF.", "content": {"application/pdf": {"schema": {}}}}}}
Kind = Literal["enrollment", "confirmation"]


class Bulk(Body):
    """The statements of a schedule that are due on a day and not yet sent."""

    schedule: Code
    kind: Kind
    on: Day | None = None
    per_person: bool = Field(False, description="A file for each person.")


@router.post("/clients/{client}/statements", response={202: Asked}, summary="Issue statements in bulk")
def issue_all(request: Any, client: Path[Code], said: Bulk) -> Any:
    """Ask for the statements of a schedule; whoever is told stands at NT."""
    desk = at(request, client, Permission.PROCESS)
    on = (said.on or desk.today).isoformat()
    asked_for = {"schedule": desk.schedule(said.schedule), "kind": said.kind, "on": on}
    return ask(desk, "issue statements", asked_for | {"per_person": said.per_person})


@router.post(
    EVENT + "/statement", response=None, summary="Issue the statement of an event", openapi_extra=PDF
)
def issue(request: Any, client: Path[Code], event_id: Path[EventId], said: OnDemand) -> Any:
    """Issue the enrolment statement of an event, or print it again; answered as a PDF."""
    desk = at(request, client, Permission.PROCESS)
    place = desk.place(event_id)
    with TemporaryDirectory(prefix="openbenefits-") as folder:
        path = issue_statement(connection, place, asked(desk, said), folder=Folder(folder))
        content = path.read_bytes()
    desk.did("issue statement", place.person_id)
    return HttpResponse(content, content_type="application/pdf")


@router.get(EVENT + "/statement", response=None, summary="Read a statement as it was", openapi_extra=PDF)
def read_again(
    request: Any,
    client: Path[Code],
    event_id: Path[EventId],
    kind: Kind = Query("enrollment"),
    known_on: Day | None = Query(None, description="As it read at the end of that day; now unless told."),
) -> Any:
    """Read the statement or confirmation of an event as it read on a day; nothing is changed."""
    desk = at(request, client, Permission.SEE_PERSONAL)
    place = desk.place(event_id)
    desk.saw("statement", place.person_id)
    with TemporaryDirectory(prefix="openbenefits-") as folder:
        path = print_then(
            connection,
            place.schedule_id,
            kind=kind,
            person_ids=[place.person_id],
            known_at=end_of(known_on) or desk.now,
            path=Folder(folder) / "statement.pdf",
        )
        content = None if path is None else path.read_bytes()
    if content is None:
        raise not_found("a statement of this event on that day", "name a later day, or the other kind")
    return HttpResponse(content, content_type="application/pdf")
