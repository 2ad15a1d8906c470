"""What one asks the people who work on benefits, and what they answer."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from openbenefits.casework.inquiries import inquire, inquiries_of, say_more, words_of
from openbenefits.casework.models import Inquiry
from openbenefits.casework.orders import TicketRefused
from openbenefits.portal.fields import Tied
from openbenefits.portal.pages import Me, page, posted, shown

MOST_SUBJECT = 120
MOST_WORDS = 4_000


class MoreForm(Tied):
    """What is said."""

    body = forms.CharField(label=_("Your message"), max_length=MOST_WORDS, widget=forms.Textarea({"rows": 6}))


class AskForm(MoreForm):
    """What is asked, and about what."""

    subject = forms.CharField(label=_("What is it about?"), max_length=MOST_SUBJECT)
    field_order = ("subject", "body")


@page("inquiries")
def inquiries(request: HttpRequest, me: Me) -> HttpResponse:
    """List what one asked, and take another question."""
    form = AskForm(posted(request))
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            made = inquire(me.access, told["subject"], told["body"], author=me.author, now=me.now)
        except TicketRefused:
            form.add_error(
                None, _("Several of your questions wait for an answer. Please wait for one of them.")
            )
        else:
            me.did("portal: asked")
            messages.success(request, say("We have your question. The answer will be here."))
            return redirect("portal:inquiry", number=made.pk)
    form.tie()
    told = {"form": form, "asked": inquiries_of(me.client_id, me.person_id)}
    return shown(request, me, "inquiries.html", told, status=422 if request.method == "POST" else 200)


@page("inquiry")
def inquiry(request: HttpRequest, me: Me, number: int) -> HttpResponse:
    """Show a question with its answers, and take what one says to them."""
    found = Inquiry.objects.filter(client_id=me.client_id, person_id__in=me.numbers, pk=number).first()
    if found is None:
        raise Http404
    form = MoreForm(posted(request))
    if request.method == "POST" and form.is_valid():
        say_more(me.access, found, form.cleaned_data["body"], author=me.author, now=me.now)
        me.did("portal: asked more")
        messages.success(request, say("We have your message."))
        return redirect("portal:inquiry", number=number)
    form.tie()
    told = {"form": form, "inquiry": found, "words": words_of(found)}
    return shown(request, me, "inquiry.html", told, status=422 if request.method == "POST" else 200)
