"""Scheduled channels on a database. Source: §5.3."""

from datetime import date

from tests.workflow.conftest import NOW, task

from openbenefits.casework.models import Ticket
from openbenefits.workflow import models

ANNIVERSARY = {"kind": "person", "schedule": {"field": "service_on", "offset": -2, "grace": 3}}


def hired(world):
    return world.hire("0100", on=date(2026, 6, 10))


def test_a_missed_day_is_made_up_inside_the_window_and_only_once(world):
    world.channel(**ANNIVERSARY, items=[task(task={"subject": "Soon: {{employee_number}}"})])
    hired(world)
    assert world.days(date(2026, 6, 7), date(2026, 6, 9), date(2026, 6, 10), date(2026, 6, 11)) == [
        0,
        1,
        0,
        0,
    ]
    assert Ticket.objects.get().subject == "Soon: 0100"
    assert models.Made.objects.get().fire_on == date(2026, 6, 8)
    assert world.lines(outcome="skipped") == [("first", "skipped", "it was made for this date")]


def test_after_the_window_nothing_happens(world):
    world.channel(**ANNIVERSARY, items=[task(task={"subject": "Soon"})])
    hired(world)
    assert world.days(date(2026, 6, 11)) == [0]


def test_a_recurring_item_comes_again_after_its_limit(world):
    schedule = {"field": "service_on", "grace": 10, "frequency": 4}
    world.channel(kind="person", schedule=schedule, items=[task(task={"subject": "Again"})])
    hired(world)
    days = [date(2026, 6, day) for day in range(10, 21)]
    assert world.days(*days) == [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0]


def test_once_is_once_even_for_another_date(world):
    schedule = {"field": "service_on", "grace": 10, "frequency": 2}
    world.channel(kind="person", schedule=schedule, once=True, items=[task(task={"subject": "Once"})])
    hired(world)
    assert world.days(date(2026, 6, 10), date(2026, 6, 14)) == [1, 0]


def test_a_moved_date_fires_anew_and_may_cancel_what_is_open(world):
    schedule = {"field": "due_on", "offset": -1, "grace": 5, "cancels_on_change": True}
    world.channel(kind="task", schedule=schedule, items=[task(task={"subject": "Remind"})], once=False)
    first = Ticket.objects.create(
        client_id=world.client_id,
        form="task",
        subject="x",
        category="general",
        priority="low",
        status="new",
        start_on=NOW.date(),
        due_on=date(2026, 5, 4),
        opened_by="t",
        opened_at=NOW,
        changed_at=NOW,
    )
    assert world.days(date(2026, 5, 3)) == [1]
    Ticket.objects.filter(pk=first.pk).update(due_on=date(2026, 5, 9))
    world.days(date(2026, 5, 4))
    assert Ticket.objects.get(subject="Remind").status == "cancelled"
    assert world.days(date(2026, 5, 8)) == [1]
