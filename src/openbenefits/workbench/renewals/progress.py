"""Who has elected at renewal, and who has not; what was elected."""

from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.services import note
from openbenefits.renewals.progress import (
    COMPLETED,
    NOT_ELIGIBLE,
    NOT_STARTED,
    UNDER_WAY,
    counted,
    elections_of_plans,
    open_enrollments,
    who_has_elected,
)
from openbenefits.workbench import links
from openbenefits.workbench.charts import Bar, bars
from openbenefits.workbench.desks.parts import plan_types
from openbenefits.workbench.pages import Section, client_of, page, show
from openbenefits.workbench.sheets import Column, sheet

GROUPS = {
    NOT_STARTED: _("not started"),
    UNDER_WAY: _("in progress"),
    COMPLETED: _("completed"),
    NOT_ELIGIBLE: _("not eligible"),
}


@page(
    "<client:client>/renewals/progress/",
    name="renewal_progress",
    title=_("Who has elected"),
    section=Section.RENEWALS,
)
def progress(request: Any, client: str) -> HttpResponse:
    """Show who has elected in an open enrolment, counted and by person, and what was elected."""
    found = client_of(request, client)
    names = open_enrollments(connection, client)
    asked = request.GET.get("schedule", "")
    chosen = int(asked) if asked.isdigit() and int(asked) in names else max(names, default=None)
    ids = [] if chosen is None else [chosen]
    people = who_has_elected(connection, found.pk, ids)
    note(request.access, "saw", "renewal progress", client_id=found.pk, now=clock.now())
    who = sheet(
        request, people, _people(client), name="people", caption=_("People"), empty=_("Nobody is in it.")
    )
    elected = sheet(
        request,
        elections_of_plans(connection, found.pk, ids),
        ELECTED,
        name="elected",
        caption=_("What was elected"),
        empty=_("Nothing was elected yet."),
    )
    for table in (who, elected):
        if (file := table.export()) is not None:
            return file
    row = counted(people).row(0, named=True) if people.height else {}
    tones = {COMPLETED: "good", UNDER_WAY: "waiting", NOT_STARTED: "bad", NOT_ELIGIBLE: "plain"}
    drawn = [
        Bar(words, row.get(group.replace(" ", "_"), 0), who.with_settings(f_group=group), tones[group])  # type: ignore[arg-type]
        for group, words in GROUPS.items()
    ]
    return show(
        request,
        "workbench/renewals/progress.html",
        title=_("Who has elected"),
        client=found,
        names=names,
        chosen=chosen,
        row=row,
        bars=bars(drawn, caption=_("People of this open enrolment")),
        people=who,
        elected=elected,
    )


def _people(client: str) -> tuple[Column, ...]:
    return (
        Column("employee_number", _("Employee"), href=links.to_person(client)),
        Column("name", _("Name")),
        Column("enrollment_type", _("Kind")),
        Column("group", _("How far"), kind="status", words=GROUPS),
        Column("status", _("Status")),
        Column("entered", _("Entered"), kind="number"),
        Column("choices", _("Choices"), kind="number"),
        Column("starts", _("From"), kind="day"),
        Column("ends", _("To"), kind="day"),
        Column("effective", _("Effective"), kind="day"),
        Column("last_activity", _("Last activity"), kind="day"),
        Column("confirmation", _("Confirmation"), kind="number"),
        Column("data_error", _("Data error")),
    )


ELECTED = (
    Column("employee_number", _("Employee")),
    Column("name", _("Name")),
    Column("plan_type", _("Category"), words=plan_types()),
    Column("plan", _("Plan")),
    Column("tier", _("Covers")),
    Column("is_waived", _("Waived"), words={True: _("yes"), False: _("no")}),
    Column("effective", _("Effective"), kind="day"),
    Column("pledge_cents", _("Flexible spending"), kind="money"),
)
