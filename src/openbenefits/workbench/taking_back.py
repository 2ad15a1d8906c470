"""A run taken back: what it would lead back, and what would differ, before it is asked for."""

from datetime import date
from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import note
from openbenefits.core.faults import message_of
from openbenefits.reports.rehearsals import differences_table
from openbenefits.runs import looking
from openbenefits.runs.taking_back import KINDS, deltas
from openbenefits.workbench import links
from openbenefits.workbench.asking import asked
from openbenefits.workbench.forms import ReasonForm
from openbenefits.workbench.pages import address, client_of, is_refusal, page, show
from openbenefits.workbench.runs import PATH, find_run
from openbenefits.workbench.sheets import Column, Sheet, sheet
from openbenefits.workforce.models import Client

MOST_COMPARED = 2_000
"""People whose coverage and deductions are compared while somebody waits for the page."""
DIFFERENCES = (
    Column("benefit_record", _("Benefit record"), kind="number"),
    Column("plan", _("Plan type")),
    Column("from_day", _("From"), kind="day"),
    Column("before", _("Now")),
    Column("after", _("Without the run")),
    Column("pay_before", _("A pay, now")),
    Column("pay_after", _("A pay, without")),
    Column("year_before", _("The year, now")),
    Column("year_after", _("The year, without")),
)


@page(PATH + "take-back/", name="take_back_run", title=_("Take back"), permission=Permission.REPAIR)
def take_back(request: Any, client: str, number: int) -> HttpResponse:
    """Show what taking a run back leads back and what would differ; ask for it with a reason."""
    mine = client_of(request, client)
    run = find_run(mine, number)
    form = ReasonForm(request.POST or None)
    here = address("run", client=mine.code, number=number)
    if request.method == "POST" and form.is_valid():
        told = {"run": number, "reason": form.cleaned_data["reason"]}
        return asked(request, mine, "take back", told, said="take a run back", back=here)
    counts = looking.made_by(connection, mine.pk, run.pk)
    differences, why_not = _compared(request, mine, run, counts)
    if differences is not None and (file := differences.export()) is not None:
        return file
    note(request.access, "saw", "what taking a run back changes", client_id=mine.pk, now=clock.now())
    return show(
        request,
        "workbench/runs/take_back.html",
        title=say("Take run %(number)s back") % {"number": run.pk},
        client=mine,
        crumbs=[
            (_("Runs"), address("runs", client=mine.code)),
            (say("Run %(number)s") % {"number": run.pk}, here),
        ],
        status=422 if form.is_bound else 200,
        run=run,
        counts=counts,
        differences=differences,
        why_not=why_not,
        form=form,
        may=run.state == "done",
    )


def _compared(request: Any, client: Client, run: Any, counts: dict[str, int]) -> tuple[Sheet | None, str]:
    """Compare coverage and deductions with and without the run; where that is not done, say why."""
    if run.kind not in KINDS or run.state != "done":
        return None, say("A run of this kind or state is not compared here.")
    if counts["people"] > MOST_COMPARED:
        return None, say("More than %(most)s people: the comparison is left out.") % {"most": MOST_COMPARED}
    year = run.as_of.year
    span = {"begin": date(year, 1, 1), "through": date(year + 1, 12, 31)}
    try:
        rows = differences_table(connection, deltas(connection, run.pk, now=clock.now(), **span))
    except (ValueError, LookupError) as fault:
        if not is_refusal(fault):
            raise
        return None, message_of(fault)
    columns = (Column("employee_number", _("Employee"), href=links.to_person(client.code)), *DIFFERENCES)
    caption = _("What would differ without the run")
    empty = _("Nothing would differ in anybody's coverage or deductions.")
    return sheet(request, rows, columns, name="differences", caption=caption, empty=empty), ""
