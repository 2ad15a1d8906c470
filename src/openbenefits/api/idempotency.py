"""A POST that comes again with the same key is answered as before, and done once.

The answer is kept in the transaction of the request: both are there, or neither. What was refused changed
nothing and is not kept: it may be tried again.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse

from openbenefits.accounts.keys import Used
from openbenefits.api.models import Answer
from openbenefits.api.problems import Problem
from openbenefits.store import secrets

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT = timedelta(hours=24)
MOST_CHARACTERS = 255
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"


def key_of(request: HttpRequest) -> str | None:
    """Read the key of a POST.

    Errors: Problem for one that is empty, too long or not printable.
    """
    given = request.headers.get(HEADER)
    if given is None or request.method != "POST":
        return None
    if not given.strip() or len(given) > MOST_CHARACTERS or not (given.isascii() and given.isprintable()):
        raise Problem(
            422,
            "not-valid",
            f"expected 1 to {MOST_CHARACTERS} printable ASCII characters in {HEADER}, found others",
        )
    return given


def answered(used: Used, asked: bytes, key: str, *, now: datetime) -> HttpResponse | None:
    """Find what a request was answered that came before; hold the key until the transaction ends.

    Errors: Problem while the same request is being worked on, and where the key belongs to another request.
    """
    user_id = used.access.user_id
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [f"api {user_id} {key}"])
        (is_free,) = cursor.fetchone()
    if not is_free:
        raise Problem(
            409,
            "same-key-at-once",
            f"expected one request with this {HEADER} at a time, found another at work; wait for its answer",
            headers={"Retry-After": "2"},
        )
    Answer.objects.filter(user_id=user_id, made_at__lt=now - KEPT).delete()
    kept = Answer.objects.filter(user_id=user_id, idempotency_key=key).first()
    if kept is None:
        return None
    if bytes(kept.request_hash) != asked:
        raise Problem(
            422,
            "same-key-other-request",
            f"expected the request this {HEADER} came with first, found another; use a new key",
        )
    body = secrets.open_file(bytes(kept.body_sealed))
    response = HttpResponse(body, status=kept.status, content_type=kept.content_type)
    response[REPLAYED] = "true"
    return response


def keep(used: Used, asked: bytes, key: str, response: HttpResponse, *, now: datetime) -> None:
    """Keep what a request was answered."""
    Answer.objects.create(
        client_id=used.client_id,
        user_id=used.access.user_id,
        idempotency_key=key,
        request_hash=asked,
        status=response.status_code,
        content_type=response["Content-Type"],
        body_sealed=secrets.seal_file(response.content),
        made_at=now,
    )


def hash_of(request: HttpRequest) -> bytes:
    """Answer one number for what is asked: where, and with which body; before anything else reads it.

    Errors: RequestDataTooBig.
    """
    asked: Any = hashlib.sha256(request.get_full_path().encode())
    asked.update(b"\0")
    asked.update(body_of(request))
    digest: bytes = asked.digest()
    return digest


def body_of(request: HttpRequest) -> bytes:
    """Answer the body; of a form with files, its boundary, which each sender chooses anew, does not count."""
    boundary = request.content_params.get("boundary", "").encode()
    return request.body.replace(boundary, b"") if boundary else request.body


def forget(now: datetime) -> int:
    """Drop what is no longer answered again; answer how much."""
    count, _ = Answer.objects.filter(made_at__lt=now - KEPT).delete()
    return count
