"""What partners answer, where somebody's cover stands with each, and what is entered at their portals."""

from datetime import date, datetime
from typing import Any

from django.db import connection
from ninja import File as Upload
from ninja import Form, Path, Query, Status
from ninja.files import UploadedFile
from pydantic import BaseModel, Field

from openbenefits.accounts.roles import Permission
from openbenefits.api.carriers import known_partner, of_clients
from openbenefits.api.elections import refuse_large
from openbenefits.api.naming import Desk, at, at_or_peo
from openbenefits.api.paging import Page, Rows, page_of, slice_of
from openbenefits.api.problems import not_found
from openbenefits.api.routing import Routes
from openbenefits.api.shapes import Body, Code, Cursor, Id, Limit, Truth, Words
from openbenefits.carriers.answers import services as answering
from openbenefits.carriers.custody import portal_entries
from openbenefits.carriers.custody import services as custody
from openbenefits.carriers.custody.readings import answer_lines, portal_rows
from openbenefits.carriers.models import Answer, PortalEntry

router = Routes("carriers")
ANSWERS = "/clients/{client}/carrier-answers"
ENTRIES = "/clients/{client}/carrier-portal-entries"
CHAIN = "/clients/{client}/people/{person_id}/carrier-chain"
MOST_ROWS = 100_000


class AnswerShown(BaseModel):
    """A file that came back."""

    id: int
    partner: str
    kind: str = Field(description="TA1, 999, report, 834.")
    file_name: str
    told: dict[str, Any] = Field(description="What came of it: files by state, verdicts counted, words.")
    taken_at: datetime
    taken_by: str


class AnswerTaken(BaseModel):
    """What an answer did."""

    answer_id: int | None = Field(description="Null for an 834: it is answered by a 999 of ours.")
    kind: str
    is_new: bool = Field(description="False where the same was taken before: nothing changed.")
    files: dict[int, str] = Field(description="The state each file came to.")
    verdicts: dict[str, int]
    unmatched: int = Field(description="Rows about no file of ours.")
    words: list[str]
    reply: int | None = Field(description="The file with our own 999.")


def _write(row: Answer) -> dict[str, Any]:
    names = [name for name in AnswerShown.model_fields if name != "id"]
    return {"id": row.pk} | {name: getattr(row, name) for name in names}


@router.get(ANSWERS, response=Page[AnswerShown], summary="List answers of carriers")
def list_answers(request: Any, client: Path[Code], cursor: Cursor, limit: Limit) -> Any:
    """List what came back to files of a client alone, the last first."""
    desk = at_or_peo(request, client, Permission.SEE)
    rows = Answer.objects.filter(client_id=desk.client_id).defer("content")
    return page_of(rows, _write, cursor=cursor, limit=limit, is_last_first=True)


@router.post(ANSWERS, response={201: AnswerTaken}, summary="Take an answer in")
def take_answer(
    request: Any,
    client: Path[Code],
    file: Upload[UploadedFile],
    partner: Code = Form(..., description="Who sent it."),
    layout: Code | None = Form(None, description="The layout of a report, by its name in the agreement."),
) -> Any:
    """Take a TA1, 999 or report in: files, members and elections are told; the same again changes nothing."""
    desk = at_or_peo(request, client, Permission.PROCESS)
    known_partner(desk, partner)
    refuse_large(file)
    taken = answering.take(
        connection,
        desk.client_id,
        partner,
        file.read(),
        file.name or "answer",
        author=desk.author,
        now=desk.now,
        layout=layout,
    )
    desk.did(f"take a {taken.kind} of a carrier in")
    told = {name: getattr(taken, name) for name in AnswerTaken.model_fields}
    return Status(201, told | {"words": list(taken.words)})


@router.get(f"{ANSWERS}/{{answer_id}}/rows", response=Rows, summary="List what an answer says")
def list_rows(request: Any, client: Path[Code], answer_id: Path[Id], cursor: Cursor, limit: Limit) -> Any:
    """List what an answer says of files, sets, members and lines; what is about no file of ours first."""
    desk = at_or_peo(request, client, Permission.SEE)
    if not Answer.objects.filter(client_id=desk.client_id, pk=answer_id).exists():
        raise not_found("an answer", "correct the id; /carrier-answers lists them")
    desk.saw("answer of a carrier")
    rows = of_clients(desk, answer_lines(answer_id, limit=MOST_ROWS))
    return slice_of(rows, cursor=cursor, limit=limit)


@router.get(
    "/clients/{client}/people/{person_id}/carrier-chain", response=Rows, summary="Show where cover stands"
)
def show_chain(request: Any, client: Path[Code], person_id: Path[Id], cursor: Cursor, limit: Limit) -> Any:
    """Show of each line of somebody's cover how far it has come: intended, sent, answered, confirmed."""
    desk = at(request, client, Permission.SEE)
    desk.person(person_id)
    desk.saw("carrier chain", person_id)
    rows = custody.chain(desk.client_id, person_id, now=desk.now)
    return slice_of(rows.drop("client_id", strict=False), cursor=cursor, limit=limit)


@router.get(ENTRIES, response=Rows, summary="List portal entries")
def list_entries(
    request: Any,
    client: Path[Code],
    cursor: Cursor,
    limit: Limit,
    done: Truth = Query(False, description="Done ones, too."),
) -> Any:
    """List what is to be entered at partners' portals, what is due first."""
    desk = at(request, client, Permission.PROCESS)
    rows = portal_rows([desk.client_id], with_done=done, limit=MOST_ROWS)
    desk.saw("portal entries")
    return slice_of(rows.drop("client", "client_id"), cursor=cursor, limit=limit)


class PortalProof(Body):
    """What the partner gave as proof."""

    call_reference: Words = Field(examples=["call 20260301-77"])


class EntryShown(BaseModel):
    """A portal entry that is done."""

    id: int
    partner: str
    person_id: int
    due_on: date
    done_at: datetime | None
    done_by: str
    call_reference: str


@router.post(f"{ENTRIES}/{{entry_id}}/done", response=EntryShown, summary="Write a portal entry down as done")
def enter(request: Any, client: Path[Code], entry_id: Path[Id], said: PortalProof) -> Any:
    """Say that an entry was made, with the partner's call reference: the partner knows it now."""
    desk = at(request, client, Permission.PROCESS)
    found = _entry(desk, entry_id)
    portal_entries.done(
        connection, found.pk, call_reference=said.call_reference, author=desk.author, now=desk.now
    )
    desk.did("portal entry done", found.person_id)
    return {"id": found.pk} | {
        name: getattr(_entry(desk, entry_id), name) for name in EntryShown.model_fields if name != "id"
    }


def _entry(desk: Desk, number: int) -> PortalEntry:
    found: PortalEntry | None = PortalEntry.objects.filter(client_id=desk.client_id, pk=number).first()
    if found is None:
        raise not_found("a portal entry", "correct the id; /carrier-portal-entries lists them")
    return found
