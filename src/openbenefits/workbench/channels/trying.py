"""The test bench: what a channel would have done in days that are past."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.db import connection
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.core.faults import message_of
from openbenefits.workbench import links
from openbenefits.workbench.channels.holders import Holder, channel_of, holder_of, last_version
from openbenefits.workbench.desks.parts import noted, numbers_of
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.pages import page, show
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workflow import models
from openbenefits.workflow.bench import FOUND, BenchRefused, Tried, bench
from openbenefits.workflow.channels import stored
from openbenefits.workflow.deciding import Reading

MONTH = timedelta(days=30)


class TryForm(forms.Form):
    """The days a channel is tried on."""

    begin = forms.DateField(label=_("From"), widget=DayInput(), initial=lambda: clock.today() - MONTH)
    through = forms.DateField(label=_("Through"), widget=DayInput(), initial=clock.today)


@page("<client:client>/channels/of/<str:code>/bench/", name="bench", title=_("Test bench"))
def of_client(request: Any, client: str, code: str) -> HttpResponse:
    """Show what a channel would have done; nothing is written."""
    import polars as pl

    holder = holder_of(request, client)
    kept = channel_of(holder, code)
    form = TryForm(request.GET if "begin" in request.GET else None)
    tried, fault = Tried(found=pl.DataFrame(schema=FOUND), notes=[]), ""
    if form.is_bound and form.is_valid():
        try:
            tried = _tried(request, holder, kept, **form.cleaned_data)
        except BenchRefused as refused:
            fault = message_of(refused)
    numbers = numbers_of(holder.client_id, tried.found)
    found = tried.found.with_columns(
        employee_number=pl.col("person_id").replace_strict(numbers, default=None, return_dtype=pl.String)
    )
    table = sheet(
        request,
        found,
        _columns(client),
        name="found",
        caption=_("What it would have done"),
        empty=_("Nothing in these days. Choose others."),
    )
    if (file := table.export()) is not None:
        return file
    noted(request, "saw", "test bench of a channel", holder.client_id)
    return show(
        request,
        "workbench/channels/bench.html",
        title=_("Test bench: %(name)s") % {"name": kept.name},
        client=holder.client,
        crumbs=[
            (_("Channels"), holder.address("channels")),
            (kept.name, holder.address("channel", code=code)),
        ],
        form=form,
        fault=fault,
        found=table if form.is_bound and form.is_valid() and not fault else None,
        counts=tried.counts(),
        notes=tried.notes,
        status=422 if form.is_bound and not form.is_valid() else 200,
    )


def _tried(request: Any, holder: Holder, kept: models.Channel, begin: date, through: date) -> Tried:
    """Try the last version of a channel.

    Errors: BenchRefused; also where it looks at health data, and who asks may not see it.
    """
    channel = stored(last_version(kept).document)
    if Reading(channel).is_health and not request.access.may(Permission.SEE_HEALTH, holder.client_id):
        raise BenchRefused("expected somebody who may see health data, which this channel looks at")
    return bench(connection, channel, holder.client_id, begin, through)


def _columns(client: str) -> tuple[Column, ...]:
    return (
        Column("at", _("When"), kind="moment"),
        Column("key", _("Key")),
        Column(
            "employee_number", _("Employee"), href=lambda row: links.person(client, row["employee_number"])
        ),
        Column("item", _("Item")),
        Column("outcome", _("Outcome"), kind="status"),
        Column("made", _("What would have been made")),
        Column("why", _("Why")),
    )
