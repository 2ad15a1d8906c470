"""What the queue calls (procrastinate finds the first by its name in the migration's trigger)."""

from datetime import UTC, datetime

from django.db import connection
from django.utils import timezone
from django.utils.timezone import localdate
from procrastinate import JobContext
from procrastinate.contrib.django import app

from openbenefits.background.services import perform
from openbenefits.repair.night import night
from openbenefits.workforce.models import Client

NIGHTLY = "nightly"
"""Who started what a night started."""


@app.task(name="openbenefits.perform", queue="requests", pass_context=True)
def perform_request(context: JobContext, request: int) -> None:
    """Do what somebody asked for; where the worker is to end, stop at the next step."""
    try:
        perform(request, timezone.now, is_ending=context.should_abort)
    finally:
        connection.close()  # the thread may be another one next time


@app.task(name="openbenefits.night", queue="requests", pass_context=True)
def perform_night(context: JobContext, timestamp: int) -> None:
    """Carry out everything due today, of every client; where the worker is to end, no further client.

    What holds a client is told by its work list and its runs. `timestamp` is when the queue was to begin it.
    """
    on = localdate(datetime.fromtimestamp(timestamp, UTC))
    try:
        clients = list(Client.objects.order_by("code"))
        for _ in night(connection, clients, on, now=timezone.now(), started_by=NIGHTLY):
            if context.should_abort():
                return
    finally:
        connection.close()
