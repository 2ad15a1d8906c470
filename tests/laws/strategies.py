"""Generated set-ups and people: triples (peo, client, person) in the shape of `tests.oracle.prepare`.

Set-ups are small but use every kind of rate, formula, rule and event rule value, and would pass the audit;
only people have gaps. Every dated thing may have a second row in the year of the events, 2026.
"""

from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from openbenefits.core.codes import (
    PERSON_KINDS,
    AgeOf,
    BeginRule,
    DeductionBeginRule,
    DeductionEndRule,
    DefaultMethod,
    EndRule,
    LastDay,
    PledgeChange,
    PriceDay,
    SelectAllowed,
    WithoutCurrent,
)
from openbenefits.programs.fields import GEOGRAPHY_FIELD

Row = dict[str, Any]
Triple = tuple[Row, Row, Row]

MICRO = Decimal("0.000001")
ORIGIN = date(2020, 1, 1)
SOURCE = {"source": "generated"}
EVENT_CLASSES = ("HIR", "MSC", "TER", "OE", "BIR")
BASE_TYPES = ("BASE", "WITH-BONUS")
COVERAGE_CODES = ("EE", "ES", "EC", "FAM", "ED", "SS", "DN", "PA", "PN")
ZIPS = ("90001", "90002", "10001", "10002")
HEALTH = ("10", "1A")
GRADED_BY_PAY = ("20", "30", "31")
FIXED = ("21", "2Y")
PLEDGED = ("60", "61", "67", "6A")  # 6A: another HSA, or a second account under a limit
PLAN_TYPES = (*HEALTH, *GRADED_BY_PAY, *FIXED, *PLEDGED, "40", "51")
LISTS = {
    "benefit_group": ("BG", "BH"),
    "company": ("CO", "CP"),
    "company_pay_group": ("CO/BW", "CO/WK", "CP/BW", "CP/MO"),
    "department": ("D1", "D2"),
    "eeo_class": ("E", "M"),
    "employee_type": ("S", "H"),
    "job_function": ("IT", "OPS"),
    "medicare": ("Y", "N"),
    "officer_code": ("C", "N"),
    "regulatory_region": ("USA", "PR"),
    "salary_grade": ("1", "2"),
    "salary_plan": ("A", "B"),
    "config_1": ("X", "Y"),
    "config_2": ("X", "Y"),
    "config_9": ("X", "Y"),
    "employee_class": ("REG", "TMP", "EXE"),
    "flsa_status": ("N", "X"),
    "full_part_time": ("F", "P"),
    "job_code": ("CLERK", "COOK"),
    "job_status": ("A", "L", "P", "T"),
    "location": ("HQ", "PLANT"),
    "pay_group": ("BW", "WK", "SM", "MO"),
    "regular_temporary": ("R", "T"),
    "state": ("CA", "NY"),
    "union_code": ("NONE", "U1"),
}
RANGES = {
    "age_years": (18, 70),
    "service_months": (0, 60),
    "weekly_hours": (15, 40),
    "annual_pay": (0, 90_000),
}
SUMMED = ("weekly_hours", "annual_pay")
EDGES = {
    "age": ("age_from", (0, 21, 30, 45, 65)),
    "area": ("area", ("1", "2")),
    "coverage_code": ("coverage_code", COVERAGE_CODES),
    "smoker": ("smoker", (False, True)),
    "sex": ("sex", ("F", "M", "X")),
    "person_type": ("person_type", ("EE", "SP", "DP", "SS", "CH", "AC", "OD", "NQ")),
    "service": ("service_months_from", (0, 12, 60)),
    "pay": ("annual_pay_from", (Decimal(0), Decimal("40000.50"), Decimal(80_000))),
}


@st.composite
def triples(draw: DrawFn) -> Triple:
    """Draw a PEO's set-up, a client's, and a person with an event."""
    peo, client = draw(setups())
    return peo, client, draw(people(client))


# --- small things ---------------------------------------------------------------------------------------


def rarely(draw: DrawFn, times_in: int = 12) -> bool:
    return draw(st.integers(1, times_in)) == times_in


def or_missing(draw: DrawFn, value: SearchStrategy, times_in: int = 16) -> Any:
    return None if rarely(draw, times_in) else draw(value)


def dollars(least: int, most: int) -> SearchStrategy[Decimal]:
    """Amounts in whole dollars as well as odd cents."""
    whole = st.integers(least, most).map(Decimal)
    return whole | st.integers(least * 100, most * 100).map(lambda cents: Decimal(cents) / 100)


def percents(most: int = 100) -> SearchStrategy[Decimal]:
    round_ones = st.sampled_from([Decimal(value) for value in (0, 25, 50, 80, 100) if value <= most])
    return round_ones | st.integers(0, most * 1000).map(lambda thousandths: Decimal(thousandths) / 1000)


