"""A run killed in the middle loses nothing committed, leaves nothing half-written, and resumes."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import connection

from openbenefits.core.codes import Level
from openbenefits.runs.models import RunPartition
from openbenefits.runs.services import resume_run, run, start_run

from .conftest import CONTENT, NOW, SMALL_PARTITION

IS_FUZZING = bool(os.environ.get("OPENBENEFITS_FUZZ"))
PEOPLE, KILLS, PARTITION = (100_000, 20, 1_000) if IS_FUZZING else (150, 4, 10)

CHILD = """
import sys
import time
from datetime import datetime
from openbenefits.store import boot
boot()
from django.db import connection
from openbenefits.runs.services import resume_run

def tell(done, total):
    print(done, flush=True)
    if len(sys.argv) > 4 and done >= int(sys.argv[4]):
        time.sleep(60)  # the signal comes meanwhile: no partition is handed out that could end before it

now, workers = datetime.fromisoformat(sys.argv[2]), int(sys.argv[3])
resume_run(connection, int(sys.argv[1]), now=now, workers=workers, progress=tell)
"""


def stop_after(run_id, partitions, *, workers, how=signal.SIGKILL):
    """Run in a process of its own; stop it once so many partitions are committed, and wait until it is gone.

    Killed it has no warning: the processes it started end by themselves, their sessions when the server notices.
    """
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(run_id), NOW.isoformat(), str(workers), str(partitions)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ.copy(),
        start_new_session=True,
    )
    for line in child.stdout:
        if int(line) >= partitions:
            break
    child.send_signal(how)
    child.wait()
    child.stdout.close()
    for _ in range(200):
        if sessions() == 1 and not members(child.pid):
            break
        time.sleep(0.05)
    assert not members(child.pid), "nobody goes on"
    return child.returncode


def members(session):
    """List the processes of a session that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, of_session = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue  # it has ended meanwhile
        if int(of_session) == session and state not in "ZX":
            found.append(stat.parent.name)
    return found


def sessions():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return cursor.fetchone()[0]


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_run_resumes_to_the_same_result(fresh_database, make_employer, contents, workers):
    employer = make_employer(fresh_database)
    order = employer.order(is_finalizing=True, through=Level.ELECTIONS)
    started = start_run(fresh_database, order, now=NOW, partition_people=SMALL_PARTITION)
    assert stop_after(started.id, 2, workers=workers) == -signal.SIGKILL

    lines = RunPartition.objects.filter(run_id=started.id)
    done = lines.filter(state="done").count()
    assert 2 <= done < lines.count()
    half = contents(fresh_database)
    with fresh_database.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM events_event AS e JOIN runs_runperson AS r USING (client_id, person_id,"
            " benefit_record) JOIN runs_runpartition AS p ON p.run_id = r.run_id AND p.partition = r.partition"
            " WHERE r.run_id = %s AND p.state = 'waiting'",
            [started.id],
        )
        assert cursor.fetchone() == (0,), "people of an uncommitted partition have events"

    resumed = resume_run(fresh_database, started.id, now=NOW, workers=workers)
    assert resumed.state == "done"
    assert not resumed.outcomes.filter(outcome="not reached").height
    whole = contents(fresh_database)
    committed = half["enrollment_coverage"]
    assert committed.join(
        whole["enrollment_coverage"], on=committed.columns, how="anti", nulls_equal=True
    ).is_empty()

    again = run(fresh_database, order, now=NOW)
    assert "processed" not in again.outcomes["outcome"].to_list()
    for table, rows in contents(fresh_database).items():
        assert rows.equals(whole[table]), table


@pytest.mark.parametrize(
    ("workers", "how"), [(1, signal.SIGKILL), (2, signal.SIGKILL), (1, signal.SIGINT), (2, signal.SIGINT)]
)
def test_stopped_and_resumed_equals_never_stopped(fresh_database, make_employer, contents, workers, how):
    employer = make_employer(fresh_database)
    order = employer.order(is_finalizing=True, through=Level.ELECTIONS)
    started = start_run(fresh_database, order, now=NOW, partition_people=SMALL_PARTITION)
    assert stop_after(started.id, 1, workers=workers, how=how) == -how
    lines = RunPartition.objects.filter(run_id=started.id)
    assert 1 <= lines.filter(state="done").count() < lines.count()
    resume_run(fresh_database, started.id, now=NOW)
    interrupted = contents(fresh_database)
    with fresh_database.cursor() as cursor:
        tables = ", ".join(interrupted) + ", runs_runperson, runs_runpartition, runs_run"
        cursor.execute(
            f"TRUNCATE {tables}, enrollment_coveragedependent, enrollment_coveragefund, "
            "enrollment_preparation"
        )
    run(fresh_database, order, now=NOW)
    for table, rows in contents(fresh_database).items():
        assert rows.equals(interrupted[table]), table


def digests(connection):
    """One number per table for all that a run produced, found by the database: the rows may be millions."""
    found = {}
    with connection.cursor() as cursor:
        for table, query in CONTENT.items():
            cursor.execute(f"SELECT count(*), sum(hashtextextended(q::text, 0)) FROM ({query}) AS q")
            found[table] = cursor.fetchone()
    return found


def killed_soon(run_id, moment):
    """Resume a run in a process of its own and kill it at a random moment of its work, inside a partition too."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(run_id), NOW.isoformat(), str(moment.choice([1, 2]))],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ.copy(),
        start_new_session=True,
    )
    child.stdout.readline()  # it has committed a partition: the rest is chance
    time.sleep(moment.uniform(0, 1.5 if IS_FUZZING else 0.15))
    child.kill()
    child.wait()
    child.stdout.close()
    while sessions() > 1 or members(child.pid):
        time.sleep(0.05)


def test_killed_again_and_again_it_comes_to_the_same(fresh_database, make_employer):
    """`make fuzz` kills a run of 100,000 participants twenty times."""
    employer = make_employer(fresh_database, people=PEOPLE, is_faulty=not IS_FUZZING)
    order = employer.order(is_finalizing=True, through=Level.ELECTIONS)
    started = start_run(fresh_database, order, now=NOW, partition_people=PARTITION)
    moment, kills = random.Random(20), 0
    while kills < KILLS and RunPartition.objects.filter(run_id=started.id, state="waiting").count() > 2:
        killed_soon(started.id, moment)
        kills += 1
    assert kills == KILLS or not IS_FUZZING
    resume_run(fresh_database, started.id, now=NOW)
    killed = digests(fresh_database)
    assert killed["enrollment_coverage"][0] > PEOPLE
    with fresh_database.cursor() as cursor:
        tables = ", ".join(CONTENT) + ", runs_runperson, runs_runpartition, runs_run"
        cursor.execute(
            f"TRUNCATE {tables}, enrollment_coveragedependent, enrollment_coveragefund, "
            "enrollment_preparation"
        )
    run(fresh_database, order, now=NOW)
    assert digests(fresh_database) == killed
