"""Use cases of webhooks: subscribe (faces); spread what changed, deliver it in order (worker)."""

import json
import secrets as randomness
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import connection, transaction

from openbenefits.store import secrets
from openbenefits.store.isolation import PEO
from openbenefits.webhooks.models import Delivery, Outbox, Subscription
from openbenefits.webhooks.sending import Sent, refuse_address, send
from openbenefits.workforce.models import Client

MOST_IDS = 500
"""Ids in one delivery."""
MOST_ATTEMPTS = 12
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=6)
KEPT = timedelta(days=30)
MOST_SUBSCRIPTIONS = 20
PREFIX = "whsec_"


class Change(StrEnum):
    """What may be subscribed to."""

    EVENTS = "events"  # steps of events: ids are of events
    ELECTIONS = "elections"  # elections submitted or withdrawn: ids are of events
    COVERAGE = "coverage"  # change points written or superseded: ids are of people
    RUNS = "runs"  # runs started, ended, held, taken back: ids are of runs


class State(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"  # given up after MOST_ATTEMPTS, or its subscription ended; somebody may order it again


class SubscriptionRefused(ValueError):
    """A subscription or redelivery that cannot be: what was expected, what was found, what to change."""


# --- faces --------------------------------------------------------------------------------------------------


def subscribe(
    client_id: int, url: str, kinds: Iterable[Change], *, made_by: str, now: datetime, is_local: bool
) -> tuple[Subscription, str]:
    """Subscribe an address of a client to kinds of change; answer it with its secret, shown only now.

    Errors: AddressRefused; SubscriptionRefused without a kind, for one that stands, and above the most.
    """
    refuse_address(url, is_local=is_local)
    stated = sorted({str(Change(kind)) for kind in kinds})
    if not stated:
        raise SubscriptionRefused(f"expected one of {', '.join(Change)}, found none; state at least one")
    standing = Subscription.objects.filter(client_id=client_id, ended_at__isnull=True)
    if standing.filter(url=url).exists():
        raise SubscriptionRefused("expected a new address, found one that is subscribed; end that one first")
    if standing.count() >= MOST_SUBSCRIPTIONS:
        raise SubscriptionRefused(
            f"expected at most {MOST_SUBSCRIPTIONS} subscriptions, found as many; end one"
        )
    secret = PREFIX + randomness.token_urlsafe(32)
    made = Subscription.objects.create(
        client_id=client_id,
        url=url,
        kinds=stated,
        secret_sealed=secrets.seal_file(secret.encode()),
        made_by=made_by,
        made_at=now,
    )
    return made, secret


def end_subscription(subscription: Subscription, *, ended_by: str, now: datetime) -> None:
    """End a subscription; what still waits for it is not sent."""
    Subscription.objects.filter(pk=subscription.pk, ended_at__isnull=True).update(
        ended_by=ended_by, ended_at=now
    )
    Delivery.objects.filter(subscription_id=subscription.pk, state=State.WAITING).update(
        state=State.DEAD, told="the subscription has ended", ended_at=now
    )


def redeliver(delivery: Delivery, *, now: datetime) -> None:
    """Order a delivery once more, whatever became of it; a trigger queues it.

    Errors: SubscriptionRefused where it waits anyway, or its subscription has ended.
    """
    if not Subscription.objects.filter(pk=delivery.subscription_id, ended_at__isnull=True).exists():
        raise SubscriptionRefused(
            "expected a subscription that stands, found one that has ended; make a new one"
        )
    again = Delivery.objects.filter(pk=delivery.pk).exclude(state=State.WAITING)
    if not again.update(state=State.WAITING, attempts=0, next_at=now, ended_at=None):
        raise SubscriptionRefused(
            "expected a delivery that has ended, found one that waits; it is sent anyway"
        )


# --- the worker ---------------------------------------------------------------------------------------------


def spread(outbox_id: int, *, now: datetime) -> list[int]:
    """Make of a row of the outbox its deliveries; answer the subscriptions that have something waiting."""
    with transaction.atomic():
        row = Outbox.objects.select_for_update().get(pk=outbox_id)
        wanted = Subscription.objects.filter(
            client_id__in=(PEO, row.client), kinds__contains=[row.change], ended_at__isnull=True
        )
        numbers = list(wanted.order_by("pk").values_list("pk", flat=True))
        deliveries = [_delivery(row, number, part, now) for number in numbers for part in _parts(row.ids)]
        Delivery.objects.bulk_create(deliveries, ignore_conflicts=True, batch_size=1_000)
    return numbers


def _parts(ids: Sequence[str]) -> range:
    return range((len(ids) + MOST_IDS - 1) // MOST_IDS)


def _delivery(row: Outbox, subscription_id: int, part: int, now: datetime) -> Delivery:
    return Delivery(
        client_id=row.client,
        subscription_id=subscription_id,
        outbox_id=row.pk,
        part=part,
        change=row.change,
        records=len(_ids(row, part)),
        next_at=now,
        made_at=now,
    )


def _ids(row: Outbox, part: int) -> list[str]:
    return list(row.ids[part * MOST_IDS : (part + 1) * MOST_IDS])


Clock = Callable[[], datetime]


def deliver(subscription_id: int, *, clock: Clock, is_local: bool) -> datetime | None:
    """Send what waits for a subscription, in order, until something is not taken; answer when to go on.

    A delivery that was not taken is tried again, later each time, and holds back those after it; after
    MOST_ATTEMPTS it is dead, and they go on.

    Missing: None where nothing waits any more.
    """
    while True:
        subscription = Subscription.objects.filter(pk=subscription_id, ended_at__isnull=True).first()
        if subscription is None:
            return None
        waiting = Delivery.objects.filter(subscription_id=subscription_id, state=State.WAITING)
        first = waiting.order_by("pk").first()
        if first is None:
            return None
        if first.next_at > clock():
            next_at: datetime = first.next_at
            return next_at
        _attempt(subscription, first, clock(), is_local=is_local)


def _attempt(subscription: Subscription, delivery: Delivery, now: datetime, *, is_local: bool) -> None:
    row = Outbox.objects.filter(pk=delivery.outbox_id).first()
    if row is None:
        came = Sent(is_taken=False, told="what changed is no longer kept")
        delivery.attempts = MOST_ATTEMPTS
    else:
        came = send(
            subscription.url,
            body_of(row, delivery),
            secret=secrets.open_file(bytes(subscription.secret_sealed)),
            delivery=str(delivery.pk),
            attempt=delivery.attempts + 1,
            now=now,
            is_local=is_local,
        )
        delivery.attempts += 1
    delivery.told = came.told
    if came.is_taken:
        delivery.state, delivery.ended_at = State.DELIVERED, now
    elif delivery.attempts >= MOST_ATTEMPTS:
        delivery.state, delivery.ended_at = State.DEAD, now
    else:
        delivery.next_at = now + wait_after(delivery.attempts)
    delivery.save(update_fields=["state", "attempts", "told", "next_at", "ended_at"])


def wait_after(attempts: int) -> timedelta:
    """Answer how long to wait after so many attempts: twice as long each time.

    >>> [wait_after(number).total_seconds() for number in (1, 2, 20)]
    [30.0, 60.0, 21600.0]
    """
    return min(FIRST_WAIT * 2 ** min(attempts - 1, 20), LONGEST_WAIT)


LINKS = {
    Change.EVENTS: "/api/v1/clients/{client}/events/{id}",
    Change.ELECTIONS: "/api/v1/clients/{client}/events/{id}/elections",
    Change.COVERAGE: "/api/v1/clients/{client}/people/{id}/coverage",
    Change.RUNS: "/api/v1/clients/{client}/runs/{id}",
}


def body_of(row: Outbox, delivery: Delivery) -> bytes:
    """Write what is sent: ids and links, nobody's data."""
    client = Client.objects.filter(pk=row.client).values_list("code", flat=True).first() or str(row.client)
    link = LINKS[Change(row.change)]
    said: dict[str, Any] = {
        "delivery": delivery.pk,
        "change": row.change,
        "client": client,
        "run": row.run_id,
        "changed_at": row.made_at.isoformat(),
        "records": [
            {"id": one, "link": link.format(client=client, id=one)} for one in _ids(row, delivery.part)
        ],
    }
    return json.dumps(said, separators=(",", ":")).encode()


def forget(now: datetime) -> int:
    """Drop what ended long ago; answer how many deliveries."""
    count, _ = Delivery.objects.filter(ended_at__lt=now - KEPT).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM webhooks_outbox AS o WHERE o.made_at < %s
              AND NOT EXISTS (SELECT 1 FROM webhooks_delivery AS d WHERE d.outbox_id = o.id)
            """,
            [now - KEPT],
        )
    return count
