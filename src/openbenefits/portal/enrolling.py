"""Choosing: the event as a whole, one plan type, and plans side by side."""

from typing import Any

from django.contrib import messages
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from openbenefits.choosing.drafts import keep_act, save_drafts
from openbenefits.choosing.holding import holding_of
from openbenefits.choosing.offered import Choice, Offer, PlanChoice
from openbenefits.choosing.offering import NothingOffered, offer_of
from openbenefits.choosing.paying import PaysLeft, pays_left
from openbenefits.choosing.rules.estimating import LEVELS, Use, estimate
from openbenefits.choosing.rules.keeping import with_newcomers
from openbenefits.core.codes import AmountKind, ChoiceActKind
from openbenefits.events.windows import EventPlace
from openbenefits.portal.pages import Me, page, shown, url_of
from openbenefits.portal.plan_forms import CoverForm, PlanForm, UseForm
from openbenefits.portal.words import title_of


def offered(me: Me, place: EventPlace, cover: dict[str, tuple[int, ...]] | None = None) -> Offer:
    """Look an event up as it is offered now.

    Errors: Http404 where nothing is offered in it.
    """
    try:
        return offer_of(connection, place, today=me.today, cover=cover)
    except NothingOffered as fault:
        raise Http404 from fault


def framed(place: EventPlace, offer: Offer) -> dict[str, Any]:
    """What the pages of an event have in common."""
    return {
        "place": place,
        "offer": offer,
        "title": title_of(offer),
        "event_url": url_of("event", place),
        "review_url": url_of("review", place),
        "keep_url": url_of("keep", place),
        "discard_url": url_of("discard", place),
        "cover_url": url_of("cover", place),
        "papers_url": url_of("event_papers", place),
        "statement_url": url_of("statement", place),
    }


@page("event")
def overview(request: HttpRequest, me: Me, schedule: int, number: int, record: int) -> HttpResponse:
    """Show what one has now, what it will cost, and what may be chosen, plan type by plan type."""
    place = me.place(schedule, number, record)
    offer = offered(me, place)
    held = holding_of(
        connection, me.client_id, me.person_id, on=me.today, today=me.today, benefit_record=record
    )
    now = {one.plan_type: one.side for one in held.now if one.side is not None}
    cards = [
        {
            "plan": plan,
            "now": now.get(plan.plan_type),
            "next": _the_same(plan),
            "chosen": plan.option(plan.stated.option_code) if plan.stated else None,
            "url": url_of("plan", place, plan_type=plan.plan_type),
        }
        for plan in offer.plans
    ]
    keep_act(connection, place, ChoiceActKind.VIEW, me.by())
    told = framed(place, offer) | {
        "cards": cards,
        "newcomers": _newcomers(offer),
        "is_running": _runs(offer, me),
    }
    return shown(request, me, "event.html", told)


def _the_same(plan: PlanChoice) -> Choice | None:
    """What one has, as it is offered now; None where the prices are for other people than it covers."""
    if plan.held is None or plan.held.stated is None:
        return None
    is_for_them = set(plan.cover) == set(plan.held.stated.dependents)
    return plan.by_id(plan.held.option_id) if is_for_them or not plan.names_dependents else None


def _runs(offer: Offer, me: Me) -> bool:
    return (
        offer.begins_on is not None
        and offer.ends_on is not None
        and offer.begins_on <= me.today <= offer.ends_on
    )


def _newcomers(offer: Offer) -> list[dict[str, Any]]:
    """What covering whoever came with the event would make, plan type by plan type."""
    found = []
    for plan_type, stated in with_newcomers(offer).items():
        plan = offer.plan(plan_type)
        if plan is None:
            continue
        option = plan.option(stated.option_code)
        names = [one.name for one in plan.members if one.is_new and one.why_not is None]
        found.append({"plan": plan, "option": option, "names": names})
    return found


@page("cover newcomers")
def cover_newcomers(request: HttpRequest, me: Me, schedule: int, number: int, record: int) -> HttpResponse:
    """Take whoever came with the event into the health plans already held, as a draft."""
    place = me.place(schedule, number, record)
    if request.method != "POST":
        return redirect(url_of("event", place))
    stated = with_newcomers(offered(me, place))
    save_drafts(connection, place, stated, me.by())
    me.did("portal: draft saved")
    return redirect(url_of("review", place))


# --- one plan type ------------------------------------------------------------------------------------------


@page("plan")
def plan(
    request: HttpRequest, me: Me, schedule: int, number: int, record: int, plan_type: str
) -> HttpResponse:
    """Show the options of a plan type, priced for whom one ticks; take a choice as a draft."""
    place = me.place(schedule, number, record)
    asked = request.POST if request.method == "POST" else request.GET
    offer = offered(me, place, _cover(asked, plan_type))
    chosen = _found(offer, plan_type)
    pays = _pays(place, chosen)
    if request.method != "POST":
        keep_act(connection, place, ChoiceActKind.VIEW, me.by(), plan_type=plan_type)
        return _plan_page(request, me, place, offer, chosen, PlanForm(chosen, pays=_count(pays)), pays)
    form = PlanForm(chosen, request.POST, pays=_count(pays))
    cover = CoverForm(chosen, request.POST)
    if not form.is_valid() or not cover.is_valid():
        form.tie()
        return _plan_page(request, me, place, offer, chosen, form, pays, status=422)
    stated = form.stated([int(one) for one in cover.cleaned_data["cover"]])
    save_drafts(connection, place, {plan_type: stated}, me.by())
    me.did("portal: draft saved")
    messages.success(
        request, _("Saved as a draft: %(plan)s. Nothing is sent until you submit.") % {"plan": _(chosen.name)}
    )
    return redirect(_next(place, offer, plan_type, request.POST.get("go", "")))


