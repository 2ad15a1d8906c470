"""Life events: what may be reported, and one reported in a minute, with the papers still missing."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from openbenefits.choosing.household import SecondPartner, household_of, partner_of
from openbenefits.choosing.lives import (
    Brings,
    LifeKind,
    ReportRefused,
    kind_of,
    life_kinds,
    report,
)
from openbenefits.portal.forms import LifeForm
from openbenefits.portal.home import last_name
from openbenefits.portal.pages import Me, page, posted, shown, url_of
from openbenefits.portal.words import LIFE_EVENTS, event_name
from openbenefits.workforce.services import FactRefused


def _said(kind: LifeKind) -> str:
    return str(LIFE_EVENTS[kind.code][0]) if kind.code in LIFE_EVENTS else kind.name


@page("life events")
def kinds(request: HttpRequest, me: Me) -> HttpResponse:
    """List what may be reported, in plain words and in those of the plan document."""
    rows = [
        {"kind": kind, "said": _said(kind), "term": event_name(kind.code, kind.name)}
        for kind in life_kinds(connection, me.client_id)
    ]
    return shown(request, me, "life.html", {"kinds": rows})


@page("report a life event")
def report_one(request: HttpRequest, me: Me, code: str) -> HttpResponse:
    """Take the report of a life event, and go on to what may be chosen by it."""
    try:
        kind = kind_of(connection, me.client_id, code)
    except ReportRefused as fault:
        raise Http404 from fault
    people = household_of(connection, me.client_id, me.person_id, on=me.today)
    present = [one for one in people if not one.is_former]
    leaving = [one for one in present if one.is_partner] if kind.brings is Brings.ENDS_SPOUSE else present
    form = LifeForm(kind, posted(request), today=me.today, leaving=leaving, last_name=last_name(me))
    if request.method == "POST" and form.is_valid():
        done = _reported(request, me, kind, form)
        if done is not None:
            return done
    form.tie()
    told = {
        "kind": kind,
        "form": form,
        "said": _said(kind),
        "term": event_name(kind.code, kind.name),
        "first_day": None if kind.days_to_notify is None else me.today - timedelta(days=kind.days_to_notify),
        "leaving": leaving,
    }
    return shown(request, me, "report.html", told, status=422 if request.method == "POST" else 200)


def _reported(request: HttpRequest, me: Me, kind: LifeKind, form: LifeForm) -> HttpResponse | None:
    """Report it; null where something is to be corrected first, which the form then says."""
    told: dict[str, Any] = form.cleaned_data
    ends = int(told["ends"]) if told.get("ends") else None
    if told.get("ends_first"):
        partner = partner_of(household_of(connection, me.client_id, me.person_id, on=told["on"]))
        ends = partner.number if partner is not None else None
    try:
        done = report(
            connection,
            me.client_id,
            me.person_id,
            kind,
            on=told["on"],
            today=me.today,
            by=me.by(),
            newcomer=form.newcomer(),
            ends=ends,
        )
    except SecondPartner:
        form.add_error("ends_first", _("You have a spouse or partner on file. Tick this if that has ended."))
        return None
    except (ReportRefused, FactRefused):
        form.add_error(None, _("This cannot be recorded so. Check the day and the names."))
        return None
    me.did("portal: life event reported")
    if done.place is None:
        messages.warning(
            request,
            _(
                "We have your report. The benefits office looks at it first, and will tell you"
                " what you may choose."
            ),
        )
        return redirect("portal:home")
    messages.success(request, _("We have your report. Now choose what is to change."))
    return redirect(url_of("event", done.place))
