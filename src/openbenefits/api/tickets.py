"""Tasks and cases of a client: listed, opened, changed, commented upon; the same of both."""

from datetime import date, datetime
from typing import Any, Literal

from django.http import HttpResponse
from ninja import File as Upload
from ninja import Path, Query, Status
from ninja.files import UploadedFile
from pydantic import BaseModel, Field

from openbenefits.accounts.roles import Permission
from openbenefits.api.elections import refuse_large
from openbenefits.api.naming import Desk, at
from openbenefits.api.paging import Page, page_of
from openbenefits.api.papers import FILE
from openbenefits.api.problems import not_found
from openbenefits.api.routing import Routes
from openbenefits.api.shapes import Body, Code, Cursor, Day, Id, Limit, Text, Words
from openbenefits.casework.changing import change
from openbenefits.casework.codes import STATUSES, Form, Priority
from openbenefits.casework.codes import Status as Stands
from openbenefits.casework.listing import Wanted, as_frame, found, story
from openbenefits.casework.models import Attachment, Comment, Queue, TeamRole, Ticket
from openbenefits.casework.opening import open_case, open_task
from openbenefits.casework.orders import CaseOrder, ChangeOrder, Subject, TaskOrder, TicketMissing
from openbenefits.casework.people import people_for
from openbenefits.casework.rules.assigning import Assignee
from openbenefits.casework.seeing import require_work, ticket_of
from openbenefits.casework.talking import attach, comment, open_attachment

router = Routes("tasks and cases")
Priorities = Literal[tuple(str(one) for one in Priority)]  # type: ignore[valid-type]
Statuses = Literal[tuple(dict.fromkeys(str(one) for many in STATUSES.values() for one in many))]  # type: ignore[valid-type]
Dues = Literal["overdue", "today", "week", "none"]


class TicketShown(BaseModel):
    """A task or case."""

    number: int
    form: str
    subject: str
    body: str
    category: str
    kind: str
    priority: str
    status: str
    assignee: str | None = Field(description="A user; null where nobody has it.")
    role: str
    queue: str | None
    owner: str | None
    employee_number: str | None
    about_kind: str = Field(description="The record that caused it, with its natural key; empty for none.")
    about_key: str
    start_on: date
    due_on: date | None
    is_overdue: bool
    escalated: int
    opened_by: str
    opened_at: datetime
    changed_at: datetime
    done_at: datetime | None


class TicketComment(BaseModel):
    """What somebody said."""

    author: str
    at: datetime
    body: str


class TicketChanged(BaseModel):
    """A field that changed."""

    author: str
    at: datetime
    field: str
    before: str
    after: str
    reason: str


class TicketFile(BaseModel):
    """A file put to it; what was taken away keeps its line and has no content any more."""

    id: int
    name: str
    media_type: str
    size: int
    author: str
    at: datetime
    is_removed: bool


class TicketStory(BaseModel):
    """A task or case with what was said and done."""

    ticket: TicketShown
    files: list[TicketFile]
    comments: list[TicketComment]
    history: list[TicketChanged]


class Assigned(Body):
    """Who gets it: one of these."""

    user: Text | None = Field(None, description="The name of a user.")
    role: Text | None = Field(None, description="A role of the client's team.")
    queue: Text | None = Field(None, description="A queue.")


class NewTicket(Body):
    """A task or case to be opened; what is left out is as the type has it."""

    subject: str = Field(min_length=1, max_length=200, pattern="^[^\\x00]*[^\\x00\\s][^\\x00]*$")
    body: str = Field("", max_length=10_000, pattern="^[^\\x00]*$")
    category: Text = "general"
    kind: Text = ""
    priority: Priorities | None = None  # type: ignore[valid-type]
    due_on: Day | None = None
    assigned: Assigned | None = None
    person_id: Id | None = None
    about_kind: Text = Field("", description="The kind of the record that caused it.")
    about_key: Text = ""
    cause: Text = Field("", description="Opened again with the same cause, it is the one that is there.")


class TicketChange(Body):
    """What changes; what is left out stays."""

    status: Statuses | None = None  # type: ignore[valid-type]
    priority: Priorities | None = None  # type: ignore[valid-type]
    due_on: Day | None = None
    assigned: Assigned | None = None
    reason: Text = ""


class NewComment(Body):
    """What is said."""

    body: Words


