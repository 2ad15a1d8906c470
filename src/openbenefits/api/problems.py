"""What went wrong, as problem details (RFC 9457): a stable code, the product's own words, what to change."""

import http
import json
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from django.core.exceptions import ObjectDoesNotExist, RequestDataTooBig, SuspiciousOperation
from django.db import DataError, IntegrityError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja.errors import HttpError, ValidationError

from openbenefits.accounts.services import NotAllowed
from openbenefits.core.faults import OWN, message_of
from openbenefits.repair.permissions import NotPermitted
from openbenefits.store.locks import NoTransaction
from openbenefits.store.sheets import FileRefused
from openbenefits.workforce.census import CensusRefused
from openbenefits.workforce.recording import PeopleBusy

CONTENT_TYPE = "application/problem+json"
CODE = "urn:openbenefits:problem:"
MOST_FIELDS = 50
log = logging.getLogger(__name__)

TITLES = {
    "not-understood": "The request was not understood",
    "no-key": "A key is needed",
    "not-allowed": "The key may not do that",
    "not-found": "There is no such record",
    "method-not-allowed": "This address has no such method",
    "not-acceptable": "It cannot be answered in that form",
    "conflict": "It cannot be done as things stand",
    "people-busy": "Somebody else is working on these people",
    "same-key-at-once": "The same request is being worked on",
    "same-key-other-request": "The idempotency key belongs to another request",
    "too-large": "The request is too large",
    "not-valid": "Something in the request is not valid",
    "file-refused": "The file was refused",
    "too-many-requests": "Too many requests in one minute",
    "approval-wanted": "Another user must approve it first",
    "approval-asked": "Another user was asked to approve it",
    "fault": "A fault of the program",
    "not-reachable": "The database cannot be reached",
}
"""Codes of our own, and what each is called; a refusal of a use case has the code of its kind besides."""


class Problem(Exception):
    """Something is answered as problem details."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        fields: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.fields, self.headers = fields, headers or {}


def not_found(what: str, cure: str) -> Problem:
    """Answer that something is not there, in the same words whether it is another client's or nobody's."""
    return Problem(404, "not-found", f"expected {what} of this client, found none; {cure}")


def answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    """Write a problem."""
    said: dict[str, Any] = {
        "type": CODE + problem.code,
        "title": TITLES.get(problem.code, TITLES["conflict"]),
        "status": problem.status,
        "detail": problem.detail,
        "instance": request.path,
    }
    if problem.fields:
        said["errors"] = list(problem.fields)
    body = json.dumps(said, ensure_ascii=False)
    response = HttpResponse(body, status=problem.status, content_type=CONTENT_TYPE)
    for name, value in problem.headers.items():
        response[name] = value
    return response


def of(fault: Exception) -> Problem:
    """Say of anything raised what it is to whoever asked."""
    if isinstance(fault, Problem):
        return fault
    if isinstance(fault, ValidationError):
        return _of_fields(fault)
    if isinstance(fault, NotAllowed | NotPermitted):
        return Problem(403, "not-allowed", str(fault))
    if isinstance(fault, Http404 | ObjectDoesNotExist):
        return not_found("a record", "correct the address")
    if isinstance(fault, PeopleBusy | NoTransaction):
        return Problem(409, "people-busy", message_of(fault), headers={"Retry-After": "5"})
    if isinstance(fault, CensusRefused | FileRefused):
        return Problem(422, "file-refused", message_of(fault))
    if isinstance(fault, RequestDataTooBig):
        return Problem(413, "too-large", "expected a request of at most 10 MB, found a larger one; split it")
    if isinstance(fault, HttpError):
        return of_status(fault.status_code, str(fault))
    return _of_product(fault)


def _of_product(fault: Exception) -> Problem:
    """Say what a use case refused, or what broke."""
    is_ours = type(fault).__module__.startswith(OWN)
    if isinstance(fault, LookupError) and (is_ours or type(fault) is LookupError):
        return Problem(404, "not-found", message_of(fault))
    if is_ours and isinstance(fault, ValueError | RuntimeError | PermissionError):
        return Problem(409, code_of(type(fault)), message_of(fault))
    if isinstance(fault, DataError | psycopg.DataError):
        return Problem(
            422, "not-valid", "expected values the database can hold, found one beyond; correct it"
        )
    if isinstance(fault, IntegrityError | psycopg.IntegrityError):
        return Problem(
            409, "conflict", "expected a record that fits those there are, found one that does not"
        )
    if isinstance(fault, OperationalError | psycopg.OperationalError):
        return Problem(503, "not-reachable", message_of(fault), headers={"Retry-After": "10"})
    if isinstance(fault, SuspiciousOperation):
        return Problem(400, "not-understood", "expected a request that can be read, found one that cannot")
    log.error("%s", message_of(fault), exc_info=fault)
    return Problem(500, "fault", message_of(fault))


def code_of(kind: type) -> str:
    """Answer the code of a kind of refusal.

    >>> code_of(type("DemandRefused", (), {}))
    'demand-refused'
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind.__name__).lower()


def of_status(status: int, detail: str = "") -> Problem:
    """Say what a bare status of the framework means."""
    codes = {
        400: "not-understood",
        401: "no-key",
        403: "not-allowed",
        404: "not-found",
        405: "method-not-allowed",
        406: "not-acceptable",
        413: "too-large",
        422: "not-valid",
        429: "too-many-requests",
    }
    code = codes.get(status, "fault" if status >= 500 else "conflict")
    words = detail or f"{http.HTTPStatus(status).phrase}: see /api/v1/reference"
    return Problem(status, code, words)


def _of_fields(fault: ValidationError) -> Problem:
    """Name each field that is wrong; what was found is not quoted, as it may be personal."""
    fields = [
        {"field": ".".join(map(str, _place(error["loc"]))), "expected": str(error["msg"]).replace("\x00", "")}
        for error in fault.errors[:MOST_FIELDS]
    ]
    names = ", ".join(dict.fromkeys(one["field"] for one in fields))
    detail = f"expected a request as /api/v1/reference describes it, found another in {names}; correct it"
    return Problem(422, "not-valid", detail, fields=fields)


def _place(place: Sequence[Any]) -> list[Any]:
    """Leave out the name a view gives the body: who asks does not know it."""
    kept = [part for part in place if part not in ("said", "function-after[", "asked")]
    return [str(part).encode("ascii", "replace").decode()[:80] for part in kept] or ["request"]
