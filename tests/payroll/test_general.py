"""General deductions and credits in the pays: before or after tax, and only for whom a rule admits."""

from copy import deepcopy
from datetime import date

import polars as pl

from openbenefits.payroll.rules import owed_lines
from openbenefits.payroll.rules.credits import GIVEN, asks_rules

from .columnar import OWNER, Projection, base

BEGIN, THROUGH = date(2026, 1, 1), date(2026, 3, 31)
MEDICAL = {"plan_type": "10", "kind": "E", "program": "STD", "option": "MED-EE"}
RULE = {"eligibility": "ACTIVE"}


def owed_of(general, given=(), points=None, deduction_code="LIFEAT"):
    """List the general lines (kind, tax, pay end, cents, fault) under a program with some general options."""
    peo, client, person = deepcopy(base())
    client["programs"][0] |= general
    for deduction in client["programs"][0].get("deductions", []):
        deduction["deduction_code"] = deduction_code
    setup = Projection(peo, client)
    points = points or [MEDICAL | {"begins_on": BEGIN, "deduction_begins_on": BEGIN}]
    known = setup.known(person, points, BEGIN, THROUGH)
    rows = [
        OWNER
        | {"schedule_id": 1, "event_number": number, "from_on": day}
        | {"option_id": setup.numbers.of("option", f"STD/01/{code}") if code else None}
        for number, (day, code) in enumerate(given, 1)
    ]
    known = setup.with_given(known, pl.DataFrame(rows, schema=GIVEN, orient="row"))
    lines = owed_lines(known, setup.rulebook, begin=BEGIN, through=THROUGH).filter(plan_type="01")
    return setup, lines.filter(pl.col("cause") != "ends")


def fee(**more):
    return {"deductions": [{"code": "FEE", "name": "Fee", "rate_table": "TWENTY"} | more]}


def test_a_general_deduction_is_owed_in_every_pay_in_which_something_of_its_program_holds():
    setup, lines = owed_of(fee())
    assert not asks_rules(setup.rulebook)
    assert lines["kind"].unique().to_list() == ["deduction"]
    assert lines["tax_class"].unique().to_list() == ["A"]
    assert lines["ends_on"].to_list()[:2] == [date(2026, 1, 4), date(2026, 1, 18)]
    assert (lines.height, lines["owed_cents"].sum()) == (7, 6_462)  # 7 of 26 pays of 240.00
    assert lines["fault"].null_count() == 7


def test_its_deduction_code_says_in_which_pays_and_before_which_tax():
    _, lines = owed_of(fee(), deduction_code="MEDBT")
    assert lines["tax_class"].unique().to_list() == ["B"]
    assert lines["owed_cents"].to_list() == [1_000] * 6  # the first two pays of each month
    assert lines["ends_on"].to_list()[-1] == date(2026, 3, 15)


def test_it_ends_with_the_last_of_its_program():
    end = {"kind": "T", "option": None, "begins_on": date(2026, 2, 1)}
    points = [
        MEDICAL | {"begins_on": BEGIN, "deduction_begins_on": BEGIN},
        MEDICAL | end | {"deduction_begins_on": date(2026, 2, 1)},
    ]
    _, lines = owed_of(fee(), points=points)
    assert lines["ends_on"].to_list() == [date(2026, 1, 4), date(2026, 1, 18)]


def test_the_last_settled_event_says_whom_a_rule_admits():
    given = [(BEGIN, "FEE"), (date(2026, 2, 1), None), (date(2026, 3, 1), "FEE")]
    setup, lines = owed_of(fee(**RULE), given)
    assert asks_rules(setup.rulebook)
    days = [date(2026, 1, 4), date(2026, 1, 18), date(2026, 3, 1), date(2026, 3, 15), date(2026, 3, 29)]
    assert lines["ends_on"].to_list() == days
    assert lines["owed_cents"].null_count() == 0


def test_of_two_events_of_a_day_the_later_counts():
    _, lines = owed_of(fee(**RULE), [(BEGIN, "FEE"), (BEGIN, None)])
    assert lines.is_empty()
    _, lines = owed_of(fee(**RULE), [(BEGIN, None), (BEGIN, "FEE")])
    assert lines.height == 7


def test_before_any_settled_event_the_amount_is_unknown_not_nothing():
    _, lines = owed_of(fee(**RULE), [(date(2026, 1, 18), "FEE")])
    assert lines["owed_cents"].is_null().to_list() == [True] + [False] * 6
    assert lines["fault"].to_list() == ["eligibility"] + [None] * 6


def test_a_general_credit_with_a_rule_is_paid_to_whom_it_admits():
    credit = {"credits": [{"rate_table": "TWENTY", "earnings_code": "CR"} | RULE]}
    _, lines = owed_of(credit, [(BEGIN, None), (date(2026, 3, 1), "CREDIT-1")])
    assert lines["kind"].unique().to_list() == ["credit"]
    assert lines["ends_on"].to_list() == [date(2026, 3, 1), date(2026, 3, 15), date(2026, 3, 29)]
