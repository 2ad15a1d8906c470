"""Rows of the code lists."""

from collections.abc import Iterator
from typing import Any

from openbenefits.core.codes import PERSON_KINDS, EventClassUse, PersonType, TaxClass
from openbenefits.core.money import CENTS_PER_DOLLAR
from openbenefits.core.pays import PayFrequency
from openbenefits.programs.bundle import ClientBundle, PeoBundle
from openbenefits.programs.curves import rate_keys
from openbenefits.programs.numbers import Numbers
from openbenefits.programs.sections.codes import LifeEventRulePart, PersonRange
from openbenefits.programs.sections.plans import PlanDesignPart

Row = dict[str, Any]
Parts = PeoBundle | ClientBundle

PAY_FREQUENCIES: dict[str, PayFrequency] = {
    "weekly": "W",
    "biweekly": "B",
    "semimonthly": "S",
    "monthly": "M",
}
RATE_FREQUENCIES = {
    **PAY_FREQUENCIES,
    "annual": "A",
    "quarterly": "Q",
    "daily": "D",
    "daily_365": "D365",
}

_CLASS_USES = {
    "default": EventClassUse.DEFAULT,
    "snapshot": EventClassUse.SNAPSHOT,
    "open_enrollment": EventClassUse.OPEN_ENROLLMENT,
    "specific": EventClassUse.SPECIFIC,
}
_TAX_CLASSES = {"before": TaxClass.BEFORE_TAX, "after": TaxClass.AFTER_TAX}
_NOBODY = PersonRange(min=0, max=0)


def event_classes(parts: PeoBundle, numbers: Numbers) -> Iterator[Row]:
    for part in parts.event_classes:
        yield {
            "event_class_id": numbers.of("event_class", part.code),
            "code": part.code,
            "name": part.name,
            "use": _CLASS_USES[part.use].value,
            "priority": part.priority,
            "is_manual_allowed": part.manual,
            "only_ends_coverage": part.only_ends_coverage,
            "is_full_termination_guarded": part.guard_full_termination,
            "process_ahead_days": part.process_ahead_days,
            "window_days": part.window_days,
            "window_start": part.window_start.value,
            "window_action": part.window_action.value,
            "forms": part.forms,
            "enrollment_form_days": part.enrollment_form_days,
            "cobra_action": part.cobra_action or "",
            "is_copied_to_other_records": part.copy_to_other_records,
            **_life_event_terms(part.life_event),
        }


def _life_event_terms(terms: LifeEventRulePart | None) -> Row:
    """What a report of such a life event needs; without terms, nothing."""
    if terms is None:
        return {"days_to_notify": None, "is_proof_required": False, "creates_event": True}
    return {
        "days_to_notify": terms.days_to_notify,
        "is_proof_required": terms.proof,
        "creates_event": terms.creates_event,
    }


def actions(parts: PeoBundle, _: Numbers) -> Iterator[Row]:
    for part in parts.actions:
        yield {
            "action": part.action,
            "reason": part.reason,
            "bas_action": part.event_class,
            "cobra_action": part.cobra_action or "",
        }


def cobra_classes(parts: PeoBundle, _: Numbers) -> Iterator[Row]:
    for part in parts.cobra_classes:
        yield {
            "valid_from": part.valid_from,
            "source": part.source,
            "cause": part.code.value,
            "months": part.months,
            "disability_months": part.disability_months,
            "counts_from": part.counts_from,
            "employer_days": part.employer_days,
            "administrator_days": part.administrator_days,
            "beneficiary_days": part.beneficiary_days,
            "election_days": part.election_days,
        }


def leave_policies(parts: Parts, _: Numbers) -> Iterator[Row]:
    for part in parts.leave_policies:
        yield {
            "valid_from": part.valid_from,
            "source": part.source,
            "is_active": part.active,
            "code": part.code,
            "name": part.name,
            "kind": part.kind.value,
            "begun_by": " ".join(f"{one.action}/{one.reason}" for one in part.begun_by),
            "ways": " ".join(way.value for way in part.ways),
            "default_way": part.default_way.value,
            "grace_days": part.grace_days,
            "notice_days": part.notice_days,
            "lapse_class": part.lapse_class or "",
            "full_cost_after_days": part.full_cost_after_days,
            "full_cost_thousandths": int(part.full_cost_percent * 1000),
        }


def payroll_terms(parts: Parts, _: Numbers) -> Iterator[Row]:
    for part in parts.payroll_terms:
        yield {
            "valid_from": part.valid_from,
            "source": part.source,
            "retro_owner": part.retro_owner.value,
            "low_pay": part.low_pay.value,
            "first_taken": " ".join(part.first_taken),
        }


def coverage_codes(parts: PeoBundle, numbers: Numbers) -> Iterator[Row]:
    for part in parts.coverage_codes:
        counts = {kind: part.persons.get(types[0], _NOBODY) for kind, types in PERSON_KINDS.items()}
        covers_others = any(count.max > 0 for count in counts.values())
        employee = part.persons.get(PersonType.EMPLOYEE, _NOBODY)
        yield {
            "coverage_code_id": numbers.of("coverage_code", part.code),
            "code": part.code,
            "name": part.name,
            "covers_employee": employee.max > 0 or not covers_others,
            **{f"{kind}_min": count.min for kind, count in counts.items()},
            **{f"{kind}_max": count.max for kind, count in counts.items()},
            "imputed_against_id": numbers.maybe("coverage_code", part.imputed_against),
        }


