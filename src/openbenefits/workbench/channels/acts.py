"""What is done with channels: published, ended, started by hand, taken over; dead letters ordered again."""

from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.workbench.channels.holders import Holder, holder_of
from openbenefits.workbench.desks.parts import noted
from openbenefits.workbench.pages import act, page
from openbenefits.workflow import models, services
from openbenefits.workflow.shipped_channels import take_over

SETUP = Permission.SETUP


@page(
    "<client:client>/channels/of/<str:code>/publish",
    name="publish_channel",
    title=_("Publish a channel"),
    permission=SETUP,
)
@require_POST
def of_client(request: Any, client: str, code: str) -> HttpResponse:
    """Let a version of a client's channel run, or let it run no more."""
    return _publish(request, holder_of(request, client), code)


@page(
    "channels/of/<str:code>/publish",
    name="peo_publish_channel",
    title=_("Publish a channel"),
    permission=SETUP,
    of_peo=True,
)
@require_POST
def of_peo(request: Any, code: str) -> HttpResponse:
    """Let a version of a channel of the PEO run, or let it run no more."""
    return _publish(request, holder_of(request, None), code)


def _publish(request: Any, holder: Holder, code: str) -> HttpResponse:
    wanted = request.POST.get("version", "")
    is_end = request.POST.get("do") == "end"

    def do() -> None:
        if is_end:
            services.unpublish(request.access, holder.client_id, code)
        else:
            services.publish(
                request.access,
                holder.client_id,
                code,
                author=request.user.username,
                now=clock.now(),
                version=int(wanted) if wanted.isdecimal() else None,
            )
        noted(request, "did", "channel ended" if is_end else "channel published", holder.client_id)

    said = _("It runs no more.") if is_end else _("It runs from now on.")
    return act(request, do, said=said, to=holder.address("channel", code=code))


@page(
    "<client:client>/channels/of/<str:code>/start",
    name="start_channel",
    title=_("Start a channel"),
    permission=Permission.PROCESS,
)
@require_POST
def start(request: Any, client: str, code: str) -> HttpResponse:
    """Start a channel by hand for a record."""
    holder = holder_of(request, client)
    key = request.POST.get("record", "").strip() or str(holder.client_id)
    made = 0

    def do() -> None:
        nonlocal made
        made = services.start(
            request.access,
            connection,
            holder.client_id,
            code,
            key,
            today=clock.today(),
            now=clock.now(),
            user_id=request.user.pk,
        )
        noted(request, "did", "channel started by hand", holder.client_id)

    said = _("Started; the log says what it made.")
    return act(request, do, said=said, to=holder.address("channel", code=code))


@page(
    "channels/ship", name="peo_ship_channels", title=_("Take over playbooks"), permission=SETUP, of_peo=True
)
@require_POST
def ship(request: Any) -> HttpResponse:
    """Store and publish the playbooks that come with the product."""
    holder = holder_of(request, None)

    def do() -> None:
        take_over(request.access, author=request.user.username, now=clock.now())
        noted(request, "did", "playbooks taken over", holder.client_id)

    return act(request, do, said=_("The playbooks run."), to=holder.address("channels"))


@page("<client:client>/channels/dead/act", name="dead_act", title=_("Dead letters"), permission=SETUP)
@require_POST
def dead(request: Any, client: str) -> HttpResponse:
    """Order dead letters again, or give them up."""
    holder = holder_of(request, client)
    numbers = [int(one) for one in request.POST.getlist("id") if one.isdecimal()]
    is_drop = request.POST.get("do") == "drop"

    def do() -> None:
        letters = models.DeadLetter.objects.filter(client_id=holder.client_id, pk__in=numbers)
        if not numbers or letters.count() != len(set(numbers)):
            raise services.ChannelMissing(
                "expected dead letters of this client, found none picked; pick some"
            )
        for letter in letters:
            if is_drop:
                services.drop(request.access, letter, now=clock.now())
            else:
                services.order_again(request.access, letter)
        noted(
            request, "did", "dead letters given up" if is_drop else "dead letters ordered", holder.client_id
        )

    said = _("Given up.") if is_drop else _("Ordered again; the worker does it next.")
    return act(request, do, said=said, to=holder.address("dead_letters"))
