"""The test bench tries channels on what is past, as it was known then, and writes nothing. Source: issue 6, §5.6."""

from datetime import date, datetime, time

import pytest
from django.db import transaction
from tests.workflow.conftest import NOW, later, on, task, when

from openbenefits.casework.models import QuietHours, Ticket
from openbenefits.casework.models import WorkingHours as Hours
from openbenefits.core.pipelines import Pipeline
from openbenefits.enrollment.models import Election
from openbenefits.events.models import Event
from openbenefits.runs.models import Run
from openbenefits.store.arriving import arriving
from openbenefits.workflow import models, services
from openbenefits.workflow.bench import BenchRefused, bench
from openbenefits.workflow.kinds import KINDS
from openbenefits.workflow.reading import read
from openbenefits.workflow.records import asked_of, load
from openbenefits.workforce.models import ChangeSet, Client

TOLD = {"channel": "t", "name": "T", "items": [task(task={"subject": "Look"})]}


@pytest.fixture
def days(world):
    """Let what is written from now on have happened on a day, and what was before be as old as is kept."""
    models.PastRow.objects.all().delete()
    models.Keeping.objects.update(since=datetime(2026, 2, 1, tzinfo=NOW.tzinfo))

    def stand(day):
        with world.connection.cursor() as cursor:
            cursor.execute("SELECT set_config('openbenefits.today', %s, false)", [str(day)])

    return stand


def tried(world, begin=date(2026, 3, 1), through=date(2026, 3, 31), **said):
    return bench(world.connection, read(TOLD | said), world.client_id, begin, through)


def outcomes(found, *names):
    return found.select(*(names or ("item", "outcome", "made", "why"))).rows()


def a_run(world, state="running"):
    return Run.objects.create(
        kind="process", bundle_client=world.client_id, as_of=NOW.date(), through_level="options", state=state,
        started_at=NOW, started_by="test",
    )  # fmt: skip


def a_task(world, due_on, **said):
    return Ticket.objects.create(
        client_id=world.client_id, form="task", subject="x", category="general", priority="low", status="new",
        start_on=NOW.date(), due_on=due_on, opened_by="t", opened_at=NOW, changed_at=NOW, **said,
    )  # fmt: skip


# --- changes ------------------------------------------------------------------------------------------------


def test_it_says_what_would_have_been_and_writes_nothing(world):
    channel = {"kind": "job", "items": [task()]} | on(changed="job_status")
    channel |= when(("job_status", "equals", "T"))
    world.change(world.first, job_status="T", action="TER", now=later(days=1))
    world.change(world.second, job_status="L", action="LOA", now=later(days=2))
    found = tried(world, **channel)
    assert outcomes(found.found, "key", "item", "outcome", "made", "why") == [
        (f"{world.first}-0", "", "matched", "", ""),
        (f"{world.first}-0", "first", "would create", "task: Look at 0001", ""),
        (f"{world.second}-0", "", "not matched", "", "not so: 1"),
    ]
    assert found.counts() == {"seen": 2, "created": 1, "skipped": 0, "not_matched": 1}
    assert found.notes == []
    assert tried(world, date(2026, 4, 1), date(2026, 4, 2), **channel).found.is_empty()
    assert not Ticket.objects.exists()
    assert not models.LogLine.objects.exists()


def test_rows_that_are_overwritten_are_tried_as_they_were(world, days):
    days("2026-03-02")
    run = a_run(world)
    days("2026-03-04")
    Run.objects.filter(pk=run.pk).update(state="held")
    days("2026-03-06")
    with transaction.atomic():  # one transaction is one change
        Run.objects.filter(pk=run.pk).update(state="running")
        Run.objects.filter(pk=run.pk).update(state="done")
    days("2026-03-08")
    Run.objects.filter(pk=run.pk).update(ended_at=NOW)
    ended = {"kind": "run", **on(changed="state"), **when(("state", "changed to", "done"))}
    assert outcomes(tried(world, **ended).found) == [
        ("", "not matched", "", "not so: 1"),
        ("", "not matched", "", "not so: 1"),
        ("", "matched", "", ""),
        ("first", "would create", "task: Look", ""),
        ("", "not matched", "", "state did not change"),
    ]
    held = tried(world, kind="run", **on(operation="update"), **when(("state", "changed from", "held")))
    assert outcomes(held.found, "at", "why")[0][1] == "the channel does not count inserts"
    assert [(at.day, said) for at, said in outcomes(held.found, "at", "outcome")] == [
        (2, "not matched"), (4, "not matched"), (6, "matched"), (6, "would create"), (8, "not matched"),
    ]  # fmt: skip
    begun = tried(world, date(2026, 3, 7), kind="run", **on())
    assert outcomes(begun.found, "at", "outcome")[0][0].day == 8


