"""Real-time channels: what triggers them, what they make, and that nothing is made twice. Source: §5.1, §5.2, §5.6."""

from datetime import date

from tests.workflow.conftest import NOW, TODAY, later, on, task, when

from openbenefits.casework.models import Ticket
from openbenefits.workflow import models


def test_a_change_of_the_field_makes_a_task_of_the_right_person(world):
    world.channel(**on(changed="job_status"), **when(("job_status", "equals", "T")))
    world.change(world.first, job_status="T", action="TER", now=later(days=1))
    world.change(world.second, department="X", now=later(days=1))
    world.look()
    (ticket,) = Ticket.objects.all()
    assert (ticket.subject, ticket.person_id, ticket.opened_by) == (
        "Look at 0001",
        world.first,
        "channel test",
    )
    assert (ticket.about_kind, ticket.about_key) == ("job", "0001/0")
    assert world.lines() == [
        ("", "matched", ""),
        ("first", "created", f"task {ticket.pk}"),
        ("", "not matched", "job_status did not change"),
    ]


def test_nobody_watches_nothing_is_written(world):
    world.change(world.first, job_status="T", action="TER", now=later(days=1))
    assert not models.Outbox.objects.exists()
    version = world.channel(**on(changed="job_status"))
    assert version.version == 1
    world.change(world.second, job_status="T", action="TER", now=later(days=1))
    (row,) = models.Outbox.objects.all()
    assert (row.kind, row.operation, row.pipeline, row.keys) == (
        "job",
        "insert",
        "user",
        [f"{world.second}-0"],
    )


def test_looking_twice_makes_once(world):
    world.channel(**on(operation="update"))
    world.change(world.first, job_status="L", action="LOA", now=later(days=1))
    world.look()
    models.Outbox.objects.update(state="waiting")
    world.look()
    assert Ticket.objects.count() == 1
    assert [line[1] for line in world.lines(item="first")] == ["created", "skipped"]
    assert world.lines(item="first")[1][2] == "it was made for this record in the same change"


def test_insert_and_update_are_told_apart(world):
    world.channel(**on(operation="insert"))
    world.change(world.first, job_status="L", action="LOA", now=later(days=1))
    fresh = world.hire("0003")
    world.look()
    assert list(Ticket.objects.values_list("person_id", flat=True)) == [fresh]


def test_a_chain_goes_on_when_the_task_before_is_complete(world):
    from openbenefits.casework.services import cancel_task, complete_task, delete_marked

    world.channel(
        **on(),
        items=[
            task("a", task={"marked": True}),
            task("b", after={"item": "a"}),
            task("c", after={"item": "b", "status": "cancelled"}),
        ],
    )
    world.change(world.first, job_status="L", action="LOA", now=later(days=1))
    world.look()
    (first,) = Ticket.objects.all()
    complete_task("ann", first.pk, now=later(days=2))
    world.look()
    second = Ticket.objects.exclude(pk=first.pk).get()
    assert (first.is_marked, second.is_marked, delete_marked(later(days=2))) == (True, False, 1)
    world.look()  # a task that is deleted sets off nothing
    complete_task("ann", second.pk, now=later(days=3))
    world.look()
    assert Ticket.objects.count() == 2  # only a cancelled one goes on to c
    assert models.Made.objects.order_by("pk").values_list("cause", "depth")[1] == (
        f"after task {first.pk}",
        1,
    )
    cancel_task("ann", second.pk, now=later(days=3))
    world.look()
    assert Ticket.objects.count() == 3


def test_what_is_open_about_a_record_ends_with_it(world):
    from openbenefits.runs.models import Run

    world.channel(kind="run", **on(operation="insert"), items=[task(task={"subject": "Look at the run"})])
    run = Run.objects.create(
        kind="process", bundle_client=world.client_id, as_of=TODAY, through_level="options", state="running",
        started_at=NOW, started_by="test",
    )  # fmt: skip
    world.look()
    assert Ticket.objects.get().status == "new"
    Run.objects.filter(pk=run.pk).update(state="done")
    world.look()
    assert Ticket.objects.get().status == "complete"


def test_what_an_overwritten_record_was_is_read_from_its_past_rows(world):
    from django.db import transaction

    from openbenefits.runs.models import Run

    world.channel(
        client_id=0,
        kind="run",
        items=[task(task={"subject": "Look"})],
        **on(operation="update", changed="state"),
        **when(("state", "changed from", "running")),
    )
    run = Run.objects.create(
        kind="process", bundle_client=world.client_id, as_of=TODAY, through_level="options", state="running",
        started_at=NOW, started_by="test",
    )  # fmt: skip
    runs = Run.objects.filter(pk=run.pk)
    with transaction.atomic():  # two changes of a transaction are one: running, and then done
        runs.update(state="held")
        runs.update(state="done")
    runs.update(ended_at=NOW)
    world.look()
    runs.update(state="taken back")
    Run.objects.create(
        kind="process",
        as_of=TODAY,
        through_level="options",
        state="running",
        started_at=NOW,
        started_by="test",
    )  # of no client: no channel looks at it
    world.look()
    assert [(outcome, told) for item, outcome, told in world.lines() if not item] == [
        ("not matched", "the channel does not count inserts"),
        ("matched", ""),
        ("not matched", "state did not change"),
        ("not matched", "not so: 1"),
    ]


def test_the_day_of_work_counts_business_days(world):
    due = {"days": 3, "business": True, "start": "valid_from"}
    world.channel(**on(), items=[task(task={"due": due})])
    world.change(world.first, on=date(2026, 4, 2), department="Q", now=later(days=1))
    world.look()
    assert Ticket.objects.get().due_on == date(2026, 4, 7)  # Friday, Monday, Tuesday
