"""Leaves without pay: how somebody pays for coverage meanwhile."""

from typing import Any

import polars as pl
from django.contrib import messages
from django.db import connection
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.core.codes import LeaveWay
from openbenefits.payroll.leaves import Leave, choose, standings
from openbenefits.workbench.pages import client_of, page, show
from openbenefits.workbench.person.about import author_of, noted, person_href, somebody
from openbenefits.workbench.person.forms import LeaveForm
from openbenefits.workbench.person.tables import table_of
from openbenefits.workbench.person.trying import attempted

SHOWN = ("benefit_record", "leave_from", "policy", "way", "oldest_due_on", "may_end_on", "standing")


@page("<client:client>/people/<number:number>/leave/", name="person_leaves", title=gettext_lazy("Leave"))
def leave(request: Any, client: str, number: str) -> HttpResponse:
    """Show somebody's leaves without pay, and record how coverage is paid for during one."""
    found = client_of(request, client)
    person = somebody(found, number)
    rows = standings(connection, found.pk, clock.today()).filter(pl.col("employee_number") == number)
    begins = [f"{row['leave_from']}/{row['benefit_record']}" for row in rows.iter_rows(named=True)]
    form = LeaveForm(
        request.POST or None,
        leaves=[(text, text.split("/")[0]) for text in begins],
        initial={"on": clock.today()},
    )
    may_choose = request.access.may(Permission.PAYROLL, found.pk)
    if request.method == "POST":
        request.access.require(Permission.PAYROLL, found.pk)
        if form.is_valid() and _chosen(request, person, rows, begins, form):
            messages.success(request, _("Recorded."))
            return redirect(person_href(client, number))
    noted(request, "saw", "leaves", person)
    return show(
        request,
        "workbench/person/leave.html",
        title=_("Leaves without pay of %(number)s") % {"number": number},
        client=found,
        crumbs=[(number, person_href(client, number))],
        form=form if may_choose and begins else None,
        leaves=table_of(rows.select(SHOWN), _("Leaves"), empty=_("Nobody recorded a leave without pay.")),
    )


def _chosen(request: Any, person: Any, rows: pl.DataFrame, begins: list[str], form: Any) -> bool:
    said = form.cleaned_data
    picked = rows.row(begins.index(said["leave_from"]), named=True)
    one = Leave(
        client_id=person.client_id,
        person_id=person.pk,
        benefit_record=picked["benefit_record"],
        leave_from=picked["leave_from"],
    )
    told = {"on": said["on"], "consent": said["consent"], "through": said["through"]}
    told |= {"author": author_of(request), "now": clock.now()}
    done = attempted(form, lambda: (choose(connection, one, LeaveWay(said["way"]), **told), True))
    if done is not None:
        noted(request, "did", "way of paying during a leave", person, reason=said["consent"])
    return done is not None
