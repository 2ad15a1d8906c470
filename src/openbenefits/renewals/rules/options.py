"""Offers as records of set-up: the program of the new year with their options, rate tables and rules.

Records are plain data, as drafts of set-up keep them; nothing here reads a database or a clock.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from openbenefits.renewals.codes import Band

Plain = dict[str, Any]
Priced = tuple[str, tuple[str, ...] | None, Plain]
"""A record to put: its section, its key (None: a new one), itself."""
CODE_LENGTH = 40


class NoPlace(ValueError):
    """An offer that fits nowhere in a program: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class Sold:
    """An offer as set-up is to know it.

    is_going: chosen; else its option ends. band: of what its bands are. prices: tier, lower edge of the band,
    premium, employer's part; cents a month.
    """

    program: str
    plan_type: str
    option_code: str
    benefit_group: str
    setup_plan: str
    name: str
    carrier: str
    design: Mapping[str, Any]
    is_going: bool
    prices: Sequence[tuple[str, int, int, int]]
    band: str = str(Band.AGE)

    @property
    def rate_table(self) -> str:
        """The code of its rate table, the same every year."""
        return f"{self.program}-{self.plan_type}-{self.option_code}"[:CODE_LENGTH]

    def as_plan(self, day: date, source: str) -> Plain:
        """The plan as a record, where neither client nor PEO has one of its code."""
        record: Plain = {
            "code": self.setup_plan,
            "from": day.isoformat(),
            "source": source,
            "plan_type": self.plan_type,
            "name": self.name,
            "carrier": self.carrier,
        }
        return record | ({"design": dict(self.design)} if self.design else {})


def of_program(
    record: Plain,
    sold: Sequence[Sold],
    parts: Mapping[str, Any],
    *,
    tiers: Mapping[str, str],
    day: date,
    source: str,
) -> list[Priced]:
    """Write offers into a program's record of a day; answer it, with their rate tables and rules.

    An option keeps its code, level, deductions and area, so that who has it goes on in it; plan and price
    are those of the offer. One that is turned down ends, unless another offer goes on under its code. What no
    offer is about stays as it is. tiers: the tier of each coverage code.

    Errors: NoPlace for a category the program has not, or an offer without a price for any coverage code.
    """
    going = [one for one in sold if one.is_going]
    kept = {(one.plan_type, one.option_code) for one in going}
    ended = {(one.plan_type, one.option_code) for one in sold if not one.is_going} - kept
    tables: list[Priced] = []
    rules: dict[str, Plain] = {}
    plan_types = []
    for part in record["plan_types"]:
        options = [one for one in part["options"] if (part["plan_type"], one["code"]) not in ended]
        for offer in (one for one in going if one.plan_type == part["plan_type"]):
            codes = _codes_of(offer, tiers)
            options = _with(options, offer, codes, part, rules, parts, day, source)
            tables.append(("rate_tables", None, _table(offer, codes, day, source)))
        plan_types.append(part | {"options": options})
    placed = {part["plan_type"] for part in record["plan_types"]}
    for one in going:
        if one.plan_type not in placed:
            raise NoPlace(
                f"plan {one.setup_plan}: expected category {one.plan_type} in program {record['code']} (with"
                " its event rule), found none; add it to the program in set-up first"
            )
    changed = record | {"plan_types": plan_types, "source": source}
    whole: list[Priced] = [("programs", (record["code"], record["from"]), changed), *tables]
    return [*(("eligibility_rules", None, rule) for rule in rules.values()), *whole]


def _codes_of(offer: Sold, tiers: Mapping[str, str]) -> dict[str, str]:
    """Answer the coverage codes an offer has a price for, each with its tier."""
    priced = {tier for tier, *_ in offer.prices}
    found = {code: str(tier) for code, tier in tiers.items() if str(tier) in priced}
    if not found:
        raise NoPlace(
            f"plan {offer.setup_plan}: expected a price for a coverage code of set-up, found tiers"
            f" {', '.join(sorted(priced)) or 'none'}; enter the rates of its rate group"
        )
    return found


