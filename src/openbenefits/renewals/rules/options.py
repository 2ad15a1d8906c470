"""Offers as records of set-up: the program of the new year with their options, rate tables and rules.

Records are plain data, as drafts of set-up keep them; nothing here reads a database or a clock.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from openbenefits.core.codes import AreaOf, RateUnit
from openbenefits.core.money import MICROS_PER_DOLLAR
from openbenefits.core.plan_types import has_rates, is_health
from openbenefits.renewals.codes import Band, Bands, Tier

Plain = dict[str, Any]
Priced = tuple[str, tuple[str, ...] | None, Plain]
"""A record to put: its section, its key (None: a new one), itself."""
CODE_LENGTH = 40


class NoPlace(ValueError):
    """An offer that fits nowhere in a program: what was expected, what was found, what to change."""


@dataclass(frozen=True, kw_only=True)
class Sold:
    """An offer as set-up is to know it.

    is_going: chosen; else its options end. unit: what a rate buys. prices: tier, bands, rate and the
    employer's part of it (None: not stated); micro-dollars a month. geography, area_of: of bands that are
    rating areas.
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
    prices: Sequence[tuple[str, Bands, int, int | None]]
    unit: str = str(RateUnit.FLAT)
    geography: str = ""
    area_of: str = str(AreaOf.HOME)

    @property
    def is_tiered(self) -> bool:
        """Whether its price goes by who is covered; else its options are all those of its plan."""
        return is_health(self.plan_type)

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

    An option keeps its code, level, deductions, formula and area, so that who has it goes on in it; plan
    and price are those of the offer. One that is turned down ends, unless another goes on under its code, or,
    without tiers, takes its place; a category of which nothing is left is switched off, and on
    again by the next offer. What no offer is about stays as it is. tiers: of each coverage code.

    Errors: NoPlace for a category the program has not, or an offer without a price for any coverage code.
    """
    going = [one for one in sold if one.is_going]
    ended = [one for one in sold if not one.is_going]
    tables: list[Priced] = []
    rules: dict[str, Plain] = {}
    plan_types = []
    for part in record["plan_types"]:
        mine = [one for one in going if one.plan_type == part["plan_type"]]
        over = [one for one in ended if one.plan_type == part["plan_type"]]
        options = [one for one in part["options"] if not _ends(one, over, mine)]
        leaving = [one for one in part["options"] if one not in options]
        for offer in mine:
            codes = _codes_of(offer, tiers)
            if offer.is_tiered:
                options = _with(options, offer, codes, part, rules, parts, day, source)
            else:
                options = _in_place(options, leaving, offer, part, rules, parts, day, source)
            if has_rates(offer.plan_type):
                tables.append(("rate_tables", None, _table(offer, codes, day, source)))
        is_over = bool(leaving) and not options  # a category of which nothing is left is switched off
        is_back = bool(mine) and part.get("active") is False
        state = {"active": not is_over} if is_over or is_back else {}
        plan_types.append(part | ({} if is_over else {"options": options}) | state)
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


def _ends(option: Plain, ended: Sequence[Sold], going: Sequence[Sold]) -> bool:
    """Tell whether an option ends: turned down, and no other offer stands for it."""
    return any(_is_of(option, one) for one in ended) and not any(_is_of(option, one) for one in going)


def _is_of(option: Plain, offer: Sold) -> bool:
    if offer.is_tiered or offer.benefit_group:
        return bool(option["code"] == offer.option_code)
    return offer.setup_plan == option.get("plan") or option["code"] == offer.option_code


def _codes_of(offer: Sold, tiers: Mapping[str, str]) -> dict[str, str]:
    """Answer the coverage codes an offer has a price for, each with its tier; none where it needs none.

    Errors: NoPlace for one without the price it needs.
    """
    if not has_rates(offer.plan_type):
        return {}
    if not offer.is_tiered:
        if not offer.prices:
            raise NoPlace(
                f"plan {offer.setup_plan}: expected rates of its rate group, found none; enter them"
            )
        return {"": str(Tier.EE)}
    priced = {tier for tier, *_ in offer.prices}
    found = {code: str(tier) for code, tier in tiers.items() if str(tier) in priced}
    if not found:
        raise NoPlace(
            f"plan {offer.setup_plan}: expected a price for a coverage code of set-up, found tiers"
            f" {', '.join(sorted(priced)) or 'none'}; enter the rates of its rate group"
        )
    return found


def _in_place(
    options: list[Plain],
    leaving: Sequence[Plain],
    offer: Sold,
    part: Plain,
    rules: dict[str, Plain],
    parts: Mapping[str, Any],
    day: date,
    source: str,
) -> list[Plain]:
    """Put an offer without tiers among the options: upon those of its plan, else of what it replaces.

    Where there is neither, it is one more option like the first of the category.
    """
    own = [one for one in options if _is_of(one, offer)] or list(leaving)
    if not own:
        like = next(iter(part["options"]), None) or {}
        kept = {name: like[name] for name in ("deduction_code", "formula", "coverage_amount") if name in like}
        level = max((one.get("level", 1) for one in options), default=0) + 1
        own = [{"code": offer.option_code, "level": level} | kept]
    changed = {one["code"]: one | _sold_as(offer, one, rules, parts, day, source) for one in own}
    known = {one["code"] for one in options}
    return [
        *(changed.get(one["code"], one) for one in options),
        *(one for code, one in changed.items() if code not in known),
    ]


def _sold_as(
    offer: Sold,
    option: Plain,
    rules: dict[str, Plain],
    parts: Mapping[str, Any],
    day: date,
    source: str,
) -> Plain:
    """Say what of an option becomes that of an offer: plan, cost, the rule of its benefit group."""
    rule = _rule(offer, option, rules, parts, day, source)
    calculation = next((cost.get("calculation_rule") for cost in option.get("costs") or ()), None)
    cost = {"rate_table": offer.rate_table} | ({"calculation_rule": calculation} if calculation else {})
    costs = {"costs": [cost]} if has_rates(offer.plan_type) else {}
    return {"plan": offer.setup_plan} | costs | ({"eligibility": rule} if rule else {})


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
    held = list((own or {}).get("coverage_codes") or codes)
    sellable = [code for code in held if code in codes] or list(codes)
    before = own or {"costs": like.get("costs")}
    changed = _sold_as(offer, before, rules, parts, day, source) | {"coverage_codes": sellable}
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


_EDGES: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    Band.AGE: ("age_from", int),
    Band.SERVICE: ("service_months_from", lambda years: years * 12),
    Band.PAY: ("annual_pay_from", lambda dollars: f"{dollars}.00"),
    Band.SMOKER: ("smoker", bool),
    Band.AREA: ("area", str),
}
"""The column of a rate line that holds the edge of each kind of band, and the edge as it has it."""


def _table(offer: Sold, codes: Mapping[str, str], day: date, source: str) -> Plain:
    """Write an offer's prices as a rate table that states the employer's part of each rate.

    codes: the tier of each coverage code; "" for rates without coverage codes.
    """
    kinds = [kind for kind in Band if any(str(kind) in dict(bands) for _, bands, *_ in offer.prices)]
    rates = [
        {"rate": _dollars(premium)}
        | ({} if employer is None else {"employer_rate": _dollars(employer)})
        | ({"coverage_code": code} if code else {})
        | {_EDGES[kind][0]: _EDGES[kind][1](edge) for kind, edge in bands}
        for code, tier in codes.items()
        for priced, bands, premium, employer in offer.prices
        if priced == tier
    ]
    return {
        "code": offer.rate_table,
        "from": day.isoformat(),
        "source": source,
        "frequency": "monthly",
        "unit": offer.unit,
        "keys": [*(["coverage_code"] if any(codes) else []), *map(str, kinds)],
        "rates": rates,
    } | ({"geography": offer.geography, "area_of": offer.area_of} if Band.AREA in kinds else {})


def _dollars(micros: int) -> str:
    """Write micro-dollars as set-up keeps dollars: with cents, and as many decimals more as there are.

    >>> _dollars(1_234_050_000), _dollars(145_500)
    ('1234.05', '0.1455')
    """
    whole, rest = divmod(micros, MICROS_PER_DOLLAR)
    decimals = f"{rest:06d}".rstrip("0")
    return f"{whole}.{decimals:0<2}"
