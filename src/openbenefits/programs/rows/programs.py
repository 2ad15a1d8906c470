"""Rows of the programs: their plan types, options, prices and credits."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from openbenefits.core.codes import WaiveRule
from openbenefits.core.money import THOUSANDTHS
from openbenefits.core.plan_types import is_health
from openbenefits.programs.bundle import ClientBundle
from openbenefits.programs.numbers import Numbers
from openbenefits.programs.offers import Offer, active, all_offers, option_key
from openbenefits.programs.rows.rules import cents
from openbenefits.programs.sections.offers import OptionPart, PlanTypePart, ProgramPart

Row = dict[str, Any]

_WAIVE_RULES = {
    "allowed": WaiveRule.ALLOWED,
    "with_proof": WaiveRule.WITH_PROOF,
    "not_allowed": WaiveRule.NOT_ALLOWED,
    "not_applicable": WaiveRule.NOT_APPLICABLE,
}
_NOTHING = OptionPart(code="none")


def programs(parts: ClientBundle, numbers: Numbers) -> Iterator[Row]:
    for part in parts.programs:
        yield {
            "valid_from": part.valid_from,
            "source": part.source,
            "program_id": numbers.of("program", part.code),
            "code": part.code,
            "name": part.name,
            "is_active": part.active,
            "rule_id": numbers.maybe("rule", part.eligibility),
            "geography_id": numbers.maybe("geography", part.service_area),
            "event_rule_id": numbers.maybe("event_rule", part.event_rule),
            "maximum_pledge_cents": cents(part.maximum_pledge),
            "excess_credits": part.excess_credits.value,
            "rollover_rest": part.rollover_rest,
            "is_rollover_chosen": part.rollover_by_choice,
        }


def credit_plans(parts: ClientBundle, numbers: Numbers) -> Iterator[Row]:
    """Make the rows of the plan types that credits pay for, and of those they are rolled into."""
    for program in parts.programs:
        uses = {"cost": program.excess_cost_plan_types, "rollover": program.rollover_plan_types}
        for use, plan_types in uses.items():
            for number, plan_type in enumerate(plan_types, 1):
                yield {
                    "valid_from": program.valid_from,
                    "program_id": numbers.of("program", program.code),
                    "plan_type": plan_type,
                    "use": use,
                    "number": number,
                }


def plan_type_rows(parts: ClientBundle, numbers: Numbers) -> Iterator[Row]:
    """Make the rows of the real plan types; the program's own (01) is the program's row."""
    for program in parts.programs:
        for order, part in enumerate(active(program.plan_types), 1):
            yield {
                "valid_from": program.valid_from,
                "program_id": numbers.of("program", program.code),
                "plan_type": part.plan_type,
                "display_order": order,
                "event_rule_id": numbers.of("event_rule", part.event_rule),
                "waive_rule": _WAIVE_RULES[part.waive].value,
                "dependent_rule_id": numbers.maybe("dependent_rule", part.dependent_rule),
                "amount_kind": part.amount.value,
                "minimum_amount_cents": cents(part.minimum_pledge),
                "maximum_amount_cents": cents(part.maximum_pledge),
                "minimum_percent_thousandths": _thousandths(part.minimum_percent),
                "maximum_percent_thousandths": _thousandths(part.maximum_percent),
                **_stated_limits(part),
                "collect": part.collect or ("dependents" if is_health(part.plan_type) else "none"),
                "is_invested": part.invested,
                "is_price_locked": part.lock_price,
                "restrict_entry_months": part.restrict_entry_months,
            }


def _stated_limits(part: PlanTypePart) -> Row:
    """Answer what bounds the amounts a person states, beside the plan's own least and most."""
    return {
        "maximum_after_tax_thousandths": _thousandths(part.maximum_after_tax_percent),
        "maximum_total_thousandths": _thousandths(part.maximum_total_percent),
        "annual_limit": part.annual_limit,
        "is_last_limit_used": part.missing_limit == "last_known",
        "plan_year_month": part.plan_year_month,
        "is_by_month": part.month_rule,
        "counts_elsewhere": part.counts_elsewhere,
        "hours_per_year": part.hours_per_year,
    }


