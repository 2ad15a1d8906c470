"""New letters, and print batches: what goes to the printer and the post together."""

from datetime import date
from typing import Any

import polars as pl
from django import forms
from django.db import connection
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts.clock import now, today
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import note
from openbenefits.background.services import ask
from openbenefits.core.faults import message_of
from openbenefits.delivery import frames, services
from openbenefits.delivery.batches import LETTERS_IN_A_FILE
from openbenefits.delivery.codes import DocumentKind
from openbenefits.reports.issuing_letters import LetterOrder, issue_letters
from openbenefits.reports.labels import PER_SHEET, labels_pdf
from openbenefits.reports.names import load_schedules
from openbenefits.workbench.documents import FATES, KINDS, pdf_answer
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.pages import Section, act, address, client_of, page, show
from openbenefits.workbench.sheets import Column, sheet
from openbenefits.workforce.models import Client, Person

LINES = (
    Column("place", _("Place"), kind="number"),
    Column("document_id", _("Letter")),
    Column("employee_number", _("Employee number")),
    Column("kind", _("What it is"), words=KINDS),
    Column("pages", _("Pages"), kind="number"),
    Column("first_page", _("From page"), kind="number"),
    Column("fate", _("What became of it"), kind="status", words=FATES),
)


@page("<client:client>/batches/", name="batches", title=_("Print batches"), section=Section.REPORTS)
def batches(request: Any, client: str) -> HttpResponse:
    """List the print batches of a client, the newest first."""
    found = client_of(request, client)
    rows = frames.load_batches(connection, [found.pk])
    columns = (
        Column(
            "batch_id", _("Batch"), href=lambda row: address("batch", client=client, number=row["batch_id"])
        ),
        Column("made_at", _("Made"), kind="moment"),
        Column("made_by", _("By")),
        Column("letters", _("Letters"), kind="number"),
        Column("pages", _("Pages"), kind="number"),
        Column("reprint_of", _("Reprint of")),
    )
    listed = sheet(
        request, rows, columns, name="batches", caption=_("Print batches"), empty=_("No batch yet.")
    )
    if (file := listed.export()) is not None:
        return file
    waiting = frames.load_unbatched(connection, found.pk).height
    return show(
        request,
        "workbench/documents/batches.html",
        title=_("Print batches"),
        client=found,
        listed=listed,
        waiting=waiting,
        may_act=request.access.may(Permission.PROCESS, found.pk),
    )


@page("<client:client>/batches/new", name="new_batch", title=_("New batch"), permission=Permission.PROCESS)
@require_POST
def new_batch(request: Any, client: str) -> HttpResponse:
    """Put the printed letters that wait into a batch."""
    found = client_of(request, client)

    def do() -> None:
        services.make_batch(connection, found.pk, on=today(), author=request.user.username, now=now())
        note(request.access, "did", "print batch", client_id=found.pk, now=now())

    return act(request, do, said=_("The batch is made."), to=address("batches", client=client))