def days(first: date, last: date) -> SearchStrategy[date]:
    """Days, with month ends, month begins and 29 February more often than chance has them."""
    spans = range((last - first).days + 1)
    edges = [
        day
        for day in (first + timedelta(n) for n in spans)
        if (day + timedelta(1)).day in (1, 2) or day.day == 29
    ]
    return st.dates(first, last) | st.sampled_from(edges or [first])


def dated(draw: DrawFn, row: SearchStrategy[Row]) -> list[Row]:
    """Draw one row from the origin, and sometimes another from a day of 2026."""
    rows = [{"from": ORIGIN, **SOURCE, **draw(row)}]
    if rarely(draw, 3):
        since = draw(st.sampled_from([date(2026, 3, 1), date(2026, 7, 1), date(2026, 10, 15)]))
        rows.append({"from": since, **SOURCE, **draw(row)})
        if rarely(draw, 4):  # the record is switched off, and may come back
            rows[-1]["active"] = False
            if draw(st.booleans()):
                rows.append({"from": date(2026, 12, 1), **SOURCE, **draw(row)})
    return rows


# --- rates, contributions, formulas ---------------------------------------------------------------------


@st.composite
def rate_lines(draw: DrawFn, keys: list[str], step_cents: int) -> list[Row]:
    """Draw a rate for each combination of the keys' values; later values cost more."""
    base = Decimal(draw(st.integers(1, 400_000_000))) / 1_000_000
    step = Decimal(draw(st.integers(0, step_cents * 10_000))) / 1_000_000
    fields = [EDGES[key][0] for key in keys]
    grid = product(*(EDGES[key][1] for key in keys))
    lines = [
        {**dict(zip(fields, values, strict=True)), "rate": base + step * number}
        for number, values in enumerate(grid)
    ]
    if rarely(draw, 5):
        share = draw(st.integers(0, 100))
        lines = [{**line, "employer_rate": (line["rate"] * share / 100).quantize(MICRO)} for line in lines]
    return lines


RULE_BEGINS = st.sampled_from([ORIGIN, ORIGIN, date(2026, 4, 1)])
FREQUENCIES = st.sampled_from(
    ["monthly", "annual", "quarterly", "semimonthly", "biweekly", "weekly", "daily", "daily_365"]
)


@st.composite
def rate_tables(draw: DrawFn, code: str, kind: str) -> list[Row]:
    """Draw a table: `tier` and `member` for health, `flat` for anything, `amount` for coverage amounts."""
    others = ["age", "area", "smoker", "sex", "person_type", "service", "pay"]
    more = draw(st.lists(st.sampled_from(others), max_size=2, unique=True))
    table: Row = {"code": code, "frequency": draw(FREQUENCIES)}
    if kind == "tier":
        table["keys"] = ["coverage_code", *more]
    elif kind == "member":
        table |= {"keys": list(dict.fromkeys(["age", *more])), "per_member": True}
        if rarely(draw, 3):
            table["charged_children"] = draw(st.sampled_from([0, 1, 2, 99]))
            table["charged_children_under"] = draw(st.sampled_from([0, 15, 19, 26]))
    else:
        table["keys"] = more
    if kind == "amount":
        table["unit"] = draw(st.sampled_from(["per_hundred", "per_thousand", "flat", "percent_of_base"]))
    if "area" in table["keys"]:
        table["geography"] = "AREAS"
    table |= _factors(draw, table, kind)
    lines = rate_lines(table["keys"], 10_000 if kind == "tier" else 1_000)
    return dated(draw, st.builds(lambda rates: {**table, "rates": rates}, lines))


def _factors(draw: DrawFn, table: Row, kind: str) -> Row:
    """Sometimes draw factors that write a table out; the keys they make leave the table."""
    if table["code"] == "CREDIT" or table.get("unit", "flat") != "flat" or not rarely(draw, 4):
        return {}
    found: Row = {}
    keys = table["keys"]
    if "age" in keys or kind == "flat":
        found |= {"curve": "CURVE", "base_age": draw(st.sampled_from([21, 40]))}
    if kind == "tier":
        found["tiers"] = dict.fromkeys(COVERAGE_CODES, Decimal("1.85")) | {COVERAGE_CODES[0]: Decimal(1)}
    if "age" in keys and "smoker" not in keys and "curve" in found and draw(st.booleans()):
        found |= {"tobacco_factor": Decimal("1.125"), "tobacco_from_age": draw(st.sampled_from([18, 21]))}
    made = {"age": "curve" in found, "coverage_code": "tiers" in found}
    return {**found, "keys": [key for key in keys if not made.get(key, False)]}


@st.composite
def age_curves(draw: DrawFn) -> Row:
    """Draw a curve: every age from the first to the last, rising, on any base."""
    first, last = draw(st.sampled_from([0, 14, 20])), draw(st.sampled_from([64, 70, 120]))
    base, step = draw(st.integers(1, 1_200)), draw(st.integers(0, 40))
    factors = [
        {"age": age, "factor": Decimal(base + step * (age - first)) / 1_000} for age in range(first, last + 1)
    ]
    return {"factors": factors, "open_below": draw(st.booleans()), "open_above": draw(st.booleans())}


