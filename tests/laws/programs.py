"""Programs with their plan types, options, costs and credits, as bundles write them."""

from datetime import date

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from tests.laws.drawing import (
    COVERAGE_CODES,
    FIXED,
    GRADED_BY_PAY,
    HEALTH,
    ORIGIN,
    PLAN_TYPES,
    PLEDGED,
    SOURCE,
    Row,
    dated,
    dollars,
    rarely,
)
from tests.laws.rates import costs, formula_bodies
from tests.laws.rules import event_rule_bodies, ruled_by


@st.composite
def plan_types(draw: DrawFn, client: Row, program: str, plan_type: str) -> Row:
    """Draw a plan type of a program; the rules, rates and formulas it needs are added to the client's."""
    waive = draw(st.sampled_from(["not_allowed", "not_applicable", "allowed", "allowed", "with_proof"]))
    name = f"{program}{plan_type}"
    rows = dated(draw, event_rule_bodies(may_waive=waive != "not_allowed"))
    client["event_rules"] += [{"code": f"E{name}", **row} for row in rows]
    section: Row = {"plan_type": plan_type, "event_rule": f"E{name}", "waive": waive}
    if waive in ("allowed", "with_proof") and rarely(draw, 3):
        section["restrict_entry_months"] = draw(st.sampled_from([1, 6, 12, 24]))
    if waive in ("allowed", "with_proof") and rarely(draw, 5):
        section["credits"] = [{"rate_table": "CREDIT", "earnings_code": "ENROLLED"} | ruled_by(draw)]
        section["waive_credits"] = [{"rate_table": "CREDIT", "earnings_code": "WAIVED"} | ruled_by(draw)]
    if plan_type in PLEDGED:
        section["amount"] = "annual_pledge"
        section["maximum_pledge"] = draw(st.none() | dollars(100, 5_000))
    elif plan_type == "40":
        section["amount"] = "percent_of_pay"
    elif plan_type in HEALTH:
        section["dependent_rule"] = draw(st.sampled_from([None, "DEP"]))
    count = draw(st.integers(1, 3))
    section["options"] = [draw(options(client, name, plan_type, number)) for number in range(count)]
    _flag_defaults(draw, section["options"])
    _measure_by_each_other(draw, client, section["options"])
    return section


def _measure_by_each_other(draw: DrawFn, client: Row, parts: list[Row]) -> None:
    """Let the contributions of some options be measured by the price of the first one that has costs."""
    priced = [part for part in parts if part.get("costs")]
    for part in priced:
        names = [cost["contribution"] for cost in part["costs"] if "contribution" in cost]
        if names and rarely(draw, 4):
            for row in client["contributions"]:
                if row["code"] in names:
                    row["reference_option"] = priced[0]["code"]


def _flag_defaults(draw: DrawFn, parts: list[Row]) -> None:
    """Flag one option, sometimes two of different levels."""
    flagged = draw(st.permutations(range(len(parts))))[: draw(st.sampled_from([1, 1, 2]))]
    taken: set[int] = set()
    for number in flagged:
        codes = parts[number].get("coverage_codes")
        step = draw(st.integers(0, len(codes) - 1)) if codes else 0
        level = parts[number]["level"] + step
        if level not in taken:
            parts[number]["default"] = codes[step] if codes else True
            taken.add(level)


@st.composite
def options(draw: DrawFn, client: Row, name: str, plan_type: str, number: int) -> Row:
    part: Row = {
        "code": f"O{number}",
        "plan": draw(st.sampled_from([f"P{plan_type}A", f"P{plan_type}B"])),
        "level": draw(st.integers(1, 3)),
        "deduction_code": draw(st.sampled_from(["ALLBT", "ALLAT", "TWOBT", "ONEAT"])),
    }
    if rarely(draw, 4):
        part["eligibility"] = draw(st.sampled_from(["RULE1", "RULE2"]))
    if rarely(draw, 6):
        part["service_area"] = "SERVICE"
    if rarely(draw, 5):
        part["credits"] = [{"rate_table": "CREDIT", "earnings_code": "FLEX"} | ruled_by(draw)]
    kind = "flat"
    if plan_type in HEALTH:
        size = draw(st.integers(2, 4))
        part["coverage_codes"] = draw(st.permutations(COVERAGE_CODES))[:size]
        kind = draw(st.sampled_from(["tier", "tier", "member", "flat"]))
    elif plan_type in GRADED_BY_PAY:
        part["formula"], kind = f"F{name}{number}", "amount"
        client["formulas"] += [{"code": part["formula"], **row} for row in dated(draw, formula_bodies())]
        if rarely(draw, 3):
            part["premium_formula"] = f"F{name}{number}P"
            client["formulas"] += [
                {"code": part["premium_formula"], **row} for row in dated(draw, formula_bodies())
            ]
    elif plan_type in FIXED:
        part["coverage_amount"], kind = draw(dollars(10_000, 300_000)), "amount"
    if plan_type not in (*PLEDGED, "40") and not rarely(draw, 10):
        kinds = [kind, "flat"] if rarely(draw, 5) else [kind]
        part["costs"] = [
            draw(costs(client, f"{name}{number}{place}", of, part.get("coverage_codes") or []))
            for place, of in enumerate(kinds)
        ]
    return part


