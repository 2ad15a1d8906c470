"""The audit of set-up: what must be right before anything is processed with it.

Each check is a function from the bundle under audit to findings; none looks at the others' results.
"""

from collections.abc import Callable, Iterator

from openbenefits.programs.audit import (
    accounts,
    addresses,
    advice,
    amounts,
    calculations,
    calendars,
    cobra,
    curves,
    cycles,
    dependents,
    elections,
    eligibility,
    event_rules,
    excess,
    general,
    imputed,
    leaves,
    limits,
    prices,
    programs,
    rates,
    references,
    rules,
    run_limits,
    special,
    waits,
)
from openbenefits.programs.audit.context import Audited
from openbenefits.programs.findings import Finding, has_errors
from openbenefits.programs.loaded import LoadedBundle, with_curves_of

__all__ = ["audit"]

CHECKS: tuple[Callable[[Audited], Iterator[Finding]], ...] = (
    references.unknown_codes,
    references.inactive_records,
    references.repeated_records,
    references.missing_sources,
    references.unknown_plan_types,
    cycles.circular_references,
    curves.age_curves,
    rates.faulty_rate_tables,
    rates.faulty_geographies,
    rates.zips_without_area,
    rules.event_classes,
    rules.coverage_codes,
    rules.relationships,
    rules.deduction_codes,
    rules.event_rules,
    eligibility.eligibility_rules,
    excess.excess_credits,
    amounts.formulas,
    amounts.contributions,
    amounts.premium_formulas,
    amounts.reference_options,
    imputed.imputed_codes,
    imputed.imputed_options,
    imputed.life_plans,
    imputed.age_tables,
    waits.long_waits,
    special.short_windows,
    special.late_beginnings,
    event_rules.person_changes,
    event_rules.levels,
    event_rules.closed_plan_types,
    event_rules.re_entry,
    event_rules.rules_without_effect,
    event_rules.reinstatement,
    limits.repeated_limits,
    limits.unknown_limits,
    accounts.health_savings,
    accounts.shared_limits,
    programs.programs,
    programs.number_of_rules,
    general.general_codes,
    general.general_rates,
    programs.plan_types,
    programs.defaults,
    programs.options,
    programs.dependent_rules,
    dependents.contradictory_rules,
    elections.requirements,
    elections.exclusions,
    elections.coverage_groups,
    elections.stated_amounts,
    elections.collected,
    calculations.calculation_rules,
    calculations.ages_of_others,
    programs.persons_demanded,
    prices.prices,
    prices.missing_rates,
    prices.employer_twice,
    prices.missing_contributions,
    addresses.addresses,
    calendars.pay_groups,
    calendars.schedules,
    calendars.run_controls,
    calendars.passive_events,
    run_limits.run_limits,
    cobra.cobra_classes,
    cobra.cobra_actions,
    leaves.leave_policies,
    leaves.payroll_terms,
)


ADVICE: tuple[Callable[[Audited], Iterator[Finding]], ...] = (
    advice.unused_records,
    advice.rules_never_met,
    advice.overlapping_programs,
    advice.defaults_out_of_reach,
    advice.level_ties,
    advice.plan_types_without_a_way_out,
    advice.unmapped_classes,
    dependents.differing_rules,
    dependents.plan_years,
    limits.limits_not_named,
    calendars.part_years,
    calendars.holidays,
)
"""Warnings of what errors would otherwise explain."""


def audit(bundle: LoadedBundle, peo: LoadedBundle | None = None) -> list[Finding]:
    """List everything wrong with a bundle.

    A client's bundle is looked at before the background of the PEO's, whose own faults are not repeated.
    """
    audited = Audited(bundle=with_curves_of(bundle, peo) if peo else bundle, peo=peo or bundle)
    found = [finding for check in CHECKS for finding in check(audited)]
    if has_errors(found):
        return found
    return found + [finding for check in ADVICE for finding in check(audited)]