@st.composite
def contribution_rows(draw: DrawFn, coverage_codes: list[str]) -> Row:
    def row(coverage_code: str) -> Row:
        return {
            "coverage_code": coverage_code,
            "employee_percent": draw(percents()),
            "dependent_percent": draw(percents()),
            "fixed_monthly": draw(st.just(Decimal(0)) | dollars(0, 300)),
            "cap_monthly": draw(st.none() | dollars(0, 600)),
            "minimum_employee_monthly": draw(st.none() | st.none() | dollars(0, 300)),
        }

    named = draw(st.lists(st.sampled_from(coverage_codes), max_size=2, unique=True)) if coverage_codes else []
    return {"rows": [row(code) for code in ["", *named]]}


def pay_sources() -> SearchStrategy[Row]:
    """Formulas mostly take the pay of the event date, some of another day, of several jobs, or a base."""
    of_a_year = st.fixed_dictionaries(
        {
            "as_of": st.sampled_from(["this_year", "last_year"]),
            "as_of_day": st.sampled_from(["01-01", "02-29", "07-01", "12-31"]),
        }
    )
    of_a_day = of_a_year | st.fixed_dictionaries({"as_of": st.sampled_from(["check_date", "pay_end"])})
    of_jobs = st.fixed_dictionaries(
        {"jobs": st.sampled_from(["primary", "flagged", "all_flagged"]), "active_only": st.booleans()}
    )
    of_a_base = st.fixed_dictionaries({"benefits_base": st.sampled_from(BASE_TYPES)})
    both = st.tuples(of_a_base, of_a_day).map(lambda parts: parts[0] | parts[1])
    return st.just({}) | st.just({}) | of_a_day | of_jobs | of_a_base | both


@st.composite
def formula_bodies(draw: DrawFn) -> Row:
    if rarely(draw, 6):
        percent = draw(st.sampled_from([Decimal(60), Decimal("66.667"), Decimal(50)]))
        return draw(pay_sources()) | {
            "disability": {
                "replacement_percent": percent,
                "maximum_monthly_benefit": draw(dollars(500, 9_000)),
            }
        }
    bounds = sorted(draw(st.lists(dollars(1_000, 400_000), min_size=2, max_size=2)))
    ages = sorted(draw(st.lists(st.sampled_from([40, 65, 70]), max_size=2, unique=True)))
    return draw(pay_sources()) | {
        "base": draw(st.sampled_from(["annual_pay", "monthly_pay", "weekly_pay"])),
        "base_cap": draw(st.none() | dollars(1_000, 200_000)),
        "steps": draw(st.lists(formula_steps(), min_size=1, max_size=3)),
        "minimum": draw(st.sampled_from([None, bounds[0]])),
        "maximum": draw(st.sampled_from([None, bounds[1]])),
        "age_reductions": [{"age_from": age, "reduce_percent": draw(percents())} for age in ages],
    }


@st.composite
def formula_steps(draw: DrawFn) -> Row:
    kinds = ["multiply", "multiply", "divide", "round_to", "round", "add", "subtract", "add_base", "set"]
    match draw(st.sampled_from(kinds)):
        case "multiply":
            return {"multiply": Decimal(draw(st.integers(1, 5_000))) / 1_000}
        case "divide":
            return {"divide": Decimal(draw(st.integers(1, 5_000))) / 1_000}
        case "subtract":
            return {"subtract": draw(dollars(0, 20_000))}
        case "add_base":
            return {"add_base": Decimal(draw(st.integers(1, 2_000))) / 1_000}
        case "round":
            rounding = draw(st.sampled_from(["up", "down", "nearest"]))
            return {
                "round": rounding,
                "to": draw(st.sampled_from([Decimal(1_000), Decimal(500), Decimal("0.05")])),
            }
        case "add":
            return {"add": draw(dollars(0, 20_000))}
        case "set":
            return {"set": draw(dollars(5_000, 100_000))}
    multiple = draw(st.sampled_from([100, 500, 1_000]))
    ups = [Decimal(0), Decimal(multiple) / 2, Decimal(multiple) - Decimal("0.01")]
    return {"round_to": Decimal(multiple), "round_up": draw(st.sampled_from(ups))}


# --- eligibility and event rules ------------------------------------------------------------------------


@st.composite
def criteria(draw: DrawFn) -> Row:
    most = 5 if rarely(draw, 3) else 2
    fields = draw(st.lists(st.sampled_from([*RANGES, *LISTS, GEOGRAPHY_FIELD]), max_size=most, unique=True))
    singles = [draw(criterion(field)) for field in fields]
    return {"name": "Generated", "criteria": draw(links(singles)) if len(singles) > 2 else singles}


