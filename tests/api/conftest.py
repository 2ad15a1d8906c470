"""The API as programs meet it: two enrolled clients, keys of each, and a browser without sessions."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser
from tests.runs.conftest import Employer, put_enrolled

from openbenefits.accounts.keys import make_key
from openbenefits.accounts.roles import Permission
from openbenefits.store import use_database
from openbenefits.workforce.models import Client, Person

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
API = "/api/v1"
MANY = 1_000_000
"""Requests a minute that no test reaches."""


@dataclass(frozen=True, kw_only=True)
class Filled:
    """What the database holds: employers by code, secrets by the name of a key."""

    employers: dict[str, Employer]
    secrets: dict[str, str]


@pytest.fixture(scope="module")
def filled(database: Any, kept: Any, tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """Two clients of 12 people, and keys: all scopes of each, reading only, and all scopes of every client."""

    def build() -> Filled:
        employers = {
            code: put_enrolled(tmp_path_factory.mktemp(code), code=code, people=12)
            for code in ("harbor", "quill")
        }
        everything = list(Permission)
        return Filled(
            employers=employers,
            secrets={
                code: _secret(employer.client_id, code, everything) for code, employer in employers.items()
            }
            | {
                "reading": _secret(employers["harbor"].client_id, "reading", [Permission.SEE]),
                "peo": _secret(0, "peo", everything),
            },
        )

    found: Filled = kept(database, "api", build)
    return found


def _secret(client_id: int, name: str, scopes: list[Permission]) -> str:
    return make_key(client_id, name, scopes, made_by="test", now=NOW, per_minute=MANY)[1]


@pytest.fixture
def as_face(database: Any, filled: Filled, embedded_server: Any) -> Iterator[Any]:
    """Let Django work as a web process does."""
    url = embedded_server.url(database.settings_dict["NAME"])
    use_database(url, as_face=True)
    yield database
    use_database(url)


class Program:
    """A program that asks with a key."""

    def __init__(self, secret: str | None) -> None:
        headers = {} if secret is None else {"HTTP_AUTHORIZATION": f"Bearer {secret}"}
        self.browser = Browser(HTTP_HOST="localhost", **headers)

    def get(self, path: str, **query: Any) -> Any:
        return self.browser.get(API + path, query)

    def post(self, path: str, said: Any = None, *, key: str | None = None, **headers: str) -> Any:
        named = headers if key is None else headers | {"HTTP_IDEMPOTENCY_KEY": key}
        body = json.dumps({} if said is None else said)
        return self.browser.post(API + path, body, content_type="application/json", **named)

    def send(self, path: str, name: str, content: bytes) -> Any:
        file = SimpleUploadedFile(name, content)
        return self.browser.post(API + path, {"file": file})

    def delete(self, path: str) -> Any:
        return self.browser.delete(API + path)


@pytest.fixture
def harbor(filled: Filled, as_face: Any) -> Program:
    """A key of the client harbor that may everything."""
    return Program(filled.secrets["harbor"])


@pytest.fixture
def quill(filled: Filled, as_face: Any) -> Program:
    """A key of another client."""
    return Program(filled.secrets["quill"])


def whole(program: Program, path: str, *, limit: int = 500, **query: Any) -> list[dict[str, Any]]:
    """Read a list to its end, page by page."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = program.get(path, limit=limit, **query, **cursor)
        assert answer.status_code == 200, answer.content
        page = answer.json()
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


def person_of(code: str, place: int = 0) -> int:
    """Answer the id of somebody of a client."""
    return Person.objects.filter(client__code=code).order_by("pk").values_list("pk", flat=True)[place]


def clients() -> list[str]:
    return list(Client.objects.order_by("code").values_list("code", flat=True))
