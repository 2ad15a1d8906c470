"""Keys of programs: made, looked up by their secret, ended.

A key is a user of its own, who has no password and no role: what it did is in the audit trail under its name.
"""

import hashlib
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
from django.db import transaction

from openbenefits.accounts.models import ApiKey, User
from openbenefits.accounts.roles import Permission
from openbenefits.accounts.services import Access, access_of_key, note

PREFIX = "ob_"
SECRET_BYTES = 32
PER_MINUTE = 600
LONGEST = 120
_USED = "SELECT user_id, client_id, name, scopes, requests, per_minute FROM accounts_use_key(%s, %s)"


_MOMENT = pl.Datetime("us", "UTC")
KEYS: dict[str, Any] = {
    **dict.fromkeys(("name", "scopes"), pl.String),
    "per_minute": pl.Int32,
    "made_by": pl.String,
    **dict.fromkeys(("made_at", "expires_at", "last_used_at", "ended_at"), _MOMENT),
}


class KeyRefused(ValueError):
    """A key that cannot be made or ended: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class Used:
    """A key that came with a request.

    access: what it may. requests: how many it made in this minute, this one included, of `per_minute`.
    """

    name: str
    client_id: int
    access: Access
    requests: int
    per_minute: int

    @property
    def is_over(self) -> bool:
        return self.requests > self.per_minute


def make_key(
    client_id: int,
    name: str,
    scopes: Iterable[Permission],
    *,
    made_by: str,
    now: datetime,
    expires_at: datetime | None = None,
    per_minute: int = PER_MINUTE,
) -> tuple[ApiKey, str]:
    """Make a key of a client (0: of every one); answer it with its secret, which nothing shows again.

    Errors: KeyRefused without a name or a scope, for a name a standing key of the client has, or an end that
            has passed.
    """
    stated = sorted({str(scope) for scope in scopes})
    if not name.strip() or not stated:
        raise KeyRefused("expected a name and at least one scope, found none; state both")
    if expires_at is not None and expires_at <= now:
        raise KeyRefused("expected an end in the future, found one that has passed; state a later one")
    if ApiKey.objects.filter(client_id=client_id, name=name, ended_at__isnull=True).exists():
        raise KeyRefused(f"expected a new name, found the key '{name}'; choose another, or end that one")
    secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    with transaction.atomic():
        user = User.objects.create_user(_user_name(name), first_name=name[:LONGEST])
        made = ApiKey.objects.create(
            user=user,
            client_id=client_id,
            name=name,
            secret_hash=hashed(secret),
            scopes=stated,
            per_minute=per_minute,
            made_by=made_by,
            made_at=now,
            expires_at=expires_at,
        )
    return made, secret


def _user_name(name: str) -> str:
    """Answer the name of a key's user: `key` and its own, and what sets it apart where that is taken."""
    wanted = f"key {name}"[:LONGEST]
    is_taken = User.objects.filter(username=wanted).exists()
    return f"{wanted} {secrets.token_hex(4)}" if is_taken else wanted


def end_key(client_id: int, name: str, *, ended_by: str, now: datetime) -> bool:
    """End the standing key of that name; answer whether there was one."""
    standing = ApiKey.objects.filter(client_id=client_id, name=name, ended_at__isnull=True)
    return bool(standing.update(ended_by=ended_by, ended_at=now))


def scopes_to_give(access: Access, client_id: int) -> list[Permission]:
    """List what somebody may let a key of a client do: no more than he may himself; nothing without USERS."""
    if not access.may(Permission.USERS, client_id):
        return []
    return [one for one in Permission if access.may(one, client_id)]


@dataclass(frozen=True, kw_only=True)
class KeyOrder:
    """A key that somebody asks for; expires_at None: it holds until it is ended."""

    client_id: int
    name: str
    scopes: tuple[Permission, ...]
    expires_at: datetime | None = None
    per_minute: int = PER_MINUTE


def issue_key(access: Access, order: KeyOrder, *, author: str, now: datetime) -> str:
    """Make a key that may no more than whoever makes it; answer its secret, which nothing shows again.

    Errors: NotAllowed; KeyRefused as `make_key`, and for a scope above one's own.
    """
    access.require(Permission.USERS, order.client_id)
    if above := set(order.scopes) - set(scopes_to_give(access, order.client_id)):
        raise KeyRefused(
            f"expected scopes within your own rights, found {', '.join(sorted(above))}; leave them out"
        )
    made, secret = make_key(
        order.client_id,
        order.name,
        order.scopes,
        made_by=author,
        now=now,
        expires_at=order.expires_at,
        per_minute=order.per_minute,
    )
    _note(access, "issued a key", order.client_id, made.name, now)
    return secret


def close_key(access: Access, client_id: int, name: str, *, author: str, now: datetime) -> None:
    """End a key: nothing is answered to it any more.

    Errors: NotAllowed; KeyRefused where no key of that name stands.
    """
    access.require(Permission.USERS, client_id)
    if not end_key(client_id, name, ended_by=author, now=now):
        raise KeyRefused("expected a key that stands, found none of that name; look at the list again")
    _note(access, "ended a key", client_id, name, now)


def _note(access: Access, what: str, client_id: int, name: str, now: datetime) -> None:
    note(access, "did", what, client_id=client_id, reason=f"key '{name}'", now=now)


def keys_of(client_id: int) -> pl.DataFrame:
    """List the keys of a client (0: of every one), as KEYS, those that stand first; no secret is known."""
    found = ApiKey.objects.filter(client_id=client_id).order_by("-ended_at", "name", "made_at")
    rows = [
        {name: getattr(one, name) for name in KEYS if name != "scopes"} | {"scopes": ", ".join(one.scopes)}
        for one in found
    ]
    return pl.DataFrame(rows, schema=KEYS)


def use_key(connection: Any, secret: str, *, now: datetime) -> Used | None:
    """Find whose key a secret is, and count the request; a face need not know yet what it may.

    Missing: None for a secret nobody has, and for a key that has ended.
    """
    with connection.cursor() as cursor:
        cursor.execute(_USED, [hashed(secret), now])
        row = cursor.fetchone()
    if row is None:
        return None
    user_id, client_id, name, scopes, requests, per_minute = row
    return Used(
        name=name,
        client_id=client_id,
        access=access_of_key(user_id, client_id, json.loads(scopes)),
        requests=requests,
        per_minute=per_minute,
    )


def hashed(secret: str) -> bytes:
    """Answer what is kept of a secret: it is random and long, so that one round of SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).digest()
