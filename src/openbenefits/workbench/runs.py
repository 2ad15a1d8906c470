"""Runs: the last ones, and one with what became of everybody, what it said, and what may be done about it."""

from typing import Any

import polars as pl
from django.contrib import messages
from django.db import connection
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import note
from openbenefits.background.models import ProcessRequest
from openbenefits.background.services import ENDED
from openbenefits.core.plan_types import PLAN_TYPES
from openbenefits.reports.services import status_counts
from openbenefits.runs import looking
from openbenefits.runs.limits import needs_second_person
from openbenefits.runs.models import Run, RunAct
from openbenefits.runs.starting import result_of
from openbenefits.workbench import links, words
from openbenefits.workbench.asking import asked
from openbenefits.workbench.charts import Bar, Bars, Tone, bars
from openbenefits.workbench.forms import ReasonForm
from openbenefits.workbench.pages import Section, address, client_of, page, show
from openbenefits.workbench.sheets import Column, Sheet, sheet
from openbenefits.workforce.models import Client

PATH = "<client:client>/runs/<int:number>/"
SEVERITIES = {"E": _("error"), "W": _("warning")}


def _listed(request: Any, rows: pl.DataFrame, client: Client | None) -> Sheet:
    columns = (
        Column("run", _("Run"), kind="number", href=_to_run),
        *(() if client else (Column("client", _("Client"), href=_to_client),)),
        Column("run_control", _("Run control")),
        Column("kind", _("Kind"), words=words.KINDS_OF_RUN),
        Column("schedule", _("Schedule")),
        Column("as_of", _("As of"), kind="day"),
        Column("through_level", _("Through"), words=words.LEVELS),
        Column("state", _("State"), kind="status"),
        Column("started_at", _("Started"), kind="moment"),
        Column("ended_at", _("Ended"), kind="moment"),
        Column("started_by", _("By")),
    )
    empty = _("Nothing has run yet. Start with a run control, or prepare a schedule.")
    return sheet(request, rows, columns, name="runs", caption=_("Runs, the last first"), empty=empty)


def _to_run(row: links.Row) -> str:
    return address("run", client=row["client"], number=row["run"])


def _to_client(row: links.Row) -> str:
    return address("client", client=row["client"])


@page("runs/", name="runs_everywhere", title=_("Runs, all clients"), section=Section.PROCESS)
def everywhere(request: Any) -> HttpResponse:
    """List the last runs of all clients."""
    shown = _listed(request, looking.last_runs(connection, None), None)
    if (file := shown.export()) is not None:
        return file
    return show(request, "workbench/runs/list.html", title=_("Runs, all clients"), runs=shown)


@page("<client:client>/runs/", name="runs", title=_("Runs"), section=Section.PROCESS)
def of_client(request: Any, client: str) -> HttpResponse:
    """List the last runs of a client."""
    mine = client_of(request, client)
    shown = _listed(request, looking.last_runs(connection, [mine.pk]), mine)
    if (file := shown.export()) is not None:
        return file
    may = request.access.may(Permission.PROCESS, mine.pk)
    return show(request, "workbench/runs/list.html", title=_("Runs"), client=mine, runs=shown, may_start=may)


# --- one run ------------------------------------------------------------------------------------------------


def find_run(client: Client, number: int) -> Run:
    """Find a run of a client.

    Errors: Http404.
    """
    found = Run.objects.filter(pk=number, bundle_client=client.pk).first()
    if found is None:
        raise Http404
    return found