def _shown(desk: Desk, tickets: list[Ticket]) -> list[dict[str, Any]]:
    rows = as_frame(tickets, desk.today).to_dicts()
    bodies = {one.pk: one.body for one in tickets}
    return [
        {name: row[name] for name in TicketShown.model_fields if name != "body"}
        | {"body": bodies[row["number"]]}
        for row in rows
    ]


def _find(desk: Desk, form: Form, number: int) -> Ticket:
    try:
        return ticket_of(desk.access, number, form=form, client_id=desk.client_id)
    except TicketMissing:
        raise not_found(f"a {form}", "correct the number; the list has them") from None


def _assignee(desk: Desk, said: Assigned | None) -> Assignee:
    """Read who is to get it.

    Errors: Problem for a user, role or queue there is not.
    """
    if said is None:
        return Assignee()
    numbers = {name: number for number, name in people_for([desk.client_id]).items()}
    if said.user and said.user not in numbers:
        raise not_found("a user with a role", "correct the name")
    if said.role and not TeamRole.objects.filter(code=said.role).exists():
        raise not_found("a role of the team", "correct its code")
    if said.queue and not Queue.objects.filter(code=said.queue).exists():
        raise not_found("a queue", "correct its code")
    user_id = numbers[said.user] if said.user else None
    return Assignee(user_id=user_id, role=said.role or None, queue=said.queue or None)


def _list(desk: Desk, form: Form, wanted: dict[str, Any], cursor: str | None, limit: int) -> Any:
    desk.saw(f"{form}s")
    is_done = {"open": False, "done": True, "all": None}[wanted.pop("state")]
    asked = Wanted(client_id=desk.client_id, form=form, is_done=is_done, **wanted)
    rows = found(desk.access, asked, desk.today)
    page = page_of(rows, lambda one: one, cursor=cursor, limit=limit, is_last_first=True)
    return {"items": _shown(desk, page["items"]), "next": page["next"]}


def _open(desk: Desk, form: Form, said: NewTicket) -> Any:
    require_work(desk.access, desk.client_id)
    if said.person_id is not None:
        desk.person(said.person_id)
    order: dict[str, Any] = {
        "client_id": desk.client_id,
        "assigned": _assignee(desk, said.assigned),
        "about": Subject(kind=said.about_kind, key=said.about_key) if said.about_key else None,
        **said.model_dump(exclude={"assigned", "about_kind", "about_key"}),
    }
    if form is Form.TASK:
        made: Ticket = open_task(desk.access, TaskOrder(**order), now=desk.now)
    else:
        made = open_case(desk.access, CaseOrder(**order), now=desk.now)
    desk.did(f"open a {form}", made.person_id)
    return Status(201, _shown(desk, [made])[0])


def _change(desk: Desk, form: Form, number: int, said: TicketChange) -> Any:
    ticket = _find(desk, form, number)
    require_work(desk.access, desk.client_id)
    changed: dict[str, Any] = {}
    if said.status is not None:
        changed["status"] = Stands(said.status)
    if said.priority is not None:
        changed["priority"] = Priority(said.priority)
    if said.due_on is not None:
        changed["due_on"] = said.due_on
    if said.assigned is not None:
        changed["assigned"] = _assignee(desk, said.assigned)
    made = change(desk.access, ticket.pk, ChangeOrder(**changed), reason=said.reason, now=desk.now)
    desk.did(f"change a {form}", made.person_id, said.reason)
    return _shown(desk, [made])[0]


def _comment(desk: Desk, form: Form, number: int, said: NewComment) -> Any:
    ticket = _find(desk, form, number)
    require_work(desk.access, desk.client_id)
    made: Comment = comment(desk.access, ticket.pk, said.body, now=desk.now)
    desk.did(f"comment on a {form}", ticket.person_id)
    return Status(201, {"author": made.author, "at": made.at, "body": made.body})


def _file(one: Attachment) -> dict[str, Any]:
    told = {name: getattr(one, name) for name in ("id", "name", "media_type", "size", "author", "at")}
    return told | {"is_removed": one.removed_at is not None}


def _attach(desk: Desk, form: Form, number: int, file: UploadedFile) -> Any:
    ticket = _find(desk, form, number)
    require_work(desk.access, desk.client_id)
    refuse_large(file)
    made = attach(desk.access, ticket.pk, file.name or "file", file.read(), now=desk.now)
    desk.did(f"put a file to a {form}", ticket.person_id)
    return Status(201, _file(made))


