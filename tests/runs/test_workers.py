"""Partitions processed at once: what comes of a run does not depend on how many are."""

import threading
import time

import psycopg
import pytest
from django.db import connections, transaction
from django.db.utils import ProgrammingError

from openbenefits.core.codes import Level
from openbenefits.programs.models import Bundle
from openbenefits.runs.models import Run, RunPartition
from openbenefits.runs.partitions import LEAST_PEOPLE, PARTITION_PEOPLE, partition_size
from openbenefits.runs.services import LOCKED, resume_run, run, start_run, trial
from openbenefits.runs.workers import each_done

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


def test_one_worker_and_three_come_to_the_same_end(fresh_database, order, contents):
    alone = run(fresh_database, order, workers=1, **SMALL)
    expected = contents(fresh_database)
    empty(fresh_database, expected)
    together = run(fresh_database, order, workers=3, **SMALL)
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
        fresh_database, order, workers=3, **SMALL, progress=lambda done, total: told.append((done, total))
    )
    whole = trial(fresh_database, order, now=NOW)
    for one in (together, whole):
        assert one.changes.equals(alone.changes)
        assert one.outcomes.equals(alone.outcomes)
    assert told == [(number + 1, len(told)) for number in range(len(told))]
    assert not Run.objects.exists()
    assert all(rows.equals(before[table]) for table, rows in contents(fresh_database).items())
    assert run(fresh_database, order, workers=3, **SMALL).outcomes.equals(together.outcomes)


def test_inside_a_transaction_nothing_leaves_its_connection(fresh_database, order, contents):
    before = contents(fresh_database)
    with transaction.atomic():
        result = run(fresh_database, order, workers=3, **SMALL)
        assert "processed" in result.outcomes["outcome"]
        transaction.set_rollback(True)
    assert all(rows.equals(before[table]) for table, rows in contents(fresh_database).items())


@pytest.mark.parametrize("workers", [1, 3])
def test_an_error_of_a_partition_leaves_the_others_and_a_run_to_resume(
    fresh_database, order, contents, workers
):
    with fresh_database.cursor() as cursor:
        cursor.execute(FAULT)
    started = start_run(fresh_database, order, **SMALL)
    with pytest.raises(ProgrammingError, match="no room for partition 1"):
        resume_run(fresh_database, started.id, now=NOW, workers=workers)
    lines = RunPartition.objects.filter(run_id=started.id)
    assert lines.get(partition=0).state == "done"
    assert lines.get(partition=1).state == "waiting"
    assert Run.objects.get(pk=started.id).state == "running"
    assert sessions(fresh_database) == 1
    with fresh_database.cursor() as cursor:
        cursor.execute("DROP TRIGGER refuse ON runs_runpartition")
    resumed = resume_run(fresh_database, started.id, now=NOW, workers=workers)
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

        result = resume_run(fresh_database, started.id, now=NOW, workers=3, progress=release)
        counted = dict(result.outcomes.group_by("outcome").agg(people="people").iter_rows())
        lines = [line.counts for line in RunPartition.objects.filter(run_id=started.id)]
        other.rollback()
    assert (LOCKED in counted) is not is_released
    assert sum(line.get(LOCKED, 0) for line in lines) == (0 if is_released else 1)
    assert sum(sum(line.values()) for line in lines) == result.people


def test_each_item_has_a_thread_and_a_connection_of_its_own(fresh_database):
    both = threading.Barrier(2, timeout=60)

    def work(connection, item):
        both.wait()  # only two at once get past here
        assert connection is connections["default"]
        assert connection is not fresh_database
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return item, cursor.fetchone()[0]

    done = dict(each_done(fresh_database, range(4), work, workers=2))
    assert sorted(done) == [0, 1, 2, 3]
    assert len(set(done.values())) == 4
    assert sessions(fresh_database) == 1


def test_after_an_error_no_item_is_begun(fresh_database):
    begun = []

    def work(_connection, item):
        begun.append(item)
        if item == 0:
            raise LookupError(item)
        time.sleep(0.2)

    with pytest.raises(LookupError):
        list(each_done(fresh_database, range(20), work, workers=2))
    assert len(begun) < 20


@pytest.mark.parametrize(
    ("people", "workers", "size"),
    [
        (10, 2, LEAST_PEOPLE),
        (2 * LEAST_PEOPLE + 2, 2, LEAST_PEOPLE + 1),
        (10_000, 2, 5_000),
        (10_001, 2, 5_001),
        (10_000, 1, 10_000),
        (2 * PARTITION_PEOPLE, 2, PARTITION_PEOPLE),
        (1_000_000, 2, PARTITION_PEOPLE),
        (0, 2, LEAST_PEOPLE),
    ],
)
def test_each_worker_has_a_partition_where_that_pays(people, workers, size):
    assert partition_size(people, workers) == size
