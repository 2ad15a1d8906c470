"""How far the playbooks of a client are: step × due × done by, and whether data bears it out."""

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
from openbenefits.workflow.progress import STANDS, progress

PROVED = {True: _("yes"), False: _("not yet")}


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
        Column(
            "subject", _("Task"), href=lambda row: links.found("ticket", client=client, number=row["ticket"])
        ),
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
