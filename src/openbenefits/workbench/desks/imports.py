"""Imports: a file handed in, its columns mapped, looked at, imported, taken back."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from django import forms
from django.db import connection
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts import clock
from openbenefits.accounts.models import User
from openbenefits.accounts.roles import Permission
from openbenefits.background import importing, openings, uploads
from openbenefits.background.models import HandedIn
from openbenefits.background.services import ENDED
from openbenefits.background.uploads import LEFT_OUT, MOST_BYTES, FileKind, FileNotTaken, State
from openbenefits.store.sheets import FileRefused
from openbenefits.workbench.desks.parts import noted
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.pages import Section, act, address, client_of, page, reason_of, show
from openbenefits.workbench.sheets import Column, Sheet, sheet
from openbenefits.workforce.recording import PeopleBusy

KINDS = {
    FileKind.CENSUS: _("Census: employees, jobs, homes, dependents"),
    FileKind.ELECTIONS: _("Elections"),
    FileKind.TAKEOVER: _("Coverage of a previous system (take-over)"),
    FileKind.EVIDENCE: _("Decisions of a carrier about evidence of insurability"),
    FileKind.OPENING: _("A carrier's file that opens the client"),
}
WORDS = {str(kind): text for kind, text in KINDS.items()}
FILES_SHOWN = 500
MOST_DIFFERENCES = 20_000
PERSONAL = ("ssn", "birth_on", "line1", "city", "postal_code", "email", "phone")
"""Facts whose values are shown to who may see personal data only."""


class HandInForm(forms.Form):
    """A file, what it holds, and from when it counts."""

    kind = forms.ChoiceField(label=_("What the file holds"))
    file = forms.FileField(label=_("File"), help_text=_("CSV (UTF-8) or XLSX, at most 10 MB."))
    as_of = forms.DateField(
        label=_("Changes count from"),
        widget=DayInput(),
        help_text=_("Of a census; other files say their own days."),
    )
    most_bad = forms.IntegerField(
        label=_("Refuse the file above so many percent of bad rows"), min_value=0, max_value=100, initial=25
    )
    silent = forms.BooleanField(
        label=_("Start no channel by it"),
        required=False,
        help_text=_("For a census that takes over what is already known: no task is opened because of it."),
    )

    def __init__(self, allowed: list[FileKind], *parts: Any, **named: Any) -> None:
        """Offer the kinds that the user may import."""
        super().__init__(*parts, **named)
        choices = [(str(one), KINDS[one]) for one in allowed if one != FileKind.OPENING]
        self.fields["kind"].choices = choices  # type: ignore[attr-defined]

    def clean_file(self) -> Any:
        """Refuse a file that is too large by its size, before it is read."""
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(_("Expected at most 10 MB, found more. Split the file."))
        return file


@page("<client:client>/imports/", name="imports", title=_("Imports"), section=Section.DESKS)
def listed(request: Any, client: str) -> HttpResponse:
    """List files handed in, and take in another one."""
    found = client_of(request, client)
    allowed = uploads.kinds_for(request.access, found.pk)
    if request.method == "POST":
        return _hand_in(request, found, allowed)
    form = HandInForm(allowed, initial={"as_of": clock.today()})
    return _listed(request, found, form, allowed)


def _hand_in(request: Any, client: Any, allowed: list[FileKind]) -> HttpResponse:
    form = HandInForm(allowed, request.POST, request.FILES)
    if form.is_valid():
        said = form.cleaned_data
        order = uploads.FileOrder(
            client_id=client.pk,
            kind=FileKind(said["kind"]),
            name=said["file"].name,
            content=said["file"].read(),
            options={"as_of": said["as_of"].isoformat(), "max_bad_share": said["most_bad"] / 100}
            | ({"is_silent": True} if said["silent"] else {}),
        )
        try:
            made = uploads.hand_in(request.access, order, now=clock.now())
        except FileNotTaken as refused:
            form.add_error("file", str(refused))
        else:
            return redirect(address("import", client=client.code, number=made.pk))
    return _listed(request, client, form, allowed, status=422)


def _listed(request: Any, client: Any, form: Any, allowed: list[FileKind], status: int = 200) -> HttpResponse:
    files = HandedIn.objects.filter(client_id=client.pk, kind__in=[str(one) for one in allowed])
    columns = ("pk", "name", "kind", "state", "change_id", "user_id", "handed_in_at", "ended_at")
    rows = pl.DataFrame(list(files.order_by("-pk").values(*columns)[:FILES_SHOWN]), schema=FILE_ROWS)
    names = dict(User.objects.filter(pk__in=rows["user_id"].to_list()).values_list("pk", "username"))
    rows = rows.with_columns(user=pl.col("user_id").replace_strict(names, default="", return_dtype=pl.String))
    table = sheet(
        request,
        rows,
        (
            Column(
                "pk",
                _("No."),
                kind="number",
                href=lambda row: address(_page_of(row["kind"]), client=client.code, number=row["pk"]),
            ),
            Column("name", _("File")),
            Column("kind", _("Holds"), words=WORDS),
            Column("state", _("State"), kind="status"),
            Column("user", _("Handed in by")),
            Column("handed_in_at", _("When"), kind="moment"),
            Column("change_id", _("Change"), kind="number"),
        ),
        name="files",
        caption=_("Files"),
        empty=_("No file was handed in yet. Choose one below."),
    )
    if (file := table.export()) is not None:
        return file
    told: dict[str, Any] = {"files": table, "form": form if allowed else None}
    return show(
        request, "workbench/desks/imports.html", title=_("Imports"), client=client, status=status, **told
    )


def _page_of(kind: str) -> str:
    """Name the page a file of a kind is looked at on."""
    return "opening" if kind == FileKind.OPENING else "import"


FILE_ROWS: dict[str, Any] = {
    "pk": pl.Int64,
    "name": pl.String,
    "kind": pl.String,
    "state": pl.String,
    "change_id": pl.Int64,
    "user_id": pl.Int64,
    "handed_in_at": pl.Datetime("us", "UTC"),
    "ended_at": pl.Datetime("us", "UTC"),
}


# --- one file -----------------------------------------------------------------------------------------------


@page("<client:client>/imports/<int:number>/", name="import", title=_("Import"))
def one(request: Any, client: str, number: int) -> HttpResponse:
    """Show what a file would do, or what became of it."""
    found = client_of(request, client)
    file = _file(request, found, number)
    if file.kind == FileKind.OPENING:
        return redirect(address(_page_of(file.kind), client=client, number=number))
    asked = importing.request_of(file)
    told: dict[str, Any] = {"file": file, "kind": KINDS[FileKind(file.kind)], "work": asked}
    told |= {"work_kind": asked.kind if asked else "", "is_ended": asked is None or asked.state in ENDED}
    if file.state == State.HANDED_IN and told["is_ended"]:
        told |= _foreseen(request, file)
        for table in told.get("tables", ()):
            if (export := table.export()) is not None:
                return export
    if file.state in (State.IMPORTED, State.TAKEN_BACK):
        told |= _became(request, file, asked)
    noted(request, "saw", f"import {number}", found.pk)
    crumbs = [(_("Imports"), address("imports", client=client))]
    return show(request, "workbench/desks/import.html", title=file.name, client=found, crumbs=crumbs, **told)


def _file(request: Any, client: Any, number: int) -> HandedIn:
    file = HandedIn.objects.filter(client_id=client.pk, pk=number).first()
    if file is None:
        raise Http404
    uploads.require(request.access, file.kind, client.pk)
    return file


def _foreseen(request: Any, file: HandedIn) -> dict[str, Any]:
    reader = importing.READERS[FileKind(file.kind)]
    told: dict[str, Any] = {"columns": reader.columns, "left_out": LEFT_OUT, "required": reader.required}
    try:
        told["headings"] = importing.headings_of(file)
        seen = importing.foresee(connection, file, author=request.user.username, now=clock.now())
    except (FileRefused, FileNotTaken, PeopleBusy) as refused:
        return told | {"refused": str(refused)}
    tables = [_faults(request, seen.bad_rows, "faults", _("Bad rows: these are left out"))]
    if seen.warnings.height:
        tables.append(_faults(request, seen.warnings, "warnings", _("Taken, but look at them")))
    if seen.differences.height:
        tables.append(_differences(request, file, seen.differences))
    counts = [(_word(name), count) for name, count in seen.counts.items()]
    return told | {
        "seen": seen,
        "counts": counts,
        "tables": tables,
        "refused": seen.refused,
        "bad_rows": seen.bad_row_count,
    }


COUNTED: Mapping[str, Any] = {
    "new": _("new employees"),
    "changed": _("employees who change"),
    "same": _("employees as they are"),
    "asked": _("same person or not?"),
    "entered": _("elections"),
    "unchanged": _("known already"),
    "events": _("events that move on"),
    "taken": _("coverages taken over"),
    "corrected": _("coverages corrected"),
    "approvals": _("approved amounts"),
    "providers": _("doctors and dentists"),
    "approved": _("approved"),
    "partial": _("approved in part"),
    "declined": _("declined"),
    "people": _("employees"),
    "bad_rows": _("bad rows left out"),
    "restored": _("facts as before"),
    "withdrawn": _("facts gone again"),
    "left": _("facts edited since, left as they are"),
    "elections": _("elections withdrawn"),
    "points": _("coverages withdrawn"),
}


def _word(name: str) -> Any:
    return COUNTED.get(name, name)


def _faults(request: Any, rows: pl.DataFrame, name: str, caption: Any) -> Sheet:
    columns = (
        Column("row", _("Row"), kind="number"),
        Column("column", _("Column")),
        Column("expected", _("Expected")),
        Column("found", _("Found")),
        Column("cure", _("What to change")),
    )
    return sheet(request, rows.sort("row"), columns, name=name, caption=caption, empty=_("No bad rows."))


def _differences(request: Any, file: HandedIn, rows: pl.DataFrame) -> Sheet:
    if not request.access.may(Permission.SEE_PERSONAL, file.client_id):
        hidden = pl.col("field").is_in(PERSONAL)
        masked = [
            pl.when(hidden).then(pl.lit("•••")).otherwise(pl.col(one)).alias(one)
            for one in ("before", "after")
        ]
        rows = rows.with_columns(masked)
    columns = (
        Column("row", _("Row"), kind="number"),
        Column("fact", _("Fact")),
        Column("field", _("Field")),
        Column("before", _("Before")),
        Column("after", _("After")),
    )
    caption = _("What changes for people already known")
    return sheet(request, rows.head(MOST_DIFFERENCES), columns, name="differences", caption=caption)


def _became(request: Any, file: HandedIn, asked: Any) -> dict[str, Any]:
    result: Mapping[str, Any] = asked.result if asked else {}
    counts = []
    for name, value in result.items():
        parts = value.items() if isinstance(value, dict) else [(name, value)]
        counts += [
            (_word(word), count) for word, count in parts if word not in ("file", "change", "conflicts")
        ]
    conflicts = None
    if found := result.get("conflicts"):
        columns = (
            Column("fact", _("Fact")),
            Column("person_id", _("Person"), kind="number"),
            Column("valid_from", _("From")),
            Column("change_id", _("Changed by"), kind="number"),
        )
        caption = _("Edited since, left as they are")
        conflicts = sheet(request, pl.DataFrame(found), columns, name="conflicts", caption=caption)
    can_go_back = file.state == State.IMPORTED and file.change_id is not None
    return {"counts": counts, "conflicts": conflicts, "can_go_back": can_go_back}


@page("<client:client>/imports/<int:number>/columns", name="map_import", title=_("Columns"))
@require_POST
def map_columns(request: Any, client: str, number: int) -> HttpResponse:
    """State which heading is which column."""
    found = client_of(request, client)
    file = _file(request, found, number)
    columns = {LEFT_OUT, *importing.READERS[FileKind(file.kind)].columns}
    headings = request.POST.getlist("heading")
    chosen = dict(zip(headings, request.POST.getlist("column"), strict=False))
    mapping = {heading: column for heading, column in chosen.items() if column in columns}
    return act(
        request,
        lambda: uploads.map_columns(request.access, file, mapping, now=clock.now()),
        said=_("The columns are mapped, and remembered for the next file."),
        to=address("import", client=client, number=number),
    )


@page("<client:client>/imports/<int:number>/do", name="do_import", title=_("Import"))
@require_POST
def do_import(request: Any, client: str, number: int) -> HttpResponse:
    """Import a file of any kind, give it up, or take the import back."""
    found = client_of(request, client)
    file = _file(request, found, number)
    author, now, why = request.user.username, clock.now(), reason_of(request)

    def do() -> None:
        match request.POST.get("act"):
            case "import":
                uploads.refuse_ended(file)
                if file.kind == FileKind.OPENING:
                    openings.choose(file, is_partial=request.POST.get("is_partial") == "yes")
                importing.ask_for(request.access, "import file", file, author=author, now=now)
            case "give up":
                uploads.give_up(request.access, file, now=now)
            case "take back":
                if not why:
                    raise FileNotTaken("expected a reason, found none; state it")
                importing.ask_for(
                    request.access, "take back import", file, author=author, now=now, reason=why
                )
            case _:
                raise Http404
        noted(request, "did", f"{request.POST['act']}: {_page_of(file.kind)} {number}", found.pk, why=why)

    to = address(_page_of(file.kind), client=client, number=number)
    return act(request, do, said=_("It is on its way."), to=to)
