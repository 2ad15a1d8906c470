"""Partitions processed at once: what comes of a run does not depend on how many are."""

import os
import threading
import time

import polars as pl
import psycopg
import pytest
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import connections, transaction
from django.db.utils import ProgrammingError

from openbenefits.core.codes import Level
from openbenefits.core.faults import message_of
from openbenefits.programs.models import Bundle
from openbenefits.runs.models import Run, RunPartition
from openbenefits.runs.partitions import LEAST_PEOPLE, PARTITION_PEOPLE, partition_size
from openbenefits.runs.services import LOCKED, resume_run, run, start_run, trial
from openbenefits.runs.workers import PEOPLE_WORTH_PROCESSES, WorkerLost, each_done, usual_workers
from openbenefits.store import isolation, use_database

from .conftest import NOW, SMALL_PARTITION

SMALL = {"now": NOW, "partition_people": SMALL_PARTITION}
FAULT = """
CREATE FUNCTION refuse_partition() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION 'no room for partition %', NEW.partition; END$$;
CREATE TRIGGER refuse BEFORE UPDATE ON runs_runpartition FOR EACH ROW WHEN (NEW.partition = 1)
EXECUTE FUNCTION refuse_partition()
"""


@pytest.fixture
def employer(fresh_database, make_employer):
    return make_employer(fresh_database)


@pytest.fixture
def order(employer):
    return employer.order(is_finalizing=True, through=Level.ELECTIONS)


def empty(connection, tables):
    with connection.cursor() as cursor:
        cursor.execute(
            f"TRUNCATE {', '.join(tables)}, runs_runperson, runs_runpartition, runs_run,"
            " enrollment_coveragedependent, enrollment_coveragefund, enrollment_preparation"
        )


def sessions(connection):
    """Count the sessions of the database, once those being closed are gone (the server takes a moment)."""
    for _ in range(100):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
            count = cursor.fetchone()[0]
        if count == 1:
            break
        time.sleep(0.05)
    return count


def test_one_worker_and_two_come_to_the_same_end(fresh_database, order, contents):
    alone = run(fresh_database, order, workers=1, **SMALL)
    expected = contents(fresh_database)
    empty(fresh_database, expected)
    together = run(fresh_database, order, workers=2, **SMALL)
    assert together.outcomes.equals(alone.outcomes)
    assert RunPartition.objects.filter(run_id=together.run_id, state="done").count() > 3
    for table, rows in contents(fresh_database).items():
        assert rows.equals(expected[table]), table
    assert sessions(fresh_database) == 1, "workers close their connections"


def test_a_trial_by_partitions_is_the_run_it_rehearses(fresh_database, order, contents):
    before = contents(fresh_database)
    alone = trial(fresh_database, order, workers=1, **SMALL)
    told = []
    together = trial(
        fresh_database, order, workers=2, **SMALL, progress=lambda done, total: told.append((done, total))
    )
    whole = trial(fresh_database, order, now=NOW)
    for one in (together, whole):
        assert one.changes.equals(alone.changes)
        assert one.outcomes.equals(alone.outcomes)
    assert told == [(number + 1, len(told)) for number in range(len(told))]
    assert not Run.objects.exists()
    assert all(rows.equals(before[table]) for table, rows in contents(fresh_database).items())
    assert run(fresh_database, order, **SMALL).outcomes.equals(together.outcomes)


def test_inside_a_transaction_nothing_leaves_its_connection(fresh_database, order, contents):
    before = contents(fresh_database)
    with transaction.atomic():
        result = run(fresh_database, order, workers=2, **SMALL)
        assert "processed" in result.outcomes["outcome"]
        transaction.set_rollback(True)
    assert all(rows.equals(before[table]) for table, rows in contents(fresh_database).items())


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_a_partition_leaves_the_others_and_a_run_to_resume(
    fresh_database, order, contents, workers
):
    with fresh_database.cursor() as cursor:
        cursor.execute(FAULT)
    started = start_run(fresh_database, order, **SMALL)
    with pytest.raises(ProgrammingError, match="no room for partition 1") as fault:
        resume_run(fresh_database, started.id, now=NOW, workers=workers)
    assert "at frames.py:" in message_of(fault.value), "where it arose, in whichever process"
    lines = RunPartition.objects.filter(run_id=started.id)
    assert lines.get(partition=0).state == "done"
    assert lines.get(partition=1).state == "waiting"
    assert Run.objects.get(pk=started.id).state == "running"
    assert sessions(fresh_database) == 1
    with fresh_database.cursor() as cursor:
        cursor.execute("DROP TRIGGER refuse ON runs_runpartition")
    resumed = resume_run(fresh_database, started.id, now=NOW)
    assert resumed.state == "done"
    assert not lines.exclude(state="done").exists()
    resumed_contents = contents(fresh_database)
    empty(fresh_database, resumed_contents)
    run(fresh_database, order, now=NOW)
    for table, rows in contents(fresh_database).items():
        assert rows.equals(resumed_contents[table]), table


def test_a_resumed_run_goes_by_the_setup_it_began_with(fresh_database, order, contents):
    run(fresh_database, order, now=NOW)
    expected = contents(fresh_database)
    empty(fresh_database, expected)
    started = start_run(fresh_database, order, **SMALL)
    assert Bundle.objects.filter(client_id=order.client_id).update(release_id=None) == 1
    resume_run(fresh_database, started.id, now=NOW)
    for table, rows in contents(fresh_database).items():
        assert rows.equals(expected[table]), table


