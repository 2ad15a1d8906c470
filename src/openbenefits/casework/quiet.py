"""Which jobs of the worker are quiet at a moment, for whom."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from openbenefits.casework.codes import Job
from openbenefits.casework.models import QuietHours
from openbenefits.casework.rules.quiet import Hours, are_quiet
from openbenefits.casework.standing import calendar_of
from openbenefits.store.isolation import PEO


@dataclass(frozen=True, kw_only=True)
class Quiet:
    """For whom a job does not run: for nobody at all, or for these clients."""

    is_everywhere: bool
    clients: frozenset[int]


def quiet_at(job: Job, now: datetime) -> Quiet:
    """Answer for whom a job is quiet at a moment, by the clock of the house (its business hours name it).

    What a job left is done when it runs next: what is due stays due, and what may come late says how late.
    """
    local = now.astimezone(ZoneInfo(calendar_of().zone)).replace(tzinfo=None)
    found = frozenset(
        one.client_id for one in QuietHours.objects.filter(job=str(job)) if are_quiet([hours_of(one)], local)
    )
    return Quiet(is_everywhere=PEO in found, clients=found - {PEO})


def hours_of(row: QuietHours) -> Hours:
    """Read the hours of a row."""
    return Hours(weekdays=frozenset(map(int, row.weekdays)), begins=row.begins, ends=row.ends)
