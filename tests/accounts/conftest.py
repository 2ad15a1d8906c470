"""Two clients beside one another, both enrolled, and the role that web processes work as."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from tests.runs.conftest import Employer, put_enrolled

from openbenefits.store import use_database
from openbenefits.store.server import Server

Pair = tuple[Employer, Employer]


@pytest.fixture(scope="module")
def pair(kept: Any, database: Any, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """Two clients, of 12 people each."""

    def build() -> Pair:
        folder = tmp_path_factory.mktemp("pair")
        harbor, quill = (put_enrolled(folder / code, code=code, people=12) for code in ("harbor", "quill"))
        return harbor, quill

    made: Pair = kept(database, "pair", build)
    return made


@pytest.fixture
def as_face(database: Any, embedded_server: Server) -> Iterator[Any]:
    """Let Django work as a web process does."""
    url = embedded_server.url(database.settings_dict["NAME"])
    use_database(url, as_face=True)
    yield database
    use_database(url)


@pytest.fixture
def owner(database: Any, embedded_server: Server) -> Iterator[psycopg.Connection]:
    """A session of the tables' owner, beside Django's."""
    with psycopg.connect(embedded_server.url(database.settings_dict["NAME"])) as session:
        yield session
        session.rollback()


@contextmanager
def undone(session: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """Try something in a transaction that is given up."""
    try:
        yield session
    finally:
        session.rollback()
