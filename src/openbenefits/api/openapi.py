"""The API as a whole, and its description: problems, keys and idempotency are the same everywhere."""

from functools import cached_property
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.security import HttpBearer

from openbenefits import __version__
from openbenefits.accounts.approvals import ApprovalWanted
from openbenefits.api import idempotency, problems

DESCRIPTION = """Benefits administration for programs: everything the screens can do.

Keys: `Authorization: Bearer ob_…`, made by `openbenefits user key`; a key is of one client (or of all) and
may what its scopes say. Days are ISO dates, amounts whole cents. Lists go on with `cursor`. What is asked for
by POST with an `Idempotency-Key` is done once and answered the same for a day. Long work is answered 202 with
a link to follow. Errors are problem details (RFC 9457) with a stable `type`.
"""
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {
            "type": "string",
            "description": "A stable code.",
            "examples": [problems.CODE + "not-found"],
        },
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "Who, expected, found, what to change."},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "Of a request that is not valid: each field, and what was expected.",
            "items": {
                "type": "object",
                "required": ["field", "expected"],
                "properties": {"field": {"type": "string"}, "expected": {"type": "string"}},
            },
        },
    },
}
ALWAYS = {
    "400": "The request cannot be read.",
    "401": "There is no key, or none that stands.",
    "403": "The key may not do that.",
    "404": "There is no such record, or it is another client's.",
    "409": "It cannot be done as things stand; the detail says why and what to change.",
    "413": "The request is too large.",
    "422": "Something in the request is not valid.",
    "429": "Too many requests in one minute.",
}
KEY_PARAMETER = {
    "in": "header",
    "name": idempotency.HEADER,
    "required": False,
    "description": "A request that comes again with it within a day is done once, and answered the same.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[A-Za-z0-9_-]+$"},
}


class Key(HttpBearer):
    """The door has let the request in by its key; here it is only described."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """Answer what the key may."""
        del token
        return getattr(request, "used", None)


class Api(NinjaAPI):
    """The API: what goes wrong is a problem, and its description says so."""

    def on_exception(self, request: HttpRequest, exc: Any) -> HttpResponse:
        """Answer anything raised as a problem."""
        if isinstance(exc, ApprovalWanted):
            request.matter = exc.matter  # type: ignore[attr-defined]
        return problems.answer(request, problems.of(exc))

    @cached_property
    def described(self) -> OpenAPISchema:
        """The description, made once."""
        made = super().get_openapi_schema(path_prefix="api/v1/")
        for operations in made["paths"].values():
            for method, operation in operations.items():
                _describe(method, operation)
        made["components"]["schemas"]["Problem"] = PROBLEM
        made["info"]["license"] = {"name": "see the repository"}
        return made

    def get_openapi_schema(self, **_: Any) -> OpenAPISchema:
        """Answer the description."""
        return self.described


def _describe(method: str, operation: dict[str, Any]) -> None:
    shape = {"schema": {"$ref": "#/components/schemas/Problem"}}
    for status, words in ALWAYS.items():
        refusal = {"description": words, "content": {problems.CONTENT_TYPE: shape}}
        operation["responses"].setdefault(status, refusal)
    if method == "post":
        operation["parameters"] = [*operation.get("parameters", []), KEY_PARAMETER]
    operation["responses"] = {str(status): said for status, said in operation["responses"].items()}


api = Api(
    title="openbenefits",
    version=__version__,
    description=DESCRIPTION,
    docs_url=None,
    auth=Key(),
    urls_namespace="api",
)
