"""`openbenefits serve`: the web, and a worker beside it that does what takes long."""

import os
from contextlib import nullcontext
from typing import Annotated

import typer

from openbenefits.cli.database import open_database
from openbenefits.cli.demo import open_demo
from openbenefits.cli.screen import say
from openbenefits.cli.worker import Nightly, worker_beside
from openbenefits.store.startup import POLARS_THREADS

MOST_PROCESSES = 8
THREADS = 4
"""Requests that a process answers at once: some wait for the database while others compute."""
SERVE_EPILOG = "Example: openbenefits serve --port 8000"


def serve(
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    host: Annotated[
        str, typer.Option(help="Other machines reach it only if you name another.")
    ] = "127.0.0.1",
    has_worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Start a worker beside it, and end it with it.")
    ] = True,
    nightly: Nightly = False,
    processes: Annotated[
        int | None,
        typer.Option(min=1, help="How many processes answer; as many as there are cores unless told."),
    ] = None,
    is_demo: Annotated[
        bool,
        typer.Option("--demo", help="The web of the last demo, with a link for each role."),
    ] = False,
) -> None:
    """Serve the web: whoever has a login signs in (`openbenefits user`) and sees what he may."""
    if is_demo:
        open_demo(f"http://{host}:{port}")
    else:
        open_database()
    from granian import Granian
    from granian.constants import Interfaces

    say(f"http://{host}:{port}  (Ctrl-C ends it)")
    server = Granian(
        "openbenefits.cli.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=processes or min(os.cpu_count() or 1, MOST_PROCESSES),
        blocking_threads=THREADS,
        log_enabled=False,
    )
    with worker_beside(nightly=nightly) if has_worker else nullcontext():
        os.environ.setdefault(POLARS_THREADS, "1")  # the web's alone, by now: a request works on few rows
        server.serve()