@st.composite
def credits_left_over(draw: DrawFn, plan_types_: list[str]) -> Row:
    """Draw what a program does with credits left over."""
    accounts = [code for code in plan_types_ if code in (*PLEDGED, "40")]
    return {
        "excess_credits": draw(st.sampled_from(["paid", "forfeited", "rolled_over"])),
        "excess_cost_plan_types": draw(st.just([]) | st.lists(st.sampled_from(plan_types_), unique=True)),
        "rollover_plan_types": draw(st.permutations(accounts)) if accounts else [],
        "rollover_rest": draw(st.sampled_from(["paid", "forfeited"])),
        "rollover_by_choice": draw(st.booleans()),
    }


@st.composite
def general_deductions(draw: DrawFn, client: Row, program: str, number: int) -> Row:
    """Draw what a program takes from everybody, or from whom a rule admits."""
    name = f"{program}01{number}"
    cost = draw(costs(client, name, "flat", []))
    code = draw(st.sampled_from(["ALLBT", "ALLAT", "TWOBT", "ONEAT"]))
    return {"code": f"FEE{number}", "name": "A fee", "deduction_code": code} | cost | _admitting(draw)


def _admitting(draw: DrawFn) -> Row:
    """Draw the rule of a general credit or deduction, often none."""
    code = draw(st.sampled_from([None, None, "RULE1", "RULE2"]))
    return {} if code is None else {"eligibility": code}


@st.composite
def programs(draw: DrawFn, client: Row, code: str, eligibility: str | None) -> list[Row]:
    """Draw a program, sometimes with an amendment in 2026 that drops a plan type or changes its options."""
    wanted = draw(st.lists(st.sampled_from(PLAN_TYPES), min_size=1, max_size=4, unique=True))
    sections = [draw(plan_types(client, code, plan_type)) for plan_type in sorted(wanted)]
    program: Row = {"code": code, "name": code, "eligibility": eligibility, "active": not rarely(draw, 20)}
    program["plan_types"] = sections
    if rarely(draw, 8):
        program["service_area"] = "SERVICE"
    if rarely(draw, 6):
        program["credits"] = [
            {"rate_table": "CREDIT", "earnings_code": "GENERAL"} | ruled_by(draw) | _admitting(draw)
            for _ in range(draw(st.integers(1, 2)))
        ]
    if rarely(draw, 6):
        program["deductions"] = [
            draw(general_deductions(client, code, number)) for number in range(draw(st.integers(1, 2)))
        ]
    if "credits" in program or "deductions" in program:
        program["event_rule"] = draw(st.sampled_from([None, sections[0]["event_rule"]]))
    program |= draw(credits_left_over(sorted(wanted)))
    rows = [{"from": ORIGIN, **SOURCE, **program}]
    if len(sections) > 1 and rarely(draw, 5):
        rows.append({"from": date(2026, 6, 1), **SOURCE, **program, "plan_types": sections[1:]})
    elif rarely(draw, 5):
        off = [_partly_off(draw, section) for section in sections]
        rows.append({"from": date(2026, 6, 1), **SOURCE, **program, "plan_types": off})
    return rows


def _partly_off(draw: DrawFn, section: Row) -> Row:
    """Switch a plan type off, or some of its options, but not the last."""
    if rarely(draw, 3):
        return {**section, "active": False}
    options = [
        {**one, "active": number == 0 or draw(st.booleans())} for number, one in enumerate(section["options"])
    ]
    return {**section, "options": options}