def test_conditions_of_items_and_once_are_told(world, days):
    days("2026-03-02")
    run = a_run(world)
    days("2026-03-03")
    Run.objects.filter(pk=run.pk).update(state="held")
    items = [
        task("a", task={"subject": "A {{state}}"}, once=True),
        task("b", task={"subject": "B"}, **when(("state", "equals", "held"))),
        task("c", task={"subject": "C"}, after={"item": "b"}),
    ]
    found = tried(world, kind="run", **on(), items=items)
    assert outcomes(found.found.filter(found.found["item"] != "")) == [
        ("a", "would create", "task: A running", ""),
        ("b", "not matched", "", "not so: 1"),
        ("a", "skipped", "", "it is made only once for a record"),
        ("b", "would create", "task: B", ""),
    ]
    assert "come after another are not tried" in found.notes[0]


def test_other_records_are_read_as_they_were_and_what_is_not_is_told(world, days):
    days("2026-03-01")
    world.change(world.first, job_status="L", action="LOA", now=later(days=1))
    days("2026-03-05")
    Client.objects.filter(pk=world.client_id).update(name="Other")
    renamed = ("client.name", "equals", "Other")
    past = tried(
        world, kind="job", **on(), **when(renamed, ("client.starts_on", "is blank"), expression="1 AND 2")
    )
    assert outcomes(past.found, "outcome", "why") == [("not matched", "not so: 1")]
    assert past.notes == ["Client: 'Administered from' is read as it is today"]
    world.change(world.second, job_status="L", action="LOA", now=later(days=6))
    assert outcomes(tried(world, kind="job", **on(), **when(renamed)).found, "outcome") == [
        ("not matched",),
        ("matched",),
        ("would create",),
    ]
    early = tried(world, date(2026, 1, 1), kind="job", **on(), **when(renamed))
    assert "before 2026-02-01 00:00 UTC is not kept" in early.notes[0]


def test_how_a_change_arrived_counts_as_it_did_then(world, days):
    days("2026-03-02")
    for pipeline in (Pipeline.API, Pipeline.SILENT):
        with transaction.atomic(), arriving(world.connection, pipeline):
            world.change(world.first, department=str(pipeline), now=later(seconds=len(pipeline)))
            a_run(world)
    world.change(world.first, department="by hand", now=later(days=1))
    facts = tried(world, kind="job", **on(pipelines=["user"]))
    assert [outcome for (outcome,) in outcomes(facts.found, "why")] == [
        "the channel does not count changes that arrive by api",
        "the channel does not count changes that arrive by silent",
        "",
        "",
    ]
    rows = tried(world, kind="run", **on(pipelines=["api"]))
    assert sorted(outcomes(rows.found, "outcome")) == [("matched",), ("skipped",), ("would create",)]


def test_elections_are_known_by_their_entry(world):
    event = {"client_id": world.client_id, "person_id": world.first, "benefit_record": 0, "schedule_id": 1}
    Event.objects.create(
        **event, event_number=1, event_class_id=1, event_on=NOW.date(), priority=1, source="x", status_at=NOW
    )
    entries = [
        ChangeSet.objects.create(
            client_id=world.client_id, kind="entry", label="x", made_at=later(days=days), made_by="test"
        )
        for days in (1, 3)
    ]
    stated = {"plan_type": "10", "received_on": NOW.date(), "elector": "x", "source": "administrator"}
    for number, (entry, option) in enumerate(zip(entries, ("HMO", "WAIVE"), strict=True), 1):
        Election.objects.create(
            **event, **stated, event_number=1, submission=number, option_code=option, change_id=entry.pk
        )
    found = tried(world, kind="election", **on(operation="update"), **when(("option", "changed to", "WAIVE")))
    assert [(at.day, outcome) for at, outcome in outcomes(found.found, "at", "outcome")] == [
        (3, "not matched"), (5, "matched"), (5, "would create"),
    ]  # fmt: skip


def test_what_cannot_be_tried_is_said(world):
    with pytest.raises(BenchRefused, match="whose changes are kept"):
        tried(world, kind="open enrolment", **on())
    with pytest.raises(BenchRefused, match="from 1 to 400 days"):
        tried(world, date(2026, 3, 2), date(2026, 3, 1), kind="job", **on())


# --- days ---------------------------------------------------------------------------------------------------


