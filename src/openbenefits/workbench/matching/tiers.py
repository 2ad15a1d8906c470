"""Risk tiers: by the rate of today, and by age and sex; the riskier holds, unless somebody says why not."""

from typing import Any

import polars as pl
from django import forms
from django.db import connection, transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.core.faults import message_of
from openbenefits.matching import files, tiering
from openbenefits.matching.frames import load_census
from openbenefits.matching.models import TierRecommendation
from openbenefits.matching.rules.tiers import TierUnknown
from openbenefits.renewals.models import BenefitsPlan
from openbenefits.store.isolation import PEO
from openbenefits.workbench.desks.parts import noted
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.matching.asking import SHOWN
from openbenefits.workbench.matching.handed import read_handed, refuse_large_files
from openbenefits.workbench.matching.places import both, place, shown_for, whose
from openbenefits.workbench.pages import show
from openbenefits.workbench.sheets import Column, sheet

MOST_PLANS = 200
MICROS_OF_PERCENT = 1_000_000


class TierForm(forms.Form):
    """The tables, what the group pays today, and what somebody says instead."""

    title = forms.CharField(label=_("Name"), max_length=100)
    on = forms.DateField(label=_("Ages as of"), widget=DayInput())
    census = forms.FileField(label=_("Census of the prospect"), help_text=_("As for comparisons."))
    bands = forms.FileField(
        label=_("Tier table"), help_text=_("CSV: average_age_from, male_percent_from, tier.")
    )
    plan = forms.ChoiceField(
        label=_("Base comparison plan"),
        required=False,
        help_text=_("Its rate groups are the tiers; or hand in their single rates below."),
    )
    rates = forms.FileField(
        label=_("Single rates by tier"), required=False, help_text=_("CSV: tier, order, single_rate.")
    )
    single_rate = forms.DecimalField(
        label=_("Single rate of today, $"), required=False, min_value=0, max_digits=9, decimal_places=2
    )
    max_discount = forms.IntegerField(
        label=_("Greatest discount, percent"), min_value=0, max_value=100, initial=0
    )
    override = forms.CharField(label=_("Another tier"), required=False, max_length=20)
    reason = forms.CharField(label=_("Why another tier"), required=False, max_length=500)

    def __init__(self, client: str | None, *parts: Any, **named: Any) -> None:
        """Ask for a census of who is no client; offer the plans that have rate groups."""
        super().__init__(*parts, **named)
        if client is not None:
            del self.fields["census"]
        plans = BenefitsPlan.objects.filter(client_id=PEO, rate_groups__isnull=False).distinct()
        told = [
            (str(one.pk), f"{one.unique_code} {one.name}")
            for one in plans.order_by("unique_code")[:MOST_PLANS]
        ]
        self.fields["plan"].choices = [("", "—"), *told]  # type: ignore[attr-defined]

    def clean(self) -> Any:
        """Rates come from one place."""
        found = super().clean() or {}
        refuse_large_files(self, found, ("census", "bands", "rates"))
        if not self.errors and bool(found.get("plan")) == bool(found.get("rates")):
            self.add_error(
                "rates", _("Expected a base comparison plan or a file of rates, found both or neither.")
            )
        return found


@both("tiers/", name="match_tiers", title=_("Risk tiers"))
def tiers(request: Any, client: str | None = None) -> HttpResponse:
    """List the tiers that were recommended, and recommend another one."""
    posted = (request.POST, request.FILES) if request.method == "POST" else ()
    form = TierForm(client, *posted, initial={"on": clock.today()}, prefix="tier")
    bad: list[Any] = []
    if posted and form.is_valid() and _recommend(request, client, form, bad):
        return redirect(place(client, "match_tiers"))
    rows = TierRecommendation.objects.filter(client_id=whose(request, client)).order_by("-made_at", "-pk")
    table = _table(request, rows)
    if (file := table.export()) is not None:
        return file
    return show(
        request,
        "workbench/matching/tiers.html",
        title=_("Risk tiers"),
        status=422 if posted else 200,
        **shown_for(request, client),
        form=form,
        bad=bad,
        table=table,
    )


def _recommend(request: Any, client: str | None, form: TierForm, bad: list[Any]) -> bool:
    """Recommend and keep; what is refused is said beside the form."""
    said, client_id = form.cleaned_data, whose(request, client)
    bands = read_handed(form, "bands", tiering.read_bands, bad)
    rates = read_handed(form, "rates", tiering.read_rates, bad) if said["rates"] else tiering.no_rates()
    people = read_handed(form, "census", files.read_census, bad) if client is None else None
    if form.errors:
        return False
    try:
        if said["plan"]:
            rates = tiering.rates_of_plan(BenefitsPlan.objects.get(pk=said["plan"]))
        asked = tiering.TierAsked(
            client_id=client_id,
            title=said["title"],
            on=said["on"],
            census=people or load_census(connection, client_id, said["on"])[0],
            bands=bands,
            rates=rates,
            provided_single_cents=None if said["single_rate"] is None else int(said["single_rate"] * 100),
            max_discount_micros=said["max_discount"] * MICROS_OF_PERCENT,
            override=said["override"].strip() or None,
            reason=said["reason"],
        )
        with transaction.atomic():
            tiering.keep_recommendation(asked, made_by=request.user.username, now=clock.now())
            noted(request, "did", "recommend a risk tier", client_id, why=said["reason"])
    except TierUnknown as fault:
        form.add_error(None, message_of(fault))
        return False
    return True


def _table(request: Any, rows: Any) -> Any:
    columns = {
        "title": pl.String(),
        "on": pl.Date(),
        "people": pl.Int64(),
        **dict.fromkeys(("average_age_hundredths", "male_percent_hundredths"), pl.Int64()),
        **dict.fromkeys(("control", "calculated", "final", "override", "reason", "made_by"), pl.String()),
    }
    found = pl.DataFrame(list(rows.values_list(*columns)[:SHOWN]), schema=columns, orient="row")
    found = found.with_columns(
        age=_decimals(found["average_age_hundredths"]), men=_decimals(found["male_percent_hundredths"])
    )
    shown = (
        Column("title", _("Name")),
        Column("on", _("Ages as of"), kind="day"),
        Column("people", _("People"), kind="number"),
        Column("age", _("Average age")),
        Column("men", _("Men, percent")),
        Column("control", _("By the rate of today")),
        Column("calculated", _("By age and sex")),
        Column("final", _("Final")),
        Column("override", _("Set to")),
        Column("reason", _("Why")),
        Column("made_by", _("By")),
    )
    empty = _("No tier was recommended yet.")
    return sheet(request, found, shown, name="tiers", caption=_("Recommended tiers"), empty=empty)


def _decimals(hundredths: pl.Series) -> pl.Series:
    told = [None if one is None else f"{one // 100}.{one % 100:02d}" for one in hundredths]
    return pl.Series(told, dtype=pl.String)