@page("<client:client>/batches/<int:number>/", name="batch", title=_("Print batch"))
def batch(request: Any, client: str, number: int) -> HttpResponse:
    """Show the manifest of a batch, with its files and labels."""
    found = client_of(request, client)
    manifest = _manifest(found, number)
    note(request.access, "saw", "print batch", client_id=found.pk, now=now())
    lines = sheet(request, manifest.lines, LINES, name="manifest", caption=_("Manifest"), picks="place")
    if (file := lines.export()) is not None:
        return file
    parts = range(1, -(-manifest.letters // LETTERS_IN_A_FILE) + 1)
    return show(
        request,
        "workbench/documents/batch.html",
        title=_("Print batch %(number)s") % {"number": number},
        client=found,
        crumbs=[(_("Print batches"), address("batches", client=client))],
        manifest=manifest,
        nowhere=manifest.no_address.height,
        lines=lines,
        number=number,
        files=[(part, address("batch_file", client=client, number=number, part=part)) for part in parts],
        papers=[(paper, count) for paper, count in PER_SHEET.items()],
        may_open=request.access.may(Permission.SEE_PERSONAL, found.pk),
        may_act=request.access.may(Permission.PROCESS, found.pk),
        is_sent=not (manifest.lines["fate"] == "waiting").any(),
    )


def _manifest(client: Client, number: int) -> services.Manifest:
    try:
        return services.manifest_of(connection, client.pk, number, on=today())
    except services.BatchRefused:
        raise Http404 from None


@page(
    "<client:client>/batches/<int:number>/<int:part>.pdf",
    name="batch_file",
    title=_("Print batch"),
    permission=Permission.SEE_PERSONAL,
)
def batch_file(request: Any, client: str, number: int, part: int) -> HttpResponse:
    """Answer a file of a batch: the letters as made, for printing on both sides unless told."""
    found = client_of(request, client)
    _manifest(found, number)
    pdf = services.file_of_batch(
        connection, found.pk, number, part, is_duplex=request.GET.get("sides") != "1"
    )
    if pdf is None:
        raise Http404
    note(request.access, "saw", "file of a print batch", client_id=found.pk, now=now())
    return pdf_answer(pdf, f"batch-{number}-{part}")


@page(
    "<client:client>/batches/<int:number>/labels.pdf",
    name="batch_labels",
    title=_("Labels"),
    permission=Permission.SEE_PERSONAL,
)
def batch_labels(request: Any, client: str, number: int) -> HttpResponse:
    """Answer the address labels of a batch, in its order."""
    found = client_of(request, client)
    manifest = _manifest(found, number)
    paper = request.GET.get("paper", "us-letter")
    if paper not in PER_SHEET:
        raise Http404
    note(request.access, "saw", "labels of a print batch", client_id=found.pk, now=now())
    return pdf_answer(
        labels_pdf(manifest.lines, title=f"Labels of batch {number}", paper=paper), f"labels-{number}"
    )


@page(
    "<client:client>/batches/<int:number>/sent",
    name="batch_sent",
    title=_("Batch sent"),
    permission=Permission.PROCESS,
)
@require_POST
def batch_sent(request: Any, client: str, number: int) -> HttpResponse:
    """Say that a batch went into the post."""
    found = client_of(request, client)

    def do() -> None:
        services.mark_batch_sent(connection, found.pk, number, author=request.user.username, now=now())
        note(request.access, "did", "print batch sent", client_id=found.pk, now=now())

    here = address("batch", client=client, number=number)
    return act(request, do, said=_("Its letters are sent."), to=here)


@page(
    "<client:client>/batches/<int:number>/reprint",
    name="batch_reprint",
    title=_("Print again"),
    permission=Permission.PROCESS,
)
@require_POST
def batch_reprint(request: Any, client: str, number: int) -> HttpResponse:
    """Make a batch of the same letters again, of all or of those picked."""
    found = client_of(request, client)

    def do() -> None:
        places = [int(one) for one in request.POST.getlist("place") if one.isdecimal()]
        services.reprint_batch(
            connection, found.pk, number, places=places, author=request.user.username, now=now()
        )
        note(request.access, "did", "print batch again", client_id=found.pk, now=now())

    return act(request, do, said=_("It is printed again."), to=address("batches", client=client))


# --- new letters --------------------------------------------------------------------------------------------


class NewForm(forms.Form):
    """Which letters are to be made, and to whom."""

    kind = forms.ChoiceField(
        label=_("What"), choices=[one for one in KINDS.items() if one[0] != DocumentKind.NOTICE]
    )
    schedule = forms.ChoiceField(
        required=False, label=_("Schedule"), help_text=_("Of statements: those due of this schedule.")
    )
    employee = forms.CharField(
        required=False,
        max_length=60,
        label=_("Employee number"),
        help_text=_("Of a letter of coverage or loss to one person; blank for everybody concerned."),
    )
    as_of = forms.DateField(
        required=False,
        label=_("Day"),
        widget=DayInput(),
        help_text=_("Covered on, or ended by, this day; blank for today."),
    )
    since = forms.DateField(
        required=False,
        label=_("Ended since"),
        widget=DayInput(),
        help_text=_("Of a letter of loss: the first day looked at."),
    )

    def __init__(self, data: Any, schedules: list[tuple[str, str]]) -> None:
        super().__init__(data)
        self.fields["schedule"].choices = [("", "—"), *schedules]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """See to it that statements name a schedule, and a loss its first day."""
        given = super().clean() or {}
        kind = given.get("kind")
        if kind in (DocumentKind.ENROLLMENT, DocumentKind.CONFIRMATION) and not given.get("schedule"):
            self.add_error("schedule", _("Expected the schedule of the statements, found none; choose it."))
        if kind == DocumentKind.LOSS and not given.get("since"):
            self.add_error("since", _("Expected the first day looked at, found none; name it."))
        return given


@page(
    "<client:client>/letters/new/",
    name="new_letters",
    title=_("New letters"),
    section=Section.REPORTS,
    permission=Permission.PROCESS,
)
def new_letters(request: Any, client: str) -> HttpResponse:
    """Have letters made: in bulk by the worker, of one person at once."""
    found = client_of(request, client)
    rows = load_schedules(connection).filter(client=client).sort("schedule")
    schedules = list(zip(rows["schedule_id"].cast(pl.String), rows["schedule_name"], strict=True))
    form = NewForm(request.POST if request.method == "POST" else None, schedules)
    fault = ""
    if form.is_bound and form.is_valid():
        try:
            return _make(request, found, form.cleaned_data)
        except (ValueError, LookupError) as refused:
            fault = message_of(refused)
    return show(
        request,
        "workbench/documents/new.html",
        title=_("New letters"),
        client=found,
        crumbs=[(_("Letters"), address("letters", client=client))],
        status=422 if form.is_bound else 200,
        form=form,
        fault=fault,
    )


def _make(request: Any, client: Client, given: dict[str, Any]) -> HttpResponse:
    kind, day = given["kind"], given["as_of"] or today()
    note(request.access, "did", f"letters {kind}", client_id=client.pk, now=now())
    if kind in (DocumentKind.COVERAGE, DocumentKind.LOSS) and given["employee"]:
        return _make_one(request, client, given, day)
    asked: dict[str, Any] = {"kind": kind, "on": today().isoformat()}
    if kind in (DocumentKind.COVERAGE, DocumentKind.LOSS):
        since = given["since"].isoformat() if given["since"] else None
        asked |= {"as_of": day.isoformat(), "since": since}
        name = "deliver letters"
    else:
        asked |= {"schedule": int(given["schedule"])}
        name = "deliver statements"
    made = ask(request.access, name, asked, client_id=client.pk, author=request.user.username, now=now())
    return redirect(address("request", number=made.pk))


def _make_one(request: Any, client: Client, given: dict[str, Any], day: date) -> HttpResponse:
    person = Person.objects.filter(client_id=client.pk, employee_number=given["employee"]).first()
    if person is None:
        raise services.DocumentRefused(
            str(_("expected an employee number of this client, found another; correct it"))
        )
    order = LetterOrder(
        client_id=client.pk,
        kind=DocumentKind(given["kind"]),
        as_of=day,
        since=given["since"],
        person_ids=(person.pk,),
        again=True,
    )
    made = issue_letters(connection, order, on=today(), now=now(), actor=request.user.username)
    if not made.documents:
        raise services.DocumentRefused(
            str(_("expected coverage that the letter can tell of, found none; choose another day"))
        )
    return redirect(address("letter", client=client.code, number=made.documents[0]))


@page(
    "<client:client>/letters/mails", name="send_mails", title=_("Send mails"), permission=Permission.PROCESS
)
@require_POST
def mails(request: Any, client: str) -> HttpResponse:
    """Have the mails that wait sent."""
    found = client_of(request, client)
    made = ask(request.access, "send mails", {}, client_id=found.pk, author=request.user.username, now=now())
    note(request.access, "did", "send mails", client_id=found.pk, now=now())
    return redirect(address("request", number=made.pk))
