"""Who may do what: a function the faces pass. Without one everybody may; nobody is ever not asked."""

from collections.abc import Callable
from dataclasses import dataclass


class NotPermitted(PermissionError):
    """Somebody asked for an operation that is not theirs to do."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody is about to do: which operations, to whom. A rehearsal asks too."""

    author: str
    client_id: int
    operations: tuple[str, ...]
    person_ids: tuple[int, ...]


Permit = Callable[[Wish], None]
"""Raises NotPermitted, saying who may, or returns."""


def everybody_may(wish: Wish) -> None:
    """Permit everything: what holds where no face says otherwise."""
    del wish
