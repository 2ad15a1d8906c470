"""Two packages side by side: by plan, tier or person."""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from openbenefits.matching import services, sheets
from openbenefits.workbench.desks.parts import noted
from openbenefits.workbench.matching.places import both, kept_of, place, shown_for, whose
from openbenefits.workbench.matching.result import CATEGORY_NAMES
from openbenefits.workbench.pages import show
from openbenefits.workbench.sheets import Column, sheet

BY = {"plan": _("by plan"), "tier": _("by tier"), "person": _("by person")}
HEADS = {
    "plan": (Column("category", _("For"), words=CATEGORY_NAMES), Column("plan", _("Plan"))),
    "tier": (Column("category", _("For"), words=CATEGORY_NAMES), Column("tier", _("Tier"))),
    "person": (
        Column("number", _("Employee")),
        Column("category", _("For"), words=CATEGORY_NAMES),
        Column("tier", _("Tier")),
        Column("plan_now", _("Plan of the first")),
        Column("plan_then", _("Plan of the second")),
    ),
}
COUNTS = (
    Column("people_now", _("People, first"), kind="number"),
    Column("people_then", _("People, second"), kind="number"),
)
AMOUNTS = {
    "premium_cents": _("Premium"),
    "employer_cents": _("Employer"),
    "employee_cents": _("Employee"),
    "pay_cents": _("Employee, a pay"),
}
SIDES = {"now": _("first"), "then": _("second"), "change": _("change")}


class BesideForm(forms.Form):
    """Which two packages, and how."""

    first = forms.ChoiceField(label=_("First package"))
    second = forms.ChoiceField(label=_("Second package"))
    by = forms.ChoiceField(label=_("Side by side"), choices=list(BY.items()))

    def __init__(self, codes: list[str], *parts: Any, **named: Any) -> None:
        """Offer the packages."""
        super().__init__(*parts, **named)
        for name in ("first", "second"):
            self.fields[name].choices = [(code, code) for code in codes]  # type: ignore[attr-defined]


@both("<int:number>/beside", name="match_beside", title=_("Side by side"))
def beside(request: Any, number: int, client: str | None = None) -> HttpResponse:
    """Show two packages side by side: today and the first, unless the address says others."""
    kept = kept_of(request, client, number)
    codes = kept.table["code"].to_list()
    today = kept.table.filter(standing="today")["code"].to_list()
    told = {"first": today[0] if today else codes[-1], "second": codes[0], "by": "plan"}
    form = BesideForm(
        sorted(codes), told | {name: request.GET[name] for name in told if request.GET.get(name)}
    )
    table = None
    if form.is_valid():
        said = form.cleaned_data
        both_ = [services.package_of(kept, said[name]) for name in ("first", "second")]
        if said["by"] == "person":
            noted(request, "saw", "packages by person", whose(request, client))
        rows = sheets.beside(kept, both_[0], both_[1], said["by"])
        caption = _("%(first)s and %(second)s, a month") % said
        table = sheet(request, rows, _columns(said["by"]), name="beside", caption=caption)
        if (file := table.export()) is not None:
            return file
    return show(
        request,
        "workbench/matching/beside.html",
        title=_("Side by side"),
        status=200 if table else 422,
        **shown_for(request, client, (kept.comparison.title, place(client, "match", number=number))),
        form=form,
        table=table,
    )


def _columns(by: str) -> tuple[Column, ...]:
    counts = () if by == "person" else COUNTS
    amounts = [
        Column(f"{name}_{side}", f"{title}, {word}", kind="money")
        for name, title in AMOUNTS.items()
        for side, word in SIDES.items()
    ]
    return (*HEADS[by], *counts, *amounts)
