"""The work list of a client, who is behind an entry, and the events behind a count."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from django.contrib import messages
from django.db import connection
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import note
from openbenefits.reports.names import load_schedules
from openbenefits.review.closing import ENTRY
from openbenefits.review.services import listed_events, work_list
from openbenefits.workbench import links, words
from openbenefits.workbench.asking import asked
from openbenefits.workbench.casework.counted import new_ticket
from openbenefits.workbench.pages import Section, address, client_of, page, show
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workforce.models import Client, Person

HEALTH = ("BA1321",)
"""Causes that say something about the health of people."""
REPAIRED = ("BA1002", "BA1003", "BA1004", "BA1005")
"""Causes for which the product proposes repairs."""
SEVERITIES = {"error": _("error"), "warning": _("warning")}


def _work_of(request: Any, client: Client) -> Mapping[str, pl.DataFrame]:
    """The work list, without what is not the user's to see."""
    found = work_list(connection, client.pk, as_of=clock.today())
    if request.access.may(Permission.SEE_HEALTH, client.pk):
        return found
    return {name: rows.filter(~pl.col("code").is_in(HEALTH)) for name, rows in found.items()}


@page("<client:client>/work/", name="work", title=_("Work list"), section=Section.TODAY)
def work(request: Any, client: str) -> HttpResponse:
    """List what is to be done: one entry for each cause, however many people it is about."""
    mine = client_of(request, client)
    entries = _work_of(request, mine)["Work"]

    def entry(row: links.Row) -> str | None:
        return links.with_query(address("entry", client=mine.code, code=row["code"]), record=row["record"])

    columns = (
        Column("severity", _("Severity"), kind="status", words=SEVERITIES),
        Column("code", _("Code"), href=entry),
        Column("message", _("What stands in the way"), href=entry),
        Column("record", _("Record to change")),
        Column("people", _("People"), kind="number", href=entry),
        Column("expected", _("Expected")),
        Column("found", _("Found")),
        Column("cure", _("What to do")),
        Column("owner", _("Whose it is")),
        Column("since", _("Since"), kind="day"),
        Column("days_old", _("Days"), kind="number"),
        Column("employees", _("Employees")),
    )
    shown = sheet(
        request,
        entries,
        columns,
        name="work",
        caption=_("To be done"),
        empty=_("Nothing is to be done. Entries come with the next run, and go when their cause is gone."),
    )
    if (file := shown.export()) is not None:
        return file
    kinds = entries.group_by("severity", "owner").agg(entries=pl.len(), people=pl.col("people").sum())
    return show(
        request,
        "workbench/work/list.html",
        title=_("Work list"),
        client=mine,
        work=shown,
        kinds=[
            row | {"href": links.work(mine.code, severity=row["severity"], owner=row["owner"])}
            for row in kinds.sort("severity", "owner").to_dicts()
        ],
    )


WHO = ("benefit_record", "schedule", "event_number", "event_class", "event_on")


@page("<client:client>/work/<str:code>/", name="entry", title=_("Entry of the work list"))
def entry(request: Any, client: str, code: str) -> HttpResponse:
    """Show an entry of the work list: what to do, and everybody it is about."""
    mine = client_of(request, client)
    found, record = _work_of(request, mine), request.GET.get("record")
    is_it = (pl.col("code") == code) & (pl.lit(record is None) | pl.col("record").eq_missing(pl.lit(record)))
    entries, who = found["Work"].filter(is_it), found["Who"].filter(is_it)
    crumbs = [(_("Work list"), address("work", client=mine.code))]
    if entries.is_empty():
        return show(request, "workbench/work/gone.html", title=_("Done"), client=mine, crumbs=crumbs)
    first = entries.row(0, named=True)
    columns = (
        Column("employee_number", _("Employee"), href=links.to_person(mine.code)),
        Column("benefit_record", _("Benefit record"), kind="number"),
        Column("schedule", _("Schedule")),
        Column("event_class", _("Event class"), href=lambda row: links.event(mine.code, row)),
        Column("event_on", _("Event date"), kind="day"),
        Column("process_status", _("Status"), kind="status", words=words.STATUSES),
        Column("expected", _("Expected")),
        Column("found", _("Found")),
        Column("since", _("Since"), kind="day"),
        Column("days_old", _("Days"), kind="number"),
    )
    may = request.access.may(Permission.PROCESS, mine.pk)
    shown = sheet(
        request, who, columns, name="who", caption=_("Who"), picks="employee_number" if may else None
    )
    if (file := shown.export()) is not None:
        return file
    note(request.access, "saw", "entry of the work list", client_id=mine.pk, now=clock.now())
    title = f"{code} {first['message'] or ''}".strip()
    repairs = links.found("proposals", client=mine.code) if code in REPAIRED else None
    told = {
        "repairs": repairs,
        "entry": first,
        "records": entries["record"].to_list(),
        "who": shown,
        "may_process": may,
        "new_ticket": new_ticket(request, mine, subject=title, about=f"{ENTRY}:{code}"),
    }
    return show(request, "workbench/work/entry.html", title=title, client=mine, crumbs=crumbs, **told)


