"""Benefits plans with their price lists: entered, taken from set-up, rated, renewed, grouped."""

from typing import Any

import polars as pl
from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.core.codes import AreaOf, RateUnit
from openbenefits.core.faults import message_of
from openbenefits.core.plan_types import DELIVERED
from openbenefits.renewals.codes import TIER_NAMES, PlanKind, RateSource, bands_said
from openbenefits.renewals.models import BenefitsPlan, PlanGroup
from openbenefits.renewals.moves import PLAN
from openbenefits.renewals.plans import (
    PlanOrder,
    add_plan,
    copy_plan,
    make_group,
    rates_of,
    renew_plan,
    set_rates,
)
from openbenefits.renewals.statuses import RenewalRefused, history_of
from openbenefits.renewals.taking_over import masters_from_setup
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.pages import Section, act, address, page, show
from openbenefits.workbench.renewals.parts import (
    MICROS,
    PLAN_STATUSES,
    PercentField,
    as_decimal,
    did,
    hand_of,
    micros_of,
)
from openbenefits.workbench.renewals.rates_form import ADDRESSES, UNITS, RatesForm
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workforce.models import Client

PEO = 0
MOST = 5_000
ROWS = {
    "number": pl.Int64,
    "client": pl.String,
    "unique_code": pl.String,
    "name": pl.String,
    "plan_type": pl.String,
    "carrier": pl.String,
    "kind": pl.String,
    "status": pl.String,
    "begins_on": pl.Date,
    "expires_on": pl.Date,
    "renewed_on": pl.Date,
}


class PlanForm(forms.Form):
    """A plan as it is entered."""

    unique_code = forms.RegexField(
        r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}$",
        label=_("Unique plan code"),
        help_text=_("The payroll platform's plan id."),
    )
    kind = forms.ChoiceField(
        label=_("Kind"), choices=[(str(PlanKind.MASTER), _("master")), (str(PlanKind.MODEL), _("model"))]
    )
    plan_type = forms.ChoiceField(label=_("Category"), choices=list(DELIVERED.items()))
    name = forms.CharField(label=_("Name"), max_length=120)
    carrier = forms.CharField(label=_("Carrier"), max_length=120)
    carrier_plan_code = forms.CharField(label=_("Carrier's plan code"), max_length=60)
    setup_plan = forms.RegexField(
        r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$",
        label=_("Code of the plan in set-up"),
        required=False,
        help_text=_(
            "Blank: the unique code. A plan that set-up has is offered under its code, year after year."
        ),
    )
    begins_on = forms.DateField(label=_("From"), widget=DayInput())
    expires_on = forms.DateField(label=_("Through"), widget=DayInput(), required=False)
    default_rate_group = forms.CharField(label=_("Default rate group"), max_length=40, required=False)
    source = forms.CharField(
        label=_("Source"), max_length=300, help_text=_("The carrier's document, with its date.")
    )


class RenewForm(forms.Form):
    """A plan renewed."""

    unique_code = forms.RegexField(
        r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}$", label=_("Unique code of the new plan")
    )
    change = PercentField(
        _("Every rate rises by, %"),
        required=False,
        min_value=-90,
        max_value=500,
        help_text=_("Blank: enter the rates afterwards."),
    )
    source = forms.CharField(label=_("Source"), max_length=300)


class CopyForm(forms.Form):
    """A plan copied to a client."""

    client = forms.CharField(label=_("Client (its code)"), max_length=40)
    unique_code = forms.RegexField(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}$", label=_("Unique code of the copy"))
    begins_on = forms.DateField(label=_("From"), widget=DayInput())
    source = forms.CharField(label=_("Source"), max_length=300)


