"""Who may have what: people, their dependents, and what an event lets them change."""

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta

from openbenefits.core.codes import (
    PERSON_KINDS,
    USUAL_RELATIONSHIPS,
    BeginRule,
    DeductionBeginRule,
    DeductionEndRule,
    DefaultMethod,
    EndRule,
    LastDay,
    OverageBegins,
    PersonType,
    PledgeChange,
    SelectAllowed,
    WithoutCurrent,
)
from openbenefits.programs.sections.base import Code, Dollars, Part, SwitchedPart


class DependentRulePart(SwitchedPart, kw_only=True, frozen=True):
    """Who counts as a dependent, and until when. Age and marriage do not matter for spouses and partners."""

    code: Code
    age_limit: int = 99
    student_age_limit: int | None = None  # none: students too end at `age_limit`
    disabled_exempt: bool = True
    married_ineligible: bool = False
    relationships: tuple[PersonType, ...] = USUAL_RELATIONSHIPS
    last_day: LastDay = LastDay.DAY_BEFORE_BIRTHDAY  # the last day on which who reaches the limit counts
    plan_year_begins: Annotated[int, Meta(ge=1, le=12)] = 1  # the month, for plan_year_end
    overage_begins: OverageBegins = OverageBegins.EVENT_DATE  # of continuation coverage


class CriterionPart(Part, kw_only=True, frozen=True):
    """A range (`min`, `max`), a list (`values`) or a `geography`; `exclude` turns it round.

    Ages and services may count on a day of the event's year or the one before (`as_of`, `as_of_day` as
    MM-DD). What a job says may be asked of several `jobs`: one has to meet it, all of them, or their sum.
    Instead of a `field`, a group: of `any` one suffices, of `all` every one is needed.
    """

    field: str = ""
    min: Decimal | None = None
    max: Decimal | None = None
    values: list[str] | None = None
    geography: str | None = None
    exclude: bool = False
    as_of: Literal["event_date", "this_year", "last_year"] = "event_date"
    as_of_day: str = ""
    jobs: Literal["primary", "flagged", "all_flagged"] = "primary"
    active_only: bool = False
    evaluation: Literal["one", "all", "sum"] = "one"
    any: list["CriterionPart"] | None = None
    all: list["CriterionPart"] | None = None


class EligibilityRulePart(SwitchedPart, kw_only=True, frozen=True):
    code: Code
    name: str
    criteria: list[CriterionPart]


PersonKind = Annotated[str, Meta(pattern=f"^({'|'.join(PERSON_KINDS)})$")]


class PersonChangePart(Part, kw_only=True, frozen=True):
    """How the number of covered persons of a kind may change: consistency of mid-year changes.

    With a current election the number may stay the `same`, be `more` or be `less`; `without_current` says
    whether persons of the kind may, may not, or must be covered by somebody who has none.
    """

    same: bool = False
    more: bool = False
    less: bool = False
    without_current: WithoutCurrent = WithoutCurrent.ALLOWED


class EventRuleRow(Part, kw_only=True, frozen=True):
    """What an event class means for a plan type. `event_class` blank serves all classes not listed."""

    event_class: str = ""
    select: SelectAllowed = SelectAllowed.ALL
    use_history: bool = False
    pre_enter: bool = False
    election_required: bool = False
    ignore: bool = False
    default: DefaultMethod = DefaultMethod.CURRENT_ELSE_NONE
    waiting_months: int = 0
    waiting_days: int = 0
    coverage_begins: BeginRule = BeginRule.EVENT_DATE
    deduction_begins: DeductionBeginRule = DeductionBeginRule.WITH_COVERAGE
    coverage_ends: EndRule = EndRule.MONTH_END
    deduction_ends: DeductionEndRule = DeductionEndRule.WITH_COVERAGE
    ends_day: Annotated[int, Meta(ge=1, le=31)] | None = None  # of the month: of ends by `day_of_month`
    level_limit: int = 0
    waived_level_limit: int = 0
    proof_from_level: int | None = None
    proof_above: Dollars | None = None
    waived_proof_from_level: int | None = None
    waived_proof_above: Dollars | None = None
    proof_rise: int = 0  # levels one may rise above the current option without proof; 0 and 99: no such rule
    reinstate_within_days: int = 0  # what an event ended so many days before, at most, comes back; 0: nothing
    retier: bool = False  # fewer remain covered than the code demands: the same plan, with one that fits
    persons: dict[PersonKind, PersonChangePart] = {}  # a kind left out is not restricted
    pledge_change: PledgeChange = PledgeChange.ANY
    ignore_dependent_checks: bool = False
    ignore_fund_checks: bool = False
    orientation_month: bool = False  # the wait begins after an orientation of one month (rulings §2.7)
    orientation_days: int = 0  # … of so many days; what exceeds one month counts as waiting
    wait_exception: str = ""  # what the orientation is, and where the plan document says so


class EventRulePart(SwitchedPart, kw_only=True, frozen=True):
    code: Code
    classes: list[EventRuleRow]
