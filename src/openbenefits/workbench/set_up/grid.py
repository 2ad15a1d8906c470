"""A rate table as a grid: changed cell by cell or by a pasted rectangle, within a draft."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import note
from openbenefits.core.faults import message_of
from openbenefits.programs.drafts import services
from openbenefits.programs.drafts.rate_grid import (
    LARGEST_PASTE,
    TABLES,
    Grid,
    GridOrder,
    amount_in,
    amounts_of,
    grid_of,
    is_in_force,
    keep_cells,
    pasted,
)
from openbenefits.programs.drafts.records import Key, key_from, key_text
from openbenefits.programs.drafts.services import DraftRefused, OpenDraft
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.pages import show
from openbenefits.workbench.set_up.editor import draft_of, findings_of, hand_of
from openbenefits.workbench.set_up.holders import Holder, setup_page
from openbenefits.workbench.set_up.words import label_of

MOST_CELLS = 600
"""On one page; a table with more goes on to the next."""
NAMES = {"rate": gettext_lazy("the rate"), "employer_rate": gettext_lazy("the employer's part")}


class GridForm(forms.Form):
    """Since when the changed rates hold, where they were taken from, and what was pasted."""

    valid_from = forms.DateField(
        label=gettext_lazy("Hold from"),
        widget=DayInput(),
        help_text=gettext_lazy("Another day than the table's makes a new version of it."),
    )
    source = forms.CharField(
        label=gettext_lazy("Source"),
        max_length=300,
        help_text=gettext_lazy("The carrier's document and its date."),
    )
    paste = forms.CharField(
        label=gettext_lazy("Cells copied from a spreadsheet"),
        required=False,
        strip=False,
        max_length=LARGEST_PASTE,
        widget=forms.Textarea(attrs={"rows": 4, "class": "paste"}),
        help_text=gettext_lazy("They go from the row and column below, to the right and down, over pages."),
    )
    row = forms.IntegerField(label=gettext_lazy("From row"), min_value=1, required=False)
    column = forms.TypedChoiceField(label=gettext_lazy("From column"), coerce=int, required=False)

    def __init__(self, grid: Grid, *given: Any, **how: Any) -> None:
        super().__init__(*given, **how)
        choices = [(str(place), name or _("the rate")) for place, name in enumerate(grid.columns)]
        self.fields["column"].choices = choices  # type: ignore[attr-defined]


@setup_page(
    "rates/draft/<int:number>/<path:key>/",
    name="setup_grid",
    title=gettext_lazy("Rates"),
    permission=Permission.SETUP,
)
def rate_grid(request: Any, holder: Holder, number: int, key: str) -> HttpResponse:
    """Show the rates of a version cell by cell; take changed ones into the draft, or say what is wrong."""
    draft = draft_of(holder, number)
    held = services.opened(draft)
    own = key_from(key, 2)
    try:
        grid = grid_of(held, own, request.GET.get("of", "rate"))
    except DraftRefused:
        raise Http404 from None
    if request.method != "POST":
        form = GridForm(grid, initial=_begun(held, own))
        return _shown(request, holder, held, own, grid, form)
    form = GridForm(grid, request.POST)
    texts = _typed(grid, request.POST)
    faults = {line for line, text in texts.items() if amount_in(text) is None}
    if form.is_valid():
        lost = _paste(grid, form, texts, faults)
        if lost:
            form.add_error("paste", _("%(count)s cells have no place in the table") % {"count": lost})
        if not faults and not form.errors:
            try:
                return _kept(request, holder, held, own, grid, form, texts)
            except DraftRefused as refused:
                form.add_error(None, message_of(refused))
    return _shown(request, holder, held, own, grid, form, texts=texts, faults=faults)


def _begun(held: OpenDraft, key: Key) -> dict[str, Any]:
    """What stands in the form first; of a version in force no day, as a change of it is a correction."""
    record = held.record(TABLES, key) or {}
    is_old = is_in_force(held, key, clock.today())
    return {"valid_from": None if is_old else record["from"], "source": record.get("source", ""), "row": 1}


def _typed(grid: Grid, posted: Mapping[str, str]) -> dict[int, str]:
    """Read the cells that were typed into: their texts by line."""
    found = {}
    for cell in grid.cells.values():
        text = posted.get(f"c{cell.line}")
        if text is not None and text.strip() != cell.text and amount_in(text) != cell.text:
            found[cell.line] = text
    return found


def _paste(grid: Grid, form: GridForm, texts: dict[int, str], faults: set[int]) -> int:
    """Put what was pasted over what was typed; answer how many cells have no place in the table."""
    given = form.cleaned_data
    at = ((given["row"] or 1) - 1, given["column"] or 0)
    lost = 0
    for place, text in pasted(given["paste"], at):
        cell = grid.cells.get(place)
        if cell is None:
            lost += bool(text)
        elif text and amount_in(text) != cell.text:
            texts[cell.line] = text
            faults |= {cell.line} if amount_in(text) is None else set()
    return lost


def _kept(
    request: Any,
    holder: Holder,
    held: OpenDraft,
    key: Key,
    grid: Grid,
    form: GridForm,
    texts: dict[int, str],
) -> HttpResponse:
    given = form.cleaned_data
    order = GridOrder(
        amount=grid.amount,
        texts=texts,
        valid_from=given["valid_from"],
        source=given["source"],
        mark=request.POST.get("mark", ""),
    )
    saved = keep_cells(held.draft, key, order, by=hand_of(request))
    what = f"change rates (draft {held.draft.pk} of set-up)"
    note(request.access, "did", what, client_id=holder.client_id, now=clock.now())
    told = _("%(count)s rates are changed in the draft. Nothing is in force yet.") % {"count": len(texts)}
    messages.success(request, told)
    asked = {"of": grid.amount, "page": request.GET.get("page", "1")}
    href = holder.address("setup_grid", number=held.draft.pk, key=key_text(saved))
    return redirect(f"{href}?{urlencode(asked)}")


def _shown(
    request: Any,
    holder: Holder,
    held: OpenDraft,
    key: Key,
    grid: Grid,
    form: GridForm,
    *,
    texts: Mapping[int, str] | None = None,
    faults: set[int] | None = None,
) -> HttpResponse:
    draft = held.draft
    record = held.record(TABLES, key) or {}
    day = date.fromisoformat(record["from"])
    size = max(1, MOST_CELLS // max(1, len(grid.columns)))
    pages = max(1, -(-len(grid.rows) // size))
    asked = request.GET.get("page", "1")
    number = min(max(1, int(asked)), pages) if asked.isdecimal() and len(asked) < 7 else 1
    first = (number - 1) * size
    found = findings_of(held, TABLES, key_text(key))
    return show(
        request,
        "workbench/set_up/grid.html",
        title=_("Rates of %(table)s from %(day)s") % {"table": record["code"], "day": day},
        client=holder.client,
        crumbs=holder.crumbs((draft.name, holder.address("setup_draft", number=draft.pk))),
        draft=draft,
        draft_address=holder.address("setup_draft", number=draft.pk),
        form=form,
        grid=grid,
        heads=[label_of(name) for name in grid.keys] or [_("row")],
        headings=_headings(holder, grid),
        rows=_rows(grid, first, size, texts or {}, faults or set()),
        amounts=[(name, NAMES[name], name == grid.amount) for name in amounts_of(held, key)],
        wrong=sorted(faults or ()),
        day=day,
        is_in_force=is_in_force(held, key, clock.today()),
        findings=found,
        pages=_pages(grid, number, pages),
        first=first + 1,
        last=min(first + size, len(grid.rows)),
        status=422 if form.errors or faults else 200,
    )


def _headings(holder: Holder, grid: Grid) -> list[Any]:
    """Name the columns; tiers by their words too."""
    codes = holder.peo.parts.coverage_codes if holder.peo and grid.across == "coverage_code" else ()  # type: ignore[union-attr]
    names = {one.code: f"{one.code} {one.name}" for one in codes}
    if grid.across == "smoker":
        names = {"false": _("does not smoke"), "true": _("smokes")}
    return [names.get(name, name) or NAMES[grid.amount] for name in grid.columns]


def _rows(
    grid: Grid, first: int, size: int, texts: Mapping[int, str], faults: set[int]
) -> list[dict[str, Any]]:
    """The rows of a page: what tells each apart, and its cells with what was typed."""
    found = []
    for place in range(first, min(first + size, len(grid.rows))):
        cells = [grid.cells.get((place, column)) for column in range(len(grid.columns))]
        told = [
            None
            if cell is None
            else {
                "line": cell.line,
                "text": texts.get(cell.line, cell.text),
                "was": cell.was if cell.is_changed else None,
                "is_new": cell.was is None,
                "is_wrong": cell.line in faults,
            }
            for cell in cells
        ]
        found.append({"number": place + 1, "keys": grid.rows[place] or (str(place + 1),), "cells": told})
    return found


def _pages(grid: Grid, number: int, pages: int) -> dict[str, Any]:
    def href(to: int) -> str | None:
        return "?" + urlencode({"of": grid.amount, "page": to}) if 1 <= to <= pages else None

    return {"number": number, "all": pages, "previous": href(number - 1), "next": href(number + 1)}
