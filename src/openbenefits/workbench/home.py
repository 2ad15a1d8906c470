"""Where one begins: what needs a person today."""

from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from openbenefits.reports.services import schedule_summary
from openbenefits.workbench.pages import Section, address, client_of, page, same_page, show
from openbenefits.workbench.sheets import Column, sheet

SCHEDULES = (
    Column("client", _("Client"), href=lambda row: address("client", client=row["client"])),
    Column("schedule_name", _("Schedule")),
    Column("events", _("Events"), kind="number"),
    Column("open", _("Open"), kind="number"),
    Column("closed", _("Closed"), kind="number"),
    Column("percent_final", _("Final, %"), kind="number"),
)


@page("", name="home", title=_("Today"), section=Section.TODAY)
def home(request: Any) -> HttpResponse:
    """Show what needs a person today, at all clients."""
    rows = schedule_summary(connection)
    schedules = sheet(request, rows, SCHEDULES, name="schedules", caption=_("Schedules"))
    if (file := schedules.export()) is not None:
        return file
    return show(request, "workbench/home/home.html", title=_("Today"), schedules=schedules)


@page("<client:client>/", name="client", title=_("Overview"), section=Section.TODAY)
def of_client(request: Any, client: str) -> HttpResponse:
    """Show what needs a person today, at one client."""
    found = client_of(request, client)
    rows = schedule_summary(connection)
    mine = rows.filter(client=found.code)
    schedules = sheet(request, mine, SCHEDULES, name="schedules", caption=_("Schedules"))
    if (file := schedules.export()) is not None:
        return file
    return show(request, "workbench/home/home.html", title=found.name, client=found, schedules=schedules)


@page("go", name="go", title=_("Change the client"))
def go(request: Any) -> HttpResponse:
    """Go to the same page of another client, as the list above the navigation asks."""
    code = client_of(request, request.GET.get("client", "")).code
    return redirect(same_page(request.GET.get("page", "client"), code))
