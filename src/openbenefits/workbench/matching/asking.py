"""Comparisons there are, and a new one: files handed in, weights, demands."""

from typing import Any

import polars as pl
from django import forms
from django.db import connection, transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.background.matching_kinds import KIND, MOST_PRICES
from openbenefits.background.order_files import keep
from openbenefits.core.faults import message_of
from openbenefits.matching import files, services
from openbenefits.matching.candidates import Candidates
from openbenefits.matching.models import Comparison
from openbenefits.matching.offers import candidates_of, code_of, title_of, together
from openbenefits.matching.rules.filters import Demands
from openbenefits.matching.rules.ranking import DEFAULT_WEIGHTS, HIGHEST_WEIGHT
from openbenefits.renewals.models import Batch
from openbenefits.workbench.asking import asked as asked_for_client
from openbenefits.workbench.asking import asked_of_peo
from openbenefits.workbench.desks.parts import noted
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.matching.handed import read_handed, refuse_large_files
from openbenefits.workbench.matching.places import both, place, shown_for, whose
from openbenefits.workbench.pages import client_of, is_refusal, show
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workforce.models import Person

SHOWN = 2_000
MOST_BATCHES = 50

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
    batches = forms.MultipleChoiceField(
        label=_("Benefits batches"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Each is a package: its offered plans at their rates and contributions."),
    )
    packages = forms.FileField(
        label=_("Candidate packages"),
        required=False,
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

    def __init__(self, client: str | None, client_id: int, *parts: Any, **named: Any) -> None:
        """Ask for a census of who is no client; offer the batches of who is one."""
        super().__init__(*parts, **named)
        if client is not None:
            del self.fields["census"]
        batches = Batch.objects.filter(client_id=client_id).order_by("-pk")[:MOST_BATCHES] if client else ()
        if batches:
            told = [(str(one.pk), f"{title_of(one)} ({code_of(one)}, {one.status})") for one in batches]
            self.fields["batches"].choices = told  # type: ignore[attr-defined]
        else:
            del self.fields["batches"]

    def clean(self) -> Any:
        """Refuse what is too large before it is read."""
        found = super().clean() or {}
        refuse_large_files(self, found, ("packages", "census"))
        if not self.errors and not found.get("packages") and not found.get("batches"):
            self.add_error("packages", _("Expected packages, found none. Hand in a file, or choose a batch."))
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
        tiers=place(client, "match_tiers"),
    )


@both("new", name="new_match", title=_("Compare packages"))
def new(request: Any, client: str | None = None) -> HttpResponse:
    """Hand in packages (and a prospect's census), price and order them."""
    posted = (request.POST, request.FILES) if request.method == "POST" else ()
    told = {"as_of": clock.today(), "prices_on": clock.today().replace(month=1, day=1)}
    told["prices_on"] = told["prices_on"].replace(year=clock.today().year + 1)
    form = AskForm(client, whose(request, client), *posted, initial=told)
    weights = WeightsForm(*posted[:1], prefix="weight")
    bad: list[Any] = []
    if posted and form.is_valid() and weights.is_valid():
        answer = _compare(request, client, form, weights, bad)
        if answer is not None:
            return answer
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


def _compare(
    request: Any, client: str | None, form: AskForm, weights: WeightsForm, bad: list[Any]
) -> HttpResponse | None:
    """Compare, or leave it to the worker where it is much; what is refused is said beside the form: None."""
    said = form.cleaned_data
    client_id = whose(request, client)
    try:
        candidates = _candidates(form, client_id, bad)
        census = read_handed(form, "census", files.read_census, bad) if client is None else None
        if candidates is None or (client is None and census is None):
            return None
        at_work = Person.objects.filter(client_id=client_id)
        people = at_work.count() if census is None else census.people.height
        if candidates.rows.height * people > MOST_PRICES:
            return _asked_for(request, client, form, weights)
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
        return redirect(place(client, "match", number=made.comparison_id))
    except (ValueError, LookupError) as fault:
        if not is_refusal(fault):
            raise
        form.add_error(None, message_of(fault))
        return None


def _asked_for(request: Any, client: str | None, form: AskForm, weights: WeightsForm) -> HttpResponse:
    """Ask the worker for the comparison: its files are kept, sealed, until it is made."""
    said, client_id = form.cleaned_data, whose(request, client)
    kept = {
        name: _kept_file(request, said[name], client_id)
        for name in ("packages", "census")
        if said.get(name) is not None
    }
    asked_for = {
        "title": said["title"],
        "as_of": said["as_of"].isoformat(),
        "prices_on": said["prices_on"].isoformat(),
        "weights": weights.weights,
        "batches": [int(one) for one in said.get("batches") or ()],
        "most_unplaced": said["most_unplaced"] * 100,
        "min_contribution_micros": said["min_contribution"] * 1_000_000,
        "state": said["state"].upper() or None,
        **kept,
    }
    told, back = "compare packages", place(client, "new_match")
    if client is None:
        return asked_of_peo(request, KIND, asked_for, said=told, back=back)
    return asked_for_client(request, client_of(request, client), KIND, asked_for, said=told, back=back)


def _kept_file(request: Any, file: Any, client_id: int) -> int:
    file.seek(0)
    return int(keep(request.access, KIND, file.name, file.read(), client_id=client_id, now=clock.now()).pk)


def _candidates(form: AskForm, client_id: int, bad: list[Any]) -> Candidates | None:
    """Put the packages of the file and the batches chosen together."""
    parts = []
    if form.cleaned_data["packages"] is not None:
        found = read_handed(form, "packages", files.read_candidates, bad)
        if found is None:
            return None
        parts.append(found)
    if chosen := form.cleaned_data.get("batches"):
        parts.append(candidates_of(connection, client_id, [int(one) for one in chosen]))
    return together(parts)
