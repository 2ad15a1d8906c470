"""How mails to employees who asked something are worded: by a client, or by the PEO for all of them."""

from typing import Any

from django import forms
from django.conf import settings
from django.http import Http404, HttpResponse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from openbenefits.accounts import clock
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import note
from openbenefits.casework.codes import AskerMail
from openbenefits.casework.orders import TicketRefused
from openbenefits.casework.wording import (
    FIELDS,
    MOST_BODY,
    MOST_SUBJECT,
    Text,
    Wordings,
    check,
    drop_wording,
    keep_wording,
)
from openbenefits.store.isolation import PEO
from openbenefits.workbench.pages import Section, act, address, client_of, page, show
from openbenefits.workforce.models import Client

OF_CLIENT: dict[str, Any] = {"permission": Permission.SETUP}
OF_PEO: dict[str, Any] = {"permission": Permission.SETUP, "of_peo": True}
TITLE = _("Mails to who asked")
MAILS = {AskerMail.ANSWERED: _("There is an answer"), AskerMail.CLOSED: _("The question is closed")}
SAMPLE = {"name": "Ana Ruiz", "employer": "Example Inc."}
"""Who reads the preview: nobody there is."""


class WordingForm(forms.Form):
    """A text as somebody words it."""

    subject = forms.CharField(label=_("Subject"), max_length=MOST_SUBJECT)
    body = forms.CharField(label=_("Text"), max_length=MOST_BODY, widget=forms.Textarea({"rows": 10}))


@page("<client:client>/asker-mails/", name="asker_mails", title=TITLE, section=Section.SETUP, **OF_CLIENT)
def of_client(request: Any, client: str) -> HttpResponse:
    """List the mails to who asked something, each language, with whose words they are in."""
    return _listed(request, client_of(request, client))


@page("asker-mails/", name="peo_asker_mails", title=TITLE, section=Section.SETUP, **OF_PEO)
def of_peo(request: Any) -> HttpResponse:
    """List the mails as the PEO words them for every client that has no words of its own."""
    return _listed(request, None)


@page("<client:client>/asker-mails/<str:mail>/<str:language>/", name="asker_mail", title=TITLE, **OF_CLIENT)
def one_of_client(request: Any, client: str, mail: str, language: str) -> HttpResponse:
    """Word a mail of a client, see it as its reader would, give the words up."""
    return _one(request, client_of(request, client), mail, language)


@page("asker-mails/<str:mail>/<str:language>/", name="peo_asker_mail", title=TITLE, **OF_PEO)
def one_of_peo(request: Any, mail: str, language: str) -> HttpResponse:
    """Word a mail of the PEO, see it as its reader would, give the words up."""
    return _one(request, None, mail, language)


def _listed(request: Any, client: Client | None) -> HttpResponse:
    rows = []
    for mail, name in MAILS.items():
        for language, spoken in settings.LANGUAGES:
            text = _in_force(client, mail, language)
            href = _address(client, mail=str(mail), language=language)
            words = _whose(text, client)
            rows.append(
                {"mail": name, "language": spoken, "subject": text.subject, "words": words, "href": href}
            )
    return show(request, "workbench/casework/wordings.html", title=TITLE, client=client, rows=rows)


def _one(request: Any, client: Client | None, mail: str, language: str) -> HttpResponse:
    if mail not in set(AskerMail) or language not in dict(settings.LANGUAGES):
        raise Http404
    in_force = text = _in_force(client, mail, language)
    form = WordingForm(
        request.POST if request.method == "POST" else None,
        initial={"subject": text.subject, "body": text.body},
    )
    do = request.POST.get("do", "")
    if do == "drop":
        return _act(request, client, mail, language, None)
    if do and form.is_valid():
        try:
            text = check(mail, language, form.cleaned_data["subject"], form.cleaned_data["body"])
        except TicketRefused as refused:
            form.add_error(None, str(refused))
        else:
            if do == "keep":
                return _act(request, client, mail, language, text)
    return show(
        request,
        "workbench/casework/wording.html",
        title=f"{MAILS[AskerMail(mail)]}: {dict(settings.LANGUAGES)[language]}",
        client=client,
        crumbs=[(TITLE, _address(client))],
        form=form,
        fields=", ".join(f"{{{{{name}}}}}" for name in FIELDS),
        words=_whose(in_force, client),
        is_own=in_force.owner == (client.pk if client else PEO),
        preview=_preview(text, client, language),
        language=language,
        status=422 if form.errors else 200,
    )


def _act(request: Any, client: Client | None, mail: str, language: str, text: Text | None) -> HttpResponse:
    """Keep a text, or (None) give up the one there is."""
    client_id = client.pk if client else PEO

    def do() -> None:
        whose = (request.access, client_id, mail, language)
        if text is None:
            drop_wording(*whose)
        else:
            keep_wording(*whose, subject=text.subject, body=text.body)
        what = "mail to who asked: words given up" if text is None else "mail to who asked: worded"
        note(request.access, "did", what, client_id=client_id, reason=f"{mail}, {language}", now=clock.now())

    said = _("The words are given up.") if text is None else _("The words are kept.")
    return act(request, do, said=said, to=_address(client, mail=mail, language=language))


def _in_force(client: Client | None, mail: str, language: str) -> Text:
    client_id = client.pk if client else PEO
    return Wordings([client_id]).text(client_id, AskerMail(mail), language)


def _preview(text: Text, client: Client | None, language: str) -> tuple[str, str]:
    with translation.override(language):
        day = date_format(clock.today(), "DATE_FORMAT")
    values = SAMPLE | {"day": day, "link": f"{settings.PUBLIC_URL}/portal/questions/1/"}
    return text.said(values | ({"employer": client.name} if client else {}))


def _whose(text: Text, client: Client | None) -> str:
    if text.owner is None:
        return say("as shipped")
    return say("the client's own") if client and text.owner == client.pk else say("the PEO's")


def _address(client: Client | None, **parts: str) -> str:
    name = "asker_mail" if parts else "asker_mails"
    return address(name, client=client.code, **parts) if client else address(f"peo_{name}", **parts)
