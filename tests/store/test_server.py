import os
import shutil
import signal
import subprocess
import sys

import psycopg
import pytest

from openbenefits.store import server

HOLD_A_SESSION = """
import sys, time, psycopg
from pathlib import Path
from openbenefits.store import server
started = server.start(Path(sys.argv[1]))
session = psycopg.connect(started.url())
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder():
    folder = server.data_folder(f"test-server-{os.getpid()}")
    yield folder
    server.stop(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.with_name(f"{folder.name}.lock").unlink(missing_ok=True)


def test_a_killed_client_leaves_a_server_that_works_and_stops(folder):
    command = [sys.executable, "-c", HOLD_A_SESSION, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as client:
        assert client.stdout.readline() == "ready\n"
        os.killpg(client.pid, signal.SIGKILL)
    assert server.status(folder)
    with psycopg.connect(server.start(folder).url()) as session:
        assert session.execute("SELECT current_setting('TimeZone'), 'é' < 'f'").fetchone() == ("UTC", False)
    assert server.stop(folder)
    assert not server.status(folder)
    assert not server.stop(folder)


def test_a_stopped_or_crashed_server_starts_again(folder):
    server.create_database(server.start(folder), "kept")
    server.stop(folder)
    started = server.start(folder)
    os.kill(int((folder / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    while server.status(folder):
        pass
    assert psycopg.connect(server.start(folder).url("kept")).close() is None
    server.drop_database(started, "kept")
    server.drop_database(started, "kept")


def test_only_the_owner_reaches_the_data(folder):
    server.start(folder)
    assert folder.stat().st_mode & 0o077 == 0


def test_a_folder_too_deep_for_a_socket_is_refused(tmp_path):
    with pytest.raises(server.ServerNotStarted, match="OPENBENEFITS_HOME"):
        server.start(tmp_path / ("x" * 100))


def test_databases_are_cloned_with_their_rows(embedded_server):
    names = [f"test_{os.getpid()}_{kind}" for kind in ("source", "clone")]
    with psycopg.connect(server.create_database(embedded_server, names[0])) as session:
        session.execute("CREATE TABLE kept AS SELECT 1 AS a")
    with psycopg.connect(server.create_database(embedded_server, names[1], template=names[0])) as session:
        assert session.execute("SELECT a FROM kept").fetchone() == (1,)
    with pytest.raises(psycopg.errors.DuplicateDatabase):
        server.create_database(embedded_server, names[0])
    server.create_database(embedded_server, names[0], exist_ok=True)
    for name in names:
        server.drop_database(embedded_server, name)


@pytest.mark.parametrize(
    "url", ["postgres://u:p%40w@h:5433/d?host=/run/x&sslmode=require", "dbname=d user=u host=/run/x"]
)
def test_a_url_becomes_djangos_settings(url):
    settings = server.django_database(url)
    assert (settings["NAME"], settings["USER"], settings["HOST"]) == ("d", "u", "/run/x")
    if "sslmode" in url:
        assert settings["PASSWORD"] == "p@w"
        assert settings["PORT"] == "5433"
        assert settings["OPTIONS"] == {"sslmode": "require"}
