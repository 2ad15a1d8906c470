"""What every way of transport does, and how it fails: surely without effect, or perhaps not."""

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Protocol

LARGEST_ANSWER = 200 * 2**20
DONE = "done"
PART = ".part"


class TransferFailed(ValueError):
    """A transfer that came to nothing: what was expected, found, the cure.

    is_sure: nothing arrived for sure. Else it may have: a person must ask.
    """

    def __init__(self, words: str, *, is_sure: bool = True) -> None:
        """Take what went wrong, and whether it surely had no effect."""
        super().__init__(words)
        self.is_sure = is_sure


Placed = Callable[[], None]
"""Called when all bytes are there, before they get the name by which the partner takes them."""


class Carriage(Protocol):
    """A way of transport to one partner."""

    def put(self, name: str, content: bytes, placed: Placed, *, is_placed: bool = False) -> None:
        """Put a file where the partner takes it: whole, under its name at once, and never over another.

        One of the same bytes that is there already counts as put. is_placed: an earlier transfer had called
        `placed` and broke off. Errors: TransferFailed.
        """

    def waiting(self) -> list[str]:
        """List the answers that wait, by name. Errors: TransferFailed."""

    def fetch(self, name: str) -> bytes:
        """Read an answer. Errors: TransferFailed."""

    def set_aside(self, name: str) -> None:
        """Move an answer that was taken to the folder `done` beside. Errors: TransferFailed."""


def plain(name: str) -> str:
    """Answer a file name that names no folder. Errors: TransferFailed."""
    if not name or name.startswith(".") or "\\" in name or "\0" in name or PurePosixPath(name).name != name:
        raise TransferFailed(
            "expected a plain file name, found one with a folder in it or a dot before it;"
            " correct the naming of the agreement"
        )
    return name


def perhaps_taken(name: str) -> TransferFailed:
    """Answer that a file may have been put in place and taken since."""
    return TransferFailed(
        f"{name}: the transfer broke off as the file was put in place, and it is not there; it may have been"
        " taken. Ask the partner, then say whether it arrived",
        is_sure=False,
    )


def other_there(name: str) -> TransferFailed:
    """Answer that another file of a name is there."""
    return TransferFailed(
        f"expected no file {name} at the partner's, found another one of that name; nothing was written over."
        " Let the naming of the agreement tell files apart, and ask the partner about the one that is there"
    )
