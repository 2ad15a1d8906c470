"""What credits pay for, and what becomes of the rest (docs/rules.md §13), for one person."""

from .prepare import prepare
from .rows import Row, Setup, cents_or_none, half_away, option_of, plan_type_of

COVERED = ("E", "D")
AMOUNTS = ("total", "cost", "used", "excess", "paid", "forfeited", "rolled")


def credit_use(peo: Row, client: Row, person: Row, chosen: list[Row], choice: str | None) -> Row | None:
    """Settle the credits of somebody who holds what is `chosen`; None where no credits are given.

    Shapes: chosen has plan_type, kind (E, D, W), option, and pledge_cents or percent_thousandths.
    """
    setup, result = Setup(peo, client), prepare(peo, client, person)
    program = setup.row_on("programs", result["program"], person["event"]["event_on"])
    held = [_held(setup, program, result, person, one) for one in chosen]
    general = result["general_credit"]
    for priced in result["general_deductions"].values():
        held.append({"plan_type": "01", "kind": "D", "credit": 0, "cost": priced["annual_before_tax_cents"]})
    total = _sum([one["credit"] for one in held] + [general["annual_credit_cents"] if general else 0])
    if total == 0:
        return None
    named = program.get("excess_cost_plan_types") or [one["plan_type"] for one in held]
    cost = _sum([one["cost"] for one in held if one["plan_type"] in named])
    treatment = program.get("excess_credits", "paid")
    if program.get("rollover_by_choice", False) and choice is not None:
        treatment = choice
    if total is None or cost is None:
        return {**dict.fromkeys(AMOUNTS), "total": total, "cost": cost, "treatment": treatment, "rolls": {}}
    excess = max(total - cost, 0)
    rolls = _rolls(program, held, excess) if treatment == "rolled_over" else {}
    left = excess - sum(rolls.values())
    is_paid = (
        program.get("rollover_rest", "forfeited") if treatment == "rolled_over" else treatment
    ) == "paid"
    return {
        "total": total,
        "cost": cost,
        "used": total - excess,
        "excess": excess,
        "treatment": treatment,
        "paid": left if is_paid else 0,
        "forfeited": 0 if is_paid else left,
        "rolled": sum(rolls.values()),
        "rolls": rolls,
    }


def _held(setup: Setup, program: Row, result: Row, person: Row, one: Row) -> Row:
    """Find the credit of what is held, and what it costs before tax in a year."""
    section = plan_type_of(program, one["plan_type"])
    priced = result["options"][one["plan_type"], one["option"]]
    return {
        **one,
        "section": section,
        "credit": priced["annual_credit_cents"],
        "cost": _cost(setup, section, priced, person, one) if one["kind"] in COVERED else 0,
    }


def _cost(setup: Setup, section: Row, priced: Row, person: Row, one: Row) -> int | None:
    amount = section.get("amount", "none")
    if amount == "none":
        return priced["annual_before_tax_cents"]
    deduction = setup.row("deduction_codes", option_of(section, one["option"]).get("deduction_code"))
    if deduction is None or deduction["tax"] != "before":
        return 0
    if amount == "annual_pledge":
        return one.get("pledge_cents")
    if amount == "hours":
        return _price_of_hours(section, person, one)
    pay, percent = person["job"]["annual_pay_cents"], one.get("percent_thousandths")
    return None if pay is None or percent is None else half_away(pay * percent, 100_000)


def _price_of_hours(section: Row, person: Row, one: Row) -> int | None:
    """Find what hours of leave cost in a year (docs/rules.md §11.7); hours sold cost nothing."""
    trade = option_of(section, one["option"])["hours"]["trade"]
    pay, hours = person["job"]["annual_pay_cents"], one.get("hours_hundredths")
    if trade == "sell":
        return 0
    if pay is None or hours is None:
        return None
    return half_away(pay * hours, section.get("hours_per_year", 2080) * 100)


def _rolls(program: Row, held: list[Row], excess: int) -> dict[str, int]:
    """Fill the accounts in the order of the set-up, each up to its maximum."""
    rolls, left = {}, excess
    for plan_type in program.get("rollover_plan_types") or []:
        for one in held:
            if one["plan_type"] == plan_type and one["kind"] in COVERED:
                most = cents_or_none(one["section"].get("maximum_pledge"))
                room = left if most is None else max(most - (one.get("pledge_cents") or 0), 0)
                if min(room, left) > 0:
                    rolls[plan_type] = min(room, left)
                    left -= rolls[plan_type]
    return rolls


def _sum(amounts: list[int | None]) -> int | None:
    return None if None in amounts else sum(amounts)
