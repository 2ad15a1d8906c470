"""What a program offers: plan types, options, what they require and exclude."""

from typing import Annotated, Literal

from msgspec import Meta

from openbenefits.core.codes import AmountKind, ExcessCredits
from openbenefits.programs.sections.amounts import (
    CostPart,
    CreditPart,
    GeneralCreditPart,
    GeneralDeductionPart,
)
from openbenefits.programs.sections.base import Code, Dollars, Hours, Part, Percent, PlanType, SwitchedPart


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
    counts_elsewhere: bool | None = None  # what was put in at another employer; null: by law
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
