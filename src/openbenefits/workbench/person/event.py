"""One event: where it stands, what may be done about it, and why it offers what it offers at which price."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from django.contrib import messages
from django.db import connection
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.core.faults import message_of
from openbenefits.events.windows import EventPlace
from openbenefits.repair.asking import UNDO, operations_of
from openbenefits.reports.explain import Explanation, NothingToExplain, explain
from openbenefits.review import demand
from openbenefits.review.entry import offer_of
from openbenefits.review.rules import actions
from openbenefits.review.services import actions_of, event_controls
from openbenefits.review.trying import Tried
from openbenefits.review.trying import tried as try_first
from openbenefits.workbench.pages import address, client_of, is_refusal, page, show
from openbenefits.workbench.person.about import (
    asked_by,
    noted,
    person_href,
    some_event,
    somebody,
)
from openbenefits.workbench.person.carriers import of_event as carriers_of_event
from openbenefits.workbench.person.forms import DemandForm
from openbenefits.workbench.person.participant import tone_of
from openbenefits.workbench.person.tables import Table, consequences_of, table_of
from openbenefits.workbench.person.trying import tried
from openbenefits.workforce.models import Client, Person

EVENT = "<client:client>/people/<number:number>/events/<str:schedule>/<int:record>/<int:event>/"
LABELS = {
    actions.PREPARE: gettext_lazy("Prepare"),
    actions.STATEMENT: gettext_lazy("Enrolment statement"),
    actions.ELECT: gettext_lazy("Enter elections"),
    actions.VALIDATE: gettext_lazy("Validate"),
    actions.FINALISE: gettext_lazy("Finalise with defaults"),
    actions.REPROCESS: gettext_lazy("Reprocess"),
}
NEEDED = {
    actions.PREPARE: Permission.PROCESS,
    actions.STATEMENT: Permission.PROCESS,
    actions.ELECT: Permission.ELECT,
    actions.VALIDATE: Permission.PROCESS,
    actions.FINALISE: Permission.FINALIZE,
    actions.REPROCESS: Permission.REPAIR,
}


@page(EVENT, name="event", title=gettext_lazy("Event"))
def event(request: Any, client: str, number: str, schedule: str, record: int, event: int) -> HttpResponse:
    """Show an event: what it waits for, what may be done, options with prices and reasons, history."""
    found = client_of(request, client)
    person = somebody(found, number)
    place = some_event(person, schedule, record, event)
    told = explained(place, request.GET.get("plan_type") or None)
    offer = offer_of(connection, place)
    elected = {plan.plan_type: plan.stands for plan in offer.plans if plan.stands}
    noted(request, "saw", "event", person)
    key = keyed(found, person, schedule, place)
    return show(
        request,
        "workbench/person/event.html",
        title=event_title(told),
        client=found,
        crumbs=crumbs_of(found, person),
        told=told,
        tone=tone_of(told.event.status),
        offer=offer,
        elected=elected,
        plans=[(plan, elected.get(plan.plan_type, {})) for plan in told.plans],
        actions=_actions(request, place, key),
        operations=_operations(request, place, key),
        controls=_controls(place),
        carriers=carriers_of_event(place, person),
        key=key,
        links=_links(request, found, key),
    )


def explained(place: EventPlace, plan_type: str | None = None) -> Explanation:
    """Explain an event, or answer that there is none."""
    try:
        return explain(
            connection,
            place.client_id,
            place.person_id,
            benefit_record=place.benefit_record,
            event=(place.schedule_id, place.event_number),
            plan_type=plan_type,
        )
    except NothingToExplain as nothing:
        raise Http404(str(nothing)) from nothing


def event_title(told: Explanation) -> str:
    """Name an event."""
    return f"{told.event.class_name or told.event.event_class}, {told.event.event_on}"


def keyed(client: Client, person: Person, schedule: str, place: EventPlace) -> Mapping[str, Any]:
    """Answer what addresses of pages about an event are made of."""
    return {
        "client": client.code,
        "number": person.employee_number,
        "schedule": schedule,
        "record": place.benefit_record,
        "event": place.event_number,
    }


def crumbs_of(client: Client, person: Person) -> list[tuple[str, str]]:
    """The way to a page about somebody's event."""
    return [
        (_("People"), address("people", client=client.code)),
        (person.employee_number, person_href(client.code, person.employee_number)),
    ]


