"""Rates from a carrier's sheet: uploaded, its columns given their meaning, looked at, kept in a draft."""

import base64
import binascii
from datetime import date
from typing import Any

import polars as pl
from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import note
from openbenefits.core.faults import message_of
from openbenefits.programs.drafts import services
from openbenefits.programs.drafts.rate_sheets import (
    LARGEST_SHEET,
    MEANINGS,
    SheetOrder,
    SheetPreview,
    keep_sheet,
    preview_sheet,
)
from openbenefits.programs.drafts.services import DraftRefused, drafts_of
from openbenefits.programs.ratesheets.importing import sheet_in
from openbenefits.programs.ratesheets.writing import rate_text
from openbenefits.reports.files import defused
from openbenefits.store.sheets import FileRefused
from openbenefits.workbench.charts import Bar, bars
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.pages import show
from openbenefits.workbench.set_up.editor import draft_of, hand_of
from openbenefits.workbench.set_up.holders import Holder, setup_page

MOST_ROWS = 200
CHANGES = {
    "new": gettext_lazy("new"),
    "changed": gettext_lazy("changed"),
    "gone": gettext_lazy("gone"),
    "same": gettext_lazy("same"),
}
MEANT = {
    "age": gettext_lazy("ages or bands of ages"),
    "age_from": gettext_lazy("lowest age of a band"),
    "area": gettext_lazy("rating area"),
    "coverage_code": gettext_lazy("tier (coverage code)"),
    "smoker": gettext_lazy("smoker"),
    "sex": gettext_lazy("sex"),
    "rate": gettext_lazy("the rate"),
    "year": gettext_lazy("plan year"),
    "table": gettext_lazy("rate table"),
    "": gettext_lazy("leave it out"),
}


