"""Companies and groups, where they are, holidays, pays, and the schedules events run on."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta

from openbenefits.programs.sections.base import Code, Part, PlanType, SwitchedPart


class HolidayPart(Part, kw_only=True, frozen=True):
    day: date
    name: str


class HolidayCalendarPart(Part, kw_only=True, frozen=True):
    """Days on which no check can be paid, beside Saturdays and Sundays."""

    code: Code
    name: str
    source: str
    days: list[HolidayPart] = []


class OffCyclePart(Part, kw_only=True, frozen=True):
    """A check beside the calendar (a bonus, a correction); it takes no benefit deductions."""

    check_on: date
    reason: str


class PayGroupPart(Part, kw_only=True, frozen=True):
    """People paid together, and the pattern of their calendar.

    With a calendar of `holidays`, a check that falls on one of them, or on a weekend, is paid on the bank day
    `before` or `after`, or stays (`none`). The calendar is said to end `warn_months` months before it does.
    """

    code: Code
    name: str
    company: str
    frequency: Literal["weekly", "biweekly", "semimonthly", "monthly"]
    first_period_begins: date
    calendar_through: date
    check_lag_days: int = 5
    active: bool = True
    holidays: Code | None = None
    holiday_rule: Literal["before", "after", "none"] = "before"
    off_cycle: list[OffCyclePart] = []
    warn_months: Annotated[int, Meta(ge=0, le=12)] = 3


class GroupPart(Part, kw_only=True, frozen=True):
    code: Code
    name: str


class SchedulePart(Part, kw_only=True, frozen=True):
    """A schedule. Open enrolment and snapshot also say their period, event class and programs."""

    code: Code
    name: str
    kind: Literal["event_maintenance", "open_enrollment", "snapshot"]
    company: str = ""
    benefit_group: str = ""
    event_class: str | None = None
    period_begins: date | None = None
    period_ends: date | None = None
    window_begins: date | None = None
    window_ends: date | None = None
    programs: dict[str, list[PlanType]] = {}  # program: its plan types; an empty list = all of them
    closed_to_new_events: bool = False
    strict_order: bool = False  # no event passes an earlier one that waits, but those that only end coverage
    validate_current: bool = False  # a snapshot says where coverage in force is no longer eligible
    allow_finalize: bool = True  # a snapshot may be finalised: its options are then what history looks at


class PassiveEventPart(Part, kw_only=True, frozen=True):
    """An event that age or length of service brings about, or a covered dependent who passes a limit of age.

    `dependent_limit` goes by the dependent rules, and states neither years nor months.
    """

    code: Code
    event_class: str
    base: Literal["birth", "service", "dependent_limit"]
    years: int = 0
    months: int = 0


class AddressPart(SwitchedPart, kw_only=True, frozen=True):
    """Where a company, or a location that jobs name, is: for rates by the employer's address."""

    code: Annotated[str, Meta(min_length=1)]
    zip: Annotated[str, Meta(pattern=r"^[0-9]{5}$", description="five digits")]
