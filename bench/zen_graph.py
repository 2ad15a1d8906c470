"""A client's rules as a decision graph of zen-engine (JDM), evaluated once per person.

The graph covers the heart of the work: the program by a decision table; eligible options by a decision table
that collects; per option the coverage amount by expressions, the rate by a decision table, the month's price,
the employer's contribution with its cap, and the year. It does *not* cover dates, pay calendars and the price
per pay, defaults and what is in force, levels and history, evidence of insurability, waivers, dated set-up,
missing facts, messages and reasons. Age, months of service and who is in the household are given to it.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

from tests.oracle.dates import age_years, service_months
from tests.oracle.eligibility import counting_dependents
from tests.oracle.rows import Setup, options_of

from bench.documents import Row

COVERS = (
    "program, eligible options, coverage amounts, rates, contributions, yearly cost;"
    " not dates, pays, defaults, proof, waivers, missing facts, messages, reasons"
)
PAY_DIVISOR = {"annual_pay": 1, "monthly_pay": 12, "weekly_pay": 52}
UNIT_DIVISOR = {"flat": 1, "per_hundred": 100, "per_thousand": 1000}


def graph_of(peo: Row, client: Row) -> str:
    """Write the decision graph of a client."""
    steps = [
        _table("program", _PROGRAM_INPUTS, ["program"], list(_program_rows(client))),
        _table(
            "offers",
            ["program", *_FACT_INPUTS],
            [*_OFFER, *_CARRIED],
            list(_offer_rows(peo, client)),
            collects=True,
        ),
        _each("coverage", list(_coverage_steps())),
        _table("rates", ["table", "age", "tier"], ["rate"], list(_rate_rows(peo, client)), is_each=True),
        _each("price", list(_price_steps())),
    ]
    nodes = [{"id": "in", "type": "inputNode", "name": "in"}, *steps]
    nodes.append({"id": "out", "type": "outputNode", "name": "out"})
    names = [node["id"] for node in nodes]
    edges = [
        {"id": f"{one}-{other}", "type": "edge", "sourceId": one, "targetId": other}
        for one, other in pairwise(names)
    ]
    return json.dumps({"nodes": nodes, "edges": edges})


def context_of(setup: Setup, person: Row) -> Row:
    """Give a person's facts as the graph wants them: dollars, years, and who is in the household."""
    day, job = person["event"]["event_on"], person["job"]
    household = counting_dependents(setup, "HEALTH", person, day)
    kinds = [one["person_type"] for one in household]
    return {
        "benefit_group": job["benefit_group"],
        "job_status": job["job_status"],
        "employee_class": job["employee_class"],
        "location": job["location"],
        "weekly_hours": job["weekly_hours_hundredths"] / 100,
        "annual_pay": job["annual_pay_cents"] / 100,
        "age": age_years(person["birth_on"], day),
        "service_months": service_months(person["service_on"], day),
        "spouses": kinds.count("SP"),
        "children": sum(kind in ("CH", "AC", "OD") for kind in kinds),
    }


# --- tables -----------------------------------------------------------------------------------------------

_FACT_INPUTS = ("employee_class", "location", "service_months", "spouses", "children")
_PROGRAM_INPUTS = ["benefit_group", "job_status", "weekly_hours"]
_FORMULA = ("base_divisor", "factor", "round_to", "round_up", "maximum")
_CONTRIBUTION = ("employee_percent", "dependent_percent", "fixed", "cap")
_CARRIED = ["age", "annual_pay"]  # facts each option is priced by
_OFFER = ["plan_type", "code", "tier", "table", "own_rate", "unit", *_FORMULA, *_CONTRIBUTION]


def _program_rows(client: Row) -> Iterator[tuple[Row, Row]]:
    for program in client["programs"]:
        yield _conditions(client, program.get("eligibility")), {"program": program["code"]}


def _offer_rows(peo: Row, client: Row) -> Iterator[tuple[Row, Row]]:
    persons = {row["code"]: row.get("persons", {}) for row in peo["coverage_codes"]}
    for program in client["programs"]:
        for section in program["plan_types"]:
            for option in options_of(section):
                needed = persons.get(option["coverage_code"], {})
                conditions = _conditions(client, option.get("eligibility"))
                conditions["program"] = _text(program["code"])
                for kind, field in (("SP", "spouses"), ("CH", "children")):
                    if kind in needed:
                        conditions[field] = f">= {needed[kind]['min']}"
                yield conditions, _offer(peo, client, section["plan_type"], option)


