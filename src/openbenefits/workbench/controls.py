"""Run controls: what is due, what falls on which day, and a run started or rehearsed from a form."""

import calendar
from collections import defaultdict
from datetime import date, timedelta
from typing import Any

from django import forms
from django.db import connection
from django.http import HttpResponse
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.core.codes import Level
from openbenefits.programs.frames import load_setup
from openbenefits.runs import controls
from openbenefits.runs.gate import Obstacle, obstacles
from openbenefits.workbench import links, words
from openbenefits.workbench.asking import asked
from openbenefits.workbench.finalising import AcceptForm
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.pages import Section, address, client_of, page, show
from openbenefits.workbench.sheets import Column, Sheet, sheet
from openbenefits.workforce.models import Client, Person

DAYS_OF_WEEK = (
    *(_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday")),
    *(_("Saturday"), _("Sunday")),
)


@page("<client:client>/controls/", name="controls", title=_("Run controls"), section=Section.PROCESS)
def of_client(request: Any, client: str) -> HttpResponse:
    """List the run controls of a client, what of them is due, and the days of a month they fall on."""
    mine = client_of(request, client)
    today = clock.today()
    first = _month(request.GET.get("month"), today)

    shown = _sheet(request, mine)
    if (file := shown.export()) is not None:
        return file
    due = controls.due(connection, mine.pk, today).to_dicts()
    return show(
        request,
        "workbench/runs/controls.html",
        title=_("Run controls"),
        client=mine,
        controls=shown,
        due=[row | {"href": _start(mine, row)} for row in due],
        today=today,
        month=_weeks(mine, first, today),
        first=first,
        previous=(first - timedelta(days=1)).strftime("%Y-%m"),
        next=(first + timedelta(days=31)).strftime("%Y-%m"),
        days=DAYS_OF_WEEK,
        may_start=request.access.may(Permission.PROCESS, mine.pk),
    )


def _start(client: Client, row: links.Row) -> str | None:
    return links.with_query(address("start_run", client=client.code), control=row["code"])


def _sheet(request: Any, client: Client) -> Sheet:
    columns = (
        Column("code", _("Run control"), href=lambda row: _start(client, row)),
        Column("name", _("What it does")),
        Column("kind", _("Kind"), words=words.KINDS_OF_RUN),
        Column("repeats", _("When"), words=words.REPEATS),
        Column("runs_on", _("Day"), kind="day"),
        Column("through_level", _("Through"), words=words.LEVELS),
        Column("is_finalizing", _("Finalises"), words={True: _("yes"), False: ""}),
        Column("last_as_of", _("Last ran as of"), kind="day"),
        Column("last_state", _("Last result"), kind="status", href=lambda row: _last(client, row)),
    )
    return sheet(
        request,
        controls.controls(connection, client.pk),
        columns,
        name="controls",
        caption=_("Run controls"),
        empty=_("No run control yet. The set-up of the client names them."),
    )


def _last(client: Client, row: links.Row) -> str | None:
    return address("run", client=client.code, number=row["last_run"]) if row.get("last_run") else None


def _month(asked_for: str | None, today: date) -> date:
    """Read a month of the address; the present one where it is none."""
    try:
        year, month = (int(part) for part in (asked_for or "").split("-"))
        return date(year, month, 1)
    except ValueError:
        return today.replace(day=1)


def _weeks(client: Client, first: date, today: date) -> list[list[dict[str, Any]]]:
    """Lay a month out in weeks, each day with the run controls that fall on it."""
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    start = address("start_run", client=client.code)
    falls: dict[date, list[dict[str, Any]]] = defaultdict(list)
    for row in controls.run_calendar(connection, client.pk, first, last).to_dicts():
        href = links.with_query(start, control=row["code"], as_of=row["on"])
        falls[row["on"]].append(row | {"href": href})

    def told(day: date) -> dict[str, Any]:
        is_in = day.month == first.month
        return {"day": day, "is_in": is_in, "is_today": day == today, "runs": falls.get(day, [])}

    weeks = calendar.Calendar().monthdatescalendar(first.year, first.month)
    return [[told(day) for day in week] for week in weeks]


# --- start --------------------------------------------------------------------------------------------------

ON_DEMAND = ""
THROUGH = [str(level) for level in (Level.SCHEDULE, Level.PROGRAM, Level.OPTIONS, Level.ELECTIONS)]


class StartForm(forms.Form):
    """What to run: a run control, or a schedule on demand, as of a day."""

    control = forms.ChoiceField(
        label=_("Run control"), required=False, help_text=_("Or none, and say below what to run.")
    )
    as_of = forms.DateField(
        label=_("As of"), widget=DayInput(), help_text=_("The day it is about; facts known today count.")
    )
    schedule = forms.ChoiceField(label=_("Schedule"), required=False)
    through = forms.ChoiceField(
        label=_("Through"),
        required=False,
        choices=[(code, words.LEVELS[code]) for code in THROUGH],
    )
    is_finalizing = forms.BooleanField(
        label=_("Finalise: apply defaults to whoever has not answered"), required=False
    )
    people = forms.CharField(
        label=_("Only these employees"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Employee numbers, one a line; none means everybody in scope."),
    )

    def __init__(self, client: Client, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.client = client
        rows = controls.controls(connection, client.pk).select("code", "name")
        named = [(code, f"{code}: {name}") for code, name in rows.iter_rows()]
        self.fields["control"].choices = [(ON_DEMAND, _("none: on demand")), *named]  # type: ignore[attr-defined]
        schedules = load_setup(connection, [client.pk])["schedule"].filter(client_id=client.pk)
        listed = [(row["code"], f"{row['code']}: {row['name']}") for row in schedules.to_dicts()]
        self.fields["schedule"].choices = [("", _("all that is due")), *listed]  # type: ignore[attr-defined]
        self.schedules = dict(schedules.select("code", "schedule_id").iter_rows())

    def clean_people(self) -> list[int] | None:
        """Find the people named.

        Errors: ValidationError counts the numbers nobody has.
        """
        numbers = {line.strip() for line in self.cleaned_data["people"].splitlines() if line.strip()}
        if not numbers:
            return None
        found = Person.objects.filter(client_id=self.client.pk, employee_number__in=numbers)
        people = list(found.values_list("pk", flat=True))
        if len(people) < len(numbers):
            raise forms.ValidationError(
                say("expected employee numbers of this client, found %(unknown)s of %(all)s that nobody has")
                % {"unknown": len(numbers) - len(people), "all": len(numbers)}
            )
        return people

    def order(self, accepted: dict[str, str]) -> tuple[str, dict[str, Any]]:
        """Answer what is asked of the worker: its kind, and what it asks for."""
        told = self.cleaned_data
        common = {"as_of": told["as_of"].isoformat(), "accepted": accepted}
        if told["control"]:
            return "run control", common | {"control": told["control"]}
        return "start run", common | self.on_demand() | {"people": told["people"]}

    def on_demand(self) -> dict[str, Any]:
        """What a run on demand, or a rehearsal, asks for beside the day."""
        told = self.cleaned_data
        return {
            "schedule": self.schedules.get(told["schedule"]),
            "through": told["through"] or str(Level.ELECTIONS),
            "is_finalizing": told["is_finalizing"],
        }

    def rehearsed(self, accepted: dict[str, str]) -> dict[str, Any] | None:
        """Answer what to rehearse; None for a run control of a kind that cannot be."""
        told = self.cleaned_data
        common = {"as_of": told["as_of"].isoformat(), "accepted": accepted}
        if not told["control"]:
            return common | self.on_demand()
        rows = controls.controls(connection, self.client.pk).filter(code=told["control"], kind="process")
        if rows.is_empty():
            return None
        row = rows.row(0, named=True)
        named = {"schedule": row["schedule_id"], "through": row["through_level"]}
        return common | named | {"is_finalizing": row["is_finalizing"]}


@page("<client:client>/runs/start/", name="start_run", title=_("Start a run"), permission=Permission.PROCESS)
def start(request: Any, client: str) -> HttpResponse:
    """Ask for a run or a rehearsal; what the audits find must be put right, or accepted with a reason."""
    mine = client_of(request, client)
    form = StartForm(mine, request.POST or None, initial=_initial(request))
    found = _obstacles(mine, form)
    gate = AcceptForm(found, request.POST or None)
    here = address("start_run", client=mine.code)
    if request.method == "POST" and form.is_valid() and gate.is_valid():
        accepted = gate.accepted()
        if "rehearse" not in request.POST:
            kind, told = form.order(accepted)
            return asked(request, mine, kind, told, said="start a run", back=here)
        rehearsal = form.rehearsed(accepted)
        if rehearsal is not None:
            return asked(request, mine, "rehearse", rehearsal, said="rehearse a run", back=here)
        form.add_error("control", say("expected processing, found a kind that cannot be rehearsed; run it"))
    return show(
        request,
        "workbench/runs/start.html",
        title=_("Start a run"),
        client=mine,
        crumbs=[(_("Run controls"), address("controls", client=mine.code))],
        status=422 if request.method == "POST" else 200,
        form=form,
        gate=gate,
        obstacles=found,
    )


def _initial(request: Any) -> dict[str, Any]:
    """What the address asks for, and today."""
    told = {name: request.GET[name] for name in ("control", "schedule", "through") if request.GET.get(name)}
    day = request.GET.get("as_of", "")
    finalizing = {"is_finalizing": bool(request.GET.get("is_finalizing"))}
    return {"as_of": day or clock.today().isoformat(), "through": str(Level.ELECTIONS)} | told | finalizing


def _obstacles(client: Client, form: StartForm) -> list[Obstacle]:
    """What stands before a run of the day asked for."""
    day = form.data.get("as_of") if form.is_bound else form.initial["as_of"]
    try:
        as_of = date.fromisoformat(str(day))
    except ValueError:
        as_of = clock.today()
    return obstacles(connection, client.pk, as_of)
