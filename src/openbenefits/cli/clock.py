"""The clock. The command line is the only face that asks what time it is; all floors below are told."""

from datetime import UTC, date, datetime


def now() -> datetime:
    """Answer this moment, in UTC, as the database keeps it."""
    return datetime.now(UTC)


def today() -> date:
    """Answer the day it is where the user sits."""
    return datetime.now().astimezone().date()
