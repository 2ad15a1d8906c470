"""The processing controls of one event: what they say, and what an administrator changes of them.

A change is an act that nobody can change, and a step of the event's history.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.core.codes import PROCESS_STATUS_NAMES, Control
from openbenefits.enrollment.models import Election
from openbenefits.events.models import ControlAct, Event
from openbenefits.events.services import record_steps
from openbenefits.events.windows import EventPlace
from openbenefits.programs.frames import load_setup
from openbenefits.reports.frames import load_events
from openbenefits.reports.issuing import KINDS
from openbenefits.reports.names import load_names
from openbenefits.review.rules import controls as rules
from openbenefits.review.rules.controls import ControlRefused
from openbenefits.review.rules.events import EVENT_STATUS_NAMES, INDICATOR_NAMES
from openbenefits.store.locks import lock_rows

__all__ = ["ControlRefused", "change_control", "event_controls"]

CONTROLS = {"control": pl.String(), "value": pl.String(), "may_be_changed": pl.String()}
ACTS = {
    "number": pl.Int32(),
    "control": pl.String(),
    "was": pl.String(),
    "became": pl.String(),
    "reason": pl.String(),
    "author": pl.String(),
    "acted_at": pl.Datetime("us", "UTC"),
}
ELSEWHERE = {
    "event status": "openbenefits repair",
    "process indicator": "openbenefits repair",
    "credits left over": "openbenefits elect one … --credit-rollover",
    "window": "openbenefits event extend-window, reopen-window",
}
"""What has commands of its own."""


def event_controls(connection: Any, place: EventPlace, *, on: date) -> Mapping[str, pl.DataFrame]:
    """Show what steers the processing of an event, what of it may be changed now, and what was.

    Shapes: sheets `Controls` (control, value, may_be_changed: yes, why not, or the command) and `Changes`.
            Whether a letter goes out is as of a day.
    Errors: ControlRefused if there is no such event.
    """
    event = _event(connection, place)
    acts = ControlAct.objects.using(connection.alias).filter(**place.key()).order_by("number")
    changes = [{name: getattr(act, name) for name in ACTS} for act in acts]
    rows = [*_shown(connection, event), *_letters(connection, place, on), *_changeable(connection, event)]
    return {
        "Controls": pl.DataFrame(rows, schema=CONTROLS, orient="row"),
        "Changes": pl.DataFrame(changes, schema=ACTS),
    }


def _shown(connection: Any, event: Event) -> list[tuple[str, str, str]]:
    """What is shown, and changed by other commands or by none."""
    status = event.process_status
    named = f"{status} {PROCESS_STATUS_NAMES[status]}" if status else "not processed yet"
    window = f"{event.window_begins_on} to {event.window_ends_on}" if event.window_ends_on else ""
    values = {
        "event status": EVENT_STATUS_NAMES[event.event_status],
        "process status": named,
        "process indicator": INDICATOR_NAMES[event.process_indicator],
        "finalised by order": rules.written(event.is_finalized),
        "credits left over": _rollover(connection, event),
        "window": window,
    }
    return [(name, value, ELSEWHERE.get(name, "no")) for name, value in values.items()]


def _changeable(connection: Any, event: Event) -> list[tuple[str, str, str]]:
    rows = []
    for control in Control:
        value = rules.written(getattr(event, rules.COLUMNS[control]))
        if control is Control.FORMS and not value:
            value = f"as its class: {_forms_of_class(connection, event)}"
        why_not = rules.refusal(control, event.event_status, event.process_status)
        rows.append((str(control), value, why_not or "yes"))
    return rows


def _letters(connection: Any, place: EventPlace, on: date) -> list[tuple[str, str, str]]:
    """Whether the next issue of statements takes the event, by the rules of that (docs/rules.md §14.6)."""
    events = load_events(connection, client_ids=[place.client_id], person_ids=[place.person_id])
    classes = load_names(connection).event_classes.select("event_class_id", "forms", "enrollment_form_days")
    event = events.filter(**place.key()).join(classes, on="event_class_id", how="left")
    rows = []
    for name, kind in KINDS.items():
        said = event.select(
            pl.col(kind.notified).alias("issued_on"), is_due=kind.due(), is_printed=kind.is_printed(on)
        ).row(0, named=True)
        told = {(True, True): "due", (True, False): "due, but not printed"}
        word = told.get((said["is_due"], bool(said["is_printed"])), "not due")
        if said["issued_on"] is not None:
            word = f"issued on {said['issued_on']}"
        rows.append((f"{name} statement", word, f"openbenefits statements {name}"))
    return rows


def _rollover(connection: Any, event: Event) -> str:
    """What the employee said becomes of credits left over, by the last election that says it."""
    key = {name: getattr(event, name) for name in ("client_id", "person_id", "benefit_record")}
    key |= {"schedule_id": event.schedule_id, "event_number": event.event_number}
    said = Election.objects.using(connection.alias).filter(**key, credit_rollover__isnull=False)
    last = said.order_by("-received_on", "-submission").values_list("credit_rollover", flat=True).first()
    return last or "as the program says"


def _forms_of_class(connection: Any, event: Event) -> str:
    classes = load_setup(connection, [event.client_id])["event_class"]
    found = classes.filter(event_class_id=event.event_class_id)["forms"]
    return str(found[0]) if found.len() else "both"


def change_control(
    connection: Any,
    place: EventPlace,
    control: Control,
    value: str,
    *,
    reason: str,
    author: str,
    now: datetime,
) -> ControlAct:
    """Change a control of an event; the next run, or the next issue of statements, goes by it.

    Errors: ControlRefused for an unknown event, a status that does not allow it, a value that cannot be or
            says nothing new, no reason, no author, people a run is working on.
    """
    for what, text in (("reason", reason), ("author", author)):
        if not text.strip():
            raise ControlRefused(f"expected a stated {what}, found none; say why, and who")
    new = rules.read(control, value)
    column = rules.COLUMNS[control]
    with transaction.atomic(using=connection.alias):
        _lock(connection, place)
        event = _event(connection, place)
        why_not = rules.refusal(control, event.event_status, event.process_status)
        if why_not is not None:
            raise ControlRefused(why_not)
        was = getattr(event, column)
        rules.refuse_value(control, event.process_status, was, new, now.date())
        acts = ControlAct.objects.using(connection.alias)
        act = acts.create(
            **place.key(),
            number=acts.filter(**place.key()).count() + 1,
            control=str(control),
            was=rules.written(was),
            became=rules.written(new),
            reason=reason.strip(),
            author=author.strip(),
            acted_at=now,
        )
        events = Event.objects.using(connection.alias).filter(**place.key())
        events.update(**{column: new, "steps": event.steps + 1})
        _record(connection, place, event, act)
    return act


def _lock(connection: Any, place: EventPlace) -> None:
    keys = pl.DataFrame({"id": [place.person_id]}, schema={"id": pl.Int64})
    locked, _ = lock_rows(connection, "workforce_person", keys)
    if locked.is_empty():
        raise ControlRefused("somebody else is working on this person, or nobody knows it; try again later")


def _event(connection: Any, place: EventPlace) -> Event:
    found: Event | None = Event.objects.using(connection.alias).filter(**place.key()).first()
    if found is None:
        raise ControlRefused(
            "expected an event of this person, benefit record, schedule and number, found none; correct them"
        )
    return found


def _record(connection: Any, place: EventPlace, event: Event, act: ControlAct) -> None:
    """Append the change to the event's history; its status stays."""
    became = act.became or "none"
    step = {
        **place.key(),
        "step": event.steps + 1,
        "from_status": event.process_status,
        "to_status": event.process_status,
        "event_status": event.event_status,
        "cause": f"{act.control}: {act.was or 'none'} to {became}: {act.reason}",
    }
    schema = {"from_status": pl.String, "to_status": pl.String}
    steps = pl.DataFrame([step], schema_overrides=schema)
    record_steps(connection, steps, run_id=None, actor=act.author, now=act.acted_at)