def _offer(peo: Row, client: Row, plan_type: str, option: Row) -> Row:
    cost = (option.get("costs") or [{}])[0]
    table = _row(client, peo, "rate_tables", cost.get("rate_table"))
    formula = _row(client, peo, "formulas", option.get("formula"))
    multiply, rounding = formula.get("steps", ({}, {}))
    given = _row(client, peo, "contributions", cost.get("contribution")).get("rows", ({},))[0]
    keys = table.get("keys", ())
    return {
        "plan_type": plan_type,
        "code": option["code"],
        "tier": option["coverage_code"] or "",
        "table": table.get("code", ""),
        "own_rate": _own_rate(table) if "coverage_code" in keys else -1,
        "unit": UNIT_DIVISOR[table.get("unit", "flat")],
        "base_divisor": PAY_DIVISOR[formula.get("base", "annual_pay")] if formula else 0,
        "factor": multiply.get("multiply", 0),
        "round_to": rounding.get("round_to", 1),
        "round_up": rounding.get("round_up", 0),
        "maximum": formula.get("maximum", 0),
        "employee_percent": given.get("employee_percent", 0),
        "dependent_percent": given.get("dependent_percent", 0),
        "fixed": given.get("fixed_monthly", 0),
        "cap": given.get("cap_monthly", 999_999),
    }


def _own_rate(table: Row) -> Decimal:
    return next(line["rate"] for line in table["rates"] if line["coverage_code"] == "1")


def _rate_rows(peo: Row, client: Row) -> Iterator[tuple[Row, Row]]:
    """List the rates of all tables the client's options name; bands of age in falling order."""
    named = {
        cost["rate_table"]
        for program in client["programs"]
        for section in program["plan_types"]
        for option in section["options"]
        for cost in option.get("costs", ())
    }
    for code in sorted(named):
        table = _row(client, peo, "rate_tables", code)
        for line in sorted(table["rates"], key=lambda line: -line.get("age_from", 0)):
            conditions = {"table": _text(code)}
            if "age" in table.get("keys", ()):
                conditions["age"] = f">= {line['age_from']}"
            if "coverage_code" in table.get("keys", ()):
                conditions["tier"] = _text(line["coverage_code"])
            yield conditions, {"rate": line["rate"]}
    yield {"table": _text("")}, {"rate": 0}


def _coverage_steps() -> Iterator[tuple[str, str]]:
    yield "base", "base_divisor > 0 ? round(annual_pay * 100 / base_divisor) / 100 : 0"
    yield "raw", "floor((round($.base * factor * 100) / 100 + round_up) / round_to) * round_to"
    yield "coverage", "base_divisor > 0 ? min([$.raw, maximum]) : 0"


def _price_steps() -> Iterator[tuple[str, str]]:
    yield "month", "round(rate * (unit > 1 ? coverage / unit : 1) * 100) / 100"
    yield "own", "own_rate < 0 ? $.month : own_rate"
    yield (
        "share",
        "round($.own * employee_percent) / 100 + round(($.month - $.own) * dependent_percent) / 100 + fixed",
    )
    yield "employer", "min([$.share, cap, $.month])"
    yield "year", "($.month - $.employer) * 12"


def _row(client: Row, peo: Row, section: str, code: str | None) -> Row:
    """Find a row by its code: the client's own, else the PEO's; the last one from 2026 or before."""
    for bundle in (client, peo):
        rows = [row for row in bundle.get(section, ()) if row["code"] == code]
        if rows:
            return max(rows, key=lambda row: row["from"])
    return {}


def _conditions(client: Row, rule: str | None) -> Row:
    """Turn the criteria of a rule into cells of a decision table."""
    return {
        part["field"]: _cell(part) for part in _row(client, {}, "eligibility_rules", rule).get("criteria", ())
    }


def _cell(part: Row) -> str:
    if "values" in part:
        return ", ".join(_text(value) for value in part["values"])
    return f">= {part['min']}"


# --- the form of JDM ----------------------------------------------------------------------------------------


def _table(
    name: str,
    inputs: list[str],
    outputs: list[str],
    rules: list[tuple[Row, Row]],
    *,
    collects: bool = False,
    is_each: bool = False,
) -> Row:
    """Write a decision table; a condition left out holds, a result left out is the fact of that name."""
    content = {
        "hitPolicy": "collect" if collects else "first",
        "passThrough": True,
        "inputs": [{"id": f"i-{one}", "name": one, "field": one} for one in inputs],
        "outputs": [{"id": f"o-{one}", "name": one, "field": one} for one in outputs],
        "rules": [
            {
                "_id": f"{name}-{number}",
                **{f"i-{one}": conditions.get(one, "") for one in inputs},
                **{f"o-{one}": _text(results[one]) if one in results else one for one in outputs},
            }
            for number, (conditions, results) in enumerate(rules)
        ],
    }
    if collects:
        content["outputPath"] = "options"
    if is_each:
        content |= _EACH
    return {"id": name, "type": "decisionTableNode", "name": name, "content": content}


_EACH = {"inputField": "options", "outputPath": "options", "executionMode": "loop"}


def _each(name: str, steps: list[tuple[str, str]]) -> Row:
    """Write expressions that are computed for every option."""
    expressions = [{"id": key, "key": key, "value": value} for key, value in steps]
    content = {"passThrough": True, "expressions": expressions, **_EACH}
    return {"id": name, "type": "expressionNode", "name": name, "content": content}


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, str) else str(value)
