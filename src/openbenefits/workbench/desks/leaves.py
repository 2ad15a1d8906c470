"""Leaves without pay: how coverage is paid for, what came in, letters, and coverage that may end."""

from datetime import date
from typing import Any

from django import forms
from django.db import connection
from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.core.codes import LeaveWay, Resumption
from openbenefits.core.plan_types import PLAN_TYPES
from openbenefits.payroll import leaves
from openbenefits.payroll.leaves import Leave
from openbenefits.payroll.rules.leaves import LAPSE
from openbenefits.repair.resuming import ResumeOrder, resume
from openbenefits.workbench import links
from openbenefits.workbench.desks.parts import day_asked, noted
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.pages import Section, act, address, client_of, page, show
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workforce.models import Client, Person

PLACE = "<client:client>/leaves/<str:number>/<int:record>/<str:leave_from>/"
WAYS = {
    "prepay": _("before the leave"),
    "pay_as_you_go": _("as one goes"),
    "catch_up": _("afterwards, by catching up"),
}
RESUMPTIONS = {"full": _("the whole year, made up"), "reduced": _("less what was not paid")}
MAY = {
    "way": Permission.ELECT,
    "resume": Permission.ELECT,
    "received": Permission.PAYROLL,
    "notice": Permission.PROCESS,
}


class WayForm(forms.Form):
    """How somebody pays during a leave."""

    way = forms.ChoiceField(label=_("Coverage is paid for"), choices=list(WAYS.items()))
    on = forms.DateField(label=_("Agreed on"), widget=DayInput())
    through = forms.DateField(
        label=_("Last day of the leave, as expected"), required=False, widget=DayInput()
    )
    reason = forms.CharField(label=_("How it was agreed"), max_length=500)


class ResumeForm(forms.Form):
    """How much of the pledges goes on that ended during a leave."""

    resumption = forms.ChoiceField(label=_("Goes on"), choices=list(RESUMPTIONS.items()))
    on = forms.DateField(label=_("Agreed on"), widget=DayInput())
    reason = forms.CharField(label=_("How it was agreed"), max_length=500)


class ReceivedForm(forms.Form):
    """What came in."""

    amount = forms.DecimalField(label=_("Amount, $"), min_value=0, max_digits=9, decimal_places=2)
    on = forms.DateField(label=_("Received on"), widget=DayInput())
    reason = forms.CharField(label=_("How (check, transfer …, with its number)"), max_length=500)


class NoticeForm(forms.Form):
    """Which letter was sent."""

    on = forms.DateField(label=_("Sent on"), widget=DayInput())
    reason = forms.CharField(label=_("Which letter"), max_length=500)


FORMS: dict[str, type[forms.Form]] = {
    "way": WayForm,
    "resume": ResumeForm,
    "received": ReceivedForm,
    "notice": NoticeForm,
}
TITLES = {
    "way": _("How coverage is paid for"),
    "resume": _("How much of the accounts goes on that ended"),
    "received": _("Take in a payment"),
    "notice": _("Letter that coverage may end"),
}


ENDED = (
    Column("plan_type", _("Plan type"), words=PLAN_TYPES),
    Column("resumes_on", _("Ended on"), kind="day"),
    Column("begins_on", _("Back on"), kind="day"),
    Column("pledge_cents", _("Pledge"), kind="money"),
    Column("missed_cents", _("Not paid meanwhile"), kind="money"),
    Column("reduced_cents", _("Pledge without it"), kind="money"),
)


@page("<client:client>/leaves/", name="leaves", title=_("Leaves without pay"), section=Section.DESKS)
def listed(request: Any, client: str) -> HttpResponse:
    """List leaves: the way coverage is paid for, what is open, what follows from it."""
    found = client_of(request, client)
    today = day_asked(request)
    rows = leaves.standings(connection, found.pk, today)
    columns = (
        Column("employee_number", _("Employee"), href=lambda row: _address(client, row)),
        Column("leave_from", _("Since"), kind="day"),
        Column("policy", _("Policy")),
        Column("way", _("Paid for"), words=WAYS),
        Column("open_cents", _("Open"), kind="money"),
        Column("oldest_due_on", _("Oldest due"), kind="day"),
        Column("may_end_on", _("May end on"), kind="day"),
        Column("standing", _("Stands")),
    )
    table = sheet(
        request, rows, columns, name="leaves", caption=_("Leaves"), empty=_("Nobody is on leave without pay.")
    )
    if (file := table.export()) is not None:
        return file
    late = rows.filter(standing=LAPSE).height if request.access.may(Permission.REPAIR, found.pk) else 0
    return show(
        request,
        "workbench/desks/leaves.html",
        title=_("Leaves without pay"),
        client=found,
        leaves=table,
        late=late,
    )


