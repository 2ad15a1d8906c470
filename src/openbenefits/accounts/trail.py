"""The audit trail as it is read: by person, user, client, kind and time."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import polars as pl

from openbenefits.accounts.models import AuditEntry, User

MOST = 5_000
"""Entries that one answer holds: the newest."""
KINDS = ("saw", "did", "refused")
ENTRIES: dict[str, Any] = {
    "entry": pl.Int64,
    "at": pl.Datetime("us", "UTC"),
    "user": pl.String,
    "client_id": pl.Int64,
    "person_id": pl.Int64,
    "on_behalf_of": pl.Int64,
    "kind": pl.String,
    "what": pl.String,
    "reason": pl.String,
}


@dataclass(frozen=True, kw_only=True)
class TrailOrder:
    """Whose entries, of which kind and days; None is everybody's, every kind, all days."""

    client_id: int | None = None
    person_id: int | None = None
    user: str | None = None
    kind: str | None = None
    since: date | None = None
    through: date | None = None


def trail_of(order: TrailOrder, *, most: int = MOST) -> tuple[pl.DataFrame, bool]:
    """List what was seen and done as ENTRIES, newest first, and whether there is more than `most`.

    Days are those of UTC. On_behalf_of and person_id are numbers of people; the face names them.
    """
    rows = AuditEntry.objects.all()
    exact = {"client_id": order.client_id, "person_id": order.person_id, "kind": order.kind or None}
    rows = rows.filter(**{name: value for name, value in exact.items() if value is not None})
    if order.user:
        rows = rows.filter(user__in=User.objects.filter(username__iexact=order.user))
    if order.since:
        rows = rows.filter(at__gte=_start(order.since))
    if order.through:
        rows = rows.filter(at__lt=_start(order.through + timedelta(days=1)))
    columns = ("pk", "at", "user__username", *list(ENTRIES)[3:])
    found = list(rows.order_by("-at", "-pk").values_list(*columns)[: most + 1])
    return pl.DataFrame(found[:most], schema=ENTRIES, orient="row"), len(found) > most


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
