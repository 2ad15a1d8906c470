"""A carrier's 834 or census opens a client: tried and shown first, carried out all or nothing, taken back."""

from typing import Any

import polars as pl
from django import forms
from django.db import connection
from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.carriers import opening
from openbenefits.carriers.agreements.partners import partners_of
from openbenefits.carriers.opening import Mapping, Preview
from openbenefits.core.faults import message_of
from openbenefits.store.sheets import fingerprint_of
from openbenefits.workbench.carriers.audits import MOST_CHARACTERS, mapping_of, of_size
from openbenefits.workbench.charts import Bar, bars
from openbenefits.workbench.desks.parts import noted
from openbenefits.workbench.forms import DayInput, ReasonForm
from openbenefits.workbench.pages import Section, act, address, client_of, is_refusal, page, show
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workforce.models import ChangeSet, Client

HERE = "<client:client>/carriers/open/"
LAST = 20
COUNTS = {
    "members": _("members in the file"),
    "families": _("families"),
    "new": _("new people"),
    "changed": _("known, and changed"),
    "same": _("known, and the same"),
    "dependents": _("dependents"),
    "lines": _("lines of coverage"),
    "known_coverage": _("coverage known before"),
    "fault": _("faults"),
    "asked": _("to be asked about"),
    "left": _("not taken, and why"),
    "noted": _("to be noted"),
}
LEVELS = {
    "fault": _("fault"),
    "asked": _("who is it?"),
    "left": _("not taken"),
    "noted": _("to be noted"),
}
BAD = ("fault", "asked")


class OpenForm(forms.Form):
    """A file that opens a client, and what its codes mean."""

    file = forms.FileField(
        label=_("File"), help_text=_("A full 834, or the carrier's census by a mapping; at most 10 MB.")
    )
    partner = forms.ChoiceField(
        label=_("What its codes mean"), required=False, help_text=_("An agreement turned around.")
    )
    mapping = forms.CharField(
        label=_("Or a mapping (YAML)"),
        required=False,
        max_length=MOST_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "class": "code"}),
    )
    on = forms.DateField(label=_("In force on"), widget=DayInput())
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput())

    def __init__(self, partners: list[str], *parts: Any, **named: Any) -> None:
        """Offer the agreements of the client."""
        super().__init__(*parts, **named)
        choices = [("", _("the mapping below")), *((one, one) for one in partners)]
        self.fields["partner"].choices = choices  # type: ignore[attr-defined]

    def clean_file(self) -> Any:
        """Refuse a file that is too large."""
        return of_size(self.cleaned_data["file"])

    def clean_mapping(self) -> Mapping | None:
        """Read the mapping, where there is one."""
        return mapping_of(self.cleaned_data["mapping"])

    def clean(self) -> dict[str, Any]:
        """Want the one or the other."""
        said: dict[str, Any] = super().clean() or {}
        if not self.errors and not said.get("partner") and said.get("mapping") is None:
            self.add_error("partner", _("Expected an agreement or a mapping, found none; pick one."))
        return said


@page(
    HERE,
    name="open_client",
    title=_("Open from a carrier's file"),
    section=Section.CARRIERS,
    permission=Permission.FACTS,
)
def opened_from(request: Any, client: str) -> HttpResponse:
    """Show what a file would open the client with; carry it out once the very same file was shown."""
    found = client_of(request, client)
    request.access.require(Permission.SEE_PERSONAL, found.pk)
    partners = sorted(partners_of(found.pk))
    form, status, shown = OpenForm(partners, initial={"on": clock.today()}), 200, None
    if request.method == "POST":
        form, status = OpenForm(partners, request.POST, request.FILES), 422
        if form.is_valid():
            done = _tried(request, found, form)
            if isinstance(done, HttpResponse):
                return done
            shown, status = done, 200 if done is not None else 422
    return show(
        request,
        "workbench/carriers/open.html",
        title=_("Open from a carrier's file"),
        client=found,
        status=status,
        form=form,
        shown=shown,
        counts=_counts(shown),
        tables=_tables(request, shown),
        openings=_openings(found),
    )


def _tried(request: Any, client: Client, form: OpenForm) -> Preview | HttpResponse | None:
    """Preview a file, or open the client with it; None where the form says what is wrong."""
    said, data = form.cleaned_data, form.cleaned_data["file"].read()
    try:
        mapping = said["mapping"] or opening.of_partner(partners_of(client.pk)[said["partner"]], client.code)
        if request.POST.get("act") == "open":
            return _opened(request, client, form, data, mapping)
        shown = opening.preview(
            connection, client.pk, data, said["file"].name, mapping, on=said["on"], now=clock.now()
        )
    except (ValueError, LookupError) as fault:
        if not is_refusal(fault):
            raise
        form.add_error("file", message_of(fault))
        return None
    noted(request, "saw", "preview of an opening", client.pk)
    form.data = form.data.copy()
    form.data["seen"] = fingerprint_of(data)
    return shown


