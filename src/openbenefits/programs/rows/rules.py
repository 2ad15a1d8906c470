"""Rows of the rules: dependents, eligibility, events, formulas, contributions."""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from openbenefits.core.codes import RELATIONSHIP_BITS
from openbenefits.core.money import CENTS_PER_DOLLAR, THOUSANDTHS
from openbenefits.programs.bundle import ClientBundle, PeoBundle
from openbenefits.programs.links import linked, single_criteria
from openbenefits.programs.numbers import Numbers
from openbenefits.programs.sections.amounts import DisabilityPart, FormulaPart, FormulaStepPart

Row = dict[str, Any]
Parts = PeoBundle | ClientBundle

MICROS_PER_PERCENT = 1_000_000
CENT = Decimal("0.01")
CRITERION_UNITS = {"weekly_hours": 100, "annual_pay": CENTS_PER_DOLLAR}
"""By how much a criterion's number is multiplied to be kept whole; others are whole as written."""

_PAY_DIVISORS = {"annual_pay": 1, "monthly_pay": 12, "weekly_pay": 52}


def cents(dollars: Decimal | None) -> int | None:
    return None if dollars is None else int(dollars * CENTS_PER_DOLLAR)


def dependent_rules(parts: Parts, numbers: Numbers) -> Iterator[Row]:
    for part in parts.dependent_rules:
        student = part.age_limit if part.student_age_limit is None else part.student_age_limit
        yield {
            "valid_from": part.valid_from,
            "source": part.source,
            "is_active": part.active,
            "dependent_rule_id": numbers.of("dependent_rule", part.code),
            "code": part.code,
            "age_limit": part.age_limit,
            "student_age_limit": student,
            "is_disabled_exempt": part.disabled_exempt,
            "is_married_ineligible": part.married_ineligible,
            "relationship_bits": sum({RELATIONSHIP_BITS.get(one, 0) for one in part.relationships}),
            "last_day": part.last_day.value,
            "plan_year_begins": part.plan_year_begins,
            "overage_begins": part.overage_begins.value,
        }


def eligibility_rules(parts: Parts, numbers: Numbers) -> Iterator[Row]:
    for part in parts.eligibility_rules:
        yield {
            "valid_from": part.valid_from,
            "source": part.source,
            "is_active": part.active,
            "rule_id": numbers.of("rule", part.code),
            "code": part.code,
            "name": part.name,
        }


def eligibility_criteria(parts: Parts, numbers: Numbers) -> Iterator[Row]:
    for rule in parts.eligibility_rules:
        for one in linked(rule.criteria):
            part = one.part
            unit = CRITERION_UNITS.get(part.field, 1)
            yield {
                "valid_from": rule.valid_from,
                "rule_id": numbers.of("rule", rule.code),
                "field": part.field,
                "is_excluding": one.is_excluding,
                "minimum": None if part.min is None else int(part.min * unit),
                "maximum": None if part.max is None else int(part.max * unit),
                "geography_id": numbers.maybe("geography", part.geography),
                "any_group": one.any_group,
                "as_of": part.as_of,
                "as_of_day": part.as_of_day,
                "jobs": part.jobs,
                "is_active_only": part.active_only,
                "evaluation": part.evaluation,
            }


def eligibility_values(parts: Parts, numbers: Numbers) -> Iterator[Row]:
    for rule in parts.eligibility_rules:
        for _, part in single_criteria(rule.criteria):
            for value in part.values or ():
                yield {
                    "valid_from": rule.valid_from,
                    "rule_id": numbers.of("rule", rule.code),
                    "field": part.field,
                    "value": value,
                }


def event_rules(parts: Parts, numbers: Numbers) -> Iterator[Row]:
    for rule in parts.event_rules:
        for part in rule.classes:
            yield {
                "valid_from": rule.valid_from,
                "source": rule.source,
                "is_active": rule.active,
                "event_rule_id": numbers.of("event_rule", rule.code),
                "code": rule.code,
                "event_class_id": numbers.or_any("event_class", part.event_class),
                "select_allowed": part.select.value,
                "use_history": part.use_history,
                "pre_enter": part.pre_enter,
                "is_election_required": part.election_required,
                "is_ignored": part.ignore,
                "default_method": part.default.value,
                "waiting_months": part.waiting_months,
                "waiting_days": part.waiting_days,
                "coverage_begins": part.coverage_begins.value,
                "deduction_begins": part.deduction_begins.value,
                "coverage_ends": part.coverage_ends.value,
                "deduction_ends": part.deduction_ends.value,
                "ends_day": part.ends_day,
                "level_limit": part.level_limit,
                "waived_level_limit": part.waived_level_limit,
                "proof_from_level": part.proof_from_level,
                "proof_above_cents": cents(part.proof_above),
                "waived_proof_from_level": part.waived_proof_from_level,
                "waived_proof_above_cents": cents(part.waived_proof_above),
                "proof_rise": part.proof_rise,
                "reinstate_within_days": part.reinstate_within_days,
                "is_retiering": part.retier,
                "pledge_change": part.pledge_change.value,
                "ignores_dependent_checks": part.ignore_dependent_checks,
                "ignores_fund_checks": part.ignore_fund_checks,
            }


