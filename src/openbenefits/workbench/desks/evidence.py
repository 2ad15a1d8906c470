"""Proof of insurability: what waits for an insurer's word, since when; reminded, decided, expired, undone."""

from datetime import date, timedelta
from typing import Any

import polars as pl
from django import forms
from django.db import connection
from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.enrollment import evidence_deciding as deciding
from openbenefits.enrollment.evidence_deciding import EvidenceOrder, Kind
from openbenefits.enrollment.evidence_frames import load_acts
from openbenefits.repair.evidence import UndoOrder, undo_evidence
from openbenefits.workbench import links
from openbenefits.workbench.desks.parts import ReasonedDay, day_asked, noted, plan_types
from openbenefits.workbench.pages import Section, act, address, client_of, page, reason_of, show
from openbenefits.workbench.sheets import Column, Sheet, sheet
from openbenefits.workforce.models import Client, Person

PLACE = "<client:client>/evidence/<str:number>/<int:record>/<str:plan_type>/<int:slot>/"
HISTORY_DAYS = 365
KINDS = {
    "reminded": _("reminded"),
    "approved": _("approved as asked"),
    "partial": _("approved in part"),
    "declined": _("declined"),
    "expired": _("expired"),
    "undone": _("undone"),
}


class DecisionForm(ReasonedDay):
    """What the insurer decided."""

    decision = forms.ChoiceField(
        label=_("Decision"),
        choices=[
            ("approved", _("approved as asked")),
            ("partial", _("approved in part")),
            ("declined", _("declined")),
        ],
        widget=forms.RadioSelect,
    )
    amount = forms.DecimalField(
        label=_("Approved amount, $"),
        min_value=0,
        max_digits=11,
        decimal_places=2,
        required=False,
        help_text=_("Only where it is approved in part: more than is in force, less than was asked."),
    )
    field_order = ("decision", "amount", "on", "reason")


@page(
    "<client:client>/evidence/",
    name="evidence",
    title=_("Proof of insurability"),
    section=Section.DESKS,
    permission=Permission.SEE_HEALTH,
)
def listed(request: Any, client: str) -> HttpResponse:
    """List what waits for evidence, longest first, and what was decided in the last year."""
    found = client_of(request, client)
    today = day_asked(request)
    rows = deciding.pending(connection, found.pk, today)
    waiting, past = _waiting(request, client, rows), _past(request, client, found.pk, today)
    for table in (waiting, past):
        if (file := table.export()) is not None:
            return file
    noted(request, "saw", "proof of insurability", found.pk)
    due = rows.filter(pl.col("deadline_on") < today).height
    return show(
        request,
        "workbench/desks/evidence.html",
        title=_("Proof of insurability"),
        client=found,
        waiting=waiting,
        past=past,
        long=rows.filter("is_long").height,
        due=due if request.access.may(Permission.REPAIR, found.pk) else 0,
        deadline=deciding.deadlines_of(found.pk).evidence_days,
        imports=address("imports", client=client),
    )


def _waiting(request: Any, client: str, rows: pl.DataFrame) -> Sheet:
    return sheet(
        request,
        rows,
        (
            Column("employee_number", _("Employee"), href=lambda row: _address(client, row)),
            Column("plan_type", _("Plan type"), words=plan_types()),
            Column("asked_cents", _("Asked for"), kind="money"),
            Column("in_force_cents", _("In force"), kind="money"),
            Column("since", _("Since"), kind="day"),
            Column("days", _("Days"), kind="number"),
            Column("deadline_on", _("Until"), kind="day"),
            Column("reminded_on", _("Reminded"), kind="day"),
            Column("is_long", _("Over 60 days"), words={True: _("yes"), False: _("no")}),
        ),
        name="waiting",
        caption=_("Waiting for evidence"),
        empty=_("Nothing waits for evidence of insurability."),
    )


def _past(request: Any, client: str, client_id: int, today: date) -> Sheet:
    acts = load_acts(connection, client_id, today - timedelta(days=HISTORY_DAYS))
    return sheet(
        request,
        acts,
        (
            Column("acted_on", _("From"), kind="day"),
            Column("employee_number", _("Employee"), href=lambda row: _address(client, row)),
            Column("plan_type", _("Plan type"), words=plan_types()),
            Column("kind", _("What"), words=KINDS),
            Column("approved_cents", _("Approved"), kind="money"),
            Column("author", _("By")),
            Column("reason", _("Why")),
            Column("is_undone", _("Undone"), words={True: _("yes"), False: ""}),
        ),
        name="past",
        caption=_("Done in the last year"),
    )


def _address(client: str, row: Any) -> str:
    return address(
        "evidence_of",
        client=client,
        number=row["employee_number"],
        record=row["benefit_record"],
        plan_type=row["plan_type"],
        slot=row["slot"],
    )


@page(
    "<client:client>/evidence/expire",
    name="expire_evidence",
    title=_("Proof of insurability"),
    permission=Permission.SEE_HEALTH,
)
@require_POST
def expire(request: Any, client: str) -> HttpResponse:
    """Close every request whose deadline has passed; what is in force stays."""
    found = client_of(request, client)
    request.access.require(Permission.REPAIR, found.pk)

    def do() -> None:
        deciding.expire_due(
            connection, found.pk, clock.today(), author=request.user.username, now=clock.now()
        )
        noted(request, "did", "expire evidence", found.pk)

    return act(request, do, said=_("What was overdue has expired."), to=address("evidence", client=client))


