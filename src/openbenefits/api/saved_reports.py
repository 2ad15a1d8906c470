"""Reports people put together: kept under a name, shared, run, sent by mail to somebody who may see them."""

from datetime import date, datetime
from typing import Any, Literal

from django.db import connection
from ninja import Path, Query, Status
from pydantic import BaseModel, Field

from openbenefits.accounts.models import Role, User
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import Access
from openbenefits.adhoc.models import ReportSchedule, SavedReport
from openbenefits.adhoc.query import CHARTS, document_of, read_query
from openbenefits.adhoc.running import run_query
from openbenefits.adhoc.saved import open_report, own_report, remove_report, reports_of, save_report
from openbenefits.adhoc.scheduling import Every, end_schedules, schedule_report
from openbenefits.api.naming import Desk, at
from openbenefits.api.paging import Page, slice_of_list
from openbenefits.api.problems import Problem, not_found
from openbenefits.api.queries import Answered, Question
from openbenefits.api.routing import Routes
from openbenefits.api.shapes import Body, Code, Cursor, Day, Limit, PageNumber, Words, rows_of

router = Routes("queries")
KEPT = "/clients/{client}/saved-reports"
ONE = f"{KEPT}/{{report}}"


class ReportListed(BaseModel):
    """A report one may open: one of the key's own, one shared with it, or one that comes with the product."""

    key: str
    name: str
    subject: str
    owner: str
    is_own: bool
    is_shipped: bool


class ReportKept(ReportListed):
    """A report with its question."""

    question: dict[str, Any]
    is_shared: bool


class Picture(Body):
    """A picture of the answer: a bar, or a point of a line, for each row."""

    kind: Literal[CHARTS]  # type: ignore[valid-type]
    label: Code
    value: Code


class QuestionKept(Question):
    """A question with its picture; without a day it is asked as of the day somebody reads it."""

    chart: Picture | None = None


class ReportWritten(Body):
    """A report to be kept: its name, its question, and whether everybody who sees the client finds it."""

    name: str = Field(min_length=1, max_length=100, pattern="^[^\\x00]*$")
    question: QuestionKept
    is_shared: bool = False


class Sending(Body):
    """To whom a report goes, how often, from when, and whether the list goes along.

    to: the name he signs in by; he reads it with his own rights, as of the day it is sent.
    """

    to: Words
    every: Literal[tuple(str(one) for one in Every)]  # type: ignore[valid-type]
    begins_on: Day
    is_attached: bool = False


class SendingShown(BaseModel):
    """To whom a report goes, and when next."""

    to: str
    every: str
    next_on: date
    is_attached: bool
    made_at: datetime


def _kept(desk: Desk, key: str) -> dict[str, Any]:
    name, query, saved = open_report(desk.access, desk.client_id, key)
    return {
        "key": key,
        "name": name,
        "subject": query.subject,
        "owner": "" if saved is None else saved.author,
        "is_own": saved is not None and saved.user_id == desk.access.user_id,
        "is_shipped": saved is None,
        "question": document_of(query),
        "is_shared": saved is None or saved.is_shared,
    }


def _save(desk: Desk, said: ReportWritten, key: str = "") -> dict[str, Any]:
    made = save_report(
        desk.access,
        desk.client_id,
        said.name,
        read_query(said.question.model_dump(mode="json", exclude_none=True)),
        is_shared=said.is_shared,
        author=desk.author,
        now=desk.now,
        key=key,
    )
    desk.did("report kept")
    return _kept(desk, str(made.pk))


@router.get(KEPT, response=Page[ReportListed], summary="List kept reports")
def list_reports(request: Any, client: Path[Code], cursor: Cursor, limit: Limit) -> Any:
    """List the reports the key finds: its own, those shared, and those that come with the product."""
    desk = at(request, client, Permission.SEE)
    names = list(ReportListed.model_fields)
    rows = [{name: getattr(one, name) for name in names} for one in reports_of(desk.access, desk.client_id)]
    return slice_of_list(rows, cursor=cursor, limit=limit)


@router.post(KEPT, response={201: ReportKept}, summary="Keep a report")
def keep_report(request: Any, client: Path[Code], said: ReportWritten) -> Any:
    """Keep a question under a name, for the key alone or shared with everybody who sees the client."""
    return Status(201, _save(at(request, client, Permission.SEE), said))


