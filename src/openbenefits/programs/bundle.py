"""The set-up bundle as people write it: the shape of the YAML files, and nothing else.

A bundle is a folder of `*.yaml` files whose top-level sections are those of `PeoBundle` or
`ClientBundle`; sections may be spread over files in any way. Amounts are dollars with at most two
decimals, rates dollars with at most six, percentages plain numbers (`80` is 80 %), dates `YYYY-MM-DD`.
Every rate and rule says since when (`from`) and where it was taken from (`source`).
The JSON Schema published in `docs/schema/` is made from these types.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from openbenefits.core.codes import (
    PERSON_KINDS,
    USUAL_RELATIONSHIPS,
    AgeOf,
    AmountKind,
    AreaOf,
    BeginRule,
    CobraCause,
    DeductionBeginRule,
    DeductionEndRule,
    DefaultMethod,
    EndRule,
    ExcessCredits,
    LastDay,
    LeaveKind,
    LeaveWay,
    LowPay,
    OverageBegins,
    PersonType,
    PledgeChange,
    PriceDay,
    RateUnit,
    RetroOwner,
    SelectAllowed,
    WindowAction,
    WindowStart,
    WithoutCurrent,
)

Code = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$", description="a short code")]
PlanType = Annotated[str, Meta(pattern=r"^[0-9A-Z]{2}$", description="two characters, see core.codes")]
Dollars = Annotated[Decimal, Meta(extra={"decimals": 2, "least": 0})]
AddedDollars = Annotated[Decimal, Meta(extra={"decimals": 2, "least": None})]  # may lower an amount
Rate = Annotated[Decimal, Meta(extra={"decimals": 6, "least": 0})]
Percent = Annotated[Decimal, Meta(extra={"decimals": 3, "least": 0})]
Hours = Annotated[Decimal, Meta(extra={"decimals": 2, "least": 0})]
DayOfYear = Annotated[
    str,
    Meta(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$", description="a day of any year, MM-DD"),
]
RateFactor = Annotated[Decimal, Meta(extra={"decimals": 6, "least": 0})]
Factor = Annotated[Decimal, Meta(extra={"decimals": 3, "least": 0})]


class Part(Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """What every section of a bundle shares: unknown keys are refused."""


class DatedPart(Part, kw_only=True, frozen=True):
    """A section with an effective date and a source."""

    valid_from: date = msgspec.field(name="from")
    source: str


class SwitchedPart(DatedPart, kw_only=True, frozen=True):
    """A dated section that may switch its record off: `active: false` from its day, until a later one.

    While it is off, it is as if there were no such record.
    """

    active: bool = True


class Header(Part, kw_only=True, frozen=True):
    """Which bundle this is.

    `starts` is the day benefits administration starts for a client: changes to HR facts dated earlier
    trigger no event, so that taking over a census does not hire everybody anew.
    """

    kind: Literal["peo", "client"]
    code: Code
    name: str
    starts: date | None = None


# --- code lists ---------------------------------------------------------------------------------------


class LifeEventRulePart(Part, kw_only=True, frozen=True):
    """What a life event somebody reports needs, to become an event of its class.

    It is reported within `days_to_notify` after the day it happened, the last of them included (`none`:
    however late); with `proof` its elections wait until the proof is recorded; without `creates_event` it
    waits for an administrator.
    """

    days_to_notify: Annotated[int, Meta(ge=0)] | None = 31
    proof: bool = True
    creates_event: bool = False


class EventClassPart(Part, kw_only=True, frozen=True):
    """What kind of event something is, how it waits, and which letters it prints.

    `life_event` are the terms for reports of such events (left out: each becomes an event at once);
    `copy_to_other_records` lets a job row of one benefit record cause the event in the others too. `forms`
    names the letters: `both`, the `enrollment` statement, the `confirmation`, or `none`. With
    `enrollment_form_days` the statement is not printed earlier than so many days before the event date.
    """

    code: Annotated[str, Meta(pattern=r"^[A-Z]{2,3}$")]
    name: str
    use: Literal["default", "snapshot", "open_enrollment", "specific"]
    priority: int
    manual: bool = False
    only_ends_coverage: bool = False
    special_enrollment: (
        Literal["birth_or_adoption", "marriage", "loss_of_coverage", "medicaid_or_chip", "none"] | None
    ) = None  # for the audit; left out, by the usual codes (BIR, MAR, …)
    guard_full_termination: bool = False
    process_ahead_days: int = 0
    window_days: int = 31
    window_start: WindowStart = WindowStart.EVENT
    window_action: WindowAction = WindowAction.HOLD
    forms: Literal["both", "enrollment", "confirmation", "none"] = "both"
    enrollment_form_days: Annotated[int, Meta(ge=0)] | None = None  # none said: however early
    cobra_action: CobraCause | None = None  # for events whose job action names none
    copy_to_other_records: bool = False
    life_event: LifeEventRulePart | None = None


class ActionPart(Part, kw_only=True, frozen=True):
    action: str
    reason: str = ""
    event_class: str = ""  # blank: the default class
    cobra_action: CobraCause | None = None  # why coverage lost by it may be continued


class PersonRange(Part, kw_only=True, frozen=True):
    min: int
    max: int


class CoverageCodePart(Part, kw_only=True, frozen=True):
    """How many persons of each kind a code covers; a kind left out is not covered.

    Kinds are named EE, SP, DP, SS, NQ, and CH for child, adult child and other qualified. A code that says
    who else is covered, and not EE, does not cover the employee: the partner's side, elected in addition.
    A code that names nobody is employee only.
    """

    code: Code
    name: str
    persons: dict[PersonType, PersonRange]
    imputed_against: Code | None = None  # covers persons who are no tax dependents; the code without them


class PlanDesignPart(Part, kw_only=True, frozen=True):
    """What members of a medical plan pay themselves, for people who compare plans; it decides nothing.

    A visit or drug without a copay of its own goes to the deductible, then to the coinsurance. `deductible`
    and `out_of_pocket_max` are one person's, the others the family's together.
    """

    deductible: Dollars
    deductible_family: Dollars
    out_of_pocket_max: Dollars
    out_of_pocket_max_family: Dollars
    coinsurance_percent: Percent  # what members pay of what is above the deductible
    primary_visit: Dollars | None = None
    specialist_visit: Dollars | None = None
    emergency_visit: Dollars | None = None
    drug: Dollars | None = None
    source: str


class PlanPart(SwitchedPart, kw_only=True, frozen=True):
    code: Code
    plan_type: PlanType
    name: str
    carrier: str
    design: PlanDesignPart | None = None  # not said: it cannot be compared by expected use
    hsa_eligible: bool = False
    imputed_income: bool = False  # group-term life insurance the employer carries (26 USC 79)
    names_provider: bool = False  # every member names a doctor or dentist
    coverage_group: Code | None = None  # whose plans together have a maximum


class CoverageGroupPart(SwitchedPart, kw_only=True, frozen=True):
    """Plans that together may not cover more than `maximum` (plans name their group)."""

    code: Code
    maximum: Dollars


class RateLine(Part, kw_only=True, frozen=True):
    """One rate; band keys give the lower edge, which belongs to the band.

    `rate` is the whole price; `employer_rate`, where stated, is what of it the employer pays.
    """

    rate: Rate
    employer_rate: Rate | None = None
    age_from: int | None = None
    area: str | None = None
    coverage_code: str | None = None
    smoker: bool | None = None
    sex: str | None = None
    person_type: PersonType | None = None  # of tables per member: each member's own
    service_months_from: int | None = None
    annual_pay_from: Dollars | None = None


RateKey = Literal["age", "area", "coverage_code", "smoker", "sex", "person_type", "service", "pay"]
RateFrequency = Literal[
    "annual", "quarterly", "monthly", "semimonthly", "biweekly", "weekly", "daily", "daily_365"
]


class RateTablePart(SwitchedPart, kw_only=True, frozen=True):
    """A table of rates: its lines here, or in a CSV file of the bundle with the columns of RateLine.

    With `file`, the CSV may hold several tables: only rows whose column `table` equals `code` count.
    With `curve`, the lines state the rate of `base_age` and the other ages follow; `tiers` makes of each line
    one for each coverage code; `tobacco_factor` one for smokers. All are rounded to the cent.
    """

    code: Code
    frequency: RateFrequency = "monthly"  # daily: 260 working days a year; daily_365: every day
    unit: RateUnit = RateUnit.FLAT
    keys: list[RateKey] = []
    per_member: bool = False
    charged_children: int = 3  # per member: so many of the children under the age below, the oldest
    charged_children_under: int = 21  # both: 45 CFR 147.102(c)(1)
    geography: str | None = None  # of the rating areas, when keyed by area
    area_of: AreaOf = AreaOf.HOME  # whose address gives the area: the home, the company, the place of work
    curve: str | None = None  # an age curve of the same bundle, else of the PEO's
    base_age: int = 21
    tiers: dict[Code, RateFactor] = {}
    tobacco_factor: RateFactor | None = None  # at most 1.5 in health
    tobacco_from_age: int = 21
    rates: list[RateLine] = []
    file: str | None = None


class AgeFactor(Part, kw_only=True, frozen=True):
    age: int
    factor: RateFactor


class AgeCurvePart(SwitchedPart, kw_only=True, frozen=True):
    """How rates rise with age: a factor for each age, here or in a CSV file (`age`, `factor`; and `curve`).

    Factors stand on whatever base they are published on. Nobody below the lowest age or above the highest has
    a rate, unless the curve is open there: then that age's factor serves everybody beyond.
    """

    code: Code
    factors: list[AgeFactor] = []
    file: str | None = None
    open_below: bool = False
    open_above: bool = False


class CalculationRulePart(SwitchedPart, kw_only=True, frozen=True):
    """As of which day a price takes age, service and pay, and whose age it is.

    `this_year` and `last_year` need the day of the year, as `age_day: "12-31"`; 29 February is the 28th in
    common years. Without a rule every price takes them on the day coverage begins (pay: of the event date).
    """

    code: Code
    age_as_of: PriceDay = PriceDay.COVERAGE_BEGIN
    age_day: DayOfYear | None = None
    service_as_of: PriceDay = PriceDay.COVERAGE_BEGIN
    service_day: DayOfYear | None = None
    pay_as_of: PriceDay = PriceDay.COVERAGE_BEGIN
    pay_day: DayOfYear | None = None
    age_of: AgeOf = AgeOf.EMPLOYEE


class GeographyPart(Part, kw_only=True, frozen=True):
    """Zip codes: `file` is a CSV of the bundle with `zip` and, for rating areas, `area`.

    A row may give a range, `zip_from` and `zip_to` (both in it), instead of `zip`: five digits each.
    With a column `geography`, only rows that name this code count.
    """

    code: Code
    name: str
    source: str
    file: str


class AnnualLimitPart(Part, kw_only=True, frozen=True):
    """A legal amount of one year. A year without one is unknown: it is never the year before, nor zero."""

    code: Code
    year: int
    limit: Dollars  # or percent, by `unit`
    source: str
    unit: Literal["dollars", "percent"] = "dollars"
    basis: str = ""  # what the year is: plan year, calendar year, month …


class LimitSheetPart(Part, kw_only=True, frozen=True):
    """Legal amounts in a CSV file: `code`, a column for each year, `source`; maybe `unit` and `basis`.

    A blank cell is an amount not known: no limit of that year.
    """

    code: Code
    file: str


class AgeRate(Part, kw_only=True, frozen=True):
    """What $1,000 of cover is worth a month from an age on."""

    age_from: int
    rate: Rate


class AgeTablePart(DatedPart, kw_only=True, frozen=True):
    """A published table of values by age, such as Table I of 26 CFR 1.79-3: its rows here, or in a CSV file.

    It holds from `from` until the next version, or through `through`, if it says so.
    """

    code: Code
    through: date | None = None
    rows: list[AgeRate] = []
    file: str | None = None  # with columns age_from and rate


class DeductionCodePart(Part, kw_only=True, frozen=True):
    code: Code
    name: str
    tax: Literal["before", "after"]
    periods_of_month: tuple[int, ...] = (1, 2, 3, 4, 5)


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


class FundPart(Part, kw_only=True, frozen=True):
    plan_type: PlanType
    code: Code
    name: str


# --- rules --------------------------------------------------------------------------------------------


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


class FormulaStepPart(Part, kw_only=True, frozen=True):
    """One step: multiply, divide, add, subtract, add_base, set, or one of the two ways to round.

    `add_base: 0.5` adds half the capped base. `round: up` (`down`, `nearest`) with `to: 1000` is short for
    `round_to: 1000` with `round_up: 999.99` (`0`, `500`).
    """

    multiply: Factor | None = None
    divide: Factor | None = None
    add: AddedDollars | None = None
    subtract: Dollars | None = None
    add_base: Factor | None = None
    set: Dollars | None = None
    round: Literal["up", "down", "nearest"] | None = None
    to: Dollars | None = None
    round_to: Dollars | None = None
    round_up: Dollars | None = None


class AgeReductionPart(Part, kw_only=True, frozen=True):
    age_from: int
    reduce_percent: Percent


class DisabilityPart(Part, kw_only=True, frozen=True):
    """Covered pay is what a month's benefit of `replacement_percent` can replace, up to its maximum."""

    replacement_percent: Percent
    maximum_monthly_benefit: Dollars