@page(PATH, name="run", title=_("Run"))
def one(request: Any, client: str, number: int) -> HttpResponse:
    """Show a run: who was picked up and why not, what it said, its partitions, what may be done."""
    mine = client_of(request, client)
    run = find_run(mine, number)
    told = _messages(request, mine, run)
    partitions = sheet(
        request,
        looking.partitions_of(connection, run.pk),
        (
            Column("partition", _("Partition"), kind="number"),
            Column("people", _("People"), kind="number"),
            Column("state", _("State"), kind="status"),
            Column("waves", _("Waves"), kind="number"),
            Column("committed_at", _("Committed"), kind="moment"),
        ),
        name="partitions",
        caption=_("Partitions"),
        empty=_("A run of this kind works on no partitions."),
    )
    for one_sheet in (told, partitions):
        if (file := one_sheet.export()) is not None:
            return file
    going = ProcessRequest.objects.filter(client_id=mine.pk).exclude(state__in=[str(one) for one in ENDED])
    return show(
        request,
        "workbench/runs/one.html",
        title=say("Run %(number)s") % {"number": run.pk},
        client=mine,
        crumbs=[(_("Runs"), address("runs", client=mine.code))],
        run=run,
        kind=words.KINDS_OF_RUN.get(run.kind, run.kind),
        level=words.LEVELS.get(run.through_level, run.through_level),
        facts=_facts(run),
        outcomes=_outcomes(mine, run),
        statuses=_statuses(run),
        told=told,
        partitions=partitions,
        acts=RunAct.objects.filter(run_id=run.pk).order_by("number"),
        going=going.order_by("-pk")[:3],
        **_may(request, mine, run),
    )


def _facts(run: Run) -> dict[str, Any]:
    """What a run was asked, beside its columns."""
    told = run.options
    return {
        "held": told.get("held", {}).get("why", []),
        "accepted": told.get("accepted") or {},
        "people": len(told["people"]) if told.get("people") else None,
        "rehearsal": told.get("rehearsal"),
        "releases": ", ".join(f"{client}: {number}" for client, number in run.releases.items()),
    }


GOOD = ("processed", "unchanged", "reprocessed", "no event", "nothing to do")


def _outcomes(client: Client, run: Run) -> Bars:
    """Draw what became of everybody in scope, each leading to the people."""
    rows = result_of(connection, run).outcomes
    counted = rows.group_by("outcome").agg(pl.col("people").sum()).sort("people", descending=True)
    here = address("run_people", client=client.code, number=run.pk)
    drawn = []
    for outcome, people in counted.iter_rows():
        tone: Tone = "good" if outcome in GOOD else "bad" if outcome.startswith("BA") else "waiting"
        drawn.append(Bar(outcome, people, links.with_query(here, outcome=outcome), tone))
    return bars(drawn, caption=_("What became of everybody in scope"))


def _statuses(run: Run) -> Bars | None:
    """Draw how many events came to each status in the run."""
    if run.kind != "process":
        return None
    schedules = None if run.schedule_id is None else [run.schedule_id]
    rows = status_counts(connection, schedules, run_id=run.pk)
    counted = dict(rows.group_by("process_status").agg(pl.col("passed").sum()).iter_rows())
    drawn = [
        Bar(words.STATUSES[status], counted[status], None, words.TONES.get(status, "plain"))
        for status in words.STATUSES
        if counted.get(status)
    ]
    return bars(drawn, caption=_("Statuses that events came to in this run"))


def _messages(request: Any, client: Client, run: Run) -> Sheet:
    here = address("run_told", client=client.code, number=run.pk)

    def people(row: links.Row) -> str | None:
        return links.with_query(here, code=row["code"])

    columns = (
        Column("severity", _("Severity"), kind="status", words=SEVERITIES),
        Column("code", _("Code"), href=people),
        Column("message", _("What stands in the way")),
        Column("plan_type", _("Plan type"), words=PLAN_TYPES),
        Column("people", _("People"), kind="number", href=people),
        Column("expected", _("Expected")),
        Column("found", _("Found, for example")),
        Column("cure", _("What to do")),
        Column("owner", _("Whose it is")),
    )
    return sheet(
        request,
        looking.messages_by_cause(connection, client.pk, run.pk),
        columns,
        name="told",
        caption=_("What it said, by cause"),
        empty=_("It had nothing to say."),
    )


def _may(request: Any, client: Client, run: Run) -> dict[str, Any]:
    """Which acts about a run its state and the user's rights allow."""
    may = request.access.may
    is_mine = run.started_by.strip().casefold() == request.user.username.casefold()
    second = {kind: needs_second_person(connection, client.pk, kind) for kind in ("release", "take_back")}
    return {
        "may_resume": run.state == "running" and may(Permission.PROCESS, client.pk),
        "may_release": run.state == "held" and may(Permission.FINALIZE, client.pk),
        "may_take_back": run.state == "done" and may(Permission.REPAIR, client.pk),
        "lacks_second": is_mine and second["release"] and run.state == "held",
        "reason": ReasonForm(auto_id="release_%s"),
    }


