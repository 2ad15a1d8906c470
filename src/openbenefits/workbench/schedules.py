"""Schedules: how far each is; one as the steps of its process, each with what waits for it and its action."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from django.db import connection
from django.http import Http404, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import note
from openbenefits.background.models import ProcessRequest
from openbenefits.background.services import ENDED
from openbenefits.core.codes import Level
from openbenefits.programs.frames import load_setup
from openbenefits.reports.services import schedule_summary as summary_of_all
from openbenefits.review.rules.process_steps import Stage, Step
from openbenefits.review.services import Progress, progress_of, schedule_summary
from openbenefits.runs.models import Run
from openbenefits.workbench import links, words
from openbenefits.workbench.asking import asked
from openbenefits.workbench.charts import Bar, Bars, bars
from openbenefits.workbench.pages import Section, address, client_of, page, show
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workforce.models import Client

PATH = "<client:client>/schedules/<str:schedule>/"
ALL = (
    Column("client", _("Client"), href=lambda row: address("client", client=row["client"])),
    Column(
        "schedule",
        _("Schedule"),
        href=lambda row: address("schedule", client=row["client"], schedule=row["schedule"]),
    ),
    Column("schedule_name", _("Name")),
    Column("events", _("Events"), kind="number"),
    Column("open", _("Open"), kind="number"),
    Column("closed", _("Closed"), kind="number"),
    Column("void", _("Void"), kind="number"),
    Column("disconnected", _("Disconnected"), kind="number"),
    Column("percent_final", _("Final, %"), kind="number"),
)


@page("schedules/", name="schedules_everywhere", title=_("Schedules, all clients"), section=Section.PROCESS)
def everywhere(request: Any) -> HttpResponse:
    """List the schedules of all clients, with how much of each is final."""
    rows = summary_of_all(connection).filter(pl.col("client").is_not_null())
    shown = sheet(request, rows, ALL, name="schedules", caption=_("Schedules"), empty=NONE)
    if (file := shown.export()) is not None:
        return file
    return show(request, "workbench/schedules/list.html", title=_("Schedules, all clients"), schedules=shown)


NONE = _("No schedule yet. The set-up of a client names its schedules.")


@page("<client:client>/schedules/", name="schedules", title=_("Schedules"), section=Section.PROCESS)
def of_client(request: Any, client: str) -> HttpResponse:
    """List the schedules of a client, with how much of each needs nothing more."""
    mine = client_of(request, client)
    rows = schedule_summary(connection, [mine.pk])["Schedules"]

    def href(row: links.Row) -> str:
        return address("schedule", client=mine.code, schedule=row["schedule"])

    columns = (
        Column("schedule", _("Schedule"), href=href),
        Column("schedule_name", _("Name"), href=href),
        Column("kind", _("Kind"), words=words.KINDS_OF_SCHEDULE),
        Column("people", _("People"), kind="number"),
        Column("events", _("Events"), kind="number"),
        Column("open", _("Open"), kind="number"),
        Column("closed", _("Closed"), kind="number"),
        Column("void", _("Void"), kind="number"),
        Column("flagged", _("Flagged"), kind="number"),
        Column("percent_done", _("Final or void, %"), kind="number"),
    )
    shown = sheet(request, rows, columns, name="schedules", caption=_("Schedules"), empty=NONE)
    if (file := shown.export()) is not None:
        return file
    return show(request, "workbench/schedules/list.html", title=_("Schedules"), client=mine, schedules=shown)


# --- one schedule -------------------------------------------------------------------------------------------

STEPS: Mapping[Stage, tuple[str | Promise, str | Promise]] = {
    Stage.PREPARE: (_("Prepare"), _("Events are opened, programs assigned, options priced.")),
    Stage.RUN: (_("Run"), _("The last run has gone through everybody in scope.")),
    Stage.CORRECT: (_("Correct"), _("Set-up or data stands in the way of some.")),
    Stage.NOTIFY: (_("Notify"), _("Enrolment statements tell people what they may choose.")),
    Stage.ELECT: (_("Elect"), _("People choose, or somebody enters it for them.")),
    Stage.VALIDATE: (_("Validate"), _("Elections are checked; what is valid is posted.")),
    Stage.FINALISE: (_("Finalise"), _("Whoever has not answered gets the default.")),
    Stage.CONFIRM: (_("Confirm"), _("Confirmations tell people what they have.")),
}
"""What each step is called, and what it means."""


def find_schedule(client: Client, code: str) -> dict[str, Any]:
    """Find a schedule of a client by its code.

    Errors: Http404.
    """
    rows = load_setup(connection, [client.pk])["schedule"]
    found = rows.filter(client_id=client.pk, code=code)
    if found.is_empty():
        raise Http404
    return found.row(0, named=True)


@page(PATH, name="schedule", title=_("Schedule"))
def one(request: Any, client: str, schedule: str) -> HttpResponse:
    """Show the steps of a schedule as done, waiting or blocked, and where everybody stands."""
    mine = client_of(request, client)
    found = find_schedule(mine, schedule)
    progress = progress_of(connection, mine.pk, found["schedule_id"], on=clock.today())
    going = ProcessRequest.objects.filter(client_id=mine.pk).exclude(state__in=[str(one) for one in ENDED])
    runs = Run.objects.filter(bundle_client=mine.pk, schedule_id=found["schedule_id"]).order_by("-pk")
    return show(
        request,
        "workbench/schedules/one.html",
        title=found["name"] or found["code"],
        client=mine,
        crumbs=[(_("Schedules"), address("schedules", client=mine.code))],
        schedule=found,
        kind=words.KINDS_OF_SCHEDULE.get(found["kind"], found["kind"]),
        steps=[_told(request, mine, found, progress, step) for step in progress.steps],
        window_ends_on=progress.window_ends_on,
        statuses=_statuses(mine, found),
        runs=[{"run": run, "href": address("run", client=mine.code, number=run.pk)} for run in runs[:5]],
        going=going.order_by("-pk")[:3],
    )


def _told(
    request: Any, client: Client, schedule: Mapping[str, Any], progress: Progress, step: Step
) -> dict[str, Any]:
    """Say of a step what it is, where the list of who waits for it is, and what may be done."""
    name, meaning = STEPS[step.stage]
    may = request.access.may
    is_waiting = step.state == "waiting"
    return {
        "step": step,
        "name": name,
        "meaning": meaning,
        "is_counted": step.stage is not Stage.RUN,
        "too_late": progress.counts["too_late"] if step.stage is Stage.ELECT else 0,
        "list": _list_of(client, schedule, step) if step.waiting else None,
        "act": step.stage.value
        if step.stage in ACTS and is_waiting and may(Permission.PROCESS, client.pk)
        else None,
        "act_name": ACT_NAMES.get(step.stage),
        "page": _page_of(client, schedule, step, may(Permission.FINALIZE, client.pk)),
    }


ACT_NAMES = {
    Stage.PREPARE: _("Prepare everybody"),
    Stage.CORRECT: _("Process again"),
    Stage.NOTIFY: _("Issue statements"),
    Stage.VALIDATE: _("Validate and post"),
    Stage.CONFIRM: _("Issue confirmations"),
}
ACTS = tuple(ACT_NAMES)


def _list_of(client: Client, schedule: Mapping[str, Any], step: Step) -> str | None:
    code = schedule["code"]
    query: dict[Stage, dict[str, str]] = {
        Stage.PREPARE: {"what": "open"},
        Stage.NOTIFY: {"status": "PR"},
        Stage.ELECT: {"what": "unanswered"},
        Stage.VALIDATE: {"status": "ET"},
        Stage.FINALISE: {"what": "open"},
        Stage.CONFIRM: {"status": "FE"},
    }
    if step.stage is Stage.CORRECT:
        return links.work(client.code, severity="error")
    return links.events(client.code, schedule=code, **query[step.stage]) if step.stage in query else None


def _page_of(
    client: Client, schedule: Mapping[str, Any], step: Step, may_finalise: bool
) -> tuple[str | Promise, str] | None:
    """The page on which a step is done, where it needs more than a click."""
    place = {"client": client.code, "schedule": schedule["code"]}
    if step.stage is Stage.FINALISE and step.waiting and may_finalise:
        return _("Finalise, apply defaults"), address("finalise", **place)
    if step.stage is Stage.ELECT and (href := links.found("schedule-elections", **place)):
        return _("Enter elections"), href
    if step.stage is Stage.RUN:
        return _("Start a run"), links.with_query(
            address("start_run", client=client.code), schedule=schedule["code"]
        ) or ""
    return None


def _statuses(client: Client, schedule: Mapping[str, Any]) -> Bars:
    """Draw how many events stand at each status, in the order of the cycle."""
    rows = schedule_summary(connection, [client.pk], [schedule["schedule_id"]])["Statuses"]
    counts = dict(rows.select("process_status", "events").iter_rows())
    code = schedule["code"]
    drawn = [
        Bar(
            words.STATUSES[status],
            counts.get(status, 0),
            links.with_query(address("events", client=client.code), schedule=code, status=status or "none")
            if counts.get(status)
            else None,
            words.TONES.get(status, "plain"),
        )
        for status in words.STATUSES
    ]
    return bars(drawn, caption=_("Where everybody stands"))


@page(PATH + "act/<str:stage>", name="schedule_act", title=_("Act"), permission=Permission.PROCESS)
@require_POST
def act_on(request: Any, client: str, schedule: str, stage: str) -> HttpResponse:
    """Ask for what a step of the process needs: a run through a level, or letters."""
    mine = client_of(request, client)
    found = find_schedule(mine, schedule)
    number, on = found["schedule_id"], clock.today().isoformat()
    run = {"schedule": number, "as_of": on}
    orders: dict[str, tuple[str, dict[str, Any]]] = {
        Stage.PREPARE: ("start run", run | {"through": str(Level.OPTIONS)}),
        Stage.CORRECT: ("start run", run | {"through": str(Level.OPTIONS)}),
        Stage.VALIDATE: ("start run", run | {"through": str(Level.ELECTIONS)}),
        Stage.NOTIFY: ("issue statements", {"schedule": number, "kind": "enrollment", "on": on}),
        Stage.CONFIRM: ("issue statements", {"schedule": number, "kind": "confirmation", "on": on}),
    }
    if stage not in orders:
        raise Http404
    kind, asked_for = orders[stage]
    back = address("schedule", client=mine.code, schedule=schedule)
    return asked(request, mine, kind, asked_for, said=f"{stage} a schedule", back=back)


def saw(request: Any, client: Client, what: str) -> None:
    """Note that somebody saw a page that names people."""
    note(request.access, "saw", what, client_id=client.pk, now=clock.now())
