"""Filled databases, made once by whichever process of the tests comes first and copied by all."""

import hashlib
import os
import pickle
import tempfile
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.conninfo import conninfo_to_dict

from openbenefits.store import server

PREFIX = "test"


def owner_of_all() -> int:
    """The process that began the tests: this one, or the one whose worker this is."""
    return os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()


def fill(connection: BaseDatabaseWrapper, key: Hashable, build: Callable[[], Any]) -> Any:
    """Fill a blank database: by building what the key names, or by a copy of one so filled before.

    Answers what `build` answered when it was built, which must survive pickling.
    """
    running = server.Server(folder=Path(conninfo_to_dict(os.environ["DATABASE_URL"])["host"]))
    name = connection.settings_dict["NAME"]
    copy = f"{PREFIX}_{owner_of_all()}_kept_{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}"
    told = _folder() / copy
    with server.administration(running) as session:
        session.execute("SELECT pg_advisory_lock(hashtext(%s))", [copy])
        if told.exists():
            connection.close()
            server.drop_database(running, name)
            server.create_database(running, name, copy)
            return pickle.loads(told.read_bytes())
        built = build()
        connection.close()  # nobody may be connected to what is copied
        server.create_database(running, copy, name)
        told.write_bytes(pickle.dumps(built))
    return built


def forget(running: server.Server) -> None:
    """Drop every copy these tests made."""
    for told in _folder().iterdir():
        server.drop_database(running, told.name)
        told.unlink()
    _folder().rmdir()


def _folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"openbenefits-tests-{owner_of_all()}"
    folder.mkdir(exist_ok=True, mode=0o700)
    return folder