def _open_file(desk: Desk, form: Form, number: int, file_id: int) -> Any:
    ticket = _find(desk, form, number)
    try:
        opened = open_attachment(desk.access, ticket.pk, file_id)
    except TicketMissing:
        raise not_found("a file of it", "correct the number; what is shown of it lists its files") from None
    desk.saw(f"file of a {form}", ticket.person_id)
    response = HttpResponse(opened.content, content_type=opened.media_type)
    response["Content-Disposition"] = "attachment"
    return response


def _story(desk: Desk, form: Form, number: int) -> Any:
    ticket = _find(desk, form, number)
    desk.saw(form, ticket.person_id)
    told = story(ticket)
    return {
        "ticket": _shown(desk, [ticket])[0],
        "files": [_file(one) for one in told.files],
        "comments": [
            {name: getattr(one, name) for name in TicketComment.model_fields} for one in told.comments
        ],
        "history": [
            {name: getattr(one, name) for name in TicketChanged.model_fields} for one in told.changes
        ],
    }


def _routes(form: Form, many: str) -> None:
    """Give a form its addresses."""
    where = f"/clients/{{client}}/{many}"
    one = f"{where}/{{number}}"

    @router.get(where, response=Page[TicketShown], summary=f"List {many}", operation_id=f"list_{many}")
    def list_them(
        request: Any,
        client: Path[Code],
        cursor: Cursor,
        limit: Limit,
        state: Literal["open", "done", "all"] = Query("open"),
        priority: Priorities | None = Query(None),  # type: ignore[valid-type]
        queue: Text | None = Query(None),
        due: Dues | None = Query(None),
        text: Text = Query("", description="Part of the subject."),
    ) -> Any:
        """List what a client has of them, the newest first."""
        desk = at(request, client, Permission.SEE)
        wanted = {"state": state, "priority": priority, "queue": queue, "due": due, "text": text}
        return _list(desk, form, wanted, cursor, limit)

    @router.post(where, response={201: TicketShown}, summary=f"Open a {form}", operation_id=f"open_{form}")
    def open_one(request: Any, client: Path[Code], said: NewTicket) -> Any:
        """Open one; with a cause that is there already, it is answered as it is."""
        return _open(at(request, client, Permission.SEE), form, said)

    @router.get(one, response=TicketStory, summary=f"Show a {form}", operation_id=f"show_{form}")
    def show_one(request: Any, client: Path[Code], number: Path[Id]) -> Any:
        """Show one with what was said and done."""
        return _story(at(request, client, Permission.SEE), form, number)

    @router.post(
        f"{one}/changes", response=TicketShown, summary=f"Change a {form}", operation_id=f"change_{form}"
    )
    def change_one(request: Any, client: Path[Code], number: Path[Id], said: TicketChange) -> Any:
        """Change one: its status, priority, day, or who has it."""
        return _change(at(request, client, Permission.SEE), form, number, said)

    @router.post(
        f"{one}/comments",
        response={201: TicketComment},
        summary=f"Comment on a {form}",
        operation_id=f"comment_on_{form}",
    )
    def comment_on_one(request: Any, client: Path[Code], number: Path[Id], said: NewComment) -> Any:
        """Say something about one; what is said stays."""
        return _comment(at(request, client, Permission.SEE), form, number, said)

    _file_routes(form, one)


def _file_routes(form: Form, one: str) -> None:
    """Give the files of a form their addresses."""

    @router.post(
        f"{one}/files",
        response={201: TicketFile},
        summary=f"Put a file to a {form}",
        operation_id=f"attach_to_{form}",
    )
    def attach_to_one(request: Any, client: Path[Code], number: Path[Id], file: Upload[UploadedFile]) -> Any:
        """Put a PDF, JPEG, PNG, workbook or text of at most 10 MB to one; it is kept sealed."""
        return _attach(at(request, client, Permission.SEE), form, number, file)

    @router.get(
        f"{one}/files/{{file_id}}",
        response=None,
        summary=f"Open a file of a {form}",
        operation_id=f"open_file_of_{form}",
        openapi_extra=FILE,
    )
    def open_file_of_one(request: Any, client: Path[Code], number: Path[Id], file_id: Path[Id]) -> Any:
        """Answer a file of one."""
        return _open_file(at(request, client, Permission.SEE), form, number, file_id)


_routes(Form.TASK, "tasks")
_routes(Form.CASE, "cases")
