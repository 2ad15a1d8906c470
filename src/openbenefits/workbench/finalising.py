"""Finalise a schedule with defaults: who, what they would get and what it costs, before it is asked for."""

from typing import Any

import polars as pl
from django import forms
from django.contrib import messages
from django.db import connection
from django.http import HttpResponse
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.core import money
from openbenefits.review.services import Defaults, defaults_of, progress_of
from openbenefits.runs.gate import Obstacle, obstacles
from openbenefits.workbench import links, words
from openbenefits.workbench.asking import asked
from openbenefits.workbench.pages import address, client_of, page, show
from openbenefits.workbench.schedules import PATH, find_schedule, saw
from openbenefits.workbench.sheets import Column, Sheet, sheet
from openbenefits.workforce.models import Client

CENTS = ("employee_pay_cents", "employee_year_cents", "employer_year_cents")
COSTS = (
    Column("employee_pay_cents", _("Employees, a pay"), kind="money"),
    Column("employee_year_cents", _("Employees, a year"), kind="money"),
    Column("employer_year_cents", _("Employer, a year"), kind="money"),
)
PLANS = (
    Column("plan", _("Plan type")),
    Column("people", _("People"), kind="number"),
    Column("uncovered", _("Get nothing"), kind="number"),
    *COSTS,
)


class AcceptForm(forms.Form):
    """Which open errors of the audits may stand for this run, and why."""

    accept = forms.MultipleChoiceField(
        label=_("Errors of the audits that may stand for this run"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    reason = forms.CharField(
        label=_("Why they may stand"),
        max_length=500,
        required=False,
        help_text=_("Needed with a code that is ticked; kept with the run. No personal data."),
    )

    def __init__(self, found: list[Obstacle], *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.obstacles = found
        self.fields["accept"].choices = [  # type: ignore[attr-defined]
            (one.code, f"{one.code} ({one.count}): {one.sentence}") for one in found
        ]
        if not found:
            self.fields.clear()

    def clean(self) -> dict[str, Any]:
        """Refuse what is still open, and a code that is accepted without a reason."""
        told: dict[str, Any] = super().clean() or {}
        taken = set(told.get("accept") or ())
        left = [one.code for one in self.obstacles if one.code not in taken]
        if left:
            why = say("expected all of these put right or accepted, found %(codes)s open")
            self.add_error("accept", why % {"codes": ", ".join(left)})
        if taken and not told.get("reason", "").strip():
            self.add_error("reason", say("expected a reason, found none; say why they may stand"))
        return told

    def accepted(self) -> dict[str, str]:
        """The codes accepted, each with the reason."""
        return dict.fromkeys(self.cleaned_data.get("accept") or (), self.cleaned_data.get("reason", ""))


@page(PATH + "finalise/", name="finalise", title=_("Finalise"), permission=Permission.FINALIZE)
def finalise(request: Any, client: str, schedule: str) -> HttpResponse:
    """Show who would get what by default, and what it costs; ask for it when told so."""
    mine = client_of(request, client)
    found = find_schedule(mine, schedule)
    number, on = found["schedule_id"], clock.today()
    here = address("finalise", client=mine.code, schedule=schedule)
    progress = progress_of(connection, mine.pk, number, on=on)
    form = AcceptForm(obstacles(connection, mine.pk, on), request.POST or None)
    if request.method == "POST" and form.is_valid():
        if request.POST.get("seen") == str(progress.counts["unfinished"]):
            told = {"schedule": number, "as_of": on.isoformat(), "accepted": form.accepted()}
            return asked(request, mine, "finalise", told, said="finalise with defaults", back=here)
        messages.error(
            request,
            say("Expected the events you saw, found %(now)s by now: look again, then finalise.")
            % {"now": progress.counts["unfinished"]},
        )
    defaults = defaults_of(connection, mine.pk, number)
    people = _people(request, mine, defaults)
    if (file := people.export()) is not None:
        return file
    saw(request, mine, "defaults of a schedule")
    caption = _("What the defaults cost, by plan type")
    return show(
        request,
        "workbench/schedules/finalise.html",
        title=_("Finalise with defaults"),
        client=mine,
        crumbs=[
            (_("Schedules"), address("schedules", client=mine.code)),
            (found["name"] or schedule, address("schedule", client=mine.code, schedule=schedule)),
        ],
        status=422 if form.is_bound and not form.is_valid() else 200,
        form=form,
        schedule=found,
        counts=progress.counts,
        window_ends_on=progress.window_ends_on,
        is_early=progress.window_ends_on is not None and progress.window_ends_on >= on,
        total=_total(defaults),
        people=people,
        plans=sheet(request, defaults.plans, PLANS, name="plans", caption=caption),
        first_names=defaults.people["name"].head(5).to_list(),
    )


def _people(request: Any, client: Client, defaults: Defaults) -> Sheet:
    columns = (
        Column("employee_number", _("Employee"), href=links.to_person(client.code)),
        Column("name", _("Name")),
        Column("benefit_record", _("Benefit record"), kind="number"),
        Column("process_status", _("Status"), kind="status", words=words.STATUSES),
        Column("window_ends_on", _("Window ends"), kind="day"),
        Column("unanswered", _("Choices unanswered"), kind="number"),
        Column("gets", _("Gets")),
        *COSTS,
    )
    caption = _("Who gets what by default")
    empty = _("Everybody has answered: nobody gets a default.")
    return sheet(request, defaults.people, columns, name="people", caption=caption, empty=empty)


def _total(defaults: Defaults) -> dict[str, str]:
    """What the defaults cost together, in words; one unknown price leaves the total unknown."""
    total = defaults.plans.select(money.total(pl.col(name)) for name in CENTS).row(0, named=True)
    return {one.name: one.text(total[one.name]) or say("not known before the run") for one in COSTS}
