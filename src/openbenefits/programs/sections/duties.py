"""What the law and the payroll ask for: continuation, leaves, terms of deduction."""

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta

from openbenefits.core.codes import CobraCause, LeaveKind, LeaveWay, LowPay, RetroOwner
from openbenefits.programs.sections.base import Code, DatedPart, Part, Percent, PlanType, SwitchedPart


class CobraClassPart(DatedPart, kw_only=True, frozen=True):
    """What losing coverage for a cause gives, for events from its day on: months, and days to tell whom.

    `counts_from` says whether months and the employer's days count from the event or from the loss. With
    `beneficiary_days` the employee or the dependent must report the event within so many days, and the
    employer's notice is not waited for.
    """

    code: CobraCause  # the cause
    months: Annotated[int, Meta(ge=1)]
    disability_months: Annotated[int, Meta(ge=0)] = 0  # further ones where somebody is disabled
    counts_from: Literal["event", "loss"] = "event"
    employer_days: Annotated[int, Meta(ge=0)] = 30
    administrator_days: Annotated[int, Meta(ge=0)] = 14
    beneficiary_days: Annotated[int, Meta(ge=0)] | None = None
    election_days: Annotated[int, Meta(ge=0)] = 60


class LeaveStartPart(Part, kw_only=True, frozen=True):
    """A job action, and its reason if one matters, that begins a leave."""

    action: str
    reason: str = ""


class LeavePolicyPart(SwitchedPart, kw_only=True, frozen=True):
    """How coverage is paid for during leaves without pay that begin on its day or later.

    `begun_by` names the job actions that begin such a leave; without it the policy is that of every other
    leave. Of the `ways` the person chooses one; who chooses none has the `default_way`. What is paid as one
    goes is due on the check day of the pay that does not take it: more than `grace_days` later, and
    `notice_days` after a letter said so, coverage may be ended by an event of the `lapse_class` (none: not).
    With `full_cost_after_days` health coverage costs the employer's part, too, once a leave lasts so long.
    """

    code: Code
    name: str
    kind: LeaveKind = LeaveKind.UNPAID
    begun_by: list[LeaveStartPart] = []
    ways: list[LeaveWay]
    default_way: LeaveWay
    grace_days: Annotated[int, Meta(ge=0)] = 30
    notice_days: Annotated[int, Meta(ge=0)] = 15
    lapse_class: str | None = None
    full_cost_after_days: Annotated[int, Meta(ge=0)] | None = None
    full_cost_percent: Percent = Decimal(100)  # of the whole price


class PayrollTermsPart(DatedPart, kw_only=True, frozen=True):
    """Who corrects deductions, and what a pay takes that is too low for all of them.

    The row in force on the day of the check counts. `first_taken` are plan types in the order in which a low
    pay takes them; the others follow by their code.
    """

    code: Code
    retro_owner: RetroOwner = RetroOwner.OURS
    low_pay: LowPay = LowPay.PARTIAL
    first_taken: list[PlanType] = []