def plans(parts: Parts, numbers: Numbers) -> Iterator[Row]:
    for part in parts.plans:
        yield {
            "valid_from": part.valid_from,
            "source": part.source,
            "is_active": part.active,
            "plan_id": numbers.of("plan", part.code),
            "code": part.code,
            "plan_type": part.plan_type,
            "name": part.name,
            "carrier": part.carrier,
            "is_hsa_eligible": part.hsa_eligible,
            "is_imputed_income": part.imputed_income,
            "names_provider": part.names_provider,
            "coverage_group_id": numbers.maybe("coverage_group", part.coverage_group),
            **_design(part.design),
        }


_DESIGN = {
    "deductible_cents": "deductible",
    "family_deductible_cents": "deductible_family",
    "out_of_pocket_max_cents": "out_of_pocket_max",
    "family_out_of_pocket_max_cents": "out_of_pocket_max_family",
    "primary_visit_cents": "primary_visit",
    "specialist_visit_cents": "specialist_visit",
    "emergency_visit_cents": "emergency_visit",
    "drug_cents": "drug",
}


def _design(design: PlanDesignPart | None) -> Row:
    """What members pay themselves, in cents and thousandths of a percent; all null where it is not said."""
    if design is None:
        return dict.fromkeys((*_DESIGN, "coinsurance_thousandths", "design_source"))
    amounts = {name: getattr(design, said) for name, said in _DESIGN.items()}
    return {
        **{name: None if said is None else int(said * CENTS_PER_DOLLAR) for name, said in amounts.items()},
        "coinsurance_thousandths": int(design.coinsurance_percent * 1_000),
        "design_source": design.source,
    }


def coverage_groups(parts: Parts, numbers: Numbers) -> Iterator[Row]:
    for part in parts.coverage_groups:
        yield {
            "valid_from": part.valid_from,
            "source": part.source,
            "is_active": part.active,
            "coverage_group_id": numbers.of("coverage_group", part.code),
            "code": part.code,
            "maximum_cents": int(part.maximum * CENTS_PER_DOLLAR),
        }


def rate_tables(parts: Parts, numbers: Numbers) -> Iterator[Row]:
    for part in parts.rate_tables:
        keys = rate_keys(part)
        yield {
            "valid_from": part.valid_from,
            "source": part.source,
            "is_active": part.active,
            "rate_table_id": numbers.of("rate_table", part.code),
            "code": part.code,
            "frequency": RATE_FREQUENCIES[part.frequency],
            "unit": part.unit.value,
            "is_per_member": part.per_member,
            "by_age": "age" in keys,
            "by_area": "area" in keys,
            "by_coverage_code": "coverage_code" in keys,
            "by_smoker": "smoker" in keys,
            "by_sex": "sex" in keys,
            "by_person_type": "person_type" in keys,
            "by_service": "service" in keys,
            "by_pay": "pay" in keys,
            "geography_id": numbers.maybe("geography", part.geography),
            "area_of": part.area_of.value,
            "charged_children": part.charged_children,
            "charged_children_under": part.charged_children_under,
        }


def calculation_rules(parts: Parts, numbers: Numbers) -> Iterator[Row]:
    for part in parts.calculation_rules:
        days = {"age": part.age_day, "service": part.service_day, "pay": part.pay_day}
        yield {
            "valid_from": part.valid_from,
            "source": part.source,
            "is_active": part.active,
            "calculation_rule_id": numbers.of("calculation_rule", part.code),
            "code": part.code,
            "age_as_of": part.age_as_of.value,
            "service_as_of": part.service_as_of.value,
            "pay_as_of": part.pay_as_of.value,
            "age_of": part.age_of.value,
            **{f"{fact}_month": int(day[:2]) if day else None for fact, day in days.items()},
            **{f"{fact}_day": int(day[3:]) if day else None for fact, day in days.items()},
        }


def deduction_codes(parts: Parts, numbers: Numbers) -> Iterator[Row]:
    for part in parts.deduction_codes:
        yield {
            "deduction_code_id": numbers.of("deduction_code", part.code),
            "code": part.code,
            "name": part.name,
            "tax_class": _TAX_CLASSES[part.tax].value,
            "period_flags": sum(1 << (period - 1) for period in set(part.periods_of_month)),
        }


def funds(parts: Parts, _: Numbers) -> Iterator[Row]:
    for part in parts.funds:
        yield {"plan_type": part.plan_type, "code": part.code, "name": part.name}


def translations(parts: Parts, _: Numbers) -> Iterator[Row]:
    for part in parts.translations:
        yield {"name": part.name, "language": part.language, "text": part.text}


def passive_events(parts: Parts, numbers: Numbers) -> Iterator[Row]:
    for part in parts.passive_events:
        yield {
            "code": part.code,
            "event_class_id": numbers.of("event_class", part.event_class),
            "base": part.base,
            "years": part.years,
            "months": part.months,
        }