@st.composite
def links(draw: DrawFn, singles: list[Row]) -> list[Row]:
    """Link some of the criteria, in every way that has a meaning."""
    cut = draw(st.integers(1, len(singles) - 1))
    few, rest = singles[:cut], singles[cut:]
    any_of, all_of = {"any": few, "exclude": rarely(draw, 3)}, {"all": few, "exclude": rarely(draw, 3)}
    match draw(st.sampled_from(["any", "all", "two", "in all", "in any"])):
        case "any":
            return [any_of, *rest]
        case "all":
            return [*rest, all_of]
        case "two":
            return [any_of, {"any": rest}]
        case "in all":
            return [{"all": [any_of, *rest]}]
    return [{"any": [{"all": few, "exclude": True}, *rest]}]


@st.composite
def criterion(draw: DrawFn, field: str) -> Row:
    said: Row = {"field": field, "exclude": rarely(draw, 4)}
    if field == GEOGRAPHY_FIELD:
        return {**said, "geography": "SERVICE"}
    if field in LISTS:
        values = st.lists(st.sampled_from(LISTS[field]), min_size=1, unique=True)
        if field not in ("state", "medicare") and rarely(draw, 3):
            said |= draw(several_jobs(st.sampled_from(["one", "all"])))
        return {**said, "values": draw(values)}
    low, high = RANGES[field]
    if field in ("age_years", "service_months") and rarely(draw, 3):
        said["as_of"] = draw(st.sampled_from(["this_year", "last_year"]))
        said["as_of_day"] = draw(st.sampled_from(["12-31", "01-01", "02-29", "07-01"]))
    elif field in SUMMED and rarely(draw, 2):
        said |= draw(several_jobs(st.sampled_from(["one", "all", "sum"])))
    bounds = sorted(draw(st.lists(st.integers(low, high), min_size=2, max_size=2)))
    kept = draw(st.sampled_from(["min", "max", "both"]))
    if kept != "max":
        said["min"] = Decimal(bounds[0])
    if kept != "min":
        said["max"] = Decimal(bounds[1])
    return said


def several_jobs(evaluation: SearchStrategy[str]) -> SearchStrategy[Row]:
    several = st.fixed_dictionaries(
        {
            "jobs": st.sampled_from(["flagged", "all_flagged"]),
            "active_only": st.booleans(),
            "evaluation": evaluation,
        }
    )
    return several | st.just({"active_only": True})


@st.composite
def event_rows(draw: DrawFn, event_class: str, *, may_waive: bool) -> Row:
    defaults = [method for method in DefaultMethod if may_waive or method != DefaultMethod.WAIVE]
    is_offered = event_class != "TER"
    coverage_ends = [rule for rule in EndRule if is_offered or rule != EndRule.DAY_BEFORE_EVENT]
    limits = st.sampled_from([0, 0, 0, 1, 2, 99])
    amounts, levels = st.none() | dollars(0, 250_000), st.none() | st.integers(1, 4)
    return {
        "event_class": event_class,
        "select": str(draw(st.sampled_from([SelectAllowed.ALL, *SelectAllowed]))),
        "use_history": rarely(draw, 5),
        "ignore": rarely(draw),
        "default": str(draw(st.sampled_from(defaults))),
        "waiting_months": draw(st.sampled_from([0, 0, 0, 1, 2])),
        "waiting_days": draw(st.sampled_from([0, 0, 0, 1, 30, 60])),
        "coverage_begins": str(draw(st.sampled_from(BeginRule))),
        "deduction_begins": str(draw(st.sampled_from(DeductionBeginRule))),
        "coverage_ends": str(draw(st.sampled_from(coverage_ends))),
        "deduction_ends": str(draw(st.sampled_from([DeductionEndRule.WITH_COVERAGE, *coverage_ends]))),
        "level_limit": draw(limits),
        "waived_level_limit": draw(limits),
        "proof_from_level": draw(levels),
        "proof_above": draw(amounts),
        "waived_proof_from_level": draw(levels),
        "waived_proof_above": draw(amounts),
        "proof_rise": draw(st.sampled_from([0, 0, 1, 2, 99])),
        "reinstate_within_days": draw(st.sampled_from([0, 0, 0, 1, 30, 400])),
        "persons": draw(person_changes()),
        "election_required": rarely(draw),
        "pledge_change": str(draw(st.sampled_from([PledgeChange.ANY, *PledgeChange]))),
        "ignore_dependent_checks": rarely(draw),
        "ignore_fund_checks": rarely(draw),
    }


@st.composite
def person_changes(draw: DrawFn) -> Row:
    """Draw which kinds of persons may change how; mostly none is restricted."""
    if not rarely(draw, 3):
        return {}
    kinds = draw(st.lists(st.sampled_from(sorted(PERSON_KINDS)), min_size=1, max_size=2, unique=True))
    return {
        kind: {
            **{direction: draw(st.booleans()) for direction in ("same", "more", "less")},
            "without_current": str(draw(st.sampled_from(WithoutCurrent))),
        }
        for kind in kinds
    }


@st.composite
def event_rule_bodies(draw: DrawFn, *, may_waive: bool) -> Row:
    """Draw a blank row, one for terminations (whose end rules differ), and some of the other classes."""
    named = draw(st.lists(st.sampled_from(["HIR", "OE", "BIR"]), max_size=2, unique=True))
    return {"classes": [draw(event_rows(code, may_waive=may_waive)) for code in ["", "TER", *named]]}


