"""Papers people sent, with what was decided about them; letters that were made, as they were made."""

from datetime import date, datetime
from typing import Any, Literal

from django.db import connection
from django.http import HttpResponse
from ninja import File as Upload
from ninja import Form, Path, Query, Status
from ninja.files import UploadedFile
from pydantic import BaseModel, Field

from openbenefits.accounts.roles import Permission
from openbenefits.api.elections import refuse_large
from openbenefits.api.naming import Desk, at
from openbenefits.api.paging import Page, Rows, page_of, slice_of
from openbenefits.api.problems import not_found
from openbenefits.api.routing import Routes
from openbenefits.api.runs import Asked, ask
from openbenefits.api.shapes import Body, Code, Cursor, Day, Id, Limit, Words
from openbenefits.core.codes import DocumentKind
from openbenefits.delivery.services import documents_of, open_document
from openbenefits.enrollment import documents
from openbenefits.enrollment.models import Document

router = Routes("papers")
PERSON = "/clients/{client}/people/{person_id}"
PAPERS = PERSON + "/papers"
OF_HEALTH = (DocumentKind.EVIDENCE, DocumentKind.DISABILITY)
"""Papers about health: seen with that scope alone."""
Kind = Literal[tuple(str(one) for one in DocumentKind)]  # type: ignore[valid-type]
FILE = {"responses": {200: {"description": "The file.", "content": {"*/*": {"schema": {}}}}}}
PDF = {"responses": {200: {"description": "The PDF.", "content": {"application/pdf": {"schema": {}}}}}}


class Paper(BaseModel):
    """A paper somebody sent about a person, without its content."""

    id: int
    person_id: int
    about: str = Field(description="event:SCHEDULE:NUMBER, dependent:NUMBER, proof:PLAN TYPE …")
    kind: str
    name: str
    media_type: str
    size: int
    state: str
    added_by: str
    added_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str


class PaperDecision(Body):
    """What is decided about a paper, once; who rejects says why, in words the sender reads."""

    state: Literal["approved", "rejected"]
    reason: Words | None = None


class LetterOrder(Body):
    """Letters of coverage on a day, or of what was lost between two, to everybody concerned."""

    kind: Literal["coverage", "loss"]
    as_of: Day | None = None
    since: Day | None = Field(None, description="Of losses: from this day.")
    on: Day | None = Field(None, description="The day on the letter; today unless told.")


class StatementOrder(Body):
    """Statements of a schedule that are due, each on the way its person chose."""

    schedule: Code
    kind: Literal["enrollment", "confirmation"]
    on: Day | None = None


def _paper(row: Document) -> dict[str, Any]:
    return {name: getattr(row, name) for name in Paper.model_fields}


def _seen(desk: Desk, rows: Any) -> Any:
    """Leave out what is about health for a key that may not see it."""
    if desk.may(Permission.SEE_HEALTH):
        return rows
    return rows.exclude(kind__in=[str(one) for one in OF_HEALTH])


def _find(desk: Desk, person_id: int, paper_id: int) -> Document:
    desk.person(person_id)
    rows = Document.objects.filter(client_id=desk.client_id, person_id=person_id, pk=paper_id)
    found: Document | None = _seen(desk, rows).defer("content").first()
    if found is None:
        raise not_found("a paper of this person", "correct the number; /papers lists them")
    return found


@router.get("/clients/{client}/papers", response=Page[Paper], summary="List papers of a client")
def list_papers(
    request: Any,
    client: Path[Code],
    cursor: Cursor,
    limit: Limit,
    state: Literal["received", "approved", "rejected"] | None = Query(None),
) -> Any:
    """List the papers sent about people of a client, the last first."""
    desk = at(request, client, Permission.SEE)
    rows = _seen(desk, Document.objects.filter(client_id=desk.client_id)).defer("content")
    if state is not None:
        rows = rows.filter(state=state)
    return page_of(rows, _paper, cursor=cursor, limit=limit, is_last_first=True)


@router.get(PAPERS, response=Page[Paper], summary="List papers of a person")
def list_of_person(
    request: Any, client: Path[Code], person_id: Path[Id], cursor: Cursor, limit: Limit
) -> Any:
    """List the papers sent about a person, the last first."""
    desk = at(request, client, Permission.SEE)
    desk.person(person_id)
    desk.saw("papers", person_id)
    rows = _seen(desk, Document.objects.filter(client_id=desk.client_id, person_id=person_id))
    return page_of(rows.defer("content"), _paper, cursor=cursor, limit=limit, is_last_first=True)


