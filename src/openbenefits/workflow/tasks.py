"""What the queue calls (procrastinate finds it by its name in the migration's triggers)."""

from django.db import connection
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from openbenefits.accounts import clock
from openbenefits.casework.codes import Job
from openbenefits.casework.quiet import quiet_at
from openbenefits.store.isolation import PEO
from openbenefits.workflow import looking, services
from openbenefits.workflow.scheduled import run_schedules
from openbenefits.workforce.models import Client

QUEUE = "workflow"


@app.task(
    name="openbenefits.look", queue=QUEUE, retry=RetryStrategy(max_attempts=looking.MOST_ATTEMPTS, wait=30)
)
def look(outbox: int) -> None:
    """Let channels look at what changed."""
    try:
        looking.look(connection, outbox, today=clock.today(), now=clock.now())
    finally:
        connection.close()


@app.task(name="openbenefits.retry", queue=QUEUE)
def retry(letter: int) -> None:
    """Do once more what could not be done."""
    try:
        services.retry(connection, letter, today=clock.today(), now=clock.now())
    finally:
        connection.close()


@app.task(name="openbenefits.schedules", queue=QUEUE, queueing_lock="schedules")
def schedules(timestamp: int) -> None:  # noqa: ARG001 - the queue gives it
    """Let scheduled channels look at the day, of the PEO and of every client; forget what is old."""
    try:
        quiet = quiet_at(Job.CHANNELS, clock.now())
        if quiet.is_everywhere:
            return
        clients = Client.objects.exclude(pk__in=quiet.clients).order_by("code")
        for client_id in (PEO, *clients.values_list("pk", flat=True)):
            run_schedules(connection, client_id, today=clock.today(), now=clock.now())
        services.forget(clock.now())
    finally:
        connection.close()