@pytest.mark.parametrize("is_released", [True, False])
def test_people_locked_by_somebody_else_are_taken_at_the_end(fresh_database, order, is_released):
    """The lock is released once all partitions are done; or never."""
    started = start_run(fresh_database, order, **SMALL)
    with psycopg.connect(fresh_database.connection.info.dsn) as other:
        other.execute(
            "SELECT id FROM workforce_person WHERE id IN (SELECT min(person_id) FROM runs_runperson) FOR UPDATE"
        )

        def release(done, total):
            if is_released and done == total:
                other.rollback()

        result = resume_run(fresh_database, started.id, now=NOW, progress=release)
        counted = dict(result.outcomes.group_by("outcome").agg(people="people").iter_rows())
        lines = [line.counts for line in RunPartition.objects.filter(run_id=started.id)]
        other.rollback()
    assert (LOCKED in counted) is not is_released
    assert sum(line.get(LOCKED, 0) for line in lines) == (0 if is_released else 1)
    assert sum(sum(line.values()) for line in lines) == result.people


def where_it_works(connection, item):
    """Answer the process that works on an item, what it has of Polars, and its session of the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid(), current_user")
        session, user = cursor.fetchone()
    return {
        "item": item,
        "process": os.getpid(),
        "threads": pl.thread_pool_size(),
        "session": (session, user),
    }


def test_each_process_has_a_session_of_its_own_and_one_thread_of_polars(fresh_database):
    before = dict(os.environ)
    done = list(each_done(fresh_database, range(5), where_it_works, workers=2))
    assert sorted(one["item"] for one in done) == [0, 1, 2, 3, 4]
    processes = {one["process"] for one in done}
    assert len(processes) <= 2, "one may be through before the other has started"
    assert os.getpid() not in processes
    assert {one["threads"] for one in done} == {1}
    assert len({one["session"] for one in done}) == len(processes)
    assert dict(os.environ) == before
    assert sessions(fresh_database) == 1


def test_a_face_starts_no_process_that_would_work_as_the_owner(fresh_database):
    url = os.environ["DATABASE_URL"]
    use_database(url, as_face=True)
    try:
        done = list(each_done(connections["default"], range(3), where_it_works, workers=2))
    finally:
        use_database(url)
    assert {one["process"] for one in done} == {os.getpid()}
    assert {one["session"][1] for one in done} == {isolation.FACE}


def fails_at_first(connection, item):
    """Fail at item 0; of the others leave a line in the database."""
    if item == 0:
        time.sleep(0.2)  # the other process has begun one
        raise LookupError(item)
    if item == "ends":
        os._exit(1)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO django_content_type (app_label, model) VALUES ('begun', %s)", [item])
    time.sleep(1)


def test_after_an_error_no_item_is_begun_and_those_begun_are_committed(fresh_database):
    with pytest.raises(LookupError):
        list(each_done(fresh_database, range(20), fails_at_first, workers=2))
    assert 1 <= ContentType.objects.filter(app_label="begun").count() < 3


def test_a_process_that_ends_is_told_of(fresh_database):
    with pytest.raises(WorkerLost, match="resume what is running, with fewer --workers"):
        list(each_done(fresh_database, ["ends", 1, 2], fails_at_first, workers=2))
    assert sessions(fresh_database) == 1


def test_few_people_are_worked_on_here():
    assert usual_workers(PEOPLE_WORTH_PROCESSES - 1) == 1
    assert usual_workers(PEOPLE_WORTH_PROCESSES) == min(settings.MOST_WORKERS, len(os.sched_getaffinity(0)))


def test_who_finds_a_partition_being_worked_on_waits_and_finds_it_done(fresh_database, order):
    """As when a run is resumed before the processes of a killed one are gone."""
    started = start_run(fresh_database, order, **SMALL)
    first = RunPartition.objects.filter(run_id=started.id, partition=0)
    with psycopg.connect(fresh_database.connection.info.dsn) as other:
        other.execute(
            "SELECT FROM runs_runpartition WHERE run_id = %s AND partition = 0 FOR UPDATE", [started.id]
        )

        def commit():
            other.execute("UPDATE runs_runpartition SET state = 'done', waves = 9 WHERE partition = 0")
            other.commit()

        later = threading.Timer(0.5, commit)
        later.start()
        result = resume_run(fresh_database, started.id, now=NOW, workers=1)
        later.join()
    assert first.get().waves == 9
    left = result.outcomes.filter(outcome="not reached")["people"].to_list()
    assert left == [first.get().people]


@pytest.mark.parametrize(
    ("people", "workers", "size"),
    [
        (10, 2, LEAST_PEOPLE),
        (2 * LEAST_PEOPLE + 2, 2, LEAST_PEOPLE + 1),
        (10_000, 2, 5_000),
        (10_001, 2, 5_001),
        (10_000, 1, 10_000),
        (2 * PARTITION_PEOPLE, 2, PARTITION_PEOPLE),
        (2 * PARTITION_PEOPLE + 2, 2, PARTITION_PEOPLE // 2 + 1),
        (100_000, 2, 12_500),
        (1_000_000, 2, 14_706),
        (0, 2, LEAST_PEOPLE),
    ],
)
def test_each_worker_has_a_partition_where_that_pays(people, workers, size):
    assert partition_size(people, workers) == size
