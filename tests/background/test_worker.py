"""The worker as a process of its own: takes what waits, is the only one, ends what a worker before left."""

import os
import signal
import subprocess
import sys
import time
from datetime import date
from datetime import time as clock_time
from types import SimpleNamespace

import pytest
from django.db import connection
from tests.background.conftest import NOW

from openbenefits.accounts.clock import STANDS_ON
from openbenefits.accounts.services import access_of
from openbenefits.background.models import ProcessRequest
from openbenefits.background.services import ENDED, ask
from openbenefits.background.tasks import NIGHTLY, keep_carriers, keep_casework, perform_night
from openbenefits.background.worker import WorkerThere, the_only_worker, work
from openbenefits.casework.codes import Job
from openbenefits.casework.models import QuietHours, Ticket
from openbenefits.runs.models import Run
from openbenefits.store import use_database

SECONDS = 60


def start(url) -> subprocess.Popen:
    command = [sys.executable, "-m", "openbenefits.cli", "worker"]
    return subprocess.Popen(
        command,
        env=os.environ | {"DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(number: int) -> ProcessRequest:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        found = ProcessRequest.objects.get(pk=number)
        if found.state in ENDED:
            return found
        time.sleep(0.1)
    raise AssertionError(f"request {number} still {found.state}")


def test_a_worker_process_does_what_waits_and_ends_at_a_signal(users, pair, database, embedded_server):
    url = embedded_server.url(database.settings_dict["NAME"])
    use_database(url)
    access, mine = access_of(connection, users["specialist"]), pair[0].client_id
    asked = {"control": "events", "as_of": "2026-03-03"}
    waiting = ask(access, "run control", asked, client_id=mine, author="specialist", now=NOW)
    process = start(url)
    try:
        assert wait_for(waiting.pk).state == "done"
        other = ask(
            access, "resume", {"run": wait_for(waiting.pk).result["run"]}, client_id=mine, author="s", now=NOW
        )
        assert wait_for(other.pk).state == "done", "it hears of what is asked while it waits"
        second = start(url)
        said, _ = second.communicate(timeout=SECONDS)
        assert second.returncode == 1
        assert "expected no other worker of this database" in said
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=SECONDS)
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs")
        assert cursor.fetchone() == (0,), "what is done leaves the queue"
        cursor.execute("SELECT count(*) FROM procrastinate_workers")
        assert cursor.fetchone() == (0,)


def test_there_is_one_worker_of_a_database(users, database, embedded_server):
    use_database(embedded_server.url(database.settings_dict["NAME"]))
    other = connection.copy()
    with the_only_worker(other), pytest.raises(WorkerThere, match="found one"):
        work(connection, lambda: NOW, is_waiting=False)
    other.close()
    with the_only_worker(connection):
        pass


def test_jobs_of_every_hour_leave_a_client_whose_hours_are_quiet(users, pair, database, monkeypatch):
    monkeypatch.setenv(STANDS_ON, "2026-03-04")
    stated = {"category": "general", "priority": "low", "opened_by": "t", "opened_at": NOW, "changed_at": NOW}
    stated |= {"start_on": NOW.date()}
    marked = {"form": "task", "status": "complete", "is_marked": True}
    gone = {"form": "case", "status": "new", "about_kind": "carrier file waits"}
    for one in pair:
        stated |= {"client_id": one.client_id, "about_key": f"99999{one.client_id}"}
        Ticket.objects.create(subject="done", **stated, **marked)
        Ticket.objects.create(subject="sent", cause="waits: released", **stated, **gone)
    for job, do, is_over in (
        (Job.CASEWORK, keep_casework, {"subject": "done", "deleted_at__isnull": False}),
        (Job.CARRIERS, keep_carriers, {"subject": "sent", "done_at__isnull": False}),
    ):
        quiet = QuietHours.objects.create(
            job=job, client_id=pair[0].client_id, begins=clock_time(), ends=clock_time()
        )
        do.func(timestamp=0)
        over = Ticket.objects.filter(**is_over).values_list("client_id", flat=True)
        assert list(over) == [pair[1].client_id], job
        quiet.delete()
        do.func(timestamp=0)
        assert set(over.all()) == {one.client_id for one in pair}, job


def test_a_night_carries_out_what_is_due_of_every_client(users, pair, database, embedded_server, monkeypatch):
    url = embedded_server.url(database.settings_dict["NAME"])
    use_database(url)
    monkeypatch.setenv(STANDS_ON, "2026-03-04")
    before = set(Run.objects.values_list("pk", flat=True))
    all_day = {"job": Job.NIGHT, "begins": clock_time(), "ends": clock_time()}
    quiet = QuietHours.objects.create(**all_day)
    perform_night.func(SimpleNamespace(should_abort=lambda: False), timestamp=0)
    assert not Run.objects.exclude(pk__in=before).exists(), "the house is quiet"
    QuietHours.objects.filter(pk=quiet.pk).update(client_id=pair[0].client_id)
    perform_night.func(SimpleNamespace(should_abort=lambda: False), timestamp=0)
    heard = Run.objects.exclude(pk__in=before).values_list("bundle_client", flat=True)
    assert set(heard) == {pair[1].client_id}, "one client is quiet; the next night takes it up"
    quiet.delete()
    perform_night.func(SimpleNamespace(should_abort=lambda: False), timestamp=0)
    begun = Run.objects.exclude(pk__in=before)
    assert {run.bundle_client for run in begun} == {one.client_id for one in pair}
    assert {(run.started_by, run.as_of) for run in begun} == {(NIGHTLY, date(2026, 3, 4))}
    perform_night.func(SimpleNamespace(should_abort=lambda: False), timestamp=0)
    assert begun.count() == Run.objects.exclude(pk__in=before).count(), "what has run is due no more"