def _actions(request: Any, place: EventPlace, key: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What may be done on demand; of the rest why not."""
    hrefs = {
        actions.ELECT: address("elect", **key),
        actions.REPROCESS: address("operate", **key, kind="again"),
        actions.STATEMENT: address("statement", **key),
    }
    found = []
    for row in actions_of(connection, place).iter_rows(named=True):
        name = row["action"]
        if name not in LABELS:
            continue
        why_not = row["why_not"]
        if why_not is None and not request.access.may(NEEDED[name], place.client_id):
            why_not = _("your role may not do this for this client")
        found.append(
            {
                "name": name,
                "label": LABELS[name],
                "meaning": row["meaning"],
                "why_not": why_not,
                "href": hrefs.get(name) or address("demand", **key, action=name),
                "is_act": name == actions.STATEMENT,
            }
        )
    return found


def _operations(request: Any, place: EventPlace, key: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The operations of repair, with why not where one cannot be."""
    is_allowed = request.access.may(Permission.REPAIR, place.client_id)
    refused = _("your role may not repair events of this client")
    return [
        row
        | {
            "href": address("operate", **key, kind=row["kind"]),
            "why_not": row["why_not"] if is_allowed else refused,
            "is_undo": row["kind"] == UNDO,
        }
        for row in operations_of(connection, place.key()).iter_rows(named=True)
    ]


def _controls(place: EventPlace) -> list[Any]:
    found = event_controls(connection, place, on=clock.today())
    words = {"may_be_changed": _("May be changed")}
    is_elsewhere = pl.col("may_be_changed").str.starts_with("openbenefits")
    told = pl.when(is_elsewhere).then(pl.lit(_("by an act above"))).otherwise("may_be_changed")
    rows = found["Controls"].with_columns(may_be_changed=told)
    return [
        table_of(rows, _("Processing controls"), words=words),
        table_of(found["Changes"], _("Changes of controls"), empty=_("None.")),
    ]


def _links(request: Any, client: Client, key: Mapping[str, Any]) -> list[tuple[str, str]]:
    may = request.access.may
    links = [(_("How eligibility was decided"), address("eligibility", **key))]
    if may(Permission.REPAIR, client.pk):
        links.append((_("Override eligibility"), address("override", **key)))
    if may(Permission.PROCESS, client.pk):
        links.append((_("Change a control"), address("control", **key)))
        links.append((_("Extend or reopen the window"), address("window", **key)))
    return links


# --- on demand ----------------------------------------------------------------------------------------------


@page(EVENT + "demand/<str:action>/", name="demand", title=gettext_lazy("Process on demand"))
def on_demand(
    request: Any, client: str, number: str, schedule: str, record: int, event: int, action: str
) -> HttpResponse:
    """Prepare, validate or finalise one event now; what it changes is shown first."""
    found = client_of(request, client)
    person = somebody(found, number)
    place = some_event(person, schedule, record, event)
    if action not in (actions.PREPARE, actions.VALIDATE, actions.FINALISE):
        raise Http404
    request.access.require(NEEDED[action], found.pk)
    form = DemandForm(request.POST or None)

    def work(said: Mapping[str, Any], is_rehearsal: bool) -> Any:
        asked = demand.Asked(**(vars(asked_by(request)) | {"accepted": said["accepted"]}))
        return try_first(
            connection, place, asked, lambda: _done(action, place, asked), is_rehearsal=is_rehearsal
        )

    def shown(form: Any, told: Any) -> HttpResponse:
        noted(request, "saw", f"preview of {action}" if told else f"form of {action}", person)
        return show(
            request,
            "workbench/person/act.html",
            title=str(LABELS[action]),
            client=found,
            crumbs=[
                *crumbs_of(found, person),
                (_("Event"), address("event", **keyed(found, person, schedule, place))),
            ],
            form=form,
            meaning=actions.MEANING[action],
            is_tried=told is not None,
            outcome=_outcome(told),
            tables=_changes(found.pk, told),
        )

    to = address("event", **keyed(found, person, schedule, place))
    return tried(
        request,
        form,
        work,
        shown,
        said=_("Done: %(what)s.") % {"what": LABELS[action]},
        to=to,
        done=lambda: noted(request, "did", f"{action} on demand", person),
    )


def _done(action: str, place: EventPlace, asked: demand.Asked) -> demand.Done:
    if action == actions.PREPARE:
        return demand.prepare_event(connection, place, asked)
    return demand.settle_event(connection, place, asked, with_defaults=action == actions.FINALISE)


def _changes(client_id: int, told: Any) -> list[Table]:
    return consequences_of(connection, client_id, told.consequences) if isinstance(told, Tried) else []


def _outcome(told: Any) -> str:
    if not isinstance(told, Tried):
        return "" if told is None else str(told)
    said = f"; {_('messages')}: {', '.join(told.done.messages)}" if told.done.messages else ""
    return f"{_('The event would stand at')} {told.done.process_status}{said}."


@page(
    EVENT + "statement/",
    name="statement",
    title=gettext_lazy("Enrolment statement"),
    permission=Permission.PROCESS,
)
def statement(request: Any, client: str, number: str, schedule: str, record: int, event: int) -> HttpResponse:
    """Issue the enrolment statement of an event, or print it again, as a PDF."""
    found = client_of(request, client)
    person = somebody(found, number)
    place = some_event(person, schedule, record, event)
    back = address("event", **keyed(found, person, schedule, place))
    if request.method != "POST":
        return redirect(back)
    with TemporaryDirectory(prefix="openbenefits-") as folder:
        try:
            path = demand.issue_statement(connection, place, asked_by(request), folder=Path(folder))
        except (ValueError, LookupError) as fault:
            if not is_refusal(fault):
                raise
            messages.error(request, message_of(fault))
            return redirect(back)
        content = path.read_bytes()
    noted(request, "did", "enrolment statement on demand", person)
    answer = HttpResponse(content, content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="statement-{place.event_number}.pdf"'
    return answer
