"""Databases for tests: one embedded server, one migrated template, a clone of it wherever rows are written.

`database` gives a module a database of its own, `fresh_database` gives one to each test. Both answer Django's
connection, pointed at the clone. `kept` fills such a clone once, and copies it for the tests that want the same.
Tests that touch no database never start the server.
"""

import gc
import hashlib
import os
import shutil
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core import mail
from django.core.management import call_command
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from hypothesis import settings as settings_of_hypothesis
from psycopg import sql
from tests import copies, passwords

import openbenefits
from openbenefits.store import secrets, server, use_database
from openbenefits.store.startup import set_up_django

TEMPLATE_LOCK = 0x7E57
MEMORY = Path(
    "/dev/shm"
)  # Linux keeps its files in memory: a database is copied there in a third of the time
MEMORY_WANTED = 8 * 2**30
TEMPLATES_KEPT = 40  # several checkouts, each with migrations of its own, share the server
NOWHERE = "no_database_fixture_was_asked_for"

LONG = (
    *("scenarios/test_stories.py", "repair/test_transitions.py", "cli/test_demo.py"),
    *("portal/test_journeys.py", "workbench/test_person_pages.py", "workbench/test_process_journey.py"),
    *(
        "laws/test_outcomes.py",
        "laws/test_kernel_agrees.py",
        "oracle/test_tables.py",
        "oracle/test_generated.py",
    ),
    *("workbench/test_casework.py", "workbench/test_setup_pages.py", "workbench/test_desk_pages.py"),
    *("runs/test_killed.py", "api/test_schema.py"),
    *("faces/test_signing_in_pages.py", "repair/test_hindsight.py", "reports/test_explain.py"),
    *("repair/test_merging.py", "runs/test_activity.py", "faces/test_isolation_of_pages.py"),
    *("workbench/test_masks.py", "workbench/test_carriers.py", "workbench/test_operations.py"),
    *("workbench/test_reconcile.py", "workbench/test_platform.py"),
)
"""Files that take longest, by their place in this folder: they begin, so that no process ends with one alone."""

_numbers = count(1)


def _folder() -> Path:
    """Find where the databases of tests are: in memory where there is plenty."""
    in_memory = MEMORY / f"openbenefits-{os.getuid()}" / "test"
    if in_memory.exists() or (MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_WANTED):
        return in_memory
    return server.data_folder("test")


def _set_up() -> None:
    """Make Django ready without a database, for this process and for those that tests start."""
    os.environ["PYTHONPATH"] = str(Path(openbenefits.__file__).parents[1])
    folder = _folder()
    os.environ[secrets.FOLDER_VARIABLE] = str(secrets.folder_beside(folder))
    set_up_django(server.Server(folder=folder).url(NOWHERE))


# machines are shared and noisy; what passed here passes there: new cases are drawn by `make fuzz` alone
settings_of_hypothesis.register_profile("fuzz", deadline=None, max_examples=2_000, print_blob=True)
settings_of_hypothesis.register_profile("default", deadline=None, derandomize=True)
settings_of_hypothesis.load_profile("default")
gc.set_threshold(100_000, 50, 100)  # frames hold no cycles: looking for them took a tenth of the time
passwords.hash_quickly()
_set_up()  # at import: the conftest files of folders below import models


@pytest.fixture(scope="session")
def embedded_server() -> server.Server:
    return server.start(_folder(), is_durable=False, is_short_lived=True)


@pytest.fixture(scope="session")
def template(embedded_server: server.Server) -> str:
    """Name a migrated database nobody is connected to, built anew whenever a migration file has changed."""
    name = f"blank_{_migrations_hash()}"
    with server.administration(embedded_server) as session:
        session.execute("SELECT pg_advisory_lock(%s)", [TEMPLATE_LOCK])
        if not session.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            _build_template(embedded_server, session, name)
        _drop_leftovers(embedded_server, session)
    return name


@pytest.fixture(scope="module")
def database(embedded_server: server.Server, template: str) -> Iterator[BaseDatabaseWrapper]:
    with _clone(embedded_server, template) as connection:
        yield connection


@pytest.fixture
def fresh_database(embedded_server: server.Server, template: str) -> Iterator[BaseDatabaseWrapper]:
    with _clone(embedded_server, template) as connection:
        yield connection


@pytest.fixture
def another_house(embedded_server: server.Server, template: str) -> Callable[[], Any]:
    """Answer the way into a second blank database, and back to the test's own."""
    return lambda: _clone(embedded_server, template)


@pytest.fixture(scope="session")
def kept() -> Callable[[BaseDatabaseWrapper, Hashable, Callable[[], Any]], Any]:
    """Answer the function that fills a test's blank clone: by what it is given, from the second time on by a copy."""
    return copies.fill


@pytest.fixture(autouse=True)
def no_mail_of_others() -> None:
    """Give each test an empty outbox: which files share a process differs from run to run."""
    mail.outbox = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first; `make test` keeps this order."""
    here = Path(__file__).parent
    first = {here / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: first.get(item.path, len(LONG)))


def pytest_collection_finish() -> None:
    """Leave out what was collected when cycles are looked for: a million objects that stay to the end."""
    gc.freeze()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Drop what this process has set aside; and the copies, once all processes of the tests are through."""
    if server.status(_folder()):
        copies.forget_blank(server.Server(folder=_folder()))
        if "PYTEST_XDIST_WORKER" not in os.environ:
            copies.forget(server.Server(folder=_folder()))


@contextmanager
def _clone(embedded_server: server.Server, template: str) -> Iterator[BaseDatabaseWrapper]:
    """Point Django at a new copy of the template; afterwards back to where it pointed before."""
    before = os.environ["DATABASE_URL"]
    name = copies.blank(embedded_server, f"test_{os.getpid()}_{next(_numbers)}", template)
    use_database(embedded_server.url(name))
    try:
        yield connections["default"]
    finally:
        use_database(before)
        server.drop_database(embedded_server, name)


def _build_template(embedded_server: server.Server, session: psycopg.Connection, name: str) -> None:
    """Migrate a draft, then rename it, so that a build cut short leaves no template behind."""
    before = os.environ["DATABASE_URL"]
    server.drop_database(embedded_server, "draft")
    use_database(server.create_database(embedded_server, "draft"))
    try:
        call_command("migrate", verbosity=0)
    finally:
        use_database(before)
    session.execute("ALTER DATABASE draft ALLOW_CONNECTIONS false")
    session.execute(sql.SQL("ALTER DATABASE draft RENAME TO {}").format(sql.Identifier(name)))


def _drop_leftovers(embedded_server: server.Server, session: psycopg.Connection) -> None:
    """Drop clones whose process is gone, and all but the newest templates."""
    names = [name for (name,) in session.execute("SELECT datname FROM pg_database ORDER BY oid DESC")]
    templates = [name for name in names if name.startswith(("blank_", "template_"))]
    orphans = [name for name in names if name.startswith("test_") and not _is_alive(int(name.split("_")[1]))]
    for name in orphans + templates[TEMPLATES_KEPT:]:
        server.drop_database(embedded_server, name)


def _is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _migrations_hash() -> str:
    """Hash what a migrated database depends on: the apps installed and their migration files."""
    source = Path(openbenefits.__file__).parent
    files = sorted(file for file in source.glob("**/migrations/**/*") if file.suffix in {".py", ".sql"})
    files.append(source / "store" / "isolation.py")  # every migration ends with its policies
    parts = [",".join(settings.INSTALLED_APPS).encode()]
    parts += [str(file.relative_to(source)).encode() + b"\0" + file.read_bytes() for file in files]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
