"""People: found by name or number, and by where their events stand."""

from dataclasses import replace
from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.services import note
from openbenefits.programs.frames import load_codes
from openbenefits.review.searching import Search, find_people
from openbenefits.workbench.pages import Section, client_of, page, show
from openbenefits.workbench.person.about import event_href, person_href
from openbenefits.workbench.person.forms import Choices, SearchForm
from openbenefits.workbench.sheets import TYPES, Column, as_file


@page("<client:client>/people/", name="people", title=_("People"), section=Section.PEOPLE)
def people(request: Any, client: str) -> HttpResponse:
    """Show a page of people; a name that is looked for is posted, so that no address or log holds it."""
    found = client_of(request, client)
    given = request.POST if request.method == "POST" else request.GET
    form = SearchForm(given, programs=_programs(found.pk), auto_id="search_%s")
    form.fields["text"].widget.attrs["autofocus"] = True
    told: dict[str, Any] = {"form": form, "rows": [], "after": None}
    if form.is_valid():
        if request.POST.get("save") in TYPES:
            return _saved(request, found, form)
        told |= _found(found, form)
    if len(told["rows"]) == 1 and form.cleaned_data.get("text"):
        return redirect(told["rows"][0]["href"])
    return show(request, "workbench/person/people.html", title=_("People"), client=found, **told)


COLUMNS = (
    Column("employee_number", _("Number")),
    Column("name", _("Name")),
    Column("program", _("Program")),
    Column("event_class", _("Last event")),
    Column("event_on", _("On"), kind="day"),
    Column("status_name", _("Stands at")),
    Column("held_by", _("Waits for")),
    Column("messages", _("Messages"), kind="number"),
)
MOST_SAVED = 20_000
"""People of one file; more are saved by program or status."""


def _saved(request: Any, client: Any, form: SearchForm) -> HttpResponse:
    """Answer everybody found as a file: what the list shows, and nothing that is masked on a page."""
    search = replace(_search(client, form), after=None)
    told = find_people(connection, search, as_of=clock.today(), most=MOST_SAVED)
    note(request.access, "saw", "people saved as a file", client_id=client.pk, now=clock.now())
    return as_file(told.people, COLUMNS, "people", request.POST["save"])


def _search(client: Any, form: SearchForm) -> Search:
    asked = form.cleaned_data
    return Search(
        client_id=client.pk,
        text=asked["text"],
        program_id=int(asked["program"]) if asked["program"] else None,
        status=asked["status"] or None,
        with_messages=asked["messages"],
        after=asked["after"],
    )


def _found(client: Any, form: SearchForm) -> dict[str, Any]:
    search = _search(client, form)
    told = find_people(connection, search, as_of=clock.today())
    rows = [
        row
        | {"href": person_href(client.code, row["employee_number"])}
        | {"event_href": event_href(client.code, row) if row["schedule"] else ""}
        for row in told.people.iter_rows(named=True)
    ]
    return {"rows": rows, "after": rows[-1]["person_id"] if told.has_more else None, "is_later": search.after}


def _programs(client_id: int) -> Choices:
    rows = load_codes(connection, client_id, "program").sort("code").select("id", "code")
    return [(str(number), code) for number, code in rows.iter_rows()]
