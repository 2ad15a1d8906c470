"""Coverage amounts and evidence of insurability in words."""

from typing import Any

import polars as pl

from openbenefits.core import money as cents_of
from openbenefits.enrollment.rules.prepare import bases_of
from openbenefits.rating.rules.bases import with_base_pay
from openbenefits.reports.explain_again import Again
from openbenefits.reports.explain_event import age_on
from openbenefits.reports.explain_names import Row, row_on
from openbenefits.reports.explain_parts import ProofPart
from openbenefits.reports.explain_words import (
    CENTS,
    THOUSANDTHS,
    decimal,
    listed,
    money,
    percent,
    whole_money,
)

PAY_WORDS = {1: "annual pay", 12: "monthly pay", 52: "weekly pay"}


def coverage_text(again: Again, plan: Row, row: Row, priced: Row) -> str:
    """The coverage amount and how it follows from pay."""
    amount = priced["coverage_cents"]
    formula = row_on(again.tables["formula"], plan["price_on"], formula_id=row["formula_id"])
    if row["formula_id"] is None or formula is None:
        return "" if amount is None else f"{whole_money(amount)}, fixed"
    steps = again.tables["formula_step"].filter(
        formula_id=formula["formula_id"], valid_from=formula["valid_from"]
    )
    told = [_step(step) for step in steps.sort("step").iter_rows(named=True)]
    told += [*_reduction(again, plan, formula), *_bounds(formula)]
    pay = f"{PAY_WORDS[formula['pay_divisor']]}{_taken_from(formula)} ({_year(again, plan, formula)})"
    pay += f" counted up to {whole_money(cap)}" if (cap := formula["base_cap_cents"]) is not None else ""
    how = f"{pay}, {', '.join(told)}" if told else pay
    result = "not known, from" if amount is None else f"{whole_money(amount)} ="
    text = f"{result} {how} (formula {formula['code']}, {formula['source']})"
    return text + _benefit(formula, amount) + _premium(again, plan, row, priced)


PERIOD_WORDS = {"check_date": "the check", "pay_end": "the end"}
JOBS_WORDS = {
    "primary": "the primary job",
    "flagged": "the jobs of the benefit record that count for eligibility",
    "all_flagged": "all jobs that count for eligibility",
}


def _taken_from(formula: Row) -> str:
    """Whose pay it is, and of which day, if not that of the primary job on the event date."""
    told = ""
    if formula["base_type"] is not None:
        told = f" by the benefits base {formula['base_type']}"
    elif formula["jobs"] != "primary" or formula["is_active_only"]:
        told = (
            f" of {JOBS_WORDS[formula['jobs']]}{' and go on' if formula['is_active_only'] else ''}, together"
        )
    if formula["pay_day"] is not None:
        return f"{told} as of {PERIOD_WORDS[formula['pay_day']]} of the pay period in which deductions begin"
    if formula["years_back"] is None:
        return told
    year = "the year before coverage begins" if formula["years_back"] else "the year coverage begins"
    return f"{told} as of {formula['as_of_month']:02}-{formula['as_of_day']:02} of {year}"


def _year(again: Again, plan: Row, formula: Row) -> str:
    """The pay of a year the formula takes, or that it is not known."""
    row = again.rulebook.formulas.filter(formula_id=formula["formula_id"], valid_from=formula["valid_from"])[
        "formula_row"
    ]
    asked = pl.DataFrame(
        {
            "plan": [plan["plan"]],
            "price_on": [plan["price_on"]],
            "annual_pay_cents": [again.case["annual_pay_cents"]],
        },
        schema={"plan": pl.Int32, "price_on": pl.Date, "annual_pay_cents": pl.Int64},
    ).with_columns(row)
    bases = bases_of(again.situation, again.rulebook)
    cents = with_base_pay(asked, again.prepared.plans, again.rulebook, bases)["annual_pay_cents"][0]
    return "not known" if cents is None else f"a year: {whole_money(cents)}"


def _benefit(formula: Row, amount: int | None) -> str:
    """The monthly benefit that a disability coverage of monthly pay stands for."""
    share = formula["benefit_percent_micros"]
    if share is None or amount is None:
        return ""
    benefit = pl.select(cents_of.percent_of(pl.lit(amount), pl.lit(share))).item()
    return f"; benefit a month: {percent(share)} of it, {money(benefit)}"


def _premium(again: Again, plan: Row, row: Row, priced: Row) -> str:
    """What of the coverage the employee pays for."""
    if row["premium_formula_id"] is None:
        return ""
    formula = row_on(again.tables["formula"], plan["price_on"], formula_id=row["premium_formula_id"])
    amount = priced["premium_coverage_cents"]
    told = "not known" if amount is None else whole_money(amount)
    return f"; the employee pays for {told} (formula {formula['code'] if formula else 'none in force'})"


