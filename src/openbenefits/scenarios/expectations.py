"""What a story may expect after a step, and the words its sections share."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from openbenefits.core.codes import EventStatus, ProcessStatus

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}$", description="a short name within the story")]
EventClass = Annotated[str, Meta(pattern=r"^[A-Z]{2,3}$", description="code of an event class")]
PlanType = Annotated[str, Meta(pattern=r"^[0-9A-Z]{2}$", description="two characters, see core.codes")]
Dollars = Annotated[Decimal, Meta(extra={"decimals": 2, "least": None})]
Percent = Annotated[Decimal, Meta(extra={"decimals": 3, "least": 0})]

Kind = Literal["elected", "defaulted", "waived", "terminated", "never enrolled", "ineligible"]
Tax = Literal["before", "after"]
BasisOfDay = Literal["eligible", "run-out", "leave", "continuation", "override"]


class Part(Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """What every section of a story shares: unknown keys are refused."""


class EventExpectation(Part, kw_only=True, frozen=True):
    """An event of the person; `messages` are the codes of all its present messages."""

    event_class: EventClass | UnsetType = UNSET
    dated: date | UnsetType = UNSET
    status: ProcessStatus | UnsetType | None = UNSET
    event_status: EventStatus | UnsetType = UNSET
    program: str | UnsetType | None = UNSET
    messages: list[str] | UnsetType = UNSET
    passed: list[ProcessStatus] | UnsetType = UNSET  # every status it has been at, in order
    window_ends: date | UnsetType | None = UNSET
    facts_changed: bool | UnsetType = UNSET  # flagged: the facts it was decided on have changed
    out_of_sequence: bool | UnsetType = UNSET  # flagged: an earlier event came after it
    merged: bool | UnsetType = UNSET  # several activities of one day and class
    source: str | UnsetType = UNSET  # TJ, TL, TP, MJ, EX, BP, PB, PS, ME, OE, SN


class OptionExpectation(Part, kw_only=True, frozen=True):
    """An option: offered or not, and what it costs. The employee's price is before and after tax together."""

    offered: bool | UnsetType = UNSET
    because: Literal["not eligible", "not electable"] | UnsetType | None = UNSET
    per_pay: Dollars | UnsetType | None = UNSET
    per_month: Dollars | UnsetType | None = UNSET
    per_year: Dollars | UnsetType | None = UNSET
    employer_per_month: Dollars | UnsetType | None = UNSET
    credit_per_pay: Dollars | UnsetType | None = UNSET
    credit_per_year: Dollars | UnsetType | None = UNSET
    tax: Tax | UnsetType | None = UNSET
    coverage: Dollars | UnsetType | None = UNSET
    billed_coverage: Dollars | UnsetType | None = UNSET  # until evidence is approved
    proof: bool | UnsetType = UNSET
    default: bool | UnsetType = UNSET
    current: bool | UnsetType = UNSET


class PlanExpectation(Part, kw_only=True, frozen=True):
    """A plan type of the event: its dates, its default, what the person may do."""

    coverage_begins: date | UnsetType | None = UNSET
    deduction_begins: date | UnsetType | None = UNSET
    coverage_ends: date | UnsetType | None = UNSET
    deduction_ends: date | UnsetType | None = UNSET
    current: str | UnsetType | None = UNSET
    default: str | UnsetType | None = UNSET
    choice: bool | UnsetType = UNSET
    lost: bool | UnsetType = UNSET
    offered: list[str] | UnsetType = UNSET  # codes of all options that may be chosen, the waiver too


class CoverageExpectation(Part, kw_only=True, frozen=True):
    """What holds from a day through another (`through: null` is open)."""

    begins: date | UnsetType = UNSET
    through: date | UnsetType | None = UNSET
    kind: Kind | UnsetType = UNSET
    option: str | UnsetType | None = UNSET
    deduction_begins: date | UnsetType | None = UNSET
    dependents: list[Name] | UnsetType = UNSET
    amount: Dollars | UnsetType | None = UNSET
    asked_amount: Dollars | UnsetType | None = UNSET  # waits for evidence
    pledge: Dollars | UnsetType | None = UNSET
    percent: Percent | UnsetType | None = UNSET
    funds: dict[str, int] | UnsetType = UNSET
    rule: str | UnsetType = UNSET


class DeductionExpectation(Part, kw_only=True, frozen=True):
    """What is owed in the pay periods that end in a year, for one plan type.

    Periods are named by the day they end. `each` is the amount of every period in which something is owed.
    """

    year: int | None = None  # none: that of the step
    first_period_ends: date | UnsetType | None = UNSET
    last_period_ends: date | UnsetType | None = UNSET
    periods: int | UnsetType = UNSET
    each: Dollars | UnsetType = UNSET
    total: Dollars | UnsetType = UNSET
    tax: Tax | UnsetType = UNSET
    amounts: dict[date, Dollars] | UnsetType = UNSET  # of the periods named; 0 where nothing is owed


class TaskExpectation(Part, kw_only=True, frozen=True):
    """Something covered that may not be, on some day ahead, and since when."""

    plan_type: PlanType
    code: Literal["no_program", "undecided", "not_offered", "not_eligible", "dependent", "link"]
    since: date


class Expectation(Part, kw_only=True, frozen=True):
    """What must be true of a person after a step.

    `event_class` (and `dated`) name the event whose options and plans are meant: left out, the one that
    moved last. `events` lists all events of the person, `coverage` all that holds of a plan type, in order;
    one mapping instead of a list is the last of them.
    """

    person: Name | None = None
    event_class: EventClass | None = None
    dated: date | None = None
    events: list[EventExpectation] | UnsetType = UNSET
    event: EventExpectation | UnsetType = UNSET
    plans: dict[PlanType, PlanExpectation] = {}
    options: dict[str, OptionExpectation] = {}
    coverage: dict[PlanType, CoverageExpectation | list[CoverageExpectation]] = {}
    deductions: dict[PlanType, DeductionExpectation] = {}
    balances: dict[PlanType, Dollars | None] = {}  # what is still to be taken; null: unknown
    credits: dict[PlanType, DeductionExpectation] = {}  # 01: the general credits of the program
    basis: dict[PlanType, dict[date, BasisOfDay | None]] = {}  # what a covered day rests on
    tasks: list[TaskExpectation] | UnsetType = UNSET  # all of them, through the end of next year
    outcome: str | UnsetType = UNSET  # what the last run says of the person
