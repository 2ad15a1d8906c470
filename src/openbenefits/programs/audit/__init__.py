"""The audit of set-up: what must be right before anything is processed with it.

Each check is a function from the bundle under audit to findings; none looks at the others' results.
"""

from collections.abc import Callable, Iterator

from openbenefits.programs.audit import (
    amounts,
    calculations,
    calendars,
    elections,
    imputed,
    limits,
    prices,
    programs,
    rates,
    references,
    rules,
    waits,
)
from openbenefits.programs.audit.context import Audited
from openbenefits.programs.findings import Finding
from openbenefits.programs.loaded import LoadedBundle

__all__ = ["audit"]

CHECKS: tuple[Callable[[Audited], Iterator[Finding]], ...] = (
    references.unknown_codes,
    references.repeated_records,
    references.missing_sources,
    references.unknown_plan_types,
    rates.faulty_rate_tables,
    rates.faulty_geographies,
    rates.zips_without_area,
    rules.event_classes,
    rules.coverage_codes,
    rules.deduction_codes,
    rules.event_rules,
    rules.eligibility_rules,
    amounts.formulas,
    amounts.contributions,
    amounts.premium_formulas,
    amounts.reference_options,
    imputed.imputed_codes,
    imputed.imputed_options,
    imputed.life_plans,
    imputed.age_tables,
    waits.long_waits,
    limits.repeated_limits,
    limits.unknown_limits,
    programs.programs,
    programs.number_of_rules,
    programs.plan_types,
    programs.defaults,
    programs.options,
    programs.dependent_rules,
    elections.requirements,
    elections.exclusions,
    elections.coverage_groups,
    elections.stated_amounts,
    elections.collected,
    calculations.calculation_rules,
    calculations.ages_of_others,
    prices.prices,
    prices.missing_rates,
    prices.employer_twice,
    prices.missing_contributions,
    calendars.pay_groups,
    calendars.schedules,
    calendars.run_controls,
    calendars.passive_events,
)


def audit(bundle: LoadedBundle, peo: LoadedBundle | None = None) -> list[Finding]:
    """List everything wrong with a bundle.

    A client's bundle is looked at before the background of the PEO's, whose own faults are not repeated.
    """
    audited = Audited(bundle=bundle, peo=peo or bundle)
    return [finding for check in CHECKS for finding in check(audited)]