# --- plan types and programs ----------------------------------------------------------------------------


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
        section["credits"] = [{"rate_table": "CREDIT", "earnings_code": "ENROLLED"} | _ruled(draw)]
        section["waive_credits"] = [{"rate_table": "CREDIT", "earnings_code": "WAIVED"} | _ruled(draw)]
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
        part["credits"] = [{"rate_table": "CREDIT", "earnings_code": "FLEX"} | _ruled(draw)]
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
def costs(draw: DrawFn, client: Row, name: str, kind: str, coverage_codes: list[str]) -> Row:
    client["rate_tables"] += draw(rate_tables(f"T{name}", kind))
    if rarely(draw, 4):
        return {"rate_table": f"T{name}"} | _ruled(draw)
    rows = dated(draw, contribution_rows(coverage_codes))
    client["contributions"] += [{"code": f"C{name}", **row} for row in rows]
    return {"rate_table": f"T{name}", "contribution": f"C{name}"} | _ruled(draw)


def _ruled(draw: DrawFn) -> Row:
    """Draw a calculation rule for a price or credit, mostly none."""
    code = draw(st.sampled_from([None, None, "RULEA", "RULEB"]))
    return {} if code is None else {"calculation_rule": code}


@st.composite
def calculation_rules(draw: DrawFn) -> Row:
    """Draw a rule: any day for each fact, anybody's age."""
    body: Row = {"age_of": str(draw(st.sampled_from([AgeOf.EMPLOYEE, *AgeOf])))}
    for fact in ("age", "service", "pay"):
        body[f"{fact}_as_of"] = str(draw(st.sampled_from(PriceDay)))
        if body[f"{fact}_as_of"].endswith("year"):
            body[f"{fact}_day"] = draw(st.sampled_from(["01-01", "02-29", "06-15", "12-31"]))
    return body


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
            {"rate_table": "CREDIT", "earnings_code": "GENERAL"} | _ruled(draw) | _admitting(draw)
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


# --- the two bundles ------------------------------------------------------------------------------------


@st.composite
def setups(draw: DrawFn) -> tuple[Row, Row]:
    """Draw the PEO's set-up and one client's."""
    peo, client = draw(peo_setups()), _blank_client()
    holder = client if draw(st.booleans()) else peo  # a client's tables may follow the PEO's curve
    holder["age_curves"] = [{"code": "CURVE", **row} for row in dated(draw, age_curves())]
    rules = ["RULE1", "RULE2", "PROGA", "PROGB"]
    for rule in rules:
        client["eligibility_rules"] += [{"code": rule, **row} for row in dated(draw, criteria())]
    if rarely(draw, 2):
        client["programs"] += draw(programs(client, "A", draw(st.sampled_from([None, None, "PROGA"]))))
    else:
        _let_exclude_each_other(draw, client)
        client["programs"] += draw(programs(client, "A", "PROGA"))
        client["programs"] += draw(programs(client, "B", "PROGB"))
    return peo, client


def _let_exclude_each_other(draw: DrawFn, client: Row) -> None:
    """Make most pairs of programs ones for full time and for part time."""
    if rarely(draw, 4):
        return
    for rule, value in (("PROGA", "F"), ("PROGB", "P")):
        for row in client["eligibility_rules"]:
            if row["code"] == rule:
                row["criteria"] = [{"field": "full_part_time", "values": [value]}]


