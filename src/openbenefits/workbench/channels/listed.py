"""The channels of a client or of the PEO; one of them in words."""

from typing import Any

import polars as pl
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts.roles import Permission
from openbenefits.store.isolation import PEO
from openbenefits.workbench.channels import words
from openbenefits.workbench.channels.holders import Holder, channel_of, holder_of, last_version, may_write
from openbenefits.workbench.channels.trying import TryForm
from openbenefits.workbench.pages import Section, page, show
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workflow import models
from openbenefits.workflow.channels import stored

COLUMNS = {
    "code": pl.String,
    "name": pl.String,
    "owner": pl.String,
    "playbook": pl.String,
    "runs": pl.String,
    "written": pl.Int32,
}


@page(
    "<client:client>/channels/",
    name="channels",
    title=_("Channels"),
    section=Section.PROCESS,
)
def of_client(request: Any, client: str) -> HttpResponse:
    """List the channels that run for a client: its own and the PEO's."""
    return _list(request, holder_of(request, client))


@page("channels/", name="peo_channels", title=_("Channels of the PEO"), section=Section.PROCESS, of_peo=True)
def of_peo(request: Any) -> HttpResponse:
    """List the channels of the PEO, which run for every client."""
    return _list(request, holder_of(request, None))


def _list(request: Any, holder: Holder) -> HttpResponse:
    found = models.Channel.objects.filter(client_id__in={PEO, holder.client_id}).order_by(
        "code", "-client_id"
    )
    last = {
        one["channel_id"]: one["version"]
        for one in models.ChannelVersion.objects.filter(channel__in=found)
        .order_by("version")
        .values("channel_id", "version")
    }
    own = {one.code for one in found if one.client_id == holder.client_id}
    rows = [
        (
            one.code,
            one.name,
            _owner(one, holder, own),
            one.playbook or None,
            f"version {one.published}" if one.published else "not published",
            last.get(one.pk),
        )
        for one in found
    ]
    columns = (
        Column("name", _("Channel"), href=lambda row: holder.address("channel", code=row["code"])),
        Column("owner", _("Of")),
        Column("playbook", _("Playbook")),
        Column("runs", _("Runs"), kind="status"),
        Column("written", _("Last version"), kind="number"),
    )
    table = sheet(
        request,
        pl.DataFrame(rows, schema=COLUMNS, orient="row"),
        columns,
        name="channels",
        caption=_("Channels"),
        empty=_("There is no channel yet. Take over the playbooks that come with the product, or write one."),
    )
    if (file := table.export()) is not None:
        return file
    return show(
        request,
        "workbench/channels/list.html",
        title=_("Channels") if holder.client else _("Channels of the PEO"),
        client=holder.client,
        channels=table,
        may_write=may_write(request, holder),
        new=holder.address("new_channel"),
        ship=holder.address("ship_channels") if holder.client is None else None,
        dead=models.DeadLetter.objects.filter(client_id=holder.client_id, state="dead").count(),
        holder=holder,
    )


def _owner(one: models.Channel, holder: Holder, own: set[str]) -> str:
    if one.client_id == holder.client_id and holder.client is not None:
        return "the client"
    return "the PEO, replaced" if one.code in own and holder.client is not None else "the PEO"


@page("<client:client>/channels/of/<str:code>/", name="channel", title=_("Channel"))
def of_client_one(request: Any, client: str, code: str) -> HttpResponse:
    """Show a channel in words, with its versions and what may be done with it."""
    return _one(request, holder_of(request, client), code)


@page("channels/of/<str:code>/", name="peo_channel", title=_("Channel"), of_peo=True)
def of_peo_one(request: Any, code: str) -> HttpResponse:
    """Show a channel of the PEO in words."""
    return _one(request, holder_of(request, None), code)


def _one(request: Any, holder: Holder, code: str) -> HttpResponse:
    kept = channel_of(holder, code)
    versions = list(kept.versions.order_by("-version"))
    asked = request.GET.get("version", "")
    shown = next((one for one in versions if str(one.version) == asked), last_version(kept))
    channel = stored(shown.document)
    is_own = kept.client_id == holder.client_id
    return show(
        request,
        "workbench/channels/channel.html",
        title=kept.name,
        client=holder.client,
        crumbs=[(_("Channels"), holder.address("channels"))],
        kept=kept,
        shown=shown,
        versions=versions,
        channel=channel,
        trigger=words.trigger(channel),
        conditions=words.conditions(channel, channel.conditions, channel.expression),
        withdrawn=words.conditions(channel, channel.withdrawn_when, ""),
        items=[words.item(channel, one) for one in channel.items],
        may_write=is_own and may_write(request, holder),
        may_copy=not is_own and may_write(request, holder),
        may_start=holder.client is not None
        and kept.published is not None
        and request.access.may(Permission.PROCESS, holder.client_id),
        edit=holder.address("edit_channel", code=code),
        publish=holder.address("publish_channel", code=code),
        start=holder.address("start_channel", code=code) if holder.client else None,
        form=TryForm() if holder.client else None,
        bench=holder.address("bench", code=code) if holder.client else None,
        log=holder.address("channel_log") + f"?log.f_channel={code}" if holder.client else None,
        of_client=channel.kind == "client",
    )
