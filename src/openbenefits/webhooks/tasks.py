"""What the queue calls (procrastinate finds it by its name in the migration's triggers)."""

from datetime import datetime

from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django import app

from openbenefits.webhooks import services

QUEUE = "webhooks"


@app.task(name="openbenefits.spread", queue=QUEUE)
def spread(outbox: int) -> None:
    """Make deliveries of what changed, and have them sent."""
    for subscription in services.spread(outbox, now=timezone.now()):
        _later(subscription, None)


@app.task(name="openbenefits.deliver", queue=QUEUE)
def deliver(subscription: int) -> None:
    """Send what waits for a subscription, now and when it is time to try again."""
    again = services.deliver(subscription, clock=timezone.now, is_local=settings.IS_LOCAL)
    if again is not None:
        _later(subscription, again)


@app.periodic(cron="17 3 * * *")
@app.task(name="openbenefits.forget", queue=QUEUE)
def forget(timestamp: int) -> None:
    """Drop what ended long ago, every night."""
    del timestamp
    services.forget(timezone.now())


def _later(subscription: int, at: datetime | None) -> None:
    """Have a subscription delivered: one at a time, so that it stays in order."""
    deliver.configure(lock=f"webhooks {subscription}", schedule_at=at).defer(subscription=subscription)
