"""Comparisons there are, and a new one: files handed in, weights, demands."""

from typing import Any

import polars as pl
from django import forms
from django.db import connection, transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.core.faults import message_of
from openbenefits.matching import files, services
from openbenefits.matching.models import Comparison
from openbenefits.matching.rules.filters import Demands
from openbenefits.matching.rules.ranking import DEFAULT_WEIGHTS, HIGHEST_WEIGHT
from openbenefits.store.sheets import FileRefused
from openbenefits.workbench.desks.parts import noted
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.matching.places import both, place, shown_for, whose
from openbenefits.workbench.pages import is_refusal, show
from openbenefits.workbench.sheets import Column, sheet

MOST_BYTES = 10 * 1024 * 1024
MOST_PRICES = 300_000
"""Plans × people that are priced while somebody waits; more is for the command line."""
SHOWN = 2_000

MEASURE_NAMES = {
    "client": _("Client cost"),
    "employee": _("Employee cost"),
    "richness": _("Richness"),
    "disruption": _("Disruption"),
    "margin": _("PEO margin"),
    "pool_risk": _("Pool risk"),
}
MEASURE_HELP = {
    "client": _("What the employer pays a month; less is better."),
    "employee": _("What employees pay a month; less is better."),
    "richness": _("Actuarial value, or points for the design; more is better."),
    "disruption": _("How many must change plan, network or carrier; less is better."),
    "margin": _("Premium billed less true cost; more is better."),
    "pool_risk": _("Claims expected above what the pool's rates stand for; less is better."),
}


class WeightsForm(forms.Form):
    """Weights of the measures, from 0 to 100."""

    def __init__(self, *parts: Any, **named: Any) -> None:
        """A field for each measure."""
        super().__init__(*parts, **named)
        for name, title in MEASURE_NAMES.items():
            self.fields[name] = forms.IntegerField(
                label=title,
                min_value=0,
                max_value=HIGHEST_WEIGHT,
                initial=DEFAULT_WEIGHTS[name],
                help_text=MEASURE_HELP[name],
            )

    def clean(self) -> Any:
        """One of them must count."""
        found = super().clean() or {}
        if not self.errors and not any(found[name] for name in MEASURE_NAMES):
            raise forms.ValidationError(_("Expected at least one weight above 0, found none. Raise one."))
        return found

    @property
    def weights(self) -> dict[str, int]:
        """The weights stated."""
        return {name: self.cleaned_data[name] for name in MEASURE_NAMES}


class AskForm(forms.Form):
    """What is compared: for whom, from when, which packages."""

    title = forms.CharField(label=_("Name of the comparison"), max_length=100)
    packages = forms.FileField(
        label=_("Candidate packages"),
        help_text=_("CSV (UTF-8) or XLSX, a row per plan of a package; see sample/matching/packages.csv."),
    )
    census = forms.FileField(
        label=_("Census of the prospect"),
        help_text=_(
            "CSV (UTF-8) or XLSX, a row per employee and dependent; see sample/matching/prospect.csv."
        ),
    )
    as_of = forms.DateField(label=_("People as of"), widget=DayInput())
    prices_on = forms.DateField(label=_("Packages begin on"), widget=DayInput())
    state = forms.CharField(label=_("State of the client"), max_length=2, required=False)
    most_unplaced = forms.IntegerField(
        label=_("At most so many percent without a plan"), min_value=0, max_value=100, initial=0
    )
    min_contribution = forms.IntegerField(
        label=_("Employer pays at least, percent of self-only premiums"),
        min_value=0,
        max_value=100,
        initial=0,
    )

    def __init__(self, client: str | None, *parts: Any, **named: Any) -> None:
        """Ask for a census of who is no client."""
        super().__init__(*parts, **named)
        if client is not None:
            del self.fields["census"]

    def clean(self) -> Any:
        """Refuse what is too large before it is read."""
        found = super().clean() or {}
        for name in ("packages", "census"):
            file = found.get(name)
            if file is not None and file.size > MOST_BYTES:
                self.add_error(name, _("Expected at most 10 MB, found more. Split the file."))
        return found


