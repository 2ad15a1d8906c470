"""Filled databases, made once by whichever process of the tests comes first and copied by all."""

import hashlib
import os
import pickle
import tempfile
from collections.abc import Callable, Hashable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.conninfo import conninfo_to_dict

from openbenefits.store import server

PREFIX = "test"
CONNECTION = "connection"


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
            with told.open("rb") as file:
                return _Unpickler(file).load()
        built = build()
        connection.close()  # nobody may be connected to what is copied
        server.create_database(running, copy, name)
        with told.open("wb") as file:
            _Pickler(file).dump(built)
    return built


class _Pickler(pickle.Pickler):
    """Writes connections and modules as such: whoever reads them has them already."""

    def persistent_id(self, obj: Any) -> str | None:
        if isinstance(obj, BaseDatabaseWrapper):
            return CONNECTION
        return obj.__name__ if isinstance(obj, ModuleType) else None


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, pid: str) -> Any:
        return connections["default"] if pid == CONNECTION else import_module(pid)


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
