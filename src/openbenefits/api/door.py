"""Where programs come in: by key, so often a minute, each request one transaction with the key's rights."""

import http
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.middleware.http import ConditionalGetMiddleware
from django.utils import timezone
from django.utils.cache import patch_cache_control

from openbenefits.accounts.approvals import propose
from openbenefits.accounts.keys import Used, use_key
from openbenefits.accounts.services import note, working
from openbenefits.api import idempotency, problems
from openbenefits.api.problems import Problem
from openbenefits.core.pipelines import Pipeline
from openbenefits.store.arriving import arriving

API = "/api/v1/"
OPEN = (f"{API}openapi.json", f"{API}reference")
"""What describes the API is for everybody."""
BEARER = "Bearer "
APPROVAL = "Approval-Reason"
"""The header that asks for an approval where the client wants one, with the reason."""

Answer = Callable[[HttpRequest], HttpResponse]


def door_middleware(get_response: Answer) -> Answer:
    """Let requests for the API in by their key, and nobody by a session."""
    conditional = ConditionalGetMiddleware(get_response)  # ETag, and 304 where nothing has changed

    def answer(request: Any) -> HttpResponse:
        if not request.path.startswith(API):
            return get_response(request)
        if request.path in OPEN:
            return _in_our_form(request, get_response(request))
        try:
            return conditional.process_response(request, _private(_with_key(request, get_response)))
        except Exception as fault:
            return _private(problems.answer(request, problems.of(fault)))

    return answer


def _with_key(request: Any, get_response: Answer) -> HttpResponse:
    now = timezone.now()
    used = _used(request, now)
    request.used, request.access, request.now = used, used.access, now
    request.refused_of = None
    with working(connection, used.access), arriving(connection, Pipeline.API):
        response = _once(used, request, get_response, now)
        if response.status_code >= http.HTTPStatus.BAD_REQUEST:
            transaction.set_rollback(True)
    if response.status_code == http.HTTPStatus.FORBIDDEN and request.refused_of is not None:
        _note_refusal(used, request, now)
    if getattr(request, "matter", None) is not None and APPROVAL in request.headers:
        return _ask_for_approval(used, request, now)
    return response


def _ask_for_approval(used: Used, request: Any, now: datetime) -> HttpResponse:
    """Ask another user to approve what the client wants approved; what was asked for is not done yet."""
    reason = request.headers[APPROVAL]
    with working(connection, used.access):
        proposal = propose(used.access, request.matter, reason=reason, now=now)
    told = f"proposal {proposal.pk} waits for another user's approval; send the same request again after it"
    return problems.answer(request, Problem(409, "approval-asked", told))


def _used(request: HttpRequest, now: datetime) -> Used:
    """Find the key of a request.

    Errors: Problem without one, with one nobody has, and beyond what it may ask in a minute.
    """
    given = request.headers.get("Authorization", "")
    used = use_key(connection, given[len(BEARER) :], now=now) if given.startswith(BEARER) else None
    if used is None:
        raise Problem(
            401,
            "no-key",
            "expected `Authorization: Bearer` with a key that stands, found none; an administrator makes one",
            headers={"WWW-Authenticate": 'Bearer realm="openbenefits"'},
        )
    if used.is_over:
        raise Problem(
            429,
            "too-many-requests",
            f"expected at most {used.per_minute} requests a minute with this key, found more; wait a minute",
            headers={"Retry-After": "60"},
        )
    return used


def _once(used: Used, request: HttpRequest, get_response: Answer, now: datetime) -> HttpResponse:
    """Answer a request, or as before if it came before."""
    key = idempotency.key_of(request)
    if key is None:
        return _in_our_form(request, get_response(request))
    asked = idempotency.hash_of(request)
    known = idempotency.answered(used, asked, key, now=now)
    if known is not None:
        return known
    response = _in_our_form(request, get_response(request))
    if response.status_code < http.HTTPStatus.BAD_REQUEST:
        idempotency.keep(used, asked, key, response, now=now)
    return response


def _in_our_form(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Answer what the framework refuses as a problem, too."""
    is_ours = response.headers.get("Content-Type", "").startswith(problems.CONTENT_TYPE)
    if response.status_code < http.HTTPStatus.BAD_REQUEST or is_ours:
        return response
    problem = problems.answer(request, problems.of_status(response.status_code))
    if "Allow" in response.headers:
        problem["Allow"] = response["Allow"]
    return problem


def _private(response: HttpResponse) -> HttpResponse:
    """Let nobody on the way keep what is answered."""
    patch_cache_control(response, private=True, no_cache=True)
    return response


def _note_refusal(used: Used, request: Any, now: datetime) -> None:
    with working(connection, used.access):
        what = f"api {request.method.lower()}"
        note(used.access, "refused", what, client_id=request.refused_of, now=now)
