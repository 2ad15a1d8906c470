"""Operations of repair about a person: prices, coverage taken over, two numbers merged, another client."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from django.contrib import messages
from django.db import connection
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.enrollment.price_deciding import PRICE_ROW
from openbenefits.programs.frames import load_codes
from openbenefits.repair import merging, pricing, transferring
from openbenefits.repair.taken_over import TakenOver, operate_on_taken_over, taken_over_of
from openbenefits.reports.prices_decided import decided_prices
from openbenefits.workbench.forms import ReasonForm
from openbenefits.workbench.pages import client_of, page, show
from openbenefits.workbench.person.about import (
    author_of,
    noted,
    permit_of,
    person_href,
    somebody,
)
from openbenefits.workbench.person.event import crumbs_of
from openbenefits.workbench.person.forms import (
    MergeForm,
    PriceForm,
    TakenOverForm,
    TransferForm,
    cents,
)
from openbenefits.workbench.person.operations import how, pays_of, shown_by
from openbenefits.workbench.person.tables import table_of
from openbenefits.workbench.person.trying import attempted, tried
from openbenefits.workforce.models import Client, Person

PERSON = "<client:client>/people/<number:number>/"


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
        initial={"begins_on": clock.today(), "benefit_record": 0},
    )

    def work(said: Mapping[str, Any], is_rehearsal: bool) -> Any:
        pays = pays_of(request, found.pk)
        order = pricing.PriceOrder(
            client_id=found.pk, begin=pays.begin, through=pays.through, author=pays.author
        )
        rows = pl.DataFrame([_price_row(person, said)], schema=PRICE_ROW)
        told = how(request, is_rehearsal)
        if said["undo"]:
            return pricing.undo(connection, order, rows, reason=said["reason"], **told)
        return pricing.decide(connection, order, rows, **told)

    made = table_of(decided_prices(connection, found.pk, [person.pk]), _("Prices decided"), empty=_("None."))
    return tried(
        request,
        form,
        work,
        shown_by(request, found, person, title=_("Decide a price"), what="price decided", above=[made]),
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
        pays = pays_of(request, found.pk)
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
        return operate_on_taken_over(connection, order, **how(request, is_rehearsal))

    shown = table_of(known, _("Coverage taken over"), empty=_("Nothing was taken over of this person."))
    return tried(
        request,
        form,
        work,
        shown_by(
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
        pays = pays_of(request, found.pk)
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
        return do(connection, order, **how(request, is_rehearsal))

    return tried(
        request,
        form,
        work,
        shown_by(
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
        done = transferring.transfer(connection, order, **how(request, is_rehearsal))
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
        shown_by(request, found, person, title=_("Transfer to another client"), what="transfer"),
        said=_("Transferred. The next runs of both decide what ends and what begins."),
        to=person_href(found.code, person.employee_number),
        done=lambda: noted(request, "did", "transfer", person, reason=form.cleaned_data["reason"]),
    )


@page(
    PERSON + "transfer/undo/",
    name="undo-transfer",
    title=gettext_lazy("Take a transfer back"),
    permission=Permission.REPAIR,
)
def undo_transfer(request: Any, client: str, number: str) -> HttpResponse:
    """Take the last transfer of somebody back: they never left."""
    found = client_of(request, client)
    person = somebody(found, number)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        told = {"reason": form.cleaned_data["reason"], "author": author_of(request), "now": clock.now()}
        permit = permit_of(request.access)
        last = attempted(form, lambda: transferring.undo_transfer(found.pk, person.pk, permit=permit, **told))
        if last is not None:
            noted(request, "did", "transfer taken back", person, reason=told["reason"])
            messages.success(request, _("Taken back; the next runs put right what they made of it."))
            return redirect(person_href(found.code, number))
    noted(request, "saw", "transfers", person)
    rows = [
        {"first_day": one.begins_on, "by": one.author, "reason": one.reason}
        for one in transferring.transfers_of(found.pk, person.pk)
    ]
    schema = {"first_day": pl.Date, "by": pl.String, "reason": pl.String}
    return show(
        request,
        "workbench/person/plain.html",
        title=_("Take the last transfer of %(number)s back") % {"number": number},
        client=found,
        crumbs=crumbs_of(found, person),
        form=form,
        above=[table_of(pl.DataFrame(rows, schema=schema), _("Transfers that stand"), empty=_("None."))],
        button=_("Take it back"),
    )