class FormulaPart(SwitchedPart, kw_only=True, frozen=True):
    """How a coverage amount follows from pay: by steps, or by what a disability benefit replaces.

    Pay is that of the event date, or of a day of the year in which coverage begins, or of the year before:
    `as_of: last_year` with `as_of_day: "12-31"`; or of the check, or the end, of the pay period in which
    deductions begin (`check_date`, `pay_end`). It may be the pay of several `jobs` together, as these are on
    that day (`active_only`: those that go on then), or instead of any job's a `benefits_base` of a type.
    """

    code: Code
    base: Literal["annual_pay", "monthly_pay", "weekly_pay"] = "annual_pay"
    benefits_base: Code | None = None
    jobs: Literal["primary", "flagged", "all_flagged"] = "primary"
    active_only: bool = False
    as_of: Literal["event_date", "this_year", "last_year", "check_date", "pay_end"] = "event_date"
    as_of_day: DayOfYear | None = None
    base_cap: Dollars | None = None
    steps: list[FormulaStepPart] = []
    disability: DisabilityPart | None = None
    minimum: Dollars | None = None
    maximum: Dollars | None = None
    age_reductions: list[AgeReductionPart] = []


class ContributionRow(Part, kw_only=True, frozen=True):
    coverage_code: str = ""  # blank: any
    employee_percent: Percent = Decimal(0)
    dependent_percent: Percent = Decimal(0)
    fixed_monthly: Dollars = Decimal(0)
    cap_monthly: Dollars | None = None
    minimum_employee_monthly: Dollars | None = (
        None  # what the employee pays at least, unless the total is less
    )


