"""Versions, dead letters, depth, pipelines, health, the worker. Source: §5.2, §5.6, §10."""

from datetime import date

import pytest
from django.db import connections
from django.db.utils import ProgrammingError
from tests.workflow.conftest import NOW, TODAY, later, on, task, when

from openbenefits.accounts import clock
from openbenefits.background.worker import work
from openbenefits.casework.models import Ticket
from openbenefits.core.pipelines import Pipeline
from openbenefits.store.arriving import arriving
from openbenefits.workflow import looking, models, services
from openbenefits.workflow.reading import read


def leave(world, person, **more):
    world.change(person, job_status="L", action="LOA", now=later(days=1), **more)


def test_what_cannot_be_made_is_a_dead_letter_and_the_others_are_made(world):
    mail = {
        "item": "tell",
        "title": "Tell",
        "mail": {"subject": "S", "body": "B", "to": [{"role": "nobody's"}]},
    }
    world.channel(**on(), items=[task(), mail])
    leave(world, world.first)
    leave(world, world.second)
    world.look()
    assert Ticket.objects.count() == 2
    letter, other = models.DeadLetter.objects.order_by("pk")
    assert "expected somebody with an e-mail address" in letter.told
    world.users["bob"]
    services.order_again(None, letter)
    assert services.retry(world.connection, letter.pk, today=TODAY, now=NOW) == "dead"
    letter.refresh_from_db()
    assert (letter.attempts, models.DeadLetter.objects.count()) == (2, 2)
    from openbenefits.casework.models import TeamMember

    TeamMember.objects.create(client_id=world.client_id, role="nobody's", user_id=world.users["bob"].pk)
    services.order_again(None, letter)
    assert services.retry(world.connection, letter.pk, today=TODAY, now=NOW) == "done"
    services.drop(None, other, now=NOW)
    with pytest.raises(services.ChannelRefused):
        services.order_again(None, other)


def test_records_that_cannot_be_looked_at_are_a_dead_letter_after_some_attempts(world, monkeypatch):
    world.channel(**on())
    leave(world, world.first)
    row = models.Outbox.objects.get()

    def broken(*_parts, **_named):
        raise RuntimeError("no")

    with monkeypatch.context() as patched:
        patched.setattr(looking, "running", broken)
        for _ in range(looking.MOST_ATTEMPTS - 1):
            with pytest.raises(RuntimeError):
                looking.look(world.connection, row.pk, today=TODAY, now=NOW)
        looking.look(world.connection, row.pk, today=TODAY, now=NOW)
    letter = models.DeadLetter.objects.get()
    assert "RuntimeError" in letter.told
    services.order_again(None, letter)
    assert services.retry(world.connection, letter.pk, today=TODAY, now=NOW) == "done"
    assert Ticket.objects.count() == 1


def test_a_published_version_never_changes_and_editing_makes_the_next(world):
    first = world.channel(**on())
    again = read({"channel": "test", "name": "Test", "kind": "job", "items": [task()]} | on())
    assert services.write(None, world.client_id, again, author="x", now=NOW).version == 1
    changed = read({"channel": "test", "name": "New", "kind": "job", "items": [task()]} | on())
    second = services.write(None, world.client_id, changed, author="x", now=NOW)
    assert (second.version, second.published_at) == (2, None)
    assert models.Channel.objects.get().published == 1  # it goes on until the next is published
    with pytest.raises(ProgrammingError, match="never changes"):
        models.ChannelVersion.objects.filter(pk=first.pk).update(document={})


def test_an_unpublished_channel_never_runs(world):
    world.channel(**on())
    services.unpublish(None, world.client_id, "test")
    leave(world, world.first)
    assert not models.Outbox.objects.exists()


def test_a_clients_own_channel_stands_in_place_of_the_peos(world):
    world.channel(client_id=0, **on())
    world.channel(**on(), items=[task(task={"subject": "Own"})])
    leave(world, world.first)
    world.look()
    assert Ticket.objects.get().subject == "Own"


def test_a_channel_of_the_peo_may_be_for_some_clients(world):
    world.channel(client_id=0, clients=["birch"], **on())
    leave(world, world.first)
    world.look()
    assert not Ticket.objects.exists()


@pytest.mark.parametrize(("pipeline", "made"), [("import", 1), ("api", 0), ("silent", 0)])
def test_only_the_pipelines_listed_count(world, pipeline, made):
    from django.db import transaction

    world.channel(**on(pipelines=["import"]))
    with transaction.atomic(), arriving(connections["default"], Pipeline(pipeline)):
        leave(world, world.first)
    world.look()
    assert Ticket.objects.count() == made
    if pipeline == "api":
        assert world.lines() == [("", "skipped", "the channel does not count changes that arrive by api")]
    assert models.Outbox.objects.exists() is (pipeline != "silent")