@page(
    "<client:client>/work/<str:code>/process",
    name="process_entry",
    title=_("Process again"),
    permission=Permission.PROCESS,
)
@require_POST
def process_again(request: Any, client: str, code: str) -> HttpResponse:
    """Ask for a run of the people picked, or of everybody behind the entry: what is put right goes on."""
    mine = client_of(request, client)
    back = links.with_query(address("entry", client=mine.code, code=code), record=request.POST.get("record"))
    numbers = request.POST.getlist("employee_number")
    if request.POST.get("whom") == "everybody":
        who = _work_of(request, mine)["Who"].filter(pl.col("code") == code)
        numbers = who["employee_number"].drop_nulls().unique().to_list()
    people = Person.objects.filter(client_id=mine.pk, employee_number__in=numbers)
    asked_for = {"as_of": clock.today().isoformat(), "people": list(people.values_list("pk", flat=True))}
    if not asked_for["people"]:
        messages.error(request, say("Expected people, found none picked. Tick who is to be processed."))
        return redirect(back or address("work", client=mine.code))
    return asked(request, mine, "start run", asked_for, said="process people again", back=back or "")


# --- events -------------------------------------------------------------------------------------------------

TITLES = {
    None: _("Events"),
    "unanswered": _("Events without an election"),
    "ending": _("Windows that end in the next 14 days, unanswered"),
    "ended": _("Windows that have ended, unanswered"),
    "flagged": _("Flagged events"),
    "open": _("Open events"),
}


@page("<client:client>/events/", name="events", title=_("Events"), section=Section.PROCESS)
def events(request: Any, client: str) -> HttpResponse:
    """List the events behind a count: `what` it counts, of a schedule, at a status."""
    mine = client_of(request, client)
    what = request.GET.get("what")
    what = what if what in TITLES else None
    schedule_id = _schedule_id(mine, request.GET.get("schedule"))
    status = request.GET.get("status")
    rows = listed_events(
        connection,
        mine.pk,
        as_of=clock.today(),
        what=what,
        schedule_id=schedule_id,
        status=None if status is None else status if status in words.STATUSES else "",
    )
    columns = (
        Column("employee_number", _("Employee"), href=links.to_person(mine.code)),
        Column("name", _("Name")),
        Column("schedule", _("Schedule"), href=lambda row: _to_schedule(mine, row["schedule"])),
        Column("event_class", _("Event class"), href=lambda row: links.event(mine.code, row)),
        Column("event_on", _("Event date"), kind="day"),
        Column("event_status", _("Event"), words=words.EVENT_STATUSES),
        Column("process_status", _("Status"), kind="status", words=words.STATUSES),
        Column("status_on", _("Since"), kind="day"),
        Column("window_ends_on", _("Window ends"), kind="day"),
        Column("flags", _("Flags")),
    )
    shown = sheet(
        request, rows, columns, name="events", caption=TITLES[what], empty=_("No event is like that now.")
    )
    if (file := shown.export()) is not None:
        return file
    note(request.access, "saw", "events", client_id=mine.pk, now=clock.now())
    at = words.STATUSES.get(status, words.STATUSES[""]) if status is not None else None
    return show(
        request, "workbench/events/list.html", title=TITLES[what], client=mine, events=shown, status_words=at
    )


def _schedule_id(client: Client, code: str | None) -> int | None:
    """Find a schedule by its code; an unknown one has the number -1, and no event."""
    if not code:
        return None
    rows = load_schedules(connection).filter(client=client.code, schedule=code)
    return int(rows["schedule_id"][0]) if rows.height else -1


def _to_schedule(client: Client, code: str | None) -> str | None:
    return links.found("schedule", client=client.code, schedule=code) if code else None
