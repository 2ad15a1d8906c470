"""A channel as a form of rows. What it cannot say (conditions of single items) stays as it was."""

from collections.abc import Mapping
from typing import Any

import msgspec
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.casework.models import Category, Queue, TeamRole, TicketType
from openbenefits.core.pipelines import Pipeline
from openbenefits.programs.findings import Finding
from openbenefits.workbench.channels.holders import Holder, channel_of, holder_of, last_version
from openbenefits.workbench.channels.stating import CONDITIONS, ITEMS, conditions_shown, items_shown, stated
from openbenefits.workbench.desks.parts import noted
from openbenefits.workbench.pages import page, show
from openbenefits.workflow import services
from openbenefits.workflow.acts import ACTS
from openbenefits.workflow.checks import CHECKS
from openbenefits.workflow.kinds import KINDS, kind_of
from openbenefits.workflow.reading import read
from openbenefits.workflow.rules.conditions import Operator

SETUP = Permission.SETUP
EMPTY: dict[str, Any] = {"channel": "", "name": "", "kind": "job", "on": {}, "items": []}


@page("<client:client>/channels/new", name="new_channel", title=_("New channel"), permission=SETUP)
def of_client_new(request: Any, client: str) -> HttpResponse:
    """Write a new channel of a client."""
    return _edit(request, holder_of(request, client), None)


@page("channels/new", name="peo_new_channel", title=_("New channel"), permission=SETUP, of_peo=True)
def of_peo_new(request: Any) -> HttpResponse:
    """Write a new channel of the PEO."""
    return _edit(request, holder_of(request, None), None)


@page(
    "<client:client>/channels/of/<str:code>/edit",
    name="edit_channel",
    title=_("Edit a channel"),
    permission=SETUP,
)
def of_client(request: Any, client: str, code: str) -> HttpResponse:
    """Write the next version of a client's channel; one of the PEO's becomes the client's own."""
    return _edit(request, holder_of(request, client), code)


@page(
    "channels/of/<str:code>/edit",
    name="peo_edit_channel",
    title=_("Edit a channel"),
    permission=SETUP,
    of_peo=True,
)
def of_peo(request: Any, code: str) -> HttpResponse:
    """Write the next version of a channel of the PEO."""
    return _edit(request, holder_of(request, None), code)


def _edit(request: Any, holder: Holder, code: str | None) -> HttpResponse:
    base = dict(EMPTY)
    if code is not None:
        base = dict(last_version(channel_of(holder, code)).document)
        if holder.client is not None:
            base.pop("clients", None)
    told: Mapping[str, Any] = base
    faults: list[str] = []
    if request.method == "POST":
        told = stated(request.POST, base) | ({"channel": code} if code else {})
        is_more = request.POST.get("do") == "more"
        faults = [] if is_more else _written(request, holder, told)
        if not faults and not is_more:
            return redirect(holder.address("channel", code=told["channel"]))
    return _form(request, holder, code, told, faults)


def _written(request: Any, holder: Holder, told: Mapping[str, Any]) -> list[str]:
    """Store what was stated; answer what is wrong with it, in words."""
    try:
        channel = read(told)
    except msgspec.ValidationError as fault:
        return [str(fault)]
    try:
        made = services.write(
            request.access, holder.client_id, channel, author=request.user.username, now=clock.now()
        )
    except services.ChannelRefused as refused:
        return [_said(one) for one in refused.findings] or [str(refused)]
    noted(request, "did", "channel written", holder.client_id)
    messages.success(
        request, _("Version %(number)s is kept; it runs once it is published.") % {"number": made.version}
    )
    return []


def _said(one: Finding) -> str:
    return f"{one.where}: expected {one.expected}, found {one.found}."


def _form(
    request: Any, holder: Holder, code: str | None, told: Mapping[str, Any], faults: list[str]
) -> HttpResponse:
    kind = KINDS.get(str(told.get("kind", ""))) or kind_of("job")
    fields = [(name, one.title, one.type) for name, one in kind.fields.items()]
    dotted = [(name, title) for name, title, _type in fields]
    for relation, related in kind.related.items():
        dotted += [
            (f"{relation}.{name}", f"{one.title} ({relation})")
            for name, one in kind_of(related.kind).fields.items()
        ]
    schedule = told.get("schedule") or {}
    way = "by_hand" if told.get("by_hand") else "on" if told.get("on") is not None else "schedule"
    ways = (told.get("on") or {}).get("pipelines") or [one for one in Pipeline if one is not Pipeline.SILENT]
    return show(
        request,
        "workbench/channels/edit.html",
        title=_("Edit a channel") if code else _("New channel"),
        client=holder.client,
        crumbs=[(_("Channels"), holder.address("channels"))],
        status=422 if faults else 200,
        faults=faults,
        code=code,
        told=told,
        way=way,
        on=told.get("on") or {},
        schedule=schedule,
        pipelines=[(str(one), str(one) in map(str, ways)) for one in Pipeline if one is not Pipeline.SILENT],
        kinds=[(one.name, one.title) for one in KINDS.values()],
        fields=fields,
        days=[(name, title) for name, title, type_ in fields if type_ == "day"],
        dotted=dotted,
        operators=list(Operator),
        conditions=conditions_shown(told),
        items=items_shown(told),
        lists={
            "roles": list(TeamRole.objects.filter(is_off=False).values_list("code", flat=True)),
            "queues": list(Queue.objects.filter(is_off=False).values_list("code", flat=True)),
            "categories": list(Category.objects.filter(is_off=False).values_list("code", flat=True)),
            "types": list(TicketType.objects.exclude(code="").values_list("code", flat=True).distinct()),
            "acts": sorted(ACTS),
        },
        checks=[(one.name, one.title) for one in CHECKS.values()],
        most_conditions=CONDITIONS,
        most_items=ITEMS,
    )