@both("", name="matches", title=_("Best plan"), listed=True)
def listed(request: Any, client: str | None = None) -> HttpResponse:
    """List the comparisons that were made."""
    rows = Comparison.objects.filter(client_id=whose(request, client)).order_by("-made_at", "-pk")
    columns = ("pk", "title", "prices_on", "people", "packages", "made_by", "made_at")
    kinds = {"pk": pl.Int64(), "title": pl.String(), "prices_on": pl.Date(), "people": pl.Int64()}
    kinds |= {"packages": pl.Int64(), "made_by": pl.String(), "made_at": pl.Datetime("us", "UTC")}
    found = pl.DataFrame(list(rows.values_list(*columns)[:SHOWN]), schema=kinds, orient="row")
    table = sheet(
        request,
        found,
        (
            Column("title", _("Comparison"), href=lambda row: place(client, "match", number=row["pk"])),
            Column("prices_on", _("Packages begin"), kind="day"),
            Column("people", _("People"), kind="number"),
            Column("packages", _("Packages"), kind="number"),
            Column("made_by", _("By")),
            Column("made_at", _("Made"), kind="moment"),
        ),
        name="matches",
        caption=_("Comparisons"),
        empty=_("Nothing was compared yet. Begin with “Compare packages”."),
    )
    if (file := table.export()) is not None:
        return file
    return show(
        request,
        "workbench/matching/list.html",
        title=_("Best plan") if client else _("Prospects"),
        **(shown_for(request, client) | {"crumbs": ()}),
        table=table,
        new=place(client, "new_match"),
    )


@both("new", name="new_match", title=_("Compare packages"))
def new(request: Any, client: str | None = None) -> HttpResponse:
    """Hand in packages (and a prospect's census), price and order them."""
    posted = (request.POST, request.FILES) if request.method == "POST" else ()
    told = {"as_of": clock.today(), "prices_on": clock.today().replace(month=1, day=1)}
    told["prices_on"] = told["prices_on"].replace(year=clock.today().year + 1)
    form = AskForm(client, *posted, initial=told)
    weights = WeightsForm(*posted[:1], prefix="weight")
    bad: list[Any] = []
    if posted and form.is_valid() and weights.is_valid():
        made = _compare(request, client, form, weights, bad)
        if made is not None:
            return redirect(place(client, "match", number=made.comparison_id))
    return show(
        request,
        "workbench/matching/new.html",
        title=_("Compare packages"),
        status=422 if posted else 200,
        **shown_for(request, client),
        form=form,
        weights=weights,
        bad=bad,
    )


def _compare(request: Any, client: str | None, form: AskForm, weights: WeightsForm, bad: list[Any]) -> Any:
    """Compare; what is refused is said beside the form, and None is answered."""
    said = form.cleaned_data
    client_id = whose(request, client)
    try:
        candidates = _read(form, "packages", files.read_candidates, bad)
        census = _read(form, "census", files.read_census, bad) if client is None else None
        if candidates is None or (client is None and census is None):
            return None
        people = 1 if census is None else census.people.height
        if candidates.rows.height * people > MOST_PRICES:
            form.add_error(
                "packages",
                _("Expected fewer plans for so many people; compare these with `openbenefits match rank`."),
            )
            return None
        asked = services.Asked(
            client_id=client_id,
            title=said["title"],
            as_of=said["as_of"],
            prices_on=said["prices_on"],
            candidates=candidates,
            weights=weights.weights,
            census=census,
            demands=Demands(
                most_unplaced=said["most_unplaced"] * 100,
                min_contribution_micros=said["min_contribution"] * 1_000_000,
                state=said["state"].upper() or None,
            ),
        )
        with transaction.atomic():
            made = services.compare(connection, asked, made_by=request.user.username, now=clock.now())
            noted(request, "did", "compare packages", client_id)
            return made
    except (ValueError, LookupError) as fault:
        if not is_refusal(fault):
            raise
        form.add_error(None, message_of(fault))
        return None


def _read(form: AskForm, name: str, read: Any, bad: list[Any]) -> Any:
    """Read a file handed in; its faults are said, and None is answered."""
    file = form.cleaned_data[name]
    try:
        found = read(file.name, file.read())
    except FileRefused as fault:
        form.add_error(name, message_of(fault))
        return None
    if found.bad_rows.height:
        bad.extend(found.bad_rows.head(50).iter_rows(named=True))
        form.add_error(name, _("Expected every cell to be readable; those listed below are not."))
        return None
    return found.found
