"""The set-up bundle as people write it: the shape of the YAML files, and nothing else.

A bundle is a folder of `*.yaml` files whose top-level sections are those of `PeoBundle` or
`ClientBundle`; sections may be spread over files in any way. Amounts are dollars with at most two
decimals, rates dollars with at most six, percentages plain numbers (`80` is 80 %), dates `YYYY-MM-DD`.
Every rate and rule says since when (`from`) and where it was taken from (`source`).
The JSON Schema published in `docs/schema/` is made from these types.
"""

from openbenefits.programs.sections.amounts import ContributionPart, FormulaPart
from openbenefits.programs.sections.base import Header, Part
from openbenefits.programs.sections.calendars import (
    AddressPart,
    GroupPart,
    HolidayCalendarPart,
    PassiveEventPart,
    PayGroupPart,
    SchedulePart,
)
from openbenefits.programs.sections.codes import (
    ActionPart,
    AnnualLimitPart,
    CoverageCodePart,
    DeductionCodePart,
    EventClassPart,
    GeographyPart,
    LimitSheetPart,
    TranslationPart,
)
from openbenefits.programs.sections.duties import CobraClassPart, LeavePolicyPart, PayrollTermsPart
from openbenefits.programs.sections.eligibility import DependentRulePart, EligibilityRulePart, EventRulePart
from openbenefits.programs.sections.offers import ProgramPart
from openbenefits.programs.sections.operation import (
    DataAuditPart,
    DeadlinesPart,
    RunControlPart,
    RunLimitPart,
    SecondPersonPart,
)
from openbenefits.programs.sections.plans import CoverageGroupPart, FundPart, PlanPart
from openbenefits.programs.sections.rates import (
    AgeCurvePart,
    AgeTablePart,
    CalculationRulePart,
    RateTablePart,
)


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
    translations: list[TranslationPart] = []


class PeoBundle(SharedSections, kw_only=True, frozen=True):
    """The PEO's set-up: master plans, rates, code lists; readable by all clients."""

    event_classes: list[EventClassPart]
    actions: list[ActionPart]
    cobra_classes: list[CobraClassPart] = []
    coverage_codes: list[CoverageCodePart]
    annual_limits: list[AnnualLimitPart] = []
    limit_sheets: list[LimitSheetPart] = []
    age_tables: list[AgeTablePart] = []


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
