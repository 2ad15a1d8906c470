"""What channels looked at and why nothing, or something, came of it; what could not be done."""

from typing import Any

import polars as pl
from django.db import connection
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts.roles import Permission
from openbenefits.workbench import links
from openbenefits.workbench.channels.holders import holder_of, may_write
from openbenefits.workbench.desks.parts import noted, numbers_of
from openbenefits.workbench.pages import Section, page, show
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workflow import models
from openbenefits.workflow.log import load_log

MOST = 5_000
DEAD: dict[str, Any] = {
    "id": pl.Int64,
    "at": pl.Datetime("us", "UTC"),
    "channel": pl.String,
    "item": pl.String,
    "kind": pl.String,
    "key": pl.String,
    "person_id": pl.Int64,
    "told": pl.String,
    "attempts": pl.Int32,
    "state": pl.String,
}


@page(
    "<client:client>/channels/log/", name="channel_log", title=_("Log of channels"), section=Section.PROCESS
)
def log(request: Any, client: str) -> HttpResponse:
    """Show the last lines of the log, with filters."""
    holder = holder_of(request, client)
    health = request.access.may(Permission.SEE_HEALTH, holder.client_id)
    rows = load_log(connection, holder.client_id, most=MOST, health=health)
    columns = (
        Column("at", _("When"), kind="moment"),
        Column("channel", _("Channel"), href=lambda row: holder.address("channel", code=row["channel"])),
        Column("item", _("Item")),
        Column("kind", _("Record")),
        Column("key", _("Key")),
        Column(
            "employee_number", _("Employee"), href=lambda row: links.person(client, row["employee_number"])
        ),
        Column("outcome", _("Outcome"), kind="status"),
        Column("why", _("Why, or what was made")),
        Column("cause", _("Because of")),
    )
    table = sheet(
        request,
        rows,
        columns,
        name="log",
        caption=_("What channels looked at"),
        empty=_("No channel has looked at anything yet. Publish one; the worker looks at what changes."),
    )
    if (file := table.export()) is not None:
        return file
    noted(request, "saw", "log of channels", holder.client_id)
    return show(
        request,
        "workbench/channels/log.html",
        title=_("Log of channels"),
        client=holder.client,
        crumbs=[(_("Channels"), holder.address("channels"))],
        log=table,
        most=MOST if rows.height >= MOST else 0,
    )


@page("<client:client>/channels/dead/", name="dead_letters", title=_("Dead letters of channels"))
def dead(request: Any, client: str) -> HttpResponse:
    """List what could not be done, to be ordered again or given up."""
    holder = holder_of(request, client)
    frame = _letters(request, holder)
    may = may_write(request, holder)
    table = sheet(
        request,
        frame,
        _dead_columns(client),
        name="dead",
        caption=_("What could not be done"),
        empty=_("Nothing: whatever channels made was made."),
        picks="id" if may else None,
    )
    if (file := table.export()) is not None:
        return file
    noted(request, "saw", "dead letters", holder.client_id)
    return show(
        request,
        "workbench/channels/dead.html",
        title=_("Dead letters of channels"),
        client=holder.client,
        crumbs=[(_("Channels"), holder.address("channels"))],
        dead=table,
        may_write=may,
    )


def _letters(request: Any, holder: Any) -> pl.DataFrame:
    """List the letters of channels whose doings somebody may see, with employee numbers."""
    channels = dict(models.Channel.objects.values_list("pk", "code"))
    hidden = set()
    if not request.access.may(Permission.SEE_HEALTH, holder.client_id):
        hidden = set(models.Channel.objects.filter(is_health=True).values_list("pk", flat=True))
    letters = models.DeadLetter.objects.filter(client_id=holder.client_id, state__in=("dead", "waiting"))
    rows = [
        {
            **{name: getattr(one, name) for name in DEAD if name != "channel"},
            "channel": channels.get(one.channel_id),
        }
        for one in letters.order_by("-pk")[:MOST]
        if one.channel_id not in hidden
    ]
    frame = pl.DataFrame(rows, schema=DEAD, orient="row")
    numbers = numbers_of(holder.client_id, frame)
    return frame.with_columns(
        employee_number=pl.col("person_id").replace_strict(numbers, default=None, return_dtype=pl.String)
    )


def _dead_columns(client: str) -> tuple[Column, ...]:
    return (
        Column("id", _("Number")),
        Column("at", _("When"), kind="moment"),
        Column("channel", _("Channel")),
        Column("item", _("Item")),
        Column("kind", _("Record")),
        Column("key", _("Key")),
        Column(
            "employee_number", _("Employee"), href=lambda row: links.person(client, row["employee_number"])
        ),
        Column("told", _("Why")),
        Column("attempts", _("Tried"), kind="number"),
        Column("state", _("State"), kind="status"),
    )
