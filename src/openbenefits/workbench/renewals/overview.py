"""The batches of a client, and of all: which year each is in, what is due, what holds it."""

from typing import Any

import polars as pl
from django import forms
from django.contrib import messages
from django.db import connection
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.renewals.batches import BatchOrder, begin_batch
from openbenefits.renewals.codes import BatchStatus, BatchType
from openbenefits.renewals.jobs import due_for_renewal
from openbenefits.renewals.models import Batch
from openbenefits.renewals.progress import open_enrollments
from openbenefits.renewals.statuses import RenewalRefused
from openbenefits.renewals.taking_over import batch_from_setup
from openbenefits.reports.names import load_schedules
from openbenefits.workbench.asking import asked_of_peo
from openbenefits.workbench.charts import Bar, bars
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.pages import Section, act, address, client_of, page, show
from openbenefits.workbench.renewals.parts import STATUSES, did, hand_of
from openbenefits.workbench.sheets import Column, Sheet, sheet
from openbenefits.workforce.models import Client

MOST = 5_000
MOST_TOLD = 20
ROWS = {
    "number": pl.Int64,
    "client_id": pl.Int32,
    "client": pl.String,
    "type": pl.String,
    "status": pl.String,
    "effective_on": pl.Date,
    "expires_on": pl.Date,
    "enrollment_begins_on": pl.Date,
    "enrollment_ends_on": pl.Date,
    "assigned_to": pl.String,
    "renewal_id": pl.Int64,
}


class BeginForm(forms.Form):
    """A batch begun by hand."""

    effective_on = forms.DateField(label=_("Benefits begin on"), widget=DayInput())
    type = forms.ChoiceField(label=_("Kind"), choices=[(str(one), str(one)) for one in BatchType])
    default_rate_group = forms.CharField(label=_("Default rate group"), max_length=40, required=False)
    contract_type = forms.CharField(label=_("Contract type"), max_length=60, required=False)


def rows_of(client_ids: list[int] | None = None) -> pl.DataFrame:
    """List batches as ROWS, the latest year first."""
    rows = Batch.objects.order_by("-effective_on", "-pk")
    if client_ids is not None:
        rows = rows.filter(client_id__in=client_ids)
    names = ("pk", "client_id", "type", "status", "effective_on", "expires_on")
    more = ("enrollment_begins_on", "enrollment_ends_on", "assigned_to", "renewals__id")
    found = [dict(zip((*names, *more), one, strict=True)) for one in rows.values_list(*names, *more)[:MOST]]
    codes = dict(Client.objects.values_list("pk", "code"))
    table = [
        {
            **{name: one[name] for name in ROWS if name in one},
            "number": one["pk"],
            "client": codes.get(one["client_id"], ""),
            "renewal_id": one["renewals__id"],
        }
        for one in found
    ]
    return pl.DataFrame(table, schema=ROWS)


def _sheet(request: Any, rows: pl.DataFrame, *, of_all: bool) -> Sheet:
    def where(row: Any) -> str:
        return address("renewal_batch", client=row["client"], number=row["number"])

    columns = (
        Column("number", _("Batch"), href=where),
        *((Column("client", _("Client")),) if of_all else ()),
        Column("type", _("Kind")),
        Column("status", _("Status"), kind="status", words=STATUSES),
        Column("effective_on", _("Begins"), kind="day"),
        Column("expires_on", _("Ends"), kind="day"),
        Column("enrollment_begins_on", _("Enrolment from"), kind="day"),
        Column("enrollment_ends_on", _("Enrolment to"), kind="day"),
        Column("assigned_to", _("Assigned to")),
    )
    return sheet(
        request,
        rows,
        columns,
        name="batches",
        caption=_("Benefits batches"),
        empty=_("No batch yet. Begin with what the client has today, or with a proposal."),
    )


