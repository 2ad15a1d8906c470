"""What an administrator orders in a story: an operation on an event, activity entered by hand."""

from datetime import date
from typing import Literal

import msgspec

from openbenefits.core.codes import LeaveWay, Resumption
from openbenefits.scenarios.expectations import Dollars, EventClass, Name, Part

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


class LeavePart(Part, kw_only=True, frozen=True):
    """Something agreed, paid or written about a leave without pay that begins on `leave`.

    One of: the `way` chosen (with `through`, the last day expected), the `amount` received, a `letter` sent,
    how much of the annual pledges that ended goes on (`resume`).
    """

    leave: date
    person: Name | None = None
    way: LeaveWay | None = None
    through: date | None = None
    amount: Dollars | None = None
    letter: bool = False
    resume: Resumption | None = None


class LapsePart(Part, kw_only=True, frozen=True):
    """Brings about the events that end coverage nobody paid for, after grace and letter."""


class PaysPart(Part, kw_only=True, frozen=True):
    """Payroll takes, in every pay from one day through another, what it can of what is owed and ordered."""

    begin: date = msgspec.field(name="from")
    through: date


class CorrectPart(Part, kw_only=True, frozen=True):
    """Orders the corrections nobody need decide on, under a policy as stated here."""

    pays: int | None = None  # the policy: over so many
    needs_consent: bool = False