@router.post(PAPERS, response={201: Paper}, summary="Send a paper")
def add_paper(
    request: Any,
    client: Path[Code],
    person_id: Path[Id],
    file: Upload[UploadedFile],
    about: str = Form("person", pattern="^[A-Za-z0-9:-]{1,60}$", description="What it belongs to."),
    kind: Kind = Form("other"),  # type: ignore[valid-type]
) -> Any:
    """Send a PDF, JPEG or PNG about a person; it is kept sealed, and waits to be decided about."""
    desk = at(request, client, Permission.ELECT)
    desk.person(person_id)
    refuse_large(file)
    name = "".join(one for one in (file.name or "paper") if one.isprintable())[:120] or "paper"
    made = documents.add(
        connection,
        desk.client_id,
        person_id,
        about,
        kind,
        name,
        file.read(),
        desk.now,
        added_by=desk.author,
    )
    desk.did("send paper", person_id)
    return Status(201, _paper(made))


@router.get(PAPERS + "/{paper_id}/file", response=None, summary="Open a paper", openapi_extra=FILE)
def open_paper(request: Any, client: Path[Code], person_id: Path[Id], paper_id: Path[Id]) -> Any:
    """Answer the file of a paper."""
    desk = at(request, client, Permission.SEE_PERSONAL)
    _find(desk, person_id, paper_id)
    desk.saw("paper", person_id)
    opened = documents.open(connection, desk.client_id, paper_id)
    response = HttpResponse(opened.content, content_type=opened.media_type)
    response["Content-Disposition"] = "attachment"
    return response


@router.post(PAPERS + "/{paper_id}/decision", response=Paper, summary="Decide about a paper")
def decide_paper(
    request: Any, client: Path[Code], person_id: Path[Id], paper_id: Path[Id], said: PaperDecision
) -> Any:
    """Approve or reject a paper, once."""
    desk = at(request, client, Permission.PROCESS)
    _find(desk, person_id, paper_id)
    reason = said.reason or ""
    done = documents.decide(
        connection,
        desk.client_id,
        paper_id,
        said.state,
        reason=reason,
        decided_by=desk.author,
        now=desk.now,
    )
    desk.did("decide paper", person_id, reason)
    return _paper(done)


# --- letters ------------------------------------------------------------------------------------------------

LETTERS = PERSON + "/letters"


@router.get(LETTERS, response=Rows, summary="List letters of a person")
def list_letters(request: Any, client: Path[Code], person_id: Path[Id], cursor: Cursor, limit: Limit) -> Any:
    """List the letters made for a person, the newest first, and what became of each."""
    desk = at(request, client, Permission.SEE)
    desk.person(person_id)
    desk.saw("letters", person_id)
    rows = documents_of(connection, desk.client_id, person_id).drop("client_id", strict=False)
    return slice_of(rows, cursor=cursor, limit=limit)


@router.get(LETTERS + "/{letter_id}/file", response=None, summary="Open a letter", openapi_extra=PDF)
def open_letter(request: Any, client: Path[Code], person_id: Path[Id], letter_id: Path[Id]) -> Any:
    """Answer the PDF of a letter, the very one that was made; nothing is noted as opened by the person."""
    desk = at(request, client, Permission.SEE_PERSONAL)
    desk.person(person_id)
    desk.saw("letter", person_id)
    content = open_document(
        letter_id,
        client_id=desk.client_id,
        person_id=person_id,
        author=desk.author,
        now=desk.now,
        by_person=False,
    )
    return HttpResponse(content, content_type="application/pdf")


@router.post("/clients/{client}/letters", response={202: Asked}, summary="Make and send letters")
def make_letters(request: Any, client: Path[Code], said: LetterOrder) -> Any:
    """Ask for letters of coverage, or of what was lost, to everybody concerned."""
    desk = at(request, client, Permission.PROCESS)
    as_of, on = said.as_of or desk.today, said.on or desk.today
    asked_for = {
        "kind": said.kind,
        "as_of": as_of.isoformat(),
        "on": on.isoformat(),
        "since": _text(said.since),
    }
    return ask(desk, "deliver letters", asked_for)


@router.post("/clients/{client}/deliveries", response={202: Asked}, summary="Send statements as people chose")
def deliver(request: Any, client: Path[Code], said: StatementOrder) -> Any:
    """Ask for the statements of a schedule that are due, each on the way its person chose."""
    desk = at(request, client, Permission.PROCESS)
    on = (said.on or desk.today).isoformat()
    asked_for = {"schedule": desk.schedule(said.schedule), "kind": said.kind, "on": on}
    return ask(desk, "deliver statements", asked_for)


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
