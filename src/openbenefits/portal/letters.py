"""Letters one got: listed, opened (which is noted), and how one wants to get them."""

from django.contrib import messages
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from openbenefits.delivery.codes import Channel
from openbenefits.delivery.services import (
    DocumentRefused,
    choice_of,
    choose_channel,
    documents_of,
    open_document,
)
from openbenefits.portal.pages import Me, page, shown
from openbenefits.portal.words import LETTERS, WAYS


@page("letters")
def letters(request: HttpRequest, me: Me) -> HttpResponse:
    """List the letters one got, and take how one wants them: on paper, unless one agrees to more."""
    if request.method == "POST":
        return _chosen(request, me)
    chosen = choice_of(me.client_id, me.person_id)
    rows = documents_of(connection, me.client_id, me.person_id)
    told = {
        "letters": [
            {"id": row["document_id"], "name": LETTERS.get(row["kind"], row["kind"]), "as_of": row["as_of"]}
            for row in rows.iter_rows(named=True)
        ],
        "ways": list(WAYS.items()),
        "way": chosen.channel if chosen is not None else str(Channel.PRINT),
    }
    return shown(request, me, "letters.html", told)


def _chosen(request: HttpRequest, me: Me) -> HttpResponse:
    way = request.POST.get("way", "")
    if way not in WAYS:
        messages.error(request, _("Choose one of the ways."))
        return redirect("portal:letters")
    choose_channel(
        me.client_id,
        me.person_id,
        Channel(way),
        consented_on=None if way == Channel.PRINT else me.today,
        how="portal",
        author=me.author,
        now=me.now,
    )
    me.did("portal: way of letters chosen")
    messages.success(request, _("Saved."))
    return redirect("portal:letters")


@page("a letter")
def open_letter(request: HttpRequest, me: Me, letter: int) -> HttpResponse:
    """Give a letter as it was sent."""
    del request
    try:
        content = open_document(
            letter,
            client_id=me.client_id,
            person_id=me.person_id,
            author=me.author,
            now=me.now,
            by_person=True,
        )
    except DocumentRefused as fault:
        raise Http404 from fault
    answer = HttpResponse(content, content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="letter-{letter}.pdf"'
    return answer
