"""What is agreed with carriers: looked at, with its versions, and put into force anew, by the PEO."""

from typing import Any
from urllib.parse import urlencode

import msgspec
import polars as pl
from django import forms
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.reconcile.models import CarrierTerms, Invoice
from openbenefits.reconcile.terms import Terms, TermsRefused, read_terms, save_terms, terms_of
from openbenefits.store.isolation import PEO
from openbenefits.workbench.desks.parts import noted
from openbenefits.workbench.pages import act, address, page, show
from openbenefits.workbench.reconcile.parts import crumbs
from openbenefits.workbench.sheets import Column, sheet

MOST = 100_000
LISTED: dict[str, Any] = {
    "carrier": pl.String,
    "version": pl.Int64,
    "author": pl.String,
    "made_at": pl.Datetime("us", "UTC"),
}


class TermsForm(forms.Form):
    """A document of terms, as YAML."""

    document = forms.CharField(
        label=_("What is agreed (YAML)"),
        max_length=MOST,
        widget=forms.Textarea(attrs={"rows": 30, "spellcheck": "false"}),
        help_text=_(
            "Layout, labels, wash rules, windows, tolerances; docs/invoices.md says what each means."
        ),
    )

    def clean_document(self) -> Terms:
        """Read it; what cannot be is refused in the words of the terms themselves."""
        try:
            return read_terms(msgspec.yaml.decode(self.cleaned_data["document"]))
        except msgspec.DecodeError:
            raise forms.ValidationError(_("Expected YAML, found something else; correct it.")) from None
        except TermsRefused as refused:
            raise forms.ValidationError(str(refused)) from None


class CarrierForm(forms.Form):
    """A carrier whose terms are looked at."""

    carrier = forms.CharField(label=_("Carrier or agency"), max_length=120)


@page("invoices/terms/", name="carrier_terms", title=_("Terms of carriers"), permission=Permission.FINANCE)
def listed(request: Any) -> HttpResponse:
    """List the carriers with terms, and those that sent an invoice without any."""
    latest: dict[str, Any] = {}
    for row in CarrierTerms.objects.order_by("carrier", "version").values(*LISTED):
        latest[row["carrier"]] = row
    blank = {"version": None, "author": "", "made_at": None}
    for carrier in Invoice.objects.values_list("carrier", flat=True).distinct():
        latest.setdefault(carrier, {"carrier": carrier, **blank})
    table = sheet(
        request,
        pl.DataFrame([latest[one] for one in sorted(latest)], schema=LISTED, orient="row"),
        (
            Column("carrier", _("Carrier"), href=lambda row: _to(row["carrier"])),
            Column("version", _("Version"), kind="number"),
            Column("author", _("By")),
            Column("made_at", _("When"), kind="moment"),
        ),
        name="terms",
        caption=_("Carriers"),
        empty=_("Nothing is agreed yet: every carrier charges full months until terms are put into force."),
    )
    if (file := table.export()) is not None:
        return file
    return show(
        request,
        "workbench/reconcile/terms_listed.html",
        title=_("Terms of carriers"),
        crumbs=crumbs(),
        terms=table,
        form=CarrierForm(),
    )


def _to(carrier: str) -> str:
    return f"{address('terms_of')}?{urlencode({'carrier': carrier})}"


@page("invoices/terms/of", name="terms_of", title=_("Terms"), permission=Permission.FINANCE)
def one(request: Any) -> HttpResponse:
    """Show the terms with a carrier; whoever works for all clients puts others into force."""
    asked = CarrierForm(request.GET)
    if not asked.is_valid():
        return listed(request)
    carrier = asked.cleaned_data["carrier"].strip()
    text = msgspec.yaml.encode(terms_of(carrier)).decode()
    form, status = TermsForm(initial={"document": text}), 200
    may_change = request.access.may(Permission.FINANCE, PEO)
    if request.method == "POST":
        request.access.require(Permission.FINANCE, PEO)
        form, status = TermsForm(request.POST), 422
        if form.is_valid():
            return _saved(request, carrier, form.cleaned_data["document"])
    return show(
        request,
        "workbench/reconcile/terms.html",
        title=_("Terms with %(carrier)s") % {"carrier": carrier},
        crumbs=[*crumbs(), (_("Terms of carriers"), address("carrier_terms"))],
        status=status,
        form=form if may_change else None,
        document=text,
        versions=CarrierTerms.objects.filter(carrier=carrier).order_by("-version"),
    )


def _saved(request: Any, carrier: str, terms: Terms) -> HttpResponse:
    def do() -> None:
        save_terms(carrier, terms, author=request.user.username, now=clock.now())
        noted(request, "did", "terms of a carrier", PEO)

    return act(request, do, said=_("In force from now on."), to=_to(carrier))
