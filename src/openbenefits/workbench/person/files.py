"""Files of operations and prices: sent, tried out, looked at, carried out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbenefits.accounts import clock
from openbenefits.accounts.services import note
from openbenefits.background.models import OrderFile, ProcessRequest
from openbenefits.background.order_files import OrderFileRefused, keep, order_file_of
from openbenefits.background.services import ENDED, State, ask, kind_of
from openbenefits.repair import bulk, pricing
from openbenefits.workbench.pages import Section, address, client_of, page, show
from openbenefits.workbench.person.about import author_of
from openbenefits.workbench.person.forms import FileForm
from openbenefits.workbench.person.tables import Table
from openbenefits.workbench.person.trying import attempted
from openbenefits.workforce.models import Client

LAST = 20
MOST_FILES = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class FileKind:
    """A kind of file: how it is called in addresses, and what it holds."""

    code: str
    title: Any
    meaning: Any
    columns: tuple[str, ...]


FILES = {
    "operations": FileKind(
        code="operations file",
        title=gettext_lazy("File of operations"),
        meaning=gettext_lazy("A row for each event: decide again, void, move, undo and the rest."),
        columns=tuple(bulk.KINDS),
    ),
    "prices": FileKind(
        code="prices file",
        title=gettext_lazy("File of prices decided"),
        meaning=gettext_lazy("A row for each price of a participant, in dollars of a year."),
        columns=tuple(pricing.KINDS),
    ),
}


@page("<client:client>/files/", name="files", title=gettext_lazy("Bulk files"), section=Section.PEOPLE)
def files(request: Any, client: str) -> HttpResponse:
    """List the kinds of files, and the files sent since yesterday."""
    found = client_of(request, client)
    by_code = {kind.code: (name, kind) for name, kind in FILES.items()}
    sent = [
        {"row": row, "title": by_code[row.kind][1].title, "href": address("file", client=client, file=row.pk)}
        for row in OrderFile.objects.filter(client_id=found.pk, kind__in=by_code)
        .defer("content")
        .order_by("-pk")[:LAST]
    ]
    kinds = [
        {"title": kind.title, "meaning": kind.meaning, "href": address("send-file", client=client, kind=name)}
        for name, kind in FILES.items()
        if request.access.may(kind_of(kind.code).permission, found.pk)
    ]
    return show(
        request, "workbench/person/files.html", title=_("Bulk files"), client=found, kinds=kinds, sent=sent
    )


@page("<client:client>/files/send/<str:kind>/", name="send-file", title=gettext_lazy("Send a file"))
def send(request: Any, client: str, kind: str) -> HttpResponse:
    """Take a file, and try it out; nothing is done yet."""
    found = client_of(request, client)
    if kind not in FILES:
        raise Http404
    asked = FILES[kind]
    request.access.require(kind_of(asked.code).permission, found.pk)
    form = FileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data["file"]
        upload = attempted(
            form,
            lambda: keep(
                request.access, asked.code, given.name, given.read(), client_id=found.pk, now=clock.now()
            ),
        )
        if upload is not None:
            _asked(request, found, upload, is_rehearsal=True)
            return redirect(address("file", client=client, file=upload.pk))
    return show(
        request,
        "workbench/person/send.html",
        title=asked.title,
        client=found,
        crumbs=[(_("Bulk files"), address("files", client=client))],
        form=form,
        meaning=asked.meaning,
        columns=asked.columns,
    )


def _asked(request: Any, client: Client, upload: OrderFile, *, is_rehearsal: bool) -> ProcessRequest:
    asked_for = {"file": upload.pk, "is_rehearsal": is_rehearsal}
    made = ask(
        request.access,
        upload.kind,
        asked_for,
        client_id=client.pk,
        author=author_of(request),
        now=clock.now(),
    )
    field = "tried_by" if is_rehearsal else "done_by"
    OrderFile.objects.filter(pk=upload.pk).update(**{field: made.pk})
    what = "preview of" if is_rehearsal else ""
    note(request.access, "did", f"{what} {upload.kind}".strip(), client_id=client.pk, now=clock.now())
    return made


@page("<client:client>/files/<int:file>/", name="file", title=gettext_lazy("File"))
def file(request: Any, client: str, file: int) -> HttpResponse:
    """Show what a file would do, row by row; carry it out."""
    found = client_of(request, client)
    upload = _upload(found, file)
    request.access.require(kind_of(upload.kind).permission, found.pk)
    here = address("file", client=client, file=file)
    if request.method == "POST":
        if upload.done_by is None:
            _asked(request, found, upload, is_rehearsal=False)
        return redirect(here)
    works = [_work(number) for number in (upload.done_by or upload.tried_by,) if number]
    work = works[0] if works else None
    return show(
        request,
        "workbench/person/file.html",
        title=upload.name,
        client=found,
        crumbs=[(_("Bulk files"), address("files", client=client))],
        upload=upload,
        work=work,
        kind=kind_of(upload.kind).name,
        is_ended=work is None or work.state in ENDED,
        **_outcome(upload, work),
    )


def _upload(client: Client, number: int) -> OrderFile:
    if number > MOST_FILES:
        raise Http404
    try:
        return order_file_of(client.pk, number)
    except OrderFileRefused as refused:
        raise Http404(str(refused)) from refused


def _work(number: int) -> ProcessRequest | None:
    return ProcessRequest.objects.filter(pk=number).first()


def _outcome(upload: OrderFile, work: ProcessRequest | None) -> dict[str, Any]:
    """What is shown of what came of it, and whether it may be carried out now."""
    told: Mapping[str, Any] = work.result if work is not None else {}
    counts: dict[str, int] = told.get("counts", {})
    to_do = counts.get("to do", 0)
    is_tried = work is not None and work.state == State.DONE and upload.done_by is None
    tables = [_table(rows, title) for title, rows in told.get("tables", {}).items()]
    if "bad_rows" in told:
        tables.insert(0, _table(told["bad_rows"], _("Rows that cannot be, each with its cure")))
    return {
        "counts": counts,
        "tables": tables,
        "unknown_headings": told.get("unknown_headings", []),
        "may_apply": is_tried and to_do > 0,
        "is_done": upload.done_by is not None,
    }


def _table(rows: Mapping[str, Any], title: str) -> Table:
    headings = [(name.replace("_", " ").capitalize(), False) for name in rows["columns"]]
    return Table(
        caption=title,
        headings=headings,
        rows=rows["rows"],
        empty=_("None."),
        more=max(rows["all"] - len(rows["rows"]), 0),
    )
