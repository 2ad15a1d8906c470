"""What a night does beside its runs: overrides that expire, reminders, duties of COBRA, balances left."""

import logging
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

from openbenefits.compliance.cobra.services import record_duties
from openbenefits.enrollment import overrides
from openbenefits.payroll.open_balances import keep_open_balances
from openbenefits.reports.reminding import remind_due
from openbenefits.workforce.models import Client

log = logging.getLogger(__name__)


def expire_all(
    connection: Any, clients: Iterable[Client], *, on: date, now: datetime, author: str
) -> dict[str, int]:
    """Withdraw overrides whose last day has passed; answer how many, by client."""

    def work(client: Client) -> int:
        return overrides.expire_due(connection, client.pk, on, author=author, now=now)[0]

    return _each(clients, "overrides that expire", work)


def remind_all(
    connection: Any, clients: Iterable[Client], *, on: date, now: datetime, author: str
) -> dict[str, int]:
    """Remind everybody due of what is missing; answer how many letters, by client."""

    def work(client: Client) -> int:
        return remind_due(connection, client.pk, on=on, now=now, author=author)["letters"]

    return _each(clients, "reminders", work)


def record_losses(connection: Any, clients: Iterable[Client], *, on: date, now: datetime) -> dict[str, int]:
    """Write down the duties that losses of coverage bring; answer how many were written, by client."""

    def work(client: Client) -> int:
        return record_duties(connection, client.pk, as_of=on, now=now).height

    return _each(clients, "duties to tell of COBRA", work)


def look_at_balances(connection: Any, clients: Iterable[Client], *, on: date) -> dict[str, int]:
    """Keep the balances that are left, for the first page; answer of how many people, by client."""

    def work(client: Client) -> int:
        return keep_open_balances(connection, client.pk, on=on)

    return _each(clients, "balances", work)


def _each(clients: Iterable[Client], what: str, work: Callable[[Client], int]) -> dict[str, int]:
    """Do something for each client; one that fails stops no other, and is tried again the next night."""
    done = {}
    for client in clients:
        try:
            done[client.code] = work(client)
        except Exception as fault:
            log.error("%s of client %s: %s", what, client.pk, type(fault).__name__)
    return done
