"""Rates by what they depend on, and how amounts are rounded and people aged for them."""

from datetime import date
from typing import Literal

from openbenefits.core.codes import AgeOf, AreaOf, PersonType, PriceDay, RateUnit
from openbenefits.programs.sections.base import (
    Code,
    DatedPart,
    DayOfYear,
    Dollars,
    Part,
    Rate,
    RateFactor,
    SwitchedPart,
)


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
