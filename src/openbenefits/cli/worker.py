"""`openbenefits worker`: does what the web is asked for and takes longer than a click."""

import logging
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Annotated, Any

import typer

from openbenefits.cli.database import open_database
from openbenefits.cli.faults import Refused
from openbenefits.cli.screen import say

WORKER_EPILOG = "Example: openbenefits worker --nightly"

Nightly = Annotated[
    bool,
    typer.Option(
        "--nightly", help="Carry out what is due of every client once a night (setting OPENBENEFITS_NIGHT)."
    ),
]


def worker(nightly: Nightly = False) -> None:
    """Do the long work that is asked for on the web: runs, rehearsals, statements. One for each database.

    Ctrl-C ends it: what it does stops at its next step, and what was committed stays.
    """
    connection = open_database()
    from openbenefits.accounts.clock import now
    from openbenefits.background.worker import WorkerThere, work

    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    say("The worker waits for requests (Ctrl-C ends it).")
    try:
        work(connection, now, is_nightly=nightly)
    except WorkerThere as there:
        raise Refused(str(there)) from there


@contextmanager
def worker_beside(*, nightly: bool) -> Iterator[None]:
    """Have a worker of the same database in a process of its own, as long as this lasts."""
    command = [sys.executable, "-m", "openbenefits.cli", "worker", *(["--nightly"] if nightly else [])]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    ending: list[bool] = []
    Thread(target=_tell_end, args=(process, ending), daemon=True).start()
    with _as_keyboard(signal.SIGTERM):
        try:
            yield
        finally:
            ending.append(True)
            process.terminate()
            process.wait()


def _tell_end(process: Any, ending: list[bool]) -> None:
    process.wait()
    if not ending:
        say("The worker has ended. What is asked for waits until `openbenefits worker` is started.")


@contextmanager
def _as_keyboard(number: signal.Signals) -> Iterator[None]:
    """Let a signal end this process as Ctrl-C does, so that what was started ends with it."""

    def stop(_number: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(number, stop)
    try:
        yield
    finally:
        signal.signal(number, before)