class ContributionPart(SwitchedPart, kw_only=True, frozen=True):
    """What the employer pays: percent of the employee's part and of the dependents' part, plus fixed.

    With `reference_option` (the code of an option of the same plan type, without coverage code), the parts
    are those of that option's price, for the same person and coverage code.
    """

    code: Code
    reference_option: Code | None = None
    rows: list[ContributionRow]


# --- programs -----------------------------------------------------------------------------------------


class CostPart(Part, kw_only=True, frozen=True):
    rate_table: str
    contribution: str | None = None  # none: the employee pays all
    calculation_rule: str | None = None  # none: everything on the day coverage begins


class CreditPart(Part, kw_only=True, frozen=True):
    rate_table: str
    earnings_code: str
    calculation_rule: str | None = None


class GeneralCreditPart(CreditPart, kw_only=True, frozen=True):
    """A credit of the program itself, for everybody in it whom its rule, if any, admits."""

    eligibility: str | None = None


class GeneralDeductionPart(CostPart, kw_only=True, frozen=True):
    """A deduction of the program itself, from everybody in it whom its rule, if any, admits."""

    code: Code
    name: str
    deduction_code: str
    eligibility: str | None = None


class RequiresPart(Part, kw_only=True, frozen=True):
    """The coverage in another plan type that an option needs; of a given plan, if one is named.

    `coverage_percent` is the most an option may cover, in percent of the coverage required.
    """

    plan_type: PlanType
    plan: Code | None = None
    coverage_percent: Percent | None = None
    check_dependents: bool = False  # who is covered here must be covered there


