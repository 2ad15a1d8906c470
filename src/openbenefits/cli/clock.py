"""The clock of the command line, which is that of all faces, and the last moment of a day."""

from datetime import UTC, date, datetime, time, timedelta

from openbenefits.accounts.clock import now, today

__all__ = ["end_of", "now", "today"]


def end_of(day: date) -> datetime:
    """Answer the last moment of a day where the user sits, in UTC: what was recorded that day is known."""
    midnight = datetime.combine(day + timedelta(days=1), time.min).astimezone()
    return (midnight - timedelta(microseconds=1)).astimezone(UTC)