def test_a_loop_ends_at_its_depth(world):
    world.channel(kind="task", **on(operation="insert"), items=[task(task={"subject": "again"})])
    Ticket.objects.create(
        client_id=world.client_id,
        form="task",
        subject="x",
        category="general",
        priority="low",
        status="new",
        start_on=TODAY,
        opened_by="t",
        opened_at=NOW,
        changed_at=NOW,
    )
    world.look()
    assert Ticket.objects.count() == 1 + looking_depth()
    assert "more than 10 channels" in models.LogLine.objects.get(outcome="skipped").why


def looking_depth():
    from openbenefits.workflow.deciding import MOST_DEPTH

    return MOST_DEPTH + 1


def test_the_same_record_once_in_a_transaction(world):
    from django.db import transaction

    world.channel(**on())
    with transaction.atomic():
        leave(world, world.first)
        world.change(world.first, department="Z", now=later(days=1, seconds=1))
    world.look()
    assert Ticket.objects.count() == 1
    assert models.Outbox.objects.filter(state="done").count() == 2


def test_partitions_come_in_any_order(world):
    world.channel(**on(), once=True)
    leave(world, world.first)
    leave(world, world.second)
    world.change(world.first, department="Z", now=later(days=2))
    for row in models.Outbox.objects.order_by("-pk"):
        looking.look(world.connection, row.pk, today=TODAY, now=NOW)
    assert Ticket.objects.count() == 2


def test_the_person_in_a_field_the_one_at_work_and_whoever_stands_in(world):
    from openbenefits.casework.models import TeamMember

    world.channel(
        **on(),
        items=[
            task("a", task={"subject": "a", "assigned": {"field": "department"}}),
            task("b", task={"subject": "b", "assigned": {"user": "gone", "backup": "bob"}}),
            task("c", task={"subject": "c", "assigned": {"queue": "payroll"}}),
            task("d", task={"subject": "d", "assigned": {"current": True}}),
            task(
                "e",
                task={"subject": "e", "assigned": {"role": "benefits specialist"}, "owner": {"user": "bob"}},
            ),
        ],
    )
    leave(world, world.first, department="bob")
    world.look()
    found = {one.subject: one for one in Ticket.objects.all()}
    bob, ann = world.users["bob"].pk, world.users["ann"].pk
    assert found["a"].assignee_id == bob
    assert found["b"].assignee_id == bob
    assert (found["c"].assignee_id, found["c"].queue) == (None, "payroll")
    assert found["d"].queue == "unassigned"  # a command has no user
    assert (found["e"].assignee_id, found["e"].owner_id) == (ann, bob)
    assert TeamMember.objects.count() == 1


def test_what_looks_at_health_is_health(world):
    told = {"source": "person", "label": "1", "field": "is_medicare_entitled", "operator": "is blank"}
    world.channel(**on(), conditions=[told])
    leave(world, world.first)
    world.look()
    assert Ticket.objects.get().is_health
    assert models.Channel.objects.get().is_health


def test_a_record_is_changed_by_a_named_act(world):
    from openbenefits.events.models import Activity

    act = {
        "act": "enter activity",
        "values": {"event_class": "MSC", "on": "{{valid_from}}", "reason": "leave"},
    }
    world.channel(**on(), items=[{"item": "x", "title": "X", "change": act}])
    leave(world, world.first)
    world.look()
    told = world.lines(item="x")
    assert [line[1] for line in told] == ["created"], told
    assert Activity.objects.get(person_id=world.first, bas_action="MSC").event_on == date(2026, 4, 1)


def test_the_worker_does_it(world, monkeypatch):
    monkeypatch.setenv(clock.STANDS_ON, "2026-03-02")
    world.channel(**on())
    leave(world, world.first)
    work(connections["default"], clock.now, is_waiting=False)
    assert Ticket.objects.count() == 1
    assert models.Outbox.objects.get().state == "done"


def test_conditions_across_records(world):
    world.channel(
        **on(),
        **when(
            ("person.last_name", "equals", "Moss"), ("client.code", "equals", "birch"), expression="1 NOT 2"
        ),
    )
    leave(world, world.first)
    world.look()
    assert Ticket.objects.count() == 1


def test_a_letter_is_kept_and_goes_the_way_of_its_person(world):
    from openbenefits.delivery.models import Delivery, Document

    letter = {"title": "Your leave", "body": "It began on {{valid_from}}.\n\nAsk us."}
    world.channel(**on(), items=[{"item": "x", "title": "X", "letter": letter}])
    leave(world, world.first)
    leave(world, world.second)
    world.look()
    kept = list(Document.objects.order_by("pk"))
    assert [(one.person_id, one.kind) for one in kept] == [(world.first, "notice"), (world.second, "notice")]
    assert Delivery.objects.filter(channel="print").count() == 2
    assert [line[2] for line in world.lines(item="x")] == [f"letter {one.pk}" for one in kept]