class ExcludedPart(Part, kw_only=True, frozen=True):
    """Coverage that rules this plan type out: any of a plan type, or one plan of it."""

    plan_type: PlanType
    plan: Code | None = None


class HoursPart(Part, kw_only=True, frozen=True):
    """Hours of leave an option buys or sells in a year, from `minimum` to `maximum`."""

    trade: Literal["buy", "sell"]
    minimum: Hours | None = None
    maximum: Hours | None = None
    earnings_code: Code | None = None  # of hours sold


class OptionPart(Part, kw_only=True, frozen=True):
    """An option; with several `coverage_codes` one option each, coded `<code>-<coverage code>`.

    Levels of such options count up from `level`. `default` names the coverage code that is the default
    (or is true for an option without coverage codes). One that is not `active` is none.
    """

    code: Code
    active: bool = True
    plan: str | None = None
    name: str | None = None
    coverage_codes: list[str] = []
    level: int = 1
    default: bool | str = False
    eligibility: str | None = None
    service_area: str | None = None
    formula: str | None = None
    premium_formula: str | None = None  # the coverage the employee pays for; the employer pays the rest
    coverage_amount: Dollars | None = None
    deduction_code: str | None = None
    after_tax_deduction_code: str | None = None  # of the percentage after tax; none: `deduction_code`
    requires: RequiresPart | None = None
    hours: HoursPart | None = None
    costs: list[CostPart] = []
    credits: list[CreditPart] = []


