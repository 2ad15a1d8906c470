"""Transactions that are given up: what is tried is done for real, looked at, and leaves nothing behind."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction


@contextmanager
def given_up(*, is_rehearsal: bool = True) -> Iterator[None]:
    """Open a transaction; of a rehearsal nothing stays, within another transaction nothing of this part."""
    with transaction.atomic():
        yield
        if is_rehearsal:
            transaction.set_rollback(True)
