"""COBRA: losses of health coverage, those a person decides about, and the notices that are due."""

from datetime import date
from typing import Any

import polars as pl
from django import forms
from django.db import connection
from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.compliance.cobra import services
from openbenefits.compliance.cobra.services import Act, Loss
from openbenefits.core.codes import CobraCause
from openbenefits.reports.cobra import cobra_sheets
from openbenefits.workbench import links
from openbenefits.workbench.desks.parts import ReasonedDay, day_asked, noted
from openbenefits.workbench.pages import Section, act, address, client_of, page, show
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workforce.models import Client, Dependent, Person

PLACE = "<client:client>/cobra/<str:number>/<int:dependent>/<str:cover>/<str:lost_on>/"
NOTHING = "none"
CAUSES = [(str(one), str(one).replace("_", " ")) for one in CobraCause if one is not CobraCause.MISCONDUCT]


class DecisionForm(ReasonedDay):
    """Whether a loss qualifies, and for what."""

    cause = forms.ChoiceField(
        label=_("It qualifies because of"), choices=[(NOTHING, _("it does not qualify")), *CAUSES]
    )
    field_order = ("cause", "on", "reason")


class NoticeForm(ReasonedDay):
    """That the notice was sent."""


@page("<client:client>/cobra/", name="cobra", title=_("COBRA"), section=Section.DESKS)
def listed(request: Any, client: str) -> HttpResponse:
    """List the duties that stand, and every loss of health coverage with verdict and reason."""
    found = client_of(request, client)
    today = day_asked(request)
    sheets = cobra_sheets(connection, [found.pk], as_of=today)
    who = (
        Column("employee_number", _("Employee"), href=lambda row: _address(client, row)),
        Column("dependent", _("Dependent"), kind="number"),
        Column("cover", _("Coverage")),
        Column("lost_on", _("Lost on"), kind="day"),
    )
    duties = sheet(
        request,
        sheets["Duties"],
        (
            *who,
            Column("state", _("State"), kind="status"),
            Column("cause", _("Cause")),
            Column("election_notice_by", _("Notice by"), kind="day"),
            Column("days_left", _("Days left"), kind="number"),
            Column("notified_on", _("Sent on"), kind="day"),
        ),
        name="duties",
        caption=_("Duties"),
        empty=_("No duty is recorded. Record them after each run."),
    )
    losses = sheet(
        request,
        sheets["Losses of coverage"],
        (*who, Column("verdict", _("Qualifies?")), Column("cause", _("Cause")), Column("reason", _("Why"))),
        name="losses",
        caption=_("Losses of health coverage"),
        empty=_("Nobody lost health coverage."),
    )
    for table in (duties, losses):
        if (file := table.export()) is not None:
            return file
    return show(
        request,
        "workbench/desks/cobra.html",
        title=_("COBRA"),
        client=found,
        duties=duties,
        losses=losses,
        may=request.access.may(Permission.PROCESS, found.pk),
    )


def _address(client: str, row: Any) -> str:
    return address(
        "cobra_loss",
        client=client,
        number=row["employee_number"],
        dependent=row["dependent"] or 0,
        cover=row["cover"],
        lost_on=row["lost_on"].isoformat(),
    )


@page("<client:client>/cobra/record", name="record_cobra", title=_("COBRA"), permission=Permission.PROCESS)
@require_POST
def record(request: Any, client: str) -> HttpResponse:
    """Bring the duties up to what follows from coverage as it is."""
    found = client_of(request, client)

    def do() -> None:
        services.record_duties(connection, found.pk, as_of=clock.today(), now=clock.now())
        noted(request, "did", "record COBRA duties", found.pk)

    return act(request, do, said=_("The duties are up to date."), to=address("cobra", client=client))


@page(PLACE, name="cobra_loss", title=_("Loss of coverage"))
def one(request: Any, client: str, number: str, dependent: int, cover: str, lost_on: str) -> HttpResponse:
    """Show one loss; decide about it where the rules leave it open, say that the notice was sent."""
    found = client_of(request, client)
    loss = _loss(found, number, dependent, cover, lost_on)
    told = loss.of(services.classified_losses(connection, found.pk))
    duty = _duty(found, number, dependent, loss)
    if told is None and duty is None:
        raise Http404
    forms_shown = {
        "decide": DecisionForm(initial={"on": clock.today()}, prefix="decide"),
        "notice": NoticeForm(initial={"on": clock.today()}, prefix="notice"),
    }
    status = 200
    if request.method == "POST":
        request.access.require(Permission.PROCESS, found.pk)
        name = request.POST.get("act", "")
        if name not in forms_shown:
            raise Http404
        form = forms_shown[name] = type(forms_shown[name])(request.POST, prefix=name)
        if form.is_valid():
            return _write(request, loss, name, form.cleaned_data)
        status = 422
    noted(request, "saw", "loss of coverage", found.pk, loss.person_id)
    return show(
        request,
        "workbench/desks/cobra_loss.html",
        title=_("Loss of %(cover)s, %(number)s") % {"cover": cover, "number": number},
        client=found,
        crumbs=[(_("COBRA"), address("cobra", client=client))],
        status=status,
        loss=told or {},
        duty=duty,
        forms=forms_shown,
        may=request.access.may(Permission.PROCESS, found.pk),
        person=links.person(client, number),
    )


def _loss(client: Client, number: str, dependent: int, cover: str, lost_on: str) -> Loss:
    person = Person.objects.filter(client=client, employee_number=number).first()
    try:
        day = date.fromisoformat(lost_on)
    except ValueError:
        raise Http404 from None
    theirs = Dependent.objects.filter(client=client, person=person, number=dependent)
    known = theirs.values_list("pk", flat=True).first() if dependent and person else 0
    if person is None or known is None:
        raise Http404
    return Loss(client_id=client.pk, person_id=person.pk, dependent_id=known, cover=cover, lost_on=day)


def _duty(client: Client, number: str, dependent: int, loss: Loss) -> dict[str, Any] | None:
    rows = cobra_sheets(connection, [client.pk], as_of=clock.today())["Duties"]
    mine = rows.filter(
        pl.col("employee_number") == number,
        pl.col("dependent").fill_null(0) == dependent,
        pl.col("cover") == loss.cover,
        pl.col("lost_on") == loss.lost_on,
    )
    return mine.row(0, named=True) if mine.height else None


def _write(request: Any, loss: Loss, name: str, said: Any) -> HttpResponse:
    made = Act(on=said["on"], reason=said["reason"], author=request.user.username)

    def do() -> None:
        if name == "decide":
            cause = None if said["cause"] == NOTHING else CobraCause(said["cause"])
            services.decide(connection, loss, made, cause=cause, now=clock.now())
        else:
            services.record_notice(connection, loss, made, now=clock.now())
        noted(request, "did", f"COBRA: {name}", loss.client_id, loss.person_id, why=made.reason)

    return act(
        request, do, said=_("Written down. Record the duties to bring them up to date."), to=request.path
    )