class PlanTypePart(Part, kw_only=True, frozen=True):
    """A plan type of a program; one that is not `active` is none."""

    plan_type: PlanType
    active: bool = True
    event_rule: str
    waive: Literal["allowed", "with_proof", "not_allowed", "not_applicable"] = "not_allowed"
    restrict_entry_months: int = 0  # who left may not enter again before; 0: at any time
    credits: list[CreditPart] = []  # with any option of the plan type, beside its own
    waive_credits: list[CreditPart] = []
    dependent_rule: str | None = None
    amount: AmountKind = AmountKind.NONE
    minimum_pledge: Dollars | None = None
    maximum_pledge: Dollars | None = None
    minimum_percent: Percent | None = None
    maximum_percent: Percent | None = None
    maximum_after_tax_percent: Percent | None = None
    maximum_total_percent: Percent | None = None  # before and after tax together
    annual_limit: str | None = None  # the code of a legal limit
    missing_limit: Literal["refuse", "last_known"] = "refuse"  # where a year's limit is not published
    plan_year_month: Annotated[int, Meta(ge=1, le=12)] = 1  # in which the plan year begins
    month_rule: bool = False  # the limit in proportion to the months eligible on the 1st
    excluded_coverage: list[ExcludedPart] = []
    hours_per_year: Annotated[int, Meta(ge=1)] = 2080  # by which annual pay gives the price of an hour
    collect: Literal["none", "dependents", "beneficiaries", "both"] | None = None  # none said: by the kind
    invested: bool = False
    lock_price: bool = False
    options: list[OptionPart]


class ProgramPart(SwitchedPart, kw_only=True, frozen=True):
    code: Code
    name: str
    eligibility: str | None = None
    service_area: str | None = None
    event_rule: str | None = None
    maximum_pledge: Dollars | None = None  # of all spending accounts together
    credits: list[GeneralCreditPart] = []
    deductions: list[GeneralDeductionPart] = []
    excess_credits: ExcessCredits = ExcessCredits.PAID
    excess_cost_plan_types: list[PlanType] = []  # whose costs before tax credits pay for; empty: all
    rollover_plan_types: list[PlanType] = []  # filled in this order, each up to its maximum pledge
    rollover_rest: Literal["paid", "forfeited"] = "forfeited"
    rollover_by_choice: bool = False  # an election may say otherwise
    plan_types: list[PlanTypePart]


# --- calendars, schedules, run controls ---------------------------------------------------------------


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


class RunControlPart(Part, kw_only=True, frozen=True):
    """A named order to run. `reprocess` decides the whole schedule again, and `through` says from where.

    `program` assigns it again, `options` prepares it again, `elections` validates again what was entered,
    `final` decides it again as it was answered.
    """

    code: Code
    name: str
    kind: Literal["process", "passive", "windows", "repairs", "reprocess"]
    schedule: str | None = None
    through: Literal["schedule", "program", "options", "elections", "final"] = "elections"
    finalize: bool = False
    capture_new_participants: bool = True  # after the first run, open the period for who has come since
    repeats: Literal["nightly", "monthly", "once", "on_demand"] = "on_demand"
    runs_on: date | None = None


class DataAuditPart(Part, kw_only=True, frozen=True):
    """How many people with a finding of the data audit a run of the client accepts.

    `people` says so by code, `most_people` for every other code. Without this section the audit of data
    informs and holds nothing: whoever is faulty gets a message, the others go on.
    """

    most_people: Annotated[int, Meta(ge=0)] = 0
    people: dict[str, Annotated[int, Meta(ge=0)]] = {}


