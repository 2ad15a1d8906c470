"""How much coverage an option gives, what it costs, what the employer pays and credits."""

from decimal import Decimal
from typing import Literal

from openbenefits.programs.sections.base import (
    AddedDollars,
    Code,
    DayOfYear,
    Dollars,
    Factor,
    Part,
    Percent,
    SwitchedPart,
)


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
