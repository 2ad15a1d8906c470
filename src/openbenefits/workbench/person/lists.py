"""Participant lists of schedules: put on, taken off, imported, and a run limited to them."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db import connection
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import note
from openbenefits.background.services import ask
from openbenefits.core.codes import Level
from openbenefits.programs.frames import load_codes
from openbenefits.runs.lists import Change, change_list, listed
from openbenefits.workbench.forms import ReasonForm
from openbenefits.workbench.pages import address, client_of, page, show
from openbenefits.workbench.person.about import author_of, person_href
from openbenefits.workbench.person.trying import attempted
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workforce.models import Client

MOST_BYTES = 200_000


class ListForm(ReasonForm):
    """Whom to put on a list, or to take off it."""

    do = forms.ChoiceField(
        label=gettext_lazy("What to do"),
        choices=[("add", gettext_lazy("put on the list")), ("remove", gettext_lazy("take off the list"))],
    )
    numbers = forms.CharField(
        label=gettext_lazy("Employee numbers"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("Separated by blanks, commas or lines."),
    )
    file = forms.FileField(
        label=gettext_lazy("Or a file of numbers"),
        required=False,
        help_text=gettext_lazy("Text, a number in each line; a heading employee_number is left out."),
    )
    field_order = ("do", "numbers", "file", "reason")

    def clean(self) -> dict[str, Any]:
        """Read the numbers of both."""
        found: dict[str, Any] = super().clean() or {}
        file = found.get("file")
        if file is not None and file.size > MOST_BYTES:
            self.add_error("file", _("Expected at most 200 kB, found more. Split the file."))
            return found
        text = file.read().decode("utf-8-sig", errors="replace") if file is not None else ""
        words = f"{found.get('numbers', '')} {text}".replace(",", " ").replace(";", " ").split()
        return found | {"all_numbers": [word for word in words if word.lower() != "employee_number"]}


@page(
    "<client:client>/lists/<str:schedule>/",
    name="participant-list",
    title=gettext_lazy("Participant list"),
    permission=Permission.PROCESS,
)
def participant_list(request: Any, client: str, schedule: str) -> HttpResponse:
    """Show and change who is on the participant list of a schedule; run the schedule for them alone."""
    found = client_of(request, client)
    schedule_id = _schedule(found, schedule)
    here = address("participant-list", client=client, schedule=schedule)
    form = ListForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and request.POST.get("run"):
        return _run(request, found, schedule_id, here)
    if request.method == "POST" and form.is_valid() and _changed(request, found, schedule_id, form):
        return redirect(here)
    rows = listed(connection, found.pk, schedule_id)
    columns = (
        Column(
            "employee_number",
            gettext_lazy("Employee"),
            href=lambda row: person_href(client, row["employee_number"]),
        ),
        Column("since", gettext_lazy("Since"), kind="moment"),
        Column("author", gettext_lazy("By")),
        Column("reason", gettext_lazy("Reason")),
    )
    shown = sheet(
        request,
        rows,
        columns,
        name="list",
        caption=_("On the list"),
        empty=_("Nobody is on the list: a run takes everybody in the schedule's scope."),
    )
    if (file := shown.export()) is not None:
        return file
    return show(
        request,
        "workbench/person/participant_list.html",
        title=_("Participant list of %(schedule)s") % {"schedule": schedule},
        client=found,
        crumbs=[(_("Elections"), address("elections", client=client)), (schedule, _of(client, schedule))],
        form=form,
        listed=shown,
        levels=[str(level) for level in Level],
    )


def _of(client: str, schedule: str) -> str:
    return address("schedule-elections", client=client, schedule=schedule)


def _schedule(client: Client, code: str) -> int:
    found = load_codes(connection, client.pk, "schedule").filter(code=code)
    if found.is_empty():
        raise Http404
    return int(found["id"][0])


def _changed(request: Any, client: Client, schedule_id: int, form: ListForm) -> bool:
    said = form.cleaned_data
    change = Change(
        client_id=client.pk,
        schedule_id=schedule_id,
        employee_numbers=said["all_numbers"],
        is_listed=said["do"] == "add",
        reason=said["reason"],
        author=author_of(request),
    )
    done = attempted(form, lambda: change_list(connection, change, now=clock.now()))
    if done is None:
        return False
    told = {"client_id": client.pk, "reason": said["reason"], "now": clock.now()}
    note(request.access, "did", "participant list changed", **told)
    counts = {"done": done.done, "unchanged": done.unchanged}
    messages.success(request, _("%(done)d changed, %(unchanged)d stood so already.") % counts)
    return True


def _run(request: Any, client: Client, schedule_id: int, here: str) -> HttpResponse:
    """Ask for a run of the schedule for who is on the list."""
    people = listed(connection, client.pk, schedule_id)["person_id"].to_list()
    through = request.POST.get("through", "")
    if not people or through not in set(Level):
        messages.error(request, _("Expected people on the list and a level, found none; put somebody on it."))
        return redirect(here)
    order = {
        "as_of": clock.today().isoformat(),
        "schedule": schedule_id,
        "people": people,
        "through": through,
    }
    who = {"client_id": client.pk, "author": author_of(request)}
    made = ask(request.access, "start run", order, **who, now=clock.now())
    note(request.access, "did", "run of a participant list", client_id=client.pk, now=clock.now())
    return redirect(address("request", number=made.pk))