def _with(
    options: list[Plain],
    offer: Sold,
    codes: Mapping[str, str],
    part: Plain,
    rules: dict[str, Plain],
    parts: Mapping[str, Any],
    day: date,
    source: str,
) -> list[Plain]:
    """Put an offer among the options of its category: in the place of its own, else last."""
    own = next((one for one in options if one["code"] == offer.option_code), None)
    like = own or next(iter(part["options"]), None) or {}
    rule = _rule(offer, own, rules, parts, day, source)
    held = list((own or {}).get("coverage_codes") or codes)
    sellable = [code for code in held if code in codes] or list(codes)
    calculation = next((cost.get("calculation_rule") for cost in like.get("costs") or ()), None)
    changed = {
        "plan": offer.setup_plan,
        "coverage_codes": sellable,
        "costs": [
            {"rate_table": offer.rate_table} | ({"calculation_rule": calculation} if calculation else {})
        ],
    } | ({"eligibility": rule} if rule else {})
    if own is not None:
        default = own.get("default", False)
        is_lost = isinstance(default, str) and default not in sellable
        changed["default"] = sellable[0] if is_lost else default
        return [one | changed if one is own else one for one in options]
    level = max((one.get("level", 1) for one in options), default=0) + 1
    new = {"code": offer.option_code, "level": level, "deduction_code": like.get("deduction_code")}
    return [*options, new | changed]


def _rule(
    offer: Sold,
    own: Plain | None,
    rules: dict[str, Plain],
    parts: Mapping[str, Any],
    day: date,
    source: str,
) -> str | None:
    """Name the rule that limits an offer to its benefit group; None where it is for everybody as before."""
    before = (own or {}).get("eligibility")
    suffix = f"GROUP-{offer.benefit_group}"
    if not offer.benefit_group or (before or "").endswith(suffix):
        return None
    code = f"{before}-{suffix}"[:CODE_LENGTH] if before else suffix[:CODE_LENGTH]
    versions = [one for one in parts.get("eligibility_rules") or () if one["code"] == before]
    criteria = max(versions, key=lambda one: one["from"])["criteria"] if versions else []
    known = any(one["code"] == code for one in parts.get("eligibility_rules") or ())
    if not known:
        rules[code] = {
            "code": code,
            "from": day.isoformat(),
            "source": source,
            "name": f"Benefit group {offer.benefit_group}",
            "criteria": [*criteria, {"field": "benefit_group", "values": [offer.benefit_group]}],
        }
    return code


_EDGES: Mapping[str, tuple[str, Callable[[int], Any]]] = {
    Band.AGE: ("age_from", int),
    Band.SERVICE: ("service_months_from", lambda years: years * 12),
    Band.PAY: ("annual_pay_from", lambda dollars: f"{dollars}.00"),
    Band.SMOKER: ("smoker", bool),
}
"""The column of a rate line that holds the edge of a band, and the edge as it has it."""


def _table(offer: Sold, codes: Mapping[str, str], day: date, source: str) -> Plain:
    """Write an offer's prices as a rate table that states the employer's part of each rate."""
    is_banded = any(edge for _, edge, *_ in offer.prices)
    column, edge_of = _EDGES[offer.band]
    rates = [
        {"coverage_code": code, "rate": _dollars(premium), "employer_rate": _dollars(employer)}
        | ({column: edge_of(edge)} if is_banded else {})
        for code, tier in codes.items()
        for priced, edge, premium, employer in offer.prices
        if priced == tier
    ]
    return {
        "code": offer.rate_table,
        "from": day.isoformat(),
        "source": source,
        "frequency": "monthly",
        "keys": ["coverage_code", *([offer.band] if is_banded else [])],
        "rates": rates,
    }


def _dollars(cents: int) -> str:
    """Write cents as set-up keeps dollars.

    >>> _dollars(123405)
    '1234.05'
    """
    whole, rest = divmod(cents, 100)
    return f"{whole}.{rest:02d}"