class RunLimitPart(DatedPart, kw_only=True, frozen=True):
    """The most that a run of its day or later may publish before a person has looked at it (rulings §1.11).

    Of several limits of a schedule the latest counts; a schedule without its own goes by those without one.
    What is not stated is not limited.
    """

    code: Code
    schedule: Code | None = None
    terminations: Annotated[int, Meta(ge=0)] | None = None  # people who end without any coverage
    dropped_dependents: Annotated[int, Meta(ge=0)] | None = None  # dependents who end without any
    dollars_per_pay: Dollars | None = None  # that differ in one pay, up and down added
    events_of_an_import: Annotated[int, Meta(ge=0)] | None = None  # events one import brings about


class SecondPersonPart(Part, kw_only=True, frozen=True):
    """The acts that need another person than who prepared them (rulings §6.5).

    Those about a run or a rehearsal may be done by another person than who made it; each of them may be done
    by anybody once another user approved it (accounts.approvals). The database refuses the rest.
    """

    release: bool = False
    take_back: bool = False
    commit: bool = False
    finalize: bool = False  # runs that apply defaults and close
    override: bool = False  # eligibility decided by a person
    setup: bool = False  # a release of set-up put into force, or taken out of it
    write_off: bool = False  # a difference of a carrier's invoice that nobody claims any more


class DeadlinesPart(Part, kw_only=True, frozen=True):
    """Until when papers are waited for, and what becomes of what nobody proved in time.

    `evidence_days` after coverage is asked for, evidence of insurability that nobody decided expires: what is
    in force stays. `dependent_days` after a dependent is covered for the first time, papers must be approved
    that show who it is, of the person types `dependent_types`. Else, with an `unverified_event`, the
    dependent is no longer one from the next day on, and an event of that class ends the coverage; without it
    somebody decides.
    """

    evidence_days: Annotated[int, Meta(ge=1)] | None = None
    dependent_days: Annotated[int, Meta(ge=1)] | None = None
    dependent_types: list[str] = []  # none: every one
    unverified_event: Code | None = None


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


class SharedSections(Part, kw_only=True, frozen=True):
    """Sections that both kinds of bundle may have; a client's own come before the PEO's."""

    bundle: Header
    plans: list[PlanPart] = []
    rate_tables: list[RateTablePart] = []
    age_curves: list[AgeCurvePart] = []
    calculation_rules: list[CalculationRulePart] = []
    geographies: list[GeographyPart] = []
    deduction_codes: list[DeductionCodePart] = []
    dependent_rules: list[DependentRulePart] = []
    eligibility_rules: list[EligibilityRulePart] = []
    event_rules: list[EventRulePart] = []
    formulas: list[FormulaPart] = []
    contributions: list[ContributionPart] = []
    funds: list[FundPart] = []
    coverage_groups: list[CoverageGroupPart] = []
    passive_events: list[PassiveEventPart] = []
    leave_policies: list[LeavePolicyPart] = []
    payroll_terms: list[PayrollTermsPart] = []
    holiday_calendars: list[HolidayCalendarPart] = []


class PeoBundle(SharedSections, kw_only=True, frozen=True):
    """The PEO's set-up: master plans, rates, code lists; readable by all clients."""

    event_classes: list[EventClassPart]
    actions: list[ActionPart]
    cobra_classes: list[CobraClassPart] = []
    coverage_codes: list[CoverageCodePart]
    annual_limits: list[AnnualLimitPart] = []
    limit_sheets: list[LimitSheetPart] = []
    age_tables: list[AgeTablePart] = []


class AddressPart(SwitchedPart, kw_only=True, frozen=True):
    """Where a company, or a location that jobs name, is: for rates by the employer's address."""

    code: Annotated[str, Meta(min_length=1)]
    zip: Annotated[str, Meta(pattern=r"^[0-9]{5}$", description="five digits")]


class ClientBundle(SharedSections, kw_only=True, frozen=True):
    """A client's set-up: its groups, calendars, programs, schedules and run controls."""

    companies: list[GroupPart]
    company_addresses: list[AddressPart] = []
    location_addresses: list[AddressPart] = []
    benefit_groups: list[GroupPart]
    pay_groups: list[PayGroupPart]
    programs: list[ProgramPart]
    schedules: list[SchedulePart]
    run_controls: list[RunControlPart] = []
    data_audit: DataAuditPart | None = None
    run_limits: list[RunLimitPart] = []
    second_person: SecondPersonPart | None = None
    deadlines: DeadlinesPart | None = None