def test_it_says_what_days_would_have_brought(world):
    world.hire("0100", on=date(2026, 6, 10))
    schedule = {"field": "service_on", "offset": -2, "grace": 3}
    june = (date(2026, 6, 1), date(2026, 6, 30))
    found = tried(world, *june, kind="person", schedule=schedule).found
    assert [(at.date().day, outcome) for at, outcome in outcomes(found, "at", "outcome")] == [
        (8, "would create"), (9, "skipped"), (10, "skipped"),
    ]  # fmt: skip
    later_on = tried(world, date(2026, 6, 9), date(2026, 6, 30), kind="person", schedule=schedule).found
    assert outcomes(later_on, "why") == [("it was made for this date",)] * 2  # on a day before the first
    once = tried(world, *june, kind="person", schedule=schedule | {"frequency": 1}, once=True).found
    assert outcomes(once, "why")[1:] == [("it is made only once for a record",)] * 2
    hours = {"job": "channels", "client_id": world.client_id, "begins": time(4), "ends": time(6)}
    QuietHours.objects.create(weekdays="1", **hours)  # Mondays, as 8 June is
    Hours.objects.update(zone="UTC")
    quiet = tried(world, *june, kind="person", schedule=schedule).found
    assert [at.day for (at,) in outcomes(quiet, "at")] == [9, 10]


def test_days_look_at_records_as_they_stood_even_if_they_are_gone(world, days):
    days("2026-03-02")
    moved, gone = a_task(world, date(2026, 3, 5)), a_task(world, date(2026, 3, 7)).pk
    days("2026-03-05")
    Ticket.objects.filter(pk=moved.pk).update(due_on=date(2026, 3, 20), status="complete")
    days("2026-03-07")
    Ticket.objects.filter(pk=gone).delete()
    due = {
        "kind": "task",
        "schedule": {"field": "due_on", "offset": -1},
        "items": [task(task={"subject": "x"})],
    }
    found = tried(world, **due).found
    assert [(at.day, int(key), outcome) for at, key, outcome in outcomes(found, "at", "key", "outcome")] == [
        (4, moved.pk, "would create"),
        (6, gone, "would create"),
        (19, moved.pk, "skipped"),
    ]


def test_open_enrolment_is_that_of_the_set_up_in_force_then(world):
    schedule = {"field": "effective_on", "offset": -1, "grace": 400}
    found = tried(world, date(2025, 12, 30), date(2026, 1, 3), kind="open enrolment", schedule=schedule)
    assert all(at >= datetime(2026, 1, 1, tzinfo=NOW.tzinfo) for (at,) in outcomes(found.found, "at"))


# --- what is kept -------------------------------------------------------------------------------------------


def test_rows_are_kept_without_documents_and_files_and_not_for_ever(world, days):
    days("2026-03-02")
    run = a_run(world)
    days("2026-03-04")
    Run.objects.filter(pk=run.pk).update(state="done")
    first, second = models.PastRow.objects.filter(of_table="runs_run").order_by("pk")
    assert (first.was, second.was["state"], second.until.date()) == (None, "running", date(2026, 3, 4))
    assert not {"options", "releases"} & set(second.was)
    services.forget(later(days=401))
    assert models.PastRow.objects.filter(of_table="runs_run").get() == second
    assert models.Keeping.objects.get(of_table="runs_run").since == later(days=1)


def test_every_table_of_a_kind_is_kept_and_no_field_of_it_is_a_document(world):
    tables = {kind.table: kind for kind in KINDS.values() if kind.table}
    kept = set(models.Keeping.objects.values_list("of_table", flat=True))
    assert set(tables) == kept
    with world.connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name || '.' || column_name FROM information_schema.columns"
            " WHERE data_type IN ('json', 'jsonb', 'bytea') AND table_name = ANY(%s)",
            [list(tables)],
        )
        left_out = {name for (name,) in cursor.fetchall()}
    assert left_out
    for kind in KINDS.values():
        paths = " ".join([*map(kind.path, kind.fields), kind.active, kind.ended, kind.subject])
        assert not [one for one in left_out if kind.table and f"t.{one.split('.')[1]}" in paths.split()]


def test_a_record_reads_the_same_from_a_row_of_today_and_from_a_past_one(world, days):
    days("2026-03-02")
    ticket = a_task(world, date(2026, 5, 4), is_marked=True, person_id=world.first)
    kind = KINDS["task"]
    now = load(world.connection, kind, asked_of([str(ticket.pk)], NOW.date()), list(kind.fields))
    days("2026-03-04")
    Ticket.objects.filter(pk=ticket.pk).update(
        due_on=None, status="complete", priority="high", person_id=None
    )
    then = asked_of([str(ticket.pk)], NOW.date(), "2026-03-04T00:00:00+00:00")
    assert load(world.connection, kind, then, list(kind.fields)).drop("known").equals(now.drop("known"))
