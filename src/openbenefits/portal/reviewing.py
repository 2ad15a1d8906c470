"""Everything that changes, before it is submitted: keeping all in one step, the review, giving up."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from openbenefits.choosing.drafts import discard_drafts, drafts_of
from openbenefits.choosing.models import ChoiceAct
from openbenefits.choosing.offered import Offer, Stated
from openbenefits.choosing.rules.keeping import keeping
from openbenefits.choosing.rules.lines import Change, totals_of
from openbenefits.choosing.rules.questions import Question, second_questions
from openbenefits.choosing.submitting import Outcome, QuestionsOpen, SubmissionRefused, rehearse, submit
from openbenefits.events.windows import EventPlace
from openbenefits.portal.confirming import letter_text, said_in
from openbenefits.portal.enrolling import framed, offered
from openbenefits.portal.pages import Me, page, shown, url_of
from openbenefits.portal.words import QUESTIONS, refusal_text

Told = dict[str, Any]


@page("keep what I have")
def keep(request: HttpRequest, me: Me, schedule: int, number: int, record: int) -> HttpResponse:
    """Show what keeping everything would cost, and submit it in one step."""
    place = me.place(schedule, number, record)
    offer = offered(me, place)
    kept = keeping(offer)
    lost = [plan for plan in offer.plans if plan.plan_type in kept.lost]
    return _reviewed(request, me, place, offer, kept.stated, "keep.html", {"lost": lost})


@page("review")
def review(request: HttpRequest, me: Me, schedule: int, number: int, record: int) -> HttpResponse:
    """Show everything that changes against today, ask what binds for a year, and submit it."""
    place = me.place(schedule, number, record)
    offer = offered(me, place)
    return _reviewed(request, me, place, offer, drafts_of(connection, place), "review.html", {})


def _reviewed(
    request: HttpRequest,
    me: Me,
    place: EventPlace,
    offer: Offer,
    stated: Mapping[str, Stated],
    template: str,
    more: Told,
) -> HttpResponse:
    """Show what choices would make; submit them where the person says so and every question is answered."""
    answered = set(request.POST.getlist("sure"))
    questions = partial(_questions, offer, stated)
    is_asked = request.method == "POST"
    if is_asked and stated:
        try:
            act = submit(
                *(connection, place, stated, me.by()),
                today=me.today,
                asks=lambda outcome: [one.code for one in questions(outcome)],
                answered=answered,
            )
        except (QuestionsOpen, SubmissionRefused) as stopped:
            outcome = stopped.outcome
        else:
            me.did("portal: submitted")
            _send(request, me, act, offer)
            return redirect("portal:confirmation", act=act.pk)
    else:
        outcome = rehearse(connection, place, stated, me.by(), today=me.today)
    asked = questions(outcome)
    missing = [one for one in asked if is_asked and one.code not in answered]
    told = framed(place, offer) | _told(offer, outcome, asked, missing) | more
    told |= {"stated": stated, "answered": answered, "is_asked": is_asked, "said": said_in(offer, stated)}
    return shown(request, me, template, told, status=422 if is_asked else 200)


def _questions(offer: Offer, stated: Mapping[str, Stated], outcome: Outcome) -> tuple[Question, ...]:
    if not stated:
        return ()
    return second_questions(
        outcome.lines,
        care_plan_types=[plan.plan_type for plan in offer.plans if plan.pays_care],
        hsa_plan_types=[plan.plan_type for plan in offer.plans if plan.is_hsa],
        children=offer.care_children,
    )


def _told(
    offer: Offer, outcome: Outcome, questions: Sequence[Question], unanswered: Sequence[Question]
) -> dict[str, Any]:
    """What both pages show of an outcome."""
    changed = [line for line in outcome.lines if line.change is not Change.SAME]
    names = {plan.plan_type: plan.name for plan in offer.plans}
    missing = {one.code for one in unanswered}
    return {
        "outcome": outcome,
        "changed": changed,
        "same": [line for line in outcome.lines if line.change is Change.SAME],
        "totals": totals_of(outcome.lines),
        "questions": [
            {
                "code": one.code,
                "plan": names.get(one.plan_type, one.plan_type),
                "text": QUESTIONS[one.asking],
                "question": one,
                "is_missing": one.code in missing,
            }
            for one in questions
        ],
        "is_unanswered": bool(missing),
        "refusals": [
            {
                "plan_type": one.plan_type,
                "plan": names.get(one.plan_type or "", ""),
                "text": refusal_text(one),
            }
            for one in outcome.refusals
        ],
        "undecided": [
            plan for plan in offer.choices if not plan.is_decided and plan.plan_type not in _lines(outcome)
        ],
    }


def _lines(outcome: Outcome) -> set[str]:
    return {line.plan_type for line in outcome.lines}


@page("give up drafts")
def discard(request: HttpRequest, me: Me, schedule: int, number: int, record: int) -> HttpResponse:
    """Give up what was not submitted."""
    place = me.place(schedule, number, record)
    if request.method == "POST":
        wanted = [one for one in request.POST.getlist("plan_type") if one]
        discard_drafts(connection, place, me.by(), plan_types=wanted or None)
        me.did("portal: draft given up")
        messages.success(request, _("What was not submitted was given up. What you submitted before stands."))
    return redirect(url_of("event", place))


def _send(request: HttpRequest, me: Me, act: ChoiceAct, offer: Offer) -> None:
    """Send the confirmation by mail, too, once all is kept; a mail that cannot be sent undoes nothing."""
    to = getattr(request.user, "email", "")
    if not to:
        return
    link = request.build_absolute_uri(reverse("portal:confirmation", kwargs={"act": act.pk}))
    letter = EmailMessage(
        subject=_("Your benefits: confirmation %(number)s") % {"number": act.pk},
        body=letter_text(act, offer, link),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[to],
    )
    transaction.on_commit(lambda: letter.send(fail_silently=True), robust=True)
    del me
