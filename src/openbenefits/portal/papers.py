"""Papers: what was sent and where it stands, and a paper sent, sealed as it comes in."""

from django.contrib import messages
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from openbenefits.choosing.household import household_of
from openbenefits.choosing.offering import NothingOffered, offer_of
from openbenefits.enrollment import documents
from openbenefits.events.windows import EventPlace
from openbenefits.portal.forms import PaperForm
from openbenefits.portal.home import tasks_of
from openbenefits.portal.pages import Me, page, posted, shown
from openbenefits.portal.words import PAPER_OF


@page("papers")
def papers(request: HttpRequest, me: Me) -> HttpResponse:
    """Show the papers one sent, and take another."""
    return _papers(request, me, {})


@page("papers of an event")
def of_event(request: HttpRequest, me: Me, schedule: int, number: int, record: int) -> HttpResponse:
    """Take a paper about one event."""
    place = me.place(schedule, number, record)
    about = documents.about_event(place.schedule_id, place.event_number)
    return _papers(request, me, {"about": about, "kind": _kind(me, place)})


def _kind(me: Me, place: EventPlace) -> str:
    try:
        offer = offer_of(connection, place, today=me.today)
    except NothingOffered:
        return "other"
    return PAPER_OF.get(offer.event_class, "other")


def _papers(request: HttpRequest, me: Me, initial: dict[str, str]) -> HttpResponse:
    form = PaperForm(_about(me), posted(request), request.FILES, initial=initial)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            documents.add(
                connection,
                me.client_id,
                me.person_id,
                told["about"],
                told["kind"],
                told["file"].name,
                told["file"].read(documents.MOST_BYTES + 1),
                me.now,
                added_by=me.author,
            )
        except documents.DocumentRefused:
            form.add_error(
                "file", _("Expected a PDF, a JPEG or a PNG of at most 10 MB. Choose another file.")
            )
        else:
            me.did("portal: paper sent")
            messages.success(
                request, _("We have your paper. You will see here when somebody has looked at it.")
            )
            return redirect("portal:papers")
    form.tie()
    told = {
        "form": form,
        "papers": documents.list_of(connection, me.client_id, person_id=me.person_id),
        "missing": [task for task in tasks_of(me) if task.is_paper_missing],
    }
    return shown(request, me, "papers.html", told, status=422 if request.method == "POST" else 200)


def _about(me: Me) -> list[tuple[str, str]]:
    """What a paper may be about: one's events, one's people, oneself."""
    events = [
        (
            documents.about_event(task.place.schedule_id, task.place.event_number),
            f"{task.title}, {task.event_on}",
        )
        for task in tasks_of(me)
    ]
    people = [
        (documents.about_dependent(one.number), one.name)
        for one in household_of(connection, me.client_id, me.person_id, on=me.today)
        if not one.is_former
    ]
    return [*events, *people, ("person", _("myself"))]


@page("a paper")
def open_paper(request: HttpRequest, me: Me, document: int) -> HttpResponse:
    """Give a paper one sent, as a file."""
    del request
    try:
        found = documents.open(connection, me.client_id, document)
    except documents.DocumentRefused as fault:
        raise Http404 from fault
    if found.person_id not in me.numbers:
        raise Http404
    answer = HttpResponse(found.content, content_type=found.media_type)
    answer["Content-Disposition"] = f'attachment; filename="{found.name}"'
    return answer
