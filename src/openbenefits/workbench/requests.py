"""Long work: how far a request is, what came of it, and how it is stopped."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts.services import note
from openbenefits.background.models import ProcessRequest
from openbenefits.background.services import ENDED, kind_of, stop
from openbenefits.workbench.pages import act, address, page, show


@page("requests/<int:number>/", name="request", title=_("Request"))
def process_request(request: Any, number: int) -> HttpResponse:
    """Show how far a request is; what asks by htmx gets the part that changes."""
    found = _find(number)
    told: dict[str, Any] = {"work": found, "kind": kind_of(found.kind).name, "is_ended": found.state in ENDED}
    if request.htmx:
        answer = render(request, "workbench/parts/progress.html", told)
        if told["is_ended"]:
            answer["HX-Refresh"] = "true"  # what the page shows beside it has changed, too
        return answer
    return show(request, "workbench/requests/request.html", title=_("Request"), **told)


@page("requests/<int:number>/stop", name="stop_request", title=_("Stop a request"))
@require_POST
def stop_request(request: Any, number: int) -> HttpResponse:
    """Ask for a stop."""
    found = _find(number)

    def do() -> None:
        stop(found, request.access)
        note(request.access, "did", "stop a request", client_id=found.client_id, now=timezone.now())

    return act(request, do, said=_("It stops at the next step."), to=address("request", number=number))


def _find(number: int) -> ProcessRequest:
    found = ProcessRequest.objects.filter(pk=number).first()
    if found is None:
        raise Http404
    return found