def _cover(asked: Any, plan_type: str) -> dict[str, tuple[int, ...]] | None:
    """Whom the page is asked to price for; null where it does not say."""
    if "cover" not in asked and "covering" not in asked:
        return None
    numbers = [one for one in asked.getlist("cover") if one.isdigit() and len(one) < 5]
    return {plan_type: tuple(sorted({int(one) for one in numbers}))}


def _found(offer: Offer, plan_type: str) -> PlanChoice:
    found = offer.plan(plan_type)
    if found is None or not found.is_choice:
        raise Http404
    return found


def _pays(place: EventPlace, chosen: PlanChoice) -> PaysLeft | None:
    if chosen.amount_kind != AmountKind.PLEDGE or chosen.deduction_begins_on is None:
        return None
    options = [one for one in chosen.options if not one.is_waiver]
    if not options:
        return None
    return pays_left(connection, place, options[0].option_id, chosen.deduction_begins_on)


def _count(pays: PaysLeft | None) -> int | None:
    return None if pays is None else pays.count


def _plan_page(
    request: HttpRequest,
    me: Me,
    place: EventPlace,
    offer: Offer,
    chosen: PlanChoice,
    form: PlanForm,
    pays: PaysLeft | None,
    status: int = 200,
) -> HttpResponse:
    options = [one for one in chosen.options if one.is_electable and (one.is_fitting or one.is_waiver)]
    selected = form["option"].value()
    stated = chosen.stated or (chosen.held.stated if chosen.held else None)
    pledge = stated.pledge_cents if stated else None
    told = framed(place, offer) | {
        "plan": chosen,
        "form": form,
        "options": options,
        "selected": selected,
        "closed": [one for one in chosen.options if not one.is_electable and one.is_fitting],
        "compare_url": url_of("compare", place, plan_type=chosen.plan_type),
        "is_comparable": sum(one.design is not None for one in options) > 1,
        "pays": pays,
        "split": pays.split(pledge) if pays and pledge else (),
        "position": _position(offer, chosen),
        "held_option": chosen.by_id(chosen.held.option_id) if chosen.held else None,
    }
    return shown(request, me, "plan.html", told, status=status)


def _position(offer: Offer, chosen: PlanChoice) -> tuple[int, int]:
    kinds = [one.plan_type for one in offer.choices]
    return kinds.index(chosen.plan_type) + 1, len(kinds)


def _next(place: EventPlace, offer: Offer, plan_type: str, go: str) -> str:
    """Where one goes after saving: the next plan type, the review, or back to the event."""
    kinds = [one.plan_type for one in offer.choices]
    after = kinds[kinds.index(plan_type) + 1 :]
    if go == "review" or (go == "next" and not after):
        return url_of("review", place)
    if go == "next":
        return url_of("plan", place, plan_type=after[0])
    return url_of("event", place)


# --- side by side -------------------------------------------------------------------------------------------


@page("compare plans")
def compare(
    request: HttpRequest, me: Me, schedule: int, number: int, record: int, plan_type: str
) -> HttpResponse:
    """Show plans side by side, with what a year would cost for the use one expects."""
    place = me.place(schedule, number, record)
    offer = offered(me, place, _cover(request.GET, plan_type))
    chosen = _found(offer, plan_type)
    form = UseForm(request.GET)
    level, use = _use(form)
    rows: list[dict[str, Any]] = []
    for option in chosen.options:
        if option.is_waiver or not option.is_electable or not option.is_fitting:
            continue
        cost = None
        if option.design is not None and option.year_cents is not None:
            cost = estimate(option.design, use, premium_cents=option.year_cents, is_family=bool(chosen.cover))
        rows.append({"option": option, "estimate": cost})
    rows.sort(key=lambda row: (row["estimate"] is None, _total(row), row["option"].year_cents or 0))
    cover = "".join(f"&cover={one}" for one in chosen.cover)
    told = framed(place, offer) | {
        "plan": chosen,
        "rows": rows,
        "use": use,
        "level": level,
        "levels": _levels(),
        "form": form,
        "is_family": bool(chosen.cover),
        "plan_url": f"{url_of('plan', place, plan_type=plan_type)}?covering=1{cover}",
    }
    return shown(request, me, "compare.html", told)


def _total(row: dict[str, Any]) -> int:
    return row["estimate"].total_cents if row["estimate"] is not None else 0


def _levels() -> list[tuple[str, str]]:
    return [
        ("low", _("Little: two visits, two prescriptions")),
        ("medium", _("Some: a few visits, regular medicine, one emergency")),
        ("high", _("Much: many visits and a stay in hospital")),
        ("own", _("My own numbers, below")),
    ]


def _use(form: UseForm) -> tuple[str, Use]:
    """What is expected: one of the levels, or one's own numbers."""
    if not form.is_valid():
        form.tie()
        return "medium", LEVELS["medium"]
    told = form.cleaned_data
    level = form.data.get("level", "medium")
    if level != "own":
        return (level, LEVELS[level]) if level in LEVELS else ("medium", LEVELS["medium"])
    return "own", Use(
        primary_visits=told["primary_visits"] or 0,
        specialist_visits=told["specialist_visits"] or 0,
        emergency_visits=told["emergency_visits"] or 0,
        drugs=told["drugs"] or 0,
        other_cents=(told["other_dollars"] or 0) * 100,
    )
