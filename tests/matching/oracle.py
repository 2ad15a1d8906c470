"""What packages come to and how they are ordered, one person at a time and in plain numbers.

It knows tier rates, rates for coverage and for pay, contributions by dollars or percent, and the rule of who takes
which plan; nothing of it is the product's.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

Row = dict[str, Any]
TIERS = ("EE", "ES", "EC", "EK", "EF")
POINT = 1_000_000


@dataclass(frozen=True)
class Month:
    """A month of one person in one plan, in cents."""

    premium: int
    employer: int

    @property
    def employee(self) -> int:
        return self.premium - self.employer


def rounded(number: Fraction) -> int:
    """Round half up, away from zero."""
    exact = Decimal(abs(number.numerator)) / Decimal(number.denominator)
    whole = int(exact.quantize(Decimal(1), ROUND_HALF_UP))
    return whole if number >= 0 else -whole


def month(rates: dict[str, int], offer: Row, tier: str) -> Month:
    """Answer what a month costs: rates in cents by tier; `employer` is ('cents' or 'percent', number)."""
    premium = rates[tier]
    kind, number = offer["employer"].get(tier, ("cents", 0))
    own = rates["EE"]  # percentages are taken of the own part and of the dependents' (docs/rules.md §7.5)
    parts = (own, premium - own)
    given = number if kind == "cents" else sum(rounded(Fraction(part * number, 100)) for part in parts)
    return Month(premium, min(given, premium))


def alone(rate: tuple[str, int], offer: Row, pay: int) -> Month:
    """Answer what a month of an untiered plan costs: a rate in millionths with its unit, pay in cents a year."""
    unit, micros = rate
    kind, number = offer["employer"].get("EE", ("cents", 0))
    if unit == "percent_of_base":  # of the year's pay: the year is rounded, and shared, as one
        year = rounded(Fraction(micros * pay, 100 * 1_000_000))
        given = number * 12 if kind == "cents" else rounded(Fraction(year * number, 100))
        premium, employer = (rounded(Fraction(cents, 12)) for cents in (year, min(given, year)))
        return Month(premium, employer)
    bought = {"flat": 100, "per_hundred": 100, "per_thousand": 1000}[unit]
    covered = 100_00 if unit == "flat" else covered_cents(offer, pay)
    premium = rounded(Fraction(micros * covered, bought * 1_000_000))
    given = number if kind == "cents" else rounded(Fraction(premium * number, 100))
    return Month(premium, min(given, premium))


def covered_cents(offer: Row, pay: int) -> int:
    """Answer the amount stated, else pay rounded up to the thousand, at most $50,000."""
    if offer.get("coverage_cents") is not None:
        return int(offer["coverage_cents"])
    return min(-(-pay // 1000_00) * 1000_00, 50_000_00)


def step(person: Row, offer: Row) -> int | None:
    if person["plan"] is None and person["carrier"] is None:
        return None
    if person["plan"] == offer["plan"]:
        return 0
    if person["carrier"] == offer["carrier"]:
        return 1
    return 3


def is_open(person: Row, offer: Row) -> bool:
    return offer["benefit_class"] in (None, person["benefit_class"])


def cost_of(table: str, offer: Row, person: Row, tables: Row) -> Month:
    """Answer what the person's month in the offer costs at the rates of a table."""
    rates = tables[table]
    if isinstance(rates, tuple):
        return alone(rates, offer, person["pay"])
    return month(rates, offer, person["tier"])


def taken(person: Row, offers: list[Row], tables: Row) -> Row | None:
    """Answer the offer the person takes: least change, then least cost, then the plan's code."""
    open_ones = [one for one in offers if is_open(person, one)]
    if not open_ones:
        return None

    def order(offer: Row) -> tuple:
        far = step(person, offer)
        cost = cost_of(offer["rate_table"], offer, person, tables).employee
        return (99 if far is None else far, cost, offer["plan"])

    return min(open_ones, key=order)


def measures(people: list[Row], offers: list[Row], tables: Row) -> Row:
    """Answer what a package comes to: everybody has medical (10) today, and nobody anything else."""
    total = {
        "people": 0,
        "unplaced": 0,
        "premium": 0,
        "employer": 0,
        "employee": 0,
        "true": 0,
        "priced_out": 0,
    }
    moves = []
    weights = {0: 0, 1: 2_500, 2: 5_000, 3: 10_000}
    begun = sorted({one["category"] for one in offers} - {"10"})
    wanted = [("10", person) for person in people]
    wanted += [
        (category, person | {"plan": None, "carrier": None}) for category in begun for person in people
    ]
    for category, person in wanted:
        offer = taken(person, [one for one in offers if one["category"] == category], tables)
        if offer is None:
            total["unplaced"] += 1
            continue
        cost = cost_of(offer["rate_table"], offer, person, tables)
        total["people"] += 1
        total["premium"] += cost.premium
        total["employer"] += cost.employer
        total["employee"] += cost.employee
        total["true"] += cost_of(offer["true_table"], offer, person, tables).premium
        bearable = person["pay"] // 12 * 996 // 10_000
        total["priced_out"] += cost.employee > bearable
        far = step(person, offer)
        if far is not None:
            moves.append(weights[far])
    total["margin"] = total["premium"] - total["true"]
    total["disruption"] = rounded(Fraction(sum(moves), len(moves))) if moves else None
    return total


def ranked(packages: list[Row], weights: dict[str, int], reference: Row | None) -> list[str]:
    """Order packages: rows with code, premium, employer, employee, richness, disruption, margin, pool_risk."""
    better_high = {"richness", "margin"}
    is_money = {"client", "employee", "margin", "pool_risk"}
    column = {
        "client": "employer",
        "employee": "employee",
        "richness": "richness",
        "disruption": "disruption",
    }
    column |= {"margin": "margin", "pool_risk": "pool_risk"}

    def points(name: str, row: Row) -> int:
        value, known = (
            row[column[name]],
            [one[column[name]] for one in packages if one[column[name]] is not None],
        )
        sign = 1 if name in better_high else -1
        if reference is not None:
            if value is None:
                return -POINT if known else 0
            own = reference[column[name]] or 0
            whole = reference["premium"] if name in is_money else 10_000
            return rounded(Fraction(sign * (value - own) * POINT, whole))
        if value is None or not known:
            return 0
        low, high = min(known), max(known)
        if low == high:
            return POINT
        return rounded(Fraction(((value - low) if sign > 0 else (high - value)) * POINT, high - low))

    def order(row: Row) -> tuple:
        total = sum(weight * points(name, row) for name, weight in weights.items())
        score = rounded(Fraction(total, sum(weights.values())))
        return (-score, row["employer"], row["employee"], row["code"])

    return [row["code"] for row in sorted(packages, key=order)]
