"""The confirmation of a submission, always as it was given: on screen, as PDF, by mail; and statements."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from openbenefits.choosing.models import ChoiceAct
from openbenefits.choosing.names import names_of
from openbenefits.choosing.offered import Offer, Stated
from openbenefits.choosing.offering import NothingOffered, offer_of
from openbenefits.choosing.rules.lines import Change, Line, Side, line_from_json, totals_of
from openbenefits.choosing.rules.stated import from_json
from openbenefits.core.codes import ChoiceActKind
from openbenefits.events.windows import EventPlace
from openbenefits.portal.pages import Me, page, shown, url_of
from openbenefits.portal.templatetags.portal_words import change_word, money, percent, waits_word, whole
from openbenefits.portal.words import option_name, title_of
from openbenefits.reports.frames import load_events, with_case
from openbenefits.reports.issuing import ENROLLMENT, letters_of
from openbenefits.reports.printing import press
from openbenefits.reports.spoken import say
from openbenefits.workforce.models import Client, Person


def _act(me: Me, act: int) -> ChoiceAct:
    found = ChoiceAct.objects.filter(
        pk=act, client_id=me.client_id, person_id=me.person_id, kind=str(ChoiceActKind.SUBMIT)
    ).first()
    if found is None:
        raise Http404
    return found


def _place(act: ChoiceAct) -> EventPlace:
    return EventPlace(
        client_id=act.client_id,
        person_id=act.person_id,
        benefit_record=act.benefit_record,
        schedule_id=act.schedule_id,
        event_number=act.event_number,
    )


def _lines(act: ChoiceAct) -> list[Line]:
    return [line_from_json(told) for told in act.content.get("lines", ())]


def _offer(me: Me, place: EventPlace) -> Offer:
    try:
        return offer_of(connection, place, today=me.today)
    except NothingOffered as fault:
        raise Http404 from fault


@page("confirmation")
def confirmation(request: HttpRequest, me: Me, act: int) -> HttpResponse:
    """Show what was submitted, what it costs and from when, and what it still waits for."""
    found = _act(me, act)
    place = _place(found)
    offer = _offer(me, place)
    lines = _lines(found)
    later = ChoiceAct.objects.filter(**place.key(), kind=str(ChoiceActKind.SUBMIT), pk__gt=act)
    told = {
        "act": found,
        "title": title_of(offer),
        "lines": lines,
        "changed": [line for line in lines if line.change is not Change.SAME],
        "same": [line for line in lines if line.change is Change.SAME],
        "pending": [line for line in lines if line.waits_for_cents],
        "waits": found.content.get("waits", ()),
        "totals": totals_of(lines),
        "later": later.order_by("-id").first(),
        "said": said_in(offer, _stated(found)),
        "offer": offer,
        "event_url": url_of("event", place),
        "papers_url": url_of("event_papers", place),
    }
    return shown(request, me, "confirmation.html", told)


def _stated(act: ChoiceAct) -> dict[str, Stated]:
    return {kind: from_json(told) for kind, told in act.content.get("stated", {}).items()}


def said_in(offer: Offer, stated: Mapping[str, Stated]) -> list[tuple[str, str]]:
    """What was chosen, by the names of plan type and option: shown while nothing of it was decided yet."""
    rows = []
    for kind, one in stated.items():
        plan = offer.plan(kind)
        option = plan.option(one.option_code) if plan is not None else None
        what = option_name(option) if option is not None else one.option_code
        rows.append((say(plan.name) if plan is not None else kind, what))
    return rows


@page("confirmation as PDF")
def confirmation_pdf(request: HttpRequest, me: Me, act: int) -> HttpResponse:
    """Give the confirmation as a PDF, from what was kept when it was submitted."""
    del request
    found = _act(me, act)
    offer = _offer(me, _place(found))
    letter = pl.DataFrame([_letter(me, found, offer)])
    return _pdf(letter, "submission.typ", f"confirmation-{act}.pdf")


@page("statement as PDF")
def statement(request: HttpRequest, me: Me, schedule: int, number: int, record: int) -> HttpResponse:
    """Give the enrolment statement of an event as a PDF: what may be chosen, at what price."""
    del request
    place = me.place(schedule, number, record)
    events = load_events(connection, schedule_ids=[schedule], person_ids=[me.person_id])
    mine = with_case(events.filter(**place.key()))
    letters = letters_of(connection, ENROLLMENT, mine, names_of(connection, me.client_id))
    return _pdf(letters, ENROLLMENT.template, f"statement-{schedule}-{number}.pdf")


def _pdf(letters: pl.DataFrame, template: str, name: str) -> HttpResponse:
    with tempfile.TemporaryDirectory(prefix="openbenefits-") as folder, press(template) as machine:
        (made,) = machine.print([letters], [Path(folder) / name])
        answer = HttpResponse(made.read_bytes(), content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


# --- in words -----------------------------------------------------------------------------------------------


def _letter(me: Me, act: ChoiceAct, offer: Offer) -> dict[str, Any]:
    """Everything the PDF says, as text."""
    lines = _lines(act)
    totals = totals_of(lines)
    person = Person.objects.get(pk=me.person_id)
    heads = (_("Benefit"), _("What you have"), _("From"), _("Each pay"), _("A year"), _("Employer, a year"))
    return {
        "language": (get_language() or "en")[:2],
        "title": _("Confirmation %(number)s") % {"number": act.pk},
        "event": title_of(offer),
        "client": Client.objects.get(pk=me.client_id).name,
        "employee": _("Employee number %(number)s") % {"number": person.employee_number},
        "submitted": _("Submitted on %(day)s") % {"day": date_format(act.at, "DATETIME_FORMAT")},
        "heads": list(heads),
        "rows": [_row(line) for line in lines]
        or [[kind, what, "", "", "", ""] for kind, what in said_in(offer, _stated(act))],
        "total": [_("Together"), money(totals.pay_after_cents), money(totals.year_after_cents),
                  money(totals.employer_year_cents)],
        "waits_title": _("What still waits"),
        "waits": _waiting(act, lines),
        "foot": _(
            "Only what you submitted counts. Compare it with your pay, and tell the benefits office at once"
            " if something is wrong."
        ),
    }  # fmt: skip


def _row(line: Line) -> list[str]:
    begins = date_format(line.begins_on, "DATE_FORMAT") if line.begins_on else ""
    side = line.after
    if side is None:
        return [say(line.plan_type_name), change_word(line.change), begins, "", "", ""]
    return [
        say(line.plan_type_name),
        _described(side, is_default=line.is_default),
        begins,
        money(side.pay_cents),
        money(side.year_cents),
        money(side.employer_year_cents),
    ]


def _described(side: Side, *, is_default: bool = False) -> str:
    """Say what one has in a plan type: plan, tier, amounts, people."""
    parts = [say(side.name)]
    if side.tier:
        parts.append(say(side.tier))
    if side.pledge_cents is not None:
        parts.append(_("%(amount)s for the year") % {"amount": money(side.pledge_cents)})
    if side.percent_thousandths:
        parts.append(_("%(percent)s of pay") % {"percent": percent(side.percent_thousandths)})
    if side.dependents:
        parts.append(_("also covered: %(names)s") % {"names": ", ".join(side.dependents)})
    if is_default:
        parts.append(_("by default: you did not choose"))
    return ", ".join(parts)


def _waiting(act: ChoiceAct, lines: list[Line]) -> list[str]:
    told = [waits_word(code) for code in act.content.get("waits", ())]
    for line in lines:
        if line.waits_for_cents and line.after is not None:
            told.append(
                _(
                    "%(plan)s: you asked for %(asked)s."
                    " Until the insurer agrees you have, and pay for, %(now)s."
                )
                % {
                    "plan": say(line.plan_type_name),
                    "asked": whole(line.waits_for_cents),
                    "now": whole(line.after.coverage_cents),
                }
            )
    return told


def letter_text(act: ChoiceAct, offer: Offer, link: str) -> str:
    """Write the confirmation as a mail."""
    lines = _lines(act)
    rows = []
    for line in lines:
        what = _described(line.after, is_default=line.is_default) if line.after else change_word(line.change)
        cost = money(line.after.pay_cents) if line.after else ""
        begins = date_format(line.begins_on, "DATE_FORMAT") if line.begins_on else ""
        rows.append(f"- {say(line.plan_type_name)}: {what}. {cost} {begins}".rstrip())
    if not lines:
        rows = [f"- {kind}: {what}" for kind, what in said_in(offer, _stated(act))]
    total = _("Together each pay: %(cents)s") % {"cents": money(totals_of(lines).pay_after_cents)}
    head = _("We have what you submitted (%(event)s). Confirmation %(number)s:") % {
        "event": title_of(offer),
        "number": act.pk,
    }
    waits = _waiting(act, lines)
    return "\n".join([head, "", *rows, "", total, *([""] if waits else []), *waits, "", link, ""])
