"""Letters: what was made and sent, what became of it, and what people want."""

from typing import Any

import polars as pl
from django import forms
from django.db import connection
from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from openbenefits.accounts.clock import now, today
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import note
from openbenefits.delivery import frames, services
from openbenefits.delivery.codes import CHANNEL_NAMES, KIND_NAMES, Channel, FateCode
from openbenefits.delivery.fates import BY_HAND
from openbenefits.delivery.models import Delivery, Fate
from openbenefits.workbench.forms import DayInput
from openbenefits.workbench.pages import Section, act, address, client_of, page, show
from openbenefits.workbench.sheets import Column, Sheet, sheet
from openbenefits.workforce.models import Client, Person

SHOWN = 5_000
"""So many letters a list goes back; older ones are found by the person, or by a report of one's own."""
KINDS = {str(kind): name for kind, name in KIND_NAMES.items()}
WAYS = {str(channel): name for channel, name in CHANNEL_NAMES.items()}
FATES = {
    FateCode.WAITING: _("waiting"),
    FateCode.SENT: _("sent"),
    FateCode.OPENED: _("opened"),
    FateCode.BOUNCED: _("bounced"),
    FateCode.RETURNED: _("returned"),
    FateCode.FAILED: _("failed"),
}


def letter_columns(client: str) -> tuple[Column, ...]:
    """Answer the columns of a list of letters."""
    return (
        Column(
            "document_id",
            _("Letter"),
            href=lambda row: address("letter", client=client, number=row["document_id"]),
        ),
        Column("employee_number", _("Employee number")),
        Column("kind", _("What it is"), words=KINDS),
        Column("as_of", _("Speaks of"), kind="day"),
        Column("made_at", _("Made"), kind="moment"),
        Column("pages", _("Pages"), kind="number"),
        Column("channel", _("Way"), words=WAYS),
        Column("fate", _("What became of it"), kind="status", words=FATES),
        Column("fate_at", _("Since"), kind="moment"),
    )


@page("<client:client>/letters/", name="letters", title=_("Letters"), section=Section.REPORTS)
def letters(request: Any, client: str) -> HttpResponse:
    """List the letters of a client, the newest first."""
    found = client_of(request, client)
    rows = frames.load_documents(connection, client_ids=[found.pk], most=SHOWN)
    listed = _letters(request, rows, client, _("Letters, the newest first"))
    if (file := listed.export()) is not None:
        return file
    waits = rows.filter(fate=str(FateCode.WAITING))
    return show(
        request,
        "workbench/documents/letters.html",
        title=_("Letters"),
        client=found,
        listed=listed,
        fates=[(str(one), FATES[one]) for one in BY_HAND],
        printed=waits.filter(channel=str(Channel.PRINT)).height,
        mails=waits.filter(channel=str(Channel.EMAIL)).height
        + waits.filter(channel=str(Channel.PORTAL)).height,
        may_act=request.access.may(Permission.PROCESS, found.pk),
        is_cut=rows.height == SHOWN,
        shown=SHOWN,
    )


@page(
    "<client:client>/letters/again/", name="letters_again", title=_("Needed again"), section=Section.REPORTS
)
def again(request: Any, client: str) -> HttpResponse:
    """List the letters that did not arrive."""
    found = client_of(request, client)
    rows = frames.load_again(connection, [found.pk], most=SHOWN)
    listed = _letters(request, rows, client, _("Letters that did not arrive"))
    if (file := listed.export()) is not None:
        return file
    return show(
        request,
        "workbench/documents/again.html",
        title=_("Needed again"),
        client=found,
        crumbs=[(_("Letters"), address("letters", client=client))],
        listed=listed,
        ways=[(str(one), name) for one, name in CHANNEL_NAMES.items()],
        may_act=request.access.may(Permission.PROCESS, found.pk),
    )


