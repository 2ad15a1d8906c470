"""Real-time channels: what triggers them, what they make, and that nothing is made twice. Source: §5.1, §5.2, §5.6."""

from datetime import date

from tests.workflow.conftest import NOW, TODAY, later, on, task, when

from openbenefits.casework.models import Ticket
from openbenefits.workflow import models
from openbenefits.workflow.progress import progress, summary
from openbenefits.workflow.shipped_channels import take_over


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


def test_a_chain_goes_on_when_the_case_before_is_resolved_and_says_what_is_to_come(world):
    from openbenefits.casework.changing import change
    from openbenefits.casework.codes import Status
    from openbenefits.casework.orders import ChangeOrder
    from openbenefits.casework.services import complete_task

    first = {"item": "a", "title": "First", "case": {"subject": "x"}}
    items = [first, task("b", after={"item": "a"}), task("c", after={"item": "b"})]
    world.channel(**on(), playbook="seen through", items=items)
    world.change(world.first, job_status="L", action="LOA", now=later(days=1))
    world.look()

    def stands():
        steps = progress(world.connection, world.client_id, today=TODAY)
        return dict(steps.select("item", "stands").iter_rows()), summary(steps).row(0, named=True)

    told, summed = stands()
    assert told == {"a": "open", "b": "to come", "c": "to come"}
    assert (summed["steps"], summed["to_come"], summed["is_over"]) == (3, 2, False)
    case = Ticket.objects.get()
    change("ann", case.pk, ChangeOrder(status=Status.RESOLVED), reason="done", now=later(days=2))
    world.look()
    change("ann", case.pk, ChangeOrder(status=Status.CLOSED), reason="put away", now=later(days=3))
    world.look()
    assert stands()[0] == {"a": "done in time", "b": "open", "c": "to come"}
    complete_task("ann", Ticket.objects.exclude(pk=case.pk).get().pk, now=later(days=4))
    world.look()
    complete_task("ann", Ticket.objects.latest("pk").pk, now=later(days=5))
    told, summed = stands()
    assert set(told.values()) == {"done in time"}
    assert (summed["done"], summed["is_over"]) == (3, True)


def test_what_is_open_is_withdrawn_once_its_cause_holds_no_more(world):
    """A termination that was none, a hire who never came: nobody is left with their tasks."""
    take_over(None, author="test", now=NOW)
    day = date(2026, 4, 1)
    world.change(world.first, on=day, action="TER", job_status="T", now=later(days=1))
    newcomer = world.hire("0099", on=day)
    world.look()
    items = models.Made.objects.order_by("item").values_list("item", flat=True)
    assert list(items) == ["cobra", "end-coverage", "enrol"]
    by = {"on": day, "made_by": "test", "now": later(days=2)}
    world.workforce.delete_job_row(world.client_id, world.first, **by)
    world.workforce.delete_job_row(world.client_id, newcomer, **by)
    world.look()
    assert set(Ticket.objects.values_list("status", flat=True)) == {"cancelled"}
    world.change(world.first, on=date(2026, 5, 1), action="TER", job_status="T", now=later(days=3))
    world.look()
    assert Ticket.objects.filter(status="new").count() == 2  # it is one now


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
