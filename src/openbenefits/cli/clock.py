"""The clock. The command line is the only face that asks what time it is; all floors below are told."""

from datetime import UTC, date, datetime, time, timedelta


def now() -> datetime:
    """Answer this moment, in UTC, as the database keeps it."""
    return datetime.now(UTC)


def today() -> date:
    """Answer the day it is where the user sits."""
    return datetime.now().astimezone().date()


def end_of(day: date) -> datetime:
    """Answer the last moment of a day where the user sits, in UTC: what was recorded that day is known."""
    midnight = datetime.combine(day + timedelta(days=1), time.min).astimezone()
    return (midnight - timedelta(microseconds=1)).astimezone(UTC)
