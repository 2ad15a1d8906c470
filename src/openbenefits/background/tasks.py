"""What the queue calls (procrastinate finds it by its name in the migration's trigger)."""

from django.db import connections
from django.utils import timezone
from procrastinate.contrib.django import app

from openbenefits.adhoc.scheduling import send_due
from openbenefits.background.services import perform


@app.task(name="openbenefits.perform", queue="requests")
def perform_request(request: int) -> None:
    """Do what somebody asked for."""
    perform(request, timezone.now)


@app.periodic(cron="15 5 * * *")
@app.task(name="openbenefits.reports_due", queue="requests", queueing_lock="reports due")
def send_reports(timestamp: int) -> None:
    """Send the reports that are due on the day; `timestamp` is when the queue meant to."""
    del timestamp
    send_due(connections["default"], today=timezone.localdate(), now=timezone.now())
