"""What the queue calls (procrastinate finds it by its name in the migration's trigger)."""

from django.db import connection
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from openbenefits.accounts import clock
from openbenefits.platform import hints
from openbenefits.platform.client.faults import PlatformFault
from openbenefits.platform.connecting import NotLinked
from openbenefits.platform.exchange import Busy, Work, sync

AUTHOR = "payroll platform"
AGAIN = RetryStrategy(max_attempts=5, exponential_wait=60, retry_exceptions=[Busy, PlatformFault])


@app.task(name="openbenefits.platform_hint", queue="requests", retry=AGAIN)
def read_on(hint: int) -> None:
    """Take in what changed at the platform, because it said that something did."""
    try:
        client_id = hints.begin(hint, now=clock.now())
        if client_id is not None:
            follow(client_id)
    finally:
        connection.close()


def follow(client_id: int) -> None:
    """Take in what changed of a client there; one that is linked no more is left alone.

    Errors: Busy, those of `client.faults`: it is tried again later.
    """
    work = Work(
        connection=connection,
        client_id=client_id,
        author=AUTHOR,
        today=clock.today(),
        clock=clock.now,
    )
    try:
        sync(work)
    except NotLinked:
        return