@st.composite
def peo_setups(draw: DrawFn) -> Row:
    classes = [
        {"code": "MSC", "name": "Miscellaneous", "use": "default", "priority": 900},
        {"code": "HIR", "name": "Hire", "use": "specific", "priority": 100},
        {"code": "BIR", "name": "Birth", "use": "specific", "priority": 200},
        {
            "code": "TER",
            "name": "Termination",
            "use": "specific",
            "priority": 300,
            "only_ends_coverage": True,
        },
        {"code": "OE", "name": "Open enrolment", "use": "open_enrollment", "priority": 50},
    ]
    for event_class in classes:
        event_class["guard_full_termination"] = rarely(draw, 4)
    most = draw(st.sampled_from([1, 2, 99]))
    alone, one = {"EE": {"min": 1, "max": 1}}, {"min": 1, "max": 1}
    children = {"min": 1, "max": most}
    imputed = draw(st.sampled_from([{}, {"ED": "EE"}, {"ED": "EC"}]))
    persons = [alone, {**alone, "SP": one}, {**alone, "CH": children}]
    persons += [{**alone, "SP": one, "CH": children}, {**alone, "DP": one, "CH": {"min": 0, "max": 99}}]
    persons += [{**alone, "SS": one, "CH": {"min": 0, "max": most}}, {"NQ": children}, {"DP": one}]
    persons += [{"EE": {"min": 0, "max": draw(st.integers(0, 1))}, "DP": one, "NQ": {"min": 0, "max": most}}]
    return {
        "bundle": {"kind": "peo", "code": "PEO", "name": "The PEO"},
        "event_classes": classes,
        "actions": [{"action": "HIR", "event_class": "HIR"}, {"action": "TER", "event_class": "TER"}],
        "coverage_codes": [
            {"code": code, "name": code, "persons": allowed, "imputed_against": imputed.get(code)}
            for code, allowed in zip(COVERAGE_CODES, persons, strict=True)
        ],
        "plans": [
            {
                "code": f"P{kind}{which}",
                "plan_type": kind,
                "name": kind,
                "carrier": "ACME",
                "from": ORIGIN,
                **SOURCE,
            }
            for kind in PLAN_TYPES
            for which in "AB"
        ],
        "geographies": [
            {"code": "AREAS", "name": "Areas", **SOURCE, "zips": dict(zip(ZIPS, "1122", strict=True))},
            {"code": "SERVICE", "name": "Service area", **SOURCE, "zips": dict.fromkeys(ZIPS[:3], "")},
        ],
        "rate_tables": draw(rate_tables("CREDIT", "flat")),
        "calculation_rules": [
            *({"code": "RULEA", **row} for row in dated(draw, calculation_rules())),
            {"code": "RULEB", "from": draw(RULE_BEGINS), **SOURCE, **draw(calculation_rules())},
        ],
        "deduction_codes": [
            {"code": "ALLBT", "name": "All pays", "tax": "before"},
            {"code": "ALLAT", "name": "All pays", "tax": "after"},
            {"code": "TWOBT", "name": "Two a month", "tax": "before", "periods_of_month": [1, 2]},
            {"code": "ONEAT", "name": "First of the month", "tax": "after", "periods_of_month": [1]},
        ],
        "dependent_rules": [{"code": "DEP", **row} for row in dated(draw, dependent_rules())],
    }


def dependent_rules() -> SearchStrategy[Row]:
    return st.fixed_dictionaries(
        {
            "age_limit": st.sampled_from([19, 26, 99]),
            "student_age_limit": st.sampled_from([24, 26, 99]),
            "disabled_exempt": st.booleans(),
            "married_ineligible": st.booleans(),
            "relationships": st.sampled_from(
                [["SP", "SS", "DP", "CH", "AC", "OD"], ["SP", "DP", "CH", "NQ"], ["SS", "AC", "OD", "NQ"]]
            ),
            "last_day": st.sampled_from(LastDay).map(str),
            "plan_year_begins": st.integers(1, 12),
        }
    )


def _blank_client() -> Row:
    def group(code: str, frequency: str, begins: date, **more: Any) -> Row:
        through = {"calendar_through": date(2027, 12, 31)}
        named = {"code": code, "name": code, "company": "CO", "frequency": frequency}
        return {**named, "first_period_begins": begins, **through, **more}

    return {
        "bundle": {"kind": "client", "code": "CLIENT", "name": "A client"},
        "companies": [{"code": "CO", "name": "CO"}, {"code": "CP", "name": "CP"}],
        "benefit_groups": [{"code": "BG", "name": "BG"}, {"code": "BH", "name": "BH"}],
        "pay_groups": [
            group("BW", "biweekly", date(2024, 12, 23)),
            group("BW27", "biweekly", date(2024, 12, 20)),
            group("WK", "weekly", date(2024, 12, 20)),
            group("SM", "semimonthly", date(2025, 1, 1)),
            group("MO", "monthly", date(2025, 1, 1)),
            group("SHORT", "biweekly", date(2025, 12, 22), calendar_through=date(2026, 9, 30)),
            group("OFF", "monthly", date(2025, 1, 1), active=False),
        ],
        "eligibility_rules": [],
        "event_rules": [],
        "formulas": [],
        "contributions": [],
        "age_curves": [],
        "rate_tables": [],
        "programs": [],
        "schedules": [{"code": "EM", "name": "Event maintenance", "kind": "event_maintenance"}],
    }


# --- people ---------------------------------------------------------------------------------------------


@st.composite
def people(draw: DrawFn, client: Row) -> Row:
    """Draw a person with an event of 2026, under the programs of a client."""
    event = draw(events(client))
    event_on = event["event_on"]
    hire_on = draw(days(date(2023, 1, 1), event_on))
    if event["event_class"] == "HIR":
        hire_on = event_on
    return {
        "birth_on": or_missing(draw, days(date(1948, 1, 1), date(2007, 1, 1))),
        "sex": or_missing(draw, st.sampled_from("FMX")),
        "is_smoker": or_missing(draw, st.booleans()),
        "service_on": or_missing(draw, st.just(hire_on) | days(date(2015, 1, 1), hire_on)),
        "hire_on": hire_on,
        "zip": or_missing(draw, st.sampled_from([*ZIPS, *ZIPS, "99999"])),
        "state": or_missing(draw, st.sampled_from(LISTS["state"])),
        "is_medicare_entitled": or_missing(draw, st.booleans()),
        "job": or_missing(draw, jobs(event), 30),
        "pay_history": draw(pay_histories()),
        "benefit_bases": draw(benefit_bases()),
        "more_jobs": draw(st.lists(further_jobs(event), max_size=2)) if rarely(draw, 3) else [],
        "overrides": draw(overrides(client)),
        "dependents": (household := draw(households(event))),
        "current": (current := draw(elections(client, [one["id"] for one in household]))),
        "left_on": draw(left_plan_types(event_on)),
        "ended": draw(endings(client, [one["id"] for one in household], current, event_on)),
        "approved": draw(
            st.dictionaries(st.sampled_from(["20", "21", "22"]), st.integers(0, 30_000_000), max_size=2)
        ),
        "prior_options": draw(prior_options(client)),
        "event": event,
    }


