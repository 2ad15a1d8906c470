"""What somebody put in at other employers in a year: counted under legal limits (docs/rules.md §11.6)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
from django.db import transaction
from django.db.models import Max

from openbenefits.enrollment.models import BroughtAlong
from openbenefits.workforce.recording import lock_people


class BroughtRefused(ValueError):
    """What cannot have been put in elsewhere: the message says what was expected, found, what to change."""


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What a person put in at other employers under one limit of a year, in all.

    change_id: the change of facts it came with, and goes with if that is taken back; None: a person said so.
    """

    client_id: int
    person_id: int
    annual_limit: str
    year: int
    cents: int
    reason: str
    change_id: int | None = None

    def key(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("client_id", "person_id", "annual_limit", "year")}


def bring_along(connection: Any, brought: Brought, *, author: str, now: datetime) -> None:
    """Record what somebody put in elsewhere; it takes the place of what was recorded of that limit and year.

    Errors: BroughtRefused for an amount below 0, or without words; PeopleBusy.
    """
    if brought.cents < 0 or not brought.reason.strip() or not author.strip():
        raise BroughtRefused(
            f"expected an amount of 0 or more, with reason and author, found {brought.cents} cents;"
            " correct the amount, or state both"
        )
    with transaction.atomic(using=connection.alias):
        lock_people(brought.client_id, pl.Series([brought.person_id], dtype=pl.Int64))
        made = BroughtAlong.objects.using(connection.alias).filter(**brought.key())
        last = made.aggregate(last=Max("version"))["last"] or 0
        made.create(
            **brought.key(),
            version=last + 1,
            cents=brought.cents,
            change_id=brought.change_id,
            reason=brought.reason.strip(),
            author=author,
            made_at=now,
        )
