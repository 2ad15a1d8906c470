"""One offer of a batch: its rates now against renewal, what the employer gives, and for how many people."""

from typing import Any

from django import forms
from django.db import connection
from django.db.models import Sum
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts.roles import Permission
from openbenefits.core.codes import RateUnit
from openbenefits.renewals import approving
from openbenefits.renewals.batches import OfferOrder, add_offer, take_out
from openbenefits.renewals.codes import (
    EDITABLE,
    TIER_NAMES,
    Bands,
    Method,
    OfferStatus,
    Tier,
    bands_of,
    bands_said,
)
from openbenefits.renewals.existing import add_existing
from openbenefits.renewals.models import Batch, BenefitsPlan, Offer
from openbenefits.renewals.plans import facts_of, offerable, rates_of
from openbenefits.renewals.presenting import shown
from openbenefits.renewals.weighing import (
    average_volume,
    is_for_coverage,
    set_contribution,
    set_counts,
    set_volume,
)
from openbenefits.workbench.pages import act, address, client_of, page, show
from openbenefits.workbench.renewals.parts import (
    MICROS,
    OFFER_STATUSES,
    Dollars,
    PercentField,
    as_decimal,
    batch_of,
    cents_of,
    did,
    hand_of,
    micros_of,
    offer_of,
)
from openbenefits.workforce.models import Client

BATCH = "<client:client>/renewals/<int:number>/"
WHERE = f"{BATCH}offers/<int:offer>/"
METHODS = {Method.DOLLARS: _("dollars a month"), Method.PERCENT: _("percent of the premium")}


