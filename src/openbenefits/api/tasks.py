"""What the queue calls every night."""

from django.utils import timezone
from procrastinate.contrib.django import app

from openbenefits.api import idempotency


@app.periodic(cron="27 3 * * *")
@app.task(name="openbenefits.forget_answers", queue="webhooks")
def forget_answers(timestamp: int) -> None:
    """Drop answers that are no longer given again."""
    del timestamp
    idempotency.forget(timezone.now())
