"""What an administrator orders in a story: an operation on an event, activity entered by hand."""

from datetime import date
from typing import Literal

from openbenefits.scenarios.expectations import EventClass, Name, Part

Operation = Literal[
    "again",
    "withdraw",
    "redate",
    "assign",
    "prepare",
    "elect",
    "reenter",
    "normal",
    "finalize",
    "reinstate",
    "open",
    "close",
    "disconnect",
    "reconnect",
]


class OperatePart(Part, kw_only=True, frozen=True):
    """Orders an operation on an event: the one of `event_class` and `dated`; else the one that moved last."""

    kind: Operation
    person: Name | None = None
    event_class: EventClass | None = None
    dated: date | None = None
    to: date | None = None  # redate: the new day


class EnterActivityPart(Part, kw_only=True, frozen=True):
    """Enters activity of an event class by hand, dated `effective` (left out: the day of the step)."""

    event_class: EventClass
    person: Name | None = None
    effective: date | None = None
