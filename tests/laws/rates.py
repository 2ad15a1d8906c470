"""Rate tables, contributions, formulas and calculation rules, as bundles write them."""

from datetime import date
from decimal import Decimal
from itertools import product

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from tests.laws.drawing import (
    BASE_TYPES,
    COVERAGE_CODES,
    EDGES,
    MICRO,
    ORIGIN,
    Row,
    dated,
    dollars,
    percents,
    rarely,
)
from tests.laws.rules import ruled_by

from openbenefits.core.codes import AgeOf, PriceDay


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
        table["area_of"] = draw(st.sampled_from(["home", "home", "company", "location"]))
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
    then = st.tuples(of_jobs, of_a_day).map(lambda parts: parts[0] | parts[1])
    return st.just({}) | st.just({}) | of_a_day | of_jobs | then | of_a_base | both


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


@st.composite
def costs(draw: DrawFn, client: Row, name: str, kind: str, coverage_codes: list[str]) -> Row:
    client["rate_tables"] += draw(rate_tables(f"T{name}", kind))
    if rarely(draw, 4):
        return {"rate_table": f"T{name}"} | ruled_by(draw)
    rows = dated(draw, contribution_rows(coverage_codes))
    client["contributions"] += [{"code": f"C{name}", **row} for row in rows]
    return {"rate_table": f"T{name}", "contribution": f"C{name}"} | ruled_by(draw)


@st.composite
def calculation_rules(draw: DrawFn) -> Row:
    """Draw a rule: any day for each fact, anybody's age."""
    body: Row = {"age_of": str(draw(st.sampled_from([AgeOf.EMPLOYEE, *AgeOf])))}
    for fact in ("age", "service", "pay"):
        body[f"{fact}_as_of"] = str(draw(st.sampled_from(PriceDay)))
        if body[f"{fact}_as_of"].endswith("year"):
            body[f"{fact}_day"] = draw(st.sampled_from(["01-01", "02-29", "06-15", "12-31"]))
    return body
