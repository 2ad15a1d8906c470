"""Plans, what they pay, what together they may not exceed, and the funds of savings plans."""

from openbenefits.programs.sections.base import Code, Dollars, Part, Percent, PlanType, SwitchedPart


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


class FundPart(Part, kw_only=True, frozen=True):
    plan_type: PlanType
    code: Code
    name: str