class SheetForm(forms.Form):
    """A sheet, the table its rates are for, since when, and where they were taken from."""

    table = forms.CharField(
        label=gettext_lazy("Rate table"),
        max_length=40,
        widget=forms.TextInput(attrs={"list": "codes-rate_tables"}),
        help_text=gettext_lazy("Its code; a new code makes a new table."),
    )
    valid_from = forms.DateField(label=gettext_lazy("Holds from"), widget=DayInput())
    source = forms.CharField(
        label=gettext_lazy("Source"),
        max_length=300,
        help_text=gettext_lazy("The carrier's document and its date."),
    )
    draft = forms.ChoiceField(label=gettext_lazy("In the draft"), required=False)
    file = forms.FileField(
        label=gettext_lazy("The carrier's sheet (CSV or XLSX)"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".csv,.xlsx"}),
    )

    def __init__(self, holder: Holder, *given: Any) -> None:
        super().__init__(*given)
        known = [(str(one.pk), f"{one.name} ({one.author})") for one in drafts_of(holder.client_id)]
        self.fields["draft"].choices = [*known, ("", _("a new one"))]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Take the file that was uploaded, or the one that the page before kept."""
        found: dict[str, Any] = super().clean() or {}
        file = found.get("file")
        if file is not None:
            found["name"] = file.name
            found["data"] = file.read(LARGEST_SHEET + 1)
            return found
        found["name"] = str(self.data.get("name", ""))[:200]
        try:
            found["data"] = base64.b64decode(self.data.get("content", ""), validate=True)
        except (binascii.Error, ValueError):
            found["data"] = b""
        if not found["data"]:
            self.add_error("file", _("expected a file, found none; choose the carrier's sheet"))
        return found


@setup_page("rates/", name="setup_rates", title=gettext_lazy("Import rates"), permission=Permission.SETUP)
def rates(request: Any, holder: Holder) -> HttpResponse:
    """Show what a sheet would change, with its faults by row and column; keep it in a draft when asked."""
    is_sent = request.method == "POST"
    form = SheetForm(holder, request.POST, request.FILES) if is_sent else SheetForm(holder)
    told: dict[str, Any] = {}
    if is_sent and form.is_valid():
        try:
            order = _order(request, form)
            if "keep" in request.POST:
                return _kept(request, holder, form, order)
            told = _told(_preview(holder, form, order), order)
        except (DraftRefused, FileRefused) as refused:
            form.add_error("file", message_of(refused))
    return show(
        request,
        "workbench/set_up/rates.html",
        title=_("Import rates"),
        client=holder.client,
        crumbs=holder.crumbs(),
        form=form,
        tables=sorted({one["code"] for one in holder.base.parts.get("rate_tables") or ()}),
        status=422 if form.errors or told.get("findings") else 200,
        **told,
    )


def _order(request: Any, form: SheetForm) -> SheetOrder:
    given = form.cleaned_data
    mapped = {
        request.POST[f"heading.{place}"]: request.POST.get(f"means.{place}", "?")
        for place in range(int(request.POST.get("headings", "0") or 0) if _is_count(request) else 0)
        if f"heading.{place}" in request.POST and request.POST.get(f"means.{place}", "?") != "?"
    }
    return SheetOrder(
        name=given["name"],
        data=given["data"],
        table=given["table"].strip(),
        valid_from=given["valid_from"],
        source=given["source"],
        mapped={heading: means for heading, means in mapped.items() if means in MEANINGS} or None,
    )


def _is_count(request: Any) -> bool:
    text = request.POST.get("headings", "")
    return bool(text.isdecimal() and len(text) < 4)


def _preview(holder: Holder, form: SheetForm, order: SheetOrder) -> SheetPreview:
    chosen = form.cleaned_data["draft"]
    bundle = services.opened(draft_of(holder, int(chosen))).reading.bundle if chosen else holder.loaded
    return preview_sheet(holder.client_id, bundle, order)


def _kept(request: Any, holder: Holder, form: SheetForm, order: SheetOrder) -> HttpResponse:
    chosen, hand = form.cleaned_data["draft"], hand_of(request)
    name = _("Rates of %(table)s from %(day)s") % {"table": order.table, "day": order.valid_from}
    draft = (
        draft_of(holder, int(chosen))
        if chosen
        else services.begin(holder.client_id, holder.bundle_code, name=name, by=hand)
    )
    try:
        keep_sheet(draft, order, by=hand)
    except (DraftRefused, FileRefused):
        if not chosen:
            draft.delete()
        raise
    note(request.access, "did", "import rates into a draft", client_id=holder.client_id, now=clock.now())
    return redirect(holder.address("setup_draft", number=draft.pk))


def _told(shown: SheetPreview, order: SheetOrder) -> dict[str, Any]:
    changes = shown.preview.changes
    rows = changes.rows.with_columns(
        pl.Series("old", [_rate(one) for one in changes.rows["old_micros"]], dtype=pl.String),
        pl.Series("new", [_rate(one) for one in changes.rows["new_micros"]], dtype=pl.String),
        size=pl.col("percent_hundredths").abs(),
        percent=pl.Series(
            [None if one is None else f"{one / 100:+.2f} %" for one in changes.rows["percent_hundredths"]],
            dtype=pl.String,
        ),
    ).sort("size", descending=True, nulls_last=False, maintain_order=True)
    keys = [
        name
        for name in ("age_from", "area", "coverage_code", "smoker", "sex")
        if rows[name].null_count() < rows.height
    ]
    tones = {"new": "good", "changed": "waiting", "gone": "bad", "same": "plain"}
    drawn = [Bar(str(CHANGES[one]), changes.count(one), None, tone) for one, tone in tones.items()]  # type: ignore[arg-type]
    return {
        "headings": [
            {"heading": heading, "means": "?" if means is None else means}
            for heading, means in shown.headings.items()
        ],
        "meanings": list(MEANT.items()),
        "findings": shown.preview.findings,
        "is_applicable": shown.preview.is_applicable,
        "keys": [name.removesuffix("_from").replace("_", " ") for name in keys],
        "rows": [_row(row, keys) for row in rows.head(MOST_ROWS).iter_rows(named=True)],
        "more": max(0, rows.height - MOST_ROWS),
        "bars": bars(drawn, caption=_("Rates of the sheet")),
        "sent_name": order.name,
        "sent_content": base64.b64encode(order.data).decode(),
    }


def _row(row: dict[str, Any], keys: list[str]) -> dict[str, Any]:
    said = CHANGES[row["change"]]
    values = [text_of(row[key]) for key in keys]
    return {"values": values, "change": said, **{name: row[name] or "" for name in ("old", "new", "percent")}}


def text_of(value: Any) -> str:
    """Write the key of a rate."""
    if value is None:
        return ""
    return str(_("yes") if value else _("no")) if isinstance(value, bool) else str(value)


@setup_page("rates/sheet/<path:code>/", name="setup_rate_sheet", title=gettext_lazy("Rate sheet"))
def rate_sheet(request: Any, holder: Holder, code: str) -> HttpResponse:
    """Give a version of a rate table as the sheet a carrier would send, to be changed and imported again."""
    try:
        valid_from = date.fromisoformat(request.GET.get("from", ""))
        laid_out = sheet_in(holder.loaded, holder.bundle_code, code, valid_from, None)
    except (ValueError, LookupError):
        raise Http404 from None  # no such version, or one whose keys sheets do not have
    answer = HttpResponse(defused(laid_out).write_csv(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{code}-{valid_from}.csv"'
    return answer


def _rate(micros: int | None) -> str | None:
    return None if micros is None else rate_text(micros)