@st.composite
def events(draw: DrawFn, client: Row) -> Row:
    event_class = draw(st.sampled_from(EVENT_CLASSES))
    event_on = draw(days(date(2026, 1, 1), date(2026, 12, 31)))
    received_on = draw(st.none() | days(event_on - timedelta(20), event_on + timedelta(40)))
    restriction = None
    if event_class == "OE":
        wanted = st.fixed_dictionaries(
            {}, optional={program["code"]: st.just([]) for program in client["programs"]}
        )
        restriction = draw(wanted.filter(bool))
        first = next(iter(restriction))
        if rarely(draw, 3):
            own = [section["plan_type"] for section in _sections(client, first)]
            restriction[first] = draw(st.lists(st.sampled_from(own), min_size=1, unique=True))
    return {
        "event_class": event_class,
        "event_on": event_on,
        "received_on": received_on,
        "programs": restriction,
    }


@st.composite
def pay_histories(draw: DrawFn) -> list[Row]:
    """Draw what somebody earned since when, perhaps not before some day, perhaps unknown for a while."""
    since = draw(st.lists(days(date(2024, 12, 1), date(2027, 1, 31)), max_size=3, unique=True))
    return [
        {"valid_from": day, "annual_pay_cents": or_missing(draw, st.integers(800_000, 30_000_000))}
        for day in sorted(since)
    ]


@st.composite
def benefit_bases(draw: DrawFn) -> list[Row]:
    """Draw what stands for pay since when, of some types."""
    return [{"base_type": kind, **one} for kind in BASE_TYPES for one in draw(pay_histories())]


@st.composite
def jobs(draw: DrawFn, event: Row) -> Row:
    job = {field: or_missing(draw, st.sampled_from(values), 24) for field, values in LISTS.items()}
    for field in ("state", "medicare", "company_pay_group"):
        del job[field]
    job["pay_group"] = or_missing(
        draw, st.sampled_from(["BW", "BW", "WK", "SM", "MO", "BW27", "SHORT", "OFF"]), 30
    )
    job["weekly_hours_hundredths"] = or_missing(draw, st.sampled_from([2000, 2999, 3000, 4000]))
    job["annual_pay_cents"] = or_missing(draw, dollars(8_000, 300_000).map(lambda amount: int(amount * 100)))
    job["is_for_eligibility"] = not rarely(draw, 8)
    job["last_day_employed"] = None
    if event["event_class"] == "TER":
        job["job_status"] = "T"
        job["last_day_employed"] = or_missing(draw, st.just(event["event_on"] - timedelta(1)), 10)
    return job


@st.composite
def further_jobs(draw: DrawFn, event: Row) -> Row:
    """Draw a job beside the primary one, perhaps of another benefit record."""
    flags = {"is_for_eligibility": not rarely(draw, 3), "is_of_record": not rarely(draw, 3)}
    return draw(jobs({**event, "event_class": "MSC"})) | flags


@st.composite
def overrides(draw: DrawFn, client: Row) -> list[Row]:
    """Draw what somebody decided in place of rules: about a program, or about some options."""
    if not rarely(draw, 4):
        return []
    program = draw(st.sampled_from(sorted({row["code"] for row in client["programs"]})))
    places = [
        (section["plan_type"], code)
        for section in _sections(client, program)
        for code in option_codes(section)
    ]
    of_program = next(row for row in client["programs"] if row["code"] == program)
    places += [("01", one["code"]) for one in of_program.get("deductions", [])]
    decided = [{"program": program}] if draw(st.booleans()) else []
    chosen = draw(st.lists(st.sampled_from(places), max_size=2, unique=True))
    decided += [{"program": program, "plan_type": kind, "option": code} for kind, code in chosen]
    return [{**one, "eligible": draw(st.booleans())} for one in decided]


@st.composite
def households(draw: DrawFn, event: Row) -> list[Row]:
    kinds = draw(st.lists(st.sampled_from(["SP", "DP", "SS"]), max_size=1))
    kinds += draw(st.lists(st.sampled_from(["CH", "CH", "AC", "OD", "NQ", "NQ"]), max_size=5))
    if event["event_class"] == "BIR":
        kinds.append("CH")
    members = [draw(dependents(number, kind, event["event_on"])) for number, kind in enumerate(kinds, 1)]
    if event["event_class"] == "BIR":
        members[-1]["birth_on"] = event["event_on"]
    return members


