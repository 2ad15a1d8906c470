"""Percentages after tax and hours of leave sold, from a real database to the register."""

import csv
from datetime import date

import pytest

from openbenefits.payroll.services import owed, write_register

from .worlds import BEGIN, THROUGH, World

SAVINGS = {
    "plan_type": "40",
    "event_rule": "OTHER",
    "amount": "percent_of_pay",
    "maximum_after_tax_percent": 10,
    "options": [
        {"code": "SAVE", "plan": "SAVE", "deduction_code": "FSA", "after_tax_deduction_code": "SAVAT"}
    ],
}
LEAVE = {
    "plan_type": "90",
    "event_rule": "OTHER",
    "amount": "hours",
    "options": [
        {
            "code": "SELL",
            "plan": "PTO",
            "deduction_code": "FSA",
            "hours": {"trade": "sell", "earnings_code": "PTOPAY"},
        }
    ],
}


def offer(section):
    section[0]["plan_types"] += [SAVINGS, LEAVE]


def plans(section):
    bare = {name: section[0][name] for name in section[0] if name not in ("code", "plan_type", "name")}
    section += [bare | {"code": "SAVE", "plan_type": "40", "name": "Savings"}]
    section += [bare | {"code": "PTO", "plan_type": "90", "name": "Leave"}]


def codes(section):
    section.append({"code": "SAVAT", "name": "Savings after tax", "tax": "after", "periods_of_month": [1]})


@pytest.fixture
def trading(fresh_database, tmp_path):
    return World(fresh_database, tmp_path, {"plans": plans, "deduction_codes": codes}, programs=offer)


def register_of(world, tmp_path, through):
    found = owed(world.connection, world.client_id, begin=BEGIN, through=through)
    path = tmp_path / "register.csv"
    write_register(found.filter(found["plan_type"] != "01"), path)
    names = ("ends_on", "kind", "deduction_code", "earnings_code", "tax_class", "owed", "cause")
    return [tuple(row[name] for name in names) for row in csv.DictReader(path.read_text().splitlines())]


def test_a_percentage_after_tax_is_a_line_of_its_own(trading, tmp_path):
    person = trading.hire("0007")  # 52,000.00 a year: 2,000.00 a pay
    trading.cover(person, "40", "SAVE", percent_thousandths=6_000, after_tax_thousandths=2_500)
    trading.cover(
        person, "40", "SAVE", date(2026, 1, 19), percent_thousandths=6_000, after_tax_thousandths=3_000
    )
    assert register_of(trading, tmp_path, date(2026, 2, 1)) == [
        ("2026-01-04", "deduction", "SAVAT", "", "A", "50.00", "begins"),
        ("2026-01-04", "deduction", "FSA", "", "B", "120.00", "begins"),
        ("2026-01-18", "deduction", "FSA", "", "B", "120.00", ""),
        ("2026-02-01", "deduction", "SAVAT", "", "A", "60.00", "coverage changed"),
        ("2026-02-01", "deduction", "FSA", "", "B", "120.00", ""),
    ]


def test_after_tax_ends_alone(trading, tmp_path):
    person = trading.hire("0007")
    trading.cover(person, "40", "SAVE", percent_thousandths=6_000, after_tax_thousandths=2_500)
    trading.cover(person, "40", "SAVE", date(2026, 1, 19), percent_thousandths=6_000)
    told = [row for row in register_of(trading, tmp_path, date(2026, 3, 1)) if row[-1]]
    assert told == [
        ("2026-01-04", "deduction", "SAVAT", "", "A", "50.00", "begins"),
        ("2026-01-04", "deduction", "FSA", "", "B", "120.00", "begins"),
        ("2026-02-01", "deduction", "SAVAT", "", "A", "0.00", "ends"),
    ]


def test_hours_sold_are_earnings_under_the_code_of_the_option(trading, tmp_path):
    person = trading.hire("0007")
    trading.cover(person, "90", "SELL", pledge_cents=100_000, hours_hundredths=4_000)
    rows = register_of(trading, tmp_path, THROUGH)
    assert {row[1:5] for row in rows} == {("sold", "FSA", "PTOPAY", "")}
    assert sum(round(float(row[5]) * 100) for row in rows) == 100_000
