"""A run killed in the middle loses nothing committed, leaves nothing half-written, and resumes."""

import os
import signal
import subprocess
import sys

from openbenefits.core.codes import Level
from openbenefits.runs.models import RunPartition
from openbenefits.runs.services import resume_run, run, start_run

from .conftest import NOW, SMALL_PARTITION

CHILD = """
import sys
from datetime import datetime
from openbenefits.store import boot
boot()
from django.db import connection
from openbenefits.runs.services import resume_run

def tell(done, total):
    print(done, flush=True)

resume_run(connection, int(sys.argv[1]), now=datetime.fromisoformat(sys.argv[2]), progress=tell)
"""


def kill_after(run_id, partitions):
    """Run in a process of its own and kill it, without warning, once so many partitions are committed."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(run_id), NOW.isoformat()],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ.copy(),
    )
    for line in child.stdout:
        if int(line) >= partitions:
            break
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    return child.returncode


def test_killed_run_resumes_to_the_same_result(fresh_database, make_employer, contents):
    employer = make_employer(fresh_database)
    order = employer.order(is_finalizing=True, through=Level.ELECTIONS)
    started = start_run(fresh_database, order, now=NOW, partition_people=SMALL_PARTITION)
    assert kill_after(started.id, 2) == -signal.SIGKILL

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

    resumed = resume_run(fresh_database, started.id, now=NOW)
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


def test_killed_and_resumed_equals_never_killed(fresh_database, make_employer, contents):
    employer = make_employer(fresh_database)
    order = employer.order(is_finalizing=True, through=Level.ELECTIONS)
    started = start_run(fresh_database, order, now=NOW, partition_people=SMALL_PARTITION)
    kill_after(started.id, 1)
    resume_run(fresh_database, started.id, now=NOW)
    interrupted = contents(fresh_database)
    with fresh_database.cursor() as cursor:
        tables = ", ".join(interrupted) + ", runs_runperson, runs_runpartition, runs_run"
        cursor.execute(f"TRUNCATE {tables}, enrollment_coveragedependent, enrollment_coveragefund")
    run(fresh_database, order, now=NOW)
    for table, rows in contents(fresh_database).items():
        assert rows.equals(interrupted[table]), table