@page("<client:client>/renewals/", name="renewals", title=_("Benefits batches"), section=Section.RENEWALS)
def of_client(request: Any, client: str) -> HttpResponse:
    """List the batches of a client; begin one, or take today's plans over from set-up."""
    found = client_of(request, client)
    form = BeginForm()
    status = 200
    if request.method == "POST":
        request.access.require(Permission.SETUP, found.pk)
        form = BeginForm(request.POST)
        if form.is_valid():
            return _begin(request, found, form.cleaned_data)
        status = 422
    table = _sheet(request, rows_of([found.pk]), of_all=False)
    if (file := table.export()) is not None:
        return file
    may_act = request.access.may(Permission.SETUP, found.pk)
    return show(
        request,
        "workbench/renewals/of_client.html",
        title=_("Benefits batches"),
        client=found,
        status=status,
        batches=table,
        form=form if may_act else None,
        schedules=open_enrollments(connection, client) if may_act else {},
        may_act=may_act,
    )


def _begin(request: Any, client: Client, said: dict[str, Any]) -> HttpResponse:
    made: list[Batch] = []

    def do() -> None:
        order = BatchOrder(
            effective_on=said["effective_on"],
            type=BatchType(said["type"]),
            default_rate_group=said["default_rate_group"],
            contract_type=said["contract_type"],
            assigned_to=request.user.get_username(),
        )
        made.append(begin_batch(client.pk, order, by=hand_of(request)))
        did(request, "batch begun", client.pk)

    back = address("renewals", client=client.code)
    answer = act(request, do, said=_("The batch is begun. Put plans into it."), to=back)
    if not made:
        return answer
    return redirect(address("renewal_batch", client=client.code, number=made[0].pk))


@page(
    "<client:client>/renewals/take-over",
    name="renewals_take_over",
    title=_("Take over"),
    permission=Permission.SETUP,
)
@require_POST
def take_over(request: Any, client: str) -> HttpResponse:
    """Make the batch of the year a client is in, from an open enrolment as it was priced."""
    found = client_of(request, client)
    names = open_enrollments(connection, client)
    told: list[str] = []

    def do() -> None:
        asked = request.POST.get("schedule", "")
        if asked not in names.values():
            raise RenewalRefused("expected one of the client's open enrolments, found none; choose one")
        codes = _codes(client)
        _, left = batch_from_setup(connection, found.pk, codes[asked], by=hand_of(request))
        did(request, "batch taken over from set-up", found.pk)
        told.extend(f"{one.what}: {one.why}" for one in left)

    said = _("Today's plans are a batch. What is no price list goes on as set-up has it.")
    answer = act(request, do, said=said, to=address("renewals", client=client))
    for one in told[:MOST_TOLD]:
        messages.warning(request, one)
    return answer


def _codes(client: str) -> dict[str, str]:
    rows = load_schedules(connection).filter(client=client, kind="O")
    return dict(rows.select("schedule_name", "schedule").iter_rows())


@page("renewals/", name="all_renewals", title=_("Renewals"), section=Section.RENEWALS)
def of_all(request: Any) -> HttpResponse:
    """Show where the batches of all clients stand, and which years end without a renewal."""
    rows = rows_of()
    table = _sheet(request, rows, of_all=True)
    if (file := table.export()) is not None:
        return file
    counts = dict(rows.group_by("status").len().iter_rows())
    order = [one for one in BatchStatus if one is not BatchStatus.EXPIRED]
    tones = {BatchStatus.ACTIVE: "good", BatchStatus.APPROVED: "good"}
    drawn = bars(
        [Bar(STATUSES[one], counts.get(str(one), 0), tone=tones.get(one, "waiting")) for one in order],  # type: ignore[arg-type]
        caption=_("Batches by status"),
    )
    codes = dict(Client.objects.values_list("pk", "code"))
    due = [
        (
            one,
            codes.get(one.client_id, ""),
            address("renewal_batch", client=codes[one.client_id], number=one.pk),
        )
        for one in due_for_renewal(clock.today())
        if one.client_id in codes
    ]
    return show(
        request,
        "workbench/renewals/of_all.html",
        title=_("Renewals"),
        batches=table,
        bars=drawn,
        due=due,
        may_run=request.access.may(Permission.SETUP, 0),
    )


@page("renewals/jobs", name="renewal_jobs", title=_("Jobs"), permission=Permission.SETUP, of_peo=True)
@require_POST
def jobs(request: Any) -> HttpResponse:
    """Ask the worker to do what is due today: set-up into force, batches begun and ended, reminders."""
    return asked_of_peo(request, "renewal jobs", {}, said=str(_("Asked for.")), back=address("all_renewals"))
