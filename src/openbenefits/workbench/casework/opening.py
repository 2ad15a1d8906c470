"""A ticket is opened by hand: at a client, about a person or record, or for the PEO itself."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import note
from openbenefits.casework.opening import open_case, open_task
from openbenefits.casework.orders import CaseOrder, Subject, TaskOrder, TicketRefused
from openbenefits.casework.seeing import require_work
from openbenefits.store.isolation import PEO
from openbenefits.workbench.casework.forms import NewForm, read_assignee
from openbenefits.workbench.pages import address, client_of, page, show
from openbenefits.workforce.models import Client

TOLD = ("form", "subject", "type", "priority", "person", "about")
"""What a link may fill in before."""


@page("<client:client>/tickets/new", name="new_ticket", title=_("Open a task or case"))
def at_client(request: Any, client: str) -> HttpResponse:
    """Open a task or case of a client."""
    return _new(request, client_of(request, client))


@page(
    "tickets/new",
    name="new_ticket_of_peo",
    title=_("Open a task or case of the PEO"),
    permission=Permission.SETUP,
    of_peo=True,
)
def of_peo(request: Any) -> HttpResponse:
    """Open a task or case of the PEO itself."""
    return _new(request, None)


def _new(request: Any, client: Client | None) -> HttpResponse:
    client_id = client.pk if client else PEO
    require_work(request.access, client_id)
    told = {name: request.GET[name] for name in TOLD if name in request.GET}
    form = NewForm(client_id, request.POST or None, initial={"type": "general/"} | told)
    if request.method == "POST" and form.is_valid():
        try:
            number = _open(request, client_id, form.cleaned_data)
        except TicketRefused as refused:
            form.add_error(None, str(refused))
        else:
            return redirect(address("ticket", number=number))
    return show(
        request,
        "workbench/casework/new.html",
        title=say("Open a task or case"),
        client=client,
        crumbs=[
            (
                _("Tasks and cases"),
                address("tickets", client=client.code) if client else address("all_tickets"),
            )
        ],
        form=form,
        status=422 if form.errors else 200,
    )


def _open(request: Any, client_id: int, said: dict[str, Any]) -> int:
    category, _slash, kind = said["type"].partition("/")
    about_kind, _colon, about_key = said["about"].partition(":")
    order = {
        "client_id": client_id,
        "subject": said["subject"],
        "body": said["body"],
        "category": category,
        "kind": kind,
        "priority": said["priority"] or None,
        "assigned": read_assignee(said["assigned"]),
        "due_on": said["due_on"],
        "person_id": said["person"],
        "about": Subject(kind=about_kind, key=about_key) if about_key else None,
    }
    if said["form"] == "case":
        made: Any = open_case(request.access, CaseOrder(**order), now=clock.now())
    else:
        made = open_task(request.access, TaskOrder(**order), now=clock.now())
    note(
        request.access,
        "did",
        f"open a {made.form}",
        client_id=client_id,
        person_id=made.person_id,
        now=clock.now(),
    )
    return int(made.pk)