@page(PATH + "people/", name="run_people", title=_("People of a run"))
def people(request: Any, client: str, number: int) -> HttpResponse:
    """List everybody in scope of a run, or those of one outcome."""
    mine = client_of(request, client)
    run = find_run(mine, number)
    outcome = request.GET.get("outcome")
    columns = (
        Column("employee_number", _("Employee"), href=links.to_person(mine.code)),
        Column("benefit_record", _("Benefit record"), kind="number"),
        Column("outcome", _("What became of it")),
        Column("from_status", _("Status before"), kind="status", words=words.STATUSES),
        Column("to_status", _("Status after"), kind="status", words=words.STATUSES),
        Column("partition", _("Partition"), kind="number"),
    )
    rows = looking.people_of(connection, mine.pk, run.pk, outcome=outcome)
    return _list(request, mine, run, rows, columns, caption=outcome or say("Everybody in scope"))


@page(PATH + "messages/", name="run_told", title=_("Messages of a run"))
def told(request: Any, client: str, number: int) -> HttpResponse:
    """List what a run said, person by person, of one code or of all."""
    mine = client_of(request, client)
    run = find_run(mine, number)
    code = request.GET.get("code")
    columns = (
        Column("employee_number", _("Employee"), href=links.to_person(mine.code)),
        Column("benefit_record", _("Benefit record"), kind="number"),
        Column("code", _("Code")),
        Column("severity", _("Severity"), kind="status", words=SEVERITIES),
        Column("plan_type", _("Plan type"), words=PLAN_TYPES),
        Column("expected", _("Expected")),
        Column("found", _("Found")),
        Column("is_current", _("Still so"), words={True: _("yes"), False: _("looked at again since")}),
    )
    rows = looking.told_by(connection, mine.pk, run.pk, code=code)
    return _list(request, mine, run, rows, columns, caption=code or say("All messages"))


def _list(
    request: Any, client: Client, run: Run, rows: pl.DataFrame, columns: tuple[Column, ...], *, caption: str
) -> HttpResponse:
    shown = sheet(request, rows, columns, name="people", caption=caption, empty=_("Nobody."))
    if (file := shown.export()) is not None:
        return file
    note(request.access, "saw", "people of a run", client_id=client.pk, now=clock.now())
    crumbs = [
        (_("Runs"), address("runs", client=client.code)),
        (say("Run %(number)s") % {"number": run.pk}, address("run", client=client.code, number=run.pk)),
    ]
    told = {"title": say("People of run %(number)s") % {"number": run.pk}, "crumbs": crumbs, "people": shown}
    return show(request, "workbench/runs/people.html", client=client, **told)


# --- acts ---------------------------------------------------------------------------------------------------


@page(PATH + "resume", name="resume_run", title=_("Resume"), permission=Permission.PROCESS)
@require_POST
def resume(request: Any, client: str, number: int) -> HttpResponse:
    """Ask for a run to go on: only what its ledger lacks."""
    mine = client_of(request, client)
    back = address("run", client=mine.code, number=number)
    return asked(request, mine, "resume", {"run": number}, said="resume a run", back=back)


@page(PATH + "release", name="release_run", title=_("Release"), permission=Permission.FINALIZE)
@require_POST
def release(request: Any, client: str, number: int) -> HttpResponse:
    """Ask for a held run to be published as it was looked at."""
    return _with_reason(request, client, number, "release", "release a run")


def _with_reason(request: Any, client: str, number: int, kind: str, said: str) -> HttpResponse:
    mine = client_of(request, client)
    back = address("run", client=mine.code, number=number)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, say("Expected a reason, found none: say why. Nothing was done."))
        return redirect(back)
    told = {"run": number, "reason": form.cleaned_data["reason"]}
    return asked(request, mine, kind, told, said=said, back=back)
