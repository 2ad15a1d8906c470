"""Elections: how far a schedule has come, entry by keyboard, person after person, and by participant."""

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
from openbenefits.core.codes import PROCESS_STATUS_NAMES
from openbenefits.enrollment.elections import progress_of
from openbenefits.events.windows import EventPlace
from openbenefits.payroll.frames import load_employee_numbers
from openbenefits.programs.frames import load_codes
from openbenefits.review.entry import FIRST, NothingToEnter, Offer, next_to_enter, offer_of, open_event_of
from openbenefits.review.services import schedule_summary
from openbenefits.workbench.charts import Bar, bars
from openbenefits.workbench.pages import Section, address, client_of, page, show
from openbenefits.workbench.person.about import (
    MOST_NUMBER,
    MOST_RECORD,
    NUL,
    author_of,
    noted,
    some_event,
    somebody,
)
from openbenefits.workbench.person.entering import Entered, entered, shown_of
from openbenefits.workbench.person.event import EVENT, crumbs_of, keyed
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workforce.models import Client, Person

SCHEDULES = (
    Column("schedule", gettext_lazy("Schedule")),
    Column("people", gettext_lazy("People"), kind="number"),
    Column("events", gettext_lazy("Events"), kind="number"),
    Column("waiting", gettext_lazy("Wait for elections"), kind="number"),
)
MOST_PERSON = 2**63 - 1
WAITING = ("PR", "NT", "ET", "EE", "RE")


@page(
    "<client:client>/elections/",
    name="elections",
    title=gettext_lazy("Elections"),
    section=Section.PEOPLE,
)
def elections(request: Any, client: str) -> HttpResponse:
    """List the schedules in which elections are entered."""
    found = client_of(request, client)
    told = schedule_summary(connection, [found.pk])
    at = told["Statuses"].filter(pl.col("process_status").is_in(WAITING))
    waiting = at.group_by("client", "schedule").agg(waiting=pl.col("events").sum())
    rows = (
        told["Schedules"]
        .join(waiting, on=["client", "schedule"], how="left")
        .with_columns(pl.col("waiting").fill_null(0))
    )
    columns = [
        Column(
            SCHEDULES[0].name,
            SCHEDULES[0].title,
            href=lambda row: address("schedule-elections", client=client, schedule=row["schedule"]),
        ),
        *SCHEDULES[1:],
    ]
    shown = sheet(
        request, rows, columns, name="schedules", caption=_("Schedules"), empty=_("No schedule is set up.")
    )
    if (file := shown.export()) is not None:
        return file
    return show(
        request, "workbench/person/elections.html", title=_("Elections"), client=found, schedules=shown
    )


PROGRESS = (
    Column("benefit_record", gettext_lazy("Record"), kind="number"),
    Column("event_number", gettext_lazy("Event"), kind="number"),
    Column("process_status", gettext_lazy("Stands at"), kind="status", words=PROCESS_STATUS_NAMES),
    Column("entered", gettext_lazy("Entered"), kind="number"),
    Column("choices", gettext_lazy("Of"), kind="number"),
)


@page(
    "<client:client>/elections/<str:schedule>/",
    name="schedule-elections",
    title=gettext_lazy("Elections of a schedule"),
)
def of_schedule(request: Any, client: str, schedule: str) -> HttpResponse:
    """Show who has entered how many of his choices; begin to enter by keyboard."""
    found = client_of(request, client)
    schedule_id = _schedule(found, schedule)
    rows = progress_of(connection, schedule_id)
    named = rows.join(load_employee_numbers(connection, found.pk), on="person_id", how="left")

    def href(row: Any) -> str:
        key = {"record": row["benefit_record"], "event": row["event_number"]}
        return address("elect", client=client, number=row["employee_number"], schedule=schedule, **key)

    columns = (Column("employee_number", gettext_lazy("Employee"), href=href), *PROGRESS)
    shown = sheet(
        request,
        named.sort("employee_number"),
        columns,
        name="progress",
        caption=_("Entered so far"),
        empty=_("No event yet: run the schedule through options first."),
    )
    if (file := shown.export()) is not None:
        return file
    return show(
        request,
        "workbench/person/schedule_elections.html",
        title=_("Elections of %(schedule)s") % {"schedule": schedule},
        client=found,
        crumbs=[(_("Elections"), address("elections", client=client))],
        schedule=schedule,
        progress=shown,
        counted=bars(_bars(rows), caption=_("People by what they have entered")),
        may_elect=request.access.may(Permission.ELECT, found.pk),
    )


def _bars(rows: pl.DataFrame) -> list[Bar]:
    asked = rows.filter(pl.col("choices") > 0)
    whole = asked.filter(pl.col("entered") >= pl.col("choices")).height
    some = asked.filter((pl.col("entered") > 0) & (pl.col("entered") < pl.col("choices"))).height
    return [
        Bar(_("all entered"), whole, tone="good"),
        Bar(_("some entered"), some, tone="waiting"),
        Bar(_("nothing entered"), asked.height - whole - some, tone="bad"),
        Bar(_("nothing to choose"), rows.height - asked.height),
    ]


def _schedule(client: Client, code: str) -> int:
    found = load_codes(connection, client.pk, "schedule").filter(code=code)
    if found.is_empty():
        raise Http404
    return int(found["id"][0])


