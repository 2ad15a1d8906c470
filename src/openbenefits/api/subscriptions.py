"""Who wants to be told what changed, what became of telling them; keys, and who did what."""

from datetime import datetime
from typing import Any, Literal

from django.conf import settings
from ninja import Path, Query, Status
from pydantic import BaseModel, Field

from openbenefits.accounts.approvals import proposals_of
from openbenefits.accounts.models import ApiKey, AuditEntry
from openbenefits.accounts.roles import Permission
from openbenefits.api.naming import Desk, at
from openbenefits.api.paging import Page, Rows, page_of, slice_of
from openbenefits.api.problems import not_found
from openbenefits.api.routing import Routes
from openbenefits.api.shapes import Body, Code, Cursor, Id, Limit
from openbenefits.webhooks import models, services

router = Routes("webhooks")
SUBSCRIPTIONS = "/clients/{client}/subscriptions"
DELIVERIES = SUBSCRIPTIONS + "/{subscription_id}/deliveries"
CHANGES = Literal["events", "elections", "coverage", "runs"]


class NewSubscription(Body):
    """Where to be told of what."""

    url: str = Field(
        max_length=2000,
        pattern="^https?://[!-~]{1,1900}$",
        description="https; of a local installation also this machine by http.",
        examples=["https://example.com/hooks"],
    )
    changes: list[CHANGES] = Field(min_length=1, max_length=4)


class Subscription(BaseModel):
    """An address that is told of changes."""

    id: int
    url: str
    changes: list[str]
    made_by: str
    made_at: datetime
    ended_at: datetime | None


class Subscribed(Subscription):
    """A new subscription; the secret signs what is sent, and is shown only now."""

    secret: str


class Delivery(BaseModel):
    """A part of what changed, on its way: ids and links, nobody's data."""

    id: int
    change: str
    records: int
    state: Literal["waiting", "delivered", "dead"]
    attempts: int
    next_at: datetime
    told: str
    made_at: datetime
    ended_at: datetime | None


def _subscription(row: models.Subscription) -> dict[str, Any]:
    names = ("url", "made_by", "made_at", "ended_at")
    return {name: getattr(row, name) for name in names} | {"id": row.pk, "changes": list(row.kinds)}


def _delivery(row: models.Delivery) -> dict[str, Any]:
    return {name: getattr(row, name) for name in Delivery.model_fields}


def _find(desk: Desk, subscription_id: int) -> models.Subscription:
    found = models.Subscription.objects.filter(client_id=desk.client_id, pk=subscription_id).first()
    if found is None:
        raise not_found("a subscription", "correct the number; /subscriptions lists them")
    return found


@router.get(SUBSCRIPTIONS, response=Page[Subscription], summary="List subscriptions")
def list_subscriptions(request: Any, client: Path[Code], cursor: Cursor, limit: Limit) -> Any:
    """List where a client wants to be told of changes, ended ones too."""
    desk = at(request, client, Permission.SEE)
    rows = models.Subscription.objects.filter(client_id=desk.client_id)
    return page_of(rows, _subscription, cursor=cursor, limit=limit)


@router.post(SUBSCRIPTIONS, response={201: Subscribed}, summary="Subscribe to changes")
def subscribe(request: Any, client: Path[Code], said: NewSubscription) -> Any:
    """Be told of changes by signed POSTs with ids and links, in order, tried again for days."""
    desk = at(request, client, Permission.USERS)
    kinds = [services.Change(one) for one in said.changes]
    made, secret = services.subscribe(
        desk.client_id, said.url, kinds, made_by=desk.author, now=desk.now, is_local=settings.IS_LOCAL
    )
    desk.did("subscribe")
    return Status(201, _subscription(made) | {"secret": secret})


@router.delete(SUBSCRIPTIONS + "/{subscription_id}", response=Subscription, summary="End a subscription")
def end(request: Any, client: Path[Code], subscription_id: Path[Id]) -> Any:
    """End a subscription; what still waits for it is not sent."""
    desk = at(request, client, Permission.USERS)
    found = _find(desk, subscription_id)
    services.end_subscription(found, ended_by=desk.author, now=desk.now)
    desk.did("end subscription")
    found.refresh_from_db()
    return _subscription(found)