def _address(client: str, row: Any) -> str:
    return address(
        "leave",
        client=client,
        number=row["employee_number"],
        record=row["benefit_record"],
        leave_from=row["leave_from"].isoformat(),
    )


@page("<client:client>/leaves/lapse", name="lapse", title=_("Lapse"), permission=Permission.REPAIR)
@require_POST
def lapse(request: Any, client: str) -> HttpResponse:
    """Bring about the event that ends coverage for whoever has not paid, after grace and letter."""
    found = client_of(request, client)

    def do() -> None:
        leaves.lapse(connection, found.pk, clock.today(), author=request.user.username, now=clock.now())
        noted(request, "did", "lapse", found.pk)

    said = _("Entered as activity; the next run of event maintenance decides it.")
    return act(request, do, said=said, to=address("leaves", client=client))


@page(PLACE, name="leave", title=_("Leave"))
def one(request: Any, client: str, number: str, record: int, leave_from: str) -> HttpResponse:
    """Show one leave, with what may be written down about it."""
    found = client_of(request, client)
    leave, row = _leave(found, number, record, leave_from)
    forms_shown: dict[str, Any] = {
        name: form(initial={"on": clock.today()}, prefix=name)
        for name, form in FORMS.items()
        if request.access.may(MAY[name], found.pk)
    }
    ended = leaves.lapsed(connection, leave, on=clock.today())
    if ended.is_empty():
        forms_shown.pop("resume", None)
    status = 200
    if request.method == "POST":
        name = request.POST.get("act", "")
        if name not in FORMS:
            raise Http404
        request.access.require(MAY[name], found.pk)
        form = forms_shown[name] = FORMS[name](request.POST, prefix=name)
        if form.is_valid():
            return _write(request, leave, name, form.cleaned_data)
        status = 422
    noted(request, "saw", "leave", found.pk, leave.person_id)
    money = Column("", "", kind="money")
    return show(
        request,
        "workbench/desks/leave.html",
        title=_("Leave of %(number)s") % {"number": number},
        client=found,
        crumbs=[(_("Leaves without pay"), address("leaves", client=client))],
        status=status,
        row=row,
        way=WAYS.get(row["way"], row["way"]),
        open=money.text(row["open_cents"]),
        forms=[(name, TITLES[name], form) for name, form in forms_shown.items()],
        ended=sheet(request, ended, ENDED, name="ended", caption=_("Accounts that ended"), empty=_("None.")),
        resumption=RESUMPTIONS.get(row["resumption"], _("the whole year; nobody said otherwise")),
        person=links.person(client, number),
    )


def _leave(client: Client, number: str, record: int, leave_from: str) -> tuple[Leave, dict[str, Any]]:
    person = Person.objects.filter(client=client, employee_number=number).first()
    try:
        first = date.fromisoformat(leave_from)
    except ValueError:
        raise Http404 from None
    if person is None:
        raise Http404
    rows = leaves.standings(connection, client.pk, clock.today())
    mine = rows.filter(person_id=person.pk, benefit_record=record, leave_from=first)
    if mine.is_empty():
        raise Http404
    leave = Leave(client_id=client.pk, person_id=person.pk, benefit_record=record, leave_from=first)
    return leave, mine.row(0, named=True)


def _write(request: Any, leave: Leave, name: str, said: Any) -> HttpResponse:
    by, now = request.user.username, clock.now()

    def do() -> None:
        if name == "way":
            leaves.choose(
                connection,
                leave,
                LeaveWay(said["way"]),
                on=said["on"],
                consent=said["reason"],
                through=said["through"],
                author=by,
                now=now,
            )
        elif name == "resume":
            resumption = Resumption(said["resumption"])
            order = ResumeOrder(
                leave=leave, resumption=resumption, on=said["on"], consent=said["reason"], author=by
            )
            resume(connection, order, now=now)
        elif name == "received":
            cents = int(said["amount"] * 100)
            leaves.receive(connection, leave, cents, on=said["on"], how=said["reason"], author=by, now=now)
        else:
            leaves.notice(connection, leave, on=said["on"], reason=said["reason"], author=by, now=now)
        noted(request, "did", f"leave: {name}", leave.client_id, leave.person_id, why=said["reason"])

    return act(request, do, said=_("Written down."), to=request.path)