def excluded_coverage(parts: ClientBundle, numbers: Numbers) -> Iterator[Row]:
    for program in parts.programs:
        for plan_type in active(program.plan_types):
            for excluded in plan_type.excluded_coverage:
                yield {
                    "valid_from": program.valid_from,
                    "program_id": numbers.of("program", program.code),
                    "plan_type": plan_type.plan_type,
                    "excluded_plan_type": excluded.plan_type,
                    "excluded_plan_id": numbers.maybe("plan", excluded.plan),
                }


def options(parts: ClientBundle, numbers: Numbers) -> Iterator[Row]:
    for program in parts.programs:
        for plan_type, order, offer in all_offers(program):
            part = offer.part or _NOTHING
            yield {
                "valid_from": program.valid_from,
                "program_id": numbers.of("program", program.code),
                "plan_type": plan_type,
                "option_id": _option(numbers, program, plan_type, offer),
                "code": offer.code,
                "name": _name(offer, numbers),
                "option_type": offer.option_type.value,
                "display_order": order,
                "level": offer.level,
                "is_default": offer.is_default,
                "plan_id": numbers.maybe("plan", part.plan),
                "coverage_code_id": numbers.maybe("coverage_code", offer.coverage_code),
                "rule_id": numbers.maybe("rule", part.eligibility),
                "geography_id": numbers.maybe("geography", part.service_area),
                "formula_id": numbers.maybe("formula", part.formula),
                "premium_formula_id": numbers.maybe("formula", part.premium_formula),
                "fixed_coverage_cents": cents(part.coverage_amount),
                "deduction_code_id": numbers.maybe("deduction_code", part.deduction_code),
                "after_tax_deduction_code_id": numbers.maybe("deduction_code", part.after_tax_deduction_code),
                **_requirement(part, numbers),
                **_hours(part),
            }


def _requirement(part: OptionPart, numbers: Numbers) -> Row:
    required = part.requires
    return {
        "required_plan_type": required and required.plan_type,
        "required_plan_id": numbers.maybe("plan", required.plan) if required else None,
        "required_percent_thousandths": _thousandths(required.coverage_percent) if required else None,
        "is_same_dependents": required is not None and required.check_dependents,
    }


def _hours(part: OptionPart) -> Row:
    """Answer what an option trades; hours are hundredths."""
    hours = part.hours
    return {
        "trade": hours and hours.trade,
        "minimum_hours_hundredths": cents(hours.minimum) if hours else None,
        "maximum_hours_hundredths": cents(hours.maximum) if hours else None,
        "sold_earnings_code": hours and hours.earnings_code,
    }


def costs(parts: ClientBundle, numbers: Numbers) -> Iterator[Row]:
    """Make the rows of prices, then of credits, of each option."""
    for program in parts.programs:
        for plan_type, _, offer in all_offers(program):
            for number, row in enumerate([*_prices(offer, numbers), *_credits(offer, numbers)], 1):
                yield {
                    "valid_from": program.valid_from,
                    "option_id": _option(numbers, program, plan_type, offer),
                    "number": number,
                    **row,
                }


def _prices(offer: Offer, numbers: Numbers) -> Iterator[Row]:
    for cost in (offer.part or _NOTHING).costs:
        yield {
            "cost_type": "P",
            "rate_table_id": numbers.of("rate_table", cost.rate_table),
            "contribution_id": numbers.maybe("contribution", cost.contribution),
            "calculation_rule_id": numbers.maybe("calculation_rule", cost.calculation_rule),
            "earnings_code": None,
        }


def _credits(offer: Offer, numbers: Numbers) -> Iterator[Row]:
    for credit in offer.credits:
        yield {
            "cost_type": "C",
            "rate_table_id": numbers.of("rate_table", credit.rate_table),
            "contribution_id": None,
            "calculation_rule_id": numbers.maybe("calculation_rule", credit.calculation_rule),
            "earnings_code": credit.earnings_code,
        }


def _option(numbers: Numbers, program: ProgramPart, plan_type: str, offer: Offer) -> int:
    return numbers.of("option", option_key(program, plan_type, offer))


def _name(offer: Offer, numbers: Numbers) -> str:
    """Name an option by its own name or its plan's, and its coverage."""
    if offer.part is None:
        return "Waive"
    plan = numbers.names.get(("plan", offer.part.plan or ""), offer.part.code)
    name = offer.part.name or plan
    coverage = numbers.names.get(("coverage_code", offer.coverage_code or ""))
    return f"{name}, {coverage}" if coverage else name


def _thousandths(percent: Decimal | None) -> int | None:
    return None if percent is None else int(percent * THOUSANDTHS)
