"""The clock of the faces: they alone ask what day it is; all floors below are told.

A demonstration or a training stands still on a day of its own (OPENBENEFITS_TODAY), whatever the real one is.
"""

from datetime import date, datetime

from django.conf import settings
from django.utils import timezone


def today() -> date:
    """Answer the day it is."""
    day: date | None = settings.TODAY
    return day or timezone.localdate()


def now() -> datetime:
    """Answer this moment, in UTC; on a day of its own, at the time of day it really is."""
    moment = timezone.now()
    return datetime.combine(today(), moment.timetz()) if settings.TODAY else moment
