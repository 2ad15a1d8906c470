"""What went wrong, in words that may be shown: nothing a database or library quotes of a person."""

import re
import traceback
from pathlib import Path

OWN = "openbenefits."
DATABASE_ERRORS = ("OperationalError", "InterfaceError")
DATABASE_MODULES = ("django.db", "psycopg")
OWN_LINE = re.compile(r'File "([^"]*openbenefits/[^"]*)", line (\d+)')
"""A line of ours in a traceback as text: all that comes of it from another process."""


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


def _place(fault: Exception) -> str:
    """Name the last line of our own that was being worked on, here or in a process that told of it."""
    if afar := OWN_LINE.findall(str(fault.__cause__)):
        path, line = afar[-1]
        return f"{Path(path).name}:{line}"
    lines = traceback.extract_tb(fault.__traceback__)
    own = [line for line in lines if "openbenefits" in line.filename] or lines
    return f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else "an unknown place"
