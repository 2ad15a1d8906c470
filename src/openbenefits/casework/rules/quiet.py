"""Quiet hours: when a job of the worker does not run."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta


@dataclass(frozen=True, kw_only=True)
class Hours:
    """Hours by the clock of the house that begin on some weekdays (Monday is 1).

    They end on the next day where the end does not come after the beginning; equal: a whole day.
    """

    weekdays: frozenset[int]
    begins: time
    ends: time


def are_quiet(hours: Iterable[Hours], local: datetime) -> bool:
    """Tell whether a moment lies in some hours: from their beginning on, before their end."""
    return any(_holds(one, local) for one in hours)


def _holds(one: Hours, local: datetime) -> bool:
    today, clock = local.isoweekday(), local.time()
    yesterday = (local - timedelta(days=1)).isoweekday()
    if one.begins < one.ends:
        return today in one.weekdays and one.begins <= clock < one.ends
    return (today in one.weekdays and clock >= one.begins) or (yesterday in one.weekdays and clock < one.ends)