@page(PLACE, name="evidence_of", title=_("Evidence"), permission=Permission.SEE_HEALTH)
def one(request: Any, client: str, number: str, record: int, plan_type: str, slot: int) -> HttpResponse:
    """Show one request with what was done about it, and take the decision in."""
    found = client_of(request, client)
    person = _person(found, number)
    form = DecisionForm(request.POST or None, initial={"on": clock.today()})
    if request.method == "POST":
        request.access.require(Permission.REPAIR, found.pk)
        if form.is_valid():
            place = {"person_id": person.pk, "benefit_record": record, "plan_type": plan_type, "slot": slot}
            return _decide(request, found, place, form.cleaned_data)
    rows = deciding.pending(connection, found.pk, clock.today())
    key = {"person_id": person.pk, "benefit_record": record, "plan_type": plan_type, "slot": slot}
    acts = load_acts(connection, found.pk).filter(**key)
    waiting = rows.filter(**key)
    if waiting.is_empty() and acts.is_empty():
        raise Http404
    noted(request, "saw", "evidence", found.pk, person.pk)
    return show(
        request,
        "workbench/desks/evidence_of.html",
        title=_("Evidence of %(number)s") % {"number": number},
        client=found,
        crumbs=[(_("Proof of insurability"), address("evidence", client=client))],
        status=422 if form.errors else 200,
        waiting=_dollars(waiting.row(0, named=True)) if waiting.height else None,
        plan=plan_types().get(plan_type, plan_type),
        acts=[_dollars(row) | {"words": KINDS[row["kind"]]} for row in acts.iter_rows(named=True)],
        undoable=_undoable(acts),
        form=form,
        may=request.access.may(Permission.REPAIR, found.pk),
        person=links.person(client, number),
        here=request.path,
    )


def _person(client: Client, number: str) -> Person:
    found = Person.objects.filter(client=client, employee_number=number).first()
    if found is None:
        raise Http404
    return found


def _dollars(row: dict[str, Any]) -> dict[str, Any]:
    money = Column("", "", kind="money")
    amounts = ("asked_cents", "in_force_cents", "approved_cents")
    return row | {name.removesuffix("_cents"): money.text(row.get(name)) for name in amounts}


def _undoable(acts: pl.DataFrame) -> int | None:
    """Answer the number of the last decision that stands, if there is one."""
    closing = [str(one) for one in Kind if one not in (Kind.REMINDED, Kind.UNDONE)]
    standing = acts.filter(~pl.col("is_undone") & pl.col("kind").is_in(closing))
    return int(standing["number"].max()) if standing.height else None  # type: ignore[arg-type]


def _decide(request: Any, client: Client, place: dict[str, Any], said: Any) -> HttpResponse:
    amount = said["amount"]
    order = EvidenceOrder(
        client_id=client.pk,
        **place,
        decision=Kind(said["decision"]),
        on=said["on"],
        reason=said["reason"],
        author=request.user.username,
        approved_cents=None if amount is None else int(amount * 100),
    )

    def do() -> None:
        deciding.decide(connection, order, now=clock.now())
        noted(request, "did", "decide evidence", client.pk, order.person_id, why=order.reason)

    return act(request, do, said=_("Decided."), to=request.path)


@page(PLACE + "remind", name="remind_evidence", title=_("Remind"), permission=Permission.SEE_HEALTH)
@require_POST
def remind(request: Any, client: str, number: str, record: int, plan_type: str, slot: int) -> HttpResponse:
    """Write down that somebody was reminded, and how."""
    found = client_of(request, client)
    request.access.require(Permission.REPAIR, found.pk)
    person = _person(found, number)
    order = EvidenceOrder(
        client_id=found.pk,
        person_id=person.pk,
        benefit_record=record,
        plan_type=plan_type,
        slot=slot,
        decision=Kind.REMINDED,
        on=clock.today(),
        reason=reason_of(request),
        author=request.user.username,
    )

    def do() -> None:
        deciding.remind(connection, order, now=clock.now())
        noted(request, "did", "remind of evidence", found.pk, person.pk, why=order.reason)

    to = address("evidence_of", client=client, number=number, record=record, plan_type=plan_type, slot=slot)
    return act(request, do, said=_("The reminder is written down."), to=to)


@page(PLACE + "undo", name="undo_evidence", title=_("Undo"), permission=Permission.SEE_HEALTH)
@require_POST
def undo(request: Any, client: str, number: str, record: int, plan_type: str, slot: int) -> HttpResponse:
    """Undo the last decision: the request waits again, and coverage is decided again without it."""
    found = client_of(request, client)
    request.access.require(Permission.REPAIR, found.pk)
    person, today = _person(found, number), clock.today()
    acts = load_acts(connection, found.pk).filter(
        person_id=person.pk, benefit_record=record, plan_type=plan_type, slot=slot
    )
    order = UndoOrder(
        client_id=found.pk,
        as_of=today,
        begin=today.replace(month=1, day=1),
        through=today.replace(month=12, day=31),
        reason=reason_of(request),
        author=request.user.username,
        person_id=person.pk,
        benefit_record=record,
        plan_type=plan_type,
        slot=slot,
        number=_undoable(acts) or 0,
    )

    def do() -> None:
        undo_evidence(connection, order, now=clock.now())
        noted(request, "did", "undo evidence", found.pk, person.pk, why=order.reason)

    to = address("evidence_of", client=client, number=number, record=record, plan_type=plan_type, slot=slot)
    return act(request, do, said=_("Undone; the request waits again."), to=to)