class OfferForm(forms.Form):
    """A plan put into a batch."""

    plan = forms.ChoiceField(label=_("Plan"))
    rate_group = forms.CharField(
        label=_("Rate group"), max_length=40, required=False, help_text=_("Blank: as the rules give it.")
    )
    risk_factor = PercentField(
        _("Risk factor, %"), required=False, min_value=1, help_text=_("Blank: the client's.")
    )
    benefit_group = forms.CharField(
        label=_("Benefit group"), max_length=40, required=False, help_text=_("Blank: everybody.")
    )
    program = forms.CharField(
        label=_("Program of set-up"), max_length=40, required=False, help_text=_("Blank: the only one.")
    )
    client_plan_code = forms.CharField(label=_("The client's own plan code"), max_length=30, required=False)
    waiting_period = forms.CharField(label=_("Waiting period, in words"), max_length=120, required=False)

    def __init__(self, plans: list[BenefitsPlan], *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.fields["plan"].choices = [(str(one.pk), f"{one.name} ({one.unique_code})") for one in plans]  # type: ignore[attr-defined]


class TiersForm(forms.Form):
    """What the employer gives, and the people, by tier."""

    def __init__(self, offer: Offer, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.fields["method"] = forms.ChoiceField(
            label=_("The employer gives"), choices=[(str(one), words) for one, words in METHODS.items()]
        )
        for tier in self.tiers(offer):
            name = TIER_NAMES[tier]
            self.fields[f"employer_{tier}"] = PercentField(f"{name}: {_('employer')}", min_value=0)
        for field, (tier, bands) in people_fields(offer).items():
            where = ", ".join(part for part in (TIER_NAMES[tier], bands_said(bands)) if part)
            self.fields[field] = forms.IntegerField(
                label=f"{where}: {_('people')}", min_value=0, max_value=10_000_000
            )
        if is_for_coverage(offer):
            self.fields["volume"] = Dollars(_volume_label(offer), required=False)

    def clean(self) -> dict[str, Any]:
        """Refuse dollars with more than cents."""
        said: dict[str, Any] = super().clean() or {}
        for name, value in list(said.items()):
            is_amount = name.startswith("employer_") and said.get("method") == Method.DOLLARS
            if is_amount and value is not None and value * 100 % 1:
                self.add_error(name, _("Expected dollars and cents, found more decimals. Round it."))
        return said

    @staticmethod
    def tiers(offer: Offer) -> list[Tier]:
        """Answer the tiers the offer's rate group has rates for."""
        group = offer.rate_group
        known = set(group.rates.values_list("tier", flat=True)) if group else set()
        return [one for one in Tier if one in known]


def people_fields(offer: Offer) -> dict[str, tuple[Tier, Bands]]:
    """Name the field of people of each tier and bands that the offer's rate group has rates for."""
    rates = rates_of(offer.rate_group) if offer.rate_group else []
    return {
        f"people_{one.tier}_{number}" if one.bands else f"people_{one.tier}": (one.tier, one.bands)
        for number, one in enumerate(rates, start=1)
    }


def _volume_label(offer: Offer) -> Any:
    is_of_pay = offer.rate_group is not None and offer.rate_group.unit == RateUnit.PERCENT_OF_BASE
    return _("Pay of a person a month, on average") if is_of_pay else _("Coverage of a person, on average")


def _initial(offer: Offer) -> dict[str, Any]:
    given: dict[str, Any] = {"method": offer.method}
    for one in offer.tiers.all():
        is_dollars = offer.method == Method.DOLLARS
        value = one.employer_cents if is_dollars else one.employer_percent_micros
        given[f"employer_{one.tier}"] = as_decimal(value, 100 if is_dollars else MICROS)
    rows = offer.counts.values_list("tier", "bands", "people")
    people = {(tier, bands_of(bands)): count for tier, bands, count in rows}
    if is_for_coverage(offer):
        given["volume"] = as_decimal(average_volume(offer), 100)
    return given | {field: people.get(place, 0) for field, place in people_fields(offer).items()}


@page(f"{BATCH}offers/add", name="renewal_offer_add", title=_("Add a plan"), permission=Permission.SETUP)
def add(request: Any, client: str, number: int) -> HttpResponse:
    """Put a plan into a batch."""
    found = client_of(request, client)
    batch = batch_of(found, number)
    plans = offerable(found.pk, batch.effective_on)
    form = OfferForm(plans, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        return _add(request, found, batch, {str(one.pk): one for one in plans}, form.cleaned_data)
    return show(
        request,
        "workbench/person/plain.html",
        title=_("Add a plan"),
        client=found,
        crumbs=_crumbs(client, batch),
        status=422 if request.method == "POST" else 200,
        form=form,
        button=_("Add"),
    )


def _add(
    request: Any, client: Client, batch: Batch, plans: dict[str, BenefitsPlan], said: dict[str, Any]
) -> HttpResponse:
    names = ("rate_group", "benefit_group", "program", "client_plan_code", "waiting_period")

    def do() -> None:
        order = OfferOrder(
            plan=plans[said["plan"]],
            risk_factor_micros=micros_of(said["risk_factor"]),
            **{name: said[name].strip() for name in names},
        )
        add_offer(batch, order, by=hand_of(request))
        did(request, "plan offered", client.pk)

    said_so = _("The plan is in the batch. State what the employer gives.")
    return act(request, do, said=said_so, to=address("renewal_batch", client=client.code, number=batch.pk))


def _crumbs(client: str, batch: Batch) -> list[tuple[Any, str]]:
    return [
        (_("Benefits batches"), address("renewals", client=client)),
        (
            _("Batch %(number)s") % {"number": batch.pk},
            address("renewal_batch", client=client, number=batch.pk),
        ),
    ]


@page(WHERE, name="renewal_offer", title=_("Offered plan"))
def one(request: Any, client: str, number: int, offer: int) -> HttpResponse:
    """Show an offer, a person of each tier; change contributions and numbers of people."""
    found = client_of(request, client)
    batch = batch_of(found, number)
    row = offer_of(batch, offer)
    may_act = request.access.may(Permission.SETUP, found.pk) and batch.status in EDITABLE
    form = TiersForm(row, initial=_initial(row))
    status = 200
    if request.method == "POST":
        request.access.require(Permission.SETUP, found.pk)
        form = TiersForm(row, request.POST)
        if form.is_valid():
            return _change(request, row, form.cleaned_data)
        status = 422
    told = shown(connection, batch)
    plan = next(one for one in told.plans if one.offer_id == row.pk)
    return show(
        request,
        "workbench/renewals/offer.html",
        title=row.plan.name,
        client=found,
        crumbs=_crumbs(client, batch),
        status=status,
        batch=batch,
        offer=row,
        offer_status=OFFER_STATUSES.get(row.status, row.status),
        plan=plan,
        frequencies=told.frequencies,
        unknown=row.counts.aggregate(people=Sum("unknown"))["people"],
        fact=facts_of(row.rate_group) if row.rate_group else "",
        form=form if may_act else None,
        may_act=may_act,
        sees_margin=request.access.may(Permission.SETUP, found.pk),
        factor=as_decimal(plan.row["factor_micros"], MICROS),
    )


def _change(request: Any, offer: Offer, said: dict[str, Any]) -> HttpResponse:
    method = Method(said["method"])
    turn = cents_of if method is Method.DOLLARS else micros_of

    def do() -> None:
        tiers = TiersForm.tiers(offer)
        employer = {tier: turn(said[f"employer_{tier}"]) or 0 for tier in tiers}
        set_contribution(offer, method, employer)
        before = _initial(offer)
        places = people_fields(offer).items()
        set_counts(offer, {place: said[field] for field, place in places if said[field] != before[field]})
        volume = cents_of(said.get("volume"))
        if volume is not None and said["volume"] != before.get("volume"):
            set_volume(offer, volume)
        did(request, "offer changed", offer.client_id)

    return act(request, do, said=_("Changed."), to=request.path)


class ExistingForm(forms.Form):
    """A plan the client has, or could have elsewhere."""

    name = forms.CharField(label=_("Name"), max_length=120)
    carrier = forms.CharField(label=_("Carrier"), max_length=120, required=False)
    notes = forms.CharField(label=_("Notes"), max_length=1000, required=False)

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        for tier, name in TIER_NAMES.items():
            for what, words in (("premium", _("premium")), ("employer", _("employer"))):
                self.fields[f"{what}_{tier}"] = Dollars(f"{name}: {words}", required=False)


@page(f"{WHERE}existing", name="existing_plan", title=_("Present plan"), permission=Permission.SETUP)
def existing(request: Any, client: str, number: int, offer: int) -> HttpResponse:
    """Set an offer against a plan the client has today, or could have elsewhere."""
    found = client_of(request, client)
    row = offer_of(batch_of(found, number), offer)
    form = ExistingForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data

        def do() -> None:
            amounts = [
                {tier: cents for tier in Tier if (cents := cents_of(said[f"{what}_{tier}"])) is not None}
                for what in ("premium", "employer")
            ]
            add_existing(
                row.batch,
                plan_type=row.plan.plan_type,
                premiums=amounts[0],
                employers=amounts[1],
                compare_to=row,
                **{name: said[name] for name in ("name", "carrier", "notes")},
            )
            did(request, "existing plan", found.pk)

        to = address("renewal_offer", client=client, number=number, offer=offer)
        return act(request, do, said=_("The plan is set against the offer."), to=to)
    return show(
        request,
        "workbench/person/plain.html",
        title=_("Present plan"),
        client=found,
        crumbs=_crumbs(client, row.batch),
        status=422 if request.method == "POST" else 200,
        meaning=_("What the client has today, or could have elsewhere, a month. It is shown as 'now'."),
        form=form,
        button=_("Compare"),
    )


@page(f"{WHERE}choose", name="renewal_offer_choose", title=_("Choose"), permission=Permission.SETUP)
@require_POST
def choose(request: Any, client: str, number: int, offer: int) -> HttpResponse:
    """Choose an offer for the client, turn it down, or take it out."""
    found = client_of(request, client)
    row = offer_of(batch_of(found, number), offer)
    asked = request.POST.get("act", "")

    def do() -> None:
        by = hand_of(request)
        if asked == "out":
            take_out(row, by=by)
        else:
            approving.choose(row, is_selected=asked == "select", by=by, reason=request.POST.get("reason", ""))
        did(request, f"offer: {asked if asked in ('out', 'select') else 'reject'}", found.pk)

    words = {"out": _("Taken out."), "select": _("Selected."), OfferStatus.REJECTED: _("Rejected.")}
    to = address("renewal_batch", client=client, number=number)
    return act(request, do, said=words.get(asked, _("Rejected.")), to=to)
