"""The first page: what is open and until when, what one has, what was submitted; and history."""

import csv
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
from django.db import connection
from django.http import HttpRequest, HttpResponse

from openbenefits.accounts.signing_in import can_come_again
from openbenefits.carriers.custody.own import own_cover
from openbenefits.choosing.drafts import acts_of, drafts_of
from openbenefits.choosing.holding import Holding, holding_of
from openbenefits.choosing.models import ChoiceAct
from openbenefits.core.codes import ChoiceActKind, DocumentState, EventStatus, ProcessStatus
from openbenefits.core.plan_types import PLAN_TYPES
from openbenefits.enrollment import documents
from openbenefits.enrollment.election_faults import ENTERABLE
from openbenefits.events.models import Event, Message
from openbenefits.events.windows import EventPlace
from openbenefits.portal.leaves import open_choices
from openbenefits.portal.pages import Me, page, shown, url_of
from openbenefits.portal.words import event_name
from openbenefits.programs.frames import load_setup
from openbenefits.workforce.frames import load_persons
from openbenefits.workforce.models import Client

SHOWN = 5
ERRORS = (ProcessStatus.AE, ProcessStatus.PE, ProcessStatus.EE)


@dataclass(frozen=True, kw_only=True)
class Task:
    """An event as the first page lists it."""

    place: EventPlace
    title: str
    event_on: date
    state: str  # open, submitted, waits, office, over
    last_day: date | None
    days_left: int | None
    unsent: int
    window_action: str
    is_paper_missing: bool
    is_open_enrollment: bool

    @property
    def url(self) -> str:
        """Where it is."""
        return url_of("event", self.place)

    @property
    def keep_url(self) -> str:
        """Where one keeps what one has."""
        return url_of("keep", self.place)

    @property
    def papers_url(self) -> str:
        """Where a paper is sent."""
        return url_of("event_papers", self.place)


@page("home")
def home(request: HttpRequest, me: Me) -> HttpResponse:
    """Show what is open, and what one has today."""
    held = holding_of(connection, me.client_id, me.person_id, on=me.today, today=me.today)
    told = own_cover(me.client_id, me.person_id)
    tasks = tasks_of(me)
    papers = documents.list_of(connection, me.client_id, person_id=me.person_id)
    shown_there = {
        "name": first_name(me),
        "client": Client.objects.get(pk=me.client_id).name,
        "can_come_again": can_come_again(request.user),
        "tasks": [task for task in tasks if task.state in ("open", "submitted", "waits", "office")],
        "held": held,
        "covered": [(one, told.get(one.plan_type)) for one in held.now if one.side is not None],
        "pending": [one for one in held.now if one.waits_for_cents],
        "rejected": [paper for paper in papers if paper["state"] == DocumentState.REJECTED],
        "total_pay": _total(held),
        "confirmations": _confirmations(me)[:SHOWN],
        "leaves": open_choices(me),
    }
    return shown(request, me, "home.html", shown_there)


def _total(held: Holding) -> int:
    return sum((one.side.pay_cents or 0) for one in held.now if one.side is not None)


def first_name(me: Me) -> str:
    """The first name one goes by."""
    return _name(me, "first_name")


def last_name(me: Me) -> str:
    """The last name one goes by."""
    return _name(me, "last_name")


def _name(me: Me, which: str) -> str:
    key = pl.DataFrame(
        {"client_id": [me.client_id], "person_id": [me.person_id]},
        schema={"client_id": pl.Int32, "person_id": pl.Int64},
    )
    rows = load_persons(connection, key, {"first_name": pl.String(), "last_name": pl.String()})
    rows = rows.filter(pl.col("valid_from") <= me.today).sort("valid_from")
    return str(rows[which][-1]) if rows.height else ""


