"""A carrier's file opens a client: kept sealed, tried and shown, carried out all or nothing, taken back."""

from typing import Any

import polars as pl
from django import forms
from django.db import connection
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.background import importing, openings, uploads
from openbenefits.background.models import HandedIn
from openbenefits.background.services import ENDED
from openbenefits.background.uploads import FileKind, State
from openbenefits.carriers import opening
from openbenefits.carriers.agreements.partners import partners_of
from openbenefits.carriers.opening import Mapping, Preview
from openbenefits.carriers.opening.services import read
from openbenefits.core.faults import message_of
from openbenefits.workbench.carriers.audits import MOST_CHARACTERS, mapping_of, of_size
from openbenefits.workbench.charts import Bar, bars
from openbenefits.workbench.desks.parts import noted
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.pages import (
    Section,
    act,
    address,
    client_of,
    is_refusal,
    page,
    reason_of,
    show,
)
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
    "continued": _("lines of members that continue under COBRA"),
    "known_coverage": _("coverage known before"),
    "faults": _("faults"),
    "askeds": _("to be asked about"),
    "lefts": _("not taken, and why"),
    "noteds": _("to be noted"),
}
LEVELS = {
    "fault": _("fault"),
    "asked": _("who is it?"),
    "left": _("not taken"),
    "noted": _("to be noted"),
}
BAD = ("faults", "askeds")


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
def listed(request: Any, client: str) -> HttpResponse:
    """Take in a file that opens the client, and list those that were."""
    found = client_of(request, client)
    request.access.require(Permission.SEE_PERSONAL, found.pk)
    partners = sorted(partners_of(found.pk))
    form, status = OpenForm(partners, initial={"on": clock.today()}), 200
    if request.method == "POST":
        form, status = OpenForm(partners, request.POST, request.FILES), 422
        if form.is_valid() and (made := _handed_in(request, found, form)) is not None:
            return redirect(address("opening", client=client, number=made.pk))
    table = _files(request, found)
    if (file := table.export()) is not None:
        return file
    return show(
        request,
        "workbench/carriers/open.html",
        title=_("Open from a carrier's file"),
        client=found,
        status=status,
        form=form,
        files=table,
        openings=_by_command(found),
    )


def _handed_in(request: Any, client: Client, form: OpenForm) -> HandedIn | None:
    """Keep a file that can be read; None where the form says what is wrong with it."""
    said, data = form.cleaned_data, form.cleaned_data["file"].read()
    told = {"partner": said["partner"], "mapping": form.data.get("mapping", "").strip()}
    order = uploads.FileOrder(
        client_id=client.pk,
        kind=FileKind.OPENING,
        name=said["file"].name,
        content=data,
        options={"on": said["on"].isoformat(), **told},
    )
    try:
        read(order.name, data, openings.meaning(client.pk, **told))
        return uploads.hand_in(request.access, order, now=clock.now())
    except (ValueError, LookupError) as fault:
        if not is_refusal(fault):
            raise
        form.add_error("file", message_of(fault))
        return None


def _files(request: Any, client: Client) -> Any:
    """Answer the files handed in to open a client, the latest first."""
    rows = HandedIn.objects.filter(client_id=client.pk, kind=str(FileKind.OPENING)).order_by("-pk")
    return sheet(
        request,
        pl.DataFrame(list(rows.values(*FILES)[:LAST]), schema=FILES),
        (
            Column(
                "pk",
                _("No."),
                kind="number",
                href=lambda row: address("opening", client=client.code, number=row["pk"]),
            ),
            Column("name", _("File")),
            Column("state", _("State"), kind="status"),
            Column("handed_in_at", _("When"), kind="moment"),
            Column("change_id", _("Change"), kind="number"),
        ),
        name="files",
        caption=_("Files handed in"),
        empty=_("No file was handed in yet. It is kept sealed for a week, or until it opened the client."),
    )


FILES: dict[str, Any] = {
    "pk": pl.Int64,
    "name": pl.String,
    "state": pl.String,
    "handed_in_at": pl.Datetime("us", "UTC"),
    "change_id": pl.Int64,
}


def _by_command(client: Client) -> list[ChangeSet]:
    """Answer files of people that stand and were not handed in here: by a command, or as a census."""
    undone = ChangeSet.objects.filter(client=client, undoes__isnull=False).values("undoes_id")
    here = HandedIn.objects.filter(client_id=client.pk, change_id__isnull=False).values("change_id")
    rows = ChangeSet.objects.filter(client=client, kind="census").exclude(pk__in=undone).exclude(pk__in=here)
    return list(rows.order_by("-pk")[:LAST])


# --- one file -----------------------------------------------------------------------------------------------


@page(
    HERE + "<int:number>/",
    name="opening",
    title=_("What a carrier's file opens"),
    permission=Permission.FACTS,
)
def one(request: Any, client: str, number: int) -> HttpResponse:
    """Show what a file would open the client with, or what became of it."""
    found = client_of(request, client)
    file = _file(request, found, number)
    asked = importing.request_of(file)
    is_ended = asked is None or asked.state in ENDED
    shown, refused = None, ""
    if file.state == State.HANDED_IN and is_ended:
        shown, refused = _shown(file)
    tables = _tables(request, shown)
    noted(request, "saw", f"opening {number}", found.pk)
    for table in tables:
        if (export := table.export()) is not None:
            return export
    return show(
        request,
        "workbench/carriers/opening.html",
        title=file.name,
        client=found,
        crumbs=[(_("Open from a carrier's file"), address("open_client", client=client))],
        file=file,
        work=asked,
        work_kind=_("opening of the client"),
        is_ended=is_ended,
        shown=shown,
        refused=refused,
        counts=_counts(_told(shown, asked)),
        tables=tables,
        can_open=shown is not None and not shown.refused,
        can_give_up=file.state == State.HANDED_IN and is_ended,
        can_go_back=file.state == State.IMPORTED and is_ended,
    )


def _file(request: Any, client: Client, number: int) -> HandedIn:
    rows = HandedIn.objects.filter(client_id=client.pk, pk=number, kind=str(FileKind.OPENING))
    file = rows.first()
    if file is None:
        raise Http404
    uploads.require(request.access, file.kind, client.pk)
    return file


def _shown(file: HandedIn) -> tuple[Preview | None, str]:
    """Try a file; or answer why it cannot be read any more."""
    try:
        return openings.preview(connection, file, now=clock.now()), ""
    except (ValueError, LookupError) as fault:
        if not is_refusal(fault):
            raise
        return None, message_of(fault)


def _told(shown: Preview | None, asked: Any) -> dict[str, int]:
    """Answer the counts of a preview, or of what was done."""
    if shown is not None:
        return dict(shown.counts)
    return dict(asked.result.get("people", {})) if asked else {}


def _counts(told: dict[str, int]) -> Any:
    values = [
        Bar(COUNTS[name], count, tone="bad" if name in BAD else "plain")
        for name, count in told.items()
        if name in COUNTS and count
    ]
    return bars(values, caption=_("What the file brings")) if values else None


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


@page(
    HERE + "changes/<int:change>/back",
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
    reason = reason_of(request)

    def undo() -> None:
        if not reason:
            raise opening.OpeningRefused("expected a reason, found none; state why it is taken back")
        opening.take_back(
            connection, found.pk, change, reason=reason, author=request.user.username, now=clock.now()
        )
        noted(request, "did", f"take opening {change} back", found.pk, why=reason)

    return act(request, undo, said=_("It is taken back."), to=address("open_client", client=client))
