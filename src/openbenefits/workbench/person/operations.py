"""Operations of repair on one event: tried first, with all consequences, then done, then undone."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from django.db import connection
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.events.rules import EVENT_KEY
from openbenefits.events.windows import EventPlace
from openbenefits.programs.frames import load_codes
from openbenefits.repair import kinds, overriding
from openbenefits.repair.asking import UNDO
from openbenefits.repair.operations import operate, undo
from openbenefits.repair.proposals import DueOrder, due_order
from openbenefits.repair.services import RepairOrder
from openbenefits.review.debugging import decided_for
from openbenefits.workbench.pages import address, client_of, page, show
from openbenefits.workbench.person.about import (
    author_of,
    noted,
    permit_of,
    some_event,
    somebody,
)
from openbenefits.workbench.person.event import EVENT, crumbs_of, keyed
from openbenefits.workbench.person.forms import (
    OperationForm,
    OverrideForm,
)
from openbenefits.workbench.person.tables import Table, table_of, told_tables
from openbenefits.workbench.person.trying import tried
from openbenefits.workforce.models import Client, Person


def pays_of(request: Any, client_id: int) -> DueOrder:
    return due_order(client_id, clock.today(), author_of(request))


def how(request: Any, is_rehearsal: bool) -> dict[str, Any]:
    """Say when an operation is done, what it needs to be permitted by, and whether it is only tried."""
    return {"now": clock.now(), "permit": permit_of(request.access), "is_rehearsal": is_rehearsal}


def shown_by(
    request: Any,
    client: Client,
    person: Person,
    *,
    title: str,
    meaning: str = "",
    crumbs: list[tuple[str, str]] | None = None,
    what: str,
    above: list[Table] | None = None,
) -> Any:
    """Answer what shows a form, and what its act would change."""

    def shown(form: Any, told: Any) -> HttpResponse:
        noted(request, "saw", f"preview of {what}" if told is not None else f"form of {what}", person)
        is_told = hasattr(told, "consequences")
        return show(
            request,
            "workbench/person/act.html",
            title=title,
            client=client,
            crumbs=crumbs or crumbs_of(client, person),
            form=form,
            meaning=meaning,
            is_tried=told is not None,
            outcome="" if is_told or told is None else str(told),
            tables=told_tables(connection, client.pk, told) if is_told else [],
            above=above or [],
        )

    return shown


# --- of an event --------------------------------------------------------------------------------------------


@page(EVENT + "do/<str:kind>/", name="operate", title=gettext_lazy("Operation"), permission=Permission.REPAIR)
def operation(
    request: Any, client: str, number: str, schedule: str, record: int, event: int, kind: str
) -> HttpResponse:
    """Do one thing with an event after the fact, or undo the last."""
    found = client_of(request, client)
    person = somebody(found, number)
    place = some_event(person, schedule, record, event)
    if kind != UNDO and kind not in kinds.ASKABLE:
        raise Http404
    name = _("undo the last operation") if kind == UNDO else kinds.KINDS[kind].name
    key = keyed(found, person, schedule, place)

    def work(said: Mapping[str, Any], is_rehearsal: bool) -> Any:
        order = _order(request, place, kind, said)
        do = undo if kind == UNDO else operate
        return do(connection, order, **how(request, is_rehearsal))

    form = OperationForm(request.POST or None, kind=kind)
    return tried(
        request,
        form,
        work,
        shown_by(
            request,
            found,
            person,
            title=name.capitalize(),
            meaning=MEANINGS.get(kind, ""),
            crumbs=[*crumbs_of(found, person), (_("Event"), address("event", **key))],
            what=name,
        ),
        said=_("Done: %(what)s. It can be undone below.") % {"what": name},
        to=address("event", **key),
        done=lambda: noted(request, "did", name, person, reason=form.cleaned_data["reason"]),
    )


MEANINGS = {
    kinds.AGAIN: gettext_lazy(
        "Takes back what the event and the later final ones posted, and decides them again."
    ),
    kinds.WITHDRAW: gettext_lazy("The event is as if it had never been; later ones are decided again."),
    kinds.REDATE: gettext_lazy("The event happened on another day; it and later ones are decided again."),
    kinds.DISCONNECT: gettext_lazy("The event is cut off from the fact it came from; what it posted holds."),
}


def _order(request: Any, place: EventPlace, kind: str, said: Mapping[str, Any]) -> RepairOrder:
    types = {"person_id": pl.Int64, "benefit_record": pl.Int16}
    schema = {name: types.get(name, pl.Int32) for name in EVENT_KEY}
    targets = pl.DataFrame([place.key()], schema=schema).with_columns(
        kind=pl.lit(kind),
        to_on=pl.lit(said.get("to_on"), pl.Date),
        to_record=pl.lit(said.get("to_record"), pl.Int16),
    )
    pays = pays_of(request, place.client_id)
    return RepairOrder(
        client_id=place.client_id,
        targets=targets,
        as_of=pays.as_of,
        begin=pays.begin,
        through=pays.through,
        reason=said["reason"],
        author=pays.author,
    )


@page(
    EVENT + "override/",
    name="override",
    title=gettext_lazy("Override eligibility"),
    permission=Permission.REPAIR,
)
def override(request: Any, client: str, number: str, schedule: str, record: int, event: int) -> HttpResponse:
    """Decide that a program or option is eligible, or is not, whatever the rules say."""
    found = client_of(request, client)
    person = somebody(found, number)
    place = some_event(person, schedule, record, event)
    codes = load_codes(connection, found.pk, "program", "option")
    programs = codes.filter(kind="program")["code"].sort().to_list()
    options = codes.filter(kind="option")["code"].sort().to_list()
    form = OverrideForm(
        request.POST or None,
        programs=[(code, code) for code in programs],
        options=[(code, code) for code in options if not code.endswith("/")],
    )
    key = keyed(found, person, schedule, place)

    def work(said: Mapping[str, Any], is_rehearsal: bool) -> Any:
        order = _override_order(request, place, said)
        do = overriding.undo_override if said["decision"] == UNDO else overriding.override
        return do(connection, order, **how(request, is_rehearsal))

    made = table_of(
        decided_for(connection, place), _("Decided for this event"), empty=_("Nothing: the rules decide.")
    )
    return tried(
        request,
        form,
        work,
        shown_by(
            request,
            found,
            person,
            title=_("Override eligibility"),
            meaning=_(
                "It counts for this event only, and expires with it: the next event is decided by the rules."
            ),
            crumbs=[*crumbs_of(found, person), (_("Event"), address("event", **key))],
            what="override of eligibility",
            above=[made],
        ),
        said=_("Decided, and the event decided again."),
        to=address("event", **key),
        done=lambda: noted(
            request, "did", "override of eligibility", person, reason=form.cleaned_data["reason"]
        ),
    )


def _override_order(request: Any, place: EventPlace, said: Mapping[str, Any]) -> overriding.OverrideOrder:
    program, option = said["program"], None
    if said["option"]:
        program, plan_type, code = said["option"].split("/", 2)
        option = (plan_type, code)
    pays = pays_of(request, place.client_id)
    decided = {"eligible": True, "ineligible": False}
    return overriding.OverrideOrder(
        event=place.key(),
        program=program,
        option=option,
        is_eligible=decided.get(said["decision"]),
        expires_on=said["expires_on"],
        as_of=pays.as_of,
        begin=pays.begin,
        through=pays.through,
        reason=said["reason"],
        author=pays.author,
    )
