"""A web process that lives as long as the tests, and answers for one database after another.

To load the product takes longer than most journeys. So one process loads it once; each line it reads names the
environment to answer in, and it says at which port; what was served before is closed. The application is that of
`openbenefits serve`; that the command itself serves it is shown by tests/faces/test_signing_in_pages.py.
"""

import atexit
import json
import os
import subprocess
import sys
import threading
from functools import cache
from importlib import import_module, reload
from pathlib import Path
from socket import SHUT_RDWR
from typing import Any, TextIO

WAITS = 60


def serve(environment: dict[str, str], log: Path) -> str:
    """Answer the address of the web as it is in an environment; `stop` closes it."""
    process = _process()
    process.stdin.write(json.dumps({"environment": environment, "log": str(log)}) + "\n")
    process.stdin.flush()
    port = process.stdout.readline()
    assert port, f"the web process ended: {log.read_text() if log.exists() else 'it said nothing'}"
    return f"http://127.0.0.1:{int(port)}"


def stop() -> None:
    """Close what is served, and with it the sessions of its database."""
    process = _process()
    process.stdin.write("{}\n")
    process.stdin.flush()
    process.stdout.readline()


@cache
def _process() -> subprocess.Popen:
    command = [sys.executable, "-m", "tests.faces.web"]
    root = Path(__file__).parents[2]
    paths = os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(root)])
    process = subprocess.Popen(
        command,
        cwd=root,
        env=os.environ | {"PYTHONPATH": paths, "OPENBENEFITS_SECOND_FACTOR": "off"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(_end, process)
    return process


def _end(process: subprocess.Popen) -> None:
    process.stdin.close()
    process.wait(WAITS)
    process.stdout.close()


def main(orders: TextIO, answers: TextIO) -> None:
    """Serve what each line orders, until there are no more."""
    running = None
    for line in orders:
        if running:
            running.end()
        order = json.loads(line)
        running = _start(order["environment"], Path(order["log"])) if order else None
        print(running.server_address[1] if running else "closed", file=answers, flush=True)


def _start(environment: dict[str, str], log: Path) -> Any:
    """Take up an environment as a process started in it would: settings, database, folders."""
    os.environ.clear()
    os.environ.update(environment)
    sys.stderr = log.open("w", buffering=1)
    from django.conf import settings
    from django.contrib.contenttypes.models import ContentType

    from openbenefits.store import boot

    found = reload(import_module("openbenefits.settings"))
    for name in filter(str.isupper, dir(found)):
        if name != "DATABASES":
            setattr(settings, name, getattr(found, name))
    boot(as_face=True)
    ContentType.objects.clear_cache()
    return _server()


def _server() -> Any:
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

    from openbenefits.cli.web import application

    class Web(ThreadedWSGIServer):
        """Knows who is connected, to part from them when it ends."""

        def __init__(self) -> None:
            super().__init__(("127.0.0.1", 0), WSGIRequestHandler)
            self.connected: set[Any] = set()
            self.set_app(application())
            threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

        def get_request(self) -> Any:
            opened = super().get_request()
            self.connected.add(opened[0])
            return opened

        def shutdown_request(self, request: Any) -> None:
            self.connected.discard(request)
            super().shutdown_request(request)

        def end(self) -> None:
            self.shutdown()
            self.server_close()
            for one in tuple(self.connected):
                try:
                    one.shutdown(SHUT_RDWR)
                except OSError:
                    continue  # it has gone by itself

    return Web()


if __name__ == "__main__":
    answers, sys.stdout = sys.stdout, sys.stderr  # nobody else speaks there
    from openbenefits.store.startup import set_up_django

    set_up_django(os.environ["DATABASE_URL"], as_face=True)
    from tests.passwords import hash_quickly

    hash_quickly()
    main(sys.stdin, answers)
