"""How far playbooks are: of a client, step × due × done by, and whether data bears it out; of all clients."""

from datetime import timedelta
from typing import Any

import polars as pl
from django.db import connection
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.workbench import links
from openbenefits.workbench.channels.holders import holder_of
from openbenefits.workbench.charts import Bar, bars
from openbenefits.workbench.desks.parts import day_asked, noted
from openbenefits.workbench.pages import Section, page, show
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workflow.progress import STANDS, progress, summary

PROVED = {True: _("yes"), False: _("not yet")}
OVER = {True: _("yes"), False: _("no")}
BACK = timedelta(days=400)
"""So far back playbooks of all clients are looked at: a year, and what began before it."""


@page("<client:client>/playbooks/", name="playbooks", title=_("Playbooks"), section=Section.PROCESS)
def of_client(request: Any, client: str) -> HttpResponse:
    """Show every step of the playbooks of a client."""
    holder = holder_of(request, client)
    today = day_asked(request)
    steps = progress(connection, holder.client_id, today=today)
    counts = dict(steps.group_by("stands").agg(pl.len()).iter_rows())
    columns = (
        Column("playbook", _("Playbook")),
        Column("step", _("Step")),
        Column("subject", _("Task"), href=lambda row: links.found("ticket", number=row["ticket"])),
        Column(
            "employee_number", _("Employee"), href=lambda row: links.person(client, row["employee_number"])
        ),
        Column("due_on", _("Due"), kind="day"),
        Column("stands", _("Stands"), kind="status"),
        Column("done_on", _("Done on"), kind="day"),
        Column("done_by", _("Done by")),
        Column("is_proved", _("Borne out by data"), words=PROVED),
        Column("told", _("What data says")),
    )
    table = sheet(
        request,
        steps,
        columns,
        name="steps",
        caption=_("Steps of playbooks"),
        empty=_("No playbook has begun. Publish its channel; the first steps come with what happens."),
    )
    if (file := table.export()) is not None:
        return file
    noted(request, "saw", "progress of playbooks", holder.client_id)
    drawn = bars(
        [Bar(label=one, value=counts.get(one, 0), href=table.with_settings(f_stands=one)) for one in STANDS],
        caption=_("Steps by how they stand"),
    )
    return show(
        request,
        "workbench/channels/playbooks.html",
        title=_("Playbooks"),
        client=holder.client,
        steps=table,
        bars=drawn if steps.height else None,
    )


@page("playbooks/", name="all_playbooks", title=_("Playbooks of all clients"), section=Section.PROCESS)
def of_all(request: Any) -> HttpResponse:
    """Show how far each playbook of each client is: hundreds of them, each by days of its own."""
    today = day_asked(request)
    steps = progress(connection, None, today=today, since=today - BACK, is_proving=False)
    rows = summary(steps).sort("is_over", "due_on", "client", nulls_last=True)
    rows = rows.with_columns(pl.col("client").fill_null(""))

    def where(row: Any) -> str | None:
        return links.found("playbooks", client=row["client"]) if row["client"] else None

    columns = (
        Column("client", _("Client"), href=where, words={"": _("the PEO")}),
        Column("name", _("Playbook")),
        Column("employee_number", _("Employee")),
        Column("begun_on", _("Begun"), kind="day"),
        Column("due_on", _("Next due"), kind="day"),
        Column("steps", _("Steps"), kind="number"),
        Column("done", _("Done"), kind="number"),
        Column("open", _("Open"), kind="number"),
        Column("overdue", _("Overdue"), kind="number"),
        Column("to_come", _("To come"), kind="number"),
        Column("is_over", _("Over"), words=OVER),
    )
    table = sheet(
        request,
        rows,
        columns,
        name="playbooks",
        caption=_("Playbooks, by client and what set them off"),
        empty=_("No playbook has begun in the last 400 days."),
    )
    if (file := table.export()) is not None:
        return file
    is_late = rows.filter(rows["overdue"] > 0).height
    is_open = rows.filter(~rows["is_over"]).height
    drawn = bars(
        [
            Bar(label=str(_("with a step overdue")), value=is_late, tone="bad"),
            Bar(label=str(_("open, in time")), value=is_open - is_late, tone="waiting"),
            Bar(label=str(_("over")), value=rows.height - is_open, tone="good"),
        ],
        caption=_("Playbooks by how they stand"),
    )
    return show(
        request,
        "workbench/channels/playbooks.html",
        title=_("Playbooks of all clients"),
        steps=table,
        bars=drawn if rows.height else None,
    )