def _letters(request: Any, rows: pl.DataFrame, client: str, caption: Any) -> Sheet:
    return sheet(
        request,
        rows,
        letter_columns(client),
        name="letters",
        caption=caption,
        empty=_("No letter yet. Statements are sent from “New letters”."),
        picks="document_id",
    )


@page("<client:client>/letters/<int:number>/", name="letter", title=_("Letter"))
def letter(request: Any, client: str, number: int) -> HttpResponse:
    """Show a letter: whose it is, the ways it went, what became of each."""
    found = client_of(request, client)
    row = _letter(found, number)
    note(request.access, "saw", "letter", client_id=found.pk, person_id=row["person_id"], now=now())
    whose = {"client_id": found.pk, "person_id": row["person_id"]}
    ways = list(Delivery.objects.filter(document_id=number, **whose).order_by("pk"))
    fates = Fate.objects.filter(delivery_id__in=[one.pk for one in ways], **whose).order_by("pk")
    story = [
        {
            "at": one.at,
            "way": next(WAYS[way.channel] for way in ways if way.pk == one.delivery_id),
            "fate": FATES[FateCode(one.fate)],
            "told": one.told,
            "author": one.author,
        }
        for one in fates
    ]
    return show(
        request,
        "workbench/documents/letter.html",
        title=_("Letter %(number)s") % {"number": number},
        client=found,
        crumbs=[(_("Letters"), address("letters", client=client))],
        row=row,
        kind=KINDS[row["kind"]],
        story=story,
        may_open=request.access.may(Permission.SEE_PERSONAL, found.pk),
    )


@page(
    "<client:client>/letters/<int:number>.pdf",
    name="letter_file",
    title=_("Letter"),
    permission=Permission.SEE_PERSONAL,
)
def letter_file(request: Any, client: str, number: int) -> HttpResponse:
    """Answer the file of a letter, as it was sent."""
    found = client_of(request, client)
    row = _letter(found, number)
    note(request.access, "saw", "file of a letter", client_id=found.pk, person_id=row["person_id"], now=now())
    pdf = services.open_document(
        number,
        client_id=found.pk,
        person_id=row["person_id"],
        author=request.user.username,
        now=now(),
        by_person=False,
    )
    return pdf_answer(pdf, f"letter-{number}")


