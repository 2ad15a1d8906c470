"""The clock of the faces: they alone ask what day it is; all floors below are told.

A demonstration or a training stands still on a day of its own (OPENBENEFITS_TODAY), whatever the real one is.
"""

import os
from datetime import UTC, date, datetime

STANDS_ON = "OPENBENEFITS_TODAY"


def today() -> date:
    """Answer the day it is where this process runs."""
    return standing() or datetime.now().astimezone().date()


def now() -> datetime:
    """Answer this moment, in UTC, as the database keeps it; on a standing day, at the real time of day."""
    moment = datetime.now(UTC)
    day = standing()
    return moment if day is None else datetime.combine(day, moment.timetz())


def standing() -> date | None:
    """Answer the day on which the clock stands still; None: it runs."""
    day = os.environ.get(STANDS_ON)
    return date.fromisoformat(day) if day else None
