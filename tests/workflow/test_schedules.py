"""Scheduled channels on a database. Source: §5.3."""

from datetime import date

from tests.payroll.test_ledger import FIRST, allow, correct, take, write
from tests.workflow.conftest import NOW, TODAY, task

from openbenefits.casework.models import Ticket
from openbenefits.payroll.open_balances import keep_open_balances
from openbenefits.workflow import models
from openbenefits.workflow.progress import progress
from openbenefits.workflow.scheduled import run_schedules
from openbenefits.workflow.shipped_channels import take_over

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


def test_arrears_are_asked_about_until_they_are_settled(world, tmp_path):
    """DED_ARREARS: by the age of the pay that missed it; what is ordered or taken is no arrears any more."""
    take_over(None, author="test", now=NOW)
    world.cover(world.first, "10", "HMO-1")
    take(world, write(tmp_path / "a.csv", ("0001", "10", "B", FIRST, "0")))
    keep_open_balances(world.connection, world.client_id, on=date(2026, 2, 3))
    days = [date(2026, 2, 3), date(2026, 2, 4), date(2026, 2, 5), date(2026, 3, 6)]
    made = [run_schedules(world.connection, world.client_id, today=day, now=NOW) for day in days]
    assert [one["arrears"] for one in made] == [0, 1, 0, 1]
    first, second = Ticket.objects.filter(category="payroll").order_by("pk")
    assert (first.about_kind, first.about_key, first.person_id) == ("arrears", "0001/0/10", world.first)
    assert first.subject.endswith("plan type 10, since 2026-01-04")
    assert (second.priority, second.status) == ("high", "new")
    steps = progress(world.connection, world.client_id, today=TODAY, playbook="arrears")
    assert steps.select("item", "is_proved").rows() == [("collect", False), ("overdue", False)]
    allow(world)
    correct(world)
    keep_open_balances(world.connection, world.client_id, on=date(2026, 3, 7))
    run_schedules(world.connection, world.client_id, today=date(2026, 3, 8), now=NOW)
    assert set(Ticket.objects.filter(category="payroll").values_list("status", flat=True)) == {"complete"}