def _step(step: dict[str, Any]) -> str:
    operand = step["operand_thousandths"]
    match step["operation"]:
        case "multiply":
            return f"× {decimal(operand, THOUSANDTHS)}"
        case "divide":
            return f"÷ {decimal(operand, THOUSANDTHS)}"
        case "add_base":
            return f"+ {decimal(operand, THOUSANDTHS)} × the base"
        case "add":
            return f"+ ${decimal(operand, THOUSANDTHS * CENTS)}"
        case "subtract":
            return f"− ${decimal(operand, THOUSANDTHS * CENTS)}"
        case "set":
            return f"set to ${decimal(operand, THOUSANDTHS * CENTS)}"
        case _:
            return _rounding(step["round_up_cents"] or 0, step["round_to_cents"] or 0)


def _rounding(round_up_cents: int, round_to_cents: int) -> str:
    """Say how amounts are rounded: what is added first decides up, down or to the nearest.

    >>> _rounding(99_999, 100_000), _rounding(50_000, 100_000), _rounding(0, 100_000)
    ('rounded up to full $1,000', 'rounded to the nearest $1,000', 'rounded down to full $1,000')
    """
    to = whole_money(round_to_cents)
    if round_up_cents == 0:
        return f"rounded down to full {to}"
    if round_up_cents * 2 in (round_to_cents, round_to_cents - 1):
        return f"rounded to the nearest {to}"
    if round_up_cents >= round_to_cents - CENTS:
        return f"rounded up to full {to}"
    return f"{whole_money(round_up_cents)} added and rounded down to full {to}"


def _reduction(again: Again, plan: Row, formula: Row) -> list[str]:
    """What is taken off for the age on the day coverage begins."""
    rows = again.tables["age_reduction"].filter(
        formula_id=formula["formula_id"], valid_from=formula["valid_from"]
    )
    age = age_on(again.case["birth_on"], plan["price_on"])
    if age is None:
        return []
    reached = rows.filter(pl.col("age_from") <= age).sort("age_from").tail(1)
    if reached.is_empty():
        return []
    row = reached.row(0, named=True)
    return [f"less {percent(row['reduce_percent_micros'])} from age {row['age_from']} on (age {age})"]


def _bounds(formula: Row) -> list[str]:
    bounds = []
    if formula["minimum_cents"] is not None:
        bounds.append(f"at least {whole_money(formula['minimum_cents'])}")
    if formula["maximum_cents"] is not None:
        bounds.append(f"at most {whole_money(formula['maximum_cents'])}")
    return [listed(bounds)] if bounds else []


def proof_part(plan: Row, priced: Row) -> ProofPart | None:
    """Tell whether evidence is needed for an option's coverage, and what is billed until it is approved."""
    prefix = "" if plan["is_in_force"] else "waived_"
    guaranteed, level = plan[f"{prefix}proof_above_cents"], plan[f"{prefix}proof_from_level"]
    if priced["coverage_cents"] is None:
        return None
    rise = _proof_rise(plan)
    if guaranteed is None and level is None and rise is None and not priced["is_proof_required"]:
        return None
    held = plan["current_coverage_cents"] if plan["is_in_force"] else None
    approved = max(plan["approved_cents"] or 0, held or 0)
    return ProofPart(
        is_required=bool(priced["is_proof_required"]),
        coverage_cents=priced["coverage_cents"],
        guaranteed_cents=guaranteed,
        from_level=level,
        approved_cents=approved,
        billed_cents=priced["approved_coverage_cents"],
        sentence=_proof_sentence(priced, guaranteed, level, rise, approved),
    )


def _proof_rise(plan: Row) -> int | None:
    """How many levels one may rise without proof; none: no such rule, or nothing to rise from."""
    counts = plan["is_in_force"] and plan["current_level"] is not None
    return plan["proof_rise"] if counts and plan["proof_rise"] not in (0, 99, None) else None


def _proof_sentence(
    priced: Row, guaranteed: int | None, level: int | None, rise: int | None, approved: int
) -> str:
    limits = [] if guaranteed is None else [f"{whole_money(guaranteed)} is guaranteed"]
    limits += [] if level is None else [f"proof from level {level} on"]
    limits += [] if rise is None else [f"proof above a rise of {rise} {'level' if rise == 1 else 'levels'}"]
    limits += [f"{whole_money(approved)} approved or in force"] if approved else ["nothing approved yet"]
    outcome = "no evidence needed"
    if priced["is_proof_required"]:
        billed = whole_money(priced["approved_coverage_cents"])
        outcome = f"evidence needed; {billed} is billed until it is approved"
    return f"{listed(limits)}: {outcome}"
