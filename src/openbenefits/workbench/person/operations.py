"""Operations of repair on one event or person: tried first, with all consequences, then done, then undone."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from django.db import connection
from django.http import Http404, HttpResponse
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbenefits.accounts.roles import Permission
from openbenefits.enrollment.price_deciding import PRICE_ROW
from openbenefits.events.rules import EVENT_KEY
from openbenefits.events.windows import EventPlace
from openbenefits.programs.frames import load_codes
from openbenefits.repair import kinds, merging, overriding, pricing, transferring
from openbenefits.repair.asking import UNDO
from openbenefits.repair.operations import operate, undo
from openbenefits.repair.proposals import DueOrder, due_order
from openbenefits.repair.services import RepairOrder
from openbenefits.repair.taken_over import TakenOver, operate_on_taken_over, taken_over_of
from openbenefits.reports.prices_decided import decided_prices
from openbenefits.review.debugging import decided_for
from openbenefits.workbench.pages import address, client_of, page, show
from openbenefits.workbench.person.about import (
    author_of,
    noted,
    permit_of,
    person_href,
    some_event,
    somebody,
)
from openbenefits.workbench.person.event import EVENT, crumbs_of, keyed
from openbenefits.workbench.person.forms import (
    MergeForm,
    OperationForm,
    OverrideForm,
    PriceForm,
    TakenOverForm,
    TransferForm,
    cents,
)
from openbenefits.workbench.person.tables import Table, table_of, told_tables
from openbenefits.workbench.person.trying import tried
from openbenefits.workforce.models import Client, Person

PERSON = "<client:client>/people/<number:number>/"


def _pays(request: Any, client_id: int) -> DueOrder:
    return due_order(client_id, localdate(), author_of(request))


def _shown(
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
        return do(connection, order, now=now(), permit=permit_of(request.access), is_rehearsal=is_rehearsal)

    form = OperationForm(request.POST or None, kind=kind)
    return tried(
        request,
        form,
        work,
        _shown(
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
    pays = _pays(request, place.client_id)
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
        return do(connection, order, now=now(), permit=permit_of(request.access), is_rehearsal=is_rehearsal)

    made = table_of(
        decided_for(connection, place), _("Decided for this event"), empty=_("Nothing: the rules decide.")
    )
    return tried(
        request,
        form,
        work,
        _shown(
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
    pays = _pays(request, place.client_id)
    decided = {"eligible": True, "ineligible": False}
    return overriding.OverrideOrder(
        event=place.key(),
        program=program,
        option=option,
        is_eligible=decided.get(said["decision"]),
        as_of=pays.as_of,
        begin=pays.begin,
        through=pays.through,
        reason=said["reason"],
        author=pays.author,
    )


# --- of a person --------------------------------------------------------------------------------------------


@page(PERSON + "price/", name="price", title=gettext_lazy("Decide a price"), permission=Permission.REPAIR)
def price(request: Any, client: str, number: str) -> HttpResponse:
    """Decide a price of one participant for some days, or undo the last decision."""
    found = client_of(request, client)
    person = somebody(found, number)
    options = load_codes(connection, found.pk, "option")["code"].sort().to_list()
    plan_types = sorted({code.split("/")[1] for code in options})
    form = PriceForm(
        request.POST or None,
        plan_types=[(code, code) for code in plan_types],
        options=[(code, code) for code in options if not code.endswith("/")],
        initial={"begins_on": localdate(), "benefit_record": 0},
    )

    def work(said: Mapping[str, Any], is_rehearsal: bool) -> Any:
        pays = _pays(request, found.pk)
        order = pricing.PriceOrder(
            client_id=found.pk, begin=pays.begin, through=pays.through, author=pays.author
        )
        rows = pl.DataFrame([_price_row(person, said)], schema=PRICE_ROW)
        told = {"now": now(), "permit": permit_of(request.access), "is_rehearsal": is_rehearsal}
        if said["undo"]:
            return pricing.undo(connection, order, rows, reason=said["reason"], **told)
        return pricing.decide(connection, order, rows, **told)

    made = table_of(decided_prices(connection, found.pk, [person.pk]), _("Prices decided"), empty=_("None."))
    return tried(
        request,
        form,
        work,
        _shown(request, found, person, title=_("Decide a price"), what="price decided", above=[made]),
        said=_("Decided. Payroll owes the price decided from now on."),
        to=person_href(found.code, person.employee_number),
        done=lambda: noted(request, "did", "price decided", person, reason=form.cleaned_data["reason"]),
    )


def _price_row(person: Person, said: Mapping[str, Any]) -> dict[str, Any]:
    program, option = (None, None)
    if said["option"]:
        program, _type, option = said["option"].split("/", 2)
    return {
        "row": 1,
        "client_id": person.client_id,
        "person_id": person.pk,
        "benefit_record": said["benefit_record"],
        "plan_type": said["plan_type"],
        "program": program,
        "option": option,
        "begins_on": said["begins_on"],
        "ends_on": said["ends_on"],
        "total_cents": cents(said["total"]),
        "employer_cents": cents(said["employer"]),
        "employee_cents": cents(said["employee"]),
        "reason": said["reason"],
    }


@page(
    PERSON + "taken-over/",
    name="taken-over",
    title=gettext_lazy("Coverage taken over"),
    permission=Permission.REPAIR,
)
def taken_over(request: Any, client: str, number: str) -> HttpResponse:
    """Move, end or void coverage that was taken over from a previous system."""
    found = client_of(request, client)
    person = somebody(found, number)
    known = taken_over_of(connection, found.pk, person.pk)
    names = ("benefit_record", "plan_type", "begins_on")
    choices = [
        (
            f"{row['benefit_record']}/{row['plan_type']}/{row['begins_on']}",
            f"{row['plan_type']} {row['begins_on']}",
        )
        for row in known.select(names).iter_rows(named=True)
    ]
    form = TakenOverForm(request.POST or None, coverage=choices)

    def work(said: Mapping[str, Any], is_rehearsal: bool) -> Any:
        record, plan_type, _begins = said["coverage"].split("/")
        pays = _pays(request, found.pk)
        order = TakenOver(
            client_id=found.pk,
            person_id=person.pk,
            benefit_record=int(record),
            plan_type=plan_type,
            begins_on=dict(zip([c[0] for c in choices], known["begins_on"], strict=True))[said["coverage"]],
            do=said["do"],
            to_on=said["to_on"],
            as_of=pays.as_of,
            begin=pays.begin,
            through=pays.through,
            reason=said["reason"],
            author=pays.author,
        )
        permit = permit_of(request.access)
        return operate_on_taken_over(connection, order, now=now(), permit=permit, is_rehearsal=is_rehearsal)

    shown = table_of(known, _("Coverage taken over"), empty=_("Nothing was taken over of this person."))
    return tried(
        request,
        form,
        work,
        _shown(
            request, found, person, title=_("Coverage taken over"), what="taken-over coverage", above=[shown]
        ),
        said=_("Done, and the events after it decided again."),
        to=person_href(found.code, person.employee_number),
        done=lambda: noted(request, "did", "taken-over coverage", person, reason=form.cleaned_data["reason"]),
    )


@page(PERSON + "merge/", name="merge", title=gettext_lazy("Merge"), permission=Permission.REPAIR)
def merge(request: Any, client: str, number: str) -> HttpResponse:
    """Say that two numbers are one human, or take them apart again."""
    found = client_of(request, client)
    person = somebody(found, number)
    form = MergeForm(request.POST or None)

    def work(said: Mapping[str, Any], is_rehearsal: bool) -> Any:
        survivor = Person.objects.filter(client_id=found.pk, employee_number=said["survivor"]).first()
        if survivor is None:
            raise merging.RepairRefused(
                "expected the number of another employee of this client, found none; correct the number"
            )
        pays = _pays(request, found.pk)
        order = merging.MergeOrder(
            client_id=found.pk,
            person_id=person.pk,
            survivor_id=survivor.pk,
            as_of=pays.as_of,
            begin=pays.begin,
            through=pays.through,
            reason=said["reason"],
            author=pays.author,
        )
        do = merging.merge if said["do"] == merging.MERGE else merging.unmerge
        return do(connection, order, now=now(), permit=permit_of(request.access), is_rehearsal=is_rehearsal)

    return tried(
        request,
        form,
        work,
        _shown(
            request,
            found,
            person,
            title=_("Merge"),
            meaning=_("Facts, events, coverage and what payroll took follow the number that stays."),
            what="merge",
        ),
        said=_("Done. Nothing is erased; they can be taken apart again."),
        to=person_href(found.code, person.employee_number),
        done=lambda: noted(
            request, "did", form.cleaned_data["do"], person, reason=form.cleaned_data["reason"]
        ),
    )


@page(PERSON + "transfer/", name="transfer", title=gettext_lazy("Transfer"), permission=Permission.REPAIR)
def transfer(request: Any, client: str, number: str) -> HttpResponse:
    """Let somebody go on at another client of the PEO."""
    found = client_of(request, client)
    person = somebody(found, number)
    others = [
        one
        for one in Client.objects.exclude(pk=found.pk).order_by("code")
        if request.access.may(Permission.FACTS, one.pk)
    ]
    form = TransferForm(request.POST or None, clients=[(one.code, one.name) for one in others])

    def work(said: Mapping[str, Any], is_rehearsal: bool) -> Any:
        other = next(one for one in others if one.code == said["to_client"])
        order = transferring.TransferOrder(
            client_id=found.pk,
            person_id=person.pk,
            to_client=other.pk,
            employee_number=said["employee_number"],
            begins_on=said["begins_on"],
            job={name: said[name] for name in ("company", "benefit_group", "pay_group")},
            keeps_service=said["keeps_service"],
            reason=said["reason"],
            author=author_of(request),
            coming_reason=said["coming_reason"] or None,
        )
        permit = permit_of(request.access)
        done = transferring.transfer(connection, order, now=now(), permit=permit, is_rehearsal=is_rehearsal)
        return _(
            "The job ends here the day before, and begins there on %(day)s with %(count)d dependents."
        ) % {
            "day": said["begins_on"],
            "count": done.dependents,
        }

    return tried(
        request,
        form,
        work,
        _shown(request, found, person, title=_("Transfer to another client"), what="transfer"),
        said=_("Transferred. The next runs of both decide what ends and what begins."),
        to=person_href(found.code, person.employee_number),
        done=lambda: noted(request, "did", "transfer", person, reason=form.cleaned_data["reason"]),
    )
