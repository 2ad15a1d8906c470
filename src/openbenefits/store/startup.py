"""The one entry of every process that needs the database: commands, tests, benchmarks, workers."""

import multiprocessing
import os
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.db import connections

from openbenefits.store import isolation, secrets, server

AS_FACE = f"-c role={isolation.FACE}"
POLARS_THREADS = "POLARS_MAX_THREADS"
"""What Polars reads from the environment when it is loaded: how many threads it has."""
WEB_SESSION_SECONDS = 300
"""How long a web process keeps a session of the database; rights end with each request."""


def boot(database_url: str | None = None, data_folder: Path | None = None, *, as_face: bool = False) -> str:
    """Make the database reachable and Django ready; answer the database's URL.

    The database is the first of: `database_url`, the embedded server of `data_folder`, the environment's
    DATABASE_URL, the default embedded server. A spawned child process calls `boot()` and finds the same one.
    Booting again points Django at the database now named. `as_face`: as the role that row-level security
    holds for (store.isolation); web processes do.
    """
    if data_folder is None:
        database_url = database_url or os.environ.get("DATABASE_URL")
    if database_url is None:
        folder = data_folder or server.data_folder("default")
        running = server.start(folder)
        server.create_database(running, server.DATABASE, exist_ok=True)
        database_url = running.url(server.DATABASE)
        os.environ[secrets.FOLDER_VARIABLE] = str(secrets.folder_beside(folder))
    set_up_django(database_url, as_face=as_face)
    return database_url


def set_up_django(database_url: str, *, as_face: bool = False) -> None:
    """Make Django ready for a database, without needing its server yet.

    A process forked from one that has used Polars hangs, so children are spawned from here on.
    """
    multiprocessing.set_start_method("spawn", force=True)
    os.environ["DATABASE_URL"] = database_url
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openbenefits.settings")
    if not apps.ready:
        django.setup()
    use_database(database_url, as_face=as_face)


def use_database(database_url: str, *, as_face: bool = False) -> None:
    """Point Django's one alias, and processes spawned from now on, at another database.

    As a face it is this process alone that is one: what it spawns works as the owner.
    """
    connections["default"].close()
    entry = server.django_database(database_url)
    if as_face:
        entry["OPTIONS"] = entry["OPTIONS"] | {"options": AS_FACE}
        entry |= {"CONN_MAX_AGE": WEB_SESSION_SECONDS, "CONN_HEALTH_CHECKS": True}
    connections.databases["default"].update(entry)
    os.environ["DATABASE_URL"] = database_url


def is_face(connection: Any) -> bool:
    """Whether a connection works as the role that row-level security holds for."""
    return AS_FACE in connection.settings_dict["OPTIONS"].get("options", "")
