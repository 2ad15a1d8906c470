"""What may be made to go wrong at the stand-in: each trouble meets the next call of its operation, once."""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock


class Trouble(StrEnum):
    """What a call meets."""

    EXPIRED = "expired"  # 401
    EXPIRED_IN_WORDS = "expired in words"  # 200, and the text says so
    STALE = "stale"  # 409, whatever the checksum
    LOCKED = "locked"  # 503
    THROTTLED = "throttled"  # 429
    THROTTLED_FOR = "throttled for a second"  # 429 with Retry-After
    BROKEN = "broken"  # 500, nothing done
    SLOW = "slow"  # done, answered after the caller has given up
    LOST = "lost"  # done, and hung up without an answer
    GARBAGE = "garbage"  # done, and answered what is no JSON
    TRUNCATED = "truncated"  # done, and answered half of it
    OTHER_SHAPE = "other shape"  # done, and answered a list
    ODD_RECORDS = "odd records"  # done, and every record in the answer is of another shape
    DRIPPING = "dripping"  # done, and answered byte by byte
    THROTTLED_LONG = "throttled for an hour"  # 429 with Retry-After
    TWICE = "twice"  # events are told twice, the latest first
    PARTIAL = "partial"  # 206: part of the events


BEFORE = {
    Trouble.EXPIRED,
    Trouble.EXPIRED_IN_WORDS,
    Trouble.STALE,
    Trouble.LOCKED,
    Trouble.THROTTLED,
    Trouble.THROTTLED_FOR,
    Trouble.THROTTLED_LONG,
    Trouble.BROKEN,
}
"""Troubles of calls that are not carried out."""


@dataclass
class Troubles:
    """What is to go wrong next, by operation; '*': of whatever is called next."""

    waiting: dict[str, deque[Trouble]] = field(default_factory=dict)
    met: list[tuple[str, Trouble]] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def plan(self, operation: str, *troubles: Trouble) -> None:
        """Let the next calls of an operation meet these, one each."""
        with self._lock:
            self.waiting.setdefault(operation, deque()).extend(troubles)

    def next(self, operation: str) -> Trouble | None:
        """Take what a call meets, if anything; signing in and out meets only what is planned for it."""
        with self._lock:
            names = (
                (operation,) if operation in ("createPeoSession", "invalidateSession") else (operation, "*")
            )
            for name in names:
                if self.waiting.get(name):
                    found = self.waiting[name].popleft()
                    self.met.append((operation, found))
                    return found
        return None

    def clear(self) -> None:
        """Let all be well."""
        with self._lock:
            self.waiting.clear()
