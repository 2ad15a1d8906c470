"""The page of a task or case: what it is, what was done and said, and what may be done with it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _
from django.views.decorators.clickjacking import xframe_options_deny

from openbenefits.accounts import clock
from openbenefits.accounts.services import note
from openbenefits.casework.changing import change
from openbenefits.casework.codes import STATUSES, Form, Status
from openbenefits.casework.inquiries import answer, inquiry_of, words_of
from openbenefits.casework.listing import as_frame, category_names, names_of, story, type_names
from openbenefits.casework.models import Ticket
from openbenefits.casework.notices import is_muted, mute
from openbenefits.casework.orders import ChangeOrder, TicketMissing
from openbenefits.casework.rules.assigning import Assignee
from openbenefits.casework.seeing import may_work, require_work, ticket_of
from openbenefits.casework.talking import attach, comment, open_attachment, remove_attachment
from openbenefits.workbench import links
from openbenefits.workbench.casework import words
from openbenefits.workbench.casework.forms import (
    AnswerForm,
    AssignForm,
    ChangeForm,
    CommentForm,
    FileForm,
    read_assignee,
)
from openbenefits.workbench.casework.subjects import place_of
from openbenefits.workbench.pages import act, address, page, show
from openbenefits.workforce.models import Client

MOST_REASON = 500


def _found(request: Any, number: int) -> Ticket:
    try:
        return ticket_of(request.access, number)
    except TicketMissing:
        raise Http404 from None


def noted(request: Any, kind: str, what: str, ticket: Ticket, why: str = "") -> None:
    """Write down what somebody saw of a ticket, or did with it."""
    note(
        request.access,
        kind,
        what,
        client_id=ticket.client_id,
        person_id=ticket.person_id,
        reason=why,
        now=clock.now(),
    )


@page("tickets/<int:number>/", name="ticket", title=_("Task or case"))
def one(request: Any, number: int) -> HttpResponse:
    """Show a task or case with its history; do something with it."""
    ticket = _found(request, number)
    shown: dict[str, Any] = {
        "change": ChangeForm(ticket, prefix="change"),
        "assign": AssignForm(ticket, prefix="assign"),
        "comment": CommentForm(prefix="comment"),
        "answer": AnswerForm(prefix="answer"),
        "attach": FileForm(prefix="attach"),
    }
    status = 200
    if request.method == "POST":
        name = request.POST.get("act", "")
        if name not in ACTS:
            raise Http404
        if name != "mute":
            require_work(request.access, ticket.client_id)
        form = None
        if name in shown:
            form = shown[name] = _posted(request, name, ticket)
        if form is None or form.is_valid():
            return _do(request, ticket, name, form.cleaned_data if form else {}, form)
        status = 422
    noted(request, "saw", "task or case", ticket)
    return _page(request, ticket, shown, status)


def _posted(request: Any, name: str, ticket: Ticket) -> Any:
    if name == "change":
        return ChangeForm(ticket, request.POST, prefix=name)
    if name == "assign":
        return AssignForm(ticket, request.POST, prefix=name)
    if name == "comment":
        return CommentForm(request.POST, prefix=name)
    if name == "answer":
        return AnswerForm(request.POST, prefix=name)
    return FileForm(request.POST, request.FILES, prefix=name)


def _do(request: Any, ticket: Ticket, name: str, said: dict[str, Any], form: Any) -> HttpResponse:
    def do() -> None:
        ACTS[name](request, ticket, said, form)
        noted(request, "did", f"task or case: {name}", ticket, said.get("reason", ""))

    return act(request, do, said=SAID[name], to=address("ticket", number=ticket.pk))


Act = Callable[[Any, Ticket, dict[str, Any], Any], Any]


def _to_status(request: Any, ticket: Ticket, _said: Any, _form: Any) -> None:
    asked = request.POST.get("status", "")
    status = Status(asked) if asked in set(Status) else Status.NEW
    why = request.POST.get("reason", "").replace("\0", "")[:MOST_REASON]
    change(request.access, ticket.pk, ChangeOrder(status=status), reason=why, now=clock.now())


def _take(request: Any, ticket: Ticket, _said: Any, _form: Any) -> None:
    order = ChangeOrder(assigned=Assignee(user_id=request.access.user_id))
    change(request.access, ticket.pk, order, now=clock.now())


def _assign(request: Any, ticket: Ticket, said: dict[str, Any], _form: Any) -> None:
    order = ChangeOrder(assigned=read_assignee(said["assigned"]))
    change(request.access, ticket.pk, order, now=clock.now())


def _change(request: Any, ticket: Ticket, said: dict[str, Any], form: ChangeForm) -> None:
    change(request.access, ticket.pk, form.order(), reason=said["reason"], now=clock.now())


def _comment(request: Any, ticket: Ticket, said: dict[str, Any], _form: Any) -> None:
    comment(request.access, ticket.pk, said["comment"], now=clock.now())


def _answer(request: Any, ticket: Ticket, said: dict[str, Any], _form: Any) -> None:
    answer(request.access, ticket.pk, said["answer"], now=clock.now())


def _attach(request: Any, ticket: Ticket, said: dict[str, Any], _form: Any) -> None:
    attach(request.access, ticket.pk, said["file"].name, said["file"].read(), now=clock.now())


def _remove(request: Any, ticket: Ticket, _said: Any, _form: Any) -> None:
    file = request.POST.get("file", "")
    remove_attachment(request.access, ticket.pk, int(file) if file.isdecimal() else 0, now=clock.now())


def _mark(request: Any, ticket: Ticket, _said: Any, _form: Any) -> None:
    order = ChangeOrder(is_marked=request.POST.get("marked") == "yes")
    change(request.access, ticket.pk, order, now=clock.now())


def _mute(request: Any, ticket: Ticket, _said: Any, _form: Any) -> None:
    mute(request.access, ticket, is_muted=request.POST.get("muted") == "yes")


ACTS: dict[str, Act] = {
    "status": _to_status,
    "take": _take,
    "assign": _assign,
    "change": _change,
    "comment": _comment,
    "answer": _answer,
    "attach": _attach,
    "remove": _remove,
    "mark": _mark,
    "mute": _mute,
}
SAID = {
    "status": _("The status is changed."),
    "take": _("It is yours."),
    "assign": _("It is assigned."),
    "change": _("It is changed."),
    "comment": _("Your comment is kept."),
    "answer": _("The employee reads your answer in the portal."),
    "attach": _("The file is kept."),
    "remove": _("The file is taken away."),
    "mark": _("Whether it is deleted once it is done is changed."),
    "mute": _("What you are told of it is changed."),
}


def _page(request: Any, ticket: Ticket, shown: dict[str, Any], status: int) -> HttpResponse:
    row = as_frame([ticket], clock.today()).row(0, named=True)
    client = Client.objects.filter(pk=ticket.client_id).first()
    code = client.code if client else None
    form = Form(ticket.form)
    told, inquiry = story(ticket), inquiry_of(ticket)
    return show(
        request,
        "workbench/casework/ticket.html",
        title=say("%(form)s %(number)s: %(subject)s")
        % {"form": words.FORMS[form], "number": ticket.pk, "subject": ticket.subject},
        client=client,
        crumbs=[(_("Tasks and cases"), address("tickets", client=code) if code else address("all_tickets"))],
        status=status,
        ticket=ticket,
        row=row,
        form_name=words.FORMS[form],
        status_name=words.STATUSES[ticket.status],
        priority_name=words.PRIORITIES[ticket.priority],
        category_name=category_names().get(ticket.category, ticket.category),
        statuses=[(one, words.STATUSES[one]) for one in STATUSES[form] if one != ticket.status],
        person=links.person(code, row["employee_number"]) if code else None,
        about=place_of(code, ticket.about_kind, ticket.about_key),
        may=may_work(request.access, ticket.client_id),
        is_mine=ticket.assignee_id == request.access.user_id,
        is_muted=is_muted(request.access, ticket),
        forms=shown,
        said_of_employee=words_of(inquiry) if inquiry else None,
        told=told,
        history=_history(told.changes),
        mails=_mails(told.mails),
    )


def _history(changes: list[Any]) -> list[dict[str, Any]]:
    """Answer the acts of a history, the newest first: who, when, why, and each field before and after."""
    users = names_of({int(one) for line in changes for one in _users(line)})
    types = type_names()
    acts: dict[tuple[datetime, str], dict[str, Any]] = {}
    for line in changes:
        found = acts.setdefault(
            (line.at, line.author), {"at": line.at, "author": line.author, "reason": line.reason, "lines": []}
        )
        found["lines"].append(
            {
                "field": words.FIELDS.get(line.field, line.field),
                "before": _said(line.field, line.before, users, types),
                "after": _said(line.field, line.after, users, types),
            }
        )
    return list(acts.values())[::-1]


def _users(line: Any) -> list[str]:
    if line.field not in words.USERS:
        return []
    return [one for said in (line.before, line.after) for one in said.split(",") if one]


def _said(field: str, value: str, users: Any, types: Any) -> str:
    """Say a value of the history in words."""
    if field in words.USERS:
        return ", ".join(users.get(int(one), one) for one in value.split(",") if one)
    if field in ("status", "opened"):
        return str(words.STATUSES.get(value, value))
    if field == "kind":
        return next((name for (_category, code), name in types.items() if code == value), value)
    return str(words.PRIORITIES.get(value, value)) if field == "priority" else value


def _mails(mails: list[Any]) -> list[dict[str, Any]]:
    users = names_of({one.user_id for one in mails})
    return [{"at": one.at, "user": users.get(one.user_id), "fate": one.fate} for one in mails]


@page("tickets/<int:number>/files/<int:file>", name="ticket_file", title=_("File of a task or case"))
@xframe_options_deny
def file_of(request: Any, number: int, file: int) -> HttpResponse:
    """Open a file that was put to a task or case."""
    ticket = _found(request, number)
    try:
        opened = open_attachment(request.access, number, file)
    except TicketMissing:
        raise Http404 from None
    noted(request, "saw", "file of a task or case", ticket)
    answer = HttpResponse(opened.content, content_type=opened.media_type)
    answer["Content-Disposition"] = f'attachment; filename="{opened.name}"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
