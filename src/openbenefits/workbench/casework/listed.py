"""Lists of tickets: of a client, of all, one's own, those that wait in a queue."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import note
from openbenefits.casework.codes import Form, Priority, Scope, Status
from openbenefits.casework.listing import Wanted, queues, tickets
from openbenefits.casework.models import Queue
from openbenefits.casework.notices import follow, followed
from openbenefits.casework.seeing import clients_with, may_work
from openbenefits.store.isolation import PEO
from openbenefits.workbench.casework.columns import columns
from openbenefits.workbench.casework.forms import BulkForm, NarrowForm
from openbenefits.workbench.pages import Section, act, address, client_of, page, show
from openbenefits.workbench.sheets import Column, Sheet, sheet
from openbenefits.workforce.models import Client

EMPTY = _("No task or case is like that.")


def wanted_of(said: Mapping[str, str], user_id: int, client_id: int | None) -> Wanted:
    """Read from the settings of an address which tickets are asked for; nonsense is nothing."""
    form = NarrowForm(said)
    form.is_valid()
    asked = form.cleaned_data
    done = {"done": True, "both": None}.get(asked.get("done", ""), False)
    status = Status(asked["status"]) if asked.get("status") else None
    return Wanted(
        client_id=client_id,
        form=Form(asked["form"]) if asked.get("form") else None,
        status=status,
        priority=Priority(asked["priority"]) if asked.get("priority") else None,
        category=asked.get("category") or None,
        queue=asked.get("queue") or None,
        assignee_id=user_id if asked.get("whose") == "mine" else None,
        is_unassigned=asked.get("whose") == "nobody",
        due=asked.get("due") or None,
        text=asked.get("text", ""),
        is_done=None if status is not None else done,
    )


def table_of(
    request: Any, wanted: Wanted, *, name: str, caption: Any, picks: bool = False, empty: Any = EMPTY
) -> tuple[Sheet, int]:
    """Show the tickets asked for as a table, and say how many there are in all."""
    rows, total = tickets(request.access, wanted, clock.today())
    told = sheet(
        request,
        rows,
        columns(with_client=wanted.client_id is None),
        name=name,
        caption=caption,
        empty=empty,
        picks="number" if picks else None,
    )
    return told, total


def _list(
    request: Any, client: Client | None, *, title: Any, preset: Mapping[str, str] | None = None
) -> HttpResponse:
    said = {**{name: request.GET.get(name, "") for name in NarrowForm.base_fields}, **(preset or {})}
    wanted = wanted_of(said, request.access.user_id, client.pk if client else None)
    clients = [client.pk] if client else clients_with(request.access, Permission.SEE)
    may = any(may_work(request.access, one) for one in clients)
    table, total = table_of(request, wanted, name="tickets", caption=_("Tasks and cases"), picks=may)
    if (file := table.export()) is not None:
        return file
    note(request.access, "saw", "tasks and cases", client_id=client.pk if client else PEO, now=clock.now())
    return show(
        request,
        "workbench/casework/list.html",
        title=title,
        client=client,
        tickets=table,
        total=total,
        narrow=NarrowForm(said),
        is_preset=preset is not None,
        bulk=BulkForm(clients) if may and table.whole else None,
        query=urlencode({name: value for name, value in said.items() if value}),
        may_open=client is not None and may_work(request.access, client.pk),
    )


@page("tickets/", name="all_tickets", title=_("Tasks and cases"), section=Section.WORK)
def everywhere(request: Any) -> HttpResponse:
    """List the tasks and cases of all clients one may see, the most urgent first."""
    return _list(request, None, title=_("Tasks and cases"))


@page(
    "<client:client>/tickets/",
    name="tickets",
    title=_("Tasks and cases of the client"),
    section=Section.WORK,
)
def of_client(request: Any, client: str) -> HttpResponse:
    """List the tasks and cases of a client, the most urgent first."""
    return _list(request, client_of(request, client), title=_("Tasks and cases"))


@page("mine/", name="mine", title=_("My work"), section=Section.WORK)
def mine(request: Any) -> HttpResponse:
    """List what one has to do, what one answers for, and what one follows."""
    me = request.access.user_id
    own, total = table_of(
        request,
        Wanted(assignee_id=me),
        name="mine",
        caption=_("Assigned to me"),
        empty=_("Nothing is assigned to you. A queue may hold something to take."),
    )
    owned, _total = table_of(request, Wanted(owner_id=me), name="owned", caption=_("I answer for"))
    for table in (own, owned):
        if (file := table.export()) is not None:
            return file
    note(request.access, "saw", "my work", client_id=PEO, now=clock.now())
    named = dict(
        Client.objects.filter(pk__in=[number for _, number in followed(request.access)]).values_list(
            "pk", "code"
        )
    )
    return show(
        request,
        "workbench/casework/mine.html",
        title=_("My work"),
        own=own,
        owned=owned,
        total=total,
        follows=[(scope, named.get(number), number) for scope, number in followed(request.access)],
        scopes={str(scope) for scope, _number in followed(request.access)},
    )


@page("mine/follow", name="follow", title=_("Follow"))
@require_POST
def follow_clients(request: Any) -> HttpResponse:
    """Be told of all tickets of some clients by mail, or no more."""
    said = request.POST.get("scope", "")
    if said not in set(Scope):
        raise Http404
    code = request.POST.get("client", "")
    client_id = client_of(request, code).pk if said == Scope.CLIENT else PEO
    is_following = request.POST.get("end") is None

    def do() -> None:
        follow(request.access, Scope(said), client_id, is_following=is_following)
        note(request.access, "did", "follow tasks and cases", client_id=client_id, now=clock.now())

    told = _("You are told of them by mail from now on.") if is_following else _("You are told no more.")
    return act(request, do, said=told, to=address("tickets", client=code) if code else address("mine"))


@page("queues/", name="queues", title=_("Queues"), section=Section.WORK)
def all_queues(request: Any) -> HttpResponse:
    """List the queues with what waits in each."""
    rows = queues(request.access, clock.today())
    shown = sheet(
        request,
        rows,
        (
            Column("name", _("Queue"), href=lambda row: address("queue", code=row["queue"])),
            Column("open", _("Waiting"), kind="number"),
            Column("overdue", _("Overdue"), kind="number"),
            Column("critical", _("Critical"), kind="number"),
            Column("oldest", _("Oldest since"), kind="moment"),
        ),
        name="queues",
        caption=_("Queues"),
    )
    if (file := shown.export()) is not None:
        return file
    return show(request, "workbench/casework/queues.html", title=_("Queues"), queues=shown)


@page("queues/<str:code>/", name="queue", title=_("Queue"))
def queue(request: Any, code: str) -> HttpResponse:
    """List what waits in a queue for somebody to take it."""
    found = Queue.objects.filter(code=code).first()
    if found is None:
        raise Http404
    preset = {"queue": code, "whose": "nobody"}
    return _list(request, None, title=say("Queue: %(name)s") % {"name": found.name}, preset=preset)
