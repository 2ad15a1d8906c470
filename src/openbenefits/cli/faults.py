"""Whatever goes wrong ends in one clear message and an exit code; never in a traceback.

Exit codes: 1 for what was asked and could not be done, 2 for a command that was not understood, 130 when
stopped from the keyboard. With OPENBENEFITS_DEBUG=1 the traceback is shown.
"""

import os
import traceback
from pathlib import Path
from typing import Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from openbenefits.cli.screen import errors

EXIT_REFUSED = 1
EXIT_STOPPED = 130
OWN = "openbenefits."
DATABASE_ERRORS = ("OperationalError", "InterfaceError")
DATABASE_MODULES = ("django.db", "psycopg")


class Refused(ValueError):
    """What the command line cannot accept: who or what, expected, found, what to change."""


class Guard(TyperGroup):
    """The root group: runs a command and turns what goes wrong into a message."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command asked for."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            errors.print("Stopped. What was committed stays; a run goes on with `openbenefits run resume`.")
            raise typer.Exit(EXIT_STOPPED) from None
        except Exception as fault:
            if _is_typers(fault) or os.environ.get("OPENBENEFITS_DEBUG") == "1":
                raise
            errors.print(f"[red]error[/]  {escape(message_of(fault))}", soft_wrap=True)
            raise typer.Exit(EXIT_REFUSED) from None


def message_of(fault: Exception) -> str:
    """Say what went wrong, without anything a database or library may quote of a person's data."""
    kind = type(fault)
    if kind.__module__.startswith(OWN) or kind is LookupError:
        return str(fault)
    if isinstance(fault, OSError):
        where = f"{fault.filename}: " if fault.filename else ""
        return f"{where}{fault.strerror or kind.__name__}. Check the path and its rights."
    if any(
        one.__name__ in DATABASE_ERRORS and one.__module__.startswith(DATABASE_MODULES)
        for one in kind.__mro__
    ):
        return (
            "the database cannot be reached or broke off. Expected a running PostgreSQL; check DATABASE_URL,"
            " or unset it for the embedded server. `openbenefits doctor` looks closer."
        )
    return (
        f"unexpected {kind.__name__} at {_place(fault)}. Nothing is half-written. This is a fault of the"
        " program: report it with the command; OPENBENEFITS_DEBUG=1 shows where it arose."
    )


def _is_typers(fault: Exception) -> bool:
    """Typer's own signals, which it turns into usage messages and exit codes itself."""
    return any(kind.__module__.split(".")[0] in ("typer", "click") for kind in type(fault).__mro__)


def _place(fault: Exception) -> str:
    """Name the last line of our own that was being worked on."""
    lines = traceback.extract_tb(fault.__traceback__)
    own = [line for line in lines if "openbenefits" in line.filename] or lines
    return f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else "an unknown place"