@router.get(DELIVERIES, response=Page[Delivery], summary="List deliveries")
def list_deliveries(
    request: Any,
    client: Path[Code],
    subscription_id: Path[Id],
    cursor: Cursor,
    limit: Limit,
    state: Literal["waiting", "delivered", "dead"] | None = Query(None),
) -> Any:
    """List what was sent to a subscription or waits, the last first; `told` says how it went."""
    desk = at(request, client, Permission.SEE)
    _find(desk, subscription_id)
    rows = models.Delivery.objects.filter(client_id=desk.client_id, subscription_id=subscription_id)
    if state is not None:
        rows = rows.filter(state=state)
    return page_of(rows, _delivery, cursor=cursor, limit=limit, is_last_first=True)


@router.post(DELIVERIES + "/{delivery_id}/redeliver", response=Delivery, summary="Send a delivery again")
def redeliver(request: Any, client: Path[Code], subscription_id: Path[Id], delivery_id: Path[Id]) -> Any:
    """Order a delivery once more, whatever became of it."""
    desk = at(request, client, Permission.USERS)
    _find(desk, subscription_id)
    rows = models.Delivery.objects.filter(client_id=desk.client_id, subscription_id=subscription_id)
    found = rows.filter(pk=delivery_id).first()
    if found is None:
        raise not_found("a delivery", "correct the number; the subscription lists them")
    services.redeliver(found, now=desk.now)
    desk.did("redeliver")
    found.refresh_from_db()
    return _delivery(found)


# --- keys, and who did what ---------------------------------------------------------------------------------


class Key(BaseModel):
    """A key of this client; its secret was shown once, when it was made."""

    name: str
    scopes: list[str]
    requests_a_minute: int
    made_by: str
    made_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None
    last_used_at: datetime | None


@router.get("/clients/{client}/keys", response=Page[Key], tags=["keys"], summary="List keys")
def list_keys(request: Any, client: Path[Code], cursor: Cursor, limit: Limit) -> Any:
    """List the keys of a client, ended ones too; they are made by `openbenefits user key`."""
    desk = at(request, client, Permission.USERS)
    rows = ApiKey.objects.filter(client_id=desk.client_id)
    plain = [name for name in Key.model_fields if name != "requests_a_minute"]
    return page_of(
        rows,
        lambda row: {name: getattr(row, name) for name in plain} | {"requests_a_minute": row.per_minute},
        cursor=cursor,
        limit=limit,
    )


@router.get(
    "/clients/{client}/approvals", response=Rows, tags=["keys"], summary="List what waits for approval"
)
def list_approvals(request: Any, client: Path[Code], cursor: Cursor, limit: Limit) -> Any:
    """List what one user prepared and another is to approve; people approve on screen, no key does."""
    desk = at(request, client, Permission.SEE)
    rows = proposals_of(desk.client_id, desk.now).drop("client_id", "prepared_by_id", strict=False)
    return slice_of(rows, cursor=cursor, limit=limit)


class Entry(BaseModel):
    """Who saw or did what, when, about whom, and why."""

    id: int
    at: datetime
    who: str | None
    kind: str
    what: str
    person_id: int | None
    reason: str


@router.get(
    "/clients/{client}/audit-trail", response=Page[Entry], tags=["keys"], summary="List the audit trail"
)
def list_trail(
    request: Any,
    client: Path[Code],
    cursor: Cursor,
    limit: Limit,
    person_id: Id | None = Query(None, description="Only what is about this person."),
) -> Any:
    """List who saw and did what at a client, the last first."""
    desk = at(request, client, Permission.AUDIT)
    rows = AuditEntry.objects.filter(client_id=desk.client_id).select_related("user")
    if person_id is not None:
        rows = rows.filter(person_id=person_id)
    plain = ("id", "at", "kind", "what", "person_id", "reason")

    def write(row: AuditEntry) -> dict[str, Any]:
        user = row.user
        who = None if user is None else user.first_name or user.username
        return {name: getattr(row, name) for name in plain} | {"who": who}

    return page_of(rows, write, cursor=cursor, limit=limit, is_last_first=True)
