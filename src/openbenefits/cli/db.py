"""`openbenefits db`: the embedded PostgreSQL."""

import os
from typing import Annotated

import typer

from openbenefits.cli.screen import console, say
from openbenefits.store import server

app = typer.Typer(
    no_args_is_help=True,
    help="Start, stop and look at the embedded PostgreSQL.",
    epilog="Example: openbenefits db status",
)

Purpose = Annotated[str, typer.Option(help="Whose data folder: default, demo, test or bench.")]


@app.command()
def start(purpose: Purpose = "default") -> None:
    """Start the embedded server; it stays up until stopped."""
    folder = server.data_folder(purpose)
    with console.status("Starting …"):
        running = server.start(folder)
        server.create_database(running, server.DATABASE, exist_ok=True)
    say(f"running: {running.url(server.DATABASE)}", style="green")


@app.command()
def stop(purpose: Purpose = "default") -> None:
    """Stop the embedded server; the data stays."""
    was_running = server.stop(server.data_folder(purpose))
    say("stopped" if was_running else "it was not running")


@app.command()
def status(purpose: Purpose = "default") -> None:
    """Say whether the embedded server runs, where its data is, and how to connect."""
    folder = server.data_folder(purpose)
    say(f"{'running' if server.status(folder) else 'not running'}; data: {folder}")
    say(f"connect with: {server.connect_info(purpose)}")
    if os.environ.get("DATABASE_URL"):
        say("DATABASE_URL is set, so that commands use that database and not this one.")
