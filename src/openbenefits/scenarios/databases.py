"""Scratch databases for stories: a migrated template, a template per set-up, a clone of it per story.

All of them live on an embedded server of their own (purpose `scenario`), never in the user's database.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from django.apps import apps
from django.core.management import call_command
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

import openbenefits
from openbenefits.programs import services as programs
from openbenefits.programs.findings import Finding
from openbenefits.programs.frames import PEO
from openbenefits.scenarios.changes import write_changed
from openbenefits.store import secrets, server, use_database
from openbenefits.store.startup import set_up_django
from openbenefits.workforce import services as workforce

PURPOSE = "scenario"
BUILD_LOCK = 0x5CE9A210
TEMPLATES_KEPT = 60
SETUP_KNOWN_SINCE = datetime(2000, 1, 1, tzinfo=UTC)
BY = "scenario"
CLIENT_ID = 1
"""The client of a story is the first one of its database."""

_numbers = count(1)


class SetupRefused(Exception):
    """The set-up of a story cannot be applied; `findings` say why."""

    def __init__(self, findings: list[Finding]) -> None:
        """Keep the findings."""
        super().__init__("; ".join(finding.sentence() for finding in findings))
        self.findings = findings


@dataclass(frozen=True)
class Setup:
    """What a story's set-up is: two folders, and what the story changes in them."""

    peo: Path
    client: Path
    changes: tuple[tuple[str, Any], ...] = ()

    def with_changes(self, more: Mapping[str, Any]) -> "Setup":
        """Answer the set-up with further changes, made after those it has."""
        return Setup(self.peo, self.client, (*self.changes, *more.items()))

    def mark(self) -> str:
        """Answer a short text that differs when anything of the set-up differs."""
        files = [file for folder in (self.peo, self.client) for file in _files(folder)]
        parts = [file.name.encode() + b"\0" + file.read_bytes() for file in files]
        parts.append(msgspec.json.encode(self.changes, enc_hook=str, order="deterministic"))
        return hashlib.sha256(b"\0".join(parts)).hexdigest()


@contextmanager
def scratch_database(setup: Setup) -> Iterator[BaseDatabaseWrapper]:
    """Point Django at a new database in which the set-up is in force; afterwards back where it pointed.

    Errors: SetupRefused, ChangeRefused.
    """
    with _session() as running:
        template = _setup_template(running, setup)
        with _clone(running, template, f"story_{os.getpid()}_{next(_numbers)}") as connection:
            yield connection


def apply_setup(setup: Setup, *, now: datetime) -> None:
    """Put a set-up into force in the database at hand, both bundles or none.

    Errors: SetupRefused, ChangeRefused.
    """
    with tempfile.TemporaryDirectory() as folder:
        folders = {"peo": setup.peo, "client": setup.client}
        if setup.changes:
            folders = write_changed(folders, dict(setup.changes), Path(folder))
        for name, client_id in (("peo", PEO), ("client", CLIENT_ID)):
            change = programs.apply(folders[name], client_id=client_id, applied_by=BY, now=now)
            if change.outcome is programs.Outcome.REFUSED:
                raise SetupRefused(change.findings)


# --- templates ------------------------------------------------------------------------------------------


@contextmanager
def _session() -> Iterator[server.Server]:
    """Start the server and make Django ready; afterwards everything points where it did."""
    before = {name: os.environ.get(name) for name in ("DATABASE_URL", secrets.FOLDER_VARIABLE)}
    folder = server.data_folder(PURPOSE)
    running = server.start(folder, is_durable=False, is_short_lived=True)
    os.environ[secrets.FOLDER_VARIABLE] = str(secrets.folder_beside(folder))
    if not apps.ready:
        set_up_django(running.url())
    try:
        yield running
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        use_database(before["DATABASE_URL"] or running.url())
        if before["DATABASE_URL"] is None:
            os.environ.pop("DATABASE_URL")


@contextmanager
def _clone(running: server.Server, template: str, name: str) -> Iterator[BaseDatabaseWrapper]:
    server.drop_database(running, name)
    use_database(server.create_database(running, name, template))
    try:
        yield connections["default"]
    finally:
        connections["default"].close()
        server.drop_database(running, name)


def _setup_template(running: server.Server, setup: Setup) -> str:
    """Name the template in which a set-up is in force, building it at first."""
    code = _code_mark()
    name = f"setup_{hashlib.sha256(f'{code}{setup.mark()}'.encode()).hexdigest()[:24]}"

    def fill() -> None:
        workforce.add_client("story", "Story")
        apply_setup(setup, now=SETUP_KNOWN_SINCE)

    with server.administration(running) as session:
        if _exists(session, name):
            return name
        session.execute("SELECT pg_advisory_lock(%s)", [BUILD_LOCK])
        migrated = f"migrated_{code}"
        _build(running, session, migrated, "template1", lambda: call_command("migrate", verbosity=0))
        _build(running, session, name, migrated, fill)
        _drop_leftovers(running, session)
    return name


def _build(
    running: server.Server, session: psycopg.Connection, name: str, source: str, fill: Callable[[], object]
) -> None:
    """Fill a draft, then rename it, so that a build cut short leaves no template behind."""
    if _exists(session, name):
        return
    with _draft(running, source) as draft:
        fill()
        connections["default"].close()
        session.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(draft), sql.Identifier(name))
        )


@contextmanager
def _draft(running: server.Server, source: str) -> Iterator[str]:
    name = f"story_{os.getpid()}_{next(_numbers)}"  # of no database before it: caches go by name
    with _clone(running, source, name):
        yield name


def _exists(session: psycopg.Connection, name: str) -> bool:
    found = session.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
    return found is not None


def _drop_leftovers(running: server.Server, session: psycopg.Connection) -> None:
    """Drop clones whose process is gone, and all but the newest templates."""
    rows = session.execute("SELECT datname FROM pg_database ORDER BY oid DESC").fetchall()
    names = [str(name) for (name,) in rows]
    templates = [name for name in names if name.startswith(("setup_", "migrated_"))]
    clones = [name for name in names if name.startswith("story_")]
    orphans = [name for name in clones if not Path(f"/proc/{name.split('_')[1]}").exists()]
    for name in orphans + templates[TEMPLATES_KEPT:]:
        server.drop_database(running, name)


def _code_mark() -> str:
    """Hash what a template depends on beside its set-up: the migrations, and how set-up becomes rows."""
    source = Path(openbenefits.__file__).parent
    files = [*source.glob("*/migrations/*"), *source.glob("programs/**/*.py")]
    wanted = sorted(file for file in files if file.suffix in {".py", ".sql"})
    parts = [str(file.relative_to(source)).encode() + b"\0" + file.read_bytes() for file in wanted]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())
