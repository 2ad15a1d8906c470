"""Activity in review: what waits to become an event, and what an administrator does about it."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import polars as pl
from django.contrib import messages
from django.db import connection
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.events.activity import (
    ActivityPlace,
    admit_activity,
    delete_activity,
    enter_activity,
    prove_activity,
    waiting_activity,
)
from openbenefits.payroll.frames import load_employee_numbers
from openbenefits.programs.frames import load_setup
from openbenefits.review.services import passive_events, prepare_activity
from openbenefits.workbench.forms import ReasonForm
from openbenefits.workbench.pages import Section, address, client_of, page, show
from openbenefits.workbench.person.about import (
    MOST_RECORD,
    NUL,
    asked_by,
    author_of,
    noted,
    person_href,
    somebody,
)
from openbenefits.workbench.person.forms import LifeEventForm
from openbenefits.workbench.person.tables import table_of
from openbenefits.workbench.person.trying import attempted
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workforce.models import Person

BLANK = "-"
"""Stands in an address for activity that states no class."""

WAITING = (
    Column("benefit_record", gettext_lazy("Record"), kind="number"),
    Column("event_on", gettext_lazy("Happened on"), kind="day"),
    Column("source", gettext_lazy("Source")),
    Column("event_class", gettext_lazy("Event class")),
    Column("reported_on", gettext_lazy("Reported on"), kind="day"),
    Column("last_day", gettext_lazy("Last day to report"), kind="day"),
    Column("why_held", gettext_lazy("Held because")),
)


@page("<client:client>/activity/", name="activity", title=gettext_lazy("Activity"), section=Section.PROCESS)
def activity(request: Any, client: str) -> HttpResponse:
    """List what has not become an event yet, and why, if the next run does not take it."""
    found = client_of(request, client)
    rows = waiting_activity(connection, found.pk)
    numbers = load_employee_numbers(connection, found.pk)
    named = rows.join(numbers, on="person_id", how="left", maintain_order="left")

    def href(row: Mapping[str, Any]) -> str:
        return _href(client, row)

    columns = (Column("employee_number", gettext_lazy("Employee"), href=href), *WAITING)
    shown = sheet(
        request,
        named,
        columns,
        name="activity",
        caption=_("Waits to become an event"),
        empty=_("Nothing waits: every fact reported is an event already."),
    )
    if (file := shown.export()) is not None:
        return file
    return show(request, "workbench/person/list.html", title=_("Activity"), client=found, listed=shown)


def _href(client: str, row: Mapping[str, Any]) -> str:
    return address(
        "one-activity",
        client=client,
        number=row["employee_number"],
        record=row["benefit_record"],
        on=row["event_on"].isoformat(),
        source=row["source"],
        stated=row["bas_action"] or BLANK,
        sequence=row["sequence"],
    )


ONE = (
    "<client:client>/people/<number:number>/activity/"
    "<int:record>/<str:on>/<str:source>/<str:stated>/<int:sequence>/"
)
Work = Callable[..., Any]
ACTS: dict[str, tuple[Any, Work]] = {
    "admit": (gettext_lazy("Admit it"), admit_activity),
    "prove": (gettext_lazy("Record that its proof was seen"), prove_activity),
    "delete": (gettext_lazy("Delete it"), delete_activity),
}


@page(ONE, name="one-activity", title=gettext_lazy("Waiting activity"))
def one_activity(
    request: Any, client: str, number: str, record: int, on: str, source: str, stated: str, sequence: int
) -> HttpResponse:
    """Show one activity that waits; admit it, record its proof, delete it, or process it at once."""
    found = client_of(request, client)
    person = somebody(found, number)
    place = _place(person, record, on, source, stated, sequence)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        answer = _acted(request, found.code, person, place, form)
        if answer is not None:
            return answer
    noted(request, "saw", "waiting activity", person)
    rows = waiting_activity(connection, found.pk).filter(**place.key())
    return show(
        request,
        "workbench/person/one_activity.html",
        title=_("Waiting activity of %(number)s") % {"number": number},
        client=found,
        crumbs=[(_("Activity"), address("activity", client=client))],
        form=form,
        waits=rows.row(0, named=True) if rows.height else None,
        acts=[(name, text) for name, (text, _work) in ACTS.items()],
        may_elect=request.access.may(Permission.ELECT, found.pk),
        may_process=request.access.may(Permission.PROCESS, found.pk),
        number=number,
    )


def _place(person: Person, record: int, on: str, source: str, stated: str, sequence: int) -> ActivityPlace:
    if NUL in f"{source}{stated}" or max(record, sequence) > MOST_RECORD:
        raise Http404
    try:
        day = date.fromisoformat(on)
    except ValueError as wrong:
        raise Http404 from wrong
    return ActivityPlace(
        client_id=person.client_id,
        person_id=person.pk,
        event_on=day,
        bas_action="" if stated == BLANK else stated,
        source=source,
        benefit_record=record,
        sequence=sequence,
    )


def _acted(request: Any, client: str, person: Person, place: ActivityPlace, form: Any) -> HttpResponse | None:
    """Do what was asked; None where it could not be, and the form says why."""
    asked, reason = request.POST.get("act", ""), form.cleaned_data["reason"]
    if asked == "process":
        request.access.require(Permission.PROCESS, person.client_id)
        done = attempted(
            form, lambda: prepare_activity(connection, place, _maintenance(person), asked_by(request))
        )
        if done is None:
            return None
        noted(request, "did", "activity processed", person, reason=reason)
        messages.success(request, _("An event was made of it, and prepared."))
        return redirect(person_href(client, person.employee_number))
    if asked not in ACTS:
        raise Http404
    request.access.require(Permission.ELECT, person.client_id)
    work = ACTS[asked][1]
    told = {"reason": reason, "author": author_of(request), "now": clock.now()}
    if attempted(form, lambda: work(connection, place, **told)) is None:
        return None
    noted(request, "did", f"activity: {asked}", person, reason=reason)
    messages.success(request, _("Done. The next run of event maintenance goes by it."))
    return redirect(address("activity", client=client))


def _maintenance(person: Person) -> int:
    """The schedule that takes what is picked by hand: event maintenance, if the activity has none yet."""
    rows = load_setup(connection, [person.client_id])["schedule"].filter(
        pl.col("client_id") == person.client_id, pl.col("kind") == "E"
    )
    if rows.is_empty():
        raise LookupError("expected a schedule of event maintenance, found none; set one up first")
    return int(rows["schedule_id"][0])


@page(
    "<client:client>/people/<number:number>/life-event/",
    name="life-event",
    title=gettext_lazy("Report a life event"),
    permission=Permission.ELECT,
)
def life_event(request: Any, client: str, number: str) -> HttpResponse:
    """Enter a life event by hand; it waits for event maintenance, or is processed at once."""
    found = client_of(request, client)
    person = somebody(found, number)
    rows = load_setup(connection, [found.pk])["event_class"].filter("is_manual_allowed").sort("code")
    classes = rows.unique("code", keep="first", maintain_order=True).select("code", "name")
    choices = [(code, f"{code} {name}") for code, name in classes.iter_rows()]
    form = LifeEventForm(request.POST or None, classes=choices, initial={"benefit_record": 0})
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        place = ActivityPlace(
            client_id=found.pk,
            person_id=person.pk,
            event_on=said["on"],
            bas_action=said["event_class"],
            benefit_record=said["benefit_record"],
        )
        told = {"reason": said["reason"], "author": author_of(request), "now": clock.now()}
        if attempted(form, lambda: enter_activity(connection, place, **told)) is not None:
            noted(request, "did", "life event entered", person, reason=said["reason"])
            messages.success(request, _("Entered. Process it at once below, or leave it to the next run."))
            key = {"employee_number": number, "sequence": 0, "source": place.source} | place.key()
            return redirect(_href(client, key))
    return show(
        request,
        "workbench/person/plain.html",
        title=_("Report a life event of %(number)s") % {"number": number},
        client=found,
        crumbs=[(number, person_href(client, number))],
        form=form,
        button=_("Enter it"),
    )


@page(
    "<client:client>/passive/", name="passive", title=gettext_lazy("Passive events"), section=Section.PROCESS
)
def passive(request: Any, client: str) -> HttpResponse:
    """Show which days of passive events were processed when, and whom each run triggered."""
    found = client_of(request, client)
    told = passive_events(connection, found.pk)
    columns = [Column(name, name.replace("_", " ").capitalize()) for name in told["Triggered"].columns]
    shown = sheet(
        request,
        told["Triggered"],
        columns,
        name="triggered",
        caption=_("Whom ages and lengths of service triggered"),
        empty=_("Nobody yet. Let a run control of passive events run."),
    )
    if (file := shown.export()) is not None:
        return file
    runs = table_of(told["Runs"], _("Runs of passive events, the last first"), empty=_("None yet."))
    return show(
        request,
        "workbench/person/list.html",
        title=_("Passive events"),
        client=found,
        listed=shown,
        below=[runs],
    )
