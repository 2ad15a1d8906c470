"""The board: tasks, or cases, by status; each card is moved by its buttons, the keyboard, or dragged."""

from typing import Any

from django.http import HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.services import note
from openbenefits.casework.changing import change
from openbenefits.casework.codes import STATUSES, Form, Status
from openbenefits.casework.listing import Lane, board
from openbenefits.casework.orders import ChangeOrder, TicketRefused
from openbenefits.casework.seeing import may_work, ticket_of
from openbenefits.store.isolation import PEO
from openbenefits.workbench.casework import words
from openbenefits.workbench.casework.columns import to_ticket
from openbenefits.workbench.casework.listed import wanted_of
from openbenefits.workbench.pages import Section, act, address, client_of, page, show
from openbenefits.workforce.models import Client

SETTINGS = ("whose", "priority", "due", "category", "queue", "text")


def _board(request: Any, client: Client | None) -> HttpResponse:
    said = request.GET.get("form", "")
    form = Form(said) if said in set(Form) else Form.TASK
    told = {name: request.GET.get(name, "") for name in SETTINGS}
    wanted = wanted_of(told, request.access.user_id, client.pk if client else None)
    lanes = board(request.access, form, wanted, clock.today())
    note(request.access, "saw", "board", client_id=client.pk if client else PEO, now=clock.now())
    return show(
        request,
        "workbench/casework/board.html",
        title=_("Board"),
        client=client,
        form=form,
        forms=words.FORMS,
        whose=told["whose"],
        lanes=[_lane(request, lane, place, form) for place, lane in enumerate(lanes)],
        here=request.get_full_path(),
    )


def _lane(request: Any, lane: Lane, place: int, form: Form) -> dict[str, Any]:
    beside = STATUSES[form]
    before = beside[place - 1] if place else None
    after = beside[place + 1] if place + 1 < len(beside) else None
    cards = [
        row
        | {
            "href": to_ticket(row),
            "priority_name": words.PRIORITIES[row["priority"]],
            "may": may_work(request.access, row["client_id"]),
        }
        for row in lane.tickets.to_dicts()
    ]
    return {
        "status": lane.status,
        "name": words.STATUSES[lane.status],
        "cards": cards,
        "total": lane.total,
        "more": lane.total - len(cards),
        "before": (before, words.STATUSES[before]) if before else None,
        "after": (after, words.STATUSES[after]) if after else None,
    }


@page("board/", name="all_board", title=_("Board"), section=Section.WORK)
def everywhere(request: Any) -> HttpResponse:
    """Show the tasks, or cases, of all clients one may see, by status."""
    return _board(request, None)


@page("<client:client>/board/", name="board", title=_("Board of the client"), section=Section.WORK)
def of_client(request: Any, client: str) -> HttpResponse:
    """Show the tasks, or cases, of a client by status."""
    return _board(request, client_of(request, client))


@page("board/move", name="move", title=_("Move a card"))
@require_POST
def move(request: Any) -> HttpResponse:
    """Move a ticket to another status."""
    back = request.POST.get("back", "")
    to = (
        back
        if url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
        else address("all_board")
    )

    def do() -> None:
        number, status = request.POST.get("number", ""), request.POST.get("status", "")
        if not number.isdecimal() or status not in set(Status):
            raise TicketRefused("expected a card and a column of the board, found neither; choose both")
        ticket = ticket_of(request.access, int(number))
        change(request.access, ticket.pk, ChangeOrder(status=Status(status)), now=clock.now())
        note(
            request.access,
            "did",
            "move a task or case",
            client_id=ticket.client_id,
            person_id=ticket.person_id,
            now=clock.now(),
        )

    return act(request, do, said=_("Moved."), to=to)
