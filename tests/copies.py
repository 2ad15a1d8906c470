"""Filled databases, made once by whichever process of the tests comes first and copied by all."""

import hashlib
import os
import pickle
import tempfile
from collections.abc import Callable, Hashable
from importlib import import_module
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from openbenefits.store import server

PREFIX = "test"
CONNECTION = "connection"
WRITTEN = "SELECT tup_inserted + tup_updated + tup_deleted FROM pg_stat_database WHERE datname = %s"

_numbers = count(1)
_set_asides: list[str] = []


def owner_of_all() -> int:
    """The process that began the tests: this one, or the one whose worker this is."""
    return os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()


def fill(connection: BaseDatabaseWrapper, key: Hashable, build: Callable[[], Any]) -> Any:
    """Fill a blank database: by building what the key names, or by a copy of one so filled before.

    Answers what `build` answered when it was built, which must survive pickling.
    """
    running = server.Server(folder=Path(conninfo_to_dict(os.environ["DATABASE_URL"])["host"]))
    name = connection.settings_dict["NAME"]
    connection.close()  # nobody may be connected to what is set aside or copied
    copy = f"{PREFIX}_{owner_of_all()}_kept_{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}"
    told = _folder() / copy
    with server.administration(running) as session:
        session.execute("SELECT pg_advisory_lock(hashtext(%s))", [copy])
        if told.exists():
            set_aside(running, session, name)
            server.create_database(running, name, copy)
            with told.open("rb") as file:
                return _Unpickler(file).load()
        built = build()
        connection.close()
        server.create_database(running, copy, name)
        with told.open("wb") as file:
            _Pickler(file).dump(built)
    return built


def blank(running: server.Server, name: str, template: str) -> str:
    """Answer the name of a blank clone: of one that was set aside, else of a new one, which takes the name."""
    if _set_asides:
        return _set_asides.pop()
    server.create_database(running, name, template)
    return name


def set_aside(running: server.Server, session: psycopg.Connection, name: str) -> None:
    """Keep a clone, whose place a copy takes, for who wants a blank one next; drop it if anybody wrote into it.

    PostgreSQL counts what was written, and has counted once no session is left.
    """
    aside = f"{PREFIX}_{os.getpid()}_blank_{next(_numbers)}"
    renamed = sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(aside))
    try:
        session.execute(renamed)
    except psycopg.errors.ObjectInUse:
        server.drop_database(running, name)
        return
    if session.execute(WRITTEN, [aside]).fetchone() == (0,):
        _set_asides.append(aside)
    else:
        server.drop_database(running, aside)


class _Pickler(pickle.Pickler):
    """Writes connections and modules as such: whoever reads them has them already."""

    def persistent_id(self, obj: Any) -> str | None:
        if isinstance(obj, BaseDatabaseWrapper):
            return CONNECTION
        return obj.__name__ if isinstance(obj, ModuleType) else None


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, pid: str) -> Any:
        return connections["default"] if pid == CONNECTION else import_module(pid)


def forget_blank(running: server.Server) -> None:
    """Drop what this process has set aside."""
    while _set_asides:
        server.drop_database(running, _set_asides.pop())


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