@st.composite
def dependents(draw: DrawFn, number: int, person_type: str, event_on: date) -> Row:
    first = date(1955, 1, 1) if person_type in ("SP", "DP", "SS") else date(1994, 1, 1)
    last = date(2005, 1, 1) if person_type in ("SP", "DP", "SS") else event_on
    last_student = event_on + timedelta(days=150)
    return {
        "id": number,
        "person_type": person_type,
        "birth_on": or_missing(draw, days(first, last)),
        "sex": or_missing(draw, st.sampled_from("FMX")),
        "is_smoker": or_missing(draw, st.booleans()),
        "is_student": rarely(draw, 4),
        "student_through": draw(
            st.sampled_from([None, event_on, event_on + timedelta(days=400)]) | days(event_on, last_student)
        ),
        "is_disabled": rarely(draw, 8),
        "is_married": rarely(draw, 8),
        "is_former": rarely(draw, 8),
    }


def _sections(client: Row, program: str) -> list[Row]:
    """List the plan types of the first row of a program."""
    return next(row["plan_types"] for row in client["programs"] if row["code"] == program)


def option_codes(section: Row) -> list[str]:
    """List the options of a plan type as they are written out, one for each coverage code."""
    return [
        f"{part['code']}-{code}" if code else part["code"]
        for part in section["options"]
        for code in part.get("coverage_codes") or [""]
    ]


@st.composite
def left_plan_types(draw: DrawFn, event_on: date) -> dict[str, date]:
    """Draw which plan types were left, and their first days without coverage."""
    day = days(event_on - timedelta(760), event_on - timedelta(1))
    return draw(st.dictionaries(st.sampled_from(PLAN_TYPES), day, max_size=6))


@st.composite
def elections(draw: DrawFn, client: Row, dependents: list[int]) -> list[Row]:
    """Draw what holds before the event: mostly under the first program, at most one entry a plan type.

    Health coverage names dependents of the household, whoever they are, or nobody.
    """
    held: dict[str, Row] = {}
    for program in draw(st.permutations(sorted({row["code"] for row in client["programs"]}))):
        for section in _sections(client, program):
            plan_type = section["plan_type"]
            if plan_type in held or rarely(draw, 3):
                continue
            kind = draw(st.sampled_from("EEEDDWTNI"))
            entry = {"plan_type": plan_type, "slot": 0, "kind": kind, "program": program, "option": None}
            entry |= {"coverage_cents": None, "pledge_cents": None}
            if kind in "ED":
                entry["option"] = draw(st.sampled_from(option_codes(section)))
                entry |= draw(held_amounts(plan_type))
                if plan_type in HEALTH and dependents and draw(st.booleans()):
                    entry["dependents"] = draw(st.lists(st.sampled_from(dependents), min_size=1, unique=True))
            held[plan_type] = entry
    return list(held.values())


@st.composite
def endings(
    draw: DrawFn, client: Row, dependents: list[int], current: list[Row], event_on: date
) -> list[Row]:
    """Draw what ended last in plan types: some of it still runs out, and is in force as it was."""
    if not rarely(draw, 3):
        return []
    in_force = {one["plan_type"]: one for one in current if one["kind"] in ("E", "D")}
    found = []
    for drawn in draw(elections(client, dependents)):
        running = in_force.get(drawn["plan_type"])
        if running is None and drawn["kind"] not in ("E", "D", "W"):
            continue
        ended_on = event_on - timedelta(draw(st.sampled_from([0, 1, 2, 29, 30, 31, 200])))
        ahead = st.integers(0, 40) if running else st.integers(-20, 0)
        resumes_on = max(ended_on, event_on + timedelta(draw(ahead)))
        dates = {"ended_on": ended_on, "resumes_on": resumes_on}
        dates["deduction_resumes_on"] = resumes_on + timedelta(draw(st.integers(-10, 20)))
        found.append({**(running or drawn), **dates})
    return found


def held_amounts(plan_type: str) -> SearchStrategy[Row]:
    cents = st.integers(1_000, 30_000_000)
    if plan_type in (*GRADED_BY_PAY, *FIXED):
        return st.fixed_dictionaries({"coverage_cents": cents})
    if plan_type in PLEDGED:
        return st.fixed_dictionaries({"pledge_cents": st.integers(1, 340_000)})
    return st.just({})


@st.composite
def prior_options(draw: DrawFn, client: Row) -> set[tuple[str, str]] | None:
    """Draw what the last event offered: nothing known, all of the first program, or some of it."""
    program = client["programs"][0]["code"]
    pairs = [
        (section["plan_type"], code)
        for section in _sections(client, program)
        for code in option_codes(section)
    ]
    match draw(st.sampled_from(["none", "all", "some"])):
        case "none":
            return None
        case "all":
            return set(pairs)
    return draw(st.sets(st.sampled_from(pairs)))