@router.get(ONE, response=ReportKept, summary="Show a kept report")
def show_report(request: Any, client: Path[Code], report: Path[Code]) -> Any:
    """Show the question of a report."""
    return _kept(at(request, client, Permission.SEE), report)


@router.post(ONE, response=ReportKept, summary="Change a kept report")
def change_report(request: Any, client: Path[Code], report: Path[Code], said: ReportWritten) -> Any:
    """Change a report of the key's own."""
    return _save(at(request, client, Permission.SEE), said, report)


@router.delete(ONE, response={204: None}, summary="Remove a kept report")
def drop_report(request: Any, client: Path[Code], report: Path[Code]) -> Any:
    """Take a report of the key's own off every list; it is sent no more."""
    desk = at(request, client, Permission.SEE)
    remove_report(desk.access, desk.client_id, report, now=desk.now)
    desk.did("report removed")
    return Status(204, None)


@router.get(f"{ONE}/rows", response=Answered, summary="Run a kept report")
def run_report(request: Any, client: Path[Code], report: Path[Code], page: PageNumber = Query(1)) -> Any:
    """Answer what a report finds today, with the rights of the key."""
    desk = at(request, client, Permission.SEE)
    _name, query, _saved = open_report(desk.access, desk.client_id, report)
    found = run_query(connection, query, desk.access, as_of=desk.today, client_id=desk.client_id, page=page)
    desk.saw(f"report on {query.subject}")
    titles = {one.name: str(one.title) for one in found.outputs}
    return {"columns": titles, "rows": rows_of(found.frame), "total": found.total, "page": page}


# --- sent by mail -------------------------------------------------------------------------------------------


def _shared(desk: Desk, key: str) -> SavedReport:
    """Find a report of the key's own that others may read.

    Errors: saved.ReportMissing; Problem for one that is not shared.
    """
    found = own_report(desk.access, desk.client_id, key)
    if not found.is_shared:
        raise Problem(409, "conflict", "expected a report that is shared, found one that is not; share it")
    return found


def _reader(desk: Desk, name: str) -> User:
    """Find somebody who has a role for the client.

    Errors: Problem 404.
    """
    roles = Role.objects.filter(client_id=desk.client_id, ended_at__isnull=True, user__username=name)
    found = roles.select_related("user").first()
    if found is None:
        raise not_found("somebody with a role", "correct the name; /roles lists them")
    return found.user


def _sendings(report: SavedReport) -> list[dict[str, Any]]:
    rows = list(ReportSchedule.objects.filter(report=report, is_ended=False).order_by("pk"))
    names = dict(
        User.objects.filter(pk__in=[one.user_id for one in rows]).values_list("pk", "username"),
    )
    return [
        {
            "to": names.get(one.user_id, ""),
            "every": one.every,
            "next_on": one.next_on,
            "is_attached": one.attaches,
            "made_at": one.made_at,
        }
        for one in rows
    ]


@router.get(f"{ONE}/sendings", response=list[SendingShown], summary="List who is sent a report")
def list_sendings(request: Any, client: Path[Code], report: Path[Code]) -> Any:
    """List to whom a report of the key's own goes by mail, how often, and when next."""
    desk = at(request, client, Permission.USERS)
    return _sendings(own_report(desk.access, desk.client_id, report))


@router.post(f"{ONE}/sendings", response={201: list[SendingShown]}, summary="Have a report sent by mail")
def send_report(request: Any, client: Path[Code], report: Path[Code], said: Sending) -> Any:
    """Have a shared report sent to somebody who has a role for the client; his order before this one ends."""
    desk = at(request, client, Permission.USERS)
    found, reader = _shared(desk, report), _reader(desk, said.to)
    schedule_report(
        Access(user_id=reader.pk, permissions={}),
        desk.client_id,
        found,
        every=Every(said.every),
        begins_on=said.begins_on,
        attached=said.is_attached,
        now=desk.now,
    )
    desk.did("have a report sent")
    return Status(201, _sendings(found))


@router.delete(f"{ONE}/sendings", response={204: None}, summary="End the sending of a report")
def end_sendings(request: Any, client: Path[Code], report: Path[Code], to: Words = Query(...)) -> Any:
    """Send a report to somebody no more."""
    desk = at(request, client, Permission.USERS)
    found, reader = own_report(desk.access, desk.client_id, report), _reader(desk, to)
    end_schedules(Access(user_id=reader.pk, permissions={}), found)
    desk.did("end the sending of a report")
    return Status(204, None)
