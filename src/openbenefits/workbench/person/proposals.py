"""What should be put right: flagged events, and repairs proposed: tried first, done, or refused."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from django import forms
from django.contrib import messages
from django.db import connection
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import note
from openbenefits.events.rules import EVENT_KEY
from openbenefits.repair.operations import operate
from openbenefits.repair.proposals import (
    dismiss,
    due_order,
    find_proposals,
    order_of,
    rehearse_due,
    repair_due,
)
from openbenefits.reports.repairs import named_proposals
from openbenefits.review.debugging import expired_decisions
from openbenefits.review.services import flagged
from openbenefits.workbench.forms import ReasonForm
from openbenefits.workbench.pages import Section, address, client_of, page, show
from openbenefits.workbench.person.about import author_of, event_href, noted, permit_of, some_event, somebody
from openbenefits.workbench.person.event import EVENT, crumbs_of, keyed
from openbenefits.workbench.person.tables import consequences_of, table_of, told_tables
from openbenefits.workbench.person.trying import attempted, tried
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workforce.models import Client

FLAGGED = (
    Column("schedule", gettext_lazy("Schedule")),
    Column("event_class", gettext_lazy("Event")),
    Column("event_on", gettext_lazy("On"), kind="day"),
    Column("flags", gettext_lazy("Flagged as")),
    Column("set_on", gettext_lazy("Since")),
    Column("status_on", gettext_lazy("Status since"), kind="day"),
)


@page(
    "<client:client>/flagged/", name="flagged", title=gettext_lazy("Flagged items"), section=Section.PROCESS
)
def flagged_items(request: Any, client: str) -> HttpResponse:
    """List the events that are out of sequence, rest on changed facts, or are disconnected."""
    found = client_of(request, client)
    rows = flagged(connection, found.pk, as_of=clock.today())

    def href(row: Mapping[str, Any]) -> str:
        return event_href(client, row)

    columns = (Column("employee_number", gettext_lazy("Employee"), href=href), *FLAGGED)
    shown = sheet(
        request,
        rows,
        columns,
        name="flagged",
        caption=_("Flagged events"),
        empty=_("Nothing is flagged: every event was decided in order, from the facts as they are."),
    )
    if (file := shown.export()) is not None:
        return file
    return show(
        request,
        "workbench/person/list.html",
        title=_("Flagged items"),
        client=found,
        listed=shown,
        links=[(_("Eligibility decided by people, and expired"), address("expired", client=client))],
    )


EXPIRED = (
    Column("schedule", gettext_lazy("Schedule")),
    Column("event_number", gettext_lazy("Event"), kind="number"),
    Column("event_on", gettext_lazy("On"), kind="day"),
    Column("program", gettext_lazy("Program")),
    Column("option", gettext_lazy("Option")),
    Column("expires_on", gettext_lazy("Last day"), kind="day"),
)


@page("<client:client>/expired/", name="expired", title=gettext_lazy("Expired decisions"))
def expired(request: Any, client: str) -> HttpResponse:
    """List what people decided about eligibility of events that are final, and whose last day is over."""
    found = client_of(request, client)

    def href(row: Mapping[str, Any]) -> str:
        return event_href(client, row, "override")

    shown = sheet(
        request,
        expired_decisions(connection, found.pk, clock.today()),
        (Column("employee_number", gettext_lazy("Employee"), href=href), *EXPIRED),
        name="expired",
        caption=_("Decisions to make again"),
        empty=_("None: what has expired of events still open is withdrawn at night."),
    )
    if (file := shown.export()) is not None:
        return file
    return show(
        request,
        "workbench/person/list.html",
        title=_("Expired decisions"),
        client=found,
        crumbs=[(_("Flagged items"), address("flagged", client=client))],
        listed=shown,
    )


PROPOSED = (
    Column("schedule", gettext_lazy("Schedule")),
    Column("event_number", gettext_lazy("Event"), kind="number"),
    Column("event_on", gettext_lazy("On"), kind="day"),
    Column("to_do", gettext_lazy("Proposed")),
    Column("to", gettext_lazy("To"), kind="day"),
    Column("why", gettext_lazy("Why")),
)


@page(
    "<client:client>/proposals/",
    name="proposals",
    title=gettext_lazy("Repairs proposed"),
    section=Section.PROCESS,
)
def proposals(request: Any, client: str) -> HttpResponse:
    """List the repairs the product proposes: which event, what to do with it, and why."""
    found = client_of(request, client)
    rows = find_proposals(connection, found.pk)
    named = named_proposals(connection, found.pk, rows).with_columns(rows["benefit_record"])

    def href(row: Mapping[str, Any]) -> str:
        return event_href(client, row, "proposal")

    columns = (Column("employee_number", gettext_lazy("Employee"), href=href), *PROPOSED)
    shown = sheet(
        request,
        named,
        columns,
        name="proposals",
        caption=_("Repairs proposed"),
        empty=_("Nothing to repair: every event was decided from the facts as they are."),
    )
    if (file := shown.export()) is not None:
        return file
    may = request.access.may(Permission.REPAIR, found.pk) and named.height
    links = [(_("Carry out all that nobody need decide on"), address("due", client=client))] if may else []
    return show(
        request,
        "workbench/person/list.html",
        title=_("Repairs proposed"),
        client=found,
        listed=shown,
        links=links,
    )


@page(
    EVENT + "proposal/", name="proposal", title=gettext_lazy("Repair proposed"), permission=Permission.REPAIR
)
def proposal(request: Any, client: str, number: str, schedule: str, record: int, event: int) -> HttpResponse:
    """Try the repair proposed for an event, carry it out, or keep the event as it is."""
    found = client_of(request, client)
    person = somebody(found, number)
    place = some_event(person, schedule, record, event)
    rows = find_proposals(connection, found.pk).filter(**place.key())
    key = keyed(found, person, schedule, place)
    if rows.is_empty():
        messages.info(request, _("Nothing is proposed for this event any more."))
        return redirect(address("proposals", client=client))
    named = named_proposals(connection, found.pk, rows)
    form = ReasonForm(request.POST or None)
    if request.POST.get("step") == "keep" and form.is_valid():
        return _kept(request, found, person, rows.select(EVENT_KEY), form, key)

    def work(said: Mapping[str, Any], is_rehearsal: bool) -> Any:
        order = order_of(due_order(found.pk, clock.today(), author_of(request)), rows, said["reason"])
        permit = permit_of(request.access)
        return operate(connection, order, now=clock.now(), permit=permit, is_rehearsal=is_rehearsal)

    def shown(form: Any, told: Any) -> HttpResponse:
        noted(request, "saw", "repair proposed", person)
        return show(
            request,
            "workbench/person/act.html",
            title=_("Repair proposed"),
            client=found,
            crumbs=[*crumbs_of(found, person), (_("Event"), address("event", **key))],
            form=form,
            meaning=f"{named['to_do'][0]}: {named['why'][0]}",
            is_tried=told is not None,
            tables=told_tables(connection, found.pk, told) if hasattr(told, "consequences") else [],
            may_keep=True,
        )

    return tried(
        request,
        form,
        work,
        shown,
        said=_("Repaired. It can be undone at the event."),
        to=address("event", **key),
        done=lambda: noted(request, "did", "repair proposed", person, reason=form.cleaned_data["reason"]),
    )


def _kept(
    request: Any, client: Client, person: Any, place: pl.DataFrame, form: Any, key: Mapping[str, Any]
) -> HttpResponse:
    reason = form.cleaned_data["reason"]
    told = {"reason": reason, "author": author_of(request), "now": clock.now()}

    def work() -> bool:
        dismiss(connection, place, **told)
        return True

    if attempted(form, work):
        noted(request, "did", "event kept as it is", person, reason=reason)
        messages.success(request, _("Kept as it is; the repair is proposed no longer."))
        return redirect(address("proposals", client=client.code))
    messages.error(request, "; ".join(str(one) for one in form.non_field_errors()))
    return redirect(address("proposal", **key))


@page(
    "<client:client>/proposals/due/",
    name="due",
    title=gettext_lazy("Repairs due"),
    permission=Permission.REPAIR,
)
def due(request: Any, client: str) -> HttpResponse:
    """Carry out every proposed repair nobody need decide on; what it changes is shown first."""
    found = client_of(request, client)
    form = forms.Form(request.POST or None)

    def work(_said: Mapping[str, Any], is_rehearsal: bool) -> Any:
        do = rehearse_due if is_rehearsal else repair_due
        return do(connection, due_order(found.pk, clock.today(), author_of(request)), now=clock.now())

    def shown(form: Any, told: Any) -> HttpResponse:
        tables = []
        if told is not None:
            tables = [
                table_of(named_proposals(connection, found.pk, told.proposals), _("What becomes of each"))
            ]
        if told is not None and told.consequences is not None:
            tables += consequences_of(connection, found.pk, told.consequences)
        return show(
            request,
            "workbench/person/act.html",
            title=_("Repairs due"),
            client=found,
            crumbs=[(_("Repairs proposed"), address("proposals", client=client))],
            form=form,
            meaning=_(
                "A person decides where medical coverage would end on a past day, or a choice is needed."
            ),
            is_tried=told is not None,
            tables=tables,
        )

    return tried(
        request,
        form,
        work,
        shown,
        said=_("Carried out. What is left waits for a person."),
        to=address("proposals", client=client),
        done=lambda: note(request.access, "did", "repairs due", client_id=found.pk, now=clock.now()),
    )
