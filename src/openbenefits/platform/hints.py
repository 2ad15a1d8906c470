"""What the platform sends to our address when something changed there: a hint to read, and nothing more.

Its deliveries are neither signed nor described by its vendor, so nothing they say is believed. The address
itself is signed, one for each client of ours; whoever posts to it lets the worker read on from our own mark.
Sent twice, or a thousand times, it is one hint until the worker has gone to read.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, Signer

from openbenefits.platform.models import Hint, Link
from openbenefits.store.isolation import Rights, acting

PLACE = "hooks/platform"
_SALT = "openbenefits.platform.hook"


class NoHook(LookupError):
    """An address we gave nobody."""


def address_of(link: Link) -> str:
    """Answer the address at which the platform tells of changes to a client."""
    return f"{settings.PUBLIC_URL}/{PLACE}/{token_of(link.client_id, link.connection_id)}"


def token_of(client_id: int, connection_id: int) -> str:
    """Answer the signed end of an address; another one once the client is linked elsewhere."""
    return Signer(salt=_SALT, sep="~").sign(f"{client_id}-{connection_id}")


def client_of(token: str) -> tuple[int, int]:
    """Answer the client and connection a signed address is for.

    Errors: NoHook.
    """
    try:
        client_id, connection_id = Signer(salt=_SALT, sep="~").unsign(token).split("-")
    except (BadSignature, ValueError):
        raise NoHook("expected an address we gave the platform, found another") from None
    return int(client_id), int(connection_id)


KEEP = """
INSERT INTO platform_hint (client_id, received_at)
SELECT client_id, %(now)s FROM platform_link
WHERE client_id = %(client)s AND connection_id = %(connection)s
ON CONFLICT DO NOTHING
"""


def take_hint(connection: Any, token: str, *, now: datetime) -> bool:
    """Keep a hint for the worker; answer whether it is a new one.

    Missing: a hint for a client that is linked elsewhere by now is nothing new.
    Errors: NoHook.
    """
    client_id, connection_id = client_of(token)
    asked = {"client": client_id, "connection": connection_id, "now": now}
    rights = Rights(user_id=0, reads=(client_id,), writes=(client_id,))
    with acting(connection, rights), connection.cursor() as cursor:
        cursor.execute(KEEP, asked)
        return bool(cursor.rowcount)


def begin(hint_id: int, *, now: datetime) -> int | None:
    """Say that the worker goes to read, from when on a hint is a new one; answer the client to read of.

    Missing: none where the hint is gone.
    """
    Hint.objects.filter(pk=hint_id, taken_at__isnull=True).update(taken_at=now)
    return Hint.objects.filter(pk=hint_id).values_list("client_id", flat=True).first()
