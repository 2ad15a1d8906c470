"""The open enrolment of a batch, each client its own: schedule and window, runs, reminders."""

from datetime import date, timedelta

from openbenefits.programs.drafts import services as drafts
from openbenefits.programs.drafts.records import Plain
from openbenefits.programs.drafts.services import Hand, OpenDraft
from openbenefits.programs.models import Draft
from openbenefits.renewals.models import Batch, Reminder
from openbenefits.renewals.rules.renewing import reminder_days
from openbenefits.renewals.statuses import RenewalRefused

OPEN_ENROLLMENT = "open_enrollment"
PREPARED_BEFORE = timedelta(days=7)
RUNS = (
    ("prepare", "options", "Options prepared", False),
    ("validate", "elections", "Elections validated", False),
    ("final", "final", "Defaults for the rest", True),
)
"""The runs of an open enrolment: end of the code, stage, name, whether it finalises."""


def put_enrolment(draft: Draft, batch: Batch, *, by: Hand) -> str:
    """Put schedule and run controls of a batch's open enrolment into a draft; answer the schedule's code.

    A batch without days of open enrolment has none: '' (its plans begin with the ordinary events).
    """
    if batch.enrollment_begins_on is None or batch.enrollment_ends_on is None:
        return ""
    held = drafts.opened(draft)
    schedule = _schedule(held, batch)
    code = str(schedule["code"])
    own = held.record("schedules", (code,))
    drafts.put(draft, "schedules", (code,) if own else None, schedule, by=by)
    for control in _controls(code, batch.enrollment_begins_on, batch.enrollment_ends_on):
        there = held.record("run_controls", (control["code"],))
        drafts.put(draft, "run_controls", (control["code"],) if there else None, control, by=by)
    return code


def _schedule(held: OpenDraft, batch: Batch) -> Plain:
    """Answer the schedule that was carried forward for the batch's year, or a new one, with its days."""
    day = batch.effective_on.isoformat()
    yearly = [one for one in held.parts.get("schedules") or () if one["kind"] == OPEN_ENROLLMENT]
    own = next((one for one in yearly if one.get("period_begins") == day), None)
    days = {
        "period_begins": day,
        "period_ends": None if batch.expires_on is None else batch.expires_on.isoformat(),
        "window_begins": str(batch.enrollment_begins_on),
        "window_ends": str(batch.enrollment_ends_on),
    }
    if own is not None:
        return own | days
    known = {one["code"] for one in held.parts.get("schedules") or ()}
    code = f"OE{batch.effective_on:%y}"
    code = f"OE{batch.effective_on:%y%m}" if code in known else code
    programs: dict[str, list[str]] = {
        one["code"]: [] for one in held.parts.get("programs") or () if one["from"] == day
    }
    return {
        "code": code,
        "name": f"Open enrolment {batch.effective_on.year}",
        "kind": OPEN_ENROLLMENT,
        "event_class": _event_class(yearly, batch),
        "programs": programs,
    } | days


def _event_class(yearly: list[Plain], batch: Batch) -> str:
    """Answer the event class of the client's other open enrolments, else the PEO's only one."""
    for one in reversed(yearly):
        if one.get("event_class"):
            return str(one["event_class"])
    base = drafts.base_of(0)
    classes = [one["code"] for one in base.parts.get("event_classes") or () if one["use"] == OPEN_ENROLLMENT]
    if len(classes) != 1:
        raise RenewalRefused(
            f"batch {batch.pk}: expected one event class of open enrolment in the PEO's set-up, found"
            f" {len(classes)}; add the schedule in the client's set-up first"
        )
    return str(classes[0])


def _controls(schedule: str, begins: date, ends: date) -> list[Plain]:
    """Answer the runs: options a week before the window, defaults on the day after it."""
    days = {"prepare": begins - PREPARED_BEFORE, "final": ends + timedelta(days=1)}
    return [
        {
            "code": f"{schedule}-{end}",
            "name": f"{schedule}: {name.lower()}",
            "kind": "process",
            "schedule": schedule,
            "through": through,
            "finalize": finalizes,
            "repeats": "once" if end in days else "on_demand",
            "runs_on": days[end].isoformat() if end in days else None,
        }
        for end, through, name, finalizes in RUNS
    ]


def lay_down_reminders(batch: Batch) -> None:
    """Lay down on which days who has not elected is reminded; those that are there stay."""
    if batch.enrollment_ends_on is None or batch.enrollment_begins_on is None:
        return
    for day in reminder_days(batch.enrollment_ends_on):
        if day >= batch.enrollment_begins_on:
            Reminder.objects.get_or_create(client_id=batch.client_id, batch=batch, due_on=day)