def person_changes(parts: Parts, numbers: Numbers) -> Iterator[Row]:
    for rule in parts.event_rules:
        for part in rule.classes:
            for kind, change in part.persons.items():
                yield {
                    "valid_from": rule.valid_from,
                    "event_rule_id": numbers.of("event_rule", rule.code),
                    "event_class_id": numbers.or_any("event_class", part.event_class),
                    "kind": kind,
                    "may_stay": change.same,
                    "may_rise": change.more,
                    "may_fall": change.less,
                    "without_current": change.without_current.value,
                }


def formulas(parts: Parts, numbers: Numbers) -> Iterator[Row]:
    for part in parts.formulas:
        yield {
            "valid_from": part.valid_from,
            "source": part.source,
            "is_active": part.active,
            "formula_id": numbers.of("formula", part.code),
            "code": part.code,
            "base_cap_cents": cents(part.base_cap),
            "minimum_cents": cents(part.minimum),
            "maximum_cents": cents(part.maximum),
            "pay_divisor": _PAY_DIVISORS[part.base],
            "benefit_percent_micros": None,
            **_taken_from(part),
            **_disability(part.disability),
        }


def _taken_from(part: FormulaPart) -> Row:
    """Write what is taken as the base: whose pay, and of which day (of a pay; or years back, month, day)."""
    back = {"this_year": 0, "last_year": 1}.get(part.as_of)
    month, day = (int(number) for number in part.as_of_day.split("-")) if part.as_of_day else (None, None)
    return {
        "base_type": part.benefits_base,
        "jobs": part.jobs,
        "is_active_only": part.active_only,
        "pay_day": part.as_of if part.as_of in ("check_date", "pay_end") else None,
        "years_back": back,
        "as_of_month": month,
        "as_of_day": day,
    }


def _disability(part: DisabilityPart | None) -> Row:
    """Write a disability formula as monthly pay, capped at the pay that the highest benefit replaces."""
    if part is None:
        return {}
    replaced = part.maximum_monthly_benefit * 100 / part.replacement_percent
    return {
        "pay_divisor": _PAY_DIVISORS["monthly_pay"],
        "base_cap_cents": cents(replaced.quantize(CENT, ROUND_HALF_UP)),
        "benefit_percent_micros": int(part.replacement_percent * MICROS_PER_PERCENT),
    }


def formula_steps(parts: Parts, numbers: Numbers) -> Iterator[Row]:
    for formula in parts.formulas:
        for number, part in enumerate(formula.steps, 1):
            yield {
                "valid_from": formula.valid_from,
                "formula_id": numbers.of("formula", formula.code),
                "step": number,
                **_operation(part),
            }


def age_reductions(parts: Parts, numbers: Numbers) -> Iterator[Row]:
    for formula in parts.formulas:
        for part in formula.age_reductions:
            yield {
                "valid_from": formula.valid_from,
                "formula_id": numbers.of("formula", formula.code),
                "age_from": part.age_from,
                "reduce_percent_micros": int(part.reduce_percent * MICROS_PER_PERCENT),
            }


def contributions(parts: Parts, numbers: Numbers) -> Iterator[Row]:
    for contribution in parts.contributions:
        for part in contribution.rows:
            yield {
                "valid_from": contribution.valid_from,
                "source": contribution.source,
                "is_active": contribution.active,
                "contribution_id": numbers.of("contribution", contribution.code),
                "code": contribution.code,
                "coverage_code_id": numbers.or_any("coverage_code", part.coverage_code),
                "employee_percent_micros": int(part.employee_percent * MICROS_PER_PERCENT),
                "dependent_percent_micros": int(part.dependent_percent * MICROS_PER_PERCENT),
                "fixed_monthly_cents": cents(part.fixed_monthly),
                "cap_monthly_cents": cents(part.cap_monthly),
                "minimum_employee_cents": cents(part.minimum_employee_monthly),
                "reference_option": contribution.reference_option,
            }


FACTORS = ("multiply", "divide", "add_base")
AMOUNTS = ("add", "subtract", "set")
STEPS = (*FACTORS, *AMOUNTS, "round", "round_to")
"""What one step of a formula may be."""


def _operation(part: FormulaStepPart) -> Row:
    """Name a step's operation; factors are kept in thousandths, dollars in thousandths of a cent."""
    operation = next(name for name in STEPS if getattr(part, name) is not None)
    blank = {"operand_thousandths": None, "round_up_cents": None, "round_to_cents": None}
    if operation in ("round", "round_to"):
        up, to = _rounding(part)
        return {**blank, "operation": "round", "round_up_cents": up, "round_to_cents": to}
    operand = getattr(part, operation) * THOUSANDTHS
    if operation in AMOUNTS:
        operand *= CENTS_PER_DOLLAR
    return {**blank, "operation": operation, "operand_thousandths": int(operand)}


def _rounding(part: FormulaStepPart) -> tuple[int | None, int | None]:
    """Write a rounding as what is added before the multiple is cut off, and the multiple, in cents."""
    if part.round is None:
        return cents(part.round_up), cents(part.round_to)
    to = cents(part.to) or 0
    return {"down": 0, "nearest": to // 2, "up": max(to - 1, 0)}[part.round], to
