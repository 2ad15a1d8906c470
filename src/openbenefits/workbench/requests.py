"""Long work: how far a request is, what came of it, and how it is stopped."""

from collections.abc import Mapping
from typing import Any

from django.db import connection
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import note
from openbenefits.background.frames import last_requests
from openbenefits.background.models import ProcessRequest
from openbenefits.background.services import ENDED, kind_of, runs_of, stop
from openbenefits.runs.models import Run
from openbenefits.store.isolation import PEO
from openbenefits.workbench import links
from openbenefits.workbench.pages import Section, act, address, page, show
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workforce.models import Client


@page("requests/<int:number>/", name="request", title=_("Request"))
def process_request(request: Any, number: int) -> HttpResponse:
    """Show how far a request is; what asks by htmx gets the part that changes."""
    found = _find(request, number)
    told: dict[str, Any] = {"work": found, "kind": kind_of(found.kind).name, "is_ended": found.state in ENDED}
    if request.htmx:
        answer = render(request, "workbench/parts/progress.html", told)
        if told["is_ended"]:
            answer["HX-Refresh"] = "true"  # what the page shows beside it has changed, too
        return answer
    client = Client.objects.filter(pk=found.client_id).first()
    told |= {"made": made_by(found), "rest": {name: found.result[name] for name in _rest(found.result)}}
    title = say("Request %(number)s") % {"number": number}
    crumbs = [(_("Asked of the worker"), address("requests"))]
    return show(request, "workbench/requests/request.html", title=title, client=client, crumbs=crumbs, **told)


LAST = 500
REQUESTS = (
    Column("number", _("Request"), kind="number", href=lambda row: address("request", number=row["number"])),
    Column("client", _("Client")),
    Column("kind", _("What")),
    Column("state", _("State"), kind="status"),
    Column("done", _("Done"), kind="number"),
    Column("total", _("Of"), kind="number"),
    Column("told", _("What was said")),
    Column("author", _("By")),
    Column("asked_at", _("Asked"), kind="moment"),
    Column("ended_at", _("Ended"), kind="moment"),
)


@page("requests/", name="requests", title=_("Asked of the worker"), section=Section.PROCESS)
def process_requests(request: Any) -> HttpResponse:
    """List what was asked of the worker last, and how far each is."""
    may = request.access.may(Permission.SEE, PEO)
    rows = last_requests(connection, with_peo=may, most=LAST)
    empty = _("Nothing has been asked for. Runs, rehearsals and statements in bulk appear here.")
    shown = sheet(request, rows, REQUESTS, name="requests", caption=_("The last requests"), empty=empty)
    if (file := shown.export()) is not None:
        return file
    return show(request, "workbench/requests/list.html", title=_("Asked of the worker"), requests=shown)


MADE = ("run", "rehearsal", "clients", "state", "carrier_file", "comparison")
"""What of a result is said by links."""


def _rest(result: Mapping[str, Any]) -> list[str]:
    return [name for name in result if name not in MADE and result[name] is not None]


def made_by(found: ProcessRequest) -> list[tuple[str, str]]:
    """Answer what a request has made, each with the page that shows it: runs, and a rehearsal."""
    numbers = {*runs_of(found), *([found.result["run"]] if found.result.get("run") else [])}
    codes = dict(Client.objects.values_list("pk", "code")) if numbers or found.result else {}
    runs = Run.objects.filter(pk__in=numbers, bundle_client__in=codes).order_by("pk")
    made = [
        (
            say("Run %(number)s: %(state)s") % {"number": run.pk, "state": run.state},
            address("run", client=codes[run.bundle_client], number=run.pk),
        )
        for run in runs
    ]
    number, client = found.result.get("rehearsal"), codes.get(found.client_id)
    if number and client and (href := links.found("rehearsal", client=client, number=number)):
        made.append((say("Rehearsal %(number)s") % {"number": number}, href))
    elif number and found.client_id == PEO:
        href = address("rehearsal_of_all", number=number)
        made.append((say("Rehearsal %(number)s") % {"number": number}, href))
    if number := found.result.get("comparison"):
        of_client = codes.get(found.client_id)
        where = {"client": of_client} if of_client else {}
        href = address("match" if of_client else "prospect_match", number=number, **where)
        made.append((say("Comparison %(number)s") % {"number": number}, href))
    if file := found.result.get("carrier_file"):
        made.append((say("Carrier file %(number)s") % {"number": file}, address("carrier_file", number=file)))
    return made


@page("requests/<int:number>/stop", name="stop_request", title=_("Stop a request"))
@require_POST
def stop_request(request: Any, number: int) -> HttpResponse:
    """Ask for a stop."""
    found = _find(request, number)

    def do() -> None:
        stop(found, request.access)
        note(request.access, "did", "stop a request", client_id=found.client_id, now=clock.now())

    return act(request, do, said=_("It stops at the next step."), to=address("request", number=number))


def _find(request: Any, number: int) -> ProcessRequest:
    found = ProcessRequest.objects.filter(pk=number).first()
    if found is None or not request.access.may(Permission.SEE, found.client_id):
        raise Http404  # what is asked for the PEO is read by everybody, and is for who is of it
    return found