def _opened(
    request: Any, client: Client, form: OpenForm, data: bytes, mapping: Mapping
) -> HttpResponse | None:
    if form.cleaned_data["seen"] != fingerprint_of(data):
        form.add_error("file", _("Expected the file that was shown, found another; look at it first."))
        return None
    said, here = form.cleaned_data, address("open_client", client=client.code)

    def do() -> None:
        made = opening.open_client(
            connection,
            client.pk,
            data,
            said["file"].name,
            mapping,
            author=request.user.username,
            on=said["on"],
            now=clock.now(),
            is_partial=request.POST.get("is_partial") == "yes",
        )
        noted(request, "did", f"open from a carrier's file: change {made.change_id}", client.pk)

    return act(request, do, said=_("It is done. It can be taken back below."), to=here)


def _counts(shown: Preview | None) -> Any:
    if shown is None:
        return None
    values = [
        Bar(COUNTS[name], count, tone="bad" if name in BAD else "plain")
        for name, count in shown.counts.items()
        if name in COUNTS and count
    ]
    return bars(values, caption=_("What the file would bring"))


def _tables(request: Any, shown: Preview | None) -> list[Any]:
    """Answer what is shown of a preview: findings first, then codes, people, differences."""
    if shown is None:
        return []
    text = [
        (shown.findings, "findings", _("What is to be said of places in the file"), FINDINGS),
        (shown.codes, "codes", _("What its codes mean"), CODES),
        (shown.people, "people", _("People"), PEOPLE),
        (shown.differences, "differences", _("What differs for people known here"), DIFFERENCES),
    ]
    return [
        sheet(request, _plain(rows), columns, name=name, caption=caption, empty=_("Nothing."))
        for rows, name, caption, columns in text
    ]


def _plain(rows: pl.DataFrame) -> pl.DataFrame:
    """Write lists as text."""
    lists = [name for name, kind in rows.schema.items() if isinstance(kind, pl.List)]
    return rows.with_columns(pl.col(name).cast(pl.List(pl.String)).list.join(", ") for name in lists)


FINDINGS = (
    Column("row", _("Row"), kind="number"),
    Column("level", _("What"), words=LEVELS),
    Column("place", _("Place")),
    Column("expected", _("Expected")),
    Column("found", _("Found")),
    Column("cure", _("What to do")),
)
CODES = (
    Column("insurance", _("Insurance")),
    Column("plan", _("Its plan")),
    Column("tier", _("Its tier")),
    Column("lines", _("Lines"), kind="number"),
    Column("plan_type", _("Plan type")),
    Column("ours", _("Ours")),
)
PEOPLE = (
    Column("row", _("Row"), kind="number"),
    Column("employee_number", _("Employee")),
    Column("name", _("Name")),
    Column("state", _("What becomes of them")),
)
DIFFERENCES = (
    Column("row", _("Row"), kind="number"),
    Column("fact", _("Fact")),
    Column("field", _("Field")),
    Column("before", _("Here")),
    Column("after", _("In the file")),
    Column("is_taken", _("Taken"), words={True: _("yes"), False: _("no")}),
)


def _openings(client: Client) -> list[ChangeSet]:
    """Answer the latest files of people that stand, the last first."""
    undone = ChangeSet.objects.filter(client=client, undoes__isnull=False).values("undoes_id")
    rows = ChangeSet.objects.filter(client=client, kind="census").exclude(pk__in=undone)
    return list(rows.order_by("-pk")[:LAST])


@page(
    HERE + "<int:change>/back",
    name="take_opening_back",
    title=_("Take an opening back"),
    permission=Permission.FACTS,
)
@require_POST
def back(request: Any, client: str, change: int) -> HttpResponse:
    """Undo an opening whole: coverage first, then facts."""
    found = client_of(request, client)
    if not ChangeSet.objects.filter(client=found, pk=change, kind="census").exists():
        raise Http404
    form = ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""

    def do() -> None:
        if not reason:
            raise opening.OpeningRefused("expected a reason, found none; state why it is taken back")
        opening.take_back(
            connection, found.pk, change, reason=reason, author=request.user.username, now=clock.now()
        )
        noted(request, "did", f"take opening {change} back", found.pk, why=reason)

    return act(request, do, said=_("It is taken back."), to=address("open_client", client=client))
