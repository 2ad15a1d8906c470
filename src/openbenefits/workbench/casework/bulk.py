"""Many tickets changed at once: first how many it would change, then the act."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import note
from openbenefits.casework.changing import change_all, would_change
from openbenefits.casework.listing import MOST, found
from openbenefits.casework.models import Ticket
from openbenefits.casework.orders import TicketRefused
from openbenefits.casework.seeing import clients_with, may_work, require_work, visible
from openbenefits.workbench.casework.forms import BulkForm
from openbenefits.workbench.casework.listed import wanted_of
from openbenefits.workbench.pages import act, address, client_of, page, show


@page("tickets/change", name="change_tickets", title=_("Change many"))
@require_POST
def change_many(request: Any) -> HttpResponse:
    """Say how many tickets a change would be one of; with `sure`, change them."""
    back = request.POST.get("back", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = address("all_tickets")
    clients = [one for one in clients_with(request.access, Permission.SEE) if may_work(request.access, one)]
    form = BulkForm(clients, request.POST)
    numbers = _numbers(request)
    if not numbers or not form.is_valid():
        messages.error(request, _wrong(form, numbers))
        return redirect(back)
    order, why = form.order(), form.cleaned_data["reason"]
    if request.POST.get("sure") == "yes":
        return act(
            request,
            lambda: _change(request, numbers, order, why),
            said=_("They are changed. Each has it in its history."),
            to=back,
        )
    try:
        would = would_change(request.access, numbers, order, now=clock.now())
    except TicketRefused as refused:
        messages.error(request, str(refused))
        return redirect(back)
    kept = [(name, request.POST.get(name, "")) for name in form.fields]
    return show(
        request,
        "workbench/casework/bulk.html",
        title=_("Change many"),
        crumbs=[(_("Tasks and cases"), back)],
        would=would,
        total=len(numbers),
        numbers=numbers,
        kept=kept,
        said=[(form.fields[name].label, _shown(form, name)) for name, value in kept if value],
        back=back,
    )


def _wrong(form: BulkForm, numbers: list[int]) -> str:
    if not numbers:
        return say("Expected tasks or cases, found none: tick some, or choose all that are listed.")
    told = [str(one) for lines in form.errors.values() for one in lines]
    return " ".join(told)


def _shown(form: BulkForm, name: str) -> str:
    value = form.cleaned_data[name]
    for code, words in _flat(getattr(form.fields[name], "choices", [])):
        if code == value:
            return str(words)
    return str(value)


def _flat(choices: Any) -> Any:
    for code, words in choices:
        if isinstance(words, list | tuple):
            yield from words
        else:
            yield code, words


def _numbers(request: Any) -> list[int]:
    """Read which tickets are meant: those ticked, or all that the list finds; only those one may see."""
    if request.POST.get("whom") == "everybody":
        asked = QueryDict(request.POST.get("query", ""))
        client = request.POST.get("client", "")
        client_id = client_of(request, client).pk if client else None
        wanted = wanted_of(asked.dict(), request.access.user_id, client_id)
        rows = found(request.access, wanted, clock.today()).order_by("pk")
        return list(rows.values_list("pk", flat=True)[:MOST])
    ticked = [int(one) for one in request.POST.getlist("number") if one.isdecimal() and len(one) < 10]
    seen = Ticket.objects.filter(visible(request.access), pk__in=ticked[:MOST])
    return list(seen.order_by("pk").values_list("pk", flat=True))


def _change(request: Any, numbers: list[int], order: Any, why: str) -> None:
    clients = set(Ticket.objects.filter(pk__in=numbers).values_list("client_id", flat=True))
    for client_id in clients:
        require_work(request.access, client_id)
    change_all(request.access, numbers, order, reason=why, now=clock.now())
    for client_id in sorted(clients):
        note(
            request.access,
            "did",
            "change many tasks and cases",
            client_id=client_id,
            reason=why,
            now=clock.now(),
        )
