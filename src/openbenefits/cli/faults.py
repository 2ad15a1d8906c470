"""Whatever goes wrong ends in one clear message and an exit code; never in a traceback.

Exit codes: 1 for what was asked and could not be done, 2 for a command that was not understood, 130 when
stopped from the keyboard. With OPENBENEFITS_DEBUG=1 the traceback is shown.
"""

import os
from typing import Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from openbenefits.cli.screen import errors
from openbenefits.core.faults import message_of

EXIT_REFUSED = 1
EXIT_STOPPED = 130


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


def _is_typers(fault: Exception) -> bool:
    """Typer's own signals, which it turns into usage messages and exit codes itself."""
    return any(kind.__module__.split(".")[0] in ("typer", "click") for kind in type(fault).__mro__)