def tasks_of(me: Me) -> list[Task]:
    """List one's events: what may be chosen, what was submitted, what waits; the soonest last day first."""
    tables = load_setup(connection, [me.client_id])
    classes = {row["event_class_id"]: row for row in tables["event_class"].iter_rows(named=True)}
    schedules = {row["schedule_id"]: row["name"] for row in tables["schedule"].iter_rows(named=True)}
    living = [str(EventStatus.OPEN), str(EventStatus.CLOSED)]
    events = Event.objects.filter(
        client_id=me.client_id, person_id=me.person_id, event_status__in=living, preparation__gt=0
    )
    found = []
    for event in events:
        kind = classes.get(event.event_class_id, {})
        if kind.get("use") == "N":  # a snapshot only looks
            continue
        is_open = kind.get("use") == "O"
        name = schedules.get(event.schedule_id, "") if is_open else event_name(kind["code"], kind["name"])
        found.append(_task(me, event, name, kind, is_open_enrollment=is_open))
    return sorted(found, key=lambda task: (task.last_day or date.max, task.event_on))


def _task(me: Me, event: Any, title: str, kind: Any, *, is_open_enrollment: bool) -> Task:
    place = EventPlace(
        client_id=me.client_id,
        person_id=me.person_id,
        benefit_record=event.benefit_record,
        schedule_id=event.schedule_id,
        event_number=event.event_number,
    )
    last = event.window_ends_on
    return Task(
        place=place,
        title=title,
        event_on=event.event_on,
        state=_state(event, me.today),
        last_day=last,
        days_left=None if last is None else (last - me.today).days,
        unsent=len(drafts_of(connection, place)),
        window_action=kind.get("window_action", ""),
        is_paper_missing=Message.objects.filter(**place.key(), is_current=True, code="BA1008").exists(),
        is_open_enrollment=is_open_enrollment,
    )


def _state(event: Any, today: date) -> str:
    """Say where an event stands for the person it is about."""
    begins, ends = event.window_begins_on, event.window_ends_on
    runs = begins is not None and ends is not None and begins <= today <= ends
    if event.process_status == ProcessStatus.FE:
        return "submitted" if runs and event.elected_on is not None else "over"
    if event.process_status in (ProcessStatus.AE, ProcessStatus.PE):
        return "office"
    if event.process_status not in ENTERABLE:
        return "over"
    if event.event_status != EventStatus.OPEN:
        return "waits"
    if not runs:
        return "over" if ends is None or ends < today else "waits"
    return "submitted" if event.process_status == ProcessStatus.ET else "open"


def _confirmations(me: Me) -> list[ChoiceAct]:
    rows = ChoiceAct.objects.filter(
        client_id=me.client_id, person_id=me.person_id, kind=str(ChoiceActKind.SUBMIT)
    )
    return list(rows.order_by("-id"))


@page("history")
def history(request: HttpRequest, me: Me) -> HttpResponse:
    """Show every coverage, every submission, and everything one did in choosing."""
    points = pl.DataFrame(
        [{"plan_type": one.plan_type, "since": one.since, "told": one} for one in _everything(me)],
        schema={"plan_type": pl.String, "since": pl.Date, "told": pl.Object},
    )
    told = {
        "points": [row["told"] for row in points.sort("since", descending=True).iter_rows(named=True)],
        "acts": acts_of(connection, me.client_id, me.person_id)[:200],
        "confirmations": _confirmations(me),
    }
    return shown(request, me, "history.html", told)


def _everything(me: Me) -> list[Any]:
    held = holding_of(connection, me.client_id, me.person_id, on=date.min, today=me.today)
    return [*held.now, *held.ahead]


@page("history as a file")
def history_file(request: HttpRequest, me: Me) -> HttpResponse:
    """Give everything one did in choosing as a file: the evidence, with time."""
    del request
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="my-choices.csv"'
    writer = csv.writer(answer)
    writer.writerow(("number", "at", "act", "plan_type", "plan", "content"))
    for act in reversed(acts_of(connection, me.client_id, me.person_id)):
        plan = PLAN_TYPES.get(act["plan_type"] or "", "")
        stated = {name: value for name, value in act["content"].items() if name != "lines"}
        writer.writerow((act["id"], act["at"].isoformat(), act["kind"], act["plan_type"] or "", plan, stated))
    return answer


__all__ = ["history", "history_file", "home", "tasks_of"]