def pdf_answer(pdf: bytes, name: str) -> HttpResponse:
    """Answer a PDF to be shown or saved."""
    answer = HttpResponse(pdf, content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="{name}.pdf"'
    return answer


def _letter(client: Client, number: int) -> dict[str, Any]:
    rows = frames.load_documents(connection, client_ids=[client.pk], document_ids=[number], most=1)
    if rows.is_empty():
        raise Http404
    return rows.row(0, named=True)


# --- acts ---------------------------------------------------------------------------------------------------


@page(
    "<client:client>/letters/fate",
    name="letters_fate",
    title=_("What became of letters"),
    permission=Permission.PROCESS,
)
@require_POST
def say_fate(request: Any, client: str) -> HttpResponse:
    """Say what became of the letters picked, or named in a file."""
    found = client_of(request, client)
    said: list[int] = []

    def do() -> None:
        numbers = [int(one) for one in request.POST.getlist("document_id") if one.isdecimal()]
        if (file := request.FILES.get("file")) is not None:
            numbers += services.numbers_in(file.name or "file.csv", file.read())
        if not numbers:
            raise services.FatesRefused(str(_("expected letters, found none; pick some, or choose a file")))
        fate = request.POST.get("fate", "")
        if fate not in BY_HAND:
            raise services.FatesRefused(str(_("expected what became of them, found nothing; choose it")))
        told = request.POST.get("told", "")[:200]
        asked = {"told": told, "author": request.user.username, "now": now()}
        said.append(services.note_fates(connection, found.pk, numbers, FateCode(fate), **asked))
        note(request.access, "did", f"letters {fate}", client_id=found.pk, now=now())

    back = address("letters", client=client)
    return act(request, do, said=_("What became of them is kept."), to=back)


@page(
    "<client:client>/letters/send-again",
    name="letters_send_again",
    title=_("Send letters again"),
    permission=Permission.PROCESS,
)
@require_POST
def send_again(request: Any, client: str) -> HttpResponse:
    """Give the letters picked to a way once more, as they were made."""
    found = client_of(request, client)

    def do() -> None:
        numbers = [int(one) for one in request.POST.getlist("document_id") if one.isdecimal()]
        if not numbers:
            raise services.FatesRefused(str(_("expected letters, found none; pick some")))
        way = request.POST.get("channel", "")
        channel = Channel(way) if way in WAYS else None
        asked = {"on": today(), "author": request.user.username, "now": now(), "channel": channel}
        services.send_again(connection, found.pk, numbers, **asked)
        note(request.access, "did", "letters sent again", client_id=found.pk, now=now())

    return act(request, do, said=_("They go out once more."), to=address("letters_again", client=client))


# --- what people want ---------------------------------------------------------------------------------------


class ChoiceForm(forms.Form):
    """How a person wants letters."""

    channel = forms.ChoiceField(
        label=_("Way"), choices=[(str(one), name) for one, name in CHANNEL_NAMES.items()]
    )
    consented_on = forms.DateField(
        required=False,
        label=_("Agreed on"),
        widget=DayInput(),
        help_text=_("Portal and e-mail need the day on which the person agreed to letters without paper."),
    )
    how = forms.CharField(max_length=200, label=_("How it was said"), help_text=_("On paper, by telephone …"))


@page(
    "<client:client>/letters/ways/", name="letter_ways", title=_("Ways of letters"), section=Section.REPORTS
)
def ways(request: Any, client: str) -> HttpResponse:
    """Show how the client, and a person looked for, want letters; change either."""
    found = client_of(request, client)
    number = request.GET.get("employee", "").strip()
    person = Person.objects.filter(client_id=found.pk, employee_number=number).first() if number else None
    form = ChoiceForm(request.POST if request.method == "POST" and "channel" in request.POST else None)
    if request.method == "POST":
        request.access.require(Permission.PROCESS, found.pk)
        here = f"{address('letter_ways', client=client)}?employee={number}"
        if "attaches" in request.POST:
            return act(request, lambda: _set_terms(request, found), said=_("The terms are kept."), to=here)
        if person is not None and form.is_valid():
            return act(
                request,
                lambda: _choose(request, found, person.pk, form),
                said=_("The choice is kept."),
                to=here,
            )
    if person is not None:
        note(request.access, "saw", "ways of letters", client_id=found.pk, person_id=person.pk, now=now())
    choice = services.choice_of(found.pk, person.pk) if person is not None else None
    return show(
        request,
        "workbench/documents/ways.html",
        title=_("Ways of letters"),
        client=found,
        crumbs=[(_("Letters"), address("letters", client=client))],
        status=422 if form.is_bound else 200,
        number=number,
        person=person,
        choice=choice,
        way=WAYS[choice.channel] if choice else WAYS[str(Channel.PRINT)],
        attaches=services.attaches(found.pk),
        form=form,
        may_act=request.access.may(Permission.PROCESS, found.pk),
    )


def _set_terms(request: Any, client: Client) -> None:
    is_on = request.POST.get("attaches") == "yes"
    services.set_terms(client.pk, attaches=is_on, author=request.user.username, now=now())
    note(request.access, "did", "terms of letters", client_id=client.pk, now=now())


def _choose(request: Any, client: Client, person_id: int, form: ChoiceForm) -> None:
    given = form.cleaned_data
    services.choose_channel(
        client.pk,
        person_id,
        Channel(given["channel"]),
        consented_on=given["consented_on"],
        how=given["how"],
        author=request.user.username,
        now=now(),
    )
    note(request.access, "did", "way of letters", client_id=client.pk, person_id=person_id, now=now())