# --- by keyboard --------------------------------------------------------------------------------------------


@page(
    "<client:client>/elections/<str:schedule>/enter/",
    name="enter-next",
    title=gettext_lazy("Enter elections"),
    permission=Permission.ELECT,
)
def enter_next(request: Any, client: str, schedule: str) -> HttpResponse:
    """Go to whoever waits next in a schedule, or to the number somebody types."""
    found = client_of(request, client)
    schedule_id = _schedule(found, schedule)
    wanted = request.GET.get("number", "").replace(NUL, "").strip()
    if wanted:
        return _go_to(request, found, schedule, schedule_id, wanted)
    place = next_to_enter(connection, found.pk, schedule_id, _after(request))
    if place is None:
        messages.info(request, _("Nobody further waits for elections in this schedule."))
        return redirect(address("schedule-elections", client=client, schedule=schedule))
    return redirect(_enter_href(found, schedule, place))


def _go_to(request: Any, client: Client, schedule: str, schedule_id: int, number: str) -> HttpResponse:
    person = Person.objects.filter(client_id=client.pk, employee_number=number).first()
    place = open_event_of(client.pk, schedule_id, person.pk) if person else None
    if place is None:
        said = _(
            "Expected the number of somebody with an open event in this schedule, found none. Correct it."
        )
        messages.error(request, said)
        return redirect(address("schedule-elections", client=client.code, schedule=schedule))
    return redirect(_enter_href(client, schedule, place))


def _after(request: Any) -> tuple[int, int, int]:
    parts = request.GET.get("after", "").split("-")
    if len(parts) != len(FIRST) or not all(part.isdecimal() for part in parts):
        return FIRST
    person, record, event = (int(part) for part in parts)
    return min(person, MOST_PERSON), min(record, MOST_RECORD), min(event, MOST_NUMBER)


def _enter_href(client: Client, schedule: str, place: EventPlace) -> str:
    number = Person.objects.filter(client_id=client.pk, pk=place.person_id).values_list(
        "employee_number", flat=True
    )
    return address(
        "enter",
        client=client.code,
        schedule=schedule,
        number=number[0],
        record=place.benefit_record,
        event=place.event_number,
    )


def _next_href(client: Client, schedule: str, place: EventPlace) -> str:
    after = f"{place.person_id}-{place.benefit_record}-{place.event_number}"
    return f"{address('enter-next', client=client.code, schedule=schedule)}?after={after}"


@page(
    "<client:client>/elections/<str:schedule>/enter/<number:number>/<int:record>/<int:event>/",
    name="enter",
    title=gettext_lazy("Enter elections"),
    permission=Permission.ELECT,
)
def enter(request: Any, client: str, schedule: str, number: str, record: int, event: int) -> HttpResponse:
    """Enter one person's elections by keyboard; Enter saves them and goes on to the next."""
    found = client_of(request, client)
    person = somebody(found, number)
    place = some_event(person, schedule, record, event)
    offer = _offer(place)
    told = _entered(request, person, offer)
    after = _next_href(found, schedule, place)
    if request.method == "POST" and told.is_whole:
        saved = _offer(place)
        said = _("%(number)s: entered %(entered)d of %(choices)d.")
        messages.success(
            request, said % {"number": number, "entered": saved.entered, "choices": saved.choices}
        )
        return redirect(after)
    return show(
        request,
        "workbench/person/enter.html",
        title=_("Enter elections: %(number)s %(name)s") % {"number": number, "name": offer.name},
        client=found,
        crumbs=[
            (_("Elections"), address("elections", client=client)),
            (schedule, address("schedule-elections", client=client, schedule=schedule)),
        ],
        offer=_offer(place) if told.saved else offer,
        told=told,
        after=after,
        schedule=schedule,
    )


def _offer(place: EventPlace) -> Offer:
    try:
        return offer_of(connection, place)
    except NothingToEnter as nothing:
        raise Http404(str(nothing)) from nothing


def _entered(request: Any, person: Person, offer: Offer) -> Entered:
    if request.method != "POST":
        noted(request, "saw", "elections entry", person)
        return Entered(plans=shown_of(offer), received_on=clock.today())
    told = entered(request, offer, author_of(request))
    if told.saved:
        noted(request, "did", "elections entered", person)
    return told


# --- by participant -----------------------------------------------------------------------------------------


@page(EVENT + "elect/", name="elect", title=gettext_lazy("Enter elections"), permission=Permission.ELECT)
def elect(request: Any, client: str, number: str, schedule: str, record: int, event: int) -> HttpResponse:
    """Enter the elections of an event with options, prices and dependents to pick from."""
    found = client_of(request, client)
    person = somebody(found, number)
    place = some_event(person, schedule, record, event)
    offer = _offer(place)
    told = _entered(request, person, offer)
    key = keyed(found, person, schedule, place)
    if request.method == "POST" and told.is_whole:
        messages.success(request, _("Saved: %(count)d elections.") % {"count": told.saved})
        return redirect(address("event", **key))
    return show(
        request,
        "workbench/person/elect.html",
        title=_("Elections of %(number)s %(name)s") % {"number": number, "name": offer.name},
        client=found,
        crumbs=[*crumbs_of(found, person), (offer.event, address("event", **key))],
        offer=offer,
        told=told,
    )
