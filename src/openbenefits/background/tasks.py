"""What the queue calls (procrastinate finds it by its name in the migration's trigger)."""

from django.utils import timezone
from procrastinate.contrib.django import app

from openbenefits.background.services import perform


@app.task(name="openbenefits.perform", queue="requests")
def perform_request(request: int) -> None:
    """Do what somebody asked for."""
    perform(request, timezone.now)
