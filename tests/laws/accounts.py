"""People with several spending accounts under one limit, over the analysts' set-up of stated amounts."""

from copy import deepcopy
from datetime import date
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from tests.laws.strategies import days, rarely
from tests.oracle.cases import merge, read_yaml

Row = dict[str, Any]

BASE = merge(read_yaml("base.yaml"), read_yaml("elections-amounts.yaml")["given"])
ACCOUNTS = {"60": "FSA", "67": "HSA", "6A": "LP"}
CENTS = st.integers(0, 900_000) | st.sampled_from([340_000, 340_001, 439_999, 440_000, 440_001, 875_000])


@st.composite
def account_holders(draw: DrawFn) -> tuple[Row, Row, list[Row]]:
    """Draw a set-up with two HSAs, or an HSA and a second FSA, and some people with accounts and elections."""
    client = deepcopy(BASE["client"])
    second = {"plan_type": "6A", "event_rule": "FSA", "waive": "allowed", "amount": "annual_pledge"}
    second["options"] = [{"code": "LP", "plan": "LP", "deduction_code": "FSABT"}]
    sections = [
        {"plan_type": "60", "annual_limit": draw(st.sampled_from([None, "health_fsa_salary_reduction"]))},
        {"plan_type": "67", "annual_limit": "hsa_self", **draw(_bounds()), **draw(_credits("HSA"))},
        {
            **second,
            "annual_limit": draw(st.sampled_from(["hsa_self", "hsa_self", "health_fsa_salary_reduction"])),
        },
        {"plan_type": "10", "event_rule": draw(st.sampled_from(["MED", "IGN"]))},
    ]
    client = merge(
        client, {"programs": [{"code": "STD", "plan_types": sections}], "event_rules": [draw(_rule())]}
    )
    ignoring = {
        "code": "IGN",
        "from": date(2020, 1, 1),
        "source": "law",
        "classes": [{"event_class": "", "ignore": True}],
    }
    client["event_rules"].append(ignoring)
    return deepcopy(BASE["peo"]), client, draw(st.lists(_holders(), min_size=1, max_size=4))


@st.composite
def _rule(draw: DrawFn) -> Row:
    row = {
        "event_class": "",
        "deduction_begins": draw(st.sampled_from(["with_coverage", "first_of_month_after"])),
        "ignore": rarely(draw, 8),
    }
    return {"code": "FSA", "classes": [row]}


def _bounds() -> SearchStrategy[Row]:
    return st.fixed_dictionaries({"month_rule": st.booleans()})


@st.composite
def _credits(draw: DrawFn, code: str) -> Row:
    if not rarely(draw, 3):
        return {}
    return {"options": [{"code": code, "credits": [{"rate_table": "TWENTY", "earnings_code": "HSAE"}]}]}


@st.composite
def _holders(draw: DrawFn) -> Row:
    medical = draw(st.sampled_from(["HD-EE", "HD-EE", "HD-ES", "MED-EE"]))
    current = [_held("10", medical)] + [
        _held(kind, option, pledge_cents=draw(CENTS))
        for kind, option in ACCOUNTS.items()
        if not rarely(draw, 3)
    ]
    event_class = draw(st.sampled_from(["OE", "MSC"]))
    return {
        **deepcopy(BASE["person"]),
        "birth_on": draw(st.sampled_from([date(1980, 6, 15), date(1970, 1, 1), None])),
        "prior_options": None,
        "event": {
            **BASE["event"],
            "event_class": event_class,
            "event_on": draw(days(date(2026, 1, 1), date(2026, 12, 31))),
        },
        "current": current,
        "elections": [draw(_election(kind, option)) for kind, option in ACCOUNTS.items() if rarely(draw, 2)],
        "contributed": draw(contributed(date(2025, 12, 1), date(2027, 1, 31))),
    }


def _held(plan_type: str, option: str, **more: Any) -> Row:
    return {"plan_type": plan_type, "kind": "E", "program": "STD", "option": option, **more}


@st.composite
def _election(draw: DrawFn, plan_type: str, option: str) -> Row:
    chosen = draw(st.sampled_from([option, option, option, "WAIVE"]))
    return {"plan_type": plan_type, "option": chosen, "pledge_cents": draw(st.none() | CENTS)}


@st.composite
def contributed(draw: DrawFn, first: date, last: date) -> Row:
    """Draw what pays of a span took of pledges; rarely one is not known."""
    pays = st.fixed_dictionaries(
        {
            "ends_on": days(first, last),
            "owed_cents": st.integers(0, 400_000) | st.sampled_from([340_000, 440_000]),
        }
    )
    found = {kind: draw(st.lists(pays, max_size=3)) for kind in ACCOUNTS}
    for taken in found.values():
        if taken and rarely(draw, 8):
            taken[0]["owed_cents"] = None
    return found
