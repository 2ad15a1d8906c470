"""The worker: one process that does what is asked for, two clients at once, each in its order.

A lock of its own session says that it is there. Whoever has it knows that nobody does any more what
a request or the queue calls running: the lock of a worker that broke off is gone with its session.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from procrastinate.contrib.django import app

from openbenefits.background.models import ProcessRequest
from openbenefits.background.services import Clock, State
from openbenefits.background.tasks import keep_carriers, keep_casework, perform_night, send_reports
from openbenefits.workflow.tasks import QUEUE as WORKFLOW
from openbenefits.workflow.tasks import schedules

QUEUE = "requests"
WEBHOOKS = "webhooks"
AT_ONCE = 2
"""Requests at once; the queue's lock keeps those of one client apart."""
SECONDS_TO_LOOK = 5.0
"""How often the queue is looked at, should a notification of the database be lost."""

WORKER = 0x0BE9
BROKEN_OFF = (
    "the worker broke off while it did this. What was committed stays: look at the last runs of the client; a"
    " run that is still running goes on with Resume. Ask again for anything else."
)


class WorkerThere(RuntimeError):
    """Another worker does what is asked of this database."""


@contextmanager
def the_only_worker(connection: Any) -> Iterator[None]:
    """Be the worker of a database while this lasts, and end what a worker before left.

    Errors: WorkerThere.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [WORKER])
        if not cursor.fetchone()[0]:
            raise WorkerThere(
                "expected no other worker of this database, found one; end it first, or let it do the work"
            )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [WORKER])


BEGUN_BY_NOBODY = """
SELECT j.id, coalesce(r.state = 'waiting', false) AS is_waiting
FROM procrastinate_jobs AS j LEFT JOIN background_processrequest AS r ON r.id = (j.args ->> 'request')::bigint
WHERE j.status = 'doing' AND j.queue_name = %s
"""


AGAIN = """
SELECT procrastinate_retry_job_v1(id, now(), NULL, NULL, NULL) FROM procrastinate_jobs
WHERE status = 'doing' AND queue_name = ANY(%s)
"""


def end_what_broke_off(connection: Any, *, now: datetime) -> int:
    """Refuse, in words, the requests a worker left running; free the queue of them. Answer how many.

    What it had taken from the queue and not begun is queued again, and so is what is told to
    subscribers and what channels look at: to do it twice makes nothing twice.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(BEGUN_BY_NOBODY, [QUEUE])
        for job, is_waiting in cursor.fetchall():
            if is_waiting:
                cursor.execute("SELECT procrastinate_retry_job_v1(%s, now(), NULL, NULL, NULL)", [job])
            else:
                cursor.execute("SELECT procrastinate_finish_job_v1(%s, 'failed', true)", [job])
        cursor.execute(AGAIN, [[WEBHOOKS, WORKFLOW]])
        left = ProcessRequest.objects.filter(state=State.RUNNING)
        return left.update(state=State.REFUSED, told=BROKEN_OFF, ended_at=now)


def work(connection: Any, clock: Clock, *, is_nightly: bool = False, is_waiting: bool = True) -> None:
    """Do what is asked for until a signal ends it (is_waiting), or until nothing is left to do.

    On SIGTERM or Ctrl-C what runs stops at its next step: what it committed stays. `is_nightly` carries out,
    at the hour of the setting NIGHT, what is due of every client. Reports due by mail go out at REPORTS_AT;
    tasks and cases are escalated and told of at CASEWORK_AT; carrier files are sent and answered for at
    CARRIERS_AT.

    Errors: WorkerThere.
    """
    with the_only_worker(connection):
        end_what_broke_off(connection, now=clock())
        if is_nightly:
            app.periodic(cron=settings.NIGHT)(perform_night)
        if is_waiting:
            app.periodic(cron=settings.REPORTS_AT)(send_reports)
            app.periodic(cron=settings.CASEWORK_AT)(keep_casework)
            app.periodic(cron=settings.CARRIERS_AT)(keep_carriers)
            app.periodic(cron=settings.CHANNELS_AT)(schedules)
        with app.replace_connector(app.connector.get_worker_connector()):  # type: ignore[attr-defined]
            app.run_worker(
                queues=[QUEUE, WEBHOOKS, WORKFLOW],
                concurrency=AT_ONCE + 2,  # a place each for what is told to subscribers, and for channels
                wait=is_waiting,
                fetch_job_polling_interval=SECONDS_TO_LOOK,
                shutdown_graceful_timeout=0,  # it is told to stop, and waited for
                delete_jobs="always",  # the request itself says what became of it
            )