class GroupForm(forms.Form):
    """Plans put together for a year."""

    plan_year = forms.IntegerField(label=_("Plan year"), min_value=2000, max_value=2100)
    name = forms.CharField(label=_("Name"), max_length=80)
    plans = forms.MultipleChoiceField(label=_("Plans"), widget=forms.CheckboxSelectMultiple)

    def __init__(self, plans: list[BenefitsPlan], *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.fields["plans"].choices = [(str(one.pk), f"{one.name} ({one.unique_code})") for one in plans]  # type: ignore[attr-defined]


@page("renewals/plans/", name="benefits_plans", title=_("Benefits plans"), section=Section.RENEWALS)
def listed(request: Any) -> HttpResponse:
    """List masters, models and client-level plans; enter one, or take masters from set-up."""
    may_act = request.access.may(Permission.SETUP, PEO)
    form, status = PlanForm(), 200
    if request.method == "POST":
        request.access.require(Permission.SETUP, PEO)
        form = PlanForm(request.POST)
        if form.is_valid():
            return _add(request, form.cleaned_data)
        status = 422
    codes = dict(Client.objects.values_list("pk", "code"))
    plans = list(BenefitsPlan.objects.order_by("-begins_on", "plan_type", "unique_code")[:MOST])
    names = [name for name in ROWS if name not in ("number", "client")]
    table = [
        {"number": one.pk, "client": codes.get(one.client_id, "PEO")}
        | {name: getattr(one, name) for name in names}
        for one in plans
    ]
    columns = (
        Column("unique_code", _("Plan"), href=lambda row: address("benefits_plan", number=row["number"])),
        Column("name", _("Name")),
        Column("plan_type", _("Category"), words=DELIVERED),
        Column("carrier", _("Carrier")),
        Column("kind", _("Kind")),
        Column("client", _("Whose")),
        Column("status", _("Status"), kind="status", words=PLAN_STATUSES),
        Column("begins_on", _("From"), kind="day"),
        Column("expires_on", _("Through"), kind="day"),
        Column("renewed_on", _("Renewed"), kind="day"),
    )
    shown = sheet(
        request,
        pl.DataFrame(table, schema=ROWS),
        columns,
        name="plans",
        caption=_("Benefits plans"),
        empty=_("No plan yet. Take the masters from set-up, or enter one."),
    )
    if (file := shown.export()) is not None:
        return file
    return show(
        request,
        "workbench/renewals/plans.html",
        title=_("Benefits plans"),
        status=status,
        plans=shown,
        form=form if may_act else None,
        group_form=GroupForm(_groupable(plans)) if may_act else None,
        groups=PlanGroup.objects.prefetch_related("members__plan").order_by("-plan_year", "name"),
        may_act=may_act,
    )


def _groupable(plans: list[BenefitsPlan]) -> list[BenefitsPlan]:
    return [one for one in plans if one.client_id == PEO and one.kind != PlanKind.MODEL]


def _add(request: Any, said: dict[str, Any]) -> HttpResponse:
    made: list[BenefitsPlan] = []

    def do() -> None:
        made.append(add_plan(PEO, PlanOrder(**(said | {"kind": PlanKind(said["kind"])}))))
        did(request, "plan entered", PEO)

    answer = act(request, do, said=_("The plan is entered. Enter its rates."), to=address("benefits_plans"))
    return redirect(address("benefits_plan", number=made[0].pk)) if made else answer


@page(
    "renewals/plans/from-setup",
    name="plans_from_setup",
    title=_("Masters"),
    permission=Permission.SETUP,
    of_peo=True,
)
@require_POST
def from_setup(request: Any) -> HttpResponse:
    """Make masters of the PEO's plans whose rates are by tier."""

    def do() -> None:
        masters_from_setup(clock.today(), by=hand_of(request))
        did(request, "masters from set-up", PEO)

    said = _("Masters are made of the plans whose rates are a price list; the rest stays as set-up has it.")
    return act(request, do, said=said, to=address("benefits_plans"))


@page(
    "renewals/plans/group", name="plan_group", title=_("Plan group"), permission=Permission.SETUP, of_peo=True
)
@require_POST
def group(request: Any) -> HttpResponse:
    """Put plans together, to be applied to batches in one act."""
    plans = _groupable(list(BenefitsPlan.objects.filter(client_id=PEO)))
    form = GroupForm(plans, request.POST)

    def do() -> None:
        if not form.is_valid():
            told = "; ".join(f"{name}: {fault[0]}" for name, fault in form.errors.items())
            raise RenewalRefused(f"expected a year, a name and plans, found otherwise ({told}); correct it")
        said = form.cleaned_data
        chosen = [one for one in plans if str(one.pk) in said["plans"]]
        make_group(said["plan_year"], said["name"], [(one, "") for one in chosen])
        did(request, "plan group", PEO)

    return act(request, do, said=_("The group is kept."), to=address("benefits_plans"))


def _plan_of(request: Any, number: int, permission: Permission = Permission.SEE) -> BenefitsPlan:
    """Find a plan; a client-level one wants the permission for its client, the PEO's for changes only.

    Errors: Http404.
    """
    found = BenefitsPlan.objects.filter(pk=number).select_related("renewed_from").first()
    if found is None:
        raise Http404
    if found.client_id != PEO or permission is not Permission.SEE:
        request.access.require(permission, found.client_id)
    return found


@page("renewals/plans/<int:number>/", name="benefits_plan", title=_("Benefits plan"))
def one(request: Any, number: int) -> HttpResponse:
    """Show a plan with its rate groups; enter rates, renew it."""
    plan = _plan_of(request, number)
    may_act = request.access.may(Permission.SETUP, plan.client_id)
    return _shown(request, plan, may_act=may_act)


def _shown(
    request: Any, plan: BenefitsPlan, *, may_act: bool, status: int = 200, **more: Any
) -> HttpResponse:
    groups = [
        {
            "group": one,
            "unit": UNITS[RateUnit(one.unit)] if one.unit != RateUnit.FLAT else "",
            "address": ADDRESSES[AreaOf(one.area_of)],
            "rates": [
                {
                    "tier": TIER_NAMES[rate.tier],
                    "band": bands_said(rate.bands),
                    "premium": as_decimal(rate.premium_micros, MICROS),
                    "cost": as_decimal(rate.cost_micros, MICROS),
                }
                for rate in rates_of(one)
            ],
        }
        for one in plan.rate_groups.order_by("title")
    ]
    year = plan.begins_on.year
    suggested = plan.unique_code.replace(str(year), str(year + 1))
    told = {
        "rates_form": RatesForm() if may_act else None,
        "copy_form": CopyForm() if may_act and plan.client_id == PEO else None,
        "renew_form": RenewForm(initial={"unique_code": suggested})
        if may_act and not plan.renewed_on
        else None,
    }
    return show(
        request,
        "workbench/renewals/plan.html",
        title=plan.name,
        crumbs=[(_("Benefits plans"), address("benefits_plans"))],
        status=status,
        plan=plan,
        plan_status=PLAN_STATUSES.get(plan.status, plan.status),
        category=DELIVERED.get(plan.plan_type, plan.plan_type),
        groups=groups,
        sees_cost=may_act,
        renewals=list(plan.renewed.all()),
        steps=history_of(PLAN, plan),
        **(told | more),
    )


@page("renewals/plans/<int:number>/rates", name="plan_rates", title=_("Rates"), permission=Permission.SETUP)
@require_POST
def rates(request: Any, number: int) -> HttpResponse:
    """Write a rate group of a plan."""
    plan = _plan_of(request, number, Permission.SETUP)
    form = RatesForm(request.POST)
    if not form.is_valid():
        return _shown(request, plan, may_act=True, status=422, rates_form=form)
    try:
        _keep_rates(request, plan, form)
    except RenewalRefused as refused:  # what was typed stays
        form.add_error(None, message_of(refused))
        return _shown(request, plan, may_act=True, status=422, rates_form=form)
    return act(
        request,
        lambda: did(request, "rate group", plan.client_id),
        said=_("The rates are kept."),
        to=address("benefits_plan", number=number),
    )


def _keep_rates(request: Any, plan: BenefitsPlan, form: RatesForm) -> None:
    said = form.cleaned_data
    factor = micros_of(said["factor"])
    set_rates(
        plan,
        said["title"],
        form.rates(),
        begins_on=plan.begins_on,
        source=said["source"],
        by=hand_of(request),
        rate_source=RateSource.MANUAL if factor is None else RateSource.PERCENTAGE,
        unit=RateUnit(said["unit"] or RateUnit.FLAT),
        geography=said["geography"].strip(),
        area_of=AreaOf(said["area_of"] or AreaOf.HOME),
        **({} if factor is None else {"factor_micros": factor}),
    )


@page("renewals/plans/<int:number>/renew", name="plan_renew", title=_("Renew"), permission=Permission.SETUP)
@require_POST
def renew(request: Any, number: int) -> HttpResponse:
    """Renew a plan for the year after."""
    plan = _plan_of(request, number, Permission.SETUP)
    form = RenewForm(request.POST)
    if not form.is_valid():
        return _shown(request, plan, may_act=True, status=422, renew_form=form)
    made: list[BenefitsPlan] = []

    def do() -> None:
        said = form.cleaned_data
        made.append(
            renew_plan(
                plan,
                said["unique_code"],
                by=hand_of(request),
                source=said["source"],
                change_micros=micros_of(said["change"]),
            )
        )
        did(request, "plan renewed", plan.client_id)

    answer = act(request, do, said=_("The plan is renewed."), to=address("benefits_plan", number=number))
    return redirect(address("benefits_plan", number=made[0].pk)) if made else answer


@page("renewals/plans/<int:number>/copy", name="plan_copy", title=_("Copy"), permission=Permission.SETUP)
@require_POST
def copy(request: Any, number: int) -> HttpResponse:
    """Copy a plan to a client, as its own."""
    plan = _plan_of(request, number, Permission.SETUP)
    form = CopyForm(request.POST)
    if not form.is_valid():
        return _shown(request, plan, may_act=True, status=422, copy_form=form)
    said = form.cleaned_data

    def do() -> None:
        client_id = Client.objects.filter(code=said["client"].strip()).values_list("pk", flat=True).first()
        if client_id is None:
            raise RenewalRefused("expected the code of a client, found none; correct it")
        days = {"begins_on": said["begins_on"], "source": said["source"]}
        copy_plan(plan, client_id, said["unique_code"], by=hand_of(request), **days)
        did(request, "plan copied", client_id)

    return act(request, do, said=_("The plan is copied."), to=address("benefits_plans"))
