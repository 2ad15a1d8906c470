"""`openbenefits demo`: a benefits year of a made-up PEO, from set-up to deductions, on a real database."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from openbenefits.cli.faults import Refused
from openbenefits.cli.screen import console
from openbenefits.store import boot, server

PURPOSE = "demo"
TODAY = "2026-11-09"
AS_IN_DEMO = {"OPENBENEFITS_TODAY": TODAY, "OPENBENEFITS_SECOND_FACTOR": "off"}
"""How the web of the demo differs: people may choose on that day, and staff signs in by a link alone."""


def demo(
    people: Annotated[int, typer.Option(min=60, max=200_000, help="How many employees to make up.")] = 1500,
    folder: Annotated[
        Path, typer.Option(file_okay=False, help="Where statements, reports and files go.")
    ] = Path("demo-output"),
) -> None:
    """Take a sample PEO through a whole benefits year, step by step; start here."""
    if os.environ.get("DATABASE_URL"):
        message = (
            "the demo makes up people and drops its database at each start, so it expects no DATABASE_URL,"
            " and found one. Unset DATABASE_URL; the demo has an embedded database of its own."
        )
        raise Refused(message)
    with alone():
        with console.status("Starting the demo's own PostgreSQL …"):
            start_clean()
        from openbenefits.cli.demo.year import play  # its services need Django ready

        play(folder, people=people)
    if console.is_terminal:
        from openbenefits.cli.serve import serve

        serve(is_demo=True)


def open_demo(site: str) -> None:
    """Open the database of the last demo for its web, which stands still on a day, and print the links.

    Errors: Refused where no demo has been played.
    """
    data = server.data_folder(PURPOSE)
    if not data.is_dir():
        raise Refused("expected that a demo has been played, found none; run `openbenefits demo` first")
    os.environ.pop("DATABASE_URL", None)
    os.environ.update(AS_IN_DEMO)
    boot(data_folder=data)
    from openbenefits.cli.demo.faces import show_links

    show_links(site)


@contextmanager
def alone() -> Iterator[None]:
    """Keep a second demo out, which would drop the database of the first; the lock ends with its process.

    Errors: Refused while another demo plays.
    """
    place = server.data_folder(f"{PURPOSE}.playing")
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = "another demo is playing, and there is one database for demos. Wait for it to end."
            raise Refused(message) from None
        yield


def start_clean() -> None:
    """Drop what an earlier demo left, and make the demo's database anew."""
    from django.core.management import call_command

    data = server.data_folder(PURPOSE)
    running = server.start(data, is_durable=False)
    server.drop_database(running, server.DATABASE)
    boot(data_folder=data)
    call_command("migrate", verbosity=0)
